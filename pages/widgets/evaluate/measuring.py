"""Figures of a model on pictures: what is wished for, what was found, and what stands in their way."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pages.widgets.selection.datasource import Drawn, Source
from pages.widgets.shell.models import Opened
from pages.widgets.shell.words import sentence
from vae_core import data, metrics, scoring
from vae_core.checkpoints import Reference
from vae_core.data import Dataset
from vae_core.metrics import Row
from vae_core.model import VAE

NAMES = {  # in the order in which they are shown
    "elbo": "ELBO",
    "reconstruction": "Reconstruction error",
    "kl": "KL",
    "nll": "Importance-weighted NLL",
    "bits_per_dimension": "Bits per dimension",
    "active_units": "Active units",
    "kl_per_dim": "KL of each dimension",
    "kl_per_level": "KL of each level",
    "perplexity": "Codebook perplexity",
    "mutual_information": "Mutual information",
    "total_correlation": "Total correlation",
    "dimension_wise_kl": "Dimension-wise KL",
    "aggregate_kl": "Aggregate-posterior KL",
    "kid": "KID",
    "precision": "Precision of draws",
    "recall": "Recall of draws",
    "accuracy": "Class found by the model",
    "linear_probe": "Linear probe of the means",
    "knn": "k-NN accuracy of the means",
    "mig_histogram": "MIG (histogram of means)",
    "mig_sampled": "MIG (sampled, Chen et al.)",
    "factor_vae": "FactorVAE score",
    "dci": "DCI",
    "sap": "SAP",
}
_NO_PICTURES = Dataset("", torch.empty((0, 1, 1, 1), dtype=torch.uint8))
SEED = 0  # of the bits and of all draws
LOADING = 0.1  # share of the progress bar: the rest is measuring


@dataclass(frozen=True)
class Wish:
    """What is to be measured: `wanted` are keys of METRICS, `draws` those of z for nll (0 where it is not wanted)."""

    source: Source
    count: int
    wanted: tuple[str, ...]
    draws: int
    given: bool

    def key(self, opened: Opened) -> Hashable:
        """Return what differs when the figures may."""
        return opened.key, self.source.key, self.count, self.wanted, self.draws, self.given


@dataclass(frozen=True, eq=False)
class Measured:
    """Figures of a model.

    Attributes:
        key: of the wish.
        rows: of each figure its value, standard error and unit, as `metrics.figures` gives them.
        missing: figure -> what it needs and the pictures have not.
        about: what was measured on what, for the JSON file.
        words: the same in sentences.
        command: what prints the same figures in a terminal; nothing where that has no way to.
    """

    key: Hashable
    rows: dict[str, Row]
    missing: dict[str, str]
    about: dict[str, Any]
    words: tuple[str, ...]
    command: str


def measure(opened: Opened, wish: Wish, dataset: Drawn, progress: Callable[[float], None] | None = None) -> Measured:
    """Measure a model on pictures; figures that need what these have not are left out.

    Raises:
        ValueError: nothing is left, or a figure is not defined for these pictures.
    """
    model, pictures = opened.checkpoint.model, dataset.pictures.in_classes(opened.checkpoint.data.class_names)
    labels, factors = pictures.labels, pictures.factors
    known = labels is not None and pictures.class_names == opened.checkpoint.data.class_names
    given = known and wish.given
    missing = _missing(model, wish, dataset, pictures, known)
    wanted = [name for name in wish.wanted if name not in missing]
    if not wanted:
        raise ValueError(" ".join(left_out(missing)))
    rows = metrics.figures(
        model, pictures.images, wanted, wish.draws or 1, SEED, progress, labels, factors, given, dataset.training
    )
    about = _about(opened, wish, dataset, given)
    command = _command(opened, wish, dataset, given)
    return Measured(wish.key(opened), rows, missing, about, _words(dataset, about), command)


def measure_reference(opened: Opened, wish: Wish, progress: Callable[[float], None] | None = None) -> Measured:
    """Give the figures of the reference set, from what the model's file holds of it."""
    model, reference = opened.checkpoint.model, reference_of(opened)
    assert reference is not None
    rows = data.drawn(len(reference), wish.count)
    labels, factors = known(opened, rows)
    error, kl = reference.error[rows], reference.kl[rows]
    elbo = -(error + kl.sum(1)) if model.spec.has_density else error.new_full(error.shape, math.nan)
    statistics = scoring.Statistics(elbo, error, kl, reference.mean[rows], reference.std[rows])
    count, seed = len(rows), opened.checkpoint.recipe.training.seed
    about = {
        "model": opened.entry.id,
        "seed": seed,
        "data": opened.checkpoint.data.name,
        "split": "reference set",
        "pictures": count,
        "drawn_from": len(reference),
        "likelihood": model.likelihood.label,
        "likelihood_note": model.likelihood.note or None,
        "bits": f"drawn from the grey values with seed {seed}" if model.binary else None,
        "density": metrics.density(model, labels is not None),
    }
    total = Drawn("reference pictures, as the model's file holds them", len(reference), rows.numpy(), _NO_PICTURES)
    figures = metrics.figures_of(model, statistics, wish.wanted, SEED, progress, labels, factors)
    return Measured(wish.key(opened), figures, {}, about, _words(total, about), "")


def reference_of(opened: Opened) -> Reference | None:
    """Tell what the model's file holds of its test pictures, where that is their whole encodings."""
    reference, spec = opened.checkpoint.reference, opened.checkpoint.model.spec
    return reference if reference is not None and reference.mean.shape[1] == spec.size else None


def known(opened: Opened, rows: Tensor | slice) -> tuple[Tensor | None, Tensor | None]:
    """Return labels and factors of the reference set, where they are known."""
    reference = opened.checkpoint.reference
    assert reference is not None
    labels, factors = (part if part is None else part[rows] for part in (reference.labels, reference.factors))
    return labels, factors


def _missing(model: VAE, wish: Wish, dataset: Drawn, pictures: Dataset, known: bool) -> dict[str, str]:
    """Return wanted figures that these pictures do not allow, with what they need."""
    labelled = pictures.labels is not None and len(pictures.labels.unique()) > 1
    factored = pictures.factors is not None
    enough = metrics.enough(pictures.images, dataset.training)
    reasons = {name: metrics.lacking(model, name, labelled, factored, enough) for name in wish.wanted}
    if "accuracy" in reasons and not known:
        reasons["accuracy"] = "labels that are the model's own classes, and these pictures have others or none"
    return {name: reason for name, reason in reasons.items() if reason}


def left_out(missing: dict[str, str]) -> list[str]:
    """Say why each figure is left out, in a sentence."""
    return [f"{NAMES[name]} needs {reason}." for name, reason in missing.items()]


def _about(opened: Opened, wish: Wish, dataset: Drawn, given: bool) -> dict[str, Any]:
    """Tell what was measured, in the words of `vae evaluate --json`."""
    model = opened.checkpoint.model
    return {
        "model": opened.entry.id,
        "seed": SEED,
        "data": dataset.pictures.name,
        "split": "all" if wish.source.content is not None else "test",
        "pictures": len(dataset.pictures),
        "drawn_from": dataset.total,
        "likelihood": model.likelihood.label,
        "likelihood_note": model.likelihood.note or None,
        "bits": f"drawn from the grey values with seed {SEED}" if model.binary else None,
        "density": metrics.density(model, given),
    }


def _words(dataset: Drawn, about: dict[str, Any]) -> tuple[str, ...]:
    """Tell what was measured, in sentences."""
    count, total = about["pictures"], dataset.total
    which = f"{count:,} of the {total:,}" if count < total else "All" if total > 1 else "The"
    number = "" if count < total else f" {total:,}"
    title = dataset.title if total > 1 else dataset.title.replace("pictures", "picture", 1)
    parts = [f"{which}{number} {title}{', drawn at random' if count < total else ''}."]
    if about["split"] == "all":
        parts.append("Each was prepared like a picture that you upload for this model.")
    parts.append(f"Likelihood: {about['likelihood']}" + (f"; bits {about['bits']}." if about["bits"] else "."))
    if about["likelihood_note"]:
        parts.append(f"Of it: {about['likelihood_note']}.")
    if about["density"]:
        parts.append(f"Density: {about['density']}.")
    return *parts, *map(sentence, dataset.pictures.notes)


def _command(opened: Opened, wish: Wish, dataset: Drawn, given: bool) -> str:
    """Return the command that prints the same figures in a terminal."""
    words = ["vae", "evaluate", opened.entry.title if opened.entry.origin == "shipped" else "FILE"]
    if wish.source.content is not None:
        words += ["--data", "FOLDER" if isinstance(wish.source.content, Path) else "ZIP", "--split", "all"]
    elif wish.source.name != opened.checkpoint.recipe.data.name:
        words += ["--data", wish.source.name]
    words += ["--metrics", ",".join(wish.wanted)]
    words += ["--k", str(wish.draws)] if wish.draws else []
    words += ["--limit", str(wish.count)] if dataset.total > wish.count else []
    return shlex.join(
        [*words, *["--without-labels"] * (opened.checkpoint.model.spec.classes is not None and not given)]
    )
