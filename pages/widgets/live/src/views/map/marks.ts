// Marks on the map: a point by its symbol, the name of a class, the flag of a picture.
import { type Frame, type Place, toScreen } from "../../maths/plane";

export type Pen = CanvasRenderingContext2D;

export interface Label {
  text: string;
  x: number;
  y: number;
  move: number; // pixels up from where it belongs
  ground: string;
  ink: string;
}

export interface Mark {
  name: string;
  x: number;
  y: number;
  colour: string;
}

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

/** The name of a class over its points, tied to where it belongs. */
export function drawLabel(pen: Pen, frame: Frame, font: string, { text, x, y, move, ground, ink }: Label): void {
  const [px, py] = toScreen(frame, x, y);
  arrow(pen, px, py, move, ground, 2);
  plate(pen, text, [px, py - move], { ground, ink, edge: 1, size: 16, font });
}

/** The flag of a picture. */
export function drawMark(pen: Pen, frame: Frame, font: string, { name, x, y, colour }: Mark): void {
  const [px, py] = toScreen(frame, x, y);
  const { left, top, width, height } = frame;
  if (px < left || px > left + width || py < top || py > top + height) return;
  const up = py - top < 60 ? -42 : 42; // near the upper edge it hangs below
  arrow(pen, px, py, up, colour, 3);
  pen.beginPath();
  pen.arc(px, py, 4, 0, 2 * Math.PI);
  pen.fillStyle = colour;
  pen.fill();
  plate(pen, name, [px, py - up], { ground: colour, ink: "white", edge: 2, size: 18, font });
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
  font: string;
}

function plate(pen: Pen, text: string, [x, y]: Place, { ground, ink, edge, size, font }: Plate): void {
  pen.font = `bold ${size}px ${font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const width = pen.measureText(text).width + 8;
  pen.beginPath();
  pen.rect(x - width / 2, y - size / 2 - 4, width, size + 8);
  pen.fillStyle = ground;
  pen.fill();
  pen.lineWidth = edge;
  pen.strokeStyle = "white";
  pen.stroke();
  pen.fillStyle = ink;
  pen.fillText(text, x, y + 1);
}
