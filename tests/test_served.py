import asyncio
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.routing import Router

from pages.widgets.live import served
from tests.conftest import in_own_loop

app = Router(served.routes)


def get(path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body that the routes give for an address below the app's; with a body it is a POST."""
    return in_own_loop(ask(path, body, **headers))


async def ask(path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": body or b""}

    async def send(message: dict) -> None:
        sent.append(message)

    own = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": f"/{path}", "headers": own, "query_string": b"", "root_path": ""}
    await app(scope | {"method": "GET" if body is None else "POST"}, receive, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:])


NAME = "c" * 64


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for held in ("_files", "_promises", "_answers", "_refusals"):
        monkeypatch.setattr(served, held, type(served._files)())
    monkeypatch.setattr(served, "_making", {})
    yield


def test_runtime_comes_compressed_and_is_kept_for_good() -> None:
    base = served.runtime_address()
    for name, kind in (("ort.wasm.min.mjs", "text/javascript"), ("ort-wasm-simd-threaded.wasm", "application/wasm")):
        status, headers, body = get(base + name)
        assert status == 200 and headers["content-type"].split(";")[0] == kind
        assert headers["content-encoding"] == "gzip" and "immutable" in headers["cache-control"]
        assert len(gzip.decompress(body)) > 3 * len(body) / 2


@pytest.mark.parametrize(
    "path", ["live/runtime/0000/ort.wasm.min.mjs", "live/runtime/{}/VERSION", "live/runtime/{}/..%2f..%2fapp.py"]
)
def test_other_names_and_versions_are_not_there(path: str) -> None:
    assert get(path.format(served.runtime_address().split("/")[2]))[0] == 404


def test_published_files_are_found_by_their_hash_alone() -> None:
    address = served.publish(gzip.compress(b"decoder"), "a" * 64)
    status, headers, body = get(address)
    assert status == 200 and gzip.decompress(body) == b"decoder" and headers["x-content-type-options"] == "nosniff"
    for wrong in ("b" * 64, "a" * 63, "A" * 64, "..%2f..%2fetc"):
        status, headers, _ = get(f"live/file/{wrong}")
        assert status == 404 and "immutable" not in headers.get("cache-control", "")


def test_what_was_asked_for_longest_ago_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "MAX_FILES", 2)
    first, second = (served.publish(b"x", digit * 64) for digit in "ab")
    served.publish(b"x", "a" * 64)  # asked for again
    third = served.publish(b"x", "c" * 64)
    assert [get(address)[0] for address in (first, second, third)] == [200, 404, 200]


def test_held_bytes_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "MAX_BYTES", 10)
    first, second = served.publish(b"x" * 6, "a" * 64), served.publish(b"x" * 6, "b" * 64)
    assert [get(address)[0] for address in (first, second)] == [404, 200]


def test_promised_file_is_made_once_for_all_who_ask_at_the_same_time() -> None:
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        time.sleep(0.2)
        return b"file"

    address = served.promise(NAME, make)
    assert not made  # not before somebody asks

    async def class_of_five() -> list[tuple[int, dict[str, str], bytes]]:
        return await asyncio.gather(*(ask(address) for _ in range(5)))

    for status, headers, body in in_own_loop(class_of_five()):
        assert (status, body) == (200, b"file") and "immutable" in headers["cache-control"]
    assert get(address)[2] == b"file" and len(made) == 1


def test_few_files_are_made_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def make() -> bytes:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return b"x"

    addresses = [served.promise(f"{i:064x}", make) for i in range(8)]

    async def all_at_once() -> None:
        await asyncio.gather(*(ask(address) for address in addresses))

    in_own_loop(all_at_once())
    assert most == served._makers._max_workers == 2


def test_who_leaves_stops_nothing() -> None:
    may = threading.Event()
    address = served.promise(NAME, lambda: may.wait(10) and b"file")

    async def one_leaves() -> tuple[int, dict[str, str], bytes]:
        first, second = asyncio.ensure_future(ask(address)), asyncio.ensure_future(ask(address))
        await asyncio.sleep(0.05)
        first.cancel()
        await asyncio.sleep(0.05)
        may.set()
        return await second

    assert in_own_loop(one_leaves())[2] == b"file"


def test_what_cannot_be_made_is_told_in_a_sentence_and_not_tried_again() -> None:
    tried: list[int] = []

    def make() -> bytes:
        tried.append(1)
        raise served.Refused("It is too large.")

    address = served.promise(NAME, make)
    assert served.refusal(NAME) is None
    for _ in range(2):
        status, headers, body = get(address)
        assert (status, body, headers["cache-control"]) == (422, b"It is too large.", "no-store")
    assert served.refusal(NAME) == "It is too large." and len(tried) == 1


def test_what_is_no_longer_there_asks_for_a_reload() -> None:
    def make() -> bytes:
        raise served.Gone

    address = served.promise(NAME, make)
    status, headers, body = get(address)
    assert (status, body.decode(), headers["cache-control"]) == (404, served.GONE, "no-store")
    assert served.refusal(NAME) is None  # another visitor may have it


def test_nobody_makes_what_no_page_has_promised() -> None:
    served.promise(NAME, lambda: pytest.fail("it was made"))
    for wrong in ("d" * 64, NAME[:-1], NAME.upper()):
        assert get(f"live/file/{wrong}")[0] == 404
        assert get(f"live/pictures/{wrong}", b"1234")[0] == 404


def pictures(decode: Callable[[bytes], bytes] = lambda asked: asked[::-1]) -> str:
    return served.answers("pictures", NAME, decode)


def test_pictures_are_decoded_here_and_kept_nowhere() -> None:
    status, headers, body = get(pictures(), b"abc", sec_fetch_site="same-origin")
    assert (status, body, headers["cache-control"]) == (200, b"cba", "no-store")
    assert get(pictures())[0] == 405  # of no points


def test_pictures_of_wrong_points_are_refused() -> None:
    def decode(asked: bytes) -> bytes:
        raise served.Refused("No points.")

    assert get(pictures(decode), b"abc")[::2] == (422, b"No points.")


def test_pictures_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    address = pictures()
    monkeypatch.setattr(served, "MAX_ASKED", 2)
    assert get(address, b"abc")[0] == 413
    assert get(address, b"ab")[0] == 200
    monkeypatch.setattr(served, "MAX_WAITING", 0)
    assert get(address, b"ab")[0] == 503
    monkeypatch.setattr(served, "_answerers", ThreadPoolExecutor(1))
    assert get(address, b"ab", sec_fetch_site="cross-site")[0] == 403
