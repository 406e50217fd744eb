"""Models as a browser decodes them: what it fetches, and why the server has to decode where it cannot."""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import weakref
from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.live import served
from pages.widgets.shell.models import Opened, plain
from vae_core import explore, export
from vae_core.files import FileCache
from vae_core.model import VAE

CACHE_BYTES = 512 * 2**20
COMPRESSION = 1  # weights shrink by a tenth at most, however long one tries
MAX_PIXELS = 2**22  # numbers of pictures that a browser is sent in one answer, until it decodes


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
    return failures().get("")


def failures() -> dict[str, str]:
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
        if reason := served.refusal(name) or failures().get(name, ""):
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
    if not failures():
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
    if failures():
        st.button("Try again", key="live_again", type="tertiary", on_click=_again)


def _again() -> None:
    st.session_state.pop("live_failed", None)
    st.session_state["live_attempt"] = st.session_state.get("live_attempt", 0) + 1
