#!/usr/bin/env bash
# Pillow 13.0.0 reads two usual kinds of TIFF of 16 bits wrongly, without an error or a warning.
#
# Both files are written by tifffile 2026.3.3 from a ramp from black to white. Seen:
# - colour of 16 bits in separate planes, not compressed (PlanarConfiguration 2): the picture is torn, other pixels come
#   back than were written; the same in one plane (PlanarConfiguration 1) comes back right, in its upper 8 bits;
# - grey of 16 bits whose least number is white (PhotometricInterpretation 0, MinIsWhite): it is not turned around, so that
#   the picture is its own negative; the same of 8 bits is turned.
#
# This script fails if Pillow behaves otherwise.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0" "tifffile==2026.3.3" "numpy==2.4.6"

cat > "$folder/look.py" <<'PY'
import io
import sys

import numpy as np
import tifffile
from PIL import Image

ramp = np.linspace(0, 1, 16)[:, None].repeat(16, 1)


def through_pillow(values: np.ndarray, **how: str) -> np.ndarray:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **how)
    return np.asarray(Image.open(file))


colour = np.stack([ramp * 65535, ramp * 30000, ramp * 0]).astype(np.uint16)  # (3, H, W)
planes = through_pillow(colour, photometric="rgb", planarconfig="separate")
pixels = through_pillow(np.moveaxis(colour, 0, -1), photometric="rgb", planarconfig="contig")
written = np.moveaxis(colour, 0, -1) >> 8
print("separate planes: first and last pixel", planes[0, 0], planes[-1, -1], "written", written[0, 0], written[-1, -1])
print("one plane:       first and last pixel", pixels[0, 0], pixels[-1, -1])

sixteen = through_pillow((65535 - ramp * 65535).astype(np.uint16), photometric="miniswhite")
eight = through_pillow((255 - ramp * 255).astype(np.uint8), photometric="miniswhite")
print("white is least, 16 bits: top", sixteen[0, 0], "bottom", sixteen[-1, 0], "; black at the top was meant")
print("white is least,  8 bits: top", eight[0, 0], "bottom", eight[-1, 0])

as_seen = not np.array_equal(planes, written) and np.array_equal(pixels, written)
as_seen = as_seen and sixteen[0, 0] > sixteen[-1, 0] and eight[0, 0] < eight[-1, 0]
sys.exit(0 if as_seen else "Pillow behaves otherwise than when this was written.")
PY

"$folder/venv/bin/python" "$folder/look.py"
