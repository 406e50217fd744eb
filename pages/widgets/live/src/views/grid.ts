// Sample: a whole grid of draws that follows temperature and seed.
import { h } from "../parts/dom";
import { fetched } from "../decode/engine";
import { Field } from "../parts/field";
import { rems, roomBelow } from "../parts/room";
import { sizes, wholeScale } from "../parts/screen";
import "./grid.css";
import type { GridData, SeedWindow, Tiling } from "../../built/payloads";
import { Slider } from "../parts/slider";
import { Report } from "../parts/transport";
import { Echo, type Host, type View } from "../view";

const STEP = 0.01; // of the temperature
const AXIS = 2; // rem of the numbers below a plane

/** Where the draws of one seed stand at a temperature: base + temperature * slope. */
export function drawsAt(points: Float32Array, seed: number, size: number, temperature: number): Float32Array {
  const z = new Float32Array(size);
  const base = seed * 2 * size;
  for (let i = 0; i < size; i++) z[i] = points[base + i] + temperature * points[base + size + i];
  return z;
}

export class Grid implements View {
  private readonly field = new Field((place) => this.host.tell("picked", place));
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
  private columns = 0;
  private held: { window: SeedWindow; points: Float32Array } | null = null;
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
        this.field.box,
        this.heatNote,
      ),
    );
    this.draw.onclick = () => {
      this.turn(this.at, this.of >= this.data!.last ? 0 : this.of + 1);
      this.report.now();
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
    this.arrange();
    const { first, seeds } = data.windows.at(-1)!;
    this.heat.limit(0, data.hottest);
    this.heat.box.title = data.help;
    this.seed.limit(first, first + seeds - 1, data.last);
    this.seed.box.hidden = !data.seeded;
    this.heatNote.textContent = data.moves
      ? ""
      : "The pictures follow a temperature when you release the slider: this prior is drawn step by step.";
    this.knobs();
    const routes = data.windows.map(({ points }) => points).join(" ");
    if (this.routes !== routes) void this.fetch(data.windows, routes);
    else this.decode();
  }

  /** Make room for the draws, in the columns that there is most room for. */
  private arrange(): void {
    const { alt, chosen } = this.data!;
    this.columns = this.best();
    this.field.arrange(this.tiling(this.columns), alt, chosen);
  }

  private tiling(columns: number): Tiling {
    const { model, count, gutter } = this.data!;
    const [, height, width] = model.shape;
    return { width, height, columns, count, gutter };
  }

  /** In how many columns the pictures are largest: as many as Python says, unless more do better; rows have names. */
  private best(): number {
    const { columns, count, rows, edge } = this.data!;
    if (rows.length || edge !== null) return columns;
    const { tall } = this;
    const room = this.host.root.clientWidth;
    const scale = (across: number) => wholeScale(...sizes(this.tiling(across)), room, tall);
    const more = Array.from({ length: count - columns }, (_, i) => columns + 1 + i);
    return more.reduce((best, each) => (scale(each) > scale(best) ? each : best), columns);
  }

  /** CSS pixels that the grid may be high. */
  private get tall(): number {
    const axis = this.data!.edge === null ? 0 : rems(AXIS);
    return Math.max(window.innerHeight * this.data!.share, roomBelow(this.field.box) - axis);
  }

  /** The points of these seeds, one window after the other; the browser keeps them, as it keeps the decoder. */
  private async fetch(windows: SeedWindow[], routes: string): Promise<void> {
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
    this.labels();
  }

  private decode(): void {
    const { model, count, y } = this.data!;
    if (!this.held) return;
    const { points, window } = this.held;
    const place = this.of - window.first;
    this.shows = place >= 0 && place < window.seeds;
    if (!this.shows) return; // a wider window will have it, or the server when the slider is released
    const asked = performance.now();
    this.host.engine.decode(this, {
      model,
      z: drawsAt(points, place, count * model.dim, this.at),
      y: y === null ? undefined : Float32Array.from(y),
      rows: count,
      onPixels: (pixels, from, number) => this.field.screen.draw(pixels, from, number, asked),
    });
  }

  /** Names of the rows, or the ends of a plane's axes, which grow with the temperature. */
  private labels(): void {
    const { edge, rows } = this.data!;
    if (edge === null) return this.field.label(rows, []);
    const end = (edge * this.at).toFixed(2);
    this.field.label([end, "z1 ↑", `-${end}`], [`-${end}`, "z0 →", end]);
  }

  finish(): void {
    this.report.flush();
  }

  fit(): void {
    if (!this.data) return;
    if (this.best() !== this.columns) {
      this.arrange();
      this.decode();
    }
    this.field.fit(this.host.root.clientWidth, this.tall);
  }

  dispose(): void {
    this.report.cancel();
    this.host.engine.cancel(this);
    this.field.screen.dispose();
    this.routes = "";
  }
}
