// Places between two, three or four points of the latent space; a pad is the unit square, across and down.

/** A place in a pad: 0 to 1 from left to right, 0 to 1 from top to bottom. */
export type Place = [number, number];
type Row = ArrayLike<number>;

const LEAST_SINE = 1e-4; // below it the great circle is not defined, and the way is the straight line

/** On the straight line from a (t = 0) to b (t = 1). */
export function lerp(a: Row, b: Row, t: number): Float32Array {
  return Float32Array.from(a, (value, i) => value + t * (b[i] - value));
}

/** On the great circle from a to b, lengths interpolated linearly, as `explore.slerp`; else on the straight line. */
export function slerp(a: Row, b: Row, t: number): Float32Array {
  const [longA, longB] = [Math.hypot(...Array.from(a)), Math.hypot(...Array.from(b))];
  let dot = 0;
  for (let i = 0; i < a.length; i++) dot += a[i] * b[i];
  const angle = Math.acos(Math.min(1, Math.max(-1, dot / (longA * longB))));
  const sine = Math.sin(angle);
  if (!(Math.abs(sine) >= LEAST_SINE)) return lerp(a, b, t); // also where a length is zero, and nothing is a number
  const length = longA + t * (longB - longA);
  const [ofA, ofB] = [
    (length * Math.sin((1 - t) * angle)) / (sine * longA),
    (length * Math.sin(t * angle)) / (sine * longB),
  ];
  return Float32Array.from(a, (value, i) => ofA * value + ofB * b[i]);
}

/** Where the corners of a pad lie: A left and B right above, below them C and D, or C alone in the middle. */
export function corners(count: number): Place[] {
  return count === 3 ? [[0, 0], [1, 0], [0.5, 1]] : [[0, 0], [1, 0], [0, 1], [1, 1]]; // prettier-ignore
}

/** How much of each corner is at a place: barycentric in a triangle, bilinear in a square; the sum is 1. */
export function weights([u, v]: Place, count: number): number[] {
  if (count === 3) return [1 - u - v / 2, u - v / 2, v];
  return [(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v];
}

/** The middle, where all corners weigh the same. */
export function centre(count: number): Place {
  return count === 3 ? [0.5, 1 / 3] : [0.5, 0.5];
}

/** The nearest place that belongs to the pad. */
export function clamp([u, v]: Place, count: number): Place {
  if (count !== 3) return [unit(u), unit(v)];
  if (weights([u, v], 3).every((weight) => weight >= 0)) return [u, v];
  const [a, b, c] = corners(3);
  const nearest = [onto([u, v], a, b), onto([u, v], b, c), onto([u, v], c, a)];
  return nearest.reduce((one, other) => (distance([u, v], other) < distance([u, v], one) ? other : one));
}

/** The sum of points, each with its weight. */
export function blend(points: Row[], shares: number[]): Float32Array {
  const sum = new Float32Array(points[0].length);
  points.forEach((point, k) => {
    for (let i = 0; i < sum.length; i++) sum[i] += shares[k] * point[i];
  });
  return sum;
}

/** Where one is after `walked` units on the way along all stops and back again, over and over. */
export function walk(stops: Place[], walked: number): Place {
  const lengths = stops.slice(1).map((stop, i) => distance(stops[i], stop));
  const whole = lengths.reduce((sum, length) => sum + length, 0);
  let left = whole === 0 ? 0 : whole - Math.abs((walked % (2 * whole)) - whole);
  for (const [i, length] of lengths.entries()) {
    if (left <= length && length > 0) return toward(stops[i], stops[i + 1], left / length);
    left -= length;
  }
  return stops[stops.length - 1];
}

const unit = (value: number) => Math.min(1, Math.max(0, value));
const distance = (a: Place, b: Place) => Math.hypot(b[0] - a[0], b[1] - a[1]);
const toward = (a: Place, b: Place, t: number): Place => [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];

/** The nearest place on the line from a to b. */
function onto(place: Place, a: Place, b: Place): Place {
  const [x, y] = [b[0] - a[0], b[1] - a[1]];
  return toward(a, b, unit(((place[0] - a[0]) * x + (place[1] - a[1]) * y) / (x * x + y * y)));
}
