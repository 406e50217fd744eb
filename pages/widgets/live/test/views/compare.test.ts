import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Wish } from "../../src/decode/protocol";
import type { CompareData } from "../../built/payloads";
import { Compare } from "../../src/views/compare";
import { button, FakeEngine, type FakeHost, fakeHost, find, levels, MODEL, sized, slide, stillTime } from "../fakes";

const column = (name: string, a: number[], b: number[]) => ({
  model: {
    ...MODEL,
    key: name,
    decoder: `live/file/${name}`,
  },
  name,
  a,
  b,
  ya: null,
  yb: null,
  rebuilt: ["data:,a", "data:,b"] as [string, string],
  facts: [`${name}: 3 nats`],
  whole: `${name}: 3 nats per image`,
});
const COLUMNS = [column("one", [0, 0], [1, 1]), column("two", [0, 10], [4, 10])];
const WAY: CompareData = { columns: COLUMNS, about: "a b", ends: ["data:,a", "data:,b"], share: 0.5, t: 0.5 };
const SLID: CompareData = {
  columns: COLUMNS,
  about: "a b",
  ends: ["data:,a", "data:,b"],
  share: 0.5,
  warning: "Axes do not correspond.",
  slides: [
    {
      key: "z1",
      note: " · 2 nats",
      low: -3,
      high: 3,
      start: 0,
      at: 0,
      kl: 2,
      active: false,
      index: 1,
      direction: null,
    },
  ],
  places: {},
};

let engine: FakeEngine;
let host: FakeHost;
let compare: Compare;

const show = (data: CompareData) => {
  engine = new FakeEngine();
  host = fakeHost(engine);
  compare = new Compare(host);
  compare.show(data);
};
beforeEach(stillTime);
afterEach(() => vi.useRealTimers());

const wish = (name: string): [object, Wish] => [...engine.wishes].find(([, each]) => each.model.key === name)!;
const z = (name: string) => engine.z(wish(name)[0]);
const answer = (name: string, level = 9) => engine.answer(wish(name)[0], level);
const now = (name: string) => levels(find<HTMLCanvasElement>(host, `section[aria-label="${name}"] canvas`))["0,0"];
const range = () => find<HTMLInputElement>(host, ".way input[type=range]");
const slider = () => find<HTMLInputElement>(host, ".same input[type=range]");

it("decodes the same place of the way for each model, and draws when all are there", () => {
  show(WAY);
  expect(engine.loaded).toEqual(["live/file/one", "live/file/two"]);
  expect([z("one"), z("two")]).toEqual([[0.5, 0.5], [2, 10]]); // prettier-ignore
  answer("one");
  expect(now("one")).toBeUndefined();
  answer("two", 5);
  expect([now("one"), now("two")]).toEqual([9, 5]);
  expect(find(host, "section").textContent).toContain("one: 3 nats");
});

it("has one picture of each model under way, and then that of where the hand is by now", () => {
  show(WAY);
  const before = engine.decodes;
  slide(range(), 0.1, false);
  slide(range(), 0.2, false);
  expect(engine.decodes).toBe(before);
  answer("one");
  answer("two");
  expect(engine.decodes).toBe(before + 2);
  expect(z("one")).toEqual([0.2, 0.2]);
});

it("follows one slider, and tells where the slider was released", () => {
  show(WAY);
  slide(range(), 0.25);
  expect(find(host, ".way output").textContent).toBe("t = 0.25");
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([["t", 0.25]]);
});

it("plays there and back, and tells where it stopped", () => {
  show(WAY);
  button(host, "Play").click();
  const places: number[] = [];
  for (let i = 0; i < 80; i++) {
    vi.advanceTimersByTime(100);
    places.push(Number(range().value));
  }
  expect([Math.max(...places), Math.min(...places)]).toEqual([1, 0]);
  button(host, "Stop").click();
  expect(host.told).toEqual([["t", Number(range().value)]]);
});

it("tells a model its classes on the way between them", () => {
  const told = { ...column("told", [0], [1]), ya: [1, 0], yb: [0, 1] };
  show({ ...WAY, columns: [told], t: 0.25 });
  expect([...wish("told")[1].y!]).toEqual([0.75, 0.25]);
});

it("puts the same z into all models, with its warning", () => {
  show(SLID);
  expect(find(host, ".warning").textContent).toBe("Axes do not correspond.");
  expect([find(host, ".way").hidden, find(host, ".same").hidden]).toEqual([true, false]);
  for (const name of ["one", "two"]) answer(name);
  slide(slider(), -1.5);
  expect([z("one"), z("two")]).toEqual([[0, -1.5], [0, -1.5]]); // prettier-ignore
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([["places", { z1: -1.5 }]]);
});

it("has numbers to type into, and puts all back", () => {
  show({ ...SLID, places: { z1: 2 } });
  const number = find<HTMLInputElement>(host, ".same input[type=number]");
  expect([number.value, button(host, "Reset all").disabled]).toEqual(["2.00", false]);
  number.value = "1";
  number.dispatchEvent(new Event("change"));
  button(host, "Reset all").click();
  expect(host.told).toEqual([["places", { z1: 1 }], ["places", { z1: null }]]); // prettier-ignore
  expect([slider().value, button(host, "Reset all").disabled]).toEqual(["0", true]);
});

it("changes from one movement to the other", () => {
  show(WAY);
  compare.show(SLID);
  expect([find(host, ".way").hidden, find(host, ".compare").className]).toEqual([true, "compare slid"]);
  expect(z("two")).toEqual([0, 0]);
  compare.show({ ...WAY, t: 1 });
  expect(find(host, ".warning").hidden).toBe(true);
  expect(z("two")).toEqual([4, 10]);
});

it("does not draw what comes for models that are no longer shown", () => {
  show(WAY);
  const [late] = wish("one");
  const old = engine.wishes.get(late)!;
  compare.show({ ...WAY, about: "others", columns: [column("three", [0, 0], [1, 1])] });
  old.onPixels(new Uint8ClampedArray(16).fill(1), 0, 1);
  answer("three", 5);
  expect([engine.wishes.has(late), now("three")]).toEqual([false, 5]);
});

it("tells what is not told yet when the page is left, and forgets what it wanted", () => {
  show(WAY);
  slide(range(), 0.25);
  compare.finish();
  expect(host.told).toEqual([["t", 0.25]]);
  compare.dispose();
  expect(engine.wishes.size).toBe(0);
});

it("puts models in as many rows as make their pictures largest, with the figures beside or below them", () => {
  const large = COLUMNS.map((each) => ({ ...each, model: { ...each.model, shape: [1, 50, 50] as [1, 50, 50] } }));
  const three = { ...WAY, about: "three", columns: [...large, { ...large[0], name: "three" }] };
  show(three);
  const columns = find(host, ".columns");
  const fitted = (width: number, high: number) => {
    vi.stubGlobal("innerHeight", high);
    sized(columns, width, 0);
    compare.fit();
    const canvases = columns.querySelectorAll<HTMLCanvasElement>(".row > figure canvas");
    return [columns.style.gridTemplateColumns[7], ...new Set([...canvases].map(({ style }) => style.width))];
  };
  expect(fitted(2000, 1000)).toEqual(["3", "650px"]);
  expect(fitted(648, 1000)).toEqual(["2", "250px"]); // 200 in one row
  expect(columns.className).toBe("columns");
  expect(fitted(300, 1000)).toEqual(["1", "300px"]); // a phone, on which one scrolls
  compare.show({ ...three, about: "four", columns: [...three.columns, { ...large[0], name: "four" }] });
  expect(fitted(640, 450)).toEqual(["2", "150px"]);
  expect(columns.className).toBe("columns beside");
});

it("says figures in short, and in full where the pointer rests on them", () => {
  show(WAY);
  expect(find(host, "ul").textContent).toBe("one: 3 nats");
  expect(find(host, "ul").title).toBe("one: 3 nats per image");
});
