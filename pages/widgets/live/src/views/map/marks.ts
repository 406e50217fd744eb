// Marks on the map: a point by its symbol, the name of a class, the flag of a picture.
import type { Label, Mark } from "../../../built/payloads";
import type { Plot } from "../../maths/apart";
import { type Frame, type Place, toScreen } from "../../maths/plane";

export type Pen = CanvasRenderingContext2D;

/** Letters on the map, `grow` times as large as usual. */
export interface Type {
  font: string;
  grow: number;
}

const LABEL = 16; // pixels of a class's name
const FLAG = 18; // and of a picture's
const PAD = 8; // pixels of the ground beside and above both

// Corners x, y, x, y, ... of the symbols in `plots.SYMBOLS`, in radii; the first is a circle.
const SYMBOLS: number[][] = [
  [],
  [0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0],
  [-1, -1, 1, -1, 1, 1, -1, 1],
  [
    -0.4, -1.1, 0.4, -1.1, 0.4, -0.4, 1.1, -0.4, 1.1, 0.4, 0.4, 0.4, 0.4, 1.1, -0.4, 1.1, -0.4, 0.4, -1.1, 0.4, -1.1,
    -0.4, -0.4, -0.4,
  ],
  [
    0, -0.6, 0.6, -1.2, 1.2, -0.6, 0.6, 0, 1.2, 0.6, 0.6, 1.2, 0, 0.6, -0.6, 1.2, -1.2, 0.6, -0.6, 0, -1.2, -0.6, -0.6,
    -1.2,
  ],
  [0, -1.2, 1.2, 0.9, -1.2, 0.9],
];

/** Add a point's mark to the path, by the number of its symbol. */
export function outline(pen: Pen, symbol: number, x: number, y: number, r: number): void {
  const corners = SYMBOLS[symbol] ?? [];
  if (corners.length === 0) {
    pen.moveTo(x + r, y);
    return pen.arc(x, y, r, 0, 2 * Math.PI);
  }
  pen.moveTo(x + corners[0] * r, y + corners[1] * r);
  for (let i = 2; i < corners.length; i += 2) pen.lineTo(x + corners[i] * r, y + corners[i + 1] * r);
  pen.closePath();
}

/** How far up a name stands from where it belongs: whatever is in sight has its name there too. */
function raised({ top, height }: Frame, py: number, { grow }: Type, { move }: Label): number {
  const half = ((LABEL + PAD) * grow) / 2;
  if (py < top || py > top + height) return move * grow;
  return py - Math.min(top + height - half, Math.max(top + half, py - move * grow));
}

/** What the name of a class covers. */
export function labelPlot(pen: Pen, frame: Frame, type: Type, label: Label): Plot {
  const { font, grow } = type;
  pen.font = `bold ${LABEL * grow}px ${font}`;
  const width = pen.measureText(label.text).width + PAD * grow;
  const [, py] = toScreen(frame, label.x, label.y);
  const y = -label.y * frame.sy - raised(frame, py, type, label);
  return { x: label.x * frame.sx, y, width, height: (LABEL + PAD) * grow };
}

/** The name of a class over its points, tied to where it belongs. */
export function drawLabel(pen: Pen, frame: Frame, type: Type, label: Label): void {
  const { text, x, y, ground, ink } = label;
  const [px, py] = toScreen(frame, x, y);
  const up = raised(frame, py, type, label);
  arrow(pen, px, py, up, ground, 2);
  plate(pen, text, [px, py - up], { ground, ink, edge: 1, size: LABEL * type.grow, type });
}

/** The flag of a picture. */
export function drawMark(pen: Pen, frame: Frame, type: Type, { name, x, y, colour }: Mark): void {
  const [px, py] = toScreen(frame, x, y);
  const { left, top, width, height } = frame;
  if (px < left || px > left + width || py < top || py > top + height) return;
  const up = (py - top < 60 * type.grow ? -42 : 42) * type.grow; // near the upper edge it hangs below
  arrow(pen, px, py, up, colour, 3);
  pen.beginPath();
  pen.arc(px, py, 4, 0, 2 * Math.PI);
  pen.fillStyle = colour;
  pen.fill();
  plate(pen, name, [px, py - up], { ground: colour, ink: "white", edge: 2, size: FLAG * type.grow, type });
}

function arrow(pen: Pen, x: number, y: number, up: number, colour: string, width: number): void {
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x, y - up);
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.stroke();
}

/** How a name stands on its ground. */
interface Plate {
  ground: string;
  ink: string;
  edge: number; // pixels
  size: number; // of the letters
  type: Type;
}

function plate(pen: Pen, text: string, [x, y]: Place, { ground, ink, edge, size, type }: Plate): void {
  pen.font = `bold ${size}px ${type.font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const pad = PAD * type.grow;
  const width = pen.measureText(text).width + pad;
  pen.beginPath();
  pen.rect(x - width / 2, y - size / 2 - pad / 2, width, size + pad);
  pen.fillStyle = ground;
  pen.fill();
  pen.lineWidth = edge;
  pen.strokeStyle = "white";
  pen.stroke();
  pen.fillStyle = ink;
  pen.fillText(text, x, y + 1);
}
