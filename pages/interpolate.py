"""Interpolate: two pictures, and what the model decodes on the way from one to the other; or between three or four."""

import streamlit as st
import torch
from PIL import Image
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from pages.widgets.display import stage
from pages.widgets.display.figures import Figure, show_figures
from pages.widgets.editors import pad, path
from pages.widgets.selection import classes, slots
from pages.widgets.selection.choice import DATA, REFERENCE, Choice
from pages.widgets.selection.picker import picture_input
from pages.widgets.selection.resolve import Chosen, say_originals
from pages.widgets.shell import models
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import Number, OneOf, Switch, numbered
from vae_core import explore, images
from vae_core.typicality import reference_typicality, typicality

DRAWS = 4
SMALL = 64  # pixels a side: an upload up to here is enlarged like the model's own pictures, and not smoothed
MAX_SEED = 999_999_999
COLOURS = {"a": "blue", "b": "orange", "c": "violet", "d": "gray"}
PICTURES = OneOf("pictures", "Pictures", 2, numbered((2, 3, 4)))
DRAWN = Number("draws", "Seed of the draws", 0, 0, MAX_SEED)
FADE = Switch("fade", "Cross-fade", True)
# On one line, else the buttons of A and B stand at different heights; the words below the strip have the whole name.
_PAIR = (
    "<style>@media (min-width: 641px) { [class*=st-key-heading-] p "
    "{ overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } }</style>"
)
# Two beside each other have half of the width: names take two lines, and words below pictures are small.
_MANY = (
    "<style>@media (min-width: 641px) { [class*=st-key-heading-] { min-height: 3rem; } "
    "figcaption { font-size: 0.75rem !important; line-height: 1.3; } }</style>"
)


@st.cache_data(max_entries=256, show_spinner=False)
def rebuilt(key: str, _opened: Opened, _chosen: Chosen, about: str, seed: int) -> Tensor:
    """Return the reconstruction, then decoded draws from the posterior where it has any: (1 or 1 + DRAWS, C, H, W)."""
    points = torch.cat([_chosen.mean[None], posterior(_opened, _chosen, seed)])
    return explore.decode(_opened.checkpoint.model, points, _chosen.classes(len(points)))


def posterior(opened: Opened, chosen: Chosen, seed: int) -> Tensor:
    """Draws of z given the picture (DRAWS, D); none where there is no spread, or no picture that they need."""
    model = opened.checkpoint.model
    if not spreads(opened, chosen):
        return chosen.mean[None, :][:0]
    if model.spec.posterior == "gaussian":  # mean and standard deviation say all
        return explore.posterior_draws(chosen.mean, chosen.std, DRAWS, seed)
    return explore.draws_given(model, chosen.x, DRAWS, seed, chosen.classes(1))


def spreads(opened: Opened, chosen: Chosen) -> bool:
    """Whether z can be drawn given the picture: where its posterior is known, or the picture itself is there."""
    spec = opened.checkpoint.model.spec
    return spec.spreads and bool(chosen.std.any()) and (spec.posterior == "gaussian" or chosen.original)


@st.cache_data(max_entries=256, show_spinner=False)
def typical(key: str, _opened: Opened, _chosen: Chosen, choice: Choice) -> str:
    """How typical a picture is for the model, in words."""
    model, reference = _opened.checkpoint.model, _opened.checkpoint.reference
    if choice.asked is not None:
        return "The model was given another class for it, so there is no original to compare it with."
    if reference is None:
        return "This model's file holds no reference set, so there is nothing to compare the picture with."
    if (row := choice.own_row(REFERENCE)) is not None:
        return reference_typicality(model, reference, row).words
    if choice.is_upload or choice.kind == DATA:
        y = None if _chosen.y is None else _chosen.y.argmax()[None]
        return typicality(model, _chosen.x, reference, y).words
    return "The model made this picture itself, so there is no original to compare its reconstruction with."


def seed_input() -> int:
    """Ask for the seed of the draws from the posteriors."""
    return DRAWN.field(
        width=170,
        help=f"The {DRAWS} draws beside each reconstruction are decoded at z drawn from its posterior q(z | x).",
    )


def single(x: Tensor) -> list[Image.Image]:
    """Pictures (N, C, H, W) one by one."""
    return [images.grid(part, 1, gutter=0) for part in x.split(1)]


def side(slot: str, opened: Opened) -> Chosen | None:
    """One of the pictures: what is chosen."""
    heading = st.container(key=f"heading-{slot}")
    chosen = picture_input(slot, opened)
    if chosen is not None:
        heading.markdown(f":{COLOURS[slot]}[**{slots.NAMES[slot]}**] {plain(chosen.label)}")
    return chosen


def all_figures(name: str, opened: Opened, chosen: Chosen, seed: int) -> list[Figure]:
    """Show the picture as it was given, what the model sees of it, what it rebuilds, and draws from the posterior."""
    figures = seen(name, chosen)
    if chosen.given and chosen.cutout is None:  # else it stands above, with what was cut out of it
        photo = chosen.choice.is_upload and max(chosen.given.size) > SMALL
        figures.insert(0, Figure([chosen.given], "As given", f"Picture {name} as it was given", photo))
    again = rebuilt(opened.key, opened, chosen, chosen.key, seed)
    figures.append(rebuilt_figure(name, chosen, again))
    if len(again) > 1:
        alt = f"Decoded draw from the posterior of picture {name}"
        figures.append(Figure(single(again[1:]), f"{DRAWS} draws", alt))
    return figures


def few_figures(name: str, opened: Opened, chosen: Chosen) -> list[Figure]:
    """Show what the model sees of the picture, and what it rebuilds."""
    again = explore.decode(opened.checkpoint.model, chosen.mean[None], chosen.classes(1))
    return [*seen(name, chosen), rebuilt_figure(name, chosen, again)]


def seen(name: str, chosen: Chosen) -> list[Figure]:
    """Show what the model sees, where it was given a picture."""
    if not chosen.original:
        return []
    return [Figure(single(chosen.x), "The model sees", f"Picture {name} as the model sees it")]


def rebuilt_figure(name: str, chosen: Chosen, again: Tensor) -> Figure:
    """Show the first of the pictures decoded, named by what stands before it."""
    made = "Reconstruction" if chosen.choice.is_given else "Decoded"
    return Figure(
        single(again[:1]), made, f"{made} of picture {name}" if chosen.choice.is_given else f"Picture {name} decoded"
    )


def toolbar(a: Chosen, b: Chosen) -> bool:
    """Draw what concerns both pictures; tell whether the mixed pixels are shown."""
    st.button("Swap A and B", on_click=swap, args=(a, b), wrap=False)
    undo_button("ab")
    return FADE.toggle(
        help="Beside it the pixels of A and B mixed, without any model: what interpolation is not.",
    )


def undo_button(which: str) -> None:
    """Take the last change of these pictures back."""
    names = f"{', '.join(which[:-1].upper())} or {which[-1].upper()}"
    st.button(
        "Undo",
        on_click=slots.undo,
        args=tuple(which),
        disabled=not slots.can_undo(*which),
        help=f"Take the last change of {names} back.",
    )


def swap(a: Chosen, b: Chosen) -> None:
    # As they are now: what was pressed in the same moment is heard first.
    slots.choose_all({"a": slots.held("b") or b.choice, "b": slots.held("a") or a.choice})


def words(opened: Opened, corners: dict[str, Chosen]) -> None:
    """Say what the pictures are, how typical they are, and how they were prepared, two side by side."""
    columns = [column for _ in range(0, len(corners), 2) for column in st.columns(2)]
    for column, (slot, chosen) in zip(columns, corners.items(), strict=False):
        likeness = "" if chosen.seen is None else f" {_capital(classes.looks_like(opened, chosen.seen))}."
        sentence = f"{_capital(chosen.label)}.{likeness} {typical(opened.key, opened, chosen, chosen.choice)}"
        column.markdown(f":{COLOURS[slot]}[**{slots.NAMES[slot]}**] {plain(sentence)}")
        if chosen.notes:
            column.caption(plain(f"{_capital('; '.join(chosen.notes))}."))
    say_originals(opened, corners.values())
    if any(chosen.choice.is_upload for chosen in corners.values()):
        st.caption("Your own pictures are kept for this visit. A link to this page shows the usual pictures instead.")


def _capital(text: str) -> str:
    """Begin the text with a capital letter; EXIF and CMYK stay as they are."""
    return text[:1].upper() + text[1:]


def count_input() -> int:
    """How many pictures, beside the title."""
    return PICTURES.segmented_control(
        help="2: the path from A to B. 3: a triangle. 4: a square. All pictures are mixed in the latent space."
    )


def pair(opened: Opened, bar: DeltaGenerator, left: DeltaGenerator, right: DeltaGenerator) -> None:
    """Draw the path from A to B; the two are chosen first, since all else depends on them."""
    st.html(_PAIR)
    with left:
        screen = stage.screen()
        foot, below = st.container(horizontal=True, vertical_alignment="bottom"), st.container()
    places = {slot: right.container(gap="xsmall") for slot in "ab"}
    sides = {}
    for slot, place in places.items():
        with place:
            sides[slot] = side(slot, opened)
    a, b = sides["a"], sides["b"]
    if a is None or b is None:
        st.stop()
    with foot:
        seed = seed_input() if spreads(opened, a) or spreads(opened, b) else 0
    for slot, chosen in (("a", a), ("b", b)):
        figures = all_figures(slots.NAMES[slot], opened, chosen, seed)
        with places[slot]:
            show_figures(figures, max(4, len(figures)))
    with right:
        way, steps = path.controls(opened)
    with bar:
        fade = toolbar(a, b)
    with screen:
        path_place, row = st.container(), st.container()
    about = (a.key, b.key, way)
    with path_place:
        path.bench(opened, a, b, about, steps, fade)
    with row:
        path.strip(opened, a, b, about, steps, fade)
    with below:
        path.mixing(opened, a, b)
        words(opened, {"a": a, "b": b})
    with foot:
        path.offer(opened, a, b, about, steps, fade)


def between_many(opened: Opened, which: str, bar: DeltaGenerator, left: DeltaGenerator, right: DeltaGenerator) -> None:
    """Draw the pad between three or four pictures: A and C on the left, B and D on the right."""
    st.html(_MANY)
    with right:
        sides = dict(zip("acbd", [column for column in st.columns(2) for _ in range(2)], strict=True))
    corners: dict[str, Chosen] = {}
    for slot in which:
        with sides[slot]:
            if (chosen := side(slot, opened)) is not None:
                corners[slot] = chosen
                show_figures(few_figures(slots.NAMES[slot], opened, chosen))
    if len(corners) < len(which):
        st.stop()
    with bar:
        undo_button(which)
    with left, stage.screen():
        pad.bench(opened, corners)
    if all(chosen.y is not None for chosen in corners.values()):
        st.caption("This model is told the class, and in the pad the classes are mixed by the same weights.")
    words(opened, corners)


def page() -> None:
    """Draw the page."""
    opened = models.picker()
    intro = stage.head("Interpolate")
    models.warn_collapsed(opened)
    slots.keep_in_url(*"abcd")
    left, right = stage.columns()
    bar = left.container(horizontal=True, vertical_alignment="bottom")
    with bar:
        count = count_input()
    if count == 2:
        intro.write("A becomes B: the model decodes every point on the way between the two in its latent space.")
        pair(opened, bar, left, right)
    else:
        intro.write(f"The model decodes every mixture of {count} pictures in its latent space.")
        between_many(opened, "abcd"[:count], bar, left, right)


page()
