// What the views are sent. Written by `python -m pages.widgets.live.typescript` from `payloads.py`.

/** What every view is sent. */
export interface Sent {
  view: string;
  runtime: string; // below the app's address, named by the content's hash
  told: number; // the last count that Python heard of
  present: boolean; // the stage has the window for itself
}

/** How pictures stand in a grid. */
export interface Tiling {
  width: number; // of one picture, in its own pixels
  height: number;
  columns: number;
  count: number;
  gutter: number;
}

/** Pictures that the server has made. */
export interface PicturesData {
  src: string; // the whole grid
  layout: Tiling;
  alt: string;
  chosen: number; // the place to mark; -1 for none
  pickable: boolean;
  rows: string[]; // names on the left
  below: string[];
  share: number; // of the window's height
}

/** A contact sheet. */
export interface SheetData {
  src: string; // the sprite sheet
  layout: Tiling; // its own: how many stand in a row of the page is the browser's choice
  rows: number[]; // a number a picture, which is told
  labels: string[];
  chosen: number; // the row to mark; -1 for none
  label: string; // of the whole
  wide: boolean; // as the page, and not as a popover
}

/** A photograph, and what was cut out of it. */
export interface CutoutData {
  photograph: string;
  alt: string;
  ink: string;
  inkAlt: string;
  name: string; // of the picture
  crop: [number, number, number, number]; // left, top, right, bottom, in parts of the photograph
  smallest: number; // side of a rectangle
  turn: number; // degrees
  turns: number; // at most, either way
  threshold: number;
  thresholds: [number, number];
  doubts: string;
  changed: boolean; // there is something to reset
}
