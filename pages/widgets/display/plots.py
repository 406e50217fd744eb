"""Every plot of the app: one look, colours for colour-blind eyes too, sizes that a projector carries.

The figures carry no colour of text, grid or paper: Streamlit's theme gives those in the browser, light or
dark, and follows a switch without a rerun.
"""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import ArrayLike
from plotly.colors import sample_colorscale

from pages.widgets import A, B
from pages.widgets.display.labels import shifts, short
from pages.widgets.live.payloads import Label
from vae_core.scatter import COLOURS as CLASS_COLOURS

ENDS = {"A": A, "B": B}
SYMBOLS = ("circle", "diamond", "square", "cross", "x", "triangle-up")
DARK_COLOURS = ("#bd1f01", "#832db6", "#a96b59", "#717581")  # those that white letters are read on
NEUTRAL = "#4b5863"
SCALE = "Viridis"

FONT = 16
LOW = 280  # pixels of a plot beside another
NAMED_CLASSES = 20  # more names than that hide the map

_CONFIG = {"displaylogo": False, "responsive": True, "toImageButtonOptions": {"scale": 2}}
_AXIS = {"title_font_size": FONT, "tickfont_size": FONT - 2, "automargin": True, "zeroline": False}


def class_style(index: int) -> tuple[str, str]:
    """Colour and marker symbol of a class, the same on every page; each ten classes the symbol changes."""
    colours, symbols = len(CLASS_COLOURS), len(SYMBOLS)
    return CLASS_COLOURS[index % colours], SYMBOLS[index // colours % symbols]


def lines(
    epochs: Sequence[float], series: Mapping[str, Sequence[float | None]], unit: str, *, dashed: Sequence[str] = ()
) -> go.Figure:
    """Draw what was measured while a model was trained.

    Args:
        epochs: the places, length n.
        series: name -> n values, None where there is none.
        unit: of all values, on the vertical axis and at the pointer.
        dashed: the names to draw dashed (validation beside training).

    Returns:
        The figure.
    """
    figure = _figure(LOW)
    for i, (name, values) in enumerate(series.items()):
        figure.add_scatter(
            x=list(epochs),
            y=list(values),
            name=name,
            mode="lines+markers" if len(epochs) < 3 else "lines",
            line={"width": 3, "color": class_style(i)[0], "dash": "dash" if name in dashed else "solid"},
            hovertemplate=f"%{{y:.4g}} {unit}",
        )
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(title_text=unit)
    return figure


def heatmap(values: ArrayLike, epochs: Sequence[float], labels: Sequence[str], unit: str, *, y_title: str) -> go.Figure:
    """Draw a table of numbers as colours, KL per dimension over epochs for one.

    Args:
        values: (rows, columns), one row a label and one column an epoch; 0 is the darkest.
        epochs: one a column.
        labels: one a row, the first on top.
        unit: of the values.
        y_title: what the rows are.

    Returns:
        The figure.
    """
    table = np.asarray(values, float)
    figure = _figure(LOW)
    figure.add_heatmap(
        z=table,
        x=list(epochs),
        y=list(labels),
        zmin=0,
        zmax=table.max() or 1,
        colorscale=SCALE,
        colorbar=_colorbar(unit),
        hovertemplate=f"{y_title} %{{y}}, epoch %{{x}}: %{{z:.3g}} {unit}<extra></extra>",
    )
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(title_text=y_title, type="category", autorange="reversed")
    return figure


def space(
    points: ArrayLike,
    axis_titles: Sequence[str],
    *,
    classes: ArrayLike | None = None,
    class_names: Sequence[str] = (),
    values: ArrayLike | None = None,
    value_title: str = "",
    hover: Sequence[str],
    marks: Mapping[str, Sequence[float]],
    in_place: bool = True,
    height: int = 520,
) -> go.Figure:
    """Draw a map of points in three dimensions, coloured by class or by a number.

    Args:
        points: (N, 3) coordinates.
        axis_titles: one a coordinate.
        classes: (N,) class of each point.
        class_names: name of class i at i, else its number.
        values: (N,) numbers to colour by, where there are no classes.
        value_title: what `values` are, with unit.
        hover: N lines shown at the pointer.
        marks: name -> coordinates of single points drawn on top: "A" blue, "B" orange.
        in_place: whether a flat map would write a class's name among its points; here they stand in the legend.
        height: in pixels.

    Returns:
        The figure.
    """
    places = np.asarray(points, float)
    figure = _figure(height)
    texts = np.asarray(hover, dtype=object)
    if classes is None:
        marker = {"color": np.asarray(values, float), "colorscale": SCALE, "colorbar": _colorbar(value_title)}
        _add_points(figure, places, np.arange(len(places)), texts, marker, value_title)
    else:
        _add_classes(figure, places, np.asarray(classes), class_names, texts)
    flags = [_mark(name, np.asarray(place, float)) for name, place in marks.items()]
    return figure.update_layout(scene=_axes(axis_titles) | {"annotations": flags})


def point_size(count: int) -> int:
    """How wide each of so many points is on a map, in pixels."""
    return 9 if count <= 300 else 7 if count <= 3000 else 5


def scale_colours() -> list[str]:
    """Return the colours of the scale from its low end to its high one."""
    return [f"rgb{colour}" for colour in shades(np.arange(9))]


def shades(values: ArrayLike) -> list[tuple[int, int, int]]:
    """Return the colours (red, green, blue, 0 to 255) that `space` and the flat map give to numbers (N,)."""
    numbers = np.asarray(values, float)
    low, high = numbers.min(), numbers.max()
    share = (numbers - low) / max(high - low, 1e-12)
    colours = sample_colorscale(SCALE, share.tolist(), colortype="tuple")
    return [(round(255 * red), round(255 * green), round(255 * blue)) for red, green, blue in colours]


def show(figure: go.Figure, alt: str, key: str, *, name: str = "plot") -> None:
    """Put a figure on the page.

    Args:
        figure: from one of the functions above.
        alt: what it shows, for a person who does not see it.
        key: the widget's key.
        name: of the file that the camera button saves, without ending.
    """
    config = _CONFIG | {"toImageButtonOptions": {"scale": 2, "filename": name}}
    st.plotly_chart(figure, theme="streamlit", key=key, config=config, alt=alt)


def _figure(height: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        font_size=FONT,
        hoverlabel_font_size=FONT,
        legend={
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.02,
            "x": 0,
            "font_size": FONT - 2,
            "title_text": "",
            "itemsizing": "constant",
        },
        uirevision="keep",
    )
    figure.update_xaxes(**_AXIS)
    figure.update_yaxes(**_AXIS)
    return figure


def _colorbar(title: str) -> dict[str, Any]:
    return {"title": {"text": title, "side": "right", "font": {"size": FONT}}, "tickfont": {"size": FONT - 2}}


def _add_classes(
    figure: go.Figure, places: np.ndarray, classes: np.ndarray, names: Sequence[str], texts: np.ndarray
) -> None:
    for i in np.unique(classes):
        rows = np.flatnonzero(classes == i)
        colour, symbol = class_style(int(i))
        _add_points(figure, places, rows, texts, {"color": colour, "symbol": symbol}, html.escape(name_of(names, i)))


def class_labels(places: np.ndarray, classes: np.ndarray, names: Sequence[str], height: int) -> list[Label]:
    """Where the names of classes stand on a map of points (N, 2) so high; none where there is no room for all."""
    present = np.unique(classes).tolist()
    if len(present) > NAMED_CLASSES:
        return []
    texts = [short(name_of(names, i)) for i in present]
    centres = np.stack([np.median(places[classes == i], axis=0) for i in present])
    moves = shifts(centres, places, texts, height, FONT)
    if moves is None:
        return []
    grounds = [class_style(i)[0] for i in present]
    return [
        {"text": text, "x": float(x), "y": float(y), "move": float(move), "ground": ground, "ink": _ink(ground)}
        for text, (x, y), move, ground in zip(texts, centres, moves, grounds, strict=True)
    ]


def _ink(ground: str) -> str:
    return "white" if ground in DARK_COLOURS else "black"


def name_of(names: Sequence[str], i: int) -> str:
    """Return a class's name, its number where it has none."""
    return names[i] if i < len(names) else str(i)


def _add_points(
    figure: go.Figure,
    places: np.ndarray,
    rows: np.ndarray,
    texts: np.ndarray,
    marker: dict[str, Any],
    name: str,
) -> None:
    figure.add_scatter3d(
        **dict(zip("xyz", places[rows].T, strict=True)),
        mode="markers",
        name=name,
        customdata=rows.tolist(),
        text=texts[rows],
        hovertemplate="%{text}<extra></extra>",
        marker={**marker, "size": point_size(len(places)) / 2, "opacity": 0.85},
    )


def _mark(name: str, place: np.ndarray) -> dict[str, Any]:
    """Make a flag that points at a place: annotations lie above all points."""
    colour = ENDS.get(name, NEUTRAL)
    return dict(zip("xyz", map(float, place), strict=True)) | {
        "text": f"<b>{html.escape(name)}</b>",
        "font": {"size": FONT + 2, "color": "white"},
        "bgcolor": colour,
        "bordercolor": "white",
        "borderwidth": 2,
        "borderpad": 3,
        "arrowcolor": colour,
        "arrowwidth": 3,
        "arrowhead": 6,
        "ax": 0,
        "ay": -42,
    }


def _axes(titles: Sequence[str]) -> dict[str, Any]:
    return {
        f"{axis}axis": {"title": {"text": title, "font": {"size": FONT}}, "tickfont": {"size": FONT - 4}}
        for axis, title in zip("xyz", titles, strict=True)
    }
