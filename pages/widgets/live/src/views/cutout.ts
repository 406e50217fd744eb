// A photograph with the rectangle that is cut out of it. Hand, finger or arrow keys move and size it; sliders turn it and
// set the threshold. What Python has not heard of yet stays as the hand left it.
import { type Box, boxOf, cropOf, type Pair, resized, spanned, start } from "../maths/crop";
import { h } from "../parts/dom";
import { Slider } from "../parts/slider";
import { Report } from "../parts/transport";
import type { CutoutData } from "../../built/payloads";
import type { Host, View } from "../view";
import "./cutout.css";

const SMALL = 40; // CSS pixels: a rectangle's shorter side
const FILLED = 0.6; // of the photograph's sides, which the rectangle's longer side takes once zoomed in
const MOST = 6; // times, zoomed in
const LEAST = 1.2; // times: to zoom in less is no help
const STEP = 0.01; // of the photograph, a press of an arrow key
const FAR = 3; // CSS pixels: a shorter movement is none
const KEYS: Record<string, Pair> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const CORNERS: Pair[] = [[-1, -1], [1, -1], [-1, 1], [1, 1]]; // prettier-ignore

/** What a person may correct. */
type Correction = Pick<CutoutData, "crop" | "turn" | "threshold">;
type Name = keyof Correction;

export class Cutout implements View {
  private readonly picture = h("img", { draggable: false });
  private readonly shade = h("i");
  private readonly frame = h(
    "div",
    {
      className: "frame",
      tabIndex: 0,
      role: "group",
      "aria-label": "Rectangle that is cut out: arrow keys move it, with Shift they change its width and height",
    },
    ...CORNERS.map(([x, y]) => h("i", { "data-x": x, "data-y": y, style: `--x: ${x}; --y: ${y}` })),
  );
  private readonly plane = h(
    "div",
    { className: "plane" },
    this.picture,
    h("div", { className: "shade" }, this.shade),
    this.frame,
  );
  private readonly photograph = h("div", { className: "photograph" }, this.plane);
  private readonly ink = h("img", { className: "ink" });
  private readonly reset = h("button", { type: "button" }, "Reset");
  private readonly closer = h("button", { type: "button" });
  private readonly doubts = h("p", { className: "doubts", role: "status" });
  private readonly report = new Report(() => this.tell());
  private readonly turn = this.slider(
    "Turn",
    "turn",
    0.5,
    "Degrees that the rectangle is turned by in the photograph.",
  );
  private readonly threshold = this.slider(
    "Threshold",
    "threshold",
    0.01,
    "How much darker than the paper a pixel must be to be ink: 0 is paper, 1 is black.",
  );
  private readonly box = h(
    "div",
    { className: "cutout", role: "group" },
    h("p", {}, "Cut out of your photograph. Drag the rectangle to correct it."),
    h(
      "div",
      { className: "pair" },
      this.photograph,
      h("div", { className: "beside" }, this.ink, this.reset, this.closer),
    ),
    h("div", { className: "settings" }, this.turn.box, this.threshold.box),
    this.doubts,
  );
  private data: CutoutData | null = null;
  private own: Correction = { crop: [0, 0, 1, 1], turn: 0, threshold: 0 };
  private readonly moved = new Set<Name>(); // and not told yet
  private readonly told = new Set<Name | "reset">(); // and not heard yet
  private zoomed: number | null = null; // the window's width in which the photograph was enlarged

  constructor(private readonly host: Host) {
    host.root.replaceChildren(this.box);
    this.photograph.onpointerdown = (event) => this.grab(event);
    this.frame.onkeydown = (event) => this.press(event);
    this.picture.onload = () => this.draw(); // its size is known only now
    this.closer.onclick = () => this.zoom(this.zoomed === null);
    this.reset.onclick = () => {
      this.moved.clear();
      this.told.clear();
      this.told.add("reset");
      this.report.now();
    };
  }

  private slider(name: string, of: "turn" | "threshold", step: number, title: string): Slider {
    const number = { "aria-label": `Value of the ${of}` };
    const slider = new Slider({ name, label: name, step, number }, (to) => this.change(of, to), this.report);
    slider.box.title = title;
    return slider;
  }

  show(data: CutoutData): void {
    const isAnother = this.data?.photograph !== data.photograph;
    this.data = data;
    if (isAnother) {
      this.report.cancel();
      this.moved.clear();
    }
    if (isAnother || this.host.settled) this.told.clear();
    const { crop, turn, threshold } = data;
    for (const [name, value] of Object.entries({ crop, turn, threshold }) as [Name, never][])
      if (!this.moved.has(name) && !this.told.has(name)) this.own[name] = value;
    this.box.setAttribute("aria-label", `Cut out for ${data.name}`);
    Object.assign(this.picture, { alt: data.alt, ...(isAnother && { src: data.photograph }) });
    Object.assign(this.ink, { src: data.ink, alt: data.inkAlt });
    this.doubts.textContent = data.doubts;
    this.turn.limit(-data.turns, data.turns);
    this.threshold.limit(...data.thresholds);
    this.reset.disabled = !data.changed;
    if (isAnother) this.zoom(false);
    else this.draw();
  }

  /** The hand has changed something. */
  private change<N extends Name>(name: N, to: Correction[N]): void {
    this.own[name] = to;
    this.moved.add(name);
    this.draw();
  }

  private put(box: Box): void {
    this.change("crop", cropOf(box, this.data!.smallest));
  }

  /** All that Python has not heard of: it may have missed what was told a moment ago. */
  private tell(): void {
    for (const name of this.moved) this.told.add(name);
    this.moved.clear();
    const values = [...this.told].map((name) => [name, name === "reset" || this.own[name]]);
    if (values.length) this.host.tell("changed", Object.fromEntries(values));
  }

  private get closeness(): number {
    const { width, height } = boxOf(this.own.crop);
    return Math.min(MOST, FILLED / Math.max(width, height));
  }

  private draw(): void {
    const { crop, turn, threshold } = this.own;
    const isZoomed = this.zoomed !== null;
    this.closer.disabled = !isZoomed && this.closeness < LEAST;
    this.closer.textContent = isZoomed ? "Zoom out" : "Zoom in";
    this.closer.setAttribute("aria-pressed", String(isZoomed));
    const [left, top, right, bottom] = crop.map((share) => 100 * share);
    const [width, height] = [right - left, bottom - top].map((side) => `${side}%`);
    for (const { style } of [this.frame, this.shade])
      Object.assign(style, { left: `${left}%`, top: `${top}%`, width, height, transform: `rotate(${turn}deg)` });
    this.frame.classList.toggle("small", Math.min(this.frame.offsetWidth, this.frame.offsetHeight) < SMALL);
    this.turn.put(turn);
    this.threshold.put(threshold);
  }

  /** Towards the rectangle, or back to the whole photograph. */
  private zoom(isWanted: boolean): void {
    for (const element of [this.photograph, this.plane]) element.removeAttribute("style");
    this.photograph.classList.remove("zoomed");
    this.zoomed = isWanted ? window.innerWidth : null;
    if (isWanted) {
      const { width, height } = this.picture.getBoundingClientRect();
      const { x, y } = boxOf(this.own.crop);
      const scale = this.closeness;
      const side = `${100 * scale}%`;
      const [left, top] = [x, y].map((place) => `${100 * start(place, scale)}%`);
      Object.assign(this.photograph.style, { width: `${width}px`, height: `${height}px` });
      Object.assign(this.plane.style, { width: side, height: side, left, top });
      this.photograph.classList.add("zoomed");
    }
    this.draw();
  }

  /** The hand takes a corner, the rectangle, or a place beside it, where a new one begins. */
  private grab(event: PointerEvent): void {
    const isBeside = event.target === this.picture;
    if (event.button || (event.pointerType === "touch" && isBeside)) return; // a finger scrolls there
    event.preventDefault();
    this.frame.focus({ preventScroll: true });
    this.photograph.setPointerCapture(event.pointerId);
    const { left, top, width, height } = this.picture.getBoundingClientRect();
    const { x, y } = (event.target as HTMLElement).dataset;
    const before = this.own.crop;
    const isPending = this.moved.has("crop");
    const box = boxOf(before);
    const far = (to: PointerEvent): Pair => [to.clientX - event.clientX, to.clientY - event.clientY];
    const follow = (to: PointerEvent): Box => {
      const by = far(to);
      const [dx, dy] = [by[0] / width, by[1] / height];
      if (isBeside) return spanned([(event.clientX - left) / width, (event.clientY - top) / height], [dx, dy]);
      if (x === undefined) return { ...box, x: box.x + dx, y: box.y + dy };
      return resized(box, [Number(x), Number(y)], by, [width, height], this.own.turn, this.data!.smallest);
    };
    this.photograph.onpointermove = (to) => this.put(follow(to));
    this.photograph.onpointerup = this.photograph.onpointercancel = (end) => {
      this.photograph.onpointermove = this.photograph.onpointerup = this.photograph.onpointercancel = null;
      if (end.type === "pointerup" && Math.hypot(...far(end)) > FAR) return this.report.now();
      this.own.crop = before;
      if (!isPending) this.moved.delete("crop");
      this.draw();
    };
  }

  private press(event: KeyboardEvent): void {
    const by = KEYS[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const { x, y, width, height } = boxOf(this.own.crop);
    const [dx, dy] = [by[0] * STEP, by[1] * STEP];
    const { smallest } = this.data!;
    if (event.shiftKey) {
      const sides = { width: Math.max(smallest, width + dx), height: Math.max(smallest, height + dy) };
      this.put({ x: x + dx / 2, y: y + dy / 2, ...sides });
    } else this.put({ x: x + dx, y: y + dy, width, height });
    this.report.later();
  }

  finish(): void {
    this.report.flush();
  }

  fit(): void {
    if (this.zoomed !== null && this.zoomed !== window.innerWidth) this.zoom(false);
    else if (this.data) this.draw();
  }

  dispose(): void {
    this.report.cancel();
  }
}
