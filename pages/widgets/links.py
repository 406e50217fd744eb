"""What a link asks for: widgets drop a value that they cannot take without a word, so the page says it first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NoReturn

import streamlit as st


def outside(key: str, low: float, high: float) -> bool:
    """Whether the link asks for something else than a number from low to high."""
    try:
        return not low <= float(st.query_params.get(key, low)) <= high
    except ValueError:
        return True


def check_range(key: str, label: str, low: float, high: float) -> None:
    """Say it when the link's value of a widget is not a number from low to high; call it before the widget."""
    if outside(key, low, high):
        found = _ours(st.query_params[key], label)
        st.warning(f"{found}; it goes from {low:.10g} to {high:.10g}. The usual value is used.")


def drop_infinite() -> None:
    """Take infinite numbers out of the link, and say so; call it before any widget.

    A widget of whole numbers that is bound to the link ends in an OverflowError on one; everything else that it cannot
    take it drops. What a widget reads is the link that the run began with, hence the new run.
    """
    infinite = [key for key in st.query_params if _is_infinite(st.query_params[key])]
    for key in infinite:
        del st.query_params[key]
    if infinite:
        st.session_state["link_infinite"] = True
        st.rerun()
    if st.session_state.pop("link_infinite", False):
        st.warning("This link asks for a number that is infinite or too large; the usual value is used.")


def _is_infinite(text: str) -> bool:
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def check_choice(key: str, label: str, allowed: Sequence[object]) -> None:
    """Say it when the link's value of a widget is none of those allowed; call it before the widget."""
    asked = st.query_params.get(key)
    if asked is not None and asked not in map(str, allowed):
        choices = ", ".join(map(str, allowed))
        st.warning(f"{_ours(asked, label)}; there is {choices}. The usual value is used.")


def _ours(asked: str, label: str) -> str:
    """What was found: a number as it is, anybody's text not, since it would be read as Markdown."""
    try:
        value = float(asked)
    except ValueError:
        value = math.nan
    found = f"{label} {value:.10g}" if math.isfinite(value) else f"something else than a value for {label}"
    return f"This link asks for {found}"


def go_to(page: str) -> NoReturn:
    """Switch to another page's file, as `sample.py`; without query_params Streamlit refuses while a widget is bound."""
    st.switch_page(page, query_params={})
