"""Map: the encoded means of many pictures as points of a plane or of space, and what lies where."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from pages.widgets.display import plots, stage
from pages.widgets.mapping import chosen, colouring, layouts, livemap, own, settings, space
from pages.widgets.mapping.layouts import HEIGHT, PLANE, TSNE, TSNE_AXES, Layout
from pages.widgets.mapping.points import Points, find_points, keep_points
from pages.widgets.selection import send, slots
from pages.widgets.shell import background, downloads, models
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.words import sentence
from vae_core import images, projection, scatter


def read_points(opened: Opened, source: str, count: int) -> Points | None:
    """Return the points, or None after showing what there is to wait for or to do."""
    try:
        key, work = find_points(opened, source, count)
    except LookupError as error:
        st.info(str(error.args[0]))
        return None
    if isinstance(work, Points):
        return work
    running = background.job("encode", key, work)
    if not running.done:
        background.watch(running, "Reading and encoding the pictures", lambda _: background.keep_place(HEIGHT))
    elif running.cancelled:
        background.say_why(running, "Reading the pictures was cancelled.", "Take fewer points, or try again later.")
        background.start_again("encode")
    else:
        try:
            points = running.result()
        except ValueError as error:
            st.error(plain(str(error)))
            return None
        keep_points(points)
        return points
    return None


def layout_of(
    opened: Opened, points: Points, wanted: tuple[str, int, int, int], show: Callable[..., None]
) -> Layout | None:
    """Place the points by the chosen method; None while that is computed and `show` draws them so far."""
    method, dimensions, perplexity, seed = wanted
    if method == PLANE:
        return layouts.plane(points)
    if method == TSNE and len(points) >= projection.MIN_POINTS:
        return layouts.tsne(opened, points, perplexity, seed, show)
    if method == TSNE:
        st.info(f"t-SNE needs at least {projection.MIN_POINTS} points, and here are {len(points)}: this is PCA.")
    return layouts.pca(points, dimensions)


def forming(opened: Opened, points: Points, colour: str, coords: np.ndarray | None) -> None:
    """Draw the map while it is being computed."""
    if coords is None or len(coords) != len(points):
        return background.keep_place(HEIGHT)
    so_far = Layout((points.key, hash(coords.tobytes())), coords, TSNE_AXES, lambda new: new, "")
    return draw(opened, points, so_far, colour, None, marked=False)


def draw(opened: Opened, points: Points, layout: Layout, colour: str, lit: int | None, marked: bool = True) -> None:
    """Draw the map, which is decoded under the pointer where it is flat."""
    colours = colouring.arguments(opened, points, colour)
    marks = own.marks(opened, points, layout) if marked else {}
    if layout.coords.shape[1] == 3:
        alt = f"Map of {len(points)} pictures: {', '.join(layout.axes)}, coloured by {colour}"
        return space.show(points, layout, colours, marks, alt, f"{stem(opened, points, layout)}-{colour}")
    ties = own.ties(opened, points, layout, marks) if marked else []
    choose, places = partial(chosen.choose, points), chosen.places(points)
    return livemap.show(opened, points, layout, colour, colours, marks, ties, places, lit, choose)


def describe(opened: Opened, points: Points, layout: Layout, colour: str) -> str:
    """Describe what is seen, in sentences."""
    title = plain(points.title)
    sentences = f"All {len(points):,} {title}. {layout.words}"
    if len(points) < points.total:
        sentences = f"{len(points):,} of the {points.total:,} {title}, drawn at random. {layout.words}"
    if (share := colouring.separations(points.key, points).get(colour)) is not None:
        sentences += f" The {plain(colour)} tells {max(share, 0):.0%} of where a picture lies in the latent space."
    if opened.checkpoint.model.spec.classes is None:
        return sentences
    return (
        f"{sentences} This model is told the class of a picture, so z need only hold what is left, its style: the "
        "points of a class need not lie together, and where they do, z says the class once more."
    )


def stem(opened: Opened, points: Points, layout: Layout) -> str:
    """Return what the names of files begin with."""
    return downloads.file_name("map", opened.entry.title, points.title, layout.axes[0].split()[0])


def offer(opened: Opened, points: Points, layout: Layout, colour: str) -> None:
    """Files that hold the map."""
    name = stem(opened, points, layout)
    st.download_button(
        "Map (CSV)",
        partial(points.table, layout.coords),
        f"{name}.csv",
        "text/csv",
        on_click="ignore",
        help=f"Row, class, place on the map, KL in nats and error in {points.unit}, latent dimensions.",
    )
    if layout.coords.shape[1] == 2:
        data = partial(picture, layout, colouring.arguments(opened, points, colour))
        st.download_button("Map (PNG)", data, f"{name}.png", "image/png", on_click="ignore")
    else:
        st.caption("As a PNG: the camera at the map's upper right.")


def picture(layout: Layout, colours: dict[str, Any]) -> bytes:
    """Return the whole map as a PNG file."""
    if "classes" in colours:
        return images.png(scatter.draw(layout.coords, np.asarray(colours["classes"]), colours["class_names"]))
    return images.png(scatter.draw(layout.coords, colours=plots.shades(colours["values"])))


def page() -> None:
    """Draw the page."""
    opened = models.picker()
    settings.begin()
    slots.keep_in_url(*send.A_AND_B)
    alike = "of alike style" if opened.checkpoint.model.spec.classes else "that the model finds alike"
    stage.head("Map").write(f"Each point is a picture, placed by the encoder: pictures {alike} lie together.")
    models.warn_collapsed(opened)
    left, right = stage.columns()
    with right:
        tabs, chosen_tab, own_tab = chosen.SIDE.tabs()
    with tabs:
        source, count = settings.data_controls(opened)
        finder = st.container()
        wanted = settings.method_controls(opened)
        flat = wanted[1] == 2
        look, save = st.container(), st.container(horizontal=True)
    with left:
        points = read_points(opened, source, count)
    with finder:
        chosen.find(points)
    with look:
        paint, search = st.columns(2)
        with paint:
            colour = colouring.control(opened, points)
        with search:
            lit = settings.highlight(points, flat)
        if flat:
            settings.look_controls()
    if points is None or colour is None:
        return
    with left:
        try:
            with stage.screen():
                layout = layout_of(opened, points, wanted, partial(forming, opened, points, colour))
                if layout is not None:
                    draw(opened, points, layout, colour, lit)
        except ValueError as error:  # encodings that are not finite
            st.error(plain(str(error)))
            return
        if layout is not None:
            if not layout.finished:
                background.start_again("tsne")
            notes = (plain(sentence(note)) for note in points.notes)
            st.caption(" ".join([describe(opened, points, layout, colour), *notes]))
            with save:
                offer(opened, points, layout, colour)
    if chosen_tab.open:
        with chosen_tab:
            chosen.panel(opened, points, flat)
    if own_tab.open:
        with own_tab:
            own.panel(opened, points)


page()
