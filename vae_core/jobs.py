"""Long work beside whoever waits for it: jobs that tell how far they are and can be cancelled, and a fair queue."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from typing import Any, Generic, TypeVar

import numpy as np

T = TypeVar("T")
Progress = Callable[[float], None]  # the share done, 0 to 1; what it raises ends the work
Narration = Callable[[float, str], None]  # and what is being done
Preview = Callable[[float, np.ndarray], None]  # and coordinates so far (N, 2)
Work = Callable[[Preview, threading.Event], T]

NICENESS = 10  # of 19: with more, a thread that holds Python's lock would wait for a processor too long


class Cancelled(Exception):
    """The work was given up on request."""


class TooLong(Cancelled):
    """The work was given up because it took longer than it may; the sentence says how long that is."""


class Job(Generic[T]):
    """A computation that goes on in another thread, whose progress and latest coordinates a page can poll.

    Args:
        work: called with a progress callback and the event that cancels, as `projection.tsne` takes them.
        here: whether anybody still waits for it.
    """

    def __init__(self, work: Work[T], here: Callable[[], bool] = lambda: True) -> None:
        self.progress = 0.0
        self.coords: np.ndarray | None = None
        self.here = here
        self._work = work
        self._cancel = threading.Event()
        self._future: Future[T] = Future()

    @property
    def done(self) -> bool:
        """Whether the work has ended: with a result, an error or by being cancelled."""
        return self._future.done()

    @property
    def cancelled(self) -> bool:
        """Whether the work has ended by being cancelled, or by taking too long."""
        return self.done and (self._future.cancelled() or isinstance(self._future.exception(), Cancelled))

    @property
    def too_long(self) -> str:
        """The sentence that says how long it took, where it was given up for that; else nothing."""
        late = self.cancelled and not self._future.cancelled() and isinstance(self._future.exception(), TooLong)
        return str(self._future.exception()) if late else ""

    def cancel(self) -> None:
        """End work that has not begun, and ask other work to stop; it ends with Cancelled at its next report."""
        self._cancel.set()
        self._future.cancel()

    def result(self, timeout: float | None = None) -> T:
        """Wait for the result (timeout in seconds, then TimeoutError), or raise what the work raised."""
        try:
            return self._future.result(timeout)
        except CancelledError:
            raise Cancelled("This was cancelled before it began.") from None

    def run(self, check: Callable[[], None] = lambda: None) -> None:
        """Do the work in this thread, unless it was cancelled.

        Args:
            check: called before each report; what it raises ends the work.
        """

        def report(share: float, coords: np.ndarray) -> None:
            if share < 1:  # what is finished is kept
                check()
            self.progress, self.coords = share, coords

        if not self._future.set_running_or_notify_cancel():
            return
        try:
            self._future.set_result(self._work(report, self._cancel))
        except BaseException as error:  # kept for whoever asks for the result
            self._future.set_exception(error)


class Queue:
    """Jobs of many visitors, a few at a time: visitors in turn, and of each one job after the other.

    A job ends at its next report if nobody waits for it any longer, or if it takes too long.

    Args:
        at_once: jobs that run together.
        threads: that each of them may use in BLAS, OpenMP and torch.
        patience: seconds that a job may take while other visitors wait.
        limit: seconds that it may take at most.
    """

    def __init__(
        self, at_once: int = 1, threads: int = 1, patience: float = float("inf"), limit: float = float("inf")
    ) -> None:
        self.at_once, self.threads, self.patience, self.limit = at_once, threads, patience, limit
        self._lock = threading.RLock()
        self._waiting: OrderedDict[Hashable, deque[Job[Any]]] = OrderedDict()  # in the order of their turns
        self._running: dict[Hashable, Job[Any]] = {}

    def add(self, visitor: Hashable, work: Work[T], here: Callable[[], bool] = lambda: True) -> Job[T]:
        """Give a visitor's work its place in the queue.

        Args:
            visitor: whose it is.
            work: as `Job` takes it.
            here: whether the visitor still is.
        """

        def bounded(report: Preview, cancel: threading.Event) -> T:
            step_back()
            bound_threads(self.threads)
            return work(report, cancel)

        job = Job(bounded, here)
        with self._lock:
            self._waiting.setdefault(visitor, deque()).append(job)
            self._begin()
        return job

    def before(self, job: Job[Any]) -> int | None:
        """Count the other visitors whose work goes on or comes earlier; None for a job that does not wait."""
        with self._lock:
            self._forget()
            order = sorted(self._waiting, key=lambda visitor: visitor in self._running)  # their turn was just now
            for visitor, line in self._waiting.items():
                if job in line:
                    earlier = order[: order.index(visitor)] if job is line[0] else order
                    return len({*self._running, *earlier} - {visitor})
        return None

    def _forget(self) -> None:
        """Drop what need not be begun any more."""
        for visitor, line in list(self._waiting.items()):
            for job in [job for job in line if job.done or not job.here()]:
                job.cancel()
                line.remove(job)
            if not line:
                del self._waiting[visitor]

    def _begin(self) -> None:
        """Begin as many jobs as there is room for."""
        self._forget()
        for visitor in [visitor for visitor in self._waiting if visitor not in self._running]:
            if len(self._running) >= self.at_once:
                return
            line = self._waiting[visitor]
            job = self._running[visitor] = line.popleft()
            if not line:
                del self._waiting[visitor]
            threading.Thread(target=self._run, args=(visitor, job), daemon=True).start()

    def _run(self, visitor: Hashable, job: Job[Any]) -> None:
        start = time.monotonic()
        try:
            job.run(lambda: self._check(visitor, job, time.monotonic() - start))
        finally:
            with self._lock:
                del self._running[visitor]
                if visitor in self._waiting:
                    self._waiting.move_to_end(visitor)
                self._begin()

    def _check(self, visitor: Hashable, job: Job[Any], seconds: float) -> None:
        if not job.here():
            raise Cancelled("Nobody is waiting for this any longer.")
        if seconds > self.limit:
            raise TooLong(f"Stopped after {_minutes(self.limit)}, the longest that one computation may take here.")
        if seconds > self.patience:
            with self._lock:
                self._forget()
                others = self._waiting.keys() - {visitor}
            if others:
                raise TooLong(f"Stopped after {_minutes(self.patience)}, since others are waiting for their turn.")


def step_back() -> None:
    """Let all other threads go first, on Linux, where each has a niceness of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def bound_threads(count: int) -> None:
    """Let what this thread does in OpenMP and torch, and all that the process does in BLAS, use so many threads."""
    import sklearn.neighbors  # noqa: F401  (libraries that are loaded later would not be bounded)
    import torch
    from threadpoolctl import threadpool_limits

    torch.get_num_threads()  # torch's own first use in a thread would set the number anew
    threadpool_limits(count)


def _minutes(seconds: float) -> str:
    count = max(1, round(seconds / 60))
    return "1 minute" if count == 1 else f"{count} minutes"
