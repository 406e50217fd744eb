// Compare: several models under one movement; all are decoded, and drawn together, for one and the same place.
import { moved } from "../maths/axes";
import { lerp } from "../maths/blend";
import "./compare.css";
import { h } from "../parts/dom";
import { rems, roomBelow } from "../parts/room";
import { Screen, wholeScale } from "../parts/screen";
import { Slider } from "../parts/slider";
import { Sliders } from "../parts/sliders";
import { Transport } from "../parts/transport";
import type { Column, CompareData } from "../../built/payloads";
import { Echo, type Host, type View } from "../view";

const THERE = 4; // seconds from A to B
const STEP = 0.01;
const GAP = 24;
const NARROW = 480; // CSS pixels: in less room two models stand in the window, and one scrolls to more
const WITH_SLIDERS = 0.6; // of the height, where the sliders stand below and are to be seen as well
const THUMB = 64; // CSS pixels of A and B rebuilt, at most
const NAME = 2.25; // rem above a picture
const BESIDE = 9; // rem of A and B rebuilt and the figures, beside a picture
const BELOW = 6; // rem of the figures below a picture, with the names of A and B rebuilt
const END = 56; // CSS pixels of A and B beside the slider

interface Shown {
  column: Column;
  now: Screen;
  ends: [Screen, Screen];
  figure: HTMLElement;
}

/** The room of a picture, and whether what belongs to it stands beside it. */
interface Room {
  across: number;
  wide: number;
  tall: number;
  beside: boolean;
}

export class Compare implements View {
  private readonly ends = [new Screen(), new Screen()];
  private readonly value = h("output");
  private readonly echo = new Echo<unknown>(() => this.host.settled);
  private readonly transport = new Transport({
    stop: "Stop",
    title: "There and back",
    begin: () => (this.phase = Math.acos(1 - 2 * this.t)),
    step: (seconds) => this.walk(seconds),
    tell: () => {
      this.echo.send(this.data!.slides ? this.sliders.moved() : this.t);
      if (this.data!.slides) this.host.tell("places", this.sliders.changes());
      else this.host.tell("t", this.t);
    },
  });
  private readonly slider = new Slider(
    { label: "t, the place between A and B", step: STEP },
    (t) => {
      this.transport.rest();
      this.go(t);
    },
    this.transport.report,
  );
  private readonly way = h(
    "div",
    { className: "way" },
    this.ends[0].figure,
    this.transport.button,
    this.slider.range,
    this.value,
    this.ends[1].figure,
  );
  private readonly warning = h("p", { className: "warning", role: "alert" });
  private readonly reset = h("button", { type: "button" }, "Reset all");
  private readonly sliders = new Sliders(() => this.decode(), this.transport.report);
  private readonly same = h(
    "div",
    { className: "same" },
    h("div", { className: "tools" }, this.reset, this.sliders.filter),
    this.sliders.box,
  );
  private readonly columns = h("div", { className: "columns" });
  private readonly root = h("div", { className: "compare" }, this.way, this.warning, this.columns, this.same);
  private shown: Shown[] = [];
  private data: CompareData | null = null;
  private t = 0.5;
  private phase = 0;
  private busy = false; // a picture of each model is under way
  private late = false; // and the place is another by now

  constructor(private readonly host: Host) {
    host.root.replaceChildren(this.root);
    this.reset.onclick = () => {
      this.sliders.reset();
      this.decode();
      this.transport.report.now();
    };
    ["A", "B"].forEach((name, i) => this.ends[i].label(name, `Picture ${name}`));
  }

  show(data: CompareData): void {
    const other = Boolean(this.data?.slides) !== Boolean(data.slides) || this.data === null; // movement
    const others = this.data?.about !== data.about || other;
    const news = this.echo.isNews(data.slides ? data.places : data.t) || other;
    this.data = data;
    if (this.host.settled || others) this.sliders.heard();
    this.way.hidden = data.slides !== undefined;
    this.same.hidden = this.warning.hidden = data.slides === undefined;
    this.root.classList.toggle("slid", data.slides !== undefined);
    if (others) this.build();
    if (data.slides) {
      if (news || others) this.begin(data.places!);
    } else if (news) {
      this.transport.rest();
      this.go(data.t!);
    } else if (others) this.go(this.t); // other pictures under the same movement
  }

  /** Put the sliders where Python has them. */
  private begin(places: Record<string, number>): void {
    this.transport.rest();
    this.sliders.put(places);
    this.decode();
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
    this.sliders.show((slides ?? []).map((slide) => ({ ...slide, active: true }))); // what one does not use another may
    for (const { model } of columns) this.host.engine.load(model.decoder);
    this.fit();
  }

  private column(column: Column): Shown {
    const [, height, width] = column.model.shape;
    const [now, a, b] = [new Screen(), new Screen(), new Screen()];
    [now, a, b].forEach((screen) => screen.arrange({ width, height }));
    now.label("", `${column.name}: decoded now`);
    for (const [screen, end] of [
      [a, "A"],
      [b, "B"],
    ] as const) {
      // prettier-ignore
      screen.label(end, `${column.name}: reconstruction of ${end}`);
      screen.figure.title = `Reconstruction of ${end}`;
    }
    void a.load(column.rebuilt[0]);
    void b.load(column.rebuilt[1]);
    const facts = h("ul", { title: column.whole }, ...column.facts.map((fact) => h("li", {}, fact)));
    a.figure.className = "to-a";
    b.figure.className = "to-b";
    const rebuilt = h("div", { className: "rebuilt" }, a.figure, b.figure);
    const figure = h(
      "section",
      { "aria-label": column.name },
      h("h2", {}, column.name),
      h("div", { className: "row" }, now.figure, h("div", { className: "more" }, rebuilt, facts)),
    );
    return { column, now, ends: [a, b], figure };
  }

  private go(t: number): void {
    this.t = Number((Math.round(t / STEP) * STEP).toFixed(2));
    this.slider.put(this.t);
    this.value.textContent = `t = ${this.t.toFixed(2)}`;
    this.decode();
  }

  /** One picture of each model at a time, drawn when all are there: they never stand at different places. */
  private decode(): void {
    this.reset.disabled = this.sliders.places.size === 0;
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
          found.forEach((picture, k) => shown[k].now.draw(picture, 0, 1, asked));
          this.busy = false;
          if (this.late) this.decode();
        },
      });
    });
  }

  private point({ a, b, ya, yb }: Column): [Float32Array, Float32Array | undefined] {
    const { slides, columns } = this.data!;
    if (slides) return [moved(columns[0].a, slides, this.sliders.places), ya ? Float32Array.from(ya) : undefined];
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

  private walk(seconds: number): void {
    this.phase += (seconds / THERE) * Math.PI;
    this.go((1 - Math.cos(this.phase)) / 2);
  }

  finish(): void {
    this.transport.finish();
  }

  fit(): void {
    if (!this.shown.length) return;
    const { across, wide, tall, beside } = this.largest();
    this.columns.style.gridTemplateColumns = `repeat(${across}, minmax(0, 1fr))`;
    this.columns.classList.toggle("beside", beside);
    for (const { now, ends } of this.shown) {
      now.fit(wide, tall);
      for (const screen of ends) screen.fit(THUMB, THUMB);
    }
    for (const screen of this.ends) screen.fit(END, END);
  }

  /** In how many rows, and with what beside or below them, the pictures are largest, and the room of one. */
  private largest(): Room {
    const [, height, width] = this.shown[0].column.model.shape;
    const under = this.data!.slides !== undefined && this.columns.clientWidth === this.root.clientWidth; // on a phone
    const least = window.innerHeight * this.data!.share;
    const windows = this.columns.clientWidth < NARROW ? Math.ceil(this.shown.length / 2) : 1;
    const whole = Math.max(least, roomBelow(this.columns)) * windows * (under ? WITH_SLIDERS : 1);
    const options = this.shown.flatMap((_, i) => {
      const across = Math.ceil(this.shown.length / (i + 1));
      const wide = (this.columns.clientWidth - GAP * (across - 1)) / across;
      const tall = (whole - GAP * i) / (i + 1) - rems(NAME);
      return [
        { across, wide, tall: tall - THUMB - rems(BELOW), beside: false },
        { across, wide: wide - rems(BESIDE), tall, beside: true },
      ];
    });
    const scale = (room: Room) => wholeScale(width, height, room.wide, room.tall);
    return options.reduce((best, each) => (scale(each) > scale(best) ? each : best));
  }

  dispose(): void {
    this.transport.dispose();
    this.forget();
    for (const screen of this.ends) screen.dispose();
  }
}
