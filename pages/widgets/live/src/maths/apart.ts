// Which points of a map have room for a picture.

/** A rectangle on a map at one zoom: its middle, in CSS pixels from the map's origin, and its size. */
export interface Plot {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Points of (N, 2), in the given order, whose pictures touch neither one another nor what is taken. As a place on the
 * map, and not in the window, decides, the choice stays when the map is moved.
 */
export function apart(
  coords: Float32Array,
  order: Iterable<number>,
  [sx, sy]: [number, number], // CSS pixels a unit
  [width, height]: [number, number], // of a picture, with the gap beside it
  taken: Plot[],
): number[] {
  const cells = new Map<number, number[]>(); // as large as a picture: what touches it lies in it or next to it
  const at = (i: number): [number, number] => [coords[2 * i] * sx, -coords[2 * i + 1] * sy];
  const isFree = (x: number, y: number, column: number, row: number): boolean => {
    for (const [right, down] of NEXT) {
      for (const j of cells.get(cell(column + right, row + down)) ?? []) {
        const [nx, ny] = at(j);
        if (touch(x - nx, y - ny, width, height)) return false;
      }
    }
    return !taken.some((plot) => touch(x - plot.x, y - plot.y, (width + plot.width) / 2, (height + plot.height) / 2));
  };
  const found: number[] = [];
  for (const i of order) {
    const [x, y] = at(i);
    const [column, row] = [Math.floor(x / width), Math.floor(y / height)];
    if (!isFree(x, y, column, row)) continue;
    const here = cells.get(cell(column, row));
    if (here) here.push(i);
    else cells.set(cell(column, row), [i]);
    found.push(i);
  }
  return found;
}

const cell = (column: number, row: number) => column * 2 ** 26 + row;

const touch = (dx: number, dy: number, width: number, height: number) => Math.abs(dx) < width && Math.abs(dy) < height;

const NEXT = [0, -1, 1].flatMap((right) => [0, -1, 1].map((down) => [right, down] as const)); // its own cell first
