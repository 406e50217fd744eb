"""Where no browser decodes, the same views show the server's pictures, and these follow the hand."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import DRAWN, View
from tests.browser.test_live import grab, shown

PAGES: dict[str, tuple[str, dict[str, str], str]] = {
    "sample": ("temperature", {"n": "16"}, ".live input[type=range]"),
    "pixels": ("seed", {"n": "16", "shown": "Pixels"}, ".live input[aria-label=Seed]"),
    "path": ("t", {}, ".live input.place"),
    "pad": ("at", {"pictures": "3"}, ".live .plane"),
}
PATHS = {"sample": "sample", "pixels": "sample", "path": "interpolate", "pad": "interpolate"}


@pytest.fixture
def served(new_view: Callable[..., View]) -> View:
    """The app where the server alone decodes; `window.drawn` holds what was drawn."""
    return new_view(script=DRAWN)


def becomes_other(view: View, before: np.ndarray) -> np.ndarray:
    """The picture that comes after another one."""
    for _ in range(100):
        if np.abs((found := shown(view)) - before).mean() > 1:
            return found
        view.page.wait_for_timeout(50)
    raise AssertionError("the picture stays as it was")


def pull(view: View, handle: Locator) -> None:
    """Press a handle, or a field, and move it; the hand stays down."""
    if handle.get_attribute("type") == "range":
        grab(view, handle, 0.2)
        return
    box = handle.bounding_box()
    assert box
    view.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.2, steps=8)


@pytest.mark.parametrize("name", PAGES)
def test_pictures_follow_the_hand_and_the_link_when_it_lets_go(served: View, name: str) -> None:
    word, query, handle = PAGES[name]
    served.open(PATHS[name], model="digits", **query)
    expect(served.page.locator('.live[data-state="served"]')).to_be_visible()
    expect(served.page.get_by_text("Decoded on the server.")).to_be_visible()
    before, url = shown(served), served.page.url
    pull(served, served.page.locator(handle).first)
    if name != "pixels":  # which of the pixels are drawn is known when the hand lets go
        before = becomes_other(served, before)
    assert served.page.url == url
    served.page.mouse.up()
    served.page.wait_for_url(re.compile(f"[?&]{word}="))
    served.settle()
    if name == "pixels":
        becomes_other(served, before)
    served.screenshot(f"served-{name}")


def test_a_drawing_is_encoded_and_rebuilt(served: View) -> None:
    served.open("draw", model="digits")
    expect(served.page.get_by_text("Decoded on the server.")).to_be_visible()
    paper = served.page.locator(".live canvas[tabindex]")
    box = paper.bounding_box()
    assert box
    served.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    served.page.mouse.down()
    served.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=10)
    rebuilt = served.page.get_by_role("img", name="Reconstruction of your drawing")
    served.until("window.drawn.length > 2")
    expect(rebuilt).to_be_visible()
    served.page.mouse.up()
    expect(served.page.locator('.live[data-state="served"]')).to_be_visible()
    served.page.get_by_role("button", name="Use as A").click()
    served.page.wait_for_url("**a=drawing**")
    served.settle()
    served.screenshot("served-draw")
