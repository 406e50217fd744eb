// What a view is, and what it gets to work with.
import type { Engine } from "./engine";

/** A view's ties to the rest of the world. `tell` sends to Python: when the hand lets go, never while it moves. */
export interface Host {
  root: HTMLElement;
  engine: Engine;
  tell(name: string, value: unknown): void;
  fail(reason: string): void;
}

export interface View {
  /** Show what Python says; called again with every change of it, and of the theme. */
  show(data: never): void;
  /** Fit to the room there is. */
  fit(): void;
  dispose(): void;
}

/** Tells an echo of what was sent from news: Python answers each message with what it made of it. */
export class Echo<T> {
  private sent: string[] = [];
  private last = "";

  /** Remember what is sent. */
  send(value: T): T {
    this.sent.push(JSON.stringify(value));
    return value;
  }

  /** Whether this is something that the page does not know yet. */
  isNews(value: T): boolean {
    const text = JSON.stringify(value);
    const place = this.sent.indexOf(text);
    if (place >= 0) this.sent.splice(0, place + 1);
    const known = place >= 0 || text === this.last;
    this.last = text;
    return !known;
  }
}
