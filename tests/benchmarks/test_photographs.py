"""Photographs of handwriting: how many digits the default model's encoder places among those of their class."""

import io
import multiprocessing
import time

import numpy as np
import pytest
import torch
from PIL import Image

from tests import handwriting
from vae_core import checkpoints, data, explore, images
from vae_core.checkpoints import Checkpoint
from vae_core.config import DataConfig

EACH = 34  # photographs a kind
NEIGHBOURS = 5  # that vote, among the reference means
REACH = 0.88  # of all photographs
CAMERA = (4000, 3000)  # pixels of a telephone's camera
SEED = 20_000
PROCESSES = 4  # that render and cut out
HOW, DARK = data.preparation(DataConfig("mnist"))


def named(checkpoint: Checkpoint, x: torch.Tensor) -> torch.Tensor:
    """The class (N,) that most of the nearest reference means have, for pictures (N, 1, 28, 28)."""
    reference = checkpoint.reference
    assert reference is not None and reference.labels is not None
    means = torch.cat([explore.encode(checkpoint.model, part)[0] for part in x.split(500)])
    nearest = torch.cdist(means, reference.mean).topk(NEIGHBOURS, largest=False).indices
    return torch.nn.functional.one_hot(reference.labels[nearest].long()).sum(1).argmax(1)


def seen(job: tuple[np.ndarray, str, int]) -> np.ndarray:
    """What the model sees (1, 28, 28) of a digit (28, 28), photographed as a kind with a seed."""
    digit, kind, seed = job
    content = handwriting.photograph(handwriting.scene(handwriting.skeleton(digit), kind, seed))
    return images.prepare(images.open_image(content), (1, 28, 28), HOW, DARK).x[0].numpy()


@pytest.mark.timeout(3600)
def test_digits_in_photographs_are_named(data_root, capsys) -> None:
    checkpoint = checkpoints.load(checkpoints.find("mnist"))
    test = data.load(checkpoint.recipe.data, root=data_root).test
    others = np.setdiff1d(np.arange(len(test)), checkpoint.reference.index.numpy())
    rng = np.random.default_rng(SEED)
    rows = np.concatenate([rng.choice(others, EACH, replace=False) for _ in handwriting.KINDS]).tolist()
    kinds = [kind for kind in handwriting.KINDS for _ in range(EACH)]
    digits = test.float(rows)[:, 0].double().numpy()
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        found = pool.map(seen, list(zip(digits, kinds, range(SEED, SEED + len(rows)), strict=True)), 4)
    labels = test.labels[rows]
    right = named(checkpoint, torch.tensor(np.stack(found))) == labels
    themselves = named(checkpoint, test.float(rows)) == labels
    with capsys.disabled():
        print(f"\n{len(rows)} photographs of test digits, named by {NEIGHBOURS} neighbours; the digits themselves")
        for kind in handwriting.KINDS:
            here = torch.tensor([each == kind for each in kinds])
            print(f"  {kind:8} {right[here].float().mean():.2f}  {themselves[here].float().mean():.2f}")
        print(f"  {'all':8} {right.float().mean():.3f}  {themselves.float().mean():.3f}")
    assert right.float().mean() >= REACH


def test_a_photograph_of_twelve_megapixels(capsys) -> None:
    line = np.zeros((100, 60), bool)
    line[np.arange(100), np.arange(100) * 6 // 10] = True
    small = Image.open(io.BytesIO(handwriting.photograph(handwriting.scene(line, "squared", SEED))))
    buffer = io.BytesIO()
    small.resize(CAMERA).save(buffer, "JPEG", quality=85)
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        image = images.open_image(buffer.getvalue())
        opened = time.perf_counter()
        assert images.prepare(image, (1, 28, 28), HOW, DARK).cutout is not None
        taken.append((opened - start, time.perf_counter() - opened))
    decode, cut = np.median(taken[1:], axis=0)
    with capsys.disabled():
        print(f"\n12 megapixels: decoded in {decode:.2f} s, cut out in {cut:.2f} s")
