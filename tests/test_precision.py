"""In which numbers a step is computed: what a processor tells, what is faster, and what a run keeps."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.test_training import recipe, splits
from vae_core import checkpoints, precision, timing
from vae_core.cli import main
from vae_core.training import Run

SMALL = ("train", "--hidden", "24", "--latent-dim", "3", "--epochs", "4", "--device", "cpu", "--out")
CPU = torch.device("cpu")
UNITS = precision.has_units  # before the tests' own stand-in


@pytest.mark.parametrize(
    ("told", "there"),
    [
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"amx_bf16": True}, True),
        ({"neon": True, "bf16": True}, True),
        ({"architecture": "x86_64"}, False),
    ],
)
def test_a_processor_tells_whether_it_has_units(
    told: dict[str, object], there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert UNITS(CPU) is there
    assert UNITS(torch.device("mps")) is False


def test_products_are_bf16_and_what_is_summed_is_not() -> None:
    run = Run(recipe("mlp", precision="bf16"), splits(), "cpu")
    products: list[torch.dtype] = []
    for layer in run.model.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.register_forward_hook(lambda _, __, out: products.append(out.dtype))
    terms = next(run.trial())
    assert set(products) == {torch.bfloat16}
    assert {term.dtype for term in terms.values()} == {torch.float32}
    assert {weight.dtype for weight in run.model.parameters()} == {torch.float32}


def test_figures_of_a_mixed_run_are_computed_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(recipe("mlp", epochs=1, precision="bf16"), splits(), "cpu")
    seen: list[bool] = []
    real = run.close_epoch
    monkeypatch.setattr(
        run, "close_epoch", lambda *rest: (seen.append(torch.is_autocast_enabled("cpu")), real(*rest))[1]
    )
    list(run.train())
    assert seen == [False]


@pytest.fixture
def faster(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A processor with units, on which steps in bf16 are so many times as fast."""

    def be(times: float) -> None:
        monkeypatch.setattr(precision, "has_units", lambda device: True)
        monkeypatch.setattr(timing, "gain", lambda *rest: times)

    return be


@pytest.mark.parametrize(("times", "chosen"), [(1.75, "bf16"), (1.05, "float32")])
def test_the_faster_one_is_taken_and_told(
    times: float, chosen: str, faster: Callable[[float], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faster(times)
    assert main([*SMALL, str(tmp_path / "m.safetensors")]) == 0
    assert f"{times:.2f} times as fast here as in float32: {chosen} it is" in capsys.readouterr().err
    assert checkpoints.load(tmp_path / "m.safetensors").recipe.training.precision == chosen


def test_like_and_what_is_finished_keep_the_precision(
    faster: Callable[[float], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, again, asked = (str(tmp_path / f"{name}.safetensors") for name in ("first", "again", "asked"))
    faster(2.0)
    assert main([*SMALL, first]) == 0
    faster(1.0)
    assert main([*SMALL, first, "--resume"]) == 0 and "finished already" in capsys.readouterr().err
    assert main(["train", "--like", first, "--device", "cpu", "--out", again]) == 0
    assert main([*SMALL, asked, "--precision", "float32"]) == 0
    kept = [checkpoints.load(Path(path)).recipe.training.precision for path in (first, again, asked)]
    assert kept == ["bf16", "bf16", "float32"]
    assert "times as fast" not in capsys.readouterr().err


def test_without_units_it_is_float32_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, str(tmp_path / "m.safetensors"), "--precision", "bf16"]) == 0
    assert "This cpu has no bf16 units: the run is in float32" in capsys.readouterr().err
    assert checkpoints.load(tmp_path / "m.safetensors").recipe.training.precision == "float32"


def test_a_run_that_began_in_bf16_goes_on_so_on_another_processor(
    faster: Callable[[float], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vae_core.cli import training

    out = tmp_path / "m.safetensors"
    faster(2.0)
    with monkeypatch.context() as patch:
        patch.setattr(training, "_loop", lambda run, state, *rest: stopped_after_an_epoch(run, state))
        assert main([*SMALL, str(out)]) != 0
    monkeypatch.setattr(precision, "has_units", lambda device: False)
    assert main([*SMALL, str(out), "--resume"]) == 0
    found = checkpoints.load(out)
    assert found.recipe.training.precision == "bf16" and len(found.history) == 4


def stopped_after_an_epoch(run: Run, state: Path) -> None:
    reports = run.train(state, 0.0)
    next(report for report in reports if report.row)
    next(reports)
    reports.close()
    raise ValueError("stopped")
