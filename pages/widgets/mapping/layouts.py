"""Where points lie on a map: PCA, t-SNE, or the latent plane itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from pages.widgets.mapping.points import Points
from pages.widgets.shell import background
from pages.widgets.shell.models import Opened
from vae_core import projection
from vae_core.jobs import Preview

PCA, TSNE, PLANE = "PCA", "t-SNE", "Latent plane"
TSNE_AXES = f"{TSNE} 1", f"{TSNE} 2"
SEEN = 0.05  # per cent: what is written as 0.0 is not spoken of
HEIGHT = 432  # pixels of a map on a projector of 1280 x 720, with title and controls


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the points lie.

    Attributes:
        key: differs when the places do.
        coords: (N, 2 or 3).
        axes: titles, one a coordinate.
        place: puts other vectors (M, D) on the map, (M, 2 or 3).
        words: what one should know of the method.
        finished: False for a t-SNE that was stopped on the way.
        basis: of a linear map, what turns places into vectors, mean + places @ axes: mean (D,) and axes (2, D).
    """

    key: Hashable
    coords: np.ndarray
    axes: tuple[str, ...]
    place: Callable[[np.ndarray], np.ndarray]
    words: str
    finished: bool = True
    basis: tuple[np.ndarray, np.ndarray] | None = None


@st.cache_resource(max_entries=32, show_spinner="Finding the principal components …")
def _principal(key: Hashable, _points: Points, dimensions: int) -> projection.PCAMap:
    """Return the PCA map of points that `key` identifies."""
    return projection.pca(_points.mean.numpy(), dimensions)


def pca(points: Points, dimensions: int) -> Layout:
    """Lay out by principal components, with the share of the variance that they explain."""
    principal = _principal(points.key, points, dimensions)
    shares = [100 * float(share) for share in principal.explained]
    axes = tuple(f"PC{i + 1} ({share:.1f} %)" for i, share in enumerate(shares))
    words = f"These {dimensions} principal components explain {sum(shares):.1f} % of the variance"
    rest = 100 - sum(shares)
    words += f": what looks near may lie far apart in the other {rest:.1f} %." if rest >= SEEN else "."
    basis = principal.mean, principal.axes
    return Layout((points.key, PCA, dimensions), principal.coords, axes, principal.transform, words, basis=basis)


def plane(points: Points) -> Layout:
    """Lay out as in the latent plane itself, for models of two dimensions."""
    words = "The latent space itself: it has two dimensions, and nothing is lost."
    basis = np.zeros(2), np.eye(2)
    return Layout((points.key, PLANE), points.mean.numpy(), ("z0", "z1"), lambda new: new, words, basis=basis)


def tsne(opened: Opened, points: Points, perplexity: int, seed: int, show: Callable[..., None]) -> Layout | None:
    """Lay out by t-SNE where the map is at hand; else it is begun or watched in its place, and there is None.

    Args:
        opened: the model, whose file may hold the map.
        points: at least 7.
        perplexity: lowered where there are too few points for it.
        seed: of the start.
        show: draws the coordinates so far.
    """
    most = projection.perplexity_range(len(points))[1]
    used, vectors = min(float(perplexity), most), points.mean.numpy()
    key, parameters = (points.key, TSNE, used, seed), {"perplexity": used, "seed": float(seed)}
    coords, finished = _stored(opened, points, used, seed), True
    words = f"Perplexity {used:.3g}, seed {seed}{', stored with the model' if coords is not None else ''}."
    if used < perplexity:
        words += " So few points allow no higher one."
    if coords is None:
        coords = _cached(vectors, parameters)
    if coords is None:
        running = background.job("tsne", key, partial(_compute, vectors, parameters))
        if not running.done:
            background.watch(running, f"t-SNE of {len(points):,} points", show)
            return None
        finished = not running.cancelled
        coords = running.result() if finished else running.coords
        words = words if finished else f"Stopped after {running.progress:.0%}: this map is not finished. {words}"
        if not finished:
            background.say_why(running, "", "Take fewer points, or try again later.")
    if coords is None:  # stopped before there was anything
        background.keep_place(HEIGHT)
        background.start_again("tsne")
        return None
    place = partial(projection.place, vectors=vectors, coords=coords, perplexity=used)
    return Layout((*key, finished), coords, TSNE_AXES, place, words, finished)


def _stored(opened: Opened, points: Points, perplexity: float, seed: int) -> np.ndarray | None:
    """Return the coordinates that came with the model's file, where just these are asked for."""
    checkpoint, reference = opened.checkpoint, opened.checkpoint.reference
    if points.images is not None or reference is None or reference.tsne is None or len(points) < points.total:
        return None
    usual = min(projection.PERPLEXITY, projection.perplexity_range(len(points))[1])
    same = perplexity == usual and seed == checkpoint.recipe.training.seed
    return reference.tsne.numpy() if same else None


def _cached(vectors: np.ndarray, parameters: dict[str, float]) -> np.ndarray | None:
    """Return the coordinates that were computed before, here or by another visitor."""

    def absent() -> np.ndarray:
        raise LookupError

    try:
        return projection.CoordinateCache().coords(vectors, "tsne", parameters, absent)
    except LookupError:
        return None


def _compute(vectors: np.ndarray, parameters: dict[str, float], report: Preview, cancel: threading.Event) -> np.ndarray:
    """Compute the t-SNE coordinates, in another thread, and keep them on disk."""

    def make() -> np.ndarray:
        fit = projection.tsne(vectors, parameters["perplexity"], int(parameters["seed"]), report, cancel)
        return fit.coords

    return projection.CoordinateCache().coords(vectors, "tsne", parameters, make)
