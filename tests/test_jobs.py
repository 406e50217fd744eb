"""Jobs and their queue: progress, results, turns, limits, and the end of what nobody waits for."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from vae_core import projection
from vae_core.jobs import Cancelled, Job, Preview, Queue, TooLong

NOTHING = np.empty((0, 2), np.float32)


def vectors(points: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(points, 8)).astype(np.float32)


class Desk:
    """Work that waits to be let go, and notes in which order it was begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.gates: dict[str, threading.Event] = {}

    def work(self, name: str) -> Callable[[Preview, threading.Event], str]:
        gate = self.gates[name] = threading.Event()

        def waiting(report: Preview, cancel: threading.Event) -> str:
            self.begun.append(name)
            while not gate.wait(0.01):
                if cancel.is_set():
                    raise Cancelled
                report(0.5, NOTHING)
            return name

        return waiting

    def until(self, count: int) -> list[str]:
        """What was begun, as soon as it is so many."""
        end = time.monotonic() + 20
        while len(self.begun) < count and time.monotonic() < end:
            time.sleep(0.005)
        return self.begun

    def let_go(self, job: Job[str], name: str) -> None:
        self.gates[name].set()
        assert job.result(20) == name


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    for gate in made.gates.values():
        gate.set()


# --- a job ----------------------------------------------------------------------------------------------------------


def test_a_job_shows_progress_and_gives_its_result() -> None:
    go = threading.Event()

    def work(report: Preview, _cancel: threading.Event) -> str:
        report(0.5, np.ones((3, 2)))
        assert go.wait(10)
        return "map"

    job = Queue().add(1, work)
    while not job.progress:
        time.sleep(0.005)
    with pytest.raises(TimeoutError):
        job.result(timeout=0.05)
    assert job.progress == 0.5 and job.coords is not None and not job.done
    go.set()
    assert job.result(timeout=10) == "map" and job.done and not job.cancelled


def test_a_job_hands_over_the_error() -> None:
    job = Queue().add(1, lambda report, cancel: projection.tsne(vectors(60), 100, progress=report, cancel=cancel))
    with pytest.raises(ValueError, match="Perplexity 100"):
        job.result(timeout=30)
    assert job.done and not job.cancelled


def test_a_cancelled_job_ends_soon() -> None:
    points = vectors(1_000)
    job = Queue().add(1, lambda report, cancel: projection.tsne(points, progress=report, cancel=cancel))
    while job.progress <= projection.NEIGHBOUR_SHARE and not job.done:
        time.sleep(0.005)
    job.cancel()
    asked = time.monotonic()
    with pytest.raises(Cancelled):
        job.result(timeout=30)
    assert job.cancelled and 0 < job.progress < 1 and time.monotonic() - asked < 5


def test_a_job_that_waits_is_cancelled_at_once(desk) -> None:
    queue = Queue()
    first, second = queue.add("a", desk.work("first")), queue.add("b", desk.work("second"))
    second.cancel()
    assert second.done and second.cancelled and not second.too_long
    with pytest.raises(Cancelled, match="before it began"):
        second.result()
    desk.let_go(first, "first")
    desk.let_go(queue.add("c", desk.work("third")), "third")
    assert desk.begun == ["first", "third"]


# --- turns ----------------------------------------------------------------------------------------------------------


def test_visitors_take_turns_however_much_one_of_them_asks_for(desk) -> None:
    queue = Queue()
    asked = ["a1", "a2", "a3", "b1", "c1", "b2"]
    jobs = {name: queue.add(name[0], desk.work(name)) for name in asked}
    for name in ("a1", "b1", "c1", "a2", "b2", "a3"):
        desk.let_go(jobs[name], name)
    assert desk.begun == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_visitor_has_one_job_at_work_though_there_is_room(desk) -> None:
    queue = Queue(at_once=2)
    jobs = {name: queue.add(name[0], desk.work(name)) for name in ("a1", "a2", "b1", "c1")}
    assert sorted(desk.until(2)) == ["a1", "b1"]
    desk.let_go(jobs["b1"], "b1")
    assert desk.until(3)[2] == "c1", "a2 waits for a1, and room is left to others"
    desk.let_go(jobs["a1"], "a1")
    assert desk.until(4)[3] == "a2"


def test_a_place_counts_the_visitors_before_and_not_their_jobs(desk) -> None:
    queue = Queue()
    jobs = {name: queue.add(name[0], desk.work(name)) for name in ("a1", "a2", "b1", "b2", "c1")}
    desk.until(1)
    assert [queue.before(jobs[name]) for name in ("a1", "a2", "b1", "b2", "c1")] == [None, 2, 1, 2, 2]
    jobs["b1"].cancel()
    jobs["b2"].cancel()
    assert queue.before(jobs["c1"]) == 1 and queue.before(jobs["b1"]) is None


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_job_may_take_longer_while_nobody_waits(desk) -> None:
    queue = Queue(patience=0.05, limit=120)
    first = queue.add("a", desk.work("first"))
    time.sleep(0.3)
    assert not first.done
    second = queue.add("b", desk.work("second"))
    with pytest.raises(TooLong):
        first.result(20)
    assert first.cancelled and first.too_long == "Stopped after 1 minute, since others are waiting for their turn."
    desk.let_go(second, "second")


def test_no_job_takes_longer_than_the_limit(desk) -> None:
    queue = Queue(limit=0.1)
    first = queue.add("a", desk.work("first"))
    with pytest.raises(TooLong, match="the longest that one computation may take here"):
        first.result(20)


def test_what_is_finished_is_kept_though_time_is_over() -> None:
    def work(report: Preview, cancel: threading.Event) -> str:
        time.sleep(0.2)
        report(1.0, NOTHING)
        return "map"

    assert Queue(limit=0.1).add("a", work).result(20) == "map"


def test_the_work_of_a_visitor_who_left_ends_and_gives_its_place(desk) -> None:
    queue, here = Queue(), {"a": True, "b": True}
    first = queue.add("a", desk.work("first"), lambda: here["a"])
    second = queue.add("b", desk.work("second"), lambda: here["b"])
    third = queue.add("c", desk.work("third"))
    desk.until(1)
    assert queue.before(third) == 2
    here["b"] = False
    assert queue.before(third) == 1 and second.cancelled
    here["a"] = False
    with pytest.raises(Cancelled):
        first.result(20)
    desk.let_go(third, "third")
    assert desk.begun == ["first", "third"]


def test_work_that_fails_leaves_the_room_to_others() -> None:
    def broken(report: Preview, cancel: threading.Event) -> None:
        raise ValueError("This cannot be read.")

    queue = Queue()
    first, second = queue.add("a", broken), queue.add("b", lambda report, cancel: "done")
    with pytest.raises(ValueError, match="cannot be read"):
        first.result(20)
    assert second.result(20) == "done" and not first.cancelled


def test_a_job_uses_few_threads_and_others_keep_theirs() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert Queue(threads=2).add("a", lambda report, cancel: torch.get_num_threads()).result(60) == 2
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness of their own on Linux alone")
def test_a_job_lets_other_threads_go_first() -> None:
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    work = Queue().add("a", lambda report, cancel: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert work.result(60) >= max(own, 10)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
