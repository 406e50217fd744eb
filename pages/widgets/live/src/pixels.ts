// Numbers in [0, 1] -> what a canvas takes.

/** Pictures (N, C, H, W) in [0, 1] as RGBA bytes (N, H, W, 4); rounded as the server does. */
export function toPixels(values: Float32Array, channels: number, area: number): Uint8ClampedArray<ArrayBuffer> {
  const count = values.length / (channels * area);
  const pixels = new Uint8ClampedArray(count * area * 4);
  const [green, blue] = channels === 3 ? [area, 2 * area] : [0, 0];
  for (let n = 0, from = 0, to = 0; n < count; n++, from += channels * area) {
    for (let i = from; i < from + area; i++, to += 4) {
      pixels[to] = values[i] * 255; // a clamped array rounds by itself
      pixels[to + 1] = values[i + green] * 255;
      pixels[to + 2] = values[i + blue] * 255;
      pixels[to + 3] = 255;
    }
  }
  return pixels;
}
