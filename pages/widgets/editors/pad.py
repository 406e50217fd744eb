"""The pad: three or four pictures at its corners, and what the model decodes between them."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.display.canvas import GREY, GUTTER, canvas
from pages.widgets.live import decoders, views
from pages.widgets.selection import slots
from pages.widgets.selection.resolve import Chosen
from pages.widgets.shell import downloads, links
from pages.widgets.shell.models import Opened
from vae_core import explore, images

PICKED = 5  # pictures a side of the grid that stands for the pad where the server decodes
SAVED = 9  # pictures a side of the grid that can be saved
WHERE = {3: "a place in the triangle, as 0.5,0.3", 4: "two numbers from 0 to 1, as 0.5,0.5"}
CAPTION = "Decoded at the handle"

Corners = dict[str, Chosen]  # by slot, A first


def place(count: int) -> tuple[float, float]:
    """Where the handle stands: this visit's place, else the link's, else the middle."""

    def fits(u: float, v: float) -> bool:
        return bool(explore.in_pad(torch.tensor([[u, v]]), count))

    if "at" not in st.session_state:
        asked = links.check_place("at", "at, the place in the pad", fits, WHERE[count])
        st.session_state.at = asked or explore.pad_centre(count)
    if not fits(*st.session_state.at):  # the square's place was beside the triangle
        st.session_state.at = explore.pad_centre(count)
    return st.session_state.at


def put(count: int, at: Any) -> None:
    """Move the handle to what the component tells, if it is a place."""
    fine = isinstance(at, list | tuple) and len(at) == 2 and all(isinstance(v, int | float) and 0 <= v <= 1 for v in at)
    if fine and explore.in_pad(torch.tensor([at]), count):
        st.session_state.at = (float(at[0]), float(at[1]))


def decode(opened: Opened, corners: Corners, weights: Tensor) -> Tensor:
    """Pictures (N, C, H, W) of the corners blended by weights (N, K)."""
    return explore.decode(opened.checkpoint.model, *blended(corners, weights))


def blended(corners: Corners, weights: Tensor) -> tuple[Tensor, Tensor | None]:
    """Points (N, D), and class weights where the model has classes, at weights (N, K)."""
    classes = [chosen.y for chosen in corners.values() if chosen.y is not None]
    points = explore.blend(torch.stack([chosen.mean for chosen in corners.values()]), weights)
    return points, explore.blend(torch.stack(classes), weights) if len(classes) == len(corners) else None


def about(corners: Corners) -> tuple[str, ...]:
    """What tells these pictures from others."""
    return tuple(chosen.key for chosen in corners.values())


@st.cache_data(max_entries=32, show_spinner="Decoding the pad …")
def grid(key: str, _opened: Opened, _corners: Corners, about: tuple[str, ...], side: int) -> Tensor:
    """The pad in side * side pictures, row by row, (N, C, H, W); those beside a triangle are grey."""
    places = explore.pad_grid(side)
    inside = explore.in_pad(places, len(_corners))
    found = torch.full((len(places), *_opened.checkpoint.model.image_shape), GREY)
    found[inside] = decode(_opened, _corners, explore.pad_weights(places[inside], len(_corners)))
    return found


def weights_at(at: tuple[float, float], count: int) -> Tensor:
    """The weights of the corners there, (1, K); rounding may leave the place a hair beside the pad."""
    return explore.pad_weights(torch.tensor([at]), count).clamp_min(0)


@st.fragment
def bench(opened: Opened, corners: Corners) -> None:
    """The pad and its downloads: only these run again when the handle moves."""
    at = place(len(corners))
    if graph := decoders.model(opened):
        live_pad(opened, corners, at, graph)
    else:
        server_pad(opened, corners, at)
    told, middle = (",".join(f"{value:.3g}" for value in each) for each in (at, explore.pad_centre(len(corners))))
    links.replace(re.compile("at"), {} if told == middle else {"at": told})
    with st.container(horizontal=True, gap="small"):
        offer(opened, corners, at)


def live_pad(opened: Opened, corners: Corners, at: tuple[float, float], graph: dict[str, Any]) -> None:
    """A handle that decodes in the browser while it is dragged."""
    count = len(corners)
    points, classes = blended(corners, torch.eye(count))
    views.show(
        "pad",
        "pad",
        {
            "model": graph,
            "about": f"{opened.key} {about(corners)}",
            "names": [slots.NAMES[slot] for slot in corners],
            "corners": points.tolist(),
            "classes": None if classes is None else classes.tolist(),
            "caption": CAPTION,
            "at": list(at),
            "share": 0.285,
        },
        at=partial(put, count),
    )


def server_pad(opened: Opened, corners: Corners, at: tuple[float, float]) -> None:
    """A grid of pictures decoded by the server; the one that is pressed has the handle."""
    count, places = len(corners), explore.pad_grid(PICKED)
    inside = explore.in_pad(places, count)
    near = int((places - torch.tensor(at)).norm(dim=1).masked_fill(~inside, torch.inf).argmin())

    def pick(index: int) -> None:
        put(count, places[index].tolist())

    weights = weights_at(at, count)
    shares = ", ".join(f"{slots.NAMES[slot]} {share:.2f}" for slot, share in zip(corners, weights[0], strict=True))
    canvas(decode(opened, corners, weights), 1, "pad_now", CAPTION, gutter=0, share=0.28)
    st.caption(f"{CAPTION}: {shares}. Press a picture of the pad to put the handle there.")
    pad = grid(opened.key, opened, corners, about(corners), PICKED)
    names = "A above left, B above right, " + ("C below" if count == 3 else "C below left, D below right")
    canvas(pad, PICKED, "pad_grid", f"The pad in pictures: {names}", on_pick=pick, chosen=near, share=0.45)


def offer(opened: Opened, corners: Corners, at: tuple[float, float]) -> None:
    """Downloads of what is shown, decoded when one is pressed."""
    stem = downloads.file_name(opened.entry.title, "pad")
    count, width = len(corners), opened.checkpoint.model.image_shape[2]
    weights = weights_at(at, count)

    def picture() -> bytes:
        return images.png(images.grid(decode(opened, corners, weights), 1, downloads.enlargement(width), 0))

    def sheet() -> bytes:
        grow = downloads.enlargement(SAVED * (width + GUTTER))
        pad = grid(opened.key, opened, corners, about(corners), SAVED)
        return images.png(images.grid(pad, SAVED, grow, GUTTER * grow, GREY))

    def npz() -> bytes:
        places = explore.pad_grid(SAVED)
        places = torch.cat([torch.tensor([at]), places[explore.in_pad(places, count)]])
        shares = explore.pad_weights(places, count)
        points, classes = blended(corners, shares)
        more = {} if classes is None else {"y": classes}
        ends = blended(corners, torch.eye(count))[0]
        return downloads.npz(z=points, at=places, weights=shares, corners=ends, model=opened.entry.title, **more)

    save = partial(st.download_button, on_click="ignore")
    save("Picture (PNG)", picture, f"{stem}.png", "image/png")
    save("Grid (PNG)", sheet, f"{stem}-grid.png", "image/png", help=f"The whole pad, {SAVED} pictures a side.")
    explained = "z (N, D), at (N, 2), weights (N, K), corners (K, D); the first row is the handle, then the grid."
    save("Latents (npz)", npz, f"{stem}.npz", "application/octet-stream", help=explained)
