import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from vae_core import projection
from vae_core.jobs import Cancelled
from vae_core.projection import CoordinateCache, pca, perplexity_range, place, tsne

CLASSES, EACH = 4, 40


def random_vectors(points: int = 60, numbers: int = 8, seed: int = 0) -> np.ndarray:
    scales = np.linspace(3, 0.5, numbers)
    return (np.random.default_rng(seed).normal(size=(points, numbers)) * scales + 5).astype(np.float32)


def blobs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), EACH)
    centres = 8 * np.eye(CLASSES, 8)
    return (centres[labels] + generator.normal(size=(len(labels), 8))).astype(np.float32), labels


def neighbour_agreement(coords: np.ndarray, labels: np.ndarray) -> float:
    distance = np.linalg.norm(coords[:, None] - coords[None], axis=2)
    nearest = distance.argsort(axis=1)[:, 1:6]
    return float((labels[nearest] == labels[:, None]).mean())


@pytest.fixture(scope="module")
def blob_map() -> projection.TSNEMap:
    return tsne(blobs()[0], perplexity=15)


@pytest.mark.parametrize("components", [2, 3])
def test_pca_agrees_with_singular_values_and_with_its_own_transform(components: int) -> None:
    vectors = random_vectors()
    found = pca(vectors, components)
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :components] * singular[:components]
    np.testing.assert_allclose(np.abs(found.coords), np.abs(expected), atol=1e-4)
    np.testing.assert_allclose(found.explained, (singular**2 / (singular**2).sum())[:components], rtol=1e-6)
    np.testing.assert_array_equal(found.transform(vectors), found.coords)


def test_pca_explains_falling_shares_that_sum_to_one_when_nothing_is_left_out() -> None:
    explained = pca(random_vectors(numbers=3), 3).explained
    assert (np.diff(explained) < 0).all() and explained.sum() == pytest.approx(1)
    assert pca(random_vectors(numbers=8), 3).explained.sum() < 1


def test_pca_inverse_undoes_transform_where_nothing_is_lost() -> None:
    vectors = random_vectors(numbers=3)
    found = pca(vectors, 3)
    np.testing.assert_allclose(found.inverse(found.coords), vectors, atol=1e-4)
    plane = pca(random_vectors(), 2)
    back = plane.transform(plane.inverse(plane.coords))
    np.testing.assert_allclose(back, plane.coords, atol=1e-4)


def test_pca_signs_do_not_depend_on_the_order_of_points() -> None:
    vectors = random_vectors()
    order = np.random.default_rng(1).permutation(len(vectors))
    np.testing.assert_allclose(pca(vectors[order]).coords, pca(vectors).coords[order], atol=1e-4)


@pytest.mark.parametrize(
    ("vectors", "rank"),
    [
        (random_vectors(numbers=1), 1),
        (random_vectors(points=2), 1),
        (random_vectors(points=1), 0),
        (np.full((9, 4), 0.1, np.float32), 0),
    ],
)
def test_pca_pads_what_the_data_lack_with_zeros(vectors: np.ndarray, rank: int) -> None:
    found = pca(vectors, 3)
    assert found.coords.shape == (len(vectors), 3)
    np.testing.assert_allclose(found.coords[:, rank:], 0, atol=1e-5)
    assert found.explained.sum() == pytest.approx(min(rank, 1))
    np.testing.assert_array_equal(found.transform(vectors), found.coords)


def test_pca_of_more_numbers_than_a_covariance_is_made_for() -> None:
    vectors = random_vectors(points=30, numbers=1_200)
    singular = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(pca(vectors).explained, (singular**2 / (singular**2).sum())[:2], rtol=1e-3)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.empty((0, 4)), r"shape is \(0, 4\)"),
        (np.zeros(4), r"shape is \(4,\)"),
        (np.array([[0.0, np.nan], [1, 2], [np.inf, 0]]), "2 of 3 points"),
    ],
)
def test_bad_vectors_are_refused(vectors: np.ndarray, message: str) -> None:
    for method in (pca, tsne):
        with pytest.raises(ValueError, match=message):
            method(vectors)


def test_a_number_of_components_without_a_map_is_refused() -> None:
    with pytest.raises(ValueError, match="2 or 3 components, 4"):
        pca(random_vectors(), 4)


@pytest.mark.parametrize("perplexity", [1.9, 20.1, float("nan")])
def test_a_perplexity_that_does_not_fit_is_refused_with_the_range(perplexity: float) -> None:
    with pytest.raises(ValueError, match=r"does not fit 61 points: 2 to 20 is allowed"):
        tsne(random_vectors(points=61), perplexity)


def test_the_ends_of_the_perplexity_range_work_and_too_few_points_are_refused() -> None:
    for perplexity in perplexity_range(7):
        assert np.isfinite(tsne(random_vectors(points=7), perplexity).coords).all()
    assert tsne(random_vectors(points=7)).perplexity == 2.0
    with pytest.raises(ValueError, match="at least 7 points, 6 were given"):
        tsne(random_vectors(points=6), 2)


def test_tsne_keeps_separated_blobs_apart(blob_map: projection.TSNEMap) -> None:
    vectors, labels = blobs()
    assert blob_map.coords.shape == (len(vectors), 2) and blob_map.coords.dtype == np.float32
    assert neighbour_agreement(blob_map.coords, labels) > 0.95


def test_tsne_keeps_neighbours_about_as_well_as_openTSNE_alone(blob_map: projection.TSNEMap) -> None:
    from openTSNE import TSNE

    vectors, _ = blobs()
    peer = np.asarray(TSNE(perplexity=15, random_state=0).fit(vectors))
    near = np.linalg.norm(vectors[:, None] - vectors[None], axis=2).argsort(axis=1)[:, 1:11]

    def kept(coords: np.ndarray) -> float:
        found = np.linalg.norm(coords[:, None] - coords[None], axis=2).argsort(axis=1)[:, 1:11]
        return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near, found, strict=True)]))

    assert kept(blob_map.coords) > kept(peer) - 0.05


def test_the_same_seed_gives_the_same_map_and_another_seed_another(blob_map: projection.TSNEMap) -> None:
    vectors, _ = blobs()
    with ThreadPoolExecutor(2) as pool:  # at the same time: runs must not disturb one another
        same, other = pool.map(lambda seed: tsne(vectors, 15, seed).coords, (0, 1))
    np.testing.assert_array_equal(same, blob_map.coords)
    assert not np.array_equal(other, blob_map.coords)


def test_tsne_of_equal_points_is_finite() -> None:
    vectors = np.repeat(random_vectors(points=3), 20, axis=0)
    assert np.isfinite(tsne(vectors, 5).coords).all()
    assert np.isfinite(tsne(vectors[:20], 5).coords).all()


def test_exact_neighbours_leave_each_point_out_even_among_equal_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "ROWS_PER_QUERY", 16)
    vectors = np.concatenate([random_vectors(), np.zeros((20, 8), np.float32)])
    shares: list[float] = []
    nearest, distances = projection._neighbours(vectors, 6, shares.append)
    assert (nearest != np.arange(len(vectors))[:, None]).all()
    exact = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.fill_diagonal(exact, np.inf)
    np.testing.assert_allclose(distances, np.sort(exact, axis=1)[:, :6], atol=1e-4)
    assert shares == [0.2, 0.4, 0.6, 0.8, 1.0]


def test_progress_rises_from_nought_to_one_and_ends_with_the_map() -> None:
    reports: list[tuple[float, np.ndarray]] = []
    found = tsne(random_vectors(), 5, progress=lambda *report: reports.append(report))
    shares = [share for share, _ in reports]
    assert shares[0] == 0 and shares[-1] == 1 and (np.diff(shares) >= 0).all()
    assert 0 < shares[1] <= projection.NEIGHBOUR_SHARE < shares[2] and len(shares) == 3 + 75
    assert all(coords.shape == found.coords.shape for _, coords in reports)
    np.testing.assert_array_equal(reports[-1][1], found.coords)
    assert not np.array_equal(reports[10][1], reports[40][1])


@pytest.mark.parametrize("after", [0, 1, 5, 60])
def test_cancel_stops_at_the_next_report(after: int) -> None:
    cancel = threading.Event()
    calls = 0

    def progress(_share: float, _coords: np.ndarray) -> None:
        nonlocal calls
        calls += 1
        if calls == after:
            cancel.set()

    if after == 0:
        cancel.set()
    with pytest.raises(Cancelled):
        tsne(random_vectors(), 5, progress=progress, cancel=cancel)
    assert calls == after


def test_points_of_the_map_are_placed_where_they_are(blob_map: projection.TSNEMap) -> None:
    vectors, _ = blobs()
    np.testing.assert_allclose(blob_map.place(vectors), blob_map.coords, atol=1e-3)


def test_new_points_are_placed_among_their_own_kind(blob_map: projection.TSNEMap) -> None:
    _, labels = blobs()
    new, new_labels = blobs(seed=1)
    distance = np.linalg.norm(blob_map.place(new)[:, None] - blob_map.coords[None], axis=2)
    assert (labels[distance.argmin(axis=1)] == new_labels).mean() > 0.95


def test_a_point_is_placed_the_same_alone_and_in_company(blob_map: projection.TSNEMap) -> None:
    new, _ = blobs(seed=1)
    np.testing.assert_allclose(blob_map.place(new[:1]), blob_map.place(new)[:1], atol=1e-3)


def test_a_point_between_clusters_goes_with_the_majority() -> None:
    vectors = np.array([[-1.0], [-1.1], [-1.2], [1.3], [1.4]], np.float32)
    coords = np.array([[-50, 0], [-50, 1], [-51, 0], [50, 0], [50, 1]], np.float32)
    placed = place(np.zeros((1, 1)), vectors, coords)
    assert abs(placed[0, 0] + 50) < 2  # the mean of the five would be near -10, where nothing is


def test_placing_from_many_threads_changes_nothing(blob_map: projection.TSNEMap) -> None:
    before = blob_map.coords.copy()
    new, _ = blobs(seed=2)
    expected = blob_map.place(new)
    with ThreadPoolExecutor(4) as pool:
        for placed in pool.map(lambda _: blob_map.place(new), range(8)):
            np.testing.assert_array_equal(placed, expected)
    np.testing.assert_array_equal(blob_map.coords, before)
    with pytest.raises(ValueError, match="read-only"):
        blob_map.coords[0] = 0


def test_placing_what_does_not_fit_the_map_is_refused(blob_map: projection.TSNEMap) -> None:
    with pytest.raises(ValueError, match="Points of 3 numbers do not fit a map of 160 places"):
        blob_map.place(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="map of 9 places made from 160 points"):
        place(blob_map.vectors, blob_map.vectors, blob_map.coords[:9])


class Computation:
    """Counts how often it is asked."""

    def __init__(self, points: int) -> None:
        self.coords = np.random.default_rng(0).normal(size=(points, 2)).astype(np.float32)
        self.calls = 0

    def __call__(self) -> np.ndarray:
        self.calls += 1
        return self.coords


PARAMETERS = {"perplexity": 30, "seed": 0}


@pytest.fixture
def cached(tmp_path: Path) -> tuple[CoordinateCache, np.ndarray, Computation, Path]:
    vectors = random_vectors()
    cache, compute = CoordinateCache(tmp_path), Computation(len(vectors))
    cache.coords(vectors, "tsne", PARAMETERS, compute)
    (path,) = tmp_path.iterdir()
    return cache, vectors, compute, path


def test_a_stored_map_is_not_computed_again(cached) -> None:
    cache, vectors, compute, _ = cached
    again = CoordinateCache(cache.files.folder).coords(vectors, "tsne", {"seed": 0.0, "perplexity": 30.0}, compute)
    np.testing.assert_array_equal(again, compute.coords)
    assert compute.calls == 1


@pytest.mark.parametrize("changed", ["vectors", "method", "perplexity", "seed", "version"])
def test_whatever_a_map_is_made_from_makes_it_another(cached, changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, vectors, compute, _ = cached
    vectors = vectors + np.float32(1e-3) if changed == "vectors" else vectors
    method = "other" if changed == "method" else "tsne"
    parameters = PARAMETERS | ({changed: 7} if changed in PARAMETERS else {})
    if changed == "version":
        monkeypatch.setattr(projection, "version", lambda _: "0")
    cache.coords(vectors, method, parameters, compute)
    assert compute.calls == 2


def test_a_cancelled_map_is_not_stored(tmp_path: Path) -> None:
    def compute() -> np.ndarray:
        raise Cancelled

    with pytest.raises(Cancelled):
        CoordinateCache(tmp_path).coords(random_vectors(), "tsne", PARAMETERS, compute)
    assert not list(tmp_path.iterdir())
