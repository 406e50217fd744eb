"""Traverse: slide single dimensions of the latent space and watch the picture change."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.display import stage
from pages.widgets.display.canvas import GREY, GUTTER, canvas, data_url
from pages.widgets.editors import codes
from pages.widgets.live import decoders, views
from pages.widgets.selection import classes, send, slots
from pages.widgets.selection.choice import POINT, Choice
from pages.widgets.selection.picker import picture_input
from pages.widgets.selection.resolve import Chosen
from pages.widgets.shell import control, downloads, links, models, steps, words
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import Number, OneOf, Switch, numbered
from vae_core import explore, images
from vae_core.explore import Axis

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
BY_NAME = Switch("order", "Order of the sliders", False, on="name", off="nats")
RANDOM = Number("random", "Seed", 0, 0, MAX_SEED)
CHANGE = OneOf("change", "Change", "codes", {"codes": "Codes", "directions": "Directions"})
SLID = OneOf("slide", "Slide", "dimensions", {"dimensions": "Dimensions", "flow": "Flow"})  # where there is a flow
FOLLOW = Switch("follow", "Finer levels follow", False)
SHOWN = OneOf("values", "Values", 7, numbered(VALUES))
SLIDER = re.compile(r"(L\d+-)?(z|PC|f)\d+")  # what sliders are called in a link


@dataclass(frozen=True)
class Way:
    """How a point becomes a picture here.

    Attributes:
        label: the class that it is decoded as; None where the model has no classes.
        y: the weights of that class, (classes,).
        level: the latent group that is slid alone; None is all.
        follow: the finer groups are drawn given the one that is slid, at their means.
        flow: points are those of the base of the fitted flow.
    """

    label: int | None = None
    y: Tensor | None = None
    level: int | None = None
    follow: bool = False
    flow: bool = False

    def codes(self, opened: Opened, points: Tensor) -> Tensor:
        """The codes (N, D) that points stand for."""
        return explore.from_base(opened.checkpoint.model, points) if self.flow else points

    def decode(self, opened: Opened, points: Tensor) -> Tensor:
        """Pictures (N, C, H, W) at points (N, D), or (N, M) of a flow's base."""
        points = self.codes(opened, points)
        y = None if self.y is None else self.y.expand(len(points), -1)
        if self.follow and self.level is not None:
            return explore.continued(opened.checkpoint.model, points, self.level + 1, 0.0, y=y)
        return explore.decode(opened.checkpoint.model, points, y)

    @property
    def about(self) -> tuple[int | str | None, ...]:
        return self.label, self.slid, self.follow

    @property
    def slid(self) -> int | str | None:
        """What tells these sliders from others of the model."""
        return "flow" if self.flow else self.level


@dataclass(frozen=True)
class Level(OneOf[str]):
    """Which level is slid; links of before told its shape too, as `Level 1 (4 × 2 × 2)`."""

    def read(self, texts: list[str]) -> str:
        return super().read([texts[-1].partition(" (")[0]])


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
def axes_of(key: str, _opened: Opened, level: int | None = None, flow: bool = False) -> list[Axis]:
    """What can be slid in the open model, in one of its levels, or in the base of its flow."""
    if flow:
        return explore.base_axes(_opened.checkpoint.model)
    return explore.axes(_opened.checkpoint.model, _opened.checkpoint.reference, level)


def fits(opened: Opened) -> str | None:
    if opened.checkpoint.model.spec.codebook_size or axes_of(opened.key, opened):
        return None
    if any(axes_of(opened.key, opened, level) for level in range(len(opened.checkpoint.model.spec.shapes))):
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


def away(slides: list[Slide]) -> dict[str, float]:
    """Where those stand that are not at the start."""
    return {slide.key: place_of(slide) for slide in slides if place_of(slide) != slide.start}


def settle(opened: Opened, start: Chosen, slides: list[Slide], slid: int | str | None) -> None:
    """Put the sliders onto the start when model, start or what is slid are others than before."""
    now = (opened.key, start.choice, slid)
    held = st.session_state.get("traverse_of")
    if held != now:
        st.session_state.traverse_undo = []
    before = None if steps.went_back() else held
    if before is None:
        _follow_link(slides)
        st.session_state.traverse_of = now
    if before in (None, now):
        return
    put(slides, [slide.start for slide in slides])
    st.session_state.traverse_of = now


def _follow_link(slides: list[Slide]) -> None:
    """Put the sliders where the link has them, and say what of it cannot be."""
    wrong, slid = [], {slide.key for slide in slides}
    for slide in slides:
        if steps.went_back():
            st.session_state.pop(slide.key, None)
        if not (texts := st.query_params.get_all(slide.key)):
            continue
        try:
            place = Number(slide.key, slide.key, slide.start, slide.low, slide.high).read(texts)
        except ValueError as error:
            wrong.append((slide.key, texts[-1], str(error)))
        else:
            st.session_state.setdefault(slide.key, slide.snap(place))
    _say_wrong(wrong, [key for key in st.query_params if SLIDER.fullmatch(key) and key not in slid])


def _say_wrong(wrong: list[tuple[str, str, str]], unknown: list[str]) -> None:
    """Say which sliders of a link stand where they cannot, and which are not there."""
    for key, found, allowed in wrong[:MAX_WARNINGS]:
        links.refuse(key, found, allowed)
    if more := wrong[MAX_WARNINGS:]:
        st.warning(
            f"The link sets {len(more)} more sliders to what they cannot be; their usual values are used instead."
        )
    if unknown:
        st.warning(f"The link sets {links.some(unknown)}, but here this model has no such sliders; they are left out.")


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
    model = opened.checkpoint.model
    draw = (explore.sample_base if is_flow(slides) else explore.sample)(model, 1, seed=RANDOM.get())[0]
    put(used, [slide.axis.coordinate(draw).item() for slide in used])
    RANDOM.next()


def put_down(slides: list[Slide], places: Any) -> None:
    """The hand let go: what it moved, or put back; what is not a place on a slider is left out."""
    found = places if isinstance(places, dict) else {}
    remember(slides)
    for slide in slides:
        place = found.get(slide.key, place_of(slide))
        st.session_state[slide.key] = float(place) if is_place(slide, place) else slide.start


def slider(slide: Slide, slides: list[Slide]) -> None:
    key = control.key(slide.key, place_of(slide))

    def let_go(place: float) -> None:
        put_down(slides, {slide.key: place})

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        heard = control.hears(slide.key, key, let_go)
        st.slider(slide.label, slide.low, slide.high, place_of(slide), STEP, key=key, on_change=heard)
        st.button(
            "Reset",
            key=f"reset_{slide.key}",
            type="tertiary",
            on_click=reset,
            args=([slide],),
            disabled=place_of(slide) == slide.start,
            help=f"Put {slide.key} back to the start's {slide.start:g}",
        )


def sliders(opened: Opened, slides: list[Slide]) -> None:
    """The dimensions in use, most informative first; the collapsed ones folded away, with the reason."""
    used = [slide for slide in slides if slide.axis.active]
    collapsed = [slide for slide in slides if not slide.axis.active]
    with st.container(height=HEIGHT if len(slides) > 4 else "content", border=True, gap="xsmall"):
        for slide in used[:VISIBLE]:
            slider(slide, slides)
        if used[VISIBLE:]:
            with st.expander(f"{len(used) - VISIBLE} more {kind_of(slides)}s"):
                for slide in used[VISIBLE:]:
                    slider(slide, slides)
        if collapsed:
            with st.expander(f"{len(collapsed)} collapsed dimension{'s' if len(collapsed) > 1 else ''}"):
                st.caption(
                    f"The model does not use them: {words.unused(opened.checkpoint.model.spec)}. Sliding them changes "
                    "the picture little or not at all."
                )
                for slide in collapsed:
                    nats = "" if slide.axis.kl is None else f", KL {slide.axis.kl:.3f} nats"
                    st.caption(f"{slide.key}: variance {slide.axis.variance:.4f}{nats}")
                    slider(slide, slides)


def kind_of(slides: list[Slide]) -> str:
    """What a slider moves along."""
    return "dimension" if slides[0].key.startswith(("z", "f")) else "direction"


def is_flow(slides: list[Slide]) -> bool:
    """Whether they move through the base of a flow."""
    return slides[0].key.startswith("f")


def heading(opened: Opened, slides: list[Slide]) -> str:
    """What the sliders are and how they are ordered."""
    if is_flow(slides):
        return "**One slider a dimension of the flow's base**, N(0, I): the codes' widest directions first"
    if kind_of(slides) == "direction":
        return "**One slider a principal direction** of the reference encodings: the dimensions are too many"
    if slides[0].axis.kl is not None:
        return "**One slider a dimension**, its KL in nats"
    if slides[0].axis.variance is None:
        return "**One slider a dimension**"
    return f"**One slider a dimension**, {words.order_of(opened.checkpoint.model.spec)}"


def current(start: Chosen, slides: list[Slide]) -> tuple[Tensor, bool]:
    """The point where the sliders stand, and whether any of them was moved; those that were not keep the start's."""
    point, moved = start.mean, False
    for slide in slides:
        if (place := place_of(slide)) != slide.start:
            point, moved = slide.axis.move(point, place), True
    return point, moved


@st.fragment
def workbench(opened: Opened, start: Chosen, slides: list[Slide], way: Way) -> None:
    """Picture and sliders: only these run again when a slider moves."""
    keep = None if way.level is None or not way.follow else way.level + 1
    if graph := decoders.graph(opened, keep, flow=way.flow):
        live_bench(opened, start, slides, way, graph)
    else:
        server_bench(opened, start, slides, way)
    links.replace(SLIDER, {key: f"{place:g}" for key, place in away(slides).items()})
    if way.follow:
        st.caption("The finer levels follow: each is at its mean given the coarser ones, and not the start's.")
    point, moved = current(start, slides)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        actions(opened, slides)
        send_on(
            opened,
            choice_of(start, way.codes(opened, point[None])[0], moved, way),
            lambda: way.decode(opened, point[None]),
            can_be_sent=not way.follow,
        )


def live_bench(opened: Opened, start: Chosen, slides: list[Slide], way: Way, graph: dict[str, Any]) -> None:
    """Sliders that decode in the browser while they are dragged."""
    unused = words.unused(opened.checkpoint.model.spec)
    views.show(
        "traverse",
        "traverse",
        {
            "model": graph,
            "about": f"{opened.key} {start.key} {way.about}",
            "start": start.mean.tolist(),
            "y": ([0.0] * graph["classes"] or None) if way.y is None else way.y.flatten().tolist(),
            "picture": data_url(start.x),
            "captions": ["Decoded at the sliders", f"Start: {start.label}"],
            "heading": heading(opened, slides).replace("**", ""),
            "folded": f"The model does not use them: {unused}. Sliding them changes the picture little or not at all.",
            "slides": [told(slide, start) for slide in slides],
            "places": dict(sorted(away(slides).items())),
            "byName": BY_NAME.get(),
            "share": 0.5,
        },
        places=partial(put_down, slides),
        order=lambda by_name: BY_NAME.put(by_name is True),
    )
    BY_NAME.write()


def is_place(slide: Slide, place: Any) -> bool:
    """Whether a browser's word is a place that the slider has."""
    return isinstance(place, int | float) and slide.low <= place <= slide.high


def told(slide: Slide, start: Chosen) -> dict[str, Any]:
    """A slider as the live view takes it."""
    axis = slide.axis
    single = int(axis.direction.count_nonzero()) == 1 and slide.key.startswith(("z", "f"))
    return {
        "key": slide.key,
        "note": slide.label.removeprefix(slide.key),
        "low": slide.low,
        "high": slide.high,
        "start": slide.start,
        "at": axis.coordinate(start.mean).item(),
        "kl": axis.kl,
        "active": axis.active,
        "index": int(axis.direction.argmax()),
        "direction": None if single else axis.direction.tolist(),
    }


def server_bench(opened: Opened, start: Chosen, slides: list[Slide], way: Way) -> None:
    """Sliders of Streamlit's own; the server decodes when one is let go."""
    left, right = st.columns([2, 1], gap="medium")
    with right:
        st.markdown(heading(opened, slides))
        sliders(opened, slides)
    point, _ = current(start, slides)
    x = way.decode(opened, point[None])
    with left:
        canvas(
            torch.cat([x, start.x]),
            2,
            "now",
            f"Left: the picture decoded where the sliders stand. Right: the start, {start.label}.",
            below=("Decoded at the sliders", f"Start: {start.label}"),
            share=0.5,
        )


def choice_of(start: Chosen, point: Tensor, moved: bool, way: Way) -> Choice:
    """What stands for the picture on the other pages."""
    same_class = way.y is None or (start.y is not None and torch.equal(way.y, start.y))
    if not moved and same_class:
        return start.choice
    return Choice(POINT, explore.to_text(point)).with_class(way.label)


@st.fragment
def code_bench(opened: Opened, start: Chosen) -> None:
    """The editor of codes, and where its picture can go."""
    point, x = codes.editor(opened, start)
    changed = bool(codes.edits_of(opened, start))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        send_on(opened, Choice(POINT, explore.to_text(point)) if changed else start.choice, lambda: x)


def actions(opened: Opened, slides: list[Slide]) -> None:
    """What moves many sliders at once, and takes it back."""
    RANDOM.field(width=150, help="Of the next random point; the same seed gives the same point.")
    st.button("Randomize", on_click=randomize, args=(opened, slides), type="primary")
    st.button("Undo", on_click=undo, disabled=not st.session_state.get("traverse_undo"))
    st.button("Reset all", on_click=reset, args=(slides,), disabled=not away(slides))


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
    """The pictures at points (N, D) that `about` identifies."""
    return _way.decode(_opened, _points)


def grid(opened: Opened, start: Chosen, slides: list[Slide], way: Way) -> None:
    """Every dimension moved through its range, one a row."""
    kind = kind_of(slides)
    st.header(f"All {kind}s at a glance", anchor=False)
    st.write(f"In each row one {kind} goes from the low to the high end of its range; the others stay at the start.")
    used = [slide for slide in slides if slide.axis.active] or slides
    left, right = st.columns([2, 1], gap="medium")
    with right:
        values = SHOWN.select_slider()
        most = min(len(used), MAX_GRID_ROWS)
        count = most
        if most > 1:
            count = Number("rows", f"{kind.capitalize()}s", min(GRID_ROWS, most), 1, most).slider()
    rows = used[:count]
    points = explore.traverse(start.mean, [slide.axis for slide in rows], values)  # (rows, values, D)
    x = decoded(opened.key, opened, points.flatten(0, 1), way, (start.key, values, count, *way.about))

    def pick(place: int) -> None:
        slide = rows[place // values]
        remember(slides)
        put([slide], [slide.axis.coordinate(points[place // values, place % values]).item()])

    with left:
        canvas(
            x,
            values,
            "traversals",
            f"{count} {kind}s by {values} values: " + ", ".join(slide.label for slide in rows),
            on_pick=pick,
            rows=[slide.label.replace(" · ", "\n") for slide in rows],
            below=("low", f"value of the {kind}", "high"),
            share=0.8,
        )
        st.caption("Press a picture to put its slider there." + _share_of_kl(rows, used))
    with right:
        offer(opened, start, used, rows, points, x, way)


def _share_of_kl(rows: list[Slide], used: list[Slide]) -> str:
    if rows[0].axis.kl is None:
        return ""
    shown, whole = (sum(slide.axis.kl or 0.0 for slide in some) for some in (rows, used))
    return f" These {len(rows)} dimensions carry {shown:.1f} of {whole:.1f} nats of KL per picture."


def offer(
    opened: Opened, start: Chosen, used: list[Slide], rows: list[Slide], points: Tensor, x: Tensor, way: Way
) -> None:
    """Downloads: the grid, the picture moving along one dimension, the points."""
    stem = downloads.file_name(opened.entry.title, "traverse", start.choice.slug)
    values, grow = points.shape[1], downloads.enlargement(points.shape[1] * x.shape[3])
    names = {slide.key: slide.key for slide in used}
    along = OneOf("along", f"{kind_of(used).capitalize()} of the animation", used[0].key, names).selectbox()
    axis = next(slide.axis for slide in used if slide.key == along)

    def animation() -> bytes:
        frames = way.decode(opened, explore.traverse(start.mean, [axis], FRAMES)[0])
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
                dimensions=[slide.key for slide in rows],
                start=way.codes(opened, start.mean[None])[0],
                model=opened.entry.title,
            ),
            f"{stem}.npz",
            "application/octet-stream",
            on_click="ignore",
        )


def main() -> None:
    opened = models.picker(fits)
    slots.keep_in_url("a", "b", "start")
    what = "Change one code" if opened.checkpoint.model.spec.codebook_size else "Slide one number"
    left, chooser = stage.columns()
    with left:
        stage.head("Traverse").write(f"{what} of a picture's description at a time, and see what it stands for.")
        beside = st.container()
    models.warn_collapsed(opened)
    with chooser:
        start = picture_input("start", opened, with_mean=True, beside=beside)
    if start is None:
        st.stop()
    with chooser:
        way, by_code = way_input(opened, start)
    if by_code:
        with stage.screen():
            code_bench(opened, start)
    else:
        slide(opened, start, way)


def way_input(opened: Opened, start: Chosen) -> tuple[Way, bool]:
    """What only some models have: a class, a level that is slid alone, codes in place of sliders."""
    spec = opened.checkpoint.model.spec
    label, y = class_input(opened, start)
    if spec.codebook_size:
        return Way(label, y), CHANGE.segmented_control() == "codes"
    level = level_input(opened) if len(spec.shapes) > 1 else None
    follow = level is not None and level < len(spec.shapes) - 1 and follow_input()
    return Way(label, y, level, follow, explore.in_base(opened.checkpoint.model) and flow_input()), False


def flow_input() -> bool:
    """Whether the base of the fitted flow is slid."""
    chosen = SLID.segmented_control(
        help="Dimensions: those of the code. Flow: those of N(0, I), which the fitted flow carries to codes, so that "
        "the picture stays among what the encoder knows as the sliders move.",
    )
    return chosen == "flow"


def class_input(opened: Opened, start: Chosen) -> tuple[int | None, Tensor | None]:
    """The class that the picture is decoded as: the start's, or another."""
    if opened.checkpoint.model.spec.classes is None:
        return None, None
    own = 0 if start.y is None else int(start.y.argmax())
    name = plain(classes.names(opened)[own])
    chosen = classes.select(
        opened,
        "as",
        f"Decode as (the start is {name})",
        classes.OWN,
        "This model is told the class. With another class and the same z one sees the same style in another shape.",
    )
    label = own if chosen is None else chosen
    return label, start.y if chosen is None and start.y is not None else classes.one_hot(opened, label)


def level_input(opened: Opened) -> int | None:
    """The level that is slid alone, or None for all together."""
    names = words.what_levels(opened.checkpoint.model.spec)
    options = {"all": "All levels"} if axes_of(opened.key, opened) else {}
    levels = {f"level-{i}": name for i, name in enumerate(names, 1)}
    before = {"All levels": "all"} | {word.replace("-", " "): word for word in levels}
    chosen = Level("level", "Level", next(iter(options | levels)), options | levels, before).selectbox(
        help="z is made of levels from coarse to fine. With one level chosen, its dimensions alone are slid."
    )
    return list(levels).index(chosen) if chosen in levels else None


def follow_input() -> bool:
    """Whether the finer levels go with the one that is slid."""
    return FOLLOW.toggle(
        help="Off: the finer levels stay as they are in the start. On: each takes its mean given the coarser ones, so "
        "that the whole picture goes with what is slid.",
    )


def slide(opened: Opened, start: Chosen, way: Way) -> None:
    """Sliders for the dimensions, and the grid of all of them."""
    if way.flow:
        start = replace(start, mean=explore.to_base(opened.checkpoint.model, start.mean[None])[0])
    slides = [slide_of(axis, start.mean) for axis in axes_of(opened.key, opened, way.level, way.flow)]
    if not slides:
        st.info("There are too many dimensions to slide, and no reference encodings to find main directions from.")
        return
    settle(opened, start, slides, way.slid)
    with stage.screen():
        workbench(opened, start, slides, way)
    grid(opened, start, slides, way)


main()
