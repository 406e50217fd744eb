"""`Raw`: a data set as found, before size, channels and split are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core import images
from vae_core.config import MAX_SIDE, MIN_SIDE, DataConfig, Range
from vae_core.data import limits

Source = Path | bytes
Table = bytes | str | tuple[str, bytes]  # of labels: its content, its name within the source, or a name and the content
# A file's bytes, height and width, and, as `used`, what black and white are -> the height and width it had, and (H, W)
# or (H, W, 3).
Picture = Callable[..., tuple[tuple[int, int], NDArray[np.uint8]]]
Indices = NDArray[np.int64]


class Held(NamedTuple):
    """Pictures in memory that nobody else holds, so that they may change places.

    `array` is (M, C, H, W) uint8; `rows` are the places in it.
    """

    array: NDArray[np.uint8]
    rows: Indices


@dataclass(frozen=True, eq=False)
class Raw:
    """A data set as found, before size, channels and split are chosen.

    Attributes:
        count: number of pictures.
        side: their height and width.
        channels: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha.
        pixels: (n,) indices -> (n, H, W, channels) uint8; it may draw, unpack or decode, and is asked once for every
            picture that is kept.
        labels: (N,) integers, places in `class_names`.
        class_names: names of the labels.
        factors: (N, F) integers, places in `value_names[f]`.
        factor_names: F names.
        value_names: names of each factor's values.
        test: the official test part.
        val: the official validation part.
        range: what black and white are in the numbers of the files; None for a named set.
        notes: what a user should know.
        names: of N pictures the files, as paths below the source; empty where they come from no files.
        held: the pictures, where they are in memory already and were read for this alone.
    """

    count: int
    side: tuple[int, int]
    channels: int
    pixels: Callable[[Indices], NDArray[np.uint8]]
    labels: NDArray[Any] | None = None
    class_names: tuple[str, ...] = ()
    factors: NDArray[Any] | None = None
    factor_names: tuple[str, ...] = ()
    value_names: tuple[tuple[str, ...], ...] = ()
    test: Raw | None = None
    val: Raw | None = None
    range: Range | None = None
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    held: Held | None = None


def from_array(pixels: NDArray[np.uint8], labels: NDArray[Any] | None = None, class_names: Sequence[str] = ()) -> Raw:
    """Return pictures (N, H, W, C) uint8 that are in memory already."""
    height, width, channels = pixels.shape[1:]
    return Raw(len(pixels), (height, width), channels, pixels.__getitem__, labels, tuple(class_names))


def from_files(files: Sequence[Path]) -> Raw:
    """Return picture files of equal size, decoded in colour when they are asked for."""

    def pixels(indices: Indices) -> NDArray[np.uint8]:
        opened = (images.flatten(images.open_image(files[i].read_bytes())) for i in indices)
        return np.stack([np.asarray(picture.convert("RGB")) for picture in opened])

    return Raw(len(files), images.header_size(files[0].read_bytes()), 3, pixels)


def order(count: int, config: DataConfig) -> Indices:
    """Return the pictures that are kept, in the order of the seed (RandomState: promised never to change)."""
    return np.random.RandomState(config.seed).permutation(count)[: config.count]


def usual_size(sides: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return height and width for pictures that have these.

    If they all have one size, it is that, up to LARGE_SIDE. Larger ones keep their shape, with the longer side
    USUAL_SIDE and the shorter one at least SHORT_SIDE, as long as the longer one fits a model. If sizes differ, it is a
    square up to USUAL_SIDE.
    """
    if len(set(sides)) > 1:
        side = max(MIN_SIDE, min(max(max(pair) for pair in sides), limits.USUAL_SIDE))
        return side, side
    height, width = sides[0]
    longer, shorter = max(height, width), min(height, width)
    if longer <= limits.LARGE_SIDE:
        return max(MIN_SIDE, height), max(MIN_SIDE, width)
    scale = max(limits.USUAL_SIDE / longer, min(limits.SHORT_SIDE / shorter, MAX_SIDE / longer, 1.0))
    return max(MIN_SIDE, round(height * scale)), max(MIN_SIDE, round(width * scale))


def check_memory(total: int, source: Source | None) -> None:
    """Refuse a data set of more bytes than are allowed for its source (None = a named set)."""
    allowed = most(source, limits.MAX_SET_BYTES)
    if total > allowed:
        raise ValueError(
            f"The pictures would take {total:,} bytes of memory; at most {allowed:,} are allowed: "
            "ask for a smaller size or count."
        )


def most(source: Source | None, own: int) -> int:
    """Return the limit for the owner's disk, or for an upload, which comes as bytes."""
    return min(own, limits.MAX_UPLOAD) if isinstance(source, bytes) else own


def readable(name: str) -> str:
    """Return a folder's name as text; what is not UTF-8 in it becomes a question mark."""
    return name.encode(errors="replace").decode()


def named_some(names: Sequence[str]) -> str:
    """Return the first few of some names."""
    return ", ".join(map(readable, names[: limits.NAMED])) + ", ..." * (len(names) > limits.NAMED)
