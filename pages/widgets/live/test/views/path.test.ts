import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { PathData } from "../../built/payloads";
import { Path } from "../../src/views/path";
import { button, FakeEngine, type FakeHost, fakeHost, find, levels, MODEL, point, press, sized, slide, stillTime } from "../fakes"; // prettier-ignore

const DATA: PathData = {
  model: MODEL,
  about: "m a b",
  a: [0, 0],
  b: [1, -2],
  classes: null,
  path: "linear",
  pictures: ["data:,a", "data:,b"],
  fade: false,
  captions: ["Decoded", "Mixed"],
  label: "Place on the path from A to B",
  t: 0.5,
  share: 0.5,
  strip: { width: 2, height: 2, columns: 3, count: 3, gutter: 1 },
  stripShare: 0.2,
};

let engine: FakeEngine;
let host: FakeHost;
let path: Path;

beforeEach(() => {
  stillTime();
  engine = new FakeEngine();
  host = fakeHost(engine);
  path = new Path(host);
  path.show(DATA);
});
afterEach(() => vi.useRealTimers());

const range = () => find<HTMLInputElement>(host, "input[type=range]");
const output = () => find(host, "output").textContent;

it("decodes the place that Python says, and shows what comes", () => {
  expect(engine.loaded).toEqual([MODEL.decoder]);
  expect(engine.z(path)).toEqual([0.5, -1]);
  expect([range().value, output()]).toEqual(["0.5", "t = 0.50"]);
  expect(range().getAttribute("aria-label")).toBe("Place on the path from A to B");
  expect(range().getAttribute("aria-valuetext")).toBe("0.50 of the way from A to B");
  engine.answer(path, 9);
  expect(levels(find<HTMLCanvasElement>(host, "canvas"))).toEqual({ "0,0": 9 });
});

it("goes over the sphere where the path says so", () => {
  path.show({ ...DATA, about: "other", a: [1, 0], b: [0, 1], path: "spherical" });
  const middle = Number(Math.SQRT1_2.toFixed(4));
  expect(engine.z(path)).toEqual([middle, middle]);
});

it("mixes the classes with the pictures", () => {
  path.show({ ...DATA, about: "other", classes: [[1, 0], [0, 1]], t: 0.25 } as never); // prettier-ignore
  expect([...engine.wishes.get(path)!.y!]).toEqual([0.75, 0.25]);
});

it("follows the slider, and tells where the slider was released", () => {
  slide(range(), 0.25);
  expect(engine.z(path)).toEqual([0.25, -0.5]);
  expect(host.told).toEqual([]);
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([["t", 0.25]]);
});

it("moves by arrow keys and tells once, when they rest", () => {
  for (const key of ["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowRight"]) {
    expect(press(range(), key).defaultPrevented).toBe(true);
  }
  expect(output()).toBe("t = 0.54");
  expect(press(range(), "Tab").defaultPrevented).toBe(false);
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([["t", 0.54]]);
});

it("follows the hand over a picture", () => {
  const canvas = find<HTMLCanvasElement>(host, "canvas");
  sized(canvas, 200, 200);
  point(canvas, "move", 20, 5);
  expect(output()).toBe("t = 0.50");
  point(canvas, "down", 150, 5, { button: 2 });
  expect(output()).toBe("t = 0.50");
  point(canvas, "down", 150, 5);
  point(canvas, "move", 50, 5);
  expect(engine.z(path)).toEqual([0.25, -0.5]);
  point(canvas, "up", 50, 5);
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([["t", 0.25]]);
});

it("plays there and back, and tells where it stopped", () => {
  const play = button(host, "Play");
  play.click();
  vi.advanceTimersByTime(1000);
  expect(Number(range().value)).toBeCloseTo(0.5 + 1 / 3, 1);
  vi.advanceTimersByTime(1000);
  expect(Number(range().value)).toBeCloseTo(1 - (0.5 + 2 / 3 - 1), 1);
  expect(host.told).toEqual([]);
  play.click();
  expect(host.told).toEqual([["t", Number(range().value)]]);
});

it("plays backwards first with Shift, and with the space bar", () => {
  press(range(), " ", { shiftKey: true });
  vi.advanceTimersByTime(600);
  expect(Number(range().value)).toBeCloseTo(0.3, 1);
  press(range(), " ");
  expect(host.told).toHaveLength(1);
});

it("gives way to the hand, and to what Python says anew", () => {
  button(host, "Play").click();
  vi.advanceTimersByTime(100);
  slide(range(), 0.1);
  expect(button(host, "Play")).toBeTruthy();
  path.show({ ...DATA, t: 0.9 });
  expect(engine.z(path)).toEqual([0.9, -1.8]);
});

it("takes no echo of its own for news", () => {
  slide(range(), 0.25);
  vi.advanceTimersByTime(300);
  host.settled = false;
  path.show({ ...DATA, t: 0.5 }); // said before Python heard
  expect(output()).toBe("t = 0.25");
});

it("tells what is not told yet when something else is pressed, and nothing once it is gone", () => {
  slide(range(), 0.25);
  path.finish();
  path.finish();
  expect(host.told).toEqual([["t", 0.25]]);
  slide(range(), 0.75);
  path.dispose();
  vi.advanceTimersByTime(1000);
  expect(host.told).toHaveLength(1);
  expect(engine.wishes.size).toBe(0);
});

const LARGE = { model: { ...MODEL, shape: [1, 50, 50] as [1, 50, 50] }, about: "large", fade: true };
const widths = (window: number, high: number) => {
  vi.stubGlobal("innerHeight", high);
  sized(host.root, window, 0);
  path.fit();
  return [...host.root.querySelectorAll("canvas")].map(({ style }) => style.width);
};

it("shows the cross-fade where it is asked for, as large as the picture, beside it", () => {
  const mixed = host.root.querySelectorAll("figure")[1];
  expect(mixed.hidden).toBe(true);
  path.show({ ...DATA, ...LARGE });
  expect(mixed.hidden).toBe(false);
  expect(widths(524, 2000)).toEqual(["250px", "250px"]);
});

it("has a picture as wide as a phone, and the cross-fade below the slider", () => {
  path.show({ ...DATA, ...LARGE });
  expect(widths(400, 2000)).toEqual(["400px", "200px"]);
  expect(find(host, ".path").className).toBe("path narrow");
});

it("leaves room in the window for the strip of steps", () => {
  path.show({ ...DATA, ...LARGE });
  expect(widths(1000, 500)).toEqual(["300px", "300px"]); // 500 - 100 of the strip - 76 of words and margins
  path.show({ ...DATA, ...LARGE, strip: { ...DATA.strip, width: 500, height: 500 } }); // which shows no whole picture
  expect(widths(1000, 500)).toEqual(["400px", "400px"]);
});
