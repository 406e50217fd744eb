// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Engine, State, Trouble } from "../../src/decode/engine";
import { Loading } from "../../src/decode/loading";
import type { Model } from "../../built/payloads";
import { MODEL } from "../fakes";

const model = (decoder: string): Model => ({ ...MODEL, decoder });
let states: Record<string, State>;
let troubles: Record<string, Trouble>;
let refusal: string;
let changed: () => void;
let root: HTMLElement;
let loading: Loading;
const again = vi.fn();
const note = () => root.querySelector<HTMLElement>(".loading")!;
const button = () => note().querySelector("button")!;
const said = () => (note().hidden ? "" : note().querySelector("span")!.textContent);

beforeEach(() => {
  vi.useFakeTimers();
  states = {};
  troubles = {};
  refusal = "";
  again.mockClear();
  root = document.createElement("div");
  const engine = {
    onChange: (listener: () => void) => ((changed = listener), () => undefined),
    state: ({ decoder }: Model) => states[decoder] ?? "loading",
    trouble: (of: Model, half: "decoder" | "encoder") => troubles[of[half]!] ?? null,
    refusal: () => refusal,
  };
  loading = new Loading(root, engine as unknown as Engine, again);
});
afterEach(() => vi.useRealTimers());

const become = (decoder: string, state: State) => {
  states[decoder] = state;
  changed();
};

it("says nothing of a decoder that comes within a moment", () => {
  loading.watch([model("a")]);
  vi.advanceTimersByTime(900);
  become("a", "loaded");
  vi.advanceTimersByTime(5000);
  expect(said()).toBe("");
  expect(root.dataset.state).toBe("loaded");
  become("a", "drawn");
  expect(root.dataset.state).toBe("drawn");
});

it("says so where it takes longer, until the last of several has come", () => {
  loading.watch([model("a"), model("b")]);
  vi.advanceTimersByTime(1100);
  become("a", "drawn");
  expect(said()).toBe("The live view loads …");
  expect([root.dataset.state, button().hidden]).toEqual(["loading", true]);
  become("b", "served");
  expect(said()).toBe("");
  expect(root.dataset.state).toBe("served");
});

it("says at once that the server decodes and why, and lets a failure of this browser be tried again", () => {
  troubles = { a: { reason: "no memory.", again: true } };
  loading.watch([model("a")]);
  expect(said()).toBe("Decoded on the server: the live view does not run here (no memory).");
  vi.advanceTimersByTime(5000);
  expect(said()).toContain("no memory");
  again.mockImplementation(() => (troubles = {}));
  button().click();
  expect(again).toHaveBeenCalledOnce();
  expect(said()).toBe("");
});

it("gives the server's own reason, which no trying changes", () => {
  troubles = { a: { reason: "The weights have 300 MB.", again: false } };
  loading.watch([model("a")]);
  expect(said()).toBe("Decoded on the server. The weights have 300 MB.");
  expect(button().hidden).toBe(true);
  troubles = { [MODEL.encoder!]: { reason: "It is too large.", again: false } };
  changed();
  expect(said()).toBe("Encoded on the server. It is too large.");
});

it("says what the server says instead of pictures, until it gives some", () => {
  troubles = { a: { reason: "", again: false } };
  refusal = "Too many wait for the server.";
  loading.watch([model("a")]);
  expect(said()).toBe(refusal);
  refusal = "";
  changed();
  expect(said()).toContain("Decoded on the server.");
});

it("says what a view cannot show, until it is shown or tried again", () => {
  states.a = "drawn";
  loading.watch([model("a")]);
  loading.tell("the points are not available (404)");
  expect([said(), button().hidden]).toEqual(["the points are not available (404)", false]);
  button().click();
  expect(said()).toBe("");
  loading.tell("gone");
  loading.watch([model("a")]);
  expect(said()).toBe("");
});

it("takes its note away with the view", () => {
  loading.watch([model("a")]);
  loading.dispose();
  vi.advanceTimersByTime(5000);
  expect(note()).toBeNull();
});

it("has no state where nothing is decoded", () => {
  loading.watch([]);
  changed();
  vi.advanceTimersByTime(5000);
  expect([root.dataset.state, note().hidden]).toEqual([undefined, true]);
});
