// A contact sheet: one button a picture, all of them pieces of one sprite sheet. Arrow keys move, Enter chooses.
import { h } from "../parts/dom";
import type { SheetData } from "../../built/payloads";
import type { Host, View } from "../view";
import "./sheet.css";

const TARGET = 64; // CSS pixels: about how wide a picture is

export class Sheet implements View {
  private readonly box = h("div", { className: "sheet", role: "group" });

  constructor(private readonly host: Host) {
    host.root.replaceChildren(this.box);
    this.box.onkeydown = (event) => this.move(event);
  }

  private get buttons(): HTMLElement[] {
    return [...this.box.querySelectorAll("button")];
  }

  show(data: SheetData): void {
    const { layout, rows, label, wide } = data;
    const grow = Math.floor(TARGET / layout.width) || TARGET / layout.width;
    this.box.setAttribute("aria-label", label);
    this.box.classList.toggle("wide", wide);
    this.box.style.gridTemplateColumns = `repeat(auto-fill, ${layout.width * grow}px)`;
    const focused = this.buttons.find((button) => button.matches(":focus"))?.dataset.row;
    this.box.replaceChildren(...rows.map((_, i) => this.button(data, i, grow)));
    if (focused) this.buttons.find(({ dataset }) => dataset.row === focused)?.focus();
  }

  private button({ src, layout, rows, labels, chosen }: SheetData, i: number, grow: number): HTMLElement {
    const [wide, tall] = [layout.width * grow, layout.height * grow];
    const isStop = rows.includes(chosen) ? rows[i] === chosen : i === 0;
    const button = h("button", {
      type: "button",
      title: labels[i],
      tabIndex: isStop ? 0 : -1,
      "data-row": rows[i],
      "aria-label": labels[i],
      "aria-pressed": rows[i] === chosen,
      onclick: () => this.host.tell("picked", rows[i]),
    });
    Object.assign(button.style, {
      width: `${wide}px`,
      height: `${tall}px`,
      backgroundImage: `url(${src})`,
      backgroundSize: `${layout.columns * wide}px`,
      backgroundPosition: `${-(i % layout.columns) * wide}px ${-Math.floor(i / layout.columns) * tall}px`,
      imageRendering: grow >= 1 ? "pixelated" : "auto",
    });
    return button;
  }

  private move(event: KeyboardEvent): void {
    const { buttons } = this;
    const at = buttons.indexOf(event.target as HTMLElement);
    const across = buttons.filter(({ offsetTop }) => offsetTop === buttons[0].offsetTop).length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    const next = buttons[at + (step ?? NaN)];
    if (at < 0 || !next) return;
    event.preventDefault();
    buttons[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  fit(): void {}

  dispose(): void {}
}
