"""Files of many pictures by their first bytes: a bare .npy, MATLAB's, HDF5's, a TIFF."""

from __future__ import annotations

import io
import zipfile

from vae_core import deep
from vae_core.data import stored, tables
from vae_core.data.raw import Source
from vae_core.data.stored import Stored

ARRAYS = (".npz", ".npy", ".mat", ".h5", ".hdf5")  # how files of arrays are called
FILES = (".zip", *ARRAYS, ".tif", ".tiff")  # how files of many pictures are called
HDF5 = b"\x89HDF\r\n\x1a\n"
MATLAB = b"MATLAB 5.0 MAT-file"
MATLAB_HDF5 = b"MATLAB 7.3 MAT-file"
BLOCK = 512  # bytes before the HDF5 of MATLAB


def opened(source: Source) -> tuple[dict[str, Stored], bool] | None:
    """Return the arrays of a file by their names, and whether MATLAB wrote them; None where it is another kind of file.

    Raises:
        ValueError: one sentence on what is wrong with it.
    """
    head = _head(source)
    if head.startswith(stored.NPY):
        return {"images": stored.open_npy(source)}, False
    if head.startswith(MATLAB):
        return tables.read_mat(source), True
    if head.startswith(MATLAB_HDF5):
        return tables.read_hdf5(source, transposed=True), True
    if head.startswith(HDF5) or head.startswith(HDF5, BLOCK):
        return tables.read_hdf5(source), False
    return None


def known(content: bytes) -> bool:
    """Tell whether a file is of a kind that may hold many pictures."""
    is_arrays = content.startswith((stored.NPY, MATLAB, MATLAB_HDF5, HDF5)) or content.startswith(HDF5, BLOCK)
    return is_arrays or deep.is_tiff(content) or zipfile.is_zipfile(io.BytesIO(content))


def _head(source: Source) -> bytes:
    size = BLOCK + len(HDF5)
    if isinstance(source, bytes):
        return source[:size]
    with source.open("rb") as stream:
        return stream.read(size)
