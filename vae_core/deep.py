"""Pictures of more than 8 bits -> their numbers: TIFF by tifffile, PNG and PPM of 16 bits; the pages of a TIFF.

A stranger's bytes come in here, so sizes are checked before anything is unpacked.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_NUMBERS = 2**29  # bytes of a picture's numbers
MAX_PIECES = 2**17  # strips or tiles of a TIFF's page
MAX_PAGES = 100_000
TURNED = "turned, so that its largest number is white: its file has white as 0"
SAVE_AS = "save it as TIFF without compression, or as PNG"
_PNG, _TIFF = b"\x89PNG\r\n\x1a\n", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_RGB, _GREY_ALPHA = 2, 4  # PNG's kinds of colour; the others of 16 bits are grey, and RGB with alpha
_PLAIN, _DEFLATE = 1, (8, 32946, 50013)  # compressions that are read here; of others Pillow knows some
_WHITE_IS_LEAST, _COLOUR, _PHOTOMETRIC = 0, 2, (0, 1, 2)
_NO_DATA, _ORIENTATION, _DESCRIPTION = 42113, 274, 270  # tags
_PPM = re.compile(rb"P([56])(?:\s+|#[^\n]*\n)+(\d+)\s+(\d+)\s+65535\s")


class DeepError(ValueError):
    """A picture whose numbers cannot be had; the message is one sentence for the user."""


@dataclass(frozen=True, eq=False)
class Deep:
    """The numbers of a picture.

    Attributes:
        values: (H, W) or (H, W, 3), of any type of number; the larger, the brighter.
        alpha: (H, W) uint8, or None.
        orientation: how it lies in its file, as EXIF has it: 1 is upright.
        remarks: what a user should know.
    """

    values: NDArray[Any]
    alpha: NDArray[np.uint8] | None = None
    orientation: int = 1
    remarks: tuple[str, ...] = ()


def is_deep(data: bytes) -> bool:
    """Tell whether a file holds a picture of other numbers than bytes; false for what is damaged."""
    if data.startswith(_PNG):
        return data[24:25] == b"\x10"
    if data.startswith(_TIFF):
        with contextlib.suppress(Exception), _tiff(data) as file:
            return _is_deep_page(file.pages[0])
        return False
    return _PPM.match(data[:256]) is not None


def size(data: bytes) -> tuple[int, int]:
    """Return height and width of a deep picture as it lies in its file."""
    if data.startswith(_PNG):
        return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")
    if (head := _PPM.match(data[:256])) is not None:
        return int(head[3]), int(head[2])
    with _tiff(data) as file:
        return file.pages[0].imagelength, file.pages[0].imagewidth


def orientation(data: bytes) -> int:
    """Tell how a deep picture lies in its file, as EXIF has it: 1 is upright, 5 to 8 lie on their side."""
    if is_tiff(data):
        with _tiff(data) as file:
            return _orientation_of(file.pages[0])
    if data.startswith(_PNG):
        with contextlib.suppress(Exception), Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            return _exif_orientation(image)
    return 1


def _orientation_of(page: Any) -> int:
    tag = page.tags.get(_ORIENTATION)
    return int(tag.value) if tag and tag.value in range(1, 9) else 1


def read(data: bytes) -> Deep:
    """Return the numbers of a deep picture, of a TIFF those of its first page.

    Raises:
        DeepError: where it is too large, or in a form that is not read here.
        Exception: where it is damaged, whatever that leads a decoder to.
    """
    if data.startswith(_PNG):
        return _from_png(data)
    if (head := _PPM.match(data[:256])) is not None:
        return _from_ppm(data, head)
    with _tiff(data) as file:
        picture = _from_page(file.pages[0], data)
    extra = len(pages(data)) - 1
    return picture if not extra else _with_remark(picture, f"the first of its {extra + 1:,} pages")


def _with_remark(picture: Deep, remark: str) -> Deep:
    return Deep(picture.values, picture.alpha, picture.orientation, (*picture.remarks, remark))


def _from_ppm(data: bytes, head: re.Match[bytes]) -> Deep:
    colours, (width, height) = 3 if head[1] == b"6" else 1, (int(head[2]), int(head[3]))
    _check_bytes(height * width * colours * 2)
    values = np.frombuffer(data, ">u2", height * width * colours, head.end()).astype(np.uint16)
    return Deep(values.reshape((height, width, 3) if colours == 3 else (height, width)))


def _from_png(data: bytes) -> Deep:
    """Read grey by Pillow's own way; of colour and transparency that gives the upper 8 bits only: it is asked twice."""
    height, width = size(data)
    _check_bytes(8 * height * width)
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        orientation = _exif_orientation(image)
        if image.mode.startswith("I;16"):
            return Deep(np.asarray(image).astype(np.uint16, copy=False), None, orientation)
    packed, interlaced, kind = b"".join(_png_pixels(data)), data[28], data[25]
    if kind == _GREY_ALPHA:  # as wide as four bytes
        both = np.asarray(Image.frombytes("RGBA", (width, height), packed, "zip", ("RGBA", interlaced)))
        upper, lower = both[..., ::2], both[..., 1::2]
    else:
        mode = "RGB" if kind == _RGB else "RGBA"
        upper, lower = (
            np.asarray(Image.frombytes(mode, (width, height), packed, "zip", (f"{mode};16{order}", interlaced)))
            for order in "BL"
        )
    values = upper.astype(np.uint16) << 8 | lower
    alpha = None if kind == _RGB else _alpha(values[..., -1])
    return Deep(values[..., 0] if kind == _GREY_ALPHA else values[..., :3], alpha, orientation)


def _png_pixels(data: bytes) -> Iterator[bytes]:
    """Yield the parts of a PNG that hold packed pixels."""
    place = len(_PNG)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] == b"IDAT":
            yield data[place + 8 : place + 8 + length]
        place += 12 + length


def _exif_orientation(image: Image.Image) -> int:
    with contextlib.suppress(Exception):  # damaged EXIF data: as it lies in the file
        return int(image.getexif().get(_ORIENTATION, 1))
    return 1


def _alpha(values: NDArray[Any]) -> NDArray[np.uint8]:
    top = float(np.iinfo(values.dtype).max) if values.dtype.kind in "iu" else 1.0
    return np.rint(np.nan_to_num(values.astype(np.float64) / top).clip(0, 1) * 255).astype(np.uint8)


def _check_bytes(total: int) -> None:
    if total > MAX_NUMBERS:
        raise DeepError(f"The picture's numbers would take {total:,} bytes; at most {MAX_NUMBERS:,} are allowed.")


# --- TIFF


def _tiff(source: bytes | Path) -> Any:
    """Return a TIFF of which only the first page's tags are read; what names other files is not followed."""
    import tifffile

    held = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    kinds: Any = dict.fromkeys(("is_ome", "is_lsm", "is_ndpi", "is_scanimage", "is_mmstack", "is_ndtiff"), False)
    return tifffile.TiffFile(held, _multifile=False, **kinds)


def _is_deep_page(page: Any) -> bool:
    if page.photometric not in _PHOTOMETRIC or page.dtype is None or page.dtype.kind not in "iuf":
        return False
    return page.bitspersample > 8 or page.dtype.kind != "u"


def is_tiff(data: bytes) -> bool:
    """Tell whether a file begins as a TIFF does."""
    return data.startswith(_TIFF)


def pages(source: bytes | Path) -> list[int]:
    """Return the places of a TIFF's pages that are pictures of their own, and no smaller copies or masks.

    Raises:
        Exception: where it is damaged, whatever that leads tifffile to.
    """
    with _tiff(source) as file:
        first = file.pages[0]
        if (count := _written_together(first)) > 1:
            return list(range(count))
        return [k for k, page in enumerate(_each(file)) if k == 0 or not (page.is_reduced or page.is_mask)]


def _each(file: Any) -> Iterator[Any]:
    """Yield the pages in their order; one that was there already ends them."""
    seen: set[int] = set()
    for k in range(MAX_PAGES + 1):
        try:
            page = file.pages[k]
        except IndexError:
            return
        if page.offset in seen:
            return
        seen.add(page.offset)
        yield page
    raise DeepError(f"The TIFF has more than {MAX_PAGES:,} pages, which is the most allowed.")


def _written_together(page: Any) -> int:
    """Tell how many pictures lie behind a page's own without pages of theirs, as ImageJ and tifffile write them."""
    if page.compression != _PLAIN or not page.is_contiguous or not (page.is_imagej or page.is_shaped):
        return 1
    text = str(page.tags[_DESCRIPTION].value)
    if (match := re.search(r"^images=(\d{1,9})$", text, re.MULTILINE)) is not None:
        count = int(match[1])
    elif '"truncated": true' in text and (match := re.search(r'"shape": \[([\d, ]{1,99})\]', text)) is not None:
        count = math.prod(map(int, match[1].split(","))) // max(1, page.size)
    else:
        return 1
    fits = page.dataoffsets[0] + count * page.nbytes <= page.parent.filehandle.size
    return count if fits and len(page.parent.pages) == 1 and count <= MAX_PAGES else 1


def page_file(source: bytes | Path, place: int) -> bytes:
    """Return one page of a TIFF as a file of its own.

    Raises:
        DeepError: as `read`.
        Exception: likewise.
    """
    with _tiff(source) as file:
        together = _written_together(file.pages[0]) > 1
        page = file.pages[0 if together else place]
        if not _is_deep_page(page) and not together:
            return _by_itself(source, place)
        picture = Deep(_behind(file, page, place)) if together else _from_page(page, source)
    return _as_file(picture)


def _behind(file: Any, page: Any, place: int) -> NDArray[Any]:
    """Return the numbers of a picture that has no page of its own."""
    _check_bytes(page.nbytes)
    kind = np.dtype(page.dtype).newbyteorder(file.byteorder)
    file.filehandle.seek(page.dataoffsets[0] + place * page.nbytes)
    values = np.frombuffer(file.filehandle.read(page.nbytes), kind).reshape(page.shape)
    return _turned(values.astype(kind.newbyteorder("=")), page.photometric)


def _by_itself(source: bytes | Path, place: int) -> bytes:
    """Return a page of 8 bits as a PNG."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=["TIFF"]) as image:
        image.seek(place)
        image.convert("RGBA" if "A" in image.getbands() else image.mode if image.mode in ("L", "RGB") else "RGB").save(
            out, "PNG"
        )
    return out.getvalue()


def _as_file(picture: Deep) -> bytes:
    import tifffile

    values, more = picture.values, None
    if picture.alpha is not None and values.dtype == np.uint16:
        values = np.dstack([values, picture.alpha.astype(np.uint16) * 257])
        more = ["unassalpha"]
    out = io.BytesIO()
    colour = "rgb" if picture.values.ndim == 3 else "minisblack"
    tags = [(_ORIENTATION, 3, 1, picture.orientation, True)] if picture.orientation != 1 else []
    tifffile.imwrite(out, values, photometric=colour, metadata=None, extratags=tags, extrasamples=more)
    return out.getvalue()


def _from_page(page: Any, source: bytes | Path) -> Deep:
    """Return the numbers of a TIFF's page, as they lie there, or as Pillow unpacks them."""
    channels = page.samplesperpixel
    if page.imagedepth != 1 or min(page.imagelength, page.imagewidth) < 1:
        raise DeepError("The TIFF holds a volume; allowed: pages of two dimensions.")
    _check_bytes(page.imagelength * page.imagewidth * channels * max(page.dtype.itemsize, 1))
    alpha, colours = any(int(kind) in (1, 2) for kind in page.extrasamples), 3 if page.photometric == _COLOUR else 1
    if channels - len(page.extrasamples) != colours:
        raise DeepError(
            f"The TIFF has pictures of {channels} channels; allowed: grey or colour, with alpha or without."
        )
    if colours == 1 and channels > 1 and not alpha:
        raise DeepError(
            f"The TIFF has pictures of {channels} channels; allowed: grey or colour, with alpha or without."
        )
    unpacked = _unpacked(page)
    remarks: tuple[str, ...] = ()
    if unpacked is None:
        unpacked, remarks = _by_pillow(page, source)
    else:
        unpacked = _without_gaps(unpacked, page)
    if more := channels - colours - alpha:
        remarks += (f"{more} more {'channel' if more == 1 else 'channels'} left out",)
    if page.photometric == _WHITE_IS_LEAST:
        remarks += (TURNED,)
    values = unpacked[..., :3] if colours == 3 else unpacked[..., 0]
    shown = _alpha(unpacked[..., colours]) if alpha and unpacked.shape[-1] > colours else None
    return Deep(_turned(values, page.photometric), shown, _orientation_of(page), remarks)


def _turned(values: NDArray[Any], photometric: int) -> NDArray[Any]:
    """Return the larger, the brighter."""
    if photometric != _WHITE_IS_LEAST:
        return values
    return ~values if values.dtype.kind in "iu" else 1 - values  # ~: the largest number less this one


def _unpacked(page: Any) -> NDArray[Any] | None:
    """Return the numbers of a page, (H, W, channels); None unless they are packed plainly or by deflate."""
    if page.compression not in (_PLAIN, *_DEFLATE) or page.bitspersample not in (8, 16, 32, 64) or page.predictor > 2:
        return None
    if len(page.dataoffsets) > MAX_PIECES:
        raise DeepError(
            f"The TIFF's page lies in {len(page.dataoffsets):,} pieces; at most {MAX_PIECES:,} are allowed."
        )
    if page.compression in _DEFLATE:
        _check_pieces(page)
    whole = page.asarray(squeeze=False, maxworkers=1)  # (planes, 1, H, W, samples)
    return np.moveaxis(whole[:, 0, :, :, 0], 0, -1) if len(whole) > 1 else whole[0, 0]


def _check_pieces(page: Any) -> None:
    """Refuse pieces that unpack to more than their size."""
    room, file = math.prod(page.chunks) * page.dtype.itemsize, page.parent.filehandle
    for start, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.seek(start)
        if length and len(zlib.decompressobj().decompress(file.read(length), room + 1)) > room:
            raise DeepError("The TIFF has a piece that unpacks to more than its size: refused.")


def _without_gaps(values: NDArray[Any], page: Any) -> NDArray[Any]:
    """Return the numbers with NaN where the file says that it has none."""
    if (tag := page.tags.get(_NO_DATA)) is None:
        return values
    with contextlib.suppress(ValueError):
        missing = values == float(str(tag.value).strip("\0 "))
        if missing.any():
            return np.where(missing, np.nan, values.astype(np.float64 if values.dtype.itemsize > 2 else np.float32))
    return values


def _by_pillow(page: Any, source: bytes | Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the numbers of a page as Pillow unpacks it, (H, W, channels); of colour it keeps the upper 8 bits."""
    kind = getattr(page.compression, "name", page.compression)
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=["TIFF"]) as image:
            image.seek(page.index)
            values = np.asarray(image)
            mode = image.mode
    except Exception as error:
        raise DeepError(
            f"The TIFF has {page.bitspersample} bits packed by {kind}, which is not read here: {SAVE_AS}."
        ) from error
    if mode in ("F", "I") or mode.startswith("I;16"):
        return values[..., None].astype(values.dtype.newbyteorder("=")), ()
    if mode not in ("RGB", "RGBA") or page.bitspersample != 16:
        raise DeepError(f"The TIFF has {page.bitspersample} bits packed by {kind}, which is not read here: {SAVE_AS}.")
    return values.astype(np.uint16) * np.uint16(257), ("read with 8 of its 16 bits",)
