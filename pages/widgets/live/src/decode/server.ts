// The second source of pixels: until the page decodes a model, the server does. Of each asker only the newest is kept.
import { absolute } from "../parts/dom";
import { toPixels } from "./pixels";
import type { Wish } from "./protocol";

/** Gives RGBA bytes of all rows of a wish. */
export type Ask = (wish: Wish, signal: AbortSignal) => Promise<Uint8ClampedArray<ArrayBuffer>>;

interface Lane {
  wish: Wish;
  newer: Wish | null;
  stop: AbortController;
}

export class Server {
  private readonly lanes = new Map<object, Lane>(); // by who asks: one request of each is under way

  constructor(private readonly ask: Ask = overHttp) {}

  /** Decode for `who`; while a request is under way, the newest waits for its end. */
  decode(who: object, wish: Wish): void {
    const lane = this.lanes.get(who);
    if (lane && lane.wish.model.decoder === wish.model.decoder) {
      lane.newer = wish;
      return;
    }
    this.cancel(who);
    void this.run(who, wish);
  }

  /** Forget what `who` wanted; what still comes of it is not shown. */
  cancel(who: object): void {
    this.lanes.get(who)?.stop.abort();
    this.lanes.delete(who);
  }

  private async run(who: object, wish: Wish): Promise<void> {
    const lane: Lane = { wish, newer: null, stop: new AbortController() };
    this.lanes.set(who, lane);
    try {
      const pixels = await this.ask(wish, lane.stop.signal);
      if (this.lanes.get(who) === lane) wish.onPixels(pixels, 0, wish.rows);
    } catch {
      // A picture that does not come is one that the page decodes itself in a moment.
    }
    if (this.lanes.get(who) !== lane) return;
    this.lanes.delete(who);
    if (lane.newer) void this.run(who, lane.newer);
  }
}

/** Points, then class weights; the answer is grey levels (rows, C, H, W). */
async function overHttp({ model, z, y, rows }: Wish, signal: AbortSignal): Promise<Uint8ClampedArray<ArrayBuffer>> {
  const classes = model.classes ? (y ?? new Float32Array(rows * model.classes).fill(1 / model.classes)) : [];
  const body = Float32Array.from([...z, ...classes]);
  const answer = await fetch(absolute(model.pictures), { method: "POST", body, signal });
  if (!answer.ok) throw new Error(await answer.text());
  const [channels, height, width] = model.shape;
  return toPixels(new Uint8Array(await answer.arrayBuffer()), channels, height * width, 1);
}
