"""A folder, a zip, an .npz -> `Raw`: classes and parts from the folders in which pictures lie."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from vae_core import deep, images
from vae_core.config import DataConfig, Range
from vae_core.data import arrays, containers, depth, layouts, limits
from vae_core.data.depth import Entry
from vae_core.data.raw import (
    Picture,
    Progress,
    Raw,
    Source,
    check_memory,
    from_array,
    most,
    order,
    readable,
    usual_size,
)

SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".avif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
SUFFIXES |= {".heic", ".heif", ".hif", ".jxl"}  # read where the extra `photos` is installed, and else named
# Top folders that mean a split and not a class, and whether they hold test pictures.
PARTS = {"train": False, "training": False, "val": False, "valid": False, "validation": False, "test": True}


def cut_out(data: bytes, size: tuple[int, int], used: Range | None = None) -> NDArray[np.uint8]:
    """A picture's file at height and width `size`, (H, W, 3): on white, the middle cut out; `used` is its range."""
    height, width = size
    picture = images.open_image(data, at_least=(2 * width, 2 * height), used=used)
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
    if (stack := _stack(source)) is not None:
        return _read_pictures([stack], config, report, picture, source)
    if (tables := containers.opened(source)) is not None:
        return arrays.from_stored(*tables, config)
    with _opened_zip(source) as archive:
        if _is_npz(archive.namelist()):
            _check_archive(archive, most(source, limits.MAX_STREAMED))
            return arrays.read(source, config)
        _check_archive(archive, most(source, limits.MAX_UNPACKED))
        return _read_pictures(_zip_entries(archive), config, report, picture, source)


def _stack(source: Source) -> Entry | None:
    """A single TIFF, of one page or of many; None where it is another file."""
    if isinstance(source, bytes):
        return Entry("stack.tif", len(source), lambda: source) if deep.is_tiff(source) else None
    with source.open("rb") as stream:
        is_tiff = deep.is_tiff(stream.read(4))
    return Entry(f"{source.stem}.tif", _size(source), partial(_file_bytes, source)) if is_tiff else None


def _opened_zip(source: Source) -> zipfile.ZipFile:
    """A zip, of which only the index has been read."""
    try:
        return zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except Exception as error:  # zipfile raises whatever odd bytes lead it to
        raise ValueError(
            "The file is not a readable zip of pictures or .npz: it is damaged or something else."
        ) from error


# --- folders and zips


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
        if len(found) > limits.MAX_PICTURES:
            raise ValueError(f"The folder has more than {limits.MAX_PICTURES:,} pictures, which is the most allowed.")
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


def _folder_entries(folder: Path) -> list[Entry]:
    files = picture_files(folder)
    if not files:
        raise ValueError(f"The folder {folder.name!r} has no pictures; looked for {', '.join(sorted(SUFFIXES))}.")
    return [Entry(file.relative_to(folder).as_posix(), _size(file), partial(_file_bytes, file)) for file in files]


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
    if keys & set(layouts.IMAGE_KEYS) or keys >= set(layouts.PACKED):
        return True
    return bool(keys) and not any(map(_is_picture, names))


def _check_archive(archive: zipfile.ZipFile, most: int) -> None:
    """Refuse what could harm: sizes are those of the directory, beyond which zipfile does not unpack."""
    if (count := len(archive.infolist())) > limits.MAX_PICTURES:
        raise ValueError(f"The zip has {count:,} files; at most {limits.MAX_PICTURES:,} are allowed.")
    for info in archive.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or any(part == ".." or part.endswith(":") for part in path.parts):
            raise ValueError(f"The zip holds the path {info.filename!r}, which leads out of it: refused.")
        if info.flag_bits & 1:
            raise ValueError("The zip is encrypted; it must be readable without a password.")
    if (total := sum(info.file_size for info in archive.infolist())) > most:
        raise ValueError(f"The zip would unpack to {total:,} bytes; at most {most:,} are allowed.")


def _zip_entries(archive: zipfile.ZipFile) -> list[Entry]:
    # Not by is_dir, which wants a name to be there.
    found = [info for info in archive.infolist() if info.filename[-1:] != "/" and _is_picture(info.filename)]
    if not found:
        raise ValueError(f"The zip has no pictures; looked for {', '.join(sorted(SUFFIXES))}.")
    entries = [Entry(info.filename, info.file_size, partial(archive.read, info)) for info in found]
    return sorted(entries, key=lambda entry: entry.name)


def _read_pictures(entries: list[Entry], config: DataConfig, report: Progress, picture: Picture, source: Source) -> Raw:
    """Decode the chosen pictures at one size and in one range; those that cannot be read are counted and named."""
    entries, remarks = depth.pages(entries)
    entries = [entries[i] for i in np.sort(order(len(entries), config))]
    size = config.size or _common_size(entries)
    check_memory(len(entries) * 3 * size[0] * size[1], source)
    decoded = partial(_decode, entries, size, report)
    try:
        pixels, good, bad, used, notes = _in_range(entries, config.range, decoded, report, picture)
    finally:
        depth.forget()
    grey = all(np.array_equal(pixels[..., 0], pixels[..., c]) for c in (1, 2))
    raw = _labelled(from_array(pixels[..., :1] if grey else pixels), good, (*_complaint(bad), *remarks, *notes))
    return replace(raw, range=used)


def _in_range(entries, asked, decoded, report, picture):  # type: ignore[no-untyped-def]
    """Decoded pictures, what black and white are in their numbers, and notes on it."""
    if asked and asked.of == "each":
        return *decoded(partial(picture, used=asked)), asked, ()
    try:
        of_bytes = replace(asked, of="bytes") if asked and asked.of == "all" else asked
        pixels, good, bad = decoded(depth.careful(partial(picture, used=of_bytes)))
        return pixels, good, bad, *depth.of_bytes(int(pixels.max()), asked)
    except depth.Unknown:
        numbers, count = depth.measure(entries, _contents, report)
    used, notes = depth.settle(numbers, asked, len(entries) - count)
    return *decoded(partial(picture, used=used)), used, notes


def _decode(entries, size, report, picture):  # type: ignore[no-untyped-def]
    """Pixels (n, H, W, 3), names of those that were read, names and reasons of the others."""
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
    return pixels[: len(good)], good, bad


def _contents(entry: Entry) -> bytes:
    if entry.size > images.MAX_BYTES:
        raise images.ImageError(f"its file has {entry.size:,} bytes; at most {images.MAX_BYTES:,} are allowed.")
    try:
        return entry.read()
    except OSError as error:
        raise images.ImageError(error.strerror or str(error)) from error
    except Exception as error:  # zipfile and what it unpacks with raise whatever odd bytes lead them to
        raise images.ImageError("it cannot be unpacked: it is damaged, or packed in an unknown way.") from error


def _common_size(entries: list[Entry]) -> tuple[int, int]:
    sides = []
    for entry in entries:
        try:
            sides.append(images.header_size(_contents(entry)))
        except ValueError:  # named when it is decoded
            continue
    return usual_size(sides or [(limits.USUAL_SIDE, limits.USUAL_SIDE)])


def _complaint(bad: list[tuple[str, str]]) -> tuple[str, ...]:
    if not bad:
        return ()
    named = ", ".join(name for name, _ in bad[: limits.NAMED]) + ", ..." * (len(bad) > limits.NAMED)
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
        classes, labels = np.unique([readable(parts[0]) for parts in folders], return_inverse=True)
    elif not any(folders) and common:
        classes, labels = np.array([readable(common)]), np.zeros(len(names), np.int64)
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


def _part(raw: Raw, chosen: NDArray[np.bool_]) -> Raw:
    places = np.flatnonzero(chosen)
    labels = None if raw.labels is None else raw.labels[places]
    return replace(raw, count=len(places), pixels=lambda i: raw.pixels(places[i]), labels=labels)
