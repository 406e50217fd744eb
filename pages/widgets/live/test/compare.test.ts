import { expect, test } from "vitest";
import { between, moved } from "../src/compare";

test("a path begins at A, ends at B, and is straight", () => {
  const [a, b] = [[0, 2], [1, -2]];
  expect([...between(a, b, 0)]).toEqual(a);
  expect([...between(a, b, 1)]).toEqual(b);
  expect([...between(a, b, 0.25)]).toEqual([0.25, 1]);
});

test("sliders that were moved change their own dimensions alone", () => {
  const slides = [{ key: "z1", note: "", low: -3, high: 3, start: 5, index: 1 }];
  expect([...moved([4, 5, 6], slides, new Map([["z1", -1]]))]).toEqual([4, -1, 6]);
  expect([...moved([4, 5, 6], slides, new Map())]).toEqual([4, 5, 6]);
});
