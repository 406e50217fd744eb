"""Compare: two or more models of the same pictures side by side, under one and the same movement."""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.display import stage
from pages.widgets.display.canvas import canvas, data_url
from pages.widgets.live import decoders, views
from pages.widgets.selection import slots
from pages.widgets.selection.picker import picture_input
from pages.widgets.selection.resolve import Chosen, elsewhere, say_originals
from pages.widgets.shell import control, links, models, words
from pages.widgets.shell.models import Entry, Opened, plain
from pages.widgets.shell.url_state import ManyOf, Number, OneOf
from vae_core import explore
from vae_core.checkpoints import CheckpointError
from vae_core.explore import Axis

FEWEST, MOST = 2, 4
STEP = 0.05  # of the server's sliders
BESIDE = {  # what teaches most beside the open model; others get one of their family
    "digits": "digits-linear",
    "mnist": "mnist-beta4",
    "mnist-2d": "mnist-ae-2",
    "mnist-ae-2": "mnist-vae-2",
    "mnist-vae-2": "mnist-ae-2",
    "mnist-ae-16": "mnist-vae-16",
    "mnist-vae-16": "mnist-ae-16",
    "mnist-one-layer": "mnist-ladder",
    "sprites": "sprites-beta-4",
    "sprites-beta-1": "sprites-beta-4",
    "sprites-beta-4": "sprites-beta-1",
    "sprites-annealed": "sprites-collapsed",
    "sprites-conditional-tc": "sprites-beta-tc",
}
MOVEMENTS = {"path": "From A to B", "same": "The same z"}
MOVEMENTS_BEFORE = {label: word for word, label in MOVEMENTS.items()}
SAME = MOVEMENTS["same"]
PLACE = Number("t", "t, the place between A and B", 0.5, 0.0, 1.0)
WARNING = (
    "Axes of two models do not correspond: z3 of one has nothing to do with z3 of the other. "
    "What one sees is that the same numbers mean something else in each model."
)
SLIDER = re.compile(r"z\d+")  # what sliders are called in a link


@dataclass(frozen=True, eq=False)
class Side:
    """One of the models, with A and B as it encodes them."""

    opened: Opened
    a: Chosen
    b: Chosen

    def at(self, t: float) -> Tensor:
        """The picture (1, C, H, W) at a place of its own path from A to B, 0 to 1."""
        y = None if self.a.y is None or self.b.y is None else torch.lerp(self.a.y, self.b.y, t)[None]
        return explore.decode(self.opened.checkpoint.model, torch.lerp(self.a.mean, self.b.mean, t)[None], y)

    def at_point(self, z: Tensor) -> Tensor:
        """The picture (1, C, H, W) at a point (D,), of A's class where there are classes."""
        return explore.decode(self.opened.checkpoint.model, z[None], self.a.classes(1))


# --- which models --------------------------------------------------------------------------------------------


def refusal(opened: Opened, home: Opened) -> str | None:
    """Why a model cannot stand beside the open one, or None."""
    ours, theirs = (_kind(each) for each in (home, opened))
    if ours != theirs:
        return f"it has {theirs} pictures, and the open model {ours} ones"
    data, others = home.checkpoint.recipe.data.name, opened.checkpoint.recipe.data.name
    if data != others:
        return f"it was trained on “{plain(others)}”, and the open model on “{plain(data)}”"
    return None


def _kind(opened: Opened) -> str:
    channels, height, width = opened.checkpoint.model.image_shape
    return f"{height} × {width} {'colour' if channels == 3 else 'grey'}"


def usual(home: Opened, available: dict[str, Entry]) -> list[str]:
    """The open model and one that goes with it."""
    family = [entry.id for entry in available.values() if _family(entry) == _family(home.entry)]
    for other in [BESIDE.get(home.entry.id, ""), *family]:
        if other in available and other != home.entry.id:
            found = opened_or_none(available[other])
            if found and refusal(found, home) is None:
                return [home.entry.id, other]
    return [home.entry.id]


def _family(entry: Entry) -> str:
    return entry.title.partition("-")[0]


def opened_or_none(entry: Entry) -> Opened | None:
    try:
        return models.open_model(entry)
    except CheckpointError:
        return None


def models_input(home: Opened) -> list[Opened]:
    """The models that are compared; those that do not fit are named, with the reason."""
    available = models.entries()
    value = ManyOf("models", "Models", usual(home, available), {key: key for key in available})
    if st.session_state.get("compare_of", home.key) != home.key:
        value.put(value.usual)  # another model is open
    st.session_state.compare_of = home.key
    chosen = value.multiselect(
        help=f"{FEWEST} to {MOST} models of pictures of the same size and data set.",
    )
    if len(chosen) > MOST:
        st.warning(f"{len(chosen)} models are chosen; the first {MOST} are shown.")
    return [found for each in chosen[:MOST] if (found := _fitting(available[each], home))]


def _fitting(entry: Entry, home: Opened) -> Opened | None:
    try:
        found = models.open_model(entry)
    except CheckpointError as error:
        st.warning(f"{plain(entry.id)} is left out: {plain(str(error))}")
        return None
    if reason := refusal(found, home):
        st.warning(f"{plain(entry.id)} is left out: {reason}.")
        return None
    return found


def sides_of(chosen: list[Opened], a: Chosen, b: Chosen, home: Opened) -> list[Side]:
    """Each model with the two pictures as it encodes them."""
    found = []
    for opened in chosen:
        try:
            found.append(Side(opened, *(elsewhere(opened, each, home) for each in (a, b))))
        except ValueError as error:
            st.warning(f"{plain(opened.entry.id)} is left out: {plain(str(error))}")
    return found


# --- what is shown of each -----------------------------------------------------------------------------------


@st.cache_data(max_entries=128, show_spinner=False)
def rebuilt(key: str, _side: Side, about: tuple[str, str]) -> Tensor:
    """A and B as the model rebuilds them, (2, C, H, W)."""
    return torch.cat([_side.at(0.0), _side.at(1.0)])


def facts(opened: Opened) -> list[str]:
    """The figures that tell models apart, in short lines."""
    spec, metrics = opened.checkpoint.model.spec, opened.checkpoint.metrics
    lines = [] if spec.has_density else ["No ELBO and no KL: an autoencoder"]
    for name, label in (("elbo", "ELBO"), ("kl", "KL")):
        if spec.has_density and metrics.get(name) is not None:
            given = ", given the class" if spec.classes and name == "elbo" else ""
            lines.append(f"{label} {metrics[name]:.1f} nats per image{given}")
    if models.has_units(opened):
        lines.append(f"Active units: {models.units(opened)}")
    return lines or [words.size_of(spec)]


def not_comparable(sides: list[Side]) -> str | None:
    """Why the ELBOs cannot be ranked against each other, or None."""
    dense = [side.opened.checkpoint.model for side in sides if side.opened.checkpoint.model.spec.has_density]
    labels = dict.fromkeys(model.likelihood.label for model in dense)
    if len(labels) > 1:
        return f"Their ELBOs are of different likelihoods ({'; '.join(labels)}) and cannot be compared with each other."
    if len({model.spec.classes is None for model in dense}) > 1:
        return (
            "Their ELBOs cannot be compared with each other: a conditional model's is a bound of log p(x | y), for "
            "pictures whose class is told, the others' of log p(x)."
        )
    return None


def cannot_share(sides: list[Side]) -> str | None:
    """Why one z cannot go to all models, or None."""
    sizes = [side.opened.checkpoint.model.spec.size for side in sides]
    if len(set(sizes)) > 1:
        named = ", ".join(map(str, sizes))
        return f"“{SAME}” cannot be shown: the models have {named} latent dimensions."
    if sizes[0] > explore.MAX_AXES:
        return f"“{SAME}” cannot be shown: {sizes[0]} latent dimensions are too many to slide one by one."
    return None


def movement_input(sides: list[Side]) -> str:
    """What moves the models: path or same."""
    value, reason = OneOf("movement", "Movement", "path", MOVEMENTS, MOVEMENTS_BEFORE), cannot_share(sides)
    if reason and value.get() == "same":
        st.warning(f"{reason} The models go from A to B instead.")
        value.put("path")
    options = {word: label for word, label in MOVEMENTS.items() if word == "path" or not reason}
    return replace(value, options=options).segmented_control(
        help="From A to B: each model goes its own straight way between its own encodings of the two pictures. "
        f"The same z: all decode the same numbers, which only shows that their axes differ. {reason or ''}",
    )


# --- from A to B ---------------------------------------------------------------------------------------------


@st.fragment
def path_bench(sides: list[Side], a: Chosen, b: Chosen, graphs: list[dict[str, Any]] | None) -> None:
    """One place between A and B for all models."""
    if graphs is None:
        t = replace(PLACE, label="t, from A (0) to B (1)").slider(0.01, key="place")
        server_columns(sides, [side.at(t) for side in sides], f"decoded at t = {t:g}")
    else:
        views.show("compare", "compare", {**told(sides, a, b, graphs), "t": PLACE.get()}, t=PLACE.tell)
        PLACE.write()


def server_columns(sides: list[Side], now: list[Tensor], what: str) -> None:
    """The models side by side, decoded by the server."""
    for number, (column, side, x) in enumerate(zip(st.columns(len(sides)), sides, now, strict=True)):
        with column:
            st.markdown(f"**{plain(side.opened.entry.id)}**")
            again = rebuilt(side.opened.key, side, (side.a.key, side.b.key))
            canvas(
                torch.cat([x, again]),
                3,
                f"side_{number}",
                f"{side.opened.entry.id}: {what}; A rebuilt; B rebuilt",
                below=("Now", "A rebuilt", "B rebuilt"),
                share=0.4,
            )
            st.caption("  \n".join(facts(side.opened)))


def told(sides: list[Side], a: Chosen, b: Chosen, graphs: list[dict[str, Any]]) -> dict[str, Any]:
    """The models and pictures as the live view takes them."""
    columns = [
        {
            "model": graph,
            "name": side.opened.entry.id,
            "a": side.a.mean.tolist(),
            "b": side.b.mean.tolist(),
            "ya": None if side.a.y is None else side.a.y.tolist(),
            "yb": None if side.b.y is None else side.b.y.tolist(),
            "rebuilt": [data_url(x[None]) for x in rebuilt(side.opened.key, side, (side.a.key, side.b.key))],
            "facts": facts(side.opened),
        }
        for side, graph in zip(sides, graphs, strict=True)
    ]
    about = " ".join(side.opened.key for side in sides)
    return {"columns": columns, "about": f"{about} {a.key} {b.key}", "ends": [data_url(a.x), data_url(b.x)]}


# --- the same z ----------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=64, show_spinner=False)
def axes_of(key: str, _opened: Opened) -> list[Axis]:
    """The dimensions of the first model, in its order."""
    return explore.axes(_opened.checkpoint.model, _opened.checkpoint.reference)


def ranges(side: Side) -> dict[str, tuple[Axis, float, float, float]]:
    """Sliders by name: the axis, its ends, and where A stands on it in the first model."""
    found = {}
    for axis in axes_of(side.opened.key, side.opened):
        start = axis.coordinate(side.a.mean).item()
        steps = math.floor(min(axis.low, start) / STEP), math.ceil(max(axis.high, start) / STEP), round(start / STEP)
        low, high, at = (round(step * STEP, 2) for step in steps)
        found[axis.name] = axis, low, high, at
    return found


def places_of(sliders: dict[str, tuple[Axis, float, float, float]], about: str) -> dict[str, float]:
    """Where sliders were put: in this visit, else by the link; those of other models or another A are forgotten."""
    before = st.session_state.get("compare_z")
    if before is None:
        before = about, _asked(sliders)
    found = before[1] if before[0] == about else {}
    st.session_state.compare_z = about, found
    return found


def _asked(sliders: dict[str, tuple[Axis, float, float, float]]) -> dict[str, float]:
    """Where the link has the sliders."""
    asked, good = [key for key in st.query_params if SLIDER.fullmatch(key)], dict[str, float]()
    for key in asked:
        with suppress(KeyError, ValueError):  # no such slider, or no such place
            _, low, high, start = sliders[key]
            good[key] = Number(key, key, start, low, high).read([st.query_params[key]])
    if len(good) < len(asked):
        st.warning(f"The link sets {len(asked) - len(good)} sliders to what they cannot be; they stay at A.")
    return good


@st.fragment
def same_bench(sides: list[Side], a: Chosen, b: Chosen, graphs: list[dict[str, Any]] | None) -> None:
    """The same numbers for all models, and the warning that this says little."""
    sliders = ranges(sides[0])
    about = f"{sides[0].opened.key} {a.choice.text}"
    places = places_of(sliders, about)

    def put(found: Any) -> None:
        known = found if isinstance(found, dict) else {}
        fine = {
            key: float(value)
            for key, value in known.items()
            if key in sliders and isinstance(value, int | float) and sliders[key][1] <= value <= sliders[key][2]
        }
        st.session_state.compare_z = about, fine

    if graphs is None:
        st.warning(WARNING)
        server_sliders(sliders, places, put)
        z = sides[0].a.mean
        for key, value in places.items():
            z = sliders[key][0].move(z, value)
        server_columns(sides, [side.at_point(z) for side in sides], "decoded at the same z")
    else:
        slides = [
            {
                "key": key,
                "note": _nats(axis),
                "low": low,
                "high": high,
                "start": start,
                "index": int(axis.direction.argmax()),
            }
            for key, (axis, low, high, start) in sliders.items()
        ]
        data = {"slides": slides, "places": dict(sorted(places.items())), "warning": WARNING}
        views.show("compare", "compare", {**told(sides, a, b, graphs), **data}, places=put)
    links.replace(SLIDER, {key: f"{value:g}" for key, value in places.items()})


def _nats(axis: Axis) -> str:
    return "" if axis.kl is None else f" · {axis.kl:.2f} nats"


def server_sliders(
    sliders: dict[str, tuple[Axis, float, float, float]], places: dict[str, float], put: Callable[[Any], None]
) -> None:
    """Streamlit's own sliders for the same z."""

    def let_go(key: str, place: float) -> None:
        put({**st.session_state.compare_z[1], key: place})

    with st.container(height=300, border=True):
        for key, (axis, low, high, start) in sliders.items():
            name, place = f"same_{key}", places.get(key, start)
            shown = control.key(name, place)
            heard = control.hears(name, shown, partial(let_go, key))
            st.slider(f"{key}{_nats(axis)}", low, high, place, STEP, key=shown, on_change=heard)


# --- the page ------------------------------------------------------------------------------------------------


def graphs_of(sides: list[Side]) -> list[dict[str, Any]] | None:
    """The models as the live view takes them; None, and a note, where the server has to decode."""
    found = []
    for side in sides:
        found.append(decoders.graph(side.opened))
    return found


def page() -> None:
    home = models.picker()
    slots.keep_in_url("a", "b")
    head, middle, right = st.columns([1.2, 1, 1], gap="medium")
    with head:
        stage.head("Compare").write("The same two pictures in several models: each goes its own way from A to B.")
    left, controls = st.columns([2.5, 1], gap="medium", vertical_alignment="bottom")
    with left:
        chosen = models_input(home)
    pair = []
    for slot, colour, place_ in (("a", "blue", middle), ("b", "orange", right)):
        with place_:
            heading = st.container()
            found = picture_input(slot, home)
            if found is not None:
                heading.markdown(f":{colour}[**{slots.NAMES[slot]}**] {plain(found.label)}")
            pair.append(found)
    a, b = pair
    if a is None or b is None:
        st.stop()
    sides = sides_of(chosen, a, b, home)
    if len(sides) < FEWEST:
        st.info(
            f"Choose at least {FEWEST} models of {_kind(home)} pictures of “{plain(home.checkpoint.recipe.data.name)}”."
        )
        st.stop()
    with controls:
        movement = movement_input(sides)
    PLACE.get()
    with stage.screen():
        (path_bench if movement == "path" else same_bench)(sides, a, b, graphs_of(sides))
    if reason := not_comparable(sides):
        st.caption(plain(reason))
    for slot, each in (("A", a), ("B", b)):
        if each.notes:
            st.caption(f"{slot}: {plain('; '.join(each.notes))}.")
    say_originals(home, (a, b))


page()
