"""Traverse: sliders, reset, random and undo, the grid, links; on small models made here, without a server."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Slider

from pages.widgets.selection.choice import Choice
from pages.widgets.selection.resolve import resolve
from pages.widgets.shell.models import Entry, Opened
from tests.conftest import control
from tests.shown import pictures
from vae_core import checkpoints, explore, fitting, zoo
from vae_core.checkpoints import Checkpoint, DataInfo, Reference
from vae_core.config import DataConfig
from vae_core.model import VAE, build
from vae_core.shards import seeded

COLLAPSED = (1, 4)


def untrained(dim: int) -> Checkpoint:
    """A model whose reference encodings make the dimensions 1 and 4 collapsed, and KL rise with the number."""
    torch.manual_seed(dim)
    recipe = zoo.recipe("mlp", DataConfig("mnist"), (1, 8, 8), latent_dim=dim, body={"hidden": (32,)})
    spread = torch.ones(dim)
    spread[[i for i in COLLAPSED if i < dim]] = 0.02
    mean = torch.randn((300, dim), generator=seeded(dim)) * spread
    kl = (0.1 * torch.arange(1, dim + 1) * spread).expand(300, -1)
    reference = Reference(mean, torch.ones_like(mean), kl.clone(), torch.arange(300.0), torch.arange(300))
    return Checkpoint(
        recipe, build(recipe.model).eval(), DataInfo("somebody's", sizes=(0, 0, 300)), reference=reference
    )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of 6, 20 and 300 dimensions, and of 3 and 300 without reference encodings."""
    folder = tmp_path_factory.mktemp("shipped")
    for dim in (6, 20, 300):
        checkpoints.save(untrained(dim), folder / f"of-{dim}.safetensors")
    for dim in (3, 300):
        checkpoints.save(replace(untrained(dim), reference=None), folder / f"bare-{dim}.safetensors")
    return folder


@pytest.fixture
def app(shelf: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """The page; keywords are the link's."""
    monkeypatch.setattr(checkpoints, "SHIPPED", shelf)
    st.cache_resource.clear()
    st.cache_data.clear()

    def opened(**query: object) -> AppTest:
        app = AppTest.from_file(str(root / "pages" / "router.py"), default_timeout=60)
        app.query_params.update({key: str(value) for key, value in query.items()})
        app.switch_page("traverse.py")
        return checked(app.run())

    return opened


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Callable[[], bytes], str]]:
    """What the download buttons give, by label, with the file's name: filled while the page runs."""
    found: dict[str, tuple[Callable[[], bytes], str]] = {}
    real = st.download_button

    def note(label: str, data: Callable[[], bytes], name: str, *args: object, **kwargs: Any) -> bool:
        found[label] = data, name
        return real(label, b"", name, *args, **kwargs)

    monkeypatch.setattr(st, "download_button", note)
    return found


def checked(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def press(app: AppTest, label: str) -> AppTest:
    return checked(next(button for button in app.button if button.label == label).click().run())


def key_of(shown: Any) -> str:
    """A control's name, without which of the controls of that name it is."""
    return (shown.key or "").split(":")[0]


def places(app: AppTest) -> dict[str, float]:
    return {key_of(shown): shown.value for shown in app.slider if key_of(shown) != "rows"}


def slider(app: AppTest, key: str) -> Slider:
    return next(shown for shown in app.slider if key_of(shown) == key)


def model(name: str) -> Opened:
    """A model of the shelf, as a page has it."""
    return Opened(Entry(name, name, "shipped"), checkpoints.load(checkpoints.SHIPPED / f"{name}.safetensors"), name)


def test_sliders_are_ordered_by_kl_and_collapsed_ones_are_explained(app) -> None:
    page = app(model="of-6")
    assert [shown.label for shown in page.slider if key_of(shown) != "rows"] == [
        "z5 · 0.60 nats",
        "z3 · 0.40 nats",
        "z2 · 0.30 nats",
        "z0 · 0.10 nats",
        "z4 · 0.01 nats",
        "z1 · 0.00 nats",
    ]
    (folded,) = page.expander
    assert folded.label == "2 collapsed dimensions"
    assert [key_of(shown) for shown in folded.slider] == ["z4", "z1"]
    words = "\n".join(caption.value for caption in folded.caption)
    assert "variance of the encoded mean is below 0.01" in words and "z4: variance 0.0004, KL 0.010 nats" in words
    assert not page.warning


def test_a_start_shows_itself_and_its_own_place_on_every_slider(app) -> None:
    page = app(model="of-6", start="ref:7")
    mean = model("of-6").checkpoint.reference.mean[7]
    for i in range(6):
        shown = slider(page, f"z{i}")
        assert shown.value == pytest.approx(mean[i].item(), abs=0.026)
        assert shown.min <= mean[i].item() <= shown.max
    pair, _ = pictures(page)
    assert pair["count"] == 2 and "reference picture 7" in pair["below"][1]


def test_more_than_sixteen_dimensions_are_folded_away(app) -> None:
    page = app(model="of-20")
    assert [folded.label for folded in page.expander] == ["2 more dimensions", "2 collapsed dimensions"]
    assert len(places(page)) == 20
    page = app(model="of-300")  # principal directions instead
    assert len(places(page)) == explore.PRINCIPAL and page.expander[0].label == "48 more directions"
    assert page.slider[0].label == "PC1"


def test_models_without_reference_encodings(app) -> None:
    page = app(model="bare-3")
    assert [(s.label, s.min, s.max) for s in page.slider if key_of(s) != "rows"] == [(f"z{i}", -3, 3) for i in range(3)]
    page = app(model="bare-300")
    assert "This model has 300 latent dimensions, too many to slide one by one" in page.info[0].value
    assert not page.slider


def test_a_slider_changes_the_picture_but_not_the_grid_and_reset_brings_it_back(app) -> None:
    page = app(model="of-6")
    pair, grid = pictures(page)
    start = slider(page, "z5").value
    checked(slider(page, "z5").set_value(1.5).run())
    moved = pictures(page)
    assert moved[0]["src"] != pair["src"] and moved[1]["src"] == grid["src"]
    assert page.button(key="reset_z3").disabled and not page.button(key="reset_z5").disabled
    checked(slider(page, "z3").set_value(0.5).run())
    checked(page.button(key="reset_z5").click().run())
    assert slider(page, "z5").value == start and slider(page, "z3").value == 0.5
    press(page, "Reset all")
    assert pictures(page)[0]["src"] == pair["src"] and "z3" not in page.query_params
    press(page, "Undo")
    assert slider(page, "z3").value == 0.5


def test_what_a_hand_did_to_a_slider_can_be_undone(app) -> None:
    page = app(model="of-6")
    start = places(page)
    checked(slider(page, "z5").set_value(1.5).run())
    checked(slider(page, "z3").set_value(0.5).run())
    press(page, "Undo")
    assert places(page) == start | {"z5": 1.5} and page.query_params["z5"] == "1.5"
    press(page, "Undo")
    assert places(page) == start and "z5" not in page.query_params


def test_what_a_press_takes_along_of_the_sliders_before_is_not_heard(app) -> None:
    """It left the browser before the answer to the press before it."""
    page = app(model="of-6")
    start = places(page)
    press(page, "Randomize")
    drawn = places(page)
    old = [shown for shown in page.slider if key_of(shown) != "rows"]
    press(page, "Undo")
    for shown in old:
        page.session_state[shown.key] = drawn[key_of(shown)]
    press(page, "Randomize")
    press(page, "Undo")
    assert places(page) == start


def test_what_is_decoded_is_the_start_moved(app) -> None:
    opened_app = app(model="of-6", start="ref:7", z5=1.5, z2=-0.5)
    checked(opened_app.button(key="use_a").click().run())
    opened = model("of-6")
    expected = opened.checkpoint.reference.mean[7].clone()
    expected[[5, 2]] = torch.tensor([1.5, -0.5])
    sent = resolve(opened, Choice.parse(opened_app.session_state["picture_a"]))
    torch.testing.assert_close(sent.mean, expected, rtol=1e-3, atol=1e-3)


def test_an_untouched_start_is_sent_as_it_is(app) -> None:
    page = app(model="of-6", start="ref:7")
    checked(page.button(key="use_b").click().run())
    assert page.session_state["picture_b"] == "ref:7" and page.query_params["b"] == "ref:7"
    assert page.toast[0].value == "The picture is B now; Interpolate shows it."


def test_random_points_come_from_the_seed_and_can_be_undone(app) -> None:
    page = app(model="of-6")
    before = places(page)
    press(page, "Randomize")
    after = places(page)
    draw = explore.sample(model("of-6").checkpoint.model, 1, seed=0)[0]
    for i in (0, 2, 3, 5):
        shown = slider(page, f"z{i}")
        assert after[f"z{i}"] == pytest.approx(min(max(draw[i].item(), shown.min), shown.max), abs=0.026)
    assert all(after[f"z{i}"] == before[f"z{i}"] for i in COLLAPSED)
    assert control(page.number_input, "random").value == 1
    press(page, "Undo")
    assert places(page) == before
    checked(control(page.number_input, "random").set_value(0).run())
    press(page, "Randomize")
    assert places(page) == after


@pytest.mark.parametrize("link", [{}, {"z5": 1.5}], ids=["from the start", "from a link"])
def test_another_model_or_start_puts_the_sliders_back(app, link) -> None:
    page = app(model="of-6", **link)
    checked(slider(page, "z3").set_value(1.0).run())
    checked(page.selectbox(key="model").set_value("of-20").run())
    fresh = places(app(model="of-20"))
    assert places(page) == fresh and len(fresh) == 20
    checked(page.selectbox(key="model").set_value("of-6").run())
    assert places(page) == places(app(model="of-6"))
    checked(slider(page, "z3").set_value(1.0).run())
    page.session_state["picture_start"] = "mean"
    checked(page.run())
    assert set(places(page).values()) == {0.0}
    assert not [key for key in page.query_params if key.startswith("z")]


def test_grid_has_named_rows_and_chosen_columns(app, files) -> None:
    page = app(model="of-6", values=5, rows=3, start="mean")
    grid = pictures(page)[1]
    assert (grid["count"], grid["columns"]) == (15, 5)
    assert grid["rows"] == ["z5\n0.60 nats", "z3\n0.40 nats", "z2\n0.30 nats"]
    assert "These 3 dimensions carry 1.3 of 1.4 nats" in "\n".join(caption.value for caption in page.caption)
    latents = np.load(io.BytesIO(files["Latents (npz)"][0]()), allow_pickle=False)
    opened = model("of-6").checkpoint
    along = explore.axes(opened.model, opened.reference)[:3]
    np.testing.assert_array_equal(latents["z"], explore.traverse(torch.zeros(6), along, 5).numpy())
    assert list(latents["dimensions"]) == ["z5", "z3", "z2"]
    assert Image.open(io.BytesIO(files["Grid (PNG)"][0]())).width % (5 * 9 + 1) == 0


def test_animation_goes_there_and_back_along_the_chosen_dimension(app, files) -> None:
    app(model="of-6", along="z3", start="mean")
    content, name = files["Animation (GIF)"]
    film = Image.open(io.BytesIO(content()))
    assert film.n_frames == 48 and name == "of-6-traverse-mean-z3.gif"

    def frame(place: int) -> np.ndarray:
        film.seek(place)
        return np.asarray(film.convert("L"))

    assert np.array_equal(frame(3), frame(45)) and not np.array_equal(frame(0), frame(24))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"z5": 99}, "The link sets “z5” to 99, but it can only be a number from -"),
        ({"z5": "nan"}, "The link sets “z5” to “nan”, but it can only be a number from -"),
        ({"z5": "inf"}, "The link sets “z5” to “inf”, but it can only be a number from -"),
        ({"z99": 1}, "The link sets “z99”, but here this model has no such sliders; they are left out."),
        ({"PC3": 0.5, "f1": 1}, "The link sets “PC3”, “f1”, but here this model has no such sliders"),
        ({"values": "5.5"}, "The link sets “Values” to 5.5, but it can only be 3, 5, 7"),
        ({"rows": "2.5"}, "The link sets “Dimensions” to 2.5, but it can only be a whole number from 1 to 4;"),
        ({"values": 4}, "The link sets “Values” to 4, but it can only be 3, 5, 7"),
        ({"rows": 5}, "The link sets “Dimensions” to 5, but it can only be a whole number from 1 to 4;"),
        ({"random": -3}, "The link sets “Seed” to -3, but it can only be a whole number from 0 to 999999;"),
        ({"random": 3.7}, "The link sets “Seed” to 3.7, but it can only be a whole number from 0 to 999999;"),
        ({"along": "z77"}, "The link sets “Dimension of the animation” to “z77”, but it can only be “z5”, "),
        ({"start": "ref:300"}, "There is no reference picture 300; this model has 0 to 299"),
        ({"start": "point:AAA"}, "The point has 1 numbers; this model's have 6"),
        ({"start": "<b>"}, "This link names a picture that does not exist"),
    ],
)
def test_a_link_with_impossible_values_says_so_and_shows_the_usual_view(app, query, sentence) -> None:
    page = app(model="of-6", **query)
    assert [sentence in warning.value.replace("\\", "") for warning in page.warning] == [True]
    assert places(page) == places(app(model="of-6"))


def test_many_impossible_sliders_are_told_in_few_sentences(app) -> None:
    page = app(model="of-6", **{f"z{i}": 99 for i in range(6)})
    told = [warning.value for warning in page.warning]
    assert len(told) == 4 and all(text.startswith("The link sets “z") for text in told[:3])
    assert told[3].startswith("The link sets 3 more sliders to what they cannot be")


# --- the base of a fitted flow ----------------------------------------------------------------------------------------


@pytest.fixture
def flowing(app, shelf: Path) -> VAE:
    """`of-6` with a flow fitted to its reference encodings, as `flow-6`."""
    found = checkpoints.load(shelf / "of-6.safetensors")
    checkpoints.save(
        fitting.with_prior(found, fitting.fit_to_references(found, kind="flow")), shelf / "flow-6.safetensors"
    )
    return checkpoints.load(shelf / "flow-6.safetensors").model


def test_sliders_move_through_the_base_of_a_flow(app, flowing, files) -> None:
    page = app(model="flow-6", start="ref:7", slide="Flow", f0=1.5)
    assert sorted(places(page)) == [f"f{i}" for i in range(6)] and slider(page, "f0").value == 1.5
    opened = model("flow-6")
    base = explore.to_base(flowing, opened.checkpoint.reference.mean[7:8]).clone()
    assert slider(page, "f2").value == pytest.approx(base[0, 2].item(), abs=0.03)
    base[0, 0] = 1.5
    checked(page.button(key="use_a").click().run())
    sent = resolve(opened, Choice.parse(page.session_state["picture_a"]))
    torch.testing.assert_close(sent.mean, explore.from_base(flowing, base)[0], rtol=1e-2, atol=1e-2)
    saved = np.load(io.BytesIO(files["Latents (npz)"][0]()))
    assert saved["z"].shape == (6, 7, 6) and np.allclose(saved["start"], opened.checkpoint.reference.mean[7], atol=0.1)
    page = press(page, "Randomize")
    drawn = explore.sample_base(flowing, 1, seed=0)[0]
    assert slider(page, "f3").value == pytest.approx(drawn[3].item(), abs=0.03)
    page = checked(control(page.segmented_control, "slide").set_value("dimensions").run())
    assert sorted(places(page)) == [f"z{i}" for i in range(6)]


def test_without_a_flow_there_is_nothing_else_to_slide(app) -> None:
    page = app(model="of-6")
    assert not [shown for shown in page.segmented_control if key_of(shown) == "slide"]
