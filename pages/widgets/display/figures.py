"""Pictures side by side, each with words below it."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from PIL import Image

from pages.widgets.display.grid import source

_WIDEST = 12  # rem: how large a picture may become

# As in `grid`: the browser takes the largest whole number that fits. What is smoothed (a photograph) stays in
# a square of that size. The checks show where a picture is transparent.
_SHARP = "image-rendering:pixelated; width:max(round(down, min({room}, {widest}rem), {w}px), min({room}, {w}px));"
_SMOOTH = "max-width:min(100cqw, {widest}rem); max-height:min(100cqw, {widest}rem);"
_CHECKS = "background:repeating-conic-gradient(#bbb 0% 25%, #eee 0% 50%) 0 0 / 16px 16px;"


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture or four small ones, what it is (shown), and what it shows (for a person who does not see it)."""

    images: Sequence[Image.Image]
    caption: str
    alt: str
    photo: bool = False  # of any size, smoothed; else enlarged by a whole number


def show_figures(figures: Sequence[Figure], columns: int = 2) -> None:
    """Show pictures in rows of `columns`, left to right."""
    style = f"display:grid; grid-template-columns:repeat({columns}, minmax(0, 1fr)); gap:0.4rem 0.5rem"
    st.html(f'<div style="{style}">{"".join(map(_figure, figures))}</div>')


def _figure(figure: Figure) -> str:
    alt, caption, count = html.escape(figure.alt), html.escape(figure.caption), len(figure.images)
    across = 1 if count == 1 else 2
    line = "display:block; outline:1px solid rgb(128 128 128 / 40%)"
    pictures = "".join(
        f'<img src="{source(image)}" alt="{alt}{f", {i} of {count}" if count > 1 else ""}" '
        f'style="{line}; {_style(image, figure.photo, across)}">'
        for i, image in enumerate(figure.images, 1)
    )
    return (
        f'<figure style="margin:0; min-width:0; container-type:inline-size"><div style="display:grid; gap:1px; '
        f'grid-template-columns:repeat({across}, max-content)">{pictures}</div>'
        f'<figcaption style="font-size:0.875rem; margin-top:0.15rem">{caption}</figcaption></figure>'
    )


def _style(image: Image.Image, photo: bool, across: int) -> str:
    if photo:
        return _SMOOTH.format(widest=_WIDEST) + _CHECKS * image.has_transparency_data
    room = f"(100cqw - {across - 1}px) / {across}"
    return _SHARP.format(room=room, widest=_WIDEST / across, w=image.width)
