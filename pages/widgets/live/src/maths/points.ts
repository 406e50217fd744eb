// The points of a map as the server packs them: see `pages/widgets/mapping/livemap.py`.
import type { Basis } from "./plane";

/** N points; `label` and `y` are -1 where there is none, `error` and `kl` not a number. */
export interface Points {
  coords: Float32Array; // (N, 2)
  error: Float32Array;
  kl: Float32Array;
  row: Int32Array;
  label: Int32Array;
  y: Int32Array;
  paint: Uint8Array; // (N, 4): red, green, blue, symbol
  order: Int32Array; // places of the points, the most typical first
  basis: Basis | null;
  means: Float32Array | null; // (N, D)
}

/** Read both files, or the first alone; `dim` numbers a vector. */
export function unpack(
  facts: ArrayBuffer,
  means: ArrayBuffer | null,
  count: number,
  dim: number,
  linear: boolean,
): Points {
  const columns = 9 * count + (linear ? 3 * dim : 0);
  if (facts.byteLength !== 4 * columns || (means && means.byteLength !== 4 * count * dim)) {
    throw new Error("the points came incomplete");
  }
  let at = 0;
  const take = (numbers: number) => [facts, (at += 4 * numbers) - 4 * numbers, numbers] as const;
  return {
    coords: new Float32Array(...take(2 * count)),
    error: new Float32Array(...take(count)),
    kl: new Float32Array(...take(count)),
    row: new Int32Array(...take(count)),
    label: new Int32Array(...take(count)),
    y: new Int32Array(...take(count)),
    paint: new Uint8Array(facts, take(count)[1], 4 * count),
    order: new Int32Array(...take(count)),
    basis: linear ? { mean: new Float32Array(...take(dim)), axes: new Float32Array(...take(2 * dim)) } : null,
    means: means && new Float32Array(means),
  };
}
