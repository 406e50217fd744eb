"""What a visitor gave: the files of one visit are counted together, and nothing of them stays when it ends."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

MAX_FILES = 40  # of a visit; those used longest ago go first
MAX_BYTES = 256 * 2**20  # of them together, and the most that one may have (server.maxUploadSize)
FRAME = 2**20  # bytes around the files that a browser sends


@dataclass(frozen=True)
class File:
    """A file as a visitor gave it."""

    name: str
    content: bytes


@dataclass(frozen=True, eq=False)
class Held:
    """What is kept of a file: what a person calls it, what it became, and its bytes."""

    title: str
    value: Any
    size: int


Shelf = OrderedDict[tuple[str, str], Held]  # by kind and key, those used last at the end

# By the visit's id: so that an end empties them whatever else still knows the visit; how many files were not let in.
_shelves: dict[str, Shelf] = {}
_refused: Counter[str] = Counter()


def _shelf() -> Shelf:
    shelf: Shelf = st.session_state.setdefault("uploads", OrderedDict())
    context = get_script_run_ctx()
    if context and runtime.exists() and runtime.get_instance().is_active_session(context.session_id):
        _shelves[context.session_id] = shelf  # not of a run that goes on after its visit has ended
    return shelf


def keep(kind: str, key: str, title: str, value: Any, size: int) -> None:
    """Keep something for this visit, until `trim` needs its room.

    Args:
        kind: of what it is, such as `picture`.
        key: tells it from others of its kind; what had it is replaced.
        title: what the visitor calls it.
        value: what `find` gives.
        size: its bytes.
    """
    shelf = _shelf()
    shelf[kind, key] = Held(title, value, size)
    shelf.move_to_end((kind, key))


def find(kind: str, key: str) -> Any | None:
    """Tell what was kept under a key; None where it is no longer there."""
    shelf = _shelf()
    if (kind, key) not in shelf:
        return None
    shelf.move_to_end((kind, key))
    return shelf[kind, key].value


def of_kind(kind: str) -> dict[str, Any]:
    """Return all that is kept of a kind, by key."""
    return {key: held.value for (each, key), held in _shelf().items() if each == kind}


def trim() -> str | None:
    """Let go what is too much, what was used longest ago first, and say what was lost, or None.

    Call it after the page, which has used by then what it still shows.
    """
    shelf, gone = _shelf(), []
    while len(shelf) > MAX_FILES or (len(shelf) > 1 and sum(held.size for held in shelf.values()) > MAX_BYTES):
        gone.append(shelf.popitem(last=False)[1].title)
    context = get_script_run_ctx()
    refused = _refused.pop(context.session_id, 0) if context else 0
    lost = [f"to make room, what was used longest ago was removed: {', '.join(gone)}"] if gone else []
    lost += [f"{refused} more {'was' if refused == 1 else 'were'} not taken"] if refused else []
    return f"One visit holds {limit()}; {'; '.join(lost)}." if lost else None


def limit() -> str:
    """Tell how much a visit may hold, in words."""
    return f"up to {MAX_FILES} files of {MAX_BYTES // 2**20} MB together"


def refuse(visit: str) -> None:
    """Note that a file was not let in, for `trim` to say so."""
    _refused[visit] += 1


def forget(visit: str) -> None:
    """Free all that a visit kept."""
    _refused.pop(visit, None)
    if shelf := _shelves.pop(visit, None):
        shelf.clear()


# --- from the browser ----------------------------------------------------------------------------------------------

Take = Callable[[Sequence[File]], None]


def uploader(label: str, name: str, take: Take, most: int, many: bool = False, help: str | None = None) -> None:
    """Show a place for files, which is empty again once they are taken.

    It takes files of any name: what they are is told by what they hold, and said in our own words.

    Args:
        label: what it says.
        name: of the widget.
        take: what to do with the files, before the next run.
        most: bytes of one file.
        many: whether several may come at once.
        help: the tooltip.
    """
    key = widget_key(name)
    st.file_uploader(
        label,
        accept_multiple_files=many,
        key=key,
        on_change=taken,
        args=(name, take),
        max_upload_size=most // 2**20,
        help=help,
    )


def widget_key(name: str) -> str:
    """Return the key of a place for files, another one each time that something was taken."""
    return f"{name}_{st.session_state.setdefault(f'{name}_taken', 0)}"


def taken(name: str, take: Take) -> None:
    """Hand what a place for files holds to `take`, and let Streamlit forget it."""
    given = st.session_state.get(widget_key(name))
    files: list[UploadedFile] = given if isinstance(given, list) else [given] if given else []
    if not files:
        return
    st.session_state[f"{name}_taken"] += 1
    try:
        take([File(file.name, file.getvalue()) for file in files])
    finally:
        if context := get_script_run_ctx():
            for file in files:
                context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)  # type: ignore[attr-defined]
