// The browser's history: an entry is a step that a person took, so that one press of Back undoes one of them.
//
// Streamlit writes an entry for whatever a page puts into the link, and none for what a widget does. Here an entry is
// made where a press has led to another page, model or picture; all else that is written, before the next press, belongs
// to the entry that is there.
//
// And a widget that speaks in the same moment as a view puts its value into the link too late for the page's run, which
// takes it out again: it is put back, and the page hears of it.
import type { FrontendRendererArgs } from "@streamlit/component-v2-lib";

const PRESSES = ["pointerdown", "keydown"];
const RECENT = 2_000; // milliseconds in which a page answers to a widget

/** What of a link a widget has just changed. */
interface Change {
  before: string;
  after: string[];
  at: number;
}

/** What a person can go back to: the page, and of the link what is a step. */
export function stepOf(address: URL, keys: string[]): string {
  return JSON.stringify([address.pathname, ...keys.map((key) => address.searchParams.getAll(key))]);
}

const valueOf = (address: URL, key: string) => JSON.stringify(address.searchParams.getAll(key));

/** Both ways in which Streamlit writes the history. */
export class Steps {
  keys: string[] = []; // what of a link is a step
  tell: (keys: string[]) => void = () => undefined; // what of a link came too late for the page
  private pressed = false; // since the last entry
  private readonly changes = new Map<string, Change>();
  private readonly push: History["pushState"];
  private readonly change: History["replaceState"];

  constructor(history: History) {
    this.push = history.pushState.bind(history);
    this.change = history.replaceState.bind(history);
    history.pushState = (data, title, url) => this.fromPage(data, title, url);
    history.replaceState = (data, title, url) => this.fromWidget(data, title, url);
    for (const press of PRESSES) addEventListener(press, () => this.press(), true);
    addEventListener("popstate", () => (this.pressed = false), true);
  }

  /** What a page writes from now on may answer to this press, and undo what a widget did before it. */
  private press(): void {
    this.pressed = true;
    this.changes.clear();
  }

  /** A widget changes the link, by itself. */
  private fromWidget(data: unknown, title: string, url?: string | URL | null): void {
    const [now, next] = this.addresses(url);
    for (const key of new Set([...now.searchParams.keys(), ...next.searchParams.keys()])) {
      const before = valueOf(now, key);
      if (before === valueOf(next, key)) continue;
      this.changes.set(key, { before, after: next.searchParams.getAll(key), at: performance.now() });
    }
    this.write(data, title, next);
  }

  /** A page changes the link, or is opened; what a widget has put there since the page read it stays. */
  private fromPage(data: unknown, title: string, url?: string | URL | null): void {
    const [now, next] = this.addresses(url);
    const late: string[] = [];
    for (const [key, { before, after, at }] of this.changes) {
      if (next.pathname !== now.pathname || performance.now() - at > RECENT) continue;
      if (before !== valueOf(next, key) || before === JSON.stringify(after)) continue;
      next.searchParams.delete(key);
      for (const value of after) next.searchParams.append(key, value);
      late.push(key);
      this.changes.delete(key);
    }
    if (next.pathname !== now.pathname) this.changes.clear();
    this.write(data, title, next);
    if (late.length > 0) setTimeout(() => this.tell(late), 0);
  }

  private addresses(url?: string | URL | null): [URL, URL] {
    return [new URL(location.href), new URL(url ?? location.href, location.href)];
  }

  private write(data: unknown, title: string, next: URL): void {
    const isStep = this.pressed && stepOf(next, this.keys) !== stepOf(new URL(location.href), this.keys);
    if (isStep) this.pressed = false;
    (isStep ? this.push : this.change)(data, title, next);
  }
}

let steps: Steps | null = null;

export default function watch(args: FrontendRendererArgs<Record<string, unknown>, { keys: string[] }>): void {
  steps ??= new Steps(history);
  steps.keys = args.data.keys;
  steps.tell = (keys) => args.setTriggerValue("late", keys);
}
