"""Interpolate: two pictures, and what the model decodes on the way from one to the other; or between three or four."""

from functools import partial
from typing import Any

import streamlit as st
import torch
from PIL import Image
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from pages.widgets.display import stage
from pages.widgets.display.canvas import GREY, GUTTER, canvas, data_url
from pages.widgets.display.figures import Figure, show_figures
from pages.widgets.display.player import player
from pages.widgets.editors import pad
from pages.widgets.live import decoders, views
from pages.widgets.selection import classes, slots
from pages.widgets.selection.choice import DATA, REFERENCE, Choice
from pages.widgets.selection.picker import picture_input
from pages.widgets.selection.resolve import Chosen, say_originals
from pages.widgets.shell import downloads, models
from pages.widgets.shell import words as wording
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import Number, OneOf, Switch, numbered
from vae_core import explore, images
from vae_core.typicality import reference_typicality, typicality

FRAMES = 51  # of the player: one every 0.02
ROW = 10  # frames in a row of its sheet
DRAWS = 4
FEWEST, MOST, USUAL = 3, 25, 9  # steps of the strip
SMALL = 64  # pixels a side: an upload up to here is enlarged like the model's own pictures, and not smoothed
FPS = 20
MAX_SEED = 999_999_999
COLOURS = {"a": "blue", "b": "orange", "c": "violet", "d": "gray"}
PLACE = Number("t", "t, the place between A and B", 0.5, 0.0, 1.0)
PICTURES = OneOf("pictures", "Pictures", 2, numbered((2, 3, 4)))
DRAWN = Number("draws", "Seed of the draws", 0, 0, MAX_SEED)
STEPS = Number("steps", "Steps", USUAL, FEWEST, MOST)
FADE = Switch("fade", "Cross-fade", True)
LABEL = "Place on the path from A to B"
CAPTIONS = ("Decoded along the path", "Pixel cross-fade")
# On one line, else the buttons of A and B stand at different heights; the words below the strip have the whole name.
_STYLE = (
    "<style>@media (min-width: 641px) { [class*=st-key-heading-] p "
    "{ overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } }</style>"
)
PATHS = {"straight": "linear", "spherical": "spherical", "flow": "flow"}


def between(opened: Opened, a: Chosen, b: Chosen, path: str, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Points (T, D) of the path, their pictures, and the mixed pixels, both (T, C, H, W)."""
    model = opened.checkpoint.model
    if path == PATHS["flow"]:
        points = explore.through_flow(model, a.mean, b.mean, count)
    else:
        points = explore.interpolate(a.mean, b.mean, count, path)
    y = None if a.y is None or b.y is None else explore.interpolate(a.y, b.y, count)
    return points, explore.decode(model, points, y), explore.crossfade(a.x[0], b.x[0], count)


@st.cache_data(max_entries=32, show_spinner=False)
def way(key: str, _opened: Opened, _a: Chosen, _b: Chosen, about: tuple[str, ...], count: int) -> tuple[Tensor, ...]:
    """The steps of the way that `about` identifies."""
    return between(_opened, _a, _b, about[-1], count)


@st.cache_data(max_entries=64, show_spinner="Decoding the way …")
def sheets(key: str, _opened: Opened, _a: Chosen, _b: Chosen, about: tuple[str, ...]) -> tuple[bytes, bytes]:
    """The player's two sheets of frames: decoded along the path, and the pixels mixed."""
    _, decoded, mixed = between(_opened, _a, _b, about[-1], FRAMES)
    return images.png(images.grid(decoded, ROW, gutter=0)), images.png(images.grid(mixed, ROW, gutter=0))


@st.cache_data(max_entries=256, show_spinner=False)
def rebuilt(key: str, _opened: Opened, _chosen: Chosen, about: str, seed: int) -> Tensor:
    """The reconstruction, then decoded draws from the posterior where it has any: (1 or 1 + DRAWS, C, H, W)."""
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
    """The seed of the draws from the posteriors."""
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
    """The picture as it was given, what the model sees of it, what it rebuilds, and draws from the posterior."""
    found = seen(name, chosen)
    if chosen.given and chosen.cutout is None:  # else it stands above, with what was cut out of it
        photo = chosen.choice.is_upload and max(chosen.given.size) > SMALL
        found.insert(0, Figure([chosen.given], "As given", f"Picture {name} as it was given", photo))
    again = rebuilt(opened.key, opened, chosen, chosen.key, seed)
    found.append(rebuilt_figure(name, chosen, again))
    if len(again) > 1:
        alt = f"Decoded draw from the posterior of picture {name}"
        found.append(Figure(single(again[1:]), f"{DRAWS} draws", alt))
    return found


def few_figures(name: str, opened: Opened, chosen: Chosen) -> list[Figure]:
    """What the model sees of the picture, and what it rebuilds."""
    again = explore.decode(opened.checkpoint.model, chosen.mean[None], chosen.classes(1))
    return [*seen(name, chosen), rebuilt_figure(name, chosen, again)]


def seen(name: str, chosen: Chosen) -> list[Figure]:
    """What the model sees, where it was given a picture."""
    if not chosen.original:
        return []
    return [Figure(single(chosen.x), "The model sees", f"Picture {name} as the model sees it")]


def rebuilt_figure(name: str, chosen: Chosen, again: Tensor) -> Figure:
    """The first of the pictures decoded, named by what stands before it."""
    made = "Rebuilt" if chosen.choice.is_given else "Decoded"
    return Figure(single(again[:1]), made, f"Picture {name} {made.lower()}")


def toolbar(a: Chosen, b: Chosen) -> bool:
    """What concerns both pictures; whether the mixed pixels are shown."""
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


def controls(opened: Opened) -> tuple[str, int]:
    """The path, and the number of steps in the strip."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        path = path_input(opened)
        return path, STEPS.field(width=130, help="Pictures in the strip.")


def path_input(opened: Opened) -> str:
    """The path, where there is a choice."""
    options = paths_of(opened)
    if len(options) == 1:
        st.caption(wording.straight(opened.checkpoint.model.spec))
        return "linear"
    name = OneOf("path", "Path", "straight", options).segmented_control(
        help="Straight: linear interpolation of z. Spherical (slerp): along a great circle, on which the length of z "
        "changes evenly; points of a normal prior in many dimensions lie near a sphere. Flow: spherical in the base of "
        "the fitted flow, so that every step lies about where the encoder puts pictures.",
    )
    return PATHS[name]


def paths_of(opened: Opened) -> dict[str, str]:
    """The paths that mean something for a model, the usual one first."""
    model = opened.checkpoint.model
    has = {"straight": True, "spherical": model.spec.prior == "normal", "flow": explore.in_base(model)}
    return {name: name.capitalize() for name, there in has.items() if there}


@st.fragment
def play(opened: Opened, a: Chosen, b: Chosen, about: tuple[str, ...], fade: bool) -> None:
    """The path; alone in a fragment, so that its place does not run the rest again."""
    if graph := decoders.graph(opened, flow=about[-1] == PATHS["flow"]):
        live_path(opened, a, b, about, fade, graph)
    else:
        server_path(opened, a, b, about, fade)
    PLACE.write()


def live_path(opened: Opened, a: Chosen, b: Chosen, about: tuple[str, ...], fade: bool, graph: dict[str, Any]) -> None:
    """A path of which the browser decodes every place."""
    ends, weights, path = torch.stack([a.mean, b.mean]), None, about[-1]
    if a.y is not None and b.y is not None:
        weights = [a.y.tolist(), b.y.tolist()]
    if path == PATHS["flow"]:
        ends, path = explore.to_base(opened.checkpoint.model, ends), PATHS["spherical"]
        weights = weights or [[0.0] * graph["classes"]] * 2

    views.show(
        "path",
        "path_view",
        {
            "model": graph,
            "about": f"{opened.key} {about}",
            "a": ends[0].tolist(),
            "b": ends[1].tolist(),
            "classes": weights,
            "path": path,
            "pictures": [data_url(a.x), data_url(b.x)],
            "fade": fade,
            "captions": list(CAPTIONS),
            "label": LABEL,
            "t": PLACE.get(),
            "share": 0.5,
        },
        t=PLACE.tell,
    )


def server_path(opened: Opened, a: Chosen, b: Chosen, about: tuple[str, ...], fade: bool) -> None:
    """The player of frames that the server decoded."""
    decoded, mixed = sheets(opened.key, opened, a, b, about)
    _, height, width = opened.checkpoint.model.image_shape
    if "player" not in st.session_state:  # it appears now, and holds its place itself from then on
        st.session_state.player_start = PLACE.get()
    start, second = st.session_state.player_start, mixed if fade else None
    PLACE.put(
        player(decoded, FRAMES, width, height, "player", start, second, captions=CAPTIONS, label=LABEL, share=0.4)
    )


def strip(opened: Opened, a: Chosen, b: Chosen, about: tuple[str, ...], count: int, fade: bool) -> None:
    """The steps in a row, with the mixed pixels below them."""
    _, decoded, mixed = way(opened.key, opened, a, b, about, count)
    canvas(
        torch.cat([decoded, mixed]) if fade else decoded,
        count,
        "strip",
        f"{count} steps decoded from A to B" + (", and below them the pixels of A and B mixed" if fade else ""),
        rows=("Decoded", "Mixed") if fade else (),
        below=("A", *[""] * (count - 2), "B"),
        share=0.28,
    )


def words(opened: Opened, corners: dict[str, Chosen]) -> None:
    """What the pictures are, how typical they are, and how they were prepared, two side by side."""
    columns = [column for _ in range(0, len(corners), 2) for column in st.columns(2)]
    for column, (slot, chosen) in zip(columns, corners.items(), strict=False):
        found = "" if chosen.seen is None else f" {_capital(classes.looks_like(opened, chosen.seen))}."
        sentence = f"{_capital(chosen.label)}.{found} {typical(opened.key, opened, chosen, chosen.choice)}"
        column.markdown(f":{COLOURS[slot]}[**{slots.NAMES[slot]}**] {plain(sentence)}")
        if chosen.notes:
            column.caption(plain(f"{_capital('; '.join(chosen.notes))}."))
    say_originals(opened, corners.values())
    if any(chosen.choice.is_upload for chosen in corners.values()):
        st.caption("Your own pictures are kept for this visit. A link to this page shows the usual pictures instead.")


def mixing(opened: Opened, a: Chosen, b: Chosen) -> None:
    """That the class changes on the way too, where the model is given one."""
    if a.y is None or b.y is None:
        return
    names = classes.names(opened)
    first, last = (names[int(y.argmax())] for y in (a.y, b.y))
    if first == last:
        st.caption(f"This model is told the class: it is {plain(first)} all the way, and only the style changes.")
    else:
        st.caption(
            f"This model is told the class, and on the way the class is mixed too: at A it is all {plain(first)}, half "
            f"way half {plain(first)} and half {plain(last)}, at B all {plain(last)}."
        )


def _capital(text: str) -> str:
    """The text with a first capital letter; EXIF and CMYK stay as they are."""
    return text[:1].upper() + text[1:]


def offer(opened: Opened, a: Chosen, b: Chosen, about: tuple[str, ...], steps: int, fade: bool) -> None:
    """Downloads of what is shown."""
    points, decoded, mixed = way(opened.key, opened, a, b, about, steps)
    stem = downloads.file_name(opened.entry.title, "interpolation")
    _, height, width = opened.checkpoint.model.image_shape

    def png() -> bytes:
        rows = torch.cat([decoded, mixed]) if fade else decoded
        grow = downloads.enlargement(steps * (width + GUTTER))
        return images.png(images.grid(rows, steps, grow, GUTTER * grow, GREY))

    def gif() -> bytes:
        _, frames, _ = between(opened, a, b, about[-1], FRAMES)
        return images.gif(torch.cat([frames, frames.flip(0)[1:-1]]), FPS, max(1, 256 // max(height, width)))

    def npz() -> bytes:
        t = torch.linspace(0, 1, steps)
        return downloads.npz(z=points, t=t, a=a.mean, b=b.mean, path=about[-1], model=opened.entry.title)

    save = partial(st.download_button, on_click="ignore")
    save("Strip (PNG)", png, f"{stem}.png", "image/png")
    save("Animation (GIF)", gif, f"{stem}.gif", "image/gif", help="From A to B and back.")
    save("Latents (npz)", npz, f"{stem}.npz", "application/octet-stream", help="z (T, D), t (T), a and b (D).")


def count_input() -> int:
    """How many pictures, beside the title."""
    return PICTURES.segmented_control(
        help="2: the path from A to B. 3: a triangle. 4: a square. All pictures are mixed in the latent space."
    )


def pair(opened: Opened, bar: DeltaGenerator, left: DeltaGenerator, right: DeltaGenerator) -> None:
    """The path from A to B; the two are chosen first, since all else depends on them."""
    slots.leave_url("c", "d")
    with left:
        screen = stage.screen()
        foot, below = st.container(horizontal=True, vertical_alignment="bottom"), st.container()
    places = {slot: right.container(gap="xsmall") for slot in "ab"}
    found = {}
    for slot, place in places.items():
        with place:
            found[slot] = side(slot, opened)
    a, b = found["a"], found["b"]
    if a is None or b is None:
        st.stop()
    with foot:
        seed = seed_input() if spreads(opened, a) or spreads(opened, b) else 0
    for slot, chosen in (("a", a), ("b", b)):
        figures = all_figures(slots.NAMES[slot], opened, chosen, seed)
        with places[slot]:
            show_figures(figures, max(4, len(figures)))
    with right:
        path, steps = controls(opened)
    with bar:
        fade = toolbar(a, b)
    with screen:
        path_place, row = st.container(), st.container()
    about = (a.key, b.key, path)
    with path_place:
        play(opened, a, b, about, fade)
    with row:
        strip(opened, a, b, about, steps, fade)
    with below:
        mixing(opened, a, b)
        words(opened, {"a": a, "b": b})
    with foot:
        offer(opened, a, b, about, steps, fade)


def between_many(opened: Opened, which: str, bar: DeltaGenerator, left: DeltaGenerator, right: DeltaGenerator) -> None:
    """The pad between three or four pictures: A and C on the left, B and D on the right."""
    slots.keep_in_url(*which)
    slots.leave_url(*"d"[len(which) - 3 :])
    with right:
        sides = dict(zip("acbd", [column for column in st.columns(2) for _ in range(2)], strict=True))
    found: dict[str, Chosen | None] = {}
    for slot in which:
        with sides[slot]:
            found[slot] = chosen = side(slot, opened)
            if chosen is not None:
                show_figures(few_figures(slots.NAMES[slot], opened, chosen))
    corners = {slot: chosen for slot, chosen in found.items() if chosen is not None}
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
    """The page."""
    opened = models.picker()
    intro = stage.head("Interpolate")
    models.warn_collapsed(opened)
    st.html(_STYLE)
    slots.keep_in_url("a", "b")
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
