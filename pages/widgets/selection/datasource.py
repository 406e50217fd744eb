"""Which pictures a page is about, read and drawn: a data set, a folder or a visitor's archive."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.widgets.shell import uploads
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.uploads import File
from pages.widgets.shell.url_state import OneOf
from vae_core import data, filetypes, formats
from vae_core.config import DataConfig
from vae_core.data import Dataset
from vae_core.data.containers import ARRAYS, FILES, known
from vae_core.data.folders import SUFFIXES

REFERENCE, OWN, OWN_FILE, FOLDER = "reference set", "the model's own test pictures", "a zip of yours", "folder "
WORDS = {REFERENCE: "reference", OWN: "own", OWN_FILE: "zip"}  # in a link
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


@st.cache_data(ttl=60, show_spinner=False)
def folders() -> dict[str, Path]:
    """Tell what the server's owner put below VAE_DATA: folders and files of pictures; visitors choose by name alone."""
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
    """Return the sources to choose from, as they are called in the link; the first is the default."""
    own = opened.checkpoint.recipe.data.name
    named = sorted((name for name in data.NAMES if data.available(name)), key=lambda name: name != own)
    first = [REFERENCE] if opened.checkpoint.reference is not None else []
    return [*first, *named, *(FOLDER + name for name in folders()), OWN_FILE]


def choose_source(opened: Opened) -> str:
    """Show the choice of data, and where it is a visitor's own, the place for the file; return the choice."""
    allowed = options(opened)
    source = select(
        "data",
        allowed,
        "The reference set came with the model's file: test pictures that it never trained on. Of a named data set, "
        "the test pictures are used. Pictures of another size are scaled to the model's.",
    )
    if source == OWN_FILE:
        uploader("map_file")
    return source


def uploader(name: str, then: Callable[[], None] = lambda: None) -> None:
    """Show the place for a visitor's own archive; `then` is called when there is another one."""

    def take(files: Sequence[File]) -> None:
        if take_file(files[0]):
            then()

    uploads.uploader(
        "Zip of pictures, one folder per class",
        name,
        take,
        uploads.MAX_BYTES,
        help=f"Or arrays of images and labels ({', '.join(ARRAYS)}), or a TIFF of many pages. It is kept for this "
        "visit only; a link cannot hold it.",
    )
    if problem := st.session_state.get("map_archive_bad"):
        st.error(plain(problem))
    held = f"Open is {plain(archive[0])}. " if (archive := own_archive()) else ""
    kinds = f"A .zip of pictures ({formats.words()}), arrays ({', '.join(ARRAYS)}) or a TIFF of many pages"
    st.caption(f"{held}{kinds}, up to {uploads.MAX_BYTES // 2**20} MB.")


def select(key: str, allowed: Sequence[str], help: str) -> str:
    """Show a select box of sources; in the link they are called by `WORDS`, or as they are."""
    options = {WORDS.get(source, source): source for source in allowed}
    return options[OneOf(key, "Pictures", next(iter(options)), options, WORDS).selectbox(help=help)]


def take_file(file: File) -> bool:
    """Keep a visitor's archive; whether it is one, what is not leaves everything as it was."""
    good = known(file.content)
    kind = filetypes.explain_as_data(file.content) or ""
    st.session_state["map_archive_bad"] = (
        None if good else f"{file.name} is neither a zip, nor a file of arrays, nor a TIFF. {kind}".strip()
    )
    if good:
        digest = hashlib.sha256(file.content).hexdigest()
        uploads.keep("archive", OWN_FILE, file.name, (file.name, digest, file.content), len(file.content))
    return good


def own_archive() -> tuple[str, str, bytes] | None:
    """Return name, hash and bytes of the visitor's own archive, where there is one."""
    return uploads.find("archive", OWN_FILE)


def source_of(option: str) -> Source:
    """Tell where the pictures of an option lie.

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
    pictures = splits.test if named else splits.whole()
    title = f"{'test ' * named}pictures of {source.name}"
    if not len(pictures):
        raise ValueError(f"There are no {title}.")
    rows = data.drawn(len(pictures), count).numpy()
    return Drawn(title, len(pictures), rows, pictures.subset(rows.tolist()), splits.train)
