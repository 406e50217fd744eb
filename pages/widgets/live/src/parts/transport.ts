// Play, rest, report: how a view moves by itself, and when Python hears where it stands.
import { h } from "./dom";

const REST = 250; // milliseconds: arrow keys held down end in one message to the server
const LONGEST = 0.1; // seconds between two frames that count: a tab that slept goes on where it was

/** What a view says of its place: once the hand has rested, or at once. */
export class Report {
  private timer = 0;

  constructor(private readonly tell: () => void) {}

  now(): void {
    this.cancel();
    this.tell();
  }

  later(): void {
    this.cancel();
    this.timer = window.setTimeout(() => this.now(), REST);
  }

  /** Say at once what would be said later, if there is something. */
  flush(): void {
    if (this.timer) this.now();
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.timer = 0;
  }
}

/** How a view moves: `begin` from where it stands, then a step for each frame, with the seconds since the last one. */
export interface Motion {
  title?: string; // of the button
  play?: string; // its word while nothing moves
  stop?: string; // and while it plays
  begin?(backwards: boolean): void;
  step(seconds: number): void;
  tell?(): void; // where it stopped, or where the hand has put it
}

/** A button that plays and stops, and the report of what moved. */
export class Transport {
  readonly button: HTMLButtonElement;
  readonly report: Report;
  private request = 0;

  constructor(private readonly motion: Motion) {
    this.report = new Report(() => motion.tell?.());
    this.button = h("button", { type: "button", title: motion.title ?? "" }, this.words[0]);
    this.button.onclick = ({ shiftKey }) => this.toggle(shiftKey);
  }

  private get words(): [string, string] {
    return [this.motion.play ?? "Play", this.motion.stop ?? "Pause"];
  }

  get plays(): boolean {
    return this.request !== 0;
  }

  toggle(backwards = false): void {
    if (this.plays) this.stop();
    else this.start(backwards);
  }

  start(backwards = false): void {
    if (this.plays) return;
    this.report.cancel();
    this.motion.begin?.(backwards);
    this.button.textContent = this.words[1];
    let before = performance.now();
    const tick = (now: number) => {
      this.request = requestAnimationFrame(tick);
      this.motion.step(Math.min(LONGEST, (now - before) / 1000));
      before = now;
    };
    this.request = requestAnimationFrame(tick);
  }

  /** Play unasked, and say whether it does: not for a person who wants things to stand still. */
  offer(): boolean {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return false;
    this.start();
    return true;
  }

  /** Stop without a word: the hand, or Python, has taken over. */
  rest(): void {
    if (!this.plays) return;
    cancelAnimationFrame(this.request);
    this.request = 0;
    this.button.textContent = this.words[0];
  }

  /** Stop, and say where. */
  stop(): void {
    if (!this.plays) return;
    this.rest();
    this.report.now();
  }

  /** Something else is about to be pressed: stop, and say what is not said yet. */
  finish(): void {
    this.stop();
    this.report.flush();
  }

  dispose(): void {
    this.rest();
    this.report.cancel();
  }
}
