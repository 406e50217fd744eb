// Sample: a whole grid of draws that follows temperature and seed.
import { h, settled } from "../parts/dom";
import { fetched } from "../decode/engine";
import "./grid.css";
import type { Model } from "../decode/protocol";
import { Screen } from "../parts/screen";
import { Echo, type Host, type View } from "../view";

const STEP = 0.01;

export interface GridData {
  model: Model;
  windows: Window[]; // of seeds around the one that is shown, the quickest to be had first
  count: number;
  columns: number;
  gutter: number;
  y: number[] | null; // class weights (count, classes)
  moves: boolean; // with the temperature, along straight lines; else the points are of one temperature
  temperature: number;
  hottest: number;
  seed: number;
  seeded: boolean; // whether anything is drawn at random
  last: number; // seed that there is
  rows: string[];
  edge: number | null; // of a plane, at temperature 1
  chosen: number;
  alt: string;
  share: number;
}

/** Draws of `seeds` seeds from `first` on; `points` is the route of base and slope (seeds, 2, count, D), float32. */
interface Window {
  points: string;
  first: number;
  seeds: number;
}

/** Where the draws of one seed stand at a temperature: base + temperature * slope. */
export function drawsAt(points: Float32Array, seed: number, size: number, temperature: number): Float32Array {
  const z = new Float32Array(size);
  const base = seed * 2 * size;
  for (let i = 0; i < size; i++) z[i] = points[base + i] + temperature * points[base + size + i];
  return z;
}

export class Grid implements View {
  private readonly screen = new Screen();
  private readonly rows = h("div", { className: "rows" });
  private readonly below = h("div", { className: "below" });
  private readonly mark = h("span", { className: "mark", hidden: true });
  private readonly heat = h("input", { type: "range", min: "0", step: String(STEP), "aria-label": "Temperature" });
  private readonly heatNumber = h("input", {
    type: "number",
    min: "0",
    step: "0.05",
    "aria-label": "Value of the temperature",
  });
  private readonly heatNote = h("small");
  private readonly seed = h("input", { type: "range", step: "1", "aria-label": "Seed" });
  private readonly seedNumber = h("input", { type: "number", min: "0", step: "1", "aria-label": "Value of the seed" });
  private readonly draw = h("button", { type: "button" }, "New draw");
  private readonly seedRow = h(
    "div",
    { className: "knob" },
    h("span", {}, "Seed"),
    this.seed,
    this.seedNumber,
    this.draw,
  );
  private readonly echo = new Echo<{ temperature: number; seed: number }>(() => this.host.settled);
  private readonly report = settled(() =>
    this.host.tell("knobs", this.echo.send({ temperature: this.at, seed: this.of })),
  );
  private data: GridData | null = null;
  private held: { window: Window; points: Float32Array } | null = null;
  private routes = ""; // of the windows that are held or on their way
  private at = 1;
  private of = 0;
  private shows = false; // the draws of the seed that is asked for

  constructor(private readonly host: Host) {
    const heatRow = h("div", { className: "knob" }, h("span", {}, "Temperature"), this.heat, this.heatNumber);
    host.root.replaceChildren(
      h(
        "div",
        { className: "grid" },
        h("div", { className: "knobs" }, heatRow, this.seedRow),
        this.rows,
        h("div", { className: "field" }, this.screen.canvas, this.mark),
        this.below,
        this.heatNote,
      ),
    );
    this.heat.oninput = () => this.turn(Number(this.heat.value), this.of);
    this.seed.oninput = () => this.turn(this.at, Number(this.seed.value));
    this.heat.onchange = this.seed.onchange = () => this.report.later();
    this.heatNumber.onchange = () => this.type(Number(this.heatNumber.value || 1), this.of);
    this.seedNumber.onchange = () => this.type(this.at, Number(this.seedNumber.value || 0));
    this.draw.onclick = () => this.type(this.at, this.of >= this.data!.last ? 0 : this.of + 1);
    this.screen.canvas.onclick = (event) => {
      const place = this.screen.place(event);
      if (place >= 0) this.host.tell("picked", place);
    };
  }

  show(data: GridData): void {
    const { temperature, seed } = data;
    if (this.echo.isNews({ temperature, seed }) || this.data === null) {
      this.at = temperature;
      this.of = seed;
    }
    if (this.data?.model.key !== data.model.key) this.host.engine.load(data.model.decoder);
    this.data = data;
    const [, height, width] = data.model.shape;
    this.screen.arrange({ width, height, columns: data.columns, count: data.count, gutter: data.gutter });
    this.screen.label("", data.alt);
    this.heat.max = this.heatNumber.max = String(data.hottest);
    const { first, seeds } = data.windows.at(-1)!;
    Object.assign(this.seed, { min: String(first), max: String(first + seeds - 1) });
    this.seedNumber.max = String(data.last);
    this.seedRow.hidden = !data.seeded;
    this.heatNote.textContent = data.moves
      ? ""
      : "The pictures follow a temperature when you let go of it: this prior is drawn step by step.";
    this.labels();
    this.knobs();
    const routes = data.windows.map(({ points }) => points).join(" ");
    if (this.routes !== routes) void this.fetch(data.windows, routes);
    else this.decode();
  }

  /** The points of these seeds, one window after the other; the browser keeps them, as it keeps the decoder. */
  private async fetch(windows: Window[], routes: string): Promise<void> {
    this.routes = routes;
    this.held = null; // they were another model's, or of other seeds
    try {
      for (const window of windows) {
        const points = new Float32Array(await fetched(window.points));
        if (this.routes !== routes) return; // others were asked for meanwhile
        const first = this.held === null;
        this.held = { window, points };
        if (first || !this.shows) this.decode();
      }
    } catch (error) {
      if (this.routes !== routes) return;
      this.routes = ""; // whatever is shown next asks for them anew
      this.host.fail(error instanceof Error ? error.message : String(error), this.data!.model.decoder);
    }
  }

  /** The hand turns a knob. */
  private turn(temperature: number, seed: number): void {
    this.at = temperature;
    this.of = seed;
    this.knobs();
    this.decode();
  }

  /** A number was typed, or a button pressed: it holds at once. */
  private type(temperature: number, seed: number): void {
    const { hottest, last } = this.data!;
    const inside = (value: number, most: number) => (Number.isFinite(value) ? Math.min(most, Math.max(0, value)) : 0);
    this.turn(inside(temperature, hottest), Math.round(inside(seed, last)));
    this.report.now();
  }

  private knobs(): void {
    this.heat.value = this.heatNumber.value = String(this.at);
    this.seed.value = this.seedNumber.value = String(this.of);
    this.heatNumber.value = this.at.toFixed(2);
    for (const range of [this.heat, this.seed]) {
      const span = Number(range.max) - Number(range.min) || 1;
      range.style.setProperty("--filled", `${(100 * (Number(range.value) - Number(range.min))) / span}%`);
    }
    this.ends();
  }

  private decode(): void {
    const { model, count, y } = this.data!;
    if (!this.held) return;
    const { points, window } = this.held;
    const place = this.of - window.first;
    this.shows = place >= 0 && place < window.seeds;
    if (!this.shows) return; // a wider window will have it, or the server when the hand lets go
    const asked = performance.now();
    this.host.engine.decode(this, {
      model,
      z: drawsAt(points, place, count * model.dim, this.at),
      y: y === null ? undefined : Float32Array.from(y),
      rows: count,
      onPixels: (pixels, from, number) => this.screen.draw(pixels, from, number, asked),
    });
  }

  private labels(): void {
    const { rows, chosen, columns, count, model, gutter } = this.data!;
    if (this.data!.edge === null) this.rows.replaceChildren(...rows.map((name) => h("span", { title: name }, name)));
    this.mark.hidden = chosen < 0 || chosen >= count;
    const [, height, width] = model.shape;
    const across = columns * (width + gutter) + gutter;
    const down = Math.ceil(count / columns) * (height + gutter) + gutter;
    Object.assign(this.mark.style, {
      left: `${(100 * ((chosen % columns) * (width + gutter) + gutter)) / across}%`,
      top: `${(100 * (Math.floor(chosen / columns) * (height + gutter) + gutter)) / down}%`,
      width: `${(100 * width) / across}%`,
      height: `${(100 * height) / down}%`,
    });
  }

  /** The ends of a plane's axes, which grow with the temperature. */
  private ends(): void {
    const { edge } = this.data!;
    this.rows.classList.toggle("axis", edge !== null);
    this.below.hidden = edge === null;
    if (edge === null) return;
    const end = (edge * this.at).toFixed(2);
    this.rows.replaceChildren(...[end, "z1 ↑", `-${end}`].map((text) => h("span", {}, text)));
    this.below.replaceChildren(...[`-${end}`, "z0 →", end].map((text) => h("span", {}, text)));
  }

  finish(): void {
    this.report.flush();
  }

  fit(): void {
    if (!this.data) return;
    const room = this.host.root.clientWidth - this.rows.offsetWidth - 2;
    this.screen.fit(room, window.innerHeight * this.data.share);
    this.below.style.width = this.screen.canvas.style.width;
  }

  dispose(): void {
    this.report.cancel();
    this.host.engine.cancel(this);
    this.screen.dispose();
    this.routes = "";
  }
}
