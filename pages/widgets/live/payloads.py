"""What the views of the live component are sent: the one source of its types, here and in `src/payloads.ts`.

After a change: `python -m pages.widgets.live.typescript`, whose result a test compares.
"""

from __future__ import annotations

from typing import TypedDict


class Sent(TypedDict):
    """What every view is sent."""

    view: str
    runtime: str  # below the app's address, named by the content's hash
    told: int  # the last count that Python heard of
    present: bool  # the stage has the window for itself


class Tiling(TypedDict):
    """How pictures stand in a grid."""

    width: int  # of one picture, in its own pixels
    height: int
    columns: int
    count: int
    gutter: int


class PicturesData(TypedDict):
    """Pictures that the server has made."""

    src: str  # the whole grid
    layout: Tiling
    alt: str
    chosen: int  # the place to mark; -1 for none
    pickable: bool
    rows: list[str]  # names on the left
    below: list[str]
    share: float  # of the window's height


class SheetData(TypedDict):
    """A contact sheet."""

    src: str  # the sprite sheet
    layout: Tiling  # its own: how many stand in a row of the page is the browser's choice
    rows: list[int]  # a number a picture, which is told
    labels: list[str]
    chosen: int  # the row to mark; -1 for none
    label: str  # of the whole
    wide: bool  # as the page, and not as a popover


class CutoutData(TypedDict):
    """A photograph, and what was cut out of it."""

    photograph: str
    alt: str
    ink: str
    inkAlt: str
    name: str  # of the picture
    crop: tuple[float, float, float, float]  # left, top, right, bottom, in parts of the photograph
    smallest: float  # side of a rectangle
    turn: float  # degrees
    turns: float  # at most, either way
    threshold: float
    thresholds: tuple[float, float]
    doubts: str
    changed: bool  # there is something to reset
