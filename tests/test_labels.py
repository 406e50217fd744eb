"""Names on a map: apart, in their order, within the map, near where they belong."""

import numpy as np
import pytest

from pages.widgets.display import labels, plots

HEIGHT = 430


def cloud(n: int, spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points of a map of side 10, and n centres in its middle."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-5, 5, (500, 2)), rng.normal(0, spread, (n, 2))


def boxes(centres: np.ndarray, up: np.ndarray, names: list[str], pixels: float) -> np.ndarray:
    """Left, low, right, high of each label where a unit has so many pixels."""
    x, y = (centres * pixels).T
    wide = np.array([labels._width(name, plots.FONT) for name in names]) / 2
    return np.stack([x - wide, y + up - 13.5, x + wide, y + up + 13.5], 1)


def covered(found: np.ndarray) -> int:
    """How many pairs of boxes lie over one another."""
    low = np.maximum(found[:, None, :2], found[None, :, :2])
    high = np.minimum(found[:, None, 2:], found[None, :, 2:])
    return int((np.triu(((high - low) > 0).all(2), 1)).sum())


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("wider", [1, 1.3, 2, 5])
def test_labels_are_apart_on_every_map_as_wide_as_a_phones_or_wider(seed: int, wider: float) -> None:
    points, centres = cloud(8, 0.5, seed)
    names = ["T-shirt", "Ankle boot", "0", "Pullover", "Bag", "Coat", "鞋子", "Dress"]
    up = labels.shifts(centres, points, names, HEIGHT, plots.FONT)
    phone = labels.NARROW / (points.max(0) - points.min(0)).max()
    assert covered(boxes(centres, np.zeros(8), names, phone)) > 0  # else this test could not fail
    assert up is not None and covered(boxes(centres, up, names, wider * phone)) == 0
    assert np.abs(up).max() < 8 * labels.LINE


def test_labels_that_are_apart_stay_where_they_belong() -> None:
    points, _ = cloud(0, 1)
    up = labels.shifts(np.array([[-4, 0], [0, 3], [4, 0], [0, -3.0]]), points, list("abcd"), HEIGHT, plots.FONT)
    assert up is not None and not up.any()


def test_labels_at_the_edge_stay_on_the_map() -> None:
    points, _ = cloud(0, 1)
    centres = np.full((6, 2), 4.9)
    up = labels.shifts(centres, points, ["class"] * 6, HEIGHT, plots.FONT)
    pixels = labels.NARROW / (points.max(0) - points.min(0)).max()
    assert up is not None and (4.9 * pixels + up).max() <= (HEIGHT - labels.AROUND) / 2
    assert np.diff(np.sort(up)).min() >= labels.LINE - 1e-6


def test_names_that_do_not_fit_give_way_to_the_legend() -> None:
    points, classes = cloud(0, 1)[0], np.arange(500) % 20
    assert labels.shifts(np.zeros((20, 2)), points, ["a long name"] * 20, HEIGHT, plots.FONT) is None
    names = ["a long name"] * 20
    assert plots.class_labels(points * [1e-9, 1], classes, names, HEIGHT) == []
    few = plots.class_labels(points, classes % 3, ["a" * 40, "b", "c"], HEIGHT)
    assert [label["text"] for label in few] == [f"{'a' * 15}…", "b", "c"]
