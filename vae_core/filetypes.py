"""What a file is that is no model of ours, told by how it begins and ends: nothing of it is opened or run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

HEAD, TAIL = 4_096, 2**16  # bytes at both ends that tell: the list of what a zip holds stands at its end
WRAP = "where the model lives, vae_core.wrap(encoder, decoder, data=...).save('mine.safetensors') makes a file to open"
CODE = "could run anybody's code and is never opened"
IMPORT = "vae import encoder.onnx decoder.onnx --data FOLDER --out mine.safetensors"
ONNX = f"It is an ONNX graph, half of a model: with its encoder and its decoder, run: {IMPORT}"
_SAFETENSORS = b"\0\0\0\0{"  # the upper half of a length, behind a lower one that may look like anything, and JSON
_ONNX = re.compile(rb"\x08[\x01-\x20][\x12\x1a\x22\x28\x32\x3a\x42]")  # ir_version, and the field behind it
_PICKLE = re.compile(rb"\x80[\x02-\x05].*[.\x94]|\(dp\d+\n|\(lp\d+\n|ccopy_reg\n", re.DOTALL)
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*(<!doctype html|<html|<!--)", re.IGNORECASE)
_XML = re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml|<error>)", re.IGNORECASE)

# What tells a kind at a file's beginning and at its end, and what is said of it. The first that fits is it.
_KINDS: tuple[tuple[Callable[[bytes, bytes], object], str], ...] = (
    (
        lambda head, tail: head.startswith(b"version https://git-lfs"),
        "It is a pointer of Git LFS, a few lines in the place of the file: run git lfs pull in the clone, or download "
        "the file itself.",
    ),
    (
        lambda head, tail: _PAGE.match(head),
        "It is a web page (HTML), saved in the place of the file: download the file itself, on Hugging Face by the "
        "address with /resolve/ in the place of /blob/.",
    ),
    (
        lambda head, tail: _XML.match(head),
        "It is a message of a web server (XML), saved in the place of the file: download the file itself again.",
    ),
    (
        lambda head, tail: head.startswith(b"PK") and b"data.pkl" in head + tail,
        f"It is PyTorch's (torch.save: .pt, .pth, .ckpt), a pickle, which {CODE}: {WRAP}.",
    ),
    (
        lambda head, tail: head.startswith(b"PK") and b"model.weights.h5" in head + tail,
        "It is a Keras model (.keras): export its encoder and decoder, model.export('encoder.onnx', format='onnx'), "
        f"and run: {IMPORT}",
    ),
    (
        lambda head, tail: head.startswith(b"PK") and b".npy" in head + tail,
        "It holds arrays of NumPy (.npz): pictures, say, on which a model is trained: vae train --data FILE.npz --out "
        "mine.safetensors",
    ),
    (lambda head, tail: head.startswith(b"PK"), "It is a zip: unpack it, and give the file of the model in it."),
    (lambda head, tail: _PICKLE.match(head), f"It is a pickle, which {CODE}: {WRAP}."),
    (
        lambda head, tail: head.startswith(b"\x89HDF\r\n\x1a\n"),
        f"It is HDF5, Keras's weights (.h5), say: export encoder and decoder as ONNX, and run: {IMPORT}",
    ),
    (lambda head, tail: _ONNX.match(head), ONNX),
    (lambda head, tail: head.startswith(b"GGUF"), "It is GGUF, the weights of a language model."),
)


def told(head: bytes, tail: bytes = b"") -> str | None:
    """What a file is, with what to do next, in a sentence; None of what is not recognised.

    Args:
        head: its first `HEAD` bytes, or more.
        tail: its last `TAIL` bytes, or more; all may be in `head`.
    """
    if head[4:9] == _SAFETENSORS:
        return None
    head, tail = head[:HEAD], (tail or head)[-TAIL:]
    return next((sentence for fits, sentence in _KINDS if fits(head, tail)), None)


def told_of(path: Path) -> str | None:
    """The same of a file on disk, of which no more than both ends is read."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        return told(head, file.read(TAIL))
