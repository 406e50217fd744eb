import { describe, expect, it } from "vitest";
import { blend, centre, clamp, corners, lerp, type Place, slerp, walk, weights } from "../../src/maths/blend";

const A = [0.5, -1.25, 2, 0];
const B = [-1, 0.75, 0.25, 3];
// explore.slerp(A, B, t) of vae_core
const ARC: [number, number[]][] = [
  [0, [0.5, -1.25, 2, 0]],
  [0.25, [0.190539, -1.058072, 2.174916, 0.997243]],
  [0.42, [-0.077147, -0.7825, 2.06016, 1.672057]],
  [0.5, [-0.212339, -0.61608, 1.936039, 1.966162]],
  [1, [-1, 0.75, 0.25, 3]],
];
const PLACES: Place[] = [[0, 0], [1, 0], [0.3, 0.6], [0.5, 1], [0.42, 0.13]]; // prettier-ignore

function close(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(found.length).toBe(wanted.length);
  Array.from(wanted).forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
}

describe("two points", () => {
  it.each(ARC)("the great circle at t = %f is the server's", (t, wanted) => close(slerp(A, B, t), wanted));

  it("the straight line goes from A to B", () => {
    close(lerp(A, B, 0), A);
    close(lerp(A, B, 0.25), [0.125, -0.75, 1.5625, 0.75]);
    close(lerp(A, B, 1), B);
  });

  it.each([
    ["parallel", [2, 4], [1, 2]],
    ["opposite", [1, 2], [-1, -2]],
    ["zero", [0, 0], [1, 2]],
  ])("without a great circle the way is straight: %s", (_, a, b) => close(slerp(a, b, 0.3), lerp(a, b, 0.3)));
});

describe.each([3, 4])("a pad of %i", (count) => {
  it("has all of one picture at its corner", () => {
    corners(count).forEach((corner, k) =>
      close(
        weights(corner, count),
        corners(count).map((_, i) => (i === k ? 1 : 0)),
      ),
    );
  });

  it("weighs all alike in the middle", () => close(weights(centre(count), count), Array(count).fill(1 / count)));

  it("has weights that sum to 1 and put the place where it is", () => {
    for (const place of PLACES.map((each) => clamp(each, count))) {
      const shares = weights(place, count);
      expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1);
      expect(Math.min(...shares)).toBeGreaterThan(-1e-9);
      close(blend(corners(count), shares), place);
    }
  });

  it("keeps what is inside, and takes what is not to the nearest edge or corner", () => {
    expect(clamp([0.5, 0.25], count)).toEqual([0.5, 0.25]);
    close(clamp([0.4, -2], count), [0.4, 0]);
    close(clamp([-3, -4], count), [0, 0]);
    close(clamp([0.5, 7], count), [0.5, 1]);
    close(clamp([0, 1], count), count === 3 ? [0.4, 0.8] : [0, 1]); // at a right angle to the edge from A to C
  });
});

it("a walk goes along all stops and back, over and over", () => {
  const stops: Place[] = [[0.5, 0.5], [0.5, 0], [1, 0]]; // prettier-ignore
  const visits: [number, Place][] = [
    [0, [0.5, 0.5]],
    [0.25, [0.5, 0.25]],
    [0.75, [0.75, 0]],
    [1, [1, 0]],
    [1.75, [0.5, 0.25]],
    [2.75, [0.75, 0]],
  ];
  for (const [walked, place] of visits) close(walk(stops, walked), place);
  expect(walk([[0.3, 0.3], [0.3, 0.3]], 1)).toEqual([0.3, 0.3]); // prettier-ignore
});
