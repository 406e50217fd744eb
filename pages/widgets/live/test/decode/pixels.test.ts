import { expect, it } from "vitest";
import { toPixels } from "../../src/decode/pixels";

it("repeats grey in all colours and rounds as the server does", () => {
  const pixels = toPixels(Float32Array.from([0, 0.5, 1, 2]), 1, 4);
  expect([...pixels]).toEqual([0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
});

it("takes colours plane by plane, picture by picture", () => {
  const one = [0, 0.2, 0.4, 0.6, 0.8, 1]; // red, red, green, green, blue, blue
  const pixels = toPixels(Float32Array.from([...one, ...one]), 3, 2);
  expect([...pixels.subarray(0, 8)]).toEqual([0, 102, 204, 255, 51, 153, 255, 255]);
  expect([...pixels.subarray(8)]).toEqual([...pixels.subarray(0, 8)]);
});

it("takes grey levels as they are", () => {
  expect([...toPixels(Uint8Array.from([0, 7, 255]), 3, 1, 1)]).toEqual([0, 7, 255, 255]);
});
