"""Interpolate where the browser decodes: the path follows the hand, and so does the pad of three or four pictures."""

import io
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlparse

import numpy as np
import pytest
import torch
from PIL import Image
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


@pytest.mark.parametrize("what", ["input.place", "figure canvas"])
def test_pictures_follow_the_hand_and_the_link_when_it_lets_go(open_live: Callable[..., View], what: str) -> None:
    view = open_live(PATH | {"t": "0.5"})
    seen, url = settled(view, now(view)), view.page.url
    move = hold(view, view.page.locator(f".live {what}").first, 0.5)
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


@pytest.mark.parametrize("name, path", [("Straight", "linear"), ("Spherical", "spherical")])
def test_the_picture_is_the_servers(open_live: Callable[..., View], name: str, path: str, t: str = "0.37") -> None:
    view = open_live(PATH | {"path": name, "t": t})
    a, b, place = reference(3), reference(8), torch.tensor([float(t)])
    wanted = explore.slerp(a, b, place)[0] if path == "spherical" else torch.lerp(a, b, float(t))
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


def test_play_goes_there_and_back(open_live: Callable[..., View]) -> None:
    view = open_live(PATH | {"t": "0.9"})
    slider, url = view.page.locator(".live input.place"), view.page.url
    slider.press(" ")
    expect(view.page.get_by_role("button", name="Pause")).to_be_visible()
    view.until("e => e.value > 0.98", arg=slider.element_handle())
    view.until("e => e.value < 0.6", arg=slider.element_handle())
    assert view.page.url == url
    view.page.get_by_role("button", name="Pause").click()
    view.settle()
    t = float(query(view)["t"])
    assert t < 0.6
    view.page.get_by_role("button", name="Play").click(modifiers=["Shift"])  # backwards first
    view.until(f"e => e.value < {t - 0.1}", arg=slider.element_handle())
    slider.press(" ")
    view.settle()
    assert float(query(view)["t"]) < t
    expect(view.page.get_by_role("button", name="Play")).to_be_visible()


def test_other_pictures_come_without_moving_the_place(open_live: Callable[..., View]) -> None:
    view = open_live(PATH | {"t": "0.25"})
    view.page.get_by_role("button", name="Swap A and B").click()
    view.settle()
    assert alike(settled(view, now(view)), decoded(torch.lerp(reference(8), reference(3), 0.25)))
    assert query(view)["t"] == "0.25"


def test_another_model_has_pictures_of_another_size(open_live: Callable[..., View], pictures: str = "4") -> None:
    view = open_live(PAD | {"pictures": pictures})
    for name, size in (("sprites", 32), ("digits", 8)):
        view.page.get_by_test_id("stSidebar").get_by_role("combobox").click()
        view.page.get_by_role("option", name=name, exact=True).click()
        view.until("([e, size]) => e.width === size", arg=[now(view).element_handle(), size])
        view.settle()
    rows = torch.stack([reference(row) for row in (3, 8, 5, 11)[: int(pictures)]])
    assert alike(settled(view, now(view)), decoded(rows.mean(0)))


def test_a_corner_of_the_pad_is_its_picture(open_live: Callable[..., View], count: int = 4) -> None:
    view = open_live(PAD | {"pictures": str(count), "at": "0.25,0.25"})
    for name, row, place in zip("ABCD"[:count], (3, 8, 5, 11), explore.PADS[count], strict=False):
        corner = view.page.locator(f".live .corner.{name.lower()}")
        corner.click()
        view.settle()
        assert query(view)["at"] == ",".join(f"{value:g}" for value in place)
        expect(corner).to_contain_text("1.00")
        wanted = decoded(reference(row))
        assert alike(settled(view, now(view)), wanted) and alike(pixels(corner.locator("canvas")), wanted)


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


def test_a_walk_through_the_pad(open_live: Callable[..., View]) -> None:
    view = open_live(PAD | {"pictures": "4", "at": "0.2,0.1"})
    url, handle = view.page.url, view.page.locator(".live .handle")
    view.page.get_by_role("button", name="Play").click()
    view.until("e => e.style.left === '0%' || parseFloat(e.style.left) > 30", arg=handle.element_handle())
    view.until("e => parseFloat(e.style.left) > 30", arg=handle.element_handle())
    assert view.page.url == url
    view.page.get_by_role("button", name="Pause").click()
    view.settle()
    u, v = map(float, query(view)["at"].split(","))
    assert u > 0.3 and v == 0  # on the way from A to B


def test_class_weights_are_blended_too(open_live: Callable[..., View]) -> None:
    view = open_live(PAD | {"model": "mnist-conditional", "pictures": "3", "at": "0.5,0.5"})
    found = checkpoints.load(checkpoints.find("mnist-conditional"))
    assert found.reference is not None
    labels = explore.classes_of(found.model, found.reference, [3, 8, 5])
    weights = explore.pad_weights(torch.tensor([[0.5, 0.5]]), 3)
    y = explore.blend(torch.nn.functional.one_hot(labels, 10).float(), weights)
    z = explore.blend(found.reference.mean[[3, 8, 5]], weights)[0]
    assert alike(settled(view, now(view)), decoded(z, "mnist-conditional", y))


def test_the_pads_download_is_what_is_seen(open_live: Callable[..., View]) -> None:
    view = open_live(PAD | {"pictures": "4", "at": "0.3,0.6"})
    with view.page.expect_download() as download:
        view.page.get_by_role("button", name="Picture (PNG)").click()
    saved = Image.open(io.BytesIO(download.value.path().read_bytes())).convert("L")
    seen = settled(view, now(view))
    assert alike(np.asarray(saved.resize(seen.shape[::-1], Image.Resampling.NEAREST), dtype=int), seen)


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
