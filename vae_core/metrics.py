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
from vae_core.latents import Encoding
from vae_core.model import VAE
from vae_core.shards import Shard, seeded

BLOCK = 500  # pictures at a time; a constant, since the noise is drawn block by block
ACTIVE_VARIANCE = 0.01  # Burda et al. 2016, section 5.2
AT_ONCE = 2_000  # pictures that go through a net at a time: bounds the memory
NUMBERS_AT_ONCE = 2**21  # and the numbers that these have together
BITS, DRAWS, WEIGHTS = 1, 2, 3  # streams of noise


@dataclass(frozen=True)
class Statistics:
    """One entry a picture: elbo, reconstruction (negative log-likelihood), kl, mean (N, D), std (N, D); nats.

    `kl` is (N, D) where it factorises, (N, groups) where it does not; without a density it is (N, 0), and `elbo` NaN.
    `codes` (N, places) of each group, where there are any.
    """

    elbo: Tensor
    reconstruction: Tensor
    kl: Tensor
    mean: Tensor
    std: Tensor
    codes: tuple[Tensor, ...] = ()

    def summary(self) -> dict[str, float | int | list[float] | None]:
        """Averages over the pictures, in nats per image; None without a density."""
        dense = self.kl.shape[1] > 0
        found: dict[str, float | int | list[float] | None] = {
            "elbo": self.elbo.mean().item() if dense else None,
            "reconstruction": self.reconstruction.mean().item(),
            "kl": self.kl.sum(1).mean().item() if dense else None,
            "kl_per_dim": self.kl.mean(0).tolist(),
            "active_units": int(active(self.mean).sum()),
        }
        return found | ({"perplexity": [perplexity(part) for part in self.codes]} if self.codes else {})


def perplexity(codes: Tensor) -> float:
    """Exponential of the entropy of codes (any shape): as many codes, used alike, would be as hard to guess."""
    share = codes.unique(return_counts=True)[1] / codes.numel()
    return math.exp(-(share * share.log()).sum().item())


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
    model: VAE,
    images: Tensor,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
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
    parts = []
    for index, x in blocks(model, images, seed):
        start, y = 0, _labels(model, labels, index)
        for rows in x.split(at_once(model)):
            stop = start + len(rows)
            noise = Shard(seeded(seed, DRAWS, index), start, stop, len(x))
            parts.append(_scored(model, rows, None if y is None else y[start:stop], noise))
            start = stop
            if progress:
                progress((index * BLOCK + stop) / len(images))
    elbo, reconstruction, kl, mean, std, *codes = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
    return Statistics(elbo, reconstruction, kl, mean, std, tuple(codes))


def _labels(model: VAE, labels: Tensor | None, block: int) -> Tensor | None:
    """The labels of one block, where they mean something to the model."""
    if labels is None or model.spec.classes is None:
        return None
    return labels[block * BLOCK : (block + 1) * BLOCK].to(model.device)


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
            parts.append(tuple(_joined(part, x).cpu() for part in (encoding.mean, encoding.std)))
        if progress:
            progress((index * BLOCK + len(x)) / len(images))
    mean, std = (torch.cat(column) for column in zip(*parts, strict=True))
    return mean, std


def _joined(groups: list[Tensor], like: Tensor) -> Tensor:
    """Groups [(N, *shape), ...] -> (N, D); (N, 0) of none, N as in `like`."""
    return torch.cat([like.new_zeros(len(like), 0), *(part.reshape(len(part), -1) for part in groups)], 1)


def _scored(model: VAE, x: Tensor, y: Tensor | None, noise: Shard) -> tuple[Tensor, ...]:
    """The columns of `Statistics` for a few pictures."""
    if not model.spec.has_density:
        draw, params = model.reconstruct(x, y, generator=noise)
        fit, code = model.score(params, x)[:, 0], draw.state
        return torch.full_like(fit, math.nan), -fit, code[:, :0], code, torch.zeros_like(code)
    terms = model.terms(x, y, generator=noise)
    found = Encoding(terms.mean, terms.std, terms.kl) if terms.mean else model.encode(x, y)
    kl, mean, std = (_joined(part, terms.log_likelihood) for part in (terms.kl, found.mean, found.std))
    codes = [part.flatten(1) for part in found.codes or []]
    return terms.elbo, -terms.log_likelihood.mean(1), kl, mean, std, *codes


@torch.inference_mode()
def importance_weighted_nll(
    model: VAE,
    images: Tensor,
    k: int = 1000,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    labels: Tensor | None = None,
) -> Tensor:
    """-log 1/k sum_i p(x, z_i) / q(z_i | x) of each picture (Burda et al. 2016, equation 8), in bounded memory.

    Args:
        model: any model with densities, in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1].
        k: draws of z a picture, at least 1.
        seed: of the bits and of the draws.
        progress: called with the fraction done.
        labels: as in `statistics`.

    Returns:
        (N,) nats, on the CPU: an upper bound of -log p(x) in expectation, tighter with k.
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
            total = torch.full((len(part),), -math.inf, device=x.device)
            for start in range(0, k, most):
                terms = model.terms(part, own, k=min(most, k - start), generator=noise)
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
    labels: Tensor | None = None,
) -> dict[str, dict[str, Any]]:
    """Measure a model on pictures.

    Args:
        model: any model with densities, in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1], N at least 1.
        wanted: keys of `config.METRICS`; bits_per_dimension where the likelihood is discrete alone.
        k: draws of z a picture for nll, at least 1.
        seed: of the bits and of all draws.
        progress: called with the fraction done.
        labels: as in `statistics`.

    Returns:
        Of each wanted figure its value, standard error over the pictures (None where it has none) and unit.
    """
    report, work = progress or (lambda share: None), 1 + k * ("nll" in wanted)
    found = statistics(model, images, seed, lambda share: report(share / work), labels)
    columns = {"elbo": found.elbo, "reconstruction": found.reconstruction, "kl": found.kl.sum(1)}
    if "nll" in wanted:
        bound = importance_weighted_nll(model, images, k, seed, lambda share: report((1 + k * share) / work), labels)
        columns["nll"] = bound
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
