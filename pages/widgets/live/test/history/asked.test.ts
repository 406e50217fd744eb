import { expect, test, vi } from "vitest";
import { Asked, kindOf, PATIENCE } from "../../src/history/asked";

const RERUN = [90, 2, 10, 0]; // rerun_script { query_string: "" }
const HEARTBEAT = [136, 1, 1];
const HEADER = [10, 1, 120, 18, 0]; // of every answer: its hash, metadata
const BEGUN = [...HEADER, 34, 3, 1, 2, 3];
const OTHER = [...HEADER, 42, 2, 48, 0];
const finished = (how: number) => [...HEADER, 48, how];

/** A socket whose messages are sent nowhere, and what is asked of it. */
function socket() {
  const sent: unknown[] = [];
  class Socket extends EventTarget {
    send(content: unknown) {
      sent.push(content);
    }
  }
  const asked = new Asked(Socket.prototype as unknown as WebSocket);
  const own = new Socket();
  const send = (...bytes: number[]) => own.send(Uint8Array.from(bytes));
  const hear = (...bytes: number[]) =>
    own.dispatchEvent(new MessageEvent("message", { data: Uint8Array.from(bytes).buffer }));
  return { asked, send, hear, sent };
}

test("a message is what its last field is; other bytes are none", () => {
  expect(kindOf(Uint8Array.from(RERUN))).toEqual({ field: 11, value: 2 });
  expect(kindOf(Uint8Array.from(HEARTBEAT))).toEqual({ field: 17, value: 1 });
  expect(kindOf(Uint8Array.from(BEGUN))).toEqual({ field: 4, value: 3 });
  expect(kindOf(Uint8Array.from(finished(2)))).toEqual({ field: 6, value: 2 });
  for (const bytes of [[], [90, 9, 1], [13, 1, 2, 3, 4]]) expect(kindOf(Uint8Array.from(bytes))).toBeNull();
});

test("an answer is to come from the asking until the run that it led to has ended", () => {
  const { asked, send, hear, sent } = socket();
  send(...HEARTBEAT);
  expect(asked.isOpen).toBe(false);
  send(...RERUN);
  expect(asked.isOpen).toBe(true);
  hear(...finished(0)); // of the run before
  expect(asked.isOpen).toBe(true);
  hear(...BEGUN);
  hear(...OTHER);
  expect(asked.isOpen).toBe(true);
  hear(...finished(0));
  expect(asked.isOpen).toBe(false);
  expect(sent).toHaveLength(2);
});

test("a run that gives way to another one is no answer yet", () => {
  const { asked, send, hear } = socket();
  send(...RERUN);
  hear(...BEGUN);
  hear(...finished(2));
  expect(asked.isOpen).toBe(true);
  hear(...BEGUN);
  hear(...finished(3));
  expect(asked.isOpen).toBe(false);
});

test("two presses have two answers", () => {
  const { asked, send, hear } = socket();
  send(...RERUN);
  send(...RERUN);
  for (const isOpen of [true, false]) {
    hear(...BEGUN);
    hear(...finished(0));
    expect(asked.isOpen).toBe(isOpen);
  }
});

test("what was asked for is ahead until its run begins, whatever was asked for later", () => {
  vi.useFakeTimers();
  const { asked, send, hear } = socket();
  send(...RERUN);
  vi.advanceTimersByTime(10);
  const time = performance.now();
  vi.advanceTimersByTime(10);
  send(...RERUN);
  expect(asked.isAhead(time)).toBe(true);
  hear(...BEGUN);
  expect(asked.isAhead(time)).toBe(false);
  expect(asked.isAhead(Infinity)).toBe(true);
  vi.useRealTimers();
});

test("what has no answer is not waited for for ever", () => {
  vi.useFakeTimers();
  const { asked, send } = socket();
  send(...RERUN);
  vi.advanceTimersByTime(PATIENCE - 1);
  expect(asked.isOpen).toBe(true);
  vi.advanceTimersByTime(1);
  expect(asked.isOpen).toBe(false);
  vi.useRealTimers();
});
