"""Traverse in a real Chromium: mouse and keyboard on sliders, reset, random, models, links, themes, a phone."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.conftest import IN_ONE_BREATH


def picture(view) -> Locator:
    """The canvas with the decoded picture (left) and the start (right)."""
    return view.page.get_by_role("img", name="Left: the picture decoded where the sliders stand.")


def seen(view) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of the decoded picture and of the start, as the browser paints them."""
    both = np.asarray(Image.open(io.BytesIO(picture(view).screenshot())).convert("L"), dtype=int)
    middle = both.shape[1] // 2
    return both[:, :middle], both[:, -middle:]


def handles(view) -> Locator:
    return view.page.locator("[data-testid=stSlider] input[type=range]")


def button(view, name: str) -> Locator:
    return view.page.get_by_role("button", name=name, exact=True)


def test_a_dimension_is_slid_with_the_mouse_and_put_back(view) -> None:
    view.open("traverse", model="digits")
    box = picture(view).bounding_box()
    assert box["y"] + box["height"] < 720 and box["width"] > 400
    now, start = seen(view)
    view.drag(handles(view).first, 0.95)
    moved, same = seen(view)
    assert np.abs(moved - now).mean() > 3 and np.array_equal(start, same)
    assert any(part.startswith("z") for part in view.page.url.split("?")[1].split("&"))
    view.screenshot("traverse")
    view.page.get_by_role("button", name="Reset", exact=True).first.click()
    view.settle()
    assert np.array_equal(seen(view)[0], now) and view.page.url.endswith("?model=digits")


def test_keyboard_random_undo_reset_and_the_link_again(view, new_view) -> None:
    view.open("traverse", model="digits")
    now, _ = seen(view)
    handles(view).nth(1).focus()
    for _ in range(12):
        view.page.keyboard.press("ArrowRight")
    view.settle()
    slid, _ = seen(view)
    assert not np.array_equal(slid, now)
    button(view, "Randomize").click()
    view.settle()
    drawn, _ = seen(view)
    assert np.abs(drawn - slid).mean() > 3 and view.page.url.count("&z") > 2
    other = new_view()
    other.page.goto(view.page.url)
    other.settle()
    assert np.array_equal(seen(other)[0], drawn)
    button(view, "Undo").click()
    view.settle()
    assert np.array_equal(seen(view)[0], slid)
    button(view, "Reset all").click()
    view.settle()
    assert np.array_equal(seen(view)[0], now) and "&z" not in view.page.url


def test_a_press_right_after_undo_does_not_bring_back_what_was_undone(view) -> None:
    view.open("traverse", model="digits", z3=1.5)
    before = view.page.url
    for pause in (0, 15, 30, 45, 60, 90):
        button(view, "Randomize").click()
        view.settle()
        assert view.page.url.count("&z") > 2
        view.page.evaluate(IN_ONE_BREATH, ["Undo", "Use as B", pause])
        view.settle()
        places = {part for part in view.page.url.split("?")[1].split("&") if part.startswith("z")}
        assert places == {"z3=1.5"}, f"the second press {pause} ms after the first, from {before}"


def test_a_press_right_after_a_draw_does_not_put_its_seed_back(view) -> None:
    view.open("traverse", model="digits")
    for count, pause in enumerate((0, 15, 30, 60), 1):
        view.page.evaluate(IN_ONE_BREATH, ["Randomize", "Use as B", pause])
        view.settle()
        assert f"random={count}" in view.page.url, f"{pause} ms"


def test_the_link_says_what_the_sliders_say_after_two_presses_that_cancel_each_other(view) -> None:
    view.open("traverse", model="digits", z3=1.5)
    handles(view).nth(1).focus()
    view.page.keyboard.press("ArrowRight")
    view.settle()

    def places() -> set[str]:
        return {part for part in view.page.url.split("?")[1].split("&") if part.startswith("z")}

    before = places()
    assert len(before) == 2 and "z3=1.5" in before
    for pause in (0, 15, 30, 60):
        view.page.evaluate(IN_ONE_BREATH, ["Reset all", "Undo", pause])
        view.settle()
        assert places() == before, f"the second press {pause} ms after the first"


def test_back_leaves_nothing_of_another_model_to_undo(view) -> None:
    view.open("traverse", model="digits")
    view.page.get_by_test_id("stSidebar").get_by_role("combobox", name="Model").click()
    view.page.get_by_role("option", name="mnist-2d", exact=True).click()
    view.settle()
    button(view, "Randomize").click()
    view.settle()
    expect(button(view, "Undo")).to_be_enabled()
    view.page.go_back()
    view.settle()
    assert "model=digits" in view.page.url
    expect(button(view, "Undo")).to_be_disabled()


def test_another_model_and_back_begins_at_its_start(view) -> None:
    view.open("traverse", model="digits", z3=1.5)
    assert "z3=1.5" in view.page.url
    slid, _ = seen(view)
    model = view.page.get_by_test_id("stSidebar").get_by_role("combobox", name="Model")
    for name, shape in (("mnist-2d", "28 × 28"), ("digits", "8 × 8")):
        model.click()
        view.page.get_by_role("option", name=name, exact=True).click()
        view.settle()
        expect(view.page.get_by_test_id("stSidebar").get_by_text(f"{shape} grey")).to_be_visible()
        assert "z3" not in view.page.url
        expect(button(view, "Reset all")).to_be_disabled()
    assert not np.array_equal(seen(view)[0], slid)


def test_the_point_goes_to_interpolate_and_sliders_stay_over_pages(view) -> None:
    view.open("traverse", model="digits", start="ref:5", z3=1.5)
    before, _ = seen(view)
    button(view, "Use as A").click()
    expect(view.page.get_by_text("The picture is A now")).to_be_visible()
    view.settle()
    assert "a=point%3A" in view.page.url and "z3=1.5" in view.page.url
    view.go_to("Sample")
    view.go_to("Traverse")
    assert np.array_equal(seen(view)[0], before)
    assert "z3=1.5" in view.page.url and "start=ref%3A5" in view.page.url
    view.go_to("Interpolate")
    expect(view.page.get_by_text("a point that was chosen").first).to_be_visible()


def test_a_picture_of_the_grid_puts_its_slider_there(view) -> None:
    view.open("traverse", model="mnist-2d", values=5)
    now, _ = seen(view)
    grid = view.page.get_by_role("img", name="2 dimensions by 5 values")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    expect(view.page.locator(".live .rows > span").first).to_contain_text("z1")
    grid.click(position={"x": box["width"] * 0.95, "y": box["height"] * 0.25})
    view.settle()
    assert np.abs(seen(view)[0] - now).mean() > 3 and view.page.url.count("&z") == 1
    expect(button(view, "Undo")).to_be_enabled()


def test_downloads(view) -> None:
    view.open("traverse", model="digits", start="mean")
    files = {"Picture (PNG)": "png", "Grid (PNG)": "png", "Animation (GIF)": "gif", "Latents (npz)": "npz"}
    for label, ending in files.items():
        with view.page.expect_download() as file:
            button(view, label).click()
        name = file.value.suggested_filename
        assert name.startswith("digits-") and name.endswith(f".{ending}")
        assert Path(file.value.path()).stat().st_size > 100


@pytest.mark.parametrize(("theme", "ground"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(16, 21, 26)")])
def test_both_themes(theme: str, ground: str, new_view) -> None:
    view = new_view(theme=theme)
    view.open("traverse", model="mnist-2d", start="mean")
    assert view.page.locator("[data-testid=stApp]").evaluate("e => getComputedStyle(e).backgroundColor") == ground
    text = view.page.locator(".live .below > span").first.evaluate("e => getComputedStyle(e).color")
    assert text != ground
    expect(view.page.get_by_text("Start: the prior mean")).to_be_visible()
    view.screenshot(f"traverse-{theme}")


def test_on_a_phone(new_view) -> None:
    view = new_view(width=390, height=844, touch=True)
    view.open("traverse", model="digits")
    box = picture(view).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
    handles(view).first.scroll_into_view_if_needed()
    slider = handles(view).first.bounding_box()
    assert picture(view).bounding_box()["y"] + box["height"] > 100 and slider["y"] < 844  # both are seen at once
    view.screenshot("traverse-phone")
