"""Measure the open model on pictures that a person chooses: the settings, the work in the background, the figures."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shlex
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.selection import datasource
from pages.widgets.selection.datasource import FOLDER, OWN, OWN_FILE, REFERENCE, WORDS, Drawn, Source
from pages.widgets.shell import background, downloads, models
from pages.widgets.shell.buttons import pressed
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import ManyOf, Number, OneOf, Switch, numbered
from pages.widgets.shell.words import sentence
from vae_core import data, metrics, scoring
from vae_core.checkpoints import Reference
from vae_core.data import Dataset
from vae_core.jobs import Cancelled, Job, Preview, Work
from vae_core.metrics import Row
from vae_core.model import VAE, LatentSpec

NAMES = {  # in the order in which they are shown
    "elbo": "ELBO",
    "reconstruction": "Reconstruction error",
    "kl": "KL",
    "nll": "Importance-weighted NLL",
    "bits_per_dimension": "Bits per dimension",
    "active_units": "Active units",
    "kl_per_dim": "KL of each dimension",
    "kl_per_level": "KL of each level",
    "perplexity": "Codebook perplexity",
    "mutual_information": "Mutual information",
    "total_correlation": "Total correlation",
    "dimension_wise_kl": "Dimension-wise KL",
    "aggregate_kl": "Aggregate-posterior KL",
    "kid": "KID",
    "precision": "Precision of draws",
    "recall": "Recall of draws",
    "accuracy": "Class found by the model",
    "linear_probe": "Linear probe of the means",
    "knn": "k-NN accuracy of the means",
    "mig_histogram": "MIG (histogram of means)",
    "mig_sampled": "MIG (sampled, Chen et al.)",
    "factor_vae": "FactorVAE score",
    "dci": "DCI",
    "sap": "SAP",
}
BUILT_IN = ("digits", "sprites")  # sets that need no file
_NO_PICTURES = Dataset("", torch.empty((0, 1, 1, 1), dtype=torch.uint8))
COUNTS = (250, 500, 1000, 2000, 5000, 10_000)
USUAL_COUNT = 1000
MAX_DRAWS, USUAL_DRAWS = 5000, 200
SEED = 0  # of the bits and of all draws
LOADING = 0.1  # share of the progress bar: the rest is measuring
MAX_PARTS = 12  # of a figure that is a list, in the table; the downloads have all
KEPT = 64  # measurements that all visitors share; the oldest goes first
ROW_HEIGHT = 34  # pixels of a line of the table, about
FIGURES, FILE = "eval_figures", "eval_file"


@dataclass(frozen=True)
class Wish:
    """What is to be measured: `wanted` are keys of METRICS, `draws` those of z for nll (0 where it is not wanted)."""

    source: Source
    count: int
    wanted: tuple[str, ...]
    draws: int
    given: bool

    def key(self, opened: Opened) -> Hashable:
        """Differs when the figures may."""
        return opened.key, self.source.key, self.count, self.wanted, self.draws, self.given


@dataclass(frozen=True, eq=False)
class Measured:
    """Figures of a model.

    Attributes:
        key: of the wish.
        rows: of each figure its value, standard error and unit, as `metrics.figures` gives them.
        missing: figure -> what it needs and the pictures have not.
        about: what was measured on what, for the JSON file.
        words: the same in sentences.
        command: what prints the same figures in a terminal; nothing where that has no way to.
    """

    key: Hashable
    rows: dict[str, Row]
    missing: dict[str, str]
    about: dict[str, Any]
    words: tuple[str, ...]
    command: str


# --- the section --------------------------------------------------------------------------------------------------


@st.fragment  # the rest of the page, with its charts, is not drawn again for a setting
def section(opened: Opened) -> None:
    """Evaluate: the settings, a button, and the figures when they are there."""
    st.subheader("Evaluate", anchor=False)
    st.write("Measure this model on pictures that you choose.")
    left, right = st.columns(2, gap="medium")
    with left:
        option = _choose_option(opened)
        source = _source(opened, option)
        count = _choose_count()
    with right:
        reasons = _reasons(opened, option)
        wanted = _choose_figures(reasons)
        draws = _choose_draws() if "nll" in wanted else 0
        given = _choose_labels() if opened.checkpoint.model.spec.classes and option != REFERENCE else True
        _explain({name: reason for name, reason in reasons.items() if reason})
    wish = Wish(source, count, tuple(wanted), draws, given) if source and wanted else None
    _measure(opened, wish)


def _measure(opened: Opened, wish: Wish | None) -> None:
    """The button, and below it the work or what came of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if pressed("Measure", "eval_go", type="primary", disabled=wish is None) and wish:
            _begin(opened, wish)
        remark = st.empty()
    if not _ended(opened):
        return
    key, tell, text = st.session_state.get("eval_problem", (None, st.info, ""))
    if wish is not None and key == wish.key(opened):
        tell(text)
    found = _found().get(opened.key)
    if found is None:
        return
    if wish is None or wish.key(opened) != found.key:
        remark.caption("The figures below are of the settings before. Measure again for those that are set now.")
    _show(opened, found)


# --- settings -----------------------------------------------------------------------------------------------------


def _own(opened: Opened) -> str | None:
    """The name of the model's own data set, where it is one that this app knows."""
    return opened.checkpoint.recipe.data.name if models.from_named_set(opened) else None


def _stored(opened: Opened) -> Reference | None:
    """What the model's file holds of its test pictures, where that is their whole encodings."""
    reference, spec = opened.checkpoint.reference, opened.checkpoint.model.spec
    return reference if reference is not None and reference.mean.shape[1] == spec.size else None


def _options(opened: Opened) -> list[str]:
    """The pictures to choose from: first the model's own or, where they are not here, what its file holds of them."""
    own = _own(opened)
    stored = [REFERENCE] if _stored(opened) else []
    named = sorted(name for name in data.NAMES if name != own and data.available(name))
    first = [OWN, *stored] if own is not None and data.available(own) else [*stored, OWN]
    return [*first, *named, *(FOLDER + name for name in datasource.folders()), OWN_FILE]


def _choose_option(opened: Opened) -> str:
    allowed = _options(opened)
    return datasource.select(
        "eval_data",
        allowed,
        "The reference set came with the model's file: encodings of test pictures. "
        "Of a named data set the test pictures are taken; the model never trained on its own. Those of a folder "
        "or zip are prepared as a picture that you upload for this model.",
    )


def _source(opened: Opened, option: str) -> Source | None:
    """Where the chosen pictures lie; None after saying that they are not here and how they come here."""
    own = _own(opened)
    if option == REFERENCE:
        st.caption(
            "Measured from the encodings in the model's file. More figures can be had of pictures: of "
            f"{' or '.join(name for name in BUILT_IN if data.available(name))}, say, or a zip of yours."
        )
        return Source(REFERENCE, REFERENCE)
    here = option != OWN or (own is not None and data.available(own))
    if not here:
        st.info(_absent(own))
    if option == OWN_FILE or not here:
        datasource.uploader(FILE, _taken)
    if not here:
        return None
    try:
        return datasource.source_of(own if option == OWN and own else option)
    except LookupError:
        return None  # the place for the file is above


def _absent(own: str | None) -> str:
    rest = "put in a zip of your own, or choose other pictures."
    if own is None:
        return f"The pictures that this model was tested on are not known here: {rest}"
    return f"For this, get {own} as told at the top of this page, {rest}"


def _taken() -> None:
    """Choose the visitor's own archive."""
    st.session_state["eval_data"] = WORDS[OWN_FILE]


def _choose_count() -> int:
    return OneOf("eval_count", "Pictures at most", USUAL_COUNT, numbered(COUNTS)).select_slider(
        help="Where there are more, so many are drawn from them at random: always the same ones."
    )


def _reasons(opened: Opened, option: str) -> dict[str, str | None]:
    """Of each figure what it needs that is not there, or None where it can be measured."""
    model, info = opened.checkpoint.model, opened.checkpoint.data
    if option == REFERENCE:
        labels, factors = _known(opened, slice(None))
        labelled = labels is not None and len(labels.unique()) > 1
        return {name: metrics.lacking_pictures(model, name, labelled, factors is not None) for name in NAMES}
    other = option != OWN  # what else pictures have is known when they are read
    labelled, factored = other or len(info.class_names) > 1, other or bool(info.factor_names)
    return {name: metrics.lacking(model, name, labelled, factored) for name in NAMES}


def _choose_figures(reasons: dict[str, str | None]) -> list[str]:
    """Keys of METRICS, of those that can be measured."""
    allowed = {name: NAMES[name] for name, reason in reasons.items() if reason is None}
    usual = [name for name in NAMES if name in metrics.USUAL and name in allowed]
    before = {label: name for name, label in NAMES.items()}
    chosen = ManyOf(FIGURES, "Figures", usual, allowed, before, follows=True).multiselect(
        placeholder="Choose some", wrap=True
    )
    return [name for name in NAMES if name in chosen]


def _explain(reasons: dict[str, str]) -> None:
    """The figures that cannot be measured and why, those of the same reason together."""
    if not reasons:
        return
    count = "1 figure" if len(reasons) == 1 else f"{len(reasons)} figures"
    alike: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        alike.setdefault(reason, []).append(NAMES[name])
    with st.expander(f"{count} that cannot be measured here"):
        rows = {plain(", ".join(names)): plain(f"Needs {reason}.") for reason, names in alike.items()}
        st.table(rows, border="horizontal")


def _choose_draws() -> int:
    return Number("eval_draws", "Draws of z a picture (K)", USUAL_DRAWS, 1, MAX_DRAWS).field(
        help="For the importance-weighted NLL: the more, the tighter the bound, and the longer it takes."
    )


def _choose_labels() -> bool:
    return Switch("eval_labels", "Tell the model the labels", True).toggle(
        help="Figures are then of log p(x | y); else they are of log p(x), summed over the classes."
    )


# --- the work -----------------------------------------------------------------------------------------------------


def _found() -> dict[str, Measured]:
    """The visitor's last measurement of each model, by the model's key."""
    return st.session_state.setdefault("eval_found", {})


@st.cache_resource
def _shared() -> OrderedDict[Hashable, Measured]:
    return OrderedDict()


def _begin(opened: Opened, wish: Wish) -> None:
    """Measure, unless somebody has measured the same."""
    background.stop("measure")
    for name in ("eval_running", "eval_problem"):
        st.session_state.pop(name, None)
    key = wish.key(opened)
    if key in _shared():
        _found()[opened.key] = _shared()[key]
        return
    running = background.job("measure", key, _work(opened, wish))
    st.session_state["eval_running"] = (opened.key, key, len(wish.wanted), running)


def _ended(opened: Opened) -> bool:
    """Whether no work for this model goes on; it is shown while it does, and its result is kept when it is there."""
    owner, key, lines, running = st.session_state.get("eval_running", (None, None, 0, None))
    if owner != opened.key:
        return True
    if not running.done:
        background.watch(running, "Measuring", lambda _: None)
        background.keep_place(ROW_HEIGHT * (lines + 3))
        return False
    st.session_state.pop("eval_running")
    _take_result(opened, key, running)
    return True


def _take_result(opened: Opened, key: Hashable, running: Job[Measured]) -> None:
    """Keep the figures, or why there are none of what was wished for."""
    try:
        measured = running.result()
    except Cancelled:
        why = f"{running.too_long} Take fewer pictures or figures." if running.too_long else "Measuring was cancelled."
        st.session_state["eval_problem"] = (key, st.info, why)
        return
    except ValueError as error:
        st.session_state["eval_problem"] = (key, st.error, plain(str(error)))
        return
    _found()[opened.key] = _shared()[measured.key] = measured
    while len(_shared()) > KEPT:
        _shared().popitem(last=False)


def _work(opened: Opened, wish: Wish) -> Work[Measured]:
    """Read the pictures and measure, in another thread."""
    trained_on = opened.checkpoint.data.name
    # As `vae evaluate` does, pictures of one's own are prepared as an upload to a model of a named set is.
    like = trained_on if wish.source.content is not None and trained_on in data.SETS else ""

    def work(report: Preview, cancel: Event) -> Measured:
        tell = background.teller(report, cancel)
        if wish.source.key == REFERENCE:
            return measure_reference(opened, wish, tell)
        found = datasource.read(opened, wish.source, wish.count, lambda share: tell(LOADING * share), like)
        return measure(opened, wish, found, lambda share: tell(LOADING + (1 - LOADING) * share))

    return work


def measure(opened: Opened, wish: Wish, found: Drawn, progress: Callable[[float], None] | None = None) -> Measured:
    """Measure a model on pictures; figures that need what these have not are left out.

    Raises:
        ValueError: nothing is left, or a figure is not defined for these pictures.
    """
    model, pictures = opened.checkpoint.model, found.pictures.in_classes(opened.checkpoint.data.class_names)
    labels, factors = pictures.labels, pictures.factors
    known = labels is not None and pictures.class_names == opened.checkpoint.data.class_names
    given = known and wish.given
    missing = _missing(model, wish, found, pictures, known)
    wanted = [name for name in wish.wanted if name not in missing]
    if not wanted:
        raise ValueError(" ".join(_left_out(missing)))
    rows = metrics.figures(
        model, pictures.images, wanted, wish.draws or 1, SEED, progress, labels, factors, given, found.training
    )
    about = _about(opened, wish, found, given)
    return Measured(wish.key(opened), rows, missing, about, _words(found, about), _command(opened, wish, found, given))


def measure_reference(opened: Opened, wish: Wish, progress: Callable[[float], None] | None = None) -> Measured:
    """Give the figures of the reference set, from what the model's file holds of it."""
    model, reference = opened.checkpoint.model, _stored(opened)
    assert reference is not None
    rows = data.drawn(len(reference), wish.count)
    labels, factors = _known(opened, rows)
    error, kl = reference.error[rows], reference.kl[rows]
    elbo = -(error + kl.sum(1)) if model.spec.has_density else error.new_full(error.shape, math.nan)
    found = scoring.Statistics(elbo, error, kl, reference.mean[rows], reference.std[rows])
    count, seed = len(rows), opened.checkpoint.recipe.training.seed
    about = {
        "model": opened.entry.id,
        "seed": seed,
        "data": opened.checkpoint.data.name,
        "split": "reference set",
        "pictures": count,
        "drawn_from": len(reference),
        "likelihood": model.likelihood.label,
        "likelihood_note": model.likelihood.note or None,
        "bits": f"drawn from the grey values with seed {seed}" if model.binary else None,
        "density": metrics.density(model, labels is not None),
    }
    total = Drawn("reference pictures, as the model's file holds them", len(reference), rows.numpy(), _NO_PICTURES)
    figures = metrics.figures_of(model, found, wish.wanted, SEED, progress, labels, factors)
    return Measured(wish.key(opened), figures, {}, about, _words(total, about), "")


def _known(opened: Opened, rows: Tensor | slice) -> tuple[Tensor | None, Tensor | None]:
    """Labels and factors of the reference set, where they are known."""
    reference = opened.checkpoint.reference
    assert reference is not None
    labels, factors = (part if part is None else part[rows] for part in (reference.labels, reference.factors))
    return labels, factors


def _missing(model: VAE, wish: Wish, found: Drawn, pictures: Dataset, known: bool) -> dict[str, str]:
    """Wanted figures that these pictures do not allow, with what they need."""
    labelled = pictures.labels is not None and len(pictures.labels.unique()) > 1
    factored = pictures.factors is not None
    enough = metrics.enough(pictures.images, found.training)
    reasons = {name: metrics.lacking(model, name, labelled, factored, enough) for name in wish.wanted}
    if "accuracy" in reasons and not known:
        reasons["accuracy"] = "labels that are the model's own classes, and these pictures have others or none"
    return {name: reason for name, reason in reasons.items() if reason}


def _about(opened: Opened, wish: Wish, found: Drawn, given: bool) -> dict[str, Any]:
    """What was measured, in the words of `vae evaluate --json`."""
    model = opened.checkpoint.model
    return {
        "model": opened.entry.id,
        "seed": SEED,
        "data": found.pictures.name,
        "split": "all" if wish.source.content is not None else "test",
        "pictures": len(found.pictures),
        "drawn_from": found.total,
        "likelihood": model.likelihood.label,
        "likelihood_note": model.likelihood.note or None,
        "bits": f"drawn from the grey values with seed {SEED}" if model.binary else None,
        "density": metrics.density(model, given),
    }


def _words(found: Drawn, about: dict[str, Any]) -> tuple[str, ...]:
    """What was measured, in sentences."""
    count, total = about["pictures"], found.total
    which = f"{count:,} of the {total:,}" if count < total else "All" if total > 1 else "The"
    number = "" if count < total else f" {total:,}"
    title = found.title if total > 1 else found.title.replace("pictures", "picture", 1)
    parts = [f"{which}{number} {title}{', drawn at random' if count < total else ''}."]
    if about["split"] == "all":
        parts.append("Each was prepared as a picture that you upload for this model is.")
    parts.append(f"Likelihood: {about['likelihood']}" + (f"; bits {about['bits']}." if about["bits"] else "."))
    if about["likelihood_note"]:
        parts.append(f"Of it: {about['likelihood_note']}.")
    if about["density"]:
        parts.append(f"Density: {about['density']}.")
    return *parts, *map(sentence, found.pictures.notes)


def _command(opened: Opened, wish: Wish, found: Drawn, given: bool) -> str:
    """What prints the same figures in a terminal."""
    words = ["vae", "evaluate", opened.entry.title if opened.entry.origin == "shipped" else "FILE"]
    if wish.source.content is not None:
        words += ["--data", "FOLDER" if isinstance(wish.source.content, Path) else "ZIP", "--split", "all"]
    elif wish.source.name != opened.checkpoint.recipe.data.name:
        words += ["--data", wish.source.name]
    words += ["--metrics", ",".join(wish.wanted)]
    words += ["--k", str(wish.draws)] if wish.draws else []
    words += ["--limit", str(wish.count)] if found.total > wish.count else []
    return shlex.join(
        [*words, *["--without-labels"] * (opened.checkpoint.model.spec.classes is not None and not given)]
    )


def _left_out(missing: dict[str, str]) -> list[str]:
    """One sentence a figure."""
    return [f"{NAMES[name]} needs {reason}." for name, reason in missing.items()]


# --- the figures --------------------------------------------------------------------------------------------------


def _show(opened: Opened, found: Measured) -> None:
    """The table, what it is of, and the downloads."""
    st.table(table(opened.checkpoint.model.spec, found.rows), border="horizontal", hide_index=True)
    errors = any(row["standard_error"] is not None or "standard_errors" in row for row in found.rows.values())
    st.caption(" ".join([*map(plain, found.words), *["± is the standard error over the pictures."] * errors]))
    if found.missing:
        st.caption(" ".join(["Left out:", *map(plain, _left_out(found.missing))]))
    if found.command:
        st.code(found.command, language="bash", wrap_lines=True)
    stem = downloads.file_name("figures", opened.entry.title, found.about["data"])
    with st.container(horizontal=True):
        for kind, mime, make in (("csv", "text/csv", as_csv), ("json", "application/json", as_json)):
            st.download_button(
                f"Figures ({kind.upper()})", partial(make, found), f"{stem}.{kind}", mime, on_click="ignore"
            )


def table(spec: LatentSpec, rows: dict[str, Row]) -> dict[str, list[str]]:
    """The figures as columns of words, to be shown as Markdown."""
    return {
        "Figure": [plain(NAMES[name]) for name in rows],
        "Value": [plain(_value(spec, name, row)) for name, row in rows.items()],
        "Unit": [plain(_unit(row)) for row in rows.values()],
    }


def _unit(row: Row) -> str:
    """The unit, with figures called as they are on this page."""
    return re.sub(r"\b(elbo|nll|\w+_\w+)\b", lambda match: NAMES.get(match[0], match[0]), row["unit"])


def _value(spec: LatentSpec, name: str, row: Row) -> str:
    value, error = row["value"], row["standard_error"]
    digits = 2 if row["unit"].startswith(("nats", "kernel distance")) else 3
    if isinstance(value, dict):
        errors = {part: f" ± {_number(number, digits)}" for part, number in row.get("standard_errors", {}).items()}
        shown = ((part, _number(number, digits) + errors.get(part, "")) for part, number in value.items())
        return ", ".join(f"{part.replace('_', ' ')} {text}" for part, text in shown)
    if "upper" in row:
        return f"{_number(value, digits)} to {_number(row['upper'], digits)}"
    if isinstance(value, list):
        return _parts(spec, name, value, digits)
    return _number(value, digits) + (f" ± {_number(error, digits)}" if error is not None else "")


def _parts(spec: LatentSpec, name: str, values: list[float], digits: int) -> str:
    """Numbers of dimensions, the largest first, or of levels in their order, as far as a person reads them."""
    dimensions = name == "kl_per_dim" and spec.factorises
    names = [f"z{i}" if dimensions else f"level {i + 1}" for i in range(len(values))]
    order = sorted(range(len(values)), key=lambda i: -values[i]) if dimensions else list(range(len(values)))
    if len(values) == 1:
        return _number(values[0], digits)
    shown = ", ".join(f"{names[i]} {_number(values[i], digits)}" for i in order[:MAX_PARTS])
    return shown if len(values) <= MAX_PARTS else f"{shown} and {len(values) - MAX_PARTS} more"


def _number(value: float, digits: int) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # + 0.0: no minus before a zero


def as_csv(found: Measured) -> bytes:
    """The figures as a CSV file, a line a number: figure, part (of lists and DCI), value, standard error, unit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["figure", "part", "value", "standard_error", "unit"])
    for name, row in found.rows.items():
        value = row["value"]
        value = {"lower": value, "upper": row["upper"]} if "upper" in row else value
        listed = dict(enumerate(value)) if isinstance(value, list) else value
        parts = listed if isinstance(listed, dict) else {"": value}
        for part, number in parts.items():
            error = row.get("standard_errors", {}).get(part, row["standard_error"])
            writer.writerow([name, part, number, error, row["unit"]])
    return text.getvalue().encode()


def as_json(found: Measured) -> bytes:
    """The figures as a JSON file in the form of `vae evaluate --json`; numbers that are not finite are null."""
    whole = {**found.about, "metrics": found.rows, "left_out": found.missing}
    return json.dumps(_finite(whole), indent=2, allow_nan=False).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
