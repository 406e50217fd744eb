// Traverse: one slider a dimension or direction; every movement of one decodes.
import { h, Loop, settled } from "../parts/dom";
import type { Model } from "../decode/protocol";
import { Screen } from "../parts/screen";
import { Echo, type Host, type View } from "../view";

const STEP = 0.01;
const NUDGE = 0.1; // of the wheel
const BREATH = 6; // seconds there and back
const WIDE = 0.6; // share of its range that each goes through when all breathe
const MIN_SIDE = 120; // CSS pixels: two pictures narrower than this stand one below the other

/** An axis, as `explore.Axis` has it: dimension `index`, or a `direction`; `at` is where the start stands on it. */
export interface Slide {
  key: string;
  note: string;
  low: number;
  high: number;
  start: number;
  at: number;
  kl: number | null;
  active: boolean;
  index: number;
  direction: number[] | null;
}

export interface TraverseData {
  model: Model;
  about: string; // another model, start or level has another
  start: number[];
  y: number[] | null;
  picture: string; // the start's
  captions: [string, string];
  heading: string;
  folded: string; // why some are folded away
  slides: Slide[];
  places: Record<string, number>; // of those that were moved
  byName: boolean; // the order of the sliders
  share: number;
}

/** Where the start goes when sliders stand at `places`. */
export function point(start: ArrayLike<number>, slides: Slide[], places: Map<string, number>): Float32Array {
  const z = Float32Array.from(start);
  for (const slide of slides) {
    const place = places.get(slide.key);
    if (place === undefined || place === slide.start) continue;
    if (slide.direction === null) z[slide.index] = place;
    else slide.direction.forEach((unit, i) => (z[i] += (place - slide.at) * unit));
  }
  return z;
}

interface Row {
  slide: Slide;
  box: HTMLElement;
  range: HTMLInputElement;
  number: HTMLInputElement;
}

export class Traverse implements View {
  private readonly now = new Screen();
  private readonly before = new Screen();
  private readonly screens = h("div", { className: "screens" }, this.now.figure, this.before.figure);
  private readonly heading = h("p", { className: "heading" });
  private readonly filter = h("input", {
    type: "search",
    placeholder: "Find",
    "aria-label": "Find a slider by its name",
  });
  private readonly order = h(
    "select",
    { "aria-label": "Order of the sliders" },
    ...["By KL", "By name"].map((text) => h("option", { value: text }, text)),
  );
  private readonly breath = h("select", { "aria-label": "What breathes" });
  private readonly breathe = h(
    "button",
    { type: "button", title: "Walk slowly through the range, there and back" },
    "Breathe",
  );
  private readonly list = h("div", { className: "list" });
  private readonly fold = h("details", { className: "fold" });
  private readonly none = h("p", { className: "none", hidden: true }, "No slider has this name.");
  private readonly box = h("div", { className: "sliders" }, this.list, this.fold, this.none);
  private readonly places = new Map<string, number>();
  private readonly changed = new Map<string, number | null>(); // since Python heard all; null is back at the start
  private readonly echo = new Echo<Record<string, number>>(() => this.host.settled);
  private readonly loop = new Loop((seconds) => this.breathes(seconds));
  private readonly report = settled(() => {
    this.echo.send(this.moved());
    this.host.tell("places", Object.fromEntries(this.changed));
  });
  private rows = new Map<string, Row>();
  private data: TraverseData | null = null;
  private phase = 0;
  private waves: { row: Row; far: number; offset: number; pace: number }[] = [];

  constructor(private readonly host: Host) {
    const breath = h("div", { className: "tools" }, this.breathe, this.breath);
    const tools = h("div", { className: "tools" }, this.filter, this.order);
    host.root.replaceChildren(
      h(
        "div",
        { className: "traverse" },
        h("div", { className: "stage" }, this.screens, breath),
        h("div", { className: "side" }, this.heading, tools, this.box),
      ),
    );
    this.filter.oninput = () => this.arrange();
    this.order.onchange = () => {
      this.arrange();
      this.host.tell("order", this.order.selectedIndex === 1);
    };
    this.breathe.onclick = () => (this.loop.running ? this.rest() : this.wake());
  }

  show(data: TraverseData): void {
    const others = this.data?.about !== data.about;
    const news = this.echo.isNews(data.places) || others;
    const first = this.data === null || this.data.model.key !== data.model.key;
    this.data = data;
    if (this.host.settled || others) this.changed.clear();
    const [, height, width] = data.model.shape;
    for (const screen of [this.now, this.before]) screen.arrange({ width, height });
    this.now.label(data.captions[0], "The picture decoded where the sliders stand");
    this.before.label(data.captions[1]);
    void this.before.load(data.picture);
    this.heading.textContent = data.heading;
    if (first) this.order.selectedIndex = Number(data.byName);
    if (others) this.build();
    if (news) {
      this.rest(false);
      this.places.clear();
      for (const [key, place] of Object.entries(data.places)) this.places.set(key, place);
      this.rows.forEach((row) => this.place(row));
    }
    if (first) this.host.engine.load(data.model.decoder);
    if (news || first) this.decode();
  }

  /** New sliders, for another model, start or level. */
  private build(): void {
    const { slides, folded } = this.data!;
    this.rows = new Map(slides.map((slide) => [slide.key, this.row(slide)]));
    const collapsed = slides.filter(({ active }) => !active).length;
    this.list.replaceChildren();
    this.fold.replaceChildren(
      h("summary", {}, `${collapsed} collapsed dimension${collapsed > 1 ? "s" : ""}`),
      h("p", {}, folded),
    );
    const known = slides.some(({ kl }) => kl !== null);
    this.order.options[0].textContent = known ? "By KL" : "By spread";
    const names = slides.filter(({ active }) => active).map(({ key }) => key);
    this.breath.replaceChildren(
      ...["all", ...names].map((name) => h("option", { value: name }, name === "all" ? "all dimensions" : name)),
    );
    this.breathe.disabled = names.length === 0;
    this.fold.open = names.length === 0;
    const few = slides.length < 5;
    this.filter.hidden = this.order.hidden = few;
    this.arrange();
  }

  private row(slide: Slide): Row {
    const shared = { min: slide.low, max: slide.high, step: STEP };
    const range = h("input", { type: "range", ...shared, "aria-label": `${slide.key}${slide.note}` });
    const number = h("input", { type: "number", ...shared, "aria-label": `Value of ${slide.key}` });
    const name = h(
      "span",
      { className: "name", title: "Double-click to put it back" },
      slide.key,
      h("small", {}, slide.note),
    );
    const box = h("div", { className: "slide" }, name, number, range);
    const row = { slide, box, range, number };
    range.oninput = () => this.move(row, Number(range.value));
    range.onchange = () => this.report.later();
    range.onwheel = (event) => {
      if (!range.matches(":focus")) return; // else the page could not be scrolled over the sliders
      event.preventDefault();
      this.move(row, Number(range.value) - Math.sign(event.deltaY) * NUDGE);
      this.report.later();
    };
    number.onchange = () => {
      const asked = Number(number.value);
      this.move(row, number.value !== "" && Number.isFinite(asked) ? asked : slide.start);
      this.place(row);
      this.report.now();
    };
    box.ondblclick = (event) => {
      if (event.target === number) return;
      this.move(row, slide.start);
      this.report.now();
    };
    return row;
  }

  /** Order, filter and fold the sliders. */
  private arrange(): void {
    const text = this.filter.hidden ? "" : this.filter.value.trim().toLowerCase();
    const rows = [...this.rows.values()];
    if (!this.order.hidden && this.order.selectedIndex === 1) {
      rows.sort((a, b) => a.slide.key.localeCompare(b.slide.key, "en", { numeric: true }));
    }
    this.box.style.minHeight = text ? `${this.box.getBoundingClientRect().height}px` : ""; // what stands below stays where it is
    for (const row of rows) {
      row.box.hidden = !row.slide.key.toLowerCase().includes(text);
      (row.slide.active ? this.list : this.fold).append(row.box);
    }
    const seen = rows.filter(({ box }) => !box.hidden);
    const folded = seen.filter(({ slide }) => !slide.active).length;
    this.fold.hidden = folded === 0;
    if (text && folded) this.fold.open = true;
    this.none.hidden = seen.length > 0;
  }

  /** The hand moves a slider. */
  private move(row: Row, to: number): void {
    this.rest(false);
    this.set(row, to);
    this.decode();
  }

  private set(row: Row, to: number): void {
    const { key, low, high, start } = row.slide;
    const place = Math.round(Math.min(high, Math.max(low, to)) / STEP) * STEP;
    if (Math.abs(place - start) < STEP / 2) this.places.delete(key);
    else this.places.set(key, Number(place.toFixed(2)));
    this.changed.set(key, this.places.get(key) ?? null);
    this.place(row);
  }

  /** Put the handle, the number and what a screen reader says where the place is. */
  private place(row: Row): void {
    const place = this.places.get(row.slide.key) ?? row.slide.start;
    row.range.value = String(place);
    if (document.activeElement !== row.number) row.number.value = place.toFixed(2);
    const share = (100 * (place - row.slide.low)) / (row.slide.high - row.slide.low);
    row.range.style.setProperty("--filled", `${share}%`);
    row.box.classList.toggle("moved", this.places.has(row.slide.key));
  }

  private moved(): Record<string, number> {
    return Object.fromEntries([...this.places].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private decode(): void {
    const { model, start, slides, y } = this.data!;
    const asked = performance.now();
    this.host.engine.decode(this, {
      model,
      z: point(start, slides, this.places),
      y: y === null ? undefined : Float32Array.from(y),
      rows: 1,
      onPixels: (pixels) => this.now.draw(pixels, 0, 1, asked),
    });
  }

  /** Begin to breathe from where the sliders stand. */
  private wake(): void {
    this.breathe.textContent = "Stop";
    this.phase = 0;
    const all = this.breath.value === "all";
    const rows = [...this.rows.values()].filter(({ slide }) => (all ? slide.active : slide.key === this.breath.value));
    this.waves = rows.map((row, i) => {
      const { low, high, key, start } = row.slide;
      const share = (2 * ((this.places.get(key) ?? start) - low)) / (high - low) - 1; // -1 to 1
      const far = all ? Math.max(WIDE, Math.abs(share)) : 1;
      return {
        row,
        far,
        offset: Math.asin(Math.min(1, Math.max(-1, share / far))),
        pace: all ? 0.5 + ((i * 0.618) % 1) : 1,
      };
    });
    this.loop.start();
  }

  /** Stop breathing, and say where it stopped. */
  private rest(tell = true): void {
    if (!this.loop.running) return;
    this.loop.stop();
    this.breathe.textContent = "Breathe";
    if (tell) this.report.now();
  }

  /** One through its whole range; all together each at a pace of its own, mostly through the middle of theirs. */
  private breathes(seconds: number): void {
    this.phase += (seconds / BREATH) * 2 * Math.PI;
    for (const { row, far, offset, pace } of this.waves) {
      const { low, high } = row.slide;
      this.set(row, (low + high) / 2 + (far * Math.sin(this.phase * pace + offset) * (high - low)) / 2);
    }
    this.decode();
  }

  finish(): void {
    this.rest();
    this.report.flush();
  }

  fit(): void {
    if (!this.data) return;
    const gap = 24;
    const room = this.screens.clientWidth;
    const side = (room - gap) / 2 >= MIN_SIDE ? (room - gap) / 2 : room;
    for (const screen of [this.now, this.before]) screen.fit(side, window.innerHeight * this.data.share);
  }

  dispose(): void {
    this.loop.stop();
    this.report.cancel();
    this.host.engine.cancel(this);
    for (const screen of [this.now, this.before]) screen.dispose();
  }
}
