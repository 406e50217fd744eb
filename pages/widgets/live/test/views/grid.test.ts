import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { GridData } from "../../built/payloads";
import { drawsAt, Grid } from "../../src/views/grid";
import { button, click, FakeEngine, type FakeHost, fakeHost, find, levels, MODEL, sized, slide, stillTime } from "../fakes"; // prettier-ignore

const DATA: GridData = {
  model: { ...MODEL, dim: 1 },
  windows: [{ points: "live/points/near", first: 3, seeds: 2 }],
  count: 2,
  columns: 2,
  gutter: 1,
  y: null,
  moves: true,
  temperature: 0.5,
  hottest: 2,
  help: "It scales.",
  seed: 3,
  seeded: true,
  last: 99,
  rows: ["first row"],
  edge: null,
  chosen: -1,
  alt: "2 draws",
  share: 0.5,
};
// (seeds, base and slope, count x D)
const POINTS: Record<string, number[]> = {
  near: [0, 1, 2, 2, /* seed 4 */ 10, 11, 4, 4],
  wide: [...Array(8).fill(7), 0, 1, 2, 2],
};

let engine: FakeEngine;
let host: FakeHost;
let grid: Grid;

const settle = () => vi.advanceTimersByTimeAsync(0);
const show = async (more: Partial<GridData> = {}) => {
  grid.show({ ...DATA, ...more });
  await settle();
};

beforeEach(async () => {
  stillTime();
  vi.stubGlobal("fetch", (url: string) => {
    const numbers = POINTS[url.split("/").at(-1)!];
    return Promise.resolve(numbers ? new Response(Float32Array.from(numbers)) : new Response("", { status: 404 }));
  });
  engine = new FakeEngine();
  host = fakeHost(engine);
  grid = new Grid(host);
  await show();
});
afterEach(() => vi.useRealTimers());

const heat = () => find<HTMLInputElement>(host, "[aria-label=Temperature]");
const seed = () => find<HTMLInputElement>(host, "[aria-label=Seed]");
const typed = (name: string) => find<HTMLInputElement>(host, `[aria-label="Value of the ${name}"]`);
const type = (name: string, text: string) => {
  typed(name).value = text;
  typed(name).dispatchEvent(new Event("change"));
};

it("says what the temperature does where the pointer rests on it", () => {
  expect(heat().closest<HTMLElement>("[title='It scales.']")).not.toBeNull();
});

it("finds the draws of a seed at a temperature", () => {
  const points = Float32Array.from([0, 0, 0, 0, /* seed 1 */ 10, 20, 1, 2]);
  expect([...drawsAt(points, 1, 2, 0.5)]).toEqual([10.5, 21]);
});

it("decodes all draws of the seed at the temperature, and shows each in its place", () => {
  expect(engine.z(grid)).toEqual([1, 2]);
  engine.answer(grid, 9);
  expect(levels(find<HTMLCanvasElement>(host, "canvas"))).toEqual({ "1,1": 9, "4,1": 9 });
});

it("follows temperature and seed, and tells where the slider was released", async () => {
  slide(heat(), 1, false);
  expect(engine.z(grid)).toEqual([2, 3]);
  slide(seed(), 4);
  expect(engine.z(grid)).toEqual([14, 15]);
  expect([typed("temperature").value, typed("seed").value]).toEqual(["1.00", "4"]);
  expect(host.told).toEqual([]);
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([["knobs", { temperature: 1, seed: 4 }]]);
});

it("takes numbers within their ends, at once; one that is none is where it began", () => {
  type("temperature", "99");
  type("temperature", "");
  type("seed", "1000");
  type("seed", "");
  expect(host.told.map(([, knobs]) => knobs)).toEqual([
    { temperature: 2, seed: 3 },
    { temperature: 1, seed: 3 },
    { temperature: 1, seed: 99 },
    { temperature: 1, seed: 0 },
  ]);
});

it("draws anew with the next seed, and begins again after the last", async () => {
  button(host, "New draw").click();
  expect(host.told).toEqual([["knobs", { temperature: 0.5, seed: 4 }]]);
  await show({ seed: 99 });
  button(host, "New draw").click();
  expect(host.told.at(-1)).toEqual(["knobs", { temperature: 0.5, seed: 0 }]);
});

it("waits for a wider window where the nearer has not the seed that is asked for", async () => {
  const before = engine.decodes;
  const wide = { points: "live/points/wide", first: 1, seeds: 3 };
  await show({ seed: 2, temperature: 1, windows: [DATA.windows[0], wide] });
  expect(engine.decodes).toBe(before + 1);
  expect(engine.z(grid)).toEqual([14, 14]);
  slide(seed(), 3);
  expect(engine.z(grid)).toEqual([2, 3]);
});

it("says so where the points are not available, and asks for them anew with the next word", async () => {
  await show({ windows: [{ points: "live/points/none", first: 0, seeds: 1 }] });
  expect(host.failed).toEqual(["the points are not available (404)"]);
  await show({ windows: [{ points: "live/points/none", first: 0, seeds: 1 }] });
  expect(host.failed).toHaveLength(2);
});

it("hides the seed where nothing is drawn at random, and says where the pictures only follow later", async () => {
  await show({ seeded: false, moves: false });
  expect(seed().closest<HTMLElement>(".slide")!.hidden).toBe(true);
  expect(find(host, ".grid > small").textContent).toMatch(
    /^The pictures follow a temperature when you release the slider/,
  );
});

it("names its rows, and the ends of a plane, which grow with the temperature", async () => {
  expect(find(host, ".rows").textContent).toBe("first row");
  await show({ edge: 3 });
  expect(find(host, ".below").textContent).toBe("-1.50z0 →1.50");
  slide(heat(), 2);
  expect(find(host, ".rows").textContent).toBe("6.00z1 ↑-6.00");
});

it("has more columns where the pictures are larger then, and asks for them anew; but not where rows have names", async () => {
  vi.stubGlobal("innerHeight", 90);
  sized(host.root, 400, 0);
  await show({ count: 6 });
  const canvas = find<HTMLCanvasElement>(host, "canvas");
  expect(canvas.width).toBe(7);
  await show({ count: 6, rows: [] });
  expect([canvas.width, canvas.height]).toEqual([19, 4]);
  const before = engine.decodes;
  grid.fit();
  expect(engine.decodes).toBe(before);
  vi.stubGlobal("innerHeight", 900);
  sized(host.root, 40, 0);
  grid.fit();
  expect([canvas.width, engine.decodes]).toEqual([7, before + 1]);
});

it("marks the picture that is chosen, and tells which one is pressed", async () => {
  expect(find(host, ".mark").hidden).toBe(true);
  await show({ chosen: 1 });
  expect(find(host, ".mark").hidden).toBe(false);
  click(find(host, "canvas"), 50, 20, [70, 40]);
  expect(host.told).toEqual([["picked", 1]]);
});

it("gives each picture its class", async () => {
  await show({ y: [1, 0, 0, 1] });
  expect([...engine.wishes.get(grid)!.y!]).toEqual([1, 0, 0, 1]);
});

it("tells what is not told yet when the page is left, and nothing afterwards", async () => {
  slide(heat(), 1);
  grid.finish();
  expect(host.told).toHaveLength(1);
  slide(heat(), 2);
  grid.dispose();
  vi.advanceTimersByTime(1000);
  expect(host.told).toHaveLength(1);
  expect(engine.wishes.size).toBe(0);
});
