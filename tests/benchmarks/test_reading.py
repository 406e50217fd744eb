"""Reading 20,000 PNG files from a folder, without a cache: rate against torchvision's loader, and memory."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import ToTensor

from vae_core import data
from vae_core.config import DataConfig
from vae_core.data import loading

COUNT, CLASSES, SIDE, ROUNDS = 20_000, 10, 64, 5
MEMORY = """
import resource, sys
from pathlib import Path
from vae_core import data, images
from vae_core.config import DataConfig
data.load(DataConfig("few"), Path(sys.argv[2]))  # what reading needs whatever it reads
def now(): return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = now()
splits = data.load(DataConfig("many"), Path(sys.argv[1]))
peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print((peak - before) / sum(part.images.nbytes for part in (splits.train, splits.val, splits.test)))
"""


def pictures(folder: Path, count: int) -> Path:
    """Soft blobs of colour with a camera's noise, a folder a class: about 8 kB each."""
    rng = np.random.default_rng(0)
    for k in range(count):
        place = folder / str(k % CLASSES)
        place.mkdir(parents=True, exist_ok=True)
        blobs = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((SIDE, SIDE))
        noisy = np.asarray(blobs, np.int64) + rng.integers(-6, 7, (SIDE, SIDE, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(place / f"{k}.png")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("many"), COUNT)


def ours(folder: Path) -> data.Splits:
    """With progress, and so with a place to cancel at; nothing is left from the turn before."""
    loading._CACHE = loading._Cache(loading.CACHE_BYTES)
    return data.load(DataConfig("many"), folder, progress=lambda share, text: None)


def torchvision(folder: Path) -> torch.Tensor:
    """What a script would do: a loader of two workers into one uint8 tensor."""
    found = ImageFolder(folder, ToTensor())
    out, row = torch.empty(len(found), 3, SIDE, SIDE, dtype=torch.uint8), 0
    for x, _ in DataLoader(found, batch_size=256, num_workers=2):
        out[row : row + len(x)] = x.mul_(255).round_()
        row += len(x)
    return out


def turns(folder: Path) -> Iterator[tuple[float, float]]:
    """Seconds of ours and of torchvision's, one after the other."""
    for _ in range(ROUNDS):
        moments = [time.perf_counter()]
        for read in (ours, torchvision):
            read(folder)
            moments.append(time.perf_counter())
        yield moments[1] - moments[0], moments[2] - moments[1]


def test_the_same_pictures_come_out(folder: Path) -> None:
    splits, theirs = ours(folder), torchvision(folder)
    files = [Path(path).relative_to(folder).as_posix() for path, _ in ImageFolder(folder).samples]
    places = {name: row for row, name in enumerate(files)}
    whole = splits.whole()
    assert torch.equal(whole.images, theirs[[places[name] for name in whole.names]])


@pytest.mark.timeout(1200)
def test_rate_against_torchvision(folder: Path) -> None:
    rates = [(COUNT / mine, COUNT / theirs) for mine, theirs in turns(folder)]
    ratio = statistics.median(mine / theirs for mine, theirs in rates)
    mine, theirs = (statistics.median(column) for column in zip(*rates, strict=True))
    print(f"\n{COUNT:,} PNG of {SIDE} x {SIDE} from a folder, {len(os.sched_getaffinity(0))} cores:")
    print(f"torchvision's ImageFolder, ToTensor, DataLoader of two workers: {theirs:,.0f} pictures/s")
    print(f"ours {mine:,.0f} pictures/s: {ratio:.2f} times as many (median of {ROUNDS} turns; asked: 1.5)")
    assert ratio > 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_against_the_pictures(folder: Path, tmp_path: Path) -> None:
    few = pictures(tmp_path / "few", 200)
    command = [sys.executable, "-c", MEMORY, str(folder), str(few)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    ratio = float(found.stdout)
    print(f"\nmemory while {COUNT:,} are read: {ratio:.2f} of the pictures' bytes (asked: 1.3)")
    assert ratio > 0.9
