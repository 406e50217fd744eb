"""Sample in a real Chromium: keyboard, new draw, links, the plane, sending a picture on, downloads, themes, a phone."""

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.conftest import IN_ONE_BREATH


def grid(view) -> Locator:
    return view.page.locator("[data-testid=stMain] .live .field canvas")


def seen(view) -> np.ndarray:
    """The picture's pixels as the browser paints them."""
    grid(view).scroll_into_view_if_needed()
    return np.asarray(Image.open(io.BytesIO(grid(view).screenshot())).convert("L"), dtype=int)


def test_the_first_visit_shows_a_large_picture_without_scrolling(view) -> None:
    view.open("sample", model="mnist-2d")
    box, natural = grid(view).bounding_box(), grid(view).evaluate("e => e.width")
    assert box["width"] % natural == 0 and box["width"] > 400  # enlarged by a whole number
    assert box["y"] + box["height"] < 720
    assert "64 pictures drawn from the prior" in grid(view).get_attribute("aria-label")
    for name in ("Pictures", "Temperature"):
        place = view.slider(name).bounding_box()
        assert place["y"] < 720
    assert seen(view).std() > 40
    view.screenshot("sample")


def test_each_of_two_quick_presses_is_a_draw(view) -> None:
    view.open("sample", model="digits")
    for count, pause in enumerate((0, 15, 30, 60), 1):
        view.page.evaluate(IN_ONE_BREATH, ["New draw", "New draw", pause])
        view.settle()
        assert f"seed={2 * count}" in view.page.url, f"{pause} ms"
    expect(view.page.get_by_label("Seed", exact=True)).to_have_value("8")


def test_temperature_by_keyboard_new_draw_and_the_link_again(view, new_view) -> None:
    view.open("sample", model="digits")
    first = seen(view)
    view.slider("Temperature").focus()
    for _ in range(10):
        view.page.keyboard.press("ArrowLeft")
    expect(view.page).to_have_url(re.compile("temperature=0.5"))
    view.settle()
    cooler = seen(view)
    assert "temperature=0.5" in view.page.url and not np.array_equal(first, cooler)
    view.page.get_by_role("button", name="New draw").click()
    view.settle()
    drawn = seen(view)
    assert "seed=1" in view.page.url and not np.array_equal(cooler, drawn)
    view.page.get_by_text("Pixels", exact=True).click()
    view.settle()
    expect(view.page.get_by_text("the grain is noise")).to_be_visible()
    link, grainy = view.page.url, seen(view)
    view.page.reload()
    view.settle()
    assert np.array_equal(seen(view), grainy)
    other = new_view()
    other.page.goto(link)
    other.settle()
    assert np.array_equal(seen(other), grainy)
    expect(other.page.get_by_text("64 draws of z from the prior, seed 1, temperature 0.5.")).to_be_visible()
    view.page.get_by_role("spinbutton", name="Seed").fill("0")
    view.page.keyboard.press("Enter")
    view.page.get_by_text("Mean", exact=True).click()
    view.settle()
    assert np.array_equal(seen(view), cooler)  # the seed undoes the new draw


def test_a_pressed_picture_goes_to_traverse_and_interpolate(view) -> None:
    view.open("sample", model="digits", n=16)
    expect(view.page.get_by_role("button", name="Use as A")).to_be_disabled()
    box = grid(view).bounding_box()
    grid(view).click(position={"x": box["width"] * 0.4, "y": box["height"] * 0.6})  # second column, third row
    view.settle()
    expect(view.page.get_by_role("spinbutton", name="Picture to use")).to_have_value("10")
    expect(view.page.locator(".live .mark")).to_be_visible()
    view.page.get_by_role("button", name="Use as B").click()
    expect(view.page.get_by_text("Picture 10 is B now")).to_be_visible()
    view.settle()
    assert "b=prior%3A0.9" in view.page.url and "picture=10" in view.page.url
    view.page.get_by_role("button", name="Traverse from it").click()
    view.page.wait_for_url(re.compile("/traverse"))
    view.settle()
    expect(view.page.get_by_text("Start: draw 10 of seed 0 from the prior")).to_be_visible()
    assert "start=prior%3A0.9" in view.page.url


def test_plane_has_axes_and_its_corner_can_be_pressed(new_view) -> None:
    view = new_view(theme="dark")
    view.open("sample", model="mnist-2d")
    view.page.get_by_text("Plane", exact=True).click()
    view.settle()
    assert "view=plane" in view.page.url
    box = grid(view).bounding_box()
    left, below = view.page.get_by_text("z1 ↑").bounding_box(), view.page.get_by_text("z0 →").bounding_box()
    assert left["x"] + left["width"] <= box["x"] and below["y"] >= box["y"] + box["height"]
    grid(view).click(position={"x": 3, "y": 3})
    view.settle()
    expect(view.page.get_by_text("At z0 = -1.83, z1 = 1.83")).to_be_visible()
    view.screenshot("sample-plane-dark")


def test_downloads(view) -> None:
    view.open("sample", model="digits", n=4)
    for name, ending in (("Grid (PNG)", "png"), ("Pictures (zip)", "zip"), ("Latents (npz)", "npz")):
        with view.page.expect_download() as file:
            view.page.get_by_role("button", name=name).click()
        assert file.value.suggested_filename == f"digits-4-0-1.0.{ending}"
        assert Path(file.value.path()).stat().st_size > 100


def test_on_a_phone(new_view) -> None:
    view = new_view(width=390, height=844, touch=True)
    view.open("sample", model="mnist-2d", view="Plane")
    box = grid(view).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] + box["height"] < 844
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
    view.slider("Temperature").scroll_into_view_if_needed()
    expect(view.slider("Temperature")).to_be_visible()
    view.screenshot("sample-phone")


def test_a_link_out_of_range_is_explained_once(view) -> None:
    view.open("sample", model="digits", temperature=99)
    sentence = "The link sets “Temperature” to 99, but it can only be a number from 0 to 2;"
    expect(view.page.get_by_text(sentence)).to_be_visible()
    assert "temperature" not in view.page.url
