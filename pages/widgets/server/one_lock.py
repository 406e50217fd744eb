"""One lock for what a visit holds, in place of one for each of its runs.

Streamlit 1.67 begins a run while the one before it still ends. Each has a lock of its own around the same state, so
that both change it at once, and the older one may die of it (*dictionary changed size during iteration*).
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

from streamlit.runtime.state import SafeSessionState, SessionState

# By the state's address, which is its own for as long as a run holds it and the lock with it.
_LOCKS: weakref.WeakValueDictionary[int, threading.RLock] = weakref.WeakValueDictionary()
_MAKING = threading.Lock()


def share() -> None:
    """Let all runs of a visit hold the same lock; asked for again, it does nothing."""
    make = SafeSessionState.__init__
    if getattr(make, "is_shared", False):
        return

    def shared(self: SafeSessionState, state: SessionState, yield_callback: Callable[[], None]) -> None:
        make(self, state, yield_callback)
        object.__setattr__(self, "_lock", lock_of(state))

    shared.is_shared = True  # type: ignore[attr-defined]
    SafeSessionState.__init__ = shared  # type: ignore[method-assign]


def lock_of(state: SessionState) -> threading.RLock:
    """Return the lock that all runs around a visit's state hold."""
    with _MAKING:
        return _LOCKS.setdefault(id(state), threading.RLock())
