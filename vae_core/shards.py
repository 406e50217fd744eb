"""What one process holds of a global batch: its slice of the noise, and means over all processes.

Every process draws the noise of the whole batch from the same seeded generator and keeps its own rows, so a run on many
processes equals the run on one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Shard:
    """Rows `start` to `stop` of a global batch of `total`, with the generator that all processes share."""

    generator: torch.Generator
    start: int
    stop: int
    total: int


Noise = torch.Generator | Shard | None


def _draw(function: Callable[..., Tensor], shape: tuple[int, ...], noise: Noise, device: torch.device) -> Tensor:
    if not isinstance(noise, Shard):
        source = noise.device if noise is not None else device
        return function(shape, generator=noise, device=source).to(device)
    per_row = shape[0] // (noise.stop - noise.start)
    whole = function((noise.total * per_row, *shape[1:]), generator=noise.generator, device=noise.generator.device)
    return whole[noise.start * per_row : noise.stop * per_row].to(device)


def normal(shape: tuple[int, ...], noise: Noise, device: torch.device) -> Tensor:
    """Return standard normal draws; rows first.

    Args:
        shape: shape of the result; the first entry counts rows of the batch (or whole multiples of them).
        noise: a generator, this process's shard of one, or None for torch's global generator.
        device: where the result shall lie; drawing happens on the generator's device, so that a CPU generator gives
            the same numbers for every device.
    """
    return _draw(torch.randn, shape, noise, device)


def uniform(shape: tuple[int, ...], noise: Noise, device: torch.device) -> Tensor:
    """Return uniform draws in [0, 1); arguments as in `normal`."""
    return _draw(torch.rand, shape, noise, device)


def global_mean(rows: Tensor) -> Tensor:
    """Return mean over the first dimension (N, ...) -> (...) across all processes, without gradient."""
    total = global_sum(torch.cat([rows.sum(0).flatten(), rows.new_tensor([float(len(rows))])]))
    return (total[:-1] / total[-1]).reshape(rows.shape[1:])


def global_sum(value: Tensor, only_first: bool = False) -> Tensor:
    """Return sum of a tensor over all processes, or that of the first one alone; without gradient."""
    total = value.detach().clone()
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        if only_first and torch.distributed.get_rank():
            total.zero_()
        torch.distributed.all_reduce(total)
    return total


def seeded(*key: int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a generator whose stream depends on the integers of `key` alone."""
    seed = 0
    for part in key:  # a mix of its own, so that (1, 0) and (0, 1) differ and neighbours are unrelated
        seed = (seed * 6364136223846793005 + part + 1442695040888963407) % 2**63
    return torch.Generator(device).manual_seed(seed)
