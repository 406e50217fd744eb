"""What the points of a map are coloured by."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import streamlit as st
import torch

from pages.widgets.display import plots
from pages.widgets.mapping.points import Points
from pages.widgets.mapping.settings import Said
from pages.widgets.shell.models import Opened
from vae_core import explore

CLASS, KL, ERROR = "class", "KL", "reconstruction error"
FACTOR = "factor "
WORDS = {KL: "kl", ERROR: "error"}  # in the link, where it is another one


def control(opened: Opened, points: Points | None) -> str | None:
    """By what the points are coloured; None while they are being read, when the link's wish stays as it is."""
    if points is None:
        st.selectbox("Colour", ["…"], key="colour:waiting", disabled=True)
        return None
    allowed = _allowed(opened, points)
    apart = separations(points.key, points)
    options = {WORDS.get(name, name): name for name in allowed}
    best = max(apart, key=lambda name: apart[name])
    chosen = Said("colour", "Colour", WORDS.get(best, best), options, WORDS, next(iter(options))).selectbox(
        help=f"{_kl_help(opened)}Reconstruction error: how badly it is reconstructed, "
        f"in {opened.checkpoint.model.likelihood.unit}. "
        "z0, z1, ...: the latent dimensions, those that carry or vary most first. First is the one that says most of "
        "where the points lie.",
    )
    return options[chosen]


@st.cache_resource(max_entries=32, show_spinner=False)
def separations(key: Hashable, _points: Points) -> dict[str, float]:
    """Share of the points' variance that each colouring tells, but for the dimensions that they are made of.

    Args:
        key: identifies the points.
    """
    points, groups = _points, {}
    if points.labels is not None:
        groups[CLASS] = points.labels
    if points.factors is not None:
        groups |= {FACTOR + name: points.factors[:, i] for i, name in enumerate(points.factor_names)}
    numbers = {ERROR: points.error} if points.kl is None else {KL: points.kl, ERROR: points.error}
    groups |= {name: explore.tenths(values) for name, values in numbers.items()}
    return {name: explore.separation(points.mean, group) for name, group in groups.items()}


def _kl_help(opened: Opened) -> str:
    return "KL: how many nats the code of a picture takes. " if opened.checkpoint.model.spec.has_kl else ""


def _allowed(opened: Opened, points: Points) -> list[str]:
    """Tell what the points can be coloured by, the default first."""
    known = [CLASS] if points.labels is not None else []
    factors = [FACTOR + name for name in points.factor_names] if points.factors is not None else []
    axes = explore.axes(opened.checkpoint.model, opened.checkpoint.reference)
    nats = [ERROR] if points.kl is None else [KL, ERROR]
    return [*known, *factors, *nats, *(axis.name for axis in axes)]


def arguments(opened: Opened, points: Points, colour: str) -> dict[str, Any]:
    """Return the arguments of a scatter plot that give the points their colours."""
    if colour == ERROR or (colour == KL and points.kl is not None):
        values, unit = (points.kl, "nats") if colour == KL else (points.error, points.unit)
        return {"values": values, "value_title": f"{colour} ({unit})"}
    if colour == CLASS and points.labels is not None:
        in_place = opened.checkpoint.model.spec.classes is None  # else the classes lie over one another
        return {"classes": points.labels, "class_names": points.class_names, "in_place": in_place}
    if colour.startswith(FACTOR) and points.factors is not None:
        return _by_factor(points, points.factor_names.index(colour.removeprefix(FACTOR)))
    axes = explore.axes(opened.checkpoint.model, opened.checkpoint.reference)
    axis = next(axis for axis in axes if axis.name == colour)
    return {"values": axis.coordinate(points.mean), "value_title": colour}


def _by_factor(points: Points, factor: int) -> dict[str, Any]:
    """Names have a colour each; numbers, and more names than colours, are shades in their order."""
    assert points.factors is not None
    places, names, title = points.factors[:, factor], points.value_names[factor], points.factor_names[factor]
    try:
        numbers = torch.tensor([float(name) for name in names])
    except ValueError:
        if len(names) <= plots.NAMED_CLASSES:
            return {"classes": places, "class_names": names, "in_place": False}
        numbers, title = torch.arange(len(names)), f"{title} (0 to {len(names) - 1})"
    return {"values": numbers[places], "value_title": title}
