import { expect, it } from "vitest";
import { absolute, h } from "../../src/parts/dom";

it("takes properties, attributes and children, and leaves out what is null", () => {
  const inner = h("small", {}, "<b>");
  const box = h("div", { className: "box", "aria-label": "A box", role: "img" }, "text", null, inner);
  expect(box.outerHTML).toBe('<div class="box" aria-label="A box" role="img">text<small>&lt;b&gt;</small></div>');
});

it("sets what a property stands for, not its words", () => {
  const box = h("input", { type: "checkbox", checked: false, hidden: true });
  expect([box.type, box.checked, box.hidden]).toEqual(["checkbox", false, true]);
});

it("finds a file below the address of the app", () => {
  expect(absolute("live/file/aa")).toBe(new URL("live/file/aa", document.baseURI).href);
});
