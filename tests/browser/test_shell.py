"""The frame around the pages, and the widgets that live in the browser, in a real Chromium."""

import re
import urllib.request
from collections.abc import Callable
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


def test_a_link_with_an_infinite_number_says_so_and_keeps_the_rest(view) -> None:
    view.open("sample", seed="-1e400", n=9)
    view.page.get_by_text("The link sets “Seed” to “-1e400”, but it can only be a whole number from 0").wait_for()
    assert view.page.locator("[data-testid=stException]").count() == 0
    assert view.page.url.endswith("/sample?n=9")


def test_one_back_leaves_a_page_on_which_nothing_was_touched(view) -> None:
    view.open("sample")
    view.go_to("Interpolate")
    assert view.page.url == f"{view.url}/interpolate"
    view.page.go_back()
    view.settle()
    assert view.page.url == f"{view.url}/sample"


def test_from_page_to_page_in_the_dark_and_on_a_phone(new_view) -> None:
    """Every page stands in its frame, has the link's model and the system's theme, and needs no sideways scrolling."""
    view = new_view(theme="dark", touch=True)
    view.open(model="fashion")
    for path, title in [*PAGES.items(), ("", "Home")]:
        view.go_to(title)
        assert view.page.url.split("?")[0] == f"{view.url}/{path}"
        assert_framed(view)
        assert "model=fashion" in view.page.url
        assert view.page.get_by_test_id("stSidebar").get_by_role("combobox").input_value() == "fashion"
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


@pytest.mark.parametrize("how", [{}, {"width": 390, "height": 844, "touch": True}], ids=str)
def test_small_pictures_grow_by_whole_numbers(how: dict, widgets) -> None:
    page = widgets(**how).page
    picture = page.get_by_role("img", name="a grid")
    scale = picture.evaluate("e => e.getBoundingClientRect().width / e.naturalWidth")
    assert scale >= 2 and scale == pytest.approx(round(scale), abs=0.01)
    assert picture.evaluate("e => getComputedStyle(e).imageRendering") == "pixelated"
    assert picture.evaluate("e => e.getBoundingClientRect().height") <= 0.7 * page.viewport_size["height"]
