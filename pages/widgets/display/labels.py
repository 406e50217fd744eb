"""Where the names of classes stand on a map, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

NARROW = 220  # CSS pixels across the points of a map on a phone 360 wide
AROUND = 90  # pixels of a map's height that titles, ticks and margins take
LINE = 28  # pixels of a label's height, with a gap
MAX_NAME = 16  # characters of a label
WIDE = 0x2E80  # from this code point on, letters as wide as they are high


def short(name: str) -> str:
    """Return a name that leaves room for others."""
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"


def shifts(
    centres: NDArray[Any], points: NDArray[Any], names: Sequence[str], height: int, font: int
) -> NDArray[Any] | None:
    """Tell how far to move each label up from its centre.

    The server does not know how wide the map is. Labels move up and down alone and keep their order, so what is apart
    on a phone is apart on every wider map, and when somebody looks closer.

    Args:
        centres: (n, 2) where the labels belong, in the units of the points.
        points: (N, 2) all points of the map.
        names: n texts, as `short` gives them.
        height: of the figure, in pixels.
        font: size of the letters, in pixels.

    Returns:
        (n,) pixels, or None where the labels do not fit above one another.
    """
    room = height - AROUND
    low, high = points.min(axis=0), points.max(axis=0)
    scale = float(np.min((NARROW, room) / np.maximum(high - low, 1e-12)))  # as where both axes have equal units
    places = (centres - (low + high) / 2) * scale  # (n, 2) pixels from the middle
    order = np.argsort(places[:, 1], kind="stable")
    widths = np.array([_width(name, font) for name in names])
    heights = _spread(places[order], widths[order], (room - LINE) / 2)
    if heights is None:
        return None
    moved = np.empty(len(order))
    moved[order] = heights - places[order, 1]
    return moved


def _width(name: str, font: int) -> float:
    """Return about how wide a bold text is on its ground, in pixels."""
    letters = ImageFont.load_default(font)
    return 8 + 1.1 * sum(font if ord(letter) >= WIDE else letters.getlength(letter) for letter in name)


def _spread(places: NDArray[Any], widths: NDArray[Any], edge: float) -> NDArray[Any] | None:
    """Spread label heights (n,) within -edge to edge, in their order, each at least LINE above those that it meets."""
    meet = np.abs(places[:, None, 0] - places[None, :, 0]) < (widths[:, None] + widths) / 2
    # Both ways alone keep the labels apart, and so does the middle between them.
    y = (_push(places[:, 1], meet) - _push(-places[::-1, 1], meet[::-1, ::-1])[::-1]) / 2
    y = -_push(-np.minimum(y, edge)[::-1], meet[::-1, ::-1])[::-1]
    y = _push(np.maximum(y, -edge), meet)
    return y if y.max() <= edge + 1e-6 else None


def _push(y: NDArray[Any], meet: NDArray[Any]) -> NDArray[Any]:
    """Move each label up as far as those below it ask."""
    y = y.copy()
    for i in range(1, len(y)):
        below = y[:i][meet[i, :i]]
        y[i] = max(y[i], below.max() + LINE) if below.size else y[i]
    return y
