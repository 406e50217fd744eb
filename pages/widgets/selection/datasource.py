"""Which pictures a page is about, read and drawn, and for Map encoded: reference set, data set, folder or zip."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from torch import Tensor

from pages.widgets.selection.choice import REFERENCE as REFERENCE_ROW
from pages.widgets.selection.choice import Choice
from pages.widgets.shell import background, links, uploads
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.uploads import File
from vae_core import data, explore, filetypes, formats, metrics
from vae_core.config import DataConfig
from vae_core.data import Dataset
from vae_core.data.containers import ARRAYS, FILES, known
from vae_core.data.folders import SUFFIXES
from vae_core.jobs import Progress, Work

REFERENCE, OWN_FILE, FOLDER = "reference set", "a zip of yours", "folder "
LOADING = 0.3  # share of the progress bar: the rest is encoding
KEPT = 8  # encoded sets that all visitors share; the oldest goes first
LOOKED_AT = 200  # entries of a folder: the first pictures lie not deeper


@dataclass(frozen=True)
class Source:
    """Where pictures come from.

    Attributes:
        key: tells it from others, and from what stood there earlier.
        name: what it is called.
        content: a folder, zip or file of arrays, or the bytes of one of the last two; None for a named set.
    """

    key: Hashable
    name: str
    content: Path | bytes | None = None


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pictures that were drawn from a source.

    Attributes:
        title: what they are, after a number.
        total: how many the source has.
        rows: (N,) their places in the source, ascending.
        pictures: these N, in the model's shape.
        training: the training part of the same data, where it was read.
    """

    title: str
    total: int
    rows: NDArray[np.int64]
    pictures: Dataset
    training: Dataset | None = None


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
        """The class's name, its number where it has none, or nothing where there are no classes."""
        if self.labels is None:
            return ""
        label = int(self.labels[place])
        return self.class_names[label] if 0 <= label < len(self.class_names) else str(label)

    def name_of(self, place: int) -> str:
        """Number and class, in words."""
        name = self.class_of(place)
        return f"picture {self.rows[place]}" + (f" ({name})" if name else "")

    def place_of(self, choice: Choice) -> int | None:
        """Where a reference picture stands here; None where it was not drawn, or these are others."""
        row = choice.own_row(REFERENCE_ROW) if self.images is None else None
        if row is None:
            return None
        place = int(np.searchsorted(self.rows, row))
        return place if place < len(self) and self.rows[place] == row else None


@st.cache_data(ttl=60, show_spinner=False)
def folders() -> dict[str, Path]:
    """What the server's owner put below VAE_DATA: folders and files of pictures; visitors choose by name alone."""
    root = os.environ.get("VAE_DATA")
    if not root or not Path(root).is_dir():
        return {}
    return {child.name: child for child in sorted(Path(root).iterdir()) if _holds_pictures(child)}


def _holds_pictures(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    if path.is_file():
        return path.suffix.lower() in FILES
    first = itertools.islice(path.rglob("*"), LOOKED_AT)
    return any(file.suffix.lower() in SUFFIXES for file in first)


def options(opened: Opened) -> list[str]:
    """The sources to choose from, as they are called in the link; the first is the default."""
    own = opened.checkpoint.recipe.data.name
    named = sorted((name for name in data.NAMES if data.available(name)), key=lambda name: name != own)
    first = [REFERENCE] if opened.checkpoint.reference is not None else []
    return [*first, *named, *(FOLDER + name for name in folders()), OWN_FILE]


def choose_source(opened: Opened) -> str:
    """The choice of data, and where it is a visitor's own, the place for the file."""
    allowed = options(opened)
    fit_choice("data", "Pictures", allowed)
    source = st.selectbox(
        "Pictures",
        allowed,
        key="data",
        bind="query-params",
        persist_state="session",
        help="The reference set came with the model's file: test pictures that it never trained on. Of a named data "
        "set the test pictures are taken. Pictures of another size are brought to the model's.",
    )
    if source == OWN_FILE:
        uploader("map_file")
    return source


def uploader(name: str, then: Callable[[], None] = lambda: None) -> None:
    """The place for a visitor's own archive; `then` is called when there is another one."""

    def take(files: Sequence[File]) -> None:
        if take_file(files[0]):
            then()

    uploads.uploader(
        "Zip of pictures, a folder a class",
        name,
        take,
        uploads.MAX_BYTES,
        help=f"Or arrays of images and labels ({', '.join(ARRAYS)}), or a TIFF of many pages. It is kept for this "
        "visit only; a link cannot hold it.",
    )
    if problem := st.session_state.get("map_archive_bad"):
        st.error(plain(problem))
    held = f"Open is {plain(found[0])}. " if (found := own_archive()) else ""
    kinds = f"A .zip of pictures ({formats.words()}), arrays ({', '.join(ARRAYS)}) or a TIFF of many pages"
    st.caption(f"{held}{kinds}, up to {uploads.MAX_BYTES // 2**20} MB.")


def fit_choice(key: str, label: str, allowed: Sequence[str]) -> None:
    """Before a select box: say what a link asks for in vain; what another model allowed gives way to the first."""
    if key not in st.session_state:
        links.check_choice(key, label, allowed)
    elif st.session_state[key] not in allowed:
        st.session_state[key] = allowed[0]


def take_file(file: File) -> bool:
    """Keep a visitor's archive; whether it is one, what is not leaves everything as it was."""
    good = known(file.content)
    kind = filetypes.told_as_data(file.content) or ""
    st.session_state["map_archive_bad"] = (
        None if good else f"{file.name} is neither a zip, nor a file of arrays, nor a TIFF. {kind}".strip()
    )
    if good:
        digest = hashlib.sha256(file.content).hexdigest()
        uploads.keep("archive", OWN_FILE, file.name, (file.name, digest, file.content), len(file.content))
    return good


def own_archive() -> tuple[str, str, bytes] | None:
    """Name, hash and bytes of the visitor's own archive, where there is one."""
    return uploads.find("archive", OWN_FILE)


def from_reference(opened: Opened, count: int) -> Points:
    """The model's reference encodings, or `count` of them."""
    checkpoint, reference = opened.checkpoint, opened.checkpoint.reference
    assert reference is not None
    rows = data.drawn(len(reference), count).numpy()
    labels, factors = (t if t is None else t[rows] for t in (reference.labels, reference.factors))
    info = checkpoint.data
    if factors is not None and not factors.shape[1] == len(info.factor_names) == len(info.value_names):
        factors = None  # a file of somebody's that does not say what they are
    return Points(
        (opened.key, REFERENCE, len(rows)),
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


def find(opened: Opened, source: str, count: int) -> tuple[Hashable, Points | Work[Points]]:
    """The points of a source where they are at hand, else the work that makes them.

    Raises:
        LookupError: one sentence, where there is no file yet.
    """
    if source == REFERENCE:
        found = from_reference(opened, count)
        return found.key, found
    origin = source_of(source)
    key = (opened.key, origin.key, count)
    if (kept := _kept(key)) is not None:
        return key, kept
    return key, _work(opened, key, origin, count)


def source_of(option: str) -> Source:
    """Where the pictures of an option lie.

    Raises:
        LookupError: one sentence, where there is no file yet.
    """
    if option == OWN_FILE:
        if (held := own_archive()) is None:
            raise LookupError("Upload a zip of pictures: it is what this is made from.")
        return Source(held[1], data.own_name(Path(held[0]).stem), held[2])
    if option.startswith(FOLDER):
        path = folders()[option.removeprefix(FOLDER)]
        return Source((option, path.stat().st_mtime_ns), data.own_name(path.stem), path)
    return Source(option, option)


def read(
    opened: Opened, source: Source, count: int, progress: Callable[[float], None] | None = None, like: str = ""
) -> Drawn:
    """Read a source in the model's shape and draw `count` pictures from it: of a named set from its test part.

    Args:
        opened: the model whose shape and, of its own data set, split they shall have.
        source: where they lie.
        count: how many at most.
        progress: called with the fraction done; what it raises stops the work.
        like: a named set that the pictures of a folder or zip are made to look like; empty = the middle cut out.

    Raises:
        ValueError: one sentence on what is wrong with the source.
    """
    own, (channels, height, width) = opened.checkpoint.recipe.data, opened.checkpoint.model.image_shape
    named = source.content is None
    # The model's own set is split as it was for training, so that none of the pictures is one that it learnt.
    config = own if named and source.name == own.name else DataConfig(source.name, fit=own.fit)
    config = replace(config, size=(height, width), channels=channels)
    if not named:
        config = replace(config, range=data.range_of(own))
    report = progress or (lambda share: None)
    splits = data.load(config, source.content, progress=lambda share, _: report(share), like=like)
    found = splits.test if named else splits.whole()
    title = f"{'test ' * named}pictures of {source.name}"
    if not len(found):
        raise ValueError(f"There are no {title}.")
    rows = data.drawn(len(found), count).numpy()
    return Drawn(title, len(found), rows, found.subset(rows.tolist()), splits.train)


def keep(points: Points) -> None:
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
    """Encoded points that were kept."""
    return uploads.find("points", repr(key)) if _is_own(key) else _encoded().get(key)


def _is_own(key: Hashable) -> bool:
    """Whether points with this key come from the visitor's own archive."""
    held = own_archive()
    return held is not None and isinstance(key, tuple) and held[1] in key


@st.cache_resource
def _encoded() -> OrderedDict[Hashable, Points]:
    return OrderedDict()


def _work(opened: Opened, key: Hashable, source: Source, count: int) -> Work[Points]:
    """Read the pictures and encode them, in another thread."""

    def work(report: Progress, cancel: threading.Event) -> Points:
        tell = background.teller(report, cancel)
        found = read(opened, source, count, lambda share: tell(LOADING * share))
        y = _classes(opened, found.pictures)
        figures = metrics.statistics(
            opened.checkpoint.model,
            found.pictures.images,
            progress=lambda share: tell(LOADING + (1 - LOADING) * share),
            labels=y,
        )
        return replace(_points(key, found, figures), y=y, unit=opened.checkpoint.model.likelihood.unit)

    return work


def _classes(opened: Opened, part: Dataset) -> Tensor | None:
    """What a conditional model is told of pictures: their labels where it learnt these, else what it finds itself."""
    model, known = opened.checkpoint.model, opened.checkpoint.data.class_names
    if model.spec.classes is None:
        return None
    if part.labels is not None and part.class_names == known:
        return part.labels
    parts = (metrics.as_float(images) for images in part.images.split(metrics.BLOCK))
    return torch.cat([explore.classify(model, images).argmax(1) for images in parts])


def _points(key: Hashable, found: Drawn, figures: metrics.Statistics) -> Points:
    part = found.pictures
    return Points(
        key,
        found.title,
        found.total,
        found.rows,
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


def table(points: Points, coords: np.ndarray) -> bytes:
    """The map as a CSV file: row, file (if any), label, factors, place, KL in nats (if any), error, encoded means.

    Args:
        points: N pictures.
        coords: (N, 2 or 3).
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    factors = _factor_texts(points)
    places = ["x", "y", "z"][: coords.shape[1]]
    dimensions = [f"z{i}" for i in range(points.mean.shape[1])]
    figures = {"error": points.error} if points.kl is None else {"kl": points.kl, "error": points.error}
    writer.writerow(["row", *["file"] * bool(points.files), "label", *factors, *places, *figures, *dimensions])
    numbers = zip(*(column.tolist() for column in figures.values()), strict=True)
    columns = zip(points.rows.tolist(), coords.tolist(), numbers, points.mean.tolist(), strict=True)
    for i, (row, place, found, mean) in enumerate(columns):
        values = [texts[i] for texts in factors.values()]
        writer.writerow([row, *points.files[i : i + 1], points.class_of(i), *values, *place, *found, *mean])
    return text.getvalue().encode()


def _factor_texts(points: Points) -> dict[str, list[str]]:
    """Name of the column -> each point's value in words."""
    if points.factors is None:
        return {}
    return {
        f"factor_{name}": [names[v] if v < len(names) else str(v) for v in values]
        for name, names, values in zip(points.factor_names, points.value_names, points.factors.T.tolist(), strict=True)
    }


def decode(opened: Opened, points: Points, places: list[int]) -> Tensor:
    """The pictures that the model draws from the encoded means, (n, C, H, W) in [0, 1]."""
    y = None if points.y is None else points.y[places]
    return explore.decode(opened.checkpoint.model, points.mean[places], y)
