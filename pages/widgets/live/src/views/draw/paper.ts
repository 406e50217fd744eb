// The sheet that a hand draws on: strokes, of which the last can be taken back, and all be cleared.
import { h } from "../../parts/dom";

export interface Stroke {
  points: [number, number][]; // in parts of the picture's width
  thickness: number; // likewise
  colour: string | null; // null rubs out
}

/** What strokes look like: on a dark or a light ground, each in its colour or all in one. */
export interface Look {
  dark: boolean;
  coloured: boolean;
}

// Of this tab: another page, another model, and the drawing is still there. Null is where it was cleared.
const strokes: (Stroke | null)[] = [];

/** What is seen of strokes: those since the last clearing. */
export const current = (all: (Stroke | null)[]): Stroke[] =>
  all.slice(all.lastIndexOf(null) + 1).filter((stroke) => stroke !== null);

export class Paper {
  readonly canvas = h("canvas", {
    role: "img",
    tabIndex: 0,
    "aria-label": "Drawing area: draw with mouse, finger or pen",
  });
  private readonly hint = h("p", { className: "hint" }, "Draw here with mouse, finger or pen");
  readonly box = h("div", { className: "paper" }, this.canvas, this.hint);
  private readonly context = this.canvas.getContext("2d")!;
  private stroke: Stroke | null = null; // that the hand draws

  /** `pen` says how a stroke is drawn that begins now; `changed` hears of whatever the hand does. */
  constructor(
    private readonly pen: () => Pick<Stroke, "thickness" | "colour">,
    private readonly changed: () => void,
  ) {
    this.canvas.onpointerdown = (event) => this.begin(event);
    this.canvas.onpointermove = (event) => this.go(event);
    this.canvas.onlostpointercapture = () => (this.stroke = null);
    this.canvas.onkeydown = (event) => {
      if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.undo();
    };
  }

  get drawn(): Stroke[] {
    return current(strokes);
  }

  get hasPast(): boolean {
    return strokes.length > 0;
  }

  undo(): void {
    strokes.pop();
    this.changed();
  }

  clear(): void {
    strokes.push(null);
    this.changed();
  }

  show(look: Look): void {
    const { drawn } = this;
    this.hint.hidden = drawn.length > 0;
    paint(this.context, drawn, look);
  }

  private begin(event: PointerEvent): void {
    if (this.stroke || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.stroke = { points: [this.point(event)], ...this.pen() };
    strokes.push(this.stroke);
    this.changed();
  }

  private go(event: PointerEvent): void {
    if (!this.stroke || !this.canvas.hasPointerCapture(event.pointerId)) return; // a second finger draws nothing
    const between = event.getCoalescedEvents?.() ?? [];
    for (const step of between.length ? between : [event]) this.stroke.points.push(this.point(step));
    this.changed();
  }

  /** In parts of the width: the drawing keeps its place when the window changes. */
  private point(event: PointerEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.width];
  }
}

/** Draw strokes on a canvas of any size. */
export function paint(context: CanvasRenderingContext2D, drawn: Stroke[], { dark, coloured }: Look): void {
  const { width, height } = context.canvas;
  const [ground, ink] = dark ? ["#000000", "#ffffff"] : ["#ffffff", "#000000"];
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  context.lineCap = context.lineJoin = "round";
  for (const { points, thickness, colour } of drawn) {
    const [[x, y], ...rest] = points;
    context.strokeStyle = colour === null ? ground : coloured ? colour : ink;
    context.lineWidth = thickness * width;
    context.beginPath();
    context.moveTo(x * width, y * width);
    // A line to where it begins would not be drawn: a dot needs a little length.
    for (const [right, down] of rest.length ? rest : [[x + 1e-4, y]]) context.lineTo(right * width, down * width);
    context.stroke();
  }
}
