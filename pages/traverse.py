"""Traverse: slide single dimensions of the latent space and watch the picture change."""

from collections.abc import Callable
from functools import partial

import streamlit as st
from torch import Tensor

from pages.widgets.display import stage
from pages.widgets.display.canvas import GREY, GUTTER, canvas, data_url
from pages.widgets.editors import codes
from pages.widgets.live import views
from pages.widgets.live.payloads import TraverseData
from pages.widgets.selection import send, slots
from pages.widgets.selection.choice import POINT, Choice
from pages.widgets.selection.picker import picture_input
from pages.widgets.selection.resolve import Chosen
from pages.widgets.shell import downloads, models, words
from pages.widgets.shell.models import Opened
from pages.widgets.shell.url_state import Number, OneOf, Switch, numbered
from pages.widgets.sliders.slider import Slider
from pages.widgets.sliders.sliders import Sliders
from pages.widgets.sliders.way import Way, axes_of, way_input
from vae_core import explore, images

SHARE = 0.3  # of the window's height, for a picture at least
BUTTONS = 6  # rem below the view
GRID_ROWS = 8
MAX_GRID_ROWS = 32
VALUES = (3, 5, 7, 9, 11, 13, 15)
FRAMES = 25  # of the animation, one way
FPS = 12
MAX_SEED = 999_999
BY_NAME = Switch("order", "Order of the sliders", False, on="name", off="nats")
RANDOM = Number("random", "Seed", 0, 0, MAX_SEED)
CHANGE = OneOf("change", "Change", "codes", {"codes": "Codes", "directions": "Directions"})
SHOWN = OneOf("values", "Values", 7, numbered(VALUES))


def fits(opened: Opened) -> str | None:
    """Why a model cannot be opened here, or None."""
    spec = opened.checkpoint.model.spec
    levels = (None, *range(len(spec.shapes)))
    if spec.codebook_size or any(axes_of(opened.key, opened, level) for level in levels):
        return None
    return (
        f"This model has {spec.size} latent dimensions, too many to slide one by one, and its file holds no reference "
        "encodings from which main directions could be found. Choose another model, or go to Interpolate."
    )


def heading(opened: Opened, sliders: Sliders, way: Way) -> tuple[str, str]:
    """Tell what the sliders are, in a line, and how they are ordered besides."""
    if way.flow:
        base = "One slider per dimension of N(0, I)"
        return base, f"{base}, the flow's base: the codes' widest directions first"
    if sliders.kind == "direction":
        return "One slider per principal direction", (
            "One slider per principal direction of the reference encodings: the dimensions are too many"
        )
    axis, short = sliders.each[0].axis, "One slider per dimension"
    if axis.kl is not None:
        return (f"{short}, its KL in nats",) * 2
    order = "" if axis.variance is None else f", {words.order_of(opened.checkpoint.model.spec)}"
    return short, short + order


@st.fragment
def workbench(opened: Opened, start: Chosen, sliders: Sliders, way: Way) -> None:
    """Picture and sliders: only these run again when a slider moves."""
    unused = words.unused(opened.checkpoint.model.spec)
    graph = way.graph(opened)
    data: TraverseData = {
        "model": graph,
        "about": f"{opened.key} {start.key} {way.about}",
        "start": sliders.point.tolist(),
        "y": ([0.0] * graph["classes"] or None) if way.y is None else way.y.flatten().tolist(),
        "picture": data_url(start.x),
        "captions": ("Decoded at the sliders", f"Start: {start.label}"),
        "heading": heading(opened, sliders, way),
        "folded": f"The model does not use them: {unused}. Sliding them changes the picture little or not at all.",
        "slides": sliders.sent(),
        "places": sliders.places,
        "byName": BY_NAME.get(),
        "share": SHARE,
        "rest": BUTTONS,
    }
    views.show("traverse", "traverse", data, places=sliders.hear, order=lambda by_name: BY_NAME.put(by_name is True))
    BY_NAME.write()
    sliders.write()
    if way.follow:
        st.caption("The finer levels follow: each is at its mean given the coarser ones, and not the start's.")
    point = sliders.now[None]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        actions(opened, sliders, way)
        choice = choice_of(start, way.codes(opened, point)[0], bool(sliders.places), way)
        send_on(opened, choice, lambda: way.decode(opened, point), can_be_sent=not way.follow)


def actions(opened: Opened, sliders: Sliders, way: Way) -> None:
    """Draw the buttons that move many sliders at once, and take it back."""
    RANDOM.field(width=150, help="Of the next random point; the same seed gives the same point.")
    st.button("Randomize", on_click=randomize, args=(opened, sliders, way), type="primary")
    st.button("Undo", on_click=sliders.undo, disabled=not sliders.can_undo)
    st.button("Reset all", on_click=sliders.reset, disabled=not sliders.places)


def randomize(opened: Opened, sliders: Sliders, way: Way) -> None:
    """Move the dimensions in use to a draw from the prior; the seed moves on, so that the next press draws anew."""
    seed = RANDOM.get()
    draw = (explore.sample_base if way.flow else explore.sample)(opened.checkpoint.model, 1, seed=seed)[0]
    places = {slider.key: slider.axis.coordinate(draw).item() for slider in sliders.used}
    sliders.put(places, partial(RANDOM.put, seed))
    RANDOM.next()


def choice_of(start: Chosen, point: Tensor, moved: bool, way: Way) -> Choice:
    """Choose what stands for the picture on the other pages."""
    if not moved and way.as_in(start):
        return start.choice
    return Choice(POINT, explore.to_text(point)).with_class(way.label)


@st.fragment
def code_bench(opened: Opened, start: Chosen) -> None:
    """Draw the editor of codes, and where its picture can go."""
    point, x = codes.editor(opened, start)
    changed = bool(codes.edits_of(opened, start))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        send_on(opened, Choice(POINT, explore.to_text(point)) if changed else start.choice, lambda: x)


def send_on(opened: Opened, choice: Choice, picture: Callable[[], Tensor], can_be_sent: bool = True) -> None:
    """Where the picture, made when wanted, can go; one whose finer levels only the decoder knows cannot be sent."""
    stem = downloads.file_name(opened.entry.title, "picture")
    for slot in send.buttons("use", send.A_AND_B, disabled=not can_be_sent):
        send.send(slot, choice, "The picture")
    st.download_button(
        "Picture (PNG)",
        lambda: images.png(images.grid(x := picture(), 1, downloads.enlargement(x.shape[3]), 0)),
        f"{stem}.png",
        "image/png",
        on_click="ignore",
    )


@st.cache_data(max_entries=16, show_spinner="Decoding the grid …")
def decoded(key: str, _opened: Opened, _points: Tensor, _way: Way, about: tuple[object, ...]) -> Tensor:
    """Decode points (N, D) that `about` identifies."""
    return _way.decode(_opened, _points)


def grid(opened: Opened, start: Chosen, sliders: Sliders, way: Way) -> None:
    """Every dimension moved through its range, one a row."""
    kind, used = sliders.kind, sliders.used or sliders.each
    st.header(f"All {kind}s at a glance", anchor=False)
    st.write(f"In each row one {kind} goes from the low to the high end of its range; the others stay at the start.")
    left, right = stage.columns("split-grid")
    with right:
        values = SHOWN.select_slider()
        count = most = min(len(used), MAX_GRID_ROWS)
        if most > 1:
            count = Number("rows", f"{kind.capitalize()}s", min(GRID_ROWS, most), 1, most).slider()
    rows = used[:count]
    points = explore.traverse(sliders.point, [slider.axis for slider in rows], values)  # (rows, values, D)
    x = decoded(opened.key, opened, points.flatten(0, 1), way, (start.key, values, count, *way.about))

    def pick(place: int) -> None:
        slider = rows[place // values]
        sliders.put({slider.key: slider.axis.coordinate(points[place // values, place % values]).item()})

    with left:
        canvas(
            x,
            values,
            "traversals",
            f"{count} {kind}s by {values} values: " + ", ".join(slider.key + slider.note for slider in rows),
            on_pick=pick,
            rows=[slider.key + slider.note.replace(" · ", "\n") for slider in rows],
            below=("low", f"value of the {kind}", "high"),
            share=0.8,
        )
        st.caption("Press a picture to put its slider there." + _share_of_kl(rows, used))
    with right:
        offer(opened, start, sliders, rows, points, x, way)


def _share_of_kl(rows: list[Slider], used: list[Slider]) -> str:
    if rows[0].axis.kl is None:
        return ""
    shown, whole = (sum(slider.axis.kl or 0.0 for slider in some) for some in (rows, used))
    return f" These {len(rows)} dimensions carry {shown:.1f} of {whole:.1f} nats of KL per picture."


def offer(
    opened: Opened, start: Chosen, sliders: Sliders, rows: list[Slider], points: Tensor, x: Tensor, way: Way
) -> None:
    """Offer downloads: the grid, the picture moving along one dimension, the points."""
    stem = downloads.file_name(opened.entry.title, "traverse", start.choice.slug)
    values, grow = points.shape[1], downloads.enlargement(points.shape[1] * x.shape[3])
    axes = {slider.key: slider.axis for slider in sliders.used or sliders.each}
    label = f"{sliders.kind.capitalize()} of the animation"
    along = OneOf("along", label, rows[0].key, {name: name for name in axes}).selectbox()

    def animation() -> bytes:
        frames = way.decode(opened, explore.traverse(sliders.point, [axes[along]], FRAMES)[0])
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
                z=way.codes(opened, points.flatten(0, 1)).unflatten(0, points.shape[:2]),
                dimensions=[slider.key for slider in rows],
                start=way.codes(opened, sliders.point[None])[0],
                model=opened.entry.title,
            ),
            f"{stem}.npz",
            "application/octet-stream",
            on_click="ignore",
        )


def slide(opened: Opened, start: Chosen, way: Way) -> None:
    """Sliders for the dimensions, and the grid of all of them."""
    point = way.start(opened, start.mean)
    each = [Slider.of(axis, point) for axis in way.axes(opened)]
    if not each:
        st.info("There are too many dimensions to slide, and no reference encodings to find main directions from.")
        return
    sliders = Sliders("traverse", (opened.key, start.choice, way.slid), each, point)
    sliders.settle()
    with stage.screen():
        workbench(opened, start, sliders, way)
    grid(opened, start, sliders, way)


def main() -> None:
    opened = models.picker(fits)
    slots.keep_in_url("a", "b", "start")
    has_codes = opened.checkpoint.model.spec.codebook_size
    left, right = stage.columns()
    with left:
        what = "Change one code of a picture" if has_codes else "Slide one number of a picture's code"
        stage.head("Traverse").write(f"{what}, and see what it stands for.")
        beside = st.container()
        bar = st.container(key="bar", horizontal=True, vertical_alignment="bottom")
    models.warn_collapsed(opened)
    with right:
        start = picture_input("start", opened, with_mean=True, beside=beside)
    if start is None:
        st.stop()
    with bar:
        way = way_input(opened, start)
        by_code = bool(has_codes) and CHANGE.segmented_control() == "codes"
    if by_code:
        with stage.screen():
            code_bench(opened, start)
    else:
        slide(opened, start, way)


main()
