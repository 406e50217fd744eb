"""What nobody foresaw: a sentence with a number for the visitor, everything else in the server's log."""

from __future__ import annotations

import logging
import secrets

import streamlit as st

SENTENCE = (
    "Something went wrong that was not foreseen (error {0}): the server's log has the details under that number. "
    "Reload the page, or choose something else."
)

_log = logging.getLogger("vae_explorer")


def record(error: BaseException) -> str:
    """Write an error with all that led to it into the server's log; give the number under which it stands there."""
    number = secrets.token_hex(4)
    _log.error("Error %s", number, exc_info=error)
    return number


def show(error: Exception) -> bool:
    """Say on the page that something went wrong; True, so that Streamlit adds nothing.

    Streamlit calls it for what a page, a part of one or a callback raises; its own control of runs is none of that.
    """
    st.error(SENTENCE.format(record(error)))
    return True
