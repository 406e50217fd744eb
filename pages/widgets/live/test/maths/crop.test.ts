import { expect, it } from "vitest";
import { boxOf, type Crop, cropOf, resized, spanned, start } from "../../src/maths/crop";

const near = (numbers: number[]) => numbers.map((value) => Math.round(1e6 * value) / 1e6 + 0);
const BOX = { x: 0.5, y: 0.5, width: 0.4, height: 0.2 };

it("is the same by edges and by middle and sides", () => {
  const crop: Crop = [0.1, 0.2, 0.5, 0.9];
  expect(near(Object.values(boxOf(crop)))).toEqual([0.3, 0.55, 0.4, 0.7]);
  expect(near(cropOf(boxOf(crop), 0.01))).toEqual(crop);
});

it.each([
  [{ x: 0.1, y: 0.95, width: 0.4, height: 0.2 }, [0, 0.8, 0.4, 1]],
  [{ x: 0.5, y: 0.5, width: -0.2, height: 0 }, [0.4, 0.45, 0.6, 0.55]],
  [{ x: 0.3, y: 0.3, width: 3, height: 3 }, [0, 0, 1, 1]],
])("stays in the photograph, with sides of a length: %j", (box, crop) => {
  expect(near(cropOf(box, 0.1))).toEqual(crop);
});

it("is sized by a corner; the corner across stays", () => {
  const right = resized(BOX, [1, 1], [20, 10], [100, 50], 0, 0.01);
  expect(near(cropOf(right, 0))).toEqual([0.3, 0.4, 0.9, 0.8]);
  const left = resized(BOX, [-1, -1], [20, 0], [100, 50], 0, 0.01);
  expect(near(cropOf(left, 0))).toEqual([0.5, 0.4, 0.7, 0.6]);
  const past = resized(BOX, [1, 1], [-90, 0], [100, 50], 0, 0.01);
  expect(near(cropOf(past, 0))).toEqual([0.3, 0.4, 0.31, 0.6]);
});

it("is sized along its own sides where it is turned", () => {
  const { x, y, width, height } = resized(BOX, [1, 1], [0, 10], [100, 100], 90, 0.01);
  expect(near([width, height])).toEqual([0.5, 0.2]);
  expect(near([x, y])).toEqual([0.5, 0.55]);
});

it("is drawn from one place to another", () => {
  expect(near(cropOf(spanned([0.6, 0.6], [-0.2, -0.4]), 0.01))).toEqual([0.4, 0.2, 0.6, 0.6]);
});

it("is in the middle of an enlarged photograph, as far as its edges allow", () => {
  expect(near([start(0.5, 2), start(0, 2), start(1, 2), start(0.25, 4)])).toEqual([-0.5, 0, -1, -0.5]);
});
