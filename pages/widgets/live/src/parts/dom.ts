// Small things that every view builds its page from.

type Props = Record<string, unknown>;

/** An element with properties, attributes (those with a dash, and `role`) and children; text stays text. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: (Node | string | null)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, String(value));
    else (element as unknown as Props)[name] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** An address below the app's, wherever it is mounted: a worker made from a blob has no base of its own. */
export const absolute = (path: string): string => new URL(path, document.baseURI).href;

/** Call `act` once the hand has rested: arrow keys held down end in one message to the server. */
export function settled(act: () => void, ms = 250): Settled {
  let timer = 0;
  const cancel = () => {
    clearTimeout(timer);
    timer = 0;
  };
  const now = () => {
    cancel();
    act();
  };
  const later = () => {
    cancel();
    timer = window.setTimeout(now, ms);
  };
  return { now, cancel, later, flush: () => timer && now() };
}

/** `flush` acts at once if there is something to be done later. */
export interface Settled {
  now(): void;
  later(): void;
  flush(): void;
  cancel(): void;
}

/** A loop over frames that can be stopped; `step` gets the seconds since the last frame, at most a tenth. */
export class Loop {
  private request = 0;

  constructor(private readonly step: (seconds: number) => void) {}

  get running(): boolean {
    return this.request !== 0;
  }

  start(): void {
    if (this.running) return;
    let before = performance.now();
    const tick = (now: number) => {
      this.request = requestAnimationFrame(tick);
      this.step(Math.min(0.1, (now - before) / 1000)); // a tab that slept goes on where it was
      before = now;
    };
    this.request = requestAnimationFrame(tick);
  }

  stop(): void {
    cancelAnimationFrame(this.request);
    this.request = 0;
  }
}
