"""Files that are no models of ours are named for what they are, with what to do next, and never opened."""

from __future__ import annotations

import gzip
import io
import pickle
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import helper
from PIL import Image

from pages.widgets.shell.models import MAX_SENTENCE
from vae_core import checkpoints, data, filetypes
from vae_core.checkpoints import CheckpointError
from vae_core.cli import main
from vae_core.config import DataConfig


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"0" * 9_000)
    return buffer.getvalue()


def saved(old: bool = False, **more: object) -> bytes:
    """What torch.save writes: today, or before 1.6."""
    buffer = io.BytesIO()
    torch.save({"state_dict": {"w": torch.zeros(3_000)}, **more}, buffer, _use_new_zipfile_serialization=not old)
    return buffer.getvalue()


def traced() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Linear(200, 200), torch.zeros(1, 200)), buffer)
    return buffer.getvalue()


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, images=np.zeros((9, 8, 8)))
    return buffer.getvalue()


def graph() -> bytes:
    ends = [[helper.make_tensor_value_info(name, 1, [2])] for name in "xy"]
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    return helper.make_model(helper.make_graph(nodes, "g", *ends)).SerializeToString()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
PAGE = b"\n<!DOCTYPE html>\n<html><body>Sign in</body></html>"
KINDS = {
    "torch.save": (saved, ("PyTorch's", "never opened", "vae_core.wrap")),
    "Lightning": (lambda: saved(**{"pytorch-lightning_version": "2.6"}), ("PyTorch's", ".ckpt", "vae_core.wrap")),
    "torch.save of before": (lambda: saved(old=True), ("a pickle", "never opened", "vae_core.wrap")),
    "TorchScript": (traced, ("PyTorch's", "vae_core.wrap")),
    "pickle": (lambda: pickle.dumps({"w": [1, 2]}), ("a pickle", "never opened", "vae_core.wrap")),
    "pickle as text": (lambda: pickle.dumps({"w": [1, 2]}, 0), ("a pickle", "never opened")),
    "LFS pointer": (lambda: POINTER, ("pointer of Git LFS", "git lfs pull")),
    "web page": (lambda: PAGE, ("web page (HTML)", "download the file itself")),
    "web page with a mark": (lambda: b"\xef\xbb\xbf<!-- saved --><HTML>", ("web page (HTML)",)),
    "message": (lambda: b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', ("message of a web",)),
    "Keras": (lambda: zipped("metadata.json", "config.json", "model.weights.h5"), ("Keras model", "vae import")),
    "HDF5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(99), ("HDF5", "vae import")),
    "ONNX": (graph, ("ONNX graph, half of a model", "vae import encoder.onnx decoder.onnx")),
    "arrays": (arrays, ("arrays of NumPy", "vae train --data")),
    "zip": (lambda: zipped("readme.txt"), ("a zip: unpack it",)),
    "SVG": (lambda: b'<?xml version="1.0"?>\n<svg width="9"></svg>', ("SVG", "export it as PNG")),
    "GGUF": (lambda: b"GGUF\x03" + bytes(99), ("GGUF",)),
}


@pytest.fixture(autouse=True)
def never_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((pickle, "loads"), (pickle, "load"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("it was unpickled"))


@pytest.mark.parametrize("name", KINDS)
def test_a_file_is_named_with_what_to_do_next(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As an upload, whatever it is called, and on the command line."""
    make, words = KINDS[name]
    content, path = make(), tmp_path / "model.safetensors"
    path.write_bytes(content)
    said = []
    for source in (content, path):
        with pytest.raises(CheckpointError) as error:
            checkpoints.load(source)
        said.append(str(error.value))
    assert main(["info", str(path)]) == 2
    said.append(capsys.readouterr().err)
    assert all(word in text for word in words for text in said), said
    assert said[0] == said[1] and len(said[0]) <= MAX_SENTENCE and "\n" not in said[0]
    assert filetypes.explain_file(path) == filetypes.explain(content)


@pytest.mark.parametrize("name", ["torch.save", "LFS pointer", "web page", "Keras"])
def test_an_import_of_no_graphs_says_what_they_are(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, words = KINDS[name]
    for half in ("encoder", "decoder"):
        (tmp_path / f"{half}.onnx").write_bytes(graph() if half == "encoder" else make())
    halves = [str(tmp_path / f"{half}.onnx") for half in ("encoder", "decoder")]
    assert main(["import", *halves, "--data", "digits", "--out", str(tmp_path / "made.safetensors")]) == 2
    said = capsys.readouterr().err
    assert "The decoder 'decoder.onnx' is not an ONNX file." in said and words[0] in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("torch.save", ("PyTorch's", "never opened", "numpy.savez('mine.npz', images=")),
        ("Lightning", ("PyTorch's", ".ckpt", "numpy.savez")),
        ("torch.save of before", ("a pickle", "never opened", "numpy.savez")),
        ("pickle", ("a pickle", "numpy.savez")),
        ("LFS pointer", ("pointer of Git LFS", "git lfs pull")),
        ("web page", ("web page (HTML)", "download the file itself")),
        ("message", ("message of a web server",)),
        ("Keras", ("Keras model", "no pictures")),
        ("ONNX", ("ONNX graph", "no pictures")),
        ("model", ("safetensors", "no pictures")),
        ("tar.gz", ("unpack it",)),
    ],
)
def test_a_file_given_as_data_is_named(
    name: str, words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As bytes, as a file, and on the command line; a model is not what is wanted here."""
    more = {"model": lambda: checkpoints.find("digits").read_bytes(), "tar.gz": lambda: gzip.compress(b"x" * 900)}
    content, path = (more[name] if name in more else KINDS[name][0])(), tmp_path / "pictures.npz"
    path.write_bytes(content)
    said = []
    for source in (content, path):
        with pytest.raises(ValueError) as error:
            data.load(DataConfig("mine"), source)
        said.append(str(error.value))
    assert main(["train", "--data", str(path), "--out", str(tmp_path / "m.safetensors")]) == 2
    said.append(capsys.readouterr().err)
    assert all(word in text for word in words for text in said), said
    assert "vae_core.wrap" not in said[0] and "something else" not in said[0] and "\n" not in said[0]


@pytest.mark.parametrize("name", ["LFS pointer", "web page", "SVG", "pickle"])
def test_pictures_that_are_something_else_are_named(name: str, tmp_path: Path) -> None:
    """A folder of nothing else, and one among others."""
    make, words = KINDS[name]
    (tmp_path / "cat").mkdir()
    for k in range(3):
        (tmp_path / "cat" / f"{k}.png").write_bytes(make())
    with pytest.raises(ValueError, match="None of 3 pictures could be read") as error:
        data.load(DataConfig("mine"), tmp_path)
    assert words[0] in str(error.value)
    Image.new("L", (16, 16)).save(tmp_path / "cat" / "good.png")
    Image.new("L", (16, 16)).save(tmp_path / "cat" / "fine.png")
    notes = data.load(DataConfig("mine"), tmp_path).train.notes
    assert any("3 that could not be read" in note and words[0] in note for note in notes)


def test_what_may_hold_pictures_is_not_named_for_another_thing() -> None:
    for content in (arrays(), zipped("a.png"), zipped("a.png", "data.npy"), b"\x89HDF\r\n\x1a\n" + bytes(99), b""):
        assert filetypes.explain_as_data(content) is None
    picture = io.BytesIO()
    Image.new("L", (16, 16)).save(picture, "PNG")
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        archive.writestr("data.pkl", b"0" * 99)
        for k in range(3):
            archive.writestr(f"{k}.png", picture.getvalue())
    assert len(data.load(DataConfig("mine"), packed.getvalue()).whole()) == 3, "a pickle beside pictures is left out"


def test_what_is_larger_than_a_model_is_named_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "big.ckpt"
    path.write_bytes(saved())
    with pytest.raises(CheckpointError, match="PyTorch's"):
        checkpoints.read_file(path, max_bytes=1_000)


def test_models_pictures_and_nothing_are_none_of_these() -> None:
    for content in (checkpoints.find("digits").read_bytes(), b"\x89PNG\r\n\x1a\n" + bytes(99), b"", b"\xff\xd8\xff"):
        assert filetypes.explain(content) is None
    for first in (b"\x80\x02", b"\x08\x01\x12", b"PK"):  # the length of a header, which happens to look like them
        assert filetypes.explain(first.ljust(8, b"\0") + b'{"__metadata__":{"vae-explorer":"."}}') is None
