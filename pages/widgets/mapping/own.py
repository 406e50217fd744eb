"""The visitor's pictures on the map: each as the model sees it, decoded, and what lies next to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from pages.widgets.display.figures import Figure, show_figures
from pages.widgets.mapping import chosen
from pages.widgets.mapping.layouts import Layout
from pages.widgets.mapping.points import Points
from pages.widgets.selection import classes, given, send, slots
from pages.widgets.selection.choice import Choice
from pages.widgets.selection.resolve import resolve
from pages.widgets.shell import uploads
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.uploads import File
from vae_core import explore, formats, images

STARS = 6  # uploads on the map


def stars() -> list[Choice]:
    """Return the choices that stand for the visitor's pictures on the map."""
    return st.session_state.setdefault("map_stars", [])


def marks(opened: Opened, points: Points, layout: Layout) -> dict[str, np.ndarray]:
    """Place A, B and the visitor's pictures on the map."""
    marks = {}
    wanted = {slots.NAMES[slot]: choice for slot in send.A_AND_B if (choice := slots.held(slot))}
    wanted |= {f"★ {i + 1}": star for i, star in enumerate(stars())}
    for name, choice in wanted.items():
        place = points.place_of(choice)
        try:
            mean = resolve(opened, choice).mean if place is None else None
        except ValueError:  # another model's row, or an upload of an earlier visit: not on this map
            continue
        if place is not None:
            marks[name] = layout.coords[place]
        elif mean is not None:
            marks[name] = layout.place(mean[None].numpy())[0]
    return marks


def ties(
    opened: Opened, points: Points, layout: Layout, flags: dict[str, np.ndarray]
) -> list[tuple[np.ndarray, list[int]]]:
    """Where the visitor's pictures lie, or a single one that was chosen, and the points nearest to each."""
    ties = [
        (flags[name], chosen.nearest(points, resolve(opened, star).mean)[0])
        for i, star in enumerate(stars())
        if (name := f"★ {i + 1}") in flags
    ]
    if len(places := chosen.places(points)) == 1:
        place = places[0]
        ties.append((layout.coords[place], chosen.nearest(points, points.mean[place], place)[0]))
    return ties


def panel(opened: Opened, points: Points) -> None:
    uploads.uploader(
        "Pictures to place on the map",
        "map_uploads",
        partial(take, opened),
        images.MAX_BYTES,
        many=True,
        help="They are kept on this server for this visit only; a link cannot hold them.",
    )
    st.caption(f"{formats.words()}, up to {images.MAX_BYTES // 2**20} MB each.")
    for message in st.session_state.get("map_bad", []):
        st.error(plain(message))
    for i, star in enumerate(stars()):
        try:
            own_picture(opened, points, i, star)
        except ValueError as error:
            st.warning(plain(str(error)))
    if stars():
        st.button("Take them off the map", on_click=lambda: stars().clear())
    else:
        st.write("Each gets a star on the map, and here what the model makes of it and what lies next to it.")


def take(opened: Opened, files: Sequence[File]) -> None:
    """Keep the files' bytes for the visit, and say which cannot be used."""
    bad, read = [], []
    for file in files:
        try:
            read.append(given.keep(opened, file.content, file.name))
        except ValueError as error:
            bad.append(f"{file.name}: {error}")
    kept = [star for star in stars() if star not in read] + read
    st.session_state["map_stars"] = kept[-STARS:]
    if len(kept) > STARS:
        bad.append(f"The map takes {STARS} pictures; the first {len(kept) - STARS} left it.")
    st.session_state["map_bad"] = bad


def own_picture(opened: Opened, points: Points, number: int, star: Choice) -> None:
    """One of the visitor's pictures, and what lies next to it."""
    picture = resolve(opened, star)
    name = f"★ {number + 1}"
    decoded = explore.decode(opened.checkpoint.model, picture.mean[None], picture.classes(1))
    shown = {"as the model sees it": picture.x, "decoded": decoded}
    show_figures(
        [
            Figure([images.grid(x, 1, gutter=0)], f"{name} {what}", f"Your picture {name} {what}")
            for what, x in shown.items()
        ]
    )
    if picture.seen is not None:
        st.caption(f"{name} {classes.looks_like(opened, picture.seen)}")
    chosen.send_buttons(f"own{number}", lambda: star, f"Your picture {name}")
    chosen.neighbours(opened, points, picture.mean, None, f"own{number}", name)
