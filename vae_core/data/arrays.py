"""Arrays of a file -> `Raw`: pictures, labels, factors and their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core import ranges
from vae_core.config import DataConfig, Range
from vae_core.data import limits, stored
from vae_core.data.layouts import FACTOR_KEYS, LABEL_KEYS, PACKED, Part, arrange, extra, is_pictures, parts
from vae_core.data.meaning import class_names, classes, columns_of, with_factors
from vae_core.data.raw import Indices, Raw, Source, named_some, order
from vae_core.data.stored import Stored
from vae_core.ranges import Numbers

CHUNK = 2**24  # bytes of pictures that are looked at together


@dataclass(frozen=True, eq=False)
class _Taken:
    """Pictures (N, H, W, C) of a part, the places of those that are wanted, and labels (N, ...) if any."""

    images: Stored
    rows: Indices
    labels: NDArray[Any] | None


def read(source: Source, config: DataConfig | None = None) -> Raw:
    """Return a data set from an .npz: `images`, or `index` and `palette`; `labels`, `factors` and their names.

    Names as Keras, MedMNIST and `numpy.savez` give them are known too, and flat pictures.

    Raises:
        ValueError: one sentence on what is wrong.
    """
    return from_stored(stored.open_npz(source), False, config or DataConfig("arrays"))


def read_npz(source: Source, keys: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return those arrays of an .npz that are named in `keys`; nothing is unpickled.

    Raises:
        ValueError: if it is damaged or too large.
    """
    arrays = stored.open_npz(source)
    return {key: arrays[key].whole() for key in keys if key in arrays}


def from_stored(arrays: Mapping[str, Stored], columns: bool, config: DataConfig) -> Raw:
    """Return a data set from arrays by their names.

    Args:
        arrays: those of a file.
        columns: whether the file is of a program that lets the number of the picture stand last (MATLAB).
        config: height and width of flat pictures, how many are wanted, what black and white are.

    Raises:
        ValueError: one sentence on what is wrong.
    """
    if set(PACKED) <= set(arrays):
        labels = extra(arrays, LABEL_KEYS)
        return _with_meaning({"": _indexed(arrays)}, {} if labels is None else {"": labels}, arrays, ())
    arrays, remarks = _readable(arrays)
    split, more = parts(arrays)
    remarks += more
    taken = {}
    for name, part in split.items():
        taken[name], more = _taken(part, config, name in ("", "train"), columns)
        remarks += tuple(remark for remark in more if remark not in remarks)
    used, notes = _range(list(taken.values()), config.range)
    raws = {name: _pictures(part.images, used) for name, part in taken.items()}
    labels_of = {name: part.labels for name, part in taken.items() if part.labels is not None}
    return _with_meaning(raws, labels_of, arrays, (*remarks, *notes))


def _readable(arrays: Mapping[str, Stored]) -> tuple[dict[str, Stored], tuple[str, ...]]:
    """Return the arrays without those of Python objects, and which these are.

    Raises:
        ValueError: where the pictures are among them.
    """
    kept = {name: array for name, array in arrays.items() if not array.dtype.hasobject}
    objects = [name for name in arrays if name not in kept]
    if not objects:
        return kept, ()
    if not any(len(array.shape) > 1 for array in kept.values()) or any(map(is_pictures, objects)):
        raise ValueError(f"{named_some(objects)} cannot be read: Python objects and not numbers, saved with pickle.")
    return kept, (f"left out: {named_some(objects)}, Python objects and not numbers, which are never read",)


def _taken(part: Part, config: DataConfig, counted: bool, columns: bool) -> tuple[_Taken, tuple[str, ...]]:
    """Return the pictures of a part that are wanted, in one layout, with what was guessed."""
    labels = None if part.labels is None else part.labels.whole()
    ends = part.images.shape[:1] + part.images.shape[-1:]
    if labels is not None and labels.ndim == 2 and labels.shape[0] not in ends and labels.shape[1] in ends:
        labels = labels.T  # each picture's in a column
    count = None if labels is None or not labels.ndim else len(labels)
    images, remarks = arrange(part.images, count, config.size, columns)
    if images.dtype.kind not in "biuf":
        raise ValueError(f"The file has images of {images.dtype}; allowed: finite numbers.")
    if not images.shape[0]:
        raise ValueError("The file has no pictures: its images have the length 0.")
    _check_extent(images.shape)
    rows = np.sort(order(images.shape[0], config)) if counted else np.arange(images.shape[0])
    return _Taken(images.keep(rows), rows, labels), remarks


def _range(taken: Sequence[_Taken], asked: Range | None) -> tuple[Range, tuple[str, ...]]:
    """Tell what black and white are in all parts, with a note where that had to be found or was asked for."""
    types = {part.images.dtype for part in taken}
    if types == {np.dtype(bool)}:
        return Range(0.0, 1.0, "numbers"), ()
    if types == {np.dtype(np.uint8)}:
        if asked and asked.of in ("all", "bytes"):
            used = replace(asked, of="bytes")
            return used, () if used == ranges.BYTES else ranges.remarks(_measured(taken), used, asked)
        if (brightest := _brightest(taken)) > 1:
            return ranges.BYTES, ranges.too_dark(brightest)
    numbers = _measured(taken)
    if asked and asked.of == "each":
        return ranges.before(numbers), ()
    asked = asked if asked and asked.of != "bytes" and types != {np.dtype(np.uint8)} else None
    used = replace(asked, of="numbers") if asked else ranges.find(numbers)
    return used, ranges.remarks(numbers, used, asked)


def _brightest(taken: Sequence[_Taken]) -> int:
    """Return the largest byte, as far as it matters."""
    brightest = 0
    for part in taken:
        for chunk in _chunks(part):
            if (brightest := max(brightest, int(chunk.max(initial=0)))) > ranges.DARK:
                return brightest
    return brightest


def _measured(taken: Sequence[_Taken]) -> Numbers:
    numbers = Numbers()
    for part in taken:
        for chunk in _chunks(part):
            numbers.add(chunk)
    return numbers


def _chunks(part: _Taken) -> Iterator[NDArray[Any]]:
    """Return the wanted pictures, some at a time."""
    step = max(1, CHUNK // max(part.images.row_bytes, 1))
    return (part.images.take(part.rows[start : start + step]) for start in range(0, len(part.rows), step))


def _pictures(images: Stored, used: Range) -> Raw:
    """Return pictures (N, H, W, C) that become bytes when they are asked for."""
    count, height, width, channels = images.shape
    as_they_are = images.dtype == np.uint8 and used == ranges.BYTES

    def pixels(indices: Indices) -> NDArray[np.uint8]:
        chosen = images.take(indices)
        return chosen if as_they_are else ranges.to_bytes(chosen, used)

    return Raw(count, (height, width), channels, pixels, range=used)


def _with_meaning(
    raws: dict[str, Raw], labels: dict[str, NDArray[Any]], arrays: Mapping[str, Stored], notes: tuple[str, ...]
) -> Raw:
    """Return one data set of all parts, with labels and factors."""
    if labels and (bare := [name for name in raws if name not in labels]):
        if "" in bare or "train" in bare:
            labels = {}
        else:
            raws = {name: raw for name, raw in raws.items() if name in labels}
            notes += (f"the {' and '.join(bare)} pictures have no labels, and were left out",)
    if labels:
        raws, more = _labelled(raws, labels, extra(arrays, ("class_names",)))
        notes += more
    if len(raws) > 1:
        counts = ", ".join(f"{raws[name].count:,} {name}" for name in ("train", "val", "test") if name in raws)
        notes += (f"the file's own parts are used: {counts}",)
    first = raws.pop("train" if "train" in raws else "")
    if (factors := extra(arrays, FACTOR_KEYS)) is not None:
        first = with_factors(first, factors, extra(arrays, ("factor_names",)), extra(arrays, ("value_names",)))
    return replace(first, val=raws.get("val"), test=raws.get("test"), notes=notes)


def _labelled(
    raws: dict[str, Raw], labels: dict[str, NDArray[Any]], names: NDArray[Any] | None
) -> tuple[dict[str, Raw], tuple[str, ...]]:
    """Give each part labels as places in names that all parts share; labels of several columns become factors."""
    for name, raw in raws.items():
        if labels[name].ndim not in (1, 2) or len(labels[name]) != raw.count:
            raise ValueError(
                f"The file has labels {labels[name].shape} of {labels[name].dtype}; allowed: ({raw.count},) or "
                f"({raw.count}, 1) whole numbers or texts, or one row of 0 and 1 a picture."
            )
    if len({part.shape[1:] for part in labels.values()}) > 1:
        raise ValueError("The file has labels of another shape in each part.")
    ends = np.cumsum([raw.count for raw in raws.values()])[:-1]
    whole = np.concatenate([labels[name] for name in raws])
    columns, notes = columns_of(whole)
    if columns is None:
        return raws, notes
    if columns.ndim == 1:
        places, texts = classes(columns, names)
        split = np.split(places, ends)
        return {n: replace(raws[n], labels=p, class_names=texts) for n, p in zip(raws, split, strict=True)}, notes
    values = [np.unique(column, return_inverse=True) for column in columns.T]
    texts_of = tuple(class_names(value) for value, _ in values)
    split = np.split(np.stack([places for _, places in values], axis=1), ends)
    named = tuple(f"label {k}" for k in range(columns.shape[1]))
    return {
        name: replace(raw, factors=part, factor_names=named, value_names=texts_of)
        for (name, raw), part in zip(raws.items(), split, strict=True)
    }, notes


def _indexed(arrays: Mapping[str, Stored]) -> Raw:
    """Return pictures as places in a palette, coloured only when they are asked for."""
    index, palette = (arrays[key].whole() for key in PACKED)
    is_palette = palette.ndim == 2 and palette.shape[1] in (1, 3, 4) and palette.dtype == np.uint8
    if index.ndim != 3 or 0 in index.shape[1:] or not is_palette:
        raise ValueError(
            f"The file has an index {index.shape} and a palette {palette.shape} of {palette.dtype}; "
            "allowed: (N, H, W), H and W above 0, and (K, 1, 3 or 4) of uint8."
        )
    if not len(index):
        raise ValueError("The file has no pictures: its images have the length 0.")
    _check_extent(index.shape)
    if index.dtype.kind not in "iu" or index.min(initial=0) < 0 or index.max(initial=0) >= len(palette):
        raise ValueError(f"The file has an index that is not a whole number from 0 to {len(palette) - 1}.")
    height, width = index.shape[1:]
    return Raw(len(index), (height, width), palette.shape[1], lambda i: palette[index[i]], range=ranges.BYTES)


def _check_extent(shape: tuple[int, ...]) -> None:
    """Refuse pictures (N, H, W, ...) that would take much more memory on their way than they take in the file."""
    count, height, width = shape[:3]
    if count > limits.MAX_ROWS or height * width > limits.MAX_ROW_PIXELS:
        raise ValueError(
            f"The file has {count:,} pictures of {height:,} x {width:,} pixels; "
            f"at most {limits.MAX_ROWS:,} pictures of {limits.MAX_ROW_PIXELS:,} pixels are allowed."
        )
