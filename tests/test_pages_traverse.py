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

from pages.widgets.display import canvas
from pages.widgets.selection.choice import Choice
from pages.widgets.selection.resolve import resolve
from pages.widgets.shell.models import Entry, Opened
from tests.conftest import control
from tests.shown import pictures, sent
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


def grid_of(app: AppTest) -> dict[str, Any]:
    """What the grid was given, and how it stands."""
    (grid,) = pictures(app)
    return grid


def press(app: AppTest, label: str) -> AppTest:
    return checked(next(button for button in app.button if button.label == label).click().run())


def key_of(control: Any) -> str:
    """A control's name, without which of the controls of that name it is."""
    return (control.key or "").split(":")[0]


def sliders(app: AppTest) -> dict[str, dict[str, Any]]:
    """The sliders by name, in their order, and the `place` where each stands."""
    data = sent(app, "traverse")
    return {each["key"]: each | {"place": data["places"].get(each["key"], each["start"])} for each in data["slides"]}


def places(app: AppTest) -> dict[str, float]:
    return {key: each["place"] for key, each in sliders(app).items()}


def model(name: str) -> Opened:
    """A model of the shelf, as a page has it."""
    return Opened(Entry(name, name, "shipped"), checkpoints.load(checkpoints.SHIPPED / f"{name}.safetensors"), name)


def test_sliders_are_ordered_by_kl_and_collapsed_ones_are_explained(app) -> None:
    page = app(model="of-6")
    assert [(key, each["note"], each["active"]) for key, each in sliders(page).items()] == [
        ("z5", " · 0.60 nats", True),
        ("z3", " · 0.40 nats", True),
        ("z2", " · 0.30 nats", True),
        ("z0", " · 0.10 nats", True),
        ("z4", " · 0.01 nats", False),
        ("z1", " · 0.00 nats", False),
    ]
    data = sent(page, "traverse")
    assert "variance of the encoded mean is below 0.01" in data["folded"] and "its KL in nats" in data["heading"][0]
    assert not page.warning


def test_a_start_shows_itself_and_its_own_place_on_every_slider(app) -> None:
    page = app(model="of-6", start="ref:7")
    mean = model("of-6").checkpoint.reference.mean[7]
    for i in range(6):
        each = sliders(page)[f"z{i}"]
        assert each["place"] == pytest.approx(mean[i].item(), abs=0.026)
        assert each["at"] == pytest.approx(mean[i].item()) and each["index"] == i
        assert each["low"] <= mean[i].item() <= each["high"]
    data = sent(page, "traverse")
    assert data["start"] == pytest.approx(mean.tolist()) and "reference picture 7" in data["captions"][1]


def test_principal_directions_are_slid_where_the_dimensions_are_too_many(app) -> None:
    assert len(places(app(model="of-20"))) == 20
    page = app(model="of-300", PC2=0.5)
    found = sliders(page)
    assert len(found) == explore.PRINCIPAL and next(iter(found)) == "PC1" and found["PC2"]["place"] == 0.5
    assert found["PC1"]["index"] is None and len(found["PC1"]["direction"]) == 300
    assert "per principal direction" in sent(page, "traverse")["heading"][0]


def test_models_without_reference_encodings(app) -> None:
    page = app(model="bare-3")
    assert [(key, each["note"], each["low"], each["high"]) for key, each in sliders(page).items()] == [
        (f"z{i}", "", -3, 3) for i in range(3)
    ]
    page = app(model="bare-300")
    assert "This model has 300 latent dimensions, too many to slide one by one" in page.info[0].value
    assert not page.header


def test_a_slider_is_moved_and_put_back_and_the_grid_stays(app, hand) -> None:
    page = app(model="of-6")
    start, grid = places(page), grid_of(page)
    hand(page, "places", {"z5": 1.5})
    assert places(page) == start | {"z5": 1.5} and grid_of(page)["src"] == grid["src"]
    hand(page, "places", {"z3": 0.53})
    hand(page, "places", {"z5": None})
    assert places(page) == start | {"z3": 0.53} and page.query_params["z3"] == "0.53"
    assert places(app(model="of-6", z3=0.53)) == places(page)
    press(page, "Reset all")
    assert places(page) == start and "z3" not in page.query_params
    press(page, "Undo")
    assert places(page) == start | {"z3": 0.53}


def test_what_a_hand_did_to_a_slider_can_be_undone(app, hand) -> None:
    page = app(model="of-6")
    start = places(page)
    hand(page, "places", {"z5": 1.5})
    hand(page, "places", {"z3": 0.5})
    press(page, "Undo")
    assert places(page) == start | {"z5": 1.5} and page.query_params["z5"] == "1.5"
    press(page, "Undo")
    assert places(page) == start and "z5" not in page.query_params
    assert next(button for button in page.button if button.label == "Undo").disabled


@pytest.mark.parametrize("said", [{"z5": 99}, {"z5": "1"}, {"z77": 1.0}, {"z5": float("nan")}, None, [1]])
def test_what_is_no_place_of_a_slider_moves_none(app, hand, said: object) -> None:
    page = app(model="of-6")
    start = places(page)
    assert places(hand(page, "places", said)) == start


def test_the_order_is_kept_in_the_link(app, hand) -> None:
    page = app(model="of-6")
    assert not sent(page, "traverse")["byName"]
    hand(page, "order", True)
    assert sent(page, "traverse")["byName"] and page.query_params["order"] == "name"
    assert sent(app(model="of-6", order="name"), "traverse")["byName"]


def test_a_picture_of_the_grid_puts_its_slider_there(app, monkeypatch) -> None:
    def with_button(*_: object, on_pick: Callable[[int], None], **__: object) -> None:
        st.button("The last of the second row", on_click=on_pick, args=(9,))

    monkeypatch.setattr(canvas, "canvas", with_button)
    page = app(model="of-6", values=5, start="mean")
    press(page, "The last of the second row")
    opened = model("of-6").checkpoint
    high = explore.axes(opened.model, opened.reference)[1].high
    assert sent(page, "traverse")["places"] == {"z3": pytest.approx(high, abs=0.006)}
    press(page, "Undo")
    assert not sent(page, "traverse")["places"]


def test_what_is_decoded_is_the_start_moved(app) -> None:
    opened_app = app(model="of-6", start="ref:7", z5=1.5, z2=-0.5)
    checked(opened_app.button(key="use_a").click().run())
    opened = model("of-6")
    expected = opened.checkpoint.reference.mean[7].clone()
    expected[[5, 2]] = torch.tensor([1.5, -0.5])
    point = resolve(opened, Choice.parse(opened_app.session_state["picture_a"]))
    torch.testing.assert_close(point.mean, expected, rtol=1e-3, atol=1e-3)


def test_an_untouched_start_is_sent_as_it_is(app) -> None:
    page = app(model="of-6", start="ref:7")
    checked(page.button(key="use_b").click().run())
    assert page.session_state["picture_b"] == "ref:7" and page.query_params["b"] == "ref:7"
    assert page.toast[0].value == "The picture is B now; Interpolate shows it."


def test_random_points_come_from_the_seed_and_can_be_undone(app) -> None:
    page = app(model="of-6")
    before = places(page)
    press(page, "Randomize")
    after = sliders(page)
    draw = explore.sample(model("of-6").checkpoint.model, 1, seed=0)[0]
    for i in (0, 2, 3, 5):
        each = after[f"z{i}"]
        assert each["place"] == pytest.approx(min(max(draw[i].item(), each["low"]), each["high"]), abs=0.006)
    assert all(after[f"z{i}"]["place"] == before[f"z{i}"] for i in COLLAPSED)
    assert control(page.number_input, "random").value == 1
    press(page, "Undo")
    assert places(page) == before and "random" not in page.query_params  # the link is the one of before, too
    press(page, "Randomize")
    assert sliders(page) == after


def test_sliders_stay_over_pages(app, hand) -> None:
    page = hand(app(model="of-6", start="ref:7"), "places", {"z3": 1.0})
    before = places(page)
    checked(page.switch_page("sample.py").run())
    checked(page.switch_page("traverse.py").run())
    assert places(page) == before and page.query_params["z3"] == "1"
    press(page, "Undo")
    assert places(page) == places(app(model="of-6", start="ref:7"))


@pytest.mark.parametrize("link", [{}, {"z5": 1.5}], ids=["from the start", "from a link"])
def test_another_model_or_start_puts_the_sliders_back(app, hand, link) -> None:
    page = app(model="of-6", **link)
    hand(page, "places", {"z3": 1.0})
    checked(page.selectbox(key="model").set_value("of-20").run())
    fresh = places(app(model="of-20"))
    assert places(page) == fresh and len(fresh) == 20
    assert next(button for button in page.button if button.label == "Undo").disabled
    checked(page.selectbox(key="model").set_value("of-6").run())
    assert places(page) == places(app(model="of-6"))
    hand(page, "places", {"z3": 1.0})
    page.session_state["picture_start"] = "mean"
    checked(page.run())
    assert set(places(page).values()) == {0.0}
    assert not [key for key in page.query_params if key.startswith("z")]


def test_the_picture_is_saved_as_it_is_decoded(app, files) -> None:
    app(model="of-6", start="ref:7", z5=1.5)
    content, name = files["Picture (PNG)"]
    opened = model("of-6").checkpoint
    z = opened.reference.mean[7:8].clone()
    z[0, 5] = 1.5
    saved = np.asarray(Image.open(io.BytesIO(content())).resize((8, 8), Image.Resampling.NEAREST))
    np.testing.assert_allclose(saved, 255 * explore.decode(opened.model, z)[0, 0].numpy(), atol=1.5)
    assert name == "of-6-picture.png"


def test_grid_has_named_rows_and_chosen_columns(app, files) -> None:
    page = app(model="of-6", values=5, rows=3, start="mean")
    grid = grid_of(page)
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
def flowing(app, shelf: Path, rough_flows: None) -> VAE:
    """`of-6` with a flow fitted to its reference encodings, as `flow-6`."""
    found = checkpoints.load(shelf / "of-6.safetensors")
    checkpoints.save(
        fitting.with_prior(found, fitting.fit_to_references(found, kind="flow")), shelf / "flow-6.safetensors"
    )
    return checkpoints.load(shelf / "flow-6.safetensors").model


def test_sliders_move_through_the_base_of_a_flow(app, flowing, files) -> None:
    page = app(model="flow-6", start="ref:7", slide="Flow", f0=1.5)
    assert sorted(places(page)) == [f"f{i}" for i in range(6)] and places(page)["f0"] == 1.5
    opened = model("flow-6")
    base = explore.to_base(flowing, opened.checkpoint.reference.mean[7:8]).clone()
    assert places(page)["f2"] == pytest.approx(base[0, 2].item(), abs=0.03)
    base[0, 0] = 1.5
    checked(page.button(key="use_a").click().run())
    point = resolve(opened, Choice.parse(page.session_state["picture_a"]))
    torch.testing.assert_close(point.mean, explore.from_base(flowing, base)[0], rtol=1e-2, atol=1e-2)
    saved = np.load(io.BytesIO(files["Latents (npz)"][0]()))
    assert saved["z"].shape == (6, 7, 6) and np.allclose(saved["start"], opened.checkpoint.reference.mean[7], atol=0.1)
    page = press(page, "Randomize")
    drawn = explore.sample_base(flowing, 1, seed=0)[0]
    assert places(page)["f3"] == pytest.approx(drawn[3].item(), abs=0.006)
    page = checked(control(page.segmented_control, "slide").set_value("dimensions").run())
    assert sorted(places(page)) == [f"z{i}" for i in range(6)]


def test_without_a_flow_there_is_nothing_else_to_slide(app) -> None:
    page = app(model="of-6")
    assert not [each for each in page.segmented_control if key_of(each) == "slide"]
