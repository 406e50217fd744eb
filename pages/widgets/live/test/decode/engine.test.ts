import { beforeEach, describe, expect, it, vi } from "vitest";

import { absolute } from "../../src/parts/dom";
import { Engine, type WorkerLike } from "../../src/decode/engine";
import { Refusal, Server } from "../../src/decode/server";
import type { FromWorker, ToWorker, Wish } from "../../src/decode/protocol";
import type { Model } from "../../built/payloads";
import { MODEL } from "../fakes";

const model: Model = { ...MODEL, shape: [1, 64, 64] };

/** A worker that answers when it is told to. */
class Slow implements WorkerLike {
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  ended = false;
  holds = false; // answers to what is to be loaded
  loads: string[] = [];
  asked: Extract<ToWorker, { kind: "run" }>[] = [];

  postMessage(message: ToWorker): void {
    if (message.kind === "run") this.asked.push(message);
    else if (message.kind === "load") {
      this.loads.push(message.url);
      if (!this.holds) this.say({ kind: "loaded", url: message.url });
    }
  }

  terminate(): void {
    this.ended = true;
  }

  say(message: FromWorker): void {
    this.onmessage?.({ data: message } as MessageEvent<FromWorker>);
  }

  answer(): void {
    const { id, rows, pictures } = this.asked.shift()!;
    if (pictures) this.say({ kind: "pixels", id, pixels: new Uint8ClampedArray(rows * 64 * 64 * 4) });
    else this.say({ kind: "numbers", id, outputs: { mean: new Float32Array([1, 2]) } });
  }
}

interface Question {
  route: string;
  body: Float32Array;
  signal?: AbortSignal;
  answer: (bytes: ArrayBuffer) => void;
  refuse: (error: Error) => void;
}

/** A server that answers when it is told to: pictures of one pixel more each, or 1, 2, 3, ... */
class Far {
  asked: Question[] = [];
  post = (route: string, body: Float32Array, signal?: AbortSignal) =>
    new Promise<ArrayBuffer>((answer, refuse) => this.asked.push({ route, body, signal, answer, refuse }));

  async answer(): Promise<void> {
    const { route, body, answer } = this.asked.shift()!;
    if (route.includes("numbers")) answer(Float32Array.from([1, 2, 3, 4]).buffer);
    else answer(new Uint8Array((body.length / 2) * 64 * 64).buffer);
    await settle();
  }

  async refuse(reason: string, busy = false): Promise<void> {
    this.asked.shift()!.refuse(new Refusal(reason, busy));
    await settle();
  }
}

const settle = async () => {
  for (let i = 0; i < 8; i++) await Promise.resolve();
};

describe("Engine", () => {
  let worker: Slow;
  let far: Far;
  let engine: Engine;
  let shown: [string, number, number][];

  const wish = (name: string, rows = 1): Wish => ({
    model,
    z: Float32Array.from({ length: rows * 2 }, (_, i) => i),
    rows,
    onPixels: (_, first, count) => shown.push([name, first, count]),
  });

  beforeEach(() => {
    worker = new Slow();
    far = new Far();
    engine = new Engine(() => worker, new Server(far.post));
    shown = [];
  });

  it("keeps of many wishes the one under way and the newest", () => {
    for (let i = 0; i < 100; i++) engine.decode(shown, wish(`${i}`));
    while (worker.asked.length) worker.answer();
    expect(shown.map(([name]) => name)).toEqual(["0", "99"]);
  });

  it("asks for one run at a time", () => {
    engine.decode({}, wish("a"));
    engine.decode({}, wish("b"));
    expect(worker.asked).toHaveLength(1);
  });

  it("sends a grid in blocks, first rows first, and finishes it before a newer one", () => {
    engine.decode(shown, wish("old", 10));
    expect(worker.asked[0].rows).toBe(4); // 16,384 numbers at most
    worker.answer();
    engine.decode(shown, wish("newer", 10));
    engine.decode(shown, wish("newest", 10));
    while (worker.asked.length) worker.answer();
    const blocks = [
      [0, 4],
      [4, 4],
      [8, 2],
    ];
    expect(shown).toEqual([
      ...blocks.map((block) => ["old", ...block]),
      ...blocks.map((block) => ["newest", ...block]),
    ]);
  });

  it("cuts the classes at the rows of a block", () => {
    const y = Float32Array.from({ length: 18 }, (_, i) => i);
    engine.decode(shown, { ...wish("a", 6), model: { ...model, classes: 3 }, y });
    expect([...worker.asked[0].feeds.y]).toEqual(Array.from(y.slice(0, 12)));
    worker.answer();
    expect([...worker.asked[0].feeds.y]).toEqual(Array.from(y.slice(12)));
  });

  it("cuts z at the rows of a block", () => {
    engine.decode(shown, wish("a", 10));
    worker.answer();
    expect([...worker.asked[0].feeds.z]).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  });

  it("takes turns between those who ask", () => {
    engine.decode({}, wish("a", 12));
    engine.decode({}, wish("b", 12));
    while (worker.asked.length) worker.answer();
    expect(shown.map(([name]) => name).join("")).toBe("aababb");
  });

  it("drops what is cancelled", () => {
    const who = {};
    engine.decode(who, wish("a"));
    engine.decode(who, wish("b"));
    engine.cancel(who);
    while (worker.asked.length) worker.answer();
    expect(shown).toEqual([]); // neither what waited nor what was under way
  });

  it("goes on when a view stumbles over its pictures", () => {
    engine.decode({}, { ...wish("a"), onPixels: () => { throw new Error("gone"); } }); // prettier-ignore
    engine.decode(shown, wish("b"));
    expect(() => worker.answer()).toThrow("gone");
    worker.answer();
    expect(shown.map(([name]) => name)).toEqual(["b"]);
  });

  it("encodes", async () => {
    const found = engine.encode(model, new Float32Array(64 * 64));
    worker.answer();
    expect([...(await found).mean]).toEqual([1, 2]);
  });

  it("loads a file once, and never asks the server for pictures once it is loaded", () => {
    engine.load(model.decoder);
    engine.decode(shown, wish("a"));
    expect(worker.loads).toEqual([absolute(model.decoder)]);
    expect(far.asked).toHaveLength(0);
  });

  describe("while the decoder loads", () => {
    const loaded = () => worker.say({ kind: "loaded", url: absolute(model.decoder) });

    beforeEach(() => {
      worker.holds = true;
    });

    it("shows the server's picture, and then its own of the newest wish", async () => {
      engine.decode(shown, wish("first", 10));
      expect(worker.asked).toHaveLength(0);
      await far.answer();
      expect(shown).toEqual([["first", 0, 10]]);
      engine.decode(shown, wish("moved"));
      loaded();
      worker.answer();
      expect(shown.at(-1)).toEqual(["moved", 0, 1]);
      expect(engine.state(model)).toBe("drawn");
    });

    it("lets no picture of the server come after its own", async () => {
      engine.decode(shown, wish("a"));
      loaded();
      worker.answer();
      expect(far.asked[0].signal!.aborted).toBe(true);
      await far.answer();
      expect(shown).toEqual([["a", 0, 1]]);
    });

    it("asks the server for one picture at a time, and then for the newest", async () => {
      for (let i = 0; i < 100; i++) engine.decode(shown, wish(`${i}`));
      expect(far.asked).toHaveLength(1);
      await far.answer();
      await far.answer();
      expect(far.asked).toHaveLength(0);
      expect(shown.map(([name]) => name)).toEqual(["0", "99"]);
    });

    it("drops the server's picture of a model that is no longer wanted", async () => {
      engine.decode(shown, wish("old"));
      engine.decode(shown, {
        ...wish("new"),
        model: { ...model, decoder: "live/file/cc", pictures: "live/pictures/cc" },
      });
      expect(far.asked[0].signal!.aborted).toBe(true);
      await far.answer();
      await far.answer();
      expect(shown.map(([name]) => name)).toEqual(["new"]);
    });

    it("draws nothing of what was cancelled", async () => {
      engine.decode(shown, wish("a"));
      engine.cancel(shown);
      await far.answer();
      loaded();
      expect(shown).toEqual([]);
      expect(worker.asked).toHaveLength(0);
    });

    it("works for other models meanwhile", () => {
      engine.decode(shown, wish("slow"));
      engine.decode({}, { ...wish("quick"), model: { ...model, decoder: "live/file/cc" } });
      worker.say({ kind: "loaded", url: absolute("live/file/cc") });
      worker.answer();
      expect(shown.map(([name]) => name)).toEqual(["quick"]);
    });

    it("encodes on the server, until the encoder is there", async () => {
      const found = engine.encode(model, new Float32Array(64 * 64));
      await far.answer();
      expect(await found).toEqual({ mean: new Float32Array([1, 2]), std: new Float32Array([3, 4]) });
      worker.say({ kind: "loaded", url: absolute(model.encoder!) });
      void engine.encode(model, new Float32Array(64 * 64));
      expect([worker.asked.length, far.asked.length]).toEqual([1, 0]);
    });
  });

  describe("where the page does not decode", () => {
    const heard = vi.fn();
    const served = (name: string, rows = 1, more: Partial<Model> = {}): Wish => ({
      ...wish(name, rows),
      model: { ...model, decoder: "", why: "It is switched off.", ...more },
    });

    beforeEach(() => {
      heard.mockClear();
      engine.onChange(heard);
    });

    it("never loads what it shall not run, and asks for the newest only", async () => {
      for (let i = 0; i < 100; i++) engine.decode(shown, served(`${i}`));
      expect(engine.state(served("").model)).toBe("loading");
      await far.answer();
      await far.answer();
      expect(shown.map(([name]) => name)).toEqual(["0", "99"]);
      expect([worker.loads, far.asked]).toEqual([[], []]);
      expect(engine.state(served("").model)).toBe("served");
      expect(engine.trouble(served("").model, "decoder")).toEqual({ reason: "It is switched off.", again: false });
    });

    it("asks for a large grid in blocks, and for all rows at once where they are drawn together", async () => {
      engine.decode(shown, served("a", 300));
      while (far.asked.length) await far.answer();
      expect(shown).toEqual([["a", 0, 256], ["a", 256, 44]]); // prettier-ignore
      engine.decode(shown, served("b", 300, { whole: true }));
      while (far.asked.length) await far.answer();
      expect(shown.at(-1)).toEqual(["b", 0, 300]);
    });

    it("sends class weights after the points", () => {
      const two = { ...served("a", 2, { classes: 2 }), y: new Float32Array([0, 1, 1, 0]) };
      engine.decode(shown, two);
      expect([...far.asked[0].body]).toEqual([0, 1, 2, 3, 0, 1, 1, 0]);
      engine.decode(shown, { ...two, y: undefined });
      engine.decode({}, { ...two, y: undefined });
      expect([...far.asked[1].body].slice(4)).toEqual([0.5, 0.5, 0.5, 0.5]);
    });

    it("drops the page's picture of what the server shall draw by now", async () => {
      engine.decode(shown, wish("page"));
      engine.decode(shown, served("server"));
      worker.answer();
      await far.answer();
      expect(shown.map(([name]) => name)).toEqual(["server"]);
    });

    it("tells a refusal, and goes on with the next wish", async () => {
      engine.decode(shown, served("a"));
      await far.refuse("The points are not finite.");
      expect(heard).toHaveBeenCalledOnce();
      expect(engine.refusal(served("").model)).toBe("The points are not finite.");
      engine.decode(shown, served("b"));
      await far.answer();
      expect(engine.refusal(served("").model)).toBe("");
      expect(shown.map(([name]) => name)).toEqual(["b"]);
    });

    it("asks a busy server again by itself, for the newest", async () => {
      vi.useFakeTimers();
      engine.decode(shown, served("a"));
      await far.refuse("Too many wait for the server.", true);
      engine.decode(shown, served("b"));
      expect([far.asked.length, engine.refusal(served("").model)]).toEqual([0, "Too many wait for the server."]);
      await vi.advanceTimersByTimeAsync(1100);
      await far.answer();
      expect(shown.map(([name]) => name)).toEqual(["b"]);
      vi.useRealTimers();
    });

    it("says so where the server does not answer at all", async () => {
      engine.decode(shown, served("a"));
      far.asked.shift()!.refuse(new TypeError("Failed to fetch"));
      await settle();
      expect(engine.refusal(served("").model)).toBe("The server does not answer.");
    });
  });

  describe("where something fails", () => {
    const fails = (url: string | null, reason: string, refused = false) =>
      worker.say({ kind: "failed", id: null, url, reason, refused });

    it("goes on with the server in the middle of a drag, and with other models in the page", async () => {
      const who = {};
      engine.decode(shown, wish("a"));
      engine.decode(shown, wish("b"));
      const { id } = worker.asked.shift()!;
      worker.say({ kind: "failed", id, url: absolute(model.decoder), reason: "no memory" });
      expect(engine.trouble(model, "decoder")).toEqual({ reason: "no memory", again: true });
      engine.decode(shown, wish("c"));
      await far.answer();
      await far.answer();
      engine.decode(who, { ...wish("other"), model: { ...model, decoder: "live/file/cc" } });
      worker.answer();
      expect(shown.map(([name]) => name)).toEqual(["b", "c", "other"]);
      expect([engine.state(model), far.asked.length]).toEqual(["served", 0]);
    });

    it("hands over what was decoded already, once the worker breaks", async () => {
      engine.decode(shown, wish("a"));
      worker.answer();
      fails(null, "no wasm");
      await far.answer();
      expect(shown.map(([name]) => name)).toEqual(["a", "a"]);
      engine.decode(shown, wish("b"));
      await far.answer();
      expect([shown.at(-1), worker.asked]).toEqual([["b", 0, 1], []]);
    });

    it("goes on where the worker could not be started", async () => {
      engine = new Engine(() => { throw new Error("this browser has no WebAssembly"); }, new Server(far.post)); // prettier-ignore
      engine.decode(shown, wish("a"));
      await far.answer();
      expect(shown).toEqual([["a", 0, 1]]);
      expect(engine.trouble(model, "decoder")!.reason).toBe("this browser has no WebAssembly");
    });

    it("keeps apart what the server refuses: no trying again brings it", () => {
      worker.holds = true;
      engine.decode(shown, wish("a"));
      fails(absolute(model.decoder), "It is too large.", true);
      expect(engine.trouble(model, "decoder")).toEqual({ reason: "It is too large.", again: false });
      engine.decode(shown, wish("b"));
      expect(worker.loads).toHaveLength(1);
    });

    it("encodes on the server what was asked of a worker that breaks", async () => {
      const first = engine.encode(model, new Float32Array(64 * 64));
      const second = engine.encode(model, new Float32Array(64 * 64));
      const { id } = worker.asked.shift()!;
      worker.say({ kind: "failed", id, url: absolute(model.encoder!), reason: "no memory" });
      expect(engine.trouble(model, "encoder")!.reason).toBe("no memory");
      await far.answer();
      await far.answer();
      expect([...(await first).mean, ...(await second).std]).toEqual([1, 2, 3, 4]);
    });

    it("begins anew when a person asks for it: with another worker, and what was shown last", async () => {
      fails(null, "no wasm");
      engine.decode(shown, wish("a"));
      await far.answer();
      engine.again();
      expect(worker.ended).toBe(true);
      worker.answer();
      expect([engine.trouble(model, "decoder"), engine.state(model)]).toEqual([null, "drawn"]);
      expect(shown.map(([name]) => name)).toEqual(["a", "a"]);
    });
  });
});
