"""What components say: each may speak once more when its place on the page is gone."""

from __future__ import annotations

from typing import Any

import streamlit as st


def said(key: str, name: str) -> Any:
    """Read what a component says, in its callback; None where its widget is no longer on the page."""
    widget: Any = st.session_state.get(key)
    return None if widget is None else widget.get(name)
