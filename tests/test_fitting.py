"""A prior fitted after training: it describes held-out codes, draws like them, and travels in the file."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from vae_core import checkpoints, explore, fitting, packaging, training, zoo
from vae_core.checkpoints import CheckpointError
from vae_core.config import DataConfig, Training
from vae_core.data import load
from vae_core.jobs import Cancelled
from vae_core.latents.fitted import FlowPrior, MixturePrior
from vae_core.latents.priors import log_normal
from vae_core.model import build
from vae_core.shards import seeded

CENTRES = torch.tensor([[-3.0, 0.0], [3.0, 0.0], [0.0, 4.0]])


def clusters(count: int = 900, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Points (N, 2) of three narrow Gaussians, and which."""
    noise = seeded(seed)
    labels = torch.randint(0, 3, (count,), generator=noise)
    return CENTRES[labels] + 0.3 * torch.randn(count, 2, generator=noise), labels


def fitted(codes: torch.Tensor, kind: str = "mixture", **more) -> fitting.Fit:
    return fitting.fit(codes, log_normal(codes), kind=kind, **more)


def rings(count: int) -> torch.Tensor:
    """Points (N, 6) of three circles' product, which is too bent for few Gaussians."""
    noise = seeded(0)
    turn = 2 * torch.pi * torch.rand(count, 3, generator=noise)
    return torch.cat([turn.cos(), turn.sin()], 1) + 0.05 * torch.randn(count, 6, generator=noise)


def test_the_number_of_gaussians_and_the_gain_are_those_of_held_out_codes():
    codes, _ = clusters()
    found = fitted(codes)
    assert found.prior is not None and found.prior.components >= 3
    held, _ = clusters(seed=1)
    gain = found.prior.log_prob(held).mean() - log_normal(held).mean()
    assert found.gap == pytest.approx(gain.item(), abs=0.3) and found.gap > 4
    assert found.nats[1] < found.nats[5]


def test_the_better_kind_is_the_one_that_describes_held_out_codes_better(monkeypatch):
    monkeypatch.setattr(fitting, "FLOW_LEAST", 500)
    bent, plain, few = (fitted(codes, "best") for codes in (rings(500), clusters(500)[0], rings(499)))
    assert isinstance(bent.prior, FlowPrior) and bent.nats["flow"] > bent.nats[5] + fitting.SLIGHT
    assert isinstance(plain.prior, MixturePrior) and "flow" in plain.nats
    assert isinstance(few.prior, MixturePrior) and "flow" not in few.nats


def test_a_model_that_is_told_the_class_gets_no_flow_unless_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(fitting, "FLOW_LEAST", fitting.LEAST)
    model = build(zoo.recipe("conditional", DataConfig("digits"), (1, 8, 8), classes=10).model).eval()
    images, labels = torch.rand(60, 1, 8, 8, generator=seeded(0)), torch.arange(60) % 10
    assert "flow" not in fitting.fit_to(model, images, labels, 10).nats
    asked = fitting.fit_to(model, images, labels, 10, kind="flow").prior
    assert asked is not None and asked.classes_known == 0


@pytest.mark.parametrize(("source", "kind"), [("", "mixture"), ("mine", "best")])
def test_one_s_own_pictures_get_the_better_kind(source, kind, monkeypatch):
    def fit_to(*_, **how):
        raise ValueError(how["kind"])

    monkeypatch.setattr(fitting, "fit_to", fit_to)
    splits, recipe = load(DataConfig("digits")), zoo.recipe("mlp", DataConfig("digits"), (1, 8, 8))
    splits = replace(splits, test=replace(splits.test, source=source))
    with pytest.raises(ValueError, match=kind):
        packaging.described(recipe, build(recipe.model).eval(), splits)


def test_the_prior_stays_alone_where_none_is_better():
    codes = torch.randn(4_000, 8, generator=seeded(0))
    found = fitted(codes)
    assert found.prior is None and found.gap == 0 and found.summary["prior_components"] == 0


def test_log_density_is_scikit_learn_s():
    codes, _ = clusters()
    mixture = GaussianMixture(4, random_state=0).fit(codes.double().numpy())
    prior = fitting._prior(mixture, fitting._frame(codes))
    theirs = mixture.score_samples(codes.double().numpy())
    np.testing.assert_allclose(prior.log_prob(codes).numpy(), theirs, atol=1e-3)


def test_draws_are_like_the_codes_and_temperature_scales_each_gaussian():
    prior = fitted(clusters()[0]).prior
    assert prior is not None
    still, usual, wide = (prior.sample(3_000, t, seeded(3), torch.device("cpu")) for t in (0.0, 1.0, 2.0))
    assert torch.allclose(wide - still, 2 * (usual - still), atol=1e-5)
    nearest = torch.cdist(usual, CENTRES).min(1)
    assert nearest.values.max() < 1.5
    assert (nearest.indices.bincount() / 3_000 - 1 / 3).abs().max() < 0.06


def test_a_class_is_drawn_from_where_its_codes_lie():
    codes, labels = clusters()
    for kind, share in (("mixture", 0.98), ("flow", 0.9)):
        prior = fitted(codes, labels=labels, classes=3, kind=kind).prior
        assert prior is not None and prior.classes_known == 3
        y = torch.eye(3)[torch.tensor([1] * 500)]
        drawn = prior.sample(500, 1.0, seeded(0), torch.device("cpu"), y)
        assert (torch.cdist(drawn, CENTRES).argmin(1) == 1).float().mean() > share


@pytest.fixture(scope="module")
def found() -> fitting.Fit:
    return fitted(clusters(2_000, seed=2)[0], kind="flow")


@pytest.fixture(scope="module")
def flow(found) -> FlowPrior:
    assert isinstance(found.prior, FlowPrior)
    return found.prior


def test_a_flow_s_draws_lie_where_the_codes_lie(flow):
    drawn = flow.sample(3_000, 1.0, seeded(3), torch.device("cpu"))
    nearest = torch.cdist(drawn, CENTRES).min(1)
    assert nearest.values.quantile(0.9) < 1.2
    assert (nearest.indices.bincount(minlength=3) / 3_000 - 1 / 3).abs().max() < 0.1


def test_a_flow_s_density_is_that_of_its_draws(found, flow):
    """Its expectation under another density, divided by that density, is 1; and of its draws it says what they are."""
    codes, _ = clusters(2_000, seed=2)
    gain = MixtureOfClusters.log_prob(codes).mean() - found.nats["flow"]
    assert abs(gain) < 0.4
    wide = torch.distributions.MultivariateNormal(codes.mean(0), 3 * torch.cov(codes.T))
    points = torch.cat([wide.sample((2_000,)) for _ in range(2)])
    assert (flow.log_prob(points) - wide.log_prob(points)).exp().mean() == pytest.approx(1, abs=0.25)


class MixtureOfClusters:
    """The density that `clusters` draws from."""

    @staticmethod
    def log_prob(z: torch.Tensor) -> torch.Tensor:
        each = torch.stack([log_normal((z - centre) / 0.3) for centre in CENTRES])
        return each.logsumexp(0) - np.log(3) - 2 * np.log(0.3)


def test_one_point_of_the_base_is_one_code_there_and_back(flow):
    base = torch.randn(50, 2, generator=seeded(0))
    codes = flow.to_code(base)
    assert torch.equal(codes, flow.to_code(base))
    assert (flow.to_code(flow.to_base(codes)) - codes).abs().mean() < 0.1
    still = flow.sample(4, 0.0, seeded(0), torch.device("cpu"))
    assert torch.allclose(still, flow.to_code(torch.zeros(4, 2)), atol=1e-6)


def test_a_flow_is_its_seed_and_stops_when_its_progress_does(rough_flows):
    codes, _ = clusters(200)
    first, again, other = (fitted(codes, kind="flow", seed=seed).prior for seed in (0, 0, 1))
    assert first is not None and again is not None and other is not None
    assert torch.equal(first.inner, again.inner) and not torch.equal(first.inner, other.inner)

    def give_up(share: float) -> None:
        if share > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        fitted(codes, kind="flow", progress=give_up)


def test_a_flow_in_many_dimensions_moves_in_the_principal_ones():
    codes = torch.cat([clusters(300)[0], 0.05 * torch.randn(300, 98, generator=seeded(0))], 1)
    prior = fitted(codes, kind="flow").prior
    assert isinstance(prior, FlowPrior) and prior.dim == 64 and prior.across == 36
    drawn = prior.sample(1_000, 1.0, seeded(1), torch.device("cpu"))
    assert drawn.shape == (1_000, 100) and drawn.var(0).sum() == pytest.approx(codes.var(0).sum().item(), rel=0.3)


def test_another_kind_is_refused_by_name():
    with pytest.raises(ValueError, match="allowed: best, mixture, flow"):
        fitted(clusters(50)[0], kind="spline")


def test_codes_of_many_dimensions_are_fitted_in_their_principal_directions():
    noise = seeded(0)
    plane, _ = clusters()
    turn = torch.linalg.qr(torch.randn(100, 100, generator=noise)).Q
    codes = torch.cat([plane, 0.05 * torch.randn(len(plane), 98, generator=noise)], 1) @ turn
    found = fitted(codes)
    prior = found.prior
    assert prior is not None and prior.basis.shape == (100, 64) and prior.across == 36
    drawn = prior.sample(2_000, 1.0, seeded(1), torch.device("cpu"))
    assert drawn.var(0).sum() == pytest.approx(codes.var(0).sum().item(), rel=0.1)
    # The density integrates to one: its expectation under another density, divided by that density.
    wide = torch.distributions.MultivariateNormal(codes.mean(0), torch.cov(codes.T) + 0.001 * torch.eye(100))
    there = prior.log_prob(drawn) - wide.log_prob(drawn)
    assert (-there).exp().mean() < 1.2


def test_too_few_pictures_and_learned_priors_are_told():
    with pytest.raises(ValueError, match="at least 20"):
        fitted(torch.zeros(5, 2))
    for variant in ("vq", "ladder"):
        model = build(zoo.recipe(variant, DataConfig("digits"), (1, 8, 8)).model)
        assert "in training" in (fitting.lacking(model) or "")


@pytest.fixture(scope="module")
def trained() -> checkpoints.Checkpoint:
    splits = load(DataConfig("digits"))
    recipe = zoo.recipe("autoencoder", DataConfig("digits"), (1, 8, 8), latent_dim=4, training=Training(epochs=2))
    run = training.Run(recipe, splits, "cpu")
    list(run.train())
    return packaging.package(run)


def test_training_ends_with_it_and_it_travels_in_the_file(trained, tmp_path):
    assert trained.model.spec.fitted and trained.metrics["prior_gap"] > 0
    path = tmp_path / "own.safetensors"
    trained.save(path)
    opened = checkpoints.load(path)
    assert opened.model.spec.fitted and opened.metrics["prior_components"] == opened.model.fitted.components
    draws = [explore.sample(model, 10, seed=4, fitted=True) for model in (trained.model, opened.model)]
    assert torch.equal(*draws)
    assert not torch.equal(draws[0], explore.sample(opened.model, 10, seed=4))


def test_a_damaged_prior_is_refused(trained, tmp_path):
    path = tmp_path / "own.safetensors"
    trained.save(path)
    header, tensors = checkpoints.read_file(path)
    for name, change in (
        ("model.fitted.weights", lambda t: t[:1] * float("nan")),
        ("model.fitted.factor", lambda t: t[:, :1]),
        ("model.fitted.centre", lambda t: t[:2]),
        ("model.fitted.classes", None),
    ):
        changed = {**tensors, name: change(tensors[name].float())} if change else dict(tensors)
        if change is None:
            del changed[name]
        checkpoints.write_file(tmp_path / "bad.safetensors", header, changed)
        with pytest.raises(CheckpointError, match="fitted prior"):
            checkpoints.load(tmp_path / "bad.safetensors")


def test_a_model_s_own_prior_is_untouched(trained):
    model = trained.model
    plain = replace(model.spec, fitted=None)
    z = model.sample_prior(5, generator=seeded(1))
    assert torch.equal(z[0], model.latent.sample_prior(5, 1.0, seeded(1), model.device)[0]) and plain != model.spec
    assert isinstance(model.fitted, MixturePrior)


def test_a_prior_is_given_to_another_model_that_shares_the_weights(trained, rough_flows):
    model = trained.model
    before = model.fitted
    found = fitting.fit_to_references(trained, kind="flow")
    other = fitting.with_prior(trained, found)
    assert other.model.spec.fitted == "flow" and model.spec.fitted == "mixture" and model.fitted is before
    assert other.model.encoder is model.encoder and other.metrics["prior_references"] == 1
    assert other.model.with_prior(None).spec.fitted is None


def test_a_flow_travels_in_the_file_and_a_damaged_one_is_refused(trained, tmp_path, rough_flows):
    path = tmp_path / "flow.safetensors"
    made = fitting.with_prior(trained, fitting.fit_to_references(trained, kind="flow"))
    made.save(path)
    opened = checkpoints.load(path)
    assert opened.model.spec.fitted == "flow" and opened.model.spec.fitted_classes == 10
    draws = [explore.sample(model, 20, seed=4, fitted=True, label=3) for model in (made.model, opened.model)]
    assert torch.equal(*draws)
    base = explore.sample_base(opened.model, 20, seed=4)
    assert torch.allclose(explore.from_base(opened.model, base, 3), draws[0], atol=1e-5)
    assert torch.allclose(explore.to_base(opened.model, draws[0], 3), base, atol=0.2)
    header, tensors = checkpoints.read_file(path)
    for name, change in (
        ("model.fitted.scale", lambda t: -t),
        ("model.fitted.second", lambda t: t[:, :9]),
        ("model.fitted.label", lambda t: t[0]),
        ("model.fitted.outer", lambda t: t * float("inf")),
    ):
        checkpoints.write_file(tmp_path / "bad.safetensors", header, {**tensors, name: change(tensors[name].float())})
        with pytest.raises(CheckpointError, match="fitted prior"):
            checkpoints.load(tmp_path / "bad.safetensors")


def test_without_a_flow_there_is_no_base(trained):
    with pytest.raises(ValueError, match="--kind flow"):
        explore.sample_base(trained.model, 3)
