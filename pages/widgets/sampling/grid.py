"""The grid of Sample: every temperature and the seeds around are decoded while the hand moves."""

from __future__ import annotations

from typing import Any

import streamlit as st
from torch import Tensor

from pages.widgets.display.canvas import GUTTER
from pages.widgets.live import decoders, views
from pages.widgets.sampling.draws import View, in_base, moves_along, weights_of, windows
from pages.widgets.selection import classes
from pages.widgets.shell import words
from pages.widgets.shell.models import Opened
from pages.widgets.shell.url_state import Number
from vae_core import explore

MAX_SEED = 999_999_999
MAX_TEMPERATURE = 2.0
SHARE, SHARE_OF_CLASSES = 0.4, 0.84  # of the window's height that the grid takes at least
TEMPERATURE = Number("temperature", "Temperature", 1.0, 0.0, MAX_TEMPERATURE)
SEED = Number("seed", "Seed", 0, 0, MAX_SEED)


def picture_of(points: Tensor) -> Number[int | None]:
    """Which of the pictures is to be used, counted from 1."""
    return Number("picture", "Picture to use", None, 1, len(points))


def alt_of(opened: Opened, view: View, count: int) -> str:
    """Tell what the grid shows, for a person who does not see it."""
    if view.plane:
        return f"{count} pictures over the plane of z0 (left to right) and z1 (bottom to top)"
    names = [classes.names(opened)[row] for row in view.rows(opened)]
    if view.prior == "both":
        return f"{count} pictures: above drawn from the model's own prior, below from the fitted one"
    return f"{count} pictures drawn from the prior" + (f", one row a class: {', '.join(names)}" if names else "")


def show(opened: Opened, view: View, points: Tensor, y: Tensor | None) -> None:
    """Draw the grid; a picture of it that is pressed is the one to use."""
    moves = view.plane or moves_along(opened.key, opened, view.prior)
    weights = weights_of(opened, view, y, len(points))

    def turned(knobs: Any) -> None:
        """Take what the hand has set; what is no number in range is left out."""
        said = knobs if isinstance(knobs, dict) else {}
        for value in (TEMPERATURE, SEED):
            value.tell(said.get(value.name))

    def picked(place: Any) -> None:
        if isinstance(place, int | float) and 0 <= place < len(points):
            st.session_state["picture"] = int(place) + 1

    chosen = None if view.keep else picture_of(points).get()
    rows = [classes.names(opened)[row] for row in view.rows(opened)]
    views.show(
        "grid",
        "live_grid",
        {
            "model": decoders.graph(opened, flow=in_base(opened, view.prior), drawn=view.drawn),
            "windows": windows(opened, view, points, moves),
            "count": len(points),
            "columns": view.columns(opened),
            "gutter": 0 if view.plane else GUTTER,
            "y": weights,
            "moves": moves,
            "temperature": view.temperature,
            "hottest": MAX_TEMPERATURE,
            "help": words.temperature_of(opened.checkpoint.model.spec, view.prior),
            "seed": view.seed,
            "seeded": not view.plane or view.pixels,
            "last": MAX_SEED,
            "rows": rows or view.names(opened.checkpoint.model),
            "edge": explore.prior_plane(view.count).max().item() if view.plane else None,
            "chosen": chosen - 1 if chosen else -1,
            "alt": alt_of(opened, view, len(points)),
            "share": SHARE_OF_CLASSES if rows else SHARE,
        },
        knobs=turned,
        picked=picked,
    )
