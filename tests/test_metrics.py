"""Figures by name: which of them a model has on which pictures, and what they are."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vae_core import disentanglement, features, metrics, scoring
from vae_core.config import METRICS, Body, Latent, LikelihoodConfig, ModelConfig
from vae_core.data import Dataset
from vae_core.disentanglement import aggregate
from vae_core.latents.priors import log_normal
from vae_core.metrics import Row
from vae_core.model import VAE, build
from vae_core.scoring import BLOCK, active, importance_weighted_nll, statistics
from vae_core.shards import seeded


def make(likelihood: str, kind: str = "mlp", dim: int = 3) -> VAE:
    body = Body(kind, (8,) if kind == "mlp" else ())
    return build(ModelConfig((1, 8, 8), body, body, Latent(dim=dim), LikelihoodConfig(likelihood, 0.3))).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (BLOCK + 60, 1, 8, 8), dtype=torch.uint8, generator=seeded(1))


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
    with pytest.raises(ValueError, match=r"these pictures (lack|have none); allowed: elbo"):
        metrics.figures(conditional(), images, [name])
    with pytest.raises(ValueError, match=r"these pictures (lack|have none)"):
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
    encoded = [part for index, x in scoring.blocks(model, images, 0) for part in [model.terms(x, generator=None).kl]]
    assert len(rows["kl_per_level"]["value"]) == 2 == len(encoded[0])
    assert sum(rows["kl_per_level"]["value"]) == pytest.approx(rows["kl"]["value"], rel=1e-5)
    assert statistics(family("quantized"), images).summary(family("quantized").spec)["active_units"] is None


def test_perplexity_is_a_number_a_codebook(images: Tensor) -> None:
    model = family("quantized")
    row = metrics.figures(model, images, ["perplexity"])["perplexity"]
    assert row["value"] == statistics(model, images).summary(model.spec)["perplexity"]
    assert len(row["value"]) == 2
    assert scoring.perplexity(torch.tensor([0, 0, 1, 1, 5, 5])) == pytest.approx(3)
    assert scoring.perplexity(torch.zeros(3, 4)) == pytest.approx(1)


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
    told = torch.cat([model.infer(x).argmax(1) for _, x in scoring.blocks(model, images, 5)])
    monkeypatch.setattr(scoring, "NUMBERS_AT_ONCE", 64 * 70)
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


@pytest.mark.parametrize(("k", "few"), [(5, True), (2_000, False)])
def test_the_effective_sample_size_stands_beside_every_nll_and_warns(k: int, few: bool, images: Tensor) -> None:
    model = make("bernoulli")
    rows = metrics.figures(model, images[:20], ["nll", "bits_per_dimension"], k)
    size = scoring.importance_weighted(model, images[:20], k)[1].mean().item()
    assert rows["nll"]["effective_sample_size"] == pytest.approx(size)
    for row in rows.values():
        assert f"{k:,} draws of which {size:.1f} count" in row["unit"]
        assert ("below 10" in row["unit"]) == few == (size < 10)


def test_codes_that_are_not_drawn_have_no_effective_sample_size(images: Tensor) -> None:
    row = metrics.figures(family("quantized"), images[:20], ["nll"])["nll"]
    assert "effective" not in str(row) and "below 10" not in row["unit"]
