"""Pictures with words below them, enlarged by a whole number without smoothing: a grid, or some side by side."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from PIL import Image

_HIGHEST = 70  # percent of the window: a grid
_MOST = 8  # times that a grid is enlarged
_WIDEST = 12  # rem: how large one of several pictures may become
_GAP = 0.5  # rem between two of them

# The browser, which alone knows the window, takes the largest whole number that fits. Where not even the picture itself
# does (a phone), it shrinks.
_OUTLINE = "display:block; outline:1px solid rgb(128 128 128 / 40%); "
_SHARP = "image-rendering:pixelated; width:max(round(down, min({room}, {widest}), {w}px), min({room}, {w}px));"
# What is smoothed (a photograph) stays in a square of that size. The checks show where a picture is transparent.
_SMOOTH = "max-width:min({room}, {widest}rem); max-height:min({room}, {widest}rem);"
_CHECKS = "background:repeating-conic-gradient(#bbb 0% 25%, #eee 0% 50%) 0 0 / 16px 16px;"


def source(image: Image.Image, kind: str = "PNG") -> str:
    """Give a picture as an address that holds the file itself: PNG, or JPEG for a photograph."""
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=80)  # which PNG has not
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def show_grid(image: Image.Image, alt: str, caption: str | None = None) -> None:
    """Show a composed picture (see `vae_core.images.grid`, scale 1) as large as whole numbers allow.

    Args:
        image: the picture, one pixel a pixel; gutters grow with it and so stay equal.
        alt: what it shows, for a person who does not see it.
        caption: a line below it.
    """
    widest = f"{_MOST * image.width}px, {_HIGHEST}vh * {image.width / image.height:.4f}"
    style = _OUTLINE + _SHARP.format(room="100%", widest=widest, w=image.width)
    st.html(f'<img src="{source(image)}" alt="{html.escape(alt)}" style="{style}">')
    if caption:
        st.caption(caption)


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture or four small ones, what it is (shown), and what it shows (for a person who does not see it)."""

    images: Sequence[Image.Image]
    caption: str
    alt: str
    photo: bool = False  # of any size, smoothed; else enlarged by a whole number


def show_figures(figures: Sequence[Figure], columns: int = 2) -> None:
    """Show pictures in rows of `columns`, left to right; a long word below one gets more room than its picture."""
    across = min(columns, len(figures))
    style = f"display:grid; grid-template-columns:repeat({across}, auto); justify-content:start; gap:0.4rem {_GAP}rem"
    room = f"(100cqw - {_GAP * (columns - 1)}rem) / {columns}"
    each = "".join(_figure(figure, room) for figure in figures)
    st.html(f'<div style="container-type:inline-size"><div style="{style}">{each}</div></div>')


def _figure(figure: Figure, room: str) -> str:
    alt, caption, count = html.escape(figure.alt), html.escape(figure.caption), len(figure.images)
    across = 1 if count == 1 else 2
    pictures = "".join(
        f'<img src="{source(image)}" alt="{alt}{f", {i} of {count}" if count > 1 else ""}" '
        f'style="{_OUTLINE}{_style(image, figure.photo, across, room)}">'
        for i, image in enumerate(figure.images, 1)
    )
    return (
        '<figure style="margin:0"><div style="display:grid; gap:1px; '
        f'grid-template-columns:repeat({across}, max-content)">{pictures}</div>'
        f'<figcaption style="font-size:0.875rem; margin-top:0.15rem">{caption}</figcaption></figure>'
    )


def _style(image: Image.Image, photo: bool, across: int, room: str) -> str:
    if photo:
        return _SMOOTH.format(room=room, widest=_WIDEST) + _CHECKS * image.has_transparency_data
    room = f"({room} - {across - 1}px) / {across}"
    return _SHARP.format(room=room, widest=f"{_WIDEST / across}rem", w=image.width)
