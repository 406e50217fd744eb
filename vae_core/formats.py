"""Which kinds of picture can be read here: Pillow's own, and those of the extra `photos` where it is installed."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module

# Formats that Pillow decodes by itself; others (EPS) start programs.
OWN = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF")
NAMES = {"HEIF": "HEIC", "JXL": "JPEG XL", "WEBP": "WebP"}  # where people say another
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}  # width to height
_SIGNATURE = b"\xff\x0a"  # of a bare JPEG XL
_NEEDED = 11  # bytes that hold the size, however large it is


@cache
def known() -> tuple[str, ...]:
    """Return Pillow's names of the formats; what the extra reads is made known to Pillow."""
    names = list(OWN)
    with suppress(ImportError):
        import_module("pillow_heif").register_heif_opener()
        names.append("HEIF")
    with suppress(ImportError):
        import_module("pillow_jxl")
        names.append("JXL")
    return tuple(names)


def words() -> str:
    """Return the formats as people call them: `PNG, JPEG ... or AVIF`."""
    *rest, last = (NAMES.get(name, name) for name in known())
    return f"{', '.join(rest)} or {last}"


def is_jxl(data: bytes) -> bool:
    """Tell whether a file says that it is a JPEG XL."""
    return data.startswith(_SIGNATURE) or data[4:7] == b"JXL"  # the second lies in boxes


def jxl_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG XL from its first bytes, since what reads it decodes it whole to tell them.

    ISO/IEC 18181-1, SizeHeader; None where they are not there.
    """
    stream = data if data.startswith(_SIGNATURE) else _codestream(data)
    if len(stream) < _NEEDED:
        return None
    bits = int.from_bytes(stream[2:_NEEDED], "little")

    def take(count: int) -> int:
        nonlocal bits
        value, bits = bits & (1 << count) - 1, bits >> count
        return value

    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else take((9, 13, 18, 30)[take(2)]) + 1

    height, ratio = side(), take(3)
    width = side() if ratio == 0 else height * _RATIOS[ratio][0] // _RATIOS[ratio][1]
    return width, height


def _codestream(data: bytes) -> bytes:
    """Return the beginning of the picture in a file of boxes, which may hold it in parts; empty where there is none."""
    place, stream = 0, b""
    while place + 8 <= len(data) and len(stream) < _NEEDED:
        length, kind, start = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8], place + 8
        if length == 1:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = place + length if length else len(data)  # the last box may leave it out
        if end < start:
            break
        if kind in (b"jxlc", b"jxlp"):
            start += 4 * (kind == b"jxlp")  # the number of the part
            stream += data[start : min(end, start + _NEEDED)]
        place = end
    return stream
