import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Screen } from "../../src/parts/screen";
import { levels, penOf, sized, stillTime } from "../fakes";

beforeEach(() => stillTime());
afterEach(() => {
  vi.useRealTimers();
  vi.stubGlobal("devicePixelRatio", 1);
});

const pictures = (count: number, level: number, area = 4) => new Uint8ClampedArray(count * area * 4).fill(level);
const grid = () => {
  const screen = new Screen();
  screen.arrange({ width: 2, height: 2, columns: 2, count: 3, gutter: 1 });
  return screen;
};

it("is as large as its pictures and what lies between them", () => {
  const { canvas } = grid();
  expect([canvas.width, canvas.height]).toEqual([2 * 3 + 1, 2 * 3 + 1]);
});

it("draws each picture in its place", () => {
  const screen = grid();
  screen.draw(pictures(1, 5), 0, 1);
  vi.advanceTimersByTime(20);
  screen.draw(pictures(2, 9), 1, 2);
  expect(levels(screen.canvas)).toEqual({ "1,1": 5, "4,1": 9, "1,4": 9 });
});

it("draws at once, and what comes in the same frame with the next one, of one place the newest", () => {
  const screen = grid();
  const drawn: unknown[] = [];
  document.body.replaceChildren(screen.canvas);
  document.addEventListener("live-drawn", (event) => drawn.push((event as CustomEvent).detail.first));
  screen.draw(pictures(1, 1), 0, 1);
  screen.draw(pictures(1, 2), 0, 1);
  screen.draw(pictures(1, 3), 0, 1);
  expect(levels(screen.canvas)["1,1"]).toBe(1);
  vi.advanceTimersByTime(40);
  expect(levels(screen.canvas)["1,1"]).toBe(3);
  expect(drawn).toEqual([0, 0]);
});

it("does not draw pictures of another size", () => {
  const screen = grid();
  screen.draw(pictures(1, 5, 9), 0, 1);
  vi.advanceTimersByTime(40);
  expect(levels(screen.canvas)).toEqual({});
});

it("keeps what is drawn while the size stays, else turns grey", () => {
  const screen = grid();
  const { drawn } = penOf(screen.canvas);
  const before = drawn.length;
  screen.arrange({ width: 2, height: 2, columns: 2, count: 4, gutter: 1 });
  expect(drawn).toHaveLength(before);
  screen.arrange({ width: 3, height: 2 });
  expect(drawn.at(-1)).toMatchObject({ kind: "fillRect", style: "rgb(128 128 128)", values: [0, 0, 3, 2] });
});

it("names itself for those who see and those who do not", () => {
  const screen = new Screen();
  screen.label("Reconstruction of A", "mnist: reconstruction of A");
  expect(screen.figure.textContent).toBe("Reconstruction of A");
  expect(screen.canvas.getAttribute("aria-label")).toBe("mnist: reconstruction of A");
});

it.each([
  [1, 100, 100, 14 * 7],
  [1, 60, 1000, 8 * 7],
  [1, 1000, 20, 2 * 7],
  [2, 100, 100, 14 * 7],
  [2, 32, 100, 4.5 * 7],
  [1, 10_000, 10_000, 64 * 7],
  [1, 5, 100, 5],
])("fits by whole device pixels: ratio %d, room %d, height %d -> %d CSS pixels", (ratio, room, tall, width) => {
  vi.stubGlobal("devicePixelRatio", ratio);
  const screen = grid(); // 7 x 7
  screen.fit(room, tall);
  expect(parseFloat(screen.canvas.style.width)).toBeCloseTo(width);
  expect(screen.canvas.width).toBe(7);
});

it("finds the picture under a pointer, and none beside them", () => {
  const screen = grid();
  sized(screen.canvas, 70, 70);
  const at = (offsetX: number, offsetY: number) => screen.place({ offsetX, offsetY });
  expect([at(15, 15), at(60, 15), at(15, 60)]).toEqual([0, 1, 2]);
  expect([at(60, 60), at(15, 1)]).toEqual([-1, -1]);
});

it("draws a picture that came as an address, unless another was asked for meanwhile", async () => {
  const screen = grid();
  vi.spyOn(HTMLImageElement.prototype, "naturalWidth", "get").mockReturnValue(2);
  const sources = () => penOf(screen.canvas).all("drawImage").map(([image]) => (image as HTMLImageElement).src); // prettier-ignore
  const first = screen.load("data:image/png;base64,one");
  await screen.load("data:image/png;base64,two");
  await first;
  expect(sources()).toEqual(["data:image/png;base64,two"]);
});

it("draws no more once its view is gone", () => {
  const screen = grid();
  screen.draw(pictures(1, 1), 0, 1);
  screen.draw(pictures(1, 2), 0, 1);
  screen.dispose();
  vi.advanceTimersByTime(100);
  expect(levels(screen.canvas)["1,1"]).toBe(1);
});
