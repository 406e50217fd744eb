"""The Gaussian latent: closed-form KL against Monte Carlo and torch, draws that are mean + std x noise; the point."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from vae_core.latents import priors
from vae_core.latents.gaussian import LOG_STD_RANGE, Gaussian, Point, kl_to_standard_normal, log_normal
from vae_core.shards import normal, seeded

numbers = st.floats(-5, 5)
CPU = torch.device("cpu")


@pytest.fixture
def latent() -> Gaussian:
    return Gaussian(features=6, dim=3, prior=priors.Normal(3))


@given(numbers, st.floats(0.05, 5))
def test_kl_is_that_of_torch(mean: float, std: float) -> None:
    expected = kl_divergence(Normal(torch.tensor(mean), torch.tensor(std)), Normal(0.0, 1.0))
    found = kl_to_standard_normal(torch.tensor(mean), torch.tensor(std))
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_kl_is_the_average_of_the_log_ratio(latent: Gaussian) -> None:
    h = torch.randn(4, 6)
    draw = latent.draw(h, 50_000, seeded(0))
    log_prior, log_posterior = draw.densities()
    ratio = log_posterior - log_prior
    error = ratio.std(1) / 50_000**0.5
    assert ((ratio.mean(1) - draw.kl[0].sum(1)).abs() < 5 * error).all()
    assert torch.equal(draw.kl[0], latent.encode(h).kl[0])


@given(numbers)
def test_log_normal_is_the_density(z: float) -> None:
    x = torch.tensor([[z, 0.5, -1.0], [0.0, 2.0, z]])
    assert torch.allclose(log_normal(x), Normal(0.0, 1.0).log_prob(x).sum(-1), rtol=1e-4, atol=1e-4)


def test_draws_are_mean_plus_standard_deviation_times_noise(latent: Gaussian) -> None:
    h = torch.randn(4, 6)
    encoding, draw = latent.encode(h), latent.draw(h, 5, seeded(7))
    (mean,), (std,), (z,) = encoding.mean, encoding.std, draw.z
    log_prior, log_posterior = draw.densities()
    noise = normal((4, 5, 3), seeded(7), CPU)
    assert torch.equal(draw.mean[0], mean) and torch.equal(draw.std[0], std)
    assert torch.allclose(z, mean[:, None] + std[:, None] * noise)
    assert torch.equal(draw.state, z.flatten(0, 1))
    assert torch.allclose(log_prior, Normal(0.0, 1.0).log_prob(z).sum(-1), atol=1e-5)
    assert torch.allclose(log_posterior, Normal(mean[:, None], std[:, None]).log_prob(z).sum(-1), atol=1e-4)


def test_gradients_flow_through_the_draw(latent: Gaussian) -> None:
    h = torch.randn(2, 6)
    latent.draw(h, 1, seeded(0)).z[0].sum().backward()
    assert (latent.head.bias.grad.abs() > 0).all()


def test_far_astray_it_stays_finite(latent: Gaussian) -> None:
    h = torch.full((1, 6), 1e4)
    encoding = latent.encode(h)
    (mean,), (std,), (kl,) = encoding.mean, encoding.std, encoding.kl
    assert torch.isfinite(torch.cat([mean, std, kl])).all()
    assert std.log().min() >= LOG_STD_RANGE[0] - 1e-4
    assert std.log().max() <= LOG_STD_RANGE[1] + 1e-4


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
def test_prior_draws_have_the_temperature_as_standard_deviation(latent: Gaussian, temperature: float) -> None:
    (z,) = latent.sample_prior(20_000, temperature, seeded(0), CPU)
    assert z.shape == (20_000, 3)
    assert torch.allclose(z.std(0), torch.full((3,), temperature), atol=0.02)
    assert z.mean(0).abs().max() < 0.03


@pytest.mark.parametrize("z", [[], [None], [torch.zeros(2, 4)], [torch.zeros(3)], [torch.zeros(2, 3)] * 2])
def test_wrong_z_is_refused_with_both_shapes(latent: Gaussian, z: list) -> None:
    with pytest.raises(ValueError, match=r"this model takes \[\(N, 3\)\]"):
        latent.complete(z, 0.0, None)


def test_without_a_closed_form_the_kl_is_an_estimate_that_mirror_images_steady() -> None:
    """One number a picture; `encode` gives the same each time, and both are near the average of many draws."""
    latent, h = Gaussian(6, 3, priors.Mixture(3, 4)), torch.randn(4, 6)
    assert latent.kl_shapes == ((),) and not latent.closed
    many = latent.draw(h, 50_000, seeded(0))
    log_prior, log_posterior = many.densities()
    ratio = log_posterior - log_prior
    assert torch.allclose(many.kl[0], ratio.mean(1), atol=1e-4)
    seen = latent.encode(h)
    assert torch.equal(seen.kl[0], latent.encode(h).kl[0]) and seen.kl[0].shape == (4,)
    assert torch.equal(seen.mean[0], many.mean[0]) and torch.equal(seen.std[0], many.std[0])
    assert ((seen.kl[0] - ratio.mean(1)).abs() < 5 * ratio.std(1) / 16**0.5).all()


def test_a_point_is_a_code_without_density() -> None:
    latent, h = Point(6, 3, priors.Fitted(3)), torch.randn(4, 6)
    encoding, draw = latent.encode(h), latent.draw(h, 2, seeded(0))
    assert torch.equal(draw.z[0], encoding.mean[0][:, None].expand(-1, 2, -1))
    assert encoding.std[0].abs().max() == 0 and encoding.kl == draw.kl == []
    with pytest.raises(ValueError, match="has no density"):
        draw.densities()
    latent.fit_prior(torch.randn(500, 3, generator=seeded(1)) + 5)
    (z,) = latent.sample_prior(1000, 1.0, seeded(2), CPU)
    assert (z.mean(0) - 5).abs().max() < 0.3
    before = latent.state_dict()
    plain = Point(6, 3, priors.Normal(3))
    plain.fit_prior(torch.full((5, 3), 7.0))
    assert before.keys() - plain.state_dict().keys() == {"prior_.mean", "prior_.factor"}
    assert plain.sample_prior(1000, 1.0, seeded(2), CPU)[0].mean().abs() < 0.3


def test_mirror_images_leave_no_odd_error() -> None:
    """With a spread of 1 and a prior that is the standard normal, what is left of the estimate is the closed form."""
    latent, h = Gaussian(6, 3, priors.Mixture(3, 1)).requires_grad_(False), torch.randn(4, 6)
    latent.head.weight[3:], latent.head.bias[3:] = 0.0, 0.0
    latent.prior_.mean.zero_()
    seen = latent.encode(h)
    assert torch.allclose(seen.kl[0], kl_to_standard_normal(seen.mean[0], seen.std[0]).sum(1), atol=1e-5)
