// Small pictures in place of points, the most typical first, where there is room for them.
import type { Engine } from "../../decode/engine";

import type { Model } from "../../../built/payloads";
import { apart, type Plot } from "../../maths/apart";
import type { Place } from "../../maths/plane";
import type { Points } from "../../maths/points";
import { h } from "../../parts/dom";
import type { Board, Pictured } from "./board";
import type { Pen } from "./marks";

const SIDE = 34; // CSS pixels: about how large a picture is, in a presentation more
const EDGE = 2; // CSS pixels of the frame in the point's colour
const GAP = 6; // between two pictures at least: the points behind are seen
const AT_ONCE = 2 ** 17; // numbers of vectors, and of pictures, that are asked for at once
const KEPT = 2 ** 23; // numbers of pictures that are kept
const PATIENCE = 5000; // milliseconds after which pictures that did not come are asked for anew

/** What pictures are decoded from. */
export interface Source {
  model: Model;
  points: Points;
  mean: (i: number) => Float32Array | null;
  weights: (i: number) => Float32Array;
}

/** CSS pixels a pixel of a picture: whole device pixels, or where it is too large for that, a whole share of one. */
export function enlargement(side: number, about: number, ratio: number): number {
  const times = Math.round((about * ratio) / side);
  return (times || 1 / Math.ceil(side / (2 * about * ratio))) / ratio;
}

export class Thumbs {
  private readonly held = new Map<number, HTMLCanvasElement>();
  private asked: number[] = []; // points whose pictures are on their way
  private since = 0; // when they were asked for
  private sight = 0; // how many are in sight
  private source: Source | null = null;
  private rows: number[] = []; // the points with room at this zoom
  private zoom = "";
  private front: Set<number> | null = null; // those that stood out

  /** `come` is called when pictures have come. */
  constructor(
    private readonly engine: Engine,
    private readonly come: () => void,
  ) {}

  /** Take other points, or none. */
  from(source: Source | null): void {
    if (source?.points !== this.source?.points) {
      this.engine.cancel(this);
      this.held.clear();
      this.asked = [];
      this.zoom = "";
    }
    this.source = source;
  }

  /** Draw the pictures of points in sight that have room, of `front` alone where there are some; none below `lens`. */
  draw(pen: Pen, board: Board, front: Set<number>, taken: Plot[], lens: HTMLElement): Pictured {
    if (!this.source) return { rows: new Set(), width: 0, height: 0 };
    const [, down, across] = this.source.model.shape;
    const ratio = window.devicePixelRatio || 1;
    const scale = enlargement(Math.max(down, across), SIDE * board.type.grow, ratio);
    const [width, height] = [across * scale, down * scale];
    this.choose(board, [width, height], front, taken);
    const isFree = freeOf(board, lens, width / 2 + EDGE, height / 2 + EDGE);
    const inSight = this.rows.filter((i) => isFree(board.at(i)));
    this.sight = inSight.length;
    this.ask(inSight.filter((i) => !this.held.has(i)));
    const rows = inSight.filter((i) => this.held.has(i));
    const whole = (value: number) => Math.round(value * ratio) / ratio;
    pen.imageSmoothingEnabled = scale * ratio < 1;
    for (const i of rows) {
      const [x, y] = board.at(i);
      const [left, top] = [whole(x - width / 2), whole(y - height / 2)];
      pen.fillStyle = board.colour(i);
      pen.fillRect(left - EDGE, top - EDGE, width + 2 * EDGE, height + 2 * EDGE);
      pen.drawImage(this.held.get(i)!, left, top, width, height);
    }
    return { rows: new Set(rows), width: width + 2 * EDGE, height: height + 2 * EDGE };
  }

  /** Find the points with room for a picture, anew where the zoom, or what else decides, is another one. */
  private choose({ frame }: Board, [width, height]: [number, number], front: Set<number>, taken: Plot[]): void {
    const { sx, sy } = frame;
    const zoom = [sx, sy, width, height, ...taken.map(({ y }) => Math.round(y))].join();
    if (zoom === this.zoom && front === this.front) return;
    this.zoom = zoom;
    this.front = front;
    const { coords, order } = this.source!.points;
    const around = 2 * EDGE + GAP;
    const among = front.size ? order.filter((i) => front.has(i)) : order;
    this.rows = apart(coords, among, [sx, sy], [width + around, height + around], taken);
  }

  /** Have pictures decoded, unless they are on their way; what still comes of older wishes is kept too. */
  private ask(missing: number[]): void {
    const { model, mean, weights } = this.source!;
    const size = model.shape[0] * model.shape[1] * model.shape[2];
    const rows = missing.slice(0, Math.max(1, Math.floor(AT_ONCE / Math.max(size, model.dim))));
    const now = performance.now();
    if (!rows.length || (now - this.since < PATIENCE && missing.some((i) => this.asked.includes(i)))) return;
    const means = rows.map(mean);
    if (!means.every((z) => z !== null)) return;
    this.asked = rows;
    this.since = now;
    const { source } = this;
    const onPixels = (pixels: Uint8ClampedArray<ArrayBuffer>, first: number, count: number) => {
      if (source?.points !== this.source?.points) return;
      for (let k = 0; k < count; k++) this.keep(rows[first + k], pixels, k, count);
      this.come();
    };
    const y = model.classes ? joined(rows.map(weights)) : undefined;
    this.engine.decode(this, { model, z: joined(means), y, rows: rows.length, onPixels });
  }

  private keep(i: number, pixels: Uint8ClampedArray<ArrayBuffer>, k: number, count: number): void {
    const [, height, width] = this.source!.model.shape;
    const size = pixels.length / count;
    if (size !== 4 * width * height) return;
    const canvas = h("canvas", { width, height });
    canvas.getContext("2d")!.putImageData(new ImageData(pixels.slice(k * size, (k + 1) * size), width, height), 0, 0);
    this.held.set(i, canvas);
    this.asked = this.asked.filter((row) => row !== i);
    const most = Math.max(this.sight, KEPT / size);
    for (const old of this.held.keys()) if (this.held.size > most) this.held.delete(old);
  }

  dispose(): void {
    this.engine.cancel(this);
  }
}

/** What tells whether a picture around a place, half as large as this, is wholly on the map, and not below the large one. */
function freeOf({ frame }: Board, lens: HTMLElement, across: number, down: number): (place: Place) => boolean {
  const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = lens;
  return ([x, y]) => {
    const [left, right, top, bottom] = [x - across, x + across, y - down, y + down];
    if (left < frame.left || right > frame.left + frame.width) return false;
    if (top < frame.top || bottom > frame.top + frame.height) return false;
    if (right < offsetLeft || left > offsetLeft + offsetWidth) return true;
    return bottom < offsetTop || top > offsetTop + offsetHeight;
  };
}

function joined(parts: Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.length * (parts[0]?.length ?? 0));
  parts.forEach((part, i) => whole.set(part, i * part.length));
  return whole;
}
