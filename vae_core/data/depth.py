"""Picture files of more than 8 bits in a set: one range for all of them; the pages of a TIFF, each a picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core import deep, ranges
from vae_core.config import Range
from vae_core.data import limits
from vae_core.data.raw import Picture, Progress
from vae_core.ranges import Numbers

TIFF = {".tif", ".tiff"}
DARK = 31  # of 255: a set of bytes that is nowhere brighter is nearly black
Read = Callable[[], bytes]


class Entry(NamedTuple):
    """A picture's file: its path below the source, its bytes once unpacked, and how to get them."""

    name: str
    size: int
    read: Read


class Unknown(Exception):
    """A picture has other numbers than bytes, and what black and white are in them is not known yet."""


def pages(entries: Sequence[Entry]) -> tuple[list[Entry], tuple[str, ...]]:
    """The same files, and in place of a TIFF of several pages each of these, which is told."""
    found: list[Entry] = []
    stacks = 0
    for entry in entries:
        places = _places(entry) if PurePosixPath(entry.name).suffix.lower() in TIFF else []
        if len(places) < 2:
            found.append(entry)
        stacks += len(places) > 1
        for place in places if len(places) > 1 else []:
            size = entry.size // len(places)
            found.append(Entry(f"{entry.name}, page {place + 1}", size, partial(_page, entry.read, place)))
    count = len(found) - len(entries) + stacks
    told = f"{stacks:,} of the files are TIFFs of several pages: each of their {count:,} pages is a picture"
    return found, (told,) if stacks else ()


def _places(entry: Entry) -> list[int]:
    """The places of a TIFF's pages; none where it is damaged, which is told when it is decoded."""
    try:
        return deep.pages(_held(entry.read)) if entry.size <= limits.MAX_STACK else []
    except Exception:  # tifffile raises whatever odd bytes lead it to
        return []


@lru_cache(maxsize=2)
def _held(read: Read) -> bytes:
    """The bytes of a file that is asked for page by page."""
    return read()


def _page(read: Read, place: int) -> bytes:
    try:
        return deep.page_file(_held(read), place)
    except deep.DeepError:
        raise
    except Exception as error:  # as above
        raise deep.DeepError("The picture is damaged: its pixels cannot be decoded.") from error


def forget() -> None:
    """Let go of the files that were asked for page by page."""
    _held.cache_clear()


def careful(picture: Picture) -> Picture:
    """The same way from a file to a picture, which stops at the first of other numbers than bytes."""

    def work(data: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
        if deep.is_deep(data):
            raise Unknown
        return picture(data, size)

    return work


def measure(entries: Sequence[Entry], contents: Callable[[Entry], bytes], report: Progress) -> tuple[Numbers, int]:
    """Look at the numbers of all pictures that have other ones than bytes, and count these."""

    def look(entry: Entry) -> Numbers | None:
        found = Numbers()
        try:
            data = contents(entry)
            if not deep.is_deep(data):
                return None
            found.add(deep.read(data).values)
        except Exception:  # what cannot be read is named when it is decoded
            return None
        return found

    whole, count = Numbers(), 0
    with ThreadPoolExecutor(max(1, min(8, os.cpu_count() or 1))) as pool:
        for k, found in enumerate(pool.map(look, entries)):
            if found is not None:
                whole.merge(found)
                count += 1
            if k % 32 == 0:
                report(k / len(entries) / 2, f"looked at the numbers of {k:,} of {len(entries):,} pictures")
    return whole, count


def settle(numbers: Numbers, asked: Range | None, others: int) -> tuple[Range, tuple[str, ...]]:
    """What black and white are in files of other numbers than bytes, and what a user should know of it.

    Args:
        numbers: those of all such files.
        asked: what a person or a model's header says.
        others: how many files of bytes lie beside them.

    Raises:
        ValueError: where no number is finite.
    """
    asked = asked if asked and asked.of in ("all", "numbers") else None
    used = replace(asked, of="numbers") if asked else ranges.find(numbers)
    beside = f"{others:,} of the pictures have 8 bits: 0 is black and 255 is white in these"
    return used, (*ranges.remarks(numbers, used, asked), *((beside,) if others else ()))


def of_bytes(brightest: int, asked: Range | None) -> tuple[Range, tuple[str, ...]]:
    """The same for a set of bytes alone, whose brightest is given as it was read."""
    if asked and asked.of in ("all", "bytes") and (asked.low, asked.high) != (0, 255):
        how = "as asked for" if asked.of == "all" else "as the model was trained"
        return replace(asked, of="bytes"), (f"black is {asked.low:g} and white {asked.high:g} of 255 ({how})",)
    if brightest > DARK:
        return ranges.BYTES, ()
    told = f"the brightest pixel is {brightest} of 255, so that all pictures are nearly black"
    return ranges.BYTES, (told + f": --range 0,{brightest} makes it white" * (brightest > 0),)
