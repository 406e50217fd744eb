// What the page says of where its pictures come from, and how far they are, for whoever looks from outside.
import { h } from "../parts/dom";
import type { Engine, State } from "./engine";
import type { Model } from "../../built/payloads";

const MOMENT = 1000; // milliseconds in which nobody needs to be told
const LOADS = "The live view loads …";
const FIRST: State[] = ["loading", "loaded", "served", "drawn"]; // of several models the one that is least far counts

export class Loading {
  private readonly said = h("span");
  private readonly button = h("button", { type: "button" }, "Try again");
  private readonly note = h("p", { className: "loading", role: "status", hidden: true }, this.said, this.button);
  private readonly deaf: () => void;
  private models: Model[] = [];
  private wrong = ""; // what a view cannot show
  private timer = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly engine: Engine,
    again: () => void,
  ) {
    root.append(this.note);
    this.deaf = engine.onChange(() => this.put());
    this.button.onclick = () => {
      this.wrong = "";
      again();
      this.put();
    };
  }

  /** Look after what is shown now. */
  watch(models: Model[]): void {
    this.models = models;
    this.wrong = "";
    this.put();
  }

  /** Say what a view cannot show, until a person has it tried again; "" where it can. */
  tell(wrong: string): void {
    this.wrong = wrong;
    this.put();
  }

  private put(): void {
    if (this.models.length === 0) return; // a view of pictures that are made
    const states = this.models.map((model) => this.engine.state(model));
    const state = FIRST.find((each) => states.includes(each)) ?? "loading";
    this.root.dataset.state = state;
    const [sentence, again] = this.sentence();
    const waits = state === "loading" && !sentence;
    if (waits && this.timer) return;
    clearTimeout(this.timer);
    this.show(sentence, again);
    this.timer = waits ? window.setTimeout(() => this.show(LOADS, false), MOMENT) : 0;
  }

  private show(sentence: string, again: boolean): void {
    this.said.textContent = sentence;
    this.button.hidden = !again;
    this.note.classList.toggle("stays", sentence !== LOADS);
    this.note.hidden = sentence === "";
  }

  /** What there is to be said, and whether it can be tried again. */
  private sentence(): [string, boolean] {
    if (this.wrong) return [this.wrong, true];
    for (const model of this.models) {
      for (const half of ["decoder", "encoder"] as const) {
        const trouble = this.engine.trouble(model, half);
        if (!trouble) continue;
        const refusal = this.engine.refusal(model);
        const done = half === "decoder" ? "Decoded" : "Encoded";
        if (refusal) return [refusal, trouble.again];
        if (!trouble.again) return [`${done} on the server. ${trouble.reason}`, false];
        return [`${done} on the server: the live view does not run here (${trouble.reason.replace(/\.$/, "")}).`, true];
      }
    }
    return ["", false];
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.deaf();
    this.note.remove();
  }
}
