#!/usr/bin/env bash
# Streamlit 1.67.0: of two presses that come close together, the first one's callback may never be called.
#
# Each press is a valid message of its own. A run that is still to begin when the next message comes is given up or put
# together with it, and what was pressed first is often neither run nor handed on. Seen: two buttons pressed in two
# messages, one right after the other, twenty times, the server on one processor: of the first button's callbacks 4 to 9
# were called, of the second's all 20; the same with `runner.fastReruns = false`. Expected: 20 and 20.
#
# This script plays the browser over the socket, and fails if Streamlit behaves otherwise.
set -euo pipefail

folder="$(mktemp -d)"
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "streamlit==1.67.0" "websockets==15.0.1"

mkdir "$folder/app"
cat > "$folder/app/main.py" <<'PY'
import streamlit as st


def count(name: str) -> None:
    st.session_state[name] = st.session_state.get(name, 0) + 1


st.button("first", key="first", on_click=count, args=("a",))
st.button("second", key="second", on_click=count, args=("b",))
st.text(f"counted {st.session_state.get('a', 0)} {st.session_state.get('b', 0)}")
PY

cat > "$folder/browser.py" <<'PY'
import re
import sys
import time
import urllib.request

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

TIMES = 20
port = sys.argv[1]
for _ in range(120):
    try:
        urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1)
        break
    except OSError:
        time.sleep(0.5)

link = connect(f"ws://localhost:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None)
page, ids, counted = "", {}, (0, 0)


def say(press: str = "") -> None:
    message = BackMsg()
    message.rerun_script.page_script_hash = page
    if press:
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = ids[press], True
    link.send(message.SerializeToString())


def hear(seconds: float, second: int | None = None) -> None:
    """Listen for so long, or until the second button has been counted so often."""
    global page, counted
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and counted[1] != second:
        try:
            said = ForwardMsg.FromString(link.recv(timeout=left))
        except TimeoutError:
            return
        if said.WhichOneof("type") == "new_session":
            page = said.new_session.page_script_hash
        element = said.delta.new_element
        if element.WhichOneof("type") == "button":
            ids[element.button.label] = element.button.id
        if element.WhichOneof("type") == "text" and (found := re.fullmatch(r"counted (\d+) (\d+)", element.text.body)):
            counted = int(found[1]), int(found[2])


say()
hear(3)
for i in range(TIMES):
    say("first")
    say("second")
    hear(10, i + 1)
    hear(0.2)
print(f"pressed {TIMES} times each, first and right after it second; callbacks called: {counted[0]} and {counted[1]}")
sys.exit(not (counted[0] < TIMES and counted[1] == TIMES))
PY

cd "$folder/app"
for fast in true false; do
    port=$((20000 + RANDOM % 20000))
    taskset -c 0 "$folder/venv/bin/streamlit" run main.py --server.port "$port" --server.headless true \
        --browser.gatherUsageStats false --runner.fastReruns "$fast" > "$folder/server.log" 2>&1 &
    server=$!
    echo "streamlit $("$folder/venv/bin/python" -c 'import streamlit; print(streamlit.__version__)'), fastReruns $fast:"
    "$folder/venv/bin/python" "$folder/browser.py" "$port"
    kill "$server"
done
