"""The frame around the pages, and the widgets that live in the browser, in a real Chromium."""

import re
import urllib.request
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

PAGES = {
    "": "Home",
    "sample": "Sample",
    "interpolate": "Interpolate",
    "traverse": "Traverse",
    "draw": "Draw",
    "map": "Map",
    "compare": "Compare",
}
WIDGETS = Path(__file__).with_name("widgets_script.py")


def test_health(server) -> None:
    with urllib.request.urlopen(f"{server.url}/healthz") as answer:
        assert answer.status == 200 and answer.read() == b"ok"


def assert_framed(view) -> None:
    """The page stands in the app's frame, with a title and without an exception."""
    assert view.page.get_by_test_id("stTopNavLink").all_inner_texts() == list(PAGES.values())
    assert view.page.locator("[data-testid=stException]").count() == 0
    assert view.page.get_by_test_id("stTopNavLinkContainer").count() == len(PAGES)
    assert view.page.get_by_role("heading", level=1).count() == 1


def test_a_link_to_a_fresh_server_opens_the_page_in_its_frame(start_server, new_view) -> None:
    view = new_view(server=start_server())
    view.open("map")
    assert_framed(view)


def test_a_link_with_an_infinite_number_says_so_and_keeps_the_rest(view) -> None:
    view.open("sample", seed="-1e400", n=9)
    view.page.get_by_text("The link sets “Seed” to “-1e400”, but it can only be a whole number from 0").wait_for()
    assert view.page.locator("[data-testid=stException]").count() == 0
    assert view.page.url.endswith("/sample?n=9")


def test_the_model_of_a_link_stays_on_every_page(view) -> None:
    view.open("sample", model="fashion")
    for title in ("Interpolate", "Traverse", "Home"):
        view.go_to(title)
        assert "model=fashion" in view.page.url
        assert view.page.get_by_test_id("stSidebar").get_by_role("combobox").input_value() == "fashion"


def test_one_back_leaves_a_page_on_which_nothing_was_touched(view) -> None:
    view.open("sample")
    view.go_to("Interpolate")
    assert view.page.url == f"{view.url}/interpolate"
    view.page.go_back()
    view.settle()
    assert view.page.url == f"{view.url}/sample"


def test_from_page_to_page_in_the_dark_and_on_a_phone(new_view) -> None:
    """Every page stands in its frame, follows the system's theme and needs no sideways scrolling."""
    view = new_view(theme="dark", touch=True)
    view.open()
    for path, title in [*PAGES.items(), ("", "Home")]:
        view.go_to(title)
        assert view.page.url.split("?")[0] == f"{view.url}/{path}"
        assert_framed(view)
        ground = view.page.get_by_test_id("stApp").evaluate("e => getComputedStyle(e).backgroundColor")
        assert max(map(int, re.findall(r"\d+", ground)[:3])) < 64
        view.screenshot(f"{title.lower()}-dark")
        view.page.set_viewport_size({"width": 390, "height": 844})
        view.settle()
        over = view.page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth")
        assert over <= 0, title
        view.screenshot(f"{title.lower()}-phone")
        view.page.set_viewport_size({"width": 1280, "height": 720})


@pytest.fixture(scope="module")
def widgets_server(start_server):
    return start_server(WIDGETS, "/_stcore/health")


@pytest.fixture
def widgets(new_view, widgets_server) -> Callable:
    def opened(**how):
        view = new_view(server=widgets_server, **how)
        view.open()
        return view

    return opened


def colour(page, index: int = 0) -> int:
    """Grey value in the middle of the player's picture: the script draws frame i in grey 10 i."""
    read = "e => e.getContext('2d').getImageData(e.width >> 1, e.height >> 1, 1, 1).data[0]"
    return page.locator(".player canvas").nth(index).evaluate(read)


def told(page) -> str:
    return page.get_by_text("server heard").inner_text()


def test_player_opens_at_its_place(widgets) -> None:
    view = widgets()
    assert (colour(view.page), colour(view.page, 1)) == (50, 205)
    assert view.page.locator(".player output").inner_text() == "t = 0.25"
    view.screenshot("player")


def test_player_drag_draws_at_once_and_tells_the_server_at_the_end(widgets) -> None:
    view = widgets()
    slider = view.page.get_by_role("slider", name="Place on the path from A to B")
    box = slider.bounding_box()
    view.page.mouse.move(box["x"] + box["width"] * 0.26, box["y"] + box["height"] / 2)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + box["width"], box["y"] + box["height"] / 2, steps=5)
    assert (colour(view.page), colour(view.page, 1)) == (200, 55)
    view.page.wait_for_timeout(600)
    assert told(view.page) == "server heard 0.25"
    view.page.mouse.up()
    view.page.get_by_text("server heard 1.0").wait_for()
    assert slider.input_value() == "20"


def test_player_by_keyboard(widgets) -> None:
    view = widgets()
    slider = view.page.get_by_role("slider", name="Place on the path from A to B")
    slider.focus()
    for _ in range(3):
        view.page.keyboard.press("ArrowRight")
    view.page.get_by_text("server heard 0.4").wait_for()
    assert colour(view.page) == 80
    assert slider.get_attribute("aria-valuetext") == "0.40 of the way from A to B"
    view.page.keyboard.press(" ")
    view.page.get_by_role("button", name="Pause").wait_for()
    view.page.wait_for_timeout(500)
    assert colour(view.page) != 80
    view.page.keyboard.press(" ")
    view.page.get_by_role("button", name="Play").wait_for()


def test_player_turns_round_at_the_ends(widgets) -> None:
    view = widgets()
    slider = view.page.get_by_role("slider", name="Place on the path from A to B")
    slider.press("End")
    for _ in range(4):
        slider.press("ArrowLeft")
    view.page.get_by_role("button", name="Play").click()
    steps, seen = [], [colour(view.page)]
    while sum(step < 0 for step in steps) < 4 and len(seen) < 100:
        view.page.wait_for_timeout(50)
        seen.append(colour(view.page))
        steps = [b - a for a, b in pairwise(seen)]
    assert seen[0] < max(seen) and any(s > 0 for s in steps) and any(s < 0 for s in steps)
    assert max(map(abs, steps)) < 100  # it runs back, and does not jump


def test_player_keeps_its_place_when_other_frames_come(widgets) -> None:
    view = widgets()
    view.page.get_by_role("slider", name="Place on the path from A to B").press("Home")
    view.page.get_by_text("server heard 0.0").wait_for()
    view.page.get_by_role("button", name="Other frames").click()
    view.settle()
    assert colour(view.page) == 5
    assert told(view.page) == "server heard 0.0"


@pytest.mark.parametrize("how", [{}, {"width": 390, "height": 844, "touch": True}], ids=str)
def test_small_pictures_grow_by_whole_numbers(how: dict, widgets) -> None:
    page = widgets(**how).page
    scale = page.locator(".player canvas").first.evaluate("e => e.getBoundingClientRect().width / e.width")
    assert scale >= 2 and scale == pytest.approx(round(scale), abs=0.01)
    picture = page.get_by_role("img", name="a grid")
    scale = picture.evaluate("e => e.getBoundingClientRect().width / e.naturalWidth")
    assert scale >= 2 and scale == pytest.approx(round(scale), abs=0.01)
    assert picture.evaluate("e => getComputedStyle(e).imageRendering") == "pixelated"
    assert picture.evaluate("e => e.getBoundingClientRect().height") <= 0.7 * page.viewport_size["height"]


def test_chosen_points_come_back_as_rows(widgets) -> None:
    view = widgets()
    area = view.page.locator(".js-plotly-plot .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    view.page.mouse.move(box["x"] + 2, box["y"] + 2)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2, steps=5)
    view.page.mouse.up()
    view.page.get_by_text("chosen [0, 1, 2, 3, 4]").wait_for()
