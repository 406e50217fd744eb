"""Photographs of handwriting: each thing that may lie between a pen and what the model sees is taken away."""

import io
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

from tests import handwriting
from tests.handwriting import WOODS, Scene
from vae_core import data, images, photographs
from vae_core.config import DataConfig
from vae_core.images import Prepared
from vae_core.photographs import CutOut

MNIST = (1, 28, 28)
SETTING = {"size": (1000, 760), "seed": 3}
PEN = (0.3, 0.36, 0.6)  # pale blue: a shadow is darker
DARK_RULE = (0.3, 0.33, 0.4)
SCENES: dict[str, dict[str, Any]] = {
    "plain": {},
    "ruled": {"rules": 8, "rule": DARK_RULE, "margin": 9, "share": 0.2, "turn": 4},
    "squared": {"rules": 5, "squared": True, "rule": DARK_RULE, "turn": -3},
    "squared, near": {"rules": 5, "squared": True, "rule": DARK_RULE, "rule_width": 0.35, "share": 0.7},
    "shadow": {"shadow": 0.3, "soft": 0.05},
    "fingers": {"shadow": 0.4, "soft": 0.03, "seed": 5, "share": 0.12},
    "lamp": {"warm": 0.9},
    "edge": {"edges": (10, 300, 300, 12), "table": WOODS[3], "turn": 3},
    "small sheet": {"edges": (12, 14, 11, 10), "share": 0.1},
    "punched": {"edges": (22, 300, 300, 300), "holes": True, "share": 0.1, "rules": 9},
    "dim and noisy": {"light": 0.4, "noise": 0.03},
}


def line(digit: int) -> np.ndarray:
    return handwriting.skeleton(load_digits().images[digit] / 16)


@cache
def seen(photograph: bytes, **how: Any) -> Prepared:
    preparation, dark = data.preparation(DataConfig("mnist"))
    return images.prepare(images.open_image(photograph), MNIST, replace(preparation, **how), dark)


def drawn(digit: int) -> torch.Tensor:
    """The same digit drawn on white, not photographed."""
    pen = handwriting.ndimage.binary_dilation(np.pad(line(digit), 40), iterations=5)
    buffer = io.BytesIO()
    Image.fromarray(np.where(pen, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    found = seen(buffer.getvalue())
    assert found.cutout is None
    return found.x


def differs(x: torch.Tensor, other: torch.Tensor) -> float:
    """Mean difference of two centred drawings, in parts of their ink, a pixel to every side allowed."""
    shifts = [x.roll((v, h), (2, 3)) for v in (-1, 0, 1) for h in (-1, 0, 1)]
    return min(float((shift - other).abs().sum() / other.sum()) for shift in shifts)


@cache
def photograph(digit: int = 2, **changes: Any) -> bytes:
    return handwriting.photograph(Scene(line(digit), **({"ink": PEN} | SETTING | changes)))


def cut(content: bytes, **how: Any) -> CutOut:
    found = seen(content, **how).cutout
    assert found is not None
    return found


@pytest.mark.parametrize("kind", SCENES)
def test_what_the_model_sees_is_what_the_pen_drew(kind: str) -> None:
    digit = (2, 5)[len(kind) % 2]
    found = seen(photograph(digit, **SCENES[kind]))
    assert found.inverted
    assert found.cutout is not None and found.cutout.doubts == ()
    assert differs(found.x, drawn(digit)) < 0.4


@pytest.mark.parametrize("kind", [{"rules": 8}, {"rules": 5, "squared": True}, {"edges": (12, 15, 300, 300)}])
@pytest.mark.parametrize("turn", [-12, 9])
def test_rules_and_the_edges_of_the_sheet_say_how_it_is_turned(kind: dict[str, Any], turn: float) -> None:
    assert cut(photograph(turn=turn, **kind)).turn == pytest.approx(turn, abs=2.5)


def test_a_person_turns_what_is_not_turned_by_itself() -> None:
    lying = photograph(turn=-14)
    assert cut(lying).turn == 0
    assert differs(seen(lying, turn=-14.0).x, drawn(2)) < 0.4 < differs(seen(lying).x, drawn(2))


def test_notes_say_what_was_found() -> None:
    notes = seen(photograph(edges=(12, 15, 300, 300), rules=8)).notes
    assert "handwriting cut out of the photograph" in notes and "sheet found" in notes
    assert any(note.endswith("rules removed") for note in notes)


def test_paper_without_ink_is_doubted_and_shown_whole() -> None:
    found = seen(photograph(pen=0.001))
    assert found.cutout is not None and not found.cutout.mask.any()
    assert found.cutout.doubts == ("No ink was found.",)
    assert "fitted whole" in found.notes


def two_digits() -> bytes:
    one, other = line(2), line(5)
    both = np.zeros((100, 300), bool)
    both[: len(one), : one.shape[1]] = one
    both[: len(other), 240 : 240 + other.shape[1]] = other
    return handwriting.photograph(Scene(both, digit=40, share=0.7, **SETTING))


def test_of_several_shapes_one_is_taken_and_a_rectangle_takes_another() -> None:
    content = two_digits()
    found = cut(content)
    assert found.doubts == ("There are several shapes; the largest was taken.",)
    side = found.crop[0] < 0.4
    other = seen(content, crop=(0.5, 0.1, 1.0, 0.9) if side else (0.0, 0.1, 0.5, 0.9))
    first, second = (differs(seen(content).x, drawn(digit)) for digit in (2, 5))
    assert (first < second) != (differs(other.x, drawn(2)) < differs(other.x, drawn(5)))
    assert other.cutout is not None and other.cutout.doubts == ()


def test_a_higher_threshold_leaves_less_ink() -> None:
    content = photograph(blur=2.0)
    parts = [cut(content, crop=(0.2, 0.2, 0.8, 0.8), threshold=level).mask.mean() for level in (0.1, 0.3, 0.5, 0.98)]
    assert parts == sorted(parts, reverse=True) and parts[0] > 1.3 * parts[2] > 0 and parts[3] == 0


def test_writing_beside_what_was_taken_for_the_sheet_can_be_cut_out() -> None:
    """A person's rectangle overrides what was found."""
    content = photograph(edges=(12, 14, 300, 300))
    whole = cut(content, crop=(0.0, 0.0, 0.2, 0.2))
    assert "sheet found" not in whole.notes


def test_chalk_is_read_as_a_pen_is() -> None:
    paper = Image.open(io.BytesIO(photograph()))
    board = paper.point(lambda level: 255 - level)
    buffer = io.BytesIO()
    board.save(buffer, "PNG")
    found = seen(buffer.getvalue())
    assert not found.inverted
    assert differs(found.x, seen(photograph()).x) < 0.3
    assert cut(buffer.getvalue(), invert=True).dark_ink  # a person's word


@pytest.mark.parametrize("name", data.NAMES)
def test_which_data_sets_are_ink(name: str) -> None:
    preparation, dark = data.preparation(DataConfig(name))
    content = images.open_image(photograph(size=(400, 300)))
    found = images.prepare(content, MNIST, preparation, dark)
    assert (found.cutout is not None) == (name in ("digits", "mnist", "kmnist", "omniglot"))


@pytest.mark.parametrize("name", ["digits", "omniglot"])
def test_other_ink_gets_its_own_size_and_thickness(name: str) -> None:
    preparation, dark = data.preparation(DataConfig(name))
    shape = (1, 8, 8) if name == "digits" else MNIST
    x = images.prepare(images.open_image(photograph()), shape, preparation, dark).x[0, 0]
    rows, columns = (x > 0.1).any(1).nonzero(), (x > 0.1).any(0).nonzero()
    side = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    assert side == pytest.approx(preparation.box * shape[1], abs=1)


def test_a_drawing_is_no_photograph() -> None:
    """One level all around: whatever its size, it is read as it was before photographs were."""
    for side in (28, 900):
        image = Image.new("L", (side, side), 255)
        ImageDraw.Draw(image).line([(side // 4, side // 4), (side // 2, 3 * side // 4)], fill=0, width=side // 14)
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        found = seen(buffer.getvalue())
        assert found.cutout is None and "drawing cut out and centred" in found.notes


def test_a_photograph_stays_as_it_is_where_nothing_shall_be_cut_out() -> None:
    found = seen(photograph(), centre=False)
    assert found.cutout is None and "fitted whole" in found.notes


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"crop": (0.5, 0.0, 0.4, 1.0)}, "in this order"),
        ({"crop": (0.0, 0.0, 1.0, float("nan"))}, "in this order"),
        ({"turn": 46.0}, "-45 to 45"),
        ({"turn": float("nan")}, "-45 to 45"),
        ({"threshold": 0.0}, "above 0"),
        ({"stroke": 1.0}, "below 1"),
    ],
)
def test_numbers_out_of_range_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        images.Preparation(**change)


def test_a_line_drawn_again_is_as_thick_as_asked_for() -> None:
    mask = np.zeros((60, 200), bool)
    mask[20:40, 10:190] = True
    thin, thick = (photographs.redraw(mask, stroke) for stroke in (0.05, 0.2))
    assert (np.array([thin.shape[0], thick.shape[0]]) / max(thin.shape)).tolist() == pytest.approx(
        [0.05, 0.2], abs=0.05
    )
    assert thick.max() == 1
