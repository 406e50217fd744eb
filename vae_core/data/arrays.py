"""Arrays of an .npz -> `Raw`: pictures, labels, factors and their names."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vae_core.data import limits
from vae_core.data.raw import Raw, Source, from_array, most, readable

IMAGE_KEYS = ("images", "imgs", "x", "data")
LABEL_KEYS = ("labels", "label", "y", "targets")
FACTOR_KEYS = ("factors", "latents_classes")
NAME_KEYS = ("class_names", "factor_names", "value_names")
PACKED = ("index", "palette")


def read(source: Source) -> Raw:
    """A data set from an .npz: `images`, or `index` and `palette`; `labels`, `factors` and their names.

    Raises:
        ValueError: one sentence on what is wrong.
    """
    return _from_arrays(read_npz(source, (*IMAGE_KEYS, *PACKED, *LABEL_KEYS, *FACTOR_KEYS, *NAME_KEYS)))


def read_npz(source: Source, keys: Sequence[str]) -> dict[str, NDArray]:
    """Those arrays of an .npz that are named in `keys`; nothing is unpickled.

    Raises:
        ValueError: if it is damaged, too large, or holds Python objects.
    """
    try:
        with np.load(io.BytesIO(source) if isinstance(source, bytes) else source, allow_pickle=False) as archive:
            allowed = most(source, limits.MAX_UNPACKED)
            total = sum(archive.zip.getinfo(f"{key}.npy").file_size for key in keys if key in archive.files)
            if total <= allowed:
                return {key: archive[key] for key in keys if key in archive.files}
    except Exception as error:  # numpy raises whatever the damaged bytes lead it to
        raise ValueError("The .npz cannot be read: it is damaged, or holds Python objects and not numbers.") from error
    raise ValueError(f"The .npz would unpack to {total:,} bytes; at most {allowed:,} are allowed.")


def _from_arrays(arrays: dict[str, NDArray]) -> Raw:
    """A data set from arrays by their names."""
    raw = _indexed(arrays) if set(PACKED) <= set(arrays) else from_array(_as_pixels(_first(arrays, IMAGE_KEYS)))
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
    index, palette = (arrays[key] for key in PACKED)
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
    if count > limits.MAX_ROWS or height * width > limits.MAX_ROW_PIXELS:
        raise ValueError(
            f"The .npz has {count:,} pictures of {height:,} x {width:,} pixels; "
            f"at most {limits.MAX_ROWS:,} pictures of {limits.MAX_ROW_PIXELS:,} pixels are allowed."
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
    if labels.shape != (raw.count,) or labels.dtype.kind not in "biuSU" or _characters(labels) > limits.MAX_NAME:
        raise ValueError(
            f"The .npz has labels {labels.shape} of {labels.dtype}; allowed: ({raw.count},) whole numbers, or texts "
            f"of up to {limits.MAX_NAME} characters."
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


def _texts(array: NDArray, key: str, most: int = limits.MAX_NAME) -> tuple[str, ...]:
    """A row of names; refused before they are decoded where they are too long. What is not UTF-8 is replaced."""
    if (room := _characters(array)) > most:
        raise ValueError(f"The .npz has {key} of {room:,} characters; at most {most:,} are allowed.")
    if array.ndim != 1 or array.dtype.kind not in "biufSU" or len(array) > limits.MAX_NAMES:
        raise ValueError(
            f"The .npz has {key} {array.shape} of {array.dtype}; allowed: one row of up to {limits.MAX_NAMES:,} texts."
        )
    if array.dtype.kind == "S":
        return tuple(text.decode(errors="replace") for text in array.tolist())
    try:
        return tuple(readable(str(text)) for text in array)
    except SystemError as error:  # numpy's way to say that a number in it is no character's
        raise ValueError(f"The .npz has {key} that are no texts: they are damaged.") from error


def _check_names(names: Sequence[str], key: str) -> tuple[str, ...]:
    if (longest := max(map(len, names), default=0)) > limits.MAX_NAME:
        raise ValueError(f"The .npz has {key} of {longest:,} characters; at most {limits.MAX_NAME} are allowed.")
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
    if values > limits.MAX_NAMES:
        raise ValueError(
            f"The .npz has {factors:,} factors with {values:,.0f} values in all; "
            f"at most {limits.MAX_NAMES:,} are allowed."
        )


def _value_names(array: NDArray) -> list[tuple[str, ...]]:
    """The names of each factor's values, from texts that are joined by `|`."""
    joined = _texts(array, "value_names", limits.MAX_JOINED)
    _check_values(len(joined), len(joined) + sum(text.count("|") for text in joined))
    return [_check_names(text.split("|"), "value_names") for text in joined]
