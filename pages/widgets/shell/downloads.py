"""The bytes of downloads, built when somebody asks for them."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import numpy as np

TARGET = 1600  # pixels: about how wide a downloaded grid is
MOST = 16  # times a picture is enlarged


def enlargement(width: int) -> int:
    """Return the whole number that brings a picture this wide nearest to what a slide needs, at least 1."""
    return max(1, min(MOST, TARGET // width))


def npz(**arrays: Any) -> bytes:
    """Return named arrays (or tensors, texts, numbers) as the bytes of a compressed .npz file, without pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.asarray(value), allow_pickle=False)
    return buffer.getvalue()


def file_name(*parts: str | int | float) -> str:
    """Return parts joined by hyphens, with nothing in it that a file system or a shell minds."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", "-".join(str(part) for part in parts))[:100]
