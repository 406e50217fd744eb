import { beforeEach, expect, it, vi } from "vitest";
import { Field } from "../../src/parts/field";
import { click } from "../fakes";

const LAYOUT = { width: 2, height: 2, columns: 2, count: 3, gutter: 1 }; // 7 x 7

let field: Field;
const pick = vi.fn();
const part = (name: string) => field.box.querySelector<HTMLElement>(`.${name}`)!;
const texts = (name: string) => [...part(name).children].map(({ textContent }) => textContent);

beforeEach(() => {
  pick.mockClear();
  field = new Field(pick);
  document.body.replaceChildren(field.box);
  field.arrange(LAYOUT, "3 pictures", 2);
});

it("marks one picture, or none", () => {
  const { hidden, style } = part("mark");
  const shares = [style.left, style.top, style.width, style.height].map(parseFloat);
  expect([hidden, ...shares.map(Math.round)]).toEqual([false, 14, 57, 29, 29]);
  field.arrange(LAYOUT, "3 pictures", 3);
  expect(part("mark").hidden).toBe(true);
  field.arrange(LAYOUT, "3 pictures", -1);
  expect(part("mark").hidden).toBe(true);
});

it("tells which picture is pressed, and nothing of a press beside them", () => {
  click(field.screen.canvas, 50, 20, [70, 70]);
  click(field.screen.canvas, 50, 50, [70, 70]);
  expect(pick.mock.calls).toEqual([[1]]);
});

it("is named for those who do not see it, and looks as if it can be pressed where it can", () => {
  expect(field.screen.canvas.getAttribute("aria-label")).toBe("3 pictures");
  expect(part("field").classList.contains("pickable")).toBe(true);
  field.arrange(LAYOUT, "3 pictures", -1, false);
  expect(part("field").classList.contains("pickable")).toBe(false);
});

it("has names beside rows and columns, else along an axis", () => {
  field.label(["first\n2 nats", "second"], ["low", "value", "high"]);
  expect([texts("rows"), texts("below")]).toEqual([
    ["first2 nats", "second"],
    ["low", "value", "high"],
  ]);
  expect(part("rows").querySelector("small")!.textContent).toBe("2 nats");
  expect((part("rows").firstChild as HTMLElement).title).toBe("first\n2 nats");
  expect([part("rows"), part("below")].map(({ classList }) => classList.contains("axis"))).toEqual([false, true]);
  field.label([], ["A", "B"]);
  expect([texts("rows"), part("below").classList.contains("axis")]).toEqual([[], false]);
});

it("fits beside its names, and leaves out their second lines where rows are low", () => {
  const width = () => parseFloat(field.screen.canvas.style.width);
  vi.spyOn(part("rows"), "offsetWidth", "get").mockImplementation(() =>
    field.box.classList.contains("compact") ? 20 : 48,
  );
  field.fit(200, 1000);
  expect([width(), field.box.classList.contains("compact")]).toEqual([147, false]);
  field.fit(75, 1000);
  expect([width(), field.box.classList.contains("compact")]).toEqual([49, true]);
  expect(part("below").style.width).toBe("49px");
});
