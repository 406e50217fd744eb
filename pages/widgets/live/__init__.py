"""The live view: decoders run in the browser and follow the hand; the server hears of a place when the hand lets go.

One component shows every view; `src/` holds its TypeScript, `built/` what Vite makes of it, `runtime/` the
onnxruntime-web that it runs. Where a model cannot be exported, or a browser cannot run it, the server decodes.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
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
MAX_FAILURES = 100  # that a visit remembers
DIGEST = 64  # characters of a hash

_component = st.components.v2.component(
    "vae_explorer_live",
    html='<div class="live"></div>',
    css=(_BUILT / "live.css").read_text("utf-8"),
    js=(_BUILT / "live.js").read_text("utf-8"),
)


def _content(opened: Opened, half: str, keep: int | None) -> bytes:
    """A decoder or encoder, from the disk where it was exported before."""
    model = opened.checkpoint.model
    make: dict[str, Callable[[], bytes]] = {
        "decoder": lambda: export.decoder(model, keep),
        "encoder": lambda: export.encoder(model),
    }
    name = f"{export.fingerprint(model)}-{half}{'' if keep is None else keep}.onnx"
    return FileCache("live", CACHE_BYTES).get(name, make[half])


@st.cache_resource(max_entries=1_000, show_spinner="Preparing the live view of this model; this is done once …")
def _graph(key: str, _opened: Opened, half: str, keep: int | None) -> tuple[str, str]:
    """The hash of half of a model, which is published then, or the reason why there is none."""
    try:
        content = _content(_opened, half, keep)
    except export.ExportError as error:
        return "", str(error)
    served.publish(*compressed(content))
    return export.digest(content), ""


def _address(opened: Opened, half: str, keep: int | None, digest: str) -> str:
    """Where a browser fetches half of a model; it is made anew where others took its place."""
    return served.address(digest) or served.publish(*compressed(_content(opened, half, keep)))


def why_not() -> str | None:
    """Why this browser decodes no model at all; None where it does."""
    if os.environ.get("VAE_LIVE", "on") == "off":
        return "this server has it switched off"
    return _failures().get("")


def _failures() -> dict[str, str]:
    """Why files could not be run in this visit, by their hash; by nothing, why none can."""
    return st.session_state.setdefault("live_failed", {})


def find(opened: Opened, keep: int | None = None, encodes: bool = False) -> dict[str, Any] | str:
    """The open model as the component takes it, or why the server has to decode.

    Args:
        opened: any model.
        keep: latent groups that are read, as `export.decoder` has it.
        encodes: the view encodes pictures too.
    """
    if reason := why_not():
        return reason
    wanted = {"decoder": keep, "encoder": None} if encodes else {"decoder": keep}
    graphs = {half: _graph(opened.key, opened, half, kept) for half, kept in wanted.items()}
    for digest, reason in graphs.values():
        if reason := reason or _failures().get(digest, ""):
            return reason
    found, spec = opened.checkpoint.model, opened.checkpoint.model.spec
    addresses = {half: _address(opened, half, wanted[half], digest) for half, (digest, _) in graphs.items()}
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
    return compressed(values.float().contiguous().numpy().astype("<f4").tobytes())


def compressed(content: bytes) -> tuple[bytes, str]:
    """A file compressed by gzip, and the hash of what it was."""
    return gzip.compress(content, compresslevel=6, mtime=0), export.digest(content)


def _note(reason: str) -> None:
    """That the pictures come from the server, and why."""
    if not _failures():
        if os.environ.get("VAE_LIVE", "on") != "off":
            st.caption(plain(f"Decoded on the server, when the hand lets go. {reason}"))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            plain(
                f"Decoded on the server, when the hand lets go: the live view does not run here ({reason.rstrip('.')})."
            )
        )
        again_button()


def again_button() -> None:
    """Try the live view once more, where a browser could not show it."""
    if _failures():
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
            if (widget := st.session_state.get(key)) is None:
                return
            found = widget.get(name)
            if isinstance(found, dict) and isinstance(count := found.get("count"), int):  # else a trigger
                st.session_state[f"{key}_told"] = max(count, st.session_state.get(f"{key}_told", 0))
                found = found.get("value")
            act(found)

        return heard

    whole = {
        **data,
        "view": view,
        "runtime": served.runtime_address(),
        "attempt": st.session_state.get("live_attempt", 0),
        "told": st.session_state.get(f"{key}_told", 0),
    }
    callbacks: dict[str, Any] = {
        f"on_{name}_change": told(name, act) for name, act in {**on, "failed": _failed}.items()
    }
    _component(key=key, data=whole, **callbacks)


def _failed(told: Any) -> None:
    """The browser cannot run a file, or any: the server's view takes over for this visit."""
    if isinstance(told, dict) and len(_failures()) < MAX_FAILURES:
        _failures()[str(told.get("file", ""))[-DIGEST:]] = str(told.get("reason"))[:MAX_REASON]
