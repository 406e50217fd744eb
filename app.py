"""The server shell: `streamlit run app.py` finds `app`, the pages begin in pages/router.py."""

import os
import sys
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pages.widgets.live import served
from pages.widgets.server import errors, guard, messages, one_lock, visits

PAGES = Path(__file__).resolve().with_name("pages")


async def healthz(request: Request) -> PlainTextResponse:
    """Say that the server answers, for whoever waits for it or watches over it."""
    return PlainTextResponse("ok", headers={"Cache-Control": "no-store"})


# Before torch comes in: a thread of its pool that finds no work would otherwise keep a processor busy while it waits,
# and where others need that processor, too, drawing a grid of many small steps takes twenty times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Streamlit puts the router's folder on the path for each run and takes it off again unless it is there already; an
# import in another thread (a t-SNE beginning) that walks the path at that moment would miss an entry.
sys.path.append(str(PAGES))

one_lock.share()
SHELL: dict[str, Any] = {  # what is the same whichever pages it serves
    "routes": [Route("/healthz", healthz), *served.routes],
    "middleware": [Middleware(guard.Guard), Middleware(visits.Visits), Middleware(messages.InOrder)],
    "on_script_error": errors.show,
}
app = st.App(PAGES / "router.py", **SHELL)
