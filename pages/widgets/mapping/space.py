"""A map in three dimensions, which is turned with the pointer."""

from __future__ import annotations

import html
from typing import Any

from pages.widgets.display import plots
from pages.widgets.mapping.layouts import HEIGHT, Layout
from pages.widgets.mapping.points import Points

CAMERA = {"eye": {"x": 1.5, "y": 1.3, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.2}}  # all axes' titles in sight


def show(points: Points, layout: Layout, colours: dict[str, Any], marks: dict[str, Any], alt: str, name: str) -> None:
    """Draw the points; `name` is of the file that the camera button saves."""
    said = [
        "<br>".join([html.escape(points.name_of(i)), *map(html.escape, points.figures_of(i))])
        for i in range(len(points))
    ]
    places = {mark: place.tolist() for mark, place in marks.items()}
    drawing = plots.space(layout.coords, layout.axes, height=HEIGHT, **colours, hover=said, marks=places)
    drawing.update_layout(hoverlabel={"bgcolor": plots.NEUTRAL, "font": {"color": "white"}})
    drawing.update_scenes(camera=CAMERA)
    plots.show(drawing, alt, "map_space", name=name)
