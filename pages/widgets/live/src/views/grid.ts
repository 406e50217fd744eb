// Sample: a whole grid of draws that follows temperature and seed.
import { h } from "../parts/dom";
import { fetched } from "../decode/engine";
import "./grid.css";
import type { Model } from "../decode/protocol";
import { Screen } from "../parts/screen";
import { Slider } from "../parts/slider";
import { Report } from "../parts/transport";
import { Echo, type Host, type View } from "../view";

const STEP = 0.01; // of the temperature

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
  help: string; // what the temperature does
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
  private readonly echo = new Echo<{ temperature: number; seed: number }>(() => this.host.settled);
  private readonly report = new Report(() =>
    this.host.tell("knobs", this.echo.send({ temperature: this.at, seed: this.of })),
  );
  private readonly heat = new Slider(
    {
      name: "Temperature",
      label: "Temperature",
      step: STEP,
      start: 1,
      number: { step: "0.05", "aria-label": "Value of the temperature" },
    },
    (temperature) => this.turn(temperature, this.of),
    this.report,
  );
  private readonly heatNote = h("small");
  private readonly seed = new Slider(
    { name: "Seed", label: "Seed", step: 1, nudge: 1, number: { "aria-label": "Value of the seed" } },
    (seed) => this.turn(this.at, seed),
    this.report,
  );
  private readonly draw = h("button", { type: "button" }, "New draw");
  private data: GridData | null = null;
  private held: { window: Window; points: Float32Array } | null = null;
  private routes = ""; // of the windows that are held or on their way
  private at = 1;
  private of = 0;
  private shows = false; // the draws of the seed that is asked for

  constructor(private readonly host: Host) {
    this.seed.number.after(this.draw);
    host.root.replaceChildren(
      h(
        "div",
        { className: "grid" },
        h("div", { className: "knobs" }, this.heat.box, this.seed.box),
        this.rows,
        h("div", { className: "field" }, this.screen.canvas, this.mark),
        this.below,
        this.heatNote,
      ),
    );
    this.draw.onclick = () => {
      this.turn(this.at, this.of >= this.data!.last ? 0 : this.of + 1);
      this.report.now();
    };
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
    const { first, seeds } = data.windows.at(-1)!;
    this.heat.limit(0, data.hottest);
    this.heat.box.title = data.help;
    this.seed.limit(first, first + seeds - 1, data.last);
    this.seed.box.hidden = !data.seeded;
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
      this.host.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** The hand turns a knob. */
  private turn(temperature: number, seed: number): void {
    this.at = temperature;
    this.of = seed;
    this.knobs();
    this.decode();
  }

  private knobs(): void {
    this.heat.put(this.at);
    this.seed.put(this.of);
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
