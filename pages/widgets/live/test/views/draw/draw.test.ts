import { afterEach, beforeEach, expect, it, test, vi } from "vitest";
import type { DrawData, Model } from "../../../built/payloads";
import { Draw, likeliest } from "../../../src/views/draw/draw";
import { current } from "../../../src/views/draw/paper";
import { button, FakeEngine, type FakeHost, fakeHost, find, levels, MODEL, penOf, point, press, sized, slide, stillTime } from "../../fakes"; // prettier-ignore

const DATA: DrawData = {
  model: MODEL,
  dark: true,
  bits: false,
  sees: "2 x 2 pixels",
  centring: null,
  centre: true,
  axes: [0, 1].map((index) => ({
    name: `z${index}`,
    index,
    direction: null,
    offset: 0,
    low: -1,
    high: 1,
    active: true,
  })),
  plane: null,
  classes: [],
};

type Numbers = Record<string, Float32Array>;

/** An engine whose encoder answers when it is told to. */
class Encoding extends FakeEngine {
  readonly asked: { x: Float32Array; answer: (found: Numbers) => void; refuse: (error: Error) => void }[] = [];

  encode(_model: Model, x: Float32Array): Promise<Numbers> {
    return new Promise((answer, refuse) => this.asked.push({ x, answer, refuse }));
  }
}

let engine: Encoding;
let host: FakeHost;
let draw: Draw;

beforeEach(() => {
  stillTime();
  engine = new Encoding();
  host = fakeHost(engine);
  draw = new Draw(host);
  draw.show(DATA);
  sized(paper(), 200, 200);
});
afterEach(() => {
  if (!button(host, "Clear").disabled) button(host, "Clear").click(); // strokes outlive a view
  vi.advanceTimersByTime(40);
  draw.dispose();
  vi.useRealTimers();
});

const paper = () => find<HTMLCanvasElement>(host, "canvas[tabindex]");
const strokes = () => {
  const { drawn } = penOf(paper());
  return drawn.slice(drawn.map(({ kind }) => kind).lastIndexOf("fillRect") + 1);
};
const stroke = (...places: [number, number][]) => {
  point(paper(), "down", ...places[0]);
  for (const place of places.slice(1)) point(paper(), "move", ...place);
  point(paper(), "up", ...places.at(-1)!);
  vi.advanceTimersByTime(40);
};
const answer = async (found: Numbers) => {
  engine.asked.shift()!.answer(found);
  await vi.advanceTimersByTimeAsync(0);
};
const CODE = { mean: Float32Array.of(0.5, 2), std: Float32Array.of(0.1, 0.1) };

test("what was drawn before the last clearing is not seen, and comes back when that is undone", () => {
  const ink = (colour: string) => ({ points: [[0, 0]] as [number, number][], thickness: 0.1, colour });
  const [one, two] = [ink("#111111"), ink("#222222")];
  expect(current([one, null, two])).toEqual([two]);
  expect(current([one, null])).toEqual([]);
  expect(current([one])).toEqual([one]);
});

test("the likeliest class is said by its name, without one by its number", () => {
  expect(likeliest(Float32Array.of(0.2, 0.7, 0.1), ["cat", "dog", "owl"])).toBe("looks like: dog, 70 %");
  expect(likeliest(Float32Array.of(0, 1), [])).toBe("looks like: 1, 100 %");
});

it("asks for both halves of the model, and waits for a hand", () => {
  expect(engine.loaded).toEqual([MODEL.encoder, MODEL.decoder]);
  expect(engine.asked).toEqual([]);
  expect(find(host, ".hint").hidden).toBe(false);
  const off = ["Clear", "Use as A", "Use as B", "Traverse from here", "Pictures (PNG)"];
  expect(off.filter((text) => !button(host, text).disabled)).toEqual([]);
});

it("draws what the hand draws, and has the model encode and decode it", async () => {
  stroke([20, 20], [100, 60]);
  expect(strokes().map(({ kind, style }) => [kind, style])).toEqual([["stroke", "#ffffff"]]);
  const { width } = paper();
  expect(strokes()[0].path).toEqual([[0.1 * width, 0.1 * width], [0.5 * width, 0.3 * width]]); // prettier-ignore
  expect(find(host, ".hint").hidden).toBe(true);
  expect(engine.asked[0].x).toHaveLength(4);
  await answer(CODE);
  expect(engine.z(draw)).toEqual([0.5, 2]);
  engine.answer(draw, 9);
  const canvases = [...host.root.querySelectorAll<HTMLCanvasElement>(".pair canvas")];
  expect(levels(canvases[1])["0,0"]).toBe(9);
  expect(find(host, ".said").textContent).toMatch(/^Outside the grey bands of z1: 1 of 2 in use/);
});

it("draws a dot where the hand only touches", () => {
  stroke([20, 20]);
  expect(strokes()[0].path).toHaveLength(2);
});

it("draws nothing with a second finger or another button", () => {
  point(paper(), "down", 20, 20, { button: 2 });
  point(paper(), "down", 20, 20);
  point(paper(), "down", 90, 90, { pointerId: 2 });
  point(paper(), "move", 95, 95, { pointerId: 2 });
  point(paper(), "up", 20, 20);
  vi.advanceTimersByTime(40);
  expect(strokes()).toHaveLength(1);
});

it("has one encoding under way, and then that of what is drawn by then", async () => {
  stroke([20, 20]);
  stroke([40, 40]);
  stroke([60, 60]);
  expect(engine.asked).toHaveLength(1);
  await answer(CODE);
  expect(engine.asked).toHaveLength(1);
});

it("takes strokes back, by button and key, and clears all in one step that can be taken back too", () => {
  stroke([20, 20]);
  stroke([40, 40]);
  button(host, "Clear").click();
  vi.advanceTimersByTime(40);
  expect(strokes()).toHaveLength(0);
  expect(find(host, ".hint").hidden).toBe(false);
  button(host, "Undo").click();
  vi.advanceTimersByTime(40);
  expect(strokes()).toHaveLength(2);
  expect(press(paper(), "z").defaultPrevented).toBe(false);
  expect(press(paper(), "z", { ctrlKey: true }).defaultPrevented).toBe(true);
  vi.advanceTimersByTime(40);
  expect(strokes()).toHaveLength(1);
});

it("rubs out with the eraser, as thick as the hand wants it", () => {
  stroke([20, 20]);
  button(host, "Eraser").click();
  slide(find<HTMLInputElement>(host, "[aria-label=Thickness]"), 0.2);
  stroke([40, 40]);
  expect(strokes().map(({ style }) => style)).toEqual(["#ffffff", "#000000"]);
  expect(strokes()[1].width).toBeCloseTo(0.2 * paper().width);
  const pressed = () => [button(host, "Pen").ariaPressed, button(host, "Eraser").ariaPressed];
  expect(pressed()).toEqual(["false", "true"]);
  button(host, "Pen").click();
  expect(pressed()).toEqual(["true", "false"]);
});

it("draws in colour for models of colours", () => {
  draw.show({ ...DATA, model: { ...MODEL, key: "colours", shape: [3, 2, 2] }, dark: false } as never);
  const colour = find<HTMLInputElement>(host, "input[type=color]");
  expect([colour.hidden, colour.value]).toEqual([false, "#000000"]);
  colour.value = "#ff0000";
  stroke([20, 20]);
  expect(strokes().map(({ style }) => style)).toEqual(["#ff0000"]);
});

it("does not show an answer for what was cleared meanwhile", async () => {
  stroke([20, 20]);
  button(host, "Clear").click();
  vi.advanceTimersByTime(40);
  await answer(CODE);
  expect(engine.wishes.size).toBe(0);
  expect(find(host, ".said").textContent).toMatch(/^Below, every dimension/);
});

it("sends the picture as the model sees it, again if it is pressed again", () => {
  vi.spyOn(HTMLCanvasElement.prototype, "toDataURL").mockReturnValue("data:image/png;base64,x");
  stroke([20, 20]);
  button(host, "Use as A").click();
  vi.advanceTimersByTime(5);
  button(host, "Use as A").click();
  button(host, "Traverse from here").click();
  const sent = host.told.map(([name, value]) => [name, value as { to: string; png: string; at: number }] as const);
  expect(sent.map(([name, { to }]) => [name, to])).toEqual([["sent", "a"], ["sent", "a"], ["sent", "start"]]); // prettier-ignore
  expect(sent[0][1].png).toBe("data:image/png;base64,x");
  expect(sent[0][1].at).not.toBe(sent[1][1].at);
});

it("says why where nothing encodes, and tries again with the next stroke", async () => {
  stroke([20, 20]);
  engine.asked.shift()!.refuse(new Error("no room"));
  await vi.advanceTimersByTimeAsync(0);
  expect(host.failed).toEqual(["no room"]);
  stroke([40, 40]);
  await answer(CODE);
  expect(host.failed).toEqual(["no room", ""]);
});

it("shows where the drawing lies in the plane of two dimensions", async () => {
  const plane = [{ name: "cat", colour: "red", points: [0, 0, 1, 1] }];
  draw.show({ ...DATA, model: { ...MODEL, key: "plane" }, plane });
  expect([find(host, ".plane").hidden, find(host, ".bars").hidden]).toEqual([false, true]);
  stroke([20, 20]);
  await answer({ ...CODE, y: Float32Array.of(0.25, 0.75) });
  expect(find(host, ".plane svg").getAttribute("aria-label")).toContain("z0 0.50 ± 0.10, z1 2.00 ± 0.10");
  expect(find(host, ".pair").textContent).toContain("Reconstruction; looks like: 1, 75 %");
});
