// The browser's history: an entry is a step that a person took, so that one press of Back undoes one of them.
//
// Streamlit writes an entry for whatever a page puts into the link, and none for what a widget does. Here an entry is
// made where a press has led to another page, model or picture; all else that is written, before the next press, belongs
// to the entry that is there.
import type { FrontendRendererArgs } from "@streamlit/component-v2-lib";

const PRESSES = ["pointerdown", "keydown"];
let keys: string[] = []; // what of a link is a step
let pressed = false; // since the last entry

/** What a person can go back to: the page, and of the link what is a step. */
export function stepOf(address: string | URL, keys: string[]): string {
  const { pathname, searchParams } = new URL(address, document.baseURI);
  return JSON.stringify([pathname, ...keys.map((key) => searchParams.getAll(key))]);
}

/** Let both ways of writing the history make an entry for a step, and change the present one for anything else. */
function watch(history: History): void {
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  const write = (data: unknown, title: string, url?: string | URL | null) => {
    const isStep = pressed && url != null && stepOf(url, keys) !== stepOf(location.href, keys);
    if (isStep) pressed = false;
    (isStep ? push : replace)(data, title, url);
  };
  history.pushState = history.replaceState = write;
  for (const press of PRESSES) addEventListener(press, () => (pressed = true), true);
  addEventListener("popstate", () => (pressed = false), true);
}

export default function steps({ data }: FrontendRendererArgs<Record<string, unknown>, { keys: string[] }>): void {
  if (keys.length === 0) watch(history);
  keys = data.keys;
}
