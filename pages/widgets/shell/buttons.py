"""Buttons whose press is never lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


def pressed(
    label: str, key: str, *, on_click: Callable[..., None] | None = None, args: tuple[Any, ...] = (), **how: Any
) -> bool:
    """Draw a button and tell whether it was pressed, once.

    Streamlit's own forgets the press where the next message ends the run early, before it comes to the button.

    Args:
        label: what stands on it.
        key: the widget's key.
        on_click: called with `args` before the run, whatever becomes of that.
        args: of `on_click`.
        how: what else `st.button` takes.
    """

    def remember() -> None:
        st.session_state[f"pressed_{key}"] = True
        if on_click:
            on_click(*args)

    st.button(label, key=key, on_click=remember, **how)
    return bool(st.session_state.pop(f"pressed_{key}", False))
