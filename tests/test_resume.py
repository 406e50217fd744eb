"""A run stopped at any moment and continued ends with the same weights, bit for bit, as a run never stopped.

The victims are real processes, killed with SIGKILL.
"""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from vae_core import checkpoints, files, training
from vae_core.cli import main

EPOCHS = 25  # all deaths together take fewer: a victim lives for so many states, or so long after one
# All that has a state of its own: dropout, statistics of batch norm, moments, schedules, free bits, early best weights.
RECIPE = (
    f"train --device cpu --hidden 48 --latent-dim 4 --epochs {EPOCHS} --batch-size 100 --norm batch --dropout 0.1 "
    "--clip 5 --likelihood bernoulli --beta-schedule cyclical --free-bits 0.05 --weight-decay 0.01 "
    "--mirror on --learning-rate 0.05 --lr-schedule constant --save-every 0 --out"
).split()
# One process that has imported everything bears the victims, so that none of them has to.
NURSERY = """
import itertools, json, os, signal, sys, threading
import accelerate, sklearn.datasets, torch._dynamo, vae_core.cli.training, vae_core.training
from vae_core import checkpoints
from vae_core.cli import main

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def while_writing(n):  # in its n-th fsync: the temporary file is there, and not yet renamed
    calls, fsync = itertools.count(1), os.fsync
    os.fsync = lambda descriptor: die() if next(calls) == n else fsync(descriptor)

def later(seconds):  # after it wrote its first state: on a busy machine it only comes less far
    write = checkpoints.write_bytes
    def write_and_wind_up(*arguments):
        write(*arguments)
        checkpoints.write_bytes = write
        threading.Timer(seconds, die).start()
    checkpoints.write_bytes = write_and_wind_up

for line in sys.stdin:
    how, when, arguments = json.loads(line)
    if not (child := os.fork()):
        globals()[how](when)
        os._exit(main(arguments))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
MOMENTS = 2  # deaths after a time drawn at random, and as many in the middle of writing a state


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> checkpoints.Checkpoint:
    """The run that was never stopped."""
    out = tmp_path_factory.mktemp("resume") / "whole.safetensors"
    assert main([*RECIPE, str(out)]) == 0
    return checkpoints.load(out)


def assert_same(out: Path, unbroken: checkpoints.Checkpoint) -> None:
    """Weights and figures of every epoch, seconds aside."""
    found = checkpoints.load(out)
    for name, tensor in unbroken.model.state_dict().items():
        assert torch.equal(found.model.state_dict()[name], tensor), name
    assert [{**row, "seconds": 0} for row in found.history] == [{**row, "seconds": 0} for row in unbroken.history]


def epochs_in(state: Path) -> int:
    return len(checkpoints.read_file(state)[0]["history"]) if state.exists() else 0


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, float, list[str]], int]]:
    """Let a command die `later` or `while_writing`, and tell its exit status."""
    told = tmp_path_factory.mktemp("nursery") / "told.txt"
    with (
        told.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as nursery,
    ):
        assert nursery.stdin and nursery.stdout

        def kill(how: str, when: float, arguments: list[str]) -> int:
            assert nursery.stdin and nursery.stdout
            print(json.dumps([how, when, arguments]), file=nursery.stdin, flush=True)
            status = nursery.stdout.readline()
            assert status, f"the nursery is dead:\n{told.read_text()[-2000:]}"
            return int(status)

        yield kill


@pytest.mark.timeout(240)
def test_killed_at_any_moment_and_resumed(
    tmp_path: Path, unbroken: checkpoints.Checkpoint, killed: Callable[[str, float, list[str]], int]
) -> None:
    out, state = tmp_path / "m.safetensors", tmp_path / "m.state.safetensors"
    arguments = [*RECIPE, str(out), "--resume"]
    moments, reached, half_written = random.Random(0), [0], 0
    for death in range(2 * MOMENTS):
        if death % 2:
            status = killed("while_writing", 2 + death, arguments)
        else:
            status = killed("later", moments.uniform(0, 0.1), arguments)
        assert status == -signal.SIGKILL, "the run was over before it was killed, or failed"
        half_written += any(tmp_path.glob("*.tmp"))
        reached.append(epochs_in(state))
    assert reached == sorted(set(reached)), "each life goes on where the last one ended"
    assert half_written, "no death fell into the writing of a state"
    assert main([*RECIPE, str(out), "--resume"]) == 0
    assert_same(out, unbroken)
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


@pytest.mark.parametrize("every", ["0", "1000"])
def test_ctrl_c_tells_how_to_go_on(
    every: str,
    tmp_path: Path,
    unbroken: checkpoints.Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, step, calls = tmp_path / "m.safetensors", training.Run._step, iter(range(10**6))
    done = min(unbroken.metrics["best_epoch"] + 1, EPOCHS - 1)  # the best weights lie in the past

    def interrupted(run: training.Run, *rest: object) -> object:
        if next(calls) == done * run.batches + 2:
            raise KeyboardInterrupt
        return step(run, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(training.Run, "_step", interrupted)
        assert main([*RECIPE, str(out), "--save-every", every]) == 130
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == f"Stopped in epoch {done + 1} of {EPOCHS}: go on with the same command and --resume."
    assert sum("Stopped" in line for line in told) == 1
    assert main([*RECIPE, str(out), "--resume"]) == 0
    assert f"Resumed after epoch {done} of {EPOCHS}." in capsys.readouterr().err
    assert_same(out, unbroken)


def test_killed_after_the_checkpoint_and_before_the_state_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, state = tmp_path / "m.safetensors", tmp_path / "m.state.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(files, "discard", lambda state: None)
        assert main([*RECIPE, str(out), "--epochs", "2"]) == 0
    assert state.exists()
    half_written = tmp_path / f"{out.name}k3_abcde.tmp"  # and another life was killed while it wrote the checkpoint
    half_written.touch()
    before = out.read_bytes()
    assert main([*RECIPE, str(out), "--epochs", "2", "--resume"]) == 0
    assert "finished already" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_killed_while_writing_the_checkpoint(
    tmp_path: Path, killed: Callable[[str, float, list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    out, mine = tmp_path / "m.safetensors", tmp_path / "m.safetensors.old.tmp"
    arguments = [*RECIPE, str(out), "--epochs", "2"]
    mine.touch()
    assert killed("while_writing", 3, arguments) == -signal.SIGKILL  # two states before it
    assert len(list(tmp_path.glob(f"{out.name}*.tmp"))) == 2
    assert main([*arguments, "--resume"]) == 0
    assert "Resumed after epoch 2 of 2." in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == [out, mine]


def test_ctrl_c_after_the_last_epoch_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.safetensors"
    monkeypatch.setattr(checkpoints, "save", interrupted)
    assert main([*RECIPE, str(out), "--epochs", "1"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "Stopped."


def test_a_state_of_another_recipe_or_a_damaged_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, state = tmp_path / "m.safetensors", tmp_path / "m.state.safetensors"
    monkeypatch.setattr(checkpoints, "save", interrupted)
    assert main([*RECIPE, str(out), "--epochs", "2"]) == 130
    good = state.read_bytes()
    monkeypatch.undo()
    finished = tmp_path / "finished.safetensors"
    assert main([*RECIPE, str(finished), "--epochs", "2"]) == 0
    assert main([*RECIPE, str(out), "--epochs", "3", "--resume"]) == 2
    assert "another recipe" in capsys.readouterr().err
    state.write_bytes(good[:-100])
    assert main([*RECIPE, str(out), "--epochs", "2", "--resume"]) == 2
    assert "damaged or cut short" in capsys.readouterr().err
    state.write_bytes(finished.read_bytes())
    assert main([*RECIPE, str(out), "--epochs", "2", "--resume"]) == 2
    assert "is not the state of a run" in capsys.readouterr().err
    assert not out.exists()


def test_resume_without_a_state_starts_at_the_beginning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RECIPE, str(tmp_path / "m.safetensors"), "--epochs", "1", "--resume"]) == 0
    assert "starting at the beginning" in capsys.readouterr().err
