"""What only some models have, in a real Chromium: the class selector, levels, and the editor of codes."""

import re
from collections.abc import Callable

import pytest
import torch
from playwright.sync_api import expect

from tests.browser.test_live import becomes, shown
from vae_core import checkpoints, zoo
from vae_core.checkpoints import Checkpoint, DataInfo
from vae_core.config import DataConfig
from vae_core.model import build

VARIANTS = ("conditional", "ladder", "vq")


@pytest.fixture(scope="module")
def family(start_server: Callable, tmp_path_factory: pytest.TempPathFactory) -> object:
    """A server with untrained models of its owner's."""
    folder = tmp_path_factory.mktemp("family")
    for variant in VARIANTS:
        torch.manual_seed(0)
        recipe = zoo.recipe(variant, DataConfig("mnist"), (1, 16, 16), latent_dim=6, classes=3)
        info = DataInfo("somebody's", ("cat", "dog", "bird"))
        checkpoints.save(Checkpoint(recipe, build(recipe.model).eval(), info), folder / f"{variant}.safetensors")
    return start_server(VAE_CHECKPOINTS=str(folder))


def choose(view, label: str, option: str) -> None:
    view.page.get_by_role("combobox", name=re.compile(label)).last.click()
    view.page.get_by_role("option", name=option, exact=True).click()
    view.settle()


def test_a_class_is_chosen_kept_in_the_link_and_sent_on(new_view, family) -> None:
    view = new_view(server=family)
    view.open("sample", model="conditional (own folder)")
    grid = view.page.locator(".live .field canvas")
    assert "one row a class: cat, dog, bird" in grid.get_attribute("aria-label")
    choose(view, "Class", "dog")
    expect(view.page).to_have_url(re.compile("class=dog"))
    expect(view.page.get_by_text("all as dog")).to_be_visible()
    link, picture = view.page.url, shown(view)
    again = new_view(server=family)
    again.page.goto(link)
    again.settle()
    becomes(again, slice(None), picture)
    grid.click(position={"x": 5, "y": 5})
    view.settle()
    view.page.get_by_role("button", name="Traverse from it").click()
    view.page.wait_for_url(re.compile("/traverse"))
    view.settle()
    expect(view.page.get_by_text("Decode as (the start is dog)")).to_be_visible()
    choose(view, "Decode as", "bird")
    assert "as=bird" in view.page.url


def test_levels_stay_by_keyboard(new_view, family) -> None:
    view = new_view(server=family)
    view.open("sample", model="ladder (own folder)", n=4)
    view.slider("Fixed coarse levels").focus()
    view.page.keyboard.press("ArrowRight")
    expect(view.page).to_have_url(re.compile("keep=1"))
    expect(view.page.get_by_text("that share level 1 of one draw")).to_be_visible()
    expect(view.page.get_by_text("The finer levels are drawn at random there.")).to_be_visible()
    view.page.get_by_role("button", name="New rest").click()
    view.settle()
    assert "rest=1" in view.page.url


@pytest.mark.parametrize("touch", [False, True])
def test_a_code_is_put_into_a_place_and_taken_back(new_view, family, touch: bool) -> None:
    view = new_view(server=family, **({"width": 390, "height": 844, "touch": True} if touch else {}))
    view.open("traverse", model="vq (own folder)", start="prior:1")
    places = view.page.locator(".live .field canvas").first
    sheet = view.page.get_by_role("group", name="Codes 0 to 127")
    before = places.screenshot()
    places.click(position={"x": 8, "y": 8})
    view.settle()
    expect(view.page.get_by_text("Code at row 1, column 1")).to_be_visible()
    first = int(view.page.get_by_label(re.compile("^Code at row 1")).first.input_value())
    wanted = 0 if first else 127
    sheet.get_by_role("button", name=f"code {wanted}", exact=True).click()
    view.settle()
    expect(view.page.get_by_text("1 place changed.")).to_be_visible()
    assert f"codes=0.0.{wanted}" in view.page.url
    assert places.screenshot() != before
    view.screenshot(f"codes-{'phone' if touch else 'wide'}")
    view.page.get_by_role("button", name="Undo").click()
    view.settle()
    assert "codes=" not in view.page.url
    expect(view.page.get_by_text("Nothing is changed yet.")).to_be_visible()
