import { beforeEach, describe, expect, it } from "vitest";
import type { Axis } from "../../built/payloads";
import { Bars, Plane } from "../../src/parts/chart";
import { sized } from "../fakes";

const AXES: Axis[] = [0, 1].map((index) => ({
  name: `z${index}`,
  index,
  direction: null,
  offset: 0,
  low: -2,
  high: 2,
  active: index === 0,
}));
const FOUND = { mean: Float32Array.of(1, -1), std: Float32Array.of(0.5, 0) };
const number = (element: Element, name: string) => Number(Number(element.getAttribute(name)).toFixed(6));

describe("bars", () => {
  let bars: Bars;
  beforeEach(() => {
    bars = new Bars();
    sized(bars.box, 434, 0);
    bars.show(AXES);
  });
  const all = (selector: string) => [...bars.box.querySelectorAll(selector)];

  it("shows the band of each dimension before anything is drawn, and pales those out of use", () => {
    expect(all(".band").map((band) => [number(band, "y"), number(band, "height")])).toEqual([[15, 120], [15, 120]]); // prettier-ignore
    expect(all(".band").map((band) => [number(band, "x"), number(band, "width")])).toEqual([[47.5, 63], [137.5, 63]]); // prettier-ignore
    expect(all("svg")[0].getAttribute("viewBox")).toBe("0 0 214 174");
    expect(all(".bar").every((bar) => bar.hasAttribute("hidden"))).toBe(true);
    expect(all(".collapsed text").map(({ textContent }) => textContent)).toEqual(["z1"]);
    expect(all("svg")[0].getAttribute("aria-label")).toMatch(/nothing is drawn yet$/);
  });

  it("shows mean and spread, up for more than nothing and down for less", () => {
    bars.put(FOUND);
    expect(all(".bar").map((bar) => [number(bar, "y"), number(bar, "height")])).toEqual([[45, 30], [75, 30]]); // prettier-ignore
    expect(all(".bar").some((bar) => bar.hasAttribute("hidden"))).toBe(false);
    const [spread, none] = all(".spread").map((mark) => mark.getAttribute("d")!);
    expect([spread.match(/V(\d+)/)![1], spread.match(/^M[\d.]+ (\d+)/)![1], none]).toEqual(["60", "30", ""]);
    const title = "z0: 1.00 ± 0.50; 95 % of the reference pictures from -2.00 to 2.00";
    expect(all("title")[0].textContent).toBe(title);
    expect(all("svg")[0].getAttribute("aria-label")).toMatch(/: z0 1.00 ± 0.50, z1 -1.00 ± 0.00$/);
    bars.put(null);
    expect(all(".bar").every((bar) => bar.hasAttribute("hidden"))).toBe(true);
  });

  it("has a scale that reaches to what lies far out, and comes back", () => {
    const scale = () => all("text[text-anchor=end]").map(({ textContent }) => textContent);
    expect(scale()).toEqual(["-2", "0", "2"]);
    bars.put({ ...FOUND, mean: Float32Array.of(6, 0) });
    expect(scale()).toEqual(["-6", "0", "6"]);
    bars.put(FOUND);
    expect(scale()).toEqual(["-2", "0", "2"]);
  });

  it("names every so many of narrow columns", () => {
    bars.show(Array.from({ length: 40 }, (_, index) => ({ ...AXES[0], index, name: `z${index}` })));
    expect(all("g text")).toHaveLength(20);
  });
});

describe("the plane", () => {
  const plane = new Plane();
  const svg = plane.box.querySelector("svg")!;
  const points = Array.from({ length: 20 }, (_, i) => i - 10); // (-10, -9), (-8, -7), ... (8, 9)
  const box = () => svg.getAttribute("viewBox")!.split(" ").map(Number);

  beforeEach(() => plane.show([{ name: "cat", colour: "red", points }, { name: "", colour: "blue", points: [0, 0] }])); // prettier-ignore

  it("shows the reference pictures by class, and names those that have one", () => {
    const paths = [...svg.querySelectorAll(".points path")];
    expect(paths.map((path) => path.getAttribute("stroke"))).toEqual(["red", "blue"]);
    expect(paths[0].getAttribute("d")).toMatch(/^M-10 9h0M-8 7h0/);
    expect(plane.box.querySelector(".legend")!.textContent).toBe("cat");
    expect(svg.querySelector(".cross")!.hasAttribute("hidden")).toBe(true);
    expect(box()[0]).toBeCloseTo(-10 - 0.12 * 18);
    expect(box()[2]).toBeCloseTo(18 * 1.24);
  });

  it("shows a picture with its spread, and reaches to it wherever it lies", () => {
    plane.put({ mean: Float32Array.of(2, 3), std: Float32Array.of(0.5, 0.25) });
    const [one, two] = svg.querySelectorAll(".spread");
    expect(["cx", "cy", "rx", "ry"].map((name) => number(one, name))).toEqual([2, -3, 0.5, 0.25]);
    expect(["rx", "ry"].map((name) => number(two, name))).toEqual([1, 0.5]);
    expect(box()[0]).toBeCloseTo(-10 - 0.12 * 18);
    plane.put({ mean: Float32Array.of(90, 3), std: Float32Array.of(0.5, 0.25) });
    expect(box()[0] + box()[2]).toBeGreaterThan(90);
  });
});
