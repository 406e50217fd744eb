// The page's side of the worker: one for all views and visits of pages; of each asker only the newest request is kept.
// Until a model's decoder is loaded the server decodes in its place, and then the newest request once more the page.
import { absolute } from "../parts/dom";
import type { Ask, FromWorker, Model, ToWorker, Wish } from "./protocol";
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

/** How far a file is: on its way, ready to be run, pictures of it have been shown; or it cannot be run here. */
export type State = "loading" | "loaded" | "drawn" | "failed";

/** Hears why something cannot be run: the address of one file, or nothing where none can. */
export type Complaint = (reason: string, file: string) => void;

export class Engine {
  private id = 0;
  private broken: string | null = null;
  private readonly lanes = new Map<object, Lane>(); // by who asks
  private readonly others: { ask: Omit<Ask, "id">; answer: Answer }[] = [];
  private flight: { id: number; who: object | null; answer: Answer } | null = null; // one run at a time
  private readonly failures = new Set<Complaint>();
  private readonly changes = new Set<() => void>();
  private readonly states = new Map<string, State>(); // by the file's whole address

  constructor(
    private readonly worker: WorkerLike,
    private readonly server = new Server(),
  ) {
    worker.onmessage = ({ data }) => this.heard(data);
    worker.onerror = (event) => this.fail(event.message || "the worker could not be started");
  }

  /** Be told when a file, or none at all, can be run here; gives back how to stop listening. */
  onFailure(listener: Complaint): () => void {
    if (this.broken !== null) listener(this.broken, "");
    this.failures.add(listener);
    return () => this.failures.delete(listener);
  }

  /** Be told when a file comes to another state; gives back how to stop listening. */
  onChange(listener: () => void): () => void {
    this.changes.add(listener);
    return () => this.changes.delete(listener);
  }

  /** How far a file is. */
  state(url: string): State {
    return this.states.get(absolute(url)) ?? "loading";
  }

  /** Get a graph ready before it is needed. */
  load(url: string): void {
    if (this.states.has(absolute(url)) || this.broken !== null) return;
    this.become(absolute(url), "loading");
    this.worker.postMessage({ kind: "load", url: absolute(url) });
  }

  /** Decode for `who`; of what it wanted before and has not begun, nothing is kept. */
  decode(who: object, wish: Wish): void {
    if (this.broken !== null || this.state(wish.model.decoder) === "failed") return;
    const lane = this.lanes.get(who);
    if (lane && lane.row > 0) lane.newer = wish;
    else this.lanes.set(who, { wish, row: 0, newer: null });
    this.load(wish.model.decoder);
    if (this.state(wish.model.decoder) === "loading") this.server.decode(who, wish);
    else this.server.cancel(who);
    this.pump();
  }

  /** Encode pictures (rows, C, H, W) in [0, 1]: numbers by name, `mean` and `std` among them. */
  encode(model: Model, x: Float32Array, rows = 1): Promise<Record<string, Float32Array>> {
    return new Promise((resolve, reject) => {
      if (this.broken !== null || !model.encoder) return reject(new Error(this.broken ?? "there is no encoder"));
      if (this.state(model.encoder) === "failed") return reject(new Error("the encoder does not run here"));
      const ask = { url: absolute(model.encoder), rows, feeds: { x }, shapes: { x: model.shape }, pictures: false };
      this.load(model.encoder);
      this.others.push({
        ask,
        answer: (message) =>
          message.kind === "numbers"
            ? resolve(message.outputs)
            : reject(new Error(message.kind === "failed" ? message.reason : "no numbers came")),
      });
      this.pump();
    });
  }

  /** Forget what `who` wanted; what comes of it is not shown. */
  cancel(who: object): void {
    this.lanes.delete(who);
    this.server.cancel(who);
    if (this.flight?.who === who) this.flight.who = null;
  }

  /** End the worker. */
  close(): void {
    this.failures.clear();
    this.fail("the live view was begun anew");
    this.worker.terminate();
  }

  private pump(): void {
    if (this.flight || this.broken !== null) return;
    const at = this.others.findIndex(({ ask }) => this.state(ask.url) !== "loading");
    if (at >= 0) {
      const [other] = this.others.splice(at, 1);
      return this.post(other.ask, null, other.answer);
    }
    const first = [...this.lanes].find(([, { wish }]) => this.state(wish.model.decoder) !== "loading");
    if (!first) return;
    const [who, lane] = first;
    const { wish, row: from } = lane;
    const { model, z, y, rows } = wish;
    const [channels, height, width] = model.shape;
    const count = Math.min(rows - from, Math.max(1, Math.floor(BLOCK / (channels * height * width))));
    this.lanes.delete(who); // and to the end of the queue: nobody starves
    if (from + count < rows) this.lanes.set(who, { ...lane, row: from + count });
    else if (lane.newer) this.lanes.set(who, { wish: lane.newer, row: 0, newer: null });
    const feeds: Record<string, Float32Array> = { z: z.slice(from * model.dim, (from + count) * model.dim) };
    if (model.classes && y) feeds.y = y.slice(from * model.classes, (from + count) * model.classes);
    const shapes = { z: [model.dim], y: [model.classes] };
    this.post({ url: absolute(model.decoder), rows: count, feeds, shapes, pictures: true }, who, (message, wanted) => {
      if (message.kind === "failed") return message.url === null ? undefined : this.tell(message.reason, message.url);
      if (message.kind !== "pixels" || !wanted) return;
      this.server.cancel(who); // what it still sends is older
      wish.onPixels(message.pixels, from, count);
      this.become(absolute(model.decoder), "drawn");
    });
  }

  private post(ask: Omit<Ask, "id">, who: object | null, answer: Answer): void {
    const id = ++this.id;
    this.flight = { id, who, answer };
    this.worker.postMessage({ kind: "run", id, ...ask });
  }

  private heard(message: FromWorker): void {
    if (message.kind === "loaded") {
      this.become(message.url, "loaded");
      return this.pump();
    }
    if (message.kind === "failed" && message.id === null) {
      if (message.url === null) return this.fail(message.reason);
      this.tell(message.reason, message.url);
      return this.pump();
    }
    if (message.id !== this.flight?.id) return;
    const { who, answer } = this.flight;
    this.flight = null;
    try {
      answer(message, who !== null);
    } finally {
      this.pump(); // others wait, whatever became of this one
    }
  }

  /** Nothing will ever be decoded by this worker. */
  private fail(reason: string): void {
    if (this.broken !== null) return;
    this.broken = reason;
    const left = [...(this.flight ? [this.flight.answer] : []), ...this.others.splice(0).map(({ answer }) => answer)];
    this.flight = null;
    for (const answer of left) answer({ kind: "failed", id: 0, url: null, reason }, false);
    this.tell(reason, "");
  }

  private become(url: string, state: State): void {
    if (this.states.get(url) === state) return;
    this.states.set(url, state);
    for (const listener of this.changes) listener();
  }

  /** A file cannot be run, or none can: what was wanted of it is dropped. */
  private tell(reason: string, file: string): void {
    if (file !== "") this.become(file, "failed");
    for (const [who, { wish }] of this.lanes) {
      if (file === "" || absolute(wish.model.decoder) === file) this.cancel(who);
    }
    for (let i = this.others.length - 1; i >= 0; i--) {
      if (this.others[i].ask.url !== file) continue;
      const [{ answer }] = this.others.splice(i, 1);
      answer({ kind: "failed", id: 0, url: file, reason }, false);
    }
    for (const listener of this.failures) listener(reason, file);
  }
}

/** A published file; the browser keeps it for good. */
export async function fetched(address: string): Promise<ArrayBuffer> {
  const answer = await fetch(absolute(address));
  if (!answer.ok) throw new Error(`the points are not to be had (${answer.status})`);
  return answer.arrayBuffer();
}

let shared: { runtime: string; engine: Engine } | null = null;

/** The engine of this tab. Module scope outlives reruns and page switches, and so do worker and sessions. */
export function engine(runtime: string): Engine {
  if (shared?.runtime === runtime) return shared.engine;
  if (typeof WebAssembly !== "object" || typeof Worker !== "function") {
    throw new Error("this browser has no WebAssembly");
  }
  const worker = new LiveWorker();
  shared = { runtime, engine: new Engine(worker) };
  worker.postMessage({ kind: "begin", runtime: absolute(runtime) } satisfies ToWorker);
  return shared.engine;
}

/** Begin anew after a failure, when a person asks for it. */
export function forget(): void {
  shared?.engine.close();
  shared = null;
}
