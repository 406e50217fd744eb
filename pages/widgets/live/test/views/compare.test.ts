import { expect, test } from "vitest";
import { moved } from "../../src/views/compare";

test("sliders that were moved change their own dimensions alone", () => {
  const slides = [{ key: "z1", note: "", low: -3, high: 3, start: 5, index: 1 }];
  expect([...moved([4, 5, 6], slides, new Map([["z1", -1]]))]).toEqual([4, -1, 6]);
  expect([...moved([4, 5, 6], slides, new Map())]).toEqual([4, 5, 6]);
});
