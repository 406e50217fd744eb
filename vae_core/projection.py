"""Maps of latent vectors: PCA, t-SNE, placing new points; a cache on disk for them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from vae_core.files import FileCache
from vae_core.jobs import Cancelled, Preview, Progress

MIN_PERPLEXITY = 2.0
MIN_POINTS = 7  # the fewest points of which 3 * MIN_PERPLEXITY can be somebody's neighbours
EXAGGERATED_STEPS = 250
PLAIN_STEPS = 500
STEPS_PER_REPORT = 10
NEIGHBOUR_SHARE = 0.1  # of the progress bar: finding neighbours takes 1 % (2,000 points) to 12 % (60,000)
ROWS_PER_QUERY = 1_000
PERPLEXITY = 30.0  # the usual choice, and the default everywhere
PLACING_NEIGHBOURS = 10  # beyond ten, neighbours from other clusters pull a new point away from its own
WEISZFELD_STEPS = 30
CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True, eq=False)
class PCAMap:
    """Principal components of a set of vectors; components that the data lack are zero.

    coords: (N, c) float32; explained: (c,) shares of the variance, falling; mean: (D,); axes: (c, D).
    """

    coords: np.ndarray
    explained: np.ndarray
    mean: np.ndarray
    axes: np.ndarray

    def transform(self, new: np.ndarray) -> np.ndarray:
        """Project vectors (M, D) on the map's axes, giving (M, c) float32."""
        return ((new - self.mean) @ self.axes.T).astype(np.float32)

    def inverse(self, coords: np.ndarray) -> np.ndarray:
        """Give the vectors (M, D) float32 that lie in the map's plane at coords (M, c)."""
        return (coords @ self.axes + self.mean).astype(np.float32)


@dataclass(frozen=True, eq=False)
class TSNEMap:
    """A t-SNE map: coords (N, 2) float32 of the vectors (N, D), with what it was made from."""

    coords: np.ndarray
    vectors: np.ndarray
    perplexity: float
    seed: int

    def place(self, new: np.ndarray) -> np.ndarray:
        """Place vectors (M, D) on the map, giving (M, 2) float32."""
        return place(new, self.vectors, self.coords, self.perplexity)


def pca(vectors: np.ndarray, components: int = 2) -> PCAMap:
    """Project vectors on their first principal components, with signs free of the points' order.

    Args:
        vectors: (N, D), N >= 1, finite.
        components: 2 or 3.

    Raises:
        ValueError: vectors or components are not as above.
    """
    if components not in (2, 3):
        raise ValueError(f"A PCA map has 2 or 3 components, {components} were asked for.")
    vectors = _checked(vectors)
    axes = np.zeros((components, vectors.shape[1]))
    explained = np.zeros(components)
    if np.ptp(vectors, axis=0).any():  # a single point, or many equal ones, have no directions
        count = min(components, *vectors.shape)
        axes[:count], explained[:count] = _principal(vectors, count)
    mean = vectors.mean(axis=0, dtype=np.float64)
    coords = ((vectors - mean) @ axes.T).astype(np.float32)
    return PCAMap(_frozen(coords), _frozen(explained), _frozen(mean), _frozen(axes))


def perplexity_range(points: int) -> tuple[float, float]:
    """Give the lowest and highest perplexity for so many points: 2 to a third of the others.

    Raises:
        ValueError: fewer than 7 points.
    """
    if points < MIN_POINTS:
        raise ValueError(f"t-SNE needs at least {MIN_POINTS} points, {points} were given.")
    return MIN_PERPLEXITY, (points - 1) / 3


def tsne(
    vectors: np.ndarray,
    perplexity: float | None = None,
    seed: int = 0,
    progress: Preview | None = None,
    cancel: threading.Event | None = None,
    jobs: int = 1,
) -> TSNEMap:
    """Lay vectors out in the plane so that neighbours stay neighbours (van der Maaten and Hinton 2008).

    Neighbours are exact, the start is the PCA map with a seeded jitter, repulsion is Barnes-Hut below 10,000
    points and interpolated by FFT above. With jobs = 1 equal input gives equal coordinates.

    Args:
        vectors: (N, D), N >= 7, finite.
        perplexity: effective number of neighbours, 2 to (N - 1) / 3; None takes 30, or the highest below it.
        seed: of the jitter, >= 0.
        progress: called with the share done (0 to 1, never falling) and the coordinates so far.
        cancel: checked whenever progress is due, every 10 steps of 750.
        jobs: threads of the optimisation.

    Raises:
        ValueError: vectors or perplexity are not as above.
        Cancelled: cancel was set.
    """
    vectors = _checked(vectors)
    if perplexity is None:
        perplexity = min(PERPLEXITY, perplexity_range(len(vectors))[1])
    _check_perplexity(perplexity, len(vectors))
    start = _start(vectors, seed)

    def report(share: float, coords: np.ndarray) -> None:
        if cancel is not None and cancel.is_set():
            raise Cancelled("The map was cancelled.")
        if progress is not None:
            progress(share, _frozen(np.array(coords, dtype=np.float32)))

    report(0.0, start)
    nearest, distances = _neighbours(vectors, int(3 * perplexity), lambda share: report(NEIGHBOUR_SHARE * share, start))
    coords = _optimise(nearest, distances, perplexity, start, report, jobs)
    if progress is not None:  # a finished map is kept, whatever cancel says by now
        progress(1.0, coords)
    return TSNEMap(coords, _frozen(vectors.copy()), float(perplexity), seed)


def place(new: np.ndarray, vectors: np.ndarray, coords: np.ndarray, perplexity: float = 30.0) -> np.ndarray:
    """Place new vectors on a finished map, each by itself, at the geometric median of its nearest neighbours.

    Weights are inverse distances, so a point of the map lands on its own place (Weiszfeld 1937), and unlike a mean, a
    median stays in the cluster of most neighbours. Further gradient steps on the t-SNE objective (Policar et al. 2019)
    took 0.2 s and more, and in measurements kept no more neighbours.

    Args:
        new: (M, D).
        vectors: (N, D), those that the map was made from.
        coords: (N, 2), where they lie.
        perplexity: of the map; neighbours looked at are as many, 10 and N at most.

    Returns:
        (M, 2) float32.

    Raises:
        ValueError: shapes do not fit together, or a value is not finite.
    """
    from sklearn.neighbors import NearestNeighbors

    new, vectors = _checked(new), _checked(vectors)
    if new.shape[1] != vectors.shape[1] or len(coords) != len(vectors):
        raise ValueError(
            f"Points of {new.shape[1]} numbers do not fit a map of {len(coords)} places "
            f"made from {len(vectors)} points of {vectors.shape[1]} numbers."
        )
    count = min(PLACING_NEIGHBOURS, max(1, int(perplexity)), len(vectors))
    distances, nearest = NearestNeighbors(algorithm="brute").fit(vectors).kneighbors(new, count)
    places = np.asarray(coords, dtype=np.float64)[nearest]  # (M, count, 2)
    weights = 1 / np.maximum(distances, 1e-9)
    centres = np.median(places, axis=1)
    for _ in range(WEISZFELD_STEPS):
        pull = weights / np.maximum(np.linalg.norm(places - centres[:, None], axis=2), 1e-6)  # (M, count)
        centres = (pull[:, :, None] * places).sum(axis=1) / pull.sum(axis=1, keepdims=True)
    return centres.astype(np.float32)


class CoordinateCache:
    """Maps on disk, found again by what they were made from; a disk that fails only costs time.

    Args:
        folder: where; by default the cache's own.
        limit: bytes kept in all; the oldest files go first.
    """

    def __init__(self, folder: Path | None = None, limit: int = CACHE_BYTES) -> None:
        self.files = FileCache("map", limit, folder)

    def coords(
        self,
        vectors: np.ndarray,
        method: str,
        parameters: Mapping[str, float],
        compute: Callable[[], np.ndarray],
    ) -> np.ndarray:
        """Give the stored coordinates (N, 2 or 3) of this map, or compute and store them.

        What compute raises (Cancelled too) passes through, and nothing is stored.
        """
        name = f"{_key(vectors, method, parameters)}.f32"
        content = self.files.get(name, lambda: np.array(compute(), dtype="<f4").tobytes())
        return np.frombuffer(content, dtype="<f4").reshape(len(vectors), -1)  # not writable: maps are shared


def _checked(vectors: np.ndarray) -> np.ndarray:
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or not vectors.size:
        raise ValueError(f"A map needs an array of at least 1 x 1 numbers, its shape is {vectors.shape}.")
    if not np.isfinite(vectors).all():
        bad = int((~np.isfinite(vectors).all(axis=1)).sum())
        raise ValueError(f"A map needs finite numbers, {bad} of {len(vectors)} points have others.")
    return vectors


def _check_perplexity(perplexity: float, points: int) -> None:
    low, high = perplexity_range(points)
    if not low <= perplexity <= high:
        raise ValueError(f"Perplexity {perplexity:g} does not fit {points} points: {low:g} to {high:g} is allowed.")


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)  # maps are shared between sessions and threads
    return array


def _principal(vectors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.decomposition import PCA

    solver = "covariance_eigh"
    if vectors.shape[1] > 1_000:  # a covariance so large takes longer than the few directions wanted of it
        solver = "arpack" if count < len(vectors) else "full"
    fitted = PCA(count, svd_solver=solver, random_state=0).fit(vectors.astype(np.float64))
    return fitted.components_, np.clip(fitted.explained_variance_ratio_, 0, 1)


def _start(vectors: np.ndarray, seed: int) -> np.ndarray:
    # Kobak and Berens 2019: a small PCA map as the start keeps the large-scale order.
    coords = pca(vectors).coords.astype(np.float64)
    spread = coords[:, 0].std()
    jitter = np.random.default_rng(seed).normal(0, 1e-6, coords.shape)
    return (coords / spread * 1e-4 if spread > 0 else coords) + jitter


def _neighbours(vectors: np.ndarray, count: int, report: Progress) -> tuple[np.ndarray, np.ndarray]:
    # Exact search: up to 60,000 points faster than openTSNE's approximate one, and it stops between pieces.
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(algorithm="brute").fit(vectors)
    nearest, distances = [], []
    for start in range(0, len(vectors), ROWS_PER_QUERY):
        rows = np.arange(start, min(start + ROWS_PER_QUERY, len(vectors)))
        distance, near = index.kneighbors(vectors[rows], count + 1)
        other = near != rows[:, None]
        other[other.all(axis=1), -1] = False  # among many equal points it may not find itself
        nearest.append(near[other].reshape(len(rows), count))
        distances.append(distance[other].reshape(len(rows), count))
        report((rows[-1] + 1) / len(vectors))
    return np.concatenate(nearest), np.concatenate(distances)


def _optimise(
    nearest: np.ndarray,
    distances: np.ndarray,
    perplexity: float,
    start: np.ndarray,
    report: Preview,
    jobs: int,
) -> np.ndarray:
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    steps = 0

    def callback(_iteration: int, _error: float, embedding: np.ndarray) -> None:
        nonlocal steps  # openTSNE counts each of its two phases from nought
        steps += STEPS_PER_REPORT
        share = steps / (EXAGGERATED_STEPS + PLAIN_STEPS)
        report(NEIGHBOUR_SHARE + (1 - NEIGHBOUR_SHARE) * share, embedding)

    index = PrecomputedNeighbors(nearest, distances)
    affinities = PerplexityBasedNN(knn_index=index, perplexity=perplexity, n_jobs=jobs)
    method = TSNE(
        early_exaggeration_iter=EXAGGERATED_STEPS,
        n_iter=PLAIN_STEPS,
        n_jobs=jobs,
        callbacks=callback,
        callbacks_every_iters=STEPS_PER_REPORT,
    )
    return _frozen(np.array(method.fit(affinities=affinities, initialization=start), dtype=np.float32))


def _key(vectors: np.ndarray, method: str, parameters: Mapping[str, float]) -> str:
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    about = {
        "method": method,
        "parameters": {name: float(value) for name, value in parameters.items()},  # 30 and 30.0 are one map
        "openTSNE": _release("openTSNE"),
        "shape": vectors.shape,
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode() + vectors.tobytes()).hexdigest()


def _release(package: str) -> str:
    # Streamlit changes sys.path at every run of a page, and a look-up in another thread can miss an entry then.
    for _ in range(3):
        with contextlib.suppress(PackageNotFoundError):
            return version(package)
    return "unknown"
