import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Slide, TraverseData } from "../../built/payloads";
import { Traverse } from "../../src/views/traverse";
import { button, FakeEngine, type FakeHost, fakeHost, find, levels, MODEL, sized, slide, stillTime } from "../fakes";

const SLIDES: Slide[] = ["z1", "z0"].map((key, i) => ({
  key,
  note: "",
  low: -2,
  high: 2,
  start: 0,
  at: 0,
  index: 1 - i,
  direction: null,
  kl: 1,
  active: true,
}));
const DATA: TraverseData = {
  model: MODEL,
  about: "m start",
  start: [0.1, 0.2],
  y: null,
  picture: "data:,start",
  captions: ["Now", "The start"],
  heading: ["2 dimensions", "2 dimensions, by KL"],
  folded: "",
  slides: SLIDES,
  places: { z1: -1 },
  byName: false,
  share: 0.5,
  rest: 5,
};

let engine: FakeEngine;
let host: FakeHost;
let traverse: Traverse;

beforeEach(() => {
  stillTime();
  engine = new FakeEngine();
  host = fakeHost(engine);
  traverse = new Traverse(host);
  traverse.show(DATA);
});
afterEach(() => vi.useRealTimers());

const range = (key: string) => find<HTMLInputElement>(host, `[aria-label="${key}"]`);
const number = (key: string) => find<HTMLInputElement>(host, `[aria-label="Value of ${key}"]`);

it("decodes where the sliders stand; one that was not moved leaves its dimension as it is", () => {
  expect(engine.z(traverse)).toEqual([0.1, -1]);
  engine.answer(traverse, 9);
  expect(levels(find<HTMLCanvasElement>(host, "canvas"))["0,0"]).toBe(9);
  expect(find(host, ".heading").textContent).toBe("2 dimensions");
  expect(find(host, ".heading").title).toBe("2 dimensions, by KL");
});

it("decodes with every movement, and tells what changed when the slider is released", () => {
  slide(range("z0"), 1.5, false);
  expect(engine.z(traverse)).toEqual([1.5, -1]);
  slide(range("z1"), 0);
  expect(engine.z(traverse)).toEqual([1.5, 0.2]);
  expect(host.told).toEqual([]);
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([["places", { z0: 1.5, z1: null }]]);
});

it("tells again what Python has not heard, and forgets it once it has", () => {
  slide(range("z0"), 1.5);
  vi.advanceTimersByTime(300);
  host.settled = false;
  traverse.show({ ...DATA, places: { z1: -1 } }); // an old word
  expect(range("z0").value).toBe("1.5");
  slide(range("z1"), 1);
  vi.advanceTimersByTime(300);
  expect(host.told.at(-1)).toEqual(["places", { z0: 1.5, z1: 1 }]);
  host.settled = true;
  traverse.show({ ...DATA, places: { z0: 1.5, z1: 1 } });
  slide(range("z1"), 2);
  vi.advanceTimersByTime(300);
  expect(host.told.at(-1)).toEqual(["places", { z1: 2 }]);
});

it("takes a number at once", () => {
  number("z0").value = "0.7";
  number("z0").dispatchEvent(new Event("change"));
  expect(host.told).toEqual([["places", { z0: 0.7 }]]);
});

it("builds other sliders for another start, and keeps those of the same", () => {
  const before = range("z0");
  traverse.show({ ...DATA, heading: ["other words", ""] });
  expect(range("z0")).toBe(before);
  traverse.show({ ...DATA, about: "m other", start: [5, 5], places: {} });
  expect(range("z0")).not.toBe(before);
  expect(engine.z(traverse)).toEqual([5, 5]);
});

it("tells the order that is chosen", () => {
  const slides = ["z4", "z3", "z2", "z1", "z0"].map((key, index) => ({ ...SLIDES[0], key, index }));
  traverse.show({ ...DATA, about: "m five", start: [0, 0, 0, 0, 0], slides });
  const order = find<HTMLSelectElement>(host, "select[aria-label='Order of the sliders']");
  order.selectedIndex = 1;
  order.dispatchEvent(new Event("change"));
  expect(host.told).toEqual([["order", true]]);
  expect(find(host, ".name").textContent).toBe("z0");
});

it("breathes through the whole range of one, there and back, and tells where it stopped", () => {
  const which = find<HTMLSelectElement>(host, "select[aria-label='What breathes']");
  expect([...which.options].map(({ value }) => value)).toEqual(["all", "z1", "z0"]);
  which.value = "z0";
  button(host, "Animate").click();
  const places: number[] = [];
  for (let i = 0; i < 65; i++) {
    vi.advanceTimersByTime(100);
    places.push(Number(range("z0").value));
  }
  expect(Math.max(...places)).toBeGreaterThan(1.9);
  expect(Math.min(...places)).toBeLessThan(-1.9);
  expect(range("z1").value).toBe("-1");
  expect(host.told).toEqual([]);
  button(host, "Stop").click();
  expect(host.told).toEqual([["places", { z0: Number(range("z0").value) }]]);
});

it("breathes all together, each from where it stands", () => {
  button(host, "Animate").click();
  vi.advanceTimersByTime(32);
  expect(Number(range("z1").value)).toBeCloseTo(-1, 0);
  vi.advanceTimersByTime(2000);
  expect(range("z0").value).not.toBe("0");
  expect(range("z1").value).not.toBe("-1");
  slide(range("z0"), 1);
  expect(button(host, "Animate").disabled).toBe(false);
});

it("has nothing that breathes where the model uses no dimension", () => {
  const slides = SLIDES.map((each) => ({ ...each, active: false }));
  traverse.show({ ...DATA, about: "collapsed", slides });
  expect(button(host, "Animate").disabled).toBe(true);
  expect(find<HTMLDetailsElement>(host, "details").open).toBe(true);
});

it("tells the class that the start has", () => {
  traverse.show({ ...DATA, about: "conditional", y: [0, 1] });
  expect([...engine.wishes.get(traverse)!.y!]).toEqual([0, 1]);
});

it("tells what is not told yet when the page is left, and nothing afterwards", () => {
  slide(range("z0"), 1);
  traverse.finish();
  expect(host.told).toHaveLength(1);
  slide(range("z0"), 2);
  traverse.dispose();
  vi.advanceTimersByTime(1000);
  expect(host.told).toHaveLength(1);
  expect(engine.wishes.size).toBe(0);
});

it("takes the room beside the sliders, as high as the window leaves it with what stands below", () => {
  sized(find(host, ".screens"), 524, 0);
  vi.stubGlobal("innerHeight", 2000);
  traverse.fit();
  const width = () => parseFloat(find(host, "canvas").style.width);
  expect(width()).toBe(128); // no picture is enlarged more than 64 times
  traverse.show({ ...DATA, about: "large", model: { ...MODEL, shape: [1, 50, 50] } } as never);
  traverse.fit();
  expect(width()).toBe(250);
  expect(find(host, ".sliders").style.maxHeight).toBe("1908px"); // 5 rem and a margin less
  vi.stubGlobal("innerHeight", 350);
  traverse.fit();
  expect(width()).toBe(150); // 11.5 rem and a margin less: 154
  sized(find(host, ".screens"), 308, 0);
  vi.stubGlobal("innerHeight", 2000);
  traverse.fit();
  expect(width()).toBe(150); // side by side on a phone, too
});
