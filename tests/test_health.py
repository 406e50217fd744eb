"""Health: every symptom from figures made by hand, none from good ones, and two from runs that go wrong."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vae_core.cli import main
from vae_core.config import Objective, Schedule
from vae_core.health import BEATEN, CHECKS, URGENT, Signs, Watch, dead_levels, symptoms
from vae_core.likelihoods import MIN_STD
from vae_core.model import LatentSpec

GAUSSIAN = LatentSpec(((16,),), "gaussian", "normal", ((16,),))
POINT = LatentSpec(((16,),), "point", "fitted", ())
CODES = LatentSpec(((8, 7, 7),), "quantized", "learned", ((),), codebook_size=128)
LADDER = LatentSpec(((8, 3, 3), (4, 7, 7), (1, 14, 14)), "topdown", "conditional", ((8, 3, 3), (4, 7, 7), (1, 14, 14)))
GOOD = Signs(GAUSSIAN, Objective(), 0.5, 100.0, 540.0, 100.0, kl=25.0, active=12, critic_loss=1.2, std=0.1)
COMMITMENT = Objective("commitment")
ANNEALED = Objective(beta=Schedule(end=100.0), capacity=Schedule("linear", end=25.0, length=0.8))


def found(signs: Signs) -> dict[str, str]:
    return {one.name: one.text for one in symptoms(signs)}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "not finite": ({"loss": math.nan}, "--learning-rate"),
    "exploding": ({"kl": 16 * 60.0}, "--clip"),
    "collapse": ({"kl": 0.05, "active": 0}, "--beta-schedule"),
    "saturation": ({"kl": 0.0, "progress": 0.02}, "--free-bits"),
    "codebook collapse": (
        {"spec": CODES, "objective": COMMITMENT, "perplexity": (80.0, 12.0), "kl": 100.0},
        "like one of 12 codes",
    ),
    "dead level": ({"spec": LADDER, "active": None, "levels": (11.3, 0.0003, 25.9)}, "--groups"),
    "critic winning": ({"critic_loss": BEATEN / 2}, "--gamma"),
    "partial collapse": ({"active": 3}, "3 of 16 units"),
    "std at floor": ({"std": MIN_STD}, "discretized_logistic"),
}


def test_a_healthy_run_has_no_symptoms() -> None:
    assert found(GOOD) == {}
    assert set(BAD) == set(CHECKS)


@pytest.mark.parametrize("name", BAD)
def test_each_symptom_is_one_sentence_with_the_usual_fix(name: str) -> None:
    changes, fix = BAD[name]
    told = found(replace(GOOD, **changes))
    assert list(told) == [name]
    assert fix in told[name]
    assert told[name].endswith(".") and ". " not in told[name] and "\n" not in told[name]


@pytest.mark.parametrize(
    "changes",
    [
        {"active": 0},  # the figures of a validation split alone
        {"kl": 0.05},
        {"spec": POINT, "objective": Objective("reconstruction"), "kl": None, "active": 0},
    ],
)
def test_a_code_that_says_nothing_shows_in_either_figure(changes: dict[str, Any]) -> None:
    assert list(found(replace(GOOD, **changes))) == ["collapse"]


@pytest.mark.parametrize(
    "changes",
    [
        {"kl": 0.0, "objective": Objective(beta=Schedule(end=0.0))},  # nobody asks for a KL
        {"kl": 0.05, "progress": 0.01, "objective": ANNEALED},  # it is held at zero on purpose
        {"kl": 5000.0, "objective": Objective(beta=Schedule(end=0.0))},  # and it may go where it likes
        {"spec": CODES, "objective": COMMITMENT, "kl": 0.0, "perplexity": (60.0,)},  # log p(codes) is no KL of noise
        {"active": 3, "progress": 0.2},  # still young
        {"spec": LADDER, "active": None, "levels": (11.3, 0.2, 25.9)},  # every level speaks
        {"spec": LADDER, "active": None, "levels": (11.3, 0.0, 25.9), "progress": 0.05},  # one is slow to start
        {"loss": 900.0, "lowest": 100.0, "first": 540.0},  # up, but not by orders
        {"loss": 40.0, "lowest": 1.0, "first": 540.0},  # a loss near zero is no yardstick
    ],
)
def test_what_is_no_symptom(changes: dict[str, Any]) -> None:
    assert found(replace(GOOD, **changes)) == {}


def test_a_loss_that_rises_by_orders_explodes() -> None:
    assert list(found(replace(GOOD, loss=9_000.0))) == ["exploding"]


def test_only_fixes_that_the_objective_has_are_offered() -> None:
    silent = replace(GOOD, kl=0.0)
    assert "--free-bits" not in found(replace(silent, objective=Objective("mmd")))["collapse"]
    assert "--beta" not in found(replace(silent, objective=Objective("iwae")))["collapse"]


def row(**figures: Any) -> dict[str, Any]:
    return {"val": {"kl": 20.0, "active_units": 12} | figures}


def test_a_watch_tells_each_symptom_once_and_reads_the_row_first() -> None:
    watch, running = Watch(GAUSSIAN, Objective()), {"loss": 200.0, "kl": 0.01}
    assert [one.name for one in watch.see(0.05, running)] == ["saturation"]
    assert watch.see(0.06, running) == []
    assert watch.see(0.5, running, row()) == []
    assert [one.name for one in watch.see(0.6, running, row(active_units=0, kl=0.0))] == ["collapse"]
    assert [one.name for one in watch.see(0.7, {"loss": math.inf})] == ["not finite"]


def test_a_dead_level_is_seen_in_the_row_and_named() -> None:
    per_dim = [0.2] * 72 + [1e-6] * 196 + [0.1] * 196
    (told,) = Watch(LADDER, Objective()).see(0.5, {"loss": 100.0}, row(active_units=None, kl_per_dim=per_dim))
    assert told.name == "dead level" and told.text.startswith("Level 2 of 3 is dead (0.0002 nats in 196 dimensions): ")
    assert "--free-bits" in told.text
    assert dead_levels(LADDER, [0.05, 0.01, 9.0]) == (
        "levels 1 and 2 of 3 are dead (0.05 nats in 72 dimensions and 0.01 nats in 196 dimensions)"
    )


def test_a_young_run_is_warned_of_what_cannot_wait_alone() -> None:
    watch = Watch(GAUSSIAN, Objective())
    assert watch.see(0.01, {"loss": 200.0, "kl": 0.0}, ripe=False) == []
    assert [one.name for one in watch.see(0.01, {"loss": 2e9, "kl": 1e9}, ripe=False)] == [URGENT[1]]
    assert [one.name for one in watch.see(0.02, {"loss": 200.0, "kl": 0.0})] == ["saturation"]


def test_a_watch_of_a_continued_run_knows_the_loss_before() -> None:
    fresh, continued = Watch(GAUSSIAN, Objective()), Watch(GAUSSIAN, Objective(), [540.0, 100.0])
    assert fresh.see(0.5, {"loss": 9_000.0, "kl": 20.0}) == []
    assert [one.name for one in continued.see(0.5, {"loss": 9_000.0, "kl": 20.0})] == ["exploding"]


def train(out: Path, *options: str) -> int:
    return main(["train", "--model", "mlp", "--hidden", "24", "--device", "cpu", *options, "--out", str(out)])


def test_a_run_that_collapses_is_warned_once_and_finishes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path / "m.safetensors", "--beta", "64", "--epochs", "12") == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Warning: ")]
    assert sum("collapsed" in line for line in warnings) == 1
    assert len(set(warnings)) == len(warnings)


def test_a_run_that_explodes_is_warned_or_stopped_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = train(tmp_path / "m.safetensors", "--likelihood", "bernoulli", "--learning-rate", "1000", "--epochs", "5")
    told = capsys.readouterr().err
    assert ("explode" in told and "Warning: " in told) or (status == 2 and "not finite" in told)
    assert "Traceback" not in told


def test_a_healthy_run_is_not_warned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path / "m.safetensors", "--epochs", "30", "--latent-dim", "4") == 0
    assert "Warning" not in capsys.readouterr().err
