import { expect, test } from "vitest";
import { density, SIDE } from "../../src/maths/density";

test("the surface is highest where most points lie, and covers all of them", () => {
  const coords = [0, 0, 10, 10, ...Array.from({ length: 40 }, (_, i) => 8 + (i % 4) / 10)];
  const { cells, left, top, width, height } = density(Float32Array.from(coords));
  const highest = cells.indexOf(1);
  const x = left + ((highest % SIDE) + 0.5) * (width / SIDE);
  const y = top - (Math.floor(highest / SIDE) + 0.5) * (height / SIDE);
  expect(Math.hypot(x - 8.1, y - 8.1)).toBeLessThan(0.6);
  expect([left < 0, left + width > 10, top > 10, top - height < 0]).toEqual([true, true, true, true]);
  expect(Math.max(...cells)).toBe(1);
  expect(cells[0]).toBeLessThan(0.01); // the empty corner
});

test("points that all lie at one place have a surface, too", () => {
  const { cells } = density(Float32Array.from([3, 4, 3, 4]));
  expect(cells.reduce((sum, cell) => sum + cell, 0)).toBe(1);
});
