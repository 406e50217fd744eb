"""What the pages share. Nothing here knows a class of model."""

A = "#2176d2"  # blue and left, everywhere
B = "#d9650b"  # orange and right, everywhere
