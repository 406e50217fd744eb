"""A real server and a real browser; a console error or a request to a stranger fails the test."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlparse

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    WebSocket,
    expect,
    sync_playwright,
)
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pages.widgets.server import messages

ROOT = Path(__file__).resolve().parents[2]
# The first is Chromium without windows: the same engine for half of the work.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",  # a camera, and a person who allows it
    "--use-fake-ui-for-media-stream",
]
DRAWN = "window.drawn = []; addEventListener('live-drawn', ({ detail }) => window.drawn.push(detail))"
# Two buttons by their names, and the milliseconds between them.
IN_ONE_BREATH = """async ([first, second, pause]) => {
  const press = name => [...document.querySelectorAll('button')].find(each => each.innerText.includes(name)).click();
  press(first);
  await new Promise(resolve => setTimeout(resolve, pause));
  press(second);
}"""
EMPTIED = "cookies,local_storage,indexeddb,websql,service_workers,cache_storage"  # all but the scripts that were read
# Streamlit asks for these below the page's own path on a deep link, and goes on when they are not there.
OWN_404 = re.compile(r"/[^/]+/_stcore/(health|host-config)$")
# And its server says this, in a frame of its own, of a browser that leaves while it is being listened to.
OWN_TRACEBACK = re.compile(
    r"Exception in ASGI application\nTraceback(?:(?!Exception in ASGI).)*?/starlette_websocket\.py\"(?:(?!Exception in "
    r"ASGI).)*?WebSocketDisconnected: Cannot call \"send\" once a close message has been sent\.\n",
    re.DOTALL,
)

expect.set_options(timeout=20_000)


@dataclass
class Server:
    """A running `streamlit run`."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass
class View:
    """A page of the browser on a server, with what a person does there."""

    page: Page
    url: str
    kind: tuple[bool, str]  # touch, and the script that runs before any of the app's
    errors: list[str] = field(default_factory=list)
    run: str = "asked"  # what became of the last rerun that the browser asked for: asked, begun, done
    own: str = ""  # the page that is open or was asked for, as Streamlit names it
    arrived: bool = True  # the server has heard of it
    spent: bool = False  # nobody else can use its page, whose clock was changed, say

    def open(self, path: str = "", **query: object) -> None:
        """Follow a link and wait until the page stands still."""
        self.page.goto(f"{self.url}/{path}" + (f"?{urlencode(query)}" if query else ""))
        self.settle()

    def settle(self) -> None:
        """Wait until every rerun asked for is finished and drawn, and nothing else begins for 300 ms.

        What Streamlit still loads the script of, a slider say, has a skeleton in its place.
        """
        app = "[data-testid=stApp][data-test-script-state=notRunning]"
        finished = self.page.locator(f"{app}:not(:has([data-testid=stSkeleton]))")
        end, quiet = time.monotonic() + 60, 0
        while quiet < 3:
            assert time.monotonic() < end, f"the page does not come to rest; its last rerun was {self.run}"
            self.page.wait_for_timeout(100)
            quiet = quiet + 1 if self.run == "done" and finished.count() else 0

    def is_live(self) -> None:
        """Wait until the page itself decodes what it shows: before, its pictures are the server's."""
        self.page.locator('.live[data-state="drawn"]').wait_for(timeout=60_000)

    def until(self, expression: str, arg: object = None, timeout: float = 20_000) -> None:
        """Wait until an expression holds: Playwright's own way has the page compile it, which our policy forbids."""
        end = time.monotonic() + timeout / 1000
        while not self.page.evaluate(expression, arg):
            if time.monotonic() > end:
                raise PlaywrightTimeout(f"not within {timeout:.0f} ms: {expression}")
            self.page.wait_for_timeout(20)

    def go_to(self, title: str) -> None:
        """Press a page's name in the navigation."""
        self.page.get_by_role("link", name=title, exact=True).first.click()
        self.page.wait_for_url(re.compile(f"/{title.lower() if title != 'Home' else ''}([?#]|$)"))
        self.settle()

    def slider(self, name: str) -> Locator:
        """The handle of a Streamlit slider."""
        return self.page.get_by_role("group", name=name, exact=True).locator("input[type=range]")

    def drag(self, handle: Locator, to: float) -> None:
        """Drag the handle of any slider to a share of its track (0 left, 1 right) and let go."""
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        assert box is not None
        share = handle.evaluate("e => (e.value - e.min) / (e.max - e.min || 1)")
        y = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] * share, y)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] * to, y, steps=8)
        self.page.mouse.up()
        self.settle()

    def upload(self, files: Path | list[Path], index: int = 0) -> None:
        """Give files to the page's file uploader number `index`."""
        self.page.locator("[data-testid=stFileUploader] input[type=file]").nth(index).set_input_files(files)
        self.settle()

    def screenshot(self, name: str) -> None:
        """Save what is seen, where VAE_SCREENSHOTS names a folder."""
        if folder := os.environ.get("VAE_SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png")

    def heard(self, event: str, what: Any) -> None:
        """Note console errors, page errors and requests to anywhere but the server, and follow the reruns."""
        if event == "pageerror":
            self.errors.append(f"page error: {what}")
        else:
            {"console": self._heard, "request": self._asked, "websocket": self._follow}[event](what)

    def _follow(self, socket: WebSocket) -> None:
        """Read Streamlit's own messages: on a busy machine the page looks at rest between a click and its rerun."""
        self.run, self.own, self.arrived = "asked", "", True
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, frame: bytes | str) -> None:
        said = BackMsg.FromString(frame) if isinstance(frame, bytes) else BackMsg()
        if said.WhichOneof("type") != "rerun_script":
            return
        asked = said.rerun_script
        if messages.is_switch(asked):
            self.own, self.arrived = asked.page_script_hash, asked.page_script_hash == self.own
        if not asked.page_script_hash or not self.own or asked.page_script_hash == self.own:
            self.run = "asked"  # what a page says that was left is not heard

    def _received(self, frame: bytes | str) -> None:
        message = ForwardMsg.FromString(frame) if isinstance(frame, bytes) else ForwardMsg()
        kind = message.WhichOneof("type")
        if kind in ("new_session", "navigation"):
            page = (message.new_session if kind == "new_session" else message.navigation).page_script_hash
            self.arrived = self.arrived or page == self.own
            self.own = page if self.arrived else self.own
        if kind == "new_session":
            self.run = "begun"
        elif kind == "script_finished" and self.run == "begun":
            again = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
            self.run = "asked" if again else "done"

    def _heard(self, message: ConsoleMessage) -> None:
        source = urlparse(message.location.get("url", "")).path
        if message.type == "error" and not ("404" in message.text and OWN_404.search(source)):
            self.errors.append(f"console: {message.text} ({source})")

    def _asked(self, request: Request) -> None:
        if urlparse(request.url).scheme in ("http", "https", "ws", "wss") and not same_host(request.url, self.url):
            self.errors.append(f"foreign request: {request.url}")


def same_host(one: str, other: str) -> bool:
    return urlparse(one).netloc == urlparse(other).netloc


def _free_port() -> int:
    with closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _wait(server: Server, health: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(server.url + health, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not answer on {health}:\n{server.log.read_text('utf-8')}")


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start servers, each in a home of its own as for a new person; keywords are environment variables."""
    running: list[Server] = []

    def start(script: Path = ROOT / "app.py", health: str = "/healthz", **environment: str) -> Server:
        home = tmp_path_factory.mktemp("home")
        port = _free_port()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("VAE_", "STREAMLIT_", "XDG_"))}
        own = {"HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        own |= {"VAE_LIVE": "off"}  # most tests see what the server decodes; `live` has the rest
        variables = kept | own | environment
        command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
        log = home / "server.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, "--server.headless", "true"], cwd=ROOT, env=variables, stdout=out, stderr=out
            )
        server = Server(f"http://localhost:{port}", process, log)
        running.append(server)
        _wait(server, health)
        return server

    yield start
    for server in running:
        server.process.terminate()
    for server in running:
        server.process.wait(20)


@pytest.fixture(scope="session")
def server(start_server: Callable[..., Server]) -> Server:
    """The app, without the original data sets: what a fresh clone has."""
    return start_server()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium; without one the tests are skipped, with CI=true they fail."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("no Chromium on this machine, and CI=true asks for one: install chromium")
    if path is None:
        pytest.skip("no Chromium on this machine: install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Idle:
    """Pages that no test has, each in a profile of its own, by their kind.

    Empty, but the scripts that they have read they keep, and so does the process behind them: a page that was there
    before opens the app in half the time.
    """

    pages: dict[tuple[bool, str], list[Page]] = field(default_factory=dict)
    owners: dict[Page, View] = field(default_factory=dict)  # who hears of what happens in a page

    def take(self, browser: Browser, kind: tuple[bool, str]) -> Page:
        """A page of a kind, there or new."""
        if self.pages.get(kind):
            return self.pages[kind].pop()
        touch, script = kind
        context = browser.new_context(has_touch=touch, is_mobile=touch, accept_downloads=True)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.add_init_script(script)
        for event in ("console", "pageerror", "request", "websocket"):
            page.on(event, partial(self._told, page, event))  # type: ignore[call-overload]
        return page

    def _told(self, page: Page, event: str, what: Any) -> None:
        if page in self.owners:
            self.owners[page].heard(event, what)

    def give_back(self, view: View) -> None:
        """Keep a page, without all that a server left in its profile; one that cannot be emptied is closed.

        So is one with touch: a finger may still be on it.
        """
        page, context, touch = view.page, view.page.context, view.kind[0]
        try:
            page.goto("about:blank")  # a page that is left cannot write any more
            page.unroute_all()
            asked = {"origin": view.url, "storageTypes": EMPTIED}
            context.new_cdp_session(page).send("Storage.clearDataForOrigin", asked)
            context.clear_cookies()
            for other in context.pages:
                if other != page:
                    other.close()
        except Error:  # a page that was closed, or fell over
            view.spent = True
        del self.owners[page]  # only now: what it complains of on its way out is heard
        if view.spent or touch:
            context.close()
        else:
            self.pages.setdefault(view.kind, []).append(page)


@pytest.fixture(scope="session")
def idle() -> Idle:
    """The pages that tests hand on to one another."""
    return Idle()


@pytest.fixture
def new_view(browser: Browser, idle: Idle, request: pytest.FixtureRequest) -> Iterator[Callable[..., View]]:
    """Open a browser page: theme light or dark, size in CSS pixels, touch; on the app or another server.

    Each page of a test has a profile of its own. `script` runs before any of the app's.
    """
    views: list[View] = []
    logs: dict[Path, int] = {}

    def new(
        theme: str = "light",
        width: int = 1280,
        height: int = 720,
        touch: bool = False,
        server: Server | None = None,
        script: str = "",
    ) -> View:
        server = server or request.getfixturevalue("server")
        logs.setdefault(server.log, server.log.stat().st_size)
        page = idle.take(browser, (touch, script))
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        view = idle.owners[page] = View(page, server.url, (touch, script))
        views.append(view)
        return view

    yield new
    for view in views:
        idle.give_back(view)
    errors = [error for view in views for error in view.errors]
    assert not errors, "the browser complained:\n" + "\n".join(errors)
    for log, start in logs.items():
        told = OWN_TRACEBACK.sub("", log.read_bytes()[start:].decode("utf-8", "replace"))
        assert "Traceback" not in told, f"the server complained:\n{told}"


@pytest.fixture(scope="session")
def live_server(start_server: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The app as a person has it: the browser decodes. What all processes of the tests export, one exports."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return start_server(VAE_LIVE="on", VAE_CACHE=str(shared / "cache"))


@pytest.fixture
def live(new_view: Callable[..., View], live_server: Server) -> View:
    """The app with its live view, at 1280x720, light; `window.drawn` holds what was drawn."""
    return new_view(server=live_server, script=DRAWN)


@pytest.fixture
def view(new_view: Callable[..., View]) -> View:
    """The app at 1280x720, light."""
    return new_view()
