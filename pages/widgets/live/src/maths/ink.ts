// What is done to a drawing before a model sees it: as `vae_core/images.py` prepares an upload.
import type { Centring } from "../../built/payloads";

const INK_CONTRAST = 0.1; // least brightness of ink
const INK_LEVEL = 0.1; // a pixel this bright, where the brightest is 1, belongs to the drawing
const STROKE = 0.1; // least thickness of a line, in parts of the drawing's longer side

/** One channel: rows of numbers in [0, 1]. */
export interface Plane {
  width: number;
  height: number;
  values: Float32Array;
}

/** Catmull-Rom, as Pillow's BICUBIC. */
function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** For each of `to` places which of `from` values count, and how much; the filter is widened when it shrinks. */
function weights(from: number, to: number): { first: number; shares: Float32Array }[] {
  const scale = from / to;
  const wide = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - 2 * wide + 0.5));
    const last = Math.min(from, Math.trunc(centre + 2 * wide + 0.5));
    const shares = Float32Array.from({ length: last - first }, (_, k) => cubic((first + k - centre + 0.5) / wide));
    const sum = shares.reduce((a, b) => a + b, 0);
    return { first, shares: shares.map((share) => share / sum) };
  });
}

/** Lines of `values`, `length` numbers each, made shorter or longer; what comes out lies the other way. */
function turned(values: Float32Array, length: number, to: number): Float32Array {
  const lines = values.length / length;
  const out = new Float32Array(lines * to);
  weights(length, to).forEach(({ first, shares }, i) => {
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      for (let k = 0, at = line * length + first; k < shares.length; k++, at++) sum += shares[k] * values[at];
      out[i * lines + line] = sum;
    }
  });
  return out;
}

/** Another size, smoothly; in [0, 1]. */
export function resized({ width, height, values }: Plane, across: number, down: number): Plane {
  const out = turned(turned(values, width, across), height, down);
  return { width: across, height: down, values: out.map((value) => Math.min(1, Math.max(0, value))) };
}

/** The sums of rows (`along` 1) or of columns (`along` 0). */
function sums({ width, height, values }: Plane, along: 0 | 1): Float32Array {
  const out = new Float32Array(along ? height : width);
  values.forEach((value, i) => (out[along ? Math.floor(i / width) : i % width] += value));
  return out;
}

/** Where lines begin so that their centre of mass comes nearest to the middle of `side`, all of them inside. */
export function corner(mass: Float32Array, side: number): number {
  const total = mass.reduce((a, b) => a + b, 0);
  const centre = mass.reduce((sum, m, i) => sum + m * (i + 0.5), 0) / total;
  return Math.min(Math.max(Math.ceil(side / 2 - centre), 0), side - mass.length);
}

/** The part that holds ink; null where there is none. */
export function cutOut({ width, height, values }: Plane): Plane | null {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  if (most < INK_CONTRAST) return null;
  let [left, right, top, bottom] = [width, 0, height, 0];
  values.forEach((value, i) => {
    if (value <= INK_LEVEL * most) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x + 1), Math.min(top, y), Math.max(bottom, y + 1)];
  });
  const out = { width: right - left, height: bottom - top, values: new Float32Array((right - left) * (bottom - top)) };
  for (let y = 0; y < out.height; y++) {
    const from = (top + y) * width + left;
    out.values.set(values.subarray(from, from + out.width), y * out.width);
  }
  return out;
}

/** Thin lines grown to `STROKE`, as thick as the training data's. */
function thickened(ink: Plane): Plane {
  const { width, height, values } = ink;
  const at = (x: number, y: number) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : values[y * width + x]);
  let [edges, sum] = [0, 0];
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      edges += Math.abs(at(x, y) - at(x - 1, y)) + Math.abs(at(x, y) - at(x, y - 1));
      sum += at(x, y);
    }
  }
  // A line of length L and width w has the area L w, and edges of 2 L, which count 4 / pi times on a square grid.
  const thickness = (2 * sum) / ((edges * Math.PI) / 4);
  const rounds = Math.floor(Math.round(STROKE * Math.max(width, height) - thickness) / 2);
  if (rounds < 1) return ink;
  const [across, down] = [width + 2 * rounds, height + 2 * rounds];
  const widened = brightest(values, width, rounds); // columns now
  return { width: across, height: down, values: brightest(widened, height, rounds) };
}

/** The brightest within `reach`, `reach` longer at both ends of each line; what comes out lies the other way. */
function brightest(values: Float32Array, length: number, reach: number): Float32Array {
  const lines = values.length / length;
  const out = new Float32Array(lines * (length + 2 * reach));
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      const value = values[line * length + i];
      if (value === 0) continue;
      for (let k = i; k <= i + 2 * reach; k++) out[k * lines + line] = Math.max(out[k * lines + line], value);
    }
  }
  return out;
}

/** Light ink on black, cut out, scaled and put into the middle of a picture; null without ink. */
export function centred(drawing: Plane, width: number, height: number, how: Centring): Plane | null {
  const found = cutOut(drawing);
  if (!found) return null;
  const ink = how.brighten ? thickened(found) : found;
  const scale = Math.min((how.box * width) / ink.width, (how.box * height) / ink.height);
  const [across, down] = [ink.width, ink.height].map((length) => Math.max(1, Math.round(length * scale)));
  const small = resized(ink, across, down);
  const most = small.values.reduce((a, b) => Math.max(a, b), 0);
  if (how.brighten) small.values = small.values.map((value) => value / most);
  const weight = how.mass ? small : { ...small, values: small.values.map(() => 1) };
  const [left, top] = [corner(sums(weight, 0), width), corner(sums(weight, 1), height)];
  const out = { width, height, values: new Float32Array(width * height) };
  for (let y = 0; y < down; y++) {
    out.values.set(small.values.subarray(y * across, (y + 1) * across), (top + y) * width + left);
  }
  return out;
}

/** One channel of RGBA bytes. */
export function channel(pixels: Uint8ClampedArray, width: number, height: number, which: number): Plane {
  return {
    width,
    height,
    values: Float32Array.from({ length: width * height }, (_, i) => pixels[4 * i + which] / 255),
  };
}

/** In whole grey levels, as a file holds them; or as bits, 1 from the middle up. */
export function levels(values: Float32Array, bits: boolean): Float32Array {
  return values.map((value) => (bits ? Number(value >= 0.5) : Math.round(value * 255) / 255));
}

/** RGBA bytes of a drawing -> what the model sees, (C, H, W) in [0, 1]. */
export function seen(
  pixels: Uint8ClampedArray,
  size: { width: number; height: number },
  [channels, height, width]: [number, number, number],
  centring: Centring | null,
  bits: boolean,
): Float32Array {
  const out = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    const plane = channel(pixels, size.width, size.height, c);
    const small = (centring && centred(plane, width, height, centring)) || resized(plane, width, height);
    out.set(small.values, c * height * width);
  }
  return levels(out, bits);
}
