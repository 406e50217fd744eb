"""One layout for all pages: words above in a line, the stage left, the controls right."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.widgets.shell import present

SHARES = (2.1, 1)  # of the page's width: stage and controls

# The name and the sentence share a line where there is room, and take no more height than they need.
_STYLE = """<style>
.st-key-head { gap: 0.25rem 1.25rem; align-items: baseline; padding-bottom: 0.5rem; }
.st-key-head h1 { padding: 0; white-space: nowrap; }
.st-key-head p { margin: 0; }
.st-key-bar { padding-top: 0.5rem; }
</style>"""


def head(title: str) -> DeltaGenerator:
    """Show the page's name, and give the place beside it for a sentence on what one sees."""
    st.html(_STYLE)
    present.switch()
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False, width="content")
        return st.empty()


def columns() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Give the places of the stage and of the controls."""
    stage, controls = st.columns(SHARES, gap="medium")
    return stage.container(gap="xxsmall"), controls


def screen() -> DeltaGenerator:
    """Give the place of what a presentation shows; one a page."""
    return st.container(key="stage", gap="small")
