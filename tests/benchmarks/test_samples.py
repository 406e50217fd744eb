"""Whether draws look like the pictures that a model learnt from: told by a classifier that learnt from real ones."""

import functools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import linalg
from torch import Tensor, nn

from vae_core import checkpoints, data, explore, scoring
from vae_core.checkpoints import Checkpoint
from vae_core.config import DataConfig
from vae_core.data import Splits
from vae_core.model import VAE

DRAWS, SURE = 2_000, 0.9
PASSES, RATE = {"digits": 60}, 3e-3
FAIR, READ = 0.7, 0.97  # of the real pictures' share of sure ones; of draws whose class is the one asked for
SETS = ("digits", "mnist", "fashion-mnist")
ILL = {  # on purpose, as their cards say
    "digits-linear": "a linear decoder mixes pictures",
    "mnist-ae-2": "its own prior is none",
    "mnist-ae-16": "its own prior is none",
    "mnist-vae-2": "two dimensions keep little",
}
SHORT = {"digits-vdvae", "fashion-ladder", "fashion-vq-2", "mnist-flow", "mnist-ladder"}  # few passes: below par still
STRIDED = ((24, 4, 2), (48, 4, 2))  # channels, kernel and stride of the layers that see 28 x 28 pixels
SMALL = ((32, 3, 1), (64, 4, 2), (64, 4, 2))


@dataclass(frozen=True)
class Seen:
    """Pictures as a classifier sees them: features (N, F), likeliest class (N,), and how likely it is (N,)."""

    features: Tensor
    classes: Tensor
    likely: Tensor

    @property
    def sure(self) -> float:
        """The share of pictures of which the classifier is sure."""
        return (self.likely > SURE).float().mean().item()

    @property
    def shares(self) -> Tensor:
        """Of each class (10,)."""
        return torch.bincount(self.classes, minlength=10) / len(self.classes)


@functools.cache
def judge(name: str, root: Path) -> tuple[nn.Module, Splits]:
    """A classifier of real pictures, and these."""
    splits = data.load(DataConfig(name), root=root)
    side = splits.train.image_shape[1]
    torch.manual_seed(0)
    layers, width = [], 1
    for channels, kernel, stride in SMALL if side == 8 else STRIDED:
        layers += [nn.Conv2d(width, channels, kernel, stride, 1), nn.BatchNorm2d(channels), nn.ReLU()]
        width, side = channels, side // stride
    net = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(width * side**2, 128), nn.ReLU())
    net.append(nn.Linear(128, 10))
    _learn(net, splits, PASSES.get(name, 4))
    return net.eval(), splits


def _learn(net: nn.Module, splits: Splits, passes: int) -> None:
    train = splits.train
    assert train.labels is not None
    steps = passes * math.ceil(len(train) / 128)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    for passed in range(passes):
        for rows in torch.randperm(len(train), generator=torch.Generator().manual_seed(passed)).split(128):
            loss = F.cross_entropy(net(train.float(rows)), train.labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


@torch.inference_mode()
def see(net: nn.Module, x: Tensor) -> Seen:
    """Pictures (N, C, H, W) as the classifier sees them."""
    features = torch.cat([net[:-1](part) for part in x.split(500)])
    likely, classes = net[-1](features).softmax(1).max(1)
    return Seen(features, classes, likely)


def frechet(a: Tensor, b: Tensor) -> float:
    """Frechet distance of Gaussians fitted to features (N, F) and (M, F) (Heusel et al. 2017, arXiv:1706.08500)."""
    first, second = a.double().numpy(), b.double().numpy()
    mean = first.mean(0) - second.mean(0)
    covariance, other = np.cov(first.T), np.cov(second.T)
    mixed = linalg.sqrtm(covariance @ other + 1e-9 * np.eye(len(other))).real
    return float(mean @ mean + np.trace(covariance + other - 2 * mixed))


def asked(model: VAE) -> Tensor | None:
    """The classes that draws are asked for, each as often; None where the class plays no part."""
    return torch.arange(DRAWS) % 10 if model.spec.classes else None


def drawn(model: VAE, fitted: bool) -> Tensor:
    """Pictures of `DRAWS` draws from the model's own prior, or from the fitted one."""
    y = asked(model)
    if not (fitted and y is not None):
        return explore.decode(model, explore.sample(model, DRAWS, fitted=fitted), y)
    each = [explore.sample(model, DRAWS // 10, seed=label, fitted=True, label=label) for label in range(10)]
    return explore.decode(model, torch.stack(each, 1).flatten(0, 1), y)


def rebuilt(found: Checkpoint, splits: Splits) -> Tensor:
    """Reconstructions of test pictures, which no draw is sharper than."""
    test = splits.test.subset(slice(0, DRAWS))
    mean, _ = explore.encode(found.model, test.float(torch.arange(len(test))), y=_labels(found.model, test.labels))
    return explore.decode(found.model, mean, _labels(found.model, test.labels))


def _labels(model: VAE, labels: Tensor | None) -> Tensor | None:
    return labels if model.spec.classes else None


def row(label: str, seen: Seen, real: Seen) -> str:
    """A line of the table."""
    apart = 0.5 * (seen.shares - real.shares).abs().sum().item()
    distance = frechet(seen.features, real.features)
    return f"  {label:32} sure {seen.sure:.3f}  Frechet {distance:7.2f}  classes {apart:.3f} apart"


def shown(model: VAE, net: nn.Module) -> dict[str, Seen]:
    """Draws of each prior that a model has."""
    priors = ("own prior", "fitted prior") if model.spec.fitted else ("own prior",)
    return {prior: see(net, drawn(model, prior == "fitted prior")) for prior in priors}


def _read(model: VAE, seen: Seen) -> float:
    """The share of draws whose class is the one that was asked for."""
    return (seen.classes == asked(model)).float().mean().item()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SETS)
def test_draws_look_like_real_pictures(name: str, data_root, capsys) -> None:
    """Share of sure draws beside that of real pictures, and how many show the class that was asked for."""
    net, splits = judge(name, data_root)
    test = splits.test if len(splits.test) > DRAWS else splits.whole()
    real = see(net, test.float(torch.arange(len(test))))
    right, poor = (real.classes == test.labels).float().mean().item(), []
    lines = [f"{name}: right for {right:.1%} of real pictures", row("real", real, real)]
    for model in checkpoints.shipped():
        found = checkpoints.load(checkpoints.find(model))
        if found.data.name != name:
            continue
        lines.append(row(f"{model}, rebuilt", see(net, rebuilt(found, splits)), real))
        told = shown(found.model, net)
        for prior, seen in told.items():
            read = f"  read as asked {_read(found.model, seen):.3f}" if found.model.spec.classes else ""
            lines.append(row(f"{model}, {prior}", seen, real) + read)
        if model not in ILL and model not in SHORT and max(seen.sure for seen in told.values()) < FAIR * real.sure:
            poor.append(f"{model}: few of its draws are sure")
        if found.model.spec.classes and not found.recipe.model.classifier:
            read_at_best = max(_read(found.model, seen) for seen in told.values())
            poor += [f"{model}: its draws do not show their class"] * (read_at_best < READ)
    with capsys.disabled():
        print("", *lines, sep="\n")
    assert not poor, poor


@pytest.mark.parametrize("name", ["fashion-vq", "fashion-vq-2"])
def test_the_prior_over_codes_knows_how_they_hang_together(name: str, data_root, capsys) -> None:
    """Nats of the prior against the codes' own entropy, each by itself."""
    found = checkpoints.load(checkpoints.find(name))
    test = data.load(DataConfig("fashion-mnist"), root=data_root).test
    statistics = scoring.statistics(found.model, test.images)
    entropy = sum(math.log(scoring.perplexity(part)) * part.shape[1] for part in statistics.codes)
    prior = statistics.summary(found.model.spec)["kl"]
    used = [round(scoring.perplexity(part), 1) for part in statistics.codes]
    with capsys.disabled():
        print(f"\n{name}: perplexity {used} of {found.recipe.model.latent.codes}")
        print(f"  prior {prior:.1f} nats a picture, codes by themselves {entropy:.1f}: {1 - prior / entropy:.0%} below")
    assert prior < 0.8 * entropy
