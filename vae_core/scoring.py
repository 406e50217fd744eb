"""Each picture encoded and scored by a model, through the contract: its ELBO, KL, encoding, and a tighter bound.

Noise and bits come from a seed in blocks of fixed size, so that a figure does not depend on memory or batch size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_core.jobs import Progress
from vae_core.latents import Encoding
from vae_core.model import VAE, LatentSpec
from vae_core.shards import Shard, seeded

BLOCK = 500  # pictures at a time; a constant, since the noise is drawn block by block
ACTIVE_VARIANCE = 0.01  # Burda et al. 2016, section 5.2
ACTIVE_KL = 0.01  # nats: where the prior moves too, a dimension with less says nothing of the picture
AT_ONCE = 2_000  # pictures that go through a net at a time: bounds the memory
NUMBERS_AT_ONCE = 2**21  # and the numbers that these have together
BITS, DRAWS, WEIGHTS = 1, 2, 3  # streams of noise


@dataclass(frozen=True)
class Statistics:
    """One entry a picture: elbo, reconstruction (negative log-likelihood), kl, mean (N, D), std (N, D); nats.

    `kl` is (N, D) where it factorises, (N, groups) where it does not, (N, 0) for an autoencoder. `elbo` is NaN without
    a density, and `reconstruction` the sum of squares where no likelihood is known.
    `codes` (N, places) of each group, where there are any. `class_kl` (N,) is the KL of a class that was summed over.
    """

    elbo: Tensor
    reconstruction: Tensor
    kl: Tensor
    mean: Tensor
    std: Tensor
    codes: tuple[Tensor, ...] = ()
    class_kl: Tensor | None = None

    @property
    def kl_total(self) -> Tensor:
        """The KL of all that is inferred, (N,): reconstruction + KL = -ELBO."""
        total = self.kl.sum(1)
        return total if self.class_kl is None else total + self.class_kl

    def summary(self, spec: LatentSpec) -> dict[str, float | int | list[float] | None]:
        """Average over the pictures, in nats per image; None without a density, and for units that z does not have."""
        coded = self.kl.shape[1] > 0
        figures: dict[str, float | int | list[float] | None] = {
            "elbo": self.elbo.mean().item() if coded and not self.elbo.isnan().all() else None,
            "reconstruction": self.reconstruction.mean().item(),
            "kl": self.kl_total.mean().item() if coded else None,
            "kl_per_dim": self.kl.mean(0).tolist(),
            "active_units": None if (units := active_units(spec, self.mean, self.kl)) is None else int(units.sum()),
        }
        return figures | ({"perplexity": [perplexity(part) for part in self.codes]} if self.codes else {})


def perplexity(codes: Tensor) -> float:
    """Return exponential of the entropy of codes (any shape): as many codes, used alike, would be as hard to guess."""
    share = codes.unique(return_counts=True)[1] / codes.numel()
    return math.exp(-(share * share.log()).sum().item())


def active(mean: Tensor) -> Tensor:
    """Tell which dimensions are active units: Var_x(E_q[z | x]) > 0.01 (Burda et al. 2016, section 5.2).

    Args:
        mean: encoded means (N, D).

    Returns:
        (D,) booleans; all False for fewer than two pictures.
    """
    if len(mean) < 2:
        return torch.zeros(mean.shape[1], dtype=torch.bool)
    return mean.var(0) > ACTIVE_VARIANCE


def active_units(spec: LatentSpec, mean: Tensor, kl: Tensor) -> Tensor | None:
    """Tell which dimensions are active units: by the variance of their means, or in a hierarchy by their KL.

    Args:
        spec: of the model.
        mean: encoded means (N, D).
        kl: nats, (N, D) where it factorises.

    Returns:
        (D,) booleans; None where z has no scale of 1 that a variance could be held against.
    """
    by_kl = spec.units_by == "kl"
    return kl.mean(0) > ACTIVE_KL if by_kl else active(mean) if spec.units_by else None


def as_float(images: Tensor) -> Tensor:
    """Return uint8 pictures as float32 in [0, 1]; float pictures unchanged."""
    return images.float() / 255 if images.dtype == torch.uint8 else images


def blocks(model: VAE, images: Tensor, seed: int) -> Iterator[tuple[int, Tensor]]:
    """Yield pictures as the model observes them, in blocks: (index of the block, (n, C, H, W) on its device)."""
    for index, part in enumerate(images.split(BLOCK)):
        yield index, model.observe(as_float(part.to(model.device)), seeded(seed, BITS, index))


def at_once(model: VAE) -> int:
    """Return pictures that go through the model at a time."""
    return max(1, min(AT_ONCE, NUMBERS_AT_ONCE // math.prod(model.image_shape)))


@torch.inference_mode()
def statistics(
    model: VAE,
    images: Tensor,
    seed: int = 0,
    progress: Progress | None = None,
    labels: Tensor | None = None,
) -> Statistics:
    """Encode, draw one z and score each picture.

    Args:
        model: any model, in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1], N at least 1.
        seed: of the bits (binary likelihoods) and of the draws of z.
        progress: called with the fraction done; what it raises stops the work.
        labels: classes (N,); a conditional model's figures are then of p(x | y), else they are summed over y.

    Returns:
        `Statistics` on the CPU.
    """
    return _statistics(model, blocks(model, images, seed), len(images), seed, progress, labels)


@torch.inference_mode()
def statistics_of_observed(model: VAE, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> Statistics:
    """Score pictures as `statistics` does, where the model has observed them already: (N, C, H, W), N at least 1."""
    return _statistics(model, enumerate(x.to(model.device).split(BLOCK)), len(x), seed, None, labels)


def _statistics(
    model: VAE,
    observed: Iterable[tuple[int, Tensor]],
    count: int,
    seed: int,
    progress: Progress | None,
    labels: Tensor | None,
) -> Statistics:
    """Return `Statistics` of so many pictures, from blocks as `blocks` gives them."""
    parts = []
    for index, x in observed:
        start, y = 0, _labels(model, labels, index)
        for rows in x.split(at_once(model)):
            stop = start + len(rows)
            noise = Shard(seeded(seed, DRAWS, index), start, stop, len(x))
            parts.append(_scored(model, rows, None if y is None else y[start:stop], noise))
            start = stop
            if progress:
                progress((index * BLOCK + stop) / count)
    elbo, fit, kl, mean, std, class_kl, *codes = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
    return Statistics(elbo, fit, kl, mean, std, tuple(codes), class_kl)


def _labels(model: VAE, labels: Tensor | None, block: int) -> Tensor | None:
    """Return the labels of one block, where they mean something to the model."""
    if labels is None or model.spec.classes is None:
        return None
    return labels[block * BLOCK : (block + 1) * BLOCK].to(model.device)


@torch.inference_mode()
def encode(model: VAE, images: Tensor, seed: int = 0, progress: Progress | None = None) -> tuple[Tensor, Tensor]:
    """Encode pictures, in bounded memory and with the bits that `statistics` draws.

    Args:
        model: any model, in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1], N at least 1.
        seed: of the bits (binary likelihoods).
        progress: called with the fraction done; what it raises stops the work.

    Returns:
        Mean and standard deviation, each (N, D) with the latent groups joined, on the CPU.
    """
    parts = []
    for index, x in blocks(model, images, seed):
        for rows in x.split(at_once(model)):
            encoding = model.encode(rows)
            parts.append(tuple(_joined(part, rows).cpu() for part in (encoding.mean, encoding.std)))
        if progress:
            progress((index * BLOCK + len(x)) / len(images))
    mean, std = (torch.cat(column) for column in zip(*parts, strict=True))
    return mean, std


def _joined(groups: list[Tensor], like: Tensor) -> Tensor:
    """Return groups [(N, *shape), ...] -> (N, D); (N, 0) of none, N as in `like`."""
    return torch.cat([like.new_zeros(len(like), 0), *(part.reshape(len(part), -1) for part in groups)], 1)


def _scored(model: VAE, x: Tensor, y: Tensor | None, noise: Shard) -> tuple[Tensor, ...]:
    """Return the columns of `Statistics` for a few pictures."""
    if not model.spec.has_density:
        draw, params = model.reconstruct(x, y, generator=noise)
        fit, encoding = model.score(params, x)[:, 0], Encoding(draw.mean, draw.std, draw.kl)
        kl, mean, std = (_joined(part, fit) for part in (encoding.kl, encoding.mean, encoding.std))
        return torch.full_like(fit, math.nan), -fit, kl, mean, std, torch.zeros_like(fit)
    terms = model.terms(x, y, generator=noise)
    encoding = Encoding(terms.mean, terms.std, terms.kl) if terms.mean else model.encode(x, y)
    kl, mean, std = (_joined(part, terms.log_likelihood) for part in (terms.kl, encoding.mean, encoding.std))
    codes = [part.flatten(1) for part in encoding.codes or []]
    fit = terms.log_likelihood.mean(1)
    class_kl = torch.zeros_like(fit) if terms.class_kl is None else terms.class_kl
    return terms.elbo, -fit, kl, mean, std, class_kl, *codes


def importance_weighted_nll(
    model: VAE,
    images: Tensor,
    k: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
    labels: Tensor | None = None,
) -> Tensor:
    """Return the bound alone of `importance_weighted`: (N,) nats."""
    return importance_weighted(model, images, k, seed, progress, labels)[0]


@torch.inference_mode()
def importance_weighted(
    model: VAE,
    images: Tensor,
    k: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
    labels: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return -log 1/k sum_i w_i of each picture, w_i = p(x, z_i) / q(z_i | x) (Burda et al. 2016, equation 8).

    In bounded memory, and beside it how many draws the sum really rests on: the effective sample size
    (sum_i w_i)^2 / sum_i w_i^2 (Kong 1992), 1 where one draw outweighs all others.

    Args:
        model: any model with densities, in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1].
        k: draws of z a picture, at least 1.
        seed: of the bits and of the draws.
        progress: called with the fraction done.
        labels: as in `statistics`.

    Returns:
        (N,) nats, on the CPU: an upper bound of -log p(x) in expectation, tighter with k; and (N,) sizes, 1 to k.
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1.")
    results = []
    for index, x in blocks(model, images, seed):
        noise, y = seeded(seed, WEIGHTS, index), _labels(model, labels, index)
        most = at_once(model)
        size = max(1, most // k)
        for number, part in enumerate(x.split(size)):
            own = None if y is None else y[number * size : number * size + len(part)]
            total, squares = torch.full((2, len(part)), -math.inf, device=x.device)
            for start in range(0, k, most):
                log_weights = model.terms(part, own, k=min(most, k - start), generator=noise).log_weights
                total = torch.logaddexp(total, log_weights.logsumexp(1))
                squares = torch.logaddexp(squares, (2 * log_weights).logsumexp(1))
            results.append(torch.stack([math.log(k) - total, (2 * total - squares).exp()]).cpu())
            if progress:
                progress(sum(part.shape[1] for part in results) / len(images))
    nll, effective = torch.cat(results, 1)
    return nll, effective


def bits_per_dimension(model: VAE, nats: float) -> float | None:
    """Return nats per image -> bits per number, nats / (D ln 2); None where the likelihood is a density."""
    return nats / (math.prod(model.image_shape) * math.log(2)) if model.likelihood.discrete else None
