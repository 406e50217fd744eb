import { expect, it, vi } from "vitest";
import { rems, roomBelow } from "../../src/parts/room";

it("knows the room down to the window's lower edge, wherever the page is scrolled to", () => {
  vi.stubGlobal("innerHeight", 500);
  const page = document.createElement("div");
  const root = page.attachShadow({ mode: "open" }).appendChild(document.createElement("div"));
  document.body.replaceChildren(page);
  root.getBoundingClientRect = () => new DOMRect(0, 100 - page.scrollTop, 10, 10);
  expect(roomBelow(root)).toBe(388); // with a margin of 12
  page.scrollTop = 70;
  expect(roomBelow(root)).toBe(388);
});

it("counts in the size of the type", () => {
  expect(rems(2)).toBe(32);
  document.documentElement.style.fontSize = "24px";
  expect(rems(2)).toBe(48);
  document.documentElement.style.fontSize = "";
});
