"""What a link asks for: widgets drop a value that they cannot take without a word, so the page says it first."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

import streamlit as st

from pages.widgets.shell.models import plain

TEXTS = ("model", "a", "b", "c", "d", "start", "class", "as", "level", "codes")  # of a link: never read as numbers
MAX_NAMED = 15  # values that a sentence lists
MAX_FOUND = 24  # characters of a stranger's text in a sentence


def outside(key: str, low: float, high: float) -> bool:
    """Whether the link asks for something else than a number from low to high."""
    asked = _asked(key)
    try:
        return asked is not None and not low <= float(asked) <= high
    except ValueError:
        return True


def check_range(key: str, label: str, low: float, high: float) -> None:
    """Say it when the link's value of a widget is not a number from low to high; call it before the widget."""
    if outside(key, low, high):
        _refuse(key, label, f"a number from {low:.10g} to {high:.10g}")


def check_choice(key: str, label: str, allowed: Sequence[object]) -> None:
    """Say it when the link's value of a widget is none of those allowed; call it before the widget."""
    asked = _asked(key)
    if asked is not None and asked not in map(str, allowed):
        _refuse(key, label, _one_of(allowed))


def check_place(key: str, label: str, fits: Callable[[float, float], bool], allowed: str) -> tuple[float, float] | None:
    """The two numbers that the link's value holds; None, and where there is a value a sentence, unless they fit."""
    asked = _asked(key)
    found = re.fullmatch(r"(-?[0-9.]{1,12}),(-?[0-9.]{1,12})", asked or "", re.ASCII)
    try:
        if found and fits(float(found[1]), float(found[2])):
            return float(found[1]), float(found[2])
    except ValueError:  # as 1.2.3
        pass
    if asked is not None:
        _refuse(key, label, allowed)
    return None


def check_choices(key: str, label: str, allowed: Sequence[str]) -> None:
    """Say it when some of what the link's multiselect holds is not allowed; call it before the widget."""
    unknown = [text for text in st.query_params.get_all(key) if text and text not in allowed]
    if unknown:
        found = ", ".join(map(_quoted, unknown[:MAX_NAMED]))
        st.warning(f"The link asks under “{label}” for {found}, which is not to be had here; the rest is chosen.")


def check_tab(key: str, names: Sequence[str]) -> None:
    """Say it when the link opens a tab that is not there; call it before the tabs, which have no label."""
    asked = _asked(key)
    if asked is not None and asked not in names:
        st.warning(f"The link opens the tab {_quoted(asked)}, but there is only {_one_of(names)}; the first is open.")


def replace(names: re.Pattern[str], values: Mapping[str, str]) -> None:
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
        if before != values or st.query_params.get(key) != value:
            st.query_params[key] = value
    written[names.pattern] = dict(values)


def held(key: str, label: str, usual: float, most: float) -> float:
    """Where a knob stands: in this visit, else in the link; a whole number where the usual one is."""
    if key not in st.session_state:
        asked, whole = st.query_params.get(key), isinstance(usual, int)
        good = not outside(key, 0, most) and (not whole or float(asked or 0).is_integer())
        if not good:
            _refuse(key, label, f"a {'whole ' if whole else ''}number from 0 to {most:.10g}")
        st.session_state[key] = type(usual)(float(asked)) if good and asked is not None else usual
    return st.session_state[key]


def drop_infinite() -> None:
    """Take infinite numbers out of the link, and keep them for the checks to name; call it before any widget.

    A widget of whole numbers that is bound to the link ends in an OverflowError on one; everything else that it cannot
    take it drops. What a widget reads is the link that the run began with, hence the new run.
    """
    infinite = {key: text for key, text in st.query_params.items() if key not in TEXTS and _is_infinite(text)}
    for key in infinite:
        del st.query_params[key]
    if infinite:
        st.session_state["link_infinite"] = infinite
        st.rerun()


def _is_infinite(text: str) -> bool:
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def _asked(key: str) -> str | None:
    """What the link asks of a widget, dropped or not."""
    return st.query_params.get(key, st.session_state.get("link_infinite", {}).get(key))


def _refuse(key: str, label: str, allowed: str) -> None:
    """Say what was found and what could be, once."""
    found = _quoted(_asked(key) or "")
    st.session_state.get("link_infinite", {}).pop(key, None)
    st.warning(f"The link sets “{label}” to {found}, but it can only be {allowed}; the usual value is used instead.")


def _one_of(allowed: Sequence[object]) -> str:
    """The values in words, as far as a person reads them."""
    *names, last = [_in_marks(str(value)) for value in allowed]
    if len(names) >= MAX_NAMED:
        return f"{', '.join(names[:MAX_NAMED])} or one of {len(allowed) - MAX_NAMED} more"
    return f"{', '.join(names)} or {last}" if names else last


def _quoted(text: str) -> str:
    """A stranger's text, short."""
    return _in_marks(text if len(text) <= MAX_FOUND else f"{text[: MAX_FOUND - 1]}…")


def _in_marks(text: str) -> str:
    """A number as it is written, anything else in quotation marks, with its Markdown escaped."""
    return text if re.fullmatch(r"-?[0-9.]+", text, re.ASCII) else f"“{plain(text)}”"


def go_to(page: str) -> NoReturn:
    """Switch to another page's file, as `sample.py`; without query_params Streamlit refuses while a widget is bound."""
    st.switch_page(page, query_params={})
