// Pictures on one canvas: a single one or a grid, enlarged by whole numbers of device pixels, redrawn at most once a frame.
import type { Tiling } from "../../built/payloads";
import { h } from "./dom";

const MAX_SCALE = 64;
const GREY = "rgb(128 128 128)"; // of gutters: seen on dark and light pictures, in both themes

export type Layout = Pick<Tiling, "width" | "height"> & Partial<Tiling>;

export class Screen {
  readonly canvas = h("canvas", { role: "img" });
  readonly caption = h("figcaption");
  readonly figure = h("figure", {}, this.canvas, this.caption);
  private readonly context = this.canvas.getContext("2d", { willReadFrequently: false })!;
  private layout: Tiling = { width: 1, height: 1, columns: 1, count: 1, gutter: 0 };
  private parts = new Map<number, { pixels: Uint8ClampedArray<ArrayBuffer>; count: number; asked: number }>();
  private loading = "";
  private request = 0;
  private drawn = -1; // time of the frame that was drawn last

  /** Name what is shown, for those who see it and those who do not. */
  label(caption: string, alt = caption): void {
    this.caption.textContent = caption;
    this.canvas.setAttribute("aria-label", alt);
  }

  /** Make room for pictures; what is drawn stays while the size does. */
  arrange(layout: Layout): void {
    const next = { columns: 1, count: 1, gutter: 0, ...layout };
    const [across, down] = sizes(next);
    this.layout = next;
    if (this.canvas.width === across && this.canvas.height === down) return;
    Object.assign(this.canvas, { width: across, height: down });
    this.clear();
  }

  clear(): void {
    this.parts.clear();
    this.context.fillStyle = GREY;
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /**
   * Draw RGBA bytes of `count` pictures from place `first` on. The first pictures of a frame are drawn at once, those
   * that come later in the same frame with the next one: the screen shows no more than one a frame. Those of another
   * size were asked for before another model was opened.
   */
  draw(pixels: Uint8ClampedArray<ArrayBuffer>, first = 0, count = 1, asked = performance.now()): void {
    if (pixels.length !== count * this.layout.width * this.layout.height * 4) return;
    this.parts.set(first, { pixels, count, asked });
    if (this.request) return;
    const frame = document.timeline.currentTime as number;
    if (frame !== this.drawn) {
      this.drawn = frame;
      this.paint();
    } else {
      this.request = requestAnimationFrame(() => {
        this.request = 0;
        this.paint();
      });
    }
  }

  private paint(): void {
    const { width, height, columns, gutter } = this.layout;
    const size = width * height * 4;
    for (const [first, { pixels, count, asked }] of this.parts) {
      for (let i = 0; i < count; i++) {
        const picture = new ImageData(pixels.subarray(i * size, (i + 1) * size), width, height);
        const left = ((first + i) % columns) * (width + gutter) + gutter;
        const top = Math.floor((first + i) / columns) * (height + gutter) + gutter;
        this.context.putImageData(picture, left, top);
      }
      const detail = { first, count, asked, at: performance.now() };
      this.canvas.dispatchEvent(new CustomEvent("live-drawn", { bubbles: true, composed: true, detail }));
    }
    this.parts.clear();
  }

  /** Draw a picture that came as an address, at its own size. */
  async load(src: string): Promise<void> {
    const image = new Image();
    image.src = this.loading = src;
    await image.decode().catch(() => undefined); // one that cannot be read is not drawn
    if (this.loading === src && image.naturalWidth) this.context.drawImage(image, 0, 0);
  }

  /** As large as fits into so many CSS pixels, by a whole number of device pixels where possible. */
  fit(room: number, tall: number): void {
    const { width: across, height: down } = this.canvas;
    const scale = wholeScale(across, down, room, tall) || Math.min(1, room / across);
    this.canvas.style.width = `${across * scale}px`;
    this.canvas.style.height = `${down * scale}px`;
  }

  /** The place of the picture under a pointer; -1 outside. */
  place(event: { offsetX: number; offsetY: number }): number {
    const { width, height, columns, count, gutter } = this.layout;
    const x = ((event.offsetX / this.canvas.clientWidth) * this.canvas.width - gutter / 2) / (width + gutter);
    const y = ((event.offsetY / this.canvas.clientHeight) * this.canvas.height - gutter / 2) / (height + gutter);
    const place = Math.floor(y) * columns + Math.min(columns - 1, Math.max(0, Math.floor(x)));
    return y >= 0 && place < count ? place : -1;
  }

  dispose(): void {
    cancelAnimationFrame(this.request);
  }
}

/** By how much a picture is enlarged to fit, a whole number of device pixels; 0 where it does not fit as it is. */
export function wholeScale(across: number, down: number, room: number, tall: number): number {
  const ratio = window.devicePixelRatio || 1;
  const best = Math.min(Math.floor(Math.min(room / across, tall / down) * ratio), MAX_SCALE * ratio);
  return best >= ratio ? best / ratio : 0;
}

/** How wide and high a grid is, in the pictures' own pixels. */
export function sizes({ width, height, columns, count, gutter }: Tiling): [number, number] {
  return [columns * (width + gutter) + gutter, Math.ceil(count / columns) * (height + gutter) + gutter];
}
