"""What strangers get from a real server: headers, refusals, and errors without a word about the inside."""

import http.client
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from email.message import Message
from functools import partial
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from pages.widgets.live import served
from tests.browser.conftest import ROOT, Server, View
from tests.browser.test_shell import PAGES

PICTURE = ROOT / "tests" / "browser" / "pictures" / "sample.png"
FAULTY = Path(__file__).with_name("faulty.py")
RULES = ("content-security-policy", "referrer-policy", "x-content-type-options")
WATCH = (
    "addEventListener('securitypolicyviolation', e => console.error(`refused: ${e.violatedDirective} ${e.blockedURI}`))"
)
ROUTES = [
    *(f"/{path}" for path in PAGES),
    "/healthz",
    "/not/there",
    "/..%2f..%2fapp.py",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/agent/openapi.json",
    "/_stcore/agent/interact",
    "/_stcore/bidi-components/none.js",
    "/_stcore/upload_file/session/file",
    "/media/none.png",
    "/component/none",
    "/static/media/none.js",
    "/favicon.png",
    f"/{served.runtime_address()}ort.wasm.min.mjs",
    "/live/file/none",
]


def ask(server: Server, path: str, method: str = "GET", host: str | None = None) -> tuple[int, Message, bytes]:
    """Status, headers and body of an answer of a server, which may be asked by another name than its own."""
    place = urlparse(server.url).netloc
    with closing(http.client.HTTPConnection(place, timeout=20)) as connection:
        connection.request(method, path, headers={"Host": host or place})
        with connection.getresponse() as answer:
            return answer.status, answer.headers, answer.read()


def knock(server: Server, name: str) -> None:
    """Open and close a socket of a server that is called by a name."""
    place = urlparse(server.url)
    asked = f"{name}:{place.port}"
    wire = socket.create_connection((place.hostname or "", place.port or 0), timeout=20)
    with wire, connect(f"ws://{asked}/_stcore/stream", sock=wire, origin=Origin(f"http://{asked}")):
        pass


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_carries_the_rules(server: Server, path: str) -> None:
    for method in ("GET", "PUT", "OPTIONS"):
        status, headers, body = ask(server, path, method)
        assert all(headers[name] for name in RULES), (method, status)
        assert str(ROOT).encode() not in body


@pytest.mark.parametrize("path", ROUTES)
def test_a_name_that_nobody_gave_is_refused(server: Server, path: str) -> None:
    status, headers, body = ask(server, path, host="other.example")
    assert status == 400 and b"does not answer to the name" in body and headers["x-content-type-options"] == "nosniff"


def test_a_socket_is_refused_by_another_name(server: Server) -> None:
    knock(server, "localhost")
    with pytest.raises(InvalidStatus, match="403"):
        knock(server, "other.example")


def test_names_of_the_owner_are_answered(faulty: Server) -> None:
    port = urlparse(faulty.url).port
    for name, status in (("school.example", 200), ("localhost", 200), ("other.example", 400)):
        assert ask(faulty, "/", host=f"{name}:{port}")[0] == status
    for name in ("school.example", "localhost"):
        knock(faulty, name)


def test_no_page_asks_for_what_the_policy_refuses(new_view, live_server: Server) -> None:
    """Every page with its downloads, a plot, the camera and the live view's modules, worker and WebAssembly."""
    view: View = new_view(server=live_server, script=WATCH)
    view.open("map", method="PCA", dims="3-D")
    for title in PAGES.values():
        view.go_to(title)
    view.go_to("Sample")
    with view.page.expect_download() as given:
        view.page.get_by_role("button", name="Grid (PNG)").click()
    assert given.value.path().read_bytes().startswith(b"\x89PNG")
    view.go_to("Interpolate")
    for source in ("Camera", "Upload"):
        view.page.get_by_role("button", name="Choose A").click()
        view.settle()
        view.page.get_by_role("radiogroup").get_by_text(source, exact=True).click()
        view.settle()
        if source == "Camera":
            view.until("document.querySelector('video')?.readyState >= 2")
            view.page.get_by_role("button", name="Take Photo").click()
            view.settle()
            view.page.keyboard.press("Escape")
        else:
            view.upload(PICTURE)
    expect(view.page.get_by_role("img", name="Picture A as it was given")).to_be_visible()


# --- what nobody foresaw -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def faulty(start_server: Callable[..., Server]) -> Server:
    """The app's own server shell, which the owner gave a name."""
    return start_server(FAULTY, STREAMLIT_SERVER_ALLOWED_HOSTS="school.example")


@pytest.fixture
def faults(browser: Browser, faulty: Server) -> Iterator[View]:
    """A page on the app with faults, whose log may hold tracebacks."""
    page = browser.new_page()
    view = View(page, faulty.url, (False, ""))
    for event in ("console", "pageerror", "request", "websocket"):
        page.on(event, partial(view.heard, event))  # type: ignore[call-overload]
    view.open()
    yield view
    page.close()
    assert not view.errors


@pytest.mark.parametrize("where", ["Page", "Part", "Callback"])
def test_an_unforeseen_error_is_a_number_on_the_page_and_a_traceback_in_the_log(
    faults: View, faulty: Server, where: str
) -> None:
    faults.page.get_by_role("button", name=where, exact=True).click()
    told = faults.page.get_by_text("was not foreseen")
    told.wait_for()
    faults.settle()
    number = re.search(r"error ([0-9a-f]{8})", told.inner_text())
    assert number and told.count() == 1
    shown = faults.page.locator("body").inner_html()
    assert not any(word in shown for word in ("Traceback", "RuntimeError", "faulty.py", "fails in"))
    log = faulty.log.read_text("utf-8")
    assert f"Error {number[1]}\nTraceback" in log
    assert f"RuntimeError: {'the page' if where == 'Page' else f'a {where.lower()}'} fails in" in log
    if where == "Part":
        expect(faults.page.get_by_text("the end")).to_be_visible()


def test_stopping_and_running_again_are_no_errors(faults: View) -> None:
    faults.page.get_by_role("button", name="Again", exact=True).click()
    faults.page.get_by_text("run again").wait_for()
    faults.page.get_by_role("button", name="Stop", exact=True).click()
    faults.page.get_by_text("stopped").wait_for()
    faults.settle()
    assert faults.page.get_by_text("was not foreseen").count() == 0
