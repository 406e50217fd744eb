import type { MapData } from "../../../built/payloads";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PointMap } from "../../../src/views/map/map";
import { button, FakeEngine, type FakeHost, fakeHost, find, levels, MODEL, penOf, point, press, sized, slide, stillTime } from "../../fakes"; // prettier-ignore

const COORDS = [0, 0, 10, 0, 0, 10, 10, 10];
const MEANS = [0, 0, 1, 2, 3, 4, 5, 6];
const DATA: MapData = {
  model: MODEL,
  key: "pca",
  points: "live/facts",
  means: "live/means",
  count: 4,
  linear: true,
  equal: false,
  axes: ["PC 1 (50 %)", "PC 2 (20 %)"],
  names: ["cat", "dog"],
  unit: "nats",
  size: 6,
  share: 0.6,
  alt: "Map of 4 pictures",
  marks: [],
  chosen: [],
  labels: [],
  legend: [{ text: "cat", ground: "red" }],
  scale: null,
  tool: "Look",
  residual: false,
  thumbs: false,
  shade: false,
  lit: -1,
  ties: [],
};

/** The file of facts: coordinates, error, KL, row, label, class, paint, and the basis of a linear map. */
function facts(linear: boolean): ArrayBuffer {
  const numbers = [...COORDS, 1, 2, 3, 4, 0.5, NaN, 0.5, 0.5];
  const whole = [100, 101, 102, 103, 0, 1, 0, 5, -1, 1, 0, 0];
  const paint = Array<number>(4).fill(0);
  const order = [2, 0, 1, 3];
  const basis = linear ? [0, 0, 1, 0, 0, 1] : []; // z is the place itself
  return Uint8Array.of(
    ...[Float32Array.from(numbers), Int32Array.from([...whole, ...paint, ...order]), Float32Array.from(basis)].flatMap(
      ({ buffer }) => [...new Uint8Array(buffer)],
    ),
  ).buffer;
}

let engine: FakeEngine;
let host: FakeHost;
let map: PointMap;

const show = async (more: Partial<MapData> = {}) => {
  map.show({ ...DATA, ...more });
  await vi.advanceTimersByTimeAsync(40);
};

beforeEach(async () => {
  stillTime();
  vi.stubGlobal("fetch", (url: string) => {
    const name = url.split("/").at(-1)!;
    if (name === "none") return Promise.resolve(new Response("", { status: 410 }));
    return Promise.resolve(new Response(name === "means" ? Float32Array.from(MEANS) : facts(name === "facts")));
  });
  engine = new FakeEngine();
  host = fakeHost(engine);
  map = new PointMap(host);
  sized(find(host, ".plot"), 437, 368); // 400 x 300 for the points, each unit 36 x 27
  await show();
});
afterEach(() => vi.useRealTimers());

const canvas = () => find(host, "canvas.above");
const at = (x: number, y: number): [number, number] => [36 + 20 + 36 * x, 24 + 300 - 15 - 27 * y];
const captions = () => [...host.root.querySelectorAll("figcaption")].map(({ textContent }) => textContent);
const under = () => engine.z([...engine.wishes.keys()][0]);
const beside = () => engine.z([...engine.wishes.keys()][1]);
const told = () => host.told.map(([name, value]) => [name, name === "selected" ? (value as { rows: number[] }).rows : value]); // prettier-ignore
const click = (x: number, y: number, more = {}) => {
  point(canvas(), "down", ...at(x, y), more);
  point(canvas(), "up", ...at(x, y), more);
  vi.advanceTimersByTime(300);
};
const drag = (...places: [number, number][]) => {
  point(canvas(), "down", ...at(...places[0]));
  for (const place of places.slice(1)) point(canvas(), "move", ...at(...place));
  point(canvas(), "up", ...at(...places.at(-1)!));
  vi.advanceTimersByTime(300);
};

it("decodes what lies under the pointer, between the points as well, and the nearest point beside it", () => {
  point(canvas(), "move", ...at(9, 2));
  expect(under()).toEqual([9, 2]);
  expect(beside()).toEqual([1, 2]);
  expect(captions()[0]).toBe("Under the pointer: PC 9.00, PC 2.00");
  expect(captions()[1]).toBe("Nearest point: picture 101 (dog), distance 2.24 on the map, error 2.0 nats");
  engine.answer([...engine.wishes.keys()][0], 9);
  expect(levels(find<HTMLCanvasElement>(host, ".lens canvas"))["0,0"]).toBe(9);
});

it("looks at the one picture that Python says is chosen, until the pointer moves on, and at none of several", async () => {
  await show({ chosen: [2] });
  expect(under()).toEqual([0, 10]);
  expect(captions()[1]).toMatch(/^Nearest point: picture 102 \(cat\), distance 0.00/);
  point(canvas(), "move", ...at(9, 2));
  await show({ chosen: [2] });
  await show({ chosen: [0, 3] });
  expect(under()).toEqual([9, 2]);
  await show({ chosen: [1], key: "tsne", points: "live/flat", linear: false }); // as a link does
  expect(under()).toEqual([1, 2]);
});

it("keeps within the map", () => {
  point(canvas(), "move", 5000, -5000);
  expect(under()[0]).toBeCloseTo(10.55, 1);
});

it("shows the nearest point where a map has no inverse, and says so", async () => {
  await show({ key: "tsne", points: "live/flat", linear: false });
  point(canvas(), "move", ...at(9, 9));
  expect(under()).toEqual([5, 6]);
  expect(captions()[0]).toBe("Nearest point: picture 103 (5), error 4.0 nats, KL 0.5 nats");
  expect(find(host, ".note").textContent).toMatch(/no inverse/);
  expect(find(host, ".beside").hidden).toBe(true);
});

it("carries the nearest point's residual on request, and tells so", async () => {
  await show({ model: { ...MODEL, dim: 2 } });
  const residual = find<HTMLInputElement>(host, "input[type=checkbox]");
  point(canvas(), "move", ...at(9, 2));
  residual.checked = true;
  residual.dispatchEvent(new Event("change"));
  expect(under()).toEqual([0, 4]); // its mean (1, 2), moved by (-1, 2)
  expect(host.told).toEqual([["set", { tool: "Look", residual: true }]]);
});

it("chooses a point that is pressed, once it is no double press, and none beside them", () => {
  click(10, 10);
  click(5, 5);
  expect(told()).toEqual([["selected", [3]], ["selected", []]]); // prettier-ignore
  expect(host.told[0][1]).toMatchObject({ of: "pca" });
});

it("means a point from farther away with a finger", () => {
  click(9.4, 10);
  click(9.4, 10, { pointerType: "touch" });
  expect(told()).toEqual([["selected", []], ["selected", [3]]]); // prettier-ignore
});

it("shows the whole map at a double press, and chooses nothing", () => {
  press(canvas(), "+");
  point(canvas(), "down", ...at(0, 0));
  point(canvas(), "up", ...at(0, 0));
  canvas().dispatchEvent(new MouseEvent("dblclick"));
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([]);
  point(canvas(), "move", ...at(9, 2));
  expect(under()).toEqual([9, 2]);
});

it("plays the way from point to point, there and back, and gives way to the hand", () => {
  drag([0, 0], [5, 0], [10, 0]);
  expect(find(host, ".path").hidden).toBe(false);
  expect(button(host, "Pause")).toBeTruthy();
  vi.advanceTimersByTime(1700);
  expect(captions()[0]).toMatch(/^\d+ % of the way from picture 100 \(cat\) to picture 101 \(dog\)$/);
  expect(under()[1]).toBeCloseTo(2 * under()[0]);
  expect(under()[0]).toBeCloseTo(0.5, 1);
  point(canvas(), "move", ...at(9, 9)); // while it plays, the pointer rests
  expect(under()[0]).toBeCloseTo(0.5, 1);
  const share = find<HTMLInputElement>(host, ".path input");
  slide(share, 0.25);
  expect(under()).toEqual([0.25, 0.5]);
  vi.advanceTimersByTime(1000);
  expect(under()).toEqual([0.25, 0.5]);
  button(host, "Play").click();
  vi.advanceTimersByTime(400);
  expect(under()[0]).toBeGreaterThan(0.3);
  press(canvas(), "Escape");
  expect(find(host, ".path").hidden).toBe(true);
});

it("stands at the beginning of a path for those who want things to stand still", () => {
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  drag([0, 0], [5, 0], [10, 0]);
  expect(under()).toEqual([0, 0]);
  expect(button(host, "Play")).toBeTruthy();
});

it("decodes a point as its own class, and as all evenly where none is known", async () => {
  await show({ model: { ...MODEL, classes: 2 } });
  const y = () => [...engine.wishes.values()][0].y!;
  point(canvas(), "move", ...at(10, 0));
  expect([...y()]).toEqual([0, 1]);
  point(canvas(), "move", ...at(0, 0));
  expect([...y()]).toEqual([0.5, 0.5]);
});

it("tells the tool that is taken, and takes the one that Python says", async () => {
  button(host, "Lasso").click();
  expect(host.told).toEqual([["set", { tool: "Lasso", residual: false }]]);
  expect(button(host, "Lasso").getAttribute("aria-pressed")).toBe("true");
  await show({ tool: "Move" });
  expect(button(host, "Move").getAttribute("aria-pressed")).toBe("true");
  expect(canvas().dataset.tool).toBe("Move");
});

it("chooses what lies in a box, and in what is drawn around", async () => {
  await show({ tool: "Box" });
  drag([-0.4, -0.4], [10.4, 5]);
  await show({ tool: "Lasso" });
  drag([-0.4, -0.4], [0.5, -0.4], [0.5, 10.4], [-0.4, 10.4]);
  expect(told()).toEqual([["selected", [0, 1]], ["selected", [0, 2]]]); // prettier-ignore
});

it("draws the box while the hand draws it, and the pointer else", async () => {
  await show({ tool: "Box" });
  const paths = () => penOf(canvas() as HTMLCanvasElement).drawn.filter(({ kind }) => kind === "stroke");
  point(canvas(), "down", ...at(0, 0));
  point(canvas(), "move", ...at(5, 5));
  expect(paths()).toHaveLength(1);
  expect(paths()[0].path[0]).toEqual(at(0, 0));
  expect(paths()[0].path[2].map(Math.round)).toEqual(at(5, 5));
  point(canvas(), "up", ...at(5, 5));
  expect(paths().length).toBeGreaterThan(1);
});

it("moves with the hand, and tells nothing", async () => {
  await show({ tool: "Move" });
  drag([0, 0], [1, 1]);
  expect(host.told).toEqual([]);
  await show({ tool: "Look" });
  point(canvas(), "move", ...at(5, 5));
  expect(under()).toEqual([4, 4]);
});

it("finds a path with two presses of its tool, or two of Enter", async () => {
  await show({ tool: "Path" });
  click(0, 1);
  click(10, 9);
  expect(captions()[0]).toContain("from picture 100 (cat) to picture 103 (5)");
  press(canvas(), "Escape");
  point(canvas(), "move", ...at(10, 0));
  press(canvas(), "Enter");
  point(canvas(), "move", ...at(0, 10));
  press(canvas(), "Enter");
  vi.advanceTimersByTime(100);
  expect(captions()[0]).toContain("from picture 101 (dog) to picture 102 (cat)");
  expect(host.told).toEqual([]);
});

it("moves the pointer by arrow keys, finely with Shift, and reads out what lies there", () => {
  point(canvas(), "move", ...at(5, 5));
  press(canvas(), "ArrowRight");
  press(canvas(), "ArrowUp", { shiftKey: true });
  expect(under()).toEqual([5 + 10 / 36, 5 + 1 / 27].map((value) => Number(value.toFixed(4))));
  const caption = find(host, ".seen figcaption");
  expect(caption.getAttribute("aria-live")).toBe("polite");
  press(canvas(), "Enter");
  expect(told()).toEqual([["selected", [3]]]);
  point(canvas(), "move", ...at(5, 5));
  expect(caption.getAttribute("aria-live")).toBe("off");
});

it("leaves keys alone that are the browser's", () => {
  expect(press(canvas(), "ArrowRight", { ctrlKey: true }).defaultPrevented).toBe(false);
  expect(press(canvas(), "Tab").defaultPrevented).toBe(false);
  expect(press(canvas(), "0").defaultPrevented).toBe(true);
});

it("enlarges with the wheel, and lets the page scroll where the whole map is in sight", () => {
  const turn = (deltaY: number) => {
    const event = new WheelEvent("wheel", { deltaY, cancelable: true });
    Object.defineProperties(event, { offsetX: { value: at(0, 0)[0] }, offsetY: { value: at(0, 0)[1] } });
    canvas().dispatchEvent(event);
    return event.defaultPrevented;
  };
  expect(turn(100)).toBe(false);
  expect(turn(-462)).toBe(true); // twice as large
  point(canvas(), "move", ...at(10, 10));
  expect(under().map((value) => Math.round(10 * value) / 10)).toEqual([5, 5]);
  expect(turn(100)).toBe(true);
});

it("enlarges between two fingers, whatever the tool, and chooses nothing", async () => {
  await show({ tool: "Lasso" });
  const finger = (id: number) => ({ pointerId: id, pointerType: "touch" });
  point(canvas(), "down", ...at(4, 5), finger(1));
  point(canvas(), "down", ...at(6, 5), finger(2));
  point(canvas(), "move", ...at(8, 5), finger(2));
  point(canvas(), "up", ...at(4, 5), finger(1));
  point(canvas(), "up", ...at(8, 5), finger(2));
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([]);
  point(canvas(), "move", ...at(6, 5));
  expect(under()[0]).toBeCloseTo(5, 1);
  point(canvas(), "move", ...at(10, 5));
  expect(under()[0]).toBeCloseTo(7, 1);
});

it("explains its colours by classes or by a scale", async () => {
  const legend = find(host, ".legend");
  expect([legend.textContent, legend.hidden]).toEqual(["cat", false]);
  await show({ legend: [], scale: { title: "KL, nats", ends: [-1.23456, 30], colours: ["black", "white"] } });
  expect(legend.textContent).toBe("KL, nats: \u22121.2330");
  expect(legend.hidden).toBe(false);
  await show({ legend: [] });
  expect(legend.hidden).toBe(true);
});

it("begins nothing where the browser takes the hand's movement for its own", () => {
  point(canvas(), "down", ...at(0, 0));
  point(canvas(), "cancel", ...at(5, 0));
  point(canvas(), "up", ...at(10, 0));
  vi.advanceTimersByTime(300);
  expect([find(host, ".path").hidden, host.told]).toEqual([true, []]);
  point(canvas(), "down", ...at(0, 0)); // one finger is not taken for a second
  point(canvas(), "move", ...at(5, 0));
  expect(under()).toEqual([5, 0]);
});

it("says so where the points are not available, and asks anew with the next word", async () => {
  await show({ key: "gone", points: "live/none" });
  expect(host.failed).toEqual(["the points are not available (410)"]);
  point(canvas(), "move", ...at(5, 5));
  await show({ key: "gone", points: "live/facts" });
  point(canvas(), "move", ...at(5, 5));
  expect(under()).toEqual([5, 5]);
});

it("has points decoded that stand for a small picture, those of the class that stands out alone", async () => {
  const thumbs = () => engine.z([...engine.wishes.keys()][2]);
  sized(find(host, ".plot"), 437, 468); // pictures at the edge are not cut
  await show({ thumbs: true });
  expect(thumbs()).toEqual([3, 4, 0, 0, 1, 2, 5, 6]); // the most typical first
  engine.answer([...engine.wishes.keys()][2]);
  await show({ thumbs: true, lit: 1, key: "pca" });
  const drawn = penOf(find<HTMLCanvasElement>(host, ".plot > canvas")).drawn;
  expect(drawn.filter(({ kind }) => kind === "drawImage")).toHaveLength(1); // the dog
  expect(drawn.filter(({ alpha }) => alpha === 0.25)).toHaveLength(3);
});

it("waits quietly for other points, whatever the hand does and however the window grows", async () => {
  await show({ thumbs: true });
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  await show({ thumbs: true, key: "another model's" });
  sized(find(host, ".plot"), 500, 500);
  point(canvas(), "move", ...at(9, 2));
  canvas().dispatchEvent(Object.assign(new WheelEvent("wheel", { deltaY: -462 }), {}));
  await vi.advanceTimersByTimeAsync(400);
  expect(told()).toEqual([]);
});

it("means a point from as far away as its small picture reaches", async () => {
  sized(find(host, ".plot"), 437, 468);
  await show({ thumbs: true });
  engine.answer([...engine.wishes.keys()][2]);
  await vi.advanceTimersByTimeAsync(40);
  for (const kind of ["down", "up"]) point(canvas(), kind, 56 + 14, 24 + 380 - 14);
  vi.advanceTimersByTime(300);
  expect(told()).toEqual([["selected", [0]]]);
});

it("ties a picture to the points nearest to it", async () => {
  await show({ ties: [{ x: 5, y: 5, rows: [0, 3] }] });
  const strokes = penOf(canvas() as HTMLCanvasElement).drawn.filter(({ kind }) => kind === "stroke");
  const lines = strokes.slice(0, 2).map(({ path }) => path.map((place) => place.map(Math.round)));
  expect(lines).toEqual([[at(5, 5), at(0, 0)], [at(5, 5), at(10, 10)]]); // prettier-ignore
});

it("has the large picture where fewest points are, and out of the pointer's way", async () => {
  const lens = find(host, ".lens");
  Object.defineProperties(lens, { offsetWidth: { value: 60 }, offsetHeight: { value: 60 } });
  const corner = () => [lens.style.left, lens.style.top].map(parseFloat);
  map.fit();
  expect(corner()).toEqual([36 + 400 - 60 - 8, 24 + 8]); // one point in each corner
  point(canvas(), "move", ...at(9, 9));
  expect(corner()).toEqual([368, 24 + 300 - 60 - 8]);
  point(canvas(), "move", ...at(9, 1));
  expect(corner()).toEqual([368, 32]);
  point(canvas(), "move", ...at(1, 9)); // it stays
  expect(corner()).toEqual([368, 32]);
  await show({ labels: [{ text: "dog", x: 10, y: 10, move: 0, ground: "red", ink: "white" }] });
  map.fit();
  expect(corner()).toEqual([368, 256]);
});

it("decodes places of a linear map where encodings are too large for a browser, and nothing on another", async () => {
  await show({ key: "large", means: "" });
  point(canvas(), "move", ...at(9, 2));
  expect(under()).toEqual([9, 2]);
  expect(beside()).toEqual([10, 0]); // what the map holds of the nearest point
  expect(find(host, ".carry").hidden).toBe(true);
  engine.decodes = 0;
  await show({ key: "flat", means: "", points: "live/flat", linear: false });
  point(canvas(), "move", ...at(9, 9));
  drag([0, 0], [5, 0], [10, 0]);
  expect(engine.decodes).toBe(0);
  press(canvas(), "Escape");
  expect(find(host, ".note").textContent).toMatch(/too large for a browser/);
});

it("forgets what it wanted when its page is left", () => {
  point(canvas(), "move", ...at(5, 5));
  map.dispose();
  expect(engine.wishes.size).toBe(0);
});
