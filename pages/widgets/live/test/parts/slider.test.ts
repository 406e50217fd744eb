import { beforeEach, expect, it, vi } from "vitest";
import { Slider } from "../../src/parts/slider";
import { slide } from "../fakes";

let to: number[];
const report = { later: vi.fn(), now: vi.fn() };
const make = (more = {}) => {
  const slider = new Slider(
    { label: "z1", name: "z1", note: " · 2 nats", low: -3, high: 3, step: 0.01, start: 0.5, number: {}, ...more },
    (place) => to.push(place),
    report,
  );
  document.body.replaceChildren(slider.box);
  slider.put(0.5);
  return slider;
};

beforeEach(() => {
  to = [];
  report.later.mockClear();
  report.now.mockClear();
});

it("shows its name, its place and how far that is", () => {
  const { range, number, box } = make();
  expect(box.querySelector(".name")!.textContent).toBe("z1 · 2 nats");
  expect([range.value, number.value]).toEqual(["0.5", "0.50"]);
  expect(parseFloat(range.style.getPropertyValue("--filled"))).toBeCloseTo((100 * 3.5) / 6);
  expect([range.getAttribute("aria-label"), range.min, range.max]).toEqual(["z1", "-3", "3"]);
});

it("follows the hand, and is told of when the slider is released", () => {
  const { range, number } = make();
  slide(range, 1.25, false);
  expect(to).toEqual([1.25]);
  expect(number.value).toBe("1.25");
  expect(report.later).not.toHaveBeenCalled();
  range.dispatchEvent(new Event("change"));
  expect(report.later).toHaveBeenCalledTimes(1);
  expect(report.now).not.toHaveBeenCalled();
});

it.each([
  ["1.25", 1.25],
  ["1e9", 3],
  ["-1e9", -3],
  ["0.123", 0.12],
  ["", 0.5],
])("takes %j that is typed as %d, at once", (text, place) => {
  const { number, range } = make();
  number.value = text;
  number.dispatchEvent(new Event("change"));
  expect(to).toEqual([place]);
  expect([number.value, range.value]).toEqual([place.toFixed(2), String(place)]);
  expect(report.now).toHaveBeenCalledTimes(1);
});

it("never lies beyond its ends, where rounding could lead", () => {
  const { number } = make({ low: 0, high: 0.996 });
  number.value = "0.996";
  number.dispatchEvent(new Event("change"));
  expect(to).toEqual([0.996]);
});

it("is put back by a double click on name or track", () => {
  const { range, name } = make();
  slide(range, 2);
  for (const place of [name, range]) place.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
  expect(to).toEqual([2, 0.5, 0.5]);
  expect(report.now).toHaveBeenCalledTimes(2);
});

it("is not put back where there is no start", () => {
  const { range, name } = make({ start: undefined });
  range.dispatchEvent(new MouseEvent("dblclick"));
  expect([to, name.title]).toEqual([[], ""]);
});

it("turns with the wheel once it is in use, else the page scrolls", () => {
  const { range } = make();
  const turn = (deltaY: number) => {
    const event = new WheelEvent("wheel", { deltaY, cancelable: true });
    range.dispatchEvent(event);
    return event.defaultPrevented;
  };
  expect([turn(100), to]).toEqual([false, []]);
  range.focus();
  expect([turn(100), turn(-100), turn(-100)]).toEqual([true, true, true]);
  expect(to).toEqual([0.4, 0.5, 0.6]);
  expect(report.later).toHaveBeenCalledTimes(3);
});

it("can be typed beyond where the handle reaches", () => {
  const slider = make({ low: 0, high: 1, step: 1, start: undefined });
  slider.limit(40, 60, 1000);
  slider.put(50);
  expect(slider.range.style.getPropertyValue("--filled")).toBe("50%");
  slider.number.value = "700";
  slider.number.dispatchEvent(new Event("change"));
  slider.number.value = "7000";
  slider.number.dispatchEvent(new Event("change"));
  slider.number.value = "";
  slider.number.dispatchEvent(new Event("change"));
  expect(to).toEqual([700, 1000, 0]);
  slide(slider.range, 45);
  expect(to.at(-1)).toBe(45);
  expect(slider.number.value).toBe("45");
});
