// A grid of pictures with names at its sides, one of them marked; a press on a picture tells its place.
import type { Tiling } from "../../built/payloads";
import { h } from "./dom";
import "./field.css";
import { Screen, sizes } from "./screen";

const MIN_ROW = 36; // CSS pixels: rows lower than this have room for the first line of their name alone

export class Field {
  readonly screen = new Screen();
  private readonly rows = h("div", { className: "rows" });
  private readonly below = h("div", { className: "below" });
  private readonly mark = h("span", { className: "mark", hidden: true });
  private readonly pictures = h("div", { className: "field" }, this.screen.canvas, this.mark);
  readonly box = h("div", { className: "named" }, this.rows, this.pictures, this.below);
  private layout: Tiling = { width: 1, height: 1, columns: 1, count: 1, gutter: 0 };

  constructor(private readonly pick: (place: number) => void) {
    this.screen.canvas.onclick = (event) => {
      const place = this.screen.place(event);
      if (place >= 0) this.pick(place);
    };
  }

  private get lines(): number {
    return Math.ceil(this.layout.count / this.layout.columns);
  }

  /** Make room for pictures; that at place `chosen` is marked, if there is one. */
  arrange(layout: Tiling, alt: string, chosen: number, pickable = true): void {
    this.layout = layout;
    this.screen.arrange(layout);
    this.screen.label("", alt);
    this.pictures.classList.toggle("pickable", pickable);
    this.mark.hidden = chosen < 0 || chosen >= layout.count;
    const { width, height, columns, gutter } = layout;
    const [across, down] = sizes(layout);
    Object.assign(this.mark.style, {
      left: `${(100 * ((chosen % columns) * (width + gutter) + gutter)) / across}%`,
      top: `${(100 * (Math.floor(chosen / columns) * (height + gutter) + gutter)) / down}%`,
      width: `${(100 * width) / across}%`,
      height: `${(100 * height) / down}%`,
    });
  }

  /** Texts on the left and below: one a row or column, or any other number of them along an axis. */
  label(rows: string[], below: string[]): void {
    name(this.rows, rows, this.lines);
    name(this.below, below, this.layout.columns);
  }

  /** As large as fits beside the names. */
  fit(room: number, tall: number): void {
    this.box.classList.remove("compact");
    this.scale(room, tall);
    if (parseFloat(this.screen.canvas.style.height) >= MIN_ROW * this.lines) return;
    this.box.classList.add("compact");
    this.scale(room, tall);
  }

  private scale(room: number, tall: number): void {
    this.screen.fit(room - this.rows.offsetWidth - 2, tall);
    this.below.style.width = this.screen.canvas.style.width;
  }
}

function name(box: HTMLElement, texts: string[], places: number): void {
  box.classList.toggle("axis", texts.length !== places);
  box.replaceChildren(
    ...texts.map((text) => {
      const [first, ...rest] = text.split("\n");
      return h("span", { title: text }, first, rest.length ? h("small", {}, rest.join(" ")) : null);
    }),
  );
}
