"""The figures that models reach, on the same pictures, bits and draws for all: what the README's table says."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core import checkpoints, data, explore, metrics, zoo
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
SAMPLES = 5_000
SURE = 0.9


def opened(name: str) -> VAE:
    return checkpoints.load(checkpoints.find(name)).model


@pytest.mark.timeout(7200)
def test_likelihoods_of_digits(data_root, capsys) -> None:
    """Importance-weighted NLL, dynamic binarisation, each model on the same digits and bits."""
    test = data.load(DataConfig("mnist"), root=data_root).test
    chosen = torch.randperm(len(test), generator=seeded(0))[:DIGITS].sort().values
    names = sorted({*LONG, *(name for pair in PAIRS for name in pair)})
    both = {name: metrics.importance_weighted(opened(name), test.images[chosen], DRAWS) for name in names}
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


def judge(train: data.Dataset, classes: int) -> nn.Module:
    """A classifier of real pictures: two convolutions, three passes."""
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 7 * 7, classes)),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    assert train.labels is not None
    for passes in range(3):
        for rows in torch.randperm(len(train), generator=seeded(passes)).split(128):
            loss = F.cross_entropy(net(train.float(rows)), train.labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.eval()


@torch.inference_mode()
def told(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, float]:
    """Classes (N,), their shares, and the share of pictures that the net is sure of."""
    likely, found = torch.cat([net(part) for part in x.split(500)]).softmax(1).max(1)
    share = torch.bincount(found, minlength=10) / len(found)
    return found, share, (likely > SURE).float().mean().item()


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


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["fashion-vq", "fashion-vq-2"])
def test_pictures_that_a_prior_over_codes_writes(name, data_root, capsys) -> None:
    """Classes of samples against those of real pictures, by a classifier that learnt from real ones."""
    found = checkpoints.load(checkpoints.find(name))
    splits = data.load(DataConfig("fashion-mnist"), root=data_root)
    net = judge(splits.train, 10)
    test = splits.test
    guessed, real, real_sure = told(net, test.float(torch.arange(len(test))))
    drawn = [explore.decode(found.model, explore.sample(found.model, 500, seed=seed)) for seed in range(SAMPLES // 500)]
    _, share, sure = told(net, torch.cat(drawn))
    apart = 0.5 * (share - real).abs().sum().item()
    codes = metrics.statistics(found.model, test.images).codes
    entropy = sum(math.log(metrics.perplexity(part)) * part.shape[1] for part in codes)
    prior = metrics.statistics(found.model, test.images).summary(found.model.spec)["kl"]
    used = [round(metrics.perplexity(part), 1) for part in codes]
    with capsys.disabled():
        right = (guessed == test.labels).float().mean()
        print(f"\n{name}, {SAMPLES:,} samples, a classifier that is right for {right:.1%} of real test pictures")
        print(f"  perplexity {used} of {found.recipe.model.latent.codes}")
        print(f"  prior {prior:.1f} nats a picture, codes by themselves {entropy:.1f}: {1 - prior / entropy:.0%} below")
        print(f"  total variation of the classes {apart:.3f}; sure of {sure:.3f}, of real pictures {real_sure:.3f}")
    assert apart < 0.5
