"""Until a browser decodes a model, it shows the server's pictures in the same places, and they follow the hand."""

import re
from collections.abc import Callable
from threading import Event

import numpy as np
import torch
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import DRAWN, Server, View
from tests.browser.test_live import becomes, expected, first_slider, grab, ranges, ready, shown
from vae_core import checkpoints, explore

EXPORTED = re.compile("/live/file/")
PICTURES = re.compile("/live/pictures/")
RUNTIME = re.compile("/live/runtime/")
NOTE = "The live view loads"


class Held:
    """Requests that the network keeps until they are let go."""

    def __init__(self, view: View, what: re.Pattern[str]) -> None:
        self.view, self.what, self.routes, self.open = view, what, [], Event()
        view.page.route(what, self._hold)

    def _hold(self, route: Route) -> None:
        if self.open.is_set():
            route.continue_()
        else:
            self.routes.append(route)

    def let_go(self) -> None:
        self.open.set()
        for route in self.routes:
            route.continue_()


def state(view: View, name: str) -> Locator:
    return view.page.locator(f'.live[data-state="{name}"]')


def picture_of(name: str, moved: float | None = None) -> np.ndarray:
    """What the usual start decodes to, its first slider moved."""
    model = checkpoints.load(checkpoints.find(name)).model
    z = torch.zeros(1, model.spec.size)
    if moved is not None:
        z[0, first_slider(name)[0]] = moved
    return expected(name, z)[0]


def test_servers_picture_stands_there_first_follows_the_hand_and_gives_way(live: View) -> None:
    held = Held(live, EXPORTED)
    live.open("traverse", model="digits", start="mean")
    everything = slice(0, 8)
    becomes(live, everything, picture_of("digits"))
    note = live.page.get_by_text(NOTE)
    expect(note).to_be_visible()  # it takes more than a moment here
    where = live.page.locator(".live canvas").first.bounding_box()
    live.screenshot("live-loading")
    live.drag(ranges(live).first, 0.8)
    place = float(live.page.locator(".live input[type=number]").first.input_value())
    assert place != 0
    becomes(live, everything, picture_of("digits", place))
    expect(state(live, "loading")).to_be_visible()  # all of this was the server's
    held.let_go()
    expect(state(live, "drawn")).to_be_visible()
    expect(note).to_be_hidden()
    becomes(live, everything, picture_of("digits", place))
    assert live.page.locator(".live canvas").first.bounding_box() == where
    assert f"={place:g}" in live.page.url


def test_servers_picture_that_comes_late_is_not_shown(live: View) -> None:
    held = Held(live, PICTURES)
    live.open("traverse", model="digits", start="mean")
    ready(live)
    live.drag(ranges(live).first, 0.9)
    before = shown(live)
    assert held.routes  # of the start
    held.let_go()
    live.page.wait_for_timeout(500)
    assert (shown(live) == before).all()


def test_model_that_cannot_be_exported_stays_the_servers_and_says_why(live: View) -> None:
    words = "A layer gives too much."
    live.page.route(EXPORTED, lambda route: route.fulfill(status=422, content_type="text/plain", body=words))
    live.open("traverse", model="digits", start="mean")
    expect(live.page.get_by_text(f"Decoded on the server. {words}")).to_be_visible()
    expect(state(live, "served")).to_be_visible()
    live.drag(ranges(live).first, 0.8)
    place = float(live.page.locator(".live input[type=number]").first.input_value())
    becomes(live, slice(0, 8), picture_of("digits", place))
    live.errors = [error for error in live.errors if "422" not in error]  # what was answered above


def test_model_is_live_where_the_server_sends_no_pictures(live: View) -> None:
    live.page.route(PICTURES, lambda route: route.fulfill(status=503, body="Too many wait for pictures."))
    live.open("interpolate", model="mnist-2d")
    ready(live)
    live.errors = [error for error in live.errors if "503" not in error]


def pictures(view: View) -> Locator:
    return view.page.locator(".live figure canvas, .live .field canvas, .live .corner canvas")


def assert_servers(view: View) -> list[tuple[object, np.ndarray]]:
    """The page shows the server's pictures: where they are, and their levels."""
    view.until("window.drawn.length > 0")
    expect(state(view, "loading")).to_be_visible()
    expect(view.page.get_by_text(NOTE)).to_be_visible()
    found = [(place.bounding_box(), levels(place)) for place in pictures(view).all()]
    assert found and all(pixels.std() > 5 for _, pixels in found)  # pictures, and not the grey of an empty place
    return found


def assert_same(view: View, before: list[tuple[object, np.ndarray]]) -> None:
    """The page itself has decoded what the server showed, in the same places."""
    expect(state(view, "drawn")).to_be_visible()
    view.settle()
    for place, (box, pixels) in zip(pictures(view).all(), before, strict=True):
        assert place.bounding_box() == box and np.abs(levels(place) - pixels).max() <= 1


def test_every_page_shows_the_same_from_both(live: View) -> None:
    held, before = Held(live, RUNTIME), {}
    live.open(model="digits")
    for title in ("Traverse", "Sample", "Interpolate", "Compare", "Map"):
        live.page.evaluate("window.drawn = []")
        live.go_to(title)
        before[title] = assert_servers(live)
        live.screenshot(f"server-first-{title.lower()}")
    held.let_go()
    for title in reversed(before):
        if title != "Map":  # it is open
            live.go_to(title)
        assert_same(live, before[title])


def test_the_pad_of_a_model_with_classes_shows_the_same_from_both(live: View) -> None:
    held = Held(live, RUNTIME)
    live.open("interpolate", model="mnist-conditional", pictures=3)
    before = assert_servers(live)
    held.let_go()
    assert_same(live, before)


def levels(canvas: Locator) -> np.ndarray:
    found = canvas.evaluate("c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")
    return np.array(found).reshape(-1, 4)[:, :3]


def test_nothing_of_it_breaks_a_phone_in_the_dark(new_view: Callable[..., View], live_server: Server) -> None:
    view = new_view(theme="dark", width=390, height=844, touch=True, server=live_server, script=DRAWN)
    held = Held(view, RUNTIME)
    view.open("traverse", model="digits")
    note = view.page.get_by_text(NOTE)
    expect(note).to_be_visible()
    box, picture = note.bounding_box(), view.page.locator(".live canvas").first.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] + box["height"] <= picture["y"] + 24
    assert note.evaluate("e => getComputedStyle(e.closest('.loading')).backgroundColor") != "rgba(0, 0, 0, 0)"
    above = view.page.get_by_role("button", name="Another one").bounding_box()
    assert above["y"] + above["height"] <= box["y"] + 1
    view.screenshot("live-loading-phone")
    held.let_go()
    ready(view)


def test_draws_that_are_made_step_by_step_follow_the_hand_through_the_seeds_around(live: View) -> None:
    """The seed that is shown comes first, alone; the others when the server has drawn them."""
    asked: list[str] = []
    live.page.on("request", lambda request: asked.append(request.url) if EXPORTED.search(request.url) else None)
    live.open("sample", model="digits-vdvae", n=4)
    ready(live)
    model = checkpoints.load(checkpoints.find("digits-vdvae")).model
    becomes(live, slice(1, 9), expected("digits-vdvae", explore.sample(model, 4))[0])
    assert len(asked) == 3  # the decoder, this seed's points, and those of the seeds around
    url = live.page.url
    grab(live, ranges(live).nth(1), 0.5)  # and holds on
    seed = int(live.page.get_by_label("Value of the seed").input_value())
    assert 0 < seed < 16
    becomes(live, slice(1, 9), expected("digits-vdvae", explore.sample(model, 4, 1.0, seed))[0])
    assert live.page.url == url
    live.page.mouse.up()
    live.settle()
