import { expect, it, vi } from "vitest";

vi.mock("../../src/decode/worker?worker&inline", () => ({ default: class {} }));

import { drawsAt } from "../../src/views/grid";

it("finds the draws of a seed at a temperature", () => {
  const points = Float32Array.from([0, 0, 0, 0, /* seed 1 */ 10, 20, 1, 2]);
  expect([...drawsAt(points, 1, 2, 0.5)]).toEqual([10.5, 21]);
});
