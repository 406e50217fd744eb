"""In which numbers the products of a step are computed: bf16 where the device has units for it and the model gains."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from vae_core.config import Recipe
    from vae_core.data import Splits
    from vae_core.training import Run

WARM = 3  # steps, the first of which are slow
LONG_ENOUGH = 0.3  # seconds of steps from which a step's time is told
TURNS = 3
GAIN = 1.1  # times as fast; less is not worth the digits


def has_units(device: torch.device) -> bool:
    """Whether a device multiplies bf16 in hardware; other processors imitate it, more slowly than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    told: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}
    return any(there for name, there in told.items() if "bf16" in name)


def mixed(device: torch.device, precision: str) -> torch.autocast:
    """A context in which products are computed in bf16, if that is the precision.

    Weights stay float32, and so do the likelihood, KL, prior and optimizer, which convert what they are given.

    Raises:
        ValueError: where the device has no such context.
    """
    if precision == "bf16" and not torch.amp.is_autocast_available(device.type):
        raise ValueError(f"precision bf16 is not available on {device.type}; use float32.")
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def seconds_a_step(run: Run) -> float:
    """Time a run's step, over all processes alike: twice as many are taken until they are long enough."""
    steps = run.trial()
    for _ in range(WARM):
        next(steps)
    count = 1
    while (seconds := timed(run, lambda: next(steps), count)) < LONG_ENOUGH:
        count *= 2
    return seconds / count


def gain(recipe: Recipe, splits: Splits, device: str) -> float:
    """How many times as fast a recipe's steps are in bf16 as in float32: the median of turns, one after the other.

    Args:
        recipe: what is to be trained; its own precision does not matter.
        splits: on what.
        device: as of `training.Run`.
    """
    from vae_core.training import Run

    kinds = {kind: replace(recipe, training=replace(recipe.training, precision=kind)) for kind in ("float32", "bf16")}
    runs = {kind: Run(made, splits, device) for kind, made in kinds.items()}
    ratios = []
    for _ in range(TURNS):
        took = {kind: seconds_a_step(run) for kind, run in runs.items()}
        ratios.append(took["float32"] / took["bf16"])
    return statistics.median(ratios)


def timed(run: Run, act: Callable[[], object], count: int = 1) -> float:
    """Seconds that `count` calls take, as all processes of a run see it."""
    started = time.monotonic()
    for _ in range(count):
        act()
    if run.accelerator.device.type == "cuda":
        torch.cuda.synchronize()
    taken = torch.tensor(time.monotonic() - started, device=run.accelerator.device)
    return run.accelerator.reduce(taken, "mean").item() if run.accelerator.num_processes > 1 else taken.item()
