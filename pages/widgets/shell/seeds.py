"""A seed that a person types, and a button moves on."""

from __future__ import annotations

import streamlit as st

from pages.widgets.shell import links


def seed(key: str, label: str, most: int, about: str) -> int:
    """The seed from 0 to `most` that this visit holds, else the link: in a field, with `about` as its help."""
    if key not in st.session_state:
        links.held(key, label, 0, most)
        _renew(key)
    turn = st.session_state.setdefault(f"{key}_turn", 0)  # where the live view has put the seed there, none yet
    field = f"{key}:{turn}"

    def typed() -> None:
        if turn == st.session_state[f"{key}_turn"]:  # a field that is gone says nothing
            st.session_state[key] = st.session_state[field]

    st.number_input(label, 0, most, int(st.session_state[key]), key=field, on_change=typed, width=150, help=about)
    return int(st.session_state[key])


def move_on(key: str, most: int) -> None:
    """The next seed, in a new field: a press that leaves the browser before the answer takes the old one along."""
    st.session_state[key] = (st.session_state[key] + 1) % (most + 1)
    _renew(key)


def _renew(key: str) -> None:
    st.session_state[f"{key}_turn"] = st.session_state.get(f"{key}_turn", 0) + 1
