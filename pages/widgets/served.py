"""What browsers fetch for the live view: the runtime, and decoders by their content's hash; kept by them for good."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

RUNTIME = Path(__file__).parent / "live" / "runtime"
TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm"}
MAX_FILES = 1_000  # held for all sessions together; those asked for longest ago go first
MAX_BYTES = 512 * 2**20
COMPRESSED = {  # once, and not for every visitor anew
    "Content-Encoding": "gzip",
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_files: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


@cache
def _runtime_files() -> dict[str, bytes]:
    """The runtime's files, compressed as they are sent, by name."""
    return {path.stem: path.read_bytes() for path in sorted(RUNTIME.glob("*.gz"))}


@cache
def runtime_address() -> str:
    """Where the runtime lies below the app's address: another version has another."""
    sha = hashlib.sha256()
    for name, content in _runtime_files().items():
        sha.update(name.encode() + content)
    return f"live/runtime/{sha.hexdigest()[:16]}/"


def address(digest: str) -> str | None:
    """Where a published file lies below the app's address; None where it is no longer held."""
    with _lock:
        if digest not in _files:
            return None
        _files.move_to_end(digest)
    return f"live/file/{digest}"


def publish(content: bytes, digest: str) -> str:
    """Let browsers fetch a file, compressed by gzip, by its hash; give its address below the app's.

    The hash of a visitor's own model is as good as a key: it cannot be guessed, and no page lists it.
    """
    with _lock:
        _files[digest] = content
        _files.move_to_end(digest)
        total = sum(map(len, _files.values()))
        while len(_files) > MAX_FILES or (total > MAX_BYTES and len(_files) > 1):
            total -= len(_files.popitem(last=False)[1])
    return f"live/file/{digest}"


async def _runtime(request: Request) -> Response:
    name = request.path_params["name"]
    content = _runtime_files().get(name)
    if content is None or not request.url.path.endswith(f"/{runtime_address()}{name}"):
        return PlainTextResponse("There is no such file of the runtime.", 404)
    return Response(content, headers=COMPRESSED, media_type=TYPES[Path(name).suffix])


async def _file(request: Request) -> Response:
    digest = request.path_params["digest"]
    content = _files.get(digest) if re.fullmatch("[0-9a-f]{64}", digest) else None
    if content is None:
        return PlainTextResponse("There is no such file; reload the page.", 404, headers={"Cache-Control": "no-store"})
    return Response(content, headers=COMPRESSED, media_type="application/octet-stream")


routes = [Route("/live/runtime/{version}/{name}", _runtime), Route("/live/file/{digest}", _file)]
