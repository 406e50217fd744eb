"""On a real graphics card: every variant trains there and comes back; shipped models give there what they give here."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import Tensor

from vae_core import checkpoints, explore, scoring, zoo
from vae_core.config import DataConfig, Training
from vae_core.data import Splits, load
from vae_core.packaging import package
from vae_core.training import Run

CARD = "cuda"
SHIPPED = sorted((Path(__file__).resolve().parents[1] / "checkpoints").glob("*.safetensors"))

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA card on this machine")


@pytest.fixture(scope="module")
def digits() -> Splits:
    return load(DataConfig("digits"))


@pytest.fixture(autouse=True)
def any_device() -> Iterator[None]:
    """accelerate keeps the first device and precision of a process for all that follow."""
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def trained(variant: str, splits: Splits, device: str, **settings: object) -> Run:
    config = DataConfig("digits")
    AcceleratorState._reset_state(reset_partial_state=True)
    recipe = zoo.recipe(variant, config, (1, 8, 8), classes=10, training=Training(epochs=2, batch_size=128))
    run = Run(replace(recipe, training=replace(recipe.training, **settings)), splits, device)
    list(run.train())
    return run


def same(here: Tensor, there: Tensor) -> None:
    """Equal but for rounding, which may tip a code over to its neighbour."""
    assert ((here - there).abs() > 2e-2 * (1 + here.abs())).float().mean() < 0.02


@pytest.mark.parametrize("variant", list(zoo.VARIANTS))
def test_a_variant_learns_on_the_card_as_on_the_processor(variant: str, digits: Splits, tmp_path: Path) -> None:
    """The noise is drawn on each device by its own generator, so that losses agree, and are not equal."""
    here, there = (trained(variant, digits, device) for device in ("cpu", CARD))
    assert there.accelerator.device.type == CARD
    losses = [run.history[-1]["loss"] for run in (here, there)]
    assert losses[1] == pytest.approx(losses[0], rel=0.1, abs=0.5), losses
    checkpoints.save(package(there), tmp_path / "card.safetensors")
    opened = checkpoints.load(tmp_path / "card.safetensors")
    x = scoring.as_float(digits.test.images[:16])
    same(*(scoring.encode(model, x)[0] for model in (opened.model, there.model)))


def test_bf16_on_the_card_learns(digits: Splits) -> None:
    losses = [trained("mlp", digits, CARD, precision=kind).history[-1]["loss"] for kind in ("float32", "bf16")]
    assert losses[1] == pytest.approx(losses[0], rel=0.05), losses


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_model_gives_on_the_card_what_it_gives_here(path: Path) -> None:
    here, there = checkpoints.load(path).model, checkpoints.load(path, CARD).model
    z = explore.sample(here, 8, seed=1)
    y = torch.arange(8) % here.spec.classes if here.spec.classes else None
    pictures = [explore.decode(model, z, y) for model in (here, there)]
    assert (pictures[0] - pictures[1]).abs().mean() < 2e-3
    same(*(scoring.encode(model, pictures[0])[0] for model in (here, there)))
