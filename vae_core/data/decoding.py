"""Picture files -> one array of one size, decoded by several threads: Pillow and zlib let go of Python's lock."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from vae_core import images
from vae_core.config import MIN_SIDE
from vae_core.data import limits
from vae_core.data.raw import Picture, usual_size
from vae_core.deep import DeepError
from vae_core.jobs import Narration

AT_ONCE, AT_ONCE_BYTES = 64, 2**20  # files, and bytes of files, that a thread takes at a time
MAX_THREADS = 8

Done = TypeVar("Done")


class Entry(NamedTuple):
    """A picture's file: its path below the source, its bytes once unpacked, and how to get them."""

    name: str
    size: int
    read: Callable[[], bytes]


@dataclass(eq=False)
class Decoded:
    """Pictures of one size.

    Attributes:
        pixels: (n, 1 or 3, H, W) uint8.
        good: n places among the entries.
        bad: of the others the name, and why it could not be read.
        sides: height and width of the files -> how many have it.
        alike: whether all have the same.
    """

    pixels: NDArray[np.uint8]
    good: list[int] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    sides: Counter[tuple[int, int]] = field(default_factory=Counter)

    @property
    def alike(self) -> bool:
        return len(self.sides) == 1


class _Block(NamedTuple):
    """Some entries, decoded: pixels (m, 1 or 3, H, W) of those at `good`, `sides` of these, and the others."""

    pixels: NDArray[np.uint8]
    good: list[int]
    sides: list[tuple[int, int]]
    bad: list[tuple[str, str]]


class _Mixed(Exception):
    """A picture has another size than the first."""


def decode(
    entries: Sequence[Entry],
    size: tuple[int, int] | None,
    report: Narration,
    picture: Picture,
    check: Callable[[tuple[int, int]], None] = lambda size: None,
) -> Decoded:
    """Decode all that can be read.

    If all pictures are grey there is one channel. Without a size, the usual one for these pictures is taken. It is
    guessed from the first file; if others turn out to differ, what was decoded is thrown away.

    Args:
        entries: N files.
        size: height and width; None = the usual one.
        report: called with a fraction done and a text; what it raises stops the work.
        picture: how a file becomes a picture.
        check: raises where pictures of a size would be too many.

    Raises:
        ValueError: where none can be read.
    """
    first = None if size else next(_sides(entries), (limits.USUAL_SIDE, limits.USUAL_SIDE))
    try:
        chosen = size or usual_size([first] if first else [])
        check(chosen)
        return _decode(entries, chosen, report, picture, first)
    except _Mixed:
        check(chosen := _mixed_size(entries))
        return _decode(entries, chosen, report, picture, None)


def _sides(entries: Sequence[Entry]) -> Iterator[tuple[int, int]]:
    """Yield height and width of each file, from its header; what cannot be read is named when it is decoded."""
    for entry in entries:
        try:
            yield images.header_size(contents(entry))
        except ValueError:
            continue


def _mixed_size(entries: Sequence[Entry]) -> tuple[int, int]:
    """Return height and width for pictures that differ in them: no further headers are read than needed."""
    side = MIN_SIDE
    for sides in _sides(entries):
        if (side := max(side, *sides)) >= limits.USUAL_SIDE:
            break
    return usual_size([(side, side), (MIN_SIDE, MIN_SIDE)])


def _decode(
    entries: Sequence[Entry],
    size: tuple[int, int],
    report: Narration,
    picture: Picture,
    expected: tuple[int, int] | None,
) -> Decoded:
    """Decode at a size; raises _Mixed where a file has not the expected one."""
    out = Decoded(np.empty((len(entries), 1, *size), np.uint8))
    for block in in_threads(entries, partial(_block, entries, size, picture)):
        if expected and any(side != expected for side in block.sides):
            raise _Mixed
        _put(out, block)
        done = len(out.good) + len(out.bad)
        report(done / len(entries), f"read {done:,} of {len(entries):,} pictures")
    if not out.good:
        raise ValueError(f"None of {len(out.bad):,} pictures could be read; {out.bad[0][0]!r}: {out.bad[0][1]}")
    out.pixels = out.pixels[: len(out.good)]
    return out


def in_threads(entries: Sequence[Entry], work: Callable[[range], Done]) -> Iterator[Done]:
    """Work on all entries, some at a time in each thread, in their order; no more is begun than is soon taken."""
    threads = min(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MAX_THREADS
    )
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    pending: deque[Future[Done]] = deque()
    try:
        for rows in _portions(entries):
            pending.append(pool.submit(work, rows))
            if len(pending) > 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _portions(entries: Sequence[Entry]) -> Iterator[range]:
    start, total = 0, 0
    for k, entry in enumerate(entries):
        total += entry.size
        if k + 1 - start >= AT_ONCE or total >= AT_ONCE_BYTES or k + 1 == len(entries):
            yield range(start, k + 1)
            start, total = k + 1, 0


def _block(entries: Sequence[Entry], size: tuple[int, int], picture: Picture, rows: range) -> _Block:
    """Decode some of the entries, in a thread."""
    decoded: list[tuple[int, tuple[int, int], NDArray[np.uint8]]] = []
    bad: list[tuple[str, str]] = []
    for k in rows:
        try:
            decoded.append((k, *picture(contents(entries[k]), size)))
        except ValueError as error:
            bad.append((entries[k].name, str(error)))
    grey = all(pixels.ndim == 2 for *_, pixels in decoded)
    out = np.empty((len(decoded), 1 if grey else 3, *size), np.uint8)
    for row, (*_, pixels) in zip(out, decoded, strict=True):
        row[:] = pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1)  # (H, W, C) -> (C, H, W)
    if not grey and (out[:, 0] == out[:, 1]).all() and (out[:, 0] == out[:, 2]).all():
        out = out[:, :1]
    return _Block(out, [k for k, *_ in decoded], [side for _, side, _ in decoded], bad)


def _put(out: Decoded, block: _Block) -> None:
    """Add decoded pictures; memory that was never written costs nothing, so that grey begins as one channel."""
    start, count = len(out.good), len(block.good)
    if block.pixels.shape[1] > out.pixels.shape[1]:
        grey, out.pixels = out.pixels, np.empty((len(out.pixels), 3, *out.pixels.shape[2:]), np.uint8)
        out.pixels[:start] = grey[:start]
    out.pixels[start : start + count] = block.pixels
    out.good += block.good
    out.bad += block.bad
    out.sides.update(block.sides)


def contents(entry: Entry) -> bytes:
    """Return a file's bytes.

    Raises:
        ImageError: where it is too large or cannot be read.
    """
    if entry.size > images.MAX_BYTES:
        raise images.ImageError(f"its file has {entry.size:,} bytes; at most {images.MAX_BYTES:,} are allowed.")
    try:
        return entry.read()
    except DeepError as error:
        raise images.ImageError(str(error)) from error
    except OSError as error:
        raise images.ImageError(error.strerror or str(error)) from error
    except Exception as error:  # zipfile and what it unpacks with raise whatever odd bytes lead them to
        raise images.ImageError("it cannot be unpacked: it is damaged, or packed in an unknown way.") from error
