// What a view is, and what it gets to work with.
import type { Engine } from "./decode/engine";

/** A view's ties to the rest of the world. `tell` sends to Python: when the slider is released, never while it moves. */
export interface Host {
  root: HTMLElement;
  engine: Engine;
  settled: boolean; // Python has heard all that was told
  tell: (name: string, value: unknown) => void;
  fail: (reason: string) => void; // says in a line what cannot be shown; "" once it can
}

export interface View {
  /** Show what Python says; called again with every change of it, and of the theme. */
  show(data: never): void;
  /** Something else on the page is about to be pressed: stop, and tell what is not told yet. */
  finish?(): void;
  /** Fit to the room there is. */
  fit(): void;
  dispose(): void;
}

/** Tells what Python decided from what the page told it: until all that was told is heard, its word is an old one. */
export class Echo<T> {
  private own = "";

  constructor(private readonly settled: () => boolean) {}

  /** Remember what is sent. */
  send(value: T): T {
    this.own = JSON.stringify(value);
    return value;
  }

  /** Whether this is something that the page does not know yet. */
  isNews(value: T): boolean {
    if (this.own !== "" && !this.settled()) return false;
    const before = this.own;
    return before !== (this.own = JSON.stringify(value));
  }
}
