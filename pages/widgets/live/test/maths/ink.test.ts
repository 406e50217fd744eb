import { expect, test } from "vitest";
import type { Centring } from "../../built/payloads";
import { centred, channel, corner, cutOut, levels, type Plane, resized, seen } from "../../src/maths/ink";

const MNIST: Centring = { box: 20 / 28, mass: true, brighten: true };
const plane = (width: number, height: number, ink: (x: number, y: number) => number): Plane => ({
  width,
  height,
  values: Float32Array.from({ length: width * height }, (_, i) => ink(i % width, Math.floor(i / width))),
});
const bounds = ({ width, values }: Plane) => {
  const lit = [...values.keys()].filter((i) => values[i] > 0.1);
  const [xs, ys] = [lit.map((i) => i % width), lit.map((i) => Math.floor(i / width))];
  return [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
};

test("a picture is made smaller as Pillow's bicubic filter does it", () => {
  const found = resized(
    plane(10, 12, (x, y) => (((10 * y + x) * 7) % 11) / 10),
    4,
    5,
  );
  const pillow = [0.34833, 0.60546, 0.57952, 0.47362, 0.43628, 0.37746, 0.61295, 0.57469, 0.52513, 0.43365];
  pillow.push(0.38084, 0.62291, 0.61847, 0.52429, 0.43105, 0.36861, 0.53682, 0.61437, 0.51577, 0.44223);
  expect([found.width, found.height]).toEqual([4, 5]);
  pillow.forEach((value, i) => expect(found.values[i]).toBeCloseTo(value, 4));
});

test("an even picture stays even, and its own size changes nothing", () => {
  expect(
    Math.min(
      ...resized(
        plane(256, 256, () => 0.4),
        28,
        28,
      ).values,
    ),
  ).toBeCloseTo(0.4, 5);
  const same = plane(5, 4, (x, y) => (x + y) / 8);
  expect([...resized(same, 5, 4).values]).toEqual([...same.values]);
});

test("the centre of mass comes to the middle, and nothing falls off the edge", () => {
  expect(corner(Float32Array.of(1, 1), 6)).toBe(2);
  expect(corner(Float32Array.of(1, 0, 0, 0), 6)).toBe(2); // centre at 0.5: 3 - 0.5, but no further than 6 - 4
  expect(corner(Float32Array.of(0, 0, 0, 0, 0, 1), 6)).toBe(0);
});

test("ink is cut out; too faint is none", () => {
  const found = cutOut(plane(20, 20, (x, y) => Number(x > 4 && x < 9 && y > 10 && y < 13)))!;
  expect([found.width, found.height]).toEqual([4, 2]);
  expect(cutOut(plane(8, 8, () => 0.05))).toBeNull();
});

test("wherever and however small one draws, the model sees the ink in its middle, as large as in its data", () => {
  const bar = (left: number, top: number, size: number) =>
    centred(
      plane(256, 256, (x, y) => Number(Math.abs(x - left - size / 2) < size / 8 && y >= top && y < top + size)),
      28,
      28,
      MNIST,
    )!;
  for (const found of [bar(10, 10, 60), bar(150, 100, 120), bar(40, 20, 200)]) {
    const [left, right, top, bottom] = bounds(found);
    expect([top, bottom]).toEqual([4, 23]); // 20 of 28
    expect(Math.abs((left + right) / 2 - 13.5)).toBeLessThanOrEqual(1);
    expect(Math.max(...found.values)).toBe(1);
  }
});

test("a thin line is made as thick as the data's; things keep their own thickness", () => {
  const line = plane(200, 200, (x, y) => Number(x > 98 && x < 101 && y > 20 && y < 180));
  const wide = (how: Centring) => centred(line, 28, 28, how)!.values.reduce((a, b) => a + b, 0);
  expect(wide(MNIST)).toBeGreaterThan(30); // 20 high, two wide
  expect(wide({ ...MNIST, brighten: false })).toBeCloseTo(20, 3);
});

test("bits are 1 from the middle up; levels are those of a file", () => {
  expect([...levels(Float32Array.of(0, 0.49, 0.5, 1), true)]).toEqual([0, 0, 1, 1]);
  expect(levels(Float32Array.of(0.5), false)[0]).toBeCloseTo(128 / 255, 6);
});

test("a colour drawing keeps its channels apart", () => {
  const pixels = new Uint8ClampedArray(8 * 8 * 4).map((_, i) => [255, 51, 0, 255][i % 4]);
  expect(channel(pixels, 8, 8, 1).values[0]).toBeCloseTo(0.2, 5);
  const found = seen(pixels, { width: 8, height: 8 }, [3, 2, 2], null, false);
  expect([...found].map((value) => Math.round(255 * value))).toEqual([255, 255, 255, 255, 51, 51, 51, 51, 0, 0, 0, 0]);
});

test("an empty drawing that is centred is an empty picture", () => {
  expect(
    Math.max(...seen(new Uint8ClampedArray(64 * 64 * 4), { width: 64, height: 64 }, [1, 8, 8], MNIST, false)),
  ).toBe(0);
});
