"""What was cut out of a photograph of handwriting, and a person's corrections: rectangle, turn and threshold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from pages.widgets.display.figures import source
from pages.widgets.live import views
from pages.widgets.live.payloads import CutoutData
from pages.widgets.selection.choice import Setting
from vae_core import images

if TYPE_CHECKING:
    from vae_core.photographs import CutOut

SMALLEST = 0.01  # of the photograph's width and height: a rectangle's least sides
THRESHOLDS = (0.02, 0.98)
RESET = "reset"


def cutout(
    cut: CutOut,
    photograph: Image.Image,
    key: str,
    name: str,
    changed: bool,
    act: Callable[[dict[str, Setting]], None],
) -> None:
    """Show what was cut out, and let a person correct it.

    Args:
        cut: what was cut out.
        photograph: a small copy of it.
        key: the widget's key.
        name: of the picture, as a person reads it.
        changed: whether there is a correction that can be reset.
        act: called before the next run with those of `crop`, `turn` and `threshold` that were changed, or `RESET`.
    """

    def hear(said: Any) -> None:
        if changes := corrections(said):
            act(changes)

    views.show("cutout", key, _shown(cut, photograph, name, changed), changed=hear)


def _shown(cut: CutOut, photograph: Image.Image, name: str, changed: bool) -> CutoutData:
    """Return what the component takes."""
    low, high = THRESHOLDS
    return {
        "photograph": source(photograph.convert("RGB"), "JPEG"),
        "alt": f"Picture {name} as it was given",
        "ink": source(Image.fromarray(np.where(cut.mask, 0, 255).astype(np.uint8))),
        "inkAlt": f"Cut out for {name}" if cut.mask.any() else f"Nothing was cut out for {name}",
        "name": name,
        "crop": cut.crop,
        "smallest": SMALLEST,
        "turn": cut.turn,
        "turns": images.MAX_TURN,
        "threshold": _between(cut.threshold, low, high),
        "thresholds": THRESHOLDS,
        "doubts": " ".join(cut.doubts),
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
