"""What a browser says to Streamlit, put in an order in which no press and no page is lost.

Streamlit 1.67 loses three things where messages come close together, as on a tap, on Enter, or on a busy server:

- A page switch is sent at once, what a widget has to say a moment later. So the page that is left speaks last, and its
  run takes the place of the page that was asked for, or empties the browser. Here a switch waits for that moment.
- A press and what a fragment says in the same moment are one message, which runs the fragment alone. Here it runs the
  page.
- A run that has not begun when the next message comes never begins, and its callbacks are never called. Here each
  message waits until the run before it has called them; after a step back, until it has ended, since that run alone
  follows the link.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

LAST_WORDS = 0.06  # seconds that a page switch waits for what the page that is left still says
BEGIN = 5.0  # seconds at most that a message waits for the run before it to begin
# What is said while a run has not come to its callbacks, or is still in them, where they write the link.
BEFORE = ("new_session", "session_status_changed", "page_info_changed")
LARGE = 2**16  # bytes: what is larger is content, and not read here


class InOrder:
    """ASGI middleware around Streamlit's socket; everything else passes through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        connection = Connection(receive, send)
        try:
            await self.app(scope, connection.receive, connection.send)
        finally:
            connection.close()


class Connection:
    """One browser's socket, of which the requests to run a page are held, changed or dropped."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._reading: asyncio.Task[Message] | None = None
        self._held: deque[Message] = deque()
        self._page = ""  # the page that is open, or was asked for last
        self._told: dict[str, bytes] = {}  # what its widgets said last, by their ids
        self._announced = False  # the run that was asked for last
        self._went_back = False  # it follows the link as the only one, and is waited for to its end
        self._begun = asyncio.Event()
        self._begun.set()

    async def receive(self) -> Message:
        """Return the next message for Streamlit."""
        while True:
            message = await self._take()
            asked = _rerun(message)
            if asked is None:
                return message
            if is_switch(asked):
                following = await self._take(LAST_WORDS)
                words = _rerun(following)
                if words is not None and not is_switch(words):
                    self._held.appendleft(message)
                    asked = words
                elif following:
                    self._held.appendleft(following)
            if not self._is_stale(asked):
                return await self._pass_on(asked)

    async def send(self, message: Message) -> None:
        """Pass on what Streamlit says, and note which page is open and whether its run has begun."""
        content = message.get("bytes") or b""
        said = ForwardMsg.FromString(content) if 0 < len(content) < LARGE else ForwardMsg()
        kind = said.WhichOneof("type")
        if kind == "new_session":
            self._page, self._announced = said.new_session.page_script_hash, True
        elif kind == "navigation":  # the page of a link is not known before
            self._page = said.navigation.page_script_hash
        is_sign = kind == "script_finished" if self._went_back else kind not in BEFORE
        if content and is_sign and self._announced:
            self._begun.set()  # its callbacks came before anything that it shows
        await self._send(message)

    def close(self) -> None:
        """Stop listening."""
        if self._reading is not None:
            self._reading.cancel()

    async def _take(self, seconds: float | None = None) -> Message:
        """Tell what was held back, or the browser says next; nothing, where it says nothing for so long."""
        if self._held:
            return self._held.popleft()
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._receive())
        done, _ = await asyncio.wait({self._reading}, timeout=seconds)
        if not done:
            return {}
        reading, self._reading = self._reading, None
        return reading.result()

    def _is_stale(self, asked: ClientState) -> bool:
        """Tell whether a page speaks that has been left: what it says would bring it back."""
        page = asked.page_script_hash
        return bool(page and self._page) and page != self._page and not is_switch(asked)

    async def _pass_on(self, asked: ClientState) -> Message:
        """Return the message that asks for this run, once the run before it has begun."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._begun.wait(), BEGIN)
        self._page = asked.page_script_hash or self._page
        if asked.is_auto_rerun:  # a press that waits to be sent is not told twice
            kept = [state for state in asked.widget_states.widgets if not _is_trigger(state)]
            del asked.widget_states.widgets[:]
            asked.widget_states.widgets.extend(kept)
        else:
            self._announced, self._went_back = False, asked.is_history_navigation
            self._begun.clear()
        states = {state.id: state.SerializeToString() for state in asked.widget_states.widgets}
        if not asked.is_auto_rerun and sum(self._told.get(key) != state for key, state in states.items()) > 1:
            asked.fragment_id = ""
        self._told = {state.id: states[state.id] for state in asked.widget_states.widgets if not _is_trigger(state)}
        return {"type": "websocket.receive", "bytes": BackMsg(rerun_script=asked).SerializeToString()}


def _rerun(message: Message) -> ClientState | None:
    """Tell what a message asks to be run; None where it asks for something else."""
    try:
        asked = BackMsg.FromString(message.get("bytes") or b"")
    except DecodeError:  # Streamlit has its own word for it
        return None
    return asked.rerun_script if asked.WhichOneof("type") == "rerun_script" else None


def is_switch(asked: ClientState) -> bool:
    """Tell whether another page is asked for: no widget of the old one is told, and the frame around them has none."""
    return bool(asked.page_script_hash) and not asked.fragment_id and not asked.widget_states.widgets


def _is_trigger(state: WidgetState) -> bool:
    """Tell whether it is a press, told once, and not a value, told every time."""
    return (state.WhichOneof("value") or "").endswith("trigger_value")
