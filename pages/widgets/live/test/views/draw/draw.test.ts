import { expect, test } from "vitest";
import { likeliest } from "../../../src/views/draw/draw";
import { current } from "../../../src/views/draw/paper";

const stroke = (colour: string) => ({ points: [[0, 0]] as [number, number][], thickness: 0.1, colour });

test("what was drawn before the last clearing is not seen, and comes back when that is undone", () => {
  const [one, two] = [stroke("#111111"), stroke("#222222")];
  expect(current([one, null, two])).toEqual([two]);
  expect(current([one, null])).toEqual([]);
  expect(current([one])).toEqual([one]);
});

test("the likeliest class is said by its name, without one by its number", () => {
  expect(likeliest(Float32Array.of(0.2, 0.7, 0.1), ["cat", "dog", "owl"])).toBe("looks like: dog, 70 %");
  expect(likeliest(Float32Array.of(0, 1), [])).toBe("looks like: 1, 100 %");
});
