"""The page Interpolate, as a person uses it, without a browser."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.conftest import control
from tests.shown import decoded, sent
from vae_core import checkpoints, explore, fitting

ROUTER = str(Path(__file__).parents[1] / "pages" / "router.py")


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Callable[[], bytes]]]:
    """What the download buttons would give, by label."""
    given: dict[str, Callable[[], bytes]] = {}
    real = st.download_button

    def note(label: str, data: Callable[[], bytes], *args: object, **kwargs: object) -> bool:
        given[label] = data
        return real(label, b"", *args, **kwargs)

    monkeypatch.setattr(st, "download_button", note)
    yield given


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def start(**query: str) -> AppTest:
    app = AppTest.from_file(ROUTER, default_timeout=120)
    for name, value in ({"model": "digits"} | query).items():
        app.query_params[name] = value
    app.switch_page("interpolate.py")
    return run(app)


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def assert_pad(app: AppTest, count: str) -> None:
    """The page shows a pad of so many pictures, with its handle in the middle, which a link need not say."""
    assert not app.error and not [warning for warning in app.warning if "link" in warning.value]
    for colour, slot in zip(("blue", "orange", "violet", "gray")[: int(count)], "ABCD", strict=False):
        assert texts(app).count(f":{colour}[**{slot}**]") == 2  # above its picture, and in words below
    assert len(sent(app, "pad")["corners"]) == int(count)
    assert not {"at", "t"} & set(app.query_params)


# A model of each kind of latent space, prior and picture; with classes, in two dimensions, and collapsed.
KINDS = (
    *("digits", "digits-conditional-film", "digits-vamp", "digits-vdvae", "sprites", "sprites-collapsed"),
    *("mnist-2d", "mnist-ae-16", "mnist-flow", "mnist-semi-supervised", "fashion", "fashion-vq", "fashion-vq-2"),
    *("characters", "characters-ladder"),
)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_model_has_two_pictures_at_first_and_a_pad_of_four(name: str) -> None:
    app, found = start(model=name), checkpoints.load(checkpoints.find(name))
    assert len(app.warning) == (found.metrics["active_units"] == 0) and not app.error
    assert ":blue[**A**]" in texts(app) and ":orange[**B**]" in texts(app)
    assert texts(app).count("For this model it is") == 2
    pictures = [html for element in app.get("html") for html in re.findall("<img[^>]*>", element.proto.body)]
    spec, originals = found.model.spec, "as the model sees it" in " ".join(pictures)
    drawn = spec.posterior == "gaussian" or (originals and spec.posterior not in ("point", "quantized"))
    assert len(pictures) >= (10 if drawn else 2)  # two rebuilt, and four draws each where z is not certain and known
    assert all(re.search(r'alt="[^"]*picture [AB]', html, re.IGNORECASE) for html in pictures)
    control(app.segmented_control, "pictures").set_value(4)
    run(app)
    assert_pad(app, "4")


def test_an_original_that_comes_later_brings_the_draws_that_need_it(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same choice, of the same model, is kept for all visitors both without its original and with it."""
    counts = []
    for folder in (tmp_path, data_root, tmp_path):
        monkeypatch.setenv("VAE_DATA", str(folder))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        app = start(model="mnist-flow", a="ref:11", b="ref:12")
        counts.append(sum(element.proto.body.count("draw from the posterior") for element in app.get("html")))
    assert counts == [0, 8, 0]


def test_swap_and_undo() -> None:
    app = start(a="ref:3", b="ref:8", t="0.25")
    before = sent(app, "path")
    undo = next(button for button in app.button if button.label == "Undo")
    assert undo.disabled
    next(button for button in app.button if button.label == "Swap A and B").click()
    run(app)
    assert (app.query_params["a"], app.query_params["b"]) == ("ref:8", "ref:3")
    path = sent(app, "path")
    assert (path["a"], path["b"], path["t"]) == (before["b"], before["a"], 0.25)
    next(button for button in app.button if button.label == "Undo").click()
    run(app)
    assert (app.query_params["a"], app.query_params["b"]) == ("ref:3", "ref:8")


@pytest.mark.parametrize(
    "query, says",
    [
        (
            {"steps": "2"},
            "The link sets “Steps” to 2, but it can only be a whole number from 3 to 25; the usual value is used",
        ),
        ({"steps": "inf"}, "The link sets “Steps” to “inf”, but it can only be a whole number from 3 to 25"),
        ({"path": "bent"}, "The link sets “Path” to “bent”, but it can only be “Straight” or “Spherical”; the usual"),
        ({"t": "2"}, "“t, the place between A and B” to 2, but it can only be a number from 0 to 1"),
        ({"t": "nan"}, "“t, the place between A and B” to “nan”"),
        ({"draws": "-1"}, "“Seed of the draws” to -1"),
        ({"a": "ref:9999999"}, "reference picture"),
        ({"pictures": "9"}, "“Pictures” to 9, but it can only be 2, 3 or 4; the usual value is used instead"),
        ({"pictures": "4", "at": "7,7"}, "“at, the place in the pad” to “7,7”, but it can only be two numbers from 0"),
        ({"pictures": "3", "at": "0,0.9"}, "“at, the place in the pad” to “0,0.9”, but it can only be a place in the"),
        ({"pictures": "4", "at": "1.2.3,nan"}, "“at, the place in the pad” to “1.2.3,nan”"),
        ({"pictures": "4", "at": "inf"}, "“at, the place in the pad” to “inf”"),
        ({"pictures": "4", "d": "ref:9999999"}, "reference picture"),
        ({"pictures": "4", "c": "inf"}, "This link names a picture that does not exist"),
    ],
)
def test_values_out_of_range_get_a_sentence(query: dict[str, str], says: str) -> None:
    app = start(**query)
    assert len(app.warning) == 1 and says in app.warning[0].value.replace("\\", "")


@pytest.mark.parametrize("name, path", [("Straight", "linear"), ("Spherical", "spherical")])
def test_downloads_hold_the_way_that_is_shown(name: str, path: str, downloads: dict[str, Callable[[], bytes]]) -> None:
    app = start(a="ref:3", b="prior:8", path=name, steps="5")
    assert not app.warning
    checkpoint = checkpoints.load(checkpoints.find("digits"))
    a, b = checkpoint.reference.mean[3], explore.sample(checkpoint.model, 1, seed=8)[0]
    with np.load(io.BytesIO(downloads["Latents (npz)"]()), allow_pickle=False) as saved:
        np.testing.assert_allclose(saved["t"], [0, 0.25, 0.5, 0.75, 1])
        np.testing.assert_allclose(saved["z"], explore.interpolate(a, b, 5, path), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(saved["a"], a)
        np.testing.assert_allclose(saved["z"][-1], saved["b"], rtol=1e-5, atol=1e-6)
    strip = Image.open(io.BytesIO(downloads["Strip (PNG)"]()))
    assert strip.width > 2 * strip.height > 0  # five columns, two rows
    animation = Image.open(io.BytesIO(downloads["Animation (GIF)"]()))
    frames = []
    for place in range(animation.n_frames):
        animation.seek(place)
        frames.append(np.asarray(animation.convert("L")))
    assert len(frames) > 50
    np.testing.assert_array_equal(frames[1], frames[-1])  # there and back
    assert min(frames[0].shape) >= 128


def test_the_path_goes_from_a_to_b_and_opens_at_its_place() -> None:
    path = sent(start(a="ref:3", b="prior:8", path="Spherical", t="0.25", fade="false"), "path")
    checkpoint = checkpoints.load(checkpoints.find("digits"))
    assert path["a"] == pytest.approx(checkpoint.reference.mean[3].tolist())
    assert path["b"] == pytest.approx(explore.sample(checkpoint.model, 1, seed=8)[0].tolist())
    assert (path["path"], path["t"], path["fade"], path["classes"]) == ("spherical", 0.25, False, None)


def test_class_weights_of_both_ends_go_with_the_path() -> None:
    path = sent(start(model="mnist-conditional"), "path")
    assert [sum(weights) for weights in path["classes"]] == pytest.approx([1, 1])
    assert path["model"]["classes"] == len(path["classes"][0]) == 10


def test_a_model_with_another_prior_has_a_straight_path_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from vae_core.model import VAE

    real = VAE.spec.fget
    monkeypatch.setattr(VAE, "spec", property(lambda model: replace(real(model), prior="fitted")))
    app = start()
    assert "spherical" in texts(app)
    assert not [control for control in app.segmented_control if control.label == "Path"]


def test_drawn_pictures_are_not_judged() -> None:
    app = start(a="prior:1", b="prior:2")
    assert texts(app).count("no original") == 2


def test_draws_follow_their_seed() -> None:
    one, same, other = (
        [element.proto.body for element in start(draws=seed, a="ref:3", b="ref:8").get("html")]
        for seed in ("0", "0", "1")
    )
    assert one == same != other


@pytest.mark.parametrize(("name", "drawn"), [("digits", True), ("mnist-ladder", False), ("mnist-flow", False)])
def test_the_seed_of_the_draws_is_there_where_draws_are(bare_machine: None, name: str, drawn: bool) -> None:
    app = start(model=name)
    assert ["draws:0" in [number.key for number in app.number_input]] == [drawn]
    assert ("4 draws" in "\n".join(html.proto.body for html in app.get("html"))) == drawn
    assert "t" not in app.query_params  # in the middle, as at every first visit


def test_a_link_that_gives_b_s_usual_picture_to_a_has_another_b() -> None:
    usual = explore.unlike_pair(checkpoints.load(checkpoints.find("digits")).reference)
    assert f"**B**] reference picture {usual[1]} " in texts(start())
    found = texts(start(a=f"ref:{usual[1]}"))
    assert f"**A**] reference picture {usual[1]} " in found and f"**B**] reference picture {usual[0]} " in found


@pytest.mark.parametrize("count", ["3", "4"])
def test_a_link_opens_a_pad(count: str) -> None:
    assert_pad(start(pictures=count), count)


def test_the_path_is_as_it_was_after_a_look_at_the_pad() -> None:
    link = {"path": "spherical", "steps": "5", "t": "0.3", "draws": "7", "fade": "false"}
    app = start(**link)
    for count in "42":
        control(app.segmented_control, "pictures").set_value(int(count))
        run(app)
        assert {key: "".join(app.query_params[key]) for key in link} == link
    assert control(app.segmented_control, "path").value == "spherical" and control(app.number_input, "steps").value == 5
    assert control(app.number_input, "draws").value == 7 and not control(app.toggle, "fade").value
    assert app.query_params["t"] == "0.3"


def test_a_link_opens_the_pad_at_its_place_and_with_its_pictures() -> None:
    app = start(pictures="4", at="0.25,1", c="ref:3", d="prior:5")
    pad, found = sent(app, "pad"), checkpoints.load(checkpoints.find("digits"))
    assert (pad["at"], pad["names"]) == ([0.25, 1.0], ["A", "B", "C", "D"])
    assert pad["corners"][2] == pytest.approx(found.reference.mean[3].tolist())
    assert pad["corners"][3] == pytest.approx(explore.sample(found.model, 1, seed=5)[0].tolist())
    assert app.query_params["at"] == "0.25,1"
    assert (app.query_params["c"], app.query_params["d"]) == ("ref:3", "prior:5")
    control(app.segmented_control, "pictures").set_value(3)
    run(app)
    assert "at" not in app.query_params  # beside the triangle: now in its middle
    control(app.segmented_control, "pictures").set_value(2)
    run(app)
    assert (app.query_params["c"], app.query_params["d"]) == ("ref:3", "prior:5")  # for whoever opens the pad again


@pytest.mark.parametrize("name", ["digits", "mnist-conditional"])
def test_downloads_of_the_pad(name: str, downloads: dict[str, Callable[[], bytes]]) -> None:
    start(model=name, pictures="3", a="ref:3", b="ref:8", c="ref:5", at="0.5,1")
    found = checkpoints.load(checkpoints.find(name))
    with np.load(io.BytesIO(downloads["Latents (npz)"]()), allow_pickle=False) as saved:
        np.testing.assert_allclose(saved["corners"], found.reference.mean[[3, 8, 5]])
        np.testing.assert_allclose(saved["z"][0], found.reference.mean[5], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(saved["weights"] @ saved["corners"], saved["z"], rtol=1e-5, atol=1e-5)
        assert len(saved["at"]) == len(saved["z"]) == len(saved["weights"])
        assert ("y" in saved) == (name == "mnist-conditional")
    _, height, width = found.model.image_shape
    picture = Image.open(io.BytesIO(downloads["Picture (PNG)"]())).convert("L").resize((width, height), 0)
    rebuilt = explore.rebuild(found.model, found.reference, [5])[0, 0].mul(255).round()
    assert np.abs(np.asarray(picture, dtype=float) - rebuilt.numpy()).max() <= 1
    grid = Image.open(io.BytesIO(downloads["Grid (PNG)"]()))
    assert grid.width == grid.height > 500


def test_classes_are_blended_in_the_pad_by_the_same_weights() -> None:
    pad = sent(start(model="mnist-conditional", pictures="3", a="ref:3", b="ref:8", c="ref:5"), "pad")
    found = checkpoints.load(checkpoints.find("mnist-conditional"))
    weights = explore.pad_weights(torch.tensor([[0.5, 0.5]]), 3)
    y = torch.nn.functional.one_hot(explore.classes_of(found.model, found.reference, [3, 8, 5]), 10).float()
    assert pad["classes"] == y.tolist()
    z = explore.blend(torch.tensor(pad["corners"]), weights)
    wanted = explore.decode(found.model, explore.blend(found.reference.mean[[3, 8, 5]], weights), weights @ y)
    assert np.abs(decoded(pad["model"], z, weights @ y) - 255 * wanted.numpy()).max() <= 1


def test_the_handle_goes_where_the_view_tells_it_if_that_is_a_place() -> None:
    from pages.widgets.editors import pad

    st.session_state.clear()
    pad.place(3).tell([0.5, 1])
    assert st.session_state.at == (0.5, 1)
    for nonsense in (None, 3, [1], ["a", "b"], [0, 1], [float("nan"), 0], [9, 9]):
        pad.place(3).tell(nonsense)
    assert st.session_state.at == (0.5, 1)


# --- through a fitted flow -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flowing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `digits`, to which a flow is fitted."""
    folder = tmp_path_factory.mktemp("flowing")
    found = checkpoints.load(checkpoints.find("digits"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "FLOW_STEPS", (30, 30))  # how good it is does not matter
        made = fitting.with_prior(found, fitting.fit_to_references(found, kind="flow"))
    checkpoints.save(made, folder / "digits.safetensors")
    return folder


def test_a_path_through_the_flow_is_the_great_circle_of_its_base(flowing, monkeypatch, downloads) -> None:
    monkeypatch.setattr(checkpoints, "SHIPPED", flowing)
    app = start(a="ref:3", b="ref:8", path="Flow", steps="5")
    assert control(app.segmented_control, "path").options == ["Straight", "Spherical", "Flow"]
    shown, saved = sent(app, "path"), np.load(io.BytesIO(downloads["Latents (npz)"]()))
    model = checkpoints.load(flowing / "digits.safetensors").model
    a, b = (torch.from_numpy(saved[name]) for name in "ab")
    base = explore.to_base(model, torch.stack([a, b]))
    wanted = explore.from_base(model, explore.interpolate(*base, 5, "spherical"))
    assert (shown["path"], shown["model"]["key"].endswith(" flow")) == ("spherical", True)
    assert torch.allclose(torch.tensor([shown["a"], shown["b"]]), base, atol=1e-4)
    np.testing.assert_allclose(saved["z"], wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(saved["z"][[0, -1]], np.stack([a, b]), atol=0.1)
    assert not np.allclose(saved["z"], explore.interpolate(a, b, 5, "spherical"), atol=0.05)


def test_the_path_through_a_flow_gives_way_on_a_model_without_one() -> None:
    app = start(path="Flow")
    assert "it can only be “Straight” or “Spherical”" in app.warning[0].value
    assert control(app.segmented_control, "path").value == "straight"
