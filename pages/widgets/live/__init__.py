"""The live view: decoders run in the browser and follow the hand; the server hears of a place when the hand lets go.

One component shows every view; `src/` holds its TypeScript, `built/` what Vite makes of it, `runtime/` the
onnxruntime-web that it runs. Where a model cannot be exported, or a browser cannot run it, the server decodes.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import weakref
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from pages.widgets import components, served
from pages.widgets.models import Opened, plain
from vae_core import explore, export
from vae_core.files import FileCache
from vae_core.model import VAE

_BUILT = Path(__file__).parent / "built"
CACHE_BYTES = 512 * 2**20
COMPRESSION = 1  # weights shrink by a tenth at most, however long one tries
MAX_PIXELS = 2**22  # numbers of pictures that a browser is sent in one answer, until it decodes
MAX_REASON = 200  # characters of a browser's own words
MAX_FAILURES = 100  # that a visit remembers
DIGEST = 64  # characters of a hash

_component = st.components.v2.component(
    "vae_explorer_live",
    html='<div class="live"></div>',
    css=(_BUILT / "live.css").read_text("utf-8"),
    js=(_BUILT / "live.js").read_text("utf-8"),
)


@st.cache_resource(max_entries=1_000, show_spinner=False)
def _known(key: str, _opened: Opened) -> tuple[str, str]:
    """The fingerprint of a model, and why no browser would run it; no reason where one may."""
    try:
        export.check(_opened.checkpoint.model)
    except export.ExportError as error:
        return "", str(error)
    return export.fingerprint(_opened.checkpoint.model), ""


def _holder(opened: Opened) -> Callable[[], VAE]:
    """What gives the model as long as somebody holds it: a visitor's own ends with the visit."""
    held = weakref.ref(opened.checkpoint)

    def model() -> VAE:
        if (checkpoint := held()) is None:
            raise served.Gone
        return checkpoint.model

    return model


def _promise(opened: Opened, fingerprint: str, half: str, keep: int | None, flow: bool) -> str:
    """The name under which half of a model is promised: it is exported, or read from the disk, when it is fetched."""
    model, part = _holder(opened), f"{half}{'' if keep is None else keep}{'-flow' * flow}"
    name = hashlib.sha256(f"{fingerprint} {part}".encode()).hexdigest()

    def export_it() -> bytes:
        found = model()
        return export.decoder(found, keep, True, flow) if half == "decoder" else export.encoder(found)

    def make() -> bytes:
        try:
            return compressed(FileCache("live", CACHE_BYTES).get(f"{fingerprint}-{part}.onnx", export_it))[0]
        except export.ExportError as error:
            raise served.Refused(str(error)) from error

    served.promise(name, make)
    return name


def points(opened: Opened, about: Hashable, make: Callable[[VAE], Tensor]) -> str:
    """Where a browser fetches numbers that are made when it asks for them; `about` tells those of a model apart."""
    model = _holder(opened)
    name = hashlib.sha256(f"{opened.key} {about!r}".encode()).hexdigest()
    return served.promise(name, lambda: packed(make(model()))[0])


def _numbers(model: VAE, flow: bool) -> tuple[int, int]:
    """How many numbers a decoder takes for one picture: of a point, and weights of classes."""
    if flow:
        return explore.flow_of(model).dim, export.classes_behind(model)
    return model.spec.size, model.spec.classes or 0


def _painter(opened: Opened, keep: int | None, flow: bool) -> served.Decode:
    """What decodes for a browser that does not yet: points and class weights, float32, to grey levels (N, C, H, W)."""
    model = _holder(opened)

    def paint(asked: bytes) -> bytes:
        found = model()
        size, classes = _numbers(found, flow)
        rows, rest = divmod(len(asked), 4 * (size + classes))
        if rest or not 0 < rows <= MAX_PIXELS // math.prod(found.image_shape):
            raise served.Refused(f"{len(asked)} bytes are no points of this model, or too many.")
        values = torch.frombuffer(bytearray(asked), dtype=torch.float32)
        if not values.isfinite().all():
            raise served.Refused("The points are not finite.")
        z, y = values[: rows * size].reshape(rows, size), values[rows * size :].reshape(rows, classes)
        x = export.pictures(found, z, y, keep, flow).nan_to_num().clamp(0, 1)
        return (255 * x).round().to(torch.uint8).numpy().tobytes()

    return paint


def why_not() -> str | None:
    """Why this browser decodes no model at all; None where it does."""
    if os.environ.get("VAE_LIVE", "on") == "off":
        return "this server has it switched off"
    return _failures().get("")


def _failures() -> dict[str, str]:
    """Why files could not be run in this visit, by their hash; by nothing, why none can."""
    return st.session_state.setdefault("live_failed", {})


def find(opened: Opened, keep: int | None = None, encodes: bool = False, flow: bool = False) -> dict[str, Any] | str:
    """The open model as the component takes it, or why the server has to decode.

    Args:
        opened: any model.
        keep: latent groups that are read, as `export.decoder` has it.
        encodes: the view encodes pictures too.
        flow: points are those of the fitted flow's base, which the browser carries to codes.
    """
    if reason := why_not():
        return reason
    fingerprint, reason = _known(opened.key, opened)
    if reason:
        return reason
    wanted = {"decoder": keep, "encoder": None} if encodes else {"decoder": keep}
    names = {
        half: _promise(opened, fingerprint, half, kept, flow and half == "decoder") for half, kept in wanted.items()
    }
    for name in names.values():
        if reason := served.refusal(name) or _failures().get(name, ""):
            return reason
    dim, classes = _numbers(opened.checkpoint.model, flow)
    return {
        **{half: served.address(name) for half, name in names.items()},
        "pictures": served.decodes(names["decoder"], _painter(opened, keep, flow)),
        "key": f"{opened.key} flow" if flow else opened.key,
        "dim": dim,
        "classes": classes,
        "shape": list(opened.checkpoint.model.image_shape),
    }


def model(opened: Opened, keep: int | None = None, flow: bool = False) -> dict[str, Any] | None:
    """What `find` gives; None, and a note on the page, where the server has to decode."""
    found = find(opened, keep, flow=flow)
    if isinstance(found, dict):
        return found
    _note(found)
    return None


def packed(values: Tensor) -> tuple[bytes, str]:
    """Numbers of any shape as float32, compressed by gzip, and their hash: what `served.publish` takes."""
    return compressed(values.float().contiguous().numpy().astype("<f4").tobytes())


def compressed(content: bytes) -> tuple[bytes, str]:
    """A file compressed by gzip, and the hash of what it was."""
    return gzip.compress(content, compresslevel=COMPRESSION, mtime=0), export.digest(content)


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
            found = components.said(key, name)
            if found is None:
                return
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
    """The browser cannot run a file, or any: the server's view takes over for this visit.

    What the server itself has refused it knows, in its own words.
    """
    if not isinstance(told, dict) or len(_failures()) >= MAX_FAILURES:
        return
    if served.refusal(file := str(told.get("file", ""))[-DIGEST:]) is None:
        _failures()[file] = str(told.get("reason"))[:MAX_REASON] or "no reason was given"
