// The picture of what lies under the pointer, over the map: in the corner with the fewest points, and out of the way.
import { h } from "../../parts/dom";
import type { Place, Room } from "../../maths/plane";

const EDGE = 8; // CSS pixels from the map's edges
const MARGIN = 24; // from the pointer
const FEW = 0.02; // of what is drawn: a corner with no more is as good as an empty one
const CORNERS = [
  [1, 0],
  [1, 1],
  [0, 1],
  [0, 0],
]; // right, bottom: the first where others are no emptier

export class Lens {
  readonly box = h("div", { className: "lens" });
  private places: Place[] = []; // left upper corners, the best first
  private size: [number, number] = [0, 0];
  private at = -1;

  constructor(picture: HTMLElement) {
    this.box.append(picture);
  }

  /** Stand in the corner of a room where least is drawn, unless the pointer is there. */
  settle(room: Room, drawn: Place[], pointer: Place): void {
    const [width, height] = (this.size = [this.box.offsetWidth, this.box.offsetHeight]);
    const places = CORNERS.map(([right, bottom]): Place => [
      room.left + (right ? room.width - width - EDGE : EDGE),
      room.top + (bottom ? room.height - height - EDGE : EDGE),
    ]);
    const few = Math.max(1, FEW * drawn.length);
    const crowd = places.map((place) => Math.floor(drawn.filter(([x, y]) => this.covers(place, x, y, 0)).length / few));
    const order = [...places.keys()].sort((a, b) => crowd[a] - crowd[b]);
    this.places = order.map((i) => places[i]);
    this.put(0);
    this.dodge(...pointer);
  }

  /** Give way to the pointer; tell whether it did. */
  dodge(x: number, y: number): boolean {
    if (this.at < 0 || !this.covers(this.places[this.at], x, y, MARGIN)) return false;
    const free = this.places.findIndex((place) => !this.covers(place, x, y, MARGIN));
    if (free < 0) return false;
    this.put(free);
    return true;
  }

  private put(at: number): void {
    this.at = at;
    const [left, top] = this.places[at];
    Object.assign(this.box.style, { left: `${left}px`, top: `${top}px` });
  }

  private covers([left, top]: Place, x: number, y: number, margin: number): boolean {
    const [width, height] = this.size;
    return x > left - margin && x < left + width + margin && y > top - margin && y < top + height + margin;
  }
}
