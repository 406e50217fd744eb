"""The live view: decoders run in the browser and follow the hand; the server hears of a place when the hand lets go.

One component shows every view; `src/` holds its TypeScript, `built/` what Vite makes of it, `runtime/` the
onnxruntime-web that it runs. Where a model cannot be exported, or a browser cannot run it, the server decodes.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from torch import Tensor

from pages.widgets import served
from pages.widgets.models import Opened, plain
from vae_core import export
from vae_core.files import FileCache

_BUILT = Path(__file__).parent / "built"
CACHE_BYTES = 512 * 2**20
MAX_REASON = 200  # characters of a browser's own words

_component = st.components.v2.component(
    "vae_explorer_live",
    html='<div class="live"></div>',
    css=(_BUILT / "live.css").read_text("utf-8"),
    js=(_BUILT / "live.js").read_text("utf-8"),
)


@dataclass(frozen=True)
class _Graph:
    """Half of a model for the browser, compressed by gzip, or the reason why there is none."""

    content: bytes = b""
    digest: str = ""
    reason: str = ""


@st.cache_resource(max_entries=128, show_spinner="Preparing the live view of this model; this is done once …")
def _graph(key: str, _opened: Opened, half: str, keep: int | None) -> _Graph:
    """A decoder or encoder, from the disk where it was exported before."""
    model = _opened.checkpoint.model
    make: Callable[[], bytes] = {
        "decoder": lambda: export.decoder(model, keep),
        "encoder": lambda: export.encoder(model),
    }[half]
    name = f"{export.fingerprint(model)}-{half}{'' if keep is None else keep}.onnx"
    try:
        content = FileCache("live", CACHE_BYTES).get(name, make)
    except export.ExportError as error:
        return _Graph(reason=str(error))
    return _Graph(gzip.compress(content, mtime=0), export.digest(content))


def why_not() -> str | None:
    """Why nothing is decoded in this browser; None where it is."""
    if os.environ.get("VAE_LIVE", "on") == "off":
        return "this server has it switched off"
    return st.session_state.get("live_failed")


def find(opened: Opened, keep: int | None = None, encodes: bool = False) -> dict[str, Any] | str:
    """The open model as the component takes it, or why the server has to decode.

    Args:
        opened: any model.
        keep: latent groups that are read, as `export.decoder` has it.
        encodes: the view encodes pictures too.
    """
    if reason := why_not():
        return reason
    wanted = ("decoder", "encoder") if encodes else ("decoder",)
    graphs = {half: _graph(opened.key, opened, half, keep if half == "decoder" else None) for half in wanted}
    if reason := next((graph.reason for graph in graphs.values() if graph.reason), None):
        return reason
    found, spec = opened.checkpoint.model, opened.checkpoint.model.spec
    addresses = {half: served.publish(graph.content, graph.digest) for half, graph in graphs.items()}
    about = {"key": opened.key, "dim": spec.size, "classes": spec.classes or 0, "shape": list(found.image_shape)}
    return {**addresses, **about}


def model(opened: Opened, keep: int | None = None) -> dict[str, Any] | None:
    """What `find` gives; None, and a note on the page, where the server has to decode."""
    found = find(opened, keep)
    if isinstance(found, dict):
        return found
    _note(found)
    return None


def packed(values: Tensor) -> tuple[bytes, str]:
    """Numbers of any shape as float32, compressed by gzip, and their hash: what `served.publish` takes."""
    content = values.float().contiguous().numpy().astype("<f4").tobytes()
    return gzip.compress(content, mtime=0), export.digest(content)


def _note(reason: str) -> None:
    """That the pictures come from the server, and why."""
    if "live_failed" not in st.session_state:
        if os.environ.get("VAE_LIVE", "on") != "off":
            st.caption(plain(f"Decoded on the server, when the hand lets go. {reason}"))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(f"Decoded on the server, when the hand lets go: the live view does not run here ({reason})."))
        again_button()


def again_button() -> None:
    """Try the live view once more, where a browser could not show it."""
    if "live_failed" in st.session_state:
        st.button("Try again", key="live_again", type="tertiary", on_click=_again)


def _again() -> None:
    st.session_state.pop("live_failed", None)
    st.session_state["live_attempt"] = st.session_state.get("live_attempt", 0) + 1


def show(view: str, key: str, data: dict[str, Any], **on: Callable[[Any], None]) -> None:
    """Draw a view.

    Args:
        view: its name in `src/main.ts`.
        key: the widget's key.
        data: what the view takes.
        on: what to do, before the next run, with a value that the view tells: `places=...` gets its `places`.
    """

    def told(name: str, act: Callable[[Any], None]) -> Callable[[], None]:
        def heard() -> None:
            # What a view that is no longer on the page still says has no state to be read from.
            if (widget := st.session_state.get(key)) is not None:
                act(widget.get(name))

        return heard

    whole = {
        **data,
        "view": view,
        "runtime": served.runtime_address(),
        "attempt": st.session_state.get("live_attempt", 0),
    }
    callbacks: dict[str, Any] = {
        f"on_{name}_change": told(name, act) for name, act in {**on, "failed": _failed}.items()
    }
    _component(key=key, data=whole, **callbacks)


def _failed(reason: Any) -> None:
    """The browser cannot: the server's view takes over for this visit."""
    if reason is not None:
        st.session_state["live_failed"] = str(reason)[:MAX_REASON]
