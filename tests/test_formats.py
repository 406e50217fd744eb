import io

import numpy as np
import pytest
from PIL import Image

from vae_core import formats, images

PICTURE = Image.linear_gradient("L").resize((60, 40)).convert("RGB")


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    pytest.importorskip({"HEIF": "pillow_heif", "JXL": "pillow_jxl"}[kind])
    assert kind in formats.known()
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["HEIF", "JXL"])
def test_the_extra_reads_what_pillow_does_not(kind: str) -> None:
    opened = images.open_image(encoded(PICTURE, kind, quality=95))
    assert opened.size == (60, 40)
    assert np.abs(np.asarray(opened.convert("RGB"), float) - np.asarray(PICTURE)).mean() < 3
    assert formats.NAMES[kind] in formats.words()


@pytest.mark.parametrize("boxes", [False, True])
@pytest.mark.parametrize(
    "size", [(8, 8), (256, 256), (60, 50), (64, 48), (96, 64), (160, 90), (50, 40), (128, 64), (61, 47), (999, 600)]
)
def test_the_size_of_a_jpeg_xl_is_read_from_its_first_bytes(size: tuple[int, int], boxes: bool) -> None:
    data = encoded(Image.new("L", size, 90), "JXL", effort=1, use_container=boxes)
    assert formats.is_jxl(data) and formats.jxl_size(data) == size
    assert formats.jxl_size(data[:6]) is None


def test_what_only_says_that_it_is_a_jpeg_xl_has_no_size() -> None:
    for data in (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), b"\0\0\0\0JXL "):
        assert formats.is_jxl(data) and formats.jxl_size(data) is None
        with pytest.raises(images.ImageError, match="not a picture that can be read here"):
            images.open_image(data)


@pytest.mark.parametrize("kind", ["HEIF", "JXL"])
def test_too_many_pixels_are_refused_before_they_are_decoded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(PICTURE, kind)
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    decoded = []
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: decoded.append(1))
    if kind == "JXL":  # its reader decodes as it opens
        monkeypatch.setattr(images.Image, "open", lambda *_, **__: decoded.append(1))
    with pytest.raises(images.ImageError, match="60 x 40 pixels"):
        images.open_image(data)
    assert not decoded


def test_a_turned_photograph_of_a_telephone_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert images.open_image(encoded(PICTURE, "HEIF", exif=exif.tobytes())).size == (40, 60)
    assert images.open_image(encoded(PICTURE, "JXL", exif=exif.tobytes())).size == (60, 40)  # its EXIF data say nothing


@pytest.mark.parametrize("kind", ["HEIF", "JXL"])
def test_a_cut_off_file_is_refused_in_one_sentence(kind: str) -> None:
    data = encoded(PICTURE, kind)
    for length in range(0, len(data), 37):
        with pytest.raises(images.ImageError):
            images.open_image(data[:length])
