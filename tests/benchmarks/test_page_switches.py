"""Page switches at random moments while something moves, on a busy machine: how many open, and how soon."""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Error

from tests.browser.conftest import DRAWN, View, browser, idle, live_server, new_view, start_server
from tests.browser.test_nothing_lost import HELD, MOVING, OPEN, PAGES, button, press

__all__ = ["browser", "idle", "live_server", "new_view", "start_server"]  # fixtures
SWITCHES = 200
SECONDS = 3.0


@contextmanager
def load() -> Iterator[None]:
    """A process that keeps one processor busy."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: sum(range(10_000))"])
    try:
        yield
    finally:
        busy.kill()
        busy.wait()


def opens(view: View, kind: str, title: str, how: int | str, wait: int) -> float | None:
    """Seconds until the page that was pressed is there; None where it is not, or does not stay."""
    query, own, word = MOVING[kind]
    view.page.goto(f"{view.url}/{own}?{urlencode(query)}")
    view.until("window.drawn.length > 0", timeout=60_000)
    button(view, word).click()
    view.page.wait_for_timeout(wait)
    path = ["/" if title == "Home" else f"/{title.lower()}", PAGES[title]]
    press(view.page, view.page.get_by_role("link", name=title, exact=True).first, how)
    began = time.perf_counter()
    try:
        view.until(OPEN, arg=path, timeout=10_000)
    except Error:
        return None
    took = time.perf_counter() - began
    view.page.wait_for_timeout(500)
    return took if view.page.evaluate(OPEN, path) else None


@pytest.mark.timeout(3600)
def test_pages_open_whenever_they_are_pressed(new_view: Callable[..., View], live_server) -> None:
    view, dice = new_view(server=live_server, script=DRAWN), random.Random(0)
    for title in PAGES:
        view.open("" if title == "Home" else title.lower(), model="digits")
    found = []
    with load():
        for _ in range(SWITCHES):
            kind = dice.choice(list(MOVING))
            title = dice.choice([title for title in PAGES if title.lower() != MOVING[kind][1]])
            found.append(opens(view, kind, title, dice.choice([*HELD, "Enter"]), dice.randrange(1_000)))
    times = sorted(took for took in found if took is not None)
    print(
        f"\n{len(times)} of {SWITCHES} pages open; median {times[len(times) // 2]:.2f} s, "
        f"p95 {times[int(0.95 * len(times))]:.2f} s, longest {times[-1]:.2f} s"
    )
    assert len(times) == SWITCHES
