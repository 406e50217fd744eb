import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_core import sprites

NAMES = tuple(sprites.FACTORS)


def value(**chosen: int) -> np.ndarray:
    """One row of factor values: the largest upright square in the middle, but for what is chosen."""
    usual = {"shape": 0, "scale": 5, "rotation": 0, "x": 8, "y": 8, "colour": 7}
    return np.array([[{**usual, **chosen}[name] for name in NAMES]])


def mass(picture: np.ndarray) -> np.ndarray:
    return picture.astype(float).sum(-1) / sum(sprites.COLOURS["yellow"])


@given(st.integers(0, 2**32 - 1), st.integers(1, 10**7))
@settings(max_examples=10)
def test_picture_i_depends_on_seed_and_i_alone(seed, i):
    alone = sprites.factors(np.array([i]), seed)
    among = sprites.factors(np.array([3, i, 7]), seed)
    assert (alone[0] == among[1]).all()


def test_the_pictures_of_a_seed_never_change():
    """Written down once: a recipe names only seed and count."""
    assert sprites.factors(np.array([0, 1]), 0).tolist() == [[1, 2, 8, 6, 2, 5], [1, 3, 2, 12, 14, 4]]
    total = sprites.render(sprites.factors(np.arange(50), 0), (32, 32)).sum(dtype=int)
    assert total == pytest.approx(2_071_529, rel=1e-5)  # a rounding or two may differ from machine to machine


def test_every_combination_comes_once():
    values = sprites.factors(np.arange(sprites.COMBINATIONS), 1)
    assert (values.min(0) == 0).all() and (values.max(0) + 1 == sprites.SIZES).all()
    assert len(np.unique(np.ravel_multi_index(values.T, sprites.SIZES))) == sprites.COMBINATIONS
    assert not np.array_equal(values[:100], sprites.factors(np.arange(100), 2))


@pytest.mark.parametrize("name", NAMES)
def test_each_value_of_each_factor_can_be_told_from_the_picture(name):
    """At the least favourable scale, for every shape: neighbouring values never draw the same picture."""
    for shape in range(3):
        rows = [value(**{"shape": shape, "scale": 0, name: k}) for k in range(len(sprites.FACTORS[name]))]
        pictures = sprites.render(np.concatenate(rows), (32, 32)).astype(int)
        apart = np.abs(pictures[:, None] - pictures[None]).sum((2, 3, 4))
        assert apart[~np.eye(len(rows), dtype=bool)].min() > 100


@pytest.mark.parametrize("shape", range(3))
@pytest.mark.parametrize("rotation", [0, 4, 11])
def test_coverage_is_the_exact_area_and_the_centre_of_mass_is_the_place(shape, rotation):
    side = 64
    picture = mass(sprites.render(value(shape=shape, rotation=rotation, x=2, y=13), (side, side))[0])
    assert picture.sum() == pytest.approx((sprites.SCALES[5] * side) ** 2, rel=0.01)
    for axis, place in ((0, 13), (1, 2)):
        centre = (picture.sum(1 - axis) * (np.arange(side) + 0.5)).sum() / picture.sum()
        assert centre == pytest.approx(sprites.PLACES[place] * side, abs=0.1)


def test_edges_are_anti_aliased_and_grounds_are_black():
    picture = mass(sprites.render(value(shape=1, rotation=3), (64, 64))[0])
    partly = (picture > 0.1) & (picture < 0.9)
    assert 20 < partly.sum() < 200 and (picture == 0).mean() > 0.5 and picture.max() == 1


@pytest.mark.parametrize("shape", range(3))
def test_no_shape_leaves_the_picture(shape):
    corners = [value(shape=shape, rotation=r, x=x, y=y) for r in range(15) for x in (0, 15) for y in (0, 15)]
    masses = mass(sprites.render(np.concatenate(corners), (32, 32))).sum((1, 2))
    assert masses == pytest.approx(np.full(60, (sprites.SCALES[5] * 32) ** 2), rel=0.01)


def test_the_colour_ramp_rises_in_grey_and_does_not_close():
    ramp = np.array(list(sprites.COLOURS.values())) @ (0.299, 0.587, 0.114)
    assert (np.diff(ramp) > 5).all()


def test_a_square_repeats_beyond_the_range_of_rotations_and_not_within():
    assert sprites.ROTATIONS.min() == 0 and sprites.ROTATIONS.max() < 90


@given(st.integers(8, 70), st.integers(8, 70))
@settings(max_examples=20)
def test_any_size_is_drawn(height, width):
    drawn = sprites.render(sprites.factors(np.arange(5), 0), (height, width))
    assert drawn.shape == (5, height, width, 3) and drawn.dtype == np.uint8
    assert (drawn.max((1, 2, 3)) > 50).all()
