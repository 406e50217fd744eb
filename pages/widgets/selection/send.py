"""Sending a picture on: it becomes A or B, which Interpolate shows, or the start of Traverse."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.widgets.selection import slots
from pages.widgets.selection.choice import Choice
from pages.widgets.shell import links
from pages.widgets.shell.buttons import pressed
from pages.widgets.shell.models import plain

A_AND_B, EVERYWHERE = ("a", "b"), ("a", "b", "start")

_LABELS = {"a": "Use as :blue[**A**]", "b": "Use as :orange[**B**]", "start": "Traverse from it"}


def buttons(
    key: str, to: Sequence[str] = EVERYWHERE, disabled: bool = False, before: Callable[[str], None] | None = None
) -> list[str]:
    """Draw a button for each place that a picture can go to.

    Args:
        key: what the buttons' keys begin with.
        to: the slots.
        disabled: there is no picture that could be sent.
        before: called with the slot before the run, where a part of the page above the buttons shows what it holds.

    Returns:
        The slots whose buttons were pressed.
    """
    return [
        slot for slot in to if pressed(_LABELS[slot], f"{key}_{slot}", on_click=before, args=(slot,), disabled=disabled)
    ]


def send(slot: str, choice: Choice, what: str) -> None:
    """Put a picture into a slot and tell a person so; `what` names it, as a sentence begins."""
    slots.choose(slot, choice)
    slots.write_url(slot)
    tell(slot, what)


def tell(slot: str, what: str) -> None:
    """Tell a person what was put into a slot; with a start, go to Traverse."""
    if slot == "start":
        links.go_to("traverse.py")
    st.toast(f"{plain(what)} is {slots.NAMES[slot]} now; Interpolate shows it.")
