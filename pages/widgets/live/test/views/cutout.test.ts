import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Cutout } from "../../src/views/cutout";
import type { CutoutData } from "../../built/payloads";
import { button, FakeEngine, type FakeHost, fakeHost, find, point, press, sized, slide, stillTime } from "../fakes";

const DATA: CutoutData = {
  photograph: "data:,photograph",
  alt: "Picture A as it was given",
  ink: "data:,ink",
  inkAlt: "Cut out for A",
  name: "A",
  crop: [0.4, 0.4, 0.6, 0.6],
  smallest: 0.01,
  turn: 0,
  turns: 45,
  threshold: 0.3,
  thresholds: [0.02, 0.98],
  doubts: "The ink touches the edge.",
  changed: false,
};

let host: FakeHost;
let view: Cutout;
const show = (more: Partial<CutoutData> = {}, settled = true) => {
  host.settled = settled;
  view.show({ ...DATA, ...more });
};
const frame = () => find(host, ".frame");
const photograph = () => find(host, ".photograph");
const picture = () => find<HTMLImageElement>(host, ".photograph img");
const range = (name: string) => find<HTMLInputElement>(host, `input[aria-label=${name}]`);
const place = () => [frame().style.left, frame().style.top, frame().style.width, frame().style.height].map(parseFloat).map(Math.round); // prettier-ignore
const last = () => host.told.at(-1)?.[1] as Record<string, unknown>;
/** The hand goes down at one place of the photograph, and up at another. */
const drag = (on: Element, [x, y]: number[], [u, v]: number[], how: PointerEventInit = {}, end = "up") => {
  point(on, "down", x, y, how);
  point(photograph(), "move", u, v, how);
  point(photograph(), end, u, v, how);
};

beforeEach(() => {
  stillTime();
  host = fakeHost(new FakeEngine());
  view = new Cutout(host);
  show();
  sized(picture(), 200, 100);
});
afterEach(() => {
  vi.useRealTimers();
  vi.stubGlobal("innerWidth", 1024);
});

it("shows photograph, rectangle, ink and doubts, and names them", () => {
  expect(find(host, ".cutout").getAttribute("aria-label")).toBe("Cut out for A");
  expect([picture().alt, find<HTMLImageElement>(host, ".ink").alt]).toEqual([DATA.alt, DATA.inkAlt]);
  expect([place(), find(host, ".doubts").textContent]).toEqual([[40, 40, 20, 20], DATA.doubts]);
  expect([range("Turn").value, range("Turn").max, range("Threshold").value]).toEqual(["0", "45", "0.3"]);
  expect(button(host, "Reset").disabled).toBe(true);
});

it("is moved by the hand, which tells where it lets go", () => {
  drag(frame(), [100, 50], [120, 60]);
  expect(place()).toEqual([50, 50, 20, 20]);
  expect(last().crop).toEqual([0.5, 0.5, 0.7, 0.7].map((share) => expect.closeTo(share) as number));
});

it("is sized by a corner, and drawn anew beside it; a finger there scrolls", () => {
  drag(frame().querySelector("[data-x='1'][data-y='1']")!, [120, 60], [140, 60]);
  expect(place()).toEqual([40, 40, 30, 20]);
  drag(picture(), [20, 10], [60, 30]);
  expect(place()).toEqual([10, 10, 20, 20]);
  drag(picture(), [100, 50], [160, 90], { pointerType: "touch" });
  expect(place()).toEqual([10, 10, 20, 20]);
  expect(host.told).toHaveLength(2);
});

it("stays where the hand hardly moves, or is called away", () => {
  drag(frame(), [100, 50], [101, 51]);
  drag(frame(), [100, 50], [140, 50], {}, "cancel");
  vi.advanceTimersByTime(1000);
  expect([place(), host.told]).toEqual([[40, 40, 20, 20], []]);
  point(photograph(), "move", 150, 50);
  expect(place()).toEqual([40, 40, 20, 20]);
});

it("is moved and sized by keys, which are told once they rest", () => {
  expect(press(frame(), "ArrowRight").defaultPrevented).toBe(true);
  press(frame(), "ArrowDown", { shiftKey: true });
  expect(press(frame(), "a").defaultPrevented).toBe(false);
  expect([place(), host.told]).toEqual([[41, 40, 20, 21], []]);
  vi.advanceTimersByTime(300);
  expect([host.told.length, Object.keys(last())]).toEqual([1, ["crop"]]);
});

it("is turned, and its threshold set, by sliders", () => {
  slide(range("Turn"), 12);
  slide(range("Threshold"), 0.5);
  expect(frame().style.transform).toBe("rotate(12deg)");
  vi.advanceTimersByTime(300);
  expect(host.told).toEqual([["changed", { turn: 12, threshold: 0.5 }]]);
});

it("keeps what Python has not heard of, and tells it again with what comes next", () => {
  slide(range("Turn"), 12);
  vi.advanceTimersByTime(300);
  show({}, false);
  expect(range("Turn").value).toBe("12");
  slide(range("Threshold"), 0.5);
  show({ turn: 11.5 }); // it was heard, and held to what is allowed; the threshold was not told yet
  expect([range("Turn").value, range("Threshold").value]).toEqual(["11.5", "0.5"]);
  view.finish();
  expect(last()).toEqual({ threshold: 0.5 });
  slide(range("Turn"), 3);
  view.finish();
  expect(last()).toEqual({ threshold: 0.5, turn: 3 });
});

it("takes another photograph as it comes", () => {
  slide(range("Turn"), 12);
  show({ photograph: "data:,another", turn: 5 }, false);
  vi.advanceTimersByTime(1000);
  expect([range("Turn").value, host.told]).toEqual(["5", []]);
});

it("is reset, and what was corrected before is forgotten", () => {
  slide(range("Turn"), 12);
  show({ changed: true });
  button(host, "Reset").click();
  expect(host.told).toEqual([["changed", { reset: true }]]);
  vi.advanceTimersByTime(1000);
  expect(host.told).toHaveLength(1);
});

it("zooms in on a small rectangle until the window has another width", () => {
  const isZoomed = () => photograph().classList.contains("zoomed");
  button(host, "Zoom in").click();
  const { left, width } = find(host, ".plane").style;
  expect([isZoomed(), ...[width, left].map(parseFloat).map(Math.round)]).toEqual([true, 300, -100]);
  show({ turn: 1 });
  view.fit();
  expect([isZoomed(), button(host, "Zoom out").getAttribute("aria-pressed")]).toEqual([true, "true"]);
  vi.stubGlobal("innerWidth", 500);
  view.fit();
  expect([isZoomed(), photograph().getAttribute("style")]).toEqual([false, null]);
  show({ crop: [0, 0, 1, 1] });
  expect(button(host, "Zoom in").disabled).toBe(true);
});

it("has its corners farther out where it is small", () => {
  const size = vi.spyOn(HTMLElement.prototype, "offsetWidth", "get").mockReturnValue(200);
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(200);
  picture().dispatchEvent(new Event("load"));
  expect(frame().classList.contains("small")).toBe(false);
  size.mockReturnValue(20);
  view.fit();
  expect(frame().classList.contains("small")).toBe(true);
});
