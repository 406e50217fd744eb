"""The inverse autoregressive flow: what each dimension sees, the volume it changes, and that it starts gently."""

import pytest
import torch
from torch import Tensor

from vae_core.latents import priors
from vae_core.latents.flow import OPEN, Autoregressive, Flow
from vae_core.latents.gaussian import Gaussian
from vae_core.shards import Shard, seeded

FEATURES = 6


def stirred(module: torch.nn.Module, scale: float = 0.5) -> torch.nn.Module:
    """Weights large enough that every path counts."""
    generator = seeded(9)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(scale * torch.randn(weight.shape, generator=generator))
    return module


def jacobian(flow: Flow, z: Tensor, context: Tensor) -> Tensor:
    """d z' / d z of one draw: (D,), (F,) -> (D, D)."""
    return torch.autograd.functional.jacobian(lambda one: flow(one[None, None], context[None])[0][0, 0], z)


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_each_output_sees_the_earlier_dimensions_alone_and_all_of_them(dim: int) -> None:
    net = stirred(Autoregressive(dim, FEATURES))
    z, context = torch.randn(dim), torch.randn(1, FEATURES)
    for part in (0, 1):  # shift, gate
        found = torch.autograd.functional.jacobian(lambda one, i=part: net(one[None, None], context)[i][0, 0], z)
        strictly_below = torch.ones(dim, dim).tril(-1).bool()
        assert (found[~strictly_below] == 0).all()
        assert (found[strictly_below].abs() > 0).all()


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_every_output_sees_the_context(dim: int) -> None:
    """The first dimension too, which sees no other: else a flow of one dimension would not know the picture."""
    net = stirred(Autoregressive(dim, FEATURES))
    z = torch.randn(1, 1, dim)
    for part in (0, 1):
        found = torch.autograd.functional.jacobian(
            lambda h, i=part: net(z, h[None])[i][0, 0], torch.randn(FEATURES, generator=seeded(1))
        )
        assert (found.abs().sum(1) > 0).all()


@pytest.mark.parametrize(("dim", "steps"), [(1, 2), (2, 1), (3, 4), (6, 3)])
def test_log_det_is_that_of_the_jacobian(dim: int, steps: int) -> None:
    flow = stirred(Flow(dim, FEATURES, steps), 0.15).double()
    z, context = torch.randn(4, 3, dim).double(), torch.randn(4, FEATURES).double()
    _, log_det = flow(z, context)
    assert log_det.shape == (4, 3)
    for n in range(4):
        for k in range(3):
            expected = torch.linalg.slogdet(jacobian(flow, z[n, k], context[n])).logabsdet
            assert log_det[n, k].item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)


def test_one_step_is_triangular_and_two_mix_all_dimensions() -> None:
    dim = 4
    context = torch.randn(FEATURES)
    one = jacobian(stirred(Flow(dim, FEATURES, 1)), torch.randn(dim), context).flip(0)  # the order is reversed after it
    assert (one.triu(1) == 0).all() and (one.diagonal() > 0).all()
    two = jacobian(stirred(Flow(dim, FEATURES, 2)), torch.randn(dim), context)
    assert (two.abs() > 0).sum() > dim * (dim + 1) / 2


def test_it_starts_near_the_identity() -> None:
    """A fresh step keeps the share sigmoid(2) of each number, and adds little."""
    flow, share = Flow(8, FEATURES, 1), torch.tensor(OPEN).sigmoid()
    z, context = torch.randn(200, 1, 8), torch.randn(200, FEATURES)
    pushed, log_det = flow(z, context)
    moved = pushed.flip(-1) - z
    assert moved.square().mean().sqrt() < 0.3
    assert log_det.mean().item() == pytest.approx(8 * share.log().item(), abs=0.5)
    for a, b in zip(z[:, 0].T, pushed.flip(-1)[:, 0].T, strict=True):
        assert torch.corrcoef(torch.stack([a, b]))[0, 1] > 0.95


def test_rows_and_draws_do_not_depend_on_one_another() -> None:
    flow = stirred(Flow(3, FEATURES, 2))
    z, context = torch.randn(4, 5, 3), torch.randn(4, FEATURES)
    pushed, log_det = flow(z, context)
    alone, alone_det = flow(z[2:3, 1:2], context[2:3])
    assert torch.allclose(alone[0, 0], pushed[2, 1], atol=1e-5)
    assert torch.allclose(alone_det[0, 0], log_det[2, 1], atol=1e-5)


@pytest.fixture
def latent() -> Gaussian:
    space = Gaussian(FEATURES, 2, priors.Normal(2), flow_steps=3)
    stirred(space.flow, 0.3)
    return space.requires_grad_(False)


def test_the_posterior_density_integrates_to_one(latent: Gaussian) -> None:
    """E_q[1 / q] over a box is its volume; with draws from q it is counted in cells where q is not small."""
    assert latent.posterior == "flow"
    draw = latent.draw(torch.randn(1, FEATURES, generator=seeded(1)), 150_000, seeded(0))
    z, log_q = draw.z[0][0].double(), draw.densities()[1][0].double()
    middle, spread = z.mean(0), z.std(0)
    inside = ((z - middle).abs() < 0.5 * spread).all(1)
    weights = torch.where(inside, (-log_q).exp(), 0.0)
    error = weights.std() / len(z) ** 0.5
    assert abs(weights.mean() - spread.prod()) < 5 * error
    assert error < 0.02 * spread.prod()


def test_kl_of_encode_terms_and_many_draws_agree(latent: Gaussian) -> None:
    h = torch.randn(4, FEATURES, generator=seeded(1))
    many = latent.draw(h, 20_000, seeded(0))
    log_p, log_q = many.densities()
    ratio = log_q - log_p
    assert torch.allclose(many.kl[0], ratio.mean(1), atol=1e-4)
    seen = latent.encode(h)
    assert seen.kl[0].shape == (4,) and torch.equal(seen.kl[0], latent.encode(h).kl[0])
    assert ((seen.kl[0] - ratio.mean(1)).abs() < 5 * ratio.std(1) / 16**0.5).all()
    z = many.z[0]
    assert ((seen.mean[0] - z.mean(1)).abs() < 5 * z.std(1) / 16**0.5).all()
    assert (seen.std[0] / z.std(1)).log().abs().max() < 0.7
    assert many.mean == many.std == []


def test_draws_of_a_shard_are_those_of_the_whole(latent: Gaussian) -> None:
    h = torch.randn(4, FEATURES)
    whole = latent.draw(h, 2, seeded(0)).z[0]
    part = latent.draw(h[1:3], 2, Shard(seeded(0), 1, 3, 4)).z[0]
    assert torch.allclose(part, whole[1:3], atol=1e-6)


def test_a_flow_fits_what_no_ellipse_does() -> None:
    """q against a banana: the KL of the best diagonal Gaussian stays above that of the flow."""

    def log_target(z: Tensor) -> Tensor:
        return priors.log_normal(torch.stack([z[..., 0], 2 * (z[..., 1] - z[..., 0].square())], -1)) + torch.log(
            torch.tensor(2.0)
        )

    found = {}
    for steps in (0, 3):
        torch.manual_seed(0)
        latent = Gaussian(1, 2, priors.Normal(2), flow_steps=steps)
        optimizer, h = torch.optim.Adam(latent.parameters(), lr=0.02), torch.ones(1, 1)
        noise = seeded(0)
        for _ in range(300):
            optimizer.zero_grad()
            draw = latent.draw(h, 64, noise)
            (draw.densities()[1] - log_target(draw.z[0])).mean().backward()
            optimizer.step()
        draw = latent.draw(h, 20_000, seeded(1))
        found[steps] = (draw.densities()[1] - log_target(draw.z[0])).mean().item()
    assert found[3] < 0.75 * found[0]
