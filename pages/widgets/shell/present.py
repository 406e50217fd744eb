"""Presentation mode: the stage over the whole window, large type, nothing beside it; by a key, and in the link."""

from __future__ import annotations

import streamlit as st

KEY = "P"
LINK = "present"
LARGER = 1.5  # times the share of the window's height that a picture takes otherwise
MOST = 0.7  # of the window's height, unless it takes more otherwise

# Ground as white or black as the theme's text is not; what is under the stage is out of reach for keys, too.
_STYLE = """<style>
html { font-size: 150%; }
[data-testid=stSidebar], [data-testid=stHeader], .st-key-head, .st-key-stage .stDownloadButton {
    display: none;
}
.st-key-stage {
    position: fixed; inset: 0; z-index: 999990; overflow: auto; padding: 0.75rem 2rem;
    background: lch(from currentColor calc((50 - l) * infinity) 0 0);
}
.st-key-present {
    z-index: 999991; top: auto; bottom: 0; right: 0; padding: 0 0.5rem; font-size: 0.75rem;
    background: lch(from currentColor calc((50 - l) * infinity) 0 0);
}
[data-testid=stMainBlockContainer] { visibility: hidden; }
:is(.st-key-stage, .st-key-present) { visibility: visible; }
[data-testid=stToastContainer] { z-index: 999992; }
</style>"""
_SWITCH = """<style>
[data-testid=stLayoutWrapper]:has(> .st-key-present) { position: absolute; } /* so that it takes no gap */
.st-key-present { position: fixed; top: 0.6rem; right: 3.5rem; z-index: 999991; width: auto; }
</style>"""


def presenting() -> bool:
    """Tell whether the stage has the window for itself."""
    return st.query_params.get(LINK) == "1"


def grown(share: float) -> float:
    """Return the share of the window's height that a picture takes: more in a presentation."""
    return max(share, min(MOST, LARGER * share)) if presenting() else share


def switch() -> None:
    """Draw the button that begins and ends it; call it in every run of a page with a stage."""
    st.html(_SWITCH)
    if presenting():
        st.html(_STYLE)
    with st.container(key="present"):
        st.button(
            "End presentation" if presenting() else "Present",
            key="present_switch",
            type="tertiary",
            shortcut=KEY,
            on_click=_turn,
            help="The picture alone over the whole window, for a projector.",
        )


def _turn() -> None:
    if presenting():
        del st.query_params[LINK]
    else:
        st.query_params[LINK] = "1"
