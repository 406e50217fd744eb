// The component: which view is shown, and what it hears of the page around it.
import type { FrontendRendererArgs } from "@streamlit/component-v2-lib";
import "./style.css"; // first: those of the views build on it
import { Compare } from "./views/compare";
import { Cutout } from "./views/cutout";
import { Draw } from "./views/draw/draw";
import { type Engine, engine } from "./decode/engine";
import { Grid } from "./views/grid";
import { Loading } from "./decode/loading";
import { PointMap } from "./views/map/map";
import { Pad } from "./views/pad";
import type { Model, Sent } from "../built/payloads";
import { Path } from "./views/path";
import { Pictures } from "./views/pictures";
import { Sheet } from "./views/sheet";
import { Traverse } from "./views/traverse";
import type { Host, View } from "./view";

const VIEWS: Record<string, new (host: Host) => View> = {
  compare: Compare,
  cutout: Cutout,
  draw: Draw,
  grid: Grid,
  map: PointMap,
  pad: Pad,
  path: Path,
  pictures: Pictures,
  sheet: Sheet,
  traverse: Traverse,
};

interface Data extends Sent {
  model?: Model;
  columns?: { model: Model }[];
}

type Told = Host & { data: unknown; last: number };

interface Shown {
  name: string;
  host: Told;
  view: View;
  loading: Loading;
  dispose: () => void;
}

const shown = new WeakMap<Node, Shown>(); // Streamlit calls the default export again with every change of data or theme
let count = 0; // of what was told, ever growing: a page that is loaded anew goes on from there

export default function live({
  data,
  parentElement,
  setStateValue,
}: FrontendRendererArgs<Record<string, unknown>, Data>): () => void {
  let found = shown.get(parentElement);
  if (found?.name !== data.view) {
    found?.dispose();
    shown.set(parentElement, (found = mount(data.view, parentElement, engine(data.runtime))));
  }
  const { host } = found;
  const tell = (name: string, value: unknown) => {
    host.last = count = Math.max(count + 1, Date.now());
    setStateValue(name, { value, count });
  };
  Object.assign(host, { tell, data, settled: data.told >= host.last });
  host.root.classList.toggle("presented", data.present);
  found.view.show(data as never);
  found.view.fit();
  if (data.present) takeKeys(host.root);
  found.loading.watch(data.model ? [data.model] : (data.columns ?? []).map(({ model }) => model));
  return found.dispose;
}

const silent = () => undefined;

/** In a presentation arrow keys move the first slider at once, unless a person is elsewhere on the stage. */
function takeKeys(root: HTMLElement): void {
  const at = document.activeElement;
  if (at && at !== document.body && !at.closest(".st-key-present")) return;
  root.querySelector<HTMLElement>("input[type=range]")?.focus();
}

function mount(name: string, parent: HTMLElement | ShadowRoot, by: Engine): Shown {
  const root = parent.querySelector<HTMLElement>(".live")!;
  root.dataset.view = name; // each view's styles are its own
  root.replaceChildren();
  const host: Told = { root, engine: by, tell: silent, fail: silent, settled: true, data: null, last: 0 };
  const view = new VIEWS[name](host);
  const loading = new Loading(root, by, () => {
    by.again();
    view.show(host.data as never);
  });
  host.fail = (reason) => loading.tell(reason);
  const observer = new ResizeObserver(() => view.fit());
  observer.observe(root);
  const page = document.querySelector("[data-testid=stMainBlockContainer]");
  if (page) observer.observe(page); // what comes above a view leaves it less of the window
  const fit = () => view.fit();
  window.addEventListener("resize", fit);
  const finish = (event: Event) => {
    if (!event.composedPath().includes(root)) view.finish?.();
  };
  const presses = ["pointerdown", "keydown"];
  for (const press of presses) window.addEventListener(press, finish, true);
  // What a step back leaves has been told, or is left: told now, it would go into the link that is come back to.
  const leave = () => {
    const { tell } = host;
    host.tell = silent;
    view.finish?.();
    host.tell = tell;
  };
  window.addEventListener("popstate", leave, true);
  const dispose = () => {
    observer.disconnect();
    for (const press of presses) window.removeEventListener(press, finish, true);
    window.removeEventListener("popstate", leave, true);
    window.removeEventListener("resize", fit);
    loading.dispose();
    view.dispose();
    shown.delete(parent);
  };
  return { name, host, view, loading, dispose };
}
