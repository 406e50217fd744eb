"""How long the steps of a run take here: a few are tried, to plan its epochs and to choose its precision."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from vae_core.config import Recipe
from vae_core.training import Run

if TYPE_CHECKING:
    from vae_core.data import Splits

WARM = 3  # steps, the first of which are slow
LONG_ENOUGH = 0.3  # seconds of steps from which a step's time is told
TURNS = 3
GAIN = 1.1  # times as fast; less is not worth the digits


def epochs_within(recipe: Recipe, splits: Splits, seconds: float, device: str = "auto") -> int:
    """Tell how many epochs of a recipe take so many seconds on this machine, at least 1: a few steps are tried.

    Args:
        recipe: what is to be trained.
        splits: on what.
        seconds: for training, without the figures at the end.
        device: as of `training.Run`.
    """
    run = Run(recipe, splits, device)
    steps = run.batches * seconds_a_step(run)
    return max(1, int(seconds / (steps + timed(run, lambda: run.close_epoch(0, 0.0, 0.0)))))


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
    """Tell how many times as fast a recipe's steps are in bf16 as in float32: the median of turns, one after the other.

    Args:
        recipe: what is to be trained; its own precision does not matter.
        splits: on what.
        device: as of `training.Run`.
    """
    kinds = {kind: replace(recipe, training=replace(recipe.training, precision=kind)) for kind in ("float32", "bf16")}
    runs = {kind: Run(made, splits, device) for kind, made in kinds.items()}
    ratios = []
    for _ in range(TURNS):
        took = {kind: seconds_a_step(run) for kind, run in runs.items()}
        ratios.append(took["float32"] / took["bf16"])
    return statistics.median(ratios)


def timed(run: Run, act: Callable[[], object], count: int = 1) -> float:
    """Return seconds that `count` calls take, as all processes of a run see it."""
    started = time.monotonic()
    for _ in range(count):
        act()
    if run.accelerator.device.type == "cuda":
        torch.cuda.synchronize()
    taken = torch.tensor(time.monotonic() - started, device=run.accelerator.device)
    return run.accelerator.reduce(taken, "mean").item() if run.accelerator.num_processes > 1 else taken.item()
