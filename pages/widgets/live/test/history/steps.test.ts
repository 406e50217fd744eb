import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import { Steps, stepOf } from "../../src/history/steps";

const KEYS = ["model", "a"];

/** A history of its own, over jsdom's, with what was written to it. */
function watched(tell: (keys: string[]) => void = () => undefined): {
  pushed: string[];
  replaced: string[];
  history: History;
} {
  const pushed: string[] = [];
  const replaced: string[] = [];
  const own = { push: History.prototype.pushState, replace: History.prototype.replaceState };
  const history = {
    pushState(data: unknown, title: string, url: URL) {
      pushed.push(url.pathname + url.search);
      own.push.call(window.history, data, title, url);
    },
    replaceState(data: unknown, title: string, url: URL) {
      replaced.push(url.pathname + url.search);
      own.replace.call(window.history, data, title, url);
    },
  } as unknown as History;
  Object.assign(new Steps(history, { isOpen: false, isAhead: () => isAhead }), { keys: KEYS, tell });
  return { pushed, replaced, history };
}

let isAhead = false; // a run that was asked for is still to begin
const press = () => window.dispatchEvent(new Event("pointerdown"));
const link = () => location.pathname + location.search;

beforeEach(() => window.history.replaceState(null, "", "/sample"));

describe("the browser's history", () => {
  it("has one entry for a page that was pressed, however often the page then writes its link", () => {
    const { pushed, replaced, history } = watched();
    press();
    history.pushState({}, "", "/map");
    history.pushState({}, "", "/map?model=fashion");
    history.pushState({}, "", "/map?model=fashion&a=ref:3");
    expect(pushed).toEqual(["/map"]);
    expect(replaced).toHaveLength(2);
  });

  it("has an entry for a model that a widget writes, and none for the release of a slider", () => {
    const { pushed, history } = watched();
    press();
    history.pushState({}, "", "/sample?z1=0.5");
    expect(pushed).toEqual([]);
    history.replaceState({}, "", "/sample?z1=0.5&model=fashion");
    expect(pushed).toEqual(["/sample?z1=0.5&model=fashion"]);
  });

  it("keeps what a page still says of an entry out of the one that was gone to", async () => {
    const { history } = watched();
    window.dispatchEvent(new PopStateEvent("popstate"));
    history.pushState({}, "", "/sample?seed=6"); // before Streamlit has asked for the other
    isAhead = true;
    await new Promise((done) => setTimeout(done, 50));
    history.pushState({}, "", "/sample?seed=6");
    history.replaceState({}, "", "/sample?seed=6"); // as Streamlit does then
    expect(link()).toBe("/sample");
    isAhead = false;
    history.pushState({}, "", "/sample?seed=4");
    expect(link()).toBe("/sample?seed=4");
  });

  it("takes what a page says after the next press", () => {
    const { history } = watched();
    window.dispatchEvent(new PopStateEvent("popstate"));
    press();
    history.pushState({}, "", "/map");
    expect(link()).toBe("/map");
  });

  it("has none for what is written without a press, or after going back", async () => {
    const { pushed, history } = watched();
    history.pushState({}, "", "/sample?a=ref:1");
    press();
    window.dispatchEvent(new PopStateEvent("popstate"));
    await new Promise((done) => setTimeout(done, 50));
    history.pushState({}, "", "/sample?a=ref:2");
    expect(pushed).toEqual([]);
    expect(link()).toBe("/sample?a=ref:2");
  });
});

describe("a widget's value in the link", () => {
  it("stays when the page, which did not know it yet, writes the link; and the page hears of it", async () => {
    const hears = vi.fn();
    const { history } = watched(hears);
    history.replaceState({}, "", "/sample?steps=8");
    history.pushState({}, "", "/sample?t=0.7");
    expect(link()).toBe("/sample?t=0.7&steps=8");
    await new Promise((done) => setTimeout(done, 5));
    expect(hears).toHaveBeenCalledExactlyOnceWith(["steps"]);
  });

  it("is not what a page replaces after a step in the history", async () => {
    const hears = vi.fn();
    const { history } = watched(hears);
    window.dispatchEvent(new PopStateEvent("popstate"));
    await new Promise((done) => setTimeout(done, 50));
    history.replaceState({}, "", "/sample?seed=4");
    history.pushState({}, "", "/sample");
    expect(link()).toBe("/sample");
    await new Promise((done) => setTimeout(done, 5));
    expect(hears).not.toHaveBeenCalled();
  });

  it("is put back by a later press", () => {
    const { history } = watched();
    press();
    history.replaceState({}, "", "/sample?z1=1.5");
    press();
    history.pushState({}, "", "/sample");
    expect(link()).toBe("/sample");
  });

  it("that was taken out stays out", () => {
    const { history } = watched();
    history.replaceState({}, "", "/sample?steps=8");
    history.replaceState({}, "", "/sample");
    history.pushState({}, "", "/sample?steps=8&t=0.7");
    expect(link()).toBe("/sample?t=0.7");
  });

  it("gives way to another one that the page decides on, and to another page", () => {
    const hears = vi.fn();
    const { history } = watched(hears);
    history.replaceState({}, "", "/sample?rows=9");
    history.pushState({}, "", "/sample?rows=4");
    expect(link()).toBe("/sample?rows=4");
    history.pushState({}, "", "/map");
    expect(link()).toBe("/map");
    expect(hears).not.toHaveBeenCalled();
  });
});

describe("Back while an answer is to come", () => {
  const SOON = 400;
  const navigation = Object.assign(new EventTarget(), { currentEntry: { index: 5 }, traverseTo: vi.fn() });
  const asked = { isOpen: true, isAhead: () => false };
  let history: History;
  let back: MockInstance<() => void>;

  function go(index: number, cancelable = true): Event {
    const event = new Event("navigate", { cancelable });
    Object.assign(event, { navigationType: "traverse", destination: { index, key: `entry ${index}` } });
    navigation.dispatchEvent(event);
    return event;
  }

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("navigation", navigation);
    vi.clearAllMocks();
    back = vi.spyOn(History.prototype, "back").mockImplementation(() => {});
    asked.isOpen = true;
    history = { pushState() {}, replaceState() {} } as unknown as History;
    new Steps(history, asked).keys = KEYS;
    press();
  });

  afterEach(() => {
    asked.isOpen = false;
    vi.runAllTimers();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("waits for it", () => {
    expect(go(4).defaultPrevented).toBe(true);
    vi.advanceTimersByTime(1_000);
    expect(back).not.toHaveBeenCalled();
    asked.isOpen = false;
    vi.advanceTimersByTime(SOON);
    expect(back).toHaveBeenCalled();
  });

  it("goes as far as it was asked to", () => {
    expect(go(2).defaultPrevented).toBe(true);
    asked.isOpen = false;
    vi.advanceTimersByTime(1_000);
    expect(navigation.traverseTo).toHaveBeenCalledWith("entry 2");
    expect(back).not.toHaveBeenCalled();
  });

  it("is not done once more where a second one could not wait", () => {
    go(4);
    go(4, false);
    asked.isOpen = false;
    vi.advanceTimersByTime(1_000);
    expect(back).not.toHaveBeenCalled();
  });

  it("is done still where the press had made its entry before a second one", () => {
    go(4);
    history.pushState({}, "", "/sample?a=ref:1");
    go(5, false);
    asked.isOpen = false;
    vi.advanceTimersByTime(1_000);
    expect(back).toHaveBeenCalled();
  });

  it("goes at once where nothing is awaited, and Forward always does", () => {
    expect(go(6).defaultPrevented).toBe(false);
    asked.isOpen = false;
    vi.advanceTimersByTime(SOON);
    expect(go(4).defaultPrevented).toBe(false);
  });
});

it("a step is the page and what the keys name", () => {
  const of = (address: string) => stepOf(new URL(address, "http://localhost"), KEYS);
  expect(of("/map?model=x&t=1")).toBe(of("/map?t=2&model=x"));
  expect(of("/map?model=x")).not.toBe(of("/map?model=y"));
  expect(of("/map")).not.toBe(of("/sample"));
});
