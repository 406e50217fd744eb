"""What tells a user's own pictures from others, wherever they lie and whatever their folder is called."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

from vae_core.data import folders
from vae_core.data.raw import Source

WHOLE_BYTES = 2**26  # of a file that is no zip: beyond that its size and both ends tell it


def identity(source: Source) -> str:
    """Hash (SHA-256) names and sizes of a folder's pictures, or of what a zip or .npz holds with its checksums.

    The same wherever it lies; empty where there is nothing.
    """
    if isinstance(source, Path) and source.is_dir():
        start = len(os.path.join(source, ""))
        files = ((file.path[start:], folders.size_and_time(file)[0]) for file in folders.files_of(source))
        return _hash((name, size) for name, size in files if folders.is_picture(name))
    if isinstance(source, Path) and not source.is_file():
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
            return _hash((info.filename, info.file_size, info.CRC) for info in archive.infolist())
    except Exception:  # it is no zip, or one that is refused in a sentence when it is read
        return _of_bytes(source)


def _hash(parts: Iterable[tuple[object, ...]]) -> str:
    return hashlib.sha256(repr(sorted(parts)).encode(errors="replace")).hexdigest()


def _of_bytes(source: Source) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    size = source.stat().st_size
    with source.open("rb") as file:
        if size <= WHOLE_BYTES:
            return hashlib.sha256(file.read()).hexdigest()
        head = file.read(WHOLE_BYTES // 2)
        file.seek(-WHOLE_BYTES // 2, os.SEEK_END)
        return hashlib.sha256(head + file.read() + str(size).encode()).hexdigest()
