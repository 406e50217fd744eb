"""A folder, a zip, an .npz -> `Raw`: classes and parts from the folders in which pictures lie."""

from __future__ import annotations

import io
import os
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vae_core import deep, filetypes, images
from vae_core.config import DataConfig, Range
from vae_core.data import arrays, containers, depth, labels, layouts, limits, shapes, splits, stored
from vae_core.data.decoding import Decoded, Entry, contents
from vae_core.data.raw import (
    Held,
    Picture,
    Raw,
    Source,
    Table,
    check_memory,
    from_array,
    most,
    named_some,
    order,
    readable,
)
from vae_core.jobs import Narration

SUFFIXES = {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".mpo", ".gif", ".bmp", ".dib", ".webp"}
SUFFIXES |= {".avif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
SUFFIXES |= {".heic", ".heif", ".hif", ".jxl"}  # read where the extra `photos` is installed, and else named
UTF8_FLAG = 0x800  # of a zip's entry: its name is UTF-8


@dataclass(eq=False)
class Contents:
    """What lies in a folder or zip.

    Attributes:
        entries: the pictures, by name.
        others: files that are no pictures by their names -> how to get their bytes.
        hidden: files and folders that are hidden, or a system's own.
        notes: what a user should know of them.
    """

    entries: list[Entry] = field(default_factory=list)
    others: dict[str, Entry] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, size: int, read: Callable[[], bytes]) -> None:
        """Take in a file by its name."""
        if is_picture(name):
            self.entries.append(Entry(name, size, read))
            return
        hidden = _hidden_parts(name)
        if any(hidden):
            self.hidden.add("/".join(name.split("/")[: hidden.index(True) + 1]))
        else:
            self.others[name] = Entry(name, size, read)


def cut_out(
    data: bytes, size: tuple[int, int], how: str = "crop", used: Range | None = None
) -> tuple[tuple[int, int], NDArray[np.uint8]]:
    """Read a picture's file at height and width `size`, on white, as `images.FITS` says; `used`: range of its numbers.

    Returns:
        The height and width it had, and (H, W) or (H, W, 3).
    """
    height, width = size
    opened = images.open_image(data, at_least=(2 * width, 2 * height), used=used)
    picture = images.flatten(opened)
    if picture.size != (width, height):
        ground = images.border_colour(picture) if how == "pad" else 0
        picture = images.fit(picture, size, how, ground)
    return images.full_size(opened), np.asarray(picture)


def read(
    source: Source,
    config: DataConfig,
    report: Narration,
    picture: Picture | None = None,
    table: Table | None = None,
) -> Raw:
    """Return a user's own pictures.

    Args:
        source: a folder, or a zip, a TIFF or a file of arrays as a path or its bytes.
        config: the size to which pictures of a folder or zip are brought, and how many are wanted.
        report: called with a fraction done and a text.
        picture: how a file of a folder or zip becomes a picture; None = as the config says.
        table: of the labels of a folder's or zip's pictures, as `Table` says; None = none, or
            `labels.csv` where that lies in it and its folders are no classes, as one that holds all is not.

    Raises:
        ValueError: one sentence on what is wrong.
    """
    if isinstance(source, Path) and source.is_dir():
        return _read_pictures(_in_folder(source), config, report, picture, source, table)
    if isinstance(source, Path) and not source.is_file():
        raise ValueError(f"There is no file or folder {source.name!r}.")
    if (stack := _stack(source)) is not None:
        return _read_pictures(Contents([stack]), config, report, picture, source, table)
    if (tables := containers.opened(source)) is not None:
        return arrays.from_stored(*_without_table(tables, table), config)
    with _opened_zip(source) as archive:
        if not any(is_picture(name) for name in archive.namelist()) and (kind := _kind_of(source)):
            raise ValueError(f"The file holds no pictures. {kind}")
        if _is_npz(archive.namelist()):
            _check_archive(archive, most(source, limits.MAX_STREAMED))
            return arrays.from_stored(*_without_table((stored.open_npz(source), False), table), config)
        _check_archive(archive, most(source, limits.MAX_UNPACKED))
        return _read_pictures(_in_zip(archive), config, report, picture, source, table)


def _without_table(
    tables: tuple[dict[str, stored.Stored], bool], table: Table | None
) -> tuple[dict[str, stored.Stored], bool]:
    """Return arrays, where nobody asks for labels of another file."""
    if table is not None:
        raise ValueError("A table of labels goes with a folder or zip of pictures; arrays have labels of their own.")
    return tables


def _stack(source: Source) -> Entry | None:
    """Return a single TIFF, of one page or of many; None where it is another file."""
    if isinstance(source, bytes):
        return Entry("stack.tif", len(source), lambda: source) if deep.is_tiff(source) else None
    with source.open("rb") as stream:
        is_tiff = deep.is_tiff(stream.read(4))
    return Entry(f"{source.stem}.tif", source.stat().st_size, partial(_file_bytes, str(source))) if is_tiff else None


def _opened_zip(source: Source) -> zipfile.ZipFile:
    """Return a zip, of which only the index has been read."""
    try:
        return zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except Exception as error:  # zipfile raises whatever odd bytes lead it to
        kind = _kind_of(source) or "It is damaged or something else."
        raise ValueError(f"The file is not a readable zip of pictures or .npz. {kind}") from error


def _kind_of(source: Source) -> str | None:
    """Tell what a file is that holds no pictures, by its content."""
    tell = filetypes.explain_as_data
    return tell(source) if isinstance(source, bytes) else filetypes.explain_file(source, tell)


# --- folders and zips


def files_of(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the files below a folder, and hidden folders, which are not looked into; links are followed."""
    if not folder.is_dir():
        return
    own = {_place(parent) for parent, *_ in os.walk(folder)}  # what a link shows a second time is no other class
    seen, count, waiting = set(), 0, [(str(folder), False)]
    while waiting:
        parent, linked = waiting.pop()
        place = _place(parent)
        if place in seen or (linked and place in own):  # a link may lead back to where it lies
            continue
        seen.add(place)
        with os.scandir(parent) as listed:
            for entry in listed:
                if _is_folder(entry) and not _is_hidden(entry.name):
                    waiting.append((entry.path, entry.is_symlink()))
                    continue
                if (count := count + is_picture(entry.name)) > limits.MAX_PICTURES:
                    raise ValueError(
                        f"The folder has more than {limits.MAX_PICTURES:,} pictures, which is the most allowed."
                    )
                yield entry


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _place(folder: str) -> tuple[int, int]:
    """Tell what tells a folder from all others, by whatever path it was reached."""
    stat = os.stat(folder)
    return stat.st_dev, stat.st_ino


def is_picture(name: str) -> bool:
    """Tell whether a path below a source ends like a picture's, and nothing of it is hidden."""
    suffix = name[name.rfind(".") :].lower()
    return suffix in SUFFIXES and not (("/." in f"/{name}" or "__MACOSX" in name) and any(_hidden_parts(name)))


def _hidden_parts(name: str) -> list[bool]:
    return [_is_hidden(part) for part in name.split("/")]


def _is_hidden(part: str) -> bool:
    return part[:1] == "." or part == "__MACOSX"


def _in_folder(folder: Path) -> Contents:
    """Return the files of a folder, by name."""
    content, start = Contents(), len(os.path.join(folder, ""))
    for file in files_of(folder):
        name = file.path[start:].replace(os.sep, "/")
        content.add(name, size_and_time(file)[0], partial(_file_bytes, file.path))
    if not content.entries:
        raise ValueError(f"The folder {folder.name!r} has no pictures; looked for {', '.join(sorted(SUFFIXES))}.")
    content.entries.sort(key=_files_first)
    return content


def _files_first(entry: Entry) -> list[tuple[bool, str]]:
    """Sort so that within each folder the files come before what lies deeper."""
    *above, last = entry.name.split("/")
    return [*((True, folder) for folder in above), (False, last)]


def size_and_time(file: os.DirEntry[str]) -> tuple[int, int]:
    """Return bytes, and nanoseconds of the last change; 0 where a link leads nowhere, as is seen when it is read."""
    try:
        stat = file.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def _file_bytes(file: str) -> bytes:
    if not os.path.isfile(file):  # to read a device or a pipe might never end
        raise OSError("it is no file, or a link that leads nowhere.")
    with open(file, "rb") as opened:
        return opened.read()


def _is_npz(names: Sequence[str]) -> bool:
    """Tell whether a zip with these files is an .npz of pictures, and not pictures beside which some array lies."""
    keys = {name.removesuffix(".npy") for name in names if name.endswith(".npy")}
    if keys & set(layouts.IMAGE_KEYS) or keys >= set(layouts.PACKED):
        return True
    return bool(keys) and not any(map(is_picture, names))


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


def _in_zip(archive: zipfile.ZipFile) -> Contents:
    """Return the files of a zip, by name: a path may be parted by the backslash, as Windows has it."""
    content, unknown = Contents(), []
    for info in archive.infolist():
        name, sure = _name_of(info)
        if name[-1:] == "/":  # not by is_dir, which wants a name to be there
            continue
        unknown += [name] * (not sure)
        content.add(name, info.file_size, partial(archive.read, info))
    if not content.entries:
        raise ValueError(f"The zip has no pictures; looked for {', '.join(sorted(SUFFIXES))}.")
    if unknown:
        content.notes.append(_writing_note(unknown))
    content.entries.sort(key=lambda entry: entry.name)
    return content


def _writing_note(names: Sequence[str]) -> str:
    """Say which names are no UTF-8: a warning where they are no letters as they were read."""
    beyond = "".join(names).translate({code: None for code in range(128)})
    warning = "Warning: " if any(unicodedata.category(letter)[0] != "L" for letter in beyond) else ""
    return (
        f"{warning}{len(names):,} names of the zip are not UTF-8 and do not say what else (Shift-JIS, say): they were "
        f"read as code page 437, {named_some(names)}; where that is wrong, pack the zip again with UTF-8 names"
    )


def _name_of(info: zipfile.ZipInfo) -> tuple[str, bool]:
    """Return an entry's path, and whether it is sure: what is not marked as UTF-8 may be it all the same."""
    name, sure = info.filename, True
    if not info.flag_bits & UTF8_FLAG and not name.isascii():
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            sure = False
    return name.replace("\\", "/"), sure


def _read_pictures(
    content: Contents,
    config: DataConfig,
    report: Narration,
    picture: Picture | None,
    source: Source,
    table: Table | None,
) -> Raw:
    """Decode the chosen pictures at one size, with their classes and parts; what is left out is counted and named."""
    content.entries, pages = depth.pages(content.entries)
    places = splits.places([tuple(entry.name.split("/")[:-1]) for entry in content.entries], config.split_folders)
    wanted = np.flatnonzero(places.parts != splits.REST)
    chosen = wanted[np.sort(order(len(wanted), config))]
    decoded, used, numbers = depth.decode(
        [content.entries[i] for i in chosen],
        config,
        report,
        picture or partial(cut_out, how=config.fit),
        lambda size: check_memory(len(chosen) * 3 * size[0] * size[1], source),
    )
    rows = chosen[decoded.good]
    height, width = decoded.pixels.shape[2:]
    shape = "" if picture else shapes.describe(decoded.sides, (height, width), config)
    raw = replace(
        from_array(decoded.pixels.transpose(0, 2, 3, 1)),  # (n, C, H, W) -> (n, H, W, C)
        names=tuple(readable(content.entries[i].name) for i in rows),
        held=Held(decoded.pixels, np.arange(len(rows))),
        range=used,
        notes=(*content.notes, *pages, *numbers, *_parts_note(places, rows), *[shape] * bool(shape)),
    )
    raw, labelled, parts = _labelled(raw, places, rows, content, table, config.split_folders)
    raw = replace(raw, notes=(*raw.notes, *_left_out(content, decoded, places)))
    return _in_parts(raw, parts, labelled)


def _parts_note(places: splits.Places, rows: NDArray[np.int64]) -> tuple[str, ...]:
    """Tell which folders were taken for parts."""
    if not places.folders:
        return ()
    counts = {part: int((places.parts[rows] == part).sum()) for part in (splits.TRAIN, splits.VAL, splits.TEST)}
    folders = sorted(places.folders.items())
    named = [
        f"{', '.join(readable(name) for name, role in folders if role == part)} is the {part} part ({count:,} pictures)"
        for part, count in counts.items()
        if count
    ]
    return (f"folders are parts and no classes: {'; '.join(named)}; --split-folders off takes them for classes",)


def _classes_note(classes: Sequence[str], places: splits.Places, split: bool) -> str:
    """Say that folders were taken for classes, and how they would be parts."""
    sentence = f"folders are classes: {named_some(classes)} ({len(classes):,})"
    if places.folders:
        return sentence
    if split:
        return f"{sentence}; --split-folders takes for parts only names such as train, val, test, one beside another"
    return f"{sentence}; --split-folders on takes those named train, val, test and the like for parts"


def _labelled(
    raw: Raw, places: splits.Places, rows: NDArray[np.int64], content: Contents, table: Table | None, split: bool
) -> tuple[Raw, NDArray[np.bool_], NDArray[np.str_]]:
    """Return classes from a table or from the folders; of each picture whether its part has any, and its part.

    Where the folders are no parts and `split` is true, the table may give the parts.
    """
    named = [places.classes[i] for i in rows]
    known = np.array([name is not None for name in named])
    own = _own_table(content) if table is None else None
    parts, notes = places.parts[rows], []
    split = split and not places.folders
    if table is not None:
        return _by_table(raw, places, rows, content, table, split)
    if own and known.all() and len(set(places.classes)) > 1:
        notes = [f"{own.name} was not used, since folders are classes: --labels {own.name} takes it instead"]
    elif own:
        try:
            return _by_table(raw, places, rows, content, own.name, split)
        except ValueError as error:  # nobody asked for it
            notes = [f"{readable(own.name)} was not used: {error}"]
    labelled = _of_parts(parts, known, np.all)
    if not labelled.all():
        notes += _loose(places, parts, known)
    if not labelled.any():
        return replace(raw, notes=(*raw.notes, *notes)), labelled, parts
    texts = [unicodedata.normalize("NFC", readable(name or "")) for name in named]
    classes, _ = labels.coded([text for text, has in zip(texts, labelled, strict=True) if has])
    numbers = {name: k for k, name in enumerate(classes)}
    values = np.array([numbers.get(text, -1) for text in texts], np.int64)
    notes.append(_classes_note(classes, places, split))
    return replace(raw, labels=values, class_names=classes, notes=(*raw.notes, *notes)), labelled, parts


def _of_parts(
    parts: NDArray[np.str_], values: NDArray[np.bool_], over: Callable[[NDArray[np.bool_]], np.bool_]
) -> NDArray[np.bool_]:
    """Tell for each picture what all or any pictures of its part have, (N,)."""
    out = np.zeros(len(parts), bool)
    for part in np.unique(parts):
        out[parts == part] = over(values[parts == part])
    return out


def _own_table(content: Contents) -> Entry | None:
    """Return the table `labels.csv` beside or above the pictures, where one lies there."""
    tables = [entry for name, entry in content.others.items() if PurePosixPath(name).name.lower() == labels.USUAL_NAME]
    return min(tables, key=lambda entry: (entry.name.count("/"), entry.name), default=None)


def _by_table(
    raw: Raw, places: splits.Places, rows: NDArray[np.int64], files: Contents, table: Table, split: bool
) -> tuple[Raw, NDArray[np.bool_], NDArray[np.str_]]:
    """Take classes, attributes and, where `split` is true, parts from a table: a part without a row has no classes."""
    own = _inside(files, table) if isinstance(table, str) else None
    if own:
        name, content = own.name, contents(own)
    else:
        name, content = ("the table of labels", table) if isinstance(table, bytes) else cast(tuple[str, bytes], table)
    names = [readable(entry.name) for entry in files.entries]
    matched = labels.match(labels.read(content, name, names), names, name)
    matched = labels.parted(matched) if split else matched
    parts = (places.parts if matched.parts is None else matched.parts)[rows]
    chosen = [matched.values[i] for i in rows]
    labelled = _of_parts(parts, np.array([row is not None for row in chosen]), np.any)
    some = next(row for row in matched.values if row is not None)  # of no meaning where a part has no classes
    values = [row if has else some for row, has in zip(chosen, labelled, strict=True)]
    source = f"{readable(name)}, which lies with the pictures" if own else name
    raw = labels.applied(raw, replace(matched, values=values), source)
    if left := int((parts == splits.REST).sum()) if matched.parts is not None else 0:
        raw = replace(
            raw, notes=(*raw.notes, f"{left:,} of the pictures are left out: the table tells no part for them")
        )
    for used in [other for other, file in files.others.items() if _is_table(file, name, content)]:
        del files.others[used]
    return raw, labelled, parts


def _is_table(file: Entry, name: str, content: bytes) -> bool:
    return name in (file.name, PurePosixPath(file.name).name) and file.size == len(content)


def _inside(content: Contents, table: str) -> Entry:
    """Return a table by its path or name in the folder or zip."""
    named = [e for name, e in content.others.items() if name == table or PurePosixPath(name).name == table]
    if not named:
        raise ValueError(f"There is no table {table!r}, neither as a file nor beside the pictures.")
    return min(named, key=lambda entry: entry.name.count("/"))


def _loose(places: splits.Places, parts: NDArray[np.str_], known: NDArray[np.bool_]) -> list[str]:
    """Say that pictures lie beside the folders that would be classes."""
    notes = []
    for part in (splits.TRAIN, splits.VAL, splits.TEST):
        own = known[parts == part]
        loose = len(own) - int(own.sum())
        if not places.folders and 0 < loose < len(own):
            notes.append(f"{loose:,} of the pictures lie beside the folders, so none has a class: give each a folder")
        elif places.folders and loose and known.any():
            notes.append(f"{loose:,} of the {part} pictures lie in no folder of a class, so this part has no classes")
    return notes


def _left_out(content: Contents, decoded: Decoded, places: splits.Places) -> tuple[str, ...]:
    """Say in one sentence what was not read, and why."""
    reasons = []
    if decoded.bad:
        (name, why), *others = decoded.bad
        also = f"; also {named_some([name for name, _ in others])}" if others else ""
        reasons.append(f"{len(decoded.bad):,} that could not be read ({readable(name)}: {why.rstrip('.')}{also})")
    if rest := [content.entries[i].name for i in np.flatnonzero(places.parts == splits.REST)]:
        beside = sorted(name for name, part in places.folders.items() if part == splits.REST)
        strays = [name for name in rest if not set(beside) & set(name.split("/")[:-1])]
        reasons.append(f"{len(rest):,} pictures beside the parts ({named_some([*beside, *strays])})")
    if content.others:
        reasons.append(
            f"{len(content.others):,} that are no pictures by their names ({named_some(sorted(content.others))})"
        )
    if content.hidden:
        reasons.append(f"{len(content.hidden):,} hidden")
    return (f"files left out: {'; '.join(reasons)}",) if reasons else ()


def _in_parts(whole: Raw, parts: NDArray[np.str_], labelled: NDArray[np.bool_]) -> Raw:
    """Return the training part, with the others where they are given."""
    parted = {
        part: _part(whole, parts == part, bool(labelled[parts == part].all()))
        for part in (splits.TRAIN, splits.VAL, splits.TEST)
        if (parts == part).any()
    }
    if splits.TRAIN not in parted:  # as few as were asked for, or could be read
        return _part(whole, parts == parts, bool(labelled.all()))
    return replace(parted[splits.TRAIN], val=parted.get(splits.VAL), test=parted.get(splits.TEST))


def _part(raw: Raw, chosen: NDArray[np.bool_], labelled: bool) -> Raw:
    """Return some of the pictures, with labels and factors where these have any."""
    rows = np.flatnonzero(chosen)
    assert raw.held is not None
    return replace(
        raw,
        count=len(rows),
        pixels=lambda i: raw.pixels(rows[i]),
        labels=raw.labels[rows] if labelled and raw.labels is not None else None,
        factors=raw.factors[rows] if labelled and raw.factors is not None else None,
        names=tuple(raw.names[i] for i in rows),
        held=Held(raw.held.array, raw.held.rows[rows]),
    )
