// The drawing of a map on two canvases: points and axes below, what follows the hand above.
import type { Label, Mark } from "../../../built/payloads";
import { h } from "../../parts/dom";
import { type Frame, fitted, type Place, type Room, ticks, toMap, toScreen } from "../../maths/plane";
import type { Plot } from "../../maths/apart";
import { type Density, density, SIDE } from "../../maths/density";
import type { Points } from "../../maths/points";
import { drawLabel, drawMark, labelPlot, outline, type Pen, type Type } from "./marks";

const PALE = 0.25; // of points that are not among those chosen, as on the other maps
const STRONG = 0.8;
const FONT = 14;
const SHADE = 80; // of 255, where the points lie thickest
const ZOOM = [0.5, 400]; // times the whole map

export interface Look {
  points: Points;
  size: number; // CSS pixels of a point
  equal: boolean;
  ticks: boolean;
  axes: [string, string];
  labels: Label[];
  marks: Mark[];
  front: Set<number>; // points that stand out
  shade: boolean; // whether the ground says how thickly the points lie
}

/** Points that have a picture in their place, and how large it is. */
export interface Pictured {
  rows: Set<number>;
  width: number;
  height: number;
}

export class Board {
  readonly below = h("canvas", { "aria-hidden": "true" });
  readonly above = h("canvas", { className: "above", role: "application", tabIndex: 0 });
  readonly box = h("div", { className: "plot" }, this.below, this.above);
  frame: Frame = { left: 0, top: 0, width: 1, height: 1, x: 0, y: 0, sx: 1, sy: 1 };
  private home: Frame | null = null;
  private look: Look | null = null;
  beside = 0; // CSS pixels at the right that are left free where there is room to spare
  private request = 0;
  private pictured: Pictured = { rows: new Set(), width: 0, height: 0 };
  private shade: { of: Points; density: Density; canvas: HTMLCanvasElement } | null = null;

  /** `over` draws what follows the hand, `amid` what lies between points and names. */
  constructor(
    private readonly over: (pen: Pen) => void,
    private readonly amid: (pen: Pen, front: Set<number>, taken: Plot[]) => Pictured,
  ) {}

  /** Other points begin with the whole map. */
  show(look: Look): void {
    if (look.points !== this.look?.points) this.home = null;
    this.look = look;
    this.fit();
  }

  /** Take the room there is; where the hand has moved the map, the same part of it stays in sight. */
  fit(): void {
    if (!this.look) return;
    const { clientWidth: across, clientHeight: down } = this.box;
    if (!across) return;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.below, this.above]) {
      const [width, height] = [Math.round(across * ratio), Math.round(down * ratio)];
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    }
    const room = this.room(across, down);
    const home = fitted(this.look.points.coords, room, this.look.equal, this.beside);
    const { frame, home: before } = this;
    this.frame = before
      ? { ...home, x: frame.x, y: frame.y, sx: (home.sx * frame.sx) / before.sx, sy: (home.sy * frame.sy) / before.sy }
      : home;
    if (before && frame.sx === before.sx && frame.x === before.x && frame.y === before.y) this.frame = home;
    this.home = home;
    this.draw();
  }

  /** Where the points have their place: titles and numbers stand around it. */
  private room(across: number, down: number): Room {
    const { grow } = this.type;
    const [left, top, bottom] = (this.look!.ticks ? [36, 24, 44] : [1, 24, 24]).map((edge) => edge * grow);
    return { left, top, width: Math.max(1, across - left - 1), height: Math.max(1, down - top - bottom) };
  }

  /** Show another part. */
  turn(frame: Frame): void {
    const share = this.home ? frame.sx / this.home.sx : 1;
    if (share < ZOOM[0] || share > ZOOM[1]) return;
    this.frame = frame;
    this.draw();
  }

  get whole(): boolean {
    return this.frame.sx <= (this.home?.sx ?? 0);
  }

  reset(): void {
    if (this.home) this.turn(this.home);
  }

  /** Draw all at the next frame. */
  draw(): void {
    this.request ||= requestAnimationFrame(() => {
      this.request = 0;
      this.paint();
      this.hover();
    });
  }

  /** Draw what follows the hand. */
  hover(): void {
    const pen = this.pen(this.above);
    pen.clearRect(0, 0, this.above.width, this.above.height);
    if (!this.look) return;
    this.clipped(pen, () => this.over(pen));
    for (const mark of this.look.marks) drawMark(pen, this.frame, this.type, mark);
  }

  dispose(): void {
    cancelAnimationFrame(this.request);
  }

  /** The point whose picture lies at a place of the window; -1 where there is none. */
  covering(x: number, y: number): number {
    const { rows, width, height } = this.pictured;
    for (const i of rows) {
      const [px, py] = this.at(i);
      if (2 * Math.abs(px - x) <= width && 2 * Math.abs(py - y) <= height) return i;
    }
    return -1;
  }

  /** A point brought to the front, with a ring, or its picture with a frame. */
  front(pen: Pen, i: number, colour = ""): void {
    const { points, size } = this.look!;
    const [x, y] = this.at(i);
    const { rows, width, height } = this.pictured;
    pen.beginPath();
    if (rows.has(i)) pen.rect(x - width / 2, y - height / 2, width, height);
    else {
      outline(pen, points.paint[4 * i + 3], x, y, (size * this.type.grow) / 2 + 3);
      pen.fillStyle = this.colour(i);
      pen.fill();
    }
    pen.lineWidth = 2.5;
    pen.strokeStyle = colour || this.style("--st-text-color");
    pen.stroke();
  }

  at(i: number): Place {
    const { coords } = this.look!.points;
    return toScreen(this.frame, coords[2 * i], coords[2 * i + 1]);
  }

  /** The page's type, which is larger in a presentation. */
  get type(): Type {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    return { font: this.style("--st-font"), grow: rem / 16 };
  }

  style(name: string): string {
    return getComputedStyle(this.box).getPropertyValue(name) || "gray";
  }

  private pen(canvas: HTMLCanvasElement): Pen {
    const pen = canvas.getContext("2d")!;
    const ratio = canvas.width / (this.box.clientWidth || 1);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    return pen;
  }

  colour(i: number): string {
    const { paint } = this.look!.points;
    return `rgb(${paint[4 * i]} ${paint[4 * i + 1]} ${paint[4 * i + 2]})`;
  }

  private clipped(pen: Pen, act: () => void): void {
    const { left, top, width, height } = this.frame;
    pen.save();
    pen.beginPath();
    pen.rect(left, top, width, height);
    pen.clip();
    act();
    pen.restore();
  }

  private paint(): void {
    if (!this.look) return;
    const pen = this.pen(this.below);
    pen.clearRect(0, 0, this.below.width, this.below.height);
    this.axes(pen);
    this.clipped(pen, () => {
      const { labels, front, shade } = this.look!;
      if (shade) this.ground(pen);
      this.dots(pen);
      this.pictured = this.amid(
        pen,
        front,
        labels.map((label) => labelPlot(pen, this.frame, this.type, label)),
      );
      for (const label of labels) drawLabel(pen, this.frame, this.type, label);
    });
  }

  /** A grey that is seen on white and on black. */
  private ground(pen: Pen): void {
    const { points } = this.look!;
    if (this.shade?.of !== points) {
      const canvas = h("canvas", { width: SIDE, height: SIDE });
      const found = density(points.coords);
      const pixels = new Uint8ClampedArray(4 * SIDE * SIDE).fill(128);
      found.cells.forEach((cell, i) => (pixels[4 * i + 3] = SHADE * Math.sqrt(cell)));
      canvas.getContext("2d")!.putImageData(new ImageData(pixels, SIDE, SIDE), 0, 0);
      this.shade = { of: points, density: found, canvas };
    }
    const { density: on, canvas } = this.shade;
    const { left, top, width, height } = this.frame;
    const [x, y] = toMap(this.frame, left, top);
    // The part in sight alone: enlarged as a whole it would be huge.
    const [across, down] = [SIDE / on.width, SIDE / on.height]; // cells a unit
    const { sx, sy } = this.frame;
    pen.imageSmoothingEnabled = true;
    const part = [(x - on.left) * across, (on.top - y) * down, (width / sx) * across, (height / sy) * down] as const;
    pen.drawImage(canvas, ...part, left, top, width, height);
  }

  private dots(pen: Pen): void {
    const { points, front } = this.look!;
    const size = this.look!.size * this.type.grow;
    const { left, top, width, height } = this.frame;
    const count = points.row.length;
    for (const out of front.size ? [false, true] : [false]) {
      pen.globalAlpha = out ? 1 : front.size ? PALE : STRONG;
      for (let i = 0; i < count; i++) {
        if (front.has(i) !== out) continue;
        const [x, y] = this.at(i);
        if (x < left - size || x > left + width + size || y < top - size || y > top + height + size) continue;
        pen.beginPath();
        outline(pen, points.paint[4 * i + 3], x, y, size / 2 + (out ? 1 : 0));
        pen.fillStyle = this.colour(i);
        pen.fill();
      }
    }
    pen.globalAlpha = 1;
  }

  private axes(pen: Pen): void {
    const { left, top, width, height } = this.frame;
    const { axes, ticks: numbered } = this.look!;
    const bottom = top + height;
    const { font, grow } = this.type;
    pen.font = `${FONT * grow}px ${font}`;
    pen.lineWidth = 1;
    pen.strokeStyle = this.style("--st-border-color");
    pen.fillStyle = this.style("--st-text-color");
    pen.beginPath();
    pen.rect(left, top, width, height);
    if (numbered) this.grid(pen, grow);
    pen.stroke();
    pen.textAlign = "center";
    pen.textBaseline = "top";
    pen.fillText(axes[0], left + width / 2, bottom + (numbered ? 23 : 5) * grow);
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.fillText(axes[1], left, top / 2);
  }

  /** Lines at round numbers, and the numbers beside them. */
  private grid(pen: Pen, grow: number): void {
    const { left, top, width, height } = this.frame;
    const [right, bottom] = [left + width, top + height];
    const [low, high] = [toMap(this.frame, left, bottom), toMap(this.frame, right, top)];
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const [value, text] of written(ticks(low[0], high[0], Math.max(2, width / 60 / grow)))) {
      const [x] = toScreen(this.frame, value, 0);
      pen.moveTo(x, top);
      pen.lineTo(x, bottom);
      pen.fillText(text, x, bottom + 4);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const [value, text] of written(ticks(low[1], high[1], Math.max(2, height / 60 / grow)))) {
      const [, y] = toScreen(this.frame, 0, value);
      pen.moveTo(left, y);
      pen.lineTo(right, y);
      pen.fillText(text, left - 6, y);
    }
  }
}

/** Round numbers with as many digits as tell them apart. */
function written(values: number[]): [number, string][] {
  const step = values.length > 1 ? values[1] - values[0] : 1;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const text = (value: number) => (digits > 3 ? value.toExponential(0) : value.toFixed(digits));
  return values.map((value) => [value, text(value).replaceAll("-", "\u2212")]);
}
