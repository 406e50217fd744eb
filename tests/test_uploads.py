import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import ClassVar

import pytest
from starlette.responses import PlainTextResponse
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest

from pages.widgets.server import visits
from pages.widgets.shell import uploads
from tests.conftest import in_own_loop


def page() -> None:
    import streamlit as st

    from pages.widgets.shell import uploads

    def take(files) -> None:
        for file in files:
            uploads.keep("file", file.name, file.name, file.content, len(file.content))

    uploads.uploader("Files", "place", take, 2**20, many=True)
    if used := st.session_state.get("used"):
        st.text(uploads.find("file", used).decode())
    st.json(list(uploads.of_kind("file")))
    if told := uploads.trim():
        st.info(told)


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """A visit, and files that it gives one after another; at most three of ten bytes together."""
    monkeypatch.setattr(uploads, "MAX_FILES", 3)
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    app = AppTest.from_function(page).run()

    def given(*files: tuple[str, bytes]) -> AppTest:
        app.file_uploader[0].set_value([(name, content, "") for name, content in files]).run()
        assert not app.exception
        return app

    return given


def held(app: AppTest) -> list[str]:
    return [name for _, name in app.session_state["uploads"]]


def test_what_was_used_longest_ago_makes_room_and_the_page_says_so(give) -> None:
    app = give(("a", b"1"), ("b", b"1"), ("c", b"1"))
    assert held(app) == ["a", "b", "c"] and not app.info
    app.session_state["used"] = "a"
    app.run()
    app = give(("d", b"1"))
    assert sorted(held(app)) == ["a", "c", "d"]
    assert app.info[0].value.endswith("was removed: b.") and "up to 3 files" in app.info[0].value
    assert not app.run().info


def test_files_that_were_not_let_in_are_told(give) -> None:
    shelf = give(("a", b"1")).session_state["uploads"]
    (visit,) = (name for name, one in uploads._shelves.items() if one is shelf)
    uploads.refuse(visit)
    uploads.refuse(visit)
    app = give(("b", b"1"))
    assert app.info[0].value.endswith("; 2 more were not taken.") and held(app) == ["a", "b"]


def test_bytes_are_counted_together(give) -> None:
    app = give(("a", b"12345"), ("b", b"1234"))
    assert held(app) == ["a", "b"]
    assert held(give(("c", b"1234567"))) == ["c"]  # a and b have to go
    assert held(give(("c", b"12"), ("d", b"12345678"))) == ["c", "d"]


def test_the_same_file_again_is_held_once(give) -> None:
    give(("a", b"12345"))
    assert held(give(("a", b"12345"))) == ["a"]


def test_streamlit_keeps_nothing_of_what_was_taken(give, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

    removed: list[str] = []
    remove = MemoryUploadedFileManager.remove_file

    def watched(self, session_id: str, file_id: str) -> None:
        removed.append(file_id)
        remove(self, session_id, file_id)

    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", watched)
    app = give(("a", b"1"), ("b", b"1"))
    assert len(removed) == 2 and not app.file_uploader[0].value  # empty again


def test_an_end_frees_all(give) -> None:
    shelf = give(("a", b"1")).session_state["uploads"]
    (visit,) = (name for name, one in uploads._shelves.items() if one is shelf)
    uploads.forget(visit)
    assert not shelf and visit not in uploads._shelves
    uploads.forget(visit)


# --- the server's side --------------------------------------------------------------------------------------------


def put(size: int | None, visit: str = "me") -> int:
    """The status of a file's answer, sent in one piece of this size."""
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"x" * (size or 0)}

    async def send(message: dict) -> None:
        sent.append(message)

    headers = [] if size is None else [(b"content-length", str(size).encode())]
    scope = {"type": "http", "method": "PUT", "path": f"/base/_stcore/upload_file/{visit}/1", "headers": headers}
    in_own_loop(visits.Visits(PlainTextResponse("taken"))(scope, receive, send))
    return sent[0]["status"]


def test_one_visit_sends_a_limited_number_and_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[int] = []  # their bytes
    monkeypatch.setattr(visits, "_files", lambda _: {i: SimpleNamespace(data=b"x" * n) for i, n in enumerate(files)})
    for name, value in (("MAX_FILES", 3), ("MAX_BYTES", 10), ("FRAME", 2)):
        monkeypatch.setattr(uploads, name, value)
    monkeypatch.setattr(visits, "_is_here", lambda visit: False)
    assert put(13) == 200 and not uploads._refused  # of no visit: passed on to Streamlit, and not remembered
    monkeypatch.setattr(visits, "_is_here", lambda visit: True)
    assert put(10) == 200 and put(13) == 413 and put(None) == 413
    files[:] = [5, 5]
    assert put(2) == 200 and put(3) == 413
    files[:] = [1, 1, 1]
    assert put(1) == 413 and not visits._coming
    assert uploads._refused.pop("me") == 4


class Runtime:
    """Streamlit's, as far as an end of a visit has to do with it."""

    active: ClassVar[set[str]] = set()
    closed: ClassVar[list[str]] = []

    def is_active_session(self, visit: str) -> bool:
        return visit in self.active

    def close_session(self, visit: str) -> None:
        self.closed.append(visit)


async def connect(code: int | None, visit: str = "me") -> None:
    """A socket that names its visit, and is closed with a code."""
    named = ForwardMsg()
    named.new_session.initialize.session_id = visit
    messages = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": code}]

    async def streamlit_app(scope, receive, send) -> None:
        await receive()
        for content in (ForwardMsg(), named):
            await send({"type": "websocket.send", "bytes": content.SerializeToString()})
        await receive()

    async def receive() -> dict:
        return messages.pop(0)

    async def send(message: dict) -> None: ...

    await visits.Visits(streamlit_app)({"type": "websocket"}, receive, send)


@pytest.mark.parametrize(
    ("codes", "back", "closed"),
    [
        ([1001], False, ["me"]),
        ([1000], False, ["me"]),
        ([1006], False, []),  # not yet
        ([None], False, []),
        ([1001], True, []),  # it has come back meanwhile
        ([1006, 1001], False, ["me"]),
        ([1001, 1006], False, []),
    ],
)
def test_a_visit_ends_soon_after_its_browser_has_left(codes, back, closed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Runtime, "active", {"me"} if back else set())
    monkeypatch.setattr(Runtime, "closed", [])
    monkeypatch.setattr(visits, "Runtime", SimpleNamespace(instance=Runtime))
    monkeypatch.setattr(visits, "GRACE", 0.01)
    shelf = uploads._shelves["me"] = uploads.Shelf({("a", "b"): uploads.Held("", b"", 0)})

    async def visit() -> None:
        for code in codes:
            await connect(code)
        await asyncio.sleep(0.1)
        for ending in visits._endings.values():
            ending.cancel()
        visits._endings.clear()

    in_own_loop(visit())
    assert Runtime.closed == closed and bool(shelf) != bool(closed)
    uploads.forget("me")
