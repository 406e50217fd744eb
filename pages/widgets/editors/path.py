"""The path: two pictures at its ends, and what the model decodes on the way from one to the other."""

from __future__ import annotations

from functools import partial

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.display.canvas import GREY, GUTTER, canvas, data_url, tiling
from pages.widgets.live import decoders, views
from pages.widgets.selection import classes
from pages.widgets.selection.resolve import Chosen
from pages.widgets.shell import downloads, words
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import Number, OneOf
from vae_core import explore, images

FRAMES = 51  # of an animation, from A to B
FPS = 20
FEWEST, MOST, USUAL = 3, 25, 9  # steps of the strip
PLACE = Number("t", "t, the place between A and B", 0.5, 0.0, 1.0)
STEPS = Number("steps", "Steps", USUAL, FEWEST, MOST)
LABEL = "Place on the path from A to B"
SHARE, STRIP = 0.3, 0.2  # of the window's height: a picture at least, the strip at most
CAPTIONS = ("Decoded along the path", "Pixel cross-fade")
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
    """Return the steps of the way that `about` identifies."""
    return between(_opened, _a, _b, about[-1], count)


def controls(opened: Opened) -> tuple[str, int]:
    """Ask for the path, and for the number of steps in the strip."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        path = path_input(opened)
        return path, STEPS.field(width=130, help="Pictures in the strip.")


def path_input(opened: Opened) -> str:
    """Ask for the path, where there is a choice."""
    options = paths_of(opened)
    if len(options) == 1:
        st.caption(words.straight(opened.checkpoint.model.spec))
        return "linear"
    name = OneOf("path", "Path", "straight", options).segmented_control(
        help="Straight: linear interpolation of z. Spherical (slerp): along a great circle, on which the length of z "
        "changes evenly; points of a normal prior in many dimensions lie near a sphere. Flow: spherical in the base of "
        "the fitted flow, so that every step lies about where the encoder puts pictures.",
    )
    return PATHS[name]


def paths_of(opened: Opened) -> dict[str, str]:
    """Return the paths that mean something for a model, the usual one first."""
    model = opened.checkpoint.model
    has = {"straight": True, "spherical": model.spec.prior == "normal", "flow": explore.in_base(model)}
    return {name: name.capitalize() for name, there in has.items() if there}


@st.fragment
def bench(opened: Opened, a: Chosen, b: Chosen, about: tuple[str, ...], steps: int, fade: bool) -> None:
    """Draw the path; alone in a fragment, so that its place does not run the rest again."""
    graph = decoders.graph(opened, flow=about[-1] == PATHS["flow"])
    ends, weights, path = torch.stack([a.mean, b.mean]), None, about[-1]
    if a.y is not None and b.y is not None:
        weights = a.y.tolist(), b.y.tolist()
    if path == PATHS["flow"]:
        ends, path = explore.to_base(opened.checkpoint.model, ends), PATHS["spherical"]
        weights = weights or ([0.0] * graph["classes"],) * 2

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
            "pictures": (data_url(a.x), data_url(b.x)),
            "fade": fade,
            "captions": CAPTIONS,
            "label": LABEL,
            "t": PLACE.get(),
            "share": SHARE,
            "strip": tiling(a.x.expand((1 + fade) * steps, -1, -1, -1), steps, GUTTER),
            "stripShare": STRIP,
        },
        t=PLACE.tell,
    )
    PLACE.write()


def strip(opened: Opened, a: Chosen, b: Chosen, about: tuple[str, ...], count: int, fade: bool) -> None:
    """Draw the steps in a row, with the mixed pixels below them."""
    _, decoded, mixed = way(opened.key, opened, a, b, about, count)
    canvas(
        torch.cat([decoded, mixed]) if fade else decoded,
        count,
        "strip",
        f"{count} steps decoded from A to B" + (", and below them the pixels of A and B mixed" if fade else ""),
        rows=("Decoded", "Mixed") if fade else (),
        share=STRIP,
    )


def mixing(opened: Opened, a: Chosen, b: Chosen) -> None:
    """Say that the class changes on the way too, where the model is given one."""
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


def offer(opened: Opened, a: Chosen, b: Chosen, about: tuple[str, ...], steps: int, fade: bool) -> None:
    """Offer downloads of what is shown."""
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
