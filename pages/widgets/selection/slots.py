"""The slots A to D and start: which pictures this visit and its link hold, and what is taken back."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.widgets.selection.choice import PRIOR, REFERENCE, Choice
from pages.widgets.shell import steps
from pages.widgets.shell.models import Opened
from vae_core import explore

MAX_UNDO = 50
PARTNERS = {"a": "b", "b": "a", "c": "d", "d": "c"}
NAMES = {"a": "A", "b": "B", "start": "start", "c": "C", "d": "D"}  # the URL's name of a slot -> what a person reads


def held(slot: str) -> Choice | None:
    """Tell what a slot holds: this visit's choice, else the link's; None before anybody chooses."""
    _read_link(slot)
    text = st.session_state.get(_key(slot))
    return Choice.parse(text) if text else None


def choose(slot: str, choice: Choice) -> None:
    """Put a choice into a slot (in a callback, or before it is read)."""
    choose_all({slot: choice})


def choose_all(choices: Mapping[str, Choice]) -> None:
    """Put choices into slots, as one step for `undo`."""
    before, after = {}, {slot: choice.text for slot, choice in choices.items()}
    for slot, text in after.items():
        _read_link(slot)
        before[slot] = st.session_state.get(_key(slot))
        st.session_state[_key(slot)] = text
    if before != after:
        history: list[dict[str, str | None]] = st.session_state.setdefault("pictures_before", [])
        history.append(before)
        del history[:-MAX_UNDO]


def undo(*slots: str) -> None:
    """Take the last change of these slots back (in a callback)."""
    history = st.session_state.get("pictures_before", [])
    for place in reversed(range(len(history))):
        if history[place].keys() <= set(slots):
            for slot, text in history.pop(place).items():
                st.session_state[_key(slot)] = text
            return


def can_undo(*slots: str) -> bool:
    """Tell whether there is a change of these slots that can be taken back."""
    return any(step.keys() <= set(slots) for step in st.session_state.get("pictures_before", []))


def _key(slot: str) -> str:
    """Tell where the visit keeps the text of a slot's choice."""
    return f"picture_{slot}"


def _read_link(slot: str) -> None:
    if _key(slot) not in st.session_state and slot in st.query_params:
        st.session_state[_key(slot)] = st.query_params[slot]


def keep_in_url(*slots: str) -> None:
    """Write the slots' choices into the URL: query values without a widget are lost on a page switch.

    Call it before any of them is read: where a person went back, the URL says what they hold.
    """
    for slot in slots:
        if steps.went_back():
            st.session_state[_key(slot)] = st.query_params.get(slot)
    write_url(*slots)


def write_url(*slots: str) -> None:
    """Write the slots' choices into the URL again, where the page has changed them."""
    for slot in slots:
        if choice := held(slot):
            st.query_params[slot] = choice.text
        elif slot in st.query_params:
            del st.query_params[slot]


def usual(slot: str, opened: Opened) -> Choice:
    """Tell what a slot shows before anybody chooses: reference pictures, for A to D of different classes.

    Where its partner holds that one, as in a link after a swap with an upload, it shows the partner's.
    """
    reference = opened.checkpoint.reference
    if reference is None:
        return Choice.draw(PRIOR, list(NAMES).index(slot))
    pair = explore.second_pair if slot in "cd" else explore.unlike_pair
    own, other = (Choice.row(REFERENCE, row) for row in pair(reference)[:: -1 if slot in "bd" else 1])
    return other if slot in PARTNERS and held(PARTNERS[slot]) == own else own
