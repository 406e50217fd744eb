"""A grid of pictures in one canvas, as large as fits, with names beside it; one of them can be pressed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from torch import Tensor

from pages.widgets.shell import components
from vae_core import images

_HERE = Path(__file__).parent
GUTTER = 1  # pixels of the pictures' own size
GREY = 0.5  # of gutters: seen on dark and light pictures, in both themes

_HTML = """
<div class="canvas">
  <div class="rows"></div>
  <div class="stage"><img><span class="mark" hidden></span></div>
  <div class="below"></div>
</div>
"""

_component = st.components.v2.component(
    "vae_explorer_canvas",
    html=_HTML,
    css=(_HERE / "canvas.css").read_text("utf-8"),
    js=(_HERE / "canvas.js").read_text("utf-8"),
)


def data_url(pictures: Tensor, columns: int = 1, gutter: int = 0) -> str:
    """Pictures (N, C, H, W) in a grid, as an address that holds the PNG itself."""
    png = images.png(images.grid(pictures, columns, gutter=gutter, background=GREY))
    return "data:image/png;base64," + base64.b64encode(png).decode()


def canvas(
    pictures: Tensor,
    columns: int,
    key: str,
    alt: str,
    *,
    on_pick: Callable[[int], None] | None = None,
    chosen: int | None = None,
    rows: Sequence[str] = (),
    below: Sequence[str] = (),
    gutter: int = GUTTER,
    share: float = 0.74,
) -> None:
    """Show pictures in one canvas, enlarged by a whole number without smoothing.

    Args:
        pictures: (N, C, H, W) in [0, 1].
        columns: pictures a row.
        key: the widget's key.
        alt: what it shows, for a person who does not see it.
        on_pick: called with the place (0 to N - 1) of a picture that was pressed, before the next run.
        chosen: the place to mark.
        rows: texts on the left from top to bottom, one a row; or any other number of them along an axis. Where
            rows are low, what follows a line break is left out.
        below: texts below from left to right, likewise one a column or along an axis.
        gutter: pixels between the pictures, of the pictures' own size.
        share: of the window's height that the canvas may take, 0 to 1.
    """

    def picked() -> None:
        place = components.said(key, "picked")
        if on_pick and isinstance(place, int | float) and 0 <= int(place) < len(pictures):
            on_pick(int(place))

    data = {
        "src": data_url(pictures, columns, gutter),
        "alt": alt,
        "count": len(pictures),
        "columns": columns,
        "width": pictures.shape[3],
        "height": pictures.shape[2],
        "gutter": gutter,
        "chosen": -1 if chosen is None else chosen,
        "rows": list(rows),
        "below": list(below),
        "share": share,
        "pickable": on_pick is not None,
    }
    _component(key=key, data=data, on_picked_change=picked)
