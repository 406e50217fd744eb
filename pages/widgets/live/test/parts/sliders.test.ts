import { beforeEach, expect, it, vi } from "vitest";
import { Sliders } from "../../src/parts/sliders";
import type { Slide } from "../../built/payloads";
import { sized, slide } from "../fakes";

const SLIDES: Slide[] = ["z10", "z2", "z0", "z1", "z3"].map((key, i) => ({
  key,
  note: "",
  low: -3,
  high: 3,
  start: 0.5,
  at: 0.5,
  index: i,
  direction: null,
  kl: 2,
  active: key !== "z3",
}));
const report = { later: vi.fn(), now: vi.fn() };
const move = vi.fn();
let sliders: Sliders;

beforeEach(() => {
  move.mockClear();
  sliders = new Sliders(move, report);
  document.body.replaceChildren(sliders.filter, sliders.order, sliders.box);
  sliders.show(SLIDES, "They carry nothing.");
  sliders.put({ z2: -1 });
});

const rows = () => [...sliders.box.querySelectorAll<HTMLElement>(".slide")];
const names = () => rows().filter(({ hidden }) => !hidden).map((row) => row.querySelector(".name")!.textContent); // prettier-ignore
const range = (key: string) => sliders.box.querySelector<HTMLInputElement>(`[aria-label="${key}"]`)!;
const search = (text: string) => {
  sliders.filter.value = text;
  sliders.filter.dispatchEvent(new Event("input"));
};

it("stands where Python has it, and marks what was moved", () => {
  expect([range("z2").value, range("z0").value]).toEqual(["-1", "0.5"]);
  expect(rows().filter((row) => row.classList.contains("moved")).map((row) => row.textContent)).toEqual(["z2"]); // prettier-ignore
});

it("keeps the order that it was given, or goes by name, z10 behind z2", () => {
  expect(names()).toEqual(["z10", "z2", "z0", "z1", "z3"]);
  sliders.order.selectedIndex = 1;
  sliders.arrange();
  expect(sliders.byName).toBe(true);
  expect(names()).toEqual(["z0", "z1", "z2", "z10", "z3"]);
});

it("folds what the model does not use, with the reason", () => {
  const fold = sliders.box.querySelector("details")!;
  expect(fold.open).toBe(false);
  expect(fold.textContent).toContain("1 collapsed dimension");
  expect(fold.textContent).toContain("They carry nothing.");
  expect(fold.contains(range("z3"))).toBe(true);
  expect(fold.contains(range("z2"))).toBe(false);
});

it("is found by its name, folded or not", () => {
  const fold = sliders.box.querySelector("details")!;
  sized(sliders.box, 300, 200);
  search("Z3 ");
  expect(sliders.box.style.minHeight).toBe("200px"); // what stands below stays where it is
  expect(names()).toEqual(["z3"]);
  expect([fold.open, fold.hidden]).toEqual([true, false]);
  search("z1");
  expect(names()).toEqual(["z10", "z1"]);
  expect(fold.hidden).toBe(true);
  const none = sliders.box.querySelector<HTMLElement>(".none")!;
  expect(none.hidden).toBe(true);
  search("nothing");
  expect([none.hidden, none.textContent]).toEqual([false, "No slider has this name."]);
});

it("is neither searched nor ordered where there are few, and nothing stays hidden by an old search", () => {
  search("nothing");
  sliders.show(SLIDES.slice(0, 4));
  expect([sliders.filter.hidden, sliders.order.hidden]).toEqual([true, true]);
  expect(names()).toHaveLength(4);
});

it("names the order by what it goes by", () => {
  expect(sliders.order.options[0].textContent).toBe("By KL");
  sliders.show(SLIDES.map((each) => ({ ...each, kl: null })));
  expect(sliders.order.options[0].textContent).toBe("By spread");
});

it("counts as moved until it is back at its start", () => {
  slide(range("z10"), 2);
  expect(move).toHaveBeenCalledTimes(1);
  expect(sliders.moved()).toEqual({ z10: 2, z2: -1 });
  expect(Object.keys(sliders.moved())).toEqual(["z10", "z2"]);
  slide(range("z2"), 0.5);
  expect(sliders.moved()).toEqual({ z10: 2 });
  sliders.put({});
  expect([sliders.moved(), range("z10").value]).toEqual([{}, "0.5"]);
});

it("is moved by a view within its ends, without a word to the view", () => {
  sliders.set("z0", 99);
  expect([sliders.places.get("z0"), range("z0").value]).toEqual([3, "3"]);
  expect(move).not.toHaveBeenCalled();
});

it("tells what was moved since all was heard, and what is back at the start", () => {
  slide(range("z0"), 1);
  sliders.reset();
  expect([sliders.changes(), sliders.moved()]).toEqual([{ z0: null, z2: null }, {}]);
  sliders.heard();
  expect(sliders.changes()).toEqual({});
});
