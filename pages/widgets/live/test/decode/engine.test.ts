import { beforeEach, describe, expect, it, vi } from "vitest";

import { absolute } from "../../src/parts/dom";
import { Engine, type WorkerLike } from "../../src/decode/engine";
import { Server } from "../../src/decode/server";
import type { FromWorker, Model, ToWorker, Wish } from "../../src/decode/protocol";

const model: Model = {
  key: "m",
  decoder: "live/file/aa",
  encoder: "live/file/bb",
  pictures: "live/pictures/aa",
  dim: 2,
  classes: 0,
  shape: [1, 64, 64],
};

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

/** A server that answers when it is told to. */
class Far {
  asked: { wish: Wish; signal: AbortSignal; answer: (pixels: Uint8ClampedArray<ArrayBuffer>) => void }[] = [];
  ask = (wish: Wish, signal: AbortSignal) =>
    new Promise<Uint8ClampedArray<ArrayBuffer>>((answer) => this.asked.push({ wish, signal, answer }));

  async answer(): Promise<void> {
    const { wish, answer } = this.asked.shift()!;
    answer(new Uint8ClampedArray(wish.rows * 64 * 64 * 4));
    await Promise.resolve().then(() => undefined);
  }
}

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
    engine = new Engine(worker, new Server(far.ask));
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

  it("ends its worker, and whoever waits for numbers hears of it", async () => {
    const found = engine.encode(model, new Float32Array(64 * 64));
    engine.close();
    await expect(found).rejects.toThrow("begun anew");
    expect(worker.ended).toBe(true);
  });

  it("encodes", async () => {
    const found = engine.encode(model, new Float32Array(64 * 64));
    worker.answer();
    expect([...(await found).mean]).toEqual([1, 2]);
  });

  it("tells of a graph that fails, and goes on with others", () => {
    const heard = vi.fn();
    engine.onFailure(heard);
    engine.decode(shown, wish("a"));
    const { id } = worker.asked.shift()!;
    const other = { ...wish("b"), model: { ...model, decoder: "live/file/cc" } };
    engine.decode({}, wish("c"));
    engine.decode(shown, other);
    worker.say({ kind: "failed", id, url: absolute(model.decoder), reason: "gone" });
    expect(heard).toHaveBeenCalledWith("gone", absolute(model.decoder));
    worker.answer();
    expect(shown.map(([name]) => name)).toEqual(["b"]); // c wanted the same file as a
  });

  it("decodes nothing once the runtime has failed, and tells whoever comes later", () => {
    worker.say({ kind: "failed", id: null, url: null, reason: "no wasm" });
    engine.decode(shown, wish("a"));
    expect(worker.asked).toHaveLength(0);
    const heard = vi.fn();
    engine.onFailure(heard);
    expect(heard).toHaveBeenCalledWith("no wasm", "");
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
      expect(engine.state(model.decoder)).toBe("drawn");
    });

    it("lets no picture of the server come after its own", async () => {
      engine.decode(shown, wish("a"));
      loaded();
      worker.answer();
      expect(far.asked[0].signal.aborted).toBe(true);
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
      engine.decode(shown, { ...wish("new"), model: { ...model, decoder: "live/file/cc" } });
      expect(far.asked[0].signal.aborted).toBe(true);
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

    it("encodes when the encoder is there", async () => {
      const found = engine.encode(model, new Float32Array(64 * 64));
      expect(worker.asked).toHaveLength(0);
      worker.say({ kind: "loaded", url: absolute(model.encoder!) });
      worker.answer();
      expect([...(await found).mean]).toEqual([1, 2]);
    });

    it("tells why a file cannot be had, once, and asks no more for it", async () => {
      const heard = vi.fn();
      engine.onFailure(heard);
      const numbers = engine.encode(model, new Float32Array(64 * 64));
      engine.decode(shown, wish("a"));
      worker.say({ kind: "failed", id: null, url: absolute(model.decoder), reason: "It is too large." });
      worker.say({ kind: "failed", id: null, url: absolute(model.encoder!), reason: "It is larger still." });
      await expect(numbers).rejects.toThrow("larger still");
      engine.decode(shown, wish("b"));
      await expect(engine.encode(model, new Float32Array(64 * 64))).rejects.toThrow("does not run here");
      await far.answer();
      expect(shown).toEqual([]);
      expect(heard.mock.calls.map(([reason]) => reason)).toEqual(["It is too large.", "It is larger still."]);
      expect(worker.loads).toHaveLength(2);
    });
  });
});
