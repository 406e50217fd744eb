"""Figures of a model, through the contract: ELBO, KL per dimension, active units, importance-weighted bound.

Noise and bits come from a seed in blocks of fixed size, so that a figure does not depend on memory or batch size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_core.config import METRICS
from vae_core.model import VAE
from vae_core.shards import Shard, seeded

BLOCK = 500  # pictures at a time; a constant, since the noise is drawn block by block
ACTIVE_VARIANCE = 0.01  # Burda et al. 2016, section 5.2
AT_ONCE = 2_000  # pictures that go through a net at a time: bounds the memory
NUMBERS_AT_ONCE = 2**21  # and the numbers that these have together
BITS, DRAWS, WEIGHTS = 1, 2, 3  # streams of noise


@dataclass(frozen=True)
class Statistics:
    """One entry a picture: elbo, reconstruction (negative log-likelihood), kl (N, D), mean (N, D), std (N, D); nats."""

    elbo: Tensor
    reconstruction: Tensor
    kl: Tensor
    mean: Tensor
    std: Tensor

    def summary(self) -> dict[str, float | int | list[float]]:
        """Averages over the pictures, in nats per image."""
        return {
            "elbo": self.elbo.mean().item(),
            "reconstruction": self.reconstruction.mean().item(),
            "kl": self.kl.sum(1).mean().item(),
            "kl_per_dim": self.kl.mean(0).tolist(),
            "active_units": int(active(self.mean).sum()),
        }


def active(mean: Tensor) -> Tensor:
    """Which dimensions are active units: Var_x(E_q[z | x]) > 0.01 (Burda et al. 2016, section 5.2).

    Args:
        mean: encoded means (N, D).

    Returns:
        (D,) booleans; all False for fewer than two pictures.
    """
    if len(mean) < 2:
        return torch.zeros(mean.shape[1], dtype=torch.bool)
    return mean.var(0) > ACTIVE_VARIANCE


def as_float(images: Tensor) -> Tensor:
    """uint8 pictures as float32 in [0, 1]; float pictures unchanged."""
    return images.float() / 255 if images.dtype == torch.uint8 else images


def blocks(model: VAE, images: Tensor, seed: int) -> Iterator[tuple[int, Tensor]]:
    """Pictures as the model observes them, block by block: (index of the block, (n, C, H, W) on the model's device)."""
    for index, part in enumerate(images.split(BLOCK)):
        yield index, model.observe(as_float(part.to(model.device)), seeded(seed, BITS, index))


def at_once(model: VAE) -> int:
    """Pictures that go through the model at a time."""
    return max(1, min(AT_ONCE, NUMBERS_AT_ONCE // math.prod(model.image_shape)))


@torch.inference_mode()
def statistics(
    model: VAE, images: Tensor, seed: int = 0, progress: Callable[[float], None] | None = None
) -> Statistics:
    """Encode, draw one z and score each picture.

    Args:
        model: any model with densities, in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1], N at least 1.
        seed: of the bits (binary likelihoods) and of the draws of z.
        progress: called with the fraction done; what it raises stops the work.

    Returns:
        `Statistics` on the CPU.
    """
    parts = []
    for index, x in blocks(model, images, seed):
        start = 0
        for rows in x.split(at_once(model)):
            stop = start + len(rows)
            parts.append(_scored(model, rows, Shard(seeded(seed, DRAWS, index), start, stop, len(x))))
            start = stop
            if progress:
                progress((index * BLOCK + stop) / len(images))
    elbo, reconstruction, kl, mean, std = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
    return Statistics(elbo, reconstruction, kl, mean, std)


@torch.inference_mode()
def encode(
    model: VAE, images: Tensor, seed: int = 0, progress: Callable[[float], None] | None = None
) -> tuple[Tensor, Tensor]:
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
        for encoding in map(model.encode, x.split(at_once(model))):
            parts.append((_joined(encoding.mean).cpu(), _joined(encoding.std).cpu()))
        if progress:
            progress((index * BLOCK + len(x)) / len(images))
    mean, std = (torch.cat(column) for column in zip(*parts, strict=True))
    return mean, std


def _joined(groups: list[Tensor]) -> Tensor:
    """Groups [(N, *shape), ...] -> (N, D)."""
    return torch.cat([part.flatten(1) for part in groups], 1)


def _scored(model: VAE, x: Tensor, noise: Shard) -> tuple[Tensor, ...]:
    """The columns of `Statistics` for a few pictures."""
    encoding, terms = model.encode(x), model.terms(x, generator=noise)
    kl, mean, std = map(_joined, (terms.kl, encoding.mean, encoding.std))
    return terms.elbo, -terms.log_likelihood.mean(1), kl, mean, std


@torch.inference_mode()
def importance_weighted_nll(
    model: VAE, images: Tensor, k: int = 1000, seed: int = 0, progress: Callable[[float], None] | None = None
) -> Tensor:
    """-log 1/k sum_i p(x, z_i) / q(z_i | x) of each picture (Burda et al. 2016, equation 8), in bounded memory.

    Args:
        model: any model with densities, in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1].
        k: draws of z a picture, at least 1.
        seed: of the bits and of the draws.
        progress: called with the fraction done.

    Returns:
        (N,) nats, on the CPU: an upper bound of -log p(x) in expectation, tighter with k.
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1.")
    results = []
    for index, x in blocks(model, images, seed):
        noise = seeded(seed, WEIGHTS, index)
        most = at_once(model)
        for part in x.split(max(1, most // k)):
            total = torch.full((len(part),), -math.inf, device=x.device)
            for start in range(0, k, most):
                terms = model.terms(part, k=min(most, k - start), generator=noise)
                total = torch.logaddexp(total, terms.log_weights.logsumexp(1))
            results.append((math.log(k) - total).cpu())
            if progress:
                progress(sum(map(len, results)) / len(images))
    return torch.cat(results)


def bits_per_dimension(model: VAE, nats: float) -> float | None:
    """Nats per image -> bits per number, nats / (D ln 2); None where the likelihood is a density."""
    return nats / (math.prod(model.image_shape) * math.log(2)) if model.likelihood.discrete else None


def figures(
    model: VAE,
    images: Tensor,
    wanted: Sequence[str],
    k: int = 1000,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """Measure a model on pictures.

    Args:
        model: any model with densities, in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1], N at least 1.
        wanted: keys of `config.METRICS`; bits_per_dimension where the likelihood is discrete alone.
        k: draws of z a picture for nll, at least 1.
        seed: of the bits and of all draws.
        progress: called with the fraction done.

    Returns:
        Of each wanted figure its value, standard error over the pictures (None where it has none) and unit.
    """
    report, work = progress or (lambda share: None), 1 + k * ("nll" in wanted)
    found = statistics(model, images, seed, lambda share: report(share / work))
    columns = {"elbo": found.elbo, "reconstruction": found.reconstruction, "kl": found.kl.sum(1)}
    if "nll" in wanted:
        columns["nll"] = importance_weighted_nll(model, images, k, seed, lambda share: report((1 + k * share) / work))
    summary = found.summary()
    rows = {name: _row(name, column.mean().item(), _standard_error(column)) for name, column in columns.items()}
    rows |= {name: _row(name, summary[name]) for name in ("kl_per_dim", "active_units")}
    if "nll" in rows:
        rows["nll"] |= {"unit": f"{METRICS['nll']}, {k:,} draws", "k": k}
    if model.likelihood.discrete:
        rows["bits_per_dimension"] = _bits(model, rows)
    return {name: rows[name] for name in wanted}


def _row(name: str, value: Any, error: float | None = None, source: str = "") -> dict[str, Any]:
    return {"value": value, "standard_error": error, "unit": METRICS[name] + source}


def _standard_error(column: Tensor) -> float | None:
    """Of the mean of (N,)."""
    return column.std().item() / math.sqrt(len(column)) if len(column) > 1 else None


def _bits(model: VAE, rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Bits per dimension from the tightest bound there is."""
    bound = "nll" if "nll" in rows else "elbo"
    nats, error = rows[bound]["value"], rows[bound]["standard_error"]
    bits = bits_per_dimension(model, abs(nats))
    return _row(
        "bits_per_dimension", bits, None if error is None else bits_per_dimension(model, error), f", from {bound}"
    )
