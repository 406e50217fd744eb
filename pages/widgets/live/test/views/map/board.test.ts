import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Points } from "../../../src/maths/points";
import { Board, type Look } from "../../../src/views/map/board";
import { outline } from "../../../src/views/map/marks";
import { penOf, sized, stillTime } from "../../fakes";
import { Pen } from "../../pen";

const points = (coords: number[]): Points => {
  const count = coords.length / 2;
  const paint = new Uint8Array(4 * count);
  for (let i = 0; i < count; i++) paint.set([10 * i, 20, 30, i % 6], 4 * i);
  return { coords: Float32Array.from(coords), row: new Int32Array(count), paint } as Points;
};
const LOOK: Look = {
  points: points([0, 0, 10, 10, 5, 5]),
  size: 6,
  equal: false,
  ticks: true,
  axes: ["PC 1", "PC 2"],
  labels: [],
  marks: [],
  front: new Set(),
  shade: false,
};

let board: Board;
const over = vi.fn();
const pictured = { rows: new Set<number>(), width: 0, height: 0 };
const amid = vi.fn(() => pictured);

beforeEach(() => {
  stillTime();
  over.mockClear();
  board = new Board(over, amid);
  sized(board.box, 400, 300);
  board.show(LOOK);
  vi.advanceTimersByTime(40);
});
afterEach(() => vi.useRealTimers());

const drawn = (canvas = board.below) => penOf(canvas).drawn;
const dots = () => drawn().filter(({ kind, style }) => kind === "fill" && style.startsWith("rgb("));
const texts = (canvas = board.below) => penOf(canvas).all("fillText").map(([text]) => text); // prettier-ignore

it("draws every point in its colour where it lies, and names its axes", () => {
  expect(dots().map(({ style }) => style)).toEqual(["rgb(0 20 30)", "rgb(10 20 30)", "rgb(20 20 30)"]);
  expect(dots().map(({ path }) => path.length)).toEqual([2, 4, 4]); // a circle, a diamond, a square
  const [x, y] = board.at(2);
  expect(x).toBeCloseTo(36 + (400 - 37) / 2);
  expect(y).toBeCloseTo(24 + (300 - 68) / 2);
  expect(texts()).toEqual(expect.arrayContaining(["PC 1", "PC 2", "0", "10"]));
  expect(over).toHaveBeenCalled();
});

it("has numbers only where they mean something", () => {
  board.show({ ...LOOK, ticks: false });
  vi.advanceTimersByTime(40);
  expect(texts()).toEqual(["PC 1", "PC 2"]);
});

it("writes negative numbers with a minus, and as many digits as tell them apart", () => {
  board.show({ ...LOOK, points: points([-0.02, -0.02, 0.02, 0.02]) });
  vi.advanceTimersByTime(40);
  expect(texts()).toEqual(expect.arrayContaining(["\u22120.02", "0.00", "0.02"]));
});

it("pales what is not chosen, and brings what is to the front", () => {
  board.show({ ...LOOK, front: new Set([0]) });
  vi.advanceTimersByTime(40);
  expect(dots().map(({ style, alpha }) => [style, alpha])).toEqual([
    ["rgb(10 20 30)", 0.25],
    ["rgb(20 20 30)", 0.25],
    ["rgb(0 20 30)", 1],
  ]);
  const label = { text: "seven", x: 5, y: 5, move: 12, ground: "white", ink: "black" };
  board.show({ ...LOOK, labels: [label] });
  vi.advanceTimersByTime(40);
  expect(drawn().at(-1)).toMatchObject({ kind: "fillText", alpha: 1 });
});

it("draws no point that is out of sight", () => {
  board.turn({ ...board.frame, x: 1000 });
  vi.advanceTimersByTime(40);
  expect(dots()).toEqual([]);
});

it("names classes where they belong, and flags pictures above all", () => {
  const label = { text: "seven", x: 5, y: 5, move: 12, ground: "white", ink: "black" };
  board.show({ ...LOOK, labels: [label], marks: [{ name: "A", x: 5, y: 5, colour: "blue" }] });
  vi.advanceTimersByTime(40);
  const [x, y] = board.at(2);
  expect(penOf(board.below).all("fillText").at(-1)).toEqual(["seven", x, y - 12 + 1]);
  expect(penOf(board.above).all("fillText")).toEqual([["A", x, y - 42 + 1]]);
  const pole = drawn(board.above).find(({ kind }) => kind === "stroke")!;
  expect([pole.style, pole.path]).toEqual(["blue", [[x, y], [x, y - 42]]]); // prettier-ignore
});

it("keeps the name of a class on the map as long as its points are, and says what it covers", () => {
  const label = { text: "seven", x: 5, y: 9, move: 100, ground: "white", ink: "black" };
  board.show({ ...LOOK, labels: [label] });
  vi.advanceTimersByTime(40);
  expect(penOf(board.below).all("fillText").at(-1)![2]).toBe(24 + 12 + 1); // below the upper edge
  const [, , taken] = amid.mock.lastCall as unknown as [unknown, unknown, { y: number; height: number }[]];
  const { frame } = board;
  expect(taken[0].y - taken[0].height / 2).toBeCloseTo(24 - (frame.top + frame.height / 2 + frame.y * frame.sy));
});

it("shades the ground where points lie, and only then", () => {
  const images = () => penOf(board.below).all("drawImage");
  expect(images()).toEqual([]);
  board.show({ ...LOOK, shade: true });
  vi.advanceTimersByTime(40);
  const [canvas, ...where] = images()[0] as number[];
  const { frame } = board;
  expect(where.slice(4)).toEqual([frame.left, frame.top, frame.width, frame.height]);
  const [x, y] = board.at(0); // a point lies where the surface has its own column and row
  const column = where[0] + ((x - frame.left) / frame.width) * where[2];
  const row = where[1] + ((y - frame.top) / frame.height) * where[3];
  expect([column, row]).toEqual([expect.closeTo((0.2 / 1.4) * 96), expect.closeTo((1.2 / 1.4) * 96)]);
  board.turn({ ...frame, sx: 2 * frame.sx, sy: 2 * frame.sy });
  vi.advanceTimersByTime(40);
  const [again, ...closer] = images()[0] as number[];
  expect([again, closer[2]]).toEqual([canvas, where[2] / 2]); // reckoned once
});

it("frames a point that has a picture, and rings another", () => {
  amid.mockReturnValueOnce({ rows: new Set([1]), width: 30, height: 20 });
  board.draw();
  vi.advanceTimersByTime(40);
  const [x, y] = board.at(1);
  expect([board.covering(x - 15, y + 10), board.covering(x + 16, y)]).toEqual([1, -1]);
  const pen = new Pen(document.createElement("canvas"));
  board.front(pen as unknown as CanvasRenderingContext2D, 1);
  board.front(pen as unknown as CanvasRenderingContext2D, 2);
  expect(pen.drawn.map(({ kind }) => kind)).toEqual(["stroke", "fill", "stroke"]);
  expect(pen.drawn[0].path).toEqual([[x - 15, y - 10]]);
});

it("grows with the page's type, as in a presentation", () => {
  document.documentElement.style.fontSize = "24px";
  board.show(LOOK);
  document.documentElement.style.fontSize = "";
  expect([board.frame.left, board.frame.top]).toEqual([54, 36]);
});

it("hangs a flag below what lies near the upper edge, and shows none out of sight", () => {
  board.show({ ...LOOK, marks: [{ name: "A", x: 10, y: 10, colour: "blue" }] });
  vi.advanceTimersByTime(40);
  const [x, y] = board.at(1);
  expect(penOf(board.above).all("fillText")).toEqual([["A", x, y + 42 + 1]]);
  board.turn({ ...board.frame, x: 1000 });
  vi.advanceTimersByTime(40);
  expect(texts(board.above)).toEqual([]);
});

it("moves and enlarges within bounds, and comes back", () => {
  const home = board.frame;
  expect(board.whole).toBe(true);
  board.turn({ ...home, sx: 4 * home.sx, sy: 4 * home.sy });
  expect([board.whole, board.frame.sx]).toEqual([false, 4 * home.sx]);
  board.turn({ ...home, sx: 1000 * home.sx });
  expect(board.frame.sx).toBe(4 * home.sx);
  board.reset();
  expect(board.frame).toEqual(home);
});

it("shows the whole map in a room of another size, unless the hand has moved it", () => {
  sized(board.box, 800, 600);
  board.fit();
  expect(board.whole).toBe(true);
  expect(board.frame.width).toBe(800 - 37);
  expect(board.at(2)[0]).toBeCloseTo(36 + (800 - 37) / 2);
});

it("keeps what is in sight when its room changes, and begins anew with other points", () => {
  const home = board.frame;
  board.turn({ ...home, x: 2, sx: 2 * home.sx, sy: 2 * home.sy });
  sized(board.box, 800, 300);
  board.fit();
  expect(board.frame.x).toBe(2);
  const across = (800 - 37) / (400 - 37);
  expect(board.frame.sx).toBeCloseTo(2 * home.sx * across);
  board.show({ ...LOOK, points: points([0, 0, 1, 1]) });
  expect(board.frame.x).toBe(0.5);
});

it("draws once a frame, and no more once it is gone", () => {
  over.mockClear();
  board.draw();
  board.draw();
  vi.advanceTimersByTime(40);
  expect(over).toHaveBeenCalledTimes(1);
  board.draw();
  board.dispose();
  vi.advanceTimersByTime(40);
  expect(over).toHaveBeenCalledTimes(1);
});

it.each([
  [0, 2], // a circle: moved to, and drawn around its middle
  [1, 4],
  [2, 4],
  [3, 12],
  [4, 12],
  [5, 3],
  [99, 2],
])("outlines symbol %d by %d places", (symbol, places) => {
  const pen = new Pen(document.createElement("canvas"));
  pen.beginPath();
  outline(pen as unknown as CanvasRenderingContext2D, symbol, 100, 50, 10);
  pen.fill();
  const { path } = pen.drawn[0];
  expect(path).toHaveLength(places);
  for (const [x, y] of path) expect(Math.hypot(x - 100, y - 50)).toBeLessThan(17);
});
