// What a view is given in a test: an engine that answers when it is told to, and a host that keeps what is told.
import { vi } from "vitest";
import type { Engine } from "../src/decode/engine";
import type { Wish } from "../src/decode/protocol";
import type { Model } from "../built/payloads";
import type { Host } from "../src/view";
import type { Pen } from "./pen";

export const MODEL: Model = {
  key: "m",
  decoder: "live/file/aa",
  encoder: "live/file/bb",
  why: "",
  pictures: "live/pictures/aa",
  numbers: "live/numbers/bb",
  whole: false,
  dim: 2,
  classes: 0,
  shape: [1, 2, 2],
};

/** Keeps the newest wish of each asker. */
export class FakeEngine {
  readonly wishes = new Map<object, Wish>();
  readonly loaded: string[] = [];
  decodes = 0;

  load(url: string): void {
    this.loaded.push(url);
  }

  decode(who: object, wish: Wish): void {
    this.decodes++;
    this.wishes.set(who, wish);
  }

  cancel(who: object): void {
    this.wishes.delete(who);
  }

  /** The vectors that somebody wants decoded, rounded. */
  z(who: object): number[] {
    return [...this.wishes.get(who)!.z].map((value) => Number(value.toFixed(4)));
  }

  /** All pictures that somebody wants, in one grey level. */
  answer(who: object, level = 7): void {
    const { rows, model, onPixels } = this.wishes.get(who)!;
    onPixels(new Uint8ClampedArray(rows * model.shape[1] * model.shape[2] * 4).fill(level), 0, rows);
  }
}

export interface FakeHost extends Host {
  told: [string, unknown][];
  failed: string[];
}

export function fakeHost(engine: FakeEngine): FakeHost {
  const told: [string, unknown][] = [];
  const failed: string[] = [];
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  return {
    root,
    engine: engine as unknown as Engine,
    settled: true,
    told,
    failed,
    tell: (name, value) => told.push([name, value]),
    fail: (reason) => failed.push(reason),
  };
}

/** Time that passes when a test says so, frames included. */
export const stillTime = (): unknown =>
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame", "cancelAnimationFrame", "performance", "Date"],
  });

export const penOf = (canvas: HTMLCanvasElement): Pen => canvas.getContext("2d") as unknown as Pen;

/** What was drawn last at each place of a canvas, by its left upper corner: the first byte. */
export function levels(canvas: HTMLCanvasElement): Record<string, number> {
  const puts = penOf(canvas).all("putImageData") as [{ data: Uint8ClampedArray }, number, number][];
  return Object.fromEntries(puts.map(([{ data }, x, y]) => [`${x},${y}`, data[0]]));
}

/** Give an element a size on the page, with its left upper corner at 0, 0. */
export function sized(element: Element, width: number, height: number): void {
  Object.defineProperties(element, {
    clientWidth: { value: width, configurable: true },
    clientHeight: { value: height, configurable: true },
    getBoundingClientRect: { value: () => new DOMRect(0, 0, width, height), configurable: true },
  });
}

/** A pointer at a place of an element, counted from its left upper corner. */
export function point(element: Element, kind: string, x: number, y: number, more: PointerEventInit = {}): void {
  const event = new PointerEvent(`pointer${kind}`, {
    bubbles: true,
    composed: true,
    cancelable: true,
    pointerId: 1,
    clientX: x,
    clientY: y,
    ...more,
  });
  Object.defineProperties(event, { offsetX: { value: x }, offsetY: { value: y } });
  element.dispatchEvent(event);
  if (kind === "up") element.releasePointerCapture(more.pointerId ?? 1);
}

/** A click at a place of an element of a size. */
export function click(element: Element, x: number, y: number, [width, height]: [number, number]): void {
  sized(element, width, height);
  const event = new MouseEvent("click");
  Object.defineProperties(event, { offsetX: { value: x }, offsetY: { value: y } });
  element.dispatchEvent(event);
}

export function press(element: Element, key: string, more: KeyboardEventInit = {}): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true, ...more });
  element.dispatchEvent(event);
  return event;
}

/** The hand moves a slider to a place; then it lets go. */
export function slide(range: HTMLInputElement, to: number, letsGo = true): void {
  range.value = String(to);
  range.dispatchEvent(new Event("input"));
  if (letsGo) range.dispatchEvent(new Event("change"));
}

export function find<T extends Element = HTMLElement>(host: Host, selector: string): T {
  const element = host.root.querySelector<T>(selector);
  if (!element) throw new Error(`there is no ${selector}`);
  return element;
}

export const button = (host: Host, text: string): HTMLButtonElement => {
  const found = [...host.root.querySelectorAll("button")].find(({ textContent }) => textContent === text);
  if (!found) throw new Error(`there is no button ${text}`);
  return found;
};
