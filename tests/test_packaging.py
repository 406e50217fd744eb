"""A trained run as a checkpoint: its figures, its reference encodings, and data of which little can be told."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.test_training import bars, finished, recipe
from vae_core import checkpoints, packaging, scoring
from vae_core.data import Splits
from vae_core.packaging import package


def test_the_package_holds_what_a_page_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging, "REFERENCES", 16)
    run = finished(recipe())
    made = package(run, "d" * 9999)
    path = tmp_path / "model.safetensors"
    checkpoints.save(made, path)
    found = checkpoints.load(path)
    test = run.splits.test
    assert len(found.description) == checkpoints.MAX_TEXT
    assert found.data.sizes == (96, 20, 24)
    assert (found.data.credit, found.data.licence, found.data.class_names) == ("drawn here", "MIT", test.class_names)
    assert found.metrics["test_pictures"] == 24
    assert found.metrics["best_epoch"] == 1 + max(range(3), key=lambda i: run.history[i]["score"])
    assert found.metrics["bits_per_dimension"] == pytest.approx(-found.metrics["elbo"] / (64 * math.log(2)))
    whole = scoring.statistics(run.model, test.images, 0)
    assert found.metrics["elbo"] == pytest.approx(whole.elbo.mean().item(), rel=1e-6)
    rows = found.reference.index
    assert len(rows) == 16 and rows.tolist() == sorted(set(rows.tolist()))
    assert torch.equal(found.reference.labels, test.labels[rows])
    assert torch.equal(found.reference.mean, checkpoints.shortened(whole.mean[rows]))
    assert torch.allclose(found.reference.error, whole.reconstruction[rows])
    assert torch.equal(found.reference.kl, checkpoints.shortened(whole.kl[rows]))


def test_weights_are_rounded_before_they_are_measured_and_take_half_the_room(tmp_path: Path) -> None:
    """A file has what the figures are of, to the last bit."""
    whole, half = (
        finished(replace(recipe(), training=replace(recipe().training, weights=kind)))
        for kind in ("float32", "float16")
    )
    made, paths = package(half), [tmp_path / name for name in ("whole.safetensors", "half.safetensors")]
    for run, path in zip((whole, half), paths, strict=True):
        checkpoints.save(package(run), path)
    found = checkpoints.load(paths[1]).model.state_dict()
    for name, tensor in whole.model.state_dict().items():
        if not name.startswith(checkpoints.FITTED):  # that is fitted to what the rounded weights give
            assert torch.equal(found[name], checkpoints.shortened(tensor)), name
    stored = [checkpoints.read_file(path)[1] for path in paths]
    own = [
        {name: t for name, t in s.items() if name.startswith("model.") and checkpoints.FITTED not in name}
        for s in stored
    ]
    sizes = [sum(t.nbytes for t in tensors.values()) for tensors in own]
    assert sizes[1] == sizes[0] / 2
    again = scoring.statistics(checkpoints.load(paths[1]).model, half.splits.test.images, 0)
    assert made.metrics["elbo"] == pytest.approx(again.elbo.mean().item(), rel=1e-6)


def test_one_class_trains() -> None:
    part = replace(bars(12), labels=torch.zeros(12, dtype=torch.long), class_names=("level",))
    run = finished(recipe(), Splits(part, part, part))
    assert package(run).reference.labels.tolist() == [0] * 12


def test_three_equal_pictures_train(tmp_path: Path) -> None:
    one = bars(1)
    run = finished(recipe("conv", net={"norm": "batch"}), Splits(one, one, one))
    path = tmp_path / "model.safetensors"
    checkpoints.save(package(run), path)
    assert checkpoints.load(path).reference.tsne is None
