"""The live map in a real Chromium: what lies under the pointer, paths, choices, links; nothing asked of the server."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from vae_core import checkpoints, explore, projection

PIXELS = """canvas => {
  const {width, height} = canvas;
  return [height, width, Array.from(canvas.getContext('2d').getImageData(0, 0, width, height).data)];
}"""


@pytest.fixture
def live(new_view: Callable, live_server) -> Callable:
    """Open the map of a model; keywords are the link's."""

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
    return view.page.locator(".seen > figure:first-child figcaption")


def beside(view) -> Locator:
    """What is said of the nearest point."""
    return view.page.locator(".beside figcaption")


def shown(view, figure: str = ".seen > figure:first-child") -> np.ndarray:
    """Grey levels of a decoded picture."""
    height, width, values = view.page.locator(f"{figure} canvas").evaluate(PIXELS)
    return np.array(values, int).reshape(height, width, 4)[:, :, 0]


def at(view) -> np.ndarray:
    """Where on the map the pointer is."""
    return np.array([float(number) for number in board(view).get_attribute("data-at").split()])


def point_to(view, x: float, y: float) -> None:
    """Move the pointer to a place of the board, in CSS pixels from its corner."""
    box = board(view).bounding_box()
    view.page.mouse.move(box["x"] + x, box["y"] + y)
    view.page.wait_for_timeout(300)


class Paper:
    """Where places of the map lie on the board, found out by pointing at two of them."""

    def __init__(self, view) -> None:
        self.view = view
        point_to(view, 120, 120)
        first = at(view)
        point_to(view, 220, 220)
        self.unit = 100 / (at(view) - first)
        self.zero = 120 - first * self.unit

    def point_to(self, place: np.ndarray) -> None:
        point_to(self.view, *(self.zero + place * self.unit))


def model(name: str):
    return checkpoints.load(checkpoints.find(name))


def decoded(name: str, z: np.ndarray, y: int | None = None) -> np.ndarray:
    """Grey levels of the server's picture at a vector."""
    vector = torch.tensor(np.asarray(z, np.float32))[None]
    x = explore.decode(model(name).model, vector, None if y is None else torch.tensor([y]))
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


def test_between_the_points_of_the_plane_the_picture_is_the_servers(live) -> None:
    view = live(model="mnist-2d")
    first = None
    for x, y in ((150, 110), (237, 203), (90, 300)):
        point_to(view, x, y)
        expected = decoded("mnist-2d", at(view))
        until(view, lambda expected=expected: same(shown(view), expected))
        assert first is None or (shown(view) != first).any()
        first = shown(view)
    expect(caption(view)).to_have_text(re.compile(r"^Under the pointer: z0 .*, z1 "))
    expect(beside(view)).to_contain_text("distance")
    expect(view.page.get_by_label("With the nearest point's residual")).to_be_hidden()
    view.screenshot("live-map-plane")


def test_principal_components_with_the_residual_and_without(live) -> None:
    view = live(model="digits", method="PCA")
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
    assert not same(shown(view), decoded("digits", carried))
    other = live(model="digits", method="PCA", residual="off")
    expect(other.page.get_by_label("With the nearest point's residual")).not_to_be_checked()


def test_over_a_point_stands_its_own_reconstruction_of_its_own_class(live) -> None:
    view = live(model="mnist-conditional", method="PCA")
    reference = model("mnist-conditional").reference
    coords = projection.pca(reference.mean.numpy(), 2).coords
    row = int(abs(coords).sum(1).argmax())  # it lies alone
    Paper(view).point_to(coords[row])
    expect(beside(view)).to_contain_text(f"picture {row} ")
    expect(beside(view)).to_contain_text("distance 0.0")
    own = decoded("mnist-conditional", reference.mean[row], int(reference.labels[row]))
    until(view, lambda: same(shown(view, ".beside"), own))
    assert abs(shown(view) - own).mean() < 2


def test_a_tsne_shows_the_nearest_point_and_says_that_there_is_no_inverse(live) -> None:
    view = live(model="digits", method="t-SNE")
    expect(view.page.get_by_text("Between points a t-SNE map has no inverse")).to_be_visible()
    expect(view.page.locator(".beside")).to_be_hidden()
    point_to(view, 210, 190)
    row = int(re.search(r"Nearest point: picture (\d+)", caption(view).inner_text())[1])
    expected = decoded("digits", model("digits").reference.mean[row])
    until(view, lambda: same(shown(view), expected))
    view.screenshot("live-map-tsne")


def test_nothing_goes_to_the_server_while_the_pointer_moves(new_view, live_server) -> None:
    view = new_view(server=live_server)
    told: list[object] = []
    view.page.on("request", lambda request: told.append(request.url))
    view.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: told.append(frame)))
    view.open("map", model="mnist-2d")
    until(view, lambda: board(view).is_visible() and np.ptp(shown(view)) > 0)
    view.is_live()
    assert told
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


def test_a_box_brings_the_chosen_pictures_and_one_becomes_a(live) -> None:
    view = live(model="digits", method="PCA")
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
    view.screenshot("live-map-chosen")
    count = view.page.get_by_text("pictures chosen").inner_text()
    view.go_to("Sample")
    view.go_to("Map")
    expect(view.page.get_by_text(count)).to_be_visible()
    expect(view.page.locator(".live").get_by_role("button", name="Box", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )


def test_a_click_and_a_lasso_choose_and_empty_ground_chooses_none(live) -> None:
    view = live(model="digits", method="PCA")
    coords = projection.pca(model("digits").reference.mean.numpy(), 2).coords
    row = int(abs(coords).sum(1).argmax())
    Paper(view).point_to(coords[row])
    view.page.mouse.down()
    view.page.mouse.up()
    expect(view.page.get_by_text(re.compile(f"^Picture {row} "))).to_be_visible()
    point_to(view, 45, 35)
    view.page.mouse.down()
    view.page.mouse.up()
    expect(view.page.get_by_text("Click a point, or take Box or Lasso")).to_be_visible()
    tool(view, "Lasso")
    drag(view, (0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7), (0.3, 0.3))
    expect(view.page.get_by_text("pictures chosen")).to_be_visible()


def test_a_drag_from_point_to_point_plays_the_way_there_and_back(live) -> None:
    view = live(model="digits", method="PCA")
    view.page.emulate_media(reduced_motion="no-preference")
    means = model("digits").reference.mean
    coords = projection.pca(means.numpy(), 2).coords
    a, b = int(coords[:, 0].argmin()), int(coords[:, 0].argmax())
    paper = Paper(view)
    paper.point_to(coords[a])
    view.page.mouse.down()
    paper.point_to(coords[b])
    view.page.mouse.up()
    expect(caption(view)).to_have_text(re.compile(rf"^\d+ % of the way from picture {a} \(\d\) to picture {b} "))
    expect(button(view, "Pause")).to_be_visible()
    said = caption(view).inner_text()
    expect(caption(view)).not_to_have_text(said)
    button(view, "Pause").click()
    view.page.get_by_label("Place on the path").evaluate(
        "e => { e.value = 0.25; e.dispatchEvent(new Event('input')); }"
    )
    expect(caption(view)).to_contain_text("25 % of the way")
    # The pointer rests: what is nearest to it says nothing of the path.
    expect(view.page.get_by_text("Nearest point: picture")).to_be_hidden()
    expected = decoded("digits", torch.lerp(means[a], means[b], 0.25))
    until(view, lambda: same(shown(view), expected))
    view.screenshot("live-map-path")


def test_who_asks_for_less_motion_plays_a_path_by_pressing_play_and_takes_it_off_again(live) -> None:
    view = live(model="digits", method="t-SNE")
    tool(view, "Path")
    coords = model("digits").reference.tsne.numpy()
    a, b = int(coords[:, 0].argmin()), int(coords[:, 0].argmax())
    paper = Paper(view)
    for row, aside in ((a, -14), (b, 14)):  # an end is the nearest point, also where the pointer is not on it
        paper.point_to(coords[row] + [aside / paper.unit[0], 0])
        view.page.mouse.down()
        view.page.mouse.up()
    expect(caption(view)).to_have_text(re.compile(rf"^0 % of the way from picture {a} "))
    expect(view.page.get_by_text("Decoded on the straight way between the two in latent space")).to_be_visible()
    expect(view.page.get_by_text("this is the nearest point's picture")).to_be_hidden()
    view.page.wait_for_timeout(300)
    expect(caption(view)).to_have_text(re.compile("^0 %"))
    button(view, "Play").click()
    expect(caption(view)).not_to_have_text(re.compile("^0 %"))
    expect(button(view, "Pause")).to_be_visible()
    board(view).press("Escape")
    expect(button(view, "Pause")).to_be_hidden()
    expect(button(view, "Play")).to_be_hidden()
    expect(view.page.get_by_text("this is the nearest point's picture")).to_be_visible()


def test_another_model_may_have_more_dimensions(live) -> None:
    view = live(model="mnist-2d", method="t-SNE")
    Paper(view).point_to(model("mnist-2d").reference.tsne[7].tolist())
    view.page.get_by_test_id("stSidebar").get_by_role("combobox").click()
    view.page.get_by_role("option", name="mnist", exact=True).click()
    view.settle()
    paper, coords = Paper(view), model("mnist").reference.tsne.numpy()
    paper.point_to(coords[7])
    expect(caption(view)).to_contain_text("Nearest point: picture")
    row = int(re.search(r"picture (\d+)", caption(view).inner_text())[1])
    until(view, lambda: same(shown(view), decoded("mnist", model("mnist").reference.mean[row])))
    assert view.page.get_by_text("Decoded on the server").count() == 0


def test_where_the_points_cannot_be_had_the_server_draws_the_map(new_view, live_server) -> None:
    view = new_view(server=live_server)
    view.page.route("**/live/file/*", lambda route: route.abort())
    view.open("map", model="digits")
    expect(view.page.get_by_text("the live view does not run here")).to_be_visible(timeout=60_000)
    expect(view.page.locator(".js-plotly-plot")).to_have_count(1, timeout=60_000)
    assert all("/live/file/" in error for error in view.errors)
    view.errors.clear()


def test_the_map_is_moved_enlarged_and_put_back(live) -> None:
    view = live(model="digits", method="PCA")
    point_to(view, 200, 200)
    before = at(view)
    view.page.mouse.wheel(0, -600)
    view.page.wait_for_timeout(300)
    assert np.allclose(at(view), before, atol=1e-3)
    near = Paper(view).unit
    view.page.locator(".live").get_by_role("button", name="Move", exact=True).click()
    view.settle()
    drag(view, (0.5, 0.5), (0.7, 0.5))
    point_to(view, 200, 200)
    assert at(view)[0] < before[0] - 0.05
    board(view).dblclick(position={"x": 200, "y": 200})
    assert abs(Paper(view).unit[0]) < abs(near[0]) / 1.5
    point_to(view, 200, 200)
    assert np.allclose(at(view), before, atol=0.02)


def test_arrow_keys_move_the_pointer_and_enter_chooses(live) -> None:
    view = live(model="digits", method="PCA")
    before, picture = at(view), shown(view)
    board(view).focus()
    for _ in range(6):
        view.page.keyboard.press("ArrowRight")
    assert at(view)[0] > before[0] and at(view)[1] == pytest.approx(before[1])
    until(view, lambda: bool((shown(view) != picture).any()))
    row = re.search(r"picture (\d+)", beside(view).inner_text())[1]
    view.page.keyboard.press("Enter")
    expect(view.page.get_by_text(re.compile(f"^Picture {row} "))).to_be_visible()


def test_a_link_opens_the_same_map_in_the_dark_and_on_a_phone(live) -> None:
    link = {"model": "mnist-2d", "colour": "KL", "points": 500, "pointer": "Lasso"}
    dark = live({"theme": "dark"}, **link)
    expect(dark.page.locator(".live").get_by_role("button", name="Lasso")).to_have_attribute("aria-pressed", "true")
    expect(dark.page.locator(".legend")).to_contain_text("KL (nats)")
    expect(dark.page.get_by_text("500 of the 2,000 reference pictures, drawn at random")).to_be_visible()
    dark.screenshot("live-map-dark")
    phone = live({"width": 390, "height": 844, "touch": True}, model="mnist-2d")
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    picture = phone.page.locator(".seen canvas").first.bounding_box()
    place = board(phone).bounding_box()
    assert picture["y"] + picture["height"] <= place["y"] < 844 - 200 and place["x"] + place["width"] <= 390
    before, scale = shown(phone), Paper(phone).unit[0]
    finger = phone.page.context.new_cdp_session(phone.page)
    for kind, x in (("touchStart", 90), ("touchMove", 130), ("touchMove", 250), ("touchEnd", None)):
        touches = [] if x is None else [{"x": place["x"] + x, "y": place["y"] + 120}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    expected = decoded("mnist-2d", at(phone))
    until(phone, lambda: same(shown(phone), expected))
    assert (shown(phone) != before).any()
    phone.screenshot("live-map-phone")
    tool(phone, "Path")
    place = board(phone).bounding_box()
    for kind, apart in (("touchStart", 20), ("touchMove", 40), ("touchMove", 60), ("touchEnd", 0)):
        middle = {"x": place["x"] + 180, "y": place["y"] + 150}
        touches = [middle | {"x": middle["x"] + side * apart} for side in (-1, 1)] if apart else []
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    tap = {"x": place["x"] + 90, "y": place["y"] + 250}
    for kind in ("touchStart", "touchEnd"):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [tap] if kind == "touchStart" else []})
    assert Paper(phone).unit[0] == pytest.approx(3 * scale, rel=0.05)
    expect(button(phone, "Pause")).to_be_hidden()  # two fingers begin no path: the tap is its first end
