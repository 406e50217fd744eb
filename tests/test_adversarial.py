"""Critics: frozen while `loss` is computed, taught from detached tensors, and right where the truth is known."""

import copy
import math

import pytest
import torch
from torch import Tensor

from vae_core import adversarial
from vae_core.adversarial import KINDS, FactorVAE, PictureCritic, frozen
from vae_core.config import Body, Latent, LikelihoodConfig, ModelConfig, Objective, Schedule
from vae_core.model import Terms, build
from vae_core.objectives import Minimised
from vae_core.shards import seeded

SETTINGS = {
    "factor": Objective("factor", gamma=5.0),
    "adversarial_latent": Objective("adversarial_latent", gamma=5.0),
    "adversarial_picture": Objective("adversarial_picture"),
}
DEFINED = {
    "factor": {"elbo", "kl", "total_correlation"},
    "adversarial_latent": set(),
    "adversarial_picture": {"elbo", "kl", "feature_distance"},
}


def made(name: str, settings: Objective | None = None, dim: int = 2, kind: str = "gaussian") -> Minimised:
    torch.manual_seed(1)
    body = Body("conv", (8, 16)) if name == "adversarial_picture" else Body("mlp", (16,))
    latent = Latent("point" if name == "adversarial_latent" else "gaussian", dim=dim)
    model = build(ModelConfig((1, 8, 8), body, body, latent, LikelihoodConfig(kind, 0.3)))
    return KINDS[name](model, settings or SETTINGS[name], 64)


@pytest.fixture(params=list(KINDS))
def objective(request: pytest.FixtureRequest) -> Minimised:
    return made(request.param)


@pytest.fixture
def x() -> Tensor:
    """Vertical bars in six places."""
    pictures = torch.zeros(24, 1, 8, 8)
    for i in range(24):
        pictures[i, :, :, i % 6 : i % 6 + 2] = 1.0
    return pictures


def gradients(module: torch.nn.Module) -> list[Tensor | None]:
    return [weight.grad for weight in module.parameters()]


def test_the_critic_gets_no_gradient_from_the_loss_and_the_model_gets_one(objective: Minimised, x: Tensor) -> None:
    objective(x, None, 1.0, seeded(0))["loss"].backward()
    assert all(gradient is None for gradient in gradients(objective.critic))
    assert all(g is not None and g.abs().max() > 0 for g in gradients(objective.model))
    assert all(weight.requires_grad for weight in objective.critic.parameters())


def test_the_model_gets_no_gradient_from_the_critics_loss(objective: Minimised, x: Tensor) -> None:
    objective(x, None, 1.0, seeded(0))["critic_loss"].backward()
    assert all(gradient is None for gradient in gradients(objective.model))
    assert all(g is not None and g.abs().max() > 0 for g in gradients(objective.critic))


def test_one_backward_for_both_is_two(objective: Minimised, x: Tensor) -> None:
    """The trainer adds the losses; each part gets the gradient that it would get alone."""
    terms = objective(x, None, 1.0, seeded(0))
    alone = []
    for name, module in (("loss", objective.model), ("critic_loss", objective.critic)):
        alone += torch.autograd.grad(terms[name], list(module.parameters()), retain_graph=True)
    (terms["loss"] + terms["critic_loss"]).backward()
    for one, both in zip(alone, gradients(objective.model) + gradients(objective.critic), strict=True):
        assert torch.allclose(one, both, atol=1e-6)


def test_the_critic_reaches_the_encoder_through_the_loss(objective: Minimised, x: Tensor) -> None:
    """Without its weight gamma the model's gradient is another one."""
    kind = objective.config.kind
    found = []
    for gamma in (0.0, 5.0):
        one = made(kind, Objective(kind, gamma=gamma))
        found.append(torch.autograd.grad(one(x, None, 1.0, seeded(0))["loss"], one.model.latent.head.weight)[0])
    assert (found[0] - found[1]).abs().max() > 1e-4 * found[0].abs().max()


def test_terms_are_finite_scalars_and_repeatable(objective: Minimised, x: Tensor) -> None:
    objective.eval()  # in training the critic's spectral norm is estimated anew with every use
    first, second = (objective(x, None, 1.0, seeded(3)) for _ in range(2))
    assert set(first) == {"loss", "reconstruction", "critic_loss"} | DEFINED[objective.config.kind]
    assert all(term.shape == () and torch.isfinite(term) for term in first.values())
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert objective.keeps_last


def test_figures_that_are_reported_are_those_of_the_model(objective: Minimised, x: Tensor) -> None:
    found = objective(x, None, 1.0, seeded(3))
    if objective.model.spec.has_density:
        terms = objective.model.terms(x, generator=seeded(3))
        assert torch.allclose(found["elbo"], terms.elbo.mean(), rtol=1e-5)
        assert torch.allclose(found["kl"], terms.kl_total.mean(), rtol=1e-5)
    else:
        score = objective.model.score(objective.model.reconstruct(x)[1], x)
        assert torch.allclose(found["reconstruction"], -score.mean(), rtol=1e-5)


def test_frozen_thaws_after_an_error() -> None:
    critic = torch.nn.Linear(2, 1)
    with pytest.raises(RuntimeError), frozen(critic):
        assert not any(weight.requires_grad for weight in critic.parameters())
        raise RuntimeError
    assert all(weight.requires_grad for weight in critic.parameters())


@pytest.mark.parametrize(("rho", "tolerance"), [(0.0, 0.04), (0.8, 0.12)])
def test_the_critics_total_correlation_is_that_of_a_known_gaussian(rho: float, tolerance: float) -> None:
    """-1/2 log(1 - rho^2) nats; 0 where the dimensions know nothing of one another."""
    objective = made("factor")
    assert isinstance(objective, FactorVAE)
    optimizer = torch.optim.Adam(objective.critic.parameters(), lr=1e-3)
    generator = seeded(0)

    def terms(rows: int) -> Terms:
        z = torch.randn(rows, 1, 2, generator=generator)
        z[..., 1] = rho * z[..., 0] + math.sqrt(1 - rho**2) * z[..., 1]
        zero = torch.zeros(rows, 1)
        return Terms([z], zero, [zero], lambda: (zero, zero))

    for _ in range(150):
        optimizer.zero_grad()
        objective.minimise(terms(256), torch.zeros(1), 1.0, generator)["critic_loss"].backward()
        optimizer.step()
    with torch.no_grad():
        found = objective.minimise(terms(8_000), torch.zeros(1), 1.0, generator)
    assert found["total_correlation"].item() == pytest.approx(-0.5 * math.log(1 - rho**2), abs=tolerance)
    assert found["loss"].item() == pytest.approx(5 * found["total_correlation"].item(), rel=1e-5)


@pytest.mark.parametrize("side", [8, 9, 16, 33])
def test_a_critic_of_pictures_of_any_size(side: int) -> None:
    critic = PictureCritic((3, side, side + 1))
    assert critic(torch.rand(4, 3, side, side + 1)).shape == (4,)


def train(objective: Minimised, x: Tensor, steps: int, critic_rate: float = 1e-3) -> list[dict[str, float]]:
    generator = seeded(0)
    optimizers = [
        torch.optim.Adam(objective.model.parameters(), lr=3e-3),
        torch.optim.Adam(objective.critic.parameters(), lr=critic_rate, betas=(0.5, 0.9)),
    ]
    rows = []
    for step in range(steps):
        terms = objective(x, None, step / steps, generator)
        for optimizer in optimizers:
            optimizer.zero_grad()
        (terms["loss"] + terms["critic_loss"]).backward()
        for optimizer in optimizers:
            optimizer.step()
        rows.append({name: term.item() for name, term in terms.items()})
    return rows


def error(objective: Minimised, x: Tensor) -> float:
    """Squared error of reconstructions, per picture."""
    with torch.no_grad():
        return (objective.model.decode([*objective.model.encode(x).mean]) - x).square().sum().item() / len(x)


@pytest.mark.parametrize("kind", ["factor", "adversarial_latent"])
def test_the_pixels_get_better(kind: str, x: Tensor) -> None:
    objective = made(kind)
    before = error(objective, x)
    rows = train(objective, x, 80)
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert error(objective, x) < 0.7 * before


def test_features_that_match_make_pixels_that_match(x: Tensor) -> None:
    """VAE-GAN never asks for pixels; in the features of a critic that stands still they get better all the same."""
    objective = made("adversarial_picture", Objective("adversarial_picture", beta=Schedule(end=1e-3), gamma=0.0))
    before = error(objective, x)
    rows = train(objective, x, 120, critic_rate=0.0)
    assert rows[-1]["feature_distance"] < 0.5 * rows[0]["feature_distance"]
    assert error(objective, x) < 0.8 * before


def test_the_adversarial_autoencoder_draws_codes_to_the_prior(x: Tensor) -> None:
    """Codes that start far away end around 0, with a critic that learns and not without its weight."""
    found = {}
    for gamma in (0.0, 5.0):
        objective = made("adversarial_latent", Objective("adversarial_latent", gamma=gamma))
        with torch.no_grad():
            objective.model.latent.head.bias.add_(4.0)
        train(objective, x, 150)
        found[gamma] = objective.model.encode(x).mean[0].detach().mean(0).abs().max().item()
    assert found[5.0] < 1.2 < 2 < found[0.0]


def test_total_correlation_falls_under_factor_vae(x: Tensor) -> None:
    """Weighed 40 times, it is small at the end, where the plain bound leaves the dimensions dependent."""
    found = {}
    for gamma in (0.0, 40.0):
        objective = made("factor", Objective("factor", beta=Schedule(end=0.05), gamma=gamma))
        rows = train(objective, x, 120)
        found[gamma] = sum(row["total_correlation"] for row in rows[-20:]) / 20
    assert found[40.0] < 0.5 * found[0.0]


def test_a_vae_gans_critic_learns_to_tell(x: Tensor) -> None:
    objective = made("adversarial_picture")
    objective.model.requires_grad_(False)
    optimizer = torch.optim.Adam(objective.critic.parameters(), lr=1e-3)
    first = None
    for _ in range(30):
        optimizer.zero_grad()
        told = objective(x, None, 1.0, seeded(0))["critic_loss"]
        told.backward()
        optimizer.step()
        first = first or told.item()
    assert first == pytest.approx(2 * math.log(2), abs=0.1)  # it starts by knowing nothing
    assert told.item() < 0.7


def test_draws_teach_batch_norm_nothing(x: Tensor) -> None:
    """What is measured is normed as reconstructions were, and not as those and draws in turn."""
    torch.manual_seed(1)
    body = Body("conv", (8, 16), norm="batch")
    model = build(ModelConfig((1, 8, 8), body, body, Latent(dim=2), LikelihoodConfig("gaussian", 0.3)))
    objective = KINDS["adversarial_picture"](model, SETTINGS["adversarial_picture"], 64)
    alone = copy.deepcopy(model)
    alone.reconstruct(x, generator=seeded(0))
    objective(x, None, 1.0, seeded(0))
    assert all(torch.equal(found, wanted) for found, wanted in zip(model.buffers(), alone.buffers(), strict=True))
    assert any(
        not torch.equal(found, torch.zeros_like(found)) for name, found in model.named_buffers() if "mean" in name
    )


def test_the_critic_of_bits_sees_greys_beside_means(x: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bits are told from means by anybody; so the pictures that they were drawn from are what it sees."""
    grey = 0.8 * x + 0.1
    objective = made("adversarial_picture", kind="bernoulli")
    bits = objective.model.observe(grey, seeded(1))
    critic, seen = objective.critic, []
    monkeypatch.setattr(critic, "features", lambda pictures: [seen.append(pictures) or pictures])
    monkeypatch.setattr(adversarial, "_tell", lambda _, real, fake: [seen.append(real), fake.sum()][1])
    objective(bits, None, 1.0, seeded(0), grey)
    rebuilt, wanted, real = seen
    assert torch.equal(wanted, grey) and torch.equal(real, grey)
    assert torch.allclose(rebuilt, objective.model.reconstruct(bits, generator=seeded(0))[1].sigmoid())
    found = [objective(bits, None, 1.0, seeded(0), pictures)["reconstruction"] for pictures in (grey, None)]
    assert torch.equal(*found)  # the likelihood's figures are of the bits
