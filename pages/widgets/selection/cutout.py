"""What was cut out of a photograph of handwriting, and a person's corrections: rectangle, turn and threshold."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from PIL import Image

from pages.widgets.selection.choice import Setting
from pages.widgets.shell import components
from vae_core import images

if TYPE_CHECKING:
    from vae_core.photographs import CutOut

_HERE = Path(__file__).parent
SMALLEST = 0.01  # of the photograph's width and height: a rectangle's least sides
THRESHOLDS = (0.02, 0.98)
RESET = "reset"

_HTML = """
<div class="cutout" role="group">
  <p class="said"></p>
  <div class="pair">
    <div class="photograph"><div class="plane"><img draggable="false"><div class="shade"><i></i></div>
      <div class="frame" tabindex="0" role="group">
      <i data-x="-1" data-y="-1"></i><i data-x="1" data-y="-1"></i>
      <i data-x="-1" data-y="1"></i><i data-x="1" data-y="1"></i>
      </div></div></div>
    <div class="beside"><img class="ink"><button type="button" name="reset">Reset</button>
      <button type="button" name="zoom" aria-pressed="false">Zoom in</button></div>
  </div>
  <div class="sliders">
    <label>Turn <b></b><input type="range" name="turn" step="0.5" aria-label="Turn"></label>
    <label>Threshold <b></b><input type="range" name="threshold" step="0.01" aria-label="Threshold"></label>
  </div>
  <p class="doubts" role="status"></p>
</div>
"""

_component = st.components.v2.component(
    "vae_explorer_cutout",
    html=_HTML,
    css=(_HERE / "cutout.css").read_text("utf-8"),
    js=(_HERE / "cutout.js").read_text("utf-8"),
)


def cutout(
    found: CutOut,
    photograph: Image.Image,
    key: str,
    name: str,
    changed: bool,
    act: Callable[[dict[str, Setting]], None],
) -> None:
    """Show what was cut out, and let a person correct it.

    Args:
        found: what was cut out.
        photograph: a small copy of it.
        key: the widget's key.
        name: of the picture, as a person reads it.
        changed: whether there is a correction that can be reset.
        act: called before the next run with those of `crop`, `turn` and `threshold` that were changed, or `RESET`.
    """

    def hear() -> None:
        change = components.said(key, "changed")
        if not isinstance(change, dict):
            return
        st.session_state[f"{key}_heard"] = change.get("count")
        if changes := corrections(change.get("values")):
            act(changes)

    data = _shown(found, photograph, name, changed) | {"heard": st.session_state.get(f"{key}_heard")}
    _component(key=key, data=data, on_changed_change=hear)


def _shown(found: CutOut, photograph: Image.Image, name: str, changed: bool) -> dict[str, Any]:
    """What the component takes."""
    low, high = THRESHOLDS
    return {
        "photograph": _source(photograph.convert("RGB"), "JPEG"),
        "alt": f"Picture {name} as it was given",
        "ink": _source(Image.fromarray(np.where(found.mask, 0, 255).astype(np.uint8)), "PNG"),
        "inkAlt": f"Cut out for {name}" if found.mask.any() else f"Nothing was cut out for {name}",
        "name": name,
        "crop": list(found.crop),
        "smallest": SMALLEST,
        "turn": found.turn,
        "turns": images.MAX_TURN,
        "threshold": _between(found.threshold, low, high),
        "thresholds": list(THRESHOLDS),
        "doubts": " ".join(found.doubts),
        "changed": changed,
    }


def corrections(values: Any) -> dict[str, Setting]:
    """Give what the component says, held to what is allowed; what means nothing is left out."""
    pairs = values.items() if isinstance(values, dict) else ()
    said = {name: _correction(name, value) for name, value in pairs}
    return {name: value for name, value in said.items() if value is not None}


def _correction(name: Any, value: Any) -> Setting | None:
    numbers: list[Any] = value if isinstance(value, list) else [value]
    if name == RESET:
        return True
    if not all(type(number) in (int, float) and math.isfinite(number) for number in numbers):
        return None
    if name == "turn" and len(numbers) == 1:
        return _between(numbers[0], -images.MAX_TURN, images.MAX_TURN)
    if name == "threshold" and len(numbers) == 1:
        return _between(numbers[0], *THRESHOLDS)
    if name == "crop" and len(numbers) == 4:
        left, top, right, bottom = (_between(number, 0, 1) for number in numbers)
        return (left, top, right, bottom) if min(right - left, bottom - top) > SMALLEST / 2 else None
    return None


def _between(number: float, low: float, high: float) -> float:
    return min(max(number, low), high)


def _source(image: Image.Image, kind: str) -> str:
    """A picture as an address that holds it."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"quality": 80} if kind == "JPEG" else {}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
