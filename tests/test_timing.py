"""How long steps take: what is chosen by it, and how many epochs fit."""

import pytest

from tests.test_training import recipe, splits
from vae_core import timing


def test_the_gain_is_told_from_steps_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "LONG_ENOUGH", 0.01)
    assert 0.01 < timing.gain(recipe("mlp"), splits(), "cpu") < 100
    took = iter([3.0, 1.0, 4.0, 2.0, 9.0, 1.0])  # float32, bf16, float32, ...
    monkeypatch.setattr(timing, "seconds_a_step", lambda run: next(took))
    assert timing.gain(recipe("mlp"), splits(), "cpu") == 3.0


def test_epochs_within_a_time_grow_with_it() -> None:
    made = recipe("mlp", epochs=20)
    few, many = (timing.epochs_within(made, splits(), seconds, "cpu") for seconds in (0.001, 60))
    assert few == 1 and many > 20
