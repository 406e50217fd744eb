import { expect, it, vi } from "vitest";

vi.mock("../../src/decode/worker?worker&inline", () => ({ default: class {} }));

import { drawsAt } from "../../src/views/grid";
import { point, type Slide } from "../../src/views/traverse";
import { Echo } from "../../src/view";

const slide = (key: string, index: number, direction: number[] | null = null): Slide => ({
  ...{ key, index, direction, note: "", low: -3, high: 3, start: 0.5, at: 0.5, kl: null, active: true },
});

it("puts a dimension where its slider stands, and leaves those that stand at the start", () => {
  const z = point([0.51, 1, 2], [slide("z0", 0), slide("z2", 2)], new Map([["z2", -1.25]]));
  expect([...z]).toEqual([Math.fround(0.51), 1, -1.25]);
});

it("moves along a direction by what the slider moved from the start", () => {
  const z = point([1, 1], [slide("PC1", 0, [0.6, 0.8])], new Map([["PC1", 1.5]]));
  expect([...z].map((value) => Number(value.toFixed(5)))).toEqual([1.6, 1.8]);
});

it("finds the draws of a seed at a temperature", () => {
  const points = Float32Array.from([0, 0, 0, 0, /* seed 1 */ 10, 20, 1, 2]);
  expect([...drawsAt(points, 1, 2, 0.5)]).toEqual([10.5, 21]);
});

it("knows an echo from news", () => {
  let settled = true;
  const echo = new Echo<number>(() => settled);
  expect(echo.isNews(0)).toBe(true);
  settled = false;
  echo.send(1);
  echo.send(2);
  expect(echo.isNews(0)).toBe(false); // Python has heard neither
  expect(echo.isNews(1)).toBe(false); // nor the second
  settled = true;
  expect(echo.isNews(2)).toBe(false);
  expect(echo.isNews(1)).toBe(true); // somebody pressed undo
  expect(echo.isNews(1)).toBe(false);
});
