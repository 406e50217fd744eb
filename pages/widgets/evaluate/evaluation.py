"""Measure the open model on pictures that a person chooses, in the background."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Event

import streamlit as st

from pages.widgets.evaluate.measuring import LOADING, Measured, Wish, measure, measure_reference
from pages.widgets.evaluate.settings import choose
from pages.widgets.evaluate.table import show
from pages.widgets.selection import datasource
from pages.widgets.selection.datasource import REFERENCE
from pages.widgets.shell import background
from pages.widgets.shell.buttons import pressed
from pages.widgets.shell.models import Opened, plain
from vae_core import data
from vae_core.jobs import Cancelled, Job, Preview, Work

KEPT = 64  # measurements that all visitors share; the oldest goes first
ROW_HEIGHT = 34  # pixels of a line of the table, about


@st.fragment  # the rest of the page, with its charts, is not drawn again for a setting
def section(opened: Opened) -> None:
    """Show *Evaluate*: the settings, a button, and the figures when they are there."""
    st.subheader("Evaluate", anchor=False)
    st.write("Measure this model on pictures that you choose.")
    _measure(opened, choose(opened))


def _measure(opened: Opened, wish: Wish | None) -> None:
    """Show the button, and below it the work or what came of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if pressed("Measure", "eval_go", type="primary", disabled=wish is None) and wish:
            _begin(opened, wish)
        remark = st.empty()
    if not _ended(opened):
        return
    key, tell, text = st.session_state.get("eval_problem", (None, st.info, ""))
    if wish is not None and key == wish.key(opened):
        tell(text)
    measured = _found().get(opened.key)
    if measured is None:
        return
    if wish is None or wish.key(opened) != measured.key:
        remark.caption("The figures below belong to the earlier settings. Measure again for the present ones.")
    show(opened, measured)


def _found() -> dict[str, Measured]:
    """Return the visitor's last measurement of each model, by the model's key."""
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
    """Tell whether no work for this model goes on; it is shown while it does, and its result is kept when it ends."""
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
        pictures = datasource.read(opened, wish.source, wish.count, lambda share: tell(LOADING * share), like)
        return measure(opened, wish, pictures, lambda share: tell(LOADING + (1 - LOADING) * share))

    return work
