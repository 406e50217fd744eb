// Compare: several models under one movement; all are decoded, and drawn together, for one and the same place.
import { lerp } from "../maths/blend";
import "./compare.css";
import { h, Loop, settled } from "../parts/dom";
import type { Model } from "../decode/protocol";
import { Screen } from "../parts/screen";
import { Echo, type Host, type View } from "../view";

const THERE = 4; // seconds from A to B
const STEP = 0.01;
const PHONE = 600; // CSS pixels: what is narrower has two models beside each other at most
const GAP = 24;
const THUMB = 84; // CSS pixels of A and B rebuilt
const END = 56; // CSS pixels of A and B beside the slider

interface Column {
  model: Model;
  name: string;
  a: number[];
  b: number[];
  ya: number[] | null; // the class of A, of a model that is told it
  yb: number[] | null;
  rebuilt: [string, string];
  facts: string[];
}

interface Slide {
  key: string;
  note: string;
  low: number;
  high: number;
  start: number;
  index: number;
}

export interface CompareData {
  columns: Column[];
  about: string; // other models or pictures have another
  ends: [string, string]; // the pictures A and B
  t?: number; // of the way from A to B
  slides?: Slide[]; // of the same z
  places?: Record<string, number>;
  warning?: string;
}

/** The start with the sliders that were moved. */
export function moved(start: ArrayLike<number>, slides: Slide[], places: Map<string, number>): Float32Array {
  const z = Float32Array.from(start);
  for (const { key, index } of slides) z[index] = places.get(key) ?? z[index];
  return z;
}

interface Shown {
  column: Column;
  now: Screen;
  ends: [Screen, Screen];
  figure: HTMLElement;
}

export class Compare implements View {
  private readonly ends = [new Screen(), new Screen()];
  private readonly range = h("input", {
    type: "range",
    min: 0,
    max: 1,
    step: STEP,
    "aria-label": "t, the place between A and B",
  });
  private readonly value = h("output");
  private readonly play = h("button", { type: "button", title: "There and back" }, "Play");
  private readonly way = h(
    "div",
    { className: "way" },
    this.ends[0].figure,
    this.play,
    this.range,
    this.value,
    this.ends[1].figure,
  );
  private readonly warning = h("p", { className: "warning", role: "alert" });
  private readonly reset = h("button", { type: "button" }, "Reset all");
  private readonly sliders = h("div", { className: "sliders" });
  private readonly same = h("div", { className: "same" }, h("div", { className: "tools" }, this.reset), this.sliders);
  private readonly columns = h("div", { className: "columns" });
  private readonly places = new Map<string, number>();
  private readonly echo = new Echo<unknown>(() => this.host.settled);
  private readonly loop = new Loop((seconds) => this.walk(seconds));
  private readonly report = settled(() =>
    this.data?.slides
      ? this.host.tell(
          "places",
          this.echo.send(Object.fromEntries([...this.places].sort(([a], [b]) => (a < b ? -1 : 1)))),
        )
      : this.host.tell("t", this.echo.send(this.t)),
  );
  private readonly root = h("div", { className: "compare" }, this.way, this.warning, this.columns, this.same);
  private shown: Shown[] = [];
  private rows = new Map<string, (place: number) => void>();
  private data: CompareData | null = null;
  private t = 0.5;
  private phase = 0;
  private busy = false; // a picture of each model is under way
  private late = false; // and the place is another by now

  constructor(private readonly host: Host) {
    host.root.replaceChildren(this.root);
    this.range.oninput = () => {
      this.rest(false);
      this.go(Number(this.range.value));
    };
    this.range.onchange = () => this.report.later();
    this.play.onclick = () => (this.loop.running ? this.rest() : this.wake());
    this.reset.onclick = () => {
      this.places.clear();
      this.put();
      this.report.now();
    };
    ["A", "B"].forEach((name, i) => this.ends[i].label(name, `Picture ${name}`));
  }

  show(data: CompareData): void {
    const other = Boolean(this.data?.slides) !== Boolean(data.slides) || this.data === null; // movement
    const others = this.data?.about !== data.about || other;
    const news = this.echo.isNews(data.slides ? data.places : data.t) || other;
    this.data = data;
    this.way.hidden = data.slides !== undefined;
    this.same.hidden = this.warning.hidden = data.slides === undefined;
    this.root.classList.toggle("slid", data.slides !== undefined);
    if (others) this.build();
    if (data.slides) {
      if (news || others) this.begin(data.places!);
    } else if (news) {
      this.rest(false);
      this.go(data.t!);
    } else if (others) this.go(this.t); // other pictures under the same movement
  }

  /** Put the sliders where Python has them. */
  private begin(places: Record<string, number>): void {
    this.rest(false);
    this.places.clear();
    for (const [key, place] of Object.entries(places)) this.places.set(key, place);
    this.put();
  }

  /** Other models, other pictures, or the other movement. */
  private build(): void {
    const { columns, ends, slides, warning } = this.data!;
    this.forget();
    this.shown = columns.map((column) => this.column(column));
    this.columns.replaceChildren(...this.shown.map(({ figure }) => figure));
    this.warning.textContent = warning ?? "";
    const [, height, width] = columns[0].model.shape;
    this.ends.forEach((screen, i) => {
      screen.arrange({ width, height });
      void screen.load(ends[i]);
    });
    this.rows.clear();
    this.sliders.replaceChildren(...(slides ?? []).map((slide) => this.row(slide)));
    for (const { model } of columns) this.host.engine.load(model.decoder);
    this.fit();
  }

  private column(column: Column): Shown {
    const [, height, width] = column.model.shape;
    const [now, a, b] = [new Screen(), new Screen(), new Screen()];
    [now, a, b].forEach((screen) => screen.arrange({ width, height }));
    now.label("", `${column.name}: decoded now`);
    a.label("A rebuilt", `${column.name}: A rebuilt`);
    b.label("B rebuilt", `${column.name}: B rebuilt`);
    void a.load(column.rebuilt[0]);
    void b.load(column.rebuilt[1]);
    const facts = h("ul", {}, ...column.facts.map((fact) => h("li", {}, fact)));
    a.figure.className = "to-a";
    b.figure.className = "to-b";
    const figure = h(
      "section",
      { "aria-label": column.name },
      h("h2", {}, column.name),
      h(
        "div",
        { className: "row" },
        now.figure,
        h("div", {}, h("div", { className: "rebuilt" }, a.figure, b.figure), facts),
      ),
    );
    return { column, now, ends: [a, b], figure };
  }

  private row(slide: Slide): HTMLElement {
    const range = h("input", {
      type: "range",
      min: slide.low,
      max: slide.high,
      step: "any",
      "aria-label": `${slide.key}${slide.note}`,
    });
    const value = h("output");
    const name = h(
      "span",
      { className: "name", title: "Double-click to put it back" },
      slide.key,
      h("small", {}, slide.note),
    );
    const box = h("div", { className: "slide" }, name, value, range);
    const put = (place: number) => {
      range.value = String(place);
      value.textContent = place.toFixed(2);
      range.style.setProperty("--filled", `${(100 * (place - slide.low)) / (slide.high - slide.low)}%`);
      box.classList.toggle("moved", this.places.has(slide.key));
    };
    range.oninput = () => {
      // Not beyond the ends, where rounding could lead.
      const place = Math.min(slide.high, Math.max(slide.low, Number(Number(range.value).toFixed(2))));
      this.places.set(slide.key, place);
      put(place);
      this.decode();
    };
    range.onchange = () => this.report.later();
    box.ondblclick = () => {
      this.places.delete(slide.key);
      this.put();
      this.report.now();
    };
    this.rows.set(slide.key, put);
    return box;
  }

  /** Sliders where their places are. */
  private put(): void {
    for (const { key, start } of this.data!.slides!) this.rows.get(key)!(this.places.get(key) ?? start);
    this.reset.disabled = this.places.size === 0;
    this.decode();
  }

  private go(t: number): void {
    this.t = Number((Math.round(t / STEP) * STEP).toFixed(2));
    this.range.value = String(this.t);
    this.range.style.setProperty("--filled", `${100 * this.t}%`);
    this.value.textContent = `t = ${this.t.toFixed(2)}`;
    this.decode();
  }

  /** One picture of each model at a time, drawn when all are there: they never stand at different places. */
  private decode(): void {
    this.reset.disabled = this.places.size === 0;
    if (this.busy) {
      this.late = true;
      return;
    }
    const asked = performance.now();
    const { shown } = this;
    const found: Uint8ClampedArray<ArrayBuffer>[] = [];
    this.busy = true;
    this.late = false;
    shown.forEach((each, i) => {
      const [z, y] = this.point(each.column);
      this.host.engine.decode(each, {
        model: each.column.model,
        z,
        y,
        rows: 1,
        onPixels: (pixels) => {
          if (this.shown !== shown) return; // other models by now
          found[i] = pixels; // perhaps the second time: the server's came first
          if (shown.some((_, k) => !found[k])) return;
          found.forEach((pixels, k) => shown[k].now.draw(pixels, 0, 1, asked));
          this.busy = false;
          if (this.late) this.decode();
        },
      });
    });
  }

  private point({ a, b, ya, yb }: Column): [Float32Array, Float32Array | undefined] {
    const { slides, columns } = this.data!;
    if (slides) return [moved(columns[0].a, slides, this.places), ya ? Float32Array.from(ya) : undefined];
    return [lerp(a, b, this.t), ya && yb ? lerp(ya, yb, this.t) : undefined];
  }

  /** Drop what is under way. */
  private forget(): void {
    for (const each of this.shown) {
      this.host.engine.cancel(each);
      for (const screen of [each.now, ...each.ends]) screen.dispose();
    }
    this.busy = this.late = false;
  }

  private wake(): void {
    this.play.textContent = "Stop";
    this.phase = Math.acos(1 - 2 * this.t);
    this.loop.start();
  }

  /** Stop walking, and say where. */
  private rest(tell = true): void {
    if (!this.loop.running) return;
    this.loop.stop();
    this.play.textContent = "Play";
    if (tell) this.report.now();
  }

  private walk(seconds: number): void {
    this.phase += (seconds / THERE) * Math.PI;
    this.go((1 - Math.cos(this.phase)) / 2);
  }

  finish(): void {
    this.rest();
    this.report.flush();
  }

  fit(): void {
    const room = this.columns.clientWidth;
    const across = Math.min(this.shown.length, room < PHONE ? 2 : 4);
    if (!across) return;
    const wide = (room - GAP * (across - 1)) / across;
    const share = this.data!.slides ? 0.3 : 0.38;
    this.columns.style.gridTemplateColumns = `repeat(${across}, minmax(0, 1fr))`;
    for (const { now, ends } of this.shown) {
      now.fit(wide, window.innerHeight * share);
      for (const screen of ends) screen.fit((wide - 8) / 2, THUMB);
    }
    for (const screen of this.ends) screen.fit(END, END);
  }

  dispose(): void {
    this.loop.stop();
    this.report.cancel();
    this.forget();
    for (const screen of this.ends) screen.dispose();
  }
}
