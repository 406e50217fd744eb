// Sliders of a latent space, one below the other: found by name, ordered, the dimensions that a model does not use folded.
import { h } from "./dom";
import type { Slide } from "../../built/payloads";
import { Slider } from "./slider";
import type { Report } from "./transport";

const STEP = 0.01;
const FEW = 5; // sliders that are neither searched nor ordered are fewer
const ORDERS = ["By KL", "By name"];

interface Row {
  slide: Slide;
  slider: Slider;
}

export class Sliders {
  readonly filter = h("input", { type: "search", placeholder: "Find", "aria-label": "Find a slider by its name" });
  readonly order = h(
    "select",
    { "aria-label": "Order of the sliders" },
    ...ORDERS.map((text) => h("option", { value: text }, text)),
  );
  private readonly list = h("div", { className: "list" });
  private readonly fold = h("details", { className: "fold" });
  private readonly none = h("p", { className: "none", hidden: true }, "No slider has this name.");
  readonly box = h("div", { className: "sliders" }, this.list, this.fold, this.none);
  readonly places = new Map<string, number>(); // of those that were moved
  private readonly changed = new Map<string, number | null>(); // since Python heard all; null is back at the start
  private rows = new Map<string, Row>();

  /** `move` follows the hand, `report` hears when it releases. */
  constructor(
    private readonly move: () => void,
    private readonly report: Pick<Report, "later" | "now">,
  ) {
    this.filter.oninput = () => this.arrange();
  }

  get byName(): boolean {
    return this.order.selectedIndex === 1;
  }

  /** Other sliders; `folded` says why some are folded away. */
  show(slides: Slide[], folded = ""): void {
    this.rows = new Map(slides.map((slide) => [slide.key, { slide, slider: this.slider(slide) }]));
    const collapsed = slides.filter(({ active }) => !active).length;
    this.list.replaceChildren();
    this.fold.replaceChildren(
      h("summary", {}, `${collapsed} collapsed dimension${collapsed > 1 ? "s" : ""}`),
      h("p", {}, folded),
    );
    this.fold.open = collapsed === slides.length;
    this.order.options[0].textContent = slides.some(({ kl }) => kl !== null) ? ORDERS[0] : "By spread";
    this.filter.hidden = this.order.hidden = slides.length < FEW;
    this.arrange();
  }

  private slider(slide: Slide): Slider {
    const { key, note, low, high, start } = slide;
    return new Slider(
      {
        name: key,
        note,
        low,
        high,
        start,
        step: STEP,
        label: `${key}${note}`,
        number: { "aria-label": `Value of ${key}` },
      },
      (to) => {
        this.set(key, to);
        this.move();
      },
      this.report,
    );
  }

  /** Order, filter and fold the sliders. */
  arrange(): void {
    const text = this.filter.hidden ? "" : this.filter.value.trim().toLowerCase();
    const rows = [...this.rows.values()];
    if (!this.order.hidden && this.byName) {
      rows.sort((a, b) => a.slide.key.localeCompare(b.slide.key, "en", { numeric: true }));
    }
    this.box.style.minHeight = text ? `${this.box.getBoundingClientRect().height}px` : ""; // what stands below stays where it is
    for (const { slide, slider } of rows) {
      slider.box.hidden = !slide.key.toLowerCase().includes(text);
      (slide.active ? this.list : this.fold).append(slider.box);
    }
    const seen = rows.filter(({ slider }) => !slider.box.hidden);
    const folded = seen.filter(({ slide }) => !slide.active).length;
    this.fold.hidden = folded === 0;
    if (text && folded) this.fold.open = true;
    this.none.hidden = seen.length > 0;
  }

  /** Where Python has them. */
  put(places: Record<string, number>): void {
    this.places.clear();
    for (const [key, place] of Object.entries(places)) this.places.set(key, place);
    for (const row of this.rows.values()) this.place(row);
  }

  /** Move one; at its start it counts as not moved. */
  set(key: string, to: number): void {
    const row = this.rows.get(key)!;
    const { low, high, start } = row.slide;
    const place = Math.round(Math.min(high, Math.max(low, to)) / STEP) * STEP;
    if (Math.abs(place - start) < STEP / 2) this.places.delete(key);
    else this.places.set(key, Number(place.toFixed(2)));
    this.changed.set(key, this.places.get(key) ?? null);
    this.place(row);
  }

  /** Put all back to the start. */
  reset(): void {
    for (const key of this.places.keys()) this.set(key, this.rows.get(key)!.slide.start);
  }

  /** What was moved since Python has heard all. */
  changes(): Record<string, number | null> {
    return Object.fromEntries(this.changed);
  }

  /** Python has heard all. */
  heard(): void {
    this.changed.clear();
  }

  private place({ slide, slider }: Row): void {
    slider.put(this.places.get(slide.key) ?? slide.start);
    slider.box.classList.toggle("moved", this.places.has(slide.key));
  }

  /** Where those stand that were moved, by name. */
  moved(): Record<string, number> {
    return Object.fromEntries([...this.places].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
