import { afterEach, beforeEach, expect, it, vi } from "vitest";
import live from "../src/main";
import { MODEL, press, slide, stillTime } from "./fakes";

const PATH = {
  view: "path",
  runtime: "live/runtime",
  told: 0,
  model: MODEL,
  about: "m a b",
  a: [0, 0],
  b: [1, 1],
  classes: null,
  path: "linear",
  pictures: ["data:,a", "data:,b"],
  fade: false,
  captions: ["Decoded", "Mixed"],
  label: "Place",
  t: 0.5,
  share: 0.5,
  strip: { width: 1, height: 1, columns: 1, count: 1, gutter: 0 },
  stripShare: 0.2,
};

let parent: HTMLElement;
let dispose: (() => void) | void;
const setStateValue = vi.fn();
const show = (data: object = {}) => {
  const args = { data: { ...PATH, ...data }, parentElement: parent, setStateValue };
  dispose = live(args as never);
};

beforeEach(() => {
  stillTime();
  vi.stubGlobal("Worker", vi.fn());
  setStateValue.mockClear();
  parent = document.createElement("div");
  parent.innerHTML = '<div class="live"></div>';
  document.body.replaceChildren(parent);
});
afterEach(() => {
  dispose?.();
  vi.useRealTimers();
});

const root = () => parent.querySelector<HTMLElement>(".live")!;
const range = () => parent.querySelector<HTMLInputElement>("input[type=range]")!;

it("shows the view that is asked for, and another in its place", () => {
  show();
  expect([root().dataset.view, root().querySelector(".path") !== null]).toEqual(["path", true]);
  const before = range();
  show({ t: 0.25 });
  expect([range() === before, before.value]).toEqual([true, "0.25"]);
  const corners = { names: ["A", "B", "C"], corners: [[0, 0], [1, 0], [0, 1]], at: [0.5, 0.5], caption: "" }; // prettier-ignore
  show({ view: "pad", ...corners });
  expect([root().dataset.view, root().querySelector(".path")]).toEqual(["pad", null]);
});

it("says that it is presented, for the style", () => {
  show({ present: true });
  expect(root().className).toBe("live presented");
  show({ present: false });
  expect(root().className).toBe("live");
});

it("counts what it tells, so that an old word of Python is known as one", () => {
  show();
  slide(range(), 0.25);
  vi.advanceTimersByTime(300);
  expect(setStateValue).toHaveBeenCalledWith("t", { value: 0.25, count: expect.any(Number) as number });
  const { count } = (setStateValue.mock.calls[0] as [string, { count: number }])[1];
  show({ t: 0.5, told: count - 1 });
  expect(range().value).toBe("0.25");
  show({ t: 0.75, told: count });
  expect(range().value).toBe("0.75");
});

it("tells at once when something else on the page is pressed", () => {
  const other = document.createElement("button");
  document.body.append(other);
  show();
  slide(range(), 0.25);
  range().dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, composed: true }));
  expect(setStateValue).not.toHaveBeenCalled();
  other.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, composed: true }));
  expect(setStateValue).toHaveBeenCalledTimes(1);
  slide(range(), 0.3);
  press(other, "Enter");
  expect(setStateValue).toHaveBeenCalledTimes(2);
});

it("stops, and tells nothing, where a step back leaves the page", () => {
  show();
  parent.querySelector("button")!.click();
  vi.advanceTimersByTime(500);
  window.dispatchEvent(new PopStateEvent("popstate"));
  const place = range().value;
  vi.advanceTimersByTime(1000);
  expect([range().value, setStateValue.mock.calls]).toEqual([place, []]);
});

it("says so where nothing can be decoded in the page, and begins anew when a person has it tried again", () => {
  vi.stubGlobal("Worker", undefined);
  show({ runtime: "live/other" });
  const note = () => parent.querySelector<HTMLElement>(".loading")!;
  const sentence = "Decoded on the server: the live view does not run here (this browser has no WebAssembly).";
  expect(note().querySelector("span")!.textContent).toBe(sentence);
  vi.stubGlobal("Worker", vi.fn());
  note().querySelector("button")!.click();
  expect(note().hidden).toBe(true);
});

it("listens no more once it is gone", () => {
  show();
  slide(range(), 0.25);
  dispose!();
  dispose = undefined;
  document.body.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, composed: true }));
  vi.advanceTimersByTime(1000);
  expect(setStateValue).not.toHaveBeenCalled();
});
