import { expect, test } from "vitest";
import { apart } from "../../src/maths/apart";

const ROW = Float32Array.from([0, 0, 1, 0, 2, 0, 3, 0]);

test("the first in order has its room, and who would touch it none", () => {
  expect(apart(ROW, [0, 1, 2, 3], [10, 10], [15, 15], [])).toEqual([0, 2]);
  expect(apart(ROW, [1, 0, 2, 3], [10, 10], [15, 15], [])).toEqual([1, 3]);
  expect(apart(ROW, [1, 0, 2, 3], [10, 10], [10, 10], [])).toEqual([1, 0, 2, 3]); // side by side
});

test("looking closer gives room to more, and takes none from those before", () => {
  const coords = Float32Array.from({ length: 2000 }, (_, i) => Math.sin(i * i));
  const order = Array.from({ length: 1000 }, (_, i) => (i * 7) % 1000);
  const far = apart(coords, order, [200, 200], [30, 20], []);
  const near = apart(coords, order, [800, 800], [30, 20], []);
  expect(near.length).toBeGreaterThan(2 * far.length);
  expect(far[0]).toBe(near[0]);
  const apartBy = (i: number, j: number, axis: number) => Math.abs(coords[2 * i + axis] - coords[2 * j + axis]) * 800;
  const touching = near.filter((i, a) => near.slice(a + 1).some((j) => apartBy(i, j, 0) < 30 && apartBy(i, j, 1) < 20));
  expect(touching).toEqual([]);
});

test("what stands on the map already is not covered", () => {
  const name = { x: 10, y: -4, width: 8, height: 8 };
  expect(apart(ROW, [0, 1, 2, 3], [10, 10], [9, 9], [name])).toEqual([0, 2, 3]);
});
