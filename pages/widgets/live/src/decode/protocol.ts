// What goes between the page and its worker.
import type { Model } from "../../built/payloads";

export type Pixels = Uint8ClampedArray<ArrayBuffer>;
export type Numbers = Record<string, Float32Array>;

/** What somebody wants decoded; `rows` vectors z side by side, and as many class weights y. */
export interface Wish {
  model: Model;
  z: Float32Array;
  y?: Float32Array;
  rows: number;
  /** Called for each block of pictures: RGBA bytes of `count` of them from number `first` on. */
  onPixels(pixels: Pixels, first: number, count: number): void;
}

/** Vectors and class weights of some rows of a wish. */
export function cut({ model, z, y }: Wish, first: number, count: number): { z: Float32Array; y?: Float32Array } {
  const part = (values: Float32Array, width: number) => values.slice(first * width, (first + count) * width);
  const points = part(z, model.dim);
  return model.classes && y ? { z: points, y: part(y, model.classes) } : { z: points };
}

/** One run of a graph: inputs by name, each with as many numbers a row as `widths` says. */
export interface Ask {
  id: number;
  url: string;
  rows: number;
  feeds: Numbers;
  shapes: Record<string, number[]>; // of one row
  pictures: boolean; // answer with pixels instead of numbers
}

export type ToWorker = { kind: "begin"; runtime: string } | { kind: "load"; url: string } | ({ kind: "run" } & Ask);

export type FromWorker =
  | { kind: "loaded"; url: string }
  | { kind: "pixels"; id: number; pixels: Pixels }
  | { kind: "numbers"; id: number; outputs: Numbers }
  | { kind: "failed"; id: number | null; url: string | null; reason: string; refused?: boolean }; // by the server
