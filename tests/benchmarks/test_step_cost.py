"""What a training step of each variant costs: against that of conv, as in `zoo.VARIANTS`, and a plain loop."""

import statistics
import time
from collections.abc import Callable

import pytest
import torch

from vae_core import zoo
from vae_core.config import DataConfig, Training
from vae_core.data import Dataset, Splits
from vae_core.model import build
from vae_core.shards import seeded
from vae_core.training import OBJECTIVES, Run

ROUNDS, BATCH, SHAPE = 9, 64, (1, 28, 28)
WORK = 4.0  # of a turn, in steps of conv: the first step after another model is slower
Step = Callable[[torch.Tensor, torch.Generator], None]


@pytest.fixture(scope="module")
def splits() -> Splits:
    x = torch.randint(0, 256, (512, *SHAPE), dtype=torch.uint8, generator=seeded(1))
    classes = tuple("0123456789")
    some = Dataset("mnist", x, torch.randint(0, 10, (512,), generator=seeded(2)), classes)
    return Splits(some, some, some)


def started(variant: str, splits: Splits) -> Run:
    recipe = zoo.recipe(variant, DataConfig("mnist"), SHAPE, classes=10, training=Training(batch_size=BATCH))
    return Run(recipe, splits, "cpu")


def plain(run: Run) -> Step:
    """The same objective of a fresh model, minimised as a script of a few lines does: no schedule, no shares."""
    model = build(run.recipe.model)
    objective = OBJECTIVES[run.recipe.objective.kind](model, run.recipe.objective, len(run.images))
    optimizers = [
        torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.0, fused=True)
        for module in (model, objective.critic)
        if module is not None
    ]

    def step(rows: torch.Tensor, noise: torch.Generator) -> None:
        for optimizer in optimizers:
            optimizer.zero_grad()
        x = model.observe(run.images[rows].float() / 255, noise)
        terms = objective(x, None if run.labels is None else run.labels[rows], 0.5, noise)
        (terms["loss"] + terms.get("critic_loss", 0.0)).backward()
        for optimizer in optimizers:
            optimizer.step()

    return step


def seconds(run: Run, step: Step, number: int) -> float:
    """Of the processor, a step: another program that runs beside makes it no longer."""
    noise, steps = seeded(3, number), max(2, round(WORK / zoo.VARIANTS[run.recipe.name].cost))
    start = time.process_time()
    for _ in range(steps):
        rows = torch.randperm(len(run.images), generator=noise)[:BATCH]
        step(run._with_extra(rows, noise), noise)
    return (time.process_time() - start) / steps


@pytest.mark.timeout(1800)
def test_step_cost(splits: Splits, capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    runs = {name: started(name, splits) for name in zoo.VARIANTS}
    pairs = {name: (lambda rows, noise, run=run: run._step(rows, 0.5, noise), plain(run)) for name, run in runs.items()}
    rounds = []
    for number in range(ROUNDS + 1):  # the first one warms up; who goes first changes from round to round
        turns = (0, 1) if number % 2 else (1, 0)
        found = {
            name: {which: seconds(run, pairs[name][which], number) for which in turns} for name, run in runs.items()
        }
        rounds.append(found)
    with capsys.disabled():
        print(f"\na training step, {SHAPE} pixels, batch {BATCH}, one thread, medians of {ROUNDS} rounds by turns:")
        for name in runs:
            ours = [one[name][0] for one in rounds[1:]]
            cost = statistics.median(own / one["conv"][0] for own, one in zip(ours, rounds[1:], strict=True))
            speed = statistics.median(one[name][1] / one[name][0] for one in rounds[1:])
            print(
                f"  {name:17} {1000 * statistics.median(ours):7.1f} ms   {cost:5.2f} of conv "
                f"(zoo: {zoo.VARIANTS[name].cost:g})   {speed:.2f} times as fast as the plain loop"
            )
            assert cost > 0
