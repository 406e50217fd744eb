"""The contract, for every body and likelihood; and probabilistic PCA, whose likelihood is known exactly."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from vae_core.config import BODIES, LIKELIHOODS, Body, Latent, LikelihoodConfig, ModelConfig
from vae_core.metrics import importance_weighted_nll
from vae_core.model import VAE, LatentSpec, Terms, build, parameters
from vae_core.shards import Shard, seeded

HIDDEN = {"linear": (), "mlp": (9,), "conv": (4, 5), "resnet": (4, 5)}
SHAPE, DIM = (3, 9, 8), 4


@pytest.fixture(params=list(product(BODIES, LIKELIHOODS)), ids="-".join)
def model(request: pytest.FixtureRequest) -> VAE:
    kind, likelihood = request.param
    body = Body(kind, HIDDEN[kind])
    return build(ModelConfig(SHAPE, body, body, Latent(dim=DIM), LikelihoodConfig(likelihood, 0.5))).eval()


@pytest.fixture
def x(model: VAE) -> Tensor:
    return model.observe(torch.rand(5, *SHAPE, generator=seeded(1)), seeded(2))


def test_shapes_and_ranges(model: VAE, x: Tensor) -> None:
    assert model.spec == LatentSpec(((DIM,),), "gaussian", "normal")
    assert model.spec.size == DIM
    assert model.image_shape == SHAPE
    encoding = model.encode(x)
    for group in (encoding.mean, encoding.std, encoding.kl, model.sample_prior(5)):
        assert [part.shape for part in group] == [(5, DIM)]
    assert encoding.std[0].min() > 0
    assert encoding.kl[0].min() > -1e-6
    for picture in (model.decode(encoding.mean), model.sample_pixels(encoding.mean, generator=seeded(0))):
        assert picture.shape == (5, *SHAPE)
        assert 0 <= picture.min() <= picture.max() <= 1
    terms = model.terms(x, k=3, generator=seeded(0))
    assert terms.z[0].shape == (5, 3, DIM)
    for density in (terms.log_likelihood, terms.log_prior, terms.log_posterior, terms.log_weights):
        assert density.shape == (5, 3)
    assert terms.elbo.shape == terms.kl_total.shape == (5,)


def test_terms_are_what_their_names_say(model: VAE, x: Tensor) -> None:
    encoding, terms = model.encode(x), model.terms(x, k=2, generator=seeded(0))
    flat = terms.z[0].flatten(0, 1)
    posterior = torch.distributions.Normal(encoding.mean[0][:, None], encoding.std[0][:, None])
    assert torch.allclose(terms.log_posterior, posterior.log_prob(terms.z[0]).sum(-1), atol=1e-3)
    assert torch.allclose(terms.log_prior, torch.distributions.Normal(0.0, 1.0).log_prob(terms.z[0]).sum(-1), atol=1e-4)
    scored = model.likelihood.log_prob(model.decoder(flat), x.repeat_interleave(2, 0)).view(5, 2)
    assert torch.allclose(terms.log_likelihood, scored, rtol=1e-5, atol=1e-3)
    assert torch.allclose(terms.elbo, terms.log_likelihood.mean(1) - encoding.kl[0].sum(1), atol=1e-3)


def test_rows_do_not_depend_on_the_batch(model: VAE, x: Tensor) -> None:
    whole, pictures = model.encode(x), model.decode(model.encode(x).mean)
    whole_terms = model.terms(x, k=2, generator=Shard(seeded(0), 0, 5, 5))
    for row in range(5):
        part = model.encode(x[row : row + 1])
        terms = model.terms(x[row : row + 1], k=2, generator=Shard(seeded(0), row, row + 1, 5))
        for name in ("mean", "std", "kl"):
            assert torch.allclose(getattr(part, name)[0][0], getattr(whole, name)[0][row], rtol=1e-4, atol=1e-5)
        assert torch.allclose(model.decode(part.mean)[0], pictures[row], atol=1e-5)
        assert torch.allclose(terms.log_weights[0], whole_terms.log_weights[row], rtol=1e-5, atol=1e-3)


def test_repeatable_with_a_seed_and_without_effect_on_the_global_generator(model: VAE, x: Tensor) -> None:
    before = torch.get_rng_state()
    z = model.sample_prior(5, generator=seeded(3))
    assert torch.equal(z[0], model.sample_prior(5, generator=seeded(3))[0])
    assert torch.equal(model.encode(x).mean[0], model.encode(x).mean[0])
    assert torch.equal(model.decode([*z]), model.decode([*z]))
    first, second = (model.sample_pixels([*z], generator=seeded(4)) for _ in range(2))
    assert torch.equal(first, second)
    first, second, other = (model.terms(x, generator=seeded(seed)).log_weights for seed in (5, 5, 6))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


def test_bounds_are_in_order(model: VAE, x: Tensor) -> None:
    """ELBO <= L_4 <= L_64 <= log p(x), in expectation (Burda et al. 2016, theorem 1)."""
    weights = model.terms(x, k=4096, generator=seeded(0)).log_weights.detach().double()
    bounds = [(weights.view(5, -1, k).logsumexp(2) - math.log(k)).mean() for k in (1, 4, 64)]
    elbo = model.terms(x, k=4096, generator=seeded(1)).elbo.mean().item()
    assert elbo == pytest.approx(bounds[0].item(), abs=0.05 * weights.std(1).mean().item() + 1e-3)
    assert bounds[0] < bounds[1] < bounds[2]


def test_temperature_scales_the_prior(model: VAE) -> None:
    (cold,), (warm,) = (model.sample_prior(6, temperature=t, generator=seeded(0)) for t in (0.5, 1.0))
    assert torch.allclose(2 * cold, warm)


def test_wrong_pictures_are_refused(model: VAE) -> None:
    for shape in ((1, 1, 9, 8), (1, 3, 8, 9), (3, 9, 8)):
        for use in (model.encode, model.terms):
            with pytest.raises(ValueError, match="this model takes"):
                use(torch.zeros(shape))
    with pytest.raises(ValueError, match="this model takes"):
        model.decode([torch.zeros(2, DIM + 1)])


def test_every_weight_has_a_part_in_the_bound(model: VAE, x: Tensor) -> None:
    model.terms(x, generator=seeded(0)).elbo.sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, name
    assert parameters(model) == sum(weight.numel() for weight in model.parameters())


def test_kl_adds_up_over_groups() -> None:
    zero = torch.zeros(2, 1)
    terms = Terms([], zero + 7, zero, zero, [torch.ones(2, 3), torch.ones(2, 2, 2)])
    assert terms.kl_total.tolist() == [7, 7]
    assert terms.elbo.tolist() == [0, 0]


# --- probabilistic PCA ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    """300 pictures of 8 x 8 in double precision, that vary in three directions and a little in all."""
    generator = seeded(5)
    loadings = 0.08 * torch.randn(3, 64, generator=generator, dtype=torch.float64)
    noise = 0.05 * torch.randn(300, 64, generator=generator, dtype=torch.float64)
    return (0.5 + torch.randn(300, 3, generator=generator, dtype=torch.float64) @ loadings + noise).view(300, 1, 8, 8)


def best_linear(x: Tensor, dim: int) -> tuple[VAE, MultivariateNormal]:
    """The maximum-likelihood model and its marginal (Tipping and Bishop 1999, section 3.2 and appendix A)."""
    rows = x.flatten(1)
    mean, covariance = rows.mean(0), torch.cov(rows.T, correction=0)
    values, vectors = torch.linalg.eigh(covariance)
    variance, top = values[:-dim].mean(), values[-dim:]
    weights = vectors[:, -dim:] * (top - variance).sqrt()
    body = Body("linear", ())
    config = ModelConfig((1, 8, 8), body, body, Latent(dim=dim), LikelihoodConfig("gaussian", variance.sqrt().item()))
    model = build(config).eval().requires_grad_(False)
    back = (weights / top).T  # M = W'W + variance I is diag(top): the posterior is M^-1 W' (x - mean), variance M^-1
    std = (variance / top).sqrt()
    model.latent.head.weight.copy_(torch.cat([back, torch.zeros_like(back)]))
    model.latent.head.bias.copy_(torch.cat([-back @ mean, std.log()]))
    model.decoder[0].weight.copy_(weights)
    model.decoder[0].bias.copy_(mean)
    return model, MultivariateNormal(mean, weights @ weights.T + variance * torch.eye(64, dtype=torch.float64))


@pytest.mark.parametrize("dim", [1, 3, 10])
def test_linear_with_the_best_weights_is_probabilistic_pca(pictures: Tensor, dim: int) -> None:
    """With the exact posterior every importance weight is p(x) itself, whatever z is."""
    model, marginal = best_linear(pictures, dim)
    exact = marginal.log_prob(pictures.flatten(1))
    terms = model.terms(pictures.float(), k=400, generator=seeded(0))
    assert torch.allclose(terms.log_weights.double(), exact[:, None].expand(-1, 400), atol=1e-2)
    assert terms.elbo.mean().item() == pytest.approx(exact.mean().item(), abs=0.05)
    found = importance_weighted_nll(model, pictures.float(), k=7)
    assert torch.allclose(found.double(), -exact, atol=1e-2)


def test_any_other_weights_are_worse(pictures: Tensor) -> None:
    model, marginal = best_linear(pictures, 3)
    best = marginal.log_prob(pictures.flatten(1)).mean()
    for weight in (model.decoder[0].weight, model.latent.head.weight, model.decoder[0].bias):
        kept = weight.clone()
        weight += 0.02 * weight.abs().mean() * torch.randn(weight.shape, generator=seeded(1), dtype=weight.dtype)
        assert model.terms(pictures.float(), k=400, generator=seeded(0)).elbo.mean() < best
        weight.copy_(kept)


def test_the_gap_of_a_wrong_posterior_is_its_kl(pictures: Tensor) -> None:
    """log p(x) - ELBO = KL(q || p(z | x)): a posterior twice too wide costs 3/2 - log 2 a dimension."""
    model, marginal = best_linear(pictures, 3)
    model.latent.head.bias[3:] += math.log(2)
    gap = (
        marginal.log_prob(pictures.flatten(1)).mean()
        - model.terms(pictures.float(), k=2000, generator=seeded(0)).elbo.mean()
    )
    assert gap.item() == pytest.approx(3 * (1.5 - math.log(2)), abs=0.03)
