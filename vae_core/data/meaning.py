"""Labels, factors and their names from arrays: what they may look like, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.data import limits
from vae_core.data.raw import Raw, readable

FEW = 100  # so many different fractions are classes; more are measurements


def columns_of(labels: NDArray[Any]) -> tuple[NDArray[Any] | None, tuple[str, ...]]:
    """Return labels (N,) or (N, K) in the form in which they mean something, and what was guessed.

    Returns:
        (N,) classes, or (N, K) several values a picture; None where they are measurements, which nothing here uses.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and not labels.shape[1]:
        raise ValueError(f"The file has labels {labels.shape}: they have no column.")
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            return None, ("the labels are not all finite numbers, and were left out",)
        if (whole := labels.astype(np.int64)).astype(labels.dtype).tobytes() == (labels + 0).tobytes():
            labels = whole
    if labels.ndim == 2 and _one_hot(labels):
        return labels.argmax(1), (f"the labels hold one 1 in {labels.shape[1]} columns: each column is a class",)
    several = labels.ndim == 2
    if several and labels.dtype.kind not in "biuf":
        raise ValueError(f"The file has labels {labels.shape} of {labels.dtype}; allowed: (N, K) numbers.")
    if (several or labels.dtype.kind == "f") and _many(labels):
        return None, ("the labels are measurements and not classes, and were left out",)
    return labels, (f"the labels hold {labels.shape[1]} values a picture: each is a factor",) if several else ()


def _one_hot(labels: NDArray[Any]) -> bool:
    if labels.dtype.kind not in "biu" or labels.shape[1] < 2:
        return False
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all())


def _many(labels: NDArray[Any]) -> bool:
    """Tell whether there are more different values than names could be given to."""
    columns = labels.reshape(len(labels), -1).T
    if len(columns) > limits.MAX_NAMES:
        return True
    counts = [len(np.unique(column)) for column in columns]
    fractions = labels.dtype.kind == "f" and max(counts) > FEW
    return fractions or sum(counts) > limits.MAX_NAMES


def classes(labels: NDArray[Any], names: NDArray[Any] | None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return labels (N,) as places in names of classes.

    Raises:
        ValueError: where they are neither numbers nor texts, or a name is too long.
    """
    if labels.dtype.kind not in "biufSU" or _characters(labels) > limits.MAX_NAME:
        raise ValueError(
            f"The file has labels {labels.shape} of {labels.dtype}; allowed: whole numbers, or texts "
            f"of up to {limits.MAX_NAME} characters."
        )
    given = () if names is None else _check_names(_texts(names, "class_names"), "class_names")
    if labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < len(given):
        return labels.astype(np.int64), given
    values, places = np.unique(labels, return_inverse=True)
    return places, class_names(values)


def class_names(values: NDArray[Any]) -> tuple[str, ...]:
    """Return the names of different values."""
    if values.dtype.kind == "f":
        values = np.array([f"{value:.6g}" for value in values])
    names = _check_names(_texts(values, "different labels"), "labels")
    return tuple(name or "(none)" for name in names)


def _characters(array: NDArray[Any]) -> int:
    """Tell how many characters each text of an array has room for; 1 of numbers."""
    kind = array.dtype.kind
    return array.dtype.itemsize // np.dtype((kind, 1)).itemsize if kind in "SU" else 1


def _texts(array: NDArray[Any], key: str, most: int = limits.MAX_NAME) -> tuple[str, ...]:
    """Return a row of names; refused before they are decoded where they are too long. What is not UTF-8 is replaced."""
    if (room := _characters(array)) > most:
        raise ValueError(f"The file has {key} of {room:,} characters; at most {most:,} are allowed.")
    if array.ndim != 1 or array.dtype.kind not in "biufSU" or len(array) > limits.MAX_NAMES:
        raise ValueError(
            f"The file has {key} {array.shape} of {array.dtype}; allowed: one row of up to {limits.MAX_NAMES:,} texts."
        )
    if array.dtype.kind == "S":
        return tuple(text.decode(errors="replace") for text in array.tolist())
    try:
        return tuple(readable(str(text)) for text in array)
    except SystemError as error:  # numpy's way to say that a number in it is no character's
        raise ValueError(f"The file has {key} that are no texts: they are damaged.") from error


def _check_names(names: Sequence[str], key: str) -> tuple[str, ...]:
    if (longest := max(map(len, names), default=0)) > limits.MAX_NAME:
        raise ValueError(f"The file has {key} of {longest:,} characters; at most {limits.MAX_NAME} are allowed.")
    return tuple(names)


def with_factors(
    raw: Raw, factors: NDArray[Any], names: NDArray[Any] | None = None, values: NDArray[Any] | None = None
) -> Raw:
    """Return the same pictures with factors of variation.

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
            f"The file has factors {factors.shape} of {factors.dtype}; allowed: ({raw.count}, F) whole numbers from 0."
        )
    count, tops = factors.shape[1], factors.max(axis=0)
    _check_values(count, count + float(tops.sum(dtype=np.float64)))
    named = tuple(f"factor {k}" for k in range(count))
    if names is not None:
        named = _check_names(_texts(names, "factor_names"), "factor_names")
    texts = _value_names(values) if values is not None else [tuple(map(str, range(top + 1))) for top in tops.tolist()]
    if len(named) != count or len(texts) != count or any(len(t) <= top for t, top in zip(texts, tops, strict=True)):
        raise ValueError(f"The file has {count} factors, but factor_names or value_names do not cover them all.")
    return replace(raw, factors=factors, factor_names=named, value_names=tuple(texts))


def _check_values(factors: int, values: float) -> None:
    """Refuse more values than could be named: one large number in a small file stands for all below it."""
    if values > limits.MAX_NAMES:
        raise ValueError(
            f"The file has {factors:,} factors with {values:,.0f} values in all; "
            f"at most {limits.MAX_NAMES:,} are allowed."
        )


def _value_names(array: NDArray[Any]) -> list[tuple[str, ...]]:
    """Return the names of each factor's values, from texts that are joined by `|`."""
    joined = _texts(array, "value_names", limits.MAX_JOINED)
    _check_values(len(joined), len(joined) + sum(text.count("|") for text in joined))
    return [_check_names(text.split("|"), "value_names") for text in joined]
