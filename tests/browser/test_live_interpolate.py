"""Interpolate where the browser decodes: the path follows the hand, and so does the pad of three or four pictures."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlparse

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Server, View
from vae_core import checkpoints, explore

# Counts drawings of the first picture alone.
HEARD = """window.drawn = 0
addEventListener('live-drawn', e => window.drawn += e.composedPath()[0].matches('figure:first-child canvas'), true)"""
LEVEL = 1  # grey levels between the browser's picture and the server's: weights are in half precision there
PATH = {"model": "digits", "a": "ref:3", "b": "ref:8"}
PAD = PATH | {"c": "ref:5", "d": "ref:11"}


@pytest.fixture
def open_live(new_view: Callable[..., View], live_server: Server) -> Callable[..., View]:
    """Open Interpolate at a link, and wait for its first picture."""

    def opened(query: dict[str, str], **how: Any) -> View:
        view = new_view(server=live_server, script=HEARD, **how)
        view.open(f"interpolate?{urlencode(query)}")
        view.is_live()
        view.until("window.drawn > 0")
        return view

    return opened


def query(view: View) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlparse(view.page.url).query).items()}


def now(view: View) -> Locator:
    """The picture at the present place."""
    return view.page.locator(".live figure canvas").first


def pixels(canvas: Locator) -> np.ndarray:
    """A grey picture's levels (H, W), as the canvas has them."""
    found = canvas.evaluate(
        "e => [e.width, ...e.getContext('2d').getImageData(0, 0, e.width, e.height).data.filter((_, i) => i % 4 === 0)]"
    )
    return np.array(found[1:], dtype=int).reshape(-1, found[0])


def decoded(z: torch.Tensor, name: str = "digits", y: torch.Tensor | None = None) -> np.ndarray:
    """What the server makes of a point (D,): levels (H, W)."""
    model = checkpoints.load(checkpoints.find(name)).model
    return explore.decode(model, z[None], y)[0, 0].mul(255).round().int().numpy()


def reference(row: int) -> torch.Tensor:
    found = checkpoints.load(checkpoints.find("digits")).reference
    assert found is not None
    return found.mean[row]


def settled(view: View, canvas: Locator) -> np.ndarray:
    """The picture once nothing more is drawn."""
    before = -1
    while before != (before := view.page.evaluate("window.drawn")):
        view.page.wait_for_timeout(200)
    return pixels(canvas)


def other_than(view: View, canvas: Locator, before: np.ndarray) -> np.ndarray:
    """The picture that comes after another one; on a busy machine it takes its time."""
    for _ in range(50):
        if not alike(found := settled(view, canvas), before):
            return found
    raise AssertionError("the picture stays as it was")


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() <= LEVEL)


def hold(view: View, place: Locator, u: float, v: float = 0.5) -> Callable[[float, float], None]:
    """Press the mouse at a share of an element; what comes back moves it."""
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box

    def move(u: float, v: float = 0.5) -> None:
        view.page.mouse.move(box["x"] + box["width"] * u, box["y"] + box["height"] * v, steps=4)

    move(u, v)
    view.page.mouse.down()
    return move


def test_pictures_follow_the_hand_and_the_link_when_it_lets_go(open_live: Callable[..., View]) -> None:
    view = open_live(PATH | {"t": "0.5"})
    seen, url = settled(view, now(view)), view.page.url
    move = hold(view, view.page.locator(".live input.place"), 0.5)
    for place in (0.35, 0.2, 0.1):
        move(place)
        seen = other_than(view, now(view), seen)
    view.page.wait_for_timeout(500)
    assert view.page.url == url
    view.page.mouse.up()
    expect(view.page).to_have_url(re.compile(r"[?&]t=0\.[01]\d*"))
    view.settle()
    t = float(query(view)["t"])
    assert 0 < t < 0.2
    assert alike(settled(view, now(view)), decoded(torch.lerp(reference(3), reference(8), t)))
    expect(view.page.locator(".live output")).to_have_text(f"t = {t:.2f}")


def test_the_spherical_path_is_the_servers(open_live: Callable[..., View]) -> None:
    view = open_live(PATH | {"path": "Spherical", "t": "0.37"})
    wanted = explore.slerp(reference(3), reference(8), torch.tensor([0.37]))[0]
    assert alike(settled(view, now(view)), decoded(wanted))


def test_the_mixed_pixels_are_those_of_a_and_b(open_live: Callable[..., View]) -> None:
    view = open_live(PATH | {"t": "0"})
    mixed = view.page.locator(".live figure canvas").nth(1)
    ends = [settled(view, mixed)]
    slider = view.page.locator(".live input.place")
    slider.press("End")
    ends.append(settled(view, mixed))
    for _ in range(15):
        slider.press("ArrowLeft")
    assert alike(settled(view, mixed), (0.3 * ends[0] + 0.7 * ends[1]).round().astype(int))
    expect(view.page).to_have_url(re.compile(r"[?&]t=0\.7(&|$)"))
    view.page.get_by_text("Cross-fade", exact=True).click()
    view.settle()
    expect(mixed).to_be_hidden()
    expect(view.page.locator(".live output")).to_have_text("t = 0.70")  # the place stays


def test_another_model_has_pictures_of_another_size(open_live: Callable[..., View], pictures: str = "4") -> None:
    view = open_live(PAD | {"pictures": pictures})
    for name, size in (("sprites", 32), ("digits", 8)):
        view.page.get_by_test_id("stSidebar").get_by_role("combobox").click()
        view.page.get_by_role("option", name=name, exact=True).click()
        view.until("([e, size]) => e.width === size", arg=[now(view).element_handle(), size])
        view.settle()
    rows = torch.stack([reference(row) for row in (3, 8, 5, 11)[: int(pictures)]])
    assert alike(settled(view, now(view)), decoded(rows.mean(0)))


def test_the_pad_follows_the_hand(open_live: Callable[..., View], count: int = 3) -> None:
    view = open_live(PAD | {"pictures": str(count)})
    plane, url, start = view.page.locator(".live .plane"), view.page.url, settled(view, now(view))
    move = hold(view, plane, 0.5, 0.3)
    move(0.4, 0.2)
    assert not alike(settled(view, now(view)), start)
    move(0.1, 0.9)  # beside the triangle: the nearest place in it
    view.page.wait_for_timeout(500)
    assert view.page.url == url
    view.page.mouse.up()
    view.page.wait_for_url(lambda new: new != url)
    view.settle()
    at = [float(value) for value in query(view)["at"].split(",")]
    assert at == pytest.approx([0.4, 0.8] if count == 3 else [0.1, 0.9], abs=0.1)
    rows = torch.stack([reference(row) for row in (3, 8, 5, 11)[:count]])
    weights = explore.pad_weights(torch.tensor([at]), count)
    assert alike(settled(view, now(view)), decoded(explore.blend(rows, weights)[0]))
    plane.press("ArrowUp")
    view.settle()
    assert float(query(view)["at"].split(",")[1]) == pytest.approx(at[1] - 0.02, abs=2e-3)
    expect(plane).to_have_attribute("aria-valuetext", re.compile(r"A 0\.\d\d, B 0\.\d\d, C 0\.\d\d"))
    plane.dblclick()
    view.settle()
    assert "at" not in query(view)  # in the middle


def test_the_pad_needs_no_scrolling(open_live: Callable[..., View]) -> None:
    view = open_live(PAD | {"model": "mnist", "pictures": "4"})
    for name in ("Choose A", "Choose B", "Choose C", "Choose D", "Play", "Centre", "Picture (PNG)"):
        expect(view.page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    expect(view.page.locator(".live .plane")).to_be_in_viewport(ratio=1)
    view.screenshot("interpolate-pad")


@pytest.mark.parametrize("theme, pictures", [("light", "2"), ("dark", "3")])
def test_a_phone(open_live: Callable[..., View], theme: str, pictures: str) -> None:
    view = open_live(PAD | {"pictures": pictures}, theme=theme, width=390, height=844, touch=True)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
    place = view.page.locator(".live input.place" if pictures == "2" else ".live .plane")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
    start = settled(view, now(view))
    place.tap(position={"x": box["width"] * 0.3, "y": min(20, box["height"] / 2)})
    view.settle()
    assert not alike(settled(view, now(view)), start)
    assert query(view)["t" if pictures == "2" else "at"].startswith(("0.2", "0.3"))
    view.screenshot(f"interpolate-live-phone-{pictures}-{theme}")
