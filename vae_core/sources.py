"""Where pictures come from: IDX files, .npz, folders and zips -> `Raw`, with every limit a named constant."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core import images
from vae_core.config import MIN_SIDE, DataConfig

Source = Path | bytes
Progress = Callable[[float, str], None]
Picture = Callable[[bytes, tuple[int, int]], NDArray[np.uint8]]  # a file's bytes, height and width -> (H, W, 3)
Indices = NDArray[np.int64]

MAX_PICTURES = 100_000  # files of a folder or zip
MAX_UNPACKED = 4 * 2**30  # bytes of a zip or .npz once unpacked
MAX_SET_BYTES = 4 * 2**30  # of a data set in memory
MAX_UPLOAD = 2**29  # bytes of an upload once unpacked, and of its data set in memory: a visitor shares the machine
MAX_ROWS = 5_000_000  # pictures of an .npz
MAX_ROW_PIXELS = 2**24  # of one picture of an .npz
MAX_NAMES = 100_000  # classes, or values of all factors together
MAX_NAME = 200  # characters of a name
MAX_JOINED = 2**20  # characters of the names of a factor's values, joined
MAX_IDX_BYTES = 2**28  # of an IDX file once unpacked
USUAL_SIDE = 64  # pixels: pictures of mixed or large size are brought to this
LARGE_SIDE = 128  # pixels: a size beyond this is not kept
NAMED = 3  # so many unreadable pictures are named in a message

SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".avif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
SUFFIXES |= {".heic", ".heif", ".hif", ".jxl"}  # read where the extra `photos` is installed, and else named
# Top folders that mean a split and not a class, and whether they hold test pictures.
PARTS = {"train": False, "training": False, "val": False, "valid": False, "validation": False, "test": True}
IMAGE_KEYS = ("images", "imgs", "x", "data")
LABEL_KEYS = ("labels", "label", "y", "targets")
FACTOR_KEYS = ("factors", "latents_classes")
NAME_KEYS = ("class_names", "factor_names", "value_names")


@dataclass(frozen=True, eq=False)
class Raw:
    """A data set as found, before size, channels and split are chosen.

    Attributes:
        count: number of pictures.
        side: their height and width.
        channels: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha.
        pixels: (n,) indices -> (n, H, W, channels) uint8; it may draw, unpack or decode, and is asked once for every
            picture that is kept.
        labels: (N,) integers, places in `class_names`.
        class_names: names of the labels.
        factors: (N, F) integers, places in `value_names[f]`.
        factor_names: F names.
        value_names: names of each factor's values.
        test: the official test part.
        notes: what a user should know.
    """

    count: int
    side: tuple[int, int]
    channels: int
    pixels: Callable[[Indices], NDArray[np.uint8]]
    labels: NDArray | None = None
    class_names: tuple[str, ...] = ()
    factors: NDArray | None = None
    factor_names: tuple[str, ...] = ()
    value_names: tuple[tuple[str, ...], ...] = ()
    test: Raw | None = None
    notes: tuple[str, ...] = ()


def from_array(pixels: NDArray[np.uint8], labels: NDArray | None = None, class_names: Sequence[str] = ()) -> Raw:
    """Pictures (N, H, W, C) uint8 that are in memory already."""
    height, width, channels = pixels.shape[1:]
    return Raw(len(pixels), (height, width), channels, pixels.__getitem__, labels, tuple(class_names))


def from_files(files: Sequence[Path]) -> Raw:
    """Picture files of equal size, decoded in colour when they are asked for."""

    def pixels(indices: Indices) -> NDArray[np.uint8]:
        opened = (images.flatten(images.open_image(files[i].read_bytes())) for i in indices)
        return np.stack([np.asarray(picture.convert("RGB")) for picture in opened])

    return Raw(len(files), images.header_size(files[0].read_bytes()), 3, pixels)


def order(count: int, config: DataConfig) -> Indices:
    """The pictures that are kept, in the order of the seed (RandomState: promised never to change)."""
    return np.random.RandomState(config.seed).permutation(count)[: config.count]


def usual_size(sides: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Height and width for pictures that have these: the common one up to LARGE_SIDE, else up to USUAL_SIDE."""
    if len(set(sides)) > 1:
        side = max(MIN_SIDE, min(max(max(pair) for pair in sides), USUAL_SIDE))
        return side, side
    height, width = sides[0]
    scale = 1.0 if max(height, width) <= LARGE_SIDE else USUAL_SIDE / max(height, width)
    return max(MIN_SIDE, round(height * scale)), max(MIN_SIDE, round(width * scale))


def check_memory(total: int, source: Source | None) -> None:
    """Refuse a data set of more bytes than are allowed for its source (None = a named set)."""
    most = _most(source, MAX_SET_BYTES)
    if total > most:
        raise ValueError(
            f"The pictures would take {total:,} bytes of memory; at most {most:,} are allowed: "
            "ask for a smaller size or count."
        )


def _most(source: Source | None, own: int) -> int:
    """The limit for the owner's disk, or for an upload, which comes as bytes."""
    return min(own, MAX_UPLOAD) if isinstance(source, bytes) else own


def cut_out(data: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture's file at height and width `size`, (H, W, 3): on white, the middle cut out."""
    height, width = size
    picture = images.open_image(data, at_least=(2 * width, 2 * height))
    return np.asarray(images.fit(images.flatten(picture).convert("RGB"), size, "crop"))


def read(source: Source, config: DataConfig, report: Progress, picture: Picture = cut_out) -> Raw:
    """A user's own pictures.

    Args:
        source: a folder, or a zip or .npz as a path or its bytes.
        config: the size to which pictures of a folder or zip are brought, and how many are wanted.
        report: called with a fraction done and a text.
        picture: how a file of a folder or zip becomes a picture.

    Raises:
        ValueError: one sentence on what is wrong.
    """
    if isinstance(source, Path) and source.is_dir():
        return _read_pictures(_folder_entries(source), config, report, picture, source)
    if isinstance(source, Path) and not source.is_file():
        raise ValueError(f"There is no file or folder {source.name!r}.")
    with _opened_zip(source) as archive:
        _check_archive(archive, _most(source, MAX_UNPACKED))
        if _is_npz(archive.namelist()):
            return read_arrays(source)
        return _read_pictures(_zip_entries(archive), config, report, picture, source)


def _opened_zip(source: Source) -> zipfile.ZipFile:
    """A zip, of which only the index has been read."""
    try:
        return zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except Exception as error:  # zipfile raises whatever odd bytes lead it to
        raise ValueError(
            "The file is not a readable zip of pictures or .npz: it is damaged or something else."
        ) from error


# --- folders and zips -------------------------------------------------------------------------------------------


class _Entry(NamedTuple):
    """A picture's file: its path below the source, its bytes once unpacked, and how to get them."""

    name: str
    size: int
    read: Callable[[], bytes]


def picture_files(folder: Path) -> list[Path]:
    """The files below a folder that look like pictures, sorted; hidden ones are left out, links are followed."""
    found: list[Path] = []
    own = {_place(parent) for parent, *_ in os.walk(folder)}  # what a link shows a second time is no other class
    seen = set()  # a link may lead back to where it lies
    for parent, folders, names in os.walk(folder, followlinks=True):
        place, linked = _place(parent), os.path.islink(parent) and Path(parent) != folder
        again = place in seen or (linked and place in own)
        folders[:] = [] if again else sorted(name for name in folders if not _is_hidden(name))
        if again:
            continue
        seen.add(place)
        found += [Path(parent, name) for name in sorted(names) if _is_picture(name)]
        if len(found) > MAX_PICTURES:
            raise ValueError(f"The folder has more than {MAX_PICTURES:,} pictures, which is the most allowed.")
    return found


def _place(folder: str) -> tuple[int, int]:
    """What tells a folder from all others, by whatever path it was reached."""
    stat = os.stat(folder)
    return stat.st_dev, stat.st_ino


def _is_picture(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in SUFFIXES and not any(map(_is_hidden, path.parts))


def _is_hidden(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _folder_entries(folder: Path) -> list[_Entry]:
    files = picture_files(folder)
    if not files:
        raise ValueError(f"The folder {folder.name!r} has no pictures; looked for {', '.join(sorted(SUFFIXES))}.")
    return [_Entry(file.relative_to(folder).as_posix(), _size(file), partial(_file_bytes, file)) for file in files]


def _size(file: Path) -> int:
    """Bytes of a file; 0 where a link leads nowhere, which is found out when it is read."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _file_bytes(file: Path) -> bytes:
    if not file.is_file():  # to read a device or a pipe might never end
        raise OSError("it is no file, or a link that leads nowhere.")
    return file.read_bytes()


def _is_npz(names: Sequence[str]) -> bool:
    """Whether a zip with these files is an .npz of pictures, and not pictures beside which some array lies."""
    keys = {name.removesuffix(".npy") for name in names if name.endswith(".npy")}
    if keys & set(IMAGE_KEYS) or keys >= set(_PACKED):
        return True
    return bool(keys) and not any(map(_is_picture, names))


def _check_archive(archive: zipfile.ZipFile, most: int) -> None:
    """Refuse what could harm: sizes are those of the directory, beyond which zipfile does not unpack."""
    if (count := len(archive.infolist())) > MAX_PICTURES:
        raise ValueError(f"The zip has {count:,} files; at most {MAX_PICTURES:,} are allowed.")
    for info in archive.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or any(part == ".." or part.endswith(":") for part in path.parts):
            raise ValueError(f"The zip holds the path {info.filename!r}, which leads out of it: refused.")
        if info.flag_bits & 1:
            raise ValueError("The zip is encrypted; it must be readable without a password.")
    if (total := sum(info.file_size for info in archive.infolist())) > most:
        raise ValueError(f"The zip would unpack to {total:,} bytes; at most {most:,} are allowed.")


def _zip_entries(archive: zipfile.ZipFile) -> list[_Entry]:
    # Not by is_dir, which wants a name to be there.
    found = [info for info in archive.infolist() if info.filename[-1:] != "/" and _is_picture(info.filename)]
    if not found:
        raise ValueError(f"The zip has no pictures; looked for {', '.join(sorted(SUFFIXES))}.")
    entries = [_Entry(info.filename, info.file_size, partial(archive.read, info)) for info in found]
    return sorted(entries, key=lambda entry: entry.name)


def _read_pictures(
    entries: list[_Entry], config: DataConfig, report: Progress, picture: Picture, source: Source
) -> Raw:
    """Decode the chosen pictures at one size; those that cannot be read are counted and named."""
    entries = [entries[i] for i in np.sort(order(len(entries), config))]
    size = config.size or _common_size(entries)
    check_memory(len(entries) * 3 * size[0] * size[1], source)
    pixels = np.empty((len(entries), *size, 3), np.uint8)
    good: list[str] = []
    bad: list[tuple[str, str]] = []
    for k, entry in enumerate(entries):
        try:
            pixels[len(good)] = picture(_contents(entry), size)
            good.append(entry.name)
        except ValueError as error:
            bad.append((entry.name, str(error)))
        if k % 32 == 0:
            report(k / len(entries), f"read {k:,} of {len(entries):,} pictures")
    if not good:
        raise ValueError(f"None of {len(bad):,} pictures could be read; {bad[0][0]!r}: {bad[0][1]}")
    pixels = pixels[: len(good)]
    grey = all(np.array_equal(pixels[..., 0], pixels[..., c]) for c in (1, 2))
    return _labelled(from_array(pixels[..., :1] if grey else pixels), good, _complaint(bad))


def _contents(entry: _Entry) -> bytes:
    if entry.size > images.MAX_BYTES:
        raise images.ImageError(f"its file has {entry.size:,} bytes; at most {images.MAX_BYTES:,} are allowed.")
    try:
        return entry.read()
    except OSError as error:
        raise images.ImageError(error.strerror or str(error)) from error
    except Exception as error:  # zipfile and what it unpacks with raise whatever odd bytes lead them to
        raise images.ImageError("it cannot be unpacked: it is damaged, or packed in an unknown way.") from error


def _common_size(entries: list[_Entry]) -> tuple[int, int]:
    sides = []
    for entry in entries:
        try:
            sides.append(images.header_size(_contents(entry)))
        except ValueError:  # named when it is decoded
            continue
    return usual_size(sides or [(USUAL_SIDE, USUAL_SIDE)])


def _complaint(bad: list[tuple[str, str]]) -> tuple[str, ...]:
    if not bad:
        return ()
    named = ", ".join(name for name, _ in bad[:NAMED]) + ", ..." * (len(bad) > NAMED)
    return (f"{len(bad):,} of the files could not be read and were left out: {named}",)


def _labelled(raw: Raw, names: list[str], notes: tuple[str, ...]) -> Raw:
    """Classes, and a test part, from the folders in which the pictures lie."""
    folders = [PurePosixPath(name).parts[:-1] for name in names]
    common = ""
    while all(folders) and len({parts[0] for parts in folders}) == 1:
        common, folders = folders[0][0], [parts[1:] for parts in folders]
    is_test = np.zeros(len(names), bool)
    if all(parts and parts[0].lower() in PARTS for parts in folders):
        is_test = np.array([PARTS[parts[0].lower()] for parts in folders])
        folders = [parts[1:] for parts in folders]
    if all(folders):
        classes, labels = np.unique([_readable(parts[0]) for parts in folders], return_inverse=True)
    elif not any(folders) and common:
        classes, labels = np.array([_readable(common)]), np.zeros(len(names), np.int64)
    else:
        return replace(raw, notes=(*notes, *_loose(folders)))
    whole = replace(raw, labels=labels, class_names=tuple(map(str, classes)), notes=notes)
    if is_test.all() or not is_test.any():
        return whole
    return replace(_part(whole, ~is_test), test=_part(whole, is_test))


def _loose(folders: list[tuple[str, ...]]) -> tuple[str, ...]:
    """What is said where some pictures lie beside the folders that would be classes."""
    loose = sum(not parts for parts in folders)
    if loose == len(folders):
        return ()
    return (f"{loose:,} of the pictures lie beside the folders, so that none has a class: give each a folder",)


def _readable(name: str) -> str:
    """A folder's name as text; what is not UTF-8 in it becomes a question mark."""
    return name.encode(errors="replace").decode()


def _part(raw: Raw, chosen: NDArray[np.bool_]) -> Raw:
    places = np.flatnonzero(chosen)
    labels = None if raw.labels is None else raw.labels[places]
    return replace(raw, count=len(places), pixels=lambda i: raw.pixels(places[i]), labels=labels)


# --- .npz ---------------------------------------------------------------------------------------------------------

_PACKED = ("index", "palette")


def read_arrays(source: Source) -> Raw:
    """A data set from an .npz: `images`, or `index` and `palette`; `labels`, `factors` and their names.

    Raises:
        ValueError: one sentence on what is wrong.
    """
    return _from_arrays(read_npz(source, (*IMAGE_KEYS, *_PACKED, *LABEL_KEYS, *FACTOR_KEYS, *NAME_KEYS)))


def read_npz(source: Source, keys: Sequence[str]) -> dict[str, NDArray]:
    """Those arrays of an .npz that are named in `keys`; nothing is unpickled.

    Raises:
        ValueError: if it is damaged, too large, or holds Python objects.
    """
    try:
        with np.load(io.BytesIO(source) if isinstance(source, bytes) else source, allow_pickle=False) as archive:
            most = _most(source, MAX_UNPACKED)
            total = sum(archive.zip.getinfo(f"{key}.npy").file_size for key in keys if key in archive.files)
            if total <= most:
                return {key: archive[key] for key in keys if key in archive.files}
    except Exception as error:  # numpy raises whatever the damaged bytes lead it to
        raise ValueError("The .npz cannot be read: it is damaged, or holds Python objects and not numbers.") from error
    raise ValueError(f"The .npz would unpack to {total:,} bytes; at most {most:,} are allowed.")


def _from_arrays(arrays: dict[str, NDArray]) -> Raw:
    """A data set from arrays by their names."""
    raw = _indexed(arrays) if set(_PACKED) <= set(arrays) else from_array(_as_pixels(_first(arrays, IMAGE_KEYS)))
    if not raw.count:
        raise ValueError("The .npz has no pictures: its images have the length 0.")
    if (labels := _first(arrays, LABEL_KEYS)) is not None:
        raw = _with_labels(raw, labels, arrays.get("class_names"))
    if (factors := _first(arrays, FACTOR_KEYS)) is not None:
        raw = with_factors(raw, factors, arrays.get("factor_names"), arrays.get("value_names"))
    return raw


def _first(arrays: dict[str, NDArray], keys: Sequence[str]) -> NDArray | None:
    return next((arrays[key] for key in keys if key in arrays), None)


def _indexed(arrays: dict[str, NDArray]) -> Raw:
    """Pictures as places in a palette, coloured only when they are asked for."""
    index, palette = (arrays[key] for key in _PACKED)
    is_palette = palette.ndim == 2 and palette.shape[1] in (1, 3, 4) and palette.dtype == np.uint8
    if index.ndim != 3 or 0 in index.shape[1:] or not is_palette:
        raise ValueError(
            f"The .npz has an index {index.shape} and a palette {palette.shape} of {palette.dtype}; "
            "allowed: (N, H, W), H and W above 0, and (K, 1, 3 or 4) of uint8."
        )
    _check_extent(index.shape)
    if index.dtype.kind not in "iu" or index.min(initial=0) < 0 or index.max(initial=0) >= len(palette):
        raise ValueError(f"The .npz has an index that is not a whole number from 0 to {len(palette) - 1}.")
    height, width = index.shape[1:]
    return Raw(len(index), (height, width), palette.shape[1], lambda i: palette[index[i]])


def _as_pixels(array: NDArray | None) -> NDArray[np.uint8]:
    """Images of any usual layout and range as (N, H, W, C) uint8."""
    if array is None:
        raise ValueError(f"The .npz has no pictures; looked for {', '.join(IMAGE_KEYS)}, or index and palette.")
    shape = array.shape
    if array.ndim == 3:
        array = array[..., None]
    elif array.ndim == 4 and shape[-1] > 4 and shape[1] in (1, 3, 4):
        array = np.moveaxis(array, 1, -1)  # (N, C, H, W) -> (N, H, W, C)
    if array.ndim != 4 or not 1 <= array.shape[-1] <= 4 or 0 in array.shape[1:]:
        raise ValueError(f"The .npz has images {shape}; allowed: (N, H, W), (N, H, W, C), (N, C, H, W), C 1 to 4.")
    _check_extent(array.shape)
    return _as_bytes(array)


def _check_extent(shape: tuple[int, ...]) -> None:
    """Refuse pictures (N, H, W, ...) that would take much more memory on their way than they take in the file."""
    count, height, width = shape[:3]
    if count > MAX_ROWS or height * width > MAX_ROW_PIXELS:
        raise ValueError(
            f"The .npz has {count:,} pictures of {height:,} x {width:,} pixels; "
            f"at most {MAX_ROWS:,} pictures of {MAX_ROW_PIXELS:,} pixels are allowed."
        )


def _as_bytes(array: NDArray) -> NDArray[np.uint8]:
    """Values 0 to 1, -1 to 1 or 0 to 255 as uint8."""
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise ValueError(f"The .npz has images of {array.dtype}; allowed: finite numbers.")
    low, high = float(array.min(initial=0)), float(array.max(initial=0))
    if low < -1 or high > 255 or (low < 0 and high > 1):
        raise ValueError(f"The .npz has images of {low:g} to {high:g}; allowed: 0 to 1, -1 to 1, 0 to 255.")
    if array.dtype == np.uint8 and high > 1:
        return array
    offset, scale = (1.0, 127.5) if low < 0 else (0.0, 1.0) if high > 1 else (0.0, 255.0)
    out = np.empty(array.shape, np.uint8)
    for k, picture in enumerate(array):  # one by one: float copies of all would take eight times the memory
        out[k] = np.rint((picture.astype(np.float64) + offset) * scale)
    return out


def _with_labels(raw: Raw, labels: NDArray, names: NDArray | None) -> Raw:
    if labels.shape != (raw.count,) or labels.dtype.kind not in "biuSU" or _characters(labels) > MAX_NAME:
        raise ValueError(
            f"The .npz has labels {labels.shape} of {labels.dtype}; allowed: ({raw.count},) whole numbers, or texts "
            f"of up to {MAX_NAME} characters."
        )
    classes = () if names is None else _check_names(_texts(names, "class_names"), "class_names")
    if labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < len(classes):
        return replace(raw, labels=labels, class_names=classes)
    values, places = np.unique(labels, return_inverse=True)
    found = _check_names(_texts(values, "different labels"), "labels")
    return replace(raw, labels=places, class_names=tuple(name or "(none)" for name in found))


def _characters(array: NDArray) -> int:
    """How many characters each text of an array has room for; 1 of numbers."""
    kind = array.dtype.kind
    return array.dtype.itemsize // np.dtype((kind, 1)).itemsize if kind in "SU" else 1


def _texts(array: NDArray, key: str, most: int = MAX_NAME) -> tuple[str, ...]:
    """A row of names; refused before they are decoded where they are too long. What is not UTF-8 is replaced."""
    if (room := _characters(array)) > most:
        raise ValueError(f"The .npz has {key} of {room:,} characters; at most {most:,} are allowed.")
    if array.ndim != 1 or array.dtype.kind not in "biufSU" or len(array) > MAX_NAMES:
        raise ValueError(
            f"The .npz has {key} {array.shape} of {array.dtype}; allowed: one row of up to {MAX_NAMES:,} texts."
        )
    if array.dtype.kind == "S":
        return tuple(text.decode(errors="replace") for text in array.tolist())
    try:
        return tuple(_readable(str(text)) for text in array)
    except SystemError as error:  # numpy's way to say that a number in it is no character's
        raise ValueError(f"The .npz has {key} that are no texts: they are damaged.") from error


def _check_names(names: Sequence[str], key: str) -> tuple[str, ...]:
    if (longest := max(map(len, names), default=0)) > MAX_NAME:
        raise ValueError(f"The .npz has {key} of {longest:,} characters; at most {MAX_NAME} are allowed.")
    return tuple(names)


def with_factors(raw: Raw, factors: NDArray, names: NDArray | None = None, values: NDArray | None = None) -> Raw:
    """The same pictures with factors of variation.

    Args:
        raw: N pictures.
        factors: (N, F) whole numbers, 0 or more.
        names: (F,) texts; None = `factor 0`, ...
        values: (F,) texts, the names of a factor's values joined by `|`; None = the numbers.

    Raises:
        ValueError: where these do not fit together.
    """
    if factors.ndim != 2 or len(factors) != raw.count or factors.dtype.kind not in "iu" or factors.min(initial=0) < 0:
        raise ValueError(
            f"The .npz has factors {factors.shape} of {factors.dtype}; allowed: ({raw.count}, F) whole numbers from 0."
        )
    count, tops = factors.shape[1], factors.max(axis=0)
    _check_values(count, count + float(tops.sum(dtype=np.float64)))
    named = tuple(f"factor {k}" for k in range(count))
    if names is not None:
        named = _check_names(_texts(names, "factor_names"), "factor_names")
    texts = _value_names(values) if values is not None else [tuple(map(str, range(top + 1))) for top in tops.tolist()]
    if len(named) != count or len(texts) != count or any(len(t) <= top for t, top in zip(texts, tops, strict=True)):
        raise ValueError(f"The .npz has {count} factors, but factor_names or value_names do not cover them all.")
    return replace(raw, factors=factors, factor_names=named, value_names=tuple(texts))


def _check_values(factors: int, values: float) -> None:
    """Refuse more values than could be named: one large number in a small file stands for all below it."""
    if values > MAX_NAMES:
        raise ValueError(
            f"The .npz has {factors:,} factors with {values:,.0f} values in all; at most {MAX_NAMES:,} are allowed."
        )


def _value_names(array: NDArray) -> list[tuple[str, ...]]:
    """The names of each factor's values, from texts that are joined by `|`."""
    joined = _texts(array, "value_names", MAX_JOINED)
    _check_values(len(joined), len(joined) + sum(text.count("|") for text in joined))
    return [_check_names(text.split("|"), "value_names") for text in joined]


# --- IDX, the format of MNIST and its relatives -------------------------------------------------------------------


def read_idx_set(folder: Path, class_names: Sequence[str]) -> Raw:
    """The four IDX files of a set like MNIST, each packed (.gz) or not.

    Raises:
        ValueError: naming the file that is missing or damaged.
    """
    train, test = (_idx_part(folder, part, class_names) for part in ("train", "t10k"))
    return replace(train, test=test)


def _idx_part(folder: Path, part: str, class_names: Sequence[str]) -> Raw:
    pixels = read_idx(_idx_file(folder, f"{part}-images-idx3-ubyte"), 3)
    labels = read_idx(_idx_file(folder, f"{part}-labels-idx1-ubyte"), 1)
    if len(pixels) != len(labels) or labels.max(initial=0) >= len(class_names):
        raise ValueError(
            f"{folder.parent.name} has {len(pixels)} {part} pictures and {len(labels)} labels up to "
            f"{labels.max(initial=0)}; they must be equally many, and labels below {len(class_names)}."
        )
    return from_array(pixels[..., None], labels, class_names)


def _idx_file(folder: Path, stem: str) -> Path:
    for file in (folder / stem, folder / f"{stem}.gz"):
        if file.is_file():
            return file
    raise ValueError(f"{folder.parent.name}/{folder.name} has no {stem} or {stem}.gz.")


def read_idx(file: Path, axes: int) -> NDArray[np.uint8]:
    """An IDX file of unsigned bytes with so many axes.

    Raises:
        ValueError: if it is damaged, cut off, or something else.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            data = stream.read(MAX_IDX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{file.name} cannot be read: it is damaged or cut off.") from error
    start = 4 + 4 * axes
    shape = tuple(int(n) for n in np.frombuffer(data[4:start].ljust(4 * axes, b"\0"), ">u4"))
    if data[:4] != bytes([0, 0, 8, axes]) or len(data) != start + int(np.prod(shape, dtype=object)):
        raise ValueError(f"{file.name} is no IDX file of {axes} axes of bytes, or it is cut off.")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
