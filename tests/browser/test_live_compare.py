"""Compare in a real Chromium: one movement for all models, decoded as the server would."""

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from vae_core import checkpoints, explore

FRAMES = "window.frames_ = []; addEventListener('live-drawn', e => frames_.push({...e.detail}), true)"


@pytest.fixture
def new(new_view, live_server):
    """Open Compare, and wait until every model has decoded."""

    def opened(link: str = "", **how):
        view = new_view(server=live_server, script=FRAMES, **how)
        view.open(f"compare?model=mnist{link}")
        expect(view.page.locator(".columns section").first).to_be_visible()
        view.is_live()
        view.until("frames_.length > 1")
        return view

    return opened


def now(view, name: str) -> Locator:
    return view.page.get_by_role("img", name=f"{name}: decoded now", exact=True)


def level(view, name: str) -> np.ndarray:
    read = "e => [e.height, e.width, ...e.getContext('2d').getImageData(0, 0, e.width, e.height).data]"
    view.page.wait_for_timeout(400)
    height, width, *values = now(view, name).evaluate(read)
    return np.array(values).reshape(height, width, 4)[..., 0]


def drag(view, handle: Locator, to: float) -> None:
    """Drag, and do not let go."""
    box = handle.bounding_box()
    y = box["y"] + box["height"] / 2
    share = handle.evaluate("e => (e.value - e.min) / (e.max - e.min)")
    view.page.mouse.move(box["x"] + 9 + (box["width"] - 18) * share, y)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + 9 + (box["width"] - 18) * to, y, steps=12)


def t_slider(view) -> Locator:
    return view.page.get_by_role("slider", name="t, the place between A and B")


def wanted(name: str, t: float) -> np.ndarray:
    """What the server decodes at t between reference pictures 3 and 8 of `mnist`."""
    home = checkpoints.load(checkpoints.find("mnist")).reference
    found = checkpoints.load(checkpoints.find(name))
    rows = [explore.row_of_same(home, row, found.reference) for row in (3, 8)]
    a, b = found.reference.mean[rows]
    y = None
    if classes := found.model.spec.classes:
        one, other = torch.nn.functional.one_hot(found.reference.labels[rows].long(), classes).float()
        y = torch.lerp(one, other, t)[None]
    return explore.decode(found.model, torch.lerp(a, b, t)[None], y)[0, 0].numpy() * 255


def test_all_models_follow_one_slider(new) -> None:
    names = ["mnist", "mnist-beta4", "mnist-ae-16", "mnist-conditional"]
    view = new("&a=ref:3&b=ref:8" + "".join(f"&models={name}" for name in names))
    before = {name: level(view, name) for name in names}
    drag(view, t_slider(view), 0.9)
    view.page.wait_for_timeout(500)
    t = float(t_slider(view).input_value())
    assert t > 0.8 and "t=" not in view.page.url  # told when the hand lets go
    for name in names:
        found = level(view, name)
        assert np.abs(found - before[name]).mean() > 2
        assert np.abs(found - wanted(name, t)).max() <= 1.51, name  # a grey level, and rounding
    asked = view.page.evaluate("frames_.slice(-4).map(f => f.asked)")
    assert len(set(asked)) == 1  # drawn together
    view.page.mouse.up()
    view.settle()
    assert f"t={t:g}" in view.page.url
    view.screenshot("compare")
    other = new("&" + view.page.url.split("?")[1])
    for name in names:
        assert np.array_equal(level(other, name), level(view, name))
    assert t_slider(other).input_value() == t_slider(view).input_value()


def test_the_same_z_on_request_with_its_warning(new) -> None:
    view = new("&a=ref:3")
    expect(view.page.get_by_role("alert").get_by_text("Axes of two models")).to_have_count(0)
    view.page.get_by_role("radio", name="The same z").or_(
        view.page.get_by_role("button", name="The same z")
    ).first.click()
    view.settle()
    expect(view.page.get_by_text("Axes of two models do not correspond")).to_be_visible()
    handle = view.page.locator(".same input[type=range]").first
    key = handle.get_attribute("aria-label").split(" ")[0]
    drag(view, handle, 0.95)
    view.page.wait_for_timeout(400)
    view.page.mouse.up()
    view.settle()
    found = checkpoints.load(checkpoints.find("mnist"))
    z = found.reference.mean[3].clone()
    z[int(key[1:])] = float(view.page.url.split(f"{key}=")[1].split("&")[0])
    for name in ("mnist", "mnist-beta4"):
        x = explore.decode(checkpoints.load(checkpoints.find(name)).model, z[None])[0, 0].numpy() * 255
        assert np.abs(level(view, name) - x).max() <= 1.51
    view.screenshot("compare-same-z")


def test_on_a_phone_in_the_dark(new) -> None:
    view = new(width=390, height=844, touch=True, theme="dark")
    over = view.page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth")
    assert over <= 0
    for name in ("mnist", "mnist-beta4"):
        box = now(view, name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    view.screenshot("compare-phone-dark")
