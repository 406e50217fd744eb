"""Priors over one vector: densities that integrate to 1, draws that follow them, temperature, fitting."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, MultivariateNormal
from torch.distributions import Normal as TorchNormal

from vae_core.config import Body, Latent, ModelConfig
from vae_core.latents import priors
from vae_core.latents.priors import Fitted, Mixture, Normal, Vamp
from vae_core.model import build
from vae_core.shards import Shard, seeded

CPU = torch.device("cpu")
DRAWS = 40_000


def mixture(dim: int = 2) -> Mixture:
    """Three components of different widths and weights, the last one hardly ever chosen."""
    prior = Mixture(dim, 3)
    with torch.no_grad():
        prior.mean.copy_(torch.randn(3, dim, generator=seeded(1)))
        prior.log_std.copy_(0.4 * torch.randn(3, dim, generator=seeded(2)))
        prior.weights.copy_(torch.tensor([1.0, 0.3, -4.0]))
    return prior.requires_grad_(False)


def vamp(dim: int = 2) -> Vamp:
    """Posteriors that a small net gives to four pseudo-inputs, in different places."""
    net = torch.nn.Linear(9, 2 * dim).requires_grad_(False)

    def posterior(x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_std = net(8 * (x.flatten(1) - 0.5)).chunk(2, 1)
        return mean, (0.3 * log_std).exp()

    return Vamp(4, (1, 3, 3), posterior).requires_grad_(False)


def fitted(dim: int = 2) -> Fitted:
    prior = Fitted(dim)
    codes = torch.randn(500, dim, generator=seeded(3)) @ torch.randn(dim, dim, generator=seeded(4)) + 0.5
    prior.fit(codes)
    return prior


KINDS = {"normal": lambda: Normal(2), "mixture": mixture, "vamp": vamp, "fitted": fitted}
Prior = Normal | Mixture


@pytest.fixture(params=list(KINDS))
def prior(request: pytest.FixtureRequest) -> Prior:
    return KINDS[request.param]()


def moments(prior: Prior) -> tuple[Tensor, Tensor]:
    """Mean and covariance by sums over a grid, and nothing of the density outside of it."""
    step = 0.05
    line = torch.arange(-12, 12, step)
    grid = torch.cartesian_prod(line, line)
    mass = prior.log_prob(grid).double().exp() * step**2
    assert mass.sum().item() == pytest.approx(1, abs=1e-4)
    mean = mass @ grid.double()
    centred = grid.double() - mean
    return mean, (mass[:, None] * centred).T @ centred


def test_the_density_integrates_to_one_and_draws_have_its_moments(prior: Prior) -> None:
    mean, covariance = moments(prior)
    z = prior.sample(DRAWS, 1.0, seeded(0), CPU).double()
    assert z.shape == (DRAWS, 2)
    scale = covariance.diagonal().sqrt()
    assert ((z.mean(0) - mean).abs() < 5 * scale / DRAWS**0.5).all()
    # Of a product of two centred numbers the standard deviation is at most that of the fourth moments' root.
    centred = z - z.mean(0)
    products = centred[:, :, None] * centred[:, None, :]
    assert ((products.mean(0) - covariance).abs() < 5 * products.std(0) / DRAWS**0.5).all()


def test_the_mean_log_density_of_draws_is_minus_the_entropy(prior: Prior) -> None:
    """Draws of a wrong shape, but of the right moments, would give another number."""
    step = 0.05
    line = torch.arange(-12, 12, step)
    log_p = prior.log_prob(torch.cartesian_prod(line, line)).double()
    negative_entropy = (log_p.exp() * log_p * step**2).sum()
    found = prior.log_prob(prior.sample(DRAWS, 1.0, seeded(5), CPU)).double()
    assert abs(found.mean() - negative_entropy) < 5 * found.std() / DRAWS**0.5


def test_leading_dimensions_are_kept(prior: Prior) -> None:
    z = torch.randn(3, 4, 2)
    found = prior.log_prob(z)
    assert found.shape == (3, 4)
    assert torch.allclose(found[1, 2], prior.log_prob(z[1, 2]), atol=1e-5)


def test_draws_are_repeatable_and_a_shard_of_them_is_their_slice(prior: Prior) -> None:
    whole = prior.sample(6, 1.0, seeded(7), CPU)
    assert torch.equal(whole, prior.sample(6, 1.0, seeded(7), CPU))
    parts = [prior.sample(b - a, 1.0, Shard(seeded(7), a, b, 6), CPU) for a, b in ((0, 2), (2, 6))]
    assert torch.allclose(torch.cat(parts), whole)


def test_normal_and_mixture_are_those_of_torch() -> None:
    z = torch.randn(50, 5)
    assert torch.allclose(Normal(5).log_prob(z), Independent(TorchNormal(torch.zeros(5), 1.0), 1).log_prob(z))
    prior = mixture(5)
    components = Independent(TorchNormal(prior.mean, prior.log_std.exp()), 1)
    expected = MixtureSameFamily(Categorical(logits=prior.weights), components).log_prob(z)
    assert torch.allclose(prior.log_prob(z), expected, atol=1e-4)


@pytest.mark.parametrize("temperature", [0.0, 0.3])
def test_temperature_scales_each_component(temperature: float) -> None:
    """The same components are chosen, and what is drawn lies around the same means."""
    for prior in (mixture(), vamp()):
        centres = prior.components()[0]
        warm = prior.sample(500, 1.0, seeded(0), CPU)
        zero, cool = (prior.sample(500, t, seeded(0), CPU) for t in (0.0, temperature))
        assert (zero[:, None] == centres).all(2).any(1).all()
        assert torch.allclose(cool, zero + temperature * (warm - zero), atol=1e-5)
        assert torch.cdist(zero, centres).argmin(1).unique().numel() >= 2
    for plain in (Normal(2), fitted()):
        middle = plain.mean if isinstance(plain, Fitted) else torch.zeros(2)
        cool, warm = (plain.sample(500, t, seeded(0), CPU) for t in (temperature, 1.0))
        assert torch.allclose(cool - middle, temperature * (warm - middle), atol=1e-5)


def test_components_are_chosen_by_their_weights() -> None:
    prior = mixture()
    centres, _, log_weight = prior.components()
    chosen = torch.cdist(prior.sample(DRAWS, 0.0, seeded(0), CPU), centres).argmin(1)
    share = torch.bincount(chosen, minlength=3) / DRAWS
    assert ((share - log_weight.exp()).abs() < 5 * (log_weight.exp() / DRAWS).sqrt()).all()
    assert log_weight.exp().sum().item() == pytest.approx(1)


def test_a_mixture_learns_clusters() -> None:
    torch.manual_seed(3)
    places = torch.tensor([[3.0, 0.0], [-3.0, 1.0]])
    z = places.repeat(200, 1) + 0.3 * torch.randn(400, 2, generator=seeded(0))
    prior = Mixture(2, 2)
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        (-prior.log_prob(z).mean()).backward()
        optimizer.step()
    assert torch.cdist(places, prior.mean).min(1).values.max() < 0.1
    assert torch.allclose(prior.log_std.exp(), torch.full((2, 2), 0.3), atol=0.05)


def test_vamp_components_are_the_posteriors_of_the_pseudo_inputs() -> None:
    body = Body("mlp", (6,))
    config = ModelConfig((1, 8, 9), body, body, Latent(dim=2, prior="vamp", components=5))
    model = build(config).eval()
    prior = model.latent.prior_
    pictures = prior.pseudo_inputs.sigmoid()
    assert pictures.shape == (5, 1, 8, 9)
    encoding = model.encode(pictures)
    mean, std, log_weight = prior.components()
    assert torch.allclose(mean, encoding.mean[0]) and torch.allclose(std, encoding.std[0])
    assert log_weight.tolist() == pytest.approx([-math.log(5)] * 5)
    z = torch.randn(7, 2)
    posteriors = Independent(TorchNormal(mean, std), 1)
    expected = posteriors.log_prob(z[:, None]).logsumexp(1) - math.log(5)
    assert torch.allclose(prior.log_prob(z), expected, atol=1e-4)
    prior.log_prob(z).sum().backward()
    assert prior.pseudo_inputs.grad.abs().max() > 0
    assert model.latent.head.weight.grad.abs().max() > 0  # the encoder is in the prior, too


@pytest.mark.parametrize("kind", ["mlp", "conv", "resnet"])
def test_pseudo_inputs_are_normed_as_pictures_are_measured(kind: str) -> None:
    """In training too: as a batch of their own they would be spread as widely as pictures, and only there."""
    body = Body(kind, (8, 8), norm="batch")
    torch.manual_seed(0)
    model = build(ModelConfig((1, 8, 8), body, body, Latent(dim=2, prior="vamp", components=5)))
    for _ in range(3):
        model.encode(torch.rand(20, 1, 8, 8).bernoulli())  # of which the running statistics learn
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measured = model.eval().latent.prior_.components()
    trained = model.train().latent.prior_.components()
    assert all(torch.equal(one, two) for one, two in zip(trained, measured, strict=True))
    assert all(part.training for part in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model.encode(torch.rand(20, 1, 8, 8))  # pictures are normed as before, and teach
    assert any(not torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_fitted_is_the_gaussian_of_the_codes() -> None:
    codes = torch.randn(300, 4, generator=seeded(0)) @ torch.randn(4, 4, generator=seeded(1)) - 2
    prior = Fitted(4)
    prior.fit(codes)
    expected = MultivariateNormal(codes.mean(0), torch.cov(codes.T))
    z = codes[:50] + 0.1
    assert torch.allclose(prior.log_prob(z), expected.log_prob(z), atol=1e-3)
    drawn = prior.sample(DRAWS, 1.0, seeded(2), CPU)
    scale = codes.std(0)
    assert ((drawn.mean(0) - codes.mean(0)).abs() < 5 * scale / DRAWS**0.5).all()
    assert torch.allclose(torch.cov(drawn.T) / scale / scale[:, None], torch.corrcoef(codes.T), atol=0.05)


@pytest.mark.parametrize("rows", [1, 3])
def test_codes_in_a_plane_are_fitted_all_the_same(rows: int) -> None:
    prior = Fitted(5)
    codes = torch.randn(rows, 5, generator=seeded(0))
    prior.fit(codes)
    drawn = prior.sample(100, 1.0, seeded(1), CPU)
    assert torch.isfinite(drawn).all() and torch.isfinite(prior.log_prob(drawn)).all()
    assert (drawn.mean(0) - codes.mean(0)).abs().max() < 1


def test_scales_far_astray_stay_finite() -> None:
    prior = mixture()
    for value in (-1e4, 1e4):
        prior.log_std.fill_(value)
        assert torch.isfinite(prior.sample(10, 1.0, seeded(0), CPU)).all()
        assert torch.isfinite(prior.log_prob(torch.zeros(2)))
    low, high = priors.LOG_STD_RANGE
    assert low < math.log(0.01) and high > math.log(10)
