// Map: the points on a canvas; what lies under the pointer is decoded, between the points as well.
import { Board, type Label, type Mark } from "./board";
import { h, Loop } from "../../parts/dom";
import { lerp } from "../../maths/blend";
import "./map.css";
import { box, carried, inverse, nearest, panned, type Place, toMap, toScreen, within, zoomed } from "../../maths/plane";
import { fetched } from "../../decode/engine";
import { type Points, unpack } from "../../maths/points";
import type { Model } from "../../decode/protocol";
import { Screen } from "../../parts/screen";
import { Echo, type Host, type View } from "../../view";

const TOOLS = {
  Look: "The picture under the pointer is decoded; a click chooses a point, a drag from point to point plays the way",
  Path: "Drag from one point to another, or click both, to see the pictures on the way; the nearest point is meant",
  Move: "Drag to move the map",
  Box: "Drag a box around points to choose them",
  Lasso: "Draw around points to choose them",
};
type Tool = keyof typeof TOOLS;
const TWICE = 250; // milliseconds in which a second press makes it a double one
const HIT = { mouse: 12, touch: 26 }; // CSS pixels from a point that still mean it
const STILL = 4; // pixels that a click may move
const WHEEL = 0.0015; // zoom a pixel of the wheel, as a power of e
const STEP = { coarse: 10, fine: 1 }; // pixels of an arrow key, and with Shift
const WAY = 4; // seconds from one end of a path to the other
const TALL = 360; // CSS pixels of a decoded picture at most
const NARROW = 540; // CSS pixels: below it the picture stands above the map, as in map.css
const SMALL = 92; // CSS pixels of the nearest point's picture

export interface MapData {
  model: Model;
  key: string; // other points, places or colours have another
  points: string;
  means: string;
  count: number;
  linear: boolean; // whether there is a vector at each place
  equal: boolean; // whether both axes have the same units
  axes: [string, string];
  names: string[] | null; // of the classes
  unit: string; // of the errors
  size: number;
  height: number;
  alt: string;
  marks: Mark[];
  chosen: number[];
  labels: Label[];
  legend: { text: string; ground: string }[];
  scale: { title: string; ends: [number, number]; colours: string[] } | null;
  tool: Tool;
  residual: boolean;
}

/** What the hand does between going down and up. */
interface Gesture {
  tool: Tool;
  begin: Place; // on the page
  last: Place;
  trail: Place[]; // on the map
  moved: boolean;
  touch: boolean;
  begins: boolean; // a path
}

const NO_INVERSE = "Between points a t-SNE map has no inverse: this is the nearest point's picture.";
const ON_THE_WAY = "Decoded on the straight way between the two in latent space, whatever the map shows there.";
const KEYS: Record<string, Place> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const number = (value: number) => value.toFixed(2).replace("-", "\u2212");

export class PointMap implements View {
  private readonly board = new Board((pen) => this.over(pen));
  private readonly under = new Screen();
  private readonly beside = new Screen();
  private readonly legend = h("div", { className: "legend" });
  private readonly tools = new Map<Tool, HTMLButtonElement>();
  private readonly residual = h("input", { type: "checkbox" });
  private readonly carry = h("label", { className: "carry" }, this.residual, "With the nearest point's residual");
  private readonly note = h("p", { className: "note" });
  private readonly play = h("button", { type: "button" }, "Play");
  private readonly share = h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "Place on the path" });
  private readonly path = h("div", { className: "path", hidden: true }, this.play, this.share);
  private readonly loop = new Loop((seconds) => this.walk(seconds));
  private readonly settings = new Echo<{ tool: Tool; residual: boolean }>(() => this.host.settled);
  private readonly choices = new Echo<number[]>(() => this.host.settled);
  private readonly fingers = new Map<number, Place>();
  private data: MapData | null = null;
  private points: Points | null = null;
  private wanted = ""; // key of the points that are shown or on their way
  private tool: Tool = "Look";
  private chosen = new Set<number>();
  private at: Place = [0, 0]; // of the pointer on the map
  private near = -1;
  private shown = -1; // point whose picture stands beside
  private gesture: Gesture | null = null;
  private ends: [number, number] | null = null; // of the path
  private first = -1; // end of a path that waits for the other
  private clicked = 0; // timer of a choice
  private walked = 0; // there: 0 to 1, and back: 1 to 2

  constructor(private readonly host: Host) {
    const tools = Object.entries(TOOLS).map(([name, title]) => {
      const button = h("button", { type: "button", title }, name);
      button.onclick = () => this.take(name as Tool);
      this.tools.set(name as Tool, button);
      return button;
    });
    const reset = h(
      "button",
      { type: "button", title: "Show the whole map and take the path off it; a double-click shows the whole map too" },
      "Reset",
    );
    reset.onclick = () => {
      this.leave();
      this.board.reset();
    };
    const group = h(
      "div",
      { className: "tools", role: "toolbar", "aria-label": "What the pointer does" },
      ...tools,
      reset,
    );
    this.beside.figure.className = "beside";
    const seen = h(
      "div",
      { className: "seen" },
      this.under.figure,
      this.note,
      this.path,
      this.carry,
      this.beside.figure,
    );
    host.root.replaceChildren(
      h(
        "div",
        { className: "map" },
        h("div", { className: "sides" }, h("div", {}, this.legend, this.board.box, group), seen),
      ),
    );
    this.residual.onchange = () => {
      this.host.tell("set", this.settings.send({ tool: this.tool, residual: this.residual.checked }));
      this.decode();
    };
    this.play.onclick = () => (this.loop.running ? this.rest() : this.go());
    this.share.oninput = () => {
      this.rest();
      this.walked = Number(this.share.value);
      this.step();
    };
    this.listen(this.board.above);
  }

  show(data: MapData): void {
    const first = this.data === null;
    if (data.key !== this.wanted) this.points = null; // they were another model's, or lie elsewhere now
    this.data = data;
    this.board.box.style.setProperty("--tall", `${data.height}px`);
    this.board.above.setAttribute(
      "aria-label",
      `${data.alt}. Arrow keys move the pointer, Enter chooses the nearest point.`,
    );
    const [, height, width] = data.model.shape;
    for (const screen of [this.under, this.beside]) screen.arrange({ width, height });
    if (!this.ends) this.remark(data.linear ? "" : NO_INVERSE);
    this.beside.figure.hidden = !data.linear;
    this.carry.hidden = !data.linear || data.model.dim <= 2;
    if (this.settings.isNews({ tool: data.tool, residual: data.residual })) {
      this.residual.checked = data.residual;
      this.hold(data.tool);
    }
    if (this.choices.isNews(data.chosen)) this.chosen = new Set(data.chosen);
    this.explain();
    if (first) this.host.engine.load(data.model.decoder);
    if (this.wanted === data.key) this.redraw();
    else void this.fetch(data);
  }

  /** Get other points; those that were asked for before and come later are not shown. */
  private async fetch(data: MapData): Promise<void> {
    this.wanted = data.key;
    this.leave();
    try {
      const [facts, means] = await Promise.all([fetched(data.points), fetched(data.means)]);
      if (this.wanted !== data.key) return;
      this.points = unpack(facts, means, data.count, data.model.dim, data.linear);
    } catch (error) {
      if (this.wanted !== data.key) return;
      this.wanted = ""; // whatever is shown next asks for them anew
      return this.host.fail(error instanceof Error ? error.message : String(error), data.model.decoder);
    }
    this.shown = -1;
    this.redraw();
    const { x, y } = this.board.frame;
    this.look([x, y]);
  }

  private redraw(): void {
    if (!this.points || !this.data) return;
    const { size, equal, linear, axes, labels, marks } = this.data;
    this.board.show({ points: this.points, size, equal, ticks: linear, axes, labels, marks, chosen: this.chosen });
  }

  /** What the colours mean. */
  private explain(): void {
    const { legend, scale } = this.data!;
    const swatch = (ground: string) => {
      const box = h("i", {});
      box.style.background = ground;
      return box;
    };
    const names = legend.map(({ text, ground }) => h("span", {}, swatch(ground), text));
    this.legend.replaceChildren(...names);
    if (scale) {
      const bar = h("i", { className: "scale" });
      bar.style.background = `linear-gradient(to right, ${scale.colours.join(", ")})`;
      const [low, high] = scale.ends.map((end) => String(Number(end.toPrecision(3))).replace("-", "\u2212"));
      this.legend.append(`${scale.title}: ${low}`, bar, high);
    }
    this.legend.hidden = names.length === 0 && scale === null;
  }

  private hold(tool: Tool): void {
    this.tool = tool;
    this.leave();
    for (const [name, button] of this.tools) button.setAttribute("aria-pressed", String(name === tool));
    this.board.above.dataset.tool = tool;
  }

  private take(tool: Tool): void {
    this.hold(tool);
    this.host.tell("set", this.settings.send({ tool, residual: this.residual.checked }));
  }

  // --- the hand ---

  private listen(canvas: HTMLCanvasElement): void {
    canvas.onpointerdown = (event) => this.down(event);
    canvas.onpointermove = (event) => this.move(event);
    canvas.onpointerup = (event) => this.up(event);
    canvas.onpointercancel = (event) => {
      this.fingers.delete(event.pointerId);
      this.drop();
    };
    canvas.ondblclick = () => {
      clearTimeout(this.clicked); // neither press chose, or began a path
      this.first = -1;
      this.board.reset();
    };
    canvas.onkeydown = (event) => this.key(event);
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  private down(event: PointerEvent): void {
    if (!this.points || event.button !== 0) return;
    clearTimeout(this.clicked);
    this.rest();
    this.board.above.setPointerCapture(event.pointerId);
    const begin: Place = [event.offsetX, event.offsetY];
    this.fingers.set(event.pointerId, begin);
    if (this.fingers.size > 1) return this.drop(); // two fingers move and enlarge, whatever the tool
    const on = toMap(this.board.frame, ...begin);
    const touch = event.pointerType === "touch";
    const begins = this.tool === "Path" ? this.first < 0 : this.tool === "Look" && !touch;
    this.gesture = { tool: this.tool, begin, last: begin, trail: [on], moved: false, touch, begins };
    this.look(on);
    if (begins) this.first = this.tool === "Path" ? this.near : this.hit(touch);
    this.board.hover();
  }

  private move(event: PointerEvent): void {
    if (!this.points) return;
    const { left, top, width, height } = this.board.frame;
    const inside = (value: number, low: number, room: number) => Math.min(low + room, Math.max(low, value));
    const to: Place = [inside(event.offsetX, left, width), inside(event.offsetY, top, height)];
    this.under.caption.setAttribute("aria-live", "off");
    if (this.fingers.size > 1) return this.pinch(event.pointerId, to);
    const on = toMap(this.board.frame, ...to);
    const { gesture } = this;
    if (!gesture) {
      if (!this.loop.running) this.look(on);
      return;
    }
    gesture.moved ||= Math.hypot(to[0] - gesture.begin[0], to[1] - gesture.begin[1]) > STILL;
    if (gesture.tool === "Move") {
      this.board.turn(panned(this.board.frame, to[0] - gesture.last[0], to[1] - gesture.last[1]));
      gesture.last = to;
      return;
    }
    gesture.trail.push(on);
    this.look(on);
  }

  private up(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    const { gesture } = this;
    this.gesture = null;
    if (!gesture || !this.points) return;
    const hit = this.hit(gesture.touch);
    if (gesture.tool === "Path") this.reach(this.near);
    else if (!gesture.moved) this.clicked = window.setTimeout(() => this.choose(hit < 0 ? [] : [hit]), TWICE);
    else if (gesture.tool === "Look") {
      this.reach(hit);
      this.first = -1;
    } else if (gesture.tool === "Box")
      this.choose(within(box(gesture.trail[0], gesture.trail.at(-1)!), this.points.coords));
    else if (gesture.tool === "Lasso") this.choose(within(gesture.trail, this.points.coords));
    this.board.hover();
  }

  /** What the hand began comes to nothing. */
  private drop(): void {
    if (this.gesture?.begins) this.first = -1;
    this.gesture = null;
    this.board.hover();
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
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1) * (event.ctrlKey ? 6 : 1);
    this.board.turn(zoomed(this.board.frame, Math.exp(-pixels * WHEEL), event.offsetX, event.offsetY));
  }

  private key(event: KeyboardEvent): void {
    if (!this.points || event.ctrlKey || event.metaKey || event.altKey) return;
    const { frame } = this.board;
    const [px, py] = toScreen(frame, ...this.at);
    const [dx, dy] = KEYS[event.key] ?? [0, 0];
    if (dx || dy) {
      const by = event.shiftKey ? STEP.fine : STEP.coarse;
      const clamp = (value: number, low: number, size: number) => Math.min(low + size, Math.max(low, value));
      this.rest();
      this.under.caption.setAttribute("aria-live", "polite"); // read out, as long as keys move the pointer
      const x = clamp(px + dx * by, frame.left, frame.width);
      this.look(toMap(frame, x, clamp(py + dy * by, frame.top, frame.height)));
    } else if (event.key === "Enter" && this.tool === "Path") {
      if (this.first < 0) this.first = this.near;
      else this.reach(this.near);
      this.board.hover();
    } else if (event.key === "Enter") this.choose([this.near]);
    else if (event.key === "+" || event.key === "-")
      this.board.turn(zoomed(frame, event.key === "+" ? 1.25 : 0.8, px, py));
    else if (event.key === "0") this.board.reset();
    else if (event.key === "Escape") this.leave();
    else return;
    event.preventDefault();
  }

  /** The nearest point where the pointer is on it, else -1. */
  private hit(touch: boolean): number {
    const [x, y] = toScreen(this.board.frame, ...this.at);
    const [px, py] = this.board.at(this.near);
    return Math.hypot(px - x, py - y) <= (touch ? HIT.touch : HIT.mouse) ? this.near : -1;
  }

  private choose(rows: number[]): void {
    this.chosen = new Set(rows);
    this.redraw();
    // The time makes each choice a new one: the page may have dropped the same choice since.
    this.host.tell("selected", { of: this.data!.key, rows: this.choices.send(rows), at: performance.now() });
  }

  // --- the picture ---

  /** The pointer is at a place of the map. */
  private look(at: Place): void {
    this.at = at;
    this.board.above.dataset.at = at.join(" ");
    this.near = nearest(this.points!.coords, this.board.frame, ...at);
    this.decode();
    this.board.hover();
  }

  private mean(i: number): Float32Array {
    const { dim } = this.data!.model;
    return this.points!.means.subarray(i * dim, (i + 1) * dim);
  }

  private place(i: number): Place {
    const { coords } = this.points!;
    return [coords[2 * i], coords[2 * i + 1]];
  }

  /** The class that a point is decoded as; all evenly where none is known. */
  private weights(i: number): Float32Array {
    const { classes } = this.data!.model;
    const own = this.points!.y[i];
    return Float32Array.from({ length: classes }, (_, k) => (own < 0 ? 1 / classes : Number(k === own)));
  }

  /** What lies under the pointer. */
  private here(): Float32Array {
    const { basis } = this.points!;
    if (!basis) return this.mean(this.near);
    if (!this.residual.checked) return inverse(basis, ...this.at);
    return carried(basis, this.mean(this.near), this.place(this.near), ...this.at);
  }

  private decode(): void {
    if (!this.points || this.near < 0) return;
    this.picture(this.under, this.here(), this.weights(this.near));
    const { axes, linear } = this.data!;
    const [x, y] = this.at;
    const [nx, ny] = this.place(this.near);
    const where = axes.map((axis, i) => `${axis.split(" ")[0]} ${number(this.at[i])}`).join(", ");
    const away = `distance ${number(Math.hypot(nx - x, ny - y))} on the map`;
    if (linear) this.under.label(`Under the pointer: ${where}`);
    else this.under.label(`Nearest point: ${this.name(this.near)}, ${this.price(this.near)}`);
    this.remark(linear ? "" : NO_INVERSE);
    this.beside.figure.style.visibility = "";
    if (linear && this.shown !== this.near) {
      this.shown = this.near;
      this.picture(this.beside, this.mean(this.near), this.weights(this.near));
    }
    this.beside.label(`Nearest point: ${this.name(this.near)}, ${away}, ${this.price(this.near)}`);
  }

  /** What the large picture is, where that is not plain. */
  private remark(words: string): void {
    this.note.textContent = words;
    this.note.hidden = words === "";
  }

  private picture(screen: Screen, z: Float32Array, y: Float32Array): void {
    const asked = performance.now();
    const { model } = this.data!;
    const onPixels = (pixels: Uint8ClampedArray<ArrayBuffer>) => screen.draw(pixels, 0, 1, asked);
    this.host.engine.decode(screen, { model, z, y: model.classes ? y : undefined, rows: 1, onPixels });
  }

  private name(i: number): string {
    const { names } = this.data!;
    const label = this.points!.label[i];
    const own = names === null ? "" : (names[label] ?? String(label));
    return `picture ${this.points!.row[i]}${own && ` (${own})`}`;
  }

  private price(i: number): string {
    const { error, kl } = this.points!;
    return `error ${error[i].toFixed(1)} ${this.data!.unit}${Number.isNaN(kl[i]) ? "" : `, KL ${kl[i].toFixed(1)} nats`}`;
  }

  // --- the path ---

  /** The other end of a path, or its first where there was none. */
  private reach(to: number): void {
    if (to < 0 || this.first < 0 || to === this.first) return;
    this.ends = [this.first, to];
    this.first = -1;
    this.walked = 0;
    this.path.hidden = false;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.step();
    else this.go();
  }

  private go(): void {
    this.play.textContent = "Pause";
    this.loop.start();
  }

  private rest(): void {
    this.loop.stop();
    this.play.textContent = "Play";
  }

  /** Take the path, or its first end, off the map. */
  private leave(): void {
    this.rest();
    this.ends = null;
    this.first = -1;
    this.path.hidden = true;
    this.decode();
    this.board.hover();
  }

  private walk(seconds: number): void {
    this.walked = (this.walked + seconds / WAY) % 2;
    this.step();
  }

  /** The picture on the path. */
  private step(): void {
    const [a, b] = this.ends!;
    const t = this.walked > 1 ? 2 - this.walked : this.walked;
    this.picture(this.under, lerp(this.mean(a), this.mean(b), t), lerp(this.weights(a), this.weights(b), t));
    this.under.label(`${Math.round(100 * t)} % of the way from ${this.name(a)} to ${this.name(b)}`);
    this.remark(this.data!.linear ? "" : ON_THE_WAY);
    this.beside.figure.style.visibility = "hidden"; // it is the pointer's, which rests
    this.share.value = String(t);
    this.share.style.setProperty("--filled", `${100 * t}%`);
    this.board.hover();
  }

  // --- what follows the hand ---

  private over(pen: CanvasRenderingContext2D): void {
    if (!this.points || this.near < 0) return;
    const accent = this.board.style("--st-primary-color");
    const line = (places: Place[], closed = false) => {
      pen.beginPath();
      places.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      if (closed) pen.closePath();
      pen.lineWidth = 3;
      pen.strokeStyle = accent;
      pen.stroke();
    };
    const { frame } = this.board;
    const pointer = toScreen(frame, ...this.at);
    const { gesture } = this;
    if (gesture?.moved && (gesture.tool === "Box" || gesture.tool === "Lasso")) {
      const drawn = gesture.tool === "Box" ? box(gesture.trail[0], gesture.trail.at(-1)!) : gesture.trail;
      line(
        drawn.map((place) => toScreen(frame, ...place)),
        true,
      );
      return;
    }
    if (this.first >= 0 && (gesture?.moved || this.tool === "Path")) {
      line([this.board.at(this.first), pointer]);
      this.board.front(pen, this.first, accent);
    } else if (this.ends) this.way(pen, this.ends, line, accent);
    if (!this.loop.running) this.cross(pen, pointer);
  }

  private way(
    pen: CanvasRenderingContext2D,
    ends: [number, number],
    line: (places: Place[]) => void,
    accent: string,
  ): void {
    const [a, b] = ends.map((end) => this.board.at(end));
    pen.setLineDash(this.data!.linear ? [] : [7, 6]); // on a t-SNE map nobody knows where the way runs
    line([a, b]);
    pen.setLineDash([]);
    for (const end of ends) this.board.front(pen, end, accent);
    const t = this.walked > 1 ? 2 - this.walked : this.walked;
    pen.beginPath();
    pen.arc(a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), 8, 0, 2 * Math.PI);
    pen.fillStyle = accent;
    pen.fill();
    pen.lineWidth = 2;
    pen.strokeStyle = "white";
    pen.stroke();
  }

  /** The pointer, tied to the nearest point, which comes to the front. */
  private cross(pen: CanvasRenderingContext2D, [x, y]: Place): void {
    const [nx, ny] = this.board.at(this.near);
    pen.lineWidth = 1.5;
    pen.strokeStyle = this.board.style("--st-text-color");
    pen.beginPath();
    pen.moveTo(nx, ny);
    pen.lineTo(x, y);
    pen.stroke();
    this.board.front(pen, this.near);
    pen.beginPath();
    for (const [dx, dy] of Object.values(KEYS)) {
      pen.moveTo(x + 5 * dx, y + 5 * dy);
      pen.lineTo(x + 13 * dx, y + 13 * dy);
    }
    pen.lineWidth = 2;
    pen.stroke();
  }

  fit(): void {
    if (!this.data) return;
    this.board.fit();
    const narrow = this.host.root.clientWidth <= NARROW;
    const side = this.under.figure.parentElement!.clientWidth;
    this.under.fit(narrow ? side / 2 : side, TALL);
    this.beside.fit(narrow ? side / 6 : SMALL, SMALL);
  }

  dispose(): void {
    this.rest();
    this.wanted = "";
    this.board.dispose();
    for (const screen of [this.under, this.beside]) {
      this.host.engine.cancel(screen);
      screen.dispose();
    }
  }
}
