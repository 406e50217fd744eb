"""Original pictures that are not on this machine: each page says so once, and Home fetches them from a mirror here."""

import gc
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from streamlit.testing.v1 import AppTest

TEST_DIGITS = "t10k-images-idx3-ubyte.gz"


class Mirror(BaseHTTPRequestHandler):
    """All of the internet that the app sees: the files of a folder by their names, once there is one.

    It knows no https; the last place where torchvision looks for MNIST has none.
    """

    folder: ClassVar[Path | None] = None

    def do_GET(self) -> None:
        file = self.folder and self.folder / Path(self.path).name
        if not (file and file.is_file()):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(file.stat().st_size))
        self.end_headers()
        with suppress(BrokenPipeError):  # who only looks where a file is hangs up before it comes
            self.wfile.write(file.read_bytes())

    def log_message(self, *_: object) -> None:
        """Nothing: a test's own words are enough."""


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lead every way out to the mirror."""
    monkeypatch.setattr(Mirror, "folder", None)
    monkeypatch.setattr(urllib.request, "_opener", None)  # which keeps the way that it found first, for all that follow
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for way in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(way, f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()
    gc.collect()  # torchvision leaves the socket of a refusal open


def opened(root: Path, page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(root / "pages" / "router.py"), default_timeout=120)
    app.query_params.update(query)
    app.switch_page(f"{page}.py")
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def said(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.text, *app.info, *app.warning))


@pytest.mark.parametrize(
    ("page", "query", "times"),
    [
        ("home", {}, 1),
        ("home", {"show": "The open model"}, 1),
        ("interpolate", {}, 1),
        ("interpolate", {"b": "ref:9", "a": "ref:5"}, 1),
        ("traverse", {}, 0),
        ("map", {}, 0),
        ("compare", {}, 1),
    ],
)
def test_a_page_says_once_that_originals_are_missing(
    page: str, query: dict[str, str], times: int, root: Path, bare_machine: None
) -> None:
    app = opened(root, page, **query)
    assert said(app).count("not on this machine") == times, said(app)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_fetch_ends_in_one_sentence_offline_and_online_with_the_data_set(
    data_root: Path, bare_machine: None, mirror: None, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = data_root / "MNIST" / "raw"
    app = opened(root, "home", show="The open model", model="mnist-2d")
    checked(app.button(key="fetch").click().run())
    assert len(app.error) == 1 and app.error[0].value.startswith("mnist could not be fetched")
    assert len(app.get("plotly_chart")) == 4
    if not (original / TEST_DIGITS).is_file():
        pytest.skip(f"what is fetched needs {TEST_DIGITS} and its kin in {original}")
    monkeypatch.setattr(Mirror, "folder", original)
    checked(app.button(key="fetch").click().run())
    assert "The data set mnist is on this machine" in said(app) and not app.error
    assert "reconstruction" not in said(opened(root, "traverse", start="data:7", model="mnist-2d"))
