"""Pictures as points of the latent space: the model's reference encodings, or pictures encoded in the queue."""

from __future__ import annotations

import csv
import io
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from torch import Tensor

from pages.widgets.selection import datasource
from pages.widgets.selection.choice import REFERENCE, Choice
from pages.widgets.selection.datasource import REFERENCE as REFERENCE_SET
from pages.widgets.selection.datasource import Drawn, Source
from pages.widgets.shell import background, uploads
from pages.widgets.shell.models import Opened
from vae_core import data, explore, scoring
from vae_core.data import Dataset
from vae_core.jobs import Preview, Work

LOADING = 0.3  # share of the progress bar: the rest is encoding
KEPT = 8  # encoded sets that all visitors share; the oldest goes first


@dataclass(frozen=True, eq=False)
class Points:
    """Pictures as points of the latent space.

    Attributes:
        key: differs when anything else here does.
        title: what they are, after a number.
        total: how many the source has; those here were drawn from them.
        rows: (N,) their places in the source, ascending.
        mean: (N, D).
        kl: (N,) nats; None where there is no density.
        error: (N,) reconstruction error, in `unit`.
        labels: (N,) places in `class_names`, or None.
        factors: (N, F) places in `value_names[f]`, or None.
        images: (N, C, H, W) uint8; None for the reference set, whose pictures are `ref:ROW`.
        notes: what one should know of the source.
        files: N names; empty where the pictures come from no files.
        y: (N,) the class that a conditional model was given for each, or None.
        unit: nats, or what the error is where no likelihood is known.
    """

    key: Hashable
    title: str
    total: int
    rows: NDArray[np.int64]
    mean: Tensor
    kl: Tensor | None
    error: Tensor
    labels: Tensor | None = None
    class_names: tuple[str, ...] = ()
    factors: Tensor | None = None
    factor_names: tuple[str, ...] = ()
    value_names: tuple[tuple[str, ...], ...] = ()
    images: Tensor | None = None
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    y: Tensor | None = None
    unit: str = "nats"

    def __len__(self) -> int:
        return len(self.rows)

    def class_of(self, place: int) -> str:
        """Return the class's name, its number where it has none, or nothing where there are no classes."""
        if self.labels is None:
            return ""
        return self.named(int(self.labels[place]))

    def named(self, label: int) -> str:
        """Return a class's name, its number where it has none."""
        return self.class_names[label] if 0 <= label < len(self.class_names) else str(label)

    def name_of(self, place: int) -> str:
        """Give number and class, in words."""
        name = self.class_of(place)
        return f"picture {self.rows[place]}" + (f" ({name})" if name else "")

    def figures_of(self, place: int) -> list[str]:
        """Error and KL of a point, as far as it has them, in words."""
        kl = [] if self.kl is None else [f"KL {float(self.kl[place]):.1f} nats"]
        return [f"error {float(self.error[place]):.1f} {self.unit}", *kl]

    def place_of(self, choice: Choice) -> int | None:
        """Where a reference picture stands here; None where it was not drawn, or these are others."""
        row = choice.own_row(REFERENCE) if self.images is None else None
        if row is None:
            return None
        place = int(np.searchsorted(self.rows, row))
        return place if place < len(self) and self.rows[place] == row else None

    def decode(self, opened: Opened, places: list[int]) -> Tensor:
        """Decode the encoded means, (n, C, H, W) in [0, 1]."""
        y = None if self.y is None else self.y[places]
        return explore.decode(opened.checkpoint.model, self.mean[places], y)

    def table(self, coords: np.ndarray) -> bytes:
        """Write the map as CSV: row, file (if any), label, factors, place, KL in nats (if any), error, encoded means.

        Args:
            coords: (N, 2 or 3).
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        factors = self._factor_texts()
        places = ["x", "y", "z"][: coords.shape[1]]
        dimensions = [f"z{i}" for i in range(self.mean.shape[1])]
        figures = {"error": self.error} if self.kl is None else {"kl": self.kl, "error": self.error}
        writer.writerow(["row", *["file"] * bool(self.files), "label", *factors, *places, *figures, *dimensions])
        numbers = zip(*(column.tolist() for column in figures.values()), strict=True)
        columns = zip(self.rows.tolist(), coords.tolist(), numbers, self.mean.tolist(), strict=True)
        for i, (row, place, measured, mean) in enumerate(columns):
            values = [texts[i] for texts in factors.values()]
            writer.writerow([row, *self.files[i : i + 1], self.class_of(i), *values, *place, *measured, *mean])
        return text.getvalue().encode()

    def _factor_texts(self) -> dict[str, list[str]]:
        """Name of the column -> each point's value in words."""
        if self.factors is None:
            return {}
        return {
            f"factor_{name}": [names[v] if v < len(names) else str(v) for v in values]
            for name, names, values in zip(self.factor_names, self.value_names, self.factors.T.tolist(), strict=True)
        }


def from_reference(opened: Opened, count: int) -> Points:
    """Return the model's reference encodings, or `count` of them."""
    checkpoint, reference = opened.checkpoint, opened.checkpoint.reference
    assert reference is not None
    rows = data.drawn(len(reference), count).numpy()
    labels, factors = (t if t is None else t[rows] for t in (reference.labels, reference.factors))
    info = checkpoint.data
    if factors is not None and not factors.shape[1] == len(info.factor_names) == len(info.value_names):
        factors = None  # a file of somebody's that does not say what they are
    return Points(
        (opened.key, REFERENCE_SET, len(rows)),
        "reference pictures",
        len(reference),
        rows,
        reference.mean[rows],
        _total(reference.kl[rows]),
        reference.error[rows],
        labels,
        info.class_names,
        factors,
        info.factor_names,
        info.value_names,
        y=explore.classes_of(checkpoint.model, reference, rows.tolist()),
        unit=checkpoint.model.likelihood.unit,
    )


def _total(kl: Tensor) -> Tensor | None:
    """KL (N, K) in all, (N,); None where there is none."""
    return kl.sum(1) if kl.shape[1] else None


def find_points(opened: Opened, source: str, count: int) -> tuple[Hashable, Points | Work[Points]]:
    """Find the points of a source where they are at hand, else the work that makes them.

    Raises:
        LookupError: one sentence, where there is no file yet.
    """
    if source == REFERENCE_SET:
        points = from_reference(opened, count)
        return points.key, points
    origin = datasource.source_of(source)
    key = (opened.key, origin.key, count)
    if (kept := _kept(key)) is not None:
        return key, kept
    return key, _work(opened, key, origin, count)


def keep_points(points: Points) -> None:
    """Share encoded points with later runs and other visitors; their key holds what they were made from.

    Those of a visitor's own archive are the visit's.
    """
    if _is_own(points.key):
        size = 0 if points.images is None else points.images.numel()
        return uploads.keep("points", repr(points.key), f"{points.title}, encoded", points, size)
    kept = _encoded()
    kept[points.key] = points
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return None


def _kept(key: Hashable) -> Points | None:
    """Find encoded points that were kept."""
    return uploads.find("points", repr(key)) if _is_own(key) else _encoded().get(key)


def _is_own(key: Hashable) -> bool:
    """Whether points with this key come from the visitor's own archive."""
    held = datasource.own_archive()
    return held is not None and isinstance(key, tuple) and held[1] in key


@st.cache_resource
def _encoded() -> OrderedDict[Hashable, Points]:
    return OrderedDict()


def _work(opened: Opened, key: Hashable, source: Source, count: int) -> Work[Points]:
    """Read the pictures and encode them, in another thread."""

    def work(report: Preview, cancel: threading.Event) -> Points:
        tell = background.teller(report, cancel)
        drawn = datasource.read(opened, source, count, lambda share: tell(LOADING * share))
        y = _classes(opened, drawn.pictures)
        figures = scoring.statistics(
            opened.checkpoint.model,
            drawn.pictures.images,
            progress=lambda share: tell(LOADING + (1 - LOADING) * share),
            labels=y,
        )
        return replace(_points(key, drawn, figures), y=y, unit=opened.checkpoint.model.likelihood.unit)

    return work


def _classes(opened: Opened, part: Dataset) -> Tensor | None:
    """Choose what a conditional model is told of pictures: labels where it learnt these, else what it finds itself."""
    model, known = opened.checkpoint.model, opened.checkpoint.data.class_names
    if model.spec.classes is None:
        return None
    if part.labels is not None and part.class_names == known:
        return part.labels
    parts = (scoring.as_float(images) for images in part.images.split(scoring.BLOCK))
    return torch.cat([explore.classify(model, images).argmax(1) for images in parts])


def _points(key: Hashable, drawn: Drawn, figures: scoring.Statistics) -> Points:
    part = drawn.pictures
    return Points(
        key,
        drawn.title,
        drawn.total,
        drawn.rows,
        figures.mean,
        _total(figures.kl),
        figures.reconstruction,
        part.labels,
        part.class_names,
        part.factors,
        part.factor_names,
        part.value_names,
        part.images,
        part.notes,
        part.names,
    )
