// What goes between the page and its worker, and what every view is told of a model.

/** A model as the views know it: routes of its two halves, and the sizes of z and of a picture. */
export interface Model {
  key: string; // another model has another key
  decoder: string; // below the app's address, named by a hash of the weights
  encoder?: string;
  pictures: string; // where the server decodes, until the page does
  dim: number;
  classes: number; // 0 where the class plays no part
  shape: [number, number, number]; // channels, height, width
}

/** What somebody wants decoded; `rows` vectors z side by side, and as many class weights y. */
export interface Wish {
  model: Model;
  z: Float32Array;
  y?: Float32Array;
  rows: number;
  /** Called for each block of pictures: RGBA bytes of `count` of them from number `first` on. */
  onPixels(pixels: Uint8ClampedArray<ArrayBuffer>, first: number, count: number): void;
}

/** One run of a graph: inputs by name, each with as many numbers a row as `widths` says. */
export interface Ask {
  id: number;
  url: string;
  rows: number;
  feeds: Record<string, Float32Array>;
  shapes: Record<string, number[]>; // of one row
  pictures: boolean; // answer with pixels instead of numbers
}

export type ToWorker = { kind: "begin"; runtime: string } | { kind: "load"; url: string } | ({ kind: "run" } & Ask);

export type FromWorker =
  | { kind: "loaded"; url: string }
  | { kind: "pixels"; id: number; pixels: Uint8ClampedArray<ArrayBuffer> }
  | { kind: "numbers"; id: number; outputs: Record<string, Float32Array> }
  | { kind: "failed"; id: number | null; url: string | null; reason: string };
