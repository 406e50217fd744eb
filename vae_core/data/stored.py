"""Arrays of an .npz or .npy of which only the header has been read: rows come when asked for; nothing is unpickled."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from vae_core.data import limits
from vae_core.data.raw import Indices, Source, most

NPY = b"\x93NUMPY"  # how an .npy begins
DAMAGED = "cannot be read: it is damaged, or holds Python objects and not numbers."


@dataclass(frozen=True, eq=False)
class Stored:
    """An array that lies in a file.

    Attributes:
        shape: of the whole.
        dtype: of its numbers.
        take: ascending places along the first axis -> these rows.
        direct: whether rows can be taken without all before them being read.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    take: Callable[[Indices], NDArray[Any]]
    direct: bool = True

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def whole(self) -> NDArray[Any]:
        """Return all of it, in memory."""
        return self.take(np.arange(self.shape[0])) if self.shape else self.take(np.arange(1))[0]

    def keep(self, rows: Indices) -> Stored:
        """Return the same where rows can be taken directly; else with those of `rows`, ascending, in memory."""
        if self.direct:
            return self
        values = self.take(rows)
        return replace(self, take=lambda places: values[np.searchsorted(rows, places)], direct=True)


def of(array: NDArray[Any]) -> Stored:
    """Return an array in memory."""
    return Stored(array.shape, array.dtype, array.__getitem__ if array.ndim else lambda places: array[None][places])


def open_npy(source: Source) -> Stored:
    """Return a bare array.

    Raises:
        ValueError: if it is damaged, or holds Python objects.
    """
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
            shape, in_columns, dtype = _header(stream)
            start = stream.tell()
        return _mapped(source, start, shape, in_columns, dtype)
    except Exception as error:  # numpy raises whatever the damaged bytes lead it to
        raise ValueError(f"The .npy {DAMAGED}") from error


def open_npz(source: Source) -> dict[str, Stored]:
    """Return the arrays of an .npz by their names; one of Python objects is refused when it is asked for.

    Raises:
        ValueError: if it is damaged.
    """
    try:
        with _archive(source) as archive:
            infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            return {info.filename.removesuffix(".npy"): _member(source, archive, info) for info in infos}
    except Exception as error:  # as above
        raise ValueError(f"The .npz {DAMAGED}") from error


def _archive(source: Source) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, whether columns come first, and type of an .npy; the stream then stands at its numbers."""
    version = np.lib.format.read_magic(stream)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, in_columns, dtype = reader(stream)
    if min(shape, default=0) < 0:
        raise ValueError("a length below 0")
    return shape, in_columns, dtype


def _mapped(source: Source, start: int, shape: tuple[int, ...], in_columns: bool, dtype: np.dtype) -> Stored:
    """Return an array as it lies in the file, of which only what is asked for is read."""
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    order: Literal["C", "F"] = "F" if in_columns else "C"
    if not math.prod(shape):
        return of(np.empty(shape, dtype))
    if isinstance(source, bytes):
        return of(np.frombuffer(source, dtype, math.prod(shape), start).reshape(shape, order=order))
    if in_columns or not shape:
        return of(np.asarray(np.memmap(source, dtype, "r", start, shape, order)))
    if source.stat().st_size < start + math.prod(shape) * dtype.itemsize:
        raise ValueError("it is cut off")
    return Stored(shape, dtype, lambda places: _rows(source, start, shape, dtype, places))


def _rows(path: Path, start: int, shape: tuple[int, ...], dtype: np.dtype, places: Indices) -> NDArray[Any]:
    """Return rows at some places of an array that lies in a file as it is; a map of it would count as memory."""
    out = np.empty((len(places), *shape[1:]), dtype)
    row, room = math.prod(shape[1:]) * dtype.itemsize, out.reshape(-1).view(np.uint8).data
    ends = np.append(np.flatnonzero(np.diff(places) != 1) + 1, len(places)).tolist()
    first = 0
    with path.open("rb", buffering=0) as file:
        for end in ends if len(places) else []:
            file.seek(start + int(places[first]) * row)
            part = room[first * row : end * row]
            while len(part):
                if not (got := file.readinto(part)):
                    raise ValueError(f"{path.name} {DAMAGED}")
                part = part[got:]
            first = end
    return out


def _refuse(places: Indices) -> NDArray[Any]:
    raise ValueError(f"The .npz {DAMAGED}")


def _member(source: Source, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Stored:
    """Return an array of an .npz: where it is not packed as it lies in the file, else as a stream."""
    with archive.open(info) as stream:
        shape, in_columns, dtype = _header(stream)
        if dtype.hasobject:
            return Stored(shape, dtype, _refuse)
        head = info.file_size - math.prod(shape) * dtype.itemsize
        if head != stream.tell():
            raise ValueError("its length is not that of its header")
    if not math.prod(shape):
        return of(np.empty(shape, dtype))
    if info.compress_type == zipfile.ZIP_STORED:
        return _mapped(source, _start(source, info) + head, shape, in_columns, dtype)
    if in_columns or not shape:  # its rows lie all over it, or it has none
        return Stored(shape, dtype, lambda places: of(_unpacked(source, info, shape, dtype)).take(places), False)
    return Stored(shape, dtype, lambda places: _streamed(source, info, shape, dtype, places), False)


def _start(source: Source, info: zipfile.ZipInfo) -> int:
    """Tell where the bytes of a member begin: behind a header of 30 bytes, its name and what else stands there."""
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        stream.seek(info.header_offset)
        fixed = stream.read(30)
    return info.header_offset + 30 + int.from_bytes(fixed[26:28], "little") + int.from_bytes(fixed[28:30], "little")


def _unpacked(source: Source, info: zipfile.ZipInfo, shape: tuple[int, ...], dtype: np.dtype) -> NDArray[Any]:
    """Return an array whose columns come first, whole."""
    check_room(math.prod(shape) * dtype.itemsize, source)
    try:
        with _archive(source) as archive, archive.open(info) as stream:
            _header(stream)
            return np.frombuffer(stream.read(), dtype).reshape(shape, order="F")
    except Exception as error:  # as above
        raise ValueError(f"The .npz {DAMAGED}") from error


def _streamed(
    source: Source, info: zipfile.ZipInfo, shape: tuple[int, ...], dtype: np.dtype, places: Indices
) -> NDArray[Any]:
    """Return some rows of a packed array, in one pass over it."""
    row = math.prod(shape[1:]) * dtype.itemsize
    check_room(len(places) * row, source)
    out = np.empty((len(places), *shape[1:]), dtype)
    step = max(1, limits.STREAM_BYTES // max(row, 1))
    last = int(places[-1]) + 1 if len(places) else 0
    try:
        with _archive(source) as archive, archive.open(info) as stream:
            _header(stream)
            for start in range(0, last, step):
                block = np.frombuffer(stream.read(min(step, shape[0] - start) * row), dtype)
                here = slice(*np.searchsorted(places, [start, start + step]))
                out[here] = block.reshape(-1, *shape[1:])[places[here] - start]
    except Exception as error:  # as above
        raise ValueError(f"The .npz {DAMAGED}") from error
    return out


def check_room(total: int, source: Source) -> None:
    """Refuse arrays that would take more memory than is allowed for their source."""
    if total > (allowed := most(source, limits.MAX_UNPACKED)):
        raise ValueError(
            f"The arrays would unpack to {total:,} bytes; at most {allowed:,} are allowed: ask for fewer with a count."
        )
