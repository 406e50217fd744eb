// The drawing of a map on two canvases: points and axes below, what follows the hand above.
import { h } from "../../parts/dom";
import { type Frame, fitted, type Place, type Room, ticks, toMap, toScreen } from "../../maths/plane";
import type { Points } from "../../maths/points";

const PALE = 0.25; // of points that are not among those chosen, as on the other maps
const STRONG = 0.8;
const FONT = 14;
const ZOOM = [0.5, 400]; // times the whole map

export interface Label {
  text: string;
  x: number;
  y: number;
  move: number; // pixels up from where it belongs
  ground: string;
  ink: string;
}

export interface Mark {
  name: string;
  x: number;
  y: number;
  colour: string;
}

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

type Pen = CanvasRenderingContext2D;

/** Add a point's mark to the path, by the number of its symbol in `plots.SYMBOLS`. */
function outline(pen: Pen, symbol: number, x: number, y: number, r: number): void {
  const corners = (...places: number[]) => {
    for (let i = 0; i < places.length; i += 2) {
      const [px, py] = [x + places[i] * r, y + places[i + 1] * r];
      if (i) pen.lineTo(px, py);
      else pen.moveTo(px, py);
    }
    pen.closePath();
  };
  const [a, b] = [0.4, 1.1];
  if (symbol === 1) corners(0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0);
  else if (symbol === 2) corners(-1, -1, 1, -1, 1, 1, -1, 1);
  else if (symbol === 3) corners(-a, -b, a, -b, a, -a, b, -a, b, a, a, a, a, b, -a, b, -a, a, -b, a, -b, -a, -a, -a);
  else if (symbol === 4)
    corners(
      0,
      -0.6,
      0.6,
      -1.2,
      1.2,
      -0.6,
      0.6,
      0,
      1.2,
      0.6,
      0.6,
      1.2,
      0,
      0.6,
      -0.6,
      1.2,
      -1.2,
      0.6,
      -0.6,
      0,
      -1.2,
      -0.6,
      -0.6,
      -1.2,
    );
  else if (symbol === 5) corners(0, -1.2, 1.2, 0.9, -1.2, 0.9);
  else {
    pen.moveTo(x + r, y);
    pen.arc(x, y, r, 0, 2 * Math.PI);
  }
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
    for (const mark of this.look.marks) this.flag(pen, mark);
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
      for (const label of this.look!.labels) this.name(pen, label);
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
    const [text, line] = [this.style("--st-text-color"), this.style("--st-border-color")];
    const bottom = top + height;
    pen.font = `${FONT}px ${this.style("--st-font")}`;
    pen.lineWidth = 1;
    pen.strokeStyle = line;
    pen.fillStyle = text;
    const [low, high] = [toMap(this.frame, left, bottom), toMap(this.frame, left + width, top)];
    const places = (axis: 0 | 1, count: number) => (numbered ? ticks(low[axis], high[axis], count) : []);
    const written = (values: number[], i: number) => {
      const digits = Math.max(0, -Math.floor(Math.log10(values.length > 1 ? values[1] - values[0] : 1) + 1e-9));
      return (digits > 3 ? values[i].toExponential(0) : values[i].toFixed(digits)).replaceAll("-", "\u2212");
    };
    pen.beginPath();
    pen.rect(left, top, width, height);
    const across = places(0, Math.max(2, width / 60));
    pen.textAlign = "center";
    pen.textBaseline = "top";
    across.forEach((value, i) => {
      const [x] = toScreen(this.frame, value, 0);
      pen.moveTo(x, top);
      pen.lineTo(x, bottom);
      pen.fillText(written(across, i), x, bottom + 4);
    });
    pen.fillText(axes[0], left + width / 2, bottom + (numbered ? 23 : 5));
    const down = places(1, Math.max(2, height / 60));
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    down.forEach((value, i) => {
      const [, y] = toScreen(this.frame, 0, value);
      pen.moveTo(left, y);
      pen.lineTo(left + width, y);
      pen.fillText(written(down, i), left - 6, y);
    });
    pen.stroke();
    pen.textAlign = "left";
    pen.fillText(axes[1], left, top / 2);
  }

  private name(pen: Pen, { text, x, y, move, ground, ink }: Label): void {
    const [px, py] = toScreen(this.frame, x, y);
    this.arrow(pen, px, py, move, ground, 2);
    this.plate(pen, text, px, py - move, ground, ink, 16, 1);
  }

  private flag(pen: Pen, { name, x, y, colour }: Mark): void {
    const [px, py] = toScreen(this.frame, x, y);
    const { left, top, width, height } = this.frame;
    if (px < left || px > left + width || py < top || py > top + height) return;
    const up = py - top < 60 ? -42 : 42; // near the upper edge it hangs below
    this.arrow(pen, px, py, up, colour, 3);
    pen.beginPath();
    pen.arc(px, py, 4, 0, 2 * Math.PI);
    pen.fillStyle = colour;
    pen.fill();
    this.plate(pen, name, px, py - up, colour, "white", 18, 2);
  }

  private arrow(pen: Pen, x: number, y: number, up: number, colour: string, width: number): void {
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x, y - up);
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.stroke();
  }

  private plate(
    pen: Pen,
    text: string,
    x: number,
    y: number,
    ground: string,
    ink: string,
    font: number,
    edge: number,
  ): void {
    pen.font = `bold ${font}px ${this.style("--st-font")}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const width = pen.measureText(text).width + 8;
    pen.beginPath();
    pen.rect(x - width / 2, y - font / 2 - 4, width, font + 8);
    pen.fillStyle = ground;
    pen.fill();
    pen.lineWidth = edge;
    pen.strokeStyle = "white";
    pen.stroke();
    pen.fillStyle = ink;
    pen.fillText(text, x, y + 1);
  }
}
