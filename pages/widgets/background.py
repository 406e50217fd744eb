"""Long work of one visitor, in a thread that the page looks after once a second."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import TypeVar

import numpy as np
import streamlit as st

from vae_core.projection import Cancelled, Job, Progress

T = TypeVar("T")
Work = Callable[[Progress, threading.Event], T]

POLL = 1.0  # seconds
WAIT = 0.2  # seconds
_NOTHING = np.empty((0, 2), np.float32)
# A class that presses the same button at once waits in a queue instead of slowing every page down.
_TURNS = threading.BoundedSemaphore(max(1, (os.cpu_count() or 2) - 1))


def job(name: str, key: Hashable, work: Work[T]) -> Job[T]:
    """The visitor's one job of this name, begun if need be; a job for another key is cancelled first.

    It goes on while other pages are open, so that its result is there on coming back.

    Args:
        name: which kind of work; one runs at a time.
        key: what the work is about; while it stays, so does the job, finished or not.
        work: must not call Streamlit, since it runs in a thread.
    """
    held = st.session_state.get(f"job_{name}")
    if held is None or held[0] != key:
        stop(name)
        held = st.session_state[f"job_{name}"] = (key, Job(_in_turn(work)))
    return held[1]


def stop(name: str) -> None:
    """Cancel the visitor's job of this name, if there is one, and forget it."""
    if held := st.session_state.pop(f"job_{name}", None):
        held[1].cancel()


def _in_turn(work: Work[T]) -> Work[T]:
    def waiting(report: Progress, cancel: threading.Event) -> T:
        while not _TURNS.acquire(timeout=WAIT):
            if cancel.is_set():
                raise Cancelled("Cancelled while waiting.")
        try:
            return work(report, cancel)
        finally:
            _TURNS.release()

    return waiting


def teller(report: Progress, cancel: threading.Event) -> Callable[[float], None]:
    """What work without coordinates calls with the fraction done; it raises Cancelled once somebody has cancelled."""

    def tell(share: float) -> None:
        if cancel.is_set():
            raise Cancelled("This was cancelled.")
        report(share, _NOTHING)

    return tell


@st.fragment(run_every=POLL)
def watch(running: Job, words: str, show: Callable[[np.ndarray | None], None]) -> None:
    """Show how far a job is, with a button that cancels it; the whole page runs again when it has ended.

    Args:
        running: the job.
        words: what is being done.
        show: draws what there is so far: coordinates (N, 2), or None; it stands where the result will.
    """
    if running.done:
        st.rerun()
    show(running.coords)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(running.progress, f"{words} {running.progress:.0%}" if running.progress else f"{words} …")
        st.button("Cancel", key="cancel_job", on_click=running.cancel)


def keep_place(height: int) -> None:
    """Hold the place of something this many pixels high."""
    st.container(height=height, border=False)


def start_again(name: str) -> None:
    """A button that forgets a cancelled job, so that it begins anew."""
    st.button("Start again", key=f"again_{name}", on_click=stop, args=(name,))
