"""Draw: a hand draws, and the model answers with every movement: where the drawing lies, and what it rebuilds."""

import base64
from typing import Any

import streamlit as st

from pages.widgets.display import stage
from pages.widgets.display.plots import class_style
from pages.widgets.live import decoders, views
from pages.widgets.live.payloads import Axis, Centring, Group, Model
from pages.widgets.selection import classes, given, send, slots
from pages.widgets.selection.choice import DRAWING
from pages.widgets.shell import models, words
from pages.widgets.shell.models import Opened, plain
from vae_core import explore, images

MAX_POINTS = 2000  # reference pictures in the plane of a model with two dimensions
MAX_TEXT = 400_000  # characters of a drawing's PNG, as the view tells it


@st.cache_data(max_entries=32, show_spinner=False)
def axes_of(key: str, _opened: Opened) -> list[Axis]:
    """Tell what the bars stand for, as the live view takes it."""
    reference = _opened.checkpoint.reference
    axes = list[Axis]()
    for axis in explore.axes(_opened.checkpoint.model, reference):
        low, high = explore.usual_range(axis, reference)
        axes.append(
            {
                "name": axis.name,
                "index": axis.index,
                "direction": axis.direction.tolist() if axis.index is None else None,
                "offset": float(axis.centre @ axis.direction),
                "low": low,
                "high": high,
                "active": axis.active,
            }
        )
    return axes


@st.cache_data(max_entries=32, show_spinner=False)
def plane_of(key: str, _opened: Opened) -> list[Group] | None:
    """Return the reference encodings of a model with two dimensions, a group a class; None for other models."""
    reference = _opened.checkpoint.reference
    if _opened.checkpoint.model.spec.size != 2:
        return None
    if reference is None:
        return []
    mean, names = reference.mean[:MAX_POINTS], _opened.checkpoint.data.class_names
    if reference.labels is None or not names:
        return [{"name": "", "colour": class_style(0)[0], "points": mean.flatten().tolist()}]
    labels = reference.labels[:MAX_POINTS]
    return [
        {"name": name, "colour": class_style(i)[0], "points": mean[labels == i].flatten().tolist()}
        for i, name in enumerate(names)
    ]


def sees(opened: Opened) -> str:
    """Tell what becomes of a drawing, for the caption."""
    model = opened.checkpoint.model
    if model.likelihood.binary:
        return "bits, x ≥ 0.5"
    _, height, width = model.image_shape
    return f"{height} × {width}"


def fits(opened: Opened) -> str | None:
    """Why a drawing could not be placed, or None."""
    if axes_of(opened.key, opened):
        return None
    size = words.size_of(opened.checkpoint.model.spec)
    return (
        f"This model has {size}, too many to show one by one, and its file holds no reference encodings from which "
        "main directions could be found. Choose another model."
    )


def view(opened: Opened, graph: Model) -> None:
    """Draw the live view."""
    model, prepared = opened.checkpoint.model, given.usual_preparation(opened)
    dark = bool(given.dark_ground(opened.key, opened))
    centring: Centring = {"box": prepared.box, "mass": prepared.by_mass, "brighten": prepared.brighten}
    views.show(
        "draw",
        "draw",
        {
            "model": graph,
            "dark": dark,
            "bits": model.likelihood.binary,
            "sees": sees(opened),
            "centring": centring if dark and model.image_shape[0] == 1 else None,
            "centre": bool(prepared.centre),
            "axes": axes_of(opened.key, opened),
            "plane": plane_of(opened.key, opened),
            "classes": classes.names(opened),
        },
        sent=lambda said: take(opened, said),
    )


def take(opened: Opened, said: Any) -> None:
    """Keep a drawing as an upload, exactly as the model sees it, and put it where it shall go (in a callback)."""
    slot, text = (said.get("to"), said.get("png")) if isinstance(said, dict) else (None, None)
    if slot not in send.EVERYWHERE or not isinstance(text, str) or len(text) > MAX_TEXT:
        return
    try:
        picture = images.flatten(images.open_image(base64.b64decode(text.partition(",")[2], validate=True)))
        grey = opened.checkpoint.model.image_shape[0] == 1
        upload = given.keep_as_it_is(DRAWING, images.png(picture.convert("L" if grey else "RGB")))
    except ValueError as error:  # no picture, or no text of one
        st.session_state["draw_wrong"] = str(error)
        return
    slots.choose(slot, upload)
    st.session_state["draw_sent"] = slot


def arrived() -> None:
    """Say where the drawing has gone, or go there."""
    if wrong := st.session_state.pop("draw_wrong", None):
        st.error(f"The drawing could not be kept: {plain(wrong)}")
    if slot := st.session_state.pop("draw_sent", None):
        send.tell(slot, "The drawing")


def page() -> None:
    opened = models.picker(fits)
    slots.keep_in_url("a", "b", "start")
    words = "Draw something the model knows, or something it has never seen: it answers with every stroke."
    stage.head("Draw").write(words)
    models.warn_collapsed(opened)
    arrived()
    with stage.screen():
        view(opened, decoders.graph(opened, encodes=True))


page()
