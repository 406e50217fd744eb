"""Objectives against plain loops and closed forms; half a batch is half of the whole."""

import itertools
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Normal

from vae_core import objectives
from vae_core.config import Body, Latent, LikelihoodConfig, ModelConfig, Objective, Schedule
from vae_core.latents.priors import log_gaussian
from vae_core.model import VAE, build
from vae_core.objectives import (
    ELBO,
    KINDS,
    Discrepancy,
    DoublyReparameterized,
    ImportanceWeighted,
    PartiallyImportanceWeighted,
    SemiSupervised,
    TotalCorrelation,
    batch_log_aggregate,
    decomposed_kl,
    free_bits,
    maximum_mean_discrepancy,
)
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
    found = ELBO(model, weighted(beta), 7)(x, None, 0.5, seeded(0))
    terms = model.terms(x, generator=seeded(0))
    assert set(found) == {"loss", "elbo", "reconstruction", "kl"}
    assert all(term.shape == () for term in found.values())
    assert torch.allclose(found["reconstruction"], -terms.log_likelihood.mean())
    assert torch.allclose(found["kl"], terms.kl_total.mean())
    assert torch.allclose(found["elbo"], terms.elbo.mean())
    assert torch.allclose(found["loss"], found["reconstruction"] + beta * found["kl"])


def test_the_schedule_is_read_at_the_progress(model: VAE, x: Tensor) -> None:
    objective = ELBO(model, Objective(beta=Schedule("linear", 0.0, 2.0)), 7)
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
    plain, free = (ELBO(model, Objective(free_bits=f), 7)(x, None, 1.0, seeded(0)) for f in (0.0, 50.0))
    assert free["loss"].item() == pytest.approx(free["reconstruction"].item() + 3 * 50, rel=1e-6)
    for name in ("elbo", "reconstruction", "kl"):
        assert torch.equal(plain[name], free[name])


def split(objective: torch.nn.Module, x: Tensor, y: Tensor | None, cut: int) -> None:
    """Terms and gradients of two parts, weighted by the parts' sizes, are those of the whole: two processes."""
    n, weights = len(x), list(objective.model.parameters())
    whole = objective(x, y, 1.0, seeded(0))
    gradients = torch.autograd.grad(whole["loss"], weights)
    parts = [
        objective(x[a:b], None if y is None else y[a:b], 1.0, Shard(seeded(0), a, b, n))
        for a, b in ((0, cut), (cut, n))
    ]
    shares = cut / n, 1 - cut / n
    for name in whole:
        found = sum(s * p[name] for s, p in zip(shares, parts, strict=True))
        assert torch.allclose(found, whole[name], rtol=1e-5, atol=1e-5), name
    loss = sum(s * p["loss"] for s, p in zip(shares, parts, strict=True))
    for one, two in zip(gradients, torch.autograd.grad(loss, weights), strict=True):
        assert torch.allclose(one, two, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("settings", [weighted(2.0), Objective(free_bits=0.05)], ids=["beta", "free bits"])
@pytest.mark.parametrize("cut", [1, 3, 6])
def test_two_parts_of_a_batch_add_up_to_the_whole(
    model: VAE, x: Tensor, settings: Objective, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere = model.encode(x).kl[0].detach().mean(0)
    assert settings.free_bits == 0 or everywhere.min() < settings.free_bits < everywhere.max()
    monkeypatch.setattr(objectives, "global_mean", lambda rows: everywhere)
    split(ELBO(model, settings, 7), x, None, cut)


@pytest.mark.parametrize("kind", ["iwae", "dreg", "piwae", "semi_supervised"])
@pytest.mark.parametrize("cut", [1, 4])
def test_two_parts_add_up_for_what_works_row_by_row(kind: str, cut: int, x: Tensor) -> None:
    settings = Objective(kind, jitter=1.0) if kind == "semi_supervised" else Objective(kind, draws=3, bounds=2)
    y = torch.tensor([0, -1, 2, 1, -1, -1, 0]) if kind == "semi_supervised" else None
    split(KINDS[kind](tiny(classes=0 if y is None else 3), settings, 7), x, y, cut)


def tiny(prior: str = "normal", classes: int = 0, kind: str = "gaussian") -> VAE:
    torch.manual_seed(2)
    body = Body("mlp", (5,), "tanh")
    classifier = body if classes else None
    latent = Latent(kind, dim=2, prior=prior, components=3)
    likelihood = LikelihoodConfig("gaussian", 1.0)
    return build(ModelConfig((1, 8, 8), body, body, latent, likelihood, classes, classifier=classifier))


@pytest.mark.parametrize(("progress", "target"), [(0.0, 0.0), (0.25, 5.0), (1.0, 10.0)])
def test_capacity_is_what_the_kl_is_held_to(model: VAE, x: Tensor, progress: float, target: float) -> None:
    """On both sides of it the distance counts."""
    settings = Objective(beta=Schedule(end=3.0), capacity=Schedule("linear", end=10.0, length=0.5))
    found = ELBO(model, settings, 7)(x, None, progress, seeded(0))
    kl = found["kl"].item()
    assert 0 < kl < 10
    assert found["loss"].item() == pytest.approx(found["reconstruction"].item() + 3 * abs(kl - target), rel=1e-5)
    assert torch.equal(found["elbo"], -(found["reconstruction"] + found["kl"]))


# --- total correlation ------------------------------------------------------------------------------------------------


def a_small_data_set() -> tuple[Tensor, Tensor]:
    """Means and standard deviations of 30 posteriors in three dimensions, two of which depend on one another."""
    mean = torch.randn(30, 3, generator=seeded(1))
    mean[:, 1] = mean[:, 0] + 0.2 * mean[:, 1]
    return mean, 0.3 + 0.2 * torch.rand(30, 3, generator=seeded(2))


def test_the_parts_of_the_kl_agree_with_a_plain_loop() -> None:
    mean, std = a_small_data_set()
    z, pictures = mean + std * torch.randn(30, 3, generator=seeded(3)), 1_000
    information = correlation = rest = 0.0
    for i in range(30):
        each = [[Normal(mean[j, d], std[j, d]).log_prob(z[i, d]).exp().item() for d in range(3)] for j in range(30)]
        part = [1 / pictures if i == j else (1 - 1 / pictures) / 29 for j in range(30)]
        joint = math.log(sum(p * math.prod(row) for p, row in zip(part, each, strict=True)))
        product = sum(math.log(sum(p * row[d] for p, row in zip(part, each, strict=True))) for d in range(3))
        information += (math.log(math.prod(each[i])) - joint) / 30
        correlation += (joint - product) / 30
        rest += (product - Normal(0.0, 1.0).log_prob(z[i]).sum().item()) / 30
    found = [part.item() for part in decomposed_kl(z, mean, std, pictures)]
    assert found == pytest.approx([information, correlation, rest], rel=1e-4)


@pytest.mark.parametrize("sharpness", [1.0, 0.1])
def test_batches_tell_the_density_of_the_whole_set(sharpness: float) -> None:
    """Over all batches of three that hold a picture, the estimate of q(z) averages to q(z)."""
    mean, std = a_small_data_set()
    mean, std = mean[:8], sharpness * std[:8]
    z = mean + std * torch.randn(8, 3, generator=seeded(3))
    whole = Normal(mean, std).log_prob(z[0]).sum(1).exp().mean()
    batches = [torch.tensor([0, *others]) for others in itertools.combinations(range(1, 8), 2)]
    found = [batch_log_aggregate(z[rows], mean[rows], std[rows], 8)[0][0].exp() for rows in batches]
    assert torch.stack(found).mean().item() == pytest.approx(whole.item(), rel=1e-4)


def test_a_picture_alone_is_all_that_is_known_of_the_aggregate() -> None:
    mean, std = a_small_data_set()
    for density in batch_log_aggregate(mean[:1], mean[:1], std[:1], 1_000):
        assert torch.allclose(density, log_gaussian(mean[:1], mean[:1], std[:1]), atol=1e-5)


def test_the_parts_add_up_to_the_kl() -> None:
    """Their sum is a one-draw estimate of it: within five standard errors of the closed form, for any size of data."""
    mean, std = a_small_data_set()
    exact = (0.5 * (mean.square() + std.square() - 1) - std.log()).sum(1).mean()
    for pictures in (30, 5_000):
        generator = seeded(4)
        found = torch.stack(
            [
                sum(decomposed_kl(mean + std * torch.randn(30, 3, generator=generator), mean, std, pictures))
                for _ in range(300)
            ]
        )
        error = found.std() / 300**0.5
        assert abs(found.mean() - exact) < 5 * error < 0.2


def test_the_correlation_is_told_from_none() -> None:
    """Differences of the estimate between two data sets of one size: the same means, one column shuffled."""
    mean, std = a_small_data_set()
    shuffled = mean.clone()
    shuffled[:, 1] = mean[torch.randperm(30, generator=seeded(5)), 1]
    noise = torch.randn(30, 3, generator=seeded(6))
    dependent, independent = (decomposed_kl(m + std * noise, m, std, 30)[1] for m in (mean, shuffled))
    assert dependent > independent + 0.3


def test_total_correlation_weighs_each_part(model: VAE, x: Tensor) -> None:
    terms = model.terms(x, generator=seeded(0))
    encoding, z = model.encode(x), terms.z[0][:, 0]
    parts = [part.item() for part in decomposed_kl(z, encoding.mean[0], encoding.std[0], 50)]
    for weights in ((1.0, 1.0, 1.0), (0.5, 6.0, 2.0)):
        settings = Objective("tc", alpha=weights[0], beta=Schedule(end=weights[1]), gamma=weights[2])
        found = TotalCorrelation(model, settings, 50)(x, None, 1.0, seeded(0))
        expected = sum(w * p for w, p in zip(weights, parts, strict=True)) - terms.log_likelihood.mean().item()
        assert found["loss"].item() == pytest.approx(expected, rel=1e-5)
        assert found["elbo"].item() == pytest.approx(terms.elbo.mean().item(), rel=1e-5)
        assert found["total_correlation"].item() == pytest.approx(parts[1], rel=1e-4)


# --- discrepancy ------------------------------------------------------------------------------------------------------


def test_the_discrepancy_agrees_with_a_plain_loop() -> None:
    a, b = torch.randn(5, 3, generator=seeded(0)), torch.randn(4, 3, generator=seeded(1)) + 1

    def kernel(u: Tensor, v: Tensor) -> float:
        squared = (u - v).square().sum().item()
        return sum(6 * s / (6 * s + squared) for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0))

    within = [
        sum(kernel(p[i], p[j]) for i in range(len(p)) for j in range(len(p)) if i != j) / (len(p) * (len(p) - 1))
        for p in (a, b)
    ]
    across = sum(kernel(u, v) for u in a for v in b) / 20
    assert maximum_mean_discrepancy(a, b).item() == pytest.approx(sum(within) - 2 * across, rel=1e-4)


def test_the_discrepancy_of_one_distribution_is_zero_on_average_and_of_two_it_is_not() -> None:
    generator = seeded(0)
    same, moved, wider = [], [], []
    for _ in range(400):
        a, b = torch.randn(2, 12, 2, generator=generator)
        same.append(maximum_mean_discrepancy(a, b))
        moved.append(maximum_mean_discrepancy(a + 1, b))
        wider.append(maximum_mean_discrepancy(3 * a, b))
    alone = maximum_mean_discrepancy(torch.ones(1, 3), torch.zeros(1, 3))
    assert alone == 0  # a last batch of one picture is not pulled anywhere
    found = torch.stack(same)
    assert abs(found.mean()) < 5 * found.std() / 400**0.5  # unbiased: below zero as often as above
    assert found.min() < 0
    for other in (moved, wider):
        other = torch.stack(other)
        assert other.mean() > 10 * other.std() / 400**0.5


def test_the_discrepancy_pulls_draws_together() -> None:
    b = torch.randn(64, 2, generator=seeded(1))
    a = (torch.randn(64, 2, generator=seeded(0)) + 3).requires_grad_()
    (gradient,) = torch.autograd.grad(maximum_mean_discrepancy(a, b), a)
    assert torch.isfinite(gradient).all()
    assert (gradient.mean(0) > 0).all()  # downhill leads back
    alone = torch.zeros(1, 2, requires_grad=True)
    assert torch.isfinite(maximum_mean_discrepancy(alone, b))


@pytest.mark.parametrize("prior", ["normal", "mixture"])
def test_discrepancy_weighs_kl_and_discrepancy(x: Tensor, prior: str) -> None:
    model = tiny(prior)
    found = Discrepancy(model, Objective("mmd", beta=Schedule(end=0.5), mmd=20.0), 7)(x, None, 1.0, seeded(0))
    generator = seeded(0)
    terms = model.terms(x, generator=generator)
    discrepancy = maximum_mean_discrepancy(terms.z[0][:, 0], model.sample_prior(7, generator=generator)[0])
    expected = -terms.log_likelihood.mean() + 0.5 * terms.kl_total.mean() + 20 * discrepancy
    assert torch.allclose(found["loss"], expected) and torch.allclose(found["discrepancy"], discrepancy)


# --- importance-weighted bounds ---------------------------------------------------------------------------------------

BOUNDS = {"iwae": ImportanceWeighted, "dreg": DoublyReparameterized}


@pytest.mark.parametrize("kind", list(BOUNDS))
def test_one_draw_is_the_elbo(kind: str, x: Tensor) -> None:
    """Exactly, where the KL is estimated from the same draw; else on average."""
    settings = Objective(kind, draws=1)
    found = BOUNDS[kind](tiny("mixture"), settings, 7)(x, None, 1.0, seeded(0))
    assert torch.allclose(found["loss"], -found["elbo"], rtol=1e-5)
    model = tiny()
    many = replace(settings, bounds=100)
    losses = torch.stack([BOUNDS[kind](model, many, 7)(x, None, 1.0, seeded(i))["loss"].detach() for i in range(20)])
    exact = torch.stack([model.terms(x, k=100, generator=seeded(i)).elbo.mean().detach() for i in range(20)])
    difference = losses + exact
    assert abs(difference.mean()) < 5 * difference.std() / 20**0.5


@pytest.mark.parametrize("kind", list(BOUNDS))
@pytest.mark.parametrize(("draws", "bounds"), [(1, 1), (4, 1), (3, 2), (1, 3)])
def test_the_bounds_agree_with_a_plain_loop(kind: str, draws: int, bounds: int, x: Tensor) -> None:
    """As many bounds, each of its own draws; one bound is IWAE."""
    model = tiny()
    found = BOUNDS[kind](model, Objective(kind, draws=draws, bounds=bounds), 7)(x, None, 1.0, seeded(0))
    log_weights = model.terms(x, k=draws * bounds, generator=seeded(0)).log_weights.tolist()
    total = 0.0
    for row in log_weights:
        for m in range(bounds):
            total += math.log(sum(math.exp(w - row[0]) for w in row[m * draws : (m + 1) * draws]) / draws) + row[0]
    assert found["loss"].item() == pytest.approx(-total / (7 * bounds), rel=1e-5)
    terms = model.terms(x, k=draws * bounds, generator=seeded(0))
    assert found["elbo"].item() == pytest.approx(terms.elbo.mean().item(), rel=1e-5)


@pytest.mark.parametrize("kind", list(BOUNDS))
@torch.no_grad()
def test_the_bound_grows_with_the_draws(kind: str, x: Tensor) -> None:
    model = tiny()
    model.latent.head.bias.add_(0.5)  # a posterior that is not the right one
    found = [
        -sum(
            BOUNDS[kind](model, Objective(kind, draws=k, bounds=64 // k), 7)(x, None, 1.0, seeded(i))["loss"].item()
            for i in range(20)
        )
        / 20
        for k in (1, 4, 16, 64)
    ]
    assert found == sorted(found) and found[-1] > found[0] + 0.05


def gradients(kind: str, model: VAE, x: Tensor, names: list[str], seed: int) -> Tensor:
    loss = BOUNDS[kind](model, Objective(kind, draws=4, bounds=2), 1)(x, None, 1.0, seeded(seed))["loss"]
    weights = dict(model.named_parameters())
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, [weights[name] for name in names])])


@pytest.mark.parametrize("prior", ["normal", "mixture"])
def test_dreg_has_the_same_gradient_for_decoder_and_prior(x: Tensor, prior: str) -> None:
    model = tiny(prior)
    names = [name for name, _ in model.named_parameters() if name.startswith(("decoder", "latent.prior_"))]
    assert len(names) == (4 if prior == "normal" else 7)
    a, b = (gradients(kind, model, x, names, 0) for kind in ("iwae", "dreg"))
    assert torch.allclose(a, b, rtol=1e-4, atol=1e-5)
    assert a.abs().max() > 0


def test_dreg_has_the_same_gradient_for_the_encoder_on_average(x: Tensor) -> None:
    """In expectation over the noise: both averages, within five standard errors of their difference."""
    model = tiny()
    with torch.no_grad():
        model.latent.head.bias.add_(torch.tensor([0.8, -0.8, 0.3, -0.3]))
        model.decoder[2].weight.mul_(2)
    names = [name for name, _ in model.named_parameters() if name.startswith(("encoder", "latent.head"))]
    many = x[:1].expand(400, -1, -1, -1)  # each row with its own noise
    found = {
        kind: torch.stack([gradients(kind, model, many, names, seed) for seed in range(40)])
        for kind in ("iwae", "dreg")
    }
    difference = found["iwae"] - found["dreg"]
    error = difference.std(0) / 40**0.5
    assert (difference.mean(0).abs() <= 5 * error + 1e-5).all()
    scale = found["iwae"].mean(0).abs().max()
    assert error.max() < 0.05 * scale  # small enough for the comparison to mean something
    assert difference.abs().max() > 1e-4 * scale  # and they are not one estimator


@pytest.mark.parametrize("kind", ["gaussian", "flow"])
def test_piwae_is_one_bound_for_the_decoder_and_another_for_the_encoder(kind: str, x: Tensor) -> None:
    model = tiny(kind=kind)
    halves = {
        "decoder": [name for name, _ in model.named_parameters() if name.startswith("decoder")],
        "encoder": [name for name, _ in model.named_parameters() if name.startswith(("encoder", "latent"))],
    }
    assert len(halves["decoder"]) == 4 and len(halves["encoder"]) >= 4
    for half, names in halves.items():
        found = {
            objective: torch.autograd.grad(
                made(model, Objective(objective, draws=draws, bounds=bounds), 7)(x, None, 1.0, seeded(0))["loss"],
                [dict(model.named_parameters())[name] for name in names],
            )
            for objective, made, draws, bounds in (
                ("piwae", PartiallyImportanceWeighted, 3, 2),
                ("iwae", ImportanceWeighted, *((6, 1) if half == "decoder" else (3, 2))),
            )
        }
        for name, ours, theirs in zip(names, found["piwae"], found["iwae"], strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6), (half, name)
    one = PartiallyImportanceWeighted(model, Objective("piwae", draws=3, bounds=2), 7)(x, None, 1.0, seeded(0))
    all_draws = ImportanceWeighted(model, Objective("iwae", draws=6), 7)(x, None, 1.0, seeded(0))
    assert torch.allclose(one["loss"], all_draws["loss"])


# --- classes ----------------------------------------------------------------------------------------------------------


def semi(alpha: float = 3.0, beta: float = 2.0, jitter: float = 0.0) -> SemiSupervised:
    settings = Objective("semi_supervised", alpha=alpha, beta=Schedule(end=beta), labelled=3, jitter=jitter)
    return SemiSupervised(tiny(classes=3), settings, 7)


def loop(objective: SemiSupervised, x: Tensor, y: Tensor) -> dict[str, float]:
    """Kingma et al. 2014, equations 6 to 9, picture by picture and class by class; the prior of y is even."""
    model, n = objective.model, len(x)
    reconstruction = kl = wrong = 0.0
    for i in range(n):
        q = model.classifier(x[i : i + 1]).softmax(1)[0].tolist()
        each = []
        for label in range(3):
            row = i * 3 + label
            noise = Shard(seeded(0), row, row + 1, 3 * n)
            each.append(model.terms(x[i : i + 1], torch.tensor([label]), generator=noise))
        if y[i] >= 0:
            reconstruction -= each[y[i]].log_likelihood.item()
            kl += each[y[i]].kl_total.item()
            wrong -= math.log(q[y[i]])
        else:
            reconstruction -= sum(w * t.log_likelihood.item() for w, t in zip(q, each, strict=True))
            kl += sum(w * t.kl_total.item() for w, t in zip(q, each, strict=True))
            kl += sum(w * math.log(w * 3) for w in q)
    loss = reconstruction + objective.config.beta.end * kl + objective.config.alpha * wrong
    return {"loss": loss / n, "reconstruction": reconstruction / n, "kl": kl / n, "elbo": -(reconstruction + kl) / n}


@pytest.mark.parametrize("labels", [[0, -1, 2, 1, -1, -1, 0], [-1] * 7, [2, 1, 0, 0, 1, 2, 2]])
def test_semi_supervised_agrees_with_a_loop_over_pictures_and_classes(x: Tensor, labels: list[int]) -> None:
    objective, y = semi(), torch.tensor(labels)
    found = objective(x, y, 1.0, seeded(0))
    expected = loop(objective, x, y)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].item() == pytest.approx(value, rel=1e-4), name
    found["loss"].backward()
    assert all(torch.isfinite(weight.grad).all() for weight in objective.model.parameters())


def test_a_labelled_picture_is_told_by_its_class_alone(x: Tensor) -> None:
    """The classifier has no part in its bound, and another label gives another one."""
    objective = semi(alpha=0.0)
    y = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    found = objective(x, y, 1.0, seeded(0))
    found["loss"].backward()
    assert all(w.grad is None or w.grad.abs().max() == 0 for w in objective.model.classifier.parameters())
    other = objective(x, (y + 1) % 3, 1.0, seeded(0))
    assert not torch.allclose(found["elbo"], other["elbo"], rtol=1e-6)


def test_hidden_labels_teach_the_classifier_through_the_bound(x: Tensor) -> None:
    objective = semi(alpha=0.0)
    objective(x, torch.full((7,), -1), 1.0, seeded(0))["loss"].backward()
    assert all(w.grad.abs().max() > 0 for w in objective.model.classifier.parameters())


def test_the_cross_entropy_counts_per_picture_of_the_batch(x: Tensor) -> None:
    y = torch.tensor([1, -1, -1, 2, -1, -1, -1])
    weak, strong = semi(alpha=0.0), semi(alpha=10.0)
    gap = strong(x, y, 1.0, seeded(0))["loss"] - weak(x, y, 1.0, seeded(0))["loss"]
    log_q = weak.model.classifier(x).log_softmax(1)
    assert gap.item() == pytest.approx(-10 * (log_q[0, 1] + log_q[3, 2]).item() / 7, rel=1e-3)


def test_jitter_turns_scales_and_moves_each_picture_by_little_and_is_that_of_the_seed() -> None:
    x = torch.zeros(200, 1, 28, 28)
    x[:, :, 14:18, 12:16] = 1.0  # a square beside the middle
    moved = objectives.jittered(x, 1.0, seeded(0))
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    mass = moved.sum((1, 2, 3))
    down, right = ((moved[:, 0] * each).sum((1, 2)) / mass - each[14:18, 12:16].mean() for each in (rows, columns))
    assert 0.5 < down.abs().max() < 3.5 and 0.5 < right.abs().max() < 3.5  # two pixels, and what turning adds
    assert 0.78 * 16 < mass.min() < 0.9 * 16 and 1.1 * 16 < mass.max() < 1.25 * 16  # a tenth of the size, squared
    assert torch.equal(moved, objectives.jittered(x, 1.0, seeded(0)))
    assert torch.equal(x, objectives.jittered(x, 0.0, seeded(0)))


def test_the_classifier_alone_sees_jittered_pictures(x: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    objective, seen = semi(jitter=1.0), []
    each_class = objective.model.each_class
    objective.model.classifier.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    monkeypatch.setattr(objective.model, "each_class", lambda x, noise: seen.append(x) or each_class(x, noise))
    objective(x, torch.full((7,), -1), 1.0, seeded(0))
    assert torch.equal(seen[0], objectives.jittered(x, 1.0, seeded(0)))
    assert not torch.equal(seen[0], x) and torch.equal(seen[1], x)


# --- codes and points -------------------------------------------------------------------------------------------------


def test_commitment_weighs_the_distance_alone() -> None:
    torch.manual_seed(0)
    body = Body("conv", (4, 5))
    latent = Latent("quantized", groups=((2, 3),), prior="autoregressive", codes=6)
    model = build(ModelConfig((1, 8, 8), body, body, latent, LikelihoodConfig("gaussian", 0.3))).eval()
    x = torch.rand(4, 1, 8, 8)
    terms = model.terms(x)
    for weight in (0.0, 0.25, 3.0):
        found = KINDS["commitment"](model, Objective("commitment", commitment=weight), 4)(x, None, 1.0, None)
        distance = terms.extras["commitment"].mean()
        assert torch.allclose(found["loss"], -terms.elbo.mean() + weight * distance)
        assert torch.allclose(found["elbo"], terms.elbo.mean()) and torch.allclose(found["commitment"], distance)


def test_reconstruction_is_the_likelihood_alone(x: Tensor) -> None:
    model = tiny(kind="point", prior="fitted")
    found = KINDS["reconstruction"](model, Objective("reconstruction"), 7)(x, None, 1.0, None)
    expected = -model.score(model.decoder(model.encode(x).mean[0]), x).mean()
    assert torch.allclose(found["loss"], expected) and torch.equal(found["loss"], found["reconstruction"])
    assert set(found) == {"loss", "reconstruction"}
