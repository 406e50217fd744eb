"""Figures of a model by their names: which of them it has, and what each is on pictures.

Costly parts (encodings, importance weights, pairs of posteriors) are computed once for all figures that need them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vae_core import disentanglement, features, realism
from vae_core.config import METRICS
from vae_core.jobs import Progress
from vae_core.latents.priors import log_normal
from vae_core.model import VAE
from vae_core.realism import COMPARED
from vae_core.scoring import (
    ACTIVE_KL,
    ACTIVE_VARIANCE,
    BLOCK,
    Statistics,
    at_once,
    bits_per_dimension,
    blocks,
    encode,
    importance_weighted,
    statistics,
)
from vae_core.shards import seeded

if TYPE_CHECKING:
    from vae_core.data import Dataset

FEW_EFFECTIVE = 10  # draws: where the weights are worth fewer, the bound hangs on the luckiest of them
LEARNING = 200_000  # pictures that go through a net while it learns features, about
BIAS_MARGIN = 3.0  # nats below log N, from which on N posteriors lie too far apart to tell how q(z) lies between them
PROBE = 4  # a stream of noise, beside those of `scoring`

# Figures by what they need: a density, a KL, pairs of posteriors and a prior, labels, known factors, other pictures.
DENSE = ("elbo", "nll", "bits_per_dimension")
DIVERGENT = ("kl", "kl_per_dim", "kl_per_level")
PAIRWISE = ("mutual_information", "total_correlation", "dimension_wise_kl", "aggregate_kl")
LABELLED = ("linear_probe", "knn", "accuracy")
FACTORED = ("mig_histogram", "mig_sampled", "factor_vae", "dci", "sap")
REALISM = ("kid", "precision", "recall")
USUAL = ("elbo", "reconstruction", "kl", "kl_per_level", "active_units", "perplexity", "accuracy")

Row = dict[str, Any]


def lacking(model: VAE, name: str, labelled: bool = True, factored: bool = True, enough: bool = True) -> str | None:
    """Tell what a figure needs and a model or its pictures have not, in words; None where all is there.

    Args:
        model: any model.
        name: a key of `config.METRICS`.
        labelled: whether the pictures have labels of two classes at least.
        factored: whether they have known factors.
        enough: whether they are `COMPARED` at least, and as many training pictures of the same data are there.
    """
    spec, label = model.spec, model.likelihood.label
    latent = f"this one has a {spec.posterior} posterior with a {spec.prior} prior"
    needs = (
        (DENSE, spec.scored, "a likelihood, and this model came without one"),
        (DENSE, spec.has_density, "a model with a density, and the codes of an autoencoder have none"),
        (DIVERGENT, spec.has_kl, "a model with a density, and the codes of an autoencoder have none"),
        (
            ("bits_per_dimension",),
            model.likelihood.discrete,
            f"bits or levels, and this likelihood is {label}, which is a density",
        ),
        (
            PAIRWISE,
            (spec.posterior, spec.prior) == ("gaussian", "normal"),
            f"a gaussian posterior with a normal prior, and {latent}",
        ),
        (("mig_sampled",), spec.posterior == "gaussian", f"a gaussian posterior, and {latent}"),
        (("kl_per_level",), len(spec.kl_shapes) > 1, "a hierarchy of latent groups, and this model has one group"),
        (
            ("active_units",),
            spec.units_by is not None,
            f"a latent space with a scale of 1, or a hierarchy, and {latent}",
        ),
        (("perplexity",), spec.codebook_size is not None, f"codebooks, and {latent}"),
        (("accuracy",), spec.classes is not None, "a model with classes, and this one has none"),
        (LABELLED, labelled, "labels of at least two classes, which these pictures lack"),
        (FACTORED, factored, "known factors, and these pictures have none"),
        (REALISM, enough, f"at least {COMPARED} pictures, and as many of the data's training part"),
    )
    return next((needed for names, there, needed in needs if name in names and not there), None)


def density(model: VAE, given: bool) -> str | None:
    """Tell which density the figures of a conditional model are of; None where the class plays no part."""
    if model.spec.classes is None:
        return None
    return "log p(x | y), the labels given" if given else "log p(x), summed over the classes"


def usual(model: VAE, labels: Tensor | None = None) -> list[str]:
    """Return the figures where none are named: those of `USUAL` that a model has on pictures of these classes (N,)."""
    return [name for name in USUAL if lacking(model, name, _differ(labels)) is None]


def enough(images: Tensor, training: Dataset | None) -> bool:
    """Tell whether draws can be compared with pictures (N, C, H, W), in features learnt from the training part."""
    return training is not None and min(len(images), len(training)) >= COMPARED


def check(model: VAE, wanted: Sequence[str], labelled: bool = True, factored: bool = True, enough: bool = True) -> None:
    """Refuse figures that a model or its pictures do not have.

    Raises:
        ValueError: which one, why, and which are allowed; arguments as in `lacking`.
    """
    for name in wanted:
        _known(name)
        if needed := lacking(model, name, labelled, factored, enough):
            allowed = [other for other in METRICS if lacking(model, other, labelled, factored, enough) is None]
            raise ValueError(f"{name} needs {needed}; allowed: {', '.join(allowed)}.")


def _known(name: str) -> None:
    if name not in METRICS:
        raise ValueError(f"The metrics have {name!r}; allowed: {', '.join(METRICS)}.")


def figures(
    model: VAE,
    images: Tensor,
    wanted: Sequence[str],
    k: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
    labels: Tensor | None = None,
    factors: Tensor | None = None,
    given: bool = True,
    training: Dataset | None = None,
) -> dict[str, dict[str, Any]]:
    """Measure a model on pictures.

    Args:
        model: any model, in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1], N at least 1.
        wanted: keys of `config.METRICS` that `check` lets pass.
        k: draws of z a picture for nll, at least 1.
        seed: of the bits, of all draws, and of the half of the pictures that probes learn from.
        progress: called with the fraction done.
        labels: classes (N,), where they are known.
        factors: (N, F), where they are known.
        given: whether a conditional model is told the labels: figures are then of p(x | y), else summed over y.
        training: the training part of the same data, from which features for `REALISM` are learnt.

    Returns:
        Of each wanted figure its value, standard error over the pictures (None where it has none) and unit. Those of
        `REALISM` are by what is held against real pictures, as `realism.Sides` names it, and so are kid's errors.

    Raises:
        ValueError: a figure is not defined for the model or the pictures.
    """
    check(model, wanted, _differ(labels), factors is not None, enough(images, training))
    if labels is not None and (given or "accuracy" in wanted):
        _check_labels(model, labels)
    work = _Work(model, images, wanted, k, seed, progress, labels, factors, given, training)
    return {name: _MEASURES[name](work) for name in wanted}


def lacking_pictures(model: VAE, name: str, labelled: bool = True, factored: bool = True) -> str | None:
    """Tell what a figure needs beside the stored encodings of pictures, in words; None where `figures_of` has it.

    Args:
        model: any model.
        name: a key of `config.METRICS`.
        labelled: whether there are labels of two classes at least.
        factored: whether there are known factors.
    """
    known = LABELLED + FACTORED if model.spec.classes else ()  # codes that were made with the class would tell it
    if name in ("nll", "accuracy", "perplexity", *REALISM, *known):
        return "the pictures themselves, and the model's file holds encodings of them"
    return lacking(model, name, labelled, factored)


def figures_of(
    model: VAE,
    statistics: Statistics,
    wanted: Sequence[str],
    seed: int = 0,
    progress: Progress | None = None,
    labels: Tensor | None = None,
    factors: Tensor | None = None,
) -> dict[str, Row]:
    """Give figures of pictures of which the statistics alone are kept; arguments and result as those of `figures`.

    Args:
        model: that the statistics were made with; a conditional one was told the labels, if there are any.
        statistics: of N pictures.
        wanted: keys of `config.METRICS` that `lacking_pictures` lets pass.
        seed: of the half of the pictures that probes learn from.
        progress: called with the fraction done.
        labels: classes (N,), where they are known.
        factors: (N, F), where they are known.

    Raises:
        ValueError: a figure is not defined for the model, or needs the pictures.
    """
    for name in wanted:
        if needed := lacking_pictures(model, name, _differ(labels), factors is not None):
            raise ValueError(f"{name} needs {needed}.")
    work = _Work(model, statistics.mean, wanted, 1, seed, progress, labels, factors, True)
    work.__dict__["statistics"] = statistics  # what it would make from pictures
    return {name: _MEASURES[name](work) for name in wanted}


def _check_labels(model: VAE, labels: Tensor) -> None:
    """Check that labels that a conditional model is told, or is to tell, are its classes."""
    classes, low, high = model.spec.classes, int(labels.min()), int(labels.max())
    if classes is not None and not 0 <= low <= high < classes:
        raise ValueError(f"Labels go from {low} to {high}; this model's classes are 0 to {classes - 1}.")


def _differ(labels: Tensor | None) -> bool:
    """Tell whether there are labels of two classes at least."""
    return labels is not None and bool((labels != labels[0]).any())


class _Work:
    """A model and pictures; each costly part is done once, when a figure asks for it."""

    def __init__(
        self,
        model: VAE,
        images: Tensor,
        wanted: Sequence[str],
        k: int,
        seed: int,
        progress: Progress | None,
        labels: Tensor | None,
        factors: Tensor | None,
        given: bool,
        training: Dataset | None = None,
    ) -> None:
        self.training = training
        self.model, self.images, self.wanted, self.seed = model, images, wanted, seed
        self.k = 1 if self.exact else k
        self.labels, self.factors = labels, factors
        self.y = labels if given and model.spec.classes else None
        self.report = progress or (lambda share: None)
        self.parts = {part for name in wanted for part in self._parts(name)}
        self.done = 0.0

    def _parts(self, name: str) -> tuple[str, ...]:
        """Return the costly work behind a figure."""
        if name in ("nll", "accuracy") or (name == "bits_per_dimension" and "nll" in self.wanted):
            return ("accuracy" if name == "accuracy" else "nll",)
        if name in REALISM:
            return ("sides",)
        if name in (*LABELLED, *FACTORED):
            return ("statistics" if self.model.spec.classes is None else "codes", name)
        return ("statistics", "aggregate") if name in PAIRWISE else ("statistics",)

    def _weight(self, part: str) -> float:
        """Tell how long a part takes, about, in passes over the pictures."""
        passes = {"nll": self.k, "codes": self.model.spec.classes, "accuracy": self.model.spec.classes}
        passes["sides"] = 1 + LEARNING // len(self.images)
        return passes.get(part) or (len(self.images) / BLOCK if part in ("aggregate", "mig_sampled") else 1)

    def step(self, part: str) -> Progress:
        """Return the progress of a part, which begins where the last one ended."""
        start, weight, total = self.done, self._weight(part), sum(map(self._weight, self.parts))
        self.done += weight
        return lambda share: self.report(min(1.0, (start + weight * share) / total))

    @cached_property
    def statistics(self) -> Statistics:
        return statistics(self.model, self.images, self.seed, self.step("statistics"), self.y)

    @cached_property
    def weighted(self) -> tuple[Tensor, Tensor]:
        return importance_weighted(self.model, self.images, self.k, self.seed, self.step("nll"), self.y)

    def nll(self) -> Row:
        """Return the importance-weighted bound, with the effective sample size of its weights."""
        row = self.average("nll", self.weighted[0], f", {self.k:,} draws{self.effective()}")
        return row | {"k": self.k} | ({} if self.exact else {"effective_sample_size": self.weighted[1].mean().item()})

    @property
    def exact(self) -> bool:
        """Whether there is one z for each picture, so that nothing is drawn."""
        return self.model.spec.posterior == "quantized"

    def effective(self) -> str:
        """Tell how many draws count, in the mean over the pictures, with a warning where they are few."""
        if self.exact:
            return ""
        size = self.weighted[1].mean().item()
        few = f", below {FEW_EFFECTIVE}: the true NLL may be far lower" if size < FEW_EFFECTIVE else ""
        return f" of which {size:.1f} count (mean effective sample size{few})"

    @cached_property
    def codes(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (N, D) from pictures alone: a class that is told would tell itself."""
        if self.model.spec.classes is None:
            return self.statistics.mean, self.statistics.std
        return encode(self.model, self.images, self.seed, self.step("codes"))

    @cached_property
    def aggregate(self) -> dict[str, float]:
        statistics = self.statistics
        return disentanglement.aggregate(statistics.mean, statistics.std, self.seed, log_normal, self.step("aggregate"))

    @property
    def density(self) -> str:
        """Which density the figures of a conditional model are of."""
        if not self.model.spec.classes:
            return ""
        return ", of log p(x), summed over the classes" if self.y is None else ", of log p(x | y)"

    def average(self, name: str, column: Tensor, note: str = "") -> Row:
        """Return the mean of one number a picture, (N,)."""
        return _row(name, column.mean().item(), _standard_error(column), self.density + note)

    def reconstruction(self) -> Row:
        """Name a distance, which is no likelihood, with its unit."""
        row = self.average("reconstruction", self.statistics.reconstruction)
        if self.model.likelihood.known:
            return row
        return row | {"unit": f"{self.model.likelihood.unit} per image (no likelihood is known)"}

    def summed(self, name: str) -> Row:
        """Return an entry of the summary."""
        spec = self.model.spec
        unit = "" if spec.factorises or name != "kl_per_dim" else "; here one number a latent group"
        return _row(name, self.statistics.summary(spec)[name], None, (self.density if name in DIVERGENT else "") + unit)

    def levels(self) -> Row:
        """Return the KL of each latent group, coarse to fine."""
        per_dim = self.statistics.kl.mean(0).tolist()
        return _row("kl_per_level", self.model.spec.levels(per_dim), None, self.density)

    def units(self) -> Row:
        """Tell how many units are active, and by what they are counted."""
        how = {
            "variance": f"whose encoded mean varies by more than {ACTIVE_VARIANCE:g} (Burda et al. 2016)",
            "kl": f"whose KL is above {ACTIVE_KL:g} nats, since the prior moves the means too",
        }
        row = self.summed("active_units")
        return row | {"unit": f"dimensions {how[self.model.spec.units_by or '']}"}

    def kl(self) -> Row:
        """Measure the KL, with the class's own where it is summed over."""
        return self.average("kl", self.statistics.kl_total)

    def bits(self) -> Row:
        """Return bits per dimension from the tightest bound there is."""
        bound = "nll" if "nll" in self.wanted else "elbo"
        row = self.average("bits_per_dimension", self.weighted[0] if bound == "nll" else -self.statistics.elbo)
        for name in ("value", "standard_error"):
            row[name] = row[name] and bits_per_dimension(self.model, row[name])
        draws = f" with {self.k:,} draws{self.effective()}" if bound == "nll" else ""
        return row | {"unit": f"{row['unit']}, from {bound}{draws}"}

    def parted(self, name: str) -> Row:
        """Return a part of the average KL; the mutual information with the bounds that it lies between."""
        aggregate = self.aggregate
        if name == "mutual_information":
            upper, kl = aggregate["mutual_information_upper"], self.statistics.kl.sum(1).mean().item()
            note = ", with a picture's own posterior counted and left out"
            note += f"; nor is it above the mean KL, {kl:.1f}" * (kl < upper)
            return _row(name, aggregate[name], None, note) | {"upper": aggregate["mutual_information_upper"]}
        return _row(name, aggregate[name], None, "" if name == "dimension_wise_kl" else self.bias())

    def bias(self) -> str:
        """Tell what to think of the parts that need the density q(z), where these pictures are too few to know it."""
        seen = self.aggregate["mutual_information"] + self.aggregate["total_correlation"]
        limit = math.log(len(self.images)) - BIAS_MARGIN
        if seen <= limit:
            return ""
        return (
            f", may be bias: E log q(z | x) - sum_j E log q(z_j) is {seen:.1f}, above log N - {BIAS_MARGIN:g} = "
            f"{limit:.1f} of {len(self.images):,} pictures"
        )

    def probe(self, name: str, score: Callable[..., float]) -> Row:
        """Learn the labels from half of the means and tell those of the other half."""
        assert self.labels is not None
        mean, labels, report = self.codes[0], self.labels.cpu(), self.step(name)
        order = torch.randperm(len(mean), generator=seeded(self.seed, PROBE))
        train, test = order.tensor_split([len(order) // 2])
        share = score(mean[train], labels[train], mean[test], labels[test])
        report(1.0)
        note = f" of {len(test):,} pictures, learnt from {len(train):,} others"
        return _row(name, share, math.sqrt(share * (1 - share) / len(test)), note)

    @cached_property
    def sides(self) -> tuple[realism.Sides, str]:
        """Features of real pictures and of those held against them, and what the features are of."""
        assert self.training is not None
        report, learnt = self.step("sides"), LEARNING / (LEARNING + len(self.images))
        net = features.learn(self.training.images, self.training.labels, lambda share: report(learnt * share))
        pictures = realism.sides(
            self.model, self.images, self.y, progress=lambda share: report(learnt + (1 - learnt) * share)
        )
        count = len(pictures.real)
        return pictures.features(net), f"; {count:,} pictures a side, in features of {net.note}"

    def realism(self, name: str) -> Row:
        """Measure draws of each prior, reconstructions and other real pictures against real ones."""
        sides, note = self.sides
        value = {side: realism.MEASURES[name](sides.real, made) for side, made in sides.others.items()}
        if name != "kid":
            return _row(name, value, None, f", k = {realism.NEIGHBOURS}{note}")
        errors = {side: realism.kid_error(sides.real, made) for side, made in sides.others.items()}
        return _row(name, value, None, note) | {"standard_errors": errors}

    def accuracy(self) -> Row:
        """Tell how often the class that the model infers is the label."""
        assert self.labels is not None
        right, report, labels = [], self.step("accuracy"), self.labels.to(self.model.device)
        for index, x in blocks(self.model, self.images, self.seed):
            inferred = torch.cat([self.model.infer(rows).argmax(1) for rows in x.split(at_once(self.model))])
            right.append((inferred == labels[index * BLOCK :][: len(x)]).float().cpu())
            report((index * BLOCK + len(x)) / len(self.images))
        column = torch.cat(right)
        how = "its classifier" if self.model.config.classifier else "the ELBO of each class"
        return _row("accuracy", column.mean().item(), _standard_error(column), f", by {how}")

    def factored(self, name: str) -> Row:
        """Tell how the code relates to the known factors."""
        assert self.factors is not None
        (mean, std), factors, report = self.codes, self.factors, self.step(name)
        measures: dict[str, Callable[[], Any]] = {
            "mig_histogram": lambda: disentanglement.mig_histogram(mean, factors),
            "mig_sampled": lambda: disentanglement.mig_sampled(mean, std, factors, seed=self.seed, progress=report),
            "factor_vae": lambda: disentanglement.factor_vae_score(mean, factors, self.seed),
            "dci": lambda: asdict(disentanglement.dci(mean, factors, self.seed, report)),
            "sap": lambda: disentanglement.sap(mean, factors, self.seed),
        }
        value = measures[name]()
        report(1.0)
        return _row(name, value)


_MEASURES: dict[str, Callable[[_Work], Row]] = {
    "elbo": lambda work: work.average("elbo", work.statistics.elbo),
    "reconstruction": _Work.reconstruction,
    "kl": _Work.kl,
    "nll": _Work.nll,
    "bits_per_dimension": _Work.bits,
    "linear_probe": lambda work: work.probe("linear_probe", disentanglement.linear_probe),
    "knn": lambda work: work.probe("knn", disentanglement.knn_accuracy),
    "accuracy": _Work.accuracy,
    "kl_per_level": _Work.levels,
    "active_units": _Work.units,
    **{name: partial(_Work.summed, name=name) for name in ("kl_per_dim", "perplexity")},
    **{name: partial(_Work.parted, name=name) for name in PAIRWISE},
    **{name: partial(_Work.factored, name=name) for name in FACTORED},
    **{name: partial(_Work.realism, name=name) for name in REALISM},
}


def _row(name: str, value: Any, error: float | None = None, source: str = "") -> Row:
    return {"value": value, "standard_error": error, "unit": METRICS[name] + source}


def _standard_error(column: Tensor) -> float | None:
    """Return the standard error of the mean of (N,)."""
    return column.std().item() / math.sqrt(len(column)) if len(column) > 1 else None
