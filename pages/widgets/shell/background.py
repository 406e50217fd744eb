"""Long work of one visitor, in a thread that the page looks after once a second, and in turn with that of others."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vae_core.jobs import Cancelled, Job, Preview, Queue, Work

T = TypeVar("T")

POLL = 1.0  # seconds
GRACE = 5.0  # seconds after which a visitor whose connection is lost has left
PATIENCE, LIMIT = 300.0, 3600.0  # seconds of a job while others wait, and at most
_NOTHING = np.empty((0, 2), np.float32)
_CORES = os.cpu_count() or 2
_AT_ONCE = max(1, _CORES // 4)
# A class that presses the same button at once waits in turn; a core is left for the pages.
queue = Queue(_AT_ONCE, max(1, (_CORES - 1) // _AT_ONCE), PATIENCE, LIMIT)


def job(name: str, key: Hashable, work: Work[T]) -> Job[T]:
    """Return the visitor's one job of this name, begun if need be; a job for another key is cancelled first.

    It goes on while other pages are open, so that its result is there on coming back, and ends when the visitor leaves.

    Args:
        name: which kind of work; one runs at a time.
        key: what the work is about; while it stays, so does the job, finished or not.
        work: must not call Streamlit, since it runs in a thread.
    """
    held = st.session_state.get(f"job_{name}")
    if held is None or held[0] != key:
        stop(name)
        visitor = st.session_state.setdefault("visitor", uuid.uuid4())
        held = st.session_state[f"job_{name}"] = (key, queue.add(visitor, work, presence()))
    return held[1]


def connected(session: str) -> bool:
    """Tell whether a visitor's browser is connected; where pages run without a server, it is."""
    return not runtime.exists() or runtime.get_instance().is_active_session(session)


def presence() -> Callable[[], bool]:
    """Return a function that tells, in any thread, whether this visitor's page is connected, or was a moment ago."""
    context, seen = get_script_run_ctx(), time.monotonic()

    def here() -> bool:
        nonlocal seen
        now = time.monotonic()
        if context is None or connected(context.session_id):
            seen = now
        return now - seen < GRACE

    return here


def stop(name: str) -> None:
    """Cancel the visitor's job of this name, if there is one, and forget it."""
    if held := st.session_state.pop(f"job_{name}", None):
        held[1].cancel()


def place(running: Job[Any]) -> str:
    """Tell where a job stands in the queue, in a sentence; nothing where it is being done."""
    others = queue.before(running)
    if others is None:
        return ""
    if not others:
        return "What you asked for before is finished first."
    return f"{'1 visitor is' if others == 1 else f'{others} visitors are'} before you."


def teller(report: Preview, cancel: threading.Event) -> Callable[[float], None]:
    """Return what work without coordinates calls with the fraction done; it raises Cancelled once that is asked for."""

    def tell(share: float) -> None:
        if cancel.is_set():
            raise Cancelled("This was cancelled.")
        report(share, _NOTHING)

    return tell


@st.fragment(run_every=POLL)
def watch(running: Job[Any], words: str, show: Callable[[np.ndarray | None], None]) -> None:
    """Show how far a job is, with a button that cancels it; the whole page runs again when it has ended.

    Args:
        running: the job.
        words: what is being done.
        show: draws what there is so far: coordinates (N, 2), or None; it stands where the result will.
    """
    if running.done:
        st.rerun()
    show(running.coords)
    waiting = place(running)
    share = f" {running.progress:.0%}" if running.progress else " …"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(running.progress, f"{words}: {waiting}" if waiting else f"{words}{share}")
        st.button("Cancel", key="cancel_job", on_click=running.cancel)


def keep_place(height: int) -> None:
    """Hold the place of something this many pixels high."""
    st.container(height=height, border=False)


def start_again(name: str) -> None:
    """Show a button that forgets a cancelled job, so that it begins anew."""
    st.button("Start again", key=f"again_{name}", on_click=stop, args=(name,))


def say_why(ended: Job[Any], cancelled: str, instead: str) -> None:
    """Say why a job has no result: it took too long, or else, where there is anything to say of that, was cancelled.

    Args:
        ended: the job.
        cancelled: a sentence, or nothing.
        instead: the sentence that says what would take less time.
    """
    if words := f"{ended.too_long} {instead}" if ended.too_long else cancelled:
        st.info(words)
