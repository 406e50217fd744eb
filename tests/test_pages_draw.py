"""The page Draw, without a browser: what the live view is given, and what becomes of what it tells."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from pages.widgets.live import views
from vae_core import checkpoints, explore, images

MODELS = {"digits", "mnist", "mnist-2d", "sprites", "characters", "fashion-vq-2", "digits-conditional-film"}
ROUTER = str(Path(__file__).parents[1] / "pages" / "router.py")


def start(**query: str) -> AppTest:
    app = AppTest.from_file(ROUTER, default_timeout=120)
    for name, value in ({"model": "digits"} | query).items():
        app.query_params[name] = value
    app.switch_page("draw.py").run()
    assert not app.exception
    return app


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the live view is given; `tell` in it is what the view tells when the button "Tell" is pressed."""
    given: dict[str, Any] = {}

    def show(view: str, key: str, data: dict[str, Any], **on: Callable[[Any], None]) -> None:
        if view == "draw":
            given.update(data, view=view)
            st.button("Tell", on_click=lambda: on["sent"](given["tell"]))

    monkeypatch.setattr(views, "show", show)
    return given


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def png(x: torch.Tensor) -> str:
    return "data:image/png;base64," + base64.b64encode(images.png(images.grid(x, 1, gutter=0).convert("RGBA"))).decode()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_is_drawn_for_where_the_server_alone_decodes_and_encodes(name: str, shown: dict[str, Any]) -> None:
    app = start(model=name)
    assert not app.warning and not app.error and not app.info
    graph = shown["model"]
    assert (graph["decoder"], graph["encoder"]) == ("", "") and graph["pictures"] and graph["numbers"]


def test_axes_are_in_traverse_s_order_with_the_reference_set_s_spread(shown: dict[str, Any]) -> None:
    start(model="mnist")
    checkpoint = checkpoints.load(checkpoints.find("mnist"))
    axes = explore.axes(checkpoint.model, checkpoint.reference)
    assert [axis["name"] for axis in shown["axes"]] == [axis.name for axis in axes]
    for told in shown["axes"]:
        column = checkpoint.reference.mean[:, told["index"]]
        inside = ((column >= told["low"]) & (column <= told["high"])).float().mean().item()
        assert inside == pytest.approx(0.95, abs=0.005) and told["direction"] is None
    assert (shown["bits"], shown["dark"], shown["centre"], shown["plane"]) == (True, True, True, None)
    assert shown["sees"] == "bits, x ≥ 0.5"
    assert shown["centring"] == {"box": 20 / 28, "mass": True, "brighten": True}


def test_two_dimensions_are_a_plane_with_the_reference_points(shown: dict[str, Any]) -> None:
    start(model="mnist-2d")
    reference = checkpoints.load(checkpoints.find("mnist-2d")).reference
    assert [group["name"] for group in shown["plane"]] == [str(i) for i in range(10)]
    assert sum(len(group["points"]) for group in shown["plane"]) == 2 * len(reference)
    assert shown["plane"][3]["points"][:2] == reference.mean[reference.labels == 3][0].tolist()


@pytest.mark.parametrize(("name", "dark"), [("sprites", True), ("characters", False)])
def test_colour_pictures_have_their_ground_and_are_not_centred(name: str, dark: bool, shown: dict[str, Any]) -> None:
    start(model=name)
    assert (shown["dark"], shown["centring"], shown["bits"]) == (dark, None, False)


def test_many_dimensions_are_shown_by_directions(shown: dict[str, Any]) -> None:
    start(model="fashion-vq-2")
    assert len(shown["axes"]) == explore.PRINCIPAL and len(shown["axes"][0]["direction"]) == 268


def test_a_conditional_model_names_its_classes(shown: dict[str, Any]) -> None:
    start(model="digits-conditional-film")
    assert shown["classes"] == [str(i) for i in range(10)]


@pytest.mark.parametrize("slot", ["a", "b"])
def test_a_drawing_is_an_upload_that_is_exactly_what_the_model_saw(slot: str, shown: dict[str, Any]) -> None:
    app = start()
    x = (torch.rand(1, 1, 8, 8) * 255).round() / 255
    shown["tell"] = {"to": slot, "png": png(x), "at": 1}
    press(app, "Tell")
    assert [toast.value for toast in app.toast] == [f"The drawing is {slot.upper()} now; Interpolate shows it."]
    value = app.session_state[f"picture_{slot}"]
    assert value.startswith("drawing:") and value.endswith(":fit=stretch:invert=no:centre=no")
    kept = images.open_image(app.session_state["uploads"]["picture", value.split(":")[1]].value)
    assert kept.mode == "L" and not images.notes(kept)
    prepared = images.prepare(kept, (1, 8, 8), images.Preparation("stretch", invert=False, centre=False), True)
    torch.testing.assert_close(prepared.x, x, rtol=0, atol=1e-6)


def test_traverse_begins_at_the_drawing(shown: dict[str, Any]) -> None:
    app = start()
    shown["tell"] = {"to": "start", "png": png(torch.ones(1, 1, 8, 8)), "at": 1}
    press(app, "Tell")
    assert [title.value for title in app.title] == ["Traverse"]
    assert app.session_state["picture_start"].startswith("drawing:") and not app.warning


@pytest.mark.parametrize(
    "told",
    [
        None,
        7,
        {},
        {"to": "model", "png": "x"},
        {"to": ["a"], "png": "x"},
        {"to": "a", "png": 5},
        {"to": "a", "png": "A" * 500_000},
    ],
)
def test_what_is_no_drawing_changes_nothing(told: Any, shown: dict[str, Any]) -> None:
    app = start()
    shown["tell"] = told
    press(app, "Tell")
    assert not app.error and not app.toast and "picture_a" not in app.session_state


@pytest.mark.parametrize("text", ["data:image/png;base64,!", "data:image/png;base64,AAAA", "no comma"])
def test_a_damaged_drawing_gets_one_sentence(text: str, shown: dict[str, Any]) -> None:
    app = start()
    shown["tell"] = {"to": "a", "png": text}
    press(app, "Tell")
    assert len(app.error) == 1 and app.error[0].value.startswith("The drawing could not be kept:")
    assert "picture_a" not in app.session_state
