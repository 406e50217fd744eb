"""The pad: three or four pictures at its corners, and what the model decodes between them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.display.canvas import GREY, GUTTER
from pages.widgets.live import decoders, views
from pages.widgets.selection import slots
from pages.widgets.selection.resolve import Chosen
from pages.widgets.shell import downloads
from pages.widgets.shell.models import Opened
from pages.widgets.shell.present import presenting
from pages.widgets.shell.url_state import Value
from vae_core import explore, images

SAVED = 9  # pictures a side of the grid that can be saved
WHERE = {3: "a place in the triangle, as 0.5,0.3", 4: "two numbers from 0 to 1, as 0.5,0.5"}
CAPTION = "Decoded at the handle"
SHARE = 0.45  # of the window's height that the pad takes at least
DOWNLOADS = 3.5  # rem below it

Corners = dict[str, Chosen]  # by slot, A first


@dataclass(frozen=True)
class Place(Value[tuple[float, float]]):
    """Where the handle stands in a pad of `count` corners."""

    count: int

    def read(self, texts: list[str]) -> tuple[float, float]:
        numbers = re.fullmatch(r"([0-9.]{1,12}),([0-9.]{1,12})", texts[-1], re.ASCII)
        try:
            place = (float(numbers[1]), float(numbers[2])) if numbers else None
        except ValueError:  # as 1.2.3
            place = None
        if place is None or not self._has(*place):
            raise ValueError(WHERE[self.count])
        return place

    def text(self, value: tuple[float, float]) -> str:
        return ",".join(f"{part:.3g}" for part in value)

    def fit(self, value: tuple[float, float]) -> tuple[float, float]:
        return value if self._has(*value) else self.usual  # the square's place was beside the triangle

    def tell(self, said: Any) -> None:
        """Move the handle to what the component says, if it is a place."""
        fine = isinstance(said, list | tuple) and len(said) == 2 and all(isinstance(part, int | float) for part in said)
        if fine and self._has(*said):
            self.put((float(said[0]), float(said[1])))

    def _has(self, u: float, v: float) -> bool:
        return 0 <= u <= 1 and 0 <= v <= 1 and bool(explore.in_pad(torch.tensor([[u, v]]), self.count))


def place(count: int) -> Place:
    """Return the place of the handle, which is in the middle at first."""
    return Place("at", "at, the place in the pad", explore.pad_centre(count), count)


def decode(opened: Opened, corners: Corners, weights: Tensor) -> Tensor:
    """Pictures (N, C, H, W) of the corners blended by weights (N, K)."""
    return explore.decode(opened.checkpoint.model, *blended(corners, weights))


def blended(corners: Corners, weights: Tensor) -> tuple[Tensor, Tensor | None]:
    """Points (N, D), and class weights where the model has classes, at weights (N, K)."""
    classes = [chosen.y for chosen in corners.values() if chosen.y is not None]
    points = explore.blend(torch.stack([chosen.mean for chosen in corners.values()]), weights)
    return points, explore.blend(torch.stack(classes), weights) if len(classes) == len(corners) else None


def about(corners: Corners) -> tuple[str, ...]:
    """Return what tells these pictures from others."""
    return tuple(chosen.key for chosen in corners.values())


@st.cache_data(max_entries=32, show_spinner="Decoding the pad …")
def grid(key: str, _opened: Opened, _corners: Corners, about: tuple[str, ...], side: int) -> Tensor:
    """Return the pad in side * side pictures, row by row, (N, C, H, W); those beside a triangle are grey."""
    places = explore.pad_grid(side)
    inside = explore.in_pad(places, len(_corners))
    pictures = torch.full((len(places), *_opened.checkpoint.model.image_shape), GREY)
    pictures[inside] = decode(_opened, _corners, explore.pad_weights(places[inside], len(_corners)))
    return pictures


def weights_at(at: tuple[float, float], count: int) -> Tensor:
    """Return the weights of the corners there, (1, K); rounding may leave the place a hair beside the pad."""
    return explore.pad_weights(torch.tensor([at]), count).clamp_min(0)


@st.fragment
def bench(opened: Opened, corners: Corners) -> None:
    """Draw the pad and its downloads: only these run again when the handle moves."""
    count = len(corners)
    at = place(count).get()
    points, classes = blended(corners, torch.eye(count))
    views.show(
        "pad",
        "pad",
        {
            "model": decoders.graph(opened),
            "about": f"{opened.key} {about(corners)}",
            "names": [slots.NAMES[slot] for slot in corners],
            "corners": points.tolist(),
            "classes": None if classes is None else classes.tolist(),
            "caption": CAPTION,
            "at": at,
            "share": SHARE,
            "rest": 0 if presenting() else DOWNLOADS,
        },
        at=place(count).tell,
    )
    place(count).write()
    with st.container(horizontal=True, gap="small"):
        offer(opened, corners, at)


def offer(opened: Opened, corners: Corners, at: tuple[float, float]) -> None:
    """Offer downloads of what is shown, decoded when one is pressed."""
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
