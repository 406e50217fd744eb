"""What is to be measured, and on which pictures: the controls."""

from __future__ import annotations

import streamlit as st

from pages.widgets.evaluate.measuring import NAMES, Wish, known, reference_of
from pages.widgets.selection import datasource
from pages.widgets.selection.datasource import FOLDER, OWN, OWN_FILE, REFERENCE, WORDS, Source
from pages.widgets.shell import models
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import ManyOf, Number, OneOf, Switch, numbered
from vae_core import data, metrics

BUILT_IN = ("digits", "sprites")  # sets that need no file
COUNTS = (250, 500, 1000, 2000, 5000, 10_000)
USUAL_COUNT = 1000
MAX_DRAWS, USUAL_DRAWS = 5000, 200
FIGURES, FILE = "eval_figures", "eval_file"


def choose(opened: Opened) -> Wish | None:
    """Draw the controls, and give what they wish for; None where there is nothing to measure."""
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
    return Wish(source, count, tuple(wanted), draws, given) if source and wanted else None


def _own(opened: Opened) -> str | None:
    """Return the name of the model's own data set, where it is one that this app knows."""
    return opened.checkpoint.recipe.data.name if models.from_named_set(opened) else None


def _options(opened: Opened) -> list[str]:
    """List the pictures to choose from: first the model's own or, where they are not here, what its file holds."""
    own = _own(opened)
    stored = [REFERENCE] if reference_of(opened) else []
    named = sorted(name for name in data.NAMES if name != own and data.available(name))
    first = [OWN, *stored] if own is not None and data.available(own) else [*stored, OWN]
    return [*first, *named, *(FOLDER + name for name in datasource.folders()), OWN_FILE]


def _choose_option(opened: Opened) -> str:
    allowed = _options(opened)
    return datasource.select(
        "eval_data",
        allowed,
        "The reference set came with the model's file: encodings of test pictures. "
        "Of a named data set, the test pictures are used; the model never trained on those of its own set. Pictures "
        "of a folder or zip are prepared like a picture that you upload for this model.",
    )


def _source(opened: Opened, option: str) -> Source | None:
    """Tell where the chosen pictures lie; None after saying that they are not here and how they come here."""
    own = _own(opened)
    if option == REFERENCE:
        st.caption(
            "Measured from the encodings in the model's file. More figures are available for pictures: for "
            f"{' or '.join(name for name in BUILT_IN if data.available(name))}, say, or for a zip of your own."
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
    return OneOf("eval_count", "Maximum pictures", USUAL_COUNT, numbered(COUNTS)).select_slider(
        help="Where there are more, this many are drawn at random, always the same ones."
    )


def _reasons(opened: Opened, option: str) -> dict[str, str | None]:
    """Tell for each figure what it needs that is not there, or None where it can be measured."""
    model, info = opened.checkpoint.model, opened.checkpoint.data
    if option == REFERENCE:
        labels, factors = known(opened, slice(None))
        labelled = labels is not None and len(labels.unique()) > 1
        return {name: metrics.lacking_pictures(model, name, labelled, factors is not None) for name in NAMES}
    other = option != OWN  # what else pictures have is known when they are read
    labelled, factored = other or len(info.class_names) > 1, other or bool(info.factor_names)
    return {name: metrics.lacking(model, name, labelled, factored) for name in NAMES}


def _choose_figures(reasons: dict[str, str | None]) -> list[str]:
    """Return keys of METRICS, of those that can be measured."""
    allowed = {name: NAMES[name] for name, reason in reasons.items() if reason is None}
    usual = [name for name in NAMES if name in metrics.USUAL and name in allowed]
    before = {label: name for name, label in NAMES.items()}
    chosen = ManyOf(FIGURES, "Figures", usual, allowed, before).multiselect(placeholder="Choose some", wrap=True)
    return [name for name in NAMES if name in chosen]


def _explain(reasons: dict[str, str]) -> None:
    """List the figures that cannot be measured and why, those of the same reason together."""
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
    return Number("eval_draws", "Draws of z per picture (K)", USUAL_DRAWS, 1, MAX_DRAWS).field(
        help="For the importance-weighted NLL: the more, the tighter the bound, and the longer it takes."
    )


def _choose_labels() -> bool:
    return Switch("eval_labels", "Tell the model the labels", True).toggle(
        help="Figures are then of log p(x | y); else they are of log p(x), summed over the classes."
    )
