"""Picture files of more than 8 bits in a set: one range for all of them; the pages of a TIFF, each a picture."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from vae_core import deep, ranges
from vae_core.config import DataConfig, Range
from vae_core.data import decoding, limits
from vae_core.data.decoding import Decoded, Entry, contents, in_threads
from vae_core.data.raw import Picture
from vae_core.jobs import Narration
from vae_core.ranges import Numbers

TIFF = (".tif", ".tiff")
BITS = Range(0.0, 1.0, "bytes")
BITS_NOTE = "black is 0 and white 1, since no picture holds more: masks, it seems; --range 0,255 overrules it"
Read = Callable[[], bytes]


class Unknown(Exception):
    """A picture has other numbers than bytes, and what black and white are in them is not known yet."""


def pages(entries: Sequence[Entry]) -> tuple[list[Entry], tuple[str, ...]]:
    """Return the same files, and in place of a TIFF of several pages each of these, which is told."""
    files: list[Entry] = []
    stacks = 0
    for entry in entries:
        places = _places(entry) if entry.name.lower().endswith(TIFF) else []
        if len(places) < 2:
            files.append(entry)
        stacks += len(places) > 1
        for place in places if len(places) > 1 else []:
            size = entry.size // len(places)
            files.append(Entry(f"{entry.name}, page {place + 1}", size, partial(_page, entry.read, place)))
    count = len(files) - len(entries) + stacks
    note = f"each of {count:,} pages is a picture, in {stacks:,} {'TIFF' if stacks == 1 else 'TIFFs'} of several pages"
    return files, (note,) if stacks else ()


def _places(entry: Entry) -> list[int]:
    """Return the places of a TIFF's pages; none where it is damaged, which is told when it is decoded."""
    try:
        return deep.pages(_held(entry.read)) if entry.size <= limits.MAX_STACK else []
    except Exception:  # tifffile raises whatever odd bytes lead it to
        return []


@lru_cache(maxsize=2)
def _held(read: Read) -> bytes:
    """Return the bytes of a file that is asked for page by page."""
    return read()


def _page(read: Read, place: int) -> bytes:
    try:
        return deep.page_file(_held(read), place)
    except deep.DeepError:
        raise
    except Exception as error:  # as above
        raise deep.DeepError("The picture is damaged: its pixels cannot be decoded.") from error


def decode(
    entries: Sequence[Entry],
    config: DataConfig,
    report: Narration,
    picture: Picture,
    check: Callable[[tuple[int, int]], None],
) -> tuple[Decoded, Range, tuple[str, ...]]:
    """Decode all that can be read, all that has other numbers than bytes in one range.

    Args:
        entries: N files.
        config: the size, and the range where that is known.
        report: called with a fraction done and a text; what it raises stops the work.
        picture: how a file becomes a picture.
        check: raises where pictures of a size would be too many.

    Returns:
        The pictures, the range that was used, and what a user should know of it.

    Raises:
        ValueError: where none can be read.
    """
    work, asked = partial(decoding.decode, entries, config.size, report, check=check), config.range
    try:
        if asked and asked.of == "each":
            return work(partial(picture, used=asked)), asked, ()
        try:
            of_bytes = replace(asked, of="bytes") if asked and asked.of in ("all", "bytes") else None
            decoded = work(partial(_careful, picture, used=of_bytes))
            if not of_bytes and decoded.pixels.max() == 1:
                return work(partial(picture, used=BITS)), BITS, (BITS_NOTE,)
            return decoded, *_settle_bytes(int(decoded.pixels.max()), of_bytes)
        except Unknown:
            numbers, count, turned = _measure(entries, report)
            used, notes = _settle(numbers, asked, len(entries) - count)
            notes += (_turned_note(turned),) if turned else ()
            return work(partial(picture, used=used)), used, notes
    finally:
        _held.cache_clear()


def _careful(
    picture: Picture, data: bytes, size: tuple[int, int], used: Range | None
) -> tuple[tuple[int, int], NDArray[np.uint8]]:
    """Return a file as a picture, unless it has other numbers than bytes."""
    if deep.is_deep(data):
        raise Unknown
    return picture(data, size, used=used)


def _measure(entries: Sequence[Entry], report: Narration) -> tuple[Numbers, int, int]:
    """Look at the numbers of all pictures that have other ones than bytes; count these, and those that were turned."""
    whole, count, turned, done = Numbers(), 0, 0, 0
    for numbers, deep_ones, turned_ones, looked in in_threads(entries, partial(_look, entries)):
        whole.merge(numbers)
        count, turned, done = count + deep_ones, turned + turned_ones, done + looked
        report(0.0, f"looked at the numbers of {done:,} of {len(entries):,} pictures")
    return whole, count, turned


def _look(entries: Sequence[Entry], rows: range) -> tuple[Numbers, int, int, int]:
    """Return numbers of some of the entries, how many of these are not bytes, how many are turned, and how many."""
    numbers, count, turned = Numbers(), 0, 0
    for k in rows:
        with contextlib.suppress(Exception):  # what cannot be read is named when it is decoded
            data = contents(entries[k])
            if deep.is_deep(data):
                picture = deep.read(data)
                numbers.add(picture.values)
                count += 1
                turned += deep.TURNED in picture.remarks
    return numbers, count, turned, len(rows)


def _turned_note(count: int) -> str:
    return (
        f"{count:,} of the pictures have white as 0 in their files, and were turned: each number was taken from the "
        "largest of its type (65535 of 16 bits, 1 of floats), and the range is that of the turned numbers"
    )


def _settle(numbers: Numbers, asked: Range | None, others: int) -> tuple[Range, tuple[str, ...]]:
    """Tell what black and white are in files of other numbers than bytes, and what a user should know of it.

    Args:
        numbers: those of all such files.
        asked: what a person or a model's header says.
        others: how many files of bytes lie beside them.

    Raises:
        ValueError: where no number is finite.
    """
    asked = asked if asked and asked.of in ("all", "numbers") else None
    if not numbers.counts.any() and not numbers.odd:
        return asked or Range(0.0, 1.0, "numbers"), ()  # none could be read, and decoding says why
    used = replace(asked, of="numbers") if asked else ranges.find(numbers)
    beside = f"{others:,} of the pictures have 8 bits: 0 is black and 255 is white in these"
    return used, (*ranges.remarks(numbers, used, asked), *((beside,) if others else ()))


def _settle_bytes(brightest: int, asked: Range | None) -> tuple[Range, tuple[str, ...]]:
    """Return the same for a set of bytes alone, whose brightest is given as it was read."""
    if asked and (asked.low, asked.high) != (0, 255):
        return asked, (f"black is {asked.low:g} and white {asked.high:g} of 255, and what lies outside is clipped",)
    return ranges.BYTES, ranges.too_dark(brightest)
