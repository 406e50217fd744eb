"""What browsers fetch for the live view: the runtime, files that lie under a hash, and answers in their place.

A file is there already, or promised: made in a thread when a browser first asks for it, once for all who do, and kept
by browsers for good. Only what a page has published or promised can be had, by a name that nobody can guess.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

RUNTIME = Path(__file__).parent / "runtime"
TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm"}
MAX_FILES = 1_000  # held for all sessions together; those asked for longest ago go first
MAX_BYTES = 512 * 2**20
MAX_ASKED = 2**22  # bytes that one request asks with
MAX_WAITING = 32  # requests for answers: who comes later is told to try again
COMPRESSED = {  # once, and not for every visitor anew
    "Content-Encoding": "gzip",
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FLEETING = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
GONE = "There is no such file; reload the page."

Make = Callable[[], bytes]
Answer = Callable[[bytes], bytes]

_files: OrderedDict[str, bytes] = OrderedDict()
_promises: OrderedDict[str, Make] = OrderedDict()
_answers: OrderedDict[tuple[str, str], Answer] = OrderedDict()
_refusals: OrderedDict[str, str] = OrderedDict()
_making: dict[str, Future[bytes]] = {}
_waiting = 0
_lock = threading.Lock()
# Few at a time, and answers beside files: somebody looks at a page that has none yet.
_makers = ThreadPoolExecutor(2, thread_name_prefix="live-file")
_answerers = ThreadPoolExecutor(2, thread_name_prefix="live-answer")


class Gone(LookupError):
    """What a file would be made from is no longer held."""


class Refused(ValueError):
    """What cannot be made; the sentence says why."""


@cache
def _runtime_files() -> dict[str, bytes]:
    """Return the runtime's files, compressed as they are sent, by name."""
    return {path.stem: path.read_bytes() for path in sorted(RUNTIME.glob("*.gz"))}


@cache
def runtime_address() -> str:
    """Where the runtime lies below the app's address: another version has another."""
    sha = hashlib.sha256()
    for name, content in _runtime_files().items():
        sha.update(name.encode() + content)
    return f"live/runtime/{sha.hexdigest()[:16]}/"


def address(name: str) -> str:
    """Where a file lies below the app's address."""
    return f"live/file/{name}"


def publish(content: bytes, digest: str) -> str:
    """Let browsers fetch a file, compressed by gzip, by its hash; give its address below the app's.

    The hash of a visitor's own model is as good as a key: it cannot be guessed, and no page lists it.
    """
    with _lock:
        _hold(digest, content)
    return address(digest)


def promise(name: str, make: Make) -> str:
    """Let browsers fetch a file that is made when the first of them asks; give its address below the app's.

    Args:
        name: 64 hexadecimal digits that nobody can guess: a hash of what it is made from.
        make: gives the file, compressed by gzip, in a thread; raises `Gone`, or `Refused` with a reason for the page.
    """
    with _lock:
        if name in _files:
            _files.move_to_end(name)
        _put(_promises, name, make)
    return address(name)


def answers(kind: str, name: str, answer: Answer) -> str:
    """Let browsers ask for what they cannot make themselves; give the address below the app's.

    Args:
        kind: "pictures" or "numbers".
        name: as in `promise`.
        answer: gives it for a request's bytes, in a thread; raises `Gone`, or `Refused` of bytes that are wrong.
    """
    with _lock:
        _put(_answers, (kind, name), answer)
    return f"live/{kind}/{name}"


def refusal(name: str) -> str | None:
    """Why a file that was promised could not be made; None where it was, or nobody has asked for it."""
    return _refusals.get(name)


def _put(held: OrderedDict[Any, Any], name: Hashable, value: object) -> None:
    """Hold something as what was asked for last."""
    held[name] = value
    held.move_to_end(name)
    while len(held) > MAX_FILES:
        held.popitem(last=False)


def _hold(name: str, content: bytes) -> None:
    _put(_files, name, content)
    total = sum(map(len, _files.values()))
    while total > MAX_BYTES and len(_files) > 1:
        total -= len(_files.popitem(last=False)[1])


def _made(name: str) -> Future[bytes] | None:
    """Find a file that is there, on its way, or begun now; None where nobody has promised it."""
    with _lock:
        done: Future[bytes] = Future()
        if name in _files:
            done.set_result(_files[name])
            return done
        if name in _refusals:
            done.set_exception(Refused(_refusals[name]))
            return done
        if name not in _making and (make := _promises.get(name)):
            _making[name] = _makers.submit(_make, name, make)
        return _making.get(name)


def _make(name: str, make: Make) -> bytes:
    try:
        content = make()
        with _lock:
            _hold(name, content)
        return content
    except Refused as error:
        with _lock:
            _put(_refusals, name, str(error))
        raise
    finally:
        with _lock:
            _making.pop(name, None)


async def _runtime(request: Request) -> Response:
    name = request.path_params["name"]
    content = _runtime_files().get(name)
    if content is None or not request.url.path.endswith(f"/{runtime_address()}{name}"):
        return PlainTextResponse("There is no such file of the runtime.", 404)
    return Response(content, headers=COMPRESSED, media_type=TYPES[Path(name).suffix])


async def _given(future: Future[bytes], headers: dict[str, str]) -> Response:
    """Make a file in a thread; others may wait for it, so nothing stops when one of them leaves."""
    try:
        content = await asyncio.shield(asyncio.wrap_future(future))
    except Gone:
        return PlainTextResponse(GONE, 404, headers=FLEETING)
    except Refused as error:
        return PlainTextResponse(str(error), 422, headers=FLEETING)
    return Response(content, headers=headers, media_type="application/octet-stream")


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    future = _made(name) if re.fullmatch("[0-9a-f]{64}", name) else None
    if future is None:
        return PlainTextResponse(GONE, 404, headers=FLEETING)
    return await _given(future, COMPRESSED)


async def _answer(request: Request) -> Response:
    global _waiting
    if (answer := _answers.get((request.path_params["kind"], request.path_params["name"]))) is None:
        return PlainTextResponse(GONE, 404, headers=FLEETING)
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return PlainTextResponse("Another site's pages get no answer.", 403, headers=FLEETING)
    if (asked := await _body(request)) is None:
        return PlainTextResponse(f"That is too much; allowed: {MAX_ASKED} bytes.", 413, headers=FLEETING)
    if _waiting >= MAX_WAITING:
        return PlainTextResponse("Too many wait for the server.", 503, headers=FLEETING)
    _waiting += 1
    try:
        return await _given(_answerers.submit(answer, asked), FLEETING)
    finally:
        _waiting -= 1


async def _body(request: Request) -> bytes | None:
    """Read what a browser sends; None where it is too much, of which no more is read."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_ASKED:
            return None
    return bytes(body)


routes = [
    Route("/live/runtime/{version}/{name}", _runtime),
    Route("/live/file/{name}", _file),
    Route("/live/{kind}/{name}", _answer, methods=["POST"]),
]
