// One slider, the same on every page: moved by hand, keys and wheel, typed where it has a box, put back by a double click.
import { h, type Props } from "./dom";
import type { Report } from "./transport";

/** What a slider stands for. */
export interface Scale {
  label: string; // for a screen reader
  low?: number;
  high?: number;
  step: number;
  start?: number; // where a double click, or an emptied box, puts it
  nudge?: number; // of the wheel; ten steps
  name?: string; // above the slider
  note?: string; // behind the name
  number?: Props; // of the box to type into, where there is one
}

export class Slider {
  readonly range: HTMLInputElement;
  readonly number: HTMLInputElement;
  readonly name: HTMLElement;
  readonly box: HTMLElement; // with name and number
  private readonly digits: number;

  /** `move` follows the hand; `report` hears when it releases. */
  constructor(
    private readonly scale: Scale,
    private readonly move: (to: number) => void = () => undefined,
    private readonly report?: Pick<Report, "later" | "now">,
  ) {
    const { label, low = 0, high = 1, step, start, name = "", note = "", number } = scale;
    const ends = { min: low, max: high, step };
    this.digits = String(step).split(".")[1]?.length ?? 0;
    this.range = h("input", { type: "range", ...ends, "aria-label": label });
    this.number = h("input", { type: "number", ...ends, ...number });
    const title = start === undefined ? "" : "Double-click to put it back";
    this.name = h("span", { className: "name", title }, name, h("small", {}, note));
    this.box = h("div", { className: "slide" }, this.name, number ? this.number : null, this.range);
    this.listen();
  }

  private listen(): void {
    const { range, number, name, report } = this;
    range.oninput = () => this.go(Number(range.value));
    range.onchange = () => report?.later();
    range.onwheel = (event) => this.wheel(event);
    number.onchange = () => this.set(number.valueAsNumber);
    if (this.scale.start !== undefined) name.ondblclick = range.ondblclick = () => this.set(NaN);
  }

  /** Put the handle and the number where the place is. */
  put(place: number): void {
    const { min, max } = this.range;
    this.range.value = String(place);
    this.number.value = place.toFixed(this.digits);
    const share = Math.min(1, Math.max(0, (place - Number(min)) / (Number(max) - Number(min) || 1)));
    this.range.style.setProperty("--filled", `${100 * share}%`);
  }

  /** Other ends; up to `most` may be typed, where the handle does not reach so far. */
  limit(low: number, high: number, most = high): void {
    Object.assign(this.range, { min: String(low), max: String(high) });
    this.number.max = String(most);
  }

  /** The hand moves it, within the ends of the field that it uses. */
  private go(to: number, { min, max } = this.range): void {
    const { step } = this.scale;
    const rounded = Number((Math.round(to / step) * step).toFixed(this.digits));
    const place = Math.min(Number(max), Math.max(Number(min), rounded));
    this.put(place);
    this.move(place);
  }

  /** It is typed, or put back: that holds at once. */
  private set(to: number): void {
    this.go(Number.isFinite(to) ? to : (this.scale.start ?? Number(this.number.min)), this.number);
    this.report?.now();
  }

  private wheel(event: WheelEvent): void {
    if (!this.range.matches(":focus")) return; // else the page could not be scrolled over the sliders
    event.preventDefault();
    this.go(Number(this.range.value) - Math.sign(event.deltaY) * (this.scale.nudge ?? 10 * this.scale.step));
    this.report?.later();
  }
}
