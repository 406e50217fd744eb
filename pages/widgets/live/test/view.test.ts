import { expect, it } from "vitest";
import { Echo } from "../src/view";

it("knows an echo from news", () => {
  let settled = true;
  const echo = new Echo<number>(() => settled);
  expect(echo.isNews(0)).toBe(true);
  settled = false;
  echo.send(1);
  echo.send(2);
  expect(echo.isNews(0)).toBe(false); // Python has heard neither
  expect(echo.isNews(1)).toBe(false); // nor the second
  settled = true;
  expect(echo.isNews(2)).toBe(false);
  expect(echo.isNews(1)).toBe(true); // somebody pressed undo
  expect(echo.isNews(1)).toBe(false);
});
