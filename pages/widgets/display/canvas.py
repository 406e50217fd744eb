"""A grid of pictures, as large as fits, with names beside it; one of them can be pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from pages.widgets.display.figures import source
from pages.widgets.live import views
from pages.widgets.live.payloads import PicturesData, Tiling
from vae_core import images

GUTTER = 1  # pixels of the pictures' own size
GREY = 0.5  # of gutters: seen on dark and light pictures, in both themes


def data_url(pictures: Tensor, columns: int = 1, gutter: int = 0) -> str:
    """Give pictures (N, C, H, W) in a grid, as an address that holds the PNG itself."""
    return source(images.grid(pictures, columns, gutter=gutter, background=GREY))


def tiling(pictures: Tensor, columns: int, gutter: int = 0) -> Tiling:
    """Say how pictures (N, C, H, W) stand in a grid."""
    count, _, height, width = pictures.shape
    return {"width": width, "height": height, "columns": columns, "count": count, "gutter": gutter}


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
        share: of the window's height that the canvas may take, 0 to 1.
    """

    def pick(place: Any) -> None:
        if on_pick and isinstance(place, int | float) and 0 <= int(place) < len(pictures):
            on_pick(int(place))

    data: PicturesData = {
        "src": data_url(pictures, columns, GUTTER),
        "layout": tiling(pictures, columns, GUTTER),
        "alt": alt,
        "chosen": -1 if chosen is None else chosen,
        "pickable": on_pick is not None,
        "rows": list(rows),
        "below": list(below),
        "share": share,
    }
    views.show("pictures", key, data, picked=pick)
