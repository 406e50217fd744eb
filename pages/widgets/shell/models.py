"""Which models there are, the one that is open, and the picker that all pages share.

Ids are what the picker shows and the URL says (Streamlit puts a select box's words there): a shipped model's name,
`NAME (own folder)` for a file in the folder VAE_CHECKPOINTS, and `NAME (uploaded HASH)` or `NAME (fitted HASH)` for
what was uploaded, or got a prior, in this visit. A visitor can only choose among ids, never name a path.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import streamlit as st
import torch
from streamlit.errors import StreamlitAPIException

from pages.widgets.shell import steps, uploads, words
from vae_core import checkpoints, data, fitting
from vae_core.checkpoints import Checkpoint, CheckpointError
from vae_core.config import Recipe
from vae_core.health import kl_of_levels
from vae_core.training import pick_device

ORDER = ("mnist", "mnist-2d", "mnist-beta4", "fashion", "sprites", "characters", "digits")  # simple things first
MAX_OPEN = 64  # models held for all sessions together
MAX_RECIPES = 2000  # and what so many say that they are
MAX_SENTENCE = 300  # characters of a stranger's text in a message or label
KEPT = ("upload", "made")  # origins of what is kept for one visit
TRAIN = "vae train --model mlp --data digits --latent-dim 8 --out my-digits.safetensors"


@dataclass(frozen=True)
class Entry:
    """A model that can be opened: its id, its name, and where it came from."""

    id: str
    title: str
    origin: str  # shipped | own | upload | made: from a model of the server's own, in this visit


@dataclass(frozen=True)
class Opened:
    """The open model: an entry with its checkpoint. `key` changes when the file's contents do: use it in caches."""

    entry: Entry
    checkpoint: Checkpoint
    key: str


def plain(text: str) -> str:
    """Escape a stranger's text for places that read Markdown (labels, messages, tables), to be shown on one line."""
    short = " ".join(text.split())
    short = short if len(short) <= MAX_SENTENCE else short[: MAX_SENTENCE - 1] + "…"
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", short)


@st.cache_resource(show_spinner=False)
def device() -> torch.device:
    """Return the device that this server runs on."""
    return pick_device("auto")


def device_label() -> str:
    """Return the device in words, for people."""
    kind = device().type
    names = {"cpu": "the processor (CPU)", "mps": "the graphics unit (Apple MPS)"}
    return names.get(kind) or f"the graphics card ({torch.cuda.get_device_name(device())})"


def own_folder() -> Path | None:
    """Return the owner's folder of checkpoints, from the environment; never from a visitor."""
    folder = os.environ.get("VAE_CHECKPOINTS")
    return Path(folder).expanduser() if folder else None


def _rank(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def entries() -> dict[str, Entry]:
    """Return all models that this visitor can open, by id, shipped ones first."""
    models = [Entry(name, name, "shipped") for name in sorted(checkpoints.shipped(), key=_rank)]
    folder = own_folder()
    if folder is not None and folder.is_dir():
        stems = sorted(path.stem for path in folder.glob(f"*{checkpoints.SUFFIX}") if not path.stem.endswith(".state"))
        names = [stem.encode(errors="replace").decode() for stem in stems]  # a name that is no text breaks the page
        models += [Entry(f"{name} (own folder)", name, "own") for name in names]
    models += [opened.entry for opened in uploads.of_kind("model").values()]
    return {entry.id: entry for entry in models}


@st.cache_resource(max_entries=MAX_OPEN, show_spinner=False)
def _load(path: str, version: tuple[int, int]) -> Checkpoint | str:
    """Return a checkpoint, or the sentence that says what is wrong: kept too, so that a bad file is read once only."""
    try:
        return checkpoints.load(Path(path), device())
    except CheckpointError as error:
        return str(error)


def open_model(entry: Entry) -> Opened:
    """Return the checkpoint behind an entry, shared by all sessions.

    Raises:
        CheckpointError: one sentence that says what is wrong with the file.
    """
    if entry.origin in KEPT:
        if (held := uploads.find("model", entry.id)) is None:
            what = "uploaded" if entry.origin == "upload" else "fitted"
            again = "upload the file" if entry.origin == "upload" else "fit the prior"
            raise CheckpointError(f"It was {what}, and was removed to make room: {again} on Home again.")
        return held
    path, version = _file(entry)
    opened = _load(path, version)
    if isinstance(opened, str):
        raise CheckpointError(opened)
    return Opened(entry, opened, f"{entry.id}@{version[0]}-{version[1]}")


def recipe_of(entry: Entry) -> Recipe:
    """Return what a model says that it is, without opening it.

    Raises:
        CheckpointError: one sentence that says what is wrong with the file.
    """
    if entry.origin in KEPT:
        return open_model(entry).checkpoint.recipe
    recipe = _recipe(*_file(entry))
    if isinstance(recipe, str):
        raise CheckpointError(recipe)
    return recipe


@st.cache_resource(max_entries=MAX_RECIPES, show_spinner=False)
def _recipe(path: str, version: tuple[int, int]) -> Recipe | str:
    """Return a recipe, or the sentence that says what is wrong."""
    try:
        return checkpoints.recipe_of(Path(path))
    except CheckpointError as error:
        return str(error)


def _file(entry: Entry) -> tuple[str, tuple[int, int]]:
    """Return where an entry's file lies, and what differs when its contents do."""
    folder = checkpoints.SHIPPED if entry.origin == "shipped" else own_folder()
    path = (folder or Path()) / f"{entry.title}{checkpoints.SUFFIX}"
    try:
        file = path.stat()
    except OSError as error:
        raise CheckpointError(f"The file of {entry.title!r} is no longer there.") from error
    return str(path), (file.st_mtime_ns, file.st_size)


def add_upload(name: str, content: bytes) -> Entry:
    """Check an uploaded checkpoint and keep it for this visit.

    Raises:
        CheckpointError: one sentence that says what is wrong with the file.
    """
    checkpoint = checkpoints.load(content, device())
    digest = hashlib.sha256(content).hexdigest()
    title = " ".join(Path(name).stem.split())[:80]
    entry = Entry(f"{title} (uploaded {digest[:8]})", title, "upload")
    uploads.keep("model", entry.id, title, Opened(entry, checkpoint, digest), len(content))
    return entry


def choose_model(key: str) -> None:
    """Make the model with this id the open one (in a callback, before the picker is drawn)."""
    st.session_state["model"] = key


def choice() -> Entry | None:
    """Draw the picker in the sidebar: the entry chosen there, or None where there is no model at all."""
    available = entries()
    if not available:
        return None
    _explain_unknown(available)
    taken_out = "model" in steps.link() and "model" not in st.query_params
    if taken_out:
        st.session_state["model"] = steps.link()["model"]
    known = st.session_state.get("model")
    kept = steps.went_back() and not taken_out
    if not kept and "model" not in st.query_params and known in available and known != next(iter(available)):
        # On the first switch of pages after a link the widget would begin anew, and the link lose its model.
        st.session_state["model"] = known
        with suppress(StreamlitAPIException):  # of a widget that was on this page before, and writes it itself
            st.query_params["model"] = known
    with st.sidebar:
        bind: Literal["query-params"] | None = None if taken_out else "query-params"  # which would go by the link
        chosen = st.selectbox("Model", list(available), key="model", bind=bind)
    return available.get(chosen) or next(iter(available.values()))


def picker(fits: Callable[[Opened], str | None] | None = None) -> Opened:
    """Show the model picker in the sidebar, with a short card; stop the page with a sentence where none can be opened.

    Args:
        fits: tells in a sentence why a model cannot be used on this page, or None where it can.
    """
    entry = choice()
    if entry is None:
        st.info("There is no model yet. Train one, or upload one on Home:")
        st.code(TRAIN, language="bash")
        st.stop()
    try:
        opened = open_model(entry)
    except CheckpointError as error:
        st.error(f"This model cannot be opened. {plain(str(error))}")
        st.stop()
    short_card(opened)
    if fits and (reason := fits(opened)):
        st.info(reason)
        st.stop()
    return opened


def _explain_unknown(available: dict[str, Entry]) -> None:
    """Say it when a link names a model that is not here, since the widget drops the value without a word."""
    asked = st.query_params.get("model")
    if asked is None or asked in available:
        return
    if re.search(r"\(uploaded [0-9a-f]{8}\)$", asked):
        st.warning(
            "This link names an uploaded model, which is kept for one visit only: upload the file on Home again."
        )
    elif re.search(r"\(fitted [0-9a-f]{8}\)$", asked):
        st.warning("This link names a model of another visit, with a prior fitted there: fit it on Home again.")
    else:
        st.warning("This link names a model that is not here; another one is open instead.")


def facts(opened: Opened) -> list[str]:
    """Tell what the model is, in a few short lines."""
    model, metrics = opened.checkpoint.model, opened.checkpoint.metrics
    spec, (channels, height, width) = model.spec, model.image_shape
    lines = [
        f"{height} × {width} {'colour' if channels == 3 else 'grey'} pictures, {words.size_of(spec)}",
        f"Likelihood: {model.likelihood.label}" if spec.has_density else words.density_of(spec),
    ]
    if model.likelihood.note:
        lines.append(f"There {model.likelihood.note}")
    if spec.classes:
        lines.append(f"Conditional: it is told which of {spec.classes} classes a picture has")
    if spec.has_density and metrics.get("elbo") is not None:
        given = ", given the class: a bound of log p(x | y)" if spec.classes else ""
        lines.append(f"Test ELBO: {metrics['elbo']:.1f} nats per image{given}")
    if has_units(opened):
        lines.append(f"Active units: {units(opened)}")
    if levels := kl_of_levels(spec, metrics):
        lines.append(f"KL of each level: {levels}")
    return [*lines, *codes_in_use(opened)]


def has_units(opened: Opened) -> bool:
    """Tell whether the header counts active units, and z is of a kind that has some."""
    spec, metrics = opened.checkpoint.model.spec, opened.checkpoint.metrics
    return metrics.get("active_units") is not None and spec.units_by is not None


def units(opened: Opened) -> str:
    """Tell how many units are active, in words, where the model has some."""
    spec, metrics = opened.checkpoint.model.spec, opened.checkpoint.metrics
    return f"{metrics['active_units']:.0f} of {spec.size}" + (", by KL" if spec.units_by == "kl" else "")


def codes_in_use(opened: Opened) -> list[str]:
    """Tell how many codes a codebook really uses, a line each."""
    spec, perplexity = opened.checkpoint.model.spec, opened.checkpoint.metrics.get("perplexity")
    if spec.codebook_size is None or not isinstance(perplexity, list):
        return []
    where = [""] if len(perplexity) == 1 else [f" on level {i + 1}" for i in range(len(perplexity))]
    return [
        f"Codes in use{place}: {value:.1f} of {spec.codebook_size} (perplexity)"
        for place, value in zip(where, perplexity, strict=True)
    ]


def warn_collapsed(opened: Opened) -> None:
    """Say it where no latent dimension carries anything of the picture (posterior collapse)."""
    if has_units(opened) and opened.checkpoint.metrics["active_units"] == 0:
        which = "every picture of a class" if opened.checkpoint.model.spec.classes else "every picture"
        st.warning(
            f"The latent space of this model has collapsed (0 active units), so {which} is decoded alike; "
            "the usual fix is to train it again with a lower KL weight (beta), or to anneal that weight from 0: look "
            "for “posterior collapse”."
        )


def usual_prior(opened: Opened) -> str:
    """Tell which prior is drawn from without a word on it: the fitted one where the own misses by what one sees."""
    gap = opened.checkpoint.metrics.get("prior_gap") or 0.0
    return "fitted" if opened.checkpoint.model.spec.fitted and gap >= fitting.SLIGHT else "own"


def short_card(opened: Opened) -> None:
    """Show the open model in the sidebar, and the device that it runs on."""
    with st.sidebar:
        if opened.checkpoint.description:
            st.text(opened.checkpoint.description)
        st.text("\n".join(facts(opened)))
        st.caption(f"Runs on {device_label()}")


def originals_here(opened: Opened) -> bool:
    """Tell whether the model's own data set can be read on this machine, so that reference pictures are the originals.

    Not for uploads: a stranger's header shall not make the server read or draw a data set. The credit tells a named
    set from a folder that only has the same name.
    """
    return can_have_originals(opened) and data.available(opened.checkpoint.recipe.data.name)


def can_have_originals(opened: Opened) -> bool:
    """Tell whether `originals_here` is true as soon as the model's data set is on this machine."""
    return opened.entry.origin != "upload" and from_named_set(opened)


def why_no_originals(opened: Opened) -> str:
    """Tell why reference pictures are the model's reconstructions, as the half of a sentence."""
    if can_have_originals(opened):
        return "the originals are not on this machine"
    return "the model's file holds encodings of the originals, not the originals themselves"


def from_named_set(opened: Opened) -> bool:
    """Tell whether the model was trained on a data set that this app knows by name."""
    name = opened.checkpoint.recipe.data.name
    return name in data.NAMES and opened.checkpoint.data.credit == data.SETS[name].credit
