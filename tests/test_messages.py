"""Messages between a browser and Streamlit come in an order in which no press and no page is lost."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from starlette.types import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from pages.widgets.server import messages
from tests.conftest import in_own_loop

Act = Callable[["Socket"], Coroutine[Any, Any, None]]


class Socket:
    """A browser on one side and Streamlit on the other, with what passed to each."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: list[Message] = []
        self.connection = messages.Connection(self.said.get, self._sent)

    async def _sent(self, message: Message) -> None:
        self.sent.append(message)

    def say(self, page: str, *states: WidgetState, fragment: str = "", auto: bool = False, back: bool = False) -> None:
        asked = ClientState(page_script_hash=page, fragment_id=fragment, is_auto_rerun=auto, is_history_navigation=back)
        asked.widget_states.widgets.extend(states)
        self.said.put_nowait({"type": "websocket.receive", "bytes": BackMsg(rerun_script=asked).SerializeToString()})

    async def heard(self, seconds: float = 10) -> ClientState | None:
        """What Streamlit hears next; None where it hears nothing for so long."""
        try:
            message = await asyncio.wait_for(self.connection.receive(), seconds)
        except TimeoutError:
            return None
        return BackMsg.FromString(message["bytes"]).rerun_script

    async def begins(self, page: str, link: str | None = None) -> None:
        """Streamlit announces a run, of a link before its page is known, and then says which page it shows."""
        await self.announces(page if link is None else link)
        await self.shows(page)

    async def announces(self, page: str) -> None:
        """Streamlit announces a run: its callbacks are still to be called, and write the link."""
        announced, running, written = ForwardMsg(), ForwardMsg(), ForwardMsg()
        announced.new_session.page_script_hash = page
        running.session_status_changed.script_is_running = True
        written.page_info_changed.query_string = "seed=1"
        for message in (announced, running, written):
            await self.tells(message)

    async def shows(self, page: str) -> None:
        """Streamlit says which page it is: the callbacks were called."""
        shown = ForwardMsg()
        shown.navigation.page_script_hash = page
        await self.tells(shown)

    async def tells(self, message: ForwardMsg) -> None:
        await self.connection.send({"type": "websocket.send", "bytes": message.SerializeToString()})


def value(name: str, number: int) -> WidgetState:
    return WidgetState(id=name, int_value=number)


def press(name: str) -> WidgetState:
    return WidgetState(id=name, trigger_value=True)


def run(act: Act) -> None:
    async def whole() -> None:
        socket = Socket()
        socket.say("old", value("n", 1))
        assert (await socket.heard()).page_script_hash == "old"
        await socket.begins("old")
        await act(socket)
        socket.connection.close()

    in_own_loop(whole())


def test_what_a_page_says_as_it_is_left_is_heard_before_the_next_page_opens() -> None:
    async def act(socket: Socket) -> None:
        socket.say("new")
        socket.say("old", value("n", 2), fragment="f")
        assert (await socket.heard()).fragment_id == "f"
        await socket.begins("old")
        assert (await socket.heard()).page_script_hash == "new"

    run(act)


def test_what_a_page_says_after_it_was_left_does_not_bring_it_back() -> None:
    async def act(socket: Socket) -> None:
        socket.say("new")
        assert (await socket.heard()).page_script_hash == "new"
        socket.say("old", value("n", 2), fragment="f")
        socket.say("old", value("n", 3), press("b"))
        assert await socket.heard(0.3) is None
        await socket.begins("new")
        socket.say("new", value("m", 1))
        assert (await socket.heard()).page_script_hash == "new"

    run(act)


@pytest.mark.parametrize("link", [None, "", "first"])
def test_a_page_that_the_server_opened_is_heard(link: str | None) -> None:
    async def act(socket: Socket) -> None:
        await socket.begins("other", link)
        socket.say("other", value("m", 1))
        assert (await socket.heard()).page_script_hash == "other"

    run(act)


def test_a_page_that_a_deep_link_opened_is_heard() -> None:
    async def act(socket: Socket) -> None:
        await socket.begins("frame")  # of all pages; which of them it is comes a moment later
        await socket.shows("page")
        socket.say("page", value("m", 1))
        assert (await socket.heard()).page_script_hash == "page"

    run(act)


@pytest.mark.parametrize(
    ("states", "fragment"),
    [
        pytest.param([value("n", 2), value("view", 1)], "", id="two of them"),
        pytest.param([value("n", 1), value("view", 1)], "f", id="the view alone"),
        pytest.param([value("n", 1), value("view", 1), press("b")], "", id="the view and a press"),
        pytest.param([value("n", 1), press("b")], "f", id="a press in the fragment"),
    ],
)
def test_what_a_fragment_says_together_with_another_widget_runs_the_whole_page(
    states: list[WidgetState], fragment: str
) -> None:
    async def act(socket: Socket) -> None:
        socket.say("old", *states, fragment="f")
        asked = await socket.heard()
        assert asked.fragment_id == fragment
        assert list(asked.widget_states.widgets) == states

    run(act)


def test_a_message_waits_until_the_run_before_it_has_called_what_it_was_asked_to() -> None:
    async def act(socket: Socket) -> None:
        socket.say("old", value("n", 1), press("a"))
        socket.say("old", value("n", 1), press("b"))
        assert (await socket.heard()).widget_states.widgets[1].id == "a"
        waiting = asyncio.ensure_future(socket.connection.receive())
        await socket.announces("old")
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await socket.shows("old")
        message = await asyncio.wait_for(waiting, 5)
        assert BackMsg.FromString(message["bytes"]).rerun_script.widget_states.widgets[1].id == "b"

    run(act)


def test_what_is_said_after_a_step_back_waits_until_the_page_has_followed_the_link() -> None:
    async def act(socket: Socket) -> None:
        socket.say("old", back=True)
        assert (await socket.heard()).is_history_navigation
        socket.say("old", value("n", 2))
        waiting = asyncio.ensure_future(socket.connection.receive())
        await socket.begins("old")
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await socket.tells(ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY))
        assert BackMsg.FromString((await asyncio.wait_for(waiting, 5))["bytes"]).rerun_script.widget_states

    run(act)


def test_a_run_that_never_begins_holds_nothing_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "BEGIN", 0.05)

    async def act(socket: Socket) -> None:
        for name in ("a", "b"):
            socket.say("old", press(name))
            assert (await socket.heard()).widget_states.widgets[0].id == name

    run(act)


def test_a_timer_tells_no_press_and_holds_nothing() -> None:
    """The press that waits in the browser for its own message would be told twice."""

    async def act(socket: Socket) -> None:
        socket.say("old", value("n", 2), value("m", 1), press("a"), fragment="clock", auto=True)
        socket.say("old", value("n", 1), press("a"))
        first, second = await socket.heard(), await socket.heard()
        assert [state.id for state in first.widget_states.widgets] == ["n", "m"] and first.fragment_id == "clock"
        assert [state.id for state in second.widget_states.widgets] == ["n", "a"]

    run(act)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "websocket.receive", "bytes": BackMsg(stop_script=True).SerializeToString()},
        {"type": "websocket.receive", "bytes": b"\xff"},
        {"type": "websocket.receive", "text": "words"},
        {"type": "websocket.disconnect", "code": 1001},
    ],
    ids=str,
)
def test_everything_else_passes_as_it_is(message: Message) -> None:
    async def act(socket: Socket) -> None:
        socket.said.put_nowait(message)
        assert await socket.connection.receive() is message

    run(act)


def test_other_scopes_pass_as_they_are() -> None:
    seen: list[object] = []

    async def app(*given: object) -> None:
        seen.extend(given)

    in_own_loop(messages.InOrder(app)({"type": "http"}, None, None))  # type: ignore[arg-type]
    assert seen == [{"type": "http"}, None, None]
