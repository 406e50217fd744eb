"""Mirrored pictures: a run shows them where they look like the pictures, and digits do not."""

import pytest
import torch
from torch import Tensor

from vae_core import data, mirroring
from vae_core.config import DataConfig
from vae_core.shards import seeded


def blots(count: int, lean: float) -> Tensor:
    """Random grey pictures; `lean` brightens the left half of some: 0 as often as the right half, 1 of all."""
    generator = seeded(3)
    images = torch.randint(0, 200, (count, 1, 20, 24), generator=generator)
    left = torch.rand(count, generator=generator) < 0.5 + lean / 2
    images[left, :, :, :12] += 50
    images[~left, :, :, 12:] += 50
    return images.to(torch.uint8)


def test_pictures_that_know_no_side_are_mirrored_and_leaning_ones_are_not() -> None:
    even, leaning = (mirroring.tell_apart(blots(2000, lean)) for lean in (0.0, 0.6))
    assert even == pytest.approx(0.5, abs=0.05) and leaning == pytest.approx(0.8, abs=0.05)
    assert mirroring.choose(blots(2000, 0.0))[0] and not mirroring.choose(blots(2000, 0.6))[0]


def test_symmetric_pictures_are_told_by_nothing() -> None:
    images = blots(400, 0.6)
    assert mirroring.tell_apart(torch.minimum(images, images.flip(3))) == 0.5


def test_digits_are_not_mirrored_and_it_is_said_how_sure_that_is() -> None:
    chosen, reason = mirroring.choose(data.load(DataConfig("digits")).train.images)
    assert not chosen and "8" in reason and "where chance is 50 %" in reason


def test_few_pictures_tell_nothing() -> None:
    chosen, reason = mirroring.choose(blots(mirroring.LEAST - 1, 0.0))
    assert not chosen and reason.startswith("Fewer than 200 pictures")
