"""Compare: two or more models of the same pictures side by side, under one and the same movement."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.display import stage
from pages.widgets.display.canvas import data_url
from pages.widgets.live import decoders, views
from pages.widgets.live.payloads import Column, CompareData
from pages.widgets.selection import slots
from pages.widgets.selection.picker import picture_input
from pages.widgets.selection.resolve import Chosen, elsewhere, say_originals
from pages.widgets.shell import models, words
from pages.widgets.shell.models import Entry, Opened, plain
from pages.widgets.shell.url_state import ManyOf, Number, OneOf
from pages.widgets.sliders.slider import Slider
from pages.widgets.sliders.sliders import Sliders
from pages.widgets.sliders.way import axes_of
from vae_core import explore

FEWEST, MOST = 2, 4
SHARE = 0.35  # of the window's height: the models' pictures, one below the other, at least
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
    "What you see is that the same numbers mean something else in each model."
)


@dataclass(frozen=True, eq=False)
class Side:
    """One of the models, with A and B as it encodes them."""

    opened: Opened
    a: Chosen
    b: Chosen


# --- which models --------------------------------------------------------------------------------------------


def comparable(entry: Entry, home: Opened) -> None:
    """Make sure that a model can stand beside the open one; a ValueError tells why it cannot."""
    recipe, own = models.recipe_of(entry), home.checkpoint.recipe
    theirs, ours = (kind(*each.model.image_shape) for each in (recipe, own))
    if ours != theirs:
        raise ValueError(f"it has {theirs} pictures, and the open model {ours} ones.")
    if own.data.name != recipe.data.name:
        raise ValueError(f"it was trained on “{recipe.data.name}”, and the open model on “{own.data.name}”.")


def kind(channels: int, height: int, width: int) -> str:
    """Tell the size of pictures, and whether they have colours."""
    return f"{height} × {width} {'colour' if channels == 3 else 'grey'}"


def usual(home: Opened, offered: Mapping[str, Entry]) -> list[str]:
    """Choose the open model and one that goes with it."""
    family = [entry.id for entry in offered.values() if _family(entry) == _family(home.entry)]
    for other in [BESIDE.get(home.entry.id, ""), *family]:
        if other in offered and other != home.entry.id:
            with suppress(ValueError):
                models.open_model(offered[other])
                return [home.entry.id, other]
    return [home.entry.id]


def _family(entry: Entry) -> str:
    return entry.title.partition("-")[0]


def models_input(home: Opened) -> list[Entry]:
    """Let a person choose the models to compare, of those that can be; a link may name others, with the reason."""
    offered, reasons = dict[str, Entry](), dict[str, str]()
    for name, entry in models.entries().items():
        try:
            comparable(entry, home)
            offered[name] = entry
        except ValueError as error:
            reasons[name] = str(error)
    value = ManyOf("models", "Models", usual(home, offered), {name: name for name in [*offered, *reasons]})
    if st.session_state.get("compare_of", home.key) != home.key:
        value.put(value.usual)  # another model is open
    st.session_state.compare_of = home.key
    if asked := [name for name in value.get() if name in reasons]:
        for name in asked:
            leave_out(name, reasons[name])
        value.put([name for name in value.get() if name in offered])
    chosen = replace(value, options={name: name for name in offered}).multiselect(
        help=f"{FEWEST} to {MOST} models of pictures of the same size and data set."
    )
    if reasons:
        total = len(offered) + len(reasons)
        st.caption(f"Offered are the {len(offered)} of {total} models that have learnt {pictures_of(home)}.")
    if len(chosen) > MOST:
        st.warning(f"{len(chosen)} models are chosen; the first {MOST} are shown.")
    return [offered[each] for each in chosen[:MOST]]


def pictures_of(home: Opened) -> str:
    """Tell which pictures all models must have learnt."""
    recipe = home.checkpoint.recipe
    return f"{kind(*recipe.model.image_shape)} pictures of “{plain(recipe.data.name)}”"


def leave_out(name: str, why: str) -> None:
    """Say that a model is not shown."""
    st.warning(f"{plain(name)} is left out: {plain(why)}")


def sides_of(chosen: list[Entry], a: Chosen, b: Chosen, home: Opened) -> list[Side]:
    """Open the models, and encode the two pictures with each; those that do not fit are named, with the reason."""
    sides = []
    for entry in chosen:
        try:
            opened = models.open_model(entry)
            sides.append(Side(opened, elsewhere(opened, a, home), elsewhere(opened, b, home)))
        except ValueError as error:
            leave_out(entry.id, str(error))
    return sides


# --- what is shown of each -----------------------------------------------------------------------------------


@st.cache_data(max_entries=128, show_spinner=False)
def rebuilt(key: str, _side: Side, about: tuple[str, str]) -> Tensor:
    """Decode A and B as the model encodes them, (2, C, H, W)."""
    model = _side.opened.checkpoint.model
    return torch.cat([explore.decode(model, each.mean[None], each.classes(1)) for each in (_side.a, _side.b)])


def facts(opened: Opened) -> dict[str, str]:
    """Return the figures that tell models apart: each in a short line, and in full."""
    spec, metrics = opened.checkpoint.model.spec, opened.checkpoint.metrics
    lines = {} if spec.has_density else {"No ELBO, no KL": "No ELBO and no KL: an autoencoder"}
    for name, label in (("elbo", "ELBO"), ("kl", "KL")):
        if spec.has_density and metrics.get(name) is not None:
            given = ", given the class" if spec.classes and name == "elbo" else ""
            number = f"{label} {metrics[name]:.1f} nats"
            lines[number + given] = f"{number} per image{given}"
    if models.has_units(opened):
        lines[f"Active: {models.units(opened)}"] = f"Active units: {models.units(opened)}"
    return lines or {words.size_of(spec): words.size_of(spec)}


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
    """Ask what moves the models, and return it: path or same."""
    value, reason = OneOf("movement", "Movement", "path", MOVEMENTS, MOVEMENTS_BEFORE), cannot_share(sides)
    if reason and value.get() == "same":
        st.warning(f"{reason} The models go from A to B instead.")
        value.put("path")
    options = {word: label for word, label in MOVEMENTS.items() if word == "path" or not reason}
    return replace(value, options=options).segmented_control(
        help="From A to B: each model takes its own straight path between its own encodings of the two pictures. "
        f"The same z: all decode the same numbers, which only shows that their axes differ. {reason or ''}",
    )


# --- the page ------------------------------------------------------------------------------------------------


@st.fragment
def path_bench(sides: list[Side], a: Chosen, b: Chosen) -> None:
    """One place between A and B for all models."""
    data: CompareData = {**given(sides, a, b), "t": PLACE.get()}
    views.show("compare", "compare", data, t=PLACE.tell)
    PLACE.write()


@st.fragment
def same_bench(sides: list[Side], a: Chosen, b: Chosen, sliders: Sliders) -> None:
    """Decode the same numbers with all models, under a warning that this says little."""
    data: CompareData = {**given(sides, a, b), "slides": sliders.sent(), "places": sliders.places, "warning": WARNING}
    views.show("compare", "compare", data, places=sliders.hear)
    sliders.write()


def given(sides: list[Side], a: Chosen, b: Chosen) -> CompareData:
    """Return the models and pictures as the view takes them."""
    about = " ".join(side.opened.key for side in sides)
    return {
        "columns": [column(side) for side in sides],
        "about": f"{about} {a.key} {b.key}",
        "ends": (data_url(a.x), data_url(b.x)),
        "share": SHARE,
    }


def column(side: Side) -> Column:
    """Return a model with the two pictures as the view takes it."""
    again, figures = rebuilt(side.opened.key, side, (side.a.key, side.b.key)), facts(side.opened)
    return {
        "model": decoders.graph(side.opened),
        "name": side.opened.entry.id,
        "a": side.a.mean.tolist(),
        "b": side.b.mean.tolist(),
        "ya": None if side.a.y is None else side.a.y.tolist(),
        "yb": None if side.b.y is None else side.b.y.tolist(),
        "rebuilt": (data_url(again[:1]), data_url(again[1:])),
        "facts": list(figures),
        "whole": "\n".join(figures.values()),
    }


def sliders_of(side: Side) -> Sliders:
    """Return the dimensions of the first model, in its order, from A on."""
    opened, start = side.opened, side.a.mean
    each = [Slider.of(axis, start) for axis in axes_of(opened.key, opened)]
    return Sliders("compare", (opened.key, side.a.choice), each, start)


def picture(slot: str, colour: str, home: Opened) -> Chosen | None:
    """One of the two pictures; None, and a note, where it cannot be had."""
    heading = st.container()
    if (chosen := picture_input(slot, home)) is not None:
        heading.markdown(f":{colour}[**{slots.NAMES[slot]}**] {plain(chosen.label)}")
    return chosen


def page() -> None:
    home = models.picker()
    slots.keep_in_url("a", "b")
    stage.head("Compare").write("The same two pictures in several models: each takes its own path from A to B.")
    left, right = stage.columns()
    with right:
        a, b = picture("a", "blue", home), picture("b", "orange", home)
        chosen = models_input(home)
    if a is None or b is None:
        st.stop()
    with right:
        sides = sides_of(chosen, a, b, home)
    if len(sides) < FEWEST:
        st.info(f"Choose at least {FEWEST} models of {pictures_of(home)}.")
        st.stop()
    with right:
        movement = movement_input(sides)
    with left:
        with stage.screen():
            show(sides, a, b, movement)
        remarks(sides, a, b, home)


def show(sides: list[Side], a: Chosen, b: Chosen, movement: str) -> None:
    """Draw the models under the chosen movement."""
    if movement == "path":
        return path_bench(sides, a, b)
    sliders = sliders_of(sides[0])
    sliders.settle()
    same_bench(sides, a, b, sliders)


def remarks(sides: list[Side], a: Chosen, b: Chosen, home: Opened) -> None:
    """Say what is to be known of the models and the pictures."""
    if reason := not_comparable(sides):
        st.caption(plain(reason))
    for slot, each in (("A", a), ("B", b)):
        if each.notes:
            st.caption(f"{slot}: {plain('; '.join(each.notes))}.")
    say_originals(home, (a, b))


page()
