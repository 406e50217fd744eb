"""A trained model as a checkpoint: figures on the test split, reference encodings, a fitted prior, a stored map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vae_core import checkpoints, fitting, projection, realism
from vae_core.checkpoints import Checkpoint, Reference
from vae_core.config import Recipe
from vae_core.jobs import Progress
from vae_core.metrics import figures
from vae_core.model import VAE, parameters
from vae_core.scoring import bits_per_dimension, statistics
from vae_core.shards import seeded
from vae_core.training import ORDER, Run
from vae_core.version import __version__

if TYPE_CHECKING:
    from vae_core.data import Splits

REFERENCES = 2_000
REFERENCE_NUMBERS = 2**18  # in one column of the reference encodings: 1 MB


def package(run: Run, description: str = "") -> Checkpoint:
    """Pack a trained run as a checkpoint: figures on the test split (touched here alone), reference encodings.

    Args:
        run: a finished run.
        description: one sentence for the model's card.
    """
    scores = [row["score"] for row in run.history]
    about = {
        "best_epoch": len(scores) if run.keeps_last else 1 + scores.index(max(scores)),
        "train_seconds": sum(row["seconds"] for row in run.history),
    }
    return described(run.recipe, run.model, run.splits, description, run.history, about)


def described(
    recipe: Recipe,
    model: VAE,
    splits: Splits,
    description: str = "",
    history: Sequence[dict[str, Any]] = (),
    about: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> Checkpoint:
    """Return a model, wherever it was trained, as a checkpoint: figures on the test split, reference encodings.

    Args:
        recipe: what it is.
        model: in eval mode.
        splits: the pictures; those of the test split are measured.
        description: one sentence for the model's card.
        history: one row an epoch.
        about: what else is known, for the figures.
        progress: called with the fraction of the test split that is measured.
    """
    test, seed = splits.test, recipe.training.seed
    scores = statistics(model, test.images, seed, progress, test.labels)
    count = min(REFERENCES, REFERENCE_NUMBERS // model.spec.size)
    kept = torch.randperm(len(test), generator=seeded(seed, ORDER))[:count].sort().values
    mean = scores.mean[kept]
    tsne = _stored_map(mean, seed)
    reference = Reference(
        mean=checkpoints.shortened(mean),
        std=checkpoints.shortened(scores.std[kept]),
        kl=checkpoints.shortened(scores.kl[kept]),
        error=scores.reconstruction[kept],
        index=kept,
        labels=None if test.labels is None else test.labels[kept],
        factors=None if test.factors is None else test.factors[kept],
        tsne=tsne,
    )
    dense = model.spec.has_density
    metrics = scores.summary(model.spec) | {
        "bits_per_dimension": bits_per_dimension(model, -scores.elbo.mean().item()) if dense else None,
        "test_pictures": len(test),
        **(about or {}),
        "parameters": parameters(model),
    }
    model, drawn = _as_generator(model, splits, seed)
    metrics |= drawn
    if model.config.classifier:
        metrics["accuracy"] = figures(model, test.images, ["accuracy"], labels=test.labels)["accuracy"]["value"]
    versions = {"vae-explorer": __version__, "torch": torch.__version__}
    return Checkpoint(
        recipe,
        model,
        checkpoints.data_info(splits),
        description[: checkpoints.MAX_TEXT],
        [*history],
        metrics,
        versions,
        reference,
    )


def _as_generator(model: VAE, splits: Splits, seed: int) -> tuple[VAE, dict[str, float]]:
    """Fit a prior to the codes of training pictures, where one can be: the model with it, and figures of its draws.

    Of named sets it is a mixture, which takes seconds; of somebody's own pictures the better kind.
    """
    train, test, figures = splits.train, splits.test, {}
    kind = fitting.BEST if test.source else fitting.MIXTURE
    if fitting.lacking(model) is None and len(train) >= fitting.LEAST:
        prior = fitting.fit_to(model, train.images, train.labels, len(train.class_names), seed, kind=kind)
        model, figures = model.with_prior(prior.prior), prior.summary
    return model, figures | realism.compared(model, test.images, test.labels, train.images)


def _stored_map(mean: Tensor, seed: int) -> Tensor | None:
    """Return t-SNE coordinates (N, 2) of the reference encodings; None for fewer than t-SNE can place."""
    try:
        projection.perplexity_range(len(mean))
    except ValueError:
        return None
    return torch.tensor(projection.tsne(mean.numpy(), seed=seed).coords)
