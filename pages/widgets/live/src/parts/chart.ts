// Where a picture lies in latent space: mean and spread as bars, one a dimension, or in the plane of a 2-D model.
import type { Axis, Group } from "../../built/payloads";
import { along, range } from "../maths/axes";
import { h } from "./dom";

const HEIGHT = 150; // CSS pixels of the bars
const FOOT = 24; // of the names below them
const SIDE = 34; // of the scale at their left
const ACROSS = 64; // bars that share the width; beyond, one scrolls
const NARROW = 17; // CSS pixels: the narrowest column of a bar
const NAMED = 30; // the narrowest that has a name of its own
const MARGIN = 0.12; // of the plane, beyond its points

const SVG = "http://www.w3.org/2000/svg";

function s(tag: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, tag);
  set(element, attributes);
  return element;
}

const set = (element: SVGElement, attributes: Record<string, string | number>) =>
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, String(value)));

export class Bars {
  private readonly svg = s("svg", { role: "img" });
  readonly box = h("div", { className: "bars", tabIndex: 0 }, this.svg);
  private axes: Axis[] = [];
  private found: { mean: Float32Array; std: Float32Array } | null = null;
  private marks: { bar: SVGElement; spread: SVGElement; title: SVGElement }[] = [];
  private reach = 0; // the scale goes from -reach to reach

  show(axes: Axis[]): void {
    this.axes = axes;
    this.found = null;
    this.build();
  }

  /** Mean and standard deviation of a picture; null shows the bands alone. */
  put(found: { mean: Float32Array; std: Float32Array } | null): void {
    this.found = found;
    if (this.reach !== this.wanted()) return this.build();
    this.place();
  }

  /** How far the scale must go: to the bands, and in whole steps as far as a mean lies beyond them. */
  private wanted(): number {
    const bands = this.axes.flatMap(({ low, high }) => [-low, high]);
    const base = 1.25 * Math.max(...bands, 0.1);
    const { mean, std } = this.found ?? { mean: [], std: [] };
    const most = this.found ? Math.max(...this.axes.map((axis) => Math.abs(along(axis, mean, std)[0]))) : 0;
    return most <= base ? base : base * Math.ceil(most / base);
  }

  /** Everything anew: other axes, another width, another scale. */
  build(): void {
    const room = this.box.clientWidth - SIDE;
    const count = this.axes.length;
    if (room <= 0 || !count) return;
    this.reach = this.wanted();
    const column = Math.min(90, Math.max(NARROW, room / Math.min(count, ACROSS)));
    const width = SIDE + column * count;
    set(this.svg, { width, height: HEIGHT + FOOT, viewBox: `0 0 ${width} ${HEIGHT + FOOT}` });
    const each = column >= NAMED ? 1 : Math.ceil(NAMED / column);
    this.marks = [];
    this.svg.replaceChildren(...this.scale(width));
    this.axes.forEach((axis, i) => {
      const [left, wide] = [SIDE + i * column, column * 0.7];
      const x = left + (column - wide) / 2;
      const [top, bottom] = [this.y(axis.high), this.y(axis.low)];
      const title = s("title", {});
      const bar = s("rect", { class: "bar", x: x + wide * 0.2, width: wide * 0.6 });
      const spread = s("path", { class: "spread", "data-x": x + wide / 2, "data-w": wide * 0.25 });
      const group = s("g", axis.active ? {} : { class: "collapsed" });
      group.append(title, s("rect", { class: "band", x, width: wide, y: top, height: bottom - top }), bar, spread);
      if (i % each === 0) {
        const name = s("text", { x: left + column / 2, y: HEIGHT + FOOT - 6, "text-anchor": "middle" });
        name.textContent = axis.name;
        group.append(name);
      }
      this.svg.append(group);
      this.marks.push({ bar, spread, title });
    });
    this.place();
  }

  private y(value: number): number {
    return (HEIGHT / 2) * (1 - Math.min(1, Math.max(-1, value / this.reach)));
  }

  private scale(width: number): SVGElement[] {
    const step = 10 ** Math.floor(Math.log10(this.reach));
    const top = step * Math.floor((this.reach * 0.92) / step);
    return [-top, 0, top].flatMap((value) => {
      const text = s("text", { x: SIDE - 6, y: this.y(value) + 5, "text-anchor": "end" });
      text.textContent = String(Number(value.toPrecision(3)));
      return [s("line", { class: "line", x1: SIDE, x2: width, y1: this.y(value), y2: this.y(value) }), text];
    });
  }

  private place(): void {
    const told: string[] = [];
    this.axes.forEach((axis, i) => {
      const { bar, spread, title } = this.marks[i];
      for (const mark of [bar, spread]) mark.toggleAttribute("hidden", !this.found);
      title.textContent = `${axis.name}: 95 % of the reference pictures from ${axis.low.toFixed(2)} to ${axis.high.toFixed(2)}`;
      if (!this.found) return;
      const [place, std] = along(axis, this.found.mean, this.found.std);
      const [from, to] = [Math.min(this.y(place), this.y(0)), Math.max(this.y(place), this.y(0))];
      set(bar, { y: from, height: Math.max(1, to - from) });
      const [x, w] = [Number(spread.dataset.x), Number(spread.dataset.w)];
      const [top, bottom] = [this.y(place + std), this.y(place - std)];
      const ends = std > 0 ? `M${x} ${top}V${bottom}M${x - w} ${top}h${2 * w}M${x - w} ${bottom}h${2 * w}` : "";
      set(spread, { d: ends });
      title.textContent = `${axis.name}: ${place.toFixed(2)} ± ${std.toFixed(2)}; ${title.textContent.slice(axis.name.length + 2)}`;
      told.push(`${axis.name} ${place.toFixed(2)} ± ${std.toFixed(2)}`);
    });
    const what = "Mean and standard deviation of each dimension, over the band of the reference pictures";
    this.svg.setAttribute(
      "aria-label",
      told.length ? `${what}: ${told.slice(0, 16).join(", ")}` : `${what}; nothing is drawn yet`,
    );
  }
}

/** Reference encodings as points, the picture as a point with ellipses of one and two standard deviations. */
export class Plane {
  private readonly points = s("g", { class: "points" });
  private readonly spread = [1, 2].map(() => s("ellipse", { class: "spread" }));
  private readonly cross = s("path", { class: "cross" });
  private readonly svg = s("svg", { role: "img", preserveAspectRatio: "xMidYMid meet" });
  private readonly legend = h("p", { className: "legend" });
  readonly box = h("figure", { className: "plane" }, this.svg, this.legend);
  private ends = [-3, 3, -3, 3]; // left, right, bottom, top

  constructor() {
    this.svg.append(this.points, this.cross, ...this.spread);
  }

  show(groups: Group[]): void {
    const paths = groups.map(({ colour, points }) => {
      let d = "";
      for (let i = 0; i < points.length; i += 2) d += `M${points[i]} ${-points[i + 1]}h0`;
      return s("path", { d, stroke: colour });
    });
    this.points.replaceChildren(...paths);
    this.legend.replaceChildren(
      ...groups
        .filter(({ name }) => name)
        .map(({ name, colour }) => {
          const dot = h("i", { "aria-hidden": "true" });
          dot.style.background = colour;
          return h("span", {}, dot, name);
        }),
    );
    const [xs, ys] = [0, 1].map((which) => groups.flatMap(({ points }) => points.filter((_, i) => i % 2 === which)));
    if (xs.length) this.ends = [...range(xs), ...range(ys)];
    this.put(null);
  }

  put(found: { mean: Float32Array; std: Float32Array } | null): void {
    for (const mark of [...this.spread, this.cross]) mark.toggleAttribute("hidden", !found);
    let [left, right, bottom, top] = this.ends;
    let label = "The plane of the latent space with the reference pictures; nothing is drawn yet";
    if (found) {
      const [[x, y], [across, up]] = [found.mean, found.std];
      this.spread.forEach((ring, i) => set(ring, { cx: x, cy: -y, rx: (i + 1) * across, ry: (i + 1) * up }));
      // A point far out is still shown: the plane then reaches to it.
      [left, right, bottom, top] = [Math.min(left, x), Math.max(right, x), Math.min(bottom, y), Math.max(top, y)];
      label = `Your drawing in the plane of the latent space: z0 ${x.toFixed(2)} ± ${across.toFixed(2)}, z1 ${y.toFixed(2)} ± ${up.toFixed(2)}`;
    }
    const [wide, tall] = [right - left, top - bottom];
    const box = [left - MARGIN * wide, -top - MARGIN * tall, wide * (1 + 2 * MARGIN), tall * (1 + 2 * MARGIN)];
    set(this.svg, { viewBox: box.join(" "), "aria-label": label });
    // Across all that is seen, of which the box is a part where it has another shape.
    const far = 10 * Math.max(wide, tall);
    if (found) set(this.cross, { d: `M${-far} ${-found.mean[1]}H${far}M${found.mean[0]} ${-far}V${far}` });
  }

  fit(width: number, height: number): void {
    set(this.svg, { width, height });
  }
}
