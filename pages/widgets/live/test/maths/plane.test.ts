import { expect, test } from "vitest";
import * as plane from "../../src/maths/plane";

const ROOM = { left: 40, top: 10, width: 400, height: 200 };
const COORDS = Float32Array.from([0, 0, 4, 0, 4, 8, -2, 6]);
const BASIS = { mean: Float32Array.from([1, 2, 3]), axes: Float32Array.from([1, 0, 0, 0, 0.6, 0.8]) };

test("all points are seen, with equal units or filling the room", () => {
  for (const equal of [true, false]) {
    const frame = plane.fitted(COORDS, ROOM, equal);
    const seen = [0, 2, 4, 6].map((i) => plane.toScreen(frame, COORDS[i], COORDS[i + 1]));
    for (const [x, y] of seen) {
      expect(x >= 40 && x <= 440 && y >= 10 && y <= 210).toBe(true);
    }
    expect(frame.sx === frame.sy).toBe(equal);
    expect(Math.max(...seen.map(([, y]) => y)) - Math.min(...seen.map(([, y]) => y))).toBeCloseTo(180);
  }
});

test("one point, or points in a line, have a frame too", () => {
  for (const coords of [
    [1, 2],
    [1, 2, 1, 2],
    [0, 1, 5, 1],
  ]) {
    for (const equal of [true, false]) {
      const frame = plane.fitted(Float32Array.from(coords), ROOM, equal);
      expect(Object.values(frame).every(Number.isFinite)).toBe(true);
      expect(plane.toScreen(frame, frame.x, coords[1])).toEqual([240, 110]);
    }
  }
});

test("window and map coordinates go there and back", () => {
  const frame = plane.fitted(COORDS, ROOM, false);
  const [x, y] = plane.toMap(frame, ...plane.toScreen(frame, 1.25, -0.5));
  expect(x).toBeCloseTo(1.25);
  expect(y).toBeCloseTo(-0.5);
  expect(plane.toScreen(frame, 0, 1)[1]).toBeLessThan(plane.toScreen(frame, 0, 0)[1]); // up is up
});

test("zoom keeps the place under the pointer, and shifting takes the paper along", () => {
  const frame = plane.fitted(COORDS, ROOM, true);
  const near = plane.zoomed(frame, 3, 100, 50);
  const [before, after] = [frame, near].map((each) => plane.toMap(each, 100, 50));
  expect(after[0]).toBeCloseTo(before[0]);
  expect(after[1]).toBeCloseTo(before[1]);
  expect(near.sx).toBeCloseTo(3 * frame.sx);
  const [x, y] = plane.toScreen(plane.panned(near, 7, -9), 1, 1);
  const [ox, oy] = plane.toScreen(near, 1, 1);
  expect([x - ox, y - oy].map((v) => Math.round(v * 1e6) / 1e6)).toEqual([7, -9]);
});

test("the nearest point is the nearest on the page", () => {
  const tall = { ...ROOM, x: 0, y: 0, sx: 1, sy: 100 };
  expect(plane.nearest(COORDS, { ...tall, sy: 1 }, 3.4, 3)).toBe(1);
  expect(plane.nearest(COORDS, tall, -1, 7.5)).toBe(2);
  expect(plane.nearest(new Float32Array(), tall, 0, 0)).toBe(-1);
});

test("ten thousand points are searched within a frame", () => {
  const many = Float32Array.from({ length: 20_000 }, Math.random);
  const began = performance.now();
  for (let i = 0; i < 100; i++)
    plane.nearest(many, { ...ROOM, x: 0, y: 0, sx: 1, sy: 1 }, Math.random(), Math.random());
  expect((performance.now() - began) / 100).toBeLessThan(8);
});

test("a lasso holds what lies in it, dents and all; a box may be drawn from any corner", () => {
  const dented: plane.Place[] = [
    [0, 0],
    [10, 0],
    [10, 10],
    [5, 2],
    [0, 10],
  ];
  expect(plane.contains(dented, 5, 1)).toBe(true);
  expect(plane.contains(dented, 5, 5)).toBe(false);
  expect(plane.contains(dented, 1, 5)).toBe(true);
  expect(plane.contains(dented, -1, 5)).toBe(false);
  expect(plane.within(plane.box([5, 9], [-3, 5]), COORDS)).toEqual([2, 3]);
  expect(plane.within([], COORDS)).toEqual([]);
});

test("a place of a linear map and the vector there", () => {
  expect([...plane.inverse(BASIS, 2, 5)]).toEqual([3, 5, 7].map((v) => expect.closeTo(v, 5)));
});

test("with the residual, the place of a point gives the point, and elsewhere what the map leaves out stays", () => {
  const z = Float32Array.from([4, -1, 2]);
  const off = [z[0] - 1, z[1] - 2, z[2] - 3];
  const at: plane.Place = [off[0], 0.6 * off[1] + 0.8 * off[2]];
  expect([...plane.carried(BASIS, z, at, ...at)]).toEqual([...z]);
  const [here, there] = [at, [at[0] + 1, at[1] - 2] as plane.Place].map(([x, y]) => {
    const plain = plane.inverse(BASIS, x, y);
    return plane.carried(BASIS, z, at, x, y).map((value, i) => value - plain[i]);
  });
  here.forEach((value, i) => expect(there[i]).toBeCloseTo(value, 5));
});

test("ticks are round", () => {
  expect(plane.ticks(-1.2, 3.1, 5)).toEqual([-1, 0, 1, 2, 3]);
  expect(plane.ticks(0.02, 0.11, 5).map((v) => v.toFixed(2))).toEqual(["0.02", "0.04", "0.06", "0.08", "0.10"]);
});

test("a map with room to spare leaves it free at the right", () => {
  const room = { left: 0, top: 0, width: 600, height: 300 };
  const coords = Float32Array.from([0, 0, 10, 10]);
  expect(plane.toScreen(plane.fitted(coords, room, true), 5, 5)).toEqual([300, 150]);
  expect(plane.toScreen(plane.fitted(coords, room, true, 100), 5, 5)).toEqual([250, 150]);
  expect(plane.toScreen(plane.fitted(coords, room, true, 900), 10, 5)[0]).toBeCloseTo(300); // to the left edge, and no farther
  expect(plane.toScreen(plane.fitted(coords, room, false, 100), 5, 5)).toEqual([300, 150]); // nothing is spare
});
