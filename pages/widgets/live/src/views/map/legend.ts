// What the colours of a map mean.
import type { ColourScale, Entry } from "../../../built/payloads";
import { h } from "../../parts/dom";

export class Legend {
  readonly box = h("div", { className: "legend" });

  show(entries: Entry[], scale: ColourScale | null): void {
    this.box.replaceChildren(...entries.map(({ text, ground }) => h("span", {}, swatch(ground), text)));
    if (scale) {
      const bar = swatch(`linear-gradient(to right, ${scale.colours.join(", ")})`);
      bar.className = "scale";
      const [low, high] = scale.ends.map((end) => String(Number(end.toPrecision(3))).replace("-", "\u2212"));
      this.box.append(`${scale.title}: ${low}`, bar, high);
    }
    this.box.hidden = entries.length === 0 && scale === null;
  }
}

function swatch(ground: string): HTMLElement {
  const box = h("i");
  box.style.background = ground;
  return box;
}
