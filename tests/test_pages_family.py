"""Every variant of the zoo on every page: it opens, and says nothing that its latent space does not have."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from pages.widgets.shell import uploads
from tests.conftest import control
from tests.shown import pictures, pictures_of, sent
from vae_core import checkpoints, data, images, scoring, zoo
from vae_core.checkpoints import Checkpoint, Reference
from vae_core.config import DataConfig
from vae_core.data import Splits
from vae_core.model import VAE, build

PAGES = ("home", "sample", "interpolate", "traverse", "map")
PICTURES = 60
Open = Callable[..., AppTest]


def made(variant: str, splits: Splits) -> Checkpoint:
    """An untrained model of a variant, with all that a trained one's file holds."""
    torch.manual_seed(0)
    hidden = {} if variant == "linear" else {"hidden": (8, 8) if zoo.VARIANTS[variant].body.kind != "mlp" else (16,)}
    recipe = zoo.recipe(variant, DataConfig("digits"), (1, 8, 8), latent_dim=8, classes=10, body=hidden)
    model = build(recipe.model).eval().requires_grad_(False)
    labels = splits.test.labels
    assert labels is not None
    rows, labels = torch.arange(PICTURES), labels[:PICTURES]
    found = scoring.statistics(model, splits.test.images[:PICTURES], labels=labels)
    model.latent.fit_prior(found.mean)
    reference = Reference(found.mean, found.std, found.kl, found.reconstruction, rows, labels)
    figures = found.summary(model.spec)
    row: dict[str, Any] = {"train": figures, "val": figures} | dict.fromkeys(checkpoints.ROW, 1.0)
    history = [row | {"epoch": epoch} for epoch in (1, 2)]
    return Checkpoint(recipe, model, checkpoints.data_info(splits), "", history, figures, reference=reference)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of every variant."""
    folder = tmp_path_factory.mktemp("family")
    splits = data.load(DataConfig("digits"))
    for variant in zoo.VARIANTS:
        checkpoints.save(made(variant, splits), folder / f"{variant}.safetensors")
    return folder


@pytest.fixture
def show(shelf: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """A page with a model; keywords are the link's."""
    monkeypatch.setattr(checkpoints, "SHIPPED", shelf)
    st.cache_resource.clear()
    st.cache_data.clear()

    def opened(page: str, variant: str, **query: object) -> AppTest:
        app = AppTest.from_file(str(root / "pages" / "router.py"), default_timeout=60)
        app.query_params.update({key: str(value) for key, value in query.items()} | {"model": variant})
        app.switch_page(f"{page}.py")
        return checked(app.run())

    return opened


def checked(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def said(app: AppTest) -> str:
    """All words of a page, tables aside."""
    elements = [*app.markdown, *app.text, *app.caption, *app.info, *app.warning, *app.error, *app.sidebar.text]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def model_of(shelf: Path, variant: str) -> VAE:
    return checkpoints.load(shelf / f"{variant}.safetensors").model


def links_of(variant: str) -> dict[str, dict[str, object]]:
    """What each page is opened with, so that it shows what only some models have."""
    return {"home": {"show": "The open model"}, "map": {"method": "PCA"}}


@pytest.mark.parametrize("variant", list(zoo.VARIANTS))
def test_every_page_opens_every_variant(show: Open, shelf: Path, variant: str) -> None:
    spec = model_of(shelf, variant).spec
    for page in PAGES:
        words = said(app := show(page, variant, **links_of(variant).get(page, {})))
        assert not app.error and not [w for w in app.warning if "collapsed" not in w.value], (page, words)
        assert "None" not in words and "nan" not in words.split(), (page, words)
        if not spec.has_density:
            assert "KL" not in words.replace("no ELBO and no KL", "").replace("has no KL", ""), (page, words)
            assert "an autoencoder" in words.lower(), page


# --- conditional models --------------------------------------------------------------------------------------------


def test_all_classes_are_rows_with_the_same_z_in_a_column(show: Open, shelf: Path) -> None:
    app = show("sample", "conditional", picture=11)
    grid = sent(app, "grid")
    assert (grid["count"], grid["columns"], grid["rows"]) == (80, 8, [str(i) for i in range(10)])
    assert "in each column the same z, in each row another class" in said(app)
    app.button(key="use_a").click()
    assert checked(app.run()).session_state["picture_a"] == "prior:0.2@1"  # row 1, column 2
    control(app.selectbox, "class").set_value("3")
    grid = sent(checked(app.run()), "grid")
    assert grid["count"] == 64 and "all as 3" in said(app)
    assert grid["y"] == 64 * [float(i == 3) for i in range(10)]
    assert sent(show("sample", "conditional", **{"class": "3"}), "grid")["y"] == grid["y"]


def test_a_class_that_a_link_names_in_vain_is_told(show: Open) -> None:
    (warning,) = show("sample", "conditional", **{"class": "eleven"}).warning
    assert "The link sets “Class” to “eleven”" in warning.value


def test_the_same_z_is_traversed_as_another_class(show: Open) -> None:
    app = show("traverse", "conditional", start="ref:5")
    before = sent(app, "traverse")
    control(app.selectbox, "as").set_value("7")
    after = sent(checked(app.run()), "traverse")
    assert after["start"] == before["start"] and after["y"] == [float(i == 7) for i in range(10)] != before["y"]
    assert sent(show("traverse", "conditional", start="ref:5", **{"as": "7"}), "traverse")["y"] == after["y"]
    app.button(key="use_b").click()
    choice = checked(app.run()).session_state["picture_b"]
    assert choice.startswith("point:") and choice.endswith("@7")


def test_an_upload_s_class_is_inferred_and_can_be_said(show: Open, shelf: Path) -> None:
    app = show("interpolate", "conditional")
    picture = images.png(images.grid(torch.rand(1, 1, 8, 8), 1, gutter=0))
    app.session_state["uploads"] = OrderedDict({("picture", "abc"): uploads.Held("a.png", picture, len(picture))})
    app.session_state["picture_a"] = "upload:abc"
    assert "Looks like: " in said(checked(app.run()))
    chosen = app.selectbox(key="upload_class_a")
    assert chosen.value == -1 and chosen.options[0].startswith("looks like: ") and chosen.options[0].endswith(" %")
    chosen.set_value(3)
    assert checked(app.run()).session_state["picture_a"] == "upload:abc:class=3"
    assert "at A it is all 3, half way half 3 and half 9, at B all 9" in said(app)
    app.selectbox(key="upload_class_a").set_value(-1)
    assert checked(app.run()).session_state["picture_a"] == "upload:abc"


def test_the_map_of_a_conditional_model_says_why_classes_do_not_cluster(show: Open) -> None:
    assert "points of a class need not lie together" in said(show("map", "conditional", method="PCA"))
    assert "need not lie together" not in said(show("map", "conv", method="PCA"))


# --- several levels ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["ladder", "vq-2"])
def test_the_first_levels_stay_and_the_rest_is_drawn_again(show: Open, shelf: Path, variant: str) -> None:
    app = show("sample", variant, keep=1, n=4)
    first = pictures_of(sent(app, "grid"))
    assert len(np.unique(first.reshape(4, -1), axis=0)) > 1
    assert "4 pictures that share level 1 of one draw (seed 0)" in said(app)
    assert not [button for button in app.button if button.key == "use_a"]  # its finer levels are not known
    assert "The mean is shown, not drawn pixels" in said(app)  # where there was the choice
    app.button(key="new_rest").click()
    other = pictures_of(sent(checked(app.run()), "grid"))
    assert not np.array_equal(other, first) and control(app.number_input, "rest").value == 1
    control(app.number_input, "rest").set_value(0)
    assert np.array_equal(pictures_of(sent(checked(app.run()), "grid")), first)


def test_one_level_is_slid_alone(show: Open, shelf: Path) -> None:
    spec = model_of(shelf, "ladder").spec
    app = show("traverse", "ladder", start="ref:5")
    before = sent(app, "traverse")
    assert len(before["slides"]) == spec.size
    control(app.selectbox, "level").select_index(2)
    sizes = [math.prod(shape) for shape in spec.shapes]
    slides = sent(checked(app.run()), "traverse")["slides"]
    assert {slide["key"] for slide in slides} == {f"z{i}" for i in range(sizes[0], sizes[0] + sizes[1])}
    control(app.toggle, "follow").set_value(True)
    assert sent(checked(app.run()), "traverse")["model"]["pictures"] != before["model"]["pictures"]
    assert app.button(key="use_a").disabled and "The finer levels follow" in said(app)


# --- codes ---------------------------------------------------------------------------------------------------------


def test_a_code_is_put_into_a_place_and_taken_back(show: Open) -> None:
    app = show("traverse", "vq", start="ref:5")
    places, pair = pictures(app)
    sheet = sent(app, "sheet")
    assert (places["count"], places["columns"], pair["count"], len(sheet["rows"])) == (4, 2, 2, 128)
    assert "Nothing is changed yet" in said(app) and app.number_input(key="code_number").value == sheet["chosen"]
    app.number_input(key="code_number").set_value((sheet["chosen"] + 64) % 128)
    checked(app.run())
    assert "1 place changed" in said(app)
    assert sent(app, "sheet")["chosen"] == (sheet["chosen"] + 64) % 128
    link = app.query_params["codes"]
    again = show("traverse", "vq", start="ref:5", codes=link)
    assert pictures(again)[0]["src"] == pictures(app)[0]["src"] != places["src"]
    app.button(key="undo_code").click()
    assert pictures(checked(app.run()))[0]["src"] == places["src"] and "codes" not in app.query_params


def test_codes_of_a_link_that_do_not_exist_are_told(show: Open) -> None:
    (warning,) = show("traverse", "vq", codes="0.1.999").warning
    assert "codes go from 0 to 127" in warning.value


def test_the_history_tells_levels_and_codes_apart(show: Open) -> None:
    assert "KL of each level" in said(show("home", "ladder", show="The open model"))
    assert "Codes in use" in said(show("home", "vq-2", show="The open model"))
    assert "it does not split into dimensions" in said(show("home", "flow", show="The open model"))
    assert len(show("home", "autoencoder", show="The open model").get("plotly_chart")) == 1
