import asyncio
import gzip

import pytest
from starlette.routing import Router

from pages.widgets import served

app = Router(served.routes)


def get(path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body that the routes give for an address below the app's."""
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request"}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": f"/{path}", "headers": [], "query_string": b"", "root_path": ""}
    asyncio.run(app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_files", type(served._files)())


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


def test_address_of_what_is_no_longer_held() -> None:
    assert served.address("a" * 64) is None
    assert served.publish(b"x", "a" * 64) == served.address("a" * 64)


def test_held_bytes_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "MAX_BYTES", 10)
    first, second = served.publish(b"x" * 6, "a" * 64), served.publish(b"x" * 6, "b" * 64)
    assert [get(address)[0] for address in (first, second)] == [404, 200]
