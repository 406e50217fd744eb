// Arithmetic of a map: between its coordinates and the window's, which point is nearest, what lies under a place.

/** A part of a map on the page: `x`, `y` lie in the middle of the room; `sx`, `sy` are CSS pixels a unit. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  x: number;
  y: number;
  sx: number;
  sy: number;
}

export type Room = Pick<Frame, "left" | "top" | "width" | "height">;
export type Place = [number, number];

/** A linear map: z = mean + coords · axes; `axes` holds two rows side by side. */
export interface Basis {
  mean: Float32Array;
  axes: Float32Array;
}

const EDGE = 0.05; // of the room, left free around all points

/** The frame that shows all points (N, 2), with equal units on both axes, or filling the room; `beside` them, if it can. */
export function fitted(coords: Float32Array, room: Room, equal: boolean, beside = 0): Frame {
  const low: Place = [Infinity, Infinity];
  const high: Place = [-Infinity, -Infinity];
  for (let i = 0; i < coords.length; i++) {
    low[i & 1] = Math.min(low[i & 1], coords[i]);
    high[i & 1] = Math.max(high[i & 1], coords[i]);
  }
  const extent = [high[0] - low[0], high[1] - low[1]];
  const scales = [room.width, room.height].map((size, i) => (size * (1 - 2 * EDGE)) / Math.max(extent[i], 1e-9));
  const both = Math.min(...scales.filter((scale) => scale < 1e9), 1e9);
  const [sx, sy] = equal ? [both, both] : scales.map((scale) => (scale < 1e9 ? scale : both));
  const spare = Math.max(0, room.width * (1 - 2 * EDGE) - extent[0] * sx);
  const aside = Math.min(beside, spare) / 2 / sx;
  return { ...room, x: (low[0] + high[0]) / 2 + aside, y: (low[1] + high[1]) / 2, sx, sy };
}

export const toScreen = (f: Frame, x: number, y: number): Place => [
  f.left + f.width / 2 + (x - f.x) * f.sx,
  f.top + f.height / 2 - (y - f.y) * f.sy,
];

export const toMap = (f: Frame, px: number, py: number): Place => [
  f.x + (px - f.left - f.width / 2) / f.sx,
  f.y - (py - f.top - f.height / 2) / f.sy,
];

/** The frame after its paper was shifted by so many pixels. */
export const panned = (f: Frame, dx: number, dy: number): Frame => ({ ...f, x: f.x - dx / f.sx, y: f.y + dy / f.sy });

/** The frame enlarged by `factor`; what lies at a pixel stays there. */
export function zoomed(f: Frame, factor: number, px: number, py: number): Frame {
  const [x, y] = toMap(f, px, py);
  return { ...f, sx: f.sx * factor, sy: f.sy * factor, x: x + (f.x - x) / factor, y: y + (f.y - y) / factor };
}

/** The point that lies nearest on the page to a place of the map; -1 where there is none. */
export function nearest(coords: Float32Array, { sx, sy }: Frame, x: number, y: number): number {
  let found = -1;
  let best = Infinity;
  for (let i = 0; i < coords.length; i += 2) {
    const dx = (coords[i] - x) * sx;
    const dy = (coords[i + 1] - y) * sy;
    const distance = dx * dx + dy * dy;
    if (distance < best) [best, found] = [distance, i / 2];
  }
  return found;
}

/** Whether a place lies in a polygon, by the number of edges that a ray to the right meets. */
export function contains(polygon: Place[], x: number, y: number): boolean {
  let inside = false;
  polygon.forEach(([ax, ay], i) => {
    const [bx, by] = polygon[(i || polygon.length) - 1];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  });
  return inside;
}

/** The points of (N, 2) within a polygon of places on the map, ascending. */
export function within(polygon: Place[], coords: Float32Array): number[] {
  const found: number[] = [];
  for (let i = 0; i < coords.length; i += 2) if (contains(polygon, coords[i], coords[i + 1])) found.push(i / 2);
  return found;
}

/** The four corners of a box by two of them. */
export const box = ([ax, ay]: Place, [bx, by]: Place): Place[] => [
  [ax, ay],
  [bx, ay],
  [bx, by],
  [ax, by],
];

/** The vector at a place of a linear map. */
export function inverse({ mean, axes }: Basis, x: number, y: number): Float32Array {
  const dim = mean.length;
  return mean.map((at, i) => at + x * axes[i] + y * axes[dim + i]);
}

/** The same with what the map leaves out of one vector `z`, which lies at `at`: over the point itself it is `z`. */
export function carried({ axes }: Basis, z: Float32Array, [ax, ay]: Place, x: number, y: number): Float32Array {
  const dim = z.length;
  return z.map((value, i) => value + (x - ax) * axes[i] + (y - ay) * axes[dim + i]);
}

/** Round numbers from `low` to `high`, about `count` of them. */
export function ticks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((unit) => unit * power >= raw) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, i) => (first + i) * step);
}
