"""The ELBO as an objective: beta weighs, free bits clamp, and half a batch is half of the whole."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from vae_core import objectives
from vae_core.config import Body, Latent, LikelihoodConfig, ModelConfig, Objective, Schedule
from vae_core.model import VAE, build
from vae_core.objectives import ELBO, free_bits
from vae_core.shards import Shard, seeded


@pytest.fixture
def model() -> VAE:
    body = Body("mlp", (8,))
    return build(ModelConfig((1, 8, 8), body, body, Latent(dim=3), LikelihoodConfig("gaussian", 0.3)))


@pytest.fixture
def x() -> Tensor:
    return torch.rand(7, 1, 8, 8, generator=seeded(1))


def weighted(beta: float) -> Objective:
    return Objective(beta=Schedule("constant", end=beta))


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_beta_weighs_the_kl_in_the_loss_alone(model: VAE, x: Tensor, beta: float) -> None:
    found = ELBO(model, weighted(beta))(x, None, 0.5, seeded(0))
    terms = model.terms(x, generator=seeded(0))
    assert set(found) == {"loss", "elbo", "reconstruction", "kl"}
    assert all(term.shape == () for term in found.values())
    assert torch.allclose(found["reconstruction"], -terms.log_likelihood.mean())
    assert torch.allclose(found["kl"], terms.kl_total.mean())
    assert torch.allclose(found["elbo"], terms.elbo.mean())
    assert torch.allclose(found["loss"], found["reconstruction"] + beta * found["kl"])


def test_the_schedule_is_read_at_the_progress(model: VAE, x: Tensor) -> None:
    objective = ELBO(model, Objective(beta=Schedule("linear", 0.0, 2.0)))
    for progress, beta in ((0.0, 0.0), (0.25, 0.5), (1.0, 2.0)):
        found = objective(x, None, progress, seeded(0))
        assert torch.allclose(found["loss"], found["reconstruction"] + beta * found["kl"])


@given(st.lists(st.lists(st.floats(0, 5, width=32), min_size=3, max_size=3), min_size=1, max_size=5), st.floats(0, 5))
def test_free_bits_clamp_the_batch_mean_of_each_dimension(rows: list[list[float]], delta: float) -> None:
    kl = torch.tensor(rows)
    expected = sum(max(mean, delta) for mean in kl.double().mean(0).tolist())
    assert free_bits(kl, delta).item() == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_free_bits_push_no_clamped_dimension() -> None:
    kl = torch.tensor([[0.1, 0.9, 0.2], [0.3, 0.3, 4.0]], requires_grad=True)
    free_bits(kl, 0.5).backward()
    assert kl.grad.tolist() == [[0, 0.5, 0.5], [0, 0.5, 0.5]]


def test_free_bits_change_the_loss_alone(model: VAE, x: Tensor) -> None:
    plain, free = (ELBO(model, Objective(free_bits=f))(x, None, 1.0, seeded(0)) for f in (0.0, 50.0))
    assert free["loss"].item() == pytest.approx(free["reconstruction"].item() + 3 * 50, rel=1e-6)
    for name in ("elbo", "reconstruction", "kl"):
        assert torch.equal(plain[name], free[name])


@pytest.mark.parametrize("settings", [weighted(2.0), Objective(free_bits=0.05)], ids=["beta", "free bits"])
@pytest.mark.parametrize("cut", [1, 3, 6])
def test_two_parts_of_a_batch_add_up_to_the_whole(
    model: VAE, x: Tensor, settings: Objective, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Terms and gradients, weighted by the parts' sizes: what two processes do."""
    everywhere = model.encode(x).kl[0].detach().mean(0)
    assert settings.free_bits == 0 or everywhere.min() < settings.free_bits < everywhere.max()
    monkeypatch.setattr(objectives, "global_mean", lambda rows: everywhere)
    objective = ELBO(model, settings)
    whole = objective(x, None, 1.0, seeded(0))
    gradients = torch.autograd.grad(whole["loss"], list(model.parameters()))
    parts = [objective(x[a:b], None, 1.0, Shard(seeded(0), a, b, 7)) for a, b in ((0, cut), (cut, 7))]
    shares = cut / 7, 1 - cut / 7
    for name in whole:
        assert torch.allclose(sum(s * p[name] for s, p in zip(shares, parts, strict=True)), whole[name], rtol=1e-5)
    loss = sum(s * p["loss"] for s, p in zip(shares, parts, strict=True))
    for one, two in zip(gradients, torch.autograd.grad(loss, list(model.parameters())), strict=True):
        assert torch.allclose(one, two, rtol=1e-4, atol=1e-4)
