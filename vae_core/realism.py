"""How like real pictures a model's draws are: KID, precision and recall, sharpness; always beside two yardsticks.

Everything is held against one half of the real pictures: draws of each prior there is, reconstructions of the other
half, which no prior passes since they have the decoder's blur, and the other half itself, which nothing passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vae_core.features import FeatureNet
from vae_core.metrics import COMPARED, Report, as_float, at_once, blocks
from vae_core.model import VAE
from vae_core.shards import seeded

MOST = 2_000  # pictures of a side
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
        """The same in a net's features."""
        return Sides(net(self.real), {name: net(images) for name, images in self.others.items()})


@torch.inference_mode()
def sides(
    model: VAE, images: Tensor, labels: Tensor | None = None, most: int = MOST, progress: Report | None = None
) -> Sides:
    """Draw from a model's priors and rebuild pictures that it did not learn, as many of each.

    Args:
        model: in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1]: test pictures.
        labels: classes (N,); a conditional model's draws have the classes of the real pictures.
        most: pictures of a side.
        progress: called with the fraction done; what it raises stops the work.

    Raises:
        ValueError: for fewer than `metrics.COMPARED` pictures, in a sentence.
    """
    if len(images) < COMPARED:
        raise ValueError(f"Draws are compared with at least {COMPARED} pictures, and there are {len(images)}.")
    count = min(most, len(images) // 2)
    order = torch.randperm(len(images), generator=seeded(SEED, HALVES))
    first, second = order[:count], order[count : 2 * count]
    y = _classes(model, count, None if labels is None else labels[first])
    told = labels[second] if labels is not None and model.spec.classes else None
    priors = {"own_prior": False} | ({"fitted_prior": True} if model.spec.fitted else {})
    report = progress or (lambda share: None)
    others = {}
    for place, (name, fitted) in enumerate(priors.items()):
        others[name] = _draws(model, count, y, fitted)
        report((place + 1) / (len(priors) + 1))
    others["reconstructions"] = _rebuilt(model, images[second], told)
    report(1.0)
    return Sides(as_float(images[first]), others | {"real": as_float(images[second])})


def _classes(model: VAE, count: int, labels: Tensor | None) -> Tensor | None:
    """Classes (N,) of the draws of a conditional model: those of real pictures, else all alike often."""
    if not model.spec.classes:
        return None
    if labels is not None:
        return labels.to(model.device)
    return torch.randint(model.spec.classes, (count,), generator=seeded(SEED, CLASSES)).to(model.device)


def _draws(model: VAE, count: int, y: Tensor | None, fitted: bool) -> Tensor:
    """Pictures (N, C, H, W) of draws from a prior, at temperature 1, on the CPU."""
    parts, size = [], at_once(model)
    for start in range(0, count, size):
        own = None if y is None else y[start : start + size]
        z = model.sample_prior(min(size, count - start), own, 1.0, seeded(SEED, DRAWN, start), fitted)
        parts.append(model.decode([*z], own).cpu())
    return torch.cat(parts)


def _rebuilt(model: VAE, images: Tensor, labels: Tensor | None) -> Tensor:
    """Reconstructions (N, C, H, W) of the encoded means, on the CPU."""
    parts, done = [], 0
    for _, x in blocks(model, images, SEED):
        for rows in x.split(at_once(model)):
            y = None if labels is None else labels[done : done + len(rows)].to(model.device)
            found = model.encode(rows, y)
            parts.append(model.decode([*found.mean], found.y).cpu())
            done += len(rows)
    return torch.cat(parts)


def kid(real: Tensor, made: Tensor) -> float:
    """Kernel distance of two sets of features, x 1000: 0 in expectation where they come from one distribution.

    The unbiased squared MMD of the kernel (x . y / F + 1)^3 (Binkowski et al. 2018, arXiv:1801.01401, section 4); it
    may be a little below 0.

    Args:
        real: (N, F), N at least 2.
        made: (M, F), M at least 2.
    """
    x, y = real.double(), made.double()

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: Tensor) -> Tensor:
        found = kernel(a, a)
        return (found.sum() - found.diagonal().sum()) / (len(a) * (len(a) - 1))

    return 1000 * (within(x) + within(y) - 2 * kernel(x, y).mean()).item()


def precision(real: Tensor, made: Tensor) -> float:
    """Share of made features (M, F) that lie among the real ones (N, F).

    That is within the ball of one of these, which reaches to its k-th neighbour (Kynkäänniemi et al. 2019,
    arXiv:1904.06991, equation 1).
    """
    x, y = real.float(), made.float()
    radius = torch.cdist(x, x).kthvalue(min(NEIGHBOURS + 1, len(x)), dim=1).values  # each is its own nearest
    return (torch.cdist(y, x) <= radius).any(1).float().mean().item()


def recall(real: Tensor, made: Tensor) -> float:
    """Share of real features (N, F) that lie among the made ones (M, F): as `precision`, with the sides exchanged."""
    return precision(made, real)


def sharpness(images: Tensor) -> float:
    """Mean square of the difference of neighbouring pixels of pictures (N, C, H, W): small in fog, large in noise."""
    down, across = images.diff(dim=2), images.diff(dim=3)
    return (down.square().mean() + across.square().mean()).item()


MEASURES = {"kid": kid, "precision": precision, "recall": recall}
