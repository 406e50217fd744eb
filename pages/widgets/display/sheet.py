"""A contact sheet that one can click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from pages.widgets.display import canvas
from pages.widgets.live import views
from pages.widgets.live.payloads import SheetData

COLUMNS = 10  # of the sprite sheet; how many stand in a row is the browser's choice


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

    def pick(row: Any) -> None:
        if isinstance(row, int | float) and int(row) in rows:
            on_pick(int(row))

    data: SheetData = {
        "src": canvas.data_url(pictures, COLUMNS),
        "layout": canvas.tiling(pictures, COLUMNS),
        "rows": list(rows),
        "labels": list(labels),
        "chosen": -1 if chosen is None else chosen,
        "label": label,
        "wide": wide,
    }
    views.show("sheet", key, data, picked=pick)
