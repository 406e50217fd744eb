"""The named variants, each a few lines of data: name -> what to build and what to minimise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vae_core.config import (
    Body,
    DataConfig,
    Latent,
    LikelihoodConfig,
    ModelConfig,
    Objective,
    Recipe,
    Schedule,
    Training,
    replaced,
)

BINARY_DATA = ("mnist", "kmnist", "omniglot")  # ink or no ink: their grey is only the scanner's

# Settings that are fields of a recipe, and where they stand in it.
FIELDS = {
    "latent_dim": ("model.latent.dim",),
    "hidden": ("model.encoder.hidden", "model.decoder.hidden"),
    "activation": ("model.encoder.activation", "model.decoder.activation"),
    "norm": ("model.encoder.norm", "model.decoder.norm"),
    "dropout": ("model.encoder.dropout", "model.decoder.dropout"),
    "beta": ("objective.beta.end",),
    "beta_schedule": ("objective.beta.kind",),
    "beta_start": ("objective.beta.start",),
    "beta_length": ("objective.beta.length",),
    "free_bits": ("objective.free_bits",),
    "epochs": ("training.epochs",),
    "batch_size": ("training.batch_size",),
    "weight_decay": ("training.weight_decay",),
    "clip": ("training.clip",),
    "patience": ("training.patience",),
    "precision": ("training.precision",),
    "seed": ("training.seed",),
}
DECAY = 100.0  # a learning rate that falls ends at this part of where it started


@dataclass(frozen=True)
class Variant:
    """A row of the zoo: the body, the paper, and what it is for."""

    body: Body
    paper: str
    purpose: str


VARIANTS = {
    "linear": Variant(
        Body("linear", ()),
        "Tipping and Bishop 1999; Lucas et al. 2019, arXiv:1911.02469",
        "probabilistic PCA: exact likelihood known, the yardstick of tests and lessons",
    ),
    "mlp": Variant(
        Body("mlp", (512,)), "Kingma and Welling 2014, arXiv:1312.6114", "small pictures; trains in minutes on a laptop"
    ),
    "conv": Variant(
        Body("conv", (32, 64, 128)), "Radford et al. 2016, arXiv:1511.06434", "pictures of any size; the usual choice"
    ),
    "resnet": Variant(
        Body("resnet", (32, 64, 128)),
        "He et al. 2016, arXiv:1603.05027",
        "the same with residual blocks: better, slower",
    ),
}


def likelihood_for(data: str) -> LikelihoodConfig:
    """The likelihood that suits a data set: bits for ink, a Gaussian of learned variance for grey and colour."""
    return LikelihoodConfig("bernoulli") if data in BINARY_DATA else LikelihoodConfig("learned_gaussian")


def recipe(
    variant: str,
    data: DataConfig,
    image_shape: tuple[int, int, int],
    *,
    latent_dim: int = 16,
    likelihood: LikelihoodConfig | None = None,
    body: dict[str, Any] | None = None,
    objective: Objective | None = None,
    training: Training | None = None,
) -> Recipe:
    """A full recipe from a variant's name.

    Args:
        variant: a key of `VARIANTS`.
        data: what it is trained on.
        image_shape: (C, H, W) of those pictures.
        latent_dim: number of latent dimensions.
        likelihood: None takes the one that suits the data.
        body: fields of `Body` that differ from the variant's.
        objective: None is the plain ELBO.
        training: None is `Training()`.

    Raises:
        ValueError: on an unknown variant or a combination that is not defined.
    """
    if variant not in VARIANTS:
        raise ValueError(f"model is {variant!r}; allowed: {', '.join(VARIANTS)}.")
    net = replace(VARIANTS[variant].body, **(body or {}))
    if net.kind in ("conv", "resnet") and "hidden" not in (body or {}):
        levels = min(image_shape[1:]).bit_length() - 2  # stop at two or three pixels a side
        net = replace(net, hidden=net.hidden[: max(1, levels)])
    model = ModelConfig(image_shape, net, net, Latent(dim=latent_dim), likelihood or likelihood_for(data.name))
    return Recipe(variant, model, objective or Objective(), training or Training(), data)


def adjusted(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    """A recipe with other settings.

    Args:
        recipe: where to start.
        settings: any of the keys of `FIELDS`, likelihood, std, learning_rate, lr_schedule; others mean nothing here.

    Raises:
        ValueError: on a value out of range.
    """
    for setting, places in FIELDS.items():
        for place in places if setting in settings else ():
            recipe = replaced(recipe, place, settings[setting])
    recipe = replaced(recipe, "model.likelihood", _likelihood(recipe.model.likelihood, settings))
    if "learning_rate" in settings or "lr_schedule" in settings:
        rate = _learning_rate(recipe.training.learning_rate, settings)
        recipe = replaced(recipe, "training.learning_rate", rate)
    return recipe


def _likelihood(now: LikelihoodConfig, settings: Mapping[str, Any]) -> LikelihoodConfig:
    """The standard deviation of another kind means nothing."""
    kind = settings.get("likelihood", now.kind)
    return LikelihoodConfig(kind, settings.get("std", now.std if kind == now.kind else LikelihoodConfig.std))


def _learning_rate(now: Schedule, settings: Mapping[str, Any]) -> Schedule:
    kind = settings.get("lr_schedule", now.kind)
    peak = settings.get("learning_rate", max(now.start, now.end) if now.kind != "constant" else now.end)
    return Schedule(kind, start=peak, end=peak if kind == "constant" else peak / DECAY)
