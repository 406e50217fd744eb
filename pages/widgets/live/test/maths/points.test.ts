import { expect, test } from "vitest";
import { unpack } from "../../src/maths/points";

const COUNT = 2;
const DIM = 3;

/** A file whose numbers, counted from 0, are their own places; the colours are four bytes each. */
function facts(linear: boolean): ArrayBuffer {
  const size = 9 * COUNT + (linear ? 3 * DIM : 0);
  const floats = Float32Array.from({ length: size }, (_, i) => i);
  const whole = new Int32Array(floats.buffer);
  for (let i = 4 * COUNT; i < 7 * COUNT; i++) whole[i] = i;
  new Uint8Array(floats.buffer, 28 * COUNT, 4 * COUNT).set([1, 2, 3, 0, 4, 5, 6, 5]);
  whole.set([1, 0], 8 * COUNT);
  return floats.buffer;
}

test("columns come in the server's order", () => {
  const points = unpack(facts(true), new Float32Array([1, 2, 3, 4, 5, 6]).buffer, COUNT, DIM, true);
  expect([...points.coords, ...points.error, ...points.kl]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect([...points.row, ...points.label, ...points.y]).toEqual([8, 9, 10, 11, 12, 13]);
  expect([...points.paint]).toEqual([1, 2, 3, 0, 4, 5, 6, 5]);
  expect([...points.order]).toEqual([1, 0]);
  expect([...points.basis!.mean, ...points.basis!.axes]).toEqual([18, 19, 20, 21, 22, 23, 24, 25, 26]);
  expect([...points.means!.subarray(DIM)]).toEqual([4, 5, 6]);
});

test("a map that is not linear has no basis, and what was cut off is no map", () => {
  const means = new Float32Array(COUNT * DIM).buffer;
  expect(unpack(facts(false), means, COUNT, DIM, false).basis).toBeNull();
  expect(unpack(facts(false), null, COUNT, DIM, false).means).toBeNull();
  expect(() => unpack(facts(false), means, COUNT, DIM, true)).toThrow("incomplete");
  expect(() => unpack(facts(true), means.slice(4), COUNT, DIM, true)).toThrow("incomplete");
});
