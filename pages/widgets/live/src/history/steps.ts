// The browser's history: an entry is a step that a person took, so that one press of Back undoes one of them.
//
// Streamlit writes an entry for whatever a page puts into the link, and none for what a widget does. Here an entry is
// made where a press has led to another page, model or picture; all else that is written, before the next press, belongs
// to the entry that is there.
//
// And a widget that speaks in the same moment as a view puts its value into the link too late for the page's run, which
// takes it out again: it is put back, and the page hears of it.
//
// And Back that follows a press so soon that the page has not answered yet waits for the answer, in a browser that lets
// it wait (Navigation API): it undoes that press, and not the one before. Where a step was taken without waiting, what the
// page still says of the entry that was left does not get into this one.
import type { FrontendRendererArgs } from "@streamlit/component-v2-lib";
import { Asked, PATIENCE } from "./asked";
import { listen } from "./keys";

const PRESSES = ["pointerdown", "keydown"];
const RECENT = 2_000; // milliseconds in which a page answers to a widget
const SOON = 300; // milliseconds in which Streamlit has sent what a press says, on a busy machine too
const LOOK = 30; // milliseconds between two looks whether it is there
const CUT = /:(?:crop|turn|threshold)=[^:]*/g; // of a picture, what is set by hand and slider

/** What of a link a widget has just changed. */
interface Change {
  before: string;
  after: string[];
  at: number;
}

/** What a person can go back to: the page, and of the link what is a step. */
export function stepOf(address: URL, keys: string[]): string {
  const values = keys.map((key) => address.searchParams.getAll(key).map((value) => value.replace(CUT, "")));
  return JSON.stringify([address.pathname, ...values]);
}

const valueOf = (address: URL, key: string) => JSON.stringify(address.searchParams.getAll(key));

/** Both ways in which Streamlit writes the history. */
export class Steps {
  keys: string[] = []; // what of a link is a step
  tell: (keys: string[]) => void = () => undefined; // what of a link came too late for the page
  private pressed = false; // since the last entry
  private pressedAt = 0;
  private wentAt = -Infinity; // when Streamlit had asked for the page of the entry that was gone to
  private readonly waiting = new Set<() => void>(); // for the page's answer, to go back
  private readonly changes = new Map<string, Change>();
  private readonly push: History["pushState"];
  private readonly change: History["replaceState"];

  constructor(
    history: History,
    private readonly asked: Pick<Asked, "isOpen" | "isAhead">,
  ) {
    this.push = history.pushState.bind(history);
    this.change = history.replaceState.bind(history);
    history.pushState = (data, title, url) => this.fromPage(data, title, url);
    history.replaceState = (data, title, url) => this.fromWidget(data, title, url);
    for (const press of PRESSES) addEventListener(press, (event) => this.press(event), true);
    addEventListener("popstate", () => this.went(), true);
    window.navigation?.addEventListener("navigate", (event) => this.goes(event));
  }

  /**
   * A person is about to go back: from the entry that the last press makes, be it there or not.
   *
   * A browser lets one Back wait, and not the next one: that goes on from the entry which the press was made in, as is
   * right, and the first has nothing left to do, unless that press has made its entry.
   */
  private goes(event: NavigateEvent): void {
    const place = window.navigation.currentEntry?.index ?? 0;
    const { index, key } = event.destination;
    if (event.navigationType !== "traverse" || index >= place) return;
    if (!event.cancelable) {
      if (this.pressed) this.waiting.clear();
    } else if (this.isAwaited()) {
      event.preventDefault();
      const back = () =>
        this.waiting.delete(back) && (index === place - 1 ? history.back() : window.navigation.traverseTo(key));
      this.waiting.add(back);
      this.whenAnswered(back);
    }
  }

  private went(): void {
    this.pressed = false;
    this.wentAt = performance.now() + LOOK;
  }

  /** Whether the page may still answer to the last press, or write the link once more. */
  private isAwaited(): boolean {
    const since = performance.now() - this.pressedAt;
    return since < SOON || (since < PATIENCE && this.asked.isOpen);
  }

  private whenAnswered(act: () => void): void {
    if (this.isAwaited()) setTimeout(() => this.whenAnswered(act), LOOK);
    else act();
  }

  /** What a page writes from now on may answer to this press, and undo what a widget did before it. */
  private press(event: Event): void {
    if (event instanceof KeyboardEvent && (event.altKey || event.metaKey)) return; // as of Back itself
    this.pressed = true;
    this.wentAt = -Infinity;
    this.pressedAt = performance.now();
    this.changes.clear();
  }

  /** Whether the page speaks that was there before a person went to this entry: its own run is still to begin. */
  private isOfTheEntryLeft(): boolean {
    return performance.now() < this.wentAt || this.asked.isAhead(this.wentAt);
  }

  /** A widget changes the link, by itself; after a step in the history, until the next press, so does a page. */
  private fromWidget(data: unknown, title: string, url?: string | URL | null): void {
    if (this.isOfTheEntryLeft()) return;
    const [now, next] = this.addresses(url);
    const keys = this.wentAt > -Infinity ? [] : [...now.searchParams.keys(), ...next.searchParams.keys()];
    for (const key of new Set(keys)) {
      const before = valueOf(now, key);
      if (before === valueOf(next, key)) continue;
      this.changes.set(key, { before, after: next.searchParams.getAll(key), at: performance.now() });
    }
    this.write(data, title, next);
  }

  /** A page changes the link, or is opened; what a widget has put there since the page read it stays. */
  private fromPage(data: unknown, title: string, url?: string | URL | null): void {
    if (this.isOfTheEntryLeft()) return;
    const [now, next] = this.addresses(url);
    const late: string[] = [];
    for (const [key, { before, after, at }] of this.changes) {
      if (next.pathname !== now.pathname || performance.now() - at > RECENT) continue;
      if (before !== valueOf(next, key) || before === JSON.stringify(after)) continue;
      next.searchParams.delete(key);
      for (const value of after) next.searchParams.append(key, value);
      late.push(key);
      this.changes.delete(key);
    }
    if (next.pathname !== now.pathname) this.changes.clear();
    this.write(data, title, next);
    if (late.length > 0) setTimeout(() => this.tell(late), 0);
  }

  private addresses(url?: string | URL | null): [URL, URL] {
    return [new URL(location.href), new URL(url ?? location.href, location.href)];
  }

  private write(data: unknown, title: string, next: URL): void {
    const isStep = this.pressed && stepOf(next, this.keys) !== stepOf(new URL(location.href), this.keys);
    if (isStep) this.pressed = false;
    (isStep ? this.push : this.change)(data, title, next);
  }
}

let steps: Steps | null = null;

export default function watch(args: FrontendRendererArgs<Record<string, unknown>, { keys: string[] }>): void {
  if (!steps) listen();
  steps ??= new Steps(history, new Asked(WebSocket.prototype));
  steps.keys = args.data.keys;
  steps.tell = (keys) => args.setTriggerValue("late", keys);
}
