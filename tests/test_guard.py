import logging
from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from streamlit import config

from pages.widgets.server import guard
from tests.conftest import in_own_loop

RULES = {"content-security-policy", "referrer-policy", "x-content-type-options"}
OPTIONS = ("server.address", "server.allowedHosts", "client.allowedOrigins")


@pytest.fixture
def owner() -> Iterator[Callable[..., None]]:
    """Start the server anew with what its owner says: its address, its names, sites that may frame it."""
    before = {name: config.get_option(name) for name in OPTIONS}

    def says(address: str = "localhost", names: tuple[str, ...] = (), frames: tuple[str, ...] = ()) -> None:
        for name, value in zip(OPTIONS, (address, list(names), list(frames)), strict=True):
            config.set_option(name, value)
        guard.named.cache_clear()

    yield says
    for name, value in before.items():
        config.set_option(name, value)
    guard.named.cache_clear()


async def here(request) -> PlainTextResponse:
    return PlainTextResponse("here")


async def fail(request) -> None:
    raise RuntimeError("about /a/path/of/the/server")


async def listen(socket: WebSocket) -> None:
    await socket.accept()


ROUTES = [Route(path, here) for path in ("/", "/_stcore/metrics", "/base/_stcore/metrics")]
app = Starlette(
    routes=[*ROUTES, Route("/fail", fail), WebSocketRoute("/socket", listen)], middleware=[Middleware(guard.Guard)]
)


def ask(path: str, host: str | None = "localhost:8501", kind: str = "http", client: str = "127.0.0.1") -> list[dict]:
    """What the app sends to whom it is asked by."""
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request"}

    async def send(message: dict) -> None:
        sent.append(message)

    headers = [] if host is None else [(b"host", host.encode())]
    scope = {"type": kind, "method": "GET", "path": path, "headers": headers, "query_string": b"", "root_path": ""}
    in_own_loop(app(scope | {"client": (client, 1)}, receive, send))
    return sent


def headers_of(sent: list[dict]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


OWN = ["localhost", "localhost:8501", "LOCALHOST.", "127.0.0.1:8501", "127.8.0.1", "[::1]:8501", "[::1]"]
NUMBERS = ["192.168.1.5:8501", "[fe80::1]:8501", "10.0.0.1"]
OTHERS = [
    None,
    "",
    "other.example",
    "localhost.other.example",
    "127.0.0.1.other.example",
    "localhost@other.example",
    "localhost/other",
    "a b",
    "[::1",
    "localhost:port",
]


@pytest.mark.parametrize("host", OWN)
def test_this_machine_is_always_answered(owner, host: str) -> None:
    for address, names in (("localhost", ()), ("0.0.0.0", ()), ("0.0.0.0", ("school.example",))):
        owner(address, names)
        assert guard.is_allowed(host)


@pytest.mark.parametrize("host", OTHERS)
@pytest.mark.parametrize("address", ["localhost", "0.0.0.0"])
def test_names_that_nobody_gave_are_refused(owner, host: str | None, address: str) -> None:
    owner(address)
    assert not guard.is_allowed(host)


@pytest.mark.parametrize("host", NUMBERS)
def test_numbers_are_answered_where_the_server_listens_beyond_this_machine(owner, host: str) -> None:
    for address, answered in (("localhost", False), ("127.0.0.1", False), ("0.0.0.0", True), ("::", True)):
        owner(address)
        assert guard.is_allowed(host) is answered


def test_the_owner_gives_names(owner) -> None:
    owner("localhost", ("School.example", "*.lab.example"))
    assert all(map(guard.is_allowed, ("school.example:8501", "a.lab.example", "school.example.")))
    assert not any(map(guard.is_allowed, ("lab.example", "other.example", "notschool.example", "192.168.1.5")))
    owner("my-laptop.local")  # the name that the server listens at
    assert guard.is_allowed("my-laptop.local:8501")
    owner("0.0.0.0", ("*",))
    assert guard.is_allowed("other.example") and not guard.is_allowed("a b")


def test_streamlit_lets_through_what_was_let_through_here(owner) -> None:
    owner("localhost", ("school.example",))
    assert guard.is_allowed("localhost")
    assert config.get_option("server.allowedHosts") == ["*"]
    assert guard.named() == ("school.example", "localhost")  # read once, whatever stands there now
    assert not guard.is_allowed("other.example")


def test_a_stranger_gets_a_sentence_and_a_closed_socket(owner) -> None:
    owner()
    sent = ask("/", "other.example")
    assert sent[0]["status"] == 400 and b"--server.allowedHosts" in sent[1]["body"]
    assert headers_of(sent).keys() >= RULES and b"other.example" not in sent[1]["body"]
    assert [message["type"] for message in ask("/socket", "other.example", "websocket")] == ["websocket.close"]
    assert [message["type"] for message in ask("/socket", kind="websocket")] == ["websocket.accept"]


@pytest.mark.parametrize("path", ["/", "/not-there", "/fail"])
def test_every_answer_carries_the_rules(owner, path: str, caplog) -> None:
    owner()
    found = headers_of(ask(path))
    assert found.keys() >= RULES and found["x-content-type-options"] == "nosniff"
    assert "unsafe-eval'" not in found["content-security-policy"].replace("'wasm-unsafe-eval'", "")


def test_the_owner_says_who_may_frame_it(owner) -> None:
    owner()
    assert guard.policy("localhost").endswith("frame-ancestors 'self'")
    owner(frames=("https://moodle.school.example", "https://a.example; script-src *"))
    assert guard.policy("localhost").endswith("frame-ancestors 'self' https://moodle.school.example")


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/base/_stcore/metrics"])
def test_what_the_server_counts_is_for_its_owner(owner, path: str) -> None:
    owner("0.0.0.0")
    for stranger in ("192.168.1.77", "fe80::7"):
        assert ask(path, "192.168.1.5", client=stranger)[0]["status"] == 404
        assert ask(f"{path}/", "192.168.1.5", client=stranger)[0]["status"] == 404
    assert ask(path)[0]["status"] == 200


def test_an_unforeseen_error_of_a_route_is_told_by_number(owner, caplog) -> None:
    owner()
    with caplog.at_level(logging.ERROR):
        sent = ask("/fail")
    body, (record,) = sent[1]["body"].decode(), caplog.records
    assert sent[0]["status"] == 500 and record.args[0] in body
    assert "path" not in body and record.exc_info[1].args == ("about /a/path/of/the/server",)
