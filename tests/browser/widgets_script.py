"""A page of the shared widgets alone, for test_shell.py."""

from PIL import Image

from pages.widgets.display.figures import show_grid

show_grid(Image.linear_gradient("L").resize((40, 30)), "a grid")
