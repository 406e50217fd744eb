// The hand on the map: what pointers, wheel and keys mean with each tool.
import { box, panned, type Place, toMap, toScreen, within, zoomed } from "../../maths/plane";
import type { Board } from "./board";

export const TOOLS = {
  Look: "The picture under the pointer is decoded; a click chooses a point, a drag from point to point plays the way",
  Path: "Drag from one point to another, or click both, to see the pictures on the way; the nearest point is meant",
  Move: "Drag to move the map",
  Box: "Drag a box around points to choose them",
  Lasso: "Draw around points to choose them",
};
export type Tool = keyof typeof TOOLS;
export const ARROWS: Record<string, Place> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const TWICE = 250; // milliseconds in which a second press makes it a double one
const HIT = { mouse: 12, touch: 26 }; // CSS pixels from a point that still mean it
const STILL = 4; // pixels that a click may move
const WHEEL = 0.0015; // zoom a pixel of the wheel, as a power of e
const LINE = 33; // pixels of a line of the wheel
const PINCH = 6; // times as far where the wheel is two fingers on a touchpad
const STEP = { coarse: 10, fine: 1 }; // pixels of an arrow key, and with Shift

/** What the hand does between going down and up. */
export interface Gesture {
  tool: Tool;
  begin: Place; // on the page
  last: Place;
  trail: Place[]; // on the map
  moved: boolean;
  touch: boolean;
  begins: boolean; // a path
}

/** What the hand works on. */
export interface Ground {
  readonly tool: Tool;
  readonly coords: Float32Array | null; // of the points (N, 2), once they are there
  readonly at: Place; // of the pointer
  readonly near: number; // the point nearest to it
  readonly plays: boolean; // a path, so that the pointer rests
  first: number; // end of a path that waits for the other; -1 is none
  rest(): void;
  look(at: Place, aloud: boolean): void;
  choose(rows: number[]): void;
  reach(to: number): void; // the other end of a path
  leave(): void;
}

const inside = (value: number, low: number, room: number) => Math.min(low + room, Math.max(low, value));

/** The place that a shape's two corners, or its line, enclose; null where the hand encloses nothing. */
export function enclosed({ tool, trail, moved }: Gesture): Place[] | null {
  if (!moved || (tool !== "Box" && tool !== "Lasso")) return null;
  return tool === "Box" ? box(trail[0], trail.at(-1)!) : trail;
}

export class Hand {
  gesture: Gesture | null = null;
  private readonly fingers = new Map<number, Place>();
  private clicked = 0; // timer of a choice

  constructor(
    private readonly board: Board,
    private readonly ground: Ground,
  ) {
    const canvas = board.above;
    canvas.onpointerdown = (event) => this.down(event);
    canvas.onpointermove = (event) => this.move(event);
    canvas.onpointerup = (event) => this.up(event);
    canvas.onpointercancel = (event) => {
      this.fingers.delete(event.pointerId);
      this.drop();
    };
    canvas.ondblclick = () => this.twice();
    canvas.onkeydown = (event) => this.key(event);
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  private down(event: PointerEvent): void {
    const { board, ground } = this;
    if (!ground.coords || event.button !== 0) return;
    clearTimeout(this.clicked);
    ground.rest();
    board.above.setPointerCapture(event.pointerId);
    const begin: Place = [event.offsetX, event.offsetY];
    this.fingers.set(event.pointerId, begin);
    if (this.fingers.size > 1) return this.drop(); // two fingers move and enlarge, whatever the tool
    const on = toMap(board.frame, ...begin);
    const touch = event.pointerType === "touch";
    const { tool } = ground;
    const begins = tool === "Path" ? ground.first < 0 : tool === "Look" && !touch;
    this.gesture = { tool, begin, last: begin, trail: [on], moved: false, touch, begins };
    ground.look(on, false);
    if (begins) ground.first = tool === "Path" ? ground.near : this.hit(touch);
    board.hover();
  }

  private move(event: PointerEvent): void {
    const { board, ground, gesture } = this;
    if (!ground.coords) return;
    const { left, top, width, height } = board.frame;
    const to: Place = [inside(event.offsetX, left, width), inside(event.offsetY, top, height)];
    if (this.fingers.size > 1) return this.pinch(event.pointerId, to);
    const on = toMap(board.frame, ...to);
    if (!gesture) {
      if (!ground.plays) ground.look(on, false);
      return;
    }
    gesture.moved ||= Math.hypot(to[0] - gesture.begin[0], to[1] - gesture.begin[1]) > STILL;
    if (gesture.tool === "Move") {
      board.turn(panned(board.frame, to[0] - gesture.last[0], to[1] - gesture.last[1]));
      gesture.last = to;
      return;
    }
    gesture.trail.push(on);
    ground.look(on, false);
  }

  private up(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    const { board, ground, gesture } = this;
    this.gesture = null;
    if (!gesture || !ground.coords) return;
    const hit = this.hit(gesture.touch);
    const shape = enclosed(gesture);
    if (gesture.tool === "Path") ground.reach(ground.near);
    else if (!gesture.moved) this.clicked = window.setTimeout(() => ground.choose(hit < 0 ? [] : [hit]), TWICE);
    else if (gesture.tool === "Look") {
      ground.reach(hit);
      ground.first = -1;
    } else if (shape) ground.choose(within(shape, ground.coords));
    board.hover();
  }

  /** What the hand began comes to nothing. */
  private drop(): void {
    if (this.gesture?.begins) this.ground.first = -1;
    this.gesture = null;
    this.board.hover();
  }

  /** Neither press of a double one chose, or began a path. */
  private twice(): void {
    clearTimeout(this.clicked);
    this.ground.first = -1;
    this.board.reset();
  }

  private pinch(id: number, to: Place): void {
    const from = this.fingers.get(id);
    const other = [...this.fingers].find(([each]) => each !== id)?.[1];
    if (!from || !other) return;
    const apart = ([x, y]: Place) => Math.max(1, Math.hypot(x - other[0], y - other[1]));
    const moved = panned(this.board.frame, (to[0] - from[0]) / 2, (to[1] - from[1]) / 2);
    this.board.turn(zoomed(moved, apart(to) / apart(from), (to[0] + other[0]) / 2, (to[1] + other[1]) / 2));
    this.fingers.set(id, to);
  }

  private wheel(event: WheelEvent): void {
    if (event.deltaY > 0 && this.board.whole) return; // else nobody could scroll the page on
    event.preventDefault();
    const unit = (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1) * (event.ctrlKey ? PINCH : 1);
    this.board.turn(zoomed(this.board.frame, Math.exp(-event.deltaY * unit * WHEEL), event.offsetX, event.offsetY));
  }

  private key(event: KeyboardEvent): void {
    const { board, ground } = this;
    if (!ground.coords || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (ARROWS[key]) this.arrow(ARROWS[key], event.shiftKey ? STEP.fine : STEP.coarse);
    else if (key === "Enter") this.enter();
    else if (key === "+" || key === "-") {
      board.turn(zoomed(board.frame, key === "+" ? 1.25 : 0.8, ...toScreen(board.frame, ...ground.at)));
    } else if (key === "0") board.reset();
    else if (key === "Escape") ground.leave();
    else return;
    event.preventDefault();
  }

  private arrow([dx, dy]: Place, by: number): void {
    const { frame } = this.board;
    const [px, py] = toScreen(frame, ...this.ground.at);
    this.ground.rest();
    const x = inside(px + dx * by, frame.left, frame.width);
    const y = inside(py + dy * by, frame.top, frame.height);
    this.ground.look(toMap(frame, x, y), true);
  }

  private enter(): void {
    const { board, ground } = this;
    if (ground.tool !== "Path") return ground.choose([ground.near]);
    if (ground.first < 0) ground.first = ground.near;
    else ground.reach(ground.near);
    board.hover();
  }

  /** The nearest point where the pointer is on it or its picture, else -1. */
  private hit(touch: boolean): number {
    const { board, ground } = this;
    const [x, y] = toScreen(board.frame, ...ground.at);
    if (board.covering(x, y) === ground.near) return ground.near;
    const [px, py] = board.at(ground.near);
    return Math.hypot(px - x, py - y) <= (touch ? HIT.touch : HIT.mouse) ? ground.near : -1;
  }
}
