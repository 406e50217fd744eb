"""The pictures that were chosen on the map: decoded, one of them large, its nearest ones, and where it can go."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.display.canvas import canvas
from pages.widgets.display.figures import Figure, show_figures
from pages.widgets.display.sheet import sheet
from pages.widgets.mapping.points import Points
from pages.widgets.selection import given, send, slots
from pages.widgets.selection.choice import MAPPED, REFERENCE, Choice
from pages.widgets.selection.resolve import some_references
from pages.widgets.shell import downloads, links, models
from pages.widgets.shell.buttons import pressed
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import Number, Tab
from vae_core import explore, images

SHEET = 48  # pictures of the contact sheet
NEIGHBOURS = 8
SIDE = Tab("side", "", "settings", {"settings": "Settings", "chosen": "Chosen", "own": "Your own"}, {"Your own": "own"})


def find(points: Points | None) -> None:
    """Draw a field that chooses a picture by its number."""
    if points is None:
        return
    row = _row(points).field(placeholder="its number")
    if row is not None and row != st.session_state.get("map_found"):
        places = (points.rows == row).nonzero()[0].tolist()
        _keep(points, places)
        if not places:
            st.warning(f"Picture {row} is not among these points.")
    st.session_state["map_found"] = row


def _row(points: Points) -> Number[int | None]:
    return Number("find", "Find a picture", None, 0, int(points.rows[-1]))


def choose(points: Points, places: list[int]) -> None:
    """Take what a hand chose on the map, and open the tab that shows it (in a callback)."""
    _keep(points, places)
    if places:
        SIDE.put("chosen")


def _keep(points: Points, places: list[int]) -> None:
    """Keep what was chosen: the map forgets it when it changes or the page is left."""
    st.session_state["map_chosen"] = (points.key, places)
    st.session_state.pop("map_picked", None)
    row = int(points.rows[places[0]]) if len(places) == 1 else None
    st.session_state["map_found"] = row
    _row(points).put(row)


def places(points: Points) -> list[int]:
    """Places in `points` of the chosen pictures."""
    key, kept = st.session_state.get("map_chosen", (None, []))
    return kept if key == points.key else []


def nearest(points: Points, vector: Tensor, place: int | None = None) -> tuple[list[int], Tensor]:
    """Places of the points nearest to a vector (D,) in the latent space, but for its own; and their distances."""
    rows, distances = explore.nearest(vector, points.mean, NEIGHBOURS + 1)
    others = (rows != (-1 if place is None else place)).nonzero()[:NEIGHBOURS, 0]
    return rows[others].tolist(), distances[others]


def panel(opened: Opened, points: Points, flat: bool) -> None:
    """Show the chosen pictures decoded; one of them large, to be sent on."""
    chosen = places(points)
    if not chosen:
        st.write(
            "Click a point, or take Box or Lasso below the map and draw around some: their pictures appear here."
            if flat
            else "Turn the map with the pointer. Points are chosen on a flat map: take 2-D for that."
        )
        return
    picked = st.session_state.get("map_picked")
    picked = picked if picked in chosen else chosen[0]
    one_picture(opened, points, picked)
    if len(chosen) == 1:
        neighbours(opened, points, points.mean[picked], picked, "chosen", points.name_of(picked))
        return
    shown = chosen[:SHEET]
    rest = f"; the first {SHEET}, decoded:" if len(chosen) > SHEET else ", decoded:"
    st.write(f"**{len(chosen):,} pictures chosen**{rest}")
    names = [points.name_of(i) for i in shown]
    decoded = points.decode(opened, shown)
    sheet(decoded, shown, names, "map_sheet", pick, picked, "Chosen pictures")
    st.download_button(
        "These pictures (PNG)",
        lambda: images.png(images.grid(decoded, 8, downloads.enlargement(8 * decoded.shape[3]))),
        f"{downloads.file_name('chosen', opened.entry.title, len(shown))}.png",
        "image/png",
        on_click="ignore",
    )


def pick(place: int) -> None:
    st.session_state["map_picked"] = place


def one_picture(opened: Opened, points: Points, place: int) -> None:
    """Show a chosen picture beside its reconstruction, with its figures and where it can go."""
    name = points.name_of(place)
    title = name[0].upper() + name[1:]
    original = original_of(opened, points, place)
    decoded = points.decode(opened, [place])
    figures = [Figure([images.grid(decoded, 1, gutter=0)], "Decoded", f"{title}: decoded")]
    if original is not None:
        figures.insert(0, Figure([images.grid(original, 1, gutter=0)], "Original", f"{title}: original"))
    show_figures(figures)
    st.text(f"{title}: {', '.join(points.figures_of(place))}")
    send_buttons("chosen", lambda: choice_of(points, place), title)


def neighbours(opened: Opened, points: Points, vector: Tensor, place: int | None, key: str, name: str) -> None:
    """Show the points nearest to a vector (D,), decoded."""
    rows, distances = nearest(points, vector, place)
    if not rows:
        return
    names = ", ".join(map(points.name_of, rows))
    st.caption(
        f"The nearest {len(rows)} in all {len(vector)} latent dimensions, decoded, at distances "
        f"{distances[0]:.2f} to {distances[-1]:.2f}: {plain(names)}"
    )
    canvas(points.decode(opened, rows), NEIGHBOURS // 2, f"{key}_near", f"Nearest to {name}: {names}", share=0.25)


def original_of(opened: Opened, points: Points, place: int) -> torch.Tensor | None:
    """Return the picture itself (1, C, H, W), or None where only its encoding is here."""
    if points.images is not None:
        return points.images[place : place + 1].float() / 255
    if not models.originals_here(opened):
        return None
    return some_references(opened, [int(points.rows[place])])


def choice_of(points: Points, place: int) -> Choice:
    """Choose what stands for a point on the other pages: a reference row, or the picture itself, kept as it is."""
    if points.images is None:
        return Choice.row(REFERENCE, int(points.rows[place]))
    picture = points.images[place : place + 1].float() / 255
    upload = given.keep_as_it_is(MAPPED, images.png(images.grid(picture, 1, gutter=0)))
    return upload if points.y is None else upload.with_class(int(points.y[place]))


def send_buttons(key: str, choice: Callable[[], Choice], what: str) -> None:
    """Make a picture A or B, or go on with it to Traverse."""

    def choose(slot: str) -> None:
        slots.choose(slot, choice())

    with st.container(horizontal=True, gap="xsmall"):
        for slot in send.buttons(key, before=choose):
            send.tell(slot, what)
        if pressed("Go to Interpolate", f"{key}_go", type="primary"):
            links.go_to("interpolate.py")
