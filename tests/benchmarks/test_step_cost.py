"""What a training step of each variant costs, with that of conv as 1: the figures that stand in `zoo.VARIANTS`."""

import statistics
import time

import pytest
import torch

from vae_core import zoo
from vae_core.config import DataConfig, Training
from vae_core.data import Dataset, Splits
from vae_core.shards import seeded
from vae_core.training import Run

ROUNDS, STEPS, BATCH, SHAPE = 7, 2, 64, (1, 28, 28)


@pytest.fixture(scope="module")
def splits() -> Splits:
    x = torch.randint(0, 256, (512, *SHAPE), dtype=torch.uint8, generator=seeded(1))
    classes = tuple("0123456789")
    some = Dataset("mnist", x, torch.randint(0, 10, (512,), generator=seeded(2)), classes)
    return Splits(some, some, some)


def started(variant: str, splits: Splits) -> Run:
    recipe = zoo.recipe(variant, DataConfig("mnist"), SHAPE, classes=10, training=Training(batch_size=BATCH))
    return Run(recipe, splits, "cpu")


def seconds(run: Run, number: int) -> float:
    """Of the processor, a step: another program that runs beside makes it no longer."""
    noise = seeded(3, number)
    start = time.process_time()
    for _ in range(STEPS):
        rows = torch.randperm(len(run.images), generator=noise)[:BATCH]
        run._step(run._with_known(rows, noise), 0.5, noise)
    return (time.process_time() - start) / STEPS


@pytest.mark.timeout(1800)
def test_step_cost(splits: Splits, capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    runs = {name: started(name, splits) for name in zoo.VARIANTS}
    rounds = [{name: seconds(run, number) for name, run in runs.items()} for number in range(ROUNDS + 1)][1:]  # warm
    with capsys.disabled():
        print(f"\na training step, {SHAPE} pixels, batch {BATCH}, one thread, medians of {ROUNDS} rounds by turns:")
        for name in runs:
            cost = statistics.median(one[name] / one["conv"] for one in rounds)
            own = statistics.median(one[name] for one in rounds)
            print(f"  {name:17} {1000 * own:7.1f} ms   {cost:5.2f} of conv   (zoo: {zoo.VARIANTS[name].cost:g})")
            assert cost > 0
