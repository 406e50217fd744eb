"""Choosing pictures: what a choice stands for, what a person changes, what a link and a visit remember."""

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits
from streamlit.testing.v1 import AppTest

from pages.widgets.selection import cutout, given, resolve, shelf
from pages.widgets.selection.choice import CUT
from pages.widgets.selection.resolve import Chosen
from pages.widgets.shell import models, uploads
from tests import handwriting
from tests.handwriting import Scene
from vae_core import data, explore, images
from vae_core.config import Range
from vae_core.model import VAE

ROUTER = str(Path(__file__).parents[1] / "pages" / "router.py")


def script() -> None:
    import streamlit as st

    from pages.widgets.selection import slots
    from pages.widgets.selection.choice import Choice
    from pages.widgets.selection.picker import picture_input
    from pages.widgets.shell import models, uploads

    opened = models.picker()
    slots.keep_in_url("a", "b")
    st.session_state.opened = opened
    st.session_state.found = {slot: picture_input(slot, opened, with_mean=True) for slot in ("a", "b")}
    st.button("Swap", on_click=slots.choose_all, args=({"a": Choice.row("ref", 1), "b": Choice.row("ref", 2)},))
    st.button("Undo", on_click=slots.undo, args=("a", "b"))
    uploads.trim()


@pytest.fixture
def start() -> Callable[..., AppTest]:
    def new(**query: str) -> AppTest:
        app = AppTest.from_function(script, default_timeout=60)
        for name, value in ({"model": "digits"} | query).items():
            app.query_params[name] = value
        return run(app)

    return new


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def digit(ground: str = "white", ink: str = "black", mode: str = "RGB") -> bytes:
    image = Image.new(mode, (200, 260), ground)
    ImageDraw.Draw(image).line([(60, 60), (140, 60), (80, 200)], fill=ink, width=20)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def give(app: AppTest, content: bytes, slot: str = "a") -> AppTest:
    """Open the popover, choose "Upload", and give a file."""
    app.session_state[f"choose_{slot}"] = True
    run(app)
    app.segmented_control(key=f"source_{slot}").set_value("upload").run()
    app.file_uploader[0].set_value(("x.png", content, "image/png"))
    return run(app)


def control(app: AppTest, setting: str, slot: str = "a") -> Any:
    """A control of how a slot's upload is prepared; its key says how often others have changed what it shows."""
    return next(each for each in app.segmented_control if str(each.key).startswith(f"{setting}_{slot}:"))


def found(app: AppTest, slot: str = "a") -> Chosen:
    return app.session_state["found"][slot]


def test_an_upload_is_read_in_the_range_that_the_model_was_trained_in(start: Callable[..., AppTest]) -> None:
    values = np.full((16, 16), 1000, np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "TIFF")
    app = give(start(), buffer.getvalue())
    opened = app.session_state["opened"]
    checkpoint = opened.checkpoint
    known = replace(checkpoint.recipe.data, range=Range(0, 4000, "numbers"))
    twelve = replace(
        opened, checkpoint=replace(checkpoint, recipe=replace(checkpoint.recipe, data=known)), key="twelve"
    )
    upload = given.keep(opened, buffer.getvalue(), "x.tif").with_settings(given.AS_IT_IS)
    chosen = resolve.resolve(twelve, upload)
    assert chosen.x.unique().tolist() == pytest.approx([64 / 255])
    assert "black is 0 and white 4000, as the model has it" in chosen.notes
    assert any(note.endswith("found from the picture") for note in found(app).notes)


@pytest.mark.parametrize("model", ["digits", "mnist", "mnist-conditional"])
def test_an_upload_is_decoded_and_observed_once(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the whole page, from the file to the words on how typical it is."""
    app = AppTest.from_file(ROUTER, default_timeout=120)
    app.query_params["model"] = model
    app.switch_page("interpolate.py")
    run(app)
    counts: Counter[str] = Counter()
    for owner, name in ((images, "open_image"), (VAE, "observe")):
        real = getattr(owner, name)

        def counted(*args: Any, real: Any = real, name: str = name, **kwargs: Any) -> Any:
            counts[name] += 1
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)
    give(app, digit("#fafafa"))
    assert "upload:" in str(app.query_params["a"])
    assert any("reference pictures" in element.value for element in app.markdown)
    assert counts == {"open_image": 1, "observe": 1}
    assert "picture_decoded" not in app.session_state


def test_first_visit_shows_two_reference_pictures_of_different_classes(start: Callable[..., AppTest]) -> None:
    app = start()
    labels = app.session_state["opened"].checkpoint.reference.labels
    a, b = (found(app, slot).choice.own_row("ref") for slot in "ab")
    assert labels[a] != labels[b]
    assert "a" not in app.query_params


def test_a_reference_picture_is_what_the_encodings_were_made_of(start: Callable[..., AppTest]) -> None:
    app = start(a="ref:17")
    chosen, checkpoint = found(app), app.session_state["opened"].checkpoint
    assert chosen.original
    assert chosen.choice.text == "ref:17"
    mean = explore.encode(checkpoint.model, chosen.x)[0][0]
    torch.testing.assert_close(mean, checkpoint.reference.mean[17], rtol=2**-10, atol=1e-6)  # rounded in the file


@pytest.mark.parametrize(
    "value, says",
    [
        ("ref:999999", "0 to "),
        ("ref:-1", "does not exist"),
        ("prior:x", "does not exist"),
        ("upload:0123456789ab", "one visit"),
        ("upload:", "one visit"),
        ("drawing:0123456789ab:fit=stretch:invert=no:centre=no", "A drawing is kept for one visit only"),
        ("mapped:0123456789ab:fit=stretch", "send it from there again"),
        ("<b>", "does not exist"),
    ],
)
def test_a_link_to_nothing_says_so_and_shows_the_default(start: Callable[..., AppTest], value: str, says: str) -> None:
    app = start(a=value)
    assert [says in warning.value for warning in app.warning] == [True]
    assert found(app).choice.kind == "ref"
    assert app.button(key="another_a")  # of what is shown, which nobody can prepare


def test_prior_draws_and_mean_come_from_their_text(start: Callable[..., AppTest]) -> None:
    app = start(a="prior:7", b="mean")
    model = app.session_state["opened"].checkpoint.model
    assert torch.equal(found(app).mean, explore.sample(model, 1, seed=7)[0])
    assert not found(app).original
    assert not found(app, "b").mean.any()


def test_an_upload_is_prepared_and_changed_by_hand(start: Callable[..., AppTest]) -> None:
    app = give(start(), digit())
    first = found(app)
    assert first.choice.is_upload and first.choice.text in app.query_params["a"]  # which Back comes back to
    assert first.x.shape == (1, *app.session_state["opened"].checkpoint.model.image_shape)
    assert first.x[..., 0].max() < 0.3  # dark ground, so it was inverted
    assert any("inverted" in note for note in first.notes)
    assert first.given is not None and max(first.given.size) <= resolve.THUMBNAIL
    control(app, "invert").set_value("no").run()
    run(app)
    assert found(app).choice.text == first.choice.text + ":invert=no"
    assert found(app).x.mean() > first.x.mean() + 0.3
    app.button[-1].click()  # Undo
    assert found(run(app)).choice == first.choice


BINARY = ["mnist", "mnist-2d", "mnist-beta4"]


@pytest.mark.parametrize("name", BINARY)
def test_a_model_of_bits_is_shown_bits(start: Callable[..., AppTest], name: str) -> None:
    app = give(start(model=name), digit("#dddddd", "#444444"))
    assert set(found(app).x.unique().tolist()) == {0.0, 1.0}
    assert "each pixel drawn black or white" in found(app).notes
    assert torch.equal(
        found(app).mean, explore.encode(app.session_state["opened"].checkpoint.model, found(app).x)[0][0]
    )


def test_settings_belong_to_the_slot(start: Callable[..., AppTest]) -> None:
    app = give(give(start(), digit()), digit(), "b")
    control(app, "fit").set_value("stretch").run()
    run(app)
    assert found(app).choice.text.endswith(":fit=stretch")
    assert found(app, "b").choice.text == found(app).choice.text.removesuffix(":fit=stretch")


def test_a_control_of_a_setting_is_a_new_one_after_a_change_not_its_own(
    start: Callable[..., AppTest],
) -> None:
    app = give(start(), digit())
    before, old, usual = found(app).choice.text, control(app, "fit"), control(app, "fit").value
    old.set_value("stretch").run()
    assert run(app).session_state["picture_a"] == f"{before}:fit=stretch" and control(app, "fit").key == old.key
    app.session_state["picture_a"] = before  # an undo, say
    run(app)
    assert control(app, "fit").value == usual and control(app, "fit").key != old.key
    app.session_state[old.key] = "stretch"  # what a press takes along of the old one
    assert found(run(app)).choice.text == before


@pytest.mark.parametrize("content", [b"", b"no picture", digit()[:200]])
def test_a_bad_upload_leaves_the_earlier_picture(start: Callable[..., AppTest], content: bytes) -> None:
    app = give(start(a="ref:5"), content)
    assert found(app).choice.text == "ref:5"
    assert len(app.error) == 1 and app.error[0].value.endswith("The earlier picture stays.")
    give(app, digit())
    assert found(app).choice.is_upload and not app.error


def test_an_upload_that_made_room_is_asked_for_again(
    start: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_FILES", 1)
    app = run(give(give(start(), digit()), digit("black", "white"), "b"))
    assert list(app.session_state["uploads"]) == [("picture", found(app, "b").choice.detail)]
    assert any("one visit" in warning.value for warning in app.warning)


def test_choices_are_written_to_the_link_and_taken_back_together(start: Callable[..., AppTest]) -> None:
    app = start(a="ref:3")
    app.button[-2].click()  # Swap
    run(app)
    assert app.query_params["a"] == "ref:1" and app.query_params["b"] == "ref:2"
    app.button[-1].click()
    run(app)
    assert app.query_params["a"] == "ref:3" and "b" not in app.query_params


def test_another_one_keeps_to_the_class(start: Callable[..., AppTest]) -> None:
    app = start(a="ref:3")
    app.session_state["choose_a"] = True
    run(app)
    app.selectbox(key="class_a").set_value(7).run()
    labels = app.session_state["opened"].checkpoint.reference.labels
    for _ in range(4):
        before = found(app).choice
        app.button(key="another_a").click()
        run(app)
        assert found(app).choice != before
        assert labels[found(app).choice.own_row("ref")] == 7


def test_another_draw_is_the_next_seed(start: Callable[..., AppTest]) -> None:
    app = start(a="prior:5.3")
    app.button(key="another_a").click()
    run(app)
    assert app.query_params["a"] == "prior:6"


def test_the_data_set_where_it_is_here(start: Callable[..., AppTest]) -> None:
    app = start(a="data:5")
    checkpoint = app.session_state["opened"].checkpoint
    test = data.load(checkpoint.recipe.data).test
    assert found(app).label.startswith("test picture 5")
    torch.testing.assert_close(found(app).x, test.float([5]))
    app.button(key="another_a").click()
    assert found(run(app)).choice.kind == "data" and found(app).choice.text != "data:5"
    app.session_state["choose_a"] = True
    run(app)
    app.number_input(key="row_a").set_value(7).run()
    assert found(run(app)).choice.text == "data:7"


def test_the_data_set_where_it_is_not_here(start: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "originals_here", lambda opened: False)
    app = start(a="data:5", b="ref:6")
    assert ["that is not here" in warning.value for warning in app.warning] == [True]
    assert not found(app, "b").original
    assert not found(app, "b").notes
    app.session_state["choose_b"] = True
    run(app)
    assert any(caption.value == "These are the model's reconstructions." for caption in app.caption)
    assert "data" not in app.segmented_control(key="source_b").options


def test_a_data_set_of_ones_own_is_not_said_to_be_missing(
    start: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can bring the pictures of a folder or of a stranger here, so no word may promise it."""
    monkeypatch.setattr(models, "from_named_set", lambda opened: False)
    st.cache_resource.clear()
    app = start(a="data:5", b="ref:6")
    app.session_state["choose_b"] = True
    run(app)
    told = [*(element.value for element in (*app.warning, *app.caption)), *found(app, "b").notes]
    assert not any("machine" in text or "Home" in text for text in told)
    assert models.why_no_originals(app.session_state["opened"]).startswith("the model's file holds encodings")


def test_number_and_seed_choose(start: Callable[..., AppTest]) -> None:
    app = start()
    app.session_state["choose_a"] = True
    run(app)
    app.number_input(key="row_a").set_value(11).run()
    assert found(run(app)).choice.text == "ref:11"
    app.segmented_control(key="source_a").set_value("prior").run()
    app.number_input(key="seed_a").set_value(4).run()
    assert found(run(app)).choice.text == "prior:4"
    app.button(key="draw_a").click()
    assert found(run(app)).choice.text == "prior:5"


def test_sheets_show_every_picture_before_one_comes_again() -> None:
    rows = list(range(3, 103))
    pages = [shelf.sheet_rows(rows, page) for page in range(3)]
    assert sorted(row for page in pages for row in page) == rows
    assert len(pages[0]) == shelf.SHEET and shelf.sheet_rows(rows, 3) != pages[0]


@pytest.mark.parametrize(
    ("values", "means"),
    [
        ({"crop": [0.1, 0.2, 0.5, 0.75]}, {"crop": (0.1, 0.2, 0.5, 0.75)}),
        ({"crop": [-1, 0.2, 2, 0.75]}, {"crop": (0, 0.2, 1, 0.75)}),
        ({"crop": [0.5, 0.2, 0.1, 0.75]}, {}),
        ({"crop": [0.1, 0.2, 0.5]}, {}),
        ({"crop": [0.1, 0.2, float("nan"), 0.75]}, {}),
        ({"turn": -3.25}, {"turn": -3.25}),
        ({"turn": 400, "threshold": 2}, {"turn": 45, "threshold": 0.98}),
        ({"turn": "4"}, {}),
        ({"threshold": True}, {}),
        ({"reset": None}, {"reset": True}),
        ({"fit": 1}, {}),
        ([], {}),
        (None, {}),
    ],
)
def test_of_what_a_browser_says_only_corrections_are_heard(values: object, means: dict[str, str]) -> None:
    assert cutout.corrections(values) == means


def test_a_photograph_keeps_its_corrections_until_they_are_reset(start: Callable[..., AppTest]) -> None:
    line = handwriting.skeleton(load_digits().images[2] / 16)
    app = give(start(), handwriting.photograph(Scene(line, size=(500, 400))))
    first = found(app)
    assert first.cutout is not None and first.cutout.turn == 0
    assert first.given is not None and max(first.given.size) > resolve.THUMBNAIL
    corrected = first.choice.with_settings({"turn": 12.0, "crop": (0.2, 0.2, 0.8, 0.8)})
    app.session_state["picture_a"] = corrected.text
    turned = found(run(app))
    assert turned.cutout is not None
    assert (turned.cutout.turn, turned.cutout.crop) == (12, (0.2, 0.2, 0.8, 0.8))
    assert not torch.equal(turned.x, first.x)
    assert corrected.without(*CUT) == first.choice
    app.session_state["picture_a"] = first.choice.with_settings({"crop": (0.5, 0.5, 0.4, 0.8)}).text
    run(app)
    assert ["in this order" in warning.value for warning in app.warning] == [True]
