"""Draw in a real Chromium: mouse and finger, undo and clearing, what the server would give, and on to other pages."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator, expect

from vae_core import checkpoints, explore

THREE = [(0.3, 0.25), (0.5, 0.2), (0.68, 0.28), (0.62, 0.42), (0.48, 0.48), (0.66, 0.55), (0.7, 0.7), (0.32, 0.76)]


@pytest.fixture
def new(new_view, live_server):
    """Open Draw with a model, and wait until it can be drawn on."""

    def opened(model: str = "mnist", **how):
        view = new_view(server=live_server, **how)
        view.open("draw", model=model)
        expect(paper(view)).to_be_visible()
        return view

    return opened


def paper(view) -> Locator:
    return view.page.get_by_role("img", name="Drawing area")


def seen(view) -> Locator:
    return view.page.get_by_role("img", name="Your drawing as the model sees it")


def rebuilt(view) -> Locator:
    return view.page.get_by_role("img", name="Reconstruction of your drawing")


def pixels(canvas: Locator) -> np.ndarray:
    """The RGB levels (H, W, 3) of a canvas, in its own pixels."""
    read = "e => [e.height, e.width, ...e.getContext('2d').getImageData(0, 0, e.width, e.height).data]"
    height, width, *values = canvas.evaluate(read)
    return np.array(values).reshape(height, width, 4)[..., :3]


def places(view) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of the bars, by name."""
    texts = view.page.locator(".bars title").all_text_contents()
    found = [re.match(r"(\S+): (-?[\d.]+) ± ([\d.]+);", text) for text in texts]
    return {match[1]: (float(match[2]), float(match[3])) for match in found if match}


def at(view, point: tuple[float, float]) -> tuple[float, float]:
    box = paper(view).bounding_box()
    return box["x"] + box["width"] * point[0], box["y"] + box["height"] * point[1]


def stroke(view, points: list[tuple[float, float]], let_go: bool = True) -> None:
    paper(view).scroll_into_view_if_needed()
    view.page.mouse.move(*at(view, points[0]))
    view.page.mouse.down()
    for point in points[1:]:
        view.page.mouse.move(*at(view, point), steps=6)
    if let_go:
        view.page.mouse.up()
    rest(view)


def rest(view) -> None:
    """Wait until the model has answered what was drawn last."""
    before = None
    for _ in range(100):
        view.page.wait_for_timeout(100)
        now = (pixels(rebuilt(view)).tobytes(), tuple(places(view).items()))
        if now == before:
            return
        before = now
    raise AssertionError("the picture does not come to rest")


def button(view, name: str) -> Locator:
    return view.page.get_by_role("button", name=name, exact=True)


def test_the_model_answers_while_the_hand_draws(new) -> None:
    view = new()
    expect(view.page.get_by_text("Draw here with mouse, finger or pen")).to_be_visible()
    expect(button(view, "Use as A")).to_be_disabled()
    assert not places(view)
    stroke(view, THREE[:4], let_go=False)
    half, some = pixels(rebuilt(view)), places(view)
    assert len(some) == 16 and half.max() > 100
    for point in THREE[4:]:
        view.page.mouse.move(*at(view, point), steps=6)
    rest(view)
    assert np.abs(pixels(rebuilt(view)) - half).mean() > 2 and places(view) != some
    view.page.mouse.up()
    box = view.page.locator(".bars").bounding_box()
    assert box["y"] + box["height"] <= 720  # all is seen at once
    view.screenshot("draw")


def test_it_is_what_the_server_gives(new, name: str = "mnist-conditional") -> None:
    view = new(name)
    stroke(view, THREE)
    model = checkpoints.load(checkpoints.find(name)).model
    bits = pixels(seen(view))[..., 0]
    assert set(np.unique(bits)) == {0, 255}
    rows, columns = bits.any(1).nonzero()[0], bits.any(0).nonzero()[0]
    assert rows[-1] - rows[0] >= 18 and abs((rows[0] + rows[-1]) / 2 - 13.5) < 3 and len(columns)
    x = torch.from_numpy(bits / 255).float()[None, None]
    y = explore.classify(model, x) if model.spec.classes else None
    mean, std = explore.encode(model, x, y=y)
    told = places(view)
    for i in range(model.spec.size):
        assert told[f"z{i}"][0] == pytest.approx(mean[0, i].item(), abs=1e-2)
        assert told[f"z{i}"][1] == pytest.approx(std[0, i].item(), abs=1e-2)
    wanted = explore.decode(model, mean, y)[0, 0].numpy() * 255
    assert np.abs(pixels(rebuilt(view))[..., 0] - wanted).max() <= 2
    if y is not None:
        expect(view.page.get_by_text(f"looks like: {int(y.argmax())}, ")).to_be_visible()


def test_undo_clear_and_the_eraser(new) -> None:
    view = new()
    stroke(view, [(0.5, 0.2), (0.5, 0.8)])
    one = pixels(seen(view))
    stroke(view, [(0.2, 0.5), (0.8, 0.5)])
    cross = pixels(seen(view))
    assert not np.array_equal(one, cross)
    button(view, "Undo").click()
    rest(view)
    assert np.array_equal(pixels(seen(view)), one)
    button(view, "Clear").click()
    rest(view)
    expect(view.page.get_by_text("Draw here with mouse, finger or pen")).to_be_visible()
    expect(button(view, "Use as A")).to_be_disabled()
    button(view, "Undo").click()
    rest(view)
    assert np.array_equal(pixels(seen(view)), one)
    button(view, "Eraser").click()
    stroke(view, [(0.2, 0.3), (0.8, 0.3)])
    assert not np.array_equal(pixels(seen(view)), one)
    paper(view).press("Control+z")
    rest(view)
    assert np.array_equal(pixels(seen(view)), one)


def test_off_centre_stays_where_it_is_drawn_unless_it_is_centred(new) -> None:
    view = new()
    stroke(view, [(0.1, 0.1), (0.25, 0.3)])
    assert pixels(seen(view))[14:].any()
    view.page.get_by_label("Cut out and centred").uncheck()
    rest(view)
    assert not pixels(seen(view))[14:].any() and pixels(seen(view)).any()


def test_the_drawing_is_saved_goes_to_a_and_to_traverse_and_is_still_there(new) -> None:
    view = new()
    stroke(view, THREE)
    with view.page.expect_download() as file:
        button(view, "Pictures (PNG)").click()
    with Image.open(Path(file.value.path())) as picture:
        assert picture.width > 2.9 * picture.height > 1000
    bits = pixels(seen(view))
    button(view, "Use as A").click()
    expect(view.page.get_by_text("The drawing is A now; Interpolate shows it.")).to_be_visible()
    view.settle()
    assert np.array_equal(pixels(seen(view)), bits)
    view.go_to("Interpolate")
    source = view.page.get_by_role("img", name="Picture A as the model sees it").get_attribute("src")
    shown = view.page.evaluate("async s => [...new Uint8Array(await (await fetch(s)).arrayBuffer())]", source)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(bytes(shown))).convert("RGB")), bits)
    expect(view.page.get_by_text("your picture").first).to_be_visible()
    view.go_to("Draw")
    rest(view)
    assert np.array_equal(pixels(seen(view)), bits)
    button(view, "Traverse from here").click()
    view.page.wait_for_url(re.compile("/traverse"))
    view.settle()
    expect(view.page.get_by_text("Start: your picture")).to_be_visible()


def test_colours_of_a_colour_model(new) -> None:
    view = new("sprites")
    assert view.page.get_by_label("Cut out and centred").is_hidden()
    view.page.get_by_label("Colour of the pen").fill("#ff0000")
    stroke(view, [(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.4)])
    found = pixels(seen(view))
    assert found[..., 0].max() == 255 and found[..., 1:].max() == 0
    assert len(places(view)) == 10


def test_a_plane_for_two_dimensions(new) -> None:
    view = new("mnist-2d", theme="dark")
    empty = view.page.get_by_role("img", name="nothing is drawn yet")
    expect(empty).to_be_visible()
    assert view.page.locator(".plane .points path").count() == 10
    stroke(view, THREE)
    expect(view.page.get_by_role("img", name=re.compile("z0 -?[\\d.]+ ± [\\d.]+, z1"))).to_be_visible()
    view.screenshot("draw-plane-dark")


def test_a_finger_draws_on_a_phone(new) -> None:
    view = new(width=390, height=844, touch=True)
    over = view.page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth")
    assert over <= 0
    finger = view.page.context.new_cdp_session(view.page)
    before = paper(view).bounding_box()

    def touch(kind: str, points: list[tuple[float, float]]) -> None:
        spots = [dict(zip("xy", at(view, point), strict=True)) for point in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    touch("touchStart", THREE[:1])
    for point in THREE[1:]:
        touch("touchMove", [point])
    rest(view)
    assert pixels(rebuilt(view)).max() > 100 and len(places(view)) == 16
    touch("touchEnd", [])
    assert paper(view).bounding_box() == before  # the page did not scroll under the finger
    view.screenshot("draw-phone")


def test_buttons_stand_beside_the_pictures_at_every_height(new) -> None:
    view = new()
    for width, height in ((1280, 720), (1280, 938), (1280, 1024), (1920, 1080)):
        view.page.set_viewport_size({"width": width, "height": height})
        view.settle()
        button = view.page.get_by_role("button", name="Pictures (PNG)").bounding_box()
        pictures = [box(view).bounding_box() for box in (paper, seen, rebuilt)]
        assert all(button["x"] > picture["x"] + picture["width"] for picture in pictures), (width, height)
        assert all(button["y"] < picture["y"] + picture["height"] for picture in pictures), (width, height)
        assert button["x"] + button["width"] <= width
        view.screenshot(f"draw-{width}x{height}")


def test_buttons_stand_in_a_row_below_the_pictures_where_there_is_no_room_beside_them(new) -> None:
    view = new(width=1000, height=800)
    names = ("Use as A", "Use as B", "Traverse from here", "Pictures (PNG)")
    tops = {view.page.get_by_role("button", name=name).bounding_box()["y"] for name in names}
    assert len(tops) == 1 and tops.pop() > paper(view).bounding_box()["y"] + paper(view).bounding_box()["height"]
