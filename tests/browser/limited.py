"""The app with a low limit of what a visit may hold, and a route that tells what is held."""

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from streamlit.runtime import Runtime

from app import PAGES, SHELL
from pages.widgets.server import visits
from pages.widgets.shell import uploads

uploads.MAX_FILES, uploads.MAX_BYTES, uploads.FRAME = 3, 60_000, 1_000
visits.GRACE = 2.0


async def held(request: Request) -> JSONResponse:
    """By visit: the titles of what it keeps, and how many files Streamlit still has of it."""
    files = Runtime.instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    kept = {visit: [one.title for one in shelf.values()] for visit, shelf in uploads._shelves.items()}
    return JSONResponse({"kept": kept, "streamlit": {visit: len(each) for visit, each in files.items() if each}})


app = st.App(PAGES / "router.py", **SHELL | {"routes": [*SHELL["routes"], Route("/held", held)]})
