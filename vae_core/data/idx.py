"""IDX, the format of MNIST and its relatives -> `Raw`."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae_core.data import limits
from vae_core.data.raw import Raw, from_array


def read_set(folder: Path, class_names: Sequence[str]) -> Raw:
    """Return the four IDX files of a set like MNIST, each packed (.gz) or not.

    Raises:
        ValueError: naming the file that is missing or damaged.
    """
    train, test = (_idx_part(folder, part, class_names) for part in ("train", "t10k"))
    return replace(train, test=test)


def _idx_part(folder: Path, part: str, class_names: Sequence[str]) -> Raw:
    pixels = read(_idx_file(folder, f"{part}-images-idx3-ubyte"), 3)
    labels = read(_idx_file(folder, f"{part}-labels-idx1-ubyte"), 1)
    if len(pixels) != len(labels) or labels.max(initial=0) >= len(class_names):
        raise ValueError(
            f"{folder.parent.name} has {len(pixels)} {part} pictures and {len(labels)} labels up to "
            f"{labels.max(initial=0)}; they must be equally many, and labels below {len(class_names)}."
        )
    return from_array(pixels[..., None], labels, class_names)


def _idx_file(folder: Path, stem: str) -> Path:
    for file in (folder / stem, folder / f"{stem}.gz"):
        if file.is_file():
            return file
    raise ValueError(f"{folder.parent.name}/{folder.name} has no {stem} or {stem}.gz.")


def read(file: Path, axes: int) -> NDArray[np.uint8]:
    """Return an IDX file of unsigned bytes with so many axes.

    Raises:
        ValueError: if it is damaged, cut off, or something else.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            data = stream.read(limits.MAX_IDX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{file.name} cannot be read: it is damaged or cut off.") from error
    start = 4 + 4 * axes
    shape = tuple(int(n) for n in np.frombuffer(data[4:start].ljust(4 * axes, b"\0"), ">u4"))
    if data[:4] != bytes([0, 0, 8, axes]) or len(data) != start + int(np.prod(shape, dtype=object)):
        raise ValueError(f"{file.name} is no IDX file of {axes} axes of bytes, or it is cut off.")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
