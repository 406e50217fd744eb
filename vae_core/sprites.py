"""The `sprites` data set: one shape on black, drawn from six known factors, anti-aliased and reproducible."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# The ends of the ramp do not meet and brightness rises all along it: the colour can be told from the picture,
# in grey too.
COLOURS = {
    "violet": (120, 80, 200),
    "blue": (80, 110, 230),
    "sky": (50, 150, 220),
    "teal": (40, 180, 190),
    "green": (60, 200, 140),
    "lime": (120, 215, 90),
    "olive": (190, 225, 70),
    "yellow": (250, 230, 90),
}
SCALES = np.linspace(0.2, 0.4, 6)  # square root of the area, in parts of the shorter side
ROTATIONS = np.arange(0.0, 90.0, 6.0)  # degrees, below 90: a square looks the same again there
PLACES = np.linspace(0.34, 0.66, 16)  # of the centre, in parts of width or height: all shapes stay inside


def _box(p: Array, q: Array, half: float) -> Array:
    """Return signed distance to a square of half-side `half` (exact)."""
    dp, dq = np.abs(p) - half, np.abs(q) - half
    return np.hypot(np.maximum(dp, 0), np.maximum(dq, 0)) + np.minimum(np.maximum(dp, dq), 0)


def _square(u: Array, v: Array) -> Array:
    return _box(u, v, 0.5)


def _ellipse(u: Array, v: Array) -> Array:
    """Return distance to an ellipse twice as long as wide, to first order: exact on the outline."""
    long = (2 / np.pi) ** 0.5
    p, q = u / long, v / (long / 2)
    level = np.hypot(p, q)
    return level * (level - 1) / np.maximum(np.hypot(p / long, q / (long / 2)), 1e-6)


def _heart(u: Array, v: Array) -> Array:
    """Draw a heart: a square on its tip, and a disc on each of its two upper edges."""
    half = (4 + np.pi) ** -0.5
    shift = half * (np.pi / 2 + 2 / 3) / (4 + np.pi)  # puts the centre of mass at the origin
    p = (u - v) * 0.5**0.5 + shift
    q = (-u - v) * 0.5**0.5 + shift
    discs = np.minimum(np.hypot(p - half, q), np.hypot(p, q - half)) - half
    return np.minimum(_box(p, q, half), discs)


# Signed distance to a shape of area 1, of coordinates in units of its scale, u to the right and v down.
SHAPES: dict[str, Callable[[Array, Array], Array]] = {"square": _square, "ellipse": _ellipse, "heart": _heart}

FACTORS: dict[str, tuple[str, ...]] = {
    "shape": tuple(SHAPES),
    "scale": tuple(f"{value:.2f}" for value in SCALES),
    "rotation": tuple(f"{value:.0f}°" for value in ROTATIONS),
    "x": tuple(f"{value:.2f}" for value in PLACES),
    "y": tuple(f"{value:.2f}" for value in PLACES),
    "colour": tuple(COLOURS),
}
SIZES = tuple(len(values) for values in FACTORS.values())
COMBINATIONS = int(np.prod(SIZES))


def factors(indices: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Tell which factor values picture i shows: no combination comes twice among the first `COMBINATIONS`.

    Args:
        indices: (n,) picture numbers, 0 or more.
        seed: 0 to 2**32 - 1; the order of the combinations.

    Returns:
        (n, 6) indices into the values of `FACTORS`; row i depends on `indices[i]` and `seed` alone.
    """
    # RandomState and not default_rng: its stream is promised never to change, so neither will the data set.
    order = np.random.RandomState(seed).permutation(COMBINATIONS)
    return np.stack(np.unravel_index(order[indices % COMBINATIONS], SIZES), axis=1)


def render(values: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw pictures from factor values.

    Args:
        values: (n, 6) indices into the values of `FACTORS`.
        size: height and width in pixels.

    Returns:
        (n, H, W, 3) uint8 pictures on black; an edge pixel is as bright as the part of it that is covered.
    """
    height, width = size
    shape, scale, rotation, x, y, colour = values.T
    unit = (SCALES[scale] * min(size)).astype(np.float32)[:, None, None]  # pixels
    angle = np.deg2rad(ROTATIONS[rotation])
    cos, sin = (f(angle).astype(np.float32)[:, None, None] / unit for f in (np.cos, np.sin))
    dx = (np.arange(width) + 0.5 - PLACES[x, None] * width).astype(np.float32)[:, None, :]
    dy = (np.arange(height) + 0.5 - PLACES[y, None] * height).astype(np.float32)[:, :, None]
    u, v = cos * dx + sin * dy, cos * dy - sin * dx  # (n, H, W)
    distance = np.empty_like(u)
    for kind, outline in enumerate(SHAPES.values()):
        chosen = shape == kind
        distance[chosen] = outline(u[chosen], v[chosen])
    cover = np.clip(0.5 - distance * unit, 0, 1)
    paint = np.array(list(COLOURS.values()), np.float32)[colour][:, None, None, :]
    return np.rint(cover[..., None] * paint).astype(np.uint8)
