"""Which array of a file is what, by its name and shape: pictures, labels and parts, as libraries write them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.config import MIN_SIDE
from vae_core.data.stored import Stored, of

IMAGE_KEYS = ("images", "imgs", "x", "data", "image", "img", "pictures", "pixels")
LABEL_KEYS = ("labels", "label", "y", "targets", "target")
FACTOR_KEYS = ("factors", "latents_classes")
NAME_KEYS = ("class_names", "factor_names", "value_names")
PACKED = ("index", "palette")
PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
PARTS |= dict.fromkeys(("val", "valid", "validation", "dev"), "val")
GUESSED = {1: ("",), 2: ("train", "test"), 3: ("train", "val", "test")}  # parts of arrays whose names say nothing
LISTED = 8  # so many names are told in a message
SMOOTH = 64  # pictures that tell in which order colours lie
AT_LEAST = (
    1.25  # so many times as much do neighbouring pictures differ as neighbouring pixels, where that tells an axis
)


@dataclass(frozen=True)
class Part:
    """Pictures of one part of a file, and their labels."""

    images: Stored
    labels: Stored | None = None


def parts(arrays: Mapping[str, Stored]) -> tuple[dict[str, Part], tuple[str, ...]]:
    """Return the pictures of each part, `train`, `val` or `test`, or all as the part ``, and what was guessed.

    Raises:
        ValueError: where no array, or more than one, could be the pictures.
    """
    roles_of: dict[str, dict[str, tuple[int, Stored]]] = {}
    for name, stored in arrays.items():
        part, role, rank = _role(name)
        if role and rank < roles_of.setdefault(part, {}).get(role, (99, stored))[0]:
            roles_of[part][role] = rank, stored
    named = {
        part: Part(roles["images"][1], roles["labels"][1] if "labels" in roles else None)
        for part, roles in roles_of.items()
        if "images" in roles
    }
    if not named:
        return _guessed(arrays)
    if len(named) > 1 and "train" in named:
        named.pop("", None)
    if len(named) == 1:
        return {"": next(iter(named.values()))}, ()
    if "train" not in named:
        named["train"] = named.pop("" if "" in named else "val")
    return named, ()


def is_pictures(name: str) -> bool:
    """Tell whether an array of this name holds pictures."""
    return _role(name)[1] == "images"


def _role(name: str) -> tuple[str, str, int]:
    """Return part, `images` or `labels` or nothing, and rank among names of the same meaning."""
    if name in (*FACTOR_KEYS, *NAME_KEYS, *PACKED):
        return "", "", 0
    tokens = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    words = [half for word in tokens for half in _halves(word.lower())]
    part = next((PARTS[word] for word in words if word in PARTS), "")
    rest = [word for word in words if word not in PARTS]
    if not rest:
        return part, "images" if part else "", 0
    for role, keys in (("images", IMAGE_KEYS), ("labels", LABEL_KEYS)):
        if rest[-1] in keys:
            return part, role, keys.index(rest[-1])
    return part, "", 0


def _halves(word: str) -> tuple[str, ...]:
    """Read `testdata` as a part, and what of it."""
    for part in PARTS:
        rest = word.removeprefix(part)
        if rest != word and rest in (*IMAGE_KEYS, *LABEL_KEYS):
            return part, rest
    return (word,)


def _guessed(arrays: Mapping[str, Stored]) -> tuple[dict[str, Part], tuple[str, ...]]:
    """Return arrays whose names say nothing: those that look like pictures, each with labels that fit."""
    numeric = {name: stored for name, stored in arrays.items() if stored.dtype.kind in "biuf"}
    flat = {name: stored for name, stored in numeric.items() if len(stored.shape) == 2 and min(stored.shape) > 1}
    looks = {name: stored for name, stored in numeric.items() if len(stored.shape) in (3, 4)}
    looks = looks or {n: s for n, s in flat.items() if _flat(s.shape[1], None) or _flat(s.shape[0], None)} or flat
    names = list(looks)
    alike = {stored.shape[1:] for stored in looks.values()}
    if not names or len(names) > len(GUESSED) or len(alike) > 1:
        held = ", ".join(list(arrays)[:LISTED]) + ", ..." * (len(arrays) > LISTED) or "none"
        says = "no array that is known as pictures" if not names else "several arrays that could be the pictures"
        raise ValueError(
            f"The file has {says}; looked for {', '.join(IMAGE_KEYS)}, or index and palette; it has {held}."
        )
    guessed, words, order = {}, [], list(arrays)
    for part, name in zip(GUESSED[len(names)], names, strict=True):
        count = looks[name].shape[0]
        place = order.index(name)
        near = (n for n in (*order[place + 1 :], *order[:place]) if n in numeric and n not in looks)
        label = next((n for n in near if _labels_fit(numeric[n].shape, count)), None)
        guessed[part] = Part(looks[name], numeric[label] if label else None)
        words.append(
            f"{name} for the {part + ' ' * bool(part)}pictures" + (f", {label} for their labels" * bool(label))
        )
    return guessed, (f"taken by shape, since no name says it: {'; '.join(words)}",)


def _labels_fit(shape: tuple[int, ...], count: int) -> bool:
    return bool(shape) and shape[0] == count and len(shape) <= 2


def arrange(
    images: Stored, labels: int | None, size: tuple[int, int] | None, columns: bool = False
) -> tuple[Stored, tuple[str, ...]]:
    """Return pictures of any usual layout as (N, H, W, C), and what was guessed of it.

    Args:
        images: (N, H, W), (N, H, W, C), (N, C, H, W), (N, H * W) or (N, C * H * W), or one of the first two and the
            fourth with N last.
        labels: how many labels there are, which tells where N stands.
        size: height and width of flat pictures that are no squares.
        columns: whether the file is of a program that lets N stand last (MATLAB).

    Raises:
        ValueError: on any other shape.
    """
    remarks: list[str] = []
    shape = images.shape
    if len(shape) == 3 and shape[2] in (3, 4) and min(shape[:2]) >= MIN_SIDE and labels in (None, 1):
        return of(images.whole()[None]), ("one array of three axes was taken for one picture in colour",)
    last, remark = _number_last(images, labels, size, columns)
    remarks += [remark] * bool(remark)
    if last:
        images = of(np.moveaxis(images.whole(), -1, 0))
    if len(images.shape) == 2:
        images, remark = _unflattened(images, size)
        remarks.append(remark)
    whole = images
    if len(whole.shape) == 3:
        whole = replace(whole, shape=(*whole.shape, 1), take=lambda i: images.take(i)[..., None])
    elif len(whole.shape) == 4 and whole.shape[-1] > 4 and whole.shape[1] in (1, 3, 4):
        n, c, h, w = whole.shape
        whole = replace(whole, shape=(n, h, w, c), take=lambda i: np.moveaxis(images.take(i), 1, -1))
    if len(whole.shape) != 4 or not 1 <= whole.shape[-1] <= 4 or 0 in whole.shape[1:]:
        raise ValueError(
            f"The file has images {shape}; allowed: (N, H, W), (N, H, W, C), (N, C, H, W), C 1 to 4, or (N, H W)."
        )
    return whole, tuple(remarks)


def _number_last(images: Stored, labels: int | None, size: tuple[int, int] | None, columns: bool) -> tuple[bool, str]:
    """Tell whether the last axis counts the pictures, and what to say of it."""
    shape = images.shape
    if not 2 <= len(shape) <= 4 or 0 in shape:
        return False, ""
    note = f"the last axis of {shape} was taken for the number of the picture"
    if labels is not None and shape[0] != shape[-1]:
        last = shape[-1] == labels != shape[0]
        return last, note if last else ""
    if len(shape) == 4:
        last = shape[3] > 4 and shape[1] not in (1, 3, 4) and shape[2] in (1, 3, 4)
        return last, note if last else ""
    if len(shape) == 2:
        first = _flat(shape[1], size) is not None
        last = _flat(shape[0], size) is not None and not (first and not (columns and _smoother(images) == "last"))
        return last, note if last else ""
    return _stack_last(images, size, columns)


def _stack_last(images: Stored, size: tuple[int, int] | None, columns: bool) -> tuple[bool, str]:
    """Return the same of a stack of three axes of which no labels tell it.

    A shape that was asked for decides. Otherwise the number comes last in MATLAB's stacks and first in all others; in
    MATLAB's it comes first where only that makes squares, or makes neighbouring pixels clearly more alike.
    """
    shape = images.shape
    sides = {"first": shape[1:], "last": shape[:2]}
    if size in sides.values() and sides["first"] != sides["last"]:
        last = size == sides["last"]
        return last, f"the last axis of {shape} was taken for the number of the picture, as --size says" if last else ""
    smooth = _smoother(images)
    square = [name for name, (height, width) in sides.items() if height == width]
    order = "first"
    if columns:
        order = square[0] if len(square) == 1 else smooth or "last"
    elif smooth != "last" or square == ["first"]:
        return False, ""
    other = "first" if order == "last" else "last"
    count = shape[-1] if order == "last" else shape[0]
    note = (
        f"the {order} axis of {shape} was taken for the number of the picture, which makes {count:,} pictures of "
        f"{' x '.join(map(str, sides[order]))}"
    )
    if smooth == other:
        note += f", although neighbouring pixels are more alike where the {other} axis is"
    if sides["first"] == sides["last"]:
        return order == "last", note + "; turn the array, as numpy.moveaxis does, where that is wrong"
    return order == "last", f"{note}; --size {'x'.join(map(str, sides[other]))} takes the {other}"


def _smoother(images: Stored) -> str:
    """Return the axis, `first` or `last`, along which neighbours differ clearly more: that of the pictures; or ""."""
    count = images.shape[0]
    start = max(0, count - SMOOTH) // 2 if images.direct else 0
    rows = images.take(np.arange(start, min(count, start + SMOOTH)))
    middle = max(0, rows.shape[-1] - SMOOTH) // 2
    rows = rows[..., middle : middle + SMOOTH]
    if rows.dtype.kind not in "biuf" or min(rows.shape[0], rows.shape[-1]) < 2:
        return ""
    values = np.nan_to_num(rows.astype(np.float64), posinf=0, neginf=0)
    along = {name: float(np.abs(np.diff(values, axis=k)).mean()) for name, k in (("first", 0), ("last", -1))}
    least, most = sorted(along, key=lambda name: along[name])
    return most if along[most] > AT_LEAST * along[least] else ""


def _flat(length: int, size: tuple[int, int] | None) -> tuple[int, int, int] | None:
    """Return height, width and channels of a picture whose numbers stand in a row; None if it can be no picture."""
    if size and length in (channels := {math.prod(size): 1, 3 * math.prod(size): 3}):
        return *size, channels[length]
    for count in (1, 3):
        side = math.isqrt(length // count)
        if count * side * side == length and side >= MIN_SIDE:
            return side, side, count
    return None


def _unflattened(images: Stored, size: tuple[int, int] | None) -> tuple[Stored, str]:
    """Return pictures (N, H, W, C) from rows of numbers."""
    count, length = images.shape
    if (shape := _flat(length, size)) is None:
        raise ValueError(
            f"The file has images ({count:,}, {length:,}): rows of {length:,} numbers are no square picture, "
            f"nor are columns of {count:,}; allowed: "
            "H x W or 3 x H x W numbers, with the height and width given as --size HxW."
        )
    height, width, channels = shape
    first = channels == 3 and _colours_first(images.take(np.arange(min(count, SMOOTH))), height, width)
    layout = (channels, height, width) if first else (height, width, channels)

    def take(places: NDArray[np.int64]) -> NDArray[Any]:
        rows = images.take(places).reshape(-1, *layout)
        return np.moveaxis(rows, 1, -1) if first else rows

    colour = "" if channels == 1 else f" in colour, {'one colour after the other' if first else 'pixel by pixel'}"
    said = f"rows of {length:,} numbers were taken for pictures of {height} x {width}{colour}; --size HxW overrules it"
    return replace(images, shape=(count, height, width, channels), take=take), said


def _colours_first(rows: NDArray[Any], height: int, width: int) -> bool:
    """Tell whether pictures are smoother when each colour stands by itself."""
    planes = rows.astype(np.float64).reshape(-1, 3, height, width)
    pixels = rows.astype(np.float64).reshape(-1, height, width, 3)
    return bool(np.abs(np.diff(planes, axis=3)).mean() <= np.abs(np.diff(pixels, axis=2)).mean())


def extra(arrays: Mapping[str, Stored], keys: Sequence[str]) -> NDArray[Any] | None:
    """Return the first of the arrays that has one of these names, whole."""
    return next((arrays[key].whole() for key in keys if key in arrays), None)
