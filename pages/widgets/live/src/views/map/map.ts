// Map: the points on a canvas; what lies under the pointer is decoded, between the points as well.
import { fetched } from "../../decode/engine";
import type { MapData } from "../../../built/payloads";
import { lerp } from "../../maths/blend";
import { carried, inverse, nearest, type Place, toScreen } from "../../maths/plane";
import { type Points, unpack } from "../../maths/points";
import { h } from "../../parts/dom";
import { Screen } from "../../parts/screen";
import { Slider } from "../../parts/slider";
import { Transport } from "../../parts/transport";
import { Echo, type Host, type View } from "../../view";
import { Board } from "./board";
import { type Ground, Hand, type Tool, TOOLS } from "./hand";
import { Lens } from "./lens";
import { Legend } from "./legend";
import "./map.css";
import { drawOverlay } from "./overlay";
import { Thumbs } from "./thumbs";

const WAY = 4; // seconds from one end of a path to the other
const SHARE = 0.34; // of the shorter side of the map: how large the picture over it is, if not more is free beside it
const NAME = 0.05; // of all points: what the name of a class weighs
const SMALL = 3.5; // rem of the nearest point's picture

const NO_INVERSE = "Between points a t-SNE map has no inverse: this is the nearest point's picture.";
const NO_MEANS = "Nothing is decoded here: the encodings of so many points are too large for a browser. Take fewer.";
const ON_THE_WAY = "Decoded on the straight way between the two in latent space, whatever the map shows there.";
const number = (value: number) => value.toFixed(2).replace("-", "\u2212");

export class PointMap implements View, Ground {
  private readonly board = new Board(
    (pen) => this.over(pen),
    (pen, front, taken) => this.thumbs.draw(pen, this.board, front, taken, this.lens.box),
  );
  private readonly thumbs: Thumbs;
  private readonly hand = new Hand(this.board, this);
  private readonly under = new Screen();
  private readonly lens = new Lens(this.under.canvas);
  private readonly beside = new Screen();
  private readonly legend = new Legend();
  private readonly tools = new Map<Tool, HTMLButtonElement>();
  private readonly residual = h("input", { type: "checkbox" });
  private readonly carry = h("label", { className: "carry" }, this.residual, "With the nearest point's residual");
  private readonly note = h("p", { className: "note" });
  private readonly transport = new Transport({ step: (seconds) => this.walk(seconds) });
  private readonly share = new Slider({ label: "Place on the path", step: 0.01 }, (t) => {
    this.rest();
    this.walked = t;
    this.step();
  });
  private readonly path = h("div", { className: "path", hidden: true }, this.transport.button, this.share.range);
  private readonly settings = new Echo<{ tool: Tool; residual: boolean }>(() => this.host.settled);
  private readonly choices = new Echo<number[]>(() => this.host.settled);
  private data: MapData | null = null;
  private points: Points | null = null;
  private wanted = ""; // key of the points that are shown or on their way
  tool: Tool = "Look";
  private chosen = new Set<number>();
  at: Place = [0, 0]; // of the pointer on the map
  near = -1; // the point nearest to it
  private shown = -1; // point whose picture stands beside
  private ends: [number, number] | null = null; // of the path
  first = -1; // end of a path that waits for the other
  private walked = 0; // there: 0 to 1, and back: 1 to 2

  constructor(private readonly host: Host) {
    this.thumbs = new Thumbs(host.engine, () => this.board.draw());
    this.beside.figure.className = "beside";
    this.board.box.append(this.lens.box);
    const words = h("div", { className: "words" }, this.under.caption, this.note);
    const seen = h("div", { className: "seen" }, words, this.beside.figure);
    const bar = h("div", { className: "bar" }, this.toolbar(), this.carry, this.path);
    host.root.replaceChildren(h("div", { className: "map" }, this.legend.box, this.board.box, bar, seen));
    this.residual.onchange = () => {
      this.host.tell("set", this.settings.send({ tool: this.tool, residual: this.residual.checked }));
      this.decode();
    };
  }

  private toolbar(): HTMLElement {
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
    return h("div", { className: "tools", role: "toolbar", "aria-label": "What the pointer does" }, ...tools, reset);
  }

  get coords(): Float32Array | null {
    return this.points?.coords ?? null;
  }

  get plays(): boolean {
    return this.transport.plays;
  }

  show(data: MapData): void {
    const first = this.data === null;
    if (data.key !== this.wanted) {
      this.points = null; // they were another model's, or lie elsewhere now
      this.thumbs.from(null);
    }
    this.data = data;
    this.board.box.style.setProperty("--tall", `${100 * data.share}vh`);
    this.board.above.setAttribute(
      "aria-label",
      `${data.alt}. Arrow keys move the pointer, Enter chooses the nearest point.`,
    );
    const [, height, width] = data.model.shape;
    for (const screen of [this.under, this.beside]) screen.arrange({ width, height });
    if (!this.ends) this.remark(this.why);
    this.beside.figure.hidden = !data.linear;
    this.carry.hidden = !data.linear || !data.means || data.model.dim <= 2;
    if (this.settings.isNews({ tool: data.tool, residual: data.residual })) {
      this.residual.checked = data.residual;
      this.hold(data.tool);
    }
    const chosen = this.choices.isNews(data.chosen);
    if (chosen) this.chosen = new Set(data.chosen);
    this.legend.show(data.legend, data.scale);
    if (first) this.host.engine.load(data.model.decoder);
    if (this.wanted !== data.key) return void this.fetch(data);
    this.redraw();
    if (chosen) this.find();
  }

  /** Get other points; those that were asked for before and come later are not shown. */
  private async fetch(data: MapData): Promise<void> {
    this.wanted = data.key;
    this.leave();
    try {
      const [facts, means] = await Promise.all([fetched(data.points), data.means ? fetched(data.means) : null]);
      if (this.wanted !== data.key) return;
      this.points = unpack(facts, means, data.count, data.model.dim, data.linear);
    } catch (error) {
      if (this.wanted !== data.key) return;
      this.wanted = ""; // whatever is shown next asks for them anew
      return this.host.fail(error instanceof Error ? error.message : String(error));
    }
    this.shown = -1;
    this.redraw();
    this.settle();
    const { x, y } = this.board.frame;
    this.look([x, y]);
    this.find();
  }

  /** Look at the picture that was found by its number: the only one that is chosen. */
  private find(): void {
    const [row, ...others] = this.chosen;
    if (this.points && row !== undefined && !others.length) this.look(this.place(row), true, row);
  }

  private redraw(): void {
    if (!this.points || !this.data) return;
    const { points, data } = this;
    const { size, equal, linear, axes, labels, marks, ties, shade, lit, model } = data;
    const { label } = points;
    const ofClass = lit < 0 ? [] : [...label.keys()].filter((i) => label[i] === lit);
    const front = new Set([...this.chosen, ...ofClass]);
    if (front.size) for (const { rows } of ties) for (const i of rows) front.add(i);
    const mean = (i: number) => this.mean(i);
    this.thumbs.from(data.thumbs ? { model, points, mean, weights: (i) => this.weights(i) } : null);
    this.board.show({ points, size, equal, ticks: linear, axes, labels, marks, front, shade });
  }

  /** Put the large picture where it hides least. */
  private settle(): void {
    if (!this.points) return;
    const { frame } = this.board;
    const names = this.data!.labels.flatMap(({ x, y, move }) => {
      const [px, py] = toScreen(frame, x, y);
      return Array.from({ length: Math.ceil(NAME * this.data!.count) }, (): Place => [px, py - move]);
    });
    const drawn = [...Array.from(this.points.row, (_, i) => this.board.at(i)), ...names];
    this.lens.settle(frame, drawn, toScreen(frame, ...this.at));
    this.board.draw();
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

  choose(rows: number[]): void {
    this.chosen = new Set(rows);
    this.redraw();
    // The time makes each choice a new one: the page may have dropped the same choice since.
    this.host.tell("selected", { of: this.data!.key, rows: this.choices.send(rows), at: performance.now() });
  }

  // --- the picture ---

  /** The pointer is at a place of the map, and means what is nearest unless it is told. */
  look(at: Place, aloud = false, near?: number): void {
    this.at = at;
    if (!this.points) return;
    this.under.caption.setAttribute("aria-live", aloud ? "polite" : "off"); // read out, as long as keys move it
    this.board.above.dataset.at = at.join(" ");
    const [px, py] = toScreen(this.board.frame, ...at);
    if (this.lens.dodge(px, py)) this.board.draw();
    const pictured = near ?? this.board.covering(px, py);
    this.near = pictured < 0 ? nearest(this.points.coords, this.board.frame, ...at) : pictured;
    this.decode();
    this.board.hover();
  }

  /** What a point is decoded from: where its encoding is not here, what the map holds of it. */
  private mean(i: number): Float32Array | null {
    const { means, basis } = this.points!;
    const { dim } = this.data!.model;
    return means?.subarray(i * dim, (i + 1) * dim) ?? (basis && inverse(basis, ...this.place(i)));
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
  private here(): Float32Array | null {
    const { basis, means } = this.points!;
    if (!basis) return this.mean(this.near);
    if (!this.residual.checked || !means) return inverse(basis, ...this.at);
    return carried(basis, this.mean(this.near)!, this.place(this.near), ...this.at);
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
    this.remark(this.why);
    this.beside.figure.style.visibility = "";
    if (linear && this.shown !== this.near) {
      this.shown = this.near;
      this.picture(this.beside, this.mean(this.near), this.weights(this.near));
    }
    this.beside.label(`Nearest point: ${this.name(this.near)}, ${away}, ${this.price(this.near)}`);
  }

  private get why(): string {
    const { linear, means } = this.data!;
    return linear ? "" : means ? NO_INVERSE : NO_MEANS;
  }

  /** What the large picture is, where that is not plain. */
  private remark(words: string): void {
    this.note.textContent = words;
    this.note.hidden = words === "";
  }

  private picture(screen: Screen, z: Float32Array | null, y: Float32Array): void {
    if (!z) return;
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
  reach(to: number): void {
    if (to < 0 || this.first < 0 || to === this.first) return;
    this.ends = [this.first, to];
    this.first = -1;
    this.walked = 0;
    this.path.hidden = false;
    if (!this.transport.offer()) this.step();
  }

  rest(): void {
    this.transport.rest();
  }

  /** Take the path, or its first end, off the map. */
  leave(): void {
    this.rest();
    this.ends = null;
    this.first = -1;
    this.path.hidden = true;
    this.decode();
    this.board.hover();
  }

  private get t(): number {
    return this.walked > 1 ? 2 - this.walked : this.walked;
  }

  private walk(seconds: number): void {
    this.walked = (this.walked + seconds / WAY) % 2;
    this.step();
  }

  /** The picture on the path. */
  private step(): void {
    const [a, b] = this.ends!;
    const { t } = this;
    const [from, to] = [this.mean(a), this.mean(b)];
    this.picture(this.under, from && to && lerp(from, to, t), lerp(this.weights(a), this.weights(b), t));
    this.under.label(`${Math.round(100 * t)} % of the way from ${this.name(a)} to ${this.name(b)}`);
    this.remark(this.data!.linear ? "" : ON_THE_WAY);
    this.beside.figure.style.visibility = "hidden"; // it is the pointer's, which rests
    this.share.put(t);
    this.board.hover();
  }

  private over(pen: CanvasRenderingContext2D): void {
    if (!this.points || this.near < 0) return;
    const { tool, at, near, first, ends, t, plays } = this;
    const { linear: straight, ties } = this.data!; // on a t-SNE map nobody knows where the way runs
    drawOverlay(pen, this.board, { tool, gesture: this.hand.gesture, at, near, first, ends, t, straight, plays, ties });
  }

  fit(): void {
    if (!this.data) return;
    const { clientWidth: across, clientHeight: down } = this.board.box;
    const side = Math.max(SHARE * Math.min(across, down), Math.min(down, across - down) / 2);
    this.under.fit(side, side);
    this.board.beside = this.lens.box.offsetWidth;
    this.board.fit();
    this.settle();
    const small = SMALL * 16 * this.board.type.grow;
    this.beside.fit(small, small);
  }

  dispose(): void {
    this.transport.dispose();
    this.wanted = "";
    this.board.dispose();
    this.thumbs.dispose();
    for (const screen of [this.under, this.beside]) {
      this.host.engine.cancel(screen);
      screen.dispose();
    }
  }
}
