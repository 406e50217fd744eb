"""A page of the shared widgets alone, for test_shell.py."""

import io

import numpy as np
import streamlit as st
from PIL import Image

from pages.widgets.display import plots
from pages.widgets.display.grid import show_grid
from pages.widgets.display.player import player

FRAMES, SIDE, COLUMNS = 21, 12, 8


def sheet(greys: np.ndarray) -> bytes:
    """One frame a grey value, in rows of COLUMNS."""
    rows = -(-len(greys) // COLUMNS)
    cells = np.zeros(rows * COLUMNS, np.uint8)
    cells[: len(greys)] = greys
    picture = Image.fromarray(cells.reshape(rows, COLUMNS)).resize((COLUMNS * SIDE, rows * SIDE), 0)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


greys = 10 * np.arange(FRAMES) + (5 if st.button("Other frames") else 0)
t = player(sheet(greys), FRAMES, SIDE, SIDE, "player", 0.25, sheet(255 - greys))
st.write(f"server heard {t}")
show_grid(Image.linear_gradient("L").resize((40, 30)), "a grid")
points = np.stack([np.arange(10), np.arange(10)], -1)
state = plots.show(plots.scatter(points, ["x", "y"], classes=points[:, 0] // 5), "a map", "map", select=True)
st.write(f"chosen {plots.selected_rows(state)}")
