// Numbers -> what a canvas takes.

/** Pictures (N, C, H, W) as RGBA bytes (N, H, W, 4); rounded as the server does. `white` is how many levels a 1 is. */
export function toPixels(
  values: Float32Array | Uint8Array,
  channels: number,
  area: number,
  white = 255,
): Uint8ClampedArray<ArrayBuffer> {
  const count = values.length / (channels * area);
  const pixels = new Uint8ClampedArray(count * area * 4);
  const [green, blue] = channels === 3 ? [area, 2 * area] : [0, 0];
  for (let n = 0, from = 0, to = 0; n < count; n++, from += channels * area) {
    for (let i = from; i < from + area; i++, to += 4) {
      pixels[to] = values[i] * white; // a clamped array rounds by itself
      pixels[to + 1] = values[i + green] * white;
      pixels[to + 2] = values[i + blue] * white;
      pixels[to + 3] = 255;
    }
  }
  return pixels;
}
