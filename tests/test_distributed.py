"""Two processes by torchrun give the loss curve of one with the same global batch."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vae_core import checkpoints
from vae_core.cli import main

# 1,437 pictures in batches of 99: 14 whole ones, which do not halve evenly, and one of 51. Free bits are decided for
# the whole batch, bits and noise are drawn for it, and the gradient is clipped by its norm.
RECIPE = shlex.split(
    "train --device cpu --hidden 48 --latent-dim 6 --epochs 4 --batch-size 99 --likelihood bernoulli --free-bits 0.2 "
    "--beta-schedule linear --clip 20 --learning-rate 0.003 --mirror on"
)
TORCHRUN = shlex.split("torch.distributed.run --standalone --nproc_per_node 2 -m vae_core")


@pytest.mark.timeout(180)
def test_two_processes_give_the_loss_curve_of_one(tmp_path: Path, root: Path) -> None:
    alone, together = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    assert main([*RECIPE, "--out", str(alone)]) == 0
    done = subprocess.run(
        [sys.executable, "-m", *TORCHRUN, *RECIPE, "--save-every", "0", "--out", str(together)],
        cwd=root,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("2 processes") == 1, "there were two, and one of them spoke"
    assert done.stderr.count("epoch 4/4 ") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.safetensors", "two.safetensors"]
    one, two = checkpoints.load(alone), checkpoints.load(together)
    for name in ("loss", "score"):
        curve = [row[name] for row in one.history]
        assert [row[name] for row in two.history] == pytest.approx(curve, abs=1e-4, rel=1e-6), name
    start, end = (one.history[k]["train"]["kl_per_dim"] for k in (0, -1))
    assert min(start) < 0.2 < max(end), "free bits mattered"
    for name, tensor in one.model.state_dict().items():
        assert torch.allclose(two.model.state_dict()[name], tensor, atol=1e-4), name
