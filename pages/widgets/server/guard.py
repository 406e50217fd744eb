"""Whom the server answers, and what every answer tells the browser that it may do with it.

A page on a stranger's site can give its own name the address of this machine (DNS rebinding), and would then be read
as a page of this server's: so the name by which somebody asks is looked at, of pages, files and sockets alike. An
address made of numbers belongs to nobody, and is answered where the server listens beyond this machine.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit import config

from pages.widgets.server import errors

METRICS = "/_stcore/metrics"
REFUSED = 1008  # a socket's status: against the rules
_NOTHING = "default-src 'none'; frame-ancestors 'none'"
_HOST = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_-][a-z0-9._-]{0,252}))(?::\d{1,5})?", re.IGNORECASE)
_ORIGIN = re.compile(r"(https?://)?[a-z0-9*_.-]+(:\d{1,5})?", re.IGNORECASE)
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@cache
def named() -> tuple[str, ...]:
    """Return the names that the owner gives the server; `*.school.example` is every name below, `*` any.

    Read once: from then on Streamlit's list, which it asks for sockets alone and which knows no addresses, allows all.
    """
    names = [*config.get_option("server.allowedHosts"), config.get_option("server.address")]
    if config.is_manually_set("browser.serverAddress"):
        names.append(config.get_option("browser.serverAddress"))
    config.set_option("server.allowedHosts", ["*"])
    return tuple(name.strip().strip("[]").rstrip(".").lower() for name in names if name)


def is_allowed(host: str | None) -> bool:
    """Tell whether the server answers to a `Host` header: this machine's own, names given, numbers where it may."""
    names, parts = named(), _HOST.fullmatch(host or "")
    if parts is None:
        return False
    name = (parts[1] or parts[2]).rstrip(".").lower()
    if name in ("localhost", *names) or "*" in names:
        return True
    if any(name.endswith(given[1:]) for given in names if given.startswith("*.")):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback or _listens_beyond()
    except ValueError:
        return False


def _listens_beyond() -> bool:
    """Tell whether others than this machine can reach the server."""
    address = config.get_option("server.address") or "0.0.0.0"
    try:
        return not ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address != "localhost"


@cache
def _inline_scripts() -> str:
    """Return the hashes of the scripts that stand in Streamlit's own page."""
    page = Path(st.__file__).with_name("static") / "index.html"
    digests = [hashlib.sha256(text.encode()).digest() for text in _INLINE.findall(page.read_text("utf-8"))]
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def policy(host: str) -> str:
    """Return the content security policy: what is not listed is not loaded; `host` is one that `is_allowed`.

    Components come as modules from blobs, their worker too, which runs WebAssembly; Streamlit and Plotly write styles
    into the page, and the camera's picture is data that is fetched. The socket is named, since not every browser takes
    it for the page's own; a policy has no words for addresses of IPv6.
    """
    framing = [origin for origin in config.get_option("client.allowedOrigins") if _ORIGIN.fullmatch(origin)]
    parts = {
        "default-src": "'none'",
        "script-src": f"'self' blob: 'wasm-unsafe-eval' {_inline_scripts()}",
        "worker-src": "'self' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' blob:",
        "connect-src": "'self' data:" + f" ws://{host} wss://{host}" * (not host.startswith("[")),
        "manifest-src": "'self'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(["'self'", *framing]),
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


class Guard:
    """Around the whole app: asks by which name it was called, and writes the rules on what it answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse in a sentence."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        host = Headers(scope=scope).get("host")
        if scope["type"] == "websocket":
            answer = self.app if is_allowed(host) else WebSocketClose(REFUSED)
            return await answer(scope, receive, send)
        begun = False

        async def ruled(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message).update(_rules(host))
            await send(message)

        try:
            await (_refusal(scope, host) or self.app)(scope, receive, ruled)
        except Exception as error:
            number = errors.record(error)
            if begun:
                raise
            await PlainTextResponse(errors.SENTENCE.format(number), 500)(scope, receive, ruled)


def _rules(host: str | None) -> dict[str, str]:
    """Return the headers of every answer."""
    return {
        "Content-Security-Policy": policy(host) if host and is_allowed(host) else _NOTHING,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def _refusal(scope: Scope, host: str | None) -> PlainTextResponse | None:
    """Return what is said to those whom the server does not answer; None where it does."""
    if not is_allowed(host):
        return PlainTextResponse(
            "This server does not answer to the name in the address. Its owner can give it that name: "
            "streamlit run app.py --server.allowedHosts NAME",
            400,
        )
    if scope["path"].rstrip("/").endswith(METRICS) and not _is_owner(scope):
        return PlainTextResponse("Only the owner of this server sees what it counts, from the server itself.", 404)
    return None


def _is_owner(scope: Scope) -> bool:
    """Tell whether somebody asks from this machine itself."""
    try:
        return ipaddress.ip_address((scope.get("client") or ("",))[0]).is_loopback
    except ValueError:
        return False
