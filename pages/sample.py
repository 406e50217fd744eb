"""Sample: pictures that the model makes up, decoded at draws from the prior or over the prior's plane."""

from collections.abc import Callable

import streamlit as st
from torch import Tensor

from pages.widgets.display import stage
from pages.widgets.display.canvas import GREY, GUTTER
from pages.widgets.sampling import grid
from pages.widgets.sampling.draws import PRIORS, View, decoded, points_of
from pages.widgets.selection import classes, send, slots
from pages.widgets.selection.choice import FITTED, POINT, PRIOR, Choice
from pages.widgets.shell import downloads, models, words
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import Number, OneOf, numbered
from vae_core import explore, fitting, images

COUNTS = (1, 4, 9, 16, 25, 36, 49, 64, 100, 144, 196, 256)
SIDES = (5, 10, 15, 20, 25, 30)
COLUMNS = (4, 8, 12, 16, 20)
REST = Number("rest", "Seed of the rest", 0, 0, grid.MAX_SEED)
VIEW = OneOf("view", "View", "draws", {"draws": "Draws", "plane": "Plane"})
SHOWN = OneOf("shown", "Shown", "mean", {"mean": "Mean", "pixels": "Pixels"})


def controls(opened: Opened) -> View:
    """Draw the controls, and return what they ask for; temperature and seed are moved in the grid itself."""
    spec = opened.checkpoint.model.spec
    plane, label = plane_input(opened), class_input(opened) if spec.classes else None
    if plane and spec.classes:
        label = label or 0  # a plane has no rows for classes
    count = count_input(plane, bool(spec.classes) and label is None and not plane)
    keep = keep_input(opened) if len(spec.shapes) > 1 else 0
    prior = prior_input(opened, bool(spec.classes) and label is None) if spec.fitted and not plane else "own"
    if prior != "own" and not spec.classes and spec.fitted_classes:
        label = class_input(opened)
    rest = rest_input() if keep else 0
    pixels = shown_input(opened, keep)
    if keep:
        prior, label = "own", label if spec.classes else None
    return View(count, grid.TEMPERATURE.get(), grid.SEED.get(), plane, pixels, label, keep, rest, prior)


def prior_input(opened: Opened, by_class: bool) -> str:
    """Which prior the pictures are drawn from: where its own shows fog, the fitted one unless something else is asked.

    Rows of classes leave no room for both.
    """
    options = {name: label for name, label in PRIORS.items() if name != "both" or not by_class}
    gap = opened.checkpoint.metrics.get("prior_gap") or 0.0
    prior = OneOf("prior", "Prior", models.usual_prior(opened), options).segmented_control(
        key="prior_input",
        help="Its own: the prior that the model was trained with. Fitted: "
        f"{words.fitted_prior(opened.checkpoint.model.spec)}. {fitting.describe(gap)}",
    )
    st.caption(" ".join([words.places_of(prior), *[fitting.describe(gap)] * (gap >= fitting.SLIGHT)]))
    return prior


def plane_input(opened: Opened) -> bool:
    """Whether the plane is shown, where the model has one."""
    spec = opened.checkpoint.model.spec
    if spec.size != 2 or spec.prior != "normal":
        return False
    return VIEW.radio(horizontal=True) == "plane"


def class_input(opened: Opened) -> int | None:
    """Ask for the class of all pictures; None for a row of each, or of a fitted prior for any."""
    spec = opened.checkpoint.model.spec
    if spec.classes is None:
        return classes.select(
            opened,
            "class",
            "Class",
            classes.ANY,
            "Of the fitted prior: draws are taken from where the encoder put the pictures of this class.",
            spec.fitted_classes,
        )
    return classes.select(
        opened,
        "class",
        "Class",
        classes.ALL,
        "This model is told the class. All classes: a row for each, and in each column the same z, so that what stays "
        "in a column is the style.",
    )


def count_input(plane: bool, by_class: bool) -> int:
    """How many pictures; of a plane a side, of all classes a row."""
    if plane:
        count = OneOf("side", "Pictures a side", 15, numbered(SIDES))
    elif by_class:
        count = OneOf("columns", "Pictures a class", 8, numbered(COLUMNS))
    else:
        count = OneOf("n", "Pictures", 64, numbered(COUNTS))
    return count.select_slider()


def keep_input(opened: Opened) -> int:
    """How many levels of one draw all pictures share."""
    spec = opened.checkpoint.model.spec
    most = len(spec.shapes) - 1
    return Number("keep", "Fixed coarse levels", 0, 0, most).slider(
        help="The coarsest levels of one draw are kept, and the finer ones are resampled for every picture: so you "
        "see what each level decides. 0 draws everything anew. " + "; ".join(words.what_levels(spec)) + ".",
    )


def rest_input() -> int:
    """Ask for the seed of the levels that are drawn anew, beside a button that moves it on."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rest = REST.field(width=150, help="The same seed gives the same pictures again, also on another day.")
        st.button("New rest", key="new_rest", on_click=REST.next)
    return rest


def shown_input(opened: Opened, keep: int) -> bool:
    """Tell whether pixels are drawn; below fixed levels they are not, which is said where the choice would stand."""
    if not opened.checkpoint.model.spec.has_density:
        return False
    if keep:
        st.caption("The mean is shown, not drawn pixels: so what differs is what the finer levels decide.")
        return False
    shown = SHOWN.radio(
        horizontal=True,
        help=f"Mean: the decoder's mean, E[x | z]. Pixels: every pixel drawn from the likelihood p(x | z), "
        f"here {opened.checkpoint.model.likelihood.label}.",
    )
    return shown == "pixels"


def describe(opened: Opened, view: View) -> str:
    """Describe in a few sentences what is shown."""
    spec, model = opened.checkpoint.model.spec, opened.checkpoint.model
    if view.plane:
        where = f"{view.count} x {view.count} points at equal steps of the prior's probability (its quantiles)"
    else:
        where = f"{view.count} draws of z from {words.prior_of(spec, view.prior)}, seed {view.seed}"
    if view.keep:
        kept = "level 1" if view.keep == 1 else f"levels 1 to {view.keep}"
        where = (
            f"{view.count} pictures that share {kept} of one draw (seed {view.seed}); the finer levels are resampled"
        )
    if rows := view.rows(opened):
        more = f" (the first {len(rows)} of {spec.classes})" if len(rows) < (spec.classes or 0) else ""
        where += f": in each column the same z, in each row another class{more}"
    elif view.label is not None:
        name = plain(classes.names(opened, spec.classes or spec.fitted_classes)[view.label])
        where += f", all as {name}" if spec.classes else f" of {name}"
    what = (
        f"Every pixel is drawn from the likelihood, {model.likelihood.label}: the grain is noise."
        if view.pixels
        else "Shown is the decoder's mean, the expected picture at z, and not a draw of pixels."
        if spec.has_density
        else "Shown is what the decoder makes of each."
    )
    return f"{where}, temperature {view.temperature:g}. {what}"


def choice_of(opened: Opened, view: View, points: Tensor, place: int) -> Choice:
    """Choose what stands for a picture on the other pages."""
    rows = view.rows(opened)
    kind, number = PRIOR, place % view.count
    if view.prior != "own":
        own = sum(n for fitted, n in view.parts(opened.checkpoint.model) if not fitted)
        kind, number = (FITTED, number - own) if number >= own else (kind, number)
    drawn = Choice.draw(kind, view.seed, number, view.temperature)
    choice = Choice(POINT, explore.to_text(points[place])) if view.plane else drawn
    return choice.with_class(rows[place // view.count] if rows else view.label)


def use_one(opened: Opened, view: View, points: Tensor) -> None:
    """Choose one picture and send it on."""
    if view.keep:
        st.caption(
            "To send a picture to Interpolate or Traverse, draw all levels: set “Fixed coarse levels” to 0. Only the "
            "decoder knows what is drawn below a fixed level."
        )
        return
    number = grid.picture_of(points).field(
        placeholder="press one, or type", help="Counted row by row from the top left."
    )
    choice = None if number is None else choice_of(opened, view, points, number - 1)
    with st.container(horizontal=True):
        for slot in send.buttons("use", disabled=choice is None):
            if choice is not None:
                send.send(slot, choice, f"Picture {number}")
    if number is not None and len(points[0]) <= 2:
        st.caption("At " + ", ".join(f"z{i} = {value:.2f}" for i, value in enumerate(points[number - 1].tolist())))


def offer(opened: Opened, view: View, points: Tensor, y: Tensor | None, made: Callable[[], Tensor]) -> None:
    """Offer downloads of what is shown, built when they are asked for."""
    columns, gutter = view.columns(opened), 0 if view.plane else GUTTER
    stem = downloads.file_name(opened.entry.title, *view.about.values())
    grow = downloads.enlargement(columns * opened.checkpoint.model.image_shape[2])

    def png() -> bytes:
        return images.png(images.grid(made(), columns, grow, gutter * grow, GREY))

    def npz() -> bytes:
        held = view.about if y is None else view.about | {"y": y}
        return downloads.npz(z=points, model=opened.entry.title, **held)

    with st.container(horizontal=True):
        st.download_button("Grid (PNG)", png, f"{stem}.png", "image/png", on_click="ignore")
        st.download_button(
            "Pictures (zip)", lambda: images.zip_png(made(), stem), f"{stem}.zip", "application/zip", on_click="ignore"
        )
        st.download_button("Latents (npz)", npz, f"{stem}.npz", "application/octet-stream", on_click="ignore")


def main() -> None:
    opened = models.picker()
    slots.keep_in_url("a", "b", "start")
    intro = stage.head("Sample")
    models.warn_collapsed(opened)
    left, right = stage.columns()
    with right:
        view = controls(opened)
    intro.write(words.intro(opened.checkpoint.model.spec, view.prior))
    points, y = points_of(opened, view)

    with right:
        use_one(opened, view, points)
    with left:
        with stage.screen():
            grid.show(opened, view, points, y)
        st.caption(describe(opened, view))
        offer(opened, view, points, y, lambda: decoded(opened.key, opened, view, points, y))
    grid.TEMPERATURE.write()
    grid.SEED.write()


main()
