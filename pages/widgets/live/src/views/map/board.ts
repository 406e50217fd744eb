// The drawing of a map on two canvases: points and axes below, what follows the hand above.
import { h } from "../../parts/dom";
import { type Frame, fitted, type Place, type Room, ticks, toMap, toScreen } from "../../maths/plane";
import type { Points } from "../../maths/points";
import { drawLabel, drawMark, type Label, type Mark, outline, type Pen } from "./marks";

const PALE = 0.25; // of points that are not among those chosen, as on the other maps
const STRONG = 0.8;
const FONT = 14;
const ZOOM = [0.5, 400]; // times the whole map

export interface Look {
  points: Points;
  size: number; // CSS pixels of a point
  equal: boolean;
  ticks: boolean;
  axes: [string, string];
  labels: Label[];
  marks: Mark[];
  chosen: Set<number>;
}

export class Board {
  readonly below = h("canvas", { "aria-hidden": "true" });
  readonly above = h("canvas", { className: "above", role: "application", tabIndex: 0 });
  readonly box = h("div", { className: "plot" }, this.below, this.above);
  frame: Frame = { left: 0, top: 0, width: 1, height: 1, x: 0, y: 0, sx: 1, sy: 1 };
  private home: Frame | null = null;
  private look: Look | null = null;
  private request = 0;

  /** `over` draws what follows the hand. */
  constructor(private readonly over: (pen: Pen) => void) {}

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
    const home = fitted(this.look.points.coords, room, this.look.equal);
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
    const [left, bottom] = this.look!.ticks ? [36, 44] : [1, 24];
    return { left, top: 24, width: Math.max(1, across - left - 1), height: Math.max(1, down - 24 - bottom) };
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
    for (const mark of this.look.marks) drawMark(pen, this.frame, this.style("--st-font"), mark);
  }

  dispose(): void {
    cancelAnimationFrame(this.request);
  }

  /** A point brought to the front, with a ring. */
  front(pen: Pen, i: number, colour = ""): void {
    const { points, size } = this.look!;
    const [x, y] = this.at(i);
    pen.beginPath();
    outline(pen, points.paint[4 * i + 3], x, y, size / 2 + 3);
    pen.fillStyle = this.colour(i);
    pen.fill();
    pen.lineWidth = 2.5;
    pen.strokeStyle = colour || this.style("--st-text-color");
    pen.stroke();
  }

  at(i: number): Place {
    const { coords } = this.look!.points;
    return toScreen(this.frame, coords[2 * i], coords[2 * i + 1]);
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

  private colour(i: number): string {
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
      this.dots(pen);
      for (const label of this.look!.labels) drawLabel(pen, this.frame, this.style("--st-font"), label);
    });
  }

  private dots(pen: Pen): void {
    const { points, size, chosen } = this.look!;
    const { left, top, width, height } = this.frame;
    const count = points.row.length;
    for (const front of chosen.size ? [false, true] : [false]) {
      pen.globalAlpha = front ? 1 : chosen.size ? PALE : STRONG;
      for (let i = 0; i < count; i++) {
        if (chosen.has(i) !== front) continue;
        const [x, y] = this.at(i);
        if (x < left - size || x > left + width + size || y < top - size || y > top + height + size) continue;
        pen.beginPath();
        outline(pen, points.paint[4 * i + 3], x, y, size / 2 + (front ? 1 : 0));
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
    pen.font = `${FONT}px ${this.style("--st-font")}`;
    pen.lineWidth = 1;
    pen.strokeStyle = this.style("--st-border-color");
    pen.fillStyle = this.style("--st-text-color");
    pen.beginPath();
    pen.rect(left, top, width, height);
    if (numbered) this.grid(pen);
    pen.stroke();
    pen.textAlign = "center";
    pen.textBaseline = "top";
    pen.fillText(axes[0], left + width / 2, bottom + (numbered ? 23 : 5));
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.fillText(axes[1], left, top / 2);
  }

  /** Lines at round numbers, and the numbers beside them. */
  private grid(pen: Pen): void {
    const { left, top, width, height } = this.frame;
    const [right, bottom] = [left + width, top + height];
    const [low, high] = [toMap(this.frame, left, bottom), toMap(this.frame, right, top)];
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const [value, text] of written(ticks(low[0], high[0], Math.max(2, width / 60)))) {
      const [x] = toScreen(this.frame, value, 0);
      pen.moveTo(x, top);
      pen.lineTo(x, bottom);
      pen.fillText(text, x, bottom + 4);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const [value, text] of written(ticks(low[1], high[1], Math.max(2, height / 60)))) {
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
