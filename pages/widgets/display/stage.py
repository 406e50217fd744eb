"""One layout for all pages: words above in a line, the stage left, the controls right."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.widgets.shell import present

SHARES = (2.1, 1)  # of the page's width: stage and controls, which are no wider than they need where there is more

# The name and the sentence share a line where there is room, and take no more height than they need.
_STYLE = """<style>
@media (min-width: 901px) {
    [class*=st-key-split] > [data-testid=stLayoutWrapper] > div > [data-testid=stColumn]:last-child {
        flex: 0 0 18rem; min-width: 0;
    }
}
@media (max-width: 640px) {
    .st-key-head h1 { font-size: 1.5rem; }
    .st-key-head p { font-size: 0.9rem; }
}
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


def columns(name: str = "split") -> tuple[DeltaGenerator, DeltaGenerator]:
    """Give the places of the stage and of the controls; `name` tells those of a page apart, and begins with `split`."""
    with st.container(key=name):
        stage, controls = st.columns(SHARES, gap="small")
    return stage.container(gap="xxsmall"), controls


def screen() -> DeltaGenerator:
    """Give the place of what a presentation shows; one a page."""
    return st.container(key="stage", gap="small")
