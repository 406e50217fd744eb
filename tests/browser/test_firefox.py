"""Every page in Firefox, driven over WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi), as Debian ships it."""

import itertools
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.browser.conftest import Server

BROWSERS = ("firefox-esr", "firefox")
READY = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
# How many views show what the browser itself decoded; null while the page moves.
DRAWN = """() => {
  const app = document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]');
  if (!app?.querySelector('h1') || app.querySelector('[data-testid=stSkeleton]')) return null;
  const views = [...app.querySelectorAll('*')].map(each => each.shadowRoot?.querySelector('.live')).filter(Boolean);
  const done = location.pathname === '/draw' ? 'loaded' : 'drawn'; // there nothing is to be decoded yet
  return views.every(each => (each.dataset.state ?? done) === done) ? views.length : null;
}"""
PAGES = ("", "sample", "interpolate", "traverse", "draw", "map", "compare")


@dataclass
class Firefox:
    """A browser without windows, and one of its tabs."""

    socket: ClientConnection
    context: str = ""
    errors: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; what the page complains of meanwhile is kept."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=60))
            if message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
                self.errors.append(str(message["params"]["text"]))
            if message.get("id") == number:
                assert message["type"] == "success", message
                return dict(message["result"])

    def evaluate(self, function: str) -> Any:
        """What a function of the page gives."""
        target = {"context": self.context}
        answer = self.ask("script.callFunction", functionDeclaration=function, target=target, awaitPromise=True)
        assert answer["type"] == "success", answer
        return answer["result"].get("value")


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Firefox; without one the tests are skipped."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Firefox on this machine: install firefox-esr")
    home = tmp_path_factory.mktemp("firefox")
    command = [path, "--headless", "--no-remote", "--profile", str(home), "--remote-debugging-port", "0", "about:blank"]
    with (home / "log").open("wb") as out:
        process = subprocess.Popen(command, env=os.environ | {"HOME": str(home)}, stdout=out, stderr=out)
    try:
        with connect(_address(process, home / "log") + "/session", max_size=None) as socket:
            found = Firefox(socket)
            found.ask("session.new", capabilities={})
            found.ask("session.subscribe", events=["log.entryAdded"])
            found.context = found.ask("browsingContext.create", type="tab")["context"]
            yield found
    finally:
        process.terminate()
        process.wait(20)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the browser listens, as it says itself."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if found := READY.search(log.read_text("utf-8", "replace")):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"Firefox did not begin:\n{log.read_text('utf-8', 'replace')}")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_without_an_error(page: str, firefox: Firefox, live_server: Server) -> None:
    firefox.errors.clear()
    address = f"{live_server.url}/{page}?model=digits"
    firefox.ask("browsingContext.navigate", context=firefox.context, url=address, wait="complete")
    end = time.monotonic() + 60
    while (views := firefox.evaluate(DRAWN)) is None or views < (page != ""):
        assert time.monotonic() < end, firefox.evaluate("() => document.body.innerText")
        time.sleep(0.1)
    assert not firefox.errors
