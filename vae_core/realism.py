"""How like real pictures a model's draws are: KID, precision and recall, sharpness; always beside two yardsticks.

Everything is compared with one half of the real pictures: draws of each prior, reconstructions of the other half, and
the other half itself. No prior can beat the reconstructions, which have the decoder's blur, and nothing beats the other
half.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_core.features import FeatureNet, untrained
from vae_core.jobs import Progress
from vae_core.model import VAE, LatentSpec
from vae_core.scoring import as_float, at_once, blocks
from vae_core.shards import seeded

COMPARED = 100  # pictures, from which draws are compared with them
MOST, FEW = 2_000, 250  # pictures of a side, and of a side where a few seconds have to do
NEIGHBOURS = 3  # k of precision and recall, as in the paper
SEED, HALVES, CLASSES, DRAWN = 0, 21, 22, 23  # streams of random numbers


@dataclass(frozen=True, eq=False)
class Sides:
    """Pictures to compare, each (N, C, H, W) in [0, 1], or their features, each (N, F).

    Attributes:
        real: what the others are held against.
        others: by name: own_prior; fitted_prior, where there is one; reconstructions; real, the other half.
    """

    real: Tensor
    others: dict[str, Tensor]

    def features(self, net: FeatureNet) -> Sides:
        """Return the same in a net's features."""
        return Sides(net(self.real), {name: net(images) for name, images in self.others.items()})


@torch.inference_mode()
def sides(
    model: VAE, images: Tensor, labels: Tensor | None = None, most: int = MOST, progress: Progress | None = None
) -> Sides:
    """Draw from a model's priors and rebuild pictures that it did not learn, as many of each.

    Args:
        model: in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1]: test pictures.
        labels: classes (N,); a conditional model's draws have the classes of the real pictures.
        most: pictures of a side.
        progress: called with the fraction done; what it raises stops the work.

    Raises:
        ValueError: for fewer than `COMPARED` pictures, in a sentence.
    """
    if len(images) < COMPARED:
        raise ValueError(f"Draws are compared with at least {COMPARED} pictures, and there are {len(images)}.")
    count = min(most, len(images) // 2)
    order = torch.randperm(len(images), generator=seeded(SEED, HALVES))
    first, second = order[:count], order[count : 2 * count]
    y = _classes(model, count, None if labels is None else labels[first])
    classes = labels[second] if labels is not None and model.spec.classes else None
    priors = {"own_prior": False} | ({"fitted_prior": True} if model.spec.fitted else {})
    done = 0

    def tell(pictures: int) -> None:
        nonlocal done
        done += pictures
        if progress:
            progress(done / (count * (len(priors) + 1)))

    others = {name: _draws(model, count, y, fitted, tell) for name, fitted in priors.items()}
    others["reconstructions"] = _rebuilt(model, images[second], classes, tell)
    return Sides(as_float(images[first]), others | {"real": as_float(images[second])})


def _classes(model: VAE, count: int, labels: Tensor | None) -> Tensor | None:
    """Return classes (N,) of the draws of a conditional model: those of real pictures, else all alike often."""
    if not model.spec.classes:
        return None
    if labels is not None:
        return labels.to(model.device)
    return torch.randint(model.spec.classes, (count,), generator=seeded(SEED, CLASSES)).to(model.device)


def _draws(model: VAE, count: int, y: Tensor | None, fitted: bool, tell: Callable[[int], None]) -> Tensor:
    """Return pictures (N, C, H, W) of draws from a prior, at temperature 1, on the CPU."""
    parts, size = [], at_once(model)
    for start in range(0, count, size):
        own = None if y is None else y[start : start + size]
        z = model.sample_prior(min(size, count - start), own, 1.0, seeded(SEED, DRAWN, start), fitted)
        parts.append(model.decode([*z], own).cpu())
        tell(len(parts[-1]))
    return torch.cat(parts)


def _rebuilt(model: VAE, images: Tensor, labels: Tensor | None, tell: Callable[[int], None]) -> Tensor:
    """Return reconstructions (N, C, H, W) of the encoded means, on the CPU."""
    parts, done = [], 0
    for _, x in blocks(model, images, SEED):
        for rows in x.split(at_once(model)):
            y = None if labels is None else labels[done : done + len(rows)].to(model.device)
            encoding = model.encode(rows, y)
            parts.append(model.decode([*encoding.mean], encoding.y).cpu())
            done += len(rows)
            tell(len(rows))
    return torch.cat(parts)


def kid(real: Tensor, made: Tensor) -> float:
    """Return kernel distance of two sets of features, x 1000: 0 in expectation where they come from one distribution.

    The unbiased squared MMD of the kernel (x . y / F + 1)^3 (Binkowski et al. 2018, arXiv:1801.01401, section 4); it
    may be a little below 0.

    Args:
        real: (N, F), N at least 2.
        made: (M, F), M at least 2.
    """
    x, y, cross = _kernels(real, made)
    return 1000 * (_mean_of_pairs(x) + _mean_of_pairs(y) - 2 * cross.mean()).item()


def kid_error(real: Tensor, made: Tensor) -> float:
    """Return the standard error of `kid` by jackknife over both sides' pictures; same arguments, at least 3 each."""
    x, y, cross = _kernels(real, made)
    total = 0.0
    for own, between in ((x, cross.sum(1)), (y, cross.sum(0))):
        count, pairs = len(own), own.sum() - own.trace()
        rows = own.sum(1) - own.diagonal()
        within = (pairs - 2 * rows) / ((count - 1) * (count - 2))
        beside = (cross.sum() - between) / (cross.numel() - cross.numel() // count)
        without = within - 2 * beside  # what depends on the picture that is left out
        total += (count - 1) * without.var(correction=0).item()
    return 1000 * total**0.5


def _kernels(real: Tensor, made: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return kernel of each pair of real features (N, N), of made ones (M, M), and of one with the other (N, M)."""
    x, y = real.double(), made.double()
    return tuple((a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))  # type: ignore[return-value]


def _mean_of_pairs(kernel: Tensor) -> Tensor:
    """Return mean over different pictures, (N, N) -> ()."""
    return (kernel.sum() - kernel.trace()) / (len(kernel) * (len(kernel) - 1))


def precision(real: Tensor, made: Tensor) -> float:
    """Return share of made features (M, F) that lie among the real ones (N, F).

    That is within the ball of one of these, which reaches to its k-th neighbour (Kynkäänniemi et al. 2019,
    arXiv:1904.06991, equation 1).
    """
    x, y = real.float(), made.float()
    radius = torch.cdist(x, x).kthvalue(min(NEIGHBOURS + 1, len(x)), dim=1).values  # each is its own nearest
    return (torch.cdist(y, x) <= radius).any(1).float().mean().item()


def recall(real: Tensor, made: Tensor) -> float:
    """Return the share of real features (N, F) that lie among made ones (M, F): `precision` with sides exchanged."""
    return precision(made, real)


def sharpness(images: Tensor) -> float:
    """Return the mean squared difference of neighbouring pixels of (N, C, H, W): small in fog, large in noise."""
    down, across = images.diff(dim=2), images.diff(dim=3)
    return (down.square().mean() + across.square().mean()).item()


MEASURES = {"kid": kid, "precision": precision, "recall": recall}


def compared(model: VAE, images: Tensor, labels: Tensor | None, training: Tensor) -> dict[str, float]:
    """Give what seconds tell of a model's draws, as figures for a header; none for too few pictures.

    Args:
        model: in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1]: test pictures.
        labels: classes (N,), where they are known.
        training: (M, C, H, W) training pictures, over which an untrained net's features are white.

    Returns:
        compared_pictures, of a side; of each side of `Sides` distance_SIDE, as `kid` in these features, and
        sharpness_SIDE, over that of real pictures.
    """
    if len(images) < COMPARED or len(training) < COMPARED:
        return {}
    pictures = sides(model, images, labels, FEW)
    features, crisp = pictures.features(untrained(training)), max(sharpness(pictures.real), 1e-9)
    figures: dict[str, float] = {"compared_pictures": len(pictures.real)}
    for side, made in pictures.others.items():
        figures |= {
            f"distance_{side}": kid(features.real, features.others[side]),
            f"sharpness_{side}": sharpness(made) / crisp,
        }
    return figures


def describe(figures: Mapping[str, Any], spec: LatentSpec) -> str:
    """Tell what `compared` found, or that it found nothing, in a sentence."""
    if "compared_pictures" not in figures:
        return f"Samples were not compared with real pictures: that takes at least {COMPARED} test pictures."
    names = {
        "reconstructions": "reconstructions are",
        "own_prior": "draws from " + ("N(0, I)" if spec.prior == "normal" else "its own prior"),
        "fitted_prior": "draws from the fitted prior",
    }
    parts = [
        f"{name} {figures[f'sharpness_{side}']:.0%} as sharp and {figures[f'distance_{side}']:.1f} away"
        for side, name in names.items()
        if f"distance_{side}" in figures
    ]
    return (
        f"Compared with {figures['compared_pictures']:,} test pictures, {', '.join(parts)} (kernel distance x 1000 in "
        f"features of an untrained net; other test pictures: {figures['distance_real']:.1f})."
    )
