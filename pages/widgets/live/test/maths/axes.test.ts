import { expect, test } from "vitest";
import { along, type Axis, outside } from "../../src/maths/axes";

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
