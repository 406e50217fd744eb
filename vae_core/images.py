"""Any picture -> the tensor that a model expects; tensors -> PNG, GIF, zip and grids.

A stranger's bytes come in here, so every limit is a named constant and every refusal is one sentence.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image, ImageFile, ImageFilter, ImageOps
from torch import Tensor

from vae_core import deep, filetypes, formats, ranges
from vae_core.config import FITS, MIN_SIDE, Range

if TYPE_CHECKING:
    from vae_core.photographs import CutOut

MAX_BYTES = 32 * 2**20  # of a picture's file
MAX_PIXELS = 64_000_000  # of a picture: more than a telephone's camera gives
MAX_ASPECT = 20  # longer side over shorter side
ENOUGH_PIXELS = 4_000_000  # of more, as many as make a square become their mean, until about so many are left
MAX_SLOW_BYTES = 4 * 2**20  # of a file in a form that Pillow reads in Python, number by number
MAX_CANVAS = 64_000_000  # pixels of a grid, or of all frames of an animation together
MAX_FPS = 50  # browsers slow a GIF down that asks for more
SLOW = {"bmp_rle": "BMP with runs", "ppm_plain": "PPM in plain text"}  # Pillow's names of those forms

BAND_PIXELS = 2**20  # rows of so many pixels are worked on at a time where floats of all would take gigabytes
WORK_SIDE = 512  # pixels: ink is looked for at this size, where the noise of a camera has averaged out
PHOTOGRAPH_SIDE = 64  # pixels: smaller pictures have neither shadows nor noise
MAX_TURN = 45  # degrees, of what is cut out of a photograph
FLAT = 0.98  # so much of a drawing's border is one level
INK_CONTRAST = 0.1  # least brightness between ground and ink
STROKE = 0.1  # least thickness of a line, in parts of the drawing's longer side (MNIST: about an eighth)
INK_LEVEL = 0.1  # a pixel this bright, where the ground is 0 and the brightest ink 1, belongs to the drawing

_NOTES, _FULL = "vae_core_notes", "vae_core_full"  # keys of a picture's `info`
PLAIN_PIXELS = 512**2  # of a PNG that is worth a short way
_PNG, _PLAIN_MODES = b"\x89PNG\r\n\x1a\n", {b"\x08\x00": "L", b"\x08\x02": "RGB"}
_IDLE_CHUNKS = {b"tEXt", b"zTXt", b"iTXt", b"pHYs", b"gAMA", b"sRGB", b"cHRM", b"iCCP", b"tIME", b"bKGD", b"sBIT"}
_RESAMPLE = Image.Resampling.BICUBIC  # Pillow widens the filter when it shrinks: antialiased

# Our own limit is lower than Pillow's, so that its warning means a picture that is refused anyway.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

Grey = NDArray[np.float32]


class ImageError(ValueError):
    """A picture that cannot be used; the message is one sentence for the user."""


def open_image(data: bytes, at_least: tuple[int, int] | None = None, used: Range | None = None) -> Image.Image:
    """Decode a stranger's picture: checked, upright, 8 bits, its first frame, no larger than models can use.

    Args:
        data: a file of one of `formats.known()`.
        at_least: width and height in pixels that suffice, as the picture lies in its file.
        used: what black and white are, as a model's header or a person says it; None finds it in the numbers of a
            picture that has other numbers than bytes.

    Returns:
        A picture of mode L, LA, RGB or RGBA, of less than four times `ENOUGH_PIXELS`; `notes` says what was done.

    Raises:
        ImageError: if it is no picture, or damaged, or beyond one of the limits above.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(f"The picture's file has {len(data):,} bytes; at most {MAX_BYTES:,} are allowed.")
    stretched = used is not None and used.of in ("all", "bytes") and (used.low, used.high) != (0, 255)
    if not stretched and (plain := _plain_png(data, at_least)) is not None:
        return plain
    if deep.is_deep(data):
        return _open_deep(data, at_least, used)
    image = _identify(data)
    _check_size(*image.size)
    _check_speed(image, len(data))
    remarks, full = [], _upright_size(image)
    try:
        if getattr(image, "is_animated", False):  # to count the frames would take seconds where they are millions
            remarks += _FRAMES.get(image.format or "", ["the first frame of an animation"])
        block = _block(image.size, at_least)
        image.draft(None, (image.width // block, image.height // block))  # a JPEG is decoded at a fraction of its size
        bits = _from_numbers(image, data) if _codec(image) == "ppm" else _to_eight_bits(image)
        if (block := _block(bits.size, at_least)) > 1:
            bits = bits.reduce(block)
    except Exception as error:  # decoders raise whatever the damaged bytes lead them to
        raise ImageError("The picture is damaged: its pixels cannot be decoded.") from error
    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        remarks.append(f"converted from {_MODES.get(image.mode, image.mode)}")
    if (turn := _TURNS.get(_orientation(image))) is not None:
        bits = bits.transpose(turn)
        remarks.append("turned upright as its EXIF data say")
    if used is not None and stretched:
        bits, remark = _stretched(bits, used)
        remarks.append(remark)
    bits.info[_NOTES], bits.info[_FULL] = tuple(remarks), full
    return bits


def _open_deep(data: bytes, at_least: tuple[int, int] | None, used: Range | None) -> Image.Image:
    """Return a picture of other numbers than bytes, in mode L, LA, RGB or RGBA."""
    height, width = deep.size(data)
    _check_size(width, height)
    try:
        picture = deep.read(data)
        used, remark = _range_of(picture.values, used)
        bits = _as_image(picture, used)
        if (block := _block(bits.size, at_least)) > 1:
            bits = bits.reduce(block)
    except deep.DeepError as error:
        raise ImageError(str(error)) from error
    except Exception as error:  # decoders raise whatever the damaged bytes lead them to
        raise ImageError("The picture is damaged: its pixels cannot be decoded.") from error
    remarks = [f"converted from {8 * picture.values.dtype.itemsize} bits", remark, *picture.remarks]
    if (turn := _TURNS.get(picture.orientation)) is not None:
        bits = bits.transpose(turn)
        remarks.append("turned upright as its EXIF data say")
    upright = (width, height) if picture.orientation in (5, 6, 7, 8) else (height, width)
    bits.info[_NOTES], bits.info[_FULL] = tuple(remarks), upright
    return bits


def _range_of(values: NDArray[Any], used: Range | None) -> tuple[Range, str]:
    """Tell what black and white are in a picture's numbers, and how that is known."""
    if used and used.of in ("all", "numbers"):
        return used, f"black is {used.low:g} and white {used.high:g}, as the model has it"
    numbers = ranges.Numbers()
    numbers.add(values)
    limits = ranges.before_picture(numbers) if used and used.of == "each" else ranges.find(numbers)
    return limits, f"black is {limits.low:g} and white {limits.high:g}, found from the picture"


def _as_image(picture: deep.Deep, used: Range) -> Image.Image:
    """Return numbers as a picture of bytes, a band at a time, since floats of all would take gigabytes."""
    height, width = picture.values.shape[:2]
    out = np.empty(picture.values.shape, np.uint8)
    step = max(1, BAND_PIXELS // width)
    for top in range(0, height, step):
        out[top : top + step] = ranges.to_bytes(picture.values[top : top + step], used)
    return Image.fromarray(out if picture.alpha is None else np.dstack([out, picture.alpha]))


def _stretched(bits: Image.Image, used: Range) -> tuple[Image.Image, str]:
    """Return a picture of bytes in another range than theirs; its transparency stays."""
    shades = ranges.to_bytes(np.arange(256, dtype=np.float64), used).tolist()
    same = list(range(256)) if "A" in bits.getbands() else []
    table = shades * (len(bits.getbands()) - bool(same)) + same
    return bits.point(table), f"black is {used.low:g} and white {used.high:g}, as the model has it"


def full_size(image: Image.Image) -> tuple[int, int]:
    """Return height and width that a picture has in its file, of which `open_image` may have given a smaller one."""
    height, width = image.info.get(_FULL, (image.height, image.width))
    return height, width


def _plain_png(data: bytes, at_least: tuple[int, int] | None) -> Image.Image | None:
    """Read a small PNG of 8 bits, grey or colour, that needs no interpreting: a short way for folders of thousands.

    None for all others, and for damaged files, about which Pillow's own way says more.
    """
    mode = _PLAIN_MODES.get(data[24:26])
    if mode is None or data[:8] != _PNG or data[12:16] != b"IHDR" or data[26:29] != bytes(3):
        return None
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    most = min(PLAIN_PIXELS, MAX_PIXELS, Image.MAX_IMAGE_PIXELS or PLAIN_PIXELS)
    if min(width, height) < MIN_SIDE or width * height > most or _block((width, height), at_least) > 1:
        return None
    if max(width, height) > MAX_ASPECT * min(width, height) or (packed := _png_pixels(data)) is None:
        return None
    with contextlib.suppress(Exception):
        return Image.frombytes(mode, (width, height), packed, "zip", mode)
    return None


def _png_pixels(data: bytes) -> bytes | None:
    """Return the packed pixels of a PNG; None where a chunk asks for more than these, or is damaged."""
    place = 8
    parts: list[bytes] = []
    while place + 12 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        end = place + 12 + length
        if kind == b"IEND":
            return b"".join(parts) if parts else None
        if kind in (b"IHDR", b"IDAT"):
            if zlib.crc32(data[place + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                return None
            parts += [data[place + 8 : end - 4]] * (kind == b"IDAT")
        elif kind not in _IDLE_CHUNKS:
            return None
        place = end
    return None


def _codec(image: ImageFile.ImageFile) -> str:
    """Return Pillow's name for the form in which the pixels of a file lie that is not read yet."""
    return image.tile[0][0] if image.tile else ""


def _check_speed(image: ImageFile.ImageFile, size: int) -> None:
    if (form := SLOW.get(_codec(image))) and size > MAX_SLOW_BYTES:
        raise ImageError(
            f"The picture is a {form}, which is slow to read, and has {size:,} bytes; at most {MAX_SLOW_BYTES:,} of "
            "such are read: save it as PNG."
        )


def _from_numbers(image: ImageFile.ImageFile, data: bytes) -> Image.Image:
    """Return a PPM whose white is another number than 255, in mode L or RGB; Pillow would read it number by number."""
    start: int = image.tile[0].offset
    white: int = image.tile[0].args[1]  # type: ignore[index, assignment]
    shape = (image.height, image.width, 3) if image.mode == "RGB" else (image.height, image.width)
    values = np.frombuffer(data, ">u2" if white > 255 else "u1", math.prod(shape), start)
    shades = np.rint(np.arange(white + 1) / white * 255).astype(np.uint8)
    return Image.fromarray(shades[np.minimum(values, white)].reshape(shape))


def _block(size: tuple[int, int], at_least: tuple[int, int] | None) -> int:
    """Return the side of the squares of pixels that become one: 1 where all are kept."""
    enough = math.isqrt(math.prod(size) // ENOUGH_PIXELS)
    spare = min(size[0] // at_least[0], size[1] // at_least[1]) if at_least else 1
    return max(1, enough, spare)


# What several pictures in one file are, where they are no animation: a camera's second view is none of the owner's.
_FRAMES: dict[str, list[str]] = {
    "MPO": [],
    "TIFF": ["the first of several pages"],
    "HEIF": ["the first of several pictures"],
}
_MODES = {
    "1": "black and white",
    "P": "a palette",
    "PA": "a palette",
    "CMYK": "CMYK",
}


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation: 1 is upright, 5 to 8 lie on their side.

    A JPEG XL is turned as it is decoded, whatever its EXIF data say, unless it is given back as the JPEG that it was.
    """
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1
    with contextlib.suppress(Exception):  # damaged EXIF data: as it lies in the file
        return int(image.getexif().get(0x0112, 1))
    return 1


def _identify(data: bytes) -> ImageFile.ImageFile:
    """Return the picture with only its header read, or, of a JPEG XL, with its size checked before it is decoded."""
    unreadable = f"This is not a picture that can be read here; these can: {formats.words()}."
    if formats.is_jxl(data):
        if (size := formats.jxl_size(data)) is None:
            raise ImageError(unreadable)
        _check_size(*size)
    try:
        return Image.open(io.BytesIO(data), formats=formats.known())
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"The picture has too many pixels; at most {MAX_PIXELS:,} are allowed.") from error
    except Exception as error:  # as above
        kind = filetypes.explain_as_data(data)
        raise ImageError(f"This is not a picture. {kind}" if kind else unreadable) from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(f"The picture has {width} x {height} pixels; at most {MAX_PIXELS:,} in all are allowed.")
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"The picture has {width} x {height} pixels; each side needs at least {MIN_SIDE}.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageError(
            f"The picture has {width} x {height} pixels; a side may be at most {MAX_ASPECT} times the other."
        )


def header_size(data: bytes) -> tuple[int, int]:
    """Return height and width of a picture once it is upright, from its header alone.

    Raises:
        ImageError: as `open_image`, the pixels aside.
    """
    if deep.is_deep(data):
        height, width = deep.size(data)
        _check_size(width, height)
        return (width, height) if deep.orientation(data) in (5, 6, 7, 8) else (height, width)
    image = _identify(data)
    _check_size(*image.size)
    return _upright_size(image)


def _upright_size(image: ImageFile.ImageFile) -> tuple[int, int]:
    """Return height and width once it is upright; of a TIFF, Pillow tells the size that it will have."""
    lies = _orientation(image) in (5, 6, 7, 8) and image.format != "TIFF"
    return image.size if lies else (image.height, image.width)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Return the same picture in mode L, LA, RGB or RGBA."""
    image.load()
    if image.mode.startswith("I") or image.mode == "F":
        raise ValueError("its numbers are read elsewhere, where they are whole")
    if image.mode in ("L", "LA", "RGB", "RGBA") and "transparency" not in image.info:
        return image
    if "transparency" in image.info or image.mode in ("PA", "La", "RGBa"):
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def _bands(image: Image.Image) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield some rows at a time: the first one's place, and pixels (h, W) or (h, W, C)."""
    step = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, step):
        yield top, np.asarray(image.crop((0, top, image.width, min(top + step, image.height))))


@dataclass(frozen=True)
class Preparation:
    """How a picture is made to look like a model's training data.

    Attributes:
        fit: `crop` the middle, `pad` to the whole picture, or `stretch`.
        invert: swap dark and light; None looks whether it is a dark drawing on a light ground.
        centre: cut the ink out, scale it to `box` and put it into the middle, as MNIST was made (one channel on
            a dark ground only); None does so with photographs alone.
        background: grey of pads and behind transparency, 0 to 1; None takes what the model's ground and the
            drawing ask for.
        box: part of the model's height or width that the ink's longer side takes, 0 to 1 (MNIST: 20 of 28).
        by_mass: `centre` means the centre of mass (MNIST), not the middle of the bounding box.
        brighten: `centre` gives the ink full brightness and thickness (pen on paper), not its own (things).
        stroke: thickness of a pen's line in the training data, in parts of the drawing's longer side.
        crop: of a photograph of pen on paper, the rectangle to look in: left, top, right and bottom, in parts of
            its width and height; None looks everywhere.
        turn: degrees that this rectangle is turned by, clockwise; None takes what rules or edges of the sheet say.
        threshold: how much darker than the paper ink is at least, 0 to 1; None finds it.
    """

    fit: str = "crop"
    invert: bool | None = None
    centre: bool | None = False
    background: float | None = None
    box: float = 20 / 28
    by_mass: bool = True
    brighten: bool = True
    stroke: float = 0.11
    crop: tuple[float, float, float, float] | None = None
    turn: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise ValueError(f"fit is {self.fit!r}; allowed: {', '.join(FITS)}.")
        if self.background is not None and not 0 <= self.background <= 1:
            raise ValueError(f"background is {self.background!r}; allowed: 0 (black) to 1 (white).")
        if not 0 < self.box <= 1:
            raise ValueError(f"box is {self.box!r}; allowed: above 0, up to 1.")
        if not 0 < self.stroke < 1:
            raise ValueError(f"stroke is {self.stroke!r}; allowed: above 0, below 1.")
        left, top, right, bottom = self.crop or (0, 0, 1, 1)
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError(f"crop is {self.crop!r}; allowed: left, top, right, bottom, in this order from 0 to 1.")
        if not -MAX_TURN <= (self.turn or 0) <= MAX_TURN:
            raise ValueError(f"turn is {self.turn!r}; allowed: {-MAX_TURN} to {MAX_TURN} degrees.")
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold!r}; allowed: above 0, below 1.")


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the model sees: x (1, C, H, W) in [0, 1], whether it was inverted, and what was done, in words.

    `cutout` is what was found in a photograph of handwriting.
    """

    x: Tensor
    inverted: bool
    notes: tuple[str, ...]
    cutout: CutOut | None = None


def prepare(
    image: Image.Image,
    image_shape: tuple[int, int, int],
    preparation: Preparation | None = None,
    dark_background: bool | None = None,
) -> Prepared:
    """Turn a picture into the tensor that a model expects.

    Args:
        image: from `open_image`.
        image_shape: channels (1 or 3), height and width of the model.
        preparation: what to do; None = the defaults.
        dark_background: whether the model's training data have a dark ground; None = unknown or mixed.

    Returns:
        x (1, C, H, W) float32 in [0, 1], with notes for the user.
    """
    preparation = preparation or Preparation()
    channels, height, width = image_shape
    ink_on_dark = bool(dark_background) and channels == 1
    picture, remarks = _opaque(image, channels, preparation.background, dark_background)
    cutout = _cut_out(picture, preparation) if ink_on_dark else None
    inverted = preparation.invert
    if inverted is None:
        inverted = ink_on_dark and (is_dark_on_light(picture) if cutout is None else cutout.dark_ink)
        remarks += ["dark on light, so inverted"] * inverted
    if cutout is not None and cutout.mask.any():
        drawing = _written(cutout, (height, width), preparation)
        remarks += ["handwriting cut out of the photograph", *cutout.notes]
    else:
        drawing, remark = _fitted(picture, inverted, image_shape, preparation, dark_background)
        remarks.append(remark)
    x = torch.tensor(drawing, dtype=torch.float32).reshape(height, width, channels)
    x = x.permute(2, 0, 1)[None].contiguous()  # (H, W, C) -> (1, C, H, W)
    return Prepared(x, inverted, (*notes(image), *remarks), cutout)


def _cut_out(picture: Image.Image, how: Preparation) -> CutOut | None:
    """Return the handwriting in a grey photograph of pen on paper; None where it is none, or shall stay as it is."""
    if how.centre is False or not how.brighten or min(picture.size) < PHOTOGRAPH_SIDE:
        return None
    from vae_core import photographs

    counts = np.bincount(_border(np.asarray(picture)))
    if counts.max() >= FLAT * counts.sum():  # nothing that lights, soils or rules a paper is there
        return None
    scale = photographs.SIDE / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    grey = np.asarray(picture.resize(size, _RESAMPLE, reducing_gap=2), np.float32) / np.float32(255)
    return photographs.cut(grey, how.crop, how.turn, how.threshold, how.invert)


def _written(cutout: CutOut, size: tuple[int, int], how: Preparation) -> Grey:
    """Return handwriting as the training data have it: (H, W) in [0, 1]."""
    from vae_core import photographs

    return _placed(photographs.redraw(cutout.mask, how.stroke), size, how)


def _fitted(
    picture: Image.Image, inverted: bool, shape: tuple[int, int, int], how: Preparation, dark: bool | None
) -> tuple[NDArray[Any], str]:
    """Fit a picture that is not taken for a photograph of handwriting: (H, W) or (H, W, C), and what was done."""
    channels, height, width = shape
    if inverted:
        picture = ImageOps.invert(picture)
    if how.centre and dark and channels == 1 and (drawing := _centre_ink(picture, (height, width), how)) is not None:
        return drawing, "drawing cut out and centred"
    ground = _ground(picture, how.background, dark)
    return np.asarray(fit(picture, (height, width), how.fit, ground), np.float32) / np.float32(255), _FIT_NOTES[how.fit]


_FIT_NOTES = {"crop": "middle cut out", "pad": "fitted whole", "stretch": "stretched"}


def notes(image: Image.Image) -> tuple[str, ...]:
    """Tell what `open_image` did to a picture, in words."""
    return tuple(image.info.get(_NOTES, ()))


def _opaque(
    image: Image.Image, channels: int, background: float | None, dark: bool | None
) -> tuple[Image.Image, list[str]]:
    """Return the picture without transparency, in the model's colours, and remarks."""
    remarks = []
    if image.mode in ("LA", "RGBA"):
        if background is None:
            background = _behind(image, channels, dark)
        remarks.append(f"transparency filled with {_grey_name(background)}")
    flat = flatten(image, 1.0 if background is None else background)
    if channels == 1 and flat.mode == "RGB":
        remarks.append("colour made grey")
    return flat.convert("L" if channels == 1 else "RGB"), remarks


def _grey_name(level: float) -> str:
    return {0.0: "black", 1.0: "white"}.get(level, f"grey {level:.2f}")


def _behind(image: Image.Image, channels: int, dark: bool | None) -> float:
    """Return grey to put behind transparency: what shows the ink where it is detected, else the model's ground."""
    if not (dark and channels == 1):
        return 0.0 if dark else 1.0
    bands = (band.astype(np.int64) for _, band in _bands(image.convert("LA")))
    weight, light = np.sum([(band[..., 1].sum(), band.prod(axis=-1).sum()) for band in bands], axis=0)
    return float(weight > 0 and light / weight < 127.5)


def flatten(image: Image.Image, background: float = 1.0) -> Image.Image:
    """Put a picture of mode LA or RGBA onto a grey (0 to 1); mode L or RGB comes back."""
    if image.mode not in ("LA", "RGBA"):
        return image
    canvas = Image.new("RGBA", image.size, (round(background * 255),) * 3)
    return Image.alpha_composite(canvas, image.convert("RGBA")).convert(image.mode.rstrip("A"))


def fit(image: Image.Image, size: tuple[int, int], how: str = "crop", ground: int | tuple[int, ...] = 0) -> Image.Image:
    """Bring an opaque picture to `size` (height, width), antialiased; `ground` is the colour of pads."""
    height, width = size
    if image.size == (width, height):
        return image
    if how == "stretch" or (how == "pad" and fills((image.height, image.width), size)):
        return image.resize((width, height), _RESAMPLE)
    if how == "crop":
        scale = min(image.width / width, image.height / height)
        left, top = (image.width - scale * width) / 2, (image.height - scale * height) / 2
        box = (left, top, left + scale * width, top + scale * height)
        return image.resize((width, height), _RESAMPLE, box=box)
    scale = min(width / image.width, height / image.height)
    inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    canvas = Image.new(image.mode, (width, height), ground)
    canvas.paste(image.resize(inner, _RESAMPLE), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return canvas


def fills(sides: tuple[int, int], size: tuple[int, int]) -> bool:
    """Tell whether a picture of these sides (height, width) has the shape of `size`, up to rounding."""
    scales = [wanted / side for wanted, side in zip(size, sides, strict=True)]
    return any(tuple(max(1, round(side * scale)) for side in sides) == size for scale in scales)


def border_colour(picture: Image.Image) -> int | tuple[int, ...]:
    """Return the median of an opaque picture's border, for pads."""
    return _ground(picture, None, None)


def _ground(picture: Image.Image, background: float | None, dark: bool | None) -> int | tuple[int, ...]:
    """Return colour of pads: as asked for, else the model's ground, else the picture's own border."""
    if background is None and dark is None:
        border = np.median(_border(np.asarray(picture)), axis=0)
        return tuple(int(v) for v in border) if border.ndim else int(border)
    level = round(255 * background) if background is not None else 0 if dark else 255
    return level if picture.mode == "L" else (level,) * 3


def _border(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels (n, ...) of a frame a twentieth of the shorter side wide."""
    width = max(1, min(pixels.shape[:2]) // 20)
    inside = np.zeros(pixels.shape[:2], bool)
    inside[width:-width, width:-width] = True
    return pixels[~inside]


def is_dark_on_light(picture: Image.Image) -> bool:
    """Tell whether a grey picture shows something dark on a light ground: its border against its inside."""
    from_ground = np.arange(256) - np.median(_border(np.asarray(picture)))
    # Squares, because ink differs much and shading little, however thin the ink is.
    weight = np.array(picture.histogram()) * np.square(from_ground)
    return bool(weight[from_ground < 0].sum() > weight[from_ground > 0].sum())


def has_dark_ground(x: Tensor) -> bool | None:
    """Tell whether pictures (N, C, H, W) in [0, 1] have a dark ground: True, False (light), or None where mixed."""
    frame = torch.cat([x[..., 0, :], x[..., -1, :], x[..., 0], x[..., -1]], dim=-1)
    level = frame.float().mean(1).median(dim=-1).values  # (N,)
    dark = (level < 0.2).float().mean().item()
    light = (level > 0.8).float().mean().item()
    return True if dark > 0.9 else False if light > 0.9 else None


def _centre_ink(picture: Image.Image, size: tuple[int, int], how: Preparation) -> Grey | None:
    """Return light ink, cut out, scaled to `how.box` and centred: (H, W) in [0, 1]; None without ink."""
    small = picture.copy()
    small.thumbnail((WORK_SIDE, WORK_SIDE), _RESAMPLE)
    ink = _ink(np.asarray(small, np.float32) / np.float32(255), how.brighten)
    rows, columns = (np.flatnonzero(np.any(ink > INK_LEVEL * ink.max(), axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _placed(_thicken(crop) if how.brighten else crop, size, how)


def _placed(crop: Grey, size: tuple[int, int], how: Preparation) -> Grey:
    """Return light ink, cut to its own sides, scaled to `how.box` and centred: (H, W) in [0, 1]."""
    scale = min(how.box * side / length for side, length in zip(size, crop.shape, strict=True))
    height, width = (max(1, round(length * scale)) for length in crop.shape)
    scaled = np.asarray(Image.fromarray(crop).resize((width, height), _RESAMPLE), np.float32).clip(0, 1)
    if how.brighten:
        scaled = scaled / scaled.max()  # a thin line fades when it shrinks; the training data's ink is bright
    out = np.zeros(size, np.float32)
    top, left = _place(scaled if how.by_mass else np.ones_like(scaled), size)
    out[top : top + height, left : left + width] = scaled
    return out


def _thicken(ink: Grey) -> Grey:
    """Thin lines (a ballpoint pen in a photograph) grown to `STROKE`, as thick as the training data's."""
    edges = sum(float(np.abs(np.diff(ink, axis=axis, prepend=0, append=0)).sum()) for axis in (0, 1))
    # A line of length L and width w has the area L w, and edges of 2 L, which count 4 / pi times on a square grid.
    width = 2 * float(ink.sum()) / (edges * np.pi / 4)
    rounds = round(STROKE * max(ink.shape) - width) // 2
    if rounds < 1:
        return ink
    grown = Image.fromarray(np.rint(np.pad(ink, rounds) * 255).astype(np.uint8))
    for _ in range(rounds):
        grown = grown.filter(ImageFilter.MaxFilter(3))
    return np.asarray(grown, np.float32) / np.float32(255)


def _place(weight: Grey, size: tuple[int, int]) -> tuple[int, int]:
    """Return top and left that bring the centre of mass nearest to the middle, with everything inside."""
    corner = []
    for axis, side in enumerate(size):
        mass = weight.sum(axis=1 - axis)
        centre = float((mass * (np.arange(len(mass)) + 0.5)).sum() / mass.sum())
        # Rounding as measured on MNIST, Fashion-MNIST and digits: from the middle to one pixel beyond.
        corner.append(min(max(math.ceil(side / 2 - centre), 0), side - len(mass)))
    return corner[0], corner[1]


def _ink(grey: Grey, brighten: bool) -> Grey:
    """Return light ink with its ground, unevenly lit and noisy in a photograph, set to 0; all 0 without ink."""
    photograph = min(grey.shape) >= PHOTOGRAPH_SIDE
    rest = grey - (_lighting(grey) if photograph else np.median(_border(grey)))
    high = float(np.percentile(rest[rest >= rest.max() / 2], 99))  # of the ink alone, however little it is
    if high < INK_CONTRAST:
        return np.zeros_like(grey)
    noise = float(np.median(np.abs(_border(rest)))) if photograph else 0.0
    low = min(4 * noise, high / 2)  # 4 median deviations: 99.3 % of a camera's noise
    if brighten:
        return ((rest - low) / (high - low)).clip(0, 1).astype(np.float32)
    return np.where(rest > low, rest, 0).clip(0, 1).astype(np.float32)


def _lighting(grey: Grey) -> Grey:
    """Return the ground's brightness everywhere: medians of the four corners, bilinear between them."""
    height, width = (side // 8 for side in grey.shape)
    near, far = slice(None, height), slice(-height, None)
    corners = [[np.median(grey[v, h]) for h in (slice(None, width), slice(-width, None))] for v in (near, far)]
    v, h = (np.linspace(0, 1, side, dtype=np.float32) for side in grey.shape)
    top, bottom = (left + (right - left) * h for left, right in corners)
    return np.asarray(top + (bottom - top) * v[:, None], np.float32)


def to_uint8(x: Tensor) -> NDArray[np.uint8]:
    """Return pictures (N, C, H, W) in [0, 1] as (N, H, W, C) uint8; what lies outside is clipped, NaN is black."""
    levels = torch.nan_to_num(x.detach().float()).clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().contiguous().numpy()


def _whole(name: str, value: int, low: int) -> int:
    if value != int(value) or value < low:
        raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {low}.")
    return int(value)


def _enlarged(x: Tensor, scale: int) -> NDArray[np.uint8]:
    """Enlarge to (N, H * scale, W * scale, C) uint8, every pixel a square of whole pixels."""
    _check_pictures(x, scale)
    return to_uint8(x).repeat(scale, axis=1).repeat(scale, axis=2)


def _check_pictures(x: Tensor, scale: int) -> None:
    if x.ndim != 4 or not len(x) or x.shape[1] not in (1, 3):
        raise ValueError(f"Pictures have the shape {tuple(x.shape)}; it must be (N, 1 or 3, H, W) with N above 0.")
    check_canvas(x.shape[0] * x.shape[2] * x.shape[3] * scale**2)


def check_canvas(pixels: int) -> None:
    """Refuse a result of more than MAX_CANVAS pixels."""
    if pixels > MAX_CANVAS:
        raise ValueError(f"The result would have {pixels:,} pixels; at most {MAX_CANVAS:,} are allowed.")


def columns(count: int, image_shape: tuple[int, int, int]) -> int:
    """Return pictures a row that bring `count` of a shape (C, H, W) nearest to a square sheet."""
    _, height, width = image_shape
    return min(count, max(1, math.ceil(round(math.sqrt(count * height / width), 3))))


def grid(x: Tensor, columns: int, scale: int = 1, gutter: int = 2, background: float = 1.0) -> Image.Image:
    """Return pictures in rows of `columns`, enlarged without smoothing, equal gutters between and around them.

    Args:
        x: (N, C, H, W) in [0, 1], C 1 or 3, N at least 1.
        columns: pictures a row; the last row may be short.
        scale: whole number by which each pixel grows.
        gutter: pixels of the result between pictures.
        background: grey of gutters and empty places, 0 to 1.

    Returns:
        An image of mode L or RGB.

    Raises:
        ValueError: on numbers out of range, or more than `MAX_CANVAS` pixels.
    """
    columns, scale, gutter = (
        _whole("columns", columns, 1),
        _whole("scale", scale, 1),
        _whole("gutter", gutter, 0),
    )
    tiles = _enlarged(x, scale)
    count, height, width, channels = tiles.shape
    rows = math.ceil(count / columns)
    size = rows * (height + gutter) + gutter, columns * (width + gutter) + gutter
    check_canvas(math.prod(size))
    canvas = np.full((*size, channels), round(255 * background), np.uint8)
    for k, tile in enumerate(tiles):
        top, left = (
            place * (side + gutter) + gutter for place, side in zip(divmod(k, columns), (height, width), strict=True)
        )
        canvas[top : top + height, left : left + width] = tile
    return Image.fromarray(canvas.squeeze(-1) if channels == 1 else canvas)


def png(image: Image.Image) -> bytes:
    """Return a picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def gif(frames: Tensor, fps: float = 10.0, scale: int = 1) -> bytes:
    """Make an animation that repeats for ever, with one palette for all frames, no dithering, equal neighbours kept.

    Args:
        frames: (T, C, H, W) in [0, 1], T at least 1.
        fps: frames a second, above 0 and at most `MAX_FPS`.
        scale: whole number by which each pixel grows.

    Returns:
        The bytes of a GIF file. Grey, or up to 256 colours, come through exactly.

    Raises:
        ValueError: on numbers out of range, or more than `MAX_CANVAS` pixels in all.
    """
    if not 0 < fps <= MAX_FPS:
        raise ValueError(f"fps is {fps!r}; allowed: above 0, up to {MAX_FPS}.")
    scale = _whole("scale", scale, 1)
    _check_pictures(frames, scale)
    indices, palette = _indexed(to_uint8(frames))
    pictures = []
    for index in indices.repeat(scale, axis=1).repeat(scale, axis=2):
        pictures.append(Image.fromarray(index))
        pictures[-1].putpalette(palette.tobytes())
    # GIF counts hundredths of a second: rounding the moments and not the durations keeps the pace.
    moments = [round(100 * k / fps) for k in range(len(pictures) + 1)]
    durations = [10 * (b - a) for a, b in itertools.pairwise(moments)]  # milliseconds
    # `save` would make one frame of equal neighbours, and no animation at all of the way from a picture to itself.
    header, _ = GifImagePlugin.getheader(pictures[0], info={"loop": 0})
    frames_in_file = (GifImagePlugin.getdata(p, duration=ms) for p, ms in zip(pictures, durations, strict=True))
    return b"".join(itertools.chain(header, *frames_in_file, [b";"]))


def _indexed(tiles: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return pictures (T, H, W, C) as (T, H, W) places in one palette (256 at most, 3): exact where that many do."""
    colours = np.broadcast_to(tiles, (*tiles.shape[:3], 3)).reshape(-1, 3)
    packed, places = np.unique(colours.astype(np.uint32) @ (1 << 16, 1 << 8, 1), return_inverse=True)
    if len(packed) <= 256:
        palette = np.stack([packed >> 16, packed >> 8, packed], axis=1).astype(np.uint8)  # keeps the low 8 bits
        return places.reshape(tiles.shape[:3]).astype(np.uint8), palette
    row = Image.fromarray(colours.reshape(-1, tiles.shape[2], 3))
    reduced = row.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)
    return np.asarray(reduced).reshape(tiles.shape[:3]), palette


def zip_png(x: Tensor, stem: str = "picture", scale: int = 1) -> bytes:
    """Return pictures (N, C, H, W) in [0, 1] as a zip of PNG files `stem-0.png`, `stem-1.png`, ...

    Args:
        x: N at least 1.
        stem: start of the names; whatever is not a letter of ASCII, a digit, `-` or `_` becomes `_`.
        scale: whole number by which each pixel grows.

    Returns:
        The bytes of a zip file, the same for the same pictures.
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:100] or "picture"
    tiles = _enlarged(x, _whole("scale", scale, 1))
    digits = len(str(len(tiles) - 1))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for k, tile in enumerate(tiles):
            entry = zipfile.ZipInfo(f"{stem}-{k:0{digits}}.png")  # dated 1980, so that bytes do not depend on the day
            archive.writestr(entry, png(Image.fromarray(tile.squeeze(-1) if tile.shape[-1] == 1 else tile)))
    return buffer.getvalue()
