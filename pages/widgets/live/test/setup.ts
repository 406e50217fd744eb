// What jsdom lacks of a browser: canvases that keep what is drawn, pointers that are captured, a timeline.
import { vi } from "vitest";
import { Pen } from "./pen";

vi.mock("../src/decode/worker?worker&inline", () => ({ default: class { postMessage() {} terminate() {} } })); // prettier-ignore

const pens = new WeakMap<HTMLCanvasElement, Pen>();

function getContext(this: HTMLCanvasElement): Pen {
  const pen = pens.get(this) ?? new Pen(this);
  pens.set(this, pen);
  return pen;
}

class Pixels {
  constructor(
    readonly data: Uint8ClampedArray,
    readonly width: number,
    readonly height: number,
  ) {}
}

const captured = new WeakMap<Element, Set<number>>();
const held = (element: Element) => captured.get(element) ?? captured.set(element, new Set()).get(element)!;

Object.assign(HTMLCanvasElement.prototype, { getContext });
Object.assign(HTMLImageElement.prototype, { decode: () => Promise.resolve() });
Object.assign(Element.prototype, {
  setPointerCapture(this: Element, id: number) {
    held(this).add(id);
  },
  hasPointerCapture(this: Element, id: number) {
    return held(this).has(id);
  },
  releasePointerCapture(this: Element, id: number) {
    if (held(this).delete(id)) this.dispatchEvent(new PointerEvent("lostpointercapture", { pointerId: id }));
  },
});
Object.assign(document, {
  timeline: {
    get currentTime() {
      return performance.now();
    },
  },
});
Object.assign(globalThis, {
  ImageData: Pixels,
  matchMedia: () => ({ matches: false }),
  ResizeObserver: class {
    observe() {}
    disconnect() {}
  },
});
