"""The recipe that somebody's own pictures get, each choice turned back in a row of its own: what it gains.

MINUTES of training a row, SETS and ROWS choose what is run; figures in the features of a net that learnt from the same
pictures.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.benchmarks import own
from vae_core import features, fitting, zoo
from vae_core.config import DataConfig, LikelihoodConfig, Recipe, Schedule
from vae_core.data import Dataset, Splits
from vae_core.realism import kid, sides
from vae_core.timing import epochs_within
from vae_core.training import Run

MINUTES = float(os.environ.get("MINUTES", "10"))
SETS = os.environ.get("SETS", "emoji,characters,omniglot,fashion-mnist,photographs").split(",")
HELD = 1_000


def bodies(**change: object) -> Callable[[Recipe], Recipe]:
    """Another encoder and decoder body."""

    def changed(recipe: Recipe) -> Recipe:
        model = recipe.model
        both = {side: replace(getattr(model, side), **change) for side in ("encoder", "decoder")}
        return replace(recipe, model=replace(model, **both))

    return changed


def rough(recipe: Recipe) -> Recipe:
    """The last transposed convolution gives the picture."""
    return replace(recipe, model=replace(recipe.model, decoder=replace(recipe.model.decoder, smooth=False)))


def spread(likelihood: LikelihoodConfig) -> Callable[[Recipe], Recipe]:
    """A likelihood whose spread does not follow a schedule."""

    def changed(recipe: Recipe) -> Recipe:
        return replace(
            recipe, model=replace(recipe.model, likelihood=likelihood), training=replace(recipe.training, std=None)
        )

    return changed


def training(**change: object) -> Callable[[Recipe], Recipe]:
    """Other settings of the run."""
    return lambda recipe: replace(recipe, training=replace(recipe.training, **change))


CHOICES: dict[str, Callable[[Recipe], Recipe]] = {
    "as it is": lambda recipe: recipe,
    "three halvings": bodies(hidden=(32, 64, 128)),
    "no norm": bodies(norm="none"),
    "group norm": bodies(norm="group"),
    "ReLU": bodies(activation="relu"),
    "no last 3x3 convolution": rough,
    "std 0.15 from the start": spread(LikelihoodConfig("gaussian", 0.15)),
    "std to 0.3": training(std=replace(zoo.OWN_STD, end=0.3)),
    "std to 0.5": training(std=replace(zoo.OWN_STD, end=0.5)),
    "std 1": spread(LikelihoodConfig("gaussian", 1.0)),
    "learned std from 0.1": spread(LikelihoodConfig("learned_gaussian", 0.1)),
    "learning rate 0.001": training(learning_rate=Schedule("cosine", start=1e-3, end=1e-5)),
    "no warm-up": training(warmup=0),
    "batches of 128": training(batch_size=128),
    "mirrored": training(mirror=True),
}
ROWS = os.environ.get("ROWS", ",".join(CHOICES)).split(",")


def parts(name: str, root: Path) -> Splits:
    """A set in three parts, the last of which is compared with."""
    images = torch.from_numpy(own.pictures(name, root)).permute(0, 3, 1, 2).contiguous()  # (N, H, W, C) -> (N, C, H, W)
    few = min(HELD, len(images) // 5)
    cuts = images.split([len(images) - few - few // 2, few // 2, few])
    return Splits(*(Dataset(name, part, None, (), credit="", licence="") for part in cuts))


@pytest.mark.timeout(0)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SETS)
def test_defaults(name: str, data_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(os.cpu_count() or 1)
    splits = parts(name, data_root)
    net, shape = features.learn(splits.train.images), splits.train.images.shape[1:]
    usual = zoo.suited(zoo.recipe("conv", DataConfig(name=name), (shape[0], shape[1], shape[2])), len(splits.train))
    with capsys.disabled():
        print(f"\n{name}, {len(splits.train):,} pictures, {MINUTES:g} minutes a row; KID x 1000 to held-out pictures")
        print(f"  {'':26}{'passes':>8}{'N(0, I)':>10}{'mixture':>10}{'rebuilt':>10}{'real':>8}")
        for row in ROWS:
            made = CHOICES[row](usual)
            epochs = epochs_within(made, splits, 60 * MINUTES)
            run = Run(replace(made, training=replace(made.training, epochs=epochs)), splits)
            list(run.train())
            model = run.model.with_prior(fitting.fit_to(run.model, splits.train.images).prior)
            seen = sides(model, splits.test.images).features(net)
            found = {key: kid(seen.real, other) for key, other in seen.others.items()}
            best = found.get("fitted_prior", found["own_prior"])
            print(
                f"  {row:26}{epochs:8}{found['own_prior']:10.1f}{best:10.1f}{found['reconstructions']:10.1f}"
                f"{found['real']:8.1f}",
                flush=True,
            )
            assert all(score == score for score in found.values())
