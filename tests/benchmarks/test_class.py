"""A class on one server: what a new draw costs nine visitors while three others lay out maps of 10,000 points."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]
POINTS = 10_000
MAPS = f"map?model=mnist&data=mnist&points={POINTS}&method=t-SNE&perplexity="  # each visitor another, so none is shared
DRAWERS, MAPPERS, BROWSERS = 8 - 2, 2, 4  # simulated that draw, simulated with a map; the first browser has the third
PAUSE = 2.0  # seconds between two draws of a visitor
SECONDS = 45.0  # drawing goes on for, beside the maps
LIMIT = 1.0


class Visitor:
    """A browser as far as the server sees one: it follows a page over the socket, and asks for pictures."""

    def __init__(self, address: str, page: str) -> None:
        self.address = address
        path, _, self.query = page.partition("?")
        self.page = path
        self.stack = ExitStack()
        self.link = self.stack.enter_context(
            connect(
                f"{address.replace('http', 'ws')}/_stcore/stream",
                subprotocols=["streamlit"],
                open_timeout=300,
                max_size=None,
                ping_interval=None,
            )
        )
        self.script = ""
        self.grid: dict[str, Any] = {}  # what Sample's view was given
        self.said: list[str] = []
        self.errors: list[str] = []
        self.finished = threading.Condition()
        self.runs = 0
        self.due: dict[str, tuple[float, float]] = {}  # fragments that run again: seconds, and when next
        self.fresh: dict[str, tuple[float, float]] = {}
        threading.Thread(target=self._listen, daemon=True).start()
        self.send()

    def send(self, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.query_string = self.query
        if self.script:
            message.rerun_script.page_script_hash = self.script
        else:
            message.rerun_script.page_name = self.page
        if fragment:
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
        self.link.send(message.SerializeToString())

    def _listen(self) -> None:
        while True:
            try:
                content = self.link.recv(timeout=0.2)
            except TimeoutError:
                content = None
            except ConnectionClosed:
                return
            for fragment, (seconds, when) in list(self.due.items()):
                if time.monotonic() > when:
                    self.due[fragment] = seconds, time.monotonic() + seconds
                    self.send(fragment)
            if content is not None:
                self._take(ForwardMsg.FromString(content))

    def _take(self, message) -> None:
        kind = message.WhichOneof("type")
        if kind == "auto_rerun":
            found = message.auto_rerun
            self.due[found.fragment_id] = self.fresh[found.fragment_id] = (
                found.interval,
                time.monotonic() + found.interval,
            )
        elif kind == "new_session":
            self.fresh, self.said = {}, []
        elif kind == "navigation":
            self.script = message.navigation.page_script_hash
        elif kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                self.due = self.fresh
            with self.finished:
                self.runs += 1
                self.finished.notify_all()
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            what = element.WhichOneof("type")
            if what == "bidi_component" and (data := json.loads(element.bidi_component.json or "{}")).get("windows"):
                self.grid = data
            elif what == "exception":
                self.errors.append(element.exception.message)
            elif what in ("progress", "alert", "markdown", "text"):
                self.said.append(getattr(getattr(element, what), "text" if what == "progress" else "body"))

    def wait(self, runs: int, seconds: float = 300) -> None:
        with self.finished:
            assert self.finished.wait_for(lambda: self.runs > runs, seconds), "no answer"

    def draw(self) -> float:
        """Ask for the pictures of another draw and tell the server where the hand let go; seconds to both answers."""
        start, before, model = time.perf_counter(), self.runs, self.grid["model"]
        z = np.random.default_rng(before).standard_normal(self.grid["count"] * model["dim"])
        with urlopen(Request(f"{self.address}/{model['pictures']}", z.astype("<f4").tobytes())) as answer:
            answer.read()
        self.send()
        self.wait(before)
        return time.perf_counter() - start


def start(home: Path, live: str, **more: str) -> tuple[str, subprocess.Popen[bytes]]:
    with closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    variables = os.environ | {"VAE_LIVE": live, "VAE_CACHE": str(home / "cache"), "PYTHONPATH": str(ROOT)} | more
    variables.pop("OMP_NUM_THREADS", None)  # as a person starts it
    variables.pop("MKL_NUM_THREADS", None)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless"]
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen([*command, "true"], cwd=ROOT, env=variables, stdout=log, stderr=log)
    for _ in range(600):
        with closing(socket.socket()) as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    return f"http://localhost:{port}", process


DRAWN = """
  window.pictures = 0;
  addEventListener('live-drawn', () => { window.pictures += 1; });
  window.draw = () => new Promise((done) => {
    const start = performance.now(), before = window.pictures;
    const look = () => {
      if (window.pictures > before) done((performance.now() - start) / 1000);
      else setTimeout(look, 10);
    };
    const roots = [...document.querySelectorAll('*')].filter((e) => e.shadowRoot).map((e) => e.shadowRoot);
    const buttons = roots.flatMap((root) => [...root.querySelectorAll('button')]);
    buttons.find((b) => b.textContent.trim() === 'New draw').click();
    look();
  });
"""


def share(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def lesson(browser, address: str) -> tuple[list[float], list[float], list[str], list[str]]:
    """Seconds of the draws of simulated and of real visitors, what the maps' pages said last, and all errors."""
    pages = []
    for i in range(BROWSERS):
        page = browser.new_context(viewport={"width": 1280, "height": 720}, bypass_csp=True).new_page()
        page.add_init_script(DRAWN)
        page.goto(f"{address}/{MAPS}{30 if i == 0 else ''}" if i == 0 else f"{address}/sample?model=mnist")
        pages.append(page)
    drawers = [Visitor(address, "sample?model=mnist") for _ in range(DRAWERS)]
    mappers = [Visitor(address, f"{MAPS}{31 + i}") for i in range(MAPPERS)]
    for visitor in drawers:
        visitor.wait(0)
        assert visitor.grid, visitor.said
    for page in pages[1:]:
        page.get_by_role("button", name="New draw").wait_for(timeout=120_000)
        page.wait_for_timeout(3_000)
    simulated: list[float] = []
    end = time.monotonic() + SECONDS

    def keep_drawing(visitor: Visitor, after: float) -> None:
        time.sleep(after)
        while time.monotonic() < end:
            simulated.append(visitor.draw())
            time.sleep(PAUSE)

    threads = [
        threading.Thread(target=keep_drawing, args=(visitor, i * PAUSE / DRAWERS)) for i, visitor in enumerate(drawers)
    ]
    for thread in threads:
        thread.start()
    real: list[float] = []
    while time.monotonic() < end:
        for page in pages[1:]:
            real.append(page.evaluate("window.draw()"))
            page.wait_for_timeout(1000 * PAUSE / 3)
    for thread in threads:
        thread.join()
    told = [next((s for s in reversed(v.said) if "t-SNE" in s or "before you" in s), str(v.said[-3:])) for v in mappers]
    told.append(" ".join(pages[0].locator("[data-testid=stMain]").inner_text().split())[:300])
    errors = [error for visitor in drawers + mappers for error in visitor.errors]
    for page in pages:
        errors += page.locator("[data-testid=stException]").all_inner_texts()
        page.context.close()
    for visitor in drawers + mappers:
        visitor.stack.close()
    return simulated, real, told, errors


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    path = next(
        filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"))),
        None,
    )
    if path is None:
        pytest.skip("no Chromium on this machine: install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-sync"])
        yield browser
        browser.close()


@pytest.mark.timeout(1200)
def test_a_new_draw_beside_three_large_maps(browser, tmp_path, data_root, capsys) -> None:
    """The server decodes for everybody, which is the harder case: in the live view a draw asks nothing of it."""
    found = {}
    for name, watcher in (("with Streamlit's watching of sources", "auto"), ("as the app is", "none")):
        home = tmp_path / watcher
        home.mkdir()
        address, process = start(home, "off", VAE_DATA=str(data_root), STREAMLIT_SERVER_FILE_WATCHER_TYPE=watcher)
        try:
            found[name] = lesson(browser, address)
        finally:
            process.terminate()
            process.wait(30)
    with capsys.disabled():
        load = os.getloadavg()[0]
        print(f"\n12 visitors, three with maps of {POINTS:,} points; {SECONDS:.0f} s each, load {load:.0f}: a new draw")
        for name, (simulated, real, told, errors) in found.items():
            print(f"  {name}: {len(errors)} errors")
            for who, times in (("simulated", simulated), ("real browsers", real)):
                print(
                    f"    {who:13} {len(times):3} draws: median {median(times):.2f} s, p95 {share(times, 0.95):.2f}, "
                    f"longest {max(times):.2f} (limit {LIMIT:g})"
                )
            for text in told:
                print(f"    map: {text[-220:]}")
    simulated, real, told, errors = found["as the app is"]
    assert not errors and share(simulated + real, 0.95) <= LIMIT
    assert all(re.search(r"before you|\d+%|…|Perplexity", text) for text in told), "done, at work, or told its place"
