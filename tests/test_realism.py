"""How like real pictures draws are: known values of Gaussians, and what the measures say of models."""

import pytest
import torch

from vae_core import features, metrics, realism, scoring
from vae_core.checkpoints import find
from vae_core.checkpoints import load as load_checkpoint
from vae_core.config import DataConfig
from vae_core.data import Splits, load
from vae_core.shards import seeded


def gaussian(count: int, seed: int, mean: float = 0.0, std: float = 1.0) -> torch.Tensor:
    return mean + std * torch.randn(count, 8, generator=seeded(seed))


def two_modes(count: int, seed: int, share: float) -> torch.Tensor:
    """Points of two Gaussians far apart, `share` of them of the second."""
    points = gaussian(count, seed)
    points[: round(share * count), 0] += 20
    return points


def test_two_samples_of_one_gaussian_have_no_kernel_distance():
    found = torch.tensor([realism.kid(gaussian(1_000, 2 * i), gaussian(1_000, 2 * i + 1)) for i in range(10)])
    assert found.mean().abs() < 3 * found.std() / 10**0.5 + 0.5
    assert found.min() < 0 < found.max()  # unbiased


def test_the_standard_error_is_the_spread_of_the_kernel_distance_and_that_of_a_plain_jackknife():
    def pair(seed: int, count: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
        return gaussian(count, 2 * seed), gaussian(count, 2 * seed + 1, mean=0.5)

    found = torch.tensor([realism.kid(*pair(seed)) for seed in range(60)])
    errors = torch.tensor([realism.kid_error(*pair(seed)) for seed in range(60)])
    assert errors.mean() == pytest.approx(found.std().item(), rel=0.25)
    real, made = pair(0, 12)
    rest = [torch.arange(12) != i for i in range(12)]
    for_real = torch.tensor([realism.kid(real[kept], made) for kept in rest])
    for_made = torch.tensor([realism.kid(real, made[kept]) for kept in rest])
    plain = sum(11 * values.var(correction=0) for values in (for_real, for_made)) ** 0.5
    assert realism.kid_error(real, made) == pytest.approx(plain.item(), rel=1e-4)


def test_the_kernel_distance_of_a_shift_is_that_of_the_formula():
    """With one feature, k(x, y) = (xy + 1)^3 compares moments: sum over j of binomial(3, j) (E x^j - E y^j)^2."""
    x, y = torch.randn(100_000, 1, generator=seeded(0)), 1 + torch.randn(100_000, 1, generator=seeded(1))
    moments = [(0, 0), (0, 1), (1, 2), (0, 4)]
    expected = sum(times * (a - b) ** 2 for times, (a, b) in zip((1, 3, 3, 1), moments, strict=True))
    assert realism.kid(x[:5_000], y[:5_000]) == pytest.approx(1_000 * expected, rel=0.1)


def test_precision_and_recall_of_the_same_gaussian_are_high_and_of_a_far_one_zero():
    real, same, far = gaussian(1_000, 0), gaussian(1_000, 1), gaussian(1_000, 2, mean=20)
    assert realism.precision(real, same) > 0.8 and realism.recall(real, same) > 0.8
    assert realism.precision(real, far) == realism.recall(real, far) == 0


def test_a_dropped_mode_costs_recall_and_a_narrow_one_too_but_not_precision():
    real = two_modes(1_000, 0, 0.5)
    dropped, narrow, wide = two_modes(1_000, 1, 0.0), gaussian(1_000, 1, std=0.3), gaussian(1_000, 1, std=3)
    assert realism.precision(real, dropped) > 0.8 and 0.3 < realism.recall(real, dropped) < 0.5
    assert realism.precision(gaussian(1_000, 0), narrow) > 0.95 and realism.recall(gaussian(1_000, 0), narrow) < 0.1
    assert realism.precision(gaussian(1_000, 0), wide) < 0.1


def test_a_ball_reaches_to_the_third_neighbour():
    real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])  # whose third neighbours are 3, 2, 2 and 3 away
    assert realism.precision(real, torch.tensor([[6.0], [6.1], [-3.1], [0.5]])) == 0.5
    assert realism.recall(real, real) == 1


def test_sharpness_is_small_in_fog_and_large_in_noise():
    noise = torch.rand(50, 1, 16, 16, generator=seeded(0))
    fog = torch.nn.functional.avg_pool2d(noise, 5, 1, 2, count_include_pad=False)
    assert realism.sharpness(fog) < 0.1 * realism.sharpness(noise)
    assert realism.sharpness(noise) == pytest.approx(2 * 2 / 12, rel=0.05)  # twice the variance, in two directions


@pytest.fixture(scope="module")
def digits() -> Splits:
    return load(DataConfig("digits"))


@pytest.mark.parametrize("name", ["digits", "digits-conditional-film", "digits-vdvae"])
def test_sides_are_alike_many_and_do_not_change(name, digits, monkeypatch):
    model = load_checkpoint(find(name)).model
    shares: list[float] = []
    found = realism.sides(model, digits.test.images, digits.test.labels, progress=shares.append)
    monkeypatch.setattr(scoring, "AT_ONCE", 40)
    realism.sides(model, digits.test.images, digits.test.labels, progress=shares.append)
    monkeypatch.undo()
    assert len(shares) > 4 and shares[-1] == 1
    again = realism.sides(model, digits.test.images, digits.test.labels)
    assert set(found.others) >= {"own_prior", "reconstructions", "real"} and shares[-1] == 1
    assert all(made.shape == found.real.shape == (90, 1, 8, 8) for made in found.others.values())
    assert all(torch.equal(made, again.others[side]) for side, made in found.others.items())
    shared = (found.others["real"][:, None] == found.real[None]).flatten(2).all(2).any()
    assert not shared  # what is compared are other pictures
    # Reconstructions are of the other half, so that both yardsticks have the same distance to go.
    error = (found.others["reconstructions"] - found.others["real"]).square().mean()
    assert error < 0.5 * (found.others["reconstructions"] - found.real).square().mean()


def test_conditional_draws_have_the_classes_of_the_real_pictures(digits, monkeypatch):
    model = load_checkpoint(find("digits-conditional-film")).model
    told = []
    real = model.decode
    monkeypatch.setattr(model, "decode", lambda z, y=None: told.append(y) or real(z, y))
    realism.sides(model, digits.test.images, digits.test.labels)
    order = torch.randperm(len(digits.test), generator=seeded(realism.SEED, realism.HALVES))[:90]
    assert torch.equal(told[0], digits.test.labels[order])


def test_too_few_pictures_are_told_in_a_sentence(digits):
    model = load_checkpoint(find("digits")).model
    with pytest.raises(ValueError, match="at least 100 pictures, and there are 99"):
        realism.sides(model, digits.test.images[:99])


def test_figures_have_both_yardsticks_and_say_what_they_are_of(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_CACHE", str(tmp_path))
    monkeypatch.setitem(features.STEPS, "classifier", 50)
    model, test, shares = load_checkpoint(find("digits")).model, digits.test, []
    rows = metrics.figures(
        model, test.images, metrics.REALISM, progress=shares.append, labels=test.labels, training=digits.train
    )
    assert list(rows) == ["kid", "precision", "recall"]
    for row in rows.values():
        assert {"own_prior", "reconstructions", "real"} <= set(row["value"])
        assert "90 pictures a side, in features of a classifier of 10 classes" in row["unit"]
    assert rows["kid"]["value"]["real"] < rows["kid"]["value"]["own_prior"]
    assert "k = 3" in rows["recall"]["unit"] and "standard_errors" not in rows["recall"]
    assert rows["kid"]["standard_errors"].keys() == rows["kid"]["value"].keys()
    assert min(rows["kid"]["standard_errors"].values()) > 0
    assert shares == sorted(shares) and shares[-1] == 1


def test_figures_of_too_few_pictures_or_without_a_training_part_are_refused(digits):
    model, needed = load_checkpoint(find("digits")).model, "kid needs at least 100 pictures"
    for images, training in (
        (digits.test.images[:99], digits.train),
        (digits.test.images, None),
        (digits.test.images, digits.train.subset(slice(0, 99))),
    ):
        with pytest.raises(ValueError, match=needed) as caught:
            metrics.figures(model, images, ["kid"], training=training)
        assert "recall" not in str(caught.value).split("allowed:")[1]
    assert "encodings" in (metrics.lacking_pictures(model, "kid") or "")


def test_a_header_s_figures_tell_fog_from_pictures(digits):
    model = load_checkpoint(find("digits-resnet")).model.with_prior(None)
    found = realism.compared(model, digits.test.images, digits.test.labels, digits.train.images)
    assert found["compared_pictures"] == 90 and 0.9 < found["sharpness_real"] < 1.1
    assert found["sharpness_own_prior"] < found["sharpness_real"]
    told = realism.describe(found, model.spec)
    assert f"reconstructions are {found['sharpness_reconstructions']:.0%} as sharp" in told
    assert f"draws from N(0, I) {found['sharpness_own_prior']:.0%} as sharp" in told and "fitted" not in told
    assert realism.compared(model, digits.test.images[:99], None, digits.train.images) == {}
    assert "at least 100 test pictures" in realism.describe({}, model.spec)


def test_an_untrained_net_tells_fog_from_pictures_too(digits, monkeypatch):
    model = load_checkpoint(find("digits-resnet")).model
    decode = model.decode

    def compared_in_fog(share: float) -> tuple[float, float]:
        def in_fog(z: list, y: torch.Tensor | None = None) -> torch.Tensor:
            x = decode(z, y)
            return x.lerp(x.mean((1, 2, 3), keepdim=True), share)

        monkeypatch.setattr(model, "decode", in_fog)
        found = realism.compared(model, digits.test.images, None, digits.train.images)
        return found["distance_own_prior"], found["sharpness_own_prior"]

    distances, crisp = zip(*map(compared_in_fog, (0.0, 0.5, 1.0)), strict=True)
    assert list(distances) == sorted(distances)
    assert list(crisp) == sorted(crisp, reverse=True) and crisp[-1] < 1e-6
