import { beforeEach, expect, it, vi } from "vitest";
import { Sheet } from "../../src/views/sheet";
import type { SheetData } from "../../built/payloads";
import { FakeEngine, type FakeHost, fakeHost, find, press } from "../fakes";

const DATA: SheetData = {
  src: "data:,sprite",
  layout: { width: 28, height: 14, columns: 10, count: 12, gutter: 0 },
  rows: [40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51],
  labels: Array.from({ length: 12 }, (_, i) => `picture ${i}`),
  chosen: 42,
  label: "Reference pictures",
  wide: false,
};

let host: FakeHost;
let sheet: Sheet;
const buttons = () => [...host.root.querySelectorAll("button")];
const stops = () => buttons().flatMap(({ tabIndex }, i) => (tabIndex === 0 ? [i] : []));

beforeEach(() => {
  host = fakeHost(new FakeEngine());
  sheet = new Sheet(host);
  sheet.show(DATA);
  // Four stand in a row.
  vi.spyOn(HTMLElement.prototype, "offsetTop", "get").mockImplementation(function (this: HTMLElement) {
    return Math.floor([...this.parentElement!.children].indexOf(this) / 4);
  });
});

it("shows each picture as a button with a name, the chosen one pressed", () => {
  const group = find(host, "[role=group]");
  expect([group.getAttribute("aria-label"), group.classList.contains("wide")]).toEqual(["Reference pictures", false]);
  const last = buttons()[11];
  expect([last.title, last.getAttribute("aria-label"), last.dataset.row]).toEqual(["picture 11", "picture 11", "51"]);
  expect(
    buttons()
      .map((button) => button.getAttribute("aria-pressed"))
      .indexOf("true"),
  ).toBe(2);
  const { width, height, backgroundSize, backgroundPosition, imageRendering } = last.style;
  expect([width, height, backgroundSize]).toEqual(["56px", "28px", "560px"]);
  expect([backgroundPosition, imageRendering]).toEqual(["-56px -28px", "pixelated"]);
});

it("shrinks pictures that are larger than a button", () => {
  sheet.show({ ...DATA, layout: { ...DATA.layout, width: 128, height: 128 }, wide: true });
  const { width, height, imageRendering } = buttons()[0].style;
  expect([width, height, imageRendering]).toEqual(["64px", "64px", "auto"]);
  expect(find(host, ".sheet").classList.contains("wide")).toBe(true);
});

it("tells the number of the picture that is pressed", () => {
  buttons()[5].click();
  expect(host.told).toEqual([["picked", 45]]);
});

it("is one stop for the keyboard: the chosen picture, else the first; arrow keys move it", () => {
  expect(stops()).toEqual([2]);
  sheet.show({ ...DATA, chosen: -1 });
  expect(stops()).toEqual([0]);
  buttons()[0].focus();
  for (const [key, place] of [
    ["ArrowRight", 1],
    ["ArrowDown", 5],
    ["ArrowLeft", 4],
    ["ArrowUp", 0],
  ] as const) {
    expect(press(document.activeElement!, key).defaultPrevented).toBe(true);
    expect([document.activeElement, stops()]).toEqual([buttons()[place], [place]]);
  }
  expect(press(buttons()[0], "ArrowUp").defaultPrevented).toBe(false);
  expect(press(buttons()[0], "a").defaultPrevented).toBe(false);
});

it("keeps the focus where it was when the page draws it anew", () => {
  buttons()[3].focus();
  sheet.show({ ...DATA, chosen: 43 });
  expect(document.activeElement).toBe(buttons()[3]);
});
