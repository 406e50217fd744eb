"""A plain scatter plot of a map, drawn with pillow: a file needs no browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

# Petroff 2021, "Accessible Color Sequences for Data Visualization" (arXiv:2107.02270), the sequence of ten.
COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
CORNERS = (0, 4, 3)  # of the marks: discs, then squares, then triangles, as every ten classes the colours repeat
SIDE, LEGEND, MARGIN = 900, 220, 30  # pixels
NAMED = 30  # more classes than that have no legend
SMOOTH = 3  # drawn larger by this and shrunk: pillow draws hard edges


def draw(
    coords: NDArray[Any],
    labels: NDArray[Any] | None = None,
    names: Sequence[str] = (),
    colours: Sequence[tuple[int, int, int]] | None = None,
) -> Image.Image:
    """Draw points, coloured by class, with a legend; both axes have the same scale and no ticks.

    Args:
        coords: (N, 2) with N at least 1; the second coordinate grows upwards.
        labels: (N,) places in `names`, or None.
        names: names of the classes.
        colours: N of them where it is not the class that gives a point its colour.

    Returns:
        An RGB image.
    """
    shown = [] if labels is None or len(names) > NAMED else list(enumerate(names))
    width = SIDE + (LEGEND if shown else 0)
    canvas = Image.new("RGB", (width * SMOOTH, SIDE * SMOOTH), "white")
    pen = ImageDraw.Draw(canvas)
    radius = SMOOTH * (4.0 if len(coords) <= 2_000 else 2.5)
    places = _places(coords) * SMOOTH
    order = np.random.default_rng(0).permutation(len(coords))  # no class lies on top for being the last
    for i in order:
        _mark(pen, places[i], radius, 0 if labels is None else int(labels[i]), colours[i] if colours else None)
    for row, (label, name) in enumerate(shown):
        middle = SMOOTH * (MARGIN + 26 * row + 10)
        _mark(pen, (SMOOTH * (SIDE + 12), middle), 6.0 * SMOOTH, label)
        font = ImageFont.load_default(16 * SMOOTH)
        pen.text((SMOOTH * (SIDE + 28), middle), name[:24], "black", font, anchor="lm")
    return canvas.resize((width, SIDE), Image.Resampling.LANCZOS)


def _places(coords: NDArray[Any]) -> NDArray[Any]:
    """Return coordinates (N, 2) as pixels of a square, proportions kept."""
    low, high = coords.min(axis=0), coords.max(axis=0)
    scale = (SIDE - 2 * MARGIN) / max(float((high - low).max()), 1e-12)
    return (coords - (low + high) / 2) * (scale, -scale) + SIDE / 2


def _mark(
    pen: ImageDraw.ImageDraw,
    place: Sequence[float] | NDArray[Any],
    radius: float,
    label: int,
    colour: tuple[int, int, int] | None = None,
) -> None:
    x, y = map(float, place)
    fill = colour or COLOURS[label % len(COLOURS)]
    corners = CORNERS[label // len(COLOURS) % len(CORNERS)]
    if corners:
        pen.regular_polygon((x, y, 1.3 * radius), corners, fill=fill)
    else:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
