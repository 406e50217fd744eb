"""Scores of pictures: against closed forms, and the same whatever the memory and the company of a picture."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from vae_core import scoring
from vae_core.config import Body, Latent, LikelihoodConfig, ModelConfig
from vae_core.model import VAE, build
from vae_core.scoring import BLOCK, Statistics, active, bits_per_dimension, importance_weighted_nll, statistics
from vae_core.shards import seeded


def make(likelihood: str, kind: str = "mlp", dim: int = 3) -> VAE:
    body = Body(kind, (8,) if kind == "mlp" else ())
    return build(ModelConfig((1, 8, 8), body, body, Latent(dim=dim), LikelihoodConfig(likelihood, 0.3))).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (BLOCK + 60, 1, 8, 8), dtype=torch.uint8, generator=seeded(1))


def same(a: Statistics, b: Statistics) -> bool:
    pairs = zip((*columns(a), *a.codes), (*columns(b), *b.codes), strict=True)
    return all(torch.allclose(one, two, rtol=1e-5, atol=1e-4) for one, two in pairs)


def columns(found: Statistics) -> list[Tensor]:
    return [found.elbo, found.reconstruction, found.kl, found.mean, found.std]


def test_active_units_vary_between_pictures() -> None:
    mean = torch.tensor([[0.0, 0.0, 0.0], [0.2, 0.13, 5.0]])
    assert active(mean).tolist() == [True, False, True]  # variances 0.02, 0.00845, 12.5
    assert active(mean[:1]).tolist() == [False] * 3


@pytest.mark.parametrize("likelihood", ["bernoulli", "learned_gaussian"])
def test_statistics_are_the_models_own_terms(likelihood: str, images: Tensor) -> None:
    model, images = make(likelihood), images[:20]
    found = statistics(model, images, seed=4)
    x = model.observe(images.float() / 255, seeded(4, scoring.BITS, 0))
    encoding, terms = model.encode(x), model.terms(x, generator=seeded(4, scoring.DRAWS, 0))
    expected = [terms.elbo, -terms.log_likelihood[:, 0], encoding.kl[0], encoding.mean[0], encoding.std[0]]
    assert same(found, Statistics(*expected))
    assert torch.allclose(found.elbo, -(found.reconstruction + found.kl.sum(1)), atol=1e-3)
    assert same(found, statistics(model, images, seed=4))
    assert not same(found, statistics(model, images, seed=5))


def test_whole_blocks_do_not_depend_on_what_follows(images: Tensor) -> None:
    model = make("bernoulli")
    whole, first = statistics(model, images), statistics(model, images[:BLOCK])
    assert same(Statistics(*(column[:BLOCK] for column in columns(whole))), first)


def test_bytes_and_floats_give_the_same(images: Tensor) -> None:
    model = make("learned_gaussian")
    assert same(statistics(model, images), statistics(model, images.float() / 255))


def test_summary_averages_in_nats_per_image(images: Tensor) -> None:
    found = statistics(make("bernoulli"), images)
    summary = found.summary(make("bernoulli").spec)
    assert summary["elbo"] == pytest.approx(-(summary["reconstruction"] + summary["kl"]), rel=1e-5)
    assert summary["kl"] == pytest.approx(sum(summary["kl_per_dim"]), rel=1e-5)
    assert summary["active_units"] == int((found.mean.var(0) > 0.01).sum())


def test_progress_goes_up_to_one_and_can_stop_the_work(images: Tensor) -> None:
    seen: list[float] = []
    statistics(make("bernoulli"), images, progress=seen.append)
    assert seen == [BLOCK / len(images), 1.0]
    seen.clear()
    importance_weighted_nll(make("bernoulli"), images[:9], k=500, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 1

    def stop(fraction: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        statistics(make("bernoulli"), images, progress=stop)


@pytest.mark.parametrize("likelihood", ["bernoulli", "discretized_logistic"])
def test_nll_gets_tighter_with_k_and_is_below_the_elbos(likelihood: str, images: Tensor) -> None:
    model, images = make(likelihood), images[:40]
    figures = [importance_weighted_nll(model, images, k).mean().item() for k in (1, 10, 100, 1000)]
    assert figures == sorted(figures, reverse=True)
    assert figures[-1] < -statistics(model, images).elbo.mean().item()


def test_nll_of_a_linear_model_is_the_closed_form(images: Tensor) -> None:
    """p(x) = N(b, W W' + s^2 I): wrong as the posterior of fresh weights is, many draws find it."""
    model, images = make("gaussian", "linear", dim=2), images[:10]
    layer = model.decoder[0]
    covariance = (layer.weight @ layer.weight.T + 0.09 * torch.eye(64)).double()
    marginal = torch.distributions.MultivariateNormal(layer.bias.double(), covariance)
    exact = -marginal.log_prob((images.float() / 255).flatten(1).double())
    found = importance_weighted_nll(model, images, k=5000)
    assert torch.allclose(found.double(), exact, atol=0.5)
    assert (found - exact).mean().abs() < 0.1


@pytest.mark.parametrize("numbers", [2**21, 64 * 50])
def test_memory_is_bounded_whatever_k_is(images: Tensor, numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "NUMBERS_AT_ONCE", numbers)
    model, sizes = make("bernoulli"), []
    most = min(scoring.AT_ONCE, numbers // 64)
    model.decoder.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    for k in (1, 7, 300, 2 * scoring.AT_ONCE + 5):
        sizes.clear()
        assert importance_weighted_nll(model, images[:11], k).shape == (11,)
        assert sum(sizes) == 11 * k
        assert max(sizes) <= most


def test_statistics_of_large_pictures_are_the_same_in_less_memory(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sizes = make("bernoulli"), []
    whole = statistics(model, images)
    monkeypatch.setattr(scoring, "NUMBERS_AT_ONCE", 64 * 70)
    model.decoder.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    assert same(statistics(model, images), whole)
    assert sizes == [70] * 7 + [10, 60]


@pytest.mark.parametrize("likelihood", ["bernoulli", "learned_gaussian"])
def test_encode_is_that_of_the_statistics_in_bounded_parts(
    likelihood: str, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sizes, seen = make(likelihood), [], []  # type: ignore[var-annotated]
    whole = statistics(model, images, seed=2)
    monkeypatch.setattr(scoring, "NUMBERS_AT_ONCE", 64 * 70)
    model.encoder.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    mean, std = scoring.encode(model, images, 2, seen.append)
    assert sizes == [70] * 7 + [10, 60]
    assert seen == [BLOCK / len(images), 1.0]
    assert torch.allclose(mean, whole.mean, atol=1e-5)
    assert torch.allclose(std, whole.std, atol=1e-5)


def test_nll_is_repeatable_and_refuses_no_draws(images: Tensor) -> None:
    model = make("bernoulli")
    first, same, other = (importance_weighted_nll(model, images[:5], 20, seed) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    with pytest.raises(ValueError, match="k is 0"):
        importance_weighted_nll(model, images, 0)


def test_bits_per_dimension_are_for_masses_alone() -> None:
    assert bits_per_dimension(make("discretized_logistic"), 64 * math.log(2) * 8) == pytest.approx(8)
    assert bits_per_dimension(make("bernoulli"), 64 * math.log(2)) == pytest.approx(1)
    assert bits_per_dimension(make("gaussian"), 100.0) is None
    assert bits_per_dimension(make("learned_gaussian"), 100.0) is None


def test_bits_per_dimension_of_one_logistic_by_hand(images: Tensor) -> None:
    """Parameters that are all 0 mean mid-grey with the scale exp(-2)."""
    model = make("discretized_logistic")
    for weight in model.decoder[-2].parameters():
        torch.nn.init.zeros_(weight)
    nats = -model.likelihood.log_prob(model.decoder(torch.zeros(1, 3)), model.observe(images[:1].float() / 255)).item()
    levels = torch.arange(256) / 255
    edges = torch.sigmoid(((levels[:-1] + 0.5 / 255) - 0.5) * math.exp(2)).double()
    mass = torch.cat([edges[:1], edges.diff(), 1 - edges[-1:]])
    expected = -mass[images[0].flatten().long()].log2().mean().item()
    assert bits_per_dimension(model, nats) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_effective_sample_size_is_the_plain_computation(likelihood: str, images: Tensor) -> None:
    model, k = make(likelihood), 30
    x = next(scoring.blocks(model, images[:7], 4))[1]
    weights = model.terms(x, k=k, generator=seeded(4, scoring.WEIGHTS, 0)).log_weights.double().exp()
    nll, effective = scoring.importance_weighted(model, images[:7], k, 4)
    plain = [(sum(row) ** 2 / sum(w * w for w in row)) for row in (weights / weights.amax(1, True)).tolist()]
    assert effective.tolist() == pytest.approx(plain, rel=1e-3)
    assert nll.tolist() == pytest.approx([-math.log(sum(row) / k) for row in weights.tolist()], rel=1e-4)


def test_the_effective_sample_size_of_a_gaussian_is_the_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log weights that are normal with variance s^2 leave k exp(-s^2) of k draws, for many of them."""
    model, spread = make("gaussian"), 0.8

    def terms(x: Tensor, y: Tensor | None, k: int, generator: torch.Generator) -> object:
        return SimpleNamespace(log_weights=-700 + spread * torch.randn(len(x), k, generator=generator))

    monkeypatch.setattr(VAE, "terms", lambda self, x, y=None, k=1, generator=None: terms(x, y, k, generator))
    effective = scoring.importance_weighted(model, torch.zeros(20, 1, 8, 8), 20_000)[1]
    assert effective.mean().item() == pytest.approx(20_000 * math.exp(-(spread**2)), rel=0.02)
