"""The page Compare, as a person uses it, without a browser: what its view is sent, and what it tells."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.conftest import control
from tests.shown import sent
from vae_core import checkpoints, explore

ROUTER = str(Path(__file__).parents[1] / "pages" / "router.py")


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def start(**query: Any) -> AppTest:
    app = AppTest.from_file(ROUTER, default_timeout=120)
    for name, value in ({"model": "digits"} | query).items():
        app.query_params[name] = value
    app.switch_page("compare.py")
    return run(app)


def columns(app: AppTest) -> list[dict[str, Any]]:
    """The models that are shown."""
    return sent(app, "compare")["columns"]


def names(app: AppTest) -> list[str]:
    return [column["name"] for column in columns(app)]


def facts(app: AppTest) -> list[str]:
    return [fact for column in columns(app) for fact in column["whole"].split("\n")]


@pytest.mark.parametrize(
    ("model", "beside"),
    [
        ("mnist", "mnist-beta4"),
        ("mnist-ae-16", "mnist-vae-16"),
        ("sprites-beta-1", "sprites-beta-4"),
        ("fashion-vq", "fashion"),
    ],
)
def test_a_first_visit_shows_the_open_model_and_one_that_goes_with_it(model: str, beside: str) -> None:
    app = start(model=model)
    assert control(app.multiselect, "models").value == [model, beside] == names(app)
    assert not app.warning and not app.error
    assert "models" not in app.query_params


def test_every_model_has_its_own_way_under_one_place(hand) -> None:
    app = start(models=["digits", "digits-linear"])
    one, other = columns(app)
    assert len(one["a"]) == len(other["b"]) == 8 and one["a"] != other["a"]
    assert one["rebuilt"][0] != one["rebuilt"][1] and one["rebuilt"] != other["rebuilt"]
    hand(app, "t", 0.9)
    assert app.query_params["t"] == "0.9" and sent(app, "compare")["t"] == 0.9
    assert sent(start(models=["digits", "digits-linear"], t="0.9"), "compare")["t"] == 0.9
    assert sent(hand(app, "t", 7), "compare")["t"] == 0.9


def test_a_reference_picture_is_the_same_one_in_every_model() -> None:
    one, other = (checkpoints.load(checkpoints.find(name)).reference for name in ("mnist", "mnist-beta4"))
    row = explore.row_of_same(one, 17, other)
    assert row is not None and one.index[17] == other.index[row] and one.labels[17] == other.labels[row]
    cut = checkpoints.load(checkpoints.find("mnist-ladder")).reference
    missing = next(i for i, index in enumerate(one.index.tolist()) if index not in cut.index.tolist())
    assert explore.row_of_same(one, missing, cut) is None


@pytest.mark.parametrize("choice", ["ref:3", "prior:4", "mean", "ref:3@5"])
def test_any_choice_can_be_compared(choice: str) -> None:
    app = start(model="digits-conditional-film", models=["digits-conditional-film", "digits", "digits-vdvae"], a=choice)
    assert len(names(app)) == 3 and not app.warning


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ("sprites", "sprites is left out: it has 32 × 32 colour pictures, and the open model 28 × 28 grey ones."),
        ("fashion", "fashion is left out: it was trained on “fashion-mnist”, and the open model on “mnist”."),
    ],
)
def test_models_that_do_not_go_together_are_refused_by_name(other: str, says: str) -> None:
    app = start(model="mnist", models=["mnist", "mnist-beta4", other])
    assert [warning.value.replace("\\", "") for warning in app.warning] == [says]
    assert names(app) == ["mnist", "mnist-beta4"]


@pytest.mark.parametrize(("model", "words"), [("digits", "8 × 8 grey"), ("fashion", "28 × 28 grey")])
def test_only_models_of_the_same_pictures_are_offered(model: str, words: str) -> None:
    app = start(model=model)
    offered, home = control(app.multiselect, "models").options, checkpoints.load(checkpoints.find(model)).recipe
    recipes = {name: checkpoints.load(checkpoints.find(name)).recipe for name in checkpoints.shipped()}
    alike = {name for name, each in recipes.items() if each.data.name == home.data.name}
    assert set(offered) == alike
    (said,) = [caption.value.replace("\\", "") for caption in app.caption if "Offered" in caption.value]
    counted = f"{len(alike)} of {len(recipes)} models"
    assert said == f"Offered are the {counted} that have learnt {words} pictures of “{home.data.name}”."


def test_elbos_of_different_likelihoods_are_not_ranked() -> None:
    said = "Their ELBOs are of different likelihoods (Gaussian, fixed std 0.3; Gaussian, fixed std 0.5)"
    for other, warned in (("sprites-annealed", True), ("sprites-beta-1", False)):
        app = start(model="sprites-beta-4", models=["sprites-beta-4", other])
        found = "\n".join(caption.value for caption in app.caption).replace("\\", "")
        assert (said in found) == warned == ("ELBOs" in found)


def test_a_conditional_models_elbo_is_of_pictures_whose_class_is_told() -> None:
    """A bound of log p(x | y), and not one of log p(x)."""
    app = start(model="mnist", models=["mnist", "mnist-conditional"])
    assert names(app) == ["mnist", "mnist-conditional"]
    assert sum("nats per image, given the class" in fact for fact in facts(app)) == 1
    assert any(
        "a conditional model's is a bound of log p(x | y)" in text.value.replace("\\", "") for text in app.caption
    )
    app = start(model="mnist", models=["mnist", "mnist-beta4"])
    assert not any("given the class" in fact for fact in facts(app))
    assert not any("log p(x | y)" in text.value for text in app.caption)


def test_one_model_is_too_few() -> None:
    app = start(models=["digits"])
    assert [info.value for info in app.info] == ["Choose at least 2 models of 8 × 8 grey pictures of “digits”."]


def test_the_same_z_only_on_request_and_with_a_warning(hand) -> None:
    app = start(models=["digits", "digits-linear"])
    assert not app.warning and "slides" not in sent(app, "compare")
    control(app.segmented_control, "movement").set_value("same")
    run(app)
    data = sent(app, "compare")
    assert "Axes of two models do not correspond: z3 of one has nothing to do with z3 of the other" in data["warning"]
    (z2,) = [slide for slide in data["slides"] if slide["key"] == "z2"]
    assert z2["at"] == pytest.approx(data["columns"][0]["a"][2]) and z2["start"] == pytest.approx(z2["at"], abs=0.026)
    hand(app, "places", {"z2": z2["high"], "z99": 1, "z1": 99})
    assert sent(app, "compare")["places"] == {"z2": z2["high"]}
    assert float(app.query_params["z2"]) == z2["high"]
    again = start(models=["digits", "digits-linear"], movement="The same z", z2=app.query_params["z2"])
    assert sent(again, "compare")["places"] == {"z2": z2["high"]}
    hand(app, "places", {"z2": None})
    assert "z2" not in app.query_params


def test_another_a_puts_the_sliders_there(hand) -> None:
    app = start(models=["digits", "digits-linear"], movement="same", z2=0.5)
    assert sent(app, "compare")["places"] == {"z2": 0.5}
    app.session_state["picture_a"] = "ref:7"
    run(app)
    assert sent(app, "compare")["places"] == {} and "z2" not in app.query_params


def test_the_same_z_is_not_offered_to_spaces_of_other_sizes() -> None:
    app = start(models=["digits", "digits-conditional-film"], movement="The same z")
    assert control(app.segmented_control, "movement").options == ["From A to B"]
    assert [warning.value for warning in app.warning] == [
        "“The same z” cannot be shown: the models have 8, 4 latent dimensions. The models go from A to B instead."
    ]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"t": "2"}, "“t, the place between A and B” to 2, but it can only be a number from 0 to 1"),
        ({"t": "nan"}, "“t, the place between A and B” to “nan”"),
        ({"movement": "sideways"}, "“Movement” to “sideways”, but it can only be “From A to B” or “The same z”"),
        ({"models": ["digits", "digits-linear", "none <b>such</b>"]}, "“none \\<b\\>such\\<\\/b\\>”"),
        ({"a": "ref:9999999"}, "There is no reference picture"),
    ],
)
def test_links_that_ask_for_what_is_not_there_get_one_sentence(query: dict[str, Any], says: str) -> None:
    app = start(**query)
    assert len(app.warning) == 1 and says in app.warning[0].value, [w.value for w in app.warning]
    assert len(names(app)) == 2


def test_sliders_of_a_damaged_link_are_told() -> None:
    app = start(models=["digits", "digits-linear"], movement="The same z", z0="x", z1="99", z77="0", z3="0.5")
    assert [warning.value.split(",")[0] for warning in app.warning] == [
        "The link sets “z0” to “x”",
        "The link sets “z1” to 99",
        "The link sets “z77”",
    ]
    assert sent(app, "compare")["places"] == {"z3": 0.5}


def test_hostile_names_are_shown_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "digits-<img src=x onerror=alert(1)> **bold**"
    shutil.copy(checkpoints.find("digits"), tmp_path / f"{name}.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no model")
    monkeypatch.setenv("VAE_CHECKPOINTS", str(tmp_path))
    app = start(models=["digits", f"{name} (own folder)", "broken (own folder)"])
    assert names(app) == ["digits", f"{name} (own folder)"]
    (warning,) = app.warning
    assert warning.value.startswith("broken \\(own folder\\) is left out:")


def test_another_open_model_brings_its_own_companion() -> None:
    app = start(models=["digits", "digits-linear"])
    app.selectbox(key="model").set_value("mnist")
    run(app)
    assert names(app) == ["mnist", "mnist-beta4"] and not app.warning


def test_five_models_are_one_too_many() -> None:
    five = ["digits", "digits-linear", "digits-vamp", "digits-info", "digits-dreg"]
    app = start(models=five)
    assert names(app) == five[:4]
    assert [warning.value for warning in app.warning] == ["5 models are chosen; the first 4 are shown."]


def test_usual_range_without_references_is_the_prior_s() -> None:
    model = checkpoints.load(checkpoints.find("digits")).model
    axis = explore.axes(model, None)[0]
    low, high = explore.usual_range(axis, None)
    assert torch.distributions.Normal(0, 1).cdf(torch.tensor([low, high])).tolist() == pytest.approx(
        [0.025, 0.975], abs=1e-3
    )
