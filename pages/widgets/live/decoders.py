"""Models as a browser decodes them: what it fetches, and what the server answers in its place."""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import ClassVar

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.live import served
from pages.widgets.live.payloads import Model
from pages.widgets.shell.models import Opened
from vae_core import explore, export
from vae_core.files import FileCache
from vae_core.model import VAE

CACHE_BYTES = 512 * 2**20
COMPRESSION = 1  # weights shrink by a tenth at most, however long one tries
MAX_PIXELS = 2**22  # numbers of pictures in one question or answer
MAX_DRAWN = 1_000  # pictures of which something is drawn at random: they are made together


@st.cache_resource(max_entries=1_000, show_spinner=False)
def _known(key: str, _opened: Opened) -> tuple[str, str]:
    """Return the fingerprint of a model, and why no browser would run it; no reason where one may."""
    refused = ""
    try:
        export.check(_opened.checkpoint.model)
    except export.ExportError as error:
        refused = str(error)
    return export.fingerprint(_opened.checkpoint.model), refused


def _holder(opened: Opened) -> Callable[[], VAE]:
    """Make what gives the model as long as somebody holds it: a visitor's own ends with the visit."""
    held = weakref.ref(opened.checkpoint)

    def model() -> VAE:
        if (checkpoint := held()) is None:
            raise served.Gone
        return checkpoint.model

    return model


def _name(fingerprint: str, part: str) -> str:
    """Return the name of what is made from a model: nobody can guess it."""
    return hashlib.sha256(f"{fingerprint} {part}".encode()).hexdigest()


def _promise(opened: Opened, fingerprint: str, half: str, part: str, keep: int | None, flow: bool) -> None:
    """Promise half of a model: it is exported, or read from the disk, when it is fetched."""
    model = _holder(opened)

    def export_it() -> bytes:
        vae = model()
        return export.decoder(vae, keep, True, flow) if half == "decoder" else export.encoder(vae)

    def make() -> bytes:
        try:
            return compressed(FileCache("live", CACHE_BYTES).get(f"{fingerprint}-{part}.onnx", export_it))[0]
        except export.ExportError as error:
            raise served.Refused(str(error)) from error

    served.promise(_name(fingerprint, part), make)


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


@dataclass(frozen=True)
class Pixels:
    """Made of points by the server alone: every pixel drawn from the likelihood p(x | z)."""

    seed: int
    why: ClassVar[str] = "Pixels are drawn at random there."

    def pictures(self, model: VAE, z: Tensor, y: Tensor | None) -> Tensor:
        return explore.draw_pixels(model, z, self.seed, y)


@dataclass(frozen=True)
class Rest:
    """Made of points by the server alone: latent groups after the first `keep` drawn anew for every picture."""

    keep: int
    temperature: float
    seed: int
    why: ClassVar[str] = "The finer levels are drawn at random there."

    def pictures(self, model: VAE, z: Tensor, y: Tensor | None) -> Tensor:
        return explore.continued(model, z, self.keep, self.temperature, self.seed, y)


Drawn = Pixels | Rest


def _rows(asked: bytes, size: int, most: int, what: str) -> Tensor:
    """Numbers (N, size) that a browser asks with, float32; at most so many rows.

    Raises:
        Refused: of what does not fit, or is not finite.
    """
    rows, rest = divmod(len(asked), 4 * size)
    if rest or not 0 < rows <= most:
        raise served.Refused(f"{len(asked)} bytes are no {what} of this model, or too many.")
    values = torch.frombuffer(bytearray(asked), dtype=torch.float32).reshape(rows, size)
    if not values.isfinite().all():
        raise served.Refused(f"The {what} are not finite.")
    return values


def _painter(opened: Opened, keep: int | None, flow: bool, drawn: Drawn | None) -> served.Answer:
    """Make what decodes for a browser: rows of points, then of class weights, to grey levels (N, C, H, W)."""
    model = _holder(opened)

    def paint(asked: bytes) -> bytes:
        vae = model()
        dim, classes = _numbers(vae, flow)
        most = MAX_DRAWN if drawn else max(1, MAX_PIXELS // math.prod(vae.image_shape))
        values = _rows(asked, dim + classes, most, "points")
        rows = len(values)
        z, y = (part.reshape(rows, -1) for part in values.flatten().split([rows * dim, rows * classes]))
        if drawn is None:
            x = export.pictures(vae, z, y, keep, flow)
        else:
            x = drawn.pictures(vae, export.codes(vae, z, y) if flow else z, y if vae.spec.classes else None)
        return (255 * x.nan_to_num().clamp(0, 1)).round().to(torch.uint8).numpy().tobytes()

    return paint


def _reader(opened: Opened) -> served.Answer:
    """Make what encodes for a browser: pictures to rows of mean, standard deviation and classes inferred."""
    model = _holder(opened)

    def read(asked: bytes) -> bytes:
        vae = model()
        area = math.prod(vae.image_shape)
        x = _rows(asked, area, max(1, MAX_PIXELS // area), "pictures").reshape(-1, *vae.image_shape)
        return export.numbers(vae, x).numpy().astype("<f4").tobytes()

    return read


def why_not() -> str:
    """Why no browser decodes any model; nothing where they do."""
    off = os.environ.get("VAE_LIVE", "on") == "off"
    return "The live view is switched off here." if off else ""


def graph(
    opened: Opened, keep: int | None = None, encodes: bool = False, flow: bool = False, drawn: Drawn | None = None
) -> Model:
    """Give the open model as the component takes it: what a browser runs itself, and where the server does for it.

    Args:
        opened: any model.
        keep: latent groups that are read, as `export.decoder` has it.
        encodes: the view encodes pictures too.
        flow: points are those of the fitted flow's base, which are carried to codes.
        drawn: what the server makes of the points, and no browser can.

    Returns:
        Routes and sizes; without a `decoder` the browser shall not decode, and `why` is the sentence.
    """
    fingerprint, refused = _known(opened.key, opened)
    decoder = f"decoder{'' if keep is None else keep}{'-flow' * flow}"
    parts = {"decoder": decoder} | ({"encoder": "encoder"} if encodes else {})
    names = {half: _name(fingerprint, part) for half, part in parts.items()}
    reasons = [why_not(), refused, *(served.refusal(name) for name in names.values())]
    why = drawn.why if drawn else next(filter(None, reasons), "")
    if not why:
        for half, part in parts.items():
            _promise(opened, fingerprint, half, part, keep, flow)
    dim, classes = _numbers(opened.checkpoint.model, flow)
    route = _name(fingerprint, f"{decoder} {drawn!r}") if drawn else names["decoder"]
    model: Model = {
        "decoder": "" if why else served.address(names["decoder"]),
        "why": why,
        "pictures": served.answers("pictures", route, _painter(opened, keep, flow, drawn)),
        "whole": drawn is not None,
        "key": f"{opened.key} flow" if flow else opened.key,
        "dim": dim,
        "classes": classes,
        "shape": opened.checkpoint.model.image_shape,
    }
    if encodes:
        model["encoder"] = "" if why else served.address(names["encoder"])
        model["numbers"] = served.answers("numbers", names["encoder"], _reader(opened))
    return model


def packed(values: Tensor) -> tuple[bytes, str]:
    """Numbers of any shape as float32, compressed by gzip, and their hash: what `served.publish` takes."""
    return compressed(values.float().contiguous().numpy().astype("<f4").tobytes())


def compressed(content: bytes) -> tuple[bytes, str]:
    """Compress a file by gzip; return it with the hash of what it was."""
    return gzip.compress(content, compresslevel=COMPRESSION, mtime=0), export.digest(content)
