"""The live view in a real Chromium: pictures follow the hand, the server hears of it when the hand lets go."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from tests.browser.conftest import DRAWN
from vae_core import checkpoints, explore, fitting

FETCHED = "performance.getEntriesByType('resource').filter(e => e.name.includes('/live/')).map(e => e.transferSize)"


def ranges(view) -> Locator:
    return view.page.locator(".live input[type=range]")


def shown(view, index: int = 0) -> np.ndarray:
    """The pixels of a canvas of the live view, (H, W, 3)."""
    canvas = view.page.locator(".live canvas").nth(index)
    found = canvas.evaluate(
        "c => ({w: c.width, data: [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]})"
    )
    return np.array(found["data"]).reshape(-1, found["w"], 4)[:, :, :3]


def drawn(view) -> int:
    return int(view.page.evaluate("window.drawn.length"))


def ready(view) -> None:
    """Wait until a picture was decoded in the page."""
    view.is_live()
    view.until("window.drawn.length > 0", timeout=60_000)
    view.settle()


def cell(view, place: int, side: int) -> tuple[slice, slice]:
    """Where a square picture lies in a grid of as many columns as the window has room for."""
    step = side + 1  # with the line between pictures
    row, column = divmod(place, shown(view).shape[1] // step)
    return slice(1 + step * row, step * (row + 1)), slice(1 + step * column, step * (column + 1))


def becomes(view, place: slice | tuple[slice, slice], x: np.ndarray) -> None:
    """Wait until a part of the canvas, of a slice a square, shows these grey levels (H, W, C): the worker is busy."""
    where = (place, place) if isinstance(place, slice) else place
    for _ in range(100):
        if (apart := np.abs(shown(view)[where] - x).max()) <= 1:
            return
        view.page.wait_for_timeout(50)
    raise AssertionError(f"the picture stays {apart} grey levels apart")


def grab(view, handle: Locator, share: float) -> tuple[float, float, float]:
    """Press a handle; its track's left end, width and height on the page."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    now = handle.evaluate("e => (e.value - e.min) / (e.max - e.min)")
    view.page.mouse.move(box["x"] + 9 + (box["width"] - 18) * now, y)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + box["width"] * share, y, steps=10)
    return box["x"], box["width"], y


def expected(name: str, z: torch.Tensor, y: torch.Tensor | None = None) -> np.ndarray:
    """What the server decodes at z (N, D), as grey levels (N, H, W, C)."""
    x = explore.decode(checkpoints.load(checkpoints.find(name)).model, z, y)
    return np.asarray((255 * x).round().permute(0, 2, 3, 1))


def first_slider(name: str) -> tuple[int, torch.Tensor]:
    """Which dimension the first slider is, and the mean of the usual start."""
    found = checkpoints.load(checkpoints.find(name))
    axis = explore.axes(found.model, found.reference)[0]
    return int(axis.direction.argmax()), found.reference.mean


def test_picture_follows_while_the_hand_is_down_and_python_hears_when_it_lets_go(live) -> None:
    live.open("traverse", model="digits", start="mean")
    ready(live)
    before, url, count = shown(live), live.page.url, drawn(live)
    grab(live, ranges(live).first, 0.9)
    live.page.wait_for_timeout(200)
    assert drawn(live) > count + 2 and np.abs(shown(live) - before).mean() > 1
    assert live.page.url == url and live.run == "done"
    live.page.mouse.up()
    live.page.wait_for_url("**/traverse?model=digits&*z*=*")
    live.settle()
    index, _ = first_slider("digits")
    z = torch.zeros(1, checkpoints.load(checkpoints.find("digits")).model.spec.size)
    z[0, index] = float(live.page.locator(".live input[type=number]").first.input_value())
    assert z[0, index] != 0
    assert np.abs(shown(live) - expected("digits", z)[0]).max() <= 1  # what the server decodes
    live.screenshot("live-traverse")


def test_keys_numbers_double_click_wheel_and_reset(live) -> None:
    live.open("traverse", model="digits")
    ready(live)
    handle, number = ranges(live).first, live.page.locator(".live input[type=number]").first
    start = number.input_value()
    handle.focus()
    for _ in range(5):
        live.page.keyboard.press("ArrowRight")
    assert float(number.input_value()) == pytest.approx(float(start) + 0.05, abs=0.011)
    handle.hover()
    live.page.mouse.wheel(0, -100)
    expect(number).not_to_have_value(start)
    live.settle()
    number.fill("1.25")
    number.press("Enter")
    live.page.wait_for_url("**=1.25*")
    live.settle()
    live.page.locator(".live .name").first.dblclick()
    expect(number).to_have_value(start)
    live.settle()
    assert "1.25" not in live.page.url
    live.page.get_by_role("button", name="Undo", exact=True).click()
    live.settle()
    expect(number).to_have_value("1.25")
    live.page.get_by_role("button", name="Reset all").click()
    live.settle()
    expect(number).to_have_value(start)


def test_model_is_switched_while_the_hand_is_down(live) -> None:
    live.open("traverse", model="digits")
    ready(live)
    grab(live, ranges(live).first, 0.7)
    live.open("traverse", model="mnist-2d")
    live.page.mouse.up()
    ready(live)
    assert shown(live).shape == (28, 28, 3)
    count = drawn(live)
    grab(live, ranges(live).first, 0.3)
    live.until(f"window.drawn.length > {count + 2}")
    live.page.mouse.up()
    live.settle()


def test_nothing_is_fetched_on_a_second_visit(live) -> None:
    live.open("traverse", model="digits")
    ready(live)
    first = live.page.workers[0].evaluate(FETCHED)
    live.page.reload()
    ready(live)
    again = live.page.workers[0].evaluate(FETCHED)
    assert len(again) == len(first) >= 4 and sum(again) == 0
    live.go_to("Home")
    live.go_to("Traverse")
    ready(live)
    assert live.page.workers[0].evaluate(FETCHED) == again  # the same worker, and not even asked


def test_it_goes_on_without_a_network(live) -> None:
    live.open("traverse", model="digits")
    ready(live)
    live.page.context.set_offline(True)
    try:
        before, count = shown(live), drawn(live)
        grab(live, ranges(live).first, 0.95)
        live.until(f"window.drawn.length > {count + 2}")
        assert np.abs(shown(live) - before).mean() > 1
    finally:
        live.page.context.set_offline(False)
    live.page.mouse.up()
    live.settle()


def test_without_the_runtime_the_server_decodes_until_it_is_tried_again(live) -> None:
    live.page.route("**/live/runtime/**", lambda route: route.abort())
    live.open("traverse", model="digits")
    note = live.page.get_by_text("the live view does not run here")
    expect(note).to_be_visible()
    expect(live.page.locator('.live[data-state="served"]')).to_be_visible()
    live.page.unroute("**/live/runtime/**")
    live.page.get_by_role("button", name="Try again").click()
    ready(live)
    expect(note).to_be_hidden()
    live.errors = [error for error in live.errors if "/live/runtime/" not in error]  # what was taken away above


def test_grid_follows_temperature_and_seed(live) -> None:
    live.open("sample", model="digits", n=16)
    ready(live)
    before, url = shown(live), live.page.url
    grab(live, ranges(live).nth(0), 0.1)
    live.page.wait_for_timeout(300)
    cold = shown(live)
    assert np.abs(cold - before).mean() > 1 and live.page.url == url
    live.page.mouse.up()
    live.page.wait_for_url("**temperature=*")
    live.settle()
    temperature = float(live.page.get_by_label("Value of the temperature").input_value())
    model = checkpoints.load(checkpoints.find("digits")).model
    x = expected("digits", explore.sample(model, 16, temperature))
    becomes(live, slice(1, 9), x[0])
    becomes(live, cell(live, 15, 8), x[15])
    live.page.get_by_role("button", name="New draw").click()
    live.page.wait_for_url("**seed=1*")
    live.settle()
    x = expected("digits", explore.sample(model, 16, temperature, 1))
    becomes(live, slice(1, 9), x[0])
    live.page.get_by_label("Value of the seed").fill("400")
    live.page.get_by_label("Value of the seed").press("Enter")
    live.page.wait_for_url("**seed=400*")
    live.settle()
    x = expected("digits", explore.sample(model, 16, temperature, 400))
    becomes(live, slice(1, 9), x[0])
    live.page.reload()
    ready(live)
    becomes(live, slice(1, 9), x[0])
    live.screenshot("live-sample")


def test_an_uploaded_model_is_live_at_once_and_a_browser_carries_points_of_its_flow_to_pictures(
    live, tmp_path: Path, rough_flows: None
) -> None:
    found = checkpoints.load(checkpoints.find("digits"))
    made = fitting.with_prior(found, fitting.fit_to_references(found, kind="flow"))
    made.save(tmp_path / "my own.safetensors")
    live.open(show="Add a model")
    live.upload(tmp_path / "my own.safetensors")
    live.page.evaluate("window.drawn = []")
    live.go_to("Sample")
    live.page.get_by_role("radio", name="Fitted").click()
    live.settle()
    ready(live)
    assert "my+own" in live.page.url
    model, base = made.model, explore.sample_base(made.model, 64)

    def pictures(temperature: float, label: int | None = None) -> np.ndarray:
        x = explore.decode(model, explore.from_base(model, temperature * base, label))
        return (255 * x).round().numpy().transpose(0, 2, 3, 1)

    becomes(live, slice(1, 9), pictures(1.0)[0])
    grab(live, ranges(live).nth(0), 0.1)
    live.page.mouse.up()
    live.page.wait_for_url("**temperature=*")
    live.settle()
    temperature = float(live.page.get_by_label("Value of the temperature").input_value())
    becomes(live, slice(1, 9), pictures(temperature)[0])
    becomes(live, cell(live, 63, 8), pictures(temperature)[63])
    live.page.get_by_role("combobox", name="Class").click()
    live.page.get_by_role("option", name="3", exact=True).click()
    live.page.wait_for_url("**class=3*")
    live.settle()
    becomes(live, slice(1, 9), pictures(temperature, 3)[0])
    live.screenshot("live-flow")
    for page, shown in (("Interpolate", "path"), ("Traverse", "sliders")):
        live.page.evaluate("window.drawn = []")
        live.go_to(page)
        live.page.get_by_role("radio", name="Flow").click()
        live.settle()
        ready(live)
        live.screenshot(f"live-flow-{shown}")
    live.page.get_by_label("Value of f0").fill("1.5")
    live.page.get_by_label("Value of f0").press("Enter")
    live.page.wait_for_url("**f0=1.5*")
    live.settle()
    start = explore.to_base(model, found.reference.mean[explore.unlike_pair(found.reference)[0], None]).clone()
    start[0, 0] = 1.5
    x = explore.decode(model, explore.from_base(model, start))
    becomes(live, slice(0, 8), (255 * x).round().numpy().transpose(0, 2, 3, 1)[0])
    live.screenshot("live-flow-traverse")


def test_grid_of_classes_and_of_pixels(live) -> None:
    live.open("sample", model="mnist-conditional", columns=4)
    ready(live)
    model = checkpoints.load(checkpoints.find("mnist-conditional")).model
    z = explore.sample(model, 4)
    x = expected("mnist-conditional", z, torch.full((4,), 9))
    assert np.abs(shown(live)[-29:-1, 1:29] - x[0]).max() <= 1
    live.page.locator(".live canvas").click(position={"x": 5, "y": 5})
    live.settle()
    assert "picture=1" in live.page.url
    live.page.get_by_label("Value of the temperature").fill("1.5")
    live.page.get_by_role("button", name="New draw").click()
    live.page.wait_for_url("**seed=1**")
    live.settle()
    grid = live.page.get_by_role("img", name=re.compile("40 pictures drawn"))
    top = grid.bounding_box()["y"]
    live.page.get_by_text("Pixels", exact=True).click()
    live.settle()
    expect(live.page.get_by_text("Pixels are drawn at random there.")).to_be_visible()
    assert grid.bounding_box()["y"] == pytest.approx(top, abs=2)  # it stays where it was
    live.page.get_by_text("Mean", exact=True).click()
    live.settle()
    live.is_live()
    assert "temperature=1.5" in live.page.url and "seed=1" in live.page.url


def test_dark_theme_and_a_phone(new_view, live_server) -> None:
    view = new_view(theme="dark", width=390, height=844, touch=True, server=live_server, script=DRAWN)
    for path in ("sample", "traverse"):
        view.open(path, model="digits")
        ready(view)
        box = view.page.locator(".st-key-stage .live").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
        view.screenshot(f"live-phone-{path}")
    count = drawn(view)
    handle = ranges(view).nth(3)
    handle.scroll_into_view_if_needed()
    view.page.mouse.wheel(0, 300)
    view.page.wait_for_timeout(300)
    first, second = (figure.bounding_box() for figure in view.page.locator(".live .screens canvas").all())
    assert first["y"] == second["y"] >= 0 and second["x"] > first["x"] + first["width"]  # in sight, side by side
    at = handle.bounding_box()
    view.page.touchscreen.tap(at["x"] + at["width"] * 0.8, at["y"] + at["height"] / 2)
    view.until(f"window.drawn.length > {count}")
    view.settle()


def test_seven_tabs_and_a_tab_that_slept(live, live_server) -> None:
    """One more than a browser has connections to a server."""
    live.open("traverse", model="digits")
    ready(live)
    for _ in range(6):
        page = live.page.context.new_page()
        page.goto(live.page.url)
        page.locator(".live canvas").first.wait_for(timeout=60_000)
    live.page.bring_to_front()
    live.spent = True  # its clock will be another
    live.page.clock.install()
    live.page.clock.fast_forward("01:00:00")
    count = drawn(live)
    grab(live, ranges(live).first, 0.25)
    live.until(f"window.drawn.length > {count}")
    live.page.mouse.up()
    live.page.clock.resume()
    live.settle()


def test_what_is_seen_is_what_is_sent_on(live) -> None:
    live.open("traverse", model="digits")
    ready(live)
    live.page.get_by_role("button", name="Animate").click()
    live.page.wait_for_timeout(700)
    live.page.get_by_role("button", name="Use as A").click()
    live.page.wait_for_url("**a=point*")
    live.settle()
    expect(live.page.get_by_role("button", name="Animate")).to_be_visible()
    seen = shown(live)
    point = explore.from_text(
        live.page.url.split("a=point%3A")[1].split("&")[0], checkpoints.load(checkpoints.find("digits")).model.spec
    )
    assert np.abs(seen - expected("digits", point[None])[0]).max() <= 2  # half precision in the link


def test_a_file_that_cannot_be_had_ends_its_own_models_view_alone(live) -> None:
    live.page.route("**/live/file/**", lambda route: route.fulfill(status=404))
    live.open("traverse", model="mnist-2d")
    note = live.page.get_by_text("the live view does not run here")
    expect(note).to_be_visible()
    live.settle()
    live.page.unroute("**/live/file/**")
    live.open("traverse", model="digits")
    ready(live)
    expect(note).to_be_hidden()
    live.errors = [error for error in live.errors if "/live/file/" not in error]  # what was taken away above
