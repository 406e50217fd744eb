// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Engine, State } from "../../src/decode/engine";
import { Loading } from "../../src/decode/loading";

let states: Record<string, State>;
let changed: () => void;
let root: HTMLElement;
let loading: Loading;
const note = () => root.querySelector<HTMLElement>(".loading")!;

beforeEach(() => {
  vi.useFakeTimers();
  states = {};
  root = document.createElement("div");
  const engine = { onChange: (listener: () => void) => ((changed = listener), () => undefined), state: (url: string) => states[url] ?? "loading" }; // prettier-ignore
  loading = new Loading(root, engine as unknown as Engine);
});
afterEach(() => vi.useRealTimers());

const become = (url: string, state: State) => {
  states[url] = state;
  changed();
};

it("says nothing of a decoder that comes within a moment", () => {
  loading.watch(["a"]);
  vi.advanceTimersByTime(900);
  become("a", "loaded");
  vi.advanceTimersByTime(5000);
  expect(note().hidden).toBe(true);
  expect(root.dataset.state).toBe("loaded");
  become("a", "drawn");
  expect(root.dataset.state).toBe("drawn");
});

it("says so where it takes longer, until the last of several has come", () => {
  loading.watch(["a", "b"]);
  vi.advanceTimersByTime(1100);
  become("a", "drawn");
  expect(note().hidden).toBe(false);
  expect(root.dataset.state).toBe("loading");
  become("b", "failed");
  expect(note().hidden).toBe(true);
});

it("takes its note away with the view", () => {
  loading.watch(["a"]);
  loading.dispose();
  vi.advanceTimersByTime(5000);
  expect(note()).toBeNull();
});
