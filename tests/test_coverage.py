"""Whether the prior covers the encodings: known answers of made-up ones, and the ranking of shipped models."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn.functional import avg_pool2d

from vae_core import checkpoints, coverage, explore, features, fitting, realism
from vae_core.checkpoints import Checkpoint, Reference
from vae_core.config import DataConfig
from vae_core.data import load
from vae_core.shards import seeded

DIM, COUNT = 8, 600


def shipped(name: str) -> Checkpoint:
    return checkpoints.load(checkpoints.find(name))


def with_codes(mean: Tensor, std: float = 0.3, gap: float | None = None) -> Checkpoint:
    """The digits' model with other encodings in its file, (N, 8)."""
    zeros, count = torch.zeros(len(mean)), len(mean)
    reference = Reference(mean, torch.full_like(mean, std), torch.zeros_like(mean), zeros, torch.arange(count))
    metrics = {} if gap is None else {"prior_gap": gap}
    return replace(shipped("digits"), reference=reference, metrics=metrics)


def normal(std: float = 1.0, seed: int = 5) -> Tensor:
    return std * torch.randn(COUNT, DIM, generator=seeded(seed))


def matched() -> Checkpoint:
    """Encodings whose aggregate posterior is N(0, I)."""
    return with_codes(normal((1 - 0.3**2) ** 0.5))


def test_encodings_that_fill_the_prior_have_no_offset_no_holes_and_its_variance():
    found = coverage.measure(matched())
    assert found.offset.abs().max() < 0.2 and (found.variance - 1).abs().max() < 0.25
    assert found.used.all() and found.holes < 0.12
    assert found.effective_rank == pytest.approx(DIM, abs=0.3)


def test_narrow_encodings_leave_holes():
    found = coverage.measure(with_codes(normal(0.3), std=0.1))
    assert found.variance.median() == pytest.approx(0.1, abs=0.03) and found.holes > 0.9
    assert found.verdict.startswith("Fit for a generator? No: ")
    assert f"{found.holes:.0%} of its draws lie further out" in found.verdict


def test_encodings_beside_the_prior_are_told_in_its_standard_deviations():
    mean = normal((1 - 0.3**2) ** 0.5)
    mean[:, 2] += 3
    found = coverage.measure(with_codes(mean))
    assert found.offset[2] == pytest.approx(3, abs=0.2) and "in z2, furthest off" in found.rows()["Mean"]


def test_a_dimension_of_noise_alone_plays_no_part():
    mean, std = normal((1 - 0.3**2) ** 0.5), 0.3
    mean[:, 5] *= 0.01
    checkpoint = with_codes(mean, std)
    found = coverage.measure(checkpoint)
    assert found.used.tolist() == [True] * 5 + [False] + [True] * 2
    assert found.effective_rank == pytest.approx(7, abs=0.3)
    quiet = replace(checkpoint.reference, mean=0.001 * mean, std=torch.ones_like(mean))
    silent = coverage.measure(replace(checkpoint, reference=quiet))
    assert not silent.used.any() and silent.verdict.endswith("so all draws look alike.")


def test_a_collapsed_model_is_no_generator():
    assert coverage.measure(shipped("sprites-collapsed")).level == "no"


@pytest.mark.parametrize("name", ["digits", "digits-conditional-film", "digits-mixture", "digits-vamp", "mnist-ae-16"])
def test_every_vector_model_is_measured_and_left_as_it_is(name):
    checkpoint = shipped(name)
    before = {key: tensor.clone() for key, tensor in checkpoint.model.state_dict().items()}
    found = coverage.measure(checkpoint)
    again = coverage.measure(checkpoint)
    assert found.summary() == again.summary() and found.verdict.startswith("Fit for a generator? ")
    assert all(isinstance(value, float | int | str | None) for value in found.summary().values())
    assert all(torch.equal(tensor, before[key]) for key, tensor in checkpoint.model.state_dict().items())
    assert 0 < found.round_trip[1] <= found.round_trip[0] + 0.05


@pytest.mark.parametrize("name", ["digits-vdvae", "fashion-vq"])
def test_other_models_are_told_why_not(name):
    checkpoint = shipped(name)
    assert coverage.described(checkpoint) == {
        "Prior": f"Not compared with the encodings. {coverage.lacking(checkpoint)}"
    }
    with pytest.raises(ValueError, match="level by level"):
        coverage.measure(checkpoint)


def test_a_file_with_few_encodings_or_none_says_so():
    few, none = with_codes(normal()[:39]), replace(matched(), reference=None)
    assert "holds 39 reference encodings; at least 40" in coverage.described(few)["Prior"]
    assert "holds 0 reference encodings" in coverage.described(none)["Prior"]
    fitted = replace(none, metrics={"prior_gap": 30.0})
    assert coverage.described(fitted) == {"Prior": fitting.describe(30.0)}


def test_the_gap_is_in_the_verdict_and_large_ones_decide_it():
    whole = matched()
    for gap, level in ((0.5, "yes"), (5.0, "partly"), (50.0, "no")):
        found = coverage.measure(replace(whole, metrics={"prior_gap": gap}))
        assert found.level == level and found.verdict.endswith(fitting.describe(gap))
        assert found.verdict.startswith(f"Fit for a generator? {level.capitalize()}")
    assert coverage.measure(replace(whole, metrics={})).rows()["Gap"].startswith("not measured")


def test_fog_and_noise_of_draws_cost_and_so_does_blur(monkeypatch):
    checkpoint, real = matched(), explore.decode

    def measured(change: Callable[[Tensor], Tensor]) -> coverage.Coverage:
        """With the first pictures, those of draws, changed."""
        turns = iter([change, lambda x: x])
        monkeypatch.setattr(explore, "decode", lambda model, v, y=None: next(turns)(real(model, v, y)))
        return coverage.measure(checkpoint)

    plain = measured(lambda x: x)
    fog = measured(lambda x: 0.5 * x + 0.25)
    noise = measured(lambda x: x + 0.3 * torch.randn(x.shape, generator=seeded(0)))
    assert fog.sharpness[0] == pytest.approx(plain.sharpness[0] / 4)
    assert fog.departure > plain.departure and noise.departure > plain.departure
    assert min(fog.score, noise.score) > plain.score
    assert fog.level == noise.level == "no"


def blurred(name: str, share: float) -> Checkpoint:
    """A shipped model whose decoder loses so much of what is sharp."""
    checkpoint = shipped(name)
    decode = checkpoint.model.decode

    def dull(*given: Any, **more: Any) -> Tensor:
        x = decode(*given, **more)
        return x.lerp(avg_pool2d(x, 3, 1, 1, count_include_pad=False), share)

    checkpoint.model.decode = dull  # type: ignore[method-assign]
    return checkpoint


def test_the_score_ranks_models_as_kid_of_their_draws_does(tmp_path, monkeypatch):
    """Of the 8x8 digits, whose pictures are always here; `tests/benchmarks/test_realism.py` prints it of all sets."""
    monkeypatch.setenv("VAE_CACHE", str(tmp_path))
    monkeypatch.setitem(features.STEPS, "classifier", 150)
    splits = load(DataConfig("digits"))
    names = ("digits-resnet", "digits-linear", "digits-dreg", "digits-vamp")
    models = [blurred(name, share) for name in names for share in (0.0, 0.5, 1.0)]
    net = features.learn(splits.train.images, splits.train.labels)
    sides = [realism.sides(one.model, splits.test.images, splits.test.labels).features(net) for one in models]
    far = [realism.kid(side.real, side.others["own_prior"]) for side in sides]
    scores = [coverage.measure(one).score for one in models]
    assert spearmanr(far, scores).statistic > 0.8, [*zip(far, scores, strict=True)]
