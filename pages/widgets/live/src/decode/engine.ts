// The page's side of the worker: one for all views and visits of pages; of each asker only the newest request is kept.
// What the page does not decode, the server does: until a model's decoder is loaded, and for good where it cannot be.
import { absolute } from "../parts/dom";
import type { Model } from "../../built/payloads";
import { type Ask, cut, type FromWorker, type Numbers, type ToWorker, type Wish } from "./protocol";
import { Server } from "./server";
import LiveWorker from "./worker?worker&inline";

const BLOCK = 16_384; // numbers of pictures in one run: a large grid comes in rows, and a newer one need not wait long

type Answer = (message: FromWorker, wanted: boolean) => void;
interface Lane {
  wish: Wish;
  row: number; // to be decoded next
  newer: Wish | null; // waits until a grid that has begun is whole: else its last rows would never come
}

/** What can be told apart from a real worker only by its results. */
export interface WorkerLike {
  postMessage(message: ToWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  terminate(): void;
}

/** How far a model is: its decoder on its way, ready, shown; or pictures of the server, that stay. */
export type State = "loading" | "loaded" | "drawn" | "served";

/** Why this browser does not run a file, and whether a person may have it tried again. */
export interface Trouble {
  reason: string;
  again: boolean;
}

export class Engine {
  private id = 0;
  private worker: WorkerLike | null = null;
  private broken: Trouble | null = null;
  private readonly newest = new Map<object, Wish>(); // by who asks, decoded or not: they pass to the server, and back
  private readonly lanes = new Map<object, Lane>(); // likewise: what is to be decoded here
  private readonly others: { ask: Omit<Ask, "id">; answer: Answer }[] = [];
  private flight: { id: number; who: object | null; answer: Answer } | null = null; // one run at a time
  private readonly failed = new Map<string, Trouble>(); // by the file's whole address
  private readonly changes = new Set<() => void>();
  private readonly states = new Map<string, State>(); // by the file's whole address

  constructor(
    private readonly start: () => WorkerLike,
    private readonly server = new Server(),
  ) {
    server.changed = () => this.changed();
    this.begin();
  }

  /** Be told when a model comes to another state; gives back how to stop listening. */
  onChange(listener: () => void): () => void {
    this.changes.add(listener);
    return () => this.changes.delete(listener);
  }

  /** How far a model is. */
  state(model: Model): State {
    if (this.trouble(model, "decoder")) return this.server.said(model) === "" ? "served" : "loading";
    return this.states.get(absolute(model.decoder)) ?? "loading";
  }

  /** Why the server stands in for half of a model; null where it does not, or only until the file has come. */
  trouble(model: Model, half: "decoder" | "encoder"): Trouble | null {
    const file = model[half];
    if (file === undefined) return null;
    return file === "" ? { reason: model.why, again: false } : (this.broken ?? this.failed.get(absolute(file)) ?? null);
  }

  /** What the server said last instead of pictures of a model that it alone decodes; "" where it gave them. */
  refusal(model: Model): string {
    return (this.trouble(model, "decoder") && this.server.said(model)) ?? "";
  }

  /** Get a graph ready before it is needed. */
  load(file: string): void {
    const url = absolute(file);
    if (file === "" || this.broken || this.failed.has(url) || this.states.has(url)) return;
    this.become(url, "loading");
    this.worker!.postMessage({ kind: "load", url });
  }

  /** Decode for `who`; of what it wanted before and has not begun, nothing is kept. */
  decode(who: object, wish: Wish): void {
    const { model } = wish;
    this.newest.set(who, wish);
    if (this.trouble(model, "decoder")) {
      this.drop(who);
      return this.server.decode(who, wish);
    }
    const lane = this.lanes.get(who);
    if (lane && lane.row > 0) lane.newer = wish;
    else this.lanes.set(who, { wish, row: 0, newer: null });
    this.load(model.decoder);
    if (this.state(model) === "loading") this.server.decode(who, wish);
    else this.server.cancel(who);
    this.pump();
  }

  /** Encode pictures (rows, C, H, W) in [0, 1]: numbers by name, `mean` and `std` among them. */
  encode(model: Model, x: Float32Array, rows = 1): Promise<Numbers> {
    if (this.trouble(model, "encoder")) return this.server.encode(model, x, rows);
    const url = absolute(model.encoder!);
    this.load(model.encoder!);
    if (this.states.get(url) === "loading") return this.server.encode(model, x, rows);
    return new Promise((resolve, reject) => {
      const ask = { url, rows, feeds: { x }, shapes: { x: model.shape }, pictures: false };
      this.others.push({
        ask,
        answer: (message) => {
          if (message.kind === "numbers") resolve(message.outputs);
          else this.server.encode(model, x, rows).then(resolve, reject);
        },
      });
      this.pump();
    });
  }

  /** Forget what `who` wanted; what comes of it is not shown. */
  cancel(who: object): void {
    this.newest.delete(who);
    this.drop(who);
    this.server.cancel(who);
  }

  /** Begin anew after a failure, when a person asks for it. */
  again(): void {
    this.worker?.terminate();
    this.failed.clear();
    this.states.clear();
    this.broken = null;
    this.flight = null;
    this.lanes.clear();
    const left = this.others.splice(0);
    this.begin();
    for (const { answer } of left) answer({ kind: "failed", id: 0, url: null, reason: "" }, false);
    for (const [who, wish] of this.newest) this.decode(who, wish);
    this.changed();
  }

  private begin(): void {
    try {
      this.worker = this.start();
    } catch (error) {
      return this.fail(error instanceof Error ? error.message : String(error));
    }
    this.worker.onmessage = ({ data }) => this.heard(data);
    this.worker.onerror = (event) => this.fail(event.message || "the worker could not be started");
  }

  /** Decode here no more for `who`. */
  private drop(who: object): void {
    this.lanes.delete(who);
    if (this.flight?.who === who) this.flight.who = null;
  }

  private isReady(file: string): boolean {
    return (this.states.get(absolute(file)) ?? "loading") !== "loading";
  }

  private pump(): void {
    if (this.flight || this.broken) return;
    const at = this.others.findIndex(({ ask }) => this.isReady(ask.url));
    if (at >= 0) {
      const [other] = this.others.splice(at, 1);
      return this.post(other.ask, null, other.answer);
    }
    const first = [...this.lanes].find(([, { wish }]) => this.isReady(wish.model.decoder));
    if (!first) return;
    const [who, lane] = first;
    const { wish, row: from } = lane;
    const { model, rows } = wish;
    const [channels, height, width] = model.shape;
    const count = Math.min(rows - from, Math.max(1, Math.floor(BLOCK / (channels * height * width))));
    this.lanes.delete(who); // and to the end of the queue: nobody starves
    if (from + count < rows) this.lanes.set(who, { ...lane, row: from + count });
    else if (lane.newer) this.lanes.set(who, { wish: lane.newer, row: 0, newer: null });
    const ask = { url: absolute(model.decoder), rows: count, shapes: { z: [model.dim], y: [model.classes] } };
    this.post({ ...ask, feeds: { ...cut(wish, from, count) }, pictures: true }, who, (message, wanted) => {
      if (message.kind !== "pixels" || !wanted) return;
      if (this.newest.get(who)?.model.decoder === model.decoder) this.server.cancel(who); // what it still sends is older
      wish.onPixels(message.pixels, from, count);
      this.become(absolute(model.decoder), "drawn");
    });
  }

  private post(ask: Omit<Ask, "id">, who: object | null, answer: Answer): void {
    const id = ++this.id;
    this.flight = { id, who, answer };
    this.worker!.postMessage({ kind: "run", id, ...ask });
  }

  private heard(message: FromWorker): void {
    if (message.kind === "loaded") {
      this.become(message.url, "loaded");
      return this.pump();
    }
    if (message.kind === "failed" && message.url === null) return this.fail(message.reason);
    const flight = message.id === this.flight?.id ? this.flight : null;
    if (flight) this.flight = null;
    try {
      if (message.kind === "failed") this.giveUp(message.url!, message);
      flight?.answer(message, flight.who !== null);
    } finally {
      this.pump(); // others wait, whatever became of this one
    }
  }

  /** Nothing will ever be decoded by this worker: the server does all. */
  private fail(reason: string): void {
    if (this.broken) return;
    this.broken = { reason, again: true };
    const left = [...(this.flight ? [this.flight.answer] : []), ...this.others.splice(0).map(({ answer }) => answer)];
    this.flight = null;
    for (const answer of left) answer({ kind: "failed", id: 0, url: null, reason }, false);
    this.handOver();
  }

  /** A file cannot be run here, or is not given: the server does what was wanted of it. */
  private giveUp(url: string, { reason, refused }: { reason: string; refused?: boolean }): void {
    this.failed.set(url, { reason, again: !refused });
    for (let i = this.others.length - 1; i >= 0; i--) {
      if (this.others[i].ask.url !== url) continue;
      const [{ answer }] = this.others.splice(i, 1);
      answer({ kind: "failed", id: 0, url, reason }, false);
    }
    this.handOver();
  }

  /** Whoever wants what is not decoded here gets it from the server. */
  private handOver(): void {
    for (const [who, wish] of this.newest) if (this.trouble(wish.model, "decoder")) this.decode(who, wish);
    this.changed();
  }

  private become(url: string, state: State): void {
    if (this.states.get(url) === state) return;
    this.states.set(url, state);
    this.changed();
  }

  private changed(): void {
    for (const listener of this.changes) listener();
  }
}

/** A published file; the browser keeps it for good. */
export async function fetched(address: string): Promise<ArrayBuffer> {
  const answer = await fetch(absolute(address));
  if (!answer.ok) throw new Error(`the points are not available (${answer.status})`);
  return answer.arrayBuffer();
}

let shared: { runtime: string; engine: Engine } | null = null;

/** The engine of this tab. Module scope outlives reruns and page switches, and so do worker and sessions. */
export function engine(runtime: string): Engine {
  if (shared?.runtime !== runtime) shared = { runtime, engine: new Engine(() => started(runtime)) };
  return shared.engine;
}

function started(runtime: string): WorkerLike {
  if (typeof WebAssembly !== "object" || typeof Worker !== "function") {
    throw new Error("this browser has no WebAssembly");
  }
  const worker = new LiveWorker();
  worker.postMessage({ kind: "begin", runtime: absolute(runtime) } satisfies ToWorker);
  return worker;
}
