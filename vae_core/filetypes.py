"""What a file is that is no model of ours, or no pictures, told by how it begins and ends: nothing of it is run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

HEAD, TAIL = 4_096, 2**16  # bytes at both ends that tell: the list of what a zip holds stands at its end
WRAP = "where the model lives, vae_core.wrap(encoder, decoder, data=...).save('mine.safetensors') makes a file to open"
CODE = "could run anybody's code and is never opened"
PICTURES = "where its pictures are, numpy.savez('mine.npz', images=..., labels=...) makes a file to train on"
IMPORT = "vae import encoder.onnx decoder.onnx --data FOLDER --out mine.safetensors"
ONNX = f"It is an ONNX graph, half of a model: with its encoder and its decoder, run: {IMPORT}"
_SAFETENSORS = b"\0\0\0\0{"  # the upper half of a length, behind a lower one that may look like anything, and JSON
_ONNX = re.compile(rb"\x08[\x01-\x20][\x12\x1a\x22\x28\x32\x3a\x42]")  # ir_version, and the field behind it
_PICKLE = re.compile(rb"\x80[\x02-\x05].*[.\x94]|\(dp\d+\n|\(lp\d+\n|ccopy_reg\n", re.DOTALL)
_SVG = re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml|<!--|<!doctype svg|<svg)", re.IGNORECASE)
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*(<!doctype html|<html|<!--)", re.IGNORECASE)
_XML = re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml|<error>)", re.IGNORECASE)

# What tells a kind at a file's beginning and at its end. The first that fits is it.
_KINDS: dict[str, Callable[[bytes, bytes], object]] = {
    "pointer": lambda head, tail: head.startswith(b"version https://git-lfs"),
    "drawing": lambda head, tail: _SVG.match(head) and b"<svg" in head and b"<html" not in head.lower(),
    "page": lambda head, tail: _PAGE.match(head),
    "message": lambda head, tail: _XML.match(head),
    "torch": lambda head, tail: head.startswith(b"PK") and b"data.pkl" in head + tail,
    "keras": lambda head, tail: head.startswith(b"PK") and b"model.weights.h5" in head + tail,
    "arrays": lambda head, tail: head.startswith(b"PK") and b".npy" in head + tail,
    "zip": lambda head, tail: head.startswith(b"PK"),
    "pickle": lambda head, tail: _PICKLE.match(head),
    "hdf5": lambda head, tail: head.startswith(b"\x89HDF\r\n\x1a\n"),
    "onnx": lambda head, tail: _ONNX.match(head),
    "gguf": lambda head, tail: head.startswith(b"GGUF"),
}
# What is said of each, whatever it should have been.
_SAID = {
    "pointer": "It is a pointer of Git LFS, a few lines in the place of the file: run git lfs pull in the clone, or "
    "download the file itself.",
    "page": "It is a web page (HTML), saved in the place of the file: download the file itself, on Hugging Face by the "
    "address with /resolve/ in the place of /blob/.",
    "message": "It is a message of a web server (XML), saved in the place of the file: download the file itself again.",
    "drawing": "It is SVG, a drawing by lines and no pixels: export it as PNG.",
    "gguf": "It is GGUF, the weights of a language model.",
}
_AS_MODEL = _SAID | {
    "torch": f"It is PyTorch's (torch.save: .pt, .pth, .ckpt), a pickle, which {CODE}: {WRAP}.",
    "keras": "It is a Keras model (.keras): export its encoder and decoder, model.export('encoder.onnx', "
    f"format='onnx'), and run: {IMPORT}",
    "arrays": "It holds arrays of NumPy (.npz): pictures, say, on which a model is trained: vae train --data FILE.npz "
    "--out mine.safetensors",
    "zip": "It is a zip: unpack it, and give the file of the model in it.",
    "pickle": f"It is a pickle, which {CODE}: {WRAP}.",
    "hdf5": f"It is HDF5, Keras's weights (.h5), say: export encoder and decoder as ONNX, and run: {IMPORT}",
    "onnx": ONNX,
}
_AS_DATA = _SAID | {
    "torch": f"It is PyTorch's (torch.save: .pt, .pth, .ckpt), a pickle, which {CODE}: {PICTURES}.",
    "keras": "It is a Keras model (.keras), and holds no pictures: give a folder, a zip or a file of arrays.",
    "pickle": f"It is a pickle, which {CODE}: {PICTURES}.",
    "onnx": "It is an ONNX graph, half of a model, and holds no pictures: give a folder, a zip or a file of arrays.",
    "model": "It is a model (safetensors), and holds no pictures: give a folder, a zip or a file of arrays.",
    "packed": "It is packed in a way that is not read here (tar, gzip, 7z, RAR and the like): unpack it, and give the "
    "folder, or pack that as a .zip.",
}
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd")


def explain(head: bytes, tail: bytes = b"") -> str | None:
    """Tell what a file is, with what to do next, in a sentence; None of what is not recognised.

    Args:
        head: its first `HEAD` bytes, or more.
        tail: its last `TAIL` bytes, or more; all may be in `head`.
    """
    return None if head[4:9] == _SAFETENSORS else _AS_MODEL.get(_kind(head, tail))


def explain_as_data(head: bytes, tail: bytes = b"") -> str | None:
    """Return the same of a file that was given as pictures; None where it may well hold some."""
    if head[4:9] == _SAFETENSORS:
        return _AS_DATA["model"]
    packed = head.startswith(_PACKED) or head[257:262] == b"ustar"
    return _AS_DATA["packed"] if packed else _AS_DATA.get(_kind(head, tail))


def _kind(head: bytes, tail: bytes) -> str:
    """Return the name of its kind, empty where it is none of these."""
    head, tail = head[:HEAD], (tail or head)[-TAIL:]
    return next((kind for kind, fits in _KINDS.items() if fits(head, tail)), "")


def explain_file(path: Path, tell: Callable[[bytes, bytes], str | None] = explain) -> str | None:
    """Tell the same of a file on disk, of which only both ends are read; `tell` says it, of a model or of data."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        return tell(head, file.read(TAIL))
