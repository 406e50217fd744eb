"""Every control of a page, pressed while its view plays, while its slider is held, and right after: how many count."""

import os
import random
import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.benchmarks.test_page_switches import load
from tests.browser.conftest import DRAWN, View, browser, idle, live_server, new_view, start_server
from tests.browser.test_nothing_lost import HELD, MOVING, button, press

__all__ = ["browser", "idle", "live_server", "new_view", "start_server"]  # fixtures
PRESSES = int(os.environ.get("PRESSES", "7"))  # of each control at each moment
DIM = re.compile(r"z\d+$")
MOMENTS = ("plays", "is held", "was just let go")

# Streamlit's own controls of a page, and the model's picker. A press of each is one step: to another choice, one up.
CONTROLS = """() => {
  const seen = (element) => element.checkVisibility() && !element.disabled && element.getBoundingClientRect().width;
  const main = document.querySelector("[data-testid=stMain]");
  const found = [];
  const add = (kind, name, element) => seen(element) && found.push([kind, name]);
  for (const e of main.querySelectorAll("[data-testid=stButton] button")) add("button", e.innerText.trim(), e);
  for (const e of main.querySelectorAll("[data-testid=stCheckbox] label")) add("switch", e.innerText.trim(), e);
  for (const e of main.querySelectorAll("[data-testid=stNumberInput]"))
    add("number", e.querySelector("input").getAttribute("aria-label"), e);
  for (const e of main.querySelectorAll("[role=radiogroup]")) add("choice", e.getAttribute("aria-label"), e);
  return found;
}"""
PLACE = """([kind, name]) => {
  window.turn = (window.turn ?? 0) + 1;
  const main = document.querySelector("[data-testid=stMain]");
  const all = (selector) => [...main.querySelectorAll(selector)];
  const element = {
    button: () => all("[data-testid=stButton] button").find((e) => e.innerText.trim() === name),
    switch: () => all("[data-testid=stCheckbox] label").find((e) => e.innerText.trim() === name),
    number: () => {
      const box = all("[data-testid=stNumberInput]").find((e) => e.querySelector("input").ariaLabel === name);
      const steps = [...box.querySelectorAll("[data-testid^=stNumberInputStep]")].filter((e) => !e.disabled);
      return steps[window.turn % steps.length];
    },
    choice: () => {
      const group = all("[role=radiogroup]").find((e) => e.getAttribute("aria-label") === name);
      return [...group.querySelectorAll("[role=radio], label")].find(
        (e) => e.getAttribute("aria-checked") !== "true" && !e.querySelector("input:checked"));
    },
  }[kind]();
  for (const old of document.querySelectorAll("[data-pressed]")) old.removeAttribute("data-pressed");
  element.setAttribute("data-pressed", "");
}"""
STATE = """() => JSON.stringify([location.search,
  [...document.querySelectorAll("[data-testid=stMain] h1, [data-testid=stMain] h2, [data-testid=stMain] h3")]
    .map((e) => e.innerText)])"""


def fresh(view: View, kind: str) -> None:
    query, path, _ = MOVING[kind]
    view.page.goto(f"{view.url}/{path}?{urlencode(query)}")
    view.until("window.drawn.length > 0", timeout=60_000)
    view.settle()


def pressed(view: View, control: list[str], how: int) -> None:
    view.page.evaluate(PLACE, control)
    press(view.page, view.page.locator("[data-pressed]"), how)
    view.settle()


def steps(view: View, kind: str) -> list[list[str]]:
    """The page's controls whose press in a still page is seen in its link, as a list of kind and name."""
    fresh(view, kind)
    found = []
    for control in view.page.evaluate(CONTROLS):
        before = view.page.url
        pressed(view, control, 30)
        if view.page.url != before:
            found.append(control)
        fresh(view, kind)
    return found


def counts(view: View, kind: str, control: list[str], moment: str, how: int, wait: int) -> bool:
    """Whether a press at that moment is in the link."""
    if not button(view, MOVING[kind][2]).count():  # the press before took away what plays
        fresh(view, kind)
    if moment == "plays":
        button(view, MOVING[kind][2]).click()
        view.page.wait_for_timeout(300 + wait)
    else:
        view.page.locator(".live [role=slider], .live input[type=range]").first.focus()
        view.page.keyboard.down("ArrowRight")
        view.page.wait_for_timeout(100 + wait)
        if moment == "was just let go":
            view.page.keyboard.up("ArrowRight")
    before = asked(view)
    pressed(view, control, how)
    view.page.keyboard.up("ArrowRight")
    view.settle()
    return asked(view) != before


def asked(view: View) -> dict[str, str]:
    """What the link asks for, without what a view writes by itself when it rests."""
    parts = [part.partition("=") for part in view.page.url.partition("?")[2].split("&")]
    return {key: value for key, _, value in parts if key not in ("t", "at", "place", "codes") and not DIM.match(key)}


def reopens(view: View) -> bool:
    """Whether the link opens the page that is shown."""
    shown = view.page.evaluate(STATE)
    view.page.reload()
    view.settle()
    return bool(view.page.evaluate(STATE) == shown)


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", MOVING)
def test_every_press_counts(kind: str, new_view: Callable[..., View], live_server) -> None:
    view, dice = new_view(server=live_server, script=DRAWN), random.Random(0)
    rows = {}
    controls = steps(view, kind)
    print(f"\n{kind}: {', '.join(name for _, name in controls)}")
    with load():
        for control in controls:
            fresh(view, kind)
            for moment in MOMENTS:
                good = sum(
                    counts(view, kind, control, moment, dice.choice(HELD), dice.randrange(300)) for _ in range(PRESSES)
                )
                same = reopens(view)
                rows[control[1], moment] = same and good == PRESSES
                told = "" if same else ", and its link opens another page"
                print(f"{kind}, {control[1]!r}, while the view {moment}: {good} of {PRESSES}{told}", flush=True)
    assert all(rows.values()), [row for row, good in rows.items() if not good]
