"""Sample: draws, the plane, what is sent on and downloaded; on small models made here, without a server."""

from __future__ import annotations

import io
import zipfile
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
from pages.widgets.sampling import draws
from pages.widgets.selection.choice import Choice
from pages.widgets.selection.resolve import resolve
from pages.widgets.shell import downloads
from pages.widgets.shell.models import Entry, Opened
from tests.conftest import control
from tests.shown import pictures_of, sent
from vae_core import checkpoints, explore, fitting, zoo
from vae_core.checkpoints import Checkpoint, DataInfo
from vae_core.config import DataConfig
from vae_core.latents.priors import log_normal
from vae_core.model import VAE, build
from vae_core.shards import seeded

SAMPLE = "sample.py"


def untrained(dim: int) -> Checkpoint:
    torch.manual_seed(dim)
    recipe = zoo.recipe("mlp", DataConfig("mnist"), (1, 8, 8), latent_dim=dim, body={"hidden": (16,)})
    return Checkpoint(recipe, build(recipe.model).eval(), DataInfo("somebody's"))


@pytest.fixture
def app(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """The page on a shelf with a model of 2 dimensions (`flat`) and one of 5 (`five`); keywords are the link's."""
    for name, dim in (("five", 5), ("flat", 2)):
        checkpoints.save(untrained(dim), tmp_path / f"{name}.safetensors")
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
    st.cache_resource.clear()
    st.cache_data.clear()

    def opened(**query: object) -> AppTest:
        app = AppTest.from_file(str(root / "pages" / "router.py"), default_timeout=60)
        app.query_params.update({key: str(value) for key, value in query.items()})
        app.switch_page(SAMPLE)
        return checked(app.run())

    return opened


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[bytes, str]]:
    """What the download buttons give, by label, with the file's name: filled while the page runs."""
    found: dict[str, tuple[bytes, str]] = {}
    real = st.download_button

    def note(label: str, data: Callable[[], bytes], name: str, *args: object, **kwargs: Any) -> bool:
        found[label] = data(), name
        return real(label, b"", name, *args, **kwargs)

    monkeypatch.setattr(st, "download_button", note)
    return found


def checked(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def shown(app: AppTest) -> dict[str, Any]:
    """What the grid was given."""
    return sent(app, "grid")


def said(app: AppTest) -> str:
    return "\n".join(element.value for element in app.caption)


def model(name: str) -> Opened:
    """A model of the shelf, as a page has it."""
    return Opened(Entry(name, name, "shipped"), checkpoints.load(checkpoints.SHIPPED / f"{name}.safetensors"), name)


def test_the_first_visit_shows_sixty_four_pictures_and_says_what_they_are(app) -> None:
    page = app(model="five")
    assert (shown(page)["count"], shown(page)["columns"], shown(page)["chosen"]) == (64, 8, -1)
    assert "64 draws of z from the prior, seed 0, temperature 1" in said(page) and "decoder's mean" in said(page)
    assert not page.warning and [title.value for title in page.title] == ["Sample"]
    assert all(button.disabled for button in page.button if button.label != "Present")
    assert len(page.radio) == 1  # five dimensions have no plane


def test_seed_and_temperature_are_turned_in_the_grid(app) -> None:
    page = app(model="five", seed=20, temperature=0.5)
    view = shown(page)
    assert (view["seed"], view["temperature"], view["moves"], view["seeded"]) == (20, 0.5, True, True)
    assert [(w["first"], w["seeds"]) for w in view["windows"]] == [(16, 16)]
    assert "below 1 the pictures are more average" in view["help"]
    wanted = explore.decode(model("five").checkpoint.model, explore.sample(model("five").checkpoint.model, 64, 0.5, 20))
    assert np.abs(pictures_of(shown(page)) - 255 * wanted.numpy()).max() <= 1


def test_temperature_zero_is_one_picture_and_a_link_opens_the_same_view(app) -> None:
    page = app(model="five", n=16, temperature=0)
    found = pictures_of(shown(page))
    assert shown(page)["count"] == 16 and (found == found[:1]).all()
    assert control(page.select_slider, "n").value == 16 and shown(page)["temperature"] == 0


def test_pixels_are_drawn_from_the_likelihood_and_repeatable(app) -> None:
    page = app(model="five", shown="Pixels")
    found = pictures_of(shown(page))
    assert set(np.unique(found)) == {0, 255}  # bits
    assert "Every pixel is drawn from the likelihood, Bernoulli (bits)" in said(page)
    assert np.array_equal(found, pictures_of(shown(app(model="five", shown="Pixels"))))
    assert not np.array_equal(found, pictures_of(shown(app(model="five", shown="Pixels", seed=1))))


def test_plane_of_two_dimensions_has_named_axes(app, files) -> None:
    page = app(model="flat", view="Plane", side=5)
    view = shown(page)
    assert (view["count"], view["columns"], view["gutter"], view["seeded"]) == (25, 5, 0, False)
    assert view["edge"] == pytest.approx(torch.special.ndtri(torch.tensor(0.9)).item())
    assert "quantiles" in said(page)
    assert shown(app(model="flat", view="Plane", shown="Pixels"))["seeded"]  # their noise is
    latents = np.load(io.BytesIO(files["Latents (npz)"][0]))
    assert latents["z"].shape == (225, 2) and latents["z"][0, 1] > 0 > latents["z"][0, 0]  # top left


def test_downloads_hold_what_is_shown(app, files) -> None:
    app(model="five", n=9, seed=4, temperature=0.5)
    net = model("five").checkpoint.model
    z = explore.sample(net, 9, 0.5, 4)
    content, name = files["Latents (npz)"]
    latents = np.load(io.BytesIO(content), allow_pickle=False)
    np.testing.assert_array_equal(latents["z"], z.numpy())
    assert (latents["seed"], latents["temperature"], latents["model"]) == (4, 0.5, "five")
    assert name == "five-9-4-0.5.npz"
    grid = Image.open(io.BytesIO(files["Grid (PNG)"][0]))
    grow = downloads.enlargement(3 * 8)
    assert grid.size == (grow * (3 * (8 + canvas.GUTTER) + canvas.GUTTER),) * 2
    archive = zipfile.ZipFile(io.BytesIO(files["Pictures (zip)"][0]))
    assert len(archive.namelist()) == 9
    one = np.asarray(Image.open(io.BytesIO(archive.read(archive.namelist()[4]))))
    expected = explore.decode(net, z[4:5])[0, 0].mul(255).round().numpy()
    np.testing.assert_allclose(one, expected, atol=1)


@pytest.mark.parametrize("query", [{"picture": 3, "seed": 5}, {"picture": 3, "seed": 5, "temperature": 0.7}])
def test_a_picture_that_is_sent_is_the_one_that_was_chosen(app, query) -> None:
    page = app(model="five", **query)
    assert shown(page)["chosen"] == 2
    checked(page.button(key="use_a").click().run())
    choice = page.session_state["picture_a"]
    assert page.toast[0].value == "Picture 3 is A now; Interpolate shows it."
    opened = model("five")
    z = explore.sample(opened.checkpoint.model, 64, query.get("temperature", 1), 5)[2]
    torch.testing.assert_close(resolve(opened, Choice.parse(choice)).mean, z)
    assert page.query_params["a"] == choice


def test_a_point_of_the_plane_is_sent_too(app) -> None:
    page = app(model="flat", view="Plane", side=5, picture=2)
    checked(page.button(key="use_b").click().run())
    opened = model("flat")
    sent = resolve(opened, Choice.parse(page.session_state["picture_b"]))
    torch.testing.assert_close(sent.mean, explore.prior_plane(5)[0, 1], rtol=1e-3, atol=1e-3)
    assert "At z0 = -0.52, z1 = 1.28" in said(page)


def test_fewer_pictures_forget_the_chosen_one(app) -> None:
    page = app(model="five", picture=60)
    assert shown(page)["chosen"] == 59
    checked(control(page.select_slider, "n").set_value(4).run())
    assert shown(page)["chosen"] == -1 and control(page.number_input, "picture").value is None


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            {"temperature": 7},
            "“Temperature” to 7, but it can only be a number from 0 to 2; the usual value is used instead.",
        ),
        ({"temperature": "**hot**"}, "“Temperature” to “**hot**”, but it can only be a number from 0 to 2;"),
        ({"seed": -1}, "“Seed” to -1, but it can only be a whole number from 0 to 999999999;"),
        ({"seed": "nan"}, "“Seed” to “nan”"),
        ({"seed": ""}, "“Seed” to “”, but it can only be a whole number"),
        ({"seed": "-1e400"}, "“Seed” to “-1e400”, but it can only be a whole number from 0 to 999999999;"),
        ({"seed": "9" * 40}, f"“Seed” to “{'9' * 23}…”, but it can only be a whole number"),
        ({"n": 65}, "“Pictures” to 65, but it can only be 1, 4, 9"),
        ({"n": 10**9}, "“Pictures” to 1000000000"),
        ({"shown": "<b>"}, "“Shown” to “<b>”, but it can only be “Mean” or “Pixels”;"),
        ({"picture": 65}, "“Picture to use” to 65, but it can only be a whole number from 1 to 64;"),
        ({"picture": 0}, "“Picture to use” to 0, but it can only be a whole number from 1 to 64;"),
    ],
)
def test_a_link_with_impossible_values_says_so_and_shows_the_usual_view(app, query, sentence) -> None:
    page = app(model="five", **query)
    assert [f"The link sets {sentence}" in warning.value.replace("\\", "") for warning in page.warning] == [True]
    assert "**hot**" not in page.warning[0].value and "<b>" not in page.warning[0].value
    assert shown(page)["count"] == 64 and "temperature 1." in said(page)
    assert not checked(page.run()).warning  # said once


# --- a prior that was fitted afterwards ---------------------------------------------------------------------------


@pytest.fixture
def foggy(app: Callable[..., AppTest], tmp_path: Path) -> VAE:
    """A model (`foggy`) whose codes lie far from where its own prior puts its draws, and that knows it."""
    made = untrained(3)
    codes = torch.randn(400, 3, generator=seeded(0)) * 0.1 + 4
    found = fitting.fit(codes, log_normal(codes))
    made.model.fitted = found.prior
    checkpoints.save(replace(made, metrics={**found.summary}), tmp_path / "foggy.safetensors")
    assert found.gap > fitting.FOG
    return checkpoints.load(tmp_path / "foggy.safetensors").model


def is_of(page: AppTest, model: VAE, points: torch.Tensor) -> bool:
    """Whether the grid shows these points, decoded."""
    found, wanted = pictures_of(shown(page)), 255 * explore.decode(model, points).numpy()
    return found.shape == wanted.shape and bool(np.abs(found - wanted).max() <= 1)


def test_where_a_model_s_own_prior_shows_fog_the_fitted_one_is_drawn_from(app, foggy):
    page = app(model="foggy", n=16)
    assert is_of(page, foggy, explore.sample(foggy, 16, fitted=True))
    assert "prior" not in page.query_params
    page = checked(control(page.button_group, "prior_input").set_value("own").run())
    assert is_of(page, foggy, explore.sample(foggy, 16))
    assert page.query_params["prior"] == "own"


def test_both_priors_stand_one_above_the_other_and_a_picture_goes_on_as_what_it_is(app, foggy):
    page = app(model="foggy", n=16, prior="both", picture=12)
    points = torch.cat([explore.sample(foggy, 8), explore.sample(foggy, 8, fitted=True)])
    assert is_of(page, foggy, points)
    assert shown(page)["rows"] == ["Its own", "", "Fitted", ""]
    page = checked(page.button(key="use_a").click().run())
    assert page.session_state["picture_a"] == "fitted:0.3"


def test_a_model_without_one_has_no_choice(app):
    assert not [group for group in app(model="five").button_group if group.key.startswith("prior_input")]


def test_words_say_where_the_draws_of_each_prior_lie(app, foggy):
    page = app(model="foggy", n=16)
    assert "Where the encoder put the pictures. The prior misses" in said(page) and "show fog" in said(page)
    assert "decoded from the prior that was fitted to where the encoder put the pictures." in intro(page)
    page = checked(control(page.button_group, "prior_input").set_value("both").run())
    assert "Above: where the prior puts its draws. Below: where the encoder put the pictures." in said(page)
    page = checked(control(page.button_group, "prior_input").set_value("own").run())
    assert "Where the prior puts its draws." in said(page) and "of the prior, drawn at random" in intro(page)


def intro(page: AppTest) -> str:
    return page.markdown[0].value


def of_classes(tmp_path: Path, kind: str) -> VAE:
    """A model (`labelled`) that is not told classes, with a prior fitted to codes of two classes that lie apart."""
    made = untrained(3)
    labels = torch.arange(400) % 2
    codes = 0.2 * torch.randn(400, 3, generator=seeded(0)) + 6 * labels[:, None]
    found = fitting.fit(codes, log_normal(codes), labels, 2, kind=kind)
    made.model.fitted = found.prior
    info = DataInfo("somebody's", ("cats", "<b>dogs</b>"))
    checkpoints.save(replace(made, data=info, metrics={**found.summary}), tmp_path / "labelled.safetensors")
    return checkpoints.load(tmp_path / "labelled.safetensors").model


@pytest.mark.parametrize("kind", ["mixture", "flow"])
def test_a_class_of_the_fitted_prior_is_drawn_alone_and_stays_in_the_link(app, tmp_path, kind):
    model = of_classes(tmp_path, kind)
    page = app(model="labelled", n=16, prior="fitted")
    assert control(page.selectbox, "class").options == ["Any class", "cats", "<b>dogs</b>"]
    page = checked(control(page.selectbox, "class").set_value("<b>dogs</b>").run())
    points = explore.sample(model, 16, fitted=True, label=1)
    assert is_of(page, model, points) and (points.mean(1) > 3).float().mean() > 0.9
    assert "<b>" not in said(page)
    link = {"class": "<b>dogs</b>"}
    assert is_of(app(model="labelled", n=16, prior="fitted", **link), model, points)
    page = checked(control(page.number_input, "picture").set_value(3).run())
    page = checked(page.button(key="use_b").click().run())
    assert page.session_state["picture_b"] == "fitted:0.2@1"
    opened = Opened(Entry("labelled", "labelled", "shipped"), checkpoints.load(tmp_path / "labelled.safetensors"), "x")
    assert torch.equal(resolve(opened, Choice.parse("fitted:0.2@1")).mean, points[2])
    page = checked(control(page.button_group, "prior_input").set_value("own").run())
    assert not [box for box in page.selectbox if box.key.startswith("class")]


def test_the_temperature_of_a_flow_is_that_of_its_base(app, tmp_path, rough_flows):
    model = of_classes(tmp_path, "flow")
    page = app(model="labelled", n=16, prior="fitted", temperature=0.5)
    base = explore.sample_base(model, 16)
    assert is_of(page, model, explore.from_base(model, 0.5 * base))
    assert "N(0, I)" in shown(page)["help"]


def test_seeds_around_are_those_of_the_prior_that_is_shown(tmp_path, rough_flows):
    """Points of a flow's base where it alone is shown; codes of the model's own prior, and of both, elsewhere."""
    model = of_classes(tmp_path, "flow")
    views = [draws.View(8, 1.0, 0, prior=prior) for prior in draws.PRIORS]
    own, fitted, both = (draws.window(model, view, 1, 5, 2) for view in views)
    assert torch.equal(fitted[0, 1], explore.sample_base(model, 8, 5)) and not fitted[:, 0].any()
    assert torch.allclose(own[1].sum(0), explore.sample(model, 8, 1.0, 6), atol=1e-6)
    shown = both[1].sum(0)
    half = views[2].parts(model)[0][1]
    assert torch.allclose(shown[:half], explore.sample(model, half, 1.0, 6), atol=1e-6)
    assert torch.allclose(shown[half:], explore.sample(model, 8 - half, 1.0, 6, fitted=True), atol=1e-5)
