"""Photographs of handwriting: each thing that may lie between a pen and what the model sees is taken away."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

from tests import handwriting
from tests.handwriting import WOODS, Scene
from vae_core import data, images, photographs
from vae_core.images import Prepared

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


def seen(photograph: bytes, **how: Any) -> Prepared:
    preparation, dark = data.preparation("mnist")
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


@pytest.mark.parametrize("digit", [2, 5])
@pytest.mark.parametrize("kind", SCENES)
def test_what_the_model_sees_is_what_the_pen_drew(kind: str, digit: int) -> None:
    scene = Scene(line(digit), ink=PEN, **SETTING)
    found = seen(handwriting.photograph(replace(scene, **SCENES[kind])))
    assert found.cutout is not None and found.cutout.doubts == ()
    assert found.inverted
    assert differs(found.x, drawn(digit)) < 0.5, differs(found.x, drawn(digit))
