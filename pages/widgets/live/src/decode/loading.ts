// What the page says of a decoder that has not come yet, and how far it is, for whoever looks from outside.
import { h } from "../parts/dom";
import type { Engine } from "./engine";

const MOMENT = 1000; // milliseconds in which nobody needs to be told

export class Loading {
  private readonly note = h("p", { className: "loading", role: "status", hidden: true }, "The live view loads …");
  private readonly deaf: () => void;
  private decoders: string[] = [];
  private timer = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly engine: Engine,
  ) {
    root.append(this.note);
    this.deaf = engine.onChange(() => this.put());
  }

  /** Look after other models. */
  watch(decoders: string[]): void {
    this.decoders = decoders;
    this.put();
  }

  private put(): void {
    const states = this.decoders.map((decoder) => this.engine.state(decoder));
    const waits = states.includes("loading");
    this.root.dataset.state = waits ? "loading" : states.every((state) => state === "drawn") ? "drawn" : "loaded";
    if (!waits) {
      clearTimeout(this.timer);
      this.timer = 0;
      this.note.hidden = true;
    } else this.timer ||= window.setTimeout(() => (this.note.hidden = false), MOMENT);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.deaf();
    this.note.remove();
  }
}
