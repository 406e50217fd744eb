"""The map: the browser draws the points and decodes what lies under the pointer; the server hears of choices.

Points go there as two binary files, kept for good: what is drawn and said of each, and the encoded means.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import streamlit as st
from torch import Tensor

from pages.widgets.display import plots
from pages.widgets.live import decoders, served, views
from pages.widgets.live.payloads import ColourScale, Entry, Label, MapData, Mark
from pages.widgets.mapping.layouts import TSNE_AXES, Layout
from pages.widgets.mapping.points import KEPT, Points
from pages.widgets.mapping.settings import SHADE, THUMBS
from pages.widgets.shell import present
from pages.widgets.shell.models import Opened
from pages.widgets.shell.url_state import OneOf, Switch
from vae_core import typicality

MAX_BYTES = 16 * 2**20  # of the encoded means that a browser is sent
SHARE = 0.6  # of the window's height; names of colours and tools stand around it
PLOT_HEIGHT = 424  # CSS pixels in which the names of classes find room
TOOLS: dict[str, Literal["Look", "Path", "Move", "Box", "Lasso"]] = {
    "look": "Look",
    "path": "Path",
    "move": "Move",
    "box": "Box",
    "lasso": "Lasso",
}
TOOL = OneOf("pointer", "Choose by", "look", TOOLS, {"click": "look"})  # which server views of before had
RESIDUAL = Switch("residual", "With the nearest point's residual", True, on="on", off="off")


def show(
    opened: Opened,
    points: Points,
    layout: Layout,
    colour: str,
    colours: dict[str, Any],
    marks: Mapping[str, np.ndarray],
    ties: Sequence[tuple[np.ndarray, list[int]]],
    chosen: list[int],
    lit: int | None,
    choose: Callable[[list[int]], None],
) -> None:
    """Draw the map.

    Args:
        opened: the model.
        points: N pictures.
        layout: where they lie on a flat map.
        colour: by what they are coloured.
        colours: the arguments of `plots.space` that colour them.
        marks: name -> place of what is marked.
        ties: places, and the points nearest to each.
        chosen: places in `points` of those chosen.
        lit: the class that stands out, or None.
        choose: called, before the next run, with those that the hand chose.
    """
    what = _drawn((points.key, layout.key, colour), points, layout, colours, _order(points.key, opened, points))
    few = points.mean.numel() * 4 <= MAX_BYTES

    def selected(said: Any) -> None:
        if (rows := chosen_rows(said, what[1], len(points))) is not None:
            choose(rows)

    labels, legend, scale = _legend(layout, colours)
    data: MapData = {
        "model": decoders.graph(opened),
        "key": what[1],
        "points": served.publish(*what),
        "means": served.publish(*_means(points.key, points)) if few else "",
        "count": len(points),
        "linear": layout.basis is not None,
        "equal": layout.axes != TSNE_AXES,
        "axes": (layout.axes[0], layout.axes[1]),
        "names": None if points.labels is None else list(points.class_names),
        "unit": points.unit,
        "size": plots.point_size(len(points)),
        "share": present.grown(SHARE),
        "alt": f"Map of {len(points)} pictures: {', '.join(layout.axes)}, coloured by {colour}",
        "marks": [_mark(name, place) for name, place in marks.items()],
        "ties": [{"x": float(place[0]), "y": float(place[1]), "rows": rows} for place, rows in ties],
        "chosen": chosen,
        "lit": -1 if lit is None else lit,
        "thumbs": THUMBS.get(),
        "shade": SHADE.get(),
        "labels": labels,
        "legend": legend,
        "scale": scale,
        "tool": TOOLS[TOOL.get()],
        "residual": RESIDUAL.get(),
    }
    for value in (TOOL, RESIDUAL):
        value.write()
    views.show("map", "map_live", data, selected=selected, set=_take_settings)


def chosen_rows(said: Any, key: str, count: int) -> list[int] | None:
    """Read which points a browser says were chosen, ascending; None where it speaks of others or makes no sense."""
    if not isinstance(said, dict) or said.get("of") != key or not isinstance(said.get("rows"), list):
        return None
    return sorted({row for row in said["rows"] if type(row) is int and 0 <= row < count})


def _mark(name: str, place: np.ndarray) -> Mark:
    x, y = map(float, place)
    return {"name": name, "x": x, "y": y, "colour": plots.ENDS.get(name, plots.NEUTRAL)}


def _take_settings(said: Any) -> None:
    tool = str(said.get("tool")).casefold() if isinstance(said, dict) else ""
    if tool in TOOLS:
        TOOL.put(tool)
        RESIDUAL.put(bool(said.get("residual")))


def _legend(layout: Layout, colours: dict[str, Any]) -> tuple[list[Label], list[Entry], ColourScale | None]:
    """Tell what the colours mean: names in the map, or beside it, or a scale with its ends."""
    if "classes" not in colours:
        values = np.asarray(colours["values"], float)
        ends = float(values.min()), float(values.max())
        return [], [], {"title": colours["value_title"], "ends": ends, "colours": plots.scale_colours()}
    classes, names = np.asarray(colours["classes"]), colours["class_names"]
    labels = plots.class_labels(layout.coords, classes, names, PLOT_HEIGHT) if colours["in_place"] else []
    shown = [] if labels else np.unique(classes).tolist()
    return labels, [{"text": plots.name_of(names, i), "ground": plots.class_style(i)[0]} for i in shown], None


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _means(key: Hashable, _points: Points) -> tuple[bytes, str]:
    """Return the encoded means (N, D) of points that `key` identifies."""
    return decoders.packed(_points.mean)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _order(key: Hashable, _opened: Opened, _points: Points) -> np.ndarray:
    """Places in the points that `key` identifies, the most typical first."""
    model = _opened.checkpoint.model
    least = model.likelihood.least_error(model.image_shape)
    return typicality.most_typical(_points.error.double() - least, _points.kl).numpy().astype("<i4")


@st.cache_resource(max_entries=64, show_spinner=False)
def _drawn(
    key: Hashable, _points: Points, _layout: Layout, _colours: dict[str, Any], _order: np.ndarray
) -> tuple[bytes, str]:
    """All that the view draws and says of points that `key`, with their places and colours, identifies."""
    return decoders.compressed(facts(_points, _layout, _colours, _order))


def facts(points: Points, layout: Layout, colours: dict[str, Any], order: np.ndarray) -> bytes:
    """Columns of four bytes a number: `src/maths/points.ts` reads them in this order.

    Places (N, 2), error and KL (NaN where there is none), row, class (-1: unknown) and the class that the model
    was given (-1: none), colour and symbol of each, places of the points from the most typical on; then mean (D,)
    and axes (2, D) of a linear map.
    """
    unknown = np.full(len(points), -1, "<i4")
    missing = np.full(len(points), np.nan, "<f4")
    columns = [
        layout.coords.astype("<f4"),
        _column(points.error, missing),
        _column(points.kl, missing),
        points.rows.astype("<i4"),
        _column(points.labels, unknown),
        _column(points.y, unknown),
        _paint(colours),
        order,
        *(part.astype("<f4") for part in layout.basis or ()),
    ]
    return b"".join(column.tobytes() for column in columns)


def _column(values: Tensor | None, otherwise: np.ndarray) -> np.ndarray:
    return otherwise if values is None else values.numpy().astype(otherwise.dtype)


def _paint(colours: dict[str, Any]) -> np.ndarray:
    """Red, green, blue and number of the symbol of each point, (N, 4) uint8."""
    if "classes" not in colours:
        return np.array([(*shade, 0) for shade in plots.shades(colours["values"])], np.uint8)
    classes = np.asarray(colours["classes"])
    styles = {int(i): plots.class_style(int(i)) for i in np.unique(classes)}
    paint = {i: (*bytes.fromhex(colour[1:]), plots.SYMBOLS.index(symbol)) for i, (colour, symbol) in styles.items()}
    return np.array([paint[int(i)] for i in classes], np.uint8)
