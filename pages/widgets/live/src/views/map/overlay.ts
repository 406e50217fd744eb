// What follows the hand on the map: the pointer, the shape that it draws, the path that it plays.
import type { Tie } from "../../../built/payloads";
import { type Place, toScreen } from "../../maths/plane";
import type { Board } from "./board";
import { ARROWS, enclosed, type Gesture, type Tool } from "./hand";

const DASHES = [7, 6]; // pixels

export interface Overlay {
  tool: Tool;
  gesture: Gesture | null;
  at: Place; // of the pointer on the map
  near: number;
  first: number; // end of a path that waits for the other
  ends: [number, number] | null; // of the path
  t: number; // of the way between them
  straight: boolean; // whether the way is a line on this map
  plays: boolean;
  ties: Tie[];
}

type Pen = CanvasRenderingContext2D;

export function drawOverlay(pen: Pen, board: Board, overlay: Overlay): void {
  const { tool, gesture, at, first, ends, plays } = overlay;
  const accent = board.style("--st-primary-color");
  const pointer = toScreen(board.frame, ...at);
  for (const tie of overlay.ties) drawTie(pen, board, tie, accent);
  const shape = gesture && enclosed(gesture);
  if (shape) {
    const places = shape.map((place) => toScreen(board.frame, ...place));
    return line(pen, [...places, places[0]], accent);
  }
  if (first >= 0 && (gesture?.moved || tool === "Path")) {
    line(pen, [board.at(first), pointer], accent);
    board.front(pen, first, accent);
  } else if (ends) drawWay(pen, board, overlay, ends, accent);
  if (!plays) drawPointer(pen, board, overlay.near, pointer);
}

function drawTie(pen: Pen, board: Board, { x, y, rows }: Tie, accent: string): void {
  for (const i of rows) line(pen, [toScreen(board.frame, x, y), board.at(i)], accent);
  for (const i of rows) board.front(pen, i, accent);
}

function line(pen: Pen, places: Place[], colour: string): void {
  pen.beginPath();
  for (const [x, y] of places) pen.lineTo(x, y); // the first moves there
  pen.lineWidth = 3;
  pen.strokeStyle = colour;
  pen.stroke();
}

function drawWay(pen: Pen, board: Board, { t, straight }: Overlay, ends: [number, number], accent: string): void {
  const [a, b] = ends.map((end) => board.at(end));
  pen.setLineDash(straight ? [] : DASHES);
  line(pen, [a, b], accent);
  pen.setLineDash([]);
  for (const end of ends) board.front(pen, end, accent);
  pen.beginPath();
  pen.arc(a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), 8, 0, 2 * Math.PI);
  pen.fillStyle = accent;
  pen.fill();
  pen.lineWidth = 2;
  pen.strokeStyle = "white";
  pen.stroke();
}

/** The pointer, tied to the nearest point, which comes to the front. */
function drawPointer(pen: Pen, board: Board, near: number, [x, y]: Place): void {
  const [nx, ny] = board.at(near);
  pen.lineWidth = 1.5;
  pen.strokeStyle = board.style("--st-text-color");
  pen.beginPath();
  pen.moveTo(nx, ny);
  pen.lineTo(x, y);
  pen.stroke();
  board.front(pen, near);
  pen.beginPath();
  for (const [dx, dy] of Object.values(ARROWS)) {
    pen.moveTo(x + 5 * dx, y + 5 * dy);
    pen.lineTo(x + 13 * dx, y + 13 * dy);
  }
  pen.lineWidth = 2;
  pen.stroke();
}
