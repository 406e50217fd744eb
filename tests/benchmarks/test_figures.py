"""The figures that models reach, on the same pictures, bits and draws for all: what the README's table says."""

import pytest
import torch

from vae_core import checkpoints, data, metrics, scoring, zoo
from vae_core.config import DataConfig
from vae_core.model import VAE
from vae_core.shards import seeded
from vae_core.training import Run

DIGITS, DRAWS = 1_000, 200  # test digits, and draws of z for each
PAIRS = (  # one knob apart: what is shown to be better, and than what
    ("mnist-iwae", "mnist-mlp"),
    ("mnist-flow", "mnist-mlp"),
    ("mnist-ladder", "mnist-one-layer"),
)
LONG = ("mnist-mlp-long",)  # trained until it stands beside what is published
SEEDS = 3
SCORES, SCORED = ("mig_sampled", "mig_histogram", "factor_vae"), 5_000


def opened(name: str) -> VAE:
    return checkpoints.load(checkpoints.find(name)).model


@pytest.mark.timeout(7200)
def test_likelihoods_of_digits(data_root, capsys) -> None:
    """Importance-weighted NLL, dynamic binarisation, each model on the same digits and bits."""
    test = data.load(DataConfig("mnist"), root=data_root).test
    chosen = torch.randperm(len(test), generator=seeded(0))[:DIGITS].sort().values
    names = sorted({*LONG, *(name for pair in PAIRS for name in pair)})
    both = {name: scoring.importance_weighted(opened(name), test.images[chosen], DRAWS) for name in names}
    found = {name: nats for name, (nats, _) in both.items()}
    with capsys.disabled():
        print(f"\nNLL of {DIGITS:,} random test digits, {DRAWS:,} draws each, nats, with standard errors")
        for name, (nats, effective) in both.items():
            few = " (few)" if effective.mean() < metrics.FEW_EFFECTIVE else ""
            counted = f"mean effective sample size {effective.mean():.1f}{few}"
            print(f"  {name:16} {nats.mean():7.2f} ± {nats.std() / DIGITS**0.5:.2f}, {counted}")
        for better, plain in PAIRS:
            less = found[plain] - found[better]
            print(f"  {better} is {less.mean():.2f} ± {less.std() / DIGITS**0.5:.2f} below {plain}, digit by digit")
    assert all(nats.isfinite().all() for nats in found.values())


@pytest.mark.timeout(4 * 3600)
def test_disentangling_over_seeds(data_root, capsys) -> None:
    """The shipped models, and the same recipes with other seeds of weights, order and noise, trained here."""
    names = ("sprites-beta-1", "sprites-beta-4", "sprites-beta-tc", "sprites-factor")
    found: dict[str, list[list[float]]] = {}
    for name in names:
        shipped = checkpoints.load(checkpoints.find(name))
        splits = data.load(shipped.recipe.data)
        models = [shipped.model]
        for seed in range(1, SEEDS):
            run = Run(zoo.adjusted(shipped.recipe, {"seed": seed}), splits)
            list(run.train())
            models.append(run.model)
        test = splits.test.subset(slice(0, SCORED))
        rows = [metrics.figures(model, test.images, SCORES, factors=test.factors) for model in models]
        found[name] = [[row[score]["value"] for row in rows] for score in SCORES]
    with capsys.disabled():
        print(f"\n{SEEDS} seeds, {SCORED:,} test pictures of sprites: mean (lowest to highest)")
        for name, scores in found.items():
            spans = (f"{sum(s) / len(s):.2f} ({min(s):.2f} to {max(s):.2f})" for s in scores)
            print(f"  {name:16}", "; ".join(f"{score} {span}" for score, span in zip(SCORES, spans, strict=True)))
    vae, beta, correlation, _ = (sum(scores[0]) for scores in found.values())
    assert vae < beta < correlation  # of the MIG, as Chen et al. found
