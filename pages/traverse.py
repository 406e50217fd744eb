"""Traverse: slide single dimensions of the latent space and watch the picture change."""

import math
from dataclasses import dataclass

import streamlit as st
import torch
from torch import Tensor

from pages.widgets import downloads, links, models, pictures
from pages.widgets.canvas import GREY, GUTTER, canvas
from pages.widgets.models import Opened
from pages.widgets.pictures import Chosen
from vae_core import explore, images
from vae_core.explore import Axis
from vae_core.metrics import ACTIVE_VARIANCE

VISIBLE = 16  # sliders; more of them are folded away
HEIGHT = 360  # of the box of sliders, in pixels: it stays beside the picture
STEP = 0.05
GRID_ROWS = 8
MAX_GRID_ROWS = 32
VALUES = (3, 5, 7, 9, 11, 13, 15)
FRAMES = 25  # of the animation, one way
FPS = 12
MAX_SEED = 999_999
MAX_UNDO = 50
MAX_WARNINGS = 3  # sliders of a damaged link that are told one by one


@dataclass(frozen=True)
class Slide:
    """A slider: the axis, its ends, and where the start stands on it."""

    axis: Axis
    low: float
    high: float
    start: float

    @property
    def key(self) -> str:
        return self.axis.name

    @property
    def label(self) -> str:
        nats = "" if self.axis.kl is None else f" · {self.axis.kl:.2f} nats"
        return f"{self.axis.name}{nats}"

    def snap(self, value: float) -> float:
        """The nearest place that the slider has."""
        return round(min(max(round(value / STEP) * STEP, self.low), self.high), 2)


@st.cache_resource(max_entries=64, show_spinner=False)
def axes_of(key: str, _opened: Opened) -> list[Axis]:
    """What can be slid in the open model."""
    return explore.axes(_opened.checkpoint.model, _opened.checkpoint.reference)


def fits(opened: Opened) -> str | None:
    if axes_of(opened.key, opened):
        return None
    size = opened.checkpoint.model.spec.size
    return (
        f"This model has {size} latent dimensions, too many to slide one by one, and its file holds no reference "
        "encodings from which main directions could be found. Choose another model, or go to Interpolate."
    )


def slide_of(axis: Axis, start: Tensor) -> Slide:
    """The axis's slider: its range from the reference encodings, widened where the start lies outside."""
    place = axis.coordinate(start).item()
    low = round(math.floor(min(axis.low, place) / STEP) * STEP, 2)
    high = round(math.ceil(max(axis.high, place) / STEP) * STEP, 2)
    return Slide(axis, low, high, round(round(place / STEP) * STEP, 2))


def place_of(slide: Slide) -> float:
    return float(st.session_state.get(slide.key, slide.start))


def settle(opened: Opened, start: Chosen, slides: list[Slide]) -> bool:
    """Put the sliders onto the start when model or start are others than before; whether they were."""
    now = (opened.key, start.choice)
    before = st.session_state.get("traverse_of")
    if before is None:
        _check_link(slides)
        st.session_state.traverse_of = now
    if before in (None, now):
        return False
    st.session_state.traverse_undo = []
    for slide in slides:
        st.session_state[slide.key] = slide.start
    return True


def _check_link(slides: list[Slide]) -> None:
    wrong = [slide for slide in slides if links.outside(slide.key, slide.low, slide.high)]
    for slide in wrong[:MAX_WARNINGS]:
        links.check_range(slide.key, slide.key, slide.low, slide.high)
    if more := wrong[MAX_WARNINGS:]:
        st.warning(
            f"The link sets {len(more)} more sliders to what they cannot be; their usual values are used instead."
        )


def remember(slides: list[Slide]) -> None:
    """Keep the sliders' places for `undo` (in a callback, before a change)."""
    steps = st.session_state.setdefault("traverse_undo", [])
    steps.append({slide.key: place_of(slide) for slide in slides})
    del steps[:-MAX_UNDO]


def put(slides: list[Slide], places: list[float]) -> None:
    for slide, place in zip(slides, places, strict=True):
        st.session_state[slide.key] = slide.snap(place)


def undo() -> None:
    st.session_state.update(st.session_state.traverse_undo.pop())


def reset(slides: list[Slide]) -> None:
    remember(slides)
    put(slides, [slide.start for slide in slides])


def randomize(opened: Opened, slides: list[Slide]) -> None:
    """Move the dimensions in use to a draw from the prior; the seed moves on, so that the next press draws anew."""
    remember(slides)
    used = [slide for slide in slides if slide.axis.active]
    seed = st.session_state.random
    draw = explore.sample(opened.checkpoint.model, 1, seed=seed)[0]
    put(used, [slide.axis.coordinate(draw).item() for slide in used])
    st.session_state.random = (seed + 1) % (MAX_SEED + 1)


def slider(slide: Slide) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.slider(slide.label, slide.low, slide.high, slide.start, STEP, key=slide.key, bind="query-params")
        st.button(
            "Reset",
            key=f"reset_{slide.key}",
            type="tertiary",
            on_click=reset,
            args=([slide],),
            disabled=place_of(slide) == slide.start,
            help=f"Put {slide.key} back to the start's {slide.start:g}",
        )


def sliders(slides: list[Slide]) -> None:
    """The dimensions in use, most informative first; the collapsed ones folded away, with the reason."""
    used = [slide for slide in slides if slide.axis.active]
    collapsed = [slide for slide in slides if not slide.axis.active]
    with st.container(height=HEIGHT if len(slides) > 4 else "content", border=True, gap="xsmall"):
        for slide in used[:VISIBLE]:
            slider(slide)
        if used[VISIBLE:]:
            with st.expander(f"{len(used) - VISIBLE} more dimensions"):
                for slide in used[VISIBLE:]:
                    slider(slide)
        if collapsed:
            with st.expander(f"{len(collapsed)} collapsed dimension{'s' if len(collapsed) > 1 else ''}"):
                st.caption(
                    f"The model does not use them: over the reference pictures the variance of the encoded mean is "
                    f"below {ACTIVE_VARIANCE:g} and the KL is close to 0 nats, so that the posterior is the prior. "
                    f"Sliding them changes the picture little or not at all."
                )
                for slide in collapsed:
                    st.caption(f"{slide.key}: variance {slide.axis.variance:.4f}, KL {slide.axis.kl:.3f} nats")
                    slider(slide)


def current(start: Chosen, slides: list[Slide]) -> tuple[Tensor, bool]:
    """The point where the sliders stand, and whether any of them was moved; those that were not keep the start's."""
    point, moved = start.mean, False
    for slide in slides:
        if (place := place_of(slide)) != slide.start:
            point, moved = slide.axis.move(point, place), True
    return point, moved


@st.fragment
def workbench(opened: Opened, start: Chosen, slides: list[Slide]) -> None:
    """Picture and sliders: only these run again when a slider moves."""
    left, right = st.columns([2, 1], gap="medium")
    with right:
        st.markdown("**One slider a dimension**" + ("" if slides[0].axis.kl is None else ", by KL (nats)"))
        sliders(slides)
    point, moved = current(start, slides)
    x = explore.decode(opened.checkpoint.model, point[None])
    with left:
        canvas(
            torch.cat([x, start.x]),
            2,
            "now",
            f"Left: the picture decoded where the sliders stand. Right: the start, {start.label}.",
            below=("Decoded at the sliders", f"Start: {start.label}"),
            share=0.5,
        )
    links.check_range("random", "Seed", 0, MAX_SEED)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        actions(opened, slides)
        send(start.choice if not moved else f"point:{explore.to_text(point)}", x)


def actions(opened: Opened, slides: list[Slide]) -> None:
    """What moves many sliders at once, and takes it back."""
    st.number_input(
        "Seed",
        0,
        MAX_SEED,
        key="random",
        bind="query-params",
        width=140,
        help="Of the next random point; the same seed gives the same point.",
    )
    st.button("Randomize", on_click=randomize, args=(opened, slides), type="primary")
    st.button("Undo", on_click=undo, disabled=not st.session_state.get("traverse_undo"))
    untouched = all(place_of(slide) == slide.start for slide in slides)
    st.button("Reset all", on_click=reset, args=(slides,), disabled=untouched)


def send(choice: str, x: Tensor) -> None:
    """Where the picture can go."""
    for slot in ("a", "b"):
        if st.button(f"Use as {slot.upper()}", key=f"use_{slot}"):
            pictures.choose(slot, choice)
            pictures.keep_in_url(slot)
            st.toast(f"The picture is {slot.upper()} now; Interpolate shows it.")
    st.download_button(
        "Picture (PNG)",
        lambda: images.png(images.grid(x, 1, downloads.enlargement(x.shape[3]), 0)),
        "picture.png",
        "image/png",
        on_click="ignore",
    )


@st.cache_data(max_entries=16, show_spinner="Decoding the grid …")
def decoded(key: str, _opened: Opened, _points: Tensor, about: tuple[object, ...]) -> Tensor:
    """The pictures at points (N, D) that `about` identifies."""
    return explore.decode(_opened.checkpoint.model, _points)


def grid(opened: Opened, start: Chosen, slides: list[Slide]) -> None:
    """Every dimension moved through its range, one a row."""
    st.subheader("All dimensions at a glance", anchor=False)
    st.write("In each row one dimension goes from the low to the high end of its range; the others stay at the start.")
    used = [slide for slide in slides if slide.axis.active] or slides
    left, right = st.columns([2, 1], gap="medium")
    with right:
        links.check_choice("values", "Values", VALUES)
        values = int(st.select_slider("Values", VALUES, 7, key="values", bind="query-params"))
        most = min(len(used), MAX_GRID_ROWS)
        count = most
        if most > 1:
            links.check_range("rows", "Dimensions", 1, most)
            count = st.slider("Dimensions", 1, most, min(GRID_ROWS, most), key="rows", bind="query-params")
    rows = used[:count]
    points = explore.traverse(start.mean, [slide.axis for slide in rows], values)  # (rows, values, D)
    x = decoded(opened.key, opened, points.flatten(0, 1), (start.choice, values, count))

    def pick(place: int) -> None:
        slide = rows[place // values]
        remember(slides)
        put([slide], [slide.axis.coordinate(points[place // values, place % values]).item()])

    with left:
        canvas(
            x,
            values,
            "traversals",
            f"{count} dimensions by {values} values: " + ", ".join(slide.label for slide in rows),
            on_pick=pick,
            rows=[slide.label.replace(" · ", "\n") for slide in rows],
            below=("low", "value of the dimension", "high"),
            share=0.8,
        )
        st.caption("Press a picture to put its slider there." + _share_of_kl(rows, used))
    with right:
        offer(opened, start, used, rows, points, x)


def _share_of_kl(rows: list[Slide], used: list[Slide]) -> str:
    if rows[0].axis.kl is None:
        return ""
    shown, whole = (sum(slide.axis.kl or 0.0 for slide in some) for some in (rows, used))
    return f" These {len(rows)} dimensions carry {shown:.1f} of {whole:.1f} nats of KL per picture."


def offer(opened: Opened, start: Chosen, used: list[Slide], rows: list[Slide], points: Tensor, x: Tensor) -> None:
    """Downloads: the grid, the picture moving along one dimension, the points."""
    stem = downloads.file_name(opened.entry.title, "traverse", start.choice.replace(":", "-"))
    values, grow = points.shape[1], downloads.enlargement(points.shape[1] * x.shape[3])
    names = [slide.key for slide in used]
    links.check_choice("along", "Dimension of the animation", names)
    along = st.selectbox("Dimension of the animation", names, key="along", bind="query-params")
    axis = next(slide.axis for slide in used if slide.key == along)

    def animation() -> bytes:
        frames = explore.decode(opened.checkpoint.model, explore.traverse(start.mean, [axis], FRAMES)[0])
        there_and_back = frames[[*range(FRAMES), *range(FRAMES - 2, 0, -1)]]
        return images.gif(there_and_back, FPS, downloads.enlargement(x.shape[3] * 4))

    with st.container(horizontal=True):
        st.download_button(
            "Grid (PNG)",
            lambda: images.png(images.grid(x, values, grow, grow * GUTTER, GREY)),
            f"{stem}.png",
            "image/png",
            on_click="ignore",
        )
        st.download_button("Animation (GIF)", animation, f"{stem}-{along}.gif", "image/gif", on_click="ignore")
        st.download_button(
            "Latents (npz)",
            lambda: downloads.npz(
                z=points, dimensions=[slide.key for slide in rows], start=start.mean, model=opened.entry.title
            ),
            f"{stem}.npz",
            "application/octet-stream",
            on_click="ignore",
        )


def main() -> None:
    opened = models.picker(fits)
    head, chooser = st.columns([2, 1], gap="medium", vertical_alignment="bottom")
    with head:
        st.title("Traverse", anchor=False)
        st.write("Slide one number of a picture's description at a time, and see what it stands for.")
    models.warn_collapsed(opened)
    with chooser:
        start = pictures.picture_input("start", opened, with_mean=True)
    if start is None:
        st.stop()
    slides = [slide_of(axis, start.mean) for axis in axes_of(opened.key, opened)]
    others = settle(opened, start, slides)
    workbench(opened, start, slides)
    if others:
        # A slider that is new on the page takes its value from the link that the visit began with, whatever the
        # session says; in the next run it is no longer new.
        if all(place_of(slide) == slide.start for slide in slides):
            st.session_state.traverse_of = opened.key, start.choice
        else:
            st.rerun()
    grid(opened, start, slides)
    pictures.keep_in_url("a", "b", "start")


main()
