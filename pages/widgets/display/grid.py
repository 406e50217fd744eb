"""A picture made of small pictures, enlarged by a whole number without smoothing."""

import base64
import html

import streamlit as st
from PIL import Image

from vae_core import images

# The browser chooses the scale: the largest whole number that fits the column and `height` of the window.
# Where not even the picture itself fits (a phone), it shrinks to the column. The server knows neither size.
_STYLE = (
    "display:block; image-rendering:pixelated; outline:1px solid rgb(128 128 128 / 40%); "
    "width:max(round(down, min(100%, {scale} * {w}px, {height}vh * {ratio:.4f}), {w}px), min(100%, {w}px));"
)


def source(image: Image.Image) -> str:
    """Give a picture as an address that holds the PNG itself."""
    return "data:image/png;base64," + base64.b64encode(images.png(image)).decode()


def show_grid(
    image: Image.Image, alt: str, caption: str | None = None, *, height: int = 70, max_scale: int = 12
) -> None:
    """Show a composed picture (see `vae_core.images.grid`, scale 1) as large as whole numbers allow.

    Args:
        image: the picture, one pixel a pixel; gutters grow with it and so stay equal.
        alt: what it shows, for a person who does not see it.
        caption: a line below it.
        height: the share of the window's height that it may take, in percent.
        max_scale: the largest enlargement.
    """
    style = _STYLE.format(scale=max_scale, w=image.width, height=height, ratio=image.width / image.height)
    st.html(f'<img src="{source(image)}" alt="{html.escape(alt)}" style="{style}">')
    if caption:
        st.caption(caption)
