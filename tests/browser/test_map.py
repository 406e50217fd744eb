"""Map in a real Chromium: what lies under the pointer, small pictures, choices, search, links, files."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from vae_core import checkpoints, explore, projection

PIXELS = """([canvas, left, top, width, height]) =>
  Array.from(canvas.getContext('2d').getImageData(left, top, width, height).data)"""


@pytest.fixture
def live(new_view: Callable, live_server) -> Callable:
    """Open the map of a model in a browser that decodes; keywords are the link's."""

    def opened(how: dict | None = None, **query: object):
        view = new_view(server=live_server, **(how or {}))
        view.open("map", **query)
        expect(board(view)).to_have_attribute("data-at", re.compile("."), timeout=60_000)
        until(view, lambda: np.ptp(shown(view)) > 0)  # the runtime is large, and a shared machine slow
        return view

    return opened


def until(view, fulfilled: Callable[[], bool], seconds: int = 20) -> None:
    """Wait for what a picture has to be: it comes when it is decoded."""
    for _ in range(10 * seconds):
        if fulfilled():
            return
        view.page.wait_for_timeout(100)
    assert fulfilled()


def board(view) -> Locator:
    return view.page.locator(".live .above")


def caption(view) -> Locator:
    """What is said of the picture under the pointer."""
    return view.page.locator(".words figcaption")


def beside(view) -> Locator:
    """What is said of the nearest point."""
    return view.page.locator(".beside figcaption")


def pixels(canvas: Locator, left: int, top: int, width: int, height: int) -> np.ndarray:
    """Grey levels of a part of a canvas."""
    values = canvas.page.evaluate(PIXELS, [canvas.element_handle(), left, top, width, height])
    return np.array(values, int).reshape(height, width, 4)[:, :, 0]


def shown(view) -> np.ndarray:
    """Grey levels of what is decoded under the pointer."""
    canvas = view.page.locator(".lens canvas")
    return pixels(canvas, 0, 0, *canvas.evaluate("c => [c.width, c.height]"))


def at(view) -> np.ndarray:
    """Where on the map the pointer is."""
    return np.array([float(number) for number in board(view).get_attribute("data-at").split()])


def point_to(view, x: float, y: float) -> None:
    """Move the pointer to a place of the board, in CSS pixels from its corner."""
    box = board(view).bounding_box()
    view.page.mouse.move(box["x"] + x, box["y"] + y)
    view.page.wait_for_timeout(300)


def places_of(view, places: np.ndarray) -> np.ndarray:
    """Where places of the map (N, 2) lie on the board, found out by pointing at two others."""
    point_to(view, 120, 120)
    first = at(view)
    point_to(view, 220, 220)
    return 120 + (places - first) * 100 / (at(view) - first)


def model(name: str):
    return checkpoints.load(checkpoints.find(name))


def decoded(name: str, z: np.ndarray) -> np.ndarray:
    """Grey levels of the server's picture at a vector."""
    x = explore.decode(model(name).model, torch.tensor(np.asarray(z, np.float32))[None])
    return (x[0, 0] * 255).round().int().numpy()


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and abs(found - expected).max() <= 1


def button(view, name: str) -> Locator:
    return view.page.get_by_role("button", name=name, exact=True)


def tool(view, name: str) -> None:
    view.page.locator(".live").get_by_role("button", name=name, exact=True).click()
    view.settle()


def drag(view, *places: tuple[float, float]) -> None:
    """Drag over the board, through places in shares of its width and height."""
    box = board(view).bounding_box()
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    view.page.mouse.move(*corners[0])
    view.page.mouse.down()
    for corner in corners[1:]:
        view.page.mouse.move(*corner, steps=8)
    view.page.mouse.up()


def find(view, row: int) -> None:
    """Choose a picture by its number."""
    view.page.get_by_role("spinbutton", name="Find a picture").fill(str(row))
    view.page.keyboard.press("Enter")
    view.settle()
    expect(view.page.get_by_text(f"Nearest point: picture {row} ")).to_be_visible()
    view.page.get_by_role("tab", name="Chosen").click()
    expect(view.page.get_by_text(re.compile(f"^Picture {row} "))).to_be_visible()


def option(view, name: str) -> Locator:
    """A segment of a segmented control."""
    return view.page.get_by_test_id("stButtonGroup").get_by_text(name, exact=True)


def test_between_the_points_the_picture_is_the_servers_with_the_residual_and_without(live) -> None:
    view = live(model="digits")
    plot, main = board(view).bounding_box(), view.page.get_by_test_id("stMainBlockContainer").bounding_box()
    assert plot["width"] > 0.6 * main["width"] and plot["y"] + plot["height"] < 720
    for name in ("Pictures", "Colour", "Highlight"):
        place = view.page.get_by_test_id("stMain").get_by_role("combobox", name=name).bounding_box()
        assert place["y"] < 720 and place["x"] > plot["x"] + plot["width"]
    means = model("digits").reference.mean.numpy()
    found = projection.pca(means, 2)
    point_to(view, 200, 180)
    row = int(re.search(r"picture (\d+)", beside(view).inner_text())[1])
    plain = found.inverse(at(view)[None])[0]
    carried = plain + means[row] - found.inverse(found.coords[[row]])[0]
    until(view, lambda: same(shown(view), decoded("digits", carried)))
    view.page.get_by_label("With the nearest point's residual").uncheck()
    view.settle()
    assert "residual=off" in view.page.url
    point_to(view, 200, 180)
    until(view, lambda: same(shown(view), decoded("digits", plain)))
    view.screenshot("map")


def test_small_pictures_are_what_the_points_decode_to(live) -> None:
    view = live(model="digits", method="pca", find=40)  # it stands out, with those nearest to it
    reference = model("digits").reference
    rows = explore.nearest(reference.mean[40], reference.mean, 9)[0].tolist()
    coords = projection.pca(reference.mean.numpy(), 2).coords
    places = places_of(view, coords[rows])
    point_to(view, 60, 400)
    below = view.page.locator(".live .plot > canvas").first

    def is_small(row: int, place: np.ndarray) -> bool:
        left, top = (place - 16).round().astype(int).tolist()  # each of 8 x 8 pixels is enlarged to 4
        seen = pixels(below, left, top, 32, 32)[2::4, 2::4]
        return bool(np.median(abs(seen - decoded("digits", reference.mean[row]))) <= 2)

    until(view, lambda: any(map(is_small, rows, places)))
    view.screenshot("map-found")


def test_nothing_goes_to_the_server_while_the_pointer_moves(new_view, live_server) -> None:
    view = new_view(server=live_server)
    told: list[object] = []
    view.page.on("request", lambda request: told.append(request.url))
    view.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: told.append(frame)))
    view.open("map", model="mnist-2d")
    until(view, lambda: board(view).is_visible() and np.ptp(shown(view)) > 0)
    view.is_live()
    assert told
    view.page.wait_for_timeout(500)
    told.clear()
    view.page.evaluate("window.drawn = 0; addEventListener('live-drawn', () => window.drawn++, true)")
    box = board(view).bounding_box()
    for i in range(60):
        view.page.mouse.move(box["x"] + 80 + 3 * i, box["y"] + 90 + 2 * i)
    view.page.wait_for_timeout(500)
    assert view.page.evaluate("window.drawn") > 5
    assert told == []
    tool(view, "Box")
    assert told  # what is sent would have been seen


def test_a_box_brings_the_chosen_pictures_a_and_b_interpolate_and_back(live) -> None:
    view = live(model="digits")
    tool(view, "Box")
    assert "pointer=box" in view.page.url
    drag(view, (0.3, 0.3), (0.6, 0.6))
    expect(view.page.get_by_text("pictures chosen")).to_be_visible()
    sheet = view.page.get_by_role("group", name="Chosen pictures").get_by_role("button")
    name = sheet.nth(2).get_attribute("aria-label")
    sheet.nth(2).click()
    view.settle()
    row = int(re.search(r"picture (\d+)", name)[1])
    expect(view.page.get_by_text(re.compile(f"^Picture {row} "))).to_be_visible()
    button(view, "Use as A").click()
    view.settle()
    assert f"a=ref%3A{row}" in view.page.url
    view.screenshot("map-chosen")
    count = view.page.get_by_text("pictures chosen").inner_text()
    button(view, "Go to Interpolate").click()
    view.page.wait_for_url(re.compile("/interpolate"))
    view.settle()
    assert f"a=ref%3A{row}" in view.page.url and "model=digits" in view.page.url
    view.go_to("Map")
    expect(view.page.get_by_text(count)).to_be_visible()
    expect(view.page.locator(".live").get_by_role("button", name="Box", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )


def test_another_model_may_have_more_dimensions(live) -> None:
    view = live(model="mnist-2d", method="t-SNE")
    view.page.get_by_test_id("stSidebar").get_by_role("combobox").click()
    view.page.get_by_role("option", name="mnist", exact=True).click()
    view.settle()
    point_to(view, 300, 200)
    expect(caption(view)).to_contain_text("Nearest point: picture")
    row = int(re.search(r"picture (\d+)", caption(view).inner_text())[1])
    until(view, lambda: same(shown(view), decoded("mnist", model("mnist").reference.mean[row])))


def test_a_link_opens_the_same_map_in_the_dark_and_on_a_phone(live) -> None:
    link = {"model": "mnist-2d", "colour": "KL", "points": 500, "pointer": "Lasso"}
    dark = live({"theme": "dark"}, **link)
    expect(dark.page.locator(".live").get_by_role("button", name="Lasso")).to_have_attribute("aria-pressed", "true")
    expect(dark.page.locator(".legend")).to_contain_text("KL (nats)")
    expect(dark.page.get_by_text("500 of the 2,000 reference pictures, drawn at random")).to_be_visible()
    dark.screenshot("map-dark")
    phone = live({"width": 390, "height": 844, "touch": True}, model="mnist-2d")
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    place = board(phone).bounding_box()
    assert place["y"] + place["height"] < 844 and place["x"] + place["width"] <= 390
    before = shown(phone)
    finger = phone.page.context.new_cdp_session(phone.page)
    for kind, x in (("touchStart", 90), ("touchMove", 130), ("touchMove", 250), ("touchEnd", None)):
        touches = [] if x is None else [{"x": place["x"] + x, "y": place["y"] + 250}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    expected = decoded("mnist-2d", at(phone))
    until(phone, lambda: same(shown(phone), expected))
    assert (shown(phone) != before).any()
    phone.screenshot("map-phone")


def test_the_server_s_pictures_follow_the_pointer_and_three_dimensions_are_turned(view) -> None:
    view.open("map", model="digits")
    expect(view.page.get_by_text("Decoded on the server.")).to_be_visible()
    means, found = model("digits").reference.mean.numpy(), projection.pca(model("digits").reference.mean.numpy(), 2)
    point_to(view, 200, 180)
    row = int(re.search(r"picture (\d+)", beside(view).inner_text())[1])
    z = found.inverse(at(view)[None])[0] + means[row] - found.inverse(found.coords[[row]])[0]
    until(view, lambda: same(shown(view), decoded("digits", z)))
    option(view, "3-D").click()
    view.settle()
    expect(view.page.get_by_text("These 3 principal components explain")).to_be_visible()
    assert "dims=3" in view.page.url
    view.page.reload()
    view.settle()
    expect(view.page.locator(".js-plotly-plot")).to_have_count(1, timeout=60_000)
    view.screenshot("map-space")
    option(view, "2-D").click()
    view.settle()
    find(view, 7)
    button(view, "Traverse from it").click()
    view.page.wait_for_url(re.compile("/traverse"))
    view.settle()
    assert "start=ref%3A7" in view.page.url


def test_a_tsne_is_seen_forming_and_cancelled_while_the_page_answers(view) -> None:
    view.open("map", model="mnist-2d")
    option(view, "t-SNE").click()
    view.settle()
    expect(view.page.get_by_text("stored with the model")).to_be_visible()
    view.page.get_by_role("spinbutton", name="Seed").fill("5")
    view.page.keyboard.press("Enter")
    expect(view.page.get_by_text("t-SNE of 2,000 points")).to_be_visible()
    view.page.get_by_role("tab", name="Your own").click()  # the page answers meanwhile
    expect(view.page.get_by_text("Pictures to place on the map")).to_be_visible()
    button(view, "Cancel").click()
    expect(view.page.get_by_text("this map is not finished")).to_be_visible()
    expect(button(view, "Start again")).to_be_visible()
    assert "tsne_seed=5" in view.page.url and "method=t-sne" in view.page.url
