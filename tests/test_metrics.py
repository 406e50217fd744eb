"""Figures: against closed forms, and the same whatever the memory and the company of a picture."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from vae_core import disentanglement, features, metrics
from vae_core.config import METRICS, Body, Latent, LikelihoodConfig, ModelConfig
from vae_core.data import Dataset
from vae_core.disentanglement import aggregate
from vae_core.latents.priors import log_normal
from vae_core.metrics import BLOCK, Row, Statistics, active, bits_per_dimension, importance_weighted_nll, statistics
from vae_core.model import VAE, build
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
    x = model.observe(images.float() / 255, seeded(4, metrics.BITS, 0))
    encoding, terms = model.encode(x), model.terms(x, generator=seeded(4, metrics.DRAWS, 0))
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
    monkeypatch.setattr(metrics, "NUMBERS_AT_ONCE", numbers)
    model, sizes = make("bernoulli"), []
    most = min(metrics.AT_ONCE, numbers // 64)
    model.decoder.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    for k in (1, 7, 300, 2 * metrics.AT_ONCE + 5):
        sizes.clear()
        assert importance_weighted_nll(model, images[:11], k).shape == (11,)
        assert sum(sizes) == 11 * k
        assert max(sizes) <= most


def test_statistics_of_large_pictures_are_the_same_in_less_memory(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sizes = make("bernoulli"), []
    whole = statistics(model, images)
    monkeypatch.setattr(metrics, "NUMBERS_AT_ONCE", 64 * 70)
    model.decoder.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    assert same(statistics(model, images), whole)
    assert sizes == [70] * 7 + [10, 60]


@pytest.mark.parametrize("likelihood", ["bernoulli", "learned_gaussian"])
def test_encode_is_that_of_the_statistics_in_bounded_parts(
    likelihood: str, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sizes, seen = make(likelihood), [], []  # type: ignore[var-annotated]
    whole = statistics(model, images, seed=2)
    monkeypatch.setattr(metrics, "NUMBERS_AT_ONCE", 64 * 70)
    model.encoder.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    mean, std = metrics.encode(model, images, 2, seen.append)
    assert sizes == [70] * 7 + [10, 60]
    assert seen == [BLOCK / len(images), 1.0]
    assert torch.allclose(mean, whole.mean, atol=1e-5)
    assert torch.allclose(std, whole.std, atol=1e-5)


def test_figures_are_means_with_their_errors_and_progress_never_falls(images: Tensor) -> None:
    model, seen = make("discretized_logistic"), []  # type: ignore[var-annotated]
    images = images[:50]
    elbo, nll = statistics(model, images, 3).elbo, importance_weighted_nll(model, images, 20, 3)
    found = metrics.figures(model, images, ["elbo", "nll", "bits_per_dimension"], 20, 3, seen.append)
    assert list(found) == ["elbo", "nll", "bits_per_dimension"]
    for name, column in (("elbo", elbo), ("nll", nll)):
        assert found[name]["value"] == pytest.approx(column.mean().item())
        assert found[name]["standard_error"] == pytest.approx(column.std().item() / 50**0.5)
    assert found["bits_per_dimension"]["value"] == pytest.approx(nll.mean().item() / (64 * math.log(2)))
    assert "from nll" in found["bits_per_dimension"]["unit"]
    from_elbo = metrics.figures(model, images[:1], ["bits_per_dimension"], seed=3)["bits_per_dimension"]
    assert "from elbo" in from_elbo["unit"] and from_elbo["standard_error"] is None
    assert seen == sorted(seen) and seen[-1] == 1.0


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


# --- figures by kind of model and data ----------------------------------------------------------------------------

BODY = Body("conv", (4, 4))
KINDS = {
    "gaussian": Latent(dim=3),
    "mixture": Latent(dim=3, prior="mixture", components=2),
    "flow": Latent("flow", dim=3, steps=1),
    "point": Latent("point", dim=3, prior="fitted"),
    "topdown": Latent("topdown", groups=((2, 2), (1, 1)), prior="conditional"),
    "quantized": Latent("quantized", groups=((2, 3), (1, 2)), codes=6, prior="uniform"),
}
PAIRWISE = {"mutual_information", "total_correlation", "dimension_wise_kl", "aggregate_kl"}
DENSE = {"elbo", "kl", "kl_per_dim", "kl_per_level", "nll", "bits_per_dimension"}


def family(name: str, likelihood: str = "bernoulli") -> VAE:
    return build(ModelConfig((1, 8, 8), BODY, BODY, KINDS[name], LikelihoodConfig(likelihood))).eval()


def conditional(classifier: bool = False) -> VAE:
    body = Body("mlp", (8,))
    likelihood = LikelihoodConfig("bernoulli")
    config = ModelConfig((1, 8, 8), body, body, Latent(dim=2), likelihood, 3, classifier=body if classifier else None)
    return build(config).eval()


@pytest.fixture
def labels(images: Tensor) -> Tensor:
    return torch.arange(len(images)) % 3


@pytest.fixture
def factors(labels: Tensor) -> Tensor:
    return torch.stack([labels, torch.arange(len(labels)) // 3 % 4], 1)


def missing(model: VAE) -> set[str]:
    return {name for name in METRICS if metrics.lacking(model, name)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gaussian", {"perplexity", "accuracy", "kl_per_level"}),
        ("mixture", {"perplexity", "accuracy", "kl_per_level", "active_units", *PAIRWISE}),
        ("flow", {"perplexity", "accuracy", "kl_per_level", *PAIRWISE, "mig_sampled"}),
        ("point", {"perplexity", "accuracy", "active_units", *PAIRWISE, "mig_sampled", *DENSE}),
        ("topdown", {"perplexity", "accuracy", *PAIRWISE, "mig_sampled"}),
        ("quantized", {"accuracy", "active_units", *PAIRWISE, "mig_sampled"}),
    ],
)
def test_every_kind_of_model_has_all_figures_but_those_it_cannot_have(
    name: str,
    expected: set[str],
    images: Tensor,
    labels: Tensor,
    factors: Tensor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = family(name)
    assert missing(model) == expected
    wanted, seen = [one for one in METRICS if one not in expected], []  # type: ignore[var-annotated]
    some = slice(0, 120)
    monkeypatch.setenv("VAE_CACHE", str(tmp_path))
    monkeypatch.setitem(features.STEPS, "classifier", 2)
    training = Dataset("others", images[120:240], labels[120:240])
    found = metrics.figures(
        model, images[some], wanted, 3, 0, seen.append, labels[some], factors[some], training=training
    )
    assert list(found) == wanted
    for row in found.values():
        value = row["value"]
        numbers = value if isinstance(value, list) else value.values() if isinstance(value, dict) else [value]
        assert numbers and all(math.isfinite(number) for number in numbers)
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1.0)
    for one in expected:
        with pytest.raises(ValueError, match=f"{one} needs .*; allowed: .*knn"):
            metrics.figures(model, images[some], [one], 3, 0, None, labels[some], factors[some])


def test_the_usual_figures_are_those_that_a_model_has(labels: Tensor) -> None:
    assert metrics.usual(family("gaussian"), labels) == ["elbo", "reconstruction", "kl", "active_units"]
    assert metrics.usual(family("point"), labels) == ["reconstruction"]
    assert metrics.usual(family("topdown"), labels)[-2:] == ["kl_per_level", "active_units"]
    assert metrics.usual(family("quantized"))[-1] == "perplexity"
    assert metrics.usual(conditional(), labels)[-1] == "accuracy"
    assert "accuracy" not in metrics.usual(conditional())
    assert "accuracy" not in metrics.usual(conditional(), torch.zeros(4))


@pytest.mark.parametrize("name", ["linear_probe", "accuracy", "sap", "dci"])
def test_pictures_without_labels_or_factors_are_told_so(name: str, images: Tensor, labels: Tensor) -> None:
    with pytest.raises(ValueError, match=r"these pictures have (none|not); allowed: elbo"):
        metrics.figures(conditional(), images, [name])
    with pytest.raises(ValueError, match=r"these pictures have (none|not)"):
        metrics.figures(conditional(), images, [name], labels=torch.zeros_like(labels))


def test_parts_of_the_kl_are_those_of_disentanglement_and_add_up(images: Tensor) -> None:
    model = make("bernoulli")
    wanted = ["mutual_information", "total_correlation", "dimension_wise_kl", "aggregate_kl"]
    found = {name: row["value"] for name, row in metrics.figures(model, images, wanted, seed=2).items()}
    code = statistics(model, images, 2)
    expected = aggregate(code.mean, code.std, 2, log_normal)
    assert found == {name: expected[name] for name in wanted}
    assert found["aggregate_kl"] == pytest.approx(found["total_correlation"] + found["dimension_wise_kl"], rel=1e-3)


def seen_as(model: VAE, mean: Tensor, std: float, monkeypatch: pytest.MonkeyPatch, images: Tensor) -> dict[str, Row]:
    """The parts of the KL of pictures whose posteriors have these means (N, D)."""
    found = statistics(model, images[: len(mean)])
    made = replace(found, mean=mean, std=torch.full_like(mean, std))
    monkeypatch.setattr(metrics, "statistics", lambda *arguments: made)
    return metrics.figures(model, images[: len(mean)], ["mutual_information", "total_correlation", "aggregate_kl"])


@pytest.mark.parametrize(("dim", "noise", "biased"), [(2, 0.7, False), (8, 0.1, True)])
def test_what_may_be_bias_says_so(
    dim: int, noise: float, biased: bool, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Independent dimensions have no total correlation, whatever is found of posteriors that lie far apart."""
    many = images.repeat(-(-2_000 // len(images)), 1, 1, 1)
    rows = seen_as(make("bernoulli"), torch.randn(2_000, dim, generator=seeded(1)), noise, monkeypatch, many)
    for name in ("total_correlation", "aggregate_kl"):
        assert ("may be bias" in rows[name]["unit"]) == biased
    assert (rows["total_correlation"]["value"] > 5) == biased
    assert biased or rows["total_correlation"]["value"] == pytest.approx(0, abs=0.05)
    assert not biased or "above log N - 3 = 4.6 of 2,000 pictures" in rows["total_correlation"]["unit"]
    true = dim * math.log(1 + 1 / noise**2) / 2
    low, high = rows["mutual_information"]["value"], rows["mutual_information"]["upper"]
    assert low - 0.1 <= true <= high + 0.1 and "left out" in rows["mutual_information"]["unit"]
    assert biased or high - low < 0.05


def test_units_of_a_hierarchy_are_counted_by_their_kl(images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A level that follows its prior says nothing, however much the coarser levels move the prior and the means."""
    model = family("topdown")
    found = statistics(model, images)
    sizes = [math.prod(shape) for shape in model.spec.shapes]
    kl = torch.cat([torch.full((len(images), sizes[0]), 0.5), torch.full((len(images), sizes[1]), 1e-5)], 1)
    moved = replace(found, kl=kl, mean=torch.randn(len(images), sum(sizes), generator=seeded(0)))
    monkeypatch.setattr(metrics, "statistics", lambda *arguments: moved)
    rows = metrics.figures(model, images, ["active_units", "kl_per_level"])
    assert rows["active_units"]["value"] == sizes[0] and "KL is above 0.01 nats" in rows["active_units"]["unit"]
    assert rows["kl_per_level"]["value"] == pytest.approx([0.5 * sizes[0], 1e-5 * sizes[1]])
    assert int(active(moved.mean).sum()) == sum(sizes)  # what the variance would have said


def test_the_kl_of_levels_is_the_sum_over_their_dimensions(images: Tensor) -> None:
    model = family("topdown")
    rows = metrics.figures(model, images, ["kl_per_level", "kl"])
    encoded = [part for index, x in metrics.blocks(model, images, 0) for part in [model.terms(x, generator=None).kl]]
    assert len(rows["kl_per_level"]["value"]) == 2 == len(encoded[0])
    assert sum(rows["kl_per_level"]["value"]) == pytest.approx(rows["kl"]["value"], rel=1e-5)
    assert statistics(family("quantized"), images).summary(family("quantized").spec)["active_units"] is None


def test_perplexity_is_a_number_a_codebook(images: Tensor) -> None:
    model = family("quantized")
    row = metrics.figures(model, images, ["perplexity"])["perplexity"]
    assert row["value"] == statistics(model, images).summary(model.spec)["perplexity"]
    assert len(row["value"]) == 2
    assert metrics.perplexity(torch.tensor([0, 0, 1, 1, 5, 5])) == pytest.approx(3)
    assert metrics.perplexity(torch.zeros(3, 4)) == pytest.approx(1)


def test_codes_that_are_not_drawn_cost_one_draw(images: Tensor) -> None:
    found = metrics.figures(family("quantized"), images[:20], ["nll", "elbo"], k=1000)
    assert found["nll"]["k"] == 1
    assert found["nll"]["value"] == pytest.approx(-found["elbo"]["value"], rel=1e-5)


def test_probes_learn_from_one_half_and_tell_the_other(images: Tensor, labels: Tensor) -> None:
    """A linear encoder keeps brightness; noise as labels is told by chance."""
    model = make("gaussian", "linear")
    grey = (60 * labels[:, None, None, None] + images // 16).to(torch.uint8)
    wanted = ["linear_probe", "knn"]
    good = metrics.figures(model, grey, wanted, labels=labels)
    random = labels[torch.randperm(len(labels), generator=seeded(4))]
    bad = metrics.figures(model, grey, wanted, labels=random)
    half = len(images) // 2
    for name in wanted:
        assert good[name]["value"] > 0.99
        assert abs(bad[name]["value"] - 1 / 3) < 0.1
        share = bad[name]["value"]
        assert bad[name]["standard_error"] == pytest.approx(math.sqrt(share * (1 - share) / half))
        assert f"of {half} pictures, learnt from {half} others" in bad[name]["unit"]
    assert metrics.figures(model, grey, wanted, seed=1, labels=random) != bad


@pytest.mark.parametrize("classifier", [False, True])
def test_accuracy_is_how_often_the_inferred_class_is_the_label(
    classifier: bool, images: Tensor, labels: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = conditional(classifier)
    told = torch.cat([model.infer(x).argmax(1) for _, x in metrics.blocks(model, images, 5)])
    monkeypatch.setattr(metrics, "NUMBERS_AT_ONCE", 64 * 70)
    row = metrics.figures(model, images, ["accuracy"], seed=5, labels=labels)["accuracy"]
    assert row["value"] == pytest.approx((told == labels).float().mean().item())
    assert ("classifier" in row["unit"]) == classifier
    assert metrics.figures(model, images, ["accuracy"], seed=5, labels=told)["accuracy"]["value"] == 1


def test_labels_make_a_conditional_models_figures_those_of_p_x_given_y(images: Tensor, labels: Tensor) -> None:
    model, images, labels = conditional(), images[:60], labels[:60]
    wanted = ["elbo", "reconstruction", "kl", "nll"]
    told = metrics.figures(model, images, wanted, 50, labels=labels)
    summed = metrics.figures(model, images, wanted, 50, labels=labels, given=False)
    assert summed == metrics.figures(model, images, wanted, 50)
    for found, labelled, unit in ((told, labels, "log p(x | y)"), (summed, None, "summed over the classes")):
        assert all(unit in found[name]["unit"] for name in wanted)
        expected = statistics(model, images, labels=labelled).elbo.mean().item()
        assert found["elbo"]["value"] == pytest.approx(expected)
        parts = found["reconstruction"]["value"] + found["kl"]["value"]
        assert found["elbo"]["value"] == pytest.approx(-parts, rel=1e-5)
        assert found["nll"]["value"] < -found["elbo"]["value"]
    with pytest.raises(ValueError, match="go from 1 to 3; this model's classes are 0 to 2"):
        metrics.figures(model, images, ["elbo"], labels=labels + 1)


def test_probes_of_a_conditional_model_are_not_told_the_label(images: Tensor) -> None:
    """With the class in the encoder its means would betray it."""
    model = conditional()
    with torch.no_grad():
        model.latent.head.weight.mul_(100)  # the class shows in the means
    labels = torch.randint(0, 3, (len(images),), generator=seeded(6))
    assert metrics.figures(model, images, ["linear_probe"], labels=labels)["linear_probe"]["value"] < 0.5


def test_factors_are_measured_on_the_means(images: Tensor, factors: Tensor) -> None:
    model = make("bernoulli")
    wanted = ["mig_histogram", "mig_sampled", "factor_vae", "dci", "sap"]
    found = metrics.figures(model, images, wanted, seed=3, factors=factors)
    code = statistics(model, images, 3)
    assert found["mig_histogram"]["value"] == disentanglement.mig_histogram(code.mean, factors)
    assert found["mig_sampled"]["value"] == disentanglement.mig_sampled(code.mean, code.std, factors, seed=3)
    assert found["factor_vae"]["value"] == disentanglement.factor_vae_score(code.mean, factors, 3)
    assert found["dci"]["value"] == vars(disentanglement.dci(code.mean, factors, 3))
    assert found["sap"]["value"] == disentanglement.sap(code.mean, factors, 3)


# --- encodings without their pictures -------------------------------------------------------------------------------


def test_kept_statistics_give_the_figures_of_the_pictures(images: Tensor, labels: Tensor, factors: Tensor) -> None:
    model = make("bernoulli")
    wanted = [name for name in METRICS if metrics.lacking_pictures(model, name) is None]
    assert {"elbo", "kl_per_dim", "mutual_information", "knn", "mig_sampled"} <= set(wanted)
    assert not {"nll", "accuracy", "perplexity"} & set(wanted)
    kept = metrics.figures_of(model, statistics(model, images), wanted, labels=labels, factors=factors)
    assert kept == metrics.figures(model, images, wanted, labels=labels, factors=factors)


def test_figures_that_need_pictures_are_refused_without_them(images: Tensor, labels: Tensor) -> None:
    model = make("bernoulli")
    with pytest.raises(ValueError, match="nll needs the pictures themselves"):
        metrics.figures_of(model, statistics(model, images), ["nll"])
    with pytest.raises(ValueError, match="knn needs labels of at least two classes"):
        metrics.figures_of(model, statistics(model, images), ["knn"])


# --- effective sample size ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_effective_sample_size_is_the_plain_computation(likelihood: str, images: Tensor) -> None:
    model, k = make(likelihood), 30
    x = next(metrics.blocks(model, images[:7], 4))[1]
    weights = model.terms(x, k=k, generator=seeded(4, metrics.WEIGHTS, 0)).log_weights.double().exp()
    nll, effective = metrics.importance_weighted(model, images[:7], k, 4)
    plain = [(sum(row) ** 2 / sum(w * w for w in row)) for row in (weights / weights.amax(1, True)).tolist()]
    assert effective.tolist() == pytest.approx(plain, rel=1e-3)
    assert nll.tolist() == pytest.approx([-math.log(sum(row) / k) for row in weights.tolist()], rel=1e-4)


def test_the_effective_sample_size_of_a_gaussian_is_the_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log weights that are normal with variance s^2 leave k exp(-s^2) of k draws, for many of them."""
    model, spread = make("gaussian"), 0.8

    def terms(x: Tensor, y: Tensor | None, k: int, generator: torch.Generator) -> object:
        return SimpleNamespace(log_weights=-700 + spread * torch.randn(len(x), k, generator=generator))

    monkeypatch.setattr(VAE, "terms", lambda self, x, y=None, k=1, generator=None: terms(x, y, k, generator))
    effective = metrics.importance_weighted(model, torch.zeros(20, 1, 8, 8), 20_000)[1]
    assert effective.mean().item() == pytest.approx(20_000 * math.exp(-(spread**2)), rel=0.02)


@pytest.mark.parametrize(("k", "few"), [(5, True), (2_000, False)])
def test_the_effective_sample_size_stands_beside_every_nll_and_warns(k: int, few: bool, images: Tensor) -> None:
    model = make("bernoulli")
    rows = metrics.figures(model, images[:20], ["nll", "bits_per_dimension"], k)
    size = metrics.importance_weighted(model, images[:20], k)[1].mean().item()
    assert rows["nll"]["effective_sample_size"] == pytest.approx(size)
    for row in rows.values():
        assert f"{k:,} draws of which {size:.1f} count" in row["unit"]
        assert ("below 10" in row["unit"]) == few == (size < 10)


def test_codes_that_are_not_drawn_have_no_effective_sample_size(images: Tensor) -> None:
    row = metrics.figures(family("quantized"), images[:20], ["nll"])["nll"]
    assert "effective" not in str(row) and "below 10" not in row["unit"]
