"""The largest pictures that are allowed, read for a model, beside what Pillow alone takes to open and shrink them."""

import io
import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from vae_core import images

SIDE = 8_000
LONGEST = 3.0  # seconds, on a quiet machine


def made(kind: str) -> bytes:
    """A picture of 64 megapixels: a pattern of lines, in a file within the limits."""
    y, x = np.mgrid[:SIDE, :SIDE]
    grey = Image.fromarray(((x * 3 + y * 5) // 64 % 256).astype(np.uint8))
    pictures: dict[str, Callable[[], Image.Image]] = {
        "16 bits": lambda: Image.fromarray(np.asarray(grey).astype(np.uint16) * 257),
        "32 bits": lambda: Image.fromarray(np.asarray(grey).astype(np.float32)),
        "colour": lambda: Image.merge("RGB", [grey] * 3),
        "transparent": lambda: Image.merge("RGBA", [grey] * 4),
        "photograph": lambda: Image.merge("RGB", [grey] * 3),
    }
    how = {"32 bits": ("TIFF", {"compression": "tiff_adobe_deflate"}), "photograph": ("JPEG", {})}
    form, options = how.get(kind, ("PNG", {"compress_level": 1}))
    buffer = io.BytesIO()
    pictures[kind]().save(buffer, form, **options)
    return buffer.getvalue()


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@pytest.mark.parametrize("kind", ["16 bits", "32 bits", "colour", "transparent", "photograph"])
def test_a_picture_of_64_megapixels(kind: str, capsys) -> None:
    data, how = made(kind), images.Preparation(centre=True)
    assert len(data) <= images.MAX_BYTES
    plain = min(seconds(lambda: Image.open(io.BytesIO(data)).resize((28, 28))) for _ in range(3))
    ours = min(seconds(lambda: images.prepare(images.open_image(data), (1, 28, 28), how, True)) for _ in range(3))
    with capsys.disabled():
        print(f"\n64 megapixels, {kind}: Pillow's open and resize {plain:.2f} s, ours {ours:.2f} s, {ours / plain:.2f}")
    assert ours < max(LONGEST, 2 * plain)  # a busy machine is slow for both
