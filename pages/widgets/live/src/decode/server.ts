// The second source of pixels: what the page does not decode, or not yet, the server does. Of each asker only the newest
// wish is kept, and while the server refuses, its sentence.
import { absolute } from "../parts/dom";
import { toPixels } from "./pixels";
import type { Model } from "../../built/payloads";
import { cut, type Numbers, type Wish } from "./protocol";

const BLOCK = 2 ** 20; // numbers of pictures in one request: a large grid comes in rows
const AGAIN = 1000; // milliseconds until a server that had too much to do is asked again

/** Asks the server at a route: bytes of numbers for bytes. */
export type Post = (route: string, body: Float32Array<ArrayBuffer>, signal?: AbortSignal) => Promise<ArrayBuffer>;

/** The server's own words for why there is no answer. */
export class Refusal extends Error {
  constructor(
    reason: string,
    readonly busy: boolean,
  ) {
    super(reason);
  }
}

interface Lane {
  wish: Wish;
  newer: Wish | null;
  stop: AbortController;
}

export class Server {
  private readonly lanes = new Map<object, Lane>(); // by who asks: one request of each is under way
  private readonly last = new Map<string, string>(); // why there was no answer at a route, "" where there was one
  changed: () => void = () => undefined;

  constructor(private readonly post: Post = overHttp) {}

  /** What became of the last question for a model's pictures: a sentence, "" for an answer; undefined before it. */
  said(model: Model): string | undefined {
    return this.last.get(model.pictures);
  }

  /** Decode for `who`; while a request is under way, the newest waits for its end. */
  decode(who: object, wish: Wish): void {
    const lane = this.lanes.get(who);
    if (lane && lane.wish.model.pictures === wish.model.pictures) {
      if (lane.wish !== wish) lane.newer = wish;
      return;
    }
    this.cancel(who);
    const next: Lane = { wish, newer: null, stop: new AbortController() };
    this.lanes.set(who, next);
    void this.run(who, next);
  }

  /** Encode pictures (rows, C, H, W): mean and standard deviation, and the classes inferred where there are any. */
  async encode({ numbers, dim, classes }: Model, x: Float32Array, rows: number): Promise<Numbers> {
    const answer = new Float32Array(await this.post(numbers!, Float32Array.from(x)));
    const part = (from: number, width: number) =>
      Float32Array.from({ length: rows * width }, (_, i) => {
        return answer[Math.floor(i / width) * (2 * dim + classes) + from + (i % width)];
      });
    const encoding = { mean: part(0, dim), std: part(dim, dim) };
    return classes ? { ...encoding, y: part(2 * dim, classes) } : encoding;
  }

  /** Forget what `who` wanted; what still comes of it is not shown. */
  cancel(who: object): void {
    this.lanes.get(who)?.stop.abort();
    this.lanes.delete(who);
  }

  private async run(who: object, lane: Lane): Promise<void> {
    const isWanted = () => this.lanes.get(who) === lane;
    while (isWanted()) {
      const { model } = lane.wish;
      let error: unknown = null;
      try {
        await this.ask(lane, isWanted);
      } catch (reason) {
        error = reason;
      }
      if (!isWanted()) return;
      this.tell(
        model.pictures,
        error === null ? "" : error instanceof Refusal ? error.message : "The server does not answer.",
      );
      const busy = error instanceof Refusal && error.busy;
      if (busy) await new Promise((done) => setTimeout(done, AGAIN));
      else if (!lane.newer) this.lanes.delete(who);
      if (lane.newer) Object.assign(lane, { wish: lane.newer, newer: null });
    }
  }

  /** All rows of a wish, block by block. */
  private async ask({ wish, stop }: Lane, isWanted: () => boolean): Promise<void> {
    const { model, rows } = wish;
    const [channels, height, width] = model.shape;
    const most = model.whole ? rows : Math.max(1, Math.floor(BLOCK / (channels * height * width)));
    for (let first = 0; first < rows; first += most) {
      const count = Math.min(most, rows - first);
      const { z, y = new Float32Array(count * model.classes).fill(1 / model.classes) } = cut(wish, first, count);
      const bytes = await this.post(model.pictures, Float32Array.from([...z, ...y]), stop.signal);
      if (!isWanted()) return;
      wish.onPixels(toPixels(new Uint8Array(bytes), channels, height * width, 1), first, count);
    }
  }

  private tell(route: string, sentence: string): void {
    if (this.last.get(route) === sentence) return;
    this.last.set(route, sentence);
    this.changed();
  }
}

const SENTENCES = [404, 413, 422, 503]; // what the server says with these is meant for the person

async function overHttp(route: string, body: Float32Array<ArrayBuffer>, signal?: AbortSignal): Promise<ArrayBuffer> {
  const answer = await fetch(absolute(route), { method: "POST", body, signal });
  if (answer.ok) return answer.arrayBuffer();
  const plain = answer.headers.get("content-type")?.startsWith("text/plain") ?? false;
  if (!plain || !SENTENCES.includes(answer.status)) throw new Error(`${answer.status}`);
  throw new Refusal(await answer.text(), answer.status === 503);
}
