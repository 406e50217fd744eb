import { beforeEach, expect, it, vi } from "vitest";
import type { Engine } from "../../../src/decode/engine";
import type { Points } from "../../../src/maths/points";
import type { Board } from "../../../src/views/map/board";
import { enlargement, type Source, Thumbs } from "../../../src/views/map/thumbs";
import { FakeEngine, MODEL } from "../../fakes";
import { Pen } from "../../pen";

const frame = { left: 0, top: 0, width: 400, height: 300, x: 0, y: 0, sx: 10, sy: 10 };
const PLACES = [0, 0, 1, 0, 10, 0, 30, 0]; // the second touches the first, the last is out of sight
const points = { coords: Float32Array.from(PLACES), order: Int32Array.from([0, 1, 2, 3]) } as unknown as Points;
const source: Source = {
  model: MODEL,
  points,
  mean: (i) => Float32Array.of(i, -i),
  weights: () => new Float32Array(),
};
const come = vi.fn();

let engine: FakeEngine;
let thumbs: Thumbs;
let pen: Pen;
const lens = document.createElement("div");

const board = (more = {}) => {
  const at = { ...frame, ...more };
  return {
    frame: at,
    type: { font: "", grow: 1 },
    at: (i: number) => [200 + (PLACES[2 * i] - at.x) * at.sx, 150 - PLACES[2 * i + 1] * at.sy],
    colour: (i: number) => `colour ${i}`,
  } as unknown as Board;
};
const draw = (more = {}, front: number[] = [], taken = [] as { x: number; y: number; width: number; height: number }[]) =>
  [...thumbs.draw(pen as unknown as CanvasRenderingContext2D, board(more), new Set(front), taken, lens).rows]; // prettier-ignore

beforeEach(() => {
  come.mockClear();
  engine = new FakeEngine();
  thumbs = new Thumbs(engine as unknown as Engine, come);
  thumbs.from(source);
  pen = new Pen(document.createElement("canvas"));
});

it("has the pictures decoded that have room and are in sight, and draws them framed once they are there", () => {
  expect(draw()).toEqual([]);
  expect(engine.z(thumbs)).toEqual([0, 0, 2, -2]);
  engine.answer(thumbs);
  expect(come).toHaveBeenCalledOnce();
  expect(draw()).toEqual([0, 2]);
  expect(pen.all("fillRect")).toEqual([[181, 131, 38, 38], [281, 131, 38, 38]]); // prettier-ignore
  expect(pen.all("drawImage").map(([, ...where]) => where)).toEqual([[183, 133, 34, 34], [283, 133, 34, 34]]); // prettier-ignore
  expect(engine.decodes).toBe(1);
});

it("asks for no more than what came into sight", () => {
  draw();
  engine.answer(thumbs);
  expect(draw({ x: 20 })).toEqual([2]);
  expect(engine.z(thumbs)).toEqual([3, -3]);
  engine.answer(thumbs);
  expect(draw({ x: 20 })).toEqual([2, 3]);
});

it("does not ask twice for what is on its way, but anew for what did not come", () => {
  const now = vi.spyOn(performance, "now").mockReturnValue(0);
  draw();
  draw();
  expect(engine.decodes).toBe(1);
  now.mockReturnValue(60_000);
  draw();
  expect(engine.decodes).toBe(2);
  now.mockRestore();
});

it("pictures the points that stand out alone, and covers neither names nor the large picture", () => {
  draw({}, [1]);
  expect(engine.z(thumbs)).toEqual([1, -1]);
  engine.answer(thumbs);
  draw({}, [], [{ x: 0, y: 0, width: 10, height: 10 }]);
  expect(engine.z(thumbs)).toEqual([2, -2]);
  engine.answer(thumbs);
  Object.defineProperties(lens, { offsetLeft: { value: 290, configurable: true }, offsetWidth: { value: 90, configurable: true }, offsetHeight: { value: 300, configurable: true } }); // prettier-ignore
  expect(draw()).toEqual([]);
  Object.defineProperties(lens, { offsetLeft: { value: 0 }, offsetWidth: { value: 0 }, offsetHeight: { value: 0 } });
});

it("forgets the pictures of other points, and draws none where there are none to draw", () => {
  draw();
  const before = engine.wishes.get(thumbs)!;
  thumbs.from({ ...source, points: { ...points } });
  before.onPixels(new Uint8ClampedArray(32), 0, 2);
  expect(draw()).toEqual([]);
  expect(come).not.toHaveBeenCalled();
  thumbs.from(null);
  expect(draw()).toEqual([]);
  thumbs.from({ ...source, mean: () => null });
  draw();
  expect(engine.wishes.size).toBe(0);
});

it.each([
  [28, 1, 1],
  [8, 1, 4],
  [28, 2, 1], // two device pixels, one of the page
  [64, 1, 1],
  [128, 1, 0.5],
  [256, 1, 0.25],
])("enlarges %d pixels at %d device pixels by a whole number or a whole share: %d", (side, ratio, scale) => {
  expect(enlargement(side, 34, ratio)).toBe(scale);
});
