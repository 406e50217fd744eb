import { expect, test } from "vitest";
import { along, moved, outside } from "../../src/maths/axes";
import type { Axis, Slide } from "../../built/payloads";

const axis = (more: Partial<Axis>): Axis => ({
  name: "z0",
  index: 0,
  direction: null,
  offset: 0,
  low: -2,
  high: 2,
  active: true,
  ...more,
});

test("a dimension shows its own mean and spread", () => {
  expect(along(axis({ index: 1 }), [3, 4], [0.5, 0.25])).toEqual([4, 0.25]);
});

test("a direction shows the mean and the spread along it, from its centre", () => {
  const [place, spread] = along(axis({ direction: [0.6, 0.8], offset: 1 }), [3, 4], [1, 1]);
  expect(place).toBeCloseTo(0.6 * 3 + 0.8 * 4 - 1);
  expect(spread).toBeCloseTo(1);
});

test("what lies outside is named; collapsed dimensions are not judged", () => {
  const axes = [axis({}), axis({ name: "z1", index: 1 }), axis({ name: "z2", index: 2, active: false })];
  expect(outside(axes, [0, 1, 9])).toContain("In every dimension in use");
  expect(outside(axes, [0, -3, 9])).toContain("z1: 1 of 2 in use, reference pictures 0.1 on average");
});

const slide = (key: string, index: number | null, direction: number[] | null = null): Slide => ({
  key,
  index,
  direction,
  note: "",
  low: -3,
  high: 3,
  start: 0.5,
  at: 0.5,
  kl: null,
  active: true,
});

test("puts a dimension where its slider stands, and leaves those that stand at the start", () => {
  const z = moved([0.51, 1, 2], [slide("z0", 0), slide("z2", 2)], new Map([["z2", -1.25]]));
  expect([...z]).toEqual([Math.fround(0.51), 1, -1.25]);
});

test("moves along a direction by what the slider moved from the start", () => {
  const z = moved([1, 1], [slide("PC1", null, [0.6, 0.8])], new Map([["PC1", 1.5]]));
  expect([...z].map((value) => Number(value.toFixed(5)))).toEqual([1.6, 1.8]);
});
