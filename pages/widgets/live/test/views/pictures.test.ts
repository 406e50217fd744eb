import { beforeEach, expect, it, vi } from "vitest";
import { Pictures } from "../../src/views/pictures";
import type { PicturesData } from "../../built/payloads";
import { click, FakeEngine, type FakeHost, fakeHost, find, penOf, sized } from "../fakes";

const DATA: PicturesData = {
  src: "data:,two",
  layout: { width: 2, height: 2, columns: 2, count: 2, gutter: 1 },
  alt: "left and right",
  chosen: 1,
  pickable: true,
  rows: ["row"],
  below: ["left", "right"],
  share: 0.5,
};

let host: FakeHost;
let view: Pictures;
const canvas = () => find<HTMLCanvasElement>(host, "canvas");

beforeEach(() => {
  vi.spyOn(HTMLImageElement.prototype, "naturalWidth", "get").mockReturnValue(7);
  host = fakeHost(new FakeEngine());
  view = new Pictures(host);
  view.show(DATA);
});

it("draws what was made, with names and a mark", async () => {
  await vi.waitFor(() => expect(penOf(canvas()).all("drawImage")).toHaveLength(1));
  expect((penOf(canvas()).all("drawImage")[0][0] as HTMLImageElement).src).toBe("data:,two");
  expect([canvas().width, canvas().height, canvas().getAttribute("aria-label")]).toEqual([7, 4, "left and right"]);
  expect([find(host, ".rows").textContent, find(host, ".below").textContent]).toEqual(["row", "leftright"]);
  expect(find(host, ".mark").hidden).toBe(false);
});

it("tells which picture is pressed, where one may be", () => {
  click(canvas(), 50, 20, [70, 40]);
  view.show({ ...DATA, pickable: false });
  click(canvas(), 50, 20, [70, 40]);
  expect(host.told).toEqual([["picked", 1]]);
});

it("takes its share of the window's height", () => {
  vi.stubGlobal("innerHeight", 80);
  sized(host.root, 1000, 0);
  view.fit();
  expect(canvas().style.height).toBe("40px");
});
