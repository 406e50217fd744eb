"""Controls of which there is a new one after a change that is not its own.

A press that leaves the browser before the answer is there takes the state of all controls with it. So one whose value
was changed by something else (an undo, a button, a live view, Back) would say once more what it said before. Hence the
number of its turn is a part of its key, and what a control of an earlier turn says is not heard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


def key(name: str, value: object) -> str:
    """Give the key of the control that shows this value: another one than before unless it has said so itself."""
    shown, turn = st.session_state.get(f"{name}_shown", (value, 0))
    turn += shown != value
    st.session_state[f"{name}_shown"] = value, turn
    return f"{name}:{turn}"


def hears(name: str, key: str, act: Callable[[Any], object]) -> Callable[[], None]:
    """Make a control's `on_change`, which hands on what it says.

    Args:
        name: as it was given to `key`.
        key: what that gave.
        act: called with what the control says; gives the value that it shows from now on, where that is another one.
    """

    def heard() -> None:
        turn = st.session_state[f"{name}_shown"][1]
        if key == f"{name}:{turn}":
            said = st.session_state[key]
            changed = act(said)
            st.session_state[f"{name}_shown"] = said if changed is None else changed, turn

    return heard
