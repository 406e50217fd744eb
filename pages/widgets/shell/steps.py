"""Steps that the browser's Back undoes, one by one: a page, a model, a picture."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.widgets.shell import components

# What of a link is a step; the rest, where a slider stands, say, belongs to the step that it was done in.
IN_LINK = ("model", "models", "pictures", "a", "b", "c", "d", "start", "seed", "rest", "class", "level", "change")
# What a visit holds of the link that is no `Value`: those read the link by themselves.
HELD = ("codes",)

VIEW = "browser_history_view"

_component = st.components.v2.component(
    "vae_explorer_steps",
    html="<span></span>",
    js=(Path(__file__).parents[1] / "live" / "built" / "steps.js").read_text("utf-8"),
)


def watch() -> None:
    """Let the browser's history have an entry for each step; call it in every run, outside of the pages."""
    with st.container(key="browser_history"):
        _component(key=VIEW, data={"keys": list(IN_LINK)}, on_late_change=_take_late)


def _take_late() -> None:
    """Widgets spoke in the same moment as a view, and what they put into the link came too late for the run.

    A value that is set by the page, be it the one that is there, is put into the link by Streamlit.
    """
    late = components.said(VIEW, "late")
    for key in late if isinstance(late, list) else []:
        if isinstance(key, str) and key in st.session_state:
            st.session_state[key] = st.session_state[key]


def went_back() -> bool:
    """Whether this run was asked for by Back or Forward: the link then says all, and what the visit holds nothing."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def link() -> dict[str, str]:
    """Read the link where a person went back, else nothing: Streamlit takes out what the page left had bound."""
    context = get_script_run_ctx()
    return dict(parse_qsl(context.query_string)) if context and context.is_history_navigation else {}


def follow() -> None:
    """Forget what the visit holds of the link, where a person went back; call it before the page."""
    if went_back():
        for key in HELD:
            st.session_state.pop(key, None)
