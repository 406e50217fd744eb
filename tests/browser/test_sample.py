"""Sample in a real Chromium: its place on the page, the plane, sending a picture on, downloads, a phone."""

import re
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.test_live import shown


def grid(view) -> Locator:
    return view.page.locator("[data-testid=stMain] .live .field canvas")


def heat(view) -> Locator:
    return view.page.get_by_role("slider", name="Temperature")


def test_the_first_visit_shows_a_large_picture_without_scrolling(view) -> None:
    view.open("sample", model="mnist-2d")
    box, natural = grid(view).bounding_box(), grid(view).evaluate("e => e.width")
    assert box["width"] % natural == 0 and box["width"] > 400  # enlarged by a whole number
    assert box["y"] + box["height"] < 720
    assert "64 pictures drawn from the prior" in grid(view).get_attribute("aria-label")
    for place in (view.slider("Pictures"), heat(view)):
        assert place.bounding_box()["y"] < 720
    assert shown(view).std() > 40
    view.screenshot("sample")


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
    heat(view).scroll_into_view_if_needed()
    expect(heat(view)).to_be_visible()
    view.screenshot("sample-phone")
