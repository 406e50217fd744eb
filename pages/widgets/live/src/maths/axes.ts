// Where a picture lies along the axes of a latent space, and what of it is out of the ordinary.
import type { Axis, Slide } from "../../built/payloads";

const MOST_NAMED = 5; // dimensions in a sentence: it stays on one line
const BEYOND = 0.05; // of the reference pictures lie outside a band

/** Place and spread (standard deviation) along an axis. */
export function along(axis: Axis, mean: ArrayLike<number>, std: ArrayLike<number>): [number, number] {
  if (axis.direction === null) return [mean[axis.index!], std[axis.index!]];
  let [place, square] = [-axis.offset, 0];
  axis.direction.forEach((unit, i) => {
    place += unit * mean[i];
    square += (unit * std[i]) ** 2;
  });
  return [place, Math.sqrt(square)];
}

/** In which dimensions the picture lies outside of what reference pictures have there, in a sentence. */
export function outside(axes: Axis[], places: number[]): string {
  const used = axes.filter(({ active }) => active);
  const out = axes.filter(({ active, low, high }, i) => active && (places[i] < low || places[i] > high));
  if (!out.length)
    return "In every dimension in use it lies within the grey band; each band holds 95 % of the reference pictures.";
  const names = out.slice(0, MOST_NAMED).map(({ name }) => name);
  const more = out.length > names.length ? ` and ${out.length - names.length} more` : "";
  const ordinary = (used.length * BEYOND).toFixed(1); // of a reference picture
  return `Outside the grey bands of ${names.join(", ")}${more}: ${out.length} of ${used.length} in use, reference pictures ${ordinary} on average.`;
}

/** From the smallest to the largest, without the few far out. */
export function range(values: number[]): [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(values.length * 0.005);
  return [sorted[cut], sorted[sorted.length - 1 - cut]];
}

/** Where the start goes when sliders stand at `places`. */
export function moved(start: ArrayLike<number>, slides: Slide[], places: Map<string, number>): Float32Array {
  const z = Float32Array.from(start);
  for (const { key, index, start: own, at, direction } of slides) {
    const place = places.get(key);
    if (place === undefined || place === own) continue;
    if (direction) direction.forEach((unit, i) => (z[i] += (place - at) * unit));
    else z[index!] = place;
  }
  return z;
}
