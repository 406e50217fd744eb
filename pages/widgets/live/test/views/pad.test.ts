import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { PadData } from "../../built/payloads";
import { Pad } from "../../src/views/pad";
import { button, FakeEngine, type FakeHost, fakeHost, find, levels, MODEL, point, press, sized, stillTime } from "../fakes"; // prettier-ignore

const FOUR: PadData = {
  model: MODEL,
  about: "m a b c d",
  names: ["A", "B", "C", "D"],
  corners: [[0, 0], [4, 0], [0, 8], [4, 8]], // prettier-ignore
  classes: null,
  caption: "Decoded",
  at: [0.25, 0.5],
  share: 0.5,
  rest: 0,
};

let engine: FakeEngine;
let host: FakeHost;
let pad: Pad;

beforeEach(() => {
  stillTime();
  engine = new FakeEngine();
  host = fakeHost(engine);
  pad = new Pad(host);
  pad.show(FOUR);
});
afterEach(() => vi.useRealTimers());

const plane = () => find(host, ".plane");
const weights = () => [...host.root.querySelectorAll(".share span")].map(({ textContent }) => textContent);

it("decodes what lies between its corners, and says how much each weighs", () => {
  expect(engine.z(pad)).toEqual([1, 4]);
  expect(weights()).toEqual(["0.38", "0.13", "0.38", "0.13"]);
  expect(plane().getAttribute("aria-valuetext")).toBe("A 0.38, B 0.13, C 0.38, D 0.13");
  expect(find(host, ".handle").style.left).toBe("25%");
});

it("shows the picture of each corner", () => {
  const who = [...engine.wishes.keys()].find((each) => each !== pad)!;
  expect(engine.wishes.get(who)!.rows).toBe(4);
  expect(engine.z(who)).toEqual([0, 0, 4, 0, 0, 8, 4, 8]);
  engine.answer(who, 9);
  const corners = [...host.root.querySelectorAll<HTMLCanvasElement>(".corner canvas")];
  expect(corners.map((canvas) => levels(canvas)["0,0"])).toEqual([9, 9, 9, 9]);
});

it("follows the hand, and tells where it let go", () => {
  sized(plane(), 100, 100);
  point(plane(), "move", 50, 50);
  expect(engine.z(pad)).toEqual([1, 4]);
  point(plane(), "down", 50, 25);
  expect(engine.z(pad)).toEqual([2, 2]);
  point(plane(), "move", 75, 25);
  expect(engine.z(pad)).toEqual([3, 2]);
  point(plane(), "move", 900, -900);
  expect(engine.z(pad)).toEqual([4, 0]);
  expect(host.told).toEqual([]);
  point(plane(), "up", 75, 25);
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([["at", [1, 0]]]);
});

it("moves by arrow keys, five times as far with Shift", () => {
  press(plane(), "ArrowRight");
  press(plane(), "ArrowUp", { shiftKey: true });
  expect(find(host, ".handle").style.left).toBe("27%");
  expect(find(host, ".handle").style.top).toBe("40%");
  expect(press(plane(), "a").defaultPrevented).toBe(false);
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([["at", [0.27, 0.4]]]);
});

it("goes to a corner, and to where all weigh the same, at once", () => {
  find(host, ".corner.b").click();
  expect(engine.z(pad)).toEqual([4, 0]);
  button(host, "Centre").click();
  expect(engine.z(pad)).toEqual([2, 4]);
  find(host, ".corner.c").click();
  plane().dispatchEvent(new MouseEvent("dblclick"));
  expect(host.told.map(([, at]) => at)).toEqual([[1, 0], [0.5, 0.5], [0, 1], [0.5, 0.5]]); // prettier-ignore
});

it("walks around its corners from where the handle stands, and tells where it stopped", () => {
  press(plane(), " ");
  const seen = new Set<string>();
  for (let i = 0; i < 24; i++) {
    vi.advanceTimersByTime(1000);
    seen.add(
      weights()
        .findIndex((weight) => Number(weight) > 0.7)
        .toString(),
    );
  }
  expect([...seen].sort()).toEqual(expect.arrayContaining(["0", "1", "2", "3"]));
  expect(host.told).toEqual([]);
  button(host, "Pause").click();
  expect(host.told).toHaveLength(1);
});

it("gives way to what Python says", () => {
  button(host, "Play").click();
  pad.show({ ...FOUR, at: [1, 1] } as never);
  expect(engine.z(pad)).toEqual([4, 8]);
  vi.advanceTimersByTime(1000);
  expect(engine.z(pad)).toEqual([4, 8]);
  expect(host.told).toEqual([]);
});

it("is a triangle for three, out of which the handle does not come", () => {
  const three = {
    ...FOUR,
    about: "m a b c",
    names: ["A", "B", "C"],
    corners: FOUR.corners.slice(0, 3),
    at: [0.5, 0.5],
  };
  pad.show(three as never);
  expect(find(host, ".frame").className).toBe("frame three");
  expect(host.root.querySelectorAll(".corner")).toHaveLength(3);
  sized(plane(), 100, 100);
  point(plane(), "down", 0, 100);
  const shares = weights().map(Number);
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 1);
});

it("mixes the classes too", () => {
  const classes = [[1, 0], [0, 1], [1, 0], [0, 1]]; // prettier-ignore
  pad.show({ ...FOUR, about: "conditional", classes });
  expect([...engine.wishes.get(pad)!.y!]).toEqual([0.75, 0.25]);
});

it("tells what is not told yet when the page is left, and forgets what it wanted", () => {
  press(plane(), "ArrowRight");
  pad.finish();
  expect(host.told).toHaveLength(1);
  pad.dispose();
  expect(engine.wishes.size).toBe(0);
});

it.each([
  [1000, 2000, "488px", "pad"], // half of the width
  [1000, 400, "244px", "pad"], // the height less pictures at corners above and below
  [300, 2000, "300px", "pad narrow"],
])("takes the room that there is: %d wide, %d high", (wide, high, side, name) => {
  sized(find(host, ".pad"), wide, 0);
  vi.stubGlobal("innerHeight", high);
  pad.fit();
  expect([plane().style.width, find(host, ".pad").className]).toEqual([side, name]);
});
