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

/** A model as the views know it: routes of its two halves and of the server's answers, and the sizes of z and x. */
export interface Model {
  key: string; // another model has another key
  decoder: string; // below the app's address, named by a hash of the weights; "" where this browser shall not decode
  encoder?: string; // likewise
  why: string; // it shall not
  pictures: string; // where the server decodes, unless the page does
  numbers?: string; // and encodes
  whole: boolean; // all rows of a wish go to the server in one request: something is drawn at random of them
  dim: number;
  classes: number; // 0 where the class plays no part
  shape: [number, number, number]; // channels, height, width
}

/** What can be slid, as `explore.Axis` has it: the dimension `index`, or a `direction` through many. */
export interface Slide {
  key: string;
  note: string;
  low: number;
  high: number;
  start: number;
  at: number; // where the start stands, unrounded
  kl: number | null;
  active: boolean;
  index: number | null;
  direction: number[] | null;
}

/** One slider a dimension or direction, and the picture decoded where they stand. */
export interface TraverseData {
  model: Model;
  about: string; // another model, start or level has another
  start: number[];
  y: number[] | null;
  picture: string; // the start's
  captions: [string, string];
  heading: [string, string]; // short, and in full
  folded: string; // why some are folded away
  slides: Slide[];
  places: Record<string, number>; // of those that were moved
  byName: boolean; // the order of the sliders
  share: number; // of the window's height that a picture takes at least
  rest: number; // rem below the view that are to be seen with it
}

/** One of the models that are compared, with A and B in it. */
export interface Column {
  model: Model;
  name: string;
  a: number[];
  b: number[];
  ya: number[] | null; // the class of A, of a model that is told it
  yb: number[] | null;
  rebuilt: [string, string];
  facts: string[]; // short ones
  whole: string; // the same in full
}

/** Several models under one movement: from A to B, or the same z. */
export interface CompareData {
  columns: Column[];
  about: string; // other models or pictures have another
  ends: [string, string]; // the pictures A and B
  share: number; // of the window's height that the pictures of all rows together take at least
  t?: number; // of the way from A to B
  slides?: Slide[]; // of the same z
  places?: Record<string, number>;
  warning?: string;
}

/** Draws of `seeds` seeds from `first` on. */
export interface SeedWindow {
  points: string; // the route of base and slope (seeds, 2, count, D), float32
  first: number;
  seeds: number;
}

/** Draws that follow temperature and seed. */
export interface GridData {
  model: Model;
  windows: SeedWindow[]; // of seeds around the one that is shown, the quickest to be had first
  count: number;
  columns: number; // or more, where pictures are larger then and rows have no names
  gutter: number;
  y: number[] | null; // class weights (count, classes)
  moves: boolean; // with the temperature, along straight lines; else the points are of one temperature
  temperature: number;
  hottest: number;
  help: string; // what the temperature does
  seed: number;
  seeded: boolean; // whether anything is drawn at random
  last: number; // seed that there is
  rows: string[];
  edge: number | null; // of a plane, at temperature 1
  chosen: number;
  alt: string;
  share: number; // of the window's height that the grid takes at least
}

/** The path from A to B. */
export interface PathData {
  model: Model;
  about: string; // another model, A, B or path has another
  a: number[];
  b: number[];
  classes: [number[], number[]] | null; // weights at A and at B
  path: string; // linear or spherical
  pictures: [string, string]; // A and B as they are mixed
  fade: boolean; // show the mixed pixels
  captions: [string, string];
  label: string;
  t: number;
  share: number; // of the window's height that a picture takes at least
  strip: Tiling; // below the view, and to be seen with it
  stripShare: number; // of the window's height that it may take
}

/** The pad: three or four pictures at its corners. */
export interface PadData {
  model: Model;
  about: string; // another model or picture has another
  names: string[]; // of the corners
  corners: number[][];
  classes: number[][] | null; // weights at each corner
  caption: string;
  at: [number, number];
  share: number; // of the window's height that the view takes at least
  rest: number; // rem below the view that are to be seen with it
}

/** How the ink of a drawing is made like that of the model's pictures. */
export interface Centring {
  box: number; // part of the picture that the ink's longer side takes
  mass: boolean; // the centre of mass, and not of the bounding box, comes into the middle
  brighten: boolean; // ink gets full brightness and thickness
}

/** What a bar stands for: a dimension, or a direction through many. */
export interface Axis {
  name: string;
  index: number | null; // of the dimension
  direction: number[] | null;
  offset: number; // of a direction: what the centre has along it
  low: number; // of the grey band
  high: number;
  active: boolean;
}

/** Points of a class in a plane. */
export interface Group {
  name: string;
  colour: string;
  points: number[]; // x, y, x, y, ...
}

/** A sheet of paper, and what the model says of a drawing. */
export interface DrawData {
  model: Model;
  dark: boolean; // the ground of the model's pictures
  bits: boolean;
  sees: string; // what is done to a drawing, for the caption
  centring: Centring | null; // None where the model's drawings are not centred
  centre: boolean; // the switch before anybody turns it
  axes: Axis[];
  plane: Group[] | null; // of a model with two dimensions
  classes: string[];
}

/** The name of a class, over its points. */
export interface Label {
  text: string;
  x: number;
  y: number;
  move: number; // pixels up from where it belongs
  ground: string;
  ink: string;
}

/** The flag of a picture. */
export interface Mark {
  name: string;
  x: number;
  y: number;
  colour: string;
}

/** A picture on the map, and the points nearest to it in the latent space. */
export interface Tie {
  x: number;
  y: number;
  rows: number[];
}

/** A class by its colour. */
export interface Entry {
  text: string;
  ground: string;
}

/** Numbers by the colours from one end to the other. */
export interface ColourScale {
  title: string;
  ends: [number, number];
  colours: string[];
}

/** Pictures as points of a plane. */
export interface MapData {
  model: Model;
  key: string; // other points, places or colours have another
  points: string;
  means: string; // "" where they are too many for a browser
  count: number;
  linear: boolean; // there is a vector at each place
  equal: boolean; // both axes have the same units
  axes: [string, string];
  names: string[] | null; // of the classes
  unit: string; // of the errors
  size: number; // of a point
  share: number; // of the window's height
  alt: string;
  marks: Mark[];
  ties: Tie[];
  chosen: number[];
  lit: number; // class that stands out; -1 is none
  labels: Label[];
  legend: Entry[];
  scale: ColourScale | null;
  tool: "Look" | "Path" | "Move" | "Box" | "Lasso";
  residual: boolean;
  thumbs: boolean; // points have pictures in their place
  shade: boolean; // the ground says how thickly the points lie
}
