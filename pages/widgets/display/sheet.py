"""A contact sheet that one can click."""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from torch import Tensor

from pages.widgets.shell import components
from vae_core import images

_HERE = Path(__file__).parent
COLUMNS = 10  # of the sprite sheet; how many stand in a row is the browser's choice

_component = st.components.v2.component(
    "vae_explorer_sheet",
    html='<div class="sheet" role="group"></div>',
    css=(_HERE / "sheet.css").read_text("utf-8"),
    js=(_HERE / "sheet.js").read_text("utf-8"),
)


def sheet(
    pictures: Tensor,
    rows: Sequence[int],
    labels: Sequence[str],
    key: str,
    on_pick: Callable[[int], None],
    chosen: int | None = None,
    label: str = "Pictures",
    *,
    wide: bool = False,
) -> None:
    """Show pictures as buttons.

    Args:
        pictures: (N, C, H, W) in [0, 1].
        rows: N numbers, one of which `on_pick` is called with.
        labels: N names, for the pointer and for a screen reader.
        key: the widget's key.
        on_pick: called before the next run.
        chosen: the row to mark.
        label: the name of the whole.
        wide: as wide and nearly as high as the page, and not as a popover has room for.
    """

    def picked() -> None:
        row = components.said(key, "picked")
        if isinstance(row, int | float) and int(row) in rows:
            on_pick(int(row))

    png = images.png(images.grid(pictures, COLUMNS, gutter=0))
    data = {
        "sprite": "data:image/png;base64," + base64.b64encode(png).decode(),
        "columns": COLUMNS,
        "width": pictures.shape[3],
        "height": pictures.shape[2],
        "rows": list(rows),
        "labels": list(labels),
        "chosen": -1 if chosen is None else chosen,
        "label": label,
        "wide": wide,
    }
    _component(key=key, data=data, on_picked_change=picked)
