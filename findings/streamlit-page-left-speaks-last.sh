#!/usr/bin/env bash
# Streamlit 1.67.0: a page that is left can take the place of the page that was asked for.
#
# A browser sends a page switch at once, and what a widget has to say a moment later (its state is flushed by a timer of
# 0 ms). A press on a page's name that also ends the editing of a widget within a fragment therefore gives two messages:
# "open page B", then "run fragment F of page A". Both are valid. Seen: the server opens B, then announces a run of page A
# with a fragment that is gone, which shows nothing; so the last page that it names is A, and a browser empties itself.
# Expected: the second message is dropped, or runs page B.
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
import time

import streamlit as st


@st.fragment
def part() -> None:
    st.slider("n", key="n")


def a() -> None:
    st.title("Page A")
    part()


def b() -> None:
    st.title("Page B")
    time.sleep(0.3)
    st.write("done")


st.navigation([st.Page(a, title="A", default=True), st.Page(b, title="B")]).run()
PY

cat > "$folder/browser.py" <<'PY'
import sys
import time
import urllib.request

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

port = sys.argv[1]
for _ in range(120):
    try:
        urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1)
        break
    except OSError:
        time.sleep(0.5)

link = connect(f"ws://localhost:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None)
pages, fragment, named = {}, "", []


def say(page: str, part: str = "") -> None:
    message = BackMsg()
    message.rerun_script.page_script_hash = page
    message.rerun_script.fragment_id = part
    link.send(message.SerializeToString())


def hear(seconds: float) -> None:
    global fragment
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            said = ForwardMsg.FromString(link.recv(timeout=left))
        except TimeoutError:
            return
        kind = said.WhichOneof("type")
        if kind == "navigation":
            pages.update({page.page_name: page.page_script_hash for page in said.navigation.app_pages})
        if kind == "new_session":
            named.append(said.new_session.page_script_hash)
        if kind == "delta" and said.delta.fragment_id:
            fragment = said.delta.fragment_id


say("")
hear(4)
assert fragment and {"A", "B"} <= set(pages), (fragment, pages)
named.clear()
say(pages["B"])
time.sleep(0.1)
say(pages["A"], fragment)
hear(4)
names = [next((name for name, key in pages.items() if key == found), "?") for found in named]
print("asked for: B, then a fragment of A. Pages that the server announced, in order:", ", ".join(names))
sys.exit(names != ["B", "A"])
PY

port=$((20000 + RANDOM % 20000))
cd "$folder/app"
"$folder/venv/bin/streamlit" run main.py --server.port "$port" --server.headless true --browser.gatherUsageStats false \
    > "$folder/server.log" 2>&1 &
server=$!
"$folder/venv/bin/python" -c 'import streamlit; print("streamlit", streamlit.__version__)'
"$folder/venv/bin/python" "$folder/browser.py" "$port"
