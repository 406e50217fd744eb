// A rectangle in a photograph, in parts of the photograph's width and height, kept inside it.

export type Crop = [number, number, number, number]; // left, top, right, bottom
export type Pair = [number, number];

/** A rectangle by its middle and sides. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const boxOf = ([left, top, right, bottom]: Crop): Box => ({
  x: (left + right) / 2,
  y: (top + bottom) / 2,
  width: right - left,
  height: bottom - top,
});

/** A rectangle whose sides are at least so long, moved inside. */
export function cropOf(box: Box, least: number): Crop {
  const [width, height] = [box.width, box.height].map((side) => Math.min(1, Math.max(least, Math.abs(side))));
  const x = Math.min(1 - width / 2, Math.max(width / 2, box.x));
  const y = Math.min(1 - height / 2, Math.max(height / 2, box.y));
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

/**
 * A rectangle of which a corner (-1 or 1 across and down) was moved by so many pixels in a photograph of a size: along
 * the sides of the rectangle, which is turned by so many degrees; the corner across stays where it is.
 */
export function resized(
  box: Box,
  corner: Pair,
  [dx, dy]: Pair,
  [across, down]: Pair,
  turn: number,
  least: number,
): Box {
  const angle = (turn * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const width = Math.max(least, box.width + (corner[0] * (dx * cos + dy * sin)) / across);
  const height = Math.max(least, box.height + (corner[1] * (dy * cos - dx * sin)) / down);
  const a = (corner[0] * (width - box.width) * across) / 2;
  const d = (corner[1] * (height - box.height) * down) / 2;
  return { x: box.x + (a * cos - d * sin) / across, y: box.y + (a * sin + d * cos) / down, width, height };
}

/** A rectangle drawn from one place to another. */
export const spanned = ([x, y]: Pair, [dx, dy]: Pair): Box => ({ x: x + dx / 2, y: y + dy / 2, width: dx, height: dy });

/** Where a photograph enlarged so many times begins, in parts of its window, with a place of it in the middle if it can. */
export const start = (place: number, scale: number): number => Math.min(0, Math.max(1 - scale, 0.5 - scale * place));
