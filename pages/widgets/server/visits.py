"""When a visit ends: soon after the browser has left, and not only when the room is needed.

Streamlit keeps a visit whose socket is gone for `server.disconnectedSessionTTL` seconds, in case that the browser comes
back, and looks after that when another visit begins. A browser that leaves says so as it closes the socket; one whose
network fails says nothing, and is waited for.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import suppress
from typing import Any

from google.protobuf.message import DecodeError
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from pages.widgets.shell import uploads

GRACE = 5.0  # seconds that a visit stays after its browser has left
LEFT = (1000, 1001)  # what a browser says as it closes a socket: done, and going away
FIRST = 20  # messages at most before the one that says which visit it is
_UPLOAD = re.compile(r".*/_stcore/upload_file/([^/]+)/[^/]+")

_endings: dict[str, asyncio.TimerHandle] = {}
_coming: Counter[str] = Counter()  # bytes of files on their way, by the visit's id


class Visits:
    """ASGI middleware: ends a visit whose socket is closed, and bounds what one visit sends."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, but files that are too many."""
        if scope["type"] == "websocket":
            await self._watch(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "PUT" and (upload := _UPLOAD.fullmatch(scope["path"])):
            await self._count(upload[1], scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _watch(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Follow a socket from the message that names its visit to its end."""
        visit, code, left = "", 0, FIRST

        async def heard() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code") or 0
            return message

        async def sent(message: Message) -> None:
            nonlocal visit, left
            if not visit and left and (content := message.get("bytes")):
                left -= 1
                if visit := _visit_of(content):
                    _stay(visit)
            await send(message)

        try:
            await self.app(scope, heard, sent)
        finally:
            if visit:
                _leave(visit, GRACE if code in LEFT else float(config.get_option("server.disconnectedSessionTTL")))

    async def _count(self, visit: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a file in where the visit has room for it: Streamlit holds it until a page has taken it."""
        if not _is_here(visit):  # Streamlit refuses it
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        size = int(length) if length.isascii() and length.isdecimal() and len(length) < 16 else None
        files = _files(visit)
        held = sum(len(file.data) for file in list(files.values())) + _coming[visit]
        if size is None or held + size > uploads.MAX_BYTES + uploads.FRAME or len(files) >= uploads.MAX_FILES:
            uploads.refuse(visit)
            await PlainTextResponse(f"One visit holds {uploads.limit()}.", 413)(scope, receive, send)
            return
        _coming[visit] += size
        try:
            await self.app(scope, receive, send)
        finally:
            _coming[visit] -= size
            if not _coming[visit]:
                del _coming[visit]


def _files(visit: str) -> dict[str, Any]:
    """Tell what Streamlit holds of a visit's files."""
    manager = Runtime.instance().uploaded_file_mgr
    return manager.file_storage.get(visit, {}) if isinstance(manager, MemoryUploadedFileManager) else {}


def _is_here(visit: str) -> bool:
    """Tell whether the visit goes on."""
    return Runtime.instance().is_active_session(visit)


def _visit_of(content: bytes) -> str:
    """Return the id of a visit, where a message to the browser tells it."""
    with suppress(DecodeError):
        return ForwardMsg.FromString(content).new_session.initialize.session_id
    return ""


def _stay(visit: str) -> None:
    if ending := _endings.pop(visit, None):
        ending.cancel()


def _leave(visit: str, seconds: float) -> None:
    """End a visit after some seconds, unless its browser comes back."""
    _stay(visit)
    _endings[visit] = asyncio.get_running_loop().call_later(seconds, _end, visit)


def _end(visit: str) -> None:
    _endings.pop(visit, None)
    if not _is_here(visit):
        Runtime.instance().close_session(visit)
        uploads.forget(visit)
