"""Runs of a visit that overlap hold one lock around what it holds."""

import gc

from streamlit.runtime.state import SafeSessionState, SessionState

import app  # noqa: F401  shares them
from pages.widgets.server import one_lock


def test_two_runs_of_a_visit_hold_one_lock_and_two_visits_do_not() -> None:
    visit, other = SessionState(), SessionState()
    before, after = (SafeSessionState(visit, lambda: None) for _ in range(2))
    strange = SafeSessionState(other, lambda: None)
    assert before._lock is after._lock is not strange._lock
    after["name"] = 3
    assert before["name"] == 3 and "name" not in strange


def test_sharing_again_changes_nothing_and_no_lock_is_left() -> None:
    made = SafeSessionState.__init__
    one_lock.share()
    assert SafeSessionState.__init__ is made
    count = len(one_lock._LOCKS)
    run = SafeSessionState(SessionState(), lambda: None)
    assert len(one_lock._LOCKS) == count + 1
    del run
    gc.collect()
    assert len(one_lock._LOCKS) == count


def test_who_comes_second_waits(monkeypatch) -> None:
    """A run that ends while the next one begins changes nothing in between."""
    from threading import Thread

    visit = SessionState()
    first, second = (SafeSessionState(visit, lambda: None) for _ in range(2))
    done: list[str] = []
    with first._lock:
        thread = Thread(target=lambda: (second.__setitem__("a", 1), done.append("second")))
        thread.start()
        thread.join(0.2)
        assert not done
    thread.join(5)
    assert done == ["second"]
