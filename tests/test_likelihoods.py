"""Likelihoods: they sum to one, agree with closed forms and peers, and stay finite where nets go astray."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal

from vae_core import likelihoods
from vae_core.config import LIKELIHOODS, LikelihoodConfig
from vae_core.likelihoods import LEVELS, MIN_STD
from vae_core.shards import seeded

GREYS = torch.arange(LEVELS) / (LEVELS - 1)


def make(kind: str, std: float = 0.3) -> likelihoods.Likelihood:
    return likelihoods.build(LikelihoodConfig(kind, std))


def logistic(location: float, log_scale: float, rows: int = 1) -> torch.Tensor:
    """Parameters of a discretized logistic with this location and log scale, (rows, 2, 1, 1)."""
    return torch.tensor([location - 0.5, log_scale + 2.0]).view(1, 2, 1, 1).expand(rows, 2, 1, 1)


@given(st.floats(-30, 30))
def test_both_bits_have_probability_one_together(logit: float) -> None:
    bits = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)
    log_prob = make("bernoulli").log_prob(torch.full((2, 1, 1, 1), logit), bits)
    assert log_prob.exp().sum() == pytest.approx(1, abs=1e-6)


@given(st.floats(-0.5, 1.5), st.floats(-9, 7))
def test_all_256_levels_have_probability_one_together(location: float, log_scale: float) -> None:
    log_prob = make("discretized_logistic").log_prob(logistic(location, log_scale, LEVELS), GREYS.view(-1, 1, 1, 1))
    assert log_prob.exp().sum() == pytest.approx(1, abs=1e-4)


@given(st.floats(-0.3, 1.3), st.floats(-7, 5))
def test_discretized_mean_is_the_sum_over_levels(location: float, log_scale: float) -> None:
    """The closed form integrates where the sum has steps: they agree within a fraction of a level."""
    likelihood = make("discretized_logistic")
    mass = likelihood.log_prob(logistic(location, log_scale, LEVELS), GREYS.view(-1, 1, 1, 1)).exp()
    found = likelihood.mean(logistic(location, log_scale)).item()
    tolerance = 0.51 / 255 if log_scale < -5 else 2e-5
    assert found == pytest.approx((mass * GREYS).sum().item(), abs=tolerance)


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("std", [0.01, 0.3, 2.0])
def test_gaussian_is_the_normal_distribution(learned: bool, std: float) -> None:
    likelihood = make("learned_gaussian" if learned else "gaussian", std)
    params, x = torch.rand(2, 5, 3, 4, 6)
    expected = Normal(params, std).log_prob(x).flatten(1).sum(1)
    assert torch.allclose(likelihood.log_prob(params, x), expected, rtol=1e-5)
    assert any(True for _ in likelihood.parameters()) == learned


def test_bernoulli_is_binary_cross_entropy_in_nats() -> None:
    params, x = torch.randn(3, 1, 4, 4), torch.rand(3, 1, 4, 4)
    p = params.double().sigmoid()
    expected = (x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1)
    assert torch.allclose(make("bernoulli").log_prob(params, x), expected.float(), rtol=1e-5)


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_draws_average_to_the_mean(kind: str) -> None:
    likelihood = make(kind, std=0.05)
    params = torch.rand(1, likelihood.channels(3), 2, 2) * 0.4 + 0.3
    if kind == "discretized_logistic":
        params -= 0.5
    many = likelihood.sample(params.expand(40_000, -1, -1, -1), seeded(1))
    assert many.shape[1:] == (3, 2, 2)
    assert 0 <= many.min() <= many.max() <= 1
    assert torch.allclose(many.mean(0), likelihood.mean(params)[0], atol=0.015)


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_draws_are_values_that_the_likelihood_scores(kind: str) -> None:
    likelihood = make(kind)
    drawn = likelihood.sample(torch.randn(20, likelihood.channels(1), 4, 4), seeded(1))
    assert torch.equal(likelihood.observe(drawn), drawn)
    assert torch.equal(
        likelihood.sample(torch.zeros(2, 2, 3, 3), seeded(4)), likelihood.sample(torch.zeros(2, 2, 3, 3), seeded(4))
    )


@pytest.mark.parametrize("kind", LIKELIHOODS)
@pytest.mark.parametrize("size", [1.0, 50.0, 1e4, 1e8])
def test_finite_with_gradients_where_nets_go_astray(kind: str, size: float) -> None:
    likelihood = make(kind)
    channels = likelihood.channels(1)
    signs = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])[:, :channels]
    params = (size * signs).view(-1, channels, 1, 1).repeat(3, 1, 1, 1).requires_grad_()
    x = torch.tensor([0.0, 0.4, 1.0]).repeat_interleave(4).view(-1, 1, 1, 1)
    log_prob = likelihood.log_prob(params, likelihood.observe(x))
    log_prob.sum().backward()
    assert torch.isfinite(log_prob).all()
    assert torch.isfinite(params.grad).all()
    mean = likelihood.mean(params)
    assert 0 <= mean.min() <= mean.max() <= 1
    assert torch.isfinite(likelihood.sample(params, seeded(0))).all()


@settings(max_examples=30)
@given(st.sampled_from(LIKELIHOODS), st.floats(-3, 3), st.floats(0, 1))
def test_gradients_are_slopes(kind: str, value: float, grey: float) -> None:
    likelihood = make(kind)
    params = torch.full((1, likelihood.channels(1), 1, 1), value, requires_grad=True)
    x = likelihood.observe(torch.full((1, 1, 1, 1), grey))
    likelihood.log_prob(params, x).sum().backward()
    step = 1e-2
    for channel in range(params.shape[1]):
        ends = [params.detach().clone() for _ in range(2)]
        ends[0][0, channel], ends[1][0, channel] = value + step, value - step
        upper, lower = (likelihood.log_prob(end, x).item() for end in ends)
        assert params.grad[0, channel].item() == pytest.approx((upper - lower) / (2 * step), rel=0.02, abs=0.02)


def test_learned_variance_has_a_floor_that_it_can_leave() -> None:
    likelihood = make("learned_gaussian", std=0.02)
    optimizer = torch.optim.Adam(likelihood.parameters(), lr=0.5)
    x = torch.rand(4, 1, 3, 3)

    def step(params: torch.Tensor) -> None:
        optimizer.zero_grad()
        (-likelihood.log_prob(params, x).sum()).backward()
        optimizer.step()

    for _ in range(20):
        step(x)
    assert likelihood.std.item() == pytest.approx(MIN_STD)
    for _ in range(50):
        step(x + 0.3)
    assert likelihood.std > 10 * MIN_STD


def test_a_fixed_variance_stays() -> None:
    assert not list(make("gaussian").parameters())
    assert make("gaussian", 0.07).std.item() == pytest.approx(0.07)


def test_bits_average_to_the_grey_and_come_from_the_seed() -> None:
    likelihood = make("bernoulli")
    x = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0]).view(1, 1, 1, 5)
    many = likelihood.observe(x.expand(20_000, 1, 1, 5), seeded(2))
    assert set(many.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(many.mean(0, keepdim=True), x, atol=0.015)
    assert many.mean(0).flatten()[[0, 4]].tolist() == [0, 1]
    one, same, other = (likelihood.observe(torch.full((1, 1, 8, 8), 0.5), seeded(s)) for s in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_probabilities_that_are_rounded_to_never_are_held_off_it() -> None:
    """A sigmoid of -18 is exactly 0 in onnxruntime; a bit there costs much, and not endlessly much."""
    logits = torch.tensor([-40.0, -18.0, -3.0, 3.0, 40.0]).view(1, 1, 1, 5)
    mean = torch.where(logits <= -18, 0.0, logits.sigmoid())
    likelihood = likelihoods.build(LikelihoodConfig("bernoulli"), of_means=True)
    params = likelihood.from_mean(mean)
    for bits in (torch.ones_like(mean), torch.zeros_like(mean)):
        share = mean.double().clamp(1e-7, 1 - 1e-7)
        wanted = (bits * share.log() + (1 - bits) * (1 - share).log()).sum().item()
        assert likelihood.log_prob(params, bits).item() == pytest.approx(wanted, rel=0.01)
    assert "held 1e-07 away from 0 and 1: a bit costs at most 16.1 nats" in likelihood.note
    assert not make("bernoulli").note and likelihood.label == make("bernoulli").label


def test_bits_without_a_generator_are_a_threshold() -> None:
    x = torch.tensor([0.0, 0.49, 0.5, 1.0]).view(1, 1, 1, 4)
    assert make("bernoulli").observe(x).flatten().tolist() == [0, 0, 1, 1]


@given(st.integers(0, 255))
def test_levels_are_those_of_a_byte(level: int) -> None:
    x = torch.tensor([[[[level / 255]]]])
    observe = make("discretized_logistic").observe
    assert observe(x + 0.49 / 255).item() == observe(x - 0.49 / 255).item() == pytest.approx(level / 255)


@pytest.mark.parametrize("kind", ["gaussian", "learned_gaussian"])
def test_a_density_scores_the_grey_itself(kind: str) -> None:
    x = torch.rand(2, 1, 3, 3)
    assert torch.equal(make(kind).observe(x, seeded(0)), x)


def test_labels_tell_the_likelihoods_apart() -> None:
    assert len({make(kind).label for kind in LIKELIHOODS}) == len(LIKELIHOODS)
    assert [make(kind).binary for kind in LIKELIHOODS] == [True, False, False, False]
    assert [make(kind).discrete for kind in LIKELIHOODS] == [True, False, False, True]
    assert math.isclose(make("gaussian", 0.25).std.item(), 0.25, rel_tol=1e-6)


def test_a_likelihood_tells_the_deviation_that_it_learns_and_takes_one_where_it_has_any() -> None:
    learned = [make(kind, 0.25).learned_std for kind in LIKELIHOODS]
    assert learned == [None, None, pytest.approx(0.25), None]
    gaussian = make("gaussian", 0.25)
    gaussian.set_std(0.5)
    assert gaussian.std.item() == pytest.approx(0.5)
    with pytest.raises(ValueError, match=r"Bernoulli \(bits\) has no standard deviation"):
        make("bernoulli").set_std(0.5)


def test_bits_have_no_gradient() -> None:
    logits = torch.zeros(2, 1, 4, 4, requires_grad=True)
    bernoulli = make("bernoulli")
    assert not bernoulli.sample(logits, seeded(0)).requires_grad
    assert not bernoulli.observe(logits.sigmoid(), seeded(0)).requires_grad
