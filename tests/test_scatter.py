"""The scatter plot of `vae map --out map.png`."""

import numpy as np
import pytest

from vae_core import scatter

COLOURS = [tuple(int(text[i : i + 2], 16) for i in (1, 3, 5)) for text in scatter.COLOURS]


def middle(picture: np.ndarray, colour: tuple[int, ...]) -> tuple[float, float]:
    """Row and column around which a colour lies."""
    rows, columns = (picture == colour).all(-1).nonzero()
    return rows.mean(), columns.mean()


def test_right_is_right_and_up_is_up_in_one_scale() -> None:
    coords = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 1.0]])
    picture = np.asarray(scatter.draw(coords, np.array([0, 1, 2])))
    origin, right, above = (middle(picture, colour) for colour in COLOURS[:3])
    width = scatter.SIDE - 2 * scatter.MARGIN
    assert (right[1] - origin[1], right[0] - origin[0]) == pytest.approx((width, 0), abs=1)
    assert (above[1] - origin[1], origin[0] - above[0]) == pytest.approx((0, width / 4), abs=1)


def test_classes_have_a_legend_and_marks_of_their_own() -> None:
    coords, labels = np.random.default_rng(0).normal(size=(200, 2)), np.arange(200) % 12
    names = [f"class {k}" for k in range(12)]
    named = np.asarray(scatter.draw(coords, labels, names))
    assert named.shape == (scatter.SIDE, scatter.SIDE + scatter.LEGEND, 3)
    assert (named[:, scatter.SIDE :] == COLOURS[9]).all(-1).any()
    lone = np.zeros((1, 2))
    disc, square = (np.asarray(scatter.draw(lone, np.array([k]))) for k in (0, 10))  # one colour, two shapes
    assert (disc != square).any()
    assert scatter.draw(lone).size == (scatter.SIDE, scatter.SIDE)


def test_colours_of_one_s_own_are_taken() -> None:
    coords, colours = np.array([[0.0, 0.0], [1.0, 0.0]]), [(10, 20, 30), (200, 100, 50)]
    picture = np.asarray(scatter.draw(coords, colours=colours))
    left, right = (middle(picture, colour) for colour in colours)
    assert left[1] < right[1]
