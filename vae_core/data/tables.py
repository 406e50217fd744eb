"""MATLAB and HDF5 files -> arrays by their names; read where the extra `tables` is installed."""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.data import limits
from vae_core.data.raw import Indices, Source, most
from vae_core.data.stored import Stored, check_room, of

MAX_TABLES = 1000  # arrays of a file
COMPRESSED = 15  # MATLAB's type of an element that is packed
DEFLATE, KNOWN = 1, {1, 2, 3, 4, 6, 32000}  # HDF5's filters: deflate, shuffle, fletcher32, szip, scaleoffset, lzf
DAMAGED = "cannot be read: it is damaged."


def read_mat(source: Source) -> dict[str, Stored]:
    """Return the arrays of a MATLAB file of version 5; those in structures are named `structure/name`.

    Raises:
        ValueError: if it is damaged, or would unpack to more than is allowed.
    """
    import scipy.io

    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        _check_elements(data, most(source, limits.MAX_UNPACKED))
        content = scipy.io.loadmat(io.BytesIO(data), struct_as_record=True)
    except OverflowError as error:
        raise ValueError(str(error)) from error
    except Exception as error:  # scipy raises whatever the damaged bytes lead it to
        raise ValueError(f"The .mat {DAMAGED}") from error
    named = {name: value for name, value in content.items() if not name.startswith("__")}
    return {name: of(array) for name, array in _arrays_in(named, "")}


def _check_elements(data: bytes, allowed: int) -> None:
    """Refuse elements that would unpack to more than is allowed; none is kept."""
    order = "big" if data[126:128] == b"MI" else "little"
    place, total = 128, 0
    while place + 8 <= len(data):
        kind, length = (int.from_bytes(data[place + k : place + k + 4], order) for k in (0, 4))  # type: ignore[arg-type]
        unpacked = zlib.decompressobj()
        rest = data[place + 8 : place + 8 + length] if kind == COMPRESSED else b""
        total += 0 if kind == COMPRESSED else length
        while rest and total <= allowed:
            total += len(unpacked.decompress(rest, limits.STREAM_BYTES))
            rest = unpacked.unconsumed_tail
        if total > allowed:
            raise OverflowError(f"The .mat would unpack to over {allowed:,} bytes, which is the most allowed.")
        place += 8 + length


def _arrays_in(values: dict[str, Any], before: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield name and array of all that a structure holds."""
    for name, value in values.items():
        if not isinstance(value, np.ndarray):
            continue
        if value.dtype.names and value.size == 1:
            inner = {field: value.reshape(-1)[0][field] for field in value.dtype.names}
            yield from _arrays_in(inner, f"{before}{name}/")
        elif value.dtype.kind in "biufSU":
            yield f"{before}{name}", value


def read_hdf5(source: Source, transposed: bool = False) -> dict[str, Stored]:
    """Return the arrays of an HDF5 file, those in groups named `group/name`; rows are read when they are asked for.

    Args:
        source: a path or bytes.
        transposed: whether MATLAB wrote it, which turns the order of axes around.

    Raises:
        ValueError: if it is damaged, leads to other files, or is packed in an unknown way.
    """
    h5py = _h5py()
    try:
        file = h5py.File(io.BytesIO(source) if isinstance(source, bytes) else source, "r")
    except Exception as error:  # h5py raises whatever the damaged bytes lead it to
        raise ValueError(f"The HDF5 file {DAMAGED}") from error
    try:
        return {name: _table(name, node, source, transposed) for name, node in _nodes(h5py, file, "")}
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"The HDF5 file {DAMAGED}") from error


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ValueError(
            'To read HDF5 files, and .mat files of version 7.3, install the extra: pip install "vae-explorer[tables]".'
        ) from error
    return h5py


def _nodes(h5py: Any, group: Any, before: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield path and array of all that lies in the file itself; what leads elsewhere is refused."""
    if len(group) > MAX_TABLES or depth > 8:
        raise ValueError(f"The HDF5 file has too many arrays or groups; at most {MAX_TABLES:,} in a group are allowed.")
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise ValueError(f"The HDF5 file leads to another file with {before + name!r}: refused.")
        if isinstance(link, h5py.SoftLink) or name.startswith("#"):  # it is shown where it lies; MATLAB's own
            continue
        node = group[name]
        if isinstance(node, h5py.Group):
            yield from _nodes(h5py, node, f"{before}{name}/", depth + 1)
        elif isinstance(node, h5py.Dataset) and node.shape is not None and node.dtype.kind in "biufS":
            yield f"{before}{name}", node


def _table(name: str, node: Any, source: Source, transposed: bool) -> Stored:
    """Return an array of an HDF5 file, once it is known to lie in this file and to be packed as it says."""
    if node.external or node.is_virtual:
        raise ValueError(f"The HDF5 file has the numbers of {name!r} in another file: refused.")
    plist = node.id.get_create_plist()
    filters = [plist.get_filter(k)[0] for k in range(plist.get_nfilters())]
    if unknown := set(filters) - KNOWN:
        raise ValueError(f"The HDF5 file has {name!r} packed by the filter {min(unknown)}, which is not read here.")
    if node.chunks:
        check_room(math.prod(node.chunks) * node.dtype.itemsize, source)
    if isinstance(source, bytes):
        _check_chunks(name, node, filters)
    if transposed:
        check_room(math.prod(node.shape) * node.dtype.itemsize, source)
        return of(node[()].T)
    if not node.shape:
        return of(node[()])

    def take(places: Indices) -> NDArray[Any]:
        check_room(len(places) * math.prod(node.shape[1:]) * node.dtype.itemsize, source)
        return _rows(node, places)

    return Stored(node.shape, node.dtype, take, direct=False)


def _check_chunks(name: str, node: Any, filters: list[int]) -> None:
    """Refuse pieces of a stranger's file that unpack to more than their size, which HDF5 finds out too late."""
    if not node.chunks or not filters:
        return
    if filters[-1] == 3:
        filters = filters[:-1]  # a checksum behind the packed bytes
    if set(filters) - {DEFLATE, 2} or filters[-1:] != [DEFLATE]:
        raise ValueError(
            f"The HDF5 file has {name!r} packed in a way that is not read from an upload: use gzip or none."
        )
    room = math.prod(node.chunks) * node.dtype.itemsize
    for k in range(node.id.get_num_chunks()):
        packed = node.id.read_direct_chunk(node.id.get_chunk_info(k).chunk_offset)[1]
        if len(zlib.decompressobj().decompress(packed, room + 1)) > room:
            raise ValueError(f"The HDF5 file has a piece of {name!r} that unpacks to more than its size: refused.")


def _rows(node: Any, places: Indices) -> NDArray[Any]:
    """Return rows at ascending places: read in runs, since HDF5 is slow at single ones."""
    out = np.empty((len(places), *node.shape[1:]), node.dtype)
    step = max(1, limits.STREAM_BYTES // max(1, math.prod(node.shape[1:]) * node.dtype.itemsize))
    done = 0
    while done < len(places):
        first = int(places[done])
        end = int(np.searchsorted(places, first + step))
        last = int(places[end - 1]) + 1
        out[done:end] = node[first:last][places[done:end] - first]
        done = end
    return out
