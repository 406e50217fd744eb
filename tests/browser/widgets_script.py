"""A page of the shared widgets alone, for test_shell.py."""

import numpy as np
import streamlit as st
from PIL import Image

from pages.widgets.display import plots
from pages.widgets.display.figures import show_grid

show_grid(Image.linear_gradient("L").resize((40, 30)), "a grid")
points = np.stack([np.arange(10), np.arange(10)], -1)
state = plots.show(plots.scatter(points, ["x", "y"], classes=points[:, 0] // 5), "a map", "map", select=True)
st.write(f"chosen {plots.selected_rows(state)}")
