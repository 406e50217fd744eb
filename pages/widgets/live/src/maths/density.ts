// How thickly the points of a map lie, as a smooth surface over it.

/** `cells` (SIDE, SIDE) from 0 to 1, the upper row first, over a part of the map in its own units. */
export interface Density {
  cells: Float32Array;
  left: number;
  top: number;
  width: number;
  height: number;
}

export const SIDE = 96;
const EDGE = 0.2; // of the points' extent, left free around them
const REACH = 3; // standard deviations of the kernel

/** A Gaussian kernel estimate of points (N, 2), as wide along each axis as Scott's rule has it (Scott 1992). */
export function density(coords: Float32Array): Density {
  const [across, down] = [spread(coords, 0), spread(coords, 1)];
  const counts = new Float32Array(SIDE * SIDE);
  for (let i = 0; i < coords.length; i += 2) {
    const column = Math.floor(((coords[i] - across.low) / across.size) * SIDE);
    const row = Math.floor(((down.low + down.size - coords[i + 1]) / down.size) * SIDE);
    counts[row * SIDE + column]++;
  }
  const cells = smoothed(smoothed(counts, across.width, 1), down.width, SIDE);
  const most = Math.max(...cells);
  const { low: left, size: width } = across;
  return { cells: cells.map((cell) => cell / most), left, top: down.low + down.size, width, height: down.size };
}

/** Where the surface begins along one axis, how long it is, and how wide its kernel, in cells. */
function spread(coords: Float32Array, axis: 0 | 1): { low: number; size: number; width: number } {
  const values = coords.filter((_, i) => (i & 1) === axis);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const low = values.reduce((a, b) => Math.min(a, b));
  const extent = Math.max(values.reduce((a, b) => Math.max(a, b)) - low, 1e-9);
  const size = extent * (1 + 2 * EDGE);
  return { low: low - EDGE * extent, size, width: (values.length ** (-1 / 6) * deviation * SIDE) / size };
}

/** Blurred along the axis on which neighbours are `step` cells apart. */
function smoothed(cells: Float32Array, width: number, step: number): Float32Array {
  const reach = Math.ceil(REACH * width);
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / (width || 1)) ** 2));
  const turn = SIDE / step; // the other axis' step
  const found = new Float32Array(cells.length);
  for (let line = 0; line < SIDE; line++) {
    for (let i = 0; i < SIDE; i++) {
      for (let k = Math.max(-reach, -i); k <= Math.min(reach, SIDE - 1 - i); k++) {
        found[line * turn + i * step] += kernel[k + reach] * cells[line * turn + (i + k) * step];
      }
    }
  }
  return found;
}
