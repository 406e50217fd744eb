"""The link: what is written into it, and the sentence where it asks for what cannot be had."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

import streamlit as st

from pages.widgets.shell.models import plain

MAX_NAMED = 15  # values that a sentence lists
MAX_FOUND = 24  # characters of a stranger's text in a sentence


def replace(names: re.Pattern[str], values: Mapping[str, str | list[str]]) -> None:
    """Put these values into the link, and take out all others whose name matches.

    They are put there again where they are others than before: the link that a run begins with is older than what the
    run before it has written, if a person pressed twice quickly.
    """
    written = st.session_state.setdefault("links_written", {})
    before = written.get(names.pattern, values)
    for key in dict.fromkeys([*st.query_params, *(before if before != values else ())]):
        if names.fullmatch(key) and key not in values:
            st.query_params.setdefault(key, "")  # only what is there can be taken out
            del st.query_params[key]
    for key, value in values.items():
        if before != values or st.query_params.get_all(key) != ([value] if isinstance(value, str) else value):
            st.query_params[key] = value
    written[names.pattern] = dict(values)


def put(name: str, value: str | list[str] | None) -> None:
    """Put a value into the link, or take it out."""
    replace(re.compile(re.escape(name)), {} if value is None else {name: value})


def refuse(label: str, asked: str, allowed: str) -> None:
    """Say what a link sets that cannot be, and what could."""
    st.warning(
        f"The link sets “{label}” to {quoted(asked)}, but it can only be {allowed}; the usual value is used instead."
    )


def one_of(allowed: Sequence[object]) -> str:
    """Return the values in words, as far as a person reads them."""
    *names, last = [_in_marks(str(value)) for value in allowed]
    if len(names) >= MAX_NAMED:
        return f"{', '.join(names[:MAX_NAMED])} or one of {len(allowed) - MAX_NAMED} more"
    return f"{', '.join(names)} or {last}" if names else last


def some(texts: Sequence[str]) -> str:
    """Return strangers' texts in a row, as far as a person reads them."""
    return ", ".join(map(quoted, texts[:MAX_NAMED]))


def quoted(text: str) -> str:
    """Return a stranger's text, short."""
    return _in_marks(text if len(text) <= MAX_FOUND else f"{text[: MAX_FOUND - 1]}…")


def _in_marks(text: str) -> str:
    """Return a number as it is written, anything else in quotation marks, with its Markdown escaped."""
    return text if re.fullmatch(r"-?[0-9.]+", text, re.ASCII) else f"“{plain(text)}”"


def go_to(page: str) -> NoReturn:
    """Switch to another page's file, as `sample.py`; without query_params Streamlit refuses while a widget is bound."""
    st.switch_page(page, query_params={})
