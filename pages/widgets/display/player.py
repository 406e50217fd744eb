"""A frame player: the server sends all frames once, the browser moves through them at its own rate."""

import base64
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent

_HTML = """
<div class="player">
  <div class="screens">
    <figure><canvas role="img"></canvas><figcaption></figcaption></figure>
    <figure hidden><canvas role="img"></canvas><figcaption></figcaption></figure>
  </div>
  <div class="bar">
    <button type="button">Play</button>
    <input class="slide" type="range" min="0" step="1" value="0">
    <output></output>
    <div class="ends" aria-hidden="true"><span>A</span><span>B</span></div>
  </div>
</div>
"""

_component = st.components.v2.component(
    "vae_explorer_player",
    html=_HTML,
    css=(_HERE / "player.css").read_text("utf-8"),
    js=(_HERE / "player.js").read_text("utf-8"),
)


def player(
    sprite: bytes,
    frames: int,
    width: int,
    height: int,
    key: str,
    t: float = 0.5,
    second: bytes | None = None,
    *,
    captions: tuple[str, str] = ("Decoded along the path", "Pixel cross-fade"),
    label: str = "Place on the path from A to B",
    share: float = 0.5,
) -> float:
    """Show the frames of a path from A to B with a slider and a play button.

    Args:
        sprite: a PNG of all frames in rows of equal length from left to right, no gutter, one pixel a pixel.
        frames: how many there are, T; frame i stands at t = i / (T - 1).
        width: of a frame, in pixels.
        height: of a frame, in pixels.
        key: the widget's key; the place stays while the key does, also when other frames come.
        t: where it opens, 0 = A to 1 = B; read when the player appears.
        second: a sheet of the same layout, shown beside the first and moved with it.
        captions: the lines below the two pictures.
        label: the slider's name for a screen reader.
        share: of the window's height that a picture may take, 0 to 1.

    Returns:
        The place where the hand last let go, 0 to 1.

    Raises:
        ValueError: where there is no frame, or t lies outside 0 to 1.
    """
    if frames < 1:
        raise ValueError(f"frames is {frames}; a player needs at least 1.")
    if not 0 <= t <= 1:
        raise ValueError(f"t is {t}; it goes from 0 (A) to 1 (B).")
    sheets = [_data_url(sheet) for sheet in (sprite, second) if sheet is not None]
    result = _component(
        key=key,
        data={
            "sheets": sheets,
            "frames": frames,
            "width": width,
            "height": height,
            "t": t,
            "captions": list(captions),
            "label": label,
            "share": share,
        },
        default={"t": t},
        on_t_change=lambda: None,
    )
    return float(result.t)


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
