"""`vae train --data FOLDER` against pythae 0.1.2: as many minutes on as many processors, KID of the samples.

Both train at the same time, each with half of the machine's processors, so that what else runs slows both. MINUTES and
SETS choose how long and on what; SHEETS names a folder for pictures of both, side by side.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.benchmarks import own
from vae_core import checkpoints, explore, features, scoring
from vae_core.images import grid
from vae_core.realism import kid

MINUTES = float(os.environ.get("MINUTES", "10"))
SETS = os.environ.get("SETS", "characters,emoji,photographs").split(",")
HELD, COUNT, DIM, WIDTHS, BATCH = 0.2, 1_000, 32, (32, 64, 128, 256), 64
MIXTURE, FLOW_PASSES = 10, 50
SHOWN = 12  # pictures of a row of a sheet

Found = dict[str, Tensor]


def ours(folder: Path, held: Tensor, out: Path) -> Found:
    """The command with a folder and a length alone: draws of both priors, reconstructions of held-out pictures."""
    words = ("train", "--data", str(folder), "--minutes", str(MINUTES), "--out", str(out))
    subprocess.run([sys.executable, "-m", "vae_core", *words], check=True, stdout=subprocess.DEVNULL)
    model = checkpoints.load(out).model
    mean, _ = scoring.encode(model, held)
    found = {"reconstructions": explore.decode(model, mean)}
    for name, fitted in (("N(0, I)", False), (model.spec.fitted or "", True)):
        if not fitted or model.spec.fitted:
            found[name] = explore.decode(model, explore.sample(model, COUNT, seed=1, fitted=fitted))
    return found


def theirs(train: Tensor, held: Tensor, folder: Path) -> Found:
    """The peer's VAE with three of its samplers; what these take comes on top of its minutes."""
    from pythae.samplers import (
        GaussianMixtureSampler,
        GaussianMixtureSamplerConfig,
        MAFSampler,
        MAFSamplerConfig,
        NormalSampler,
    )
    from pythae.trainers import BaseTrainerConfig

    x = train.float() / 255
    model = own.peer(x, DIM, WIDTHS, folder, BATCH)
    for _ in own.passes(model, 60 * MINUTES):
        pass
    model.eval()
    with torch.no_grad():
        found = {
            "reconstructions": torch.cat(
                [model.decoder(model.encoder(part.float() / 255).embedding).reconstruction for part in held.split(500)]
            )
        }
    mixture = GaussianMixtureSampler(model, GaussianMixtureSamplerConfig(n_components=MIXTURE))
    mixture.fit(x)
    flow = MAFSampler(model, MAFSamplerConfig())
    flow.fit(x, x[-500:], BaseTrainerConfig(output_dir=str(folder), num_epochs=FLOW_PASSES, no_cuda=True))
    for name, sampler in (("N(0, I)", NormalSampler(model)), ("mixture", mixture), ("flow", flow)):
        draws = sampler.sample(num_samples=COUNT, return_gen=True).clamp(0, 1)
        found[name] = draws[torch.randperm(len(draws), generator=torch.Generator().manual_seed(0))]
    return found


def one(who: str, threads: int, train: Path, folder: Path, out: Path) -> None:
    """A side's work in a process of its own, its pictures in a file."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with np.load(train) as arrays:
        shown, held = (torch.from_numpy(arrays[name]) for name in ("train", "held"))
    with torch.inference_mode() if who == "ours" else torch.enable_grad():
        found = ours(folder, held, out / "model.safetensors") if who == "ours" else theirs(shown, held, out / "peer")
    np.savez(out / f"{who}.npz", **{name: images.detach().numpy() for name, images in found.items()})


def psnr(made: Tensor, real: Tensor) -> float:
    """Decibels of reconstructions, the mean over pictures."""
    return -10 * (made - real.float() / 255).square().flatten(1).mean(1).log10().mean().item()


@pytest.mark.timeout(0)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SETS)
def test_own_pictures(name: str, data_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = own.pictures(name, data_root)
    cut = int(len(images) * (1 - HELD))
    folder = own.as_folder(images[:cut], tmp_path / name)
    both = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()  # (N, H, W, C) -> (N, C, H, W)
    train, held = both[:cut], both[cut:][:COUNT]
    np.savez(tmp_path / "parts.npz", train=train.numpy(), held=held.numpy())
    threads = max(1, (os.cpu_count() or 1) // 2)
    context = multiprocessing.get_context("spawn")
    sides = [
        context.Process(target=one, args=(who, threads, tmp_path / "parts.npz", folder, tmp_path))
        for who in ("ours", "theirs")
    ]
    for side in sides:
        side.start()
    for side in sides:
        side.join()
    assert not any(side.exitcode for side in sides)
    net = features.learn(train)
    real, more = net(held), net(train[:COUNT])
    rows, scores = [("real", "training pictures", kid(real, more), float("nan"))], {}
    for who in ("ours", "theirs"):
        with np.load(tmp_path / f"{who}.npz") as arrays:
            found = {key: torch.from_numpy(arrays[key]) for key in arrays}
        rebuilt = net(found["reconstructions"])
        for key, made in found.items():
            seen = net(made)
            excess = psnr(made, held) if key == "reconstructions" else kid(rebuilt, seen)
            rows.append((who, key, kid(real, seen), excess))
            if key != "reconstructions":
                scores[who, key] = rows[-1][2]
        if sheets := os.environ.get("SHEETS"):
            Path(sheets).mkdir(parents=True, exist_ok=True)
            sheet = torch.cat([held[:SHOWN].float() / 255, *(made[:SHOWN] for made in found.values())])
            grid(sheet, SHOWN).save(Path(sheets) / f"{name}-{who}.png")
    with capsys.disabled():
        print(
            f"\n{name}: {len(train):,} pictures, {MINUTES:g} minutes each on {threads} of {os.cpu_count()} processors"
        )
        print(f"  {'':8}{'':18}{'KID to held-out':>16}{'to own reconstructions (PSNR there, dB)':>42}")
        for who, key, score, excess in rows:
            print(f"  {who:8}{key:18}{score:16.1f}{excess:42.1f}")
    best = {who: min(score for (side, _), score in scores.items() if side == who) for who in ("ours", "theirs")}
    assert best["ours"] < best["theirs"]
