import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Report, Transport } from "../../src/parts/transport";
import { stillTime } from "../fakes";

beforeEach(stillTime);
afterEach(() => vi.useRealTimers());

describe("a report", () => {
  it("comes once, when the hand has rested", () => {
    const tell = vi.fn();
    const report = new Report(tell);
    for (let i = 0; i < 5; i++) {
      report.later();
      vi.advanceTimersByTime(200);
    }
    expect(tell).not.toHaveBeenCalled();
    vi.advanceTimersByTime(100);
    expect(tell).toHaveBeenCalledTimes(1);
  });

  it("comes at once where it is asked for, and not again", () => {
    const tell = vi.fn();
    const report = new Report(tell);
    report.later();
    report.now();
    vi.advanceTimersByTime(1000);
    expect(tell).toHaveBeenCalledTimes(1);
  });

  it("is not lost when the page is left, and not made up where there is none", () => {
    const tell = vi.fn();
    const report = new Report(tell);
    report.flush();
    expect(tell).not.toHaveBeenCalled();
    report.later();
    report.flush();
    report.flush();
    expect(tell).toHaveBeenCalledTimes(1);
    report.later();
    report.cancel();
    vi.advanceTimersByTime(1000);
    expect(tell).toHaveBeenCalledTimes(1);
  });
});

describe("a transport", () => {
  let passed = 0;
  let backwards: boolean | undefined;
  const tell = vi.fn();
  const make = () => {
    passed = 0;
    tell.mockClear();
    return new Transport({
      title: "There and back",
      begin: (back) => (backwards = back),
      step: (seconds) => (passed += seconds),
      tell,
    });
  };

  it("plays from press to press, says so on its button, and tells where it stopped", () => {
    const transport = make();
    const { button } = transport;
    expect([button.textContent, button.title]).toEqual(["Play", "There and back"]);
    button.click();
    vi.advanceTimersByTime(1000);
    expect(passed).toBeCloseTo(1, 1);
    expect([transport.plays, button.textContent]).toEqual([true, "Pause"]);
    expect(tell).not.toHaveBeenCalled();
    button.click();
    expect([transport.plays, button.textContent]).toEqual([false, "Play"]);
    expect(tell).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1000);
    expect(passed).toBeCloseTo(1, 1);
  });

  it("goes backwards first with Shift", () => {
    const transport = make();
    transport.button.click();
    expect(backwards).toBe(false);
    transport.button.click();
    transport.button.dispatchEvent(new MouseEvent("click", { shiftKey: true }));
    expect(backwards).toBe(true);
  });

  it("makes no leap where the tab slept", () => {
    let frame: FrameRequestCallback = () => undefined;
    vi.stubGlobal("requestAnimationFrame", (act: FrameRequestCallback) => ((frame = act), 1));
    const transport = make();
    transport.start();
    frame(performance.now() + 60_000);
    expect(passed).toBe(0.1);
    transport.dispose();
  });

  it("says nothing where the hand takes over", () => {
    const transport = make();
    transport.start();
    vi.advanceTimersByTime(100);
    transport.rest();
    vi.advanceTimersByTime(1000);
    expect(tell).not.toHaveBeenCalled();
    expect(transport.button.textContent).toBe("Play");
  });

  it("tells at the end of the move, not what was waiting before it", () => {
    const transport = make();
    transport.report.later();
    transport.start();
    vi.advanceTimersByTime(1000);
    expect(tell).not.toHaveBeenCalled();
    transport.finish();
    transport.finish();
    expect(tell).toHaveBeenCalledTimes(1);
  });

  it("stops without a word when its view is gone", () => {
    const transport = make();
    transport.report.later();
    transport.start();
    transport.report.later();
    transport.dispose();
    const before = passed;
    vi.advanceTimersByTime(1000);
    expect(passed).toBe(before);
    expect(tell).not.toHaveBeenCalled();
  });

  it("plays unasked only for those who want things to move", () => {
    const transport = make();
    vi.stubGlobal("matchMedia", (query: string) => ({ matches: query === "(prefers-reduced-motion: reduce)" }));
    expect([transport.offer(), transport.plays]).toEqual([false, false]);
    vi.stubGlobal("matchMedia", () => ({ matches: false }));
    expect([transport.offer(), transport.plays]).toEqual([true, true]);
    transport.dispose();
  });
});
