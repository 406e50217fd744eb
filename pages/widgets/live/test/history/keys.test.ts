import { expect, it, vi } from "vitest";
import { listen } from "../../src/history/keys";

it("the key of the presentation is heard where nobody writes, once", () => {
  document.body.innerHTML =
    '<div class="st-key-present"><button></button></div><input type="range"><input type="checkbox"><input type="text">';
  const pressed = vi.fn();
  document.querySelector("button")!.addEventListener("click", pressed);
  listen();
  const press = (kind: string, how: KeyboardEventInit = {}) =>
    document
      .querySelector(`input[type=${kind}]`)!
      .dispatchEvent(new KeyboardEvent("keydown", { key: "p", bubbles: true, ...how }));
  press("text");
  press("range", { repeat: true });
  press("range", { ctrlKey: true });
  press("range", { key: "q" });
  expect(pressed).not.toHaveBeenCalled();
  press("range");
  press("checkbox", { key: "P" });
  expect(pressed).toHaveBeenCalledTimes(2);
});
