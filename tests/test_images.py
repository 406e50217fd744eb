import io
import struct
import tracemalloc
import warnings
import zipfile
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, features
from PIL.JpegImagePlugin import JpegImageFile

from vae_core import formats, images
from vae_core.images import ImageError, Preparation, open_image, prepare

MNIST = (1, 28, 28)
INK = Preparation(centre=True)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that claims a size and has hardly any bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def drawing(light_on_dark: bool, width: int = 300, height: int = 200, pen: int = 14) -> Image.Image:
    """A seven left of the middle."""
    image = Image.new("L", (width, height), 0 if light_on_dark else 255)
    line = [(60, 40), (120, 40), (80, 150)]
    ImageDraw.Draw(image).line(line, fill=255 if light_on_dark else 0, width=pen)
    return image


# --- opening ----------------------------------------------------------------------------------------------------


def one_sentence(error: BaseException) -> bool:
    text = str(error)
    return "\n" not in text and len(text) < 250 and text.endswith(".") and "Traceback" not in text


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"GIF89a", id="only a signature"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", id="EPS"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="SVG"),
        pytest.param(bytes(range(256)) * 40, id="noise"),
        pytest.param(png_of_size(0, 0), id="0x0"),
        pytest.param(png_of_size(4000, 1), id="1x4000"),
        pytest.param(png_of_size(1, 4000), id="4000x1"),
        pytest.param(png_of_size(400, 8), id="too long"),
        pytest.param(png_of_size(100, 100), id="no pixels"),
        pytest.param(encoded(Image.fromarray(noise(90, 90, 3)), "JPEG")[:900], id="cut off"),
    ],
)
def test_what_is_no_usable_picture_is_refused_in_one_sentence(data):
    with pytest.raises(ImageError) as caught:
        open_image(data)
    assert one_sentence(caught.value)


@pytest.mark.parametrize(
    ("count", "shape", "expected"),
    [(64, (1, 28, 28), 8), (12, (1, 8, 8), 4), (64, (1, 25, 256), 3), (16, (3, 256, 25), 13), (1, (1, 8, 80), 1)],
)
def test_a_sheet_is_about_as_wide_as_high(count, shape, expected):
    assert images.columns(count, shape) == expected


def test_each_limit_is_refused_just_beyond_it_and_allowed_at_it(monkeypatch):
    side = images.MIN_SIDE
    assert open_image(encoded(Image.new("L", (side * images.MAX_ASPECT, side)))).size[0] == side * images.MAX_ASPECT
    with pytest.raises(ImageError, match=str(images.MIN_SIDE)):
        open_image(encoded(Image.new("L", (side - 1, side))))
    with pytest.raises(ImageError, match=str(images.MAX_ASPECT)):
        open_image(encoded(Image.new("L", (side * images.MAX_ASPECT + 1, side))))
    data = encoded(Image.new("L", (20, 20)))
    monkeypatch.setattr(images, "MAX_PIXELS", 400)
    monkeypatch.setattr(images, "MAX_BYTES", len(data))
    open_image(data)
    with pytest.raises(ImageError, match="bytes"):
        open_image(data + b"\0")
    with pytest.raises(ImageError, match="400"):
        open_image(encoded(Image.new("L", (20, 21))))


@pytest.mark.parametrize("most", [300, 100])  # up to twice as many are only warned of
def test_pillows_own_limit_is_kept_too(most, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
    with pytest.raises(ImageError, match="too many pixels"):
        open_image(encoded(Image.new("L", (20, 20))))


@settings(max_examples=150)
@given(st.data())
def test_damaged_pictures_open_or_are_refused_but_nothing_else(data):
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]))
    whole = bytearray(encoded(Image.fromarray(noise(24, 24, 3)), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(whole)))
    with warnings.catch_warnings():  # Pillow's remarks on odd metadata
        warnings.simplefilter("ignore")
        try:
            image = open_image(bytes(whole[: cut or None]))
        except ImageError as error:
            assert one_sentence(error)
        else:
            assert image.mode in ("L", "LA", "RGB", "RGBA")
            assert prepare(image, (3, 16, 16)).x.shape == (1, 3, 16, 16)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "I", "F", "YCbCr", "LAB"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_what_the_model_takes(mode, channels):
    if mode == "I;16":
        image = Image.fromarray(noise(30, 20).astype(np.uint16) * 257)
    else:
        image = Image.fromarray(noise(30, 20, 3)).convert("L" if mode in ("I", "F") else "RGB").convert(mode)
    kind = "TIFF" if mode in ("CMYK", "F", "I", "YCbCr", "LAB") else "PNG"
    x = prepare(open_image(encoded(image, kind)), (channels, 16, 24)).x
    assert x.shape == (1, channels, 16, 24) and x.dtype == torch.float32
    assert x.min() >= 0 and x.max() <= 1 and x.std() > 0.01


def test_sixteen_bits_keep_their_range():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(64, 0)
    opened = open_image(encoded(Image.fromarray(ramp)))
    assert np.abs(np.asarray(opened) - np.rint(ramp / 257)).max() <= 1
    assert "converted from 16 bits" in images.notes(opened)


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0, 1234567.0])
def test_floats_of_any_range_use_the_whole_brightness(top):
    ramp = np.linspace(0, top, 64, dtype=np.float32)[None].repeat(64, 0)
    opened = np.asarray(open_image(encoded(Image.fromarray(ramp), "TIFF")))
    assert opened.min() == 0 and opened.max() == 255


@pytest.mark.parametrize("kind", ["I;16", "I", "F"])
def test_deep_pictures_do_not_depend_on_the_bands_they_are_read_in(kind, monkeypatch):
    values = np.random.default_rng(0).normal(size=(41, 30))
    stored = {"I;16": values * 9000 + 30000, "I": values * 1e6, "F": np.where(values > 2, np.nan, values)}[kind]
    image = Image.fromarray(
        stored.clip(0 if kind == "I;16" else None).astype({"I;16": "u2", "I": "i4", "F": "f4"}[kind])
    )
    data = encoded(image, "TIFF")
    whole = np.asarray(open_image(data))
    monkeypatch.setattr(images, "BAND_PIXELS", 100)
    assert np.array_equal(np.asarray(open_image(data)), whole)
    exact = np.asarray(image, np.float64)
    exact = np.nan_to_num(exact, nan=np.nanmin(exact))  # what is no number is black
    low, high = (0, 65535) if kind == "I;16" else (exact.min(), exact.max())
    assert np.array_equal(whole, np.rint((exact - low) / (high - low) * 255))


@pytest.mark.parametrize("kind", ["I;16", "LA", "L"])
def test_a_large_picture_takes_a_few_bytes_a_pixel(kind, monkeypatch):
    """A small file may hold many pixels; what numpy and Python take is traced, Pillow's own pictures are not."""
    monkeypatch.setattr(images, "BAND_PIXELS", 2**14)
    pixels = np.full((1500, 1500), 300, np.uint16)
    image = Image.fromarray(pixels) if kind == "I;16" else Image.new(kind, pixels.shape, 200)
    data = encoded(image)
    prepare(open_image(data), MNIST, INK, True)  # what is imported on the way is not counted
    tracemalloc.start()
    try:
        prepare(open_image(data), MNIST, INK, True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(data) < 20_000 and peak < 6 * pixels.size


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_undone(orientation, kind):
    upright = Image.new("L", (48, 32), 0)
    upright.paste(255, (0, 0, 24, 16))  # the quarter at the top left
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what a camera held that way stores
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored.convert("RGB"), kind, exif=exif)
    opened = open_image(data)
    assert opened.size == upright.size
    assert np.abs(np.asarray(opened.convert("L"), float) - np.asarray(upright)).mean() < 4
    assert images.header_size(data) == (32, 48)


@pytest.mark.parametrize("kind", formats.OWN)
def test_every_format_that_is_named_opens(kind):
    if not features_of(kind):
        pytest.skip(f"this Pillow was built without {kind}")
    picture = Image.fromarray(noise(20, 30, 3)).filter(ImageFilter.GaussianBlur(4))
    opened = open_image(encoded(picture, kind)).convert("RGB")
    assert np.abs(np.asarray(opened, float) - np.asarray(picture)).mean() < 12


def features_of(kind: str) -> bool:
    return kind not in ("AVIF", "WEBP") or bool(features.check(kind.lower()))


def test_damaged_exif_leaves_the_picture_as_it_lies():
    data = encoded(Image.fromarray(noise(20, 30, 3)), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert open_image(data).size == (30, 20)


def test_the_first_frame_of_an_animation_is_taken():
    frames = [Image.new("L", (20, 20), level) for level in (200, 100, 0)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    opened = open_image(data)
    assert np.unique(np.asarray(opened.convert("L"))).tolist() == [200]
    assert "the first frame of an animation" in images.notes(opened)


def test_the_frames_of_an_animation_are_not_counted():
    frames = [Image.new("L", (20, 20), level) for level in range(200, 0, -1)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    read = []

    class Counted(io.BytesIO):
        def seek(self, place: int, *rest: int) -> int:
            read.append(place)
            return super().seek(place, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "BytesIO", Counted)
        assert "the first frame of an animation" in images.notes(open_image(data))
    assert read and max(read) < len(data) / 10


def patterned(mode: str, width: int = 1440, height: int = 1080) -> Image.Image:
    """Waves of a few pixels, a shadow, and a drawing, in any mode; transparent towards one side."""
    y, x = np.mgrid[:height, :width]
    grey = 200 + 20 * np.sin(x / 9) * np.cos(y / 13) + 30 * x / width
    picture = Image.fromarray(grey.astype(np.uint8))
    ImageDraw.Draw(picture).line([(180, 180), (800, 260), (500, 960)], fill=0, width=50)
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    if mode in ("I", "F"):
        return Image.fromarray(np.asarray(picture).astype("i4" if mode == "I" else "f4"))
    bands = [picture, picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM), picture.rotate(180)]
    alpha = Image.fromarray(np.broadcast_to(255 - 200 * x // width, x.shape).astype(np.uint8))
    if mode in ("LA", "RGBA"):
        return Image.merge(mode, [*bands[: len(mode) - 1], alpha])
    return Image.merge("RGB", bands).convert(mode)


WAYS = [(INK, MNIST), (Preparation(), (3, 64, 64)), (Preparation("pad"), MNIST)]


@pytest.mark.parametrize(
    ("mode", "how", "shape"),
    [
        *(("RGBA", *way) for way in WAYS),
        *((mode, *WAYS[i % 3]) for i, mode in enumerate(("L", "RGB", "LA", "P", "I;16", "I", "F"))),
    ],
)
def test_a_large_picture_is_made_small_early_and_looks_the_same(mode, how, shape, monkeypatch):
    """All in a third of the usual size: no pixel that the model sees differs by more than a grey level."""
    monkeypatch.setattr(images, "WORK_SIDE", images.WORK_SIDE // 3)
    data = encoded(patterned(mode), "TIFF" if mode in ("I", "F") else "PNG")
    slow = prepare(open_image(data), shape, how, True).x
    monkeypatch.setattr(images, "ENOUGH_PIXELS", 1440 * 1080 // 4)
    opened = open_image(data)
    assert opened.size == (720, 540)
    levels = 16 if how.centre else 1  # ink is cut out at a threshold: a pixel at its edge may be half a one
    assert (prepare(opened, shape, how, True).x - slow).abs().max() <= (levels + 0.01) / 255


def test_a_large_picture_keeps_its_upright_shape_and_its_jpeg_is_read_at_a_fraction(monkeypatch):
    monkeypatch.setattr(images, "ENOUGH_PIXELS", 1440 * 1080 // 9)
    exif = Image.Exif()
    exif[0x0112] = 6
    asked = []
    draft = JpegImageFile.draft
    monkeypatch.setattr(JpegImageFile, "draft", lambda self, mode, size: asked.append(size) or draft(self, mode, size))
    opened = open_image(encoded(patterned("RGB"), "JPEG", exif=exif))
    assert asked == [(480, 360)] and opened.size in ((360, 480), (540, 720))


@pytest.mark.parametrize("white", [1, 9, 100, 4095, 65535])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_ppm_may_have_any_white(white, mode):
    values = np.random.default_rng(0).integers(0, white + 1, (20, 30) if mode == "L" else (20, 30, 3))
    head = f"P{5 if mode == 'L' else 6}\n# a remark\n30 20\n{white}\n".encode()
    body = values.astype(">u2" if white > 255 else "u1").tobytes()
    opened = open_image(head + body)
    assert opened.mode == mode and np.array_equal(np.asarray(opened), np.rint(values / white * 255))
    with pytest.raises(ImageError, match="damaged"):
        open_image(head + body[:-1])


def test_what_is_read_slowly_has_a_lower_limit(monkeypatch):
    data = b"P2\n20 20\n9\n" + b"5 " * 400
    assert np.unique(np.asarray(open_image(data))).tolist() == [142]
    monkeypatch.setattr(images, "MAX_SLOW_BYTES", len(data) - 1)
    with pytest.raises(ImageError, match="save it as PNG"):
        open_image(data)


def test_a_large_jpeg_is_decoded_no_smaller_than_asked():
    data = encoded(Image.fromarray(noise(800, 1200, 3)), "JPEG")
    reduced = open_image(data, at_least=(128, 128))
    assert 128 <= min(reduced.size) < 800


# --- what the model sees ------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    st.integers(8, 60),
    st.integers(8, 60),
    st.sampled_from([1, 3]),
    st.integers(8, 40),
    st.integers(8, 40),
    st.sampled_from(images.FITS),
    st.sampled_from([True, False, None]),
    st.booleans(),
    st.sampled_from([True, False, None]),
)
def test_prepare_gives_the_models_shape_and_range(w, h, channels, height, width, fit, invert, centre, dark):
    image = open_image(encoded(Image.fromarray(noise(h, w, 4, seed=w * h), "RGBA")))
    found = prepare(image, (channels, height, width), Preparation(fit, invert, centre), dark)
    assert found.x.shape == (1, channels, height, width)
    assert found.x.min() >= 0 and found.x.max() <= 1
    assert all(isinstance(note, str) for note in found.notes)


@pytest.mark.parametrize("kwargs", [{"fit": "squash"}, {"background": 1.5}, {"box": 0.0}, {"box": 1.1}])
def test_a_preparation_out_of_range_is_refused(kwargs):
    with pytest.raises(ValueError, match="allowed"):
        Preparation(**kwargs)


def test_a_uniform_picture_stays_uniform_under_every_fit():
    image = Image.new("RGB", (37, 90), (10, 120, 250))
    for fit in images.FITS:
        x = prepare(image, (3, 20, 30), Preparation(fit)).x
        assert torch.allclose(x, (torch.tensor([10, 120, 250]) / 255)[None, :, None, None].expand_as(x), atol=0.01)


def test_crop_takes_the_middle_and_pad_keeps_all():
    image = Image.new("RGB", (60, 20), (255, 0, 0))
    image.paste((0, 255, 0), (20, 0, 40, 20))
    cropped = prepare(image, (3, 20, 20), Preparation("crop")).x
    assert torch.equal(cropped[0, 1], torch.ones(20, 20)) and not cropped[0, 0].any()
    padded = prepare(image, (3, 60, 60), Preparation("pad", background=0.0)).x[0]
    assert padded.sum() == pytest.approx(60 * 20, rel=0.01) and not padded[:, :20].any()


def test_pads_have_the_models_ground():
    image = Image.new("L", (40, 20), 128)
    for dark, level in ((True, 0.0), (False, 1.0)):
        x = prepare(image, MNIST, Preparation("pad", invert=False), dark).x
        assert (x[0, 0, 0] == level).all() and (x[0, 0, -1] == level).all()
    assert prepare(image, MNIST, Preparation("pad")).x[0, 0, 0, 0] == pytest.approx(128 / 255)  # its own border


def test_shrinking_averages():
    checks = (np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)
    x = prepare(Image.fromarray(checks), (1, 16, 16)).x
    assert (x - 0.5).abs().max() < 0.02  # without a low-pass filter it would be black, white or stripes


@pytest.mark.parametrize("pen", [3, 14, 30])
def test_dark_on_light_is_found_and_both_ways_end_the_same(pen):
    light, dark = (prepare(drawing(way, pen=pen), MNIST, INK, True) for way in (True, False))
    assert dark.inverted and not light.inverted
    assert torch.allclose(light.x, dark.x, atol=1e-6)
    assert "dark on light, so inverted" in dark.notes


def test_the_switch_overrides_the_detection_and_twice_inverted_is_the_same():
    picture = drawing(light_on_dark=False)
    kept = prepare(picture, MNIST, Preparation("stretch", invert=False), True)
    turned = prepare(picture, MNIST, Preparation("stretch", invert=True), True)
    assert not kept.inverted and turned.inverted
    assert torch.allclose(kept.x + turned.x, torch.ones(MNIST), atol=0.02)


@pytest.mark.parametrize(("shape", "dark"), [(MNIST, False), (MNIST, None), ((3, 28, 28), True)])
def test_other_models_never_invert_unasked(shape, dark):
    assert not prepare(drawing(light_on_dark=False), shape, Preparation(), dark).inverted


def test_a_photograph_of_paper_is_inverted_and_its_shadow_removed():
    ink = np.asarray(drawing(True, 900, 700, pen=10).filter(ImageFilter.GaussianBlur(1.5)), float) / 255
    y, x = np.mgrid[0:700, 0:900]
    paper = 0.9 - 0.3 * x / 900 - 0.1 * y / 700
    grain = np.random.default_rng(0).normal(0, 0.02, paper.shape)
    photo = Image.fromarray((255 * (paper * (1 - 0.8 * ink) + grain).clip(0, 1)).astype(np.uint8))
    found = prepare(open_image(encoded(photo, "JPEG")), MNIST, INK, True)
    clean = prepare(drawing(True, 900, 700, pen=10), MNIST, INK, True)
    assert found.inverted
    shifts = [found.x.roll((v, h), (2, 3)) for v in (-1, 0, 1) for h in (-1, 0, 1)]
    assert min((x - clean.x).abs().mean() for x in shifts) < 0.02
    assert (found.x[0, 0, 0] == 0).all()


@settings(max_examples=40)
@given(st.integers(0, 150), st.integers(0, 100), st.integers(1, 4))
def test_centred_ink_does_not_depend_on_place_or_size(left, top, scale):
    ink = np.zeros((28, 28), np.uint8)
    ink[4:24, 9:20] = noise(20, 11) // 2 + 128
    around = np.zeros((300, 320), np.uint8)
    big = ink[4:24, 9:20].repeat(scale, 0).repeat(scale, 1)
    around[top + 20 : top + 20 + big.shape[0], left + 20 : left + 20 + big.shape[1]] = big
    here, there = (prepare(Image.fromarray(p), MNIST, INK, True).x for p in (ink, around))
    assert (here - there).abs().mean() < 0.02


def test_centred_ink_fills_mnists_box_around_its_mass():
    x = prepare(drawing(True), MNIST, INK, True).x[0, 0]
    rows, columns = (x > 0.1).any(1).nonzero(), (x > 0.1).any(0).nonzero()
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 == 20
    assert x.max() == 1
    for axis in (0, 1):
        mass = x.sum(1 - axis)
        centre = (mass * (torch.arange(28) + 0.5)).sum() / mass.sum()
        assert 14 <= centre < 15 or (rows, columns)[axis][-1] == 27


def test_what_has_been_centred_stays_where_it_is():
    once = prepare(drawing(True), MNIST, INK, True).x
    again = prepare(Image.fromarray(images.to_uint8(once)[0, ..., 0]), MNIST, INK, True).x
    assert (once - again).abs().max() < 0.02


def test_thin_lines_grow_to_the_thickness_of_training_data():
    thin, thick = (prepare(drawing(True, pen=pen), MNIST, INK, True).x.sum() for pen in (2, 12))
    assert thin > 0.7 * thick


def test_things_keep_their_brightness():
    grey = Image.new("L", (100, 100), 255)
    grey.paste(155, (30, 20, 60, 80))
    as_thing = Preparation(centre=True, box=1.0, by_mass=False, brighten=False)
    x = prepare(grey, MNIST, as_thing, True).x[0, 0]
    assert x.max() == pytest.approx(100 / 255, abs=0.01)
    assert (x > 0.2).any(1).all() and (x[:, :7] == 0).all() and (x[:, -7:] == 0).all()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_page_without_ink_is_fitted_instead(level):
    found = prepare(Image.new("L", (50, 40), level), MNIST, INK, True)
    assert "middle cut out" in found.notes and not found.inverted


@pytest.mark.parametrize("ink", [0, 255])
def test_a_transparent_drawing_keeps_its_ink(ink):
    line = drawing(True)
    image = Image.merge("LA", (Image.new("L", line.size, ink), line))
    expected = prepare(line, MNIST, INK, True).x
    assert (prepare(open_image(encoded(image)), MNIST, INK, True).x - expected).abs().max() < 0.02


def test_transparency_takes_the_background_that_is_asked_for():
    clear = open_image(encoded(Image.new("RGBA", (30, 30), (255, 0, 0, 0))))
    for background in (0.0, 0.5, 1.0):
        x = prepare(clear, (3, 16, 16), Preparation(background=background)).x
        assert (x - background).abs().max() < 0.01
    assert "transparency filled with white" in prepare(clear, (3, 16, 16)).notes


def test_dark_ground_is_told_from_pictures():
    ink = torch.zeros(20, 1, 16, 16)
    ink[..., 5:11, 5:11] = 1
    assert images.has_dark_ground(ink) is True
    assert images.has_dark_ground(1 - ink) is False
    assert images.has_dark_ground(torch.rand(20, 3, 16, 16)) is None


# --- results ------------------------------------------------------------------------------------------------------


def batch(count: int = 6, channels: int = 3, height: int = 9, width: int = 7) -> torch.Tensor:
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(0))


def test_a_cameras_two_views_are_one_picture():
    """Many telephones write a JPEG with a second picture in it, which is no animation."""
    first, second = (Image.fromarray(noise(40, 60, 3, seed=seed)) for seed in (0, 1))
    data = encoded(first, "MPO", save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(data)).n_frames == 2
    opened = open_image(data)
    assert images.notes(opened) == () and opened.size == (60, 40)


def test_pages_are_no_frames():
    pages = [Image.fromarray(noise(20, 30, seed=seed)) for seed in (0, 1)]
    opened = open_image(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert images.notes(opened) == ("the first of several pages",)
    assert np.array_equal(np.asarray(opened), np.asarray(pages[0]))


@given(st.integers(0, 255))
def test_uint8_round_trip(level):
    assert (images.to_uint8(torch.full((1, 1, 2, 2), level / 255)) == level).all()


def test_uint8_clips_and_shows_nan_as_black():
    x = torch.tensor([-1.0, 2.0, float("nan"), float("inf")]).reshape(1, 1, 2, 2)
    assert images.to_uint8(x).ravel().tolist() == [0, 255, 0, 255]


@settings(max_examples=30)
@given(
    st.integers(1, 9), st.integers(1, 5), st.integers(1, 4), st.integers(0, 5), st.sampled_from([1, 3]), st.floats(0, 1)
)
def test_grid_shows_every_pixel_as_a_square_with_equal_gutters(count, columns, scale, gutter, channels, background):
    x = batch(count, channels)
    canvas = np.asarray(images.grid(x, columns, scale, gutter, background)).reshape(
        -(-count // columns) * (9 * scale + gutter) + gutter, columns * (7 * scale + gutter) + gutter, channels
    )
    seen = np.zeros(canvas.shape[:2], bool)
    for k, tile in enumerate(images.to_uint8(x)):
        top = k // columns * (9 * scale + gutter) + gutter
        left = k % columns * (7 * scale + gutter) + gutter
        place = slice(top, top + 9 * scale), slice(left, left + 7 * scale)
        assert (canvas[place] == np.kron(tile, np.ones((scale, scale, 1), np.uint8))).all()
        seen[place] = True
    assert (canvas[~seen] == round(255 * background)).all()


@pytest.mark.parametrize(
    "arguments",
    [{"columns": 0}, {"columns": 2, "scale": 0}, {"columns": 2, "scale": 1.5}, {"columns": 2, "gutter": -1}],
)
def test_grid_refuses_numbers_out_of_range(arguments):
    with pytest.raises(ValueError, match="whole number"):
        images.grid(batch(), **arguments)


@pytest.mark.parametrize("make", [lambda x: images.grid(x, 3), images.gif, images.zip_png])
@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (2, 2, 8, 8), (1, 8, 8)])
def test_results_refuse_what_is_no_batch_of_pictures(make, shape):
    with pytest.raises(ValueError, match="shape"):
        make(torch.zeros(shape))


@pytest.mark.parametrize("make", [lambda x: images.grid(x, 3, 60), lambda x: images.gif(x, scale=60)])
def test_results_have_a_greatest_size(make, monkeypatch):
    monkeypatch.setattr(images, "MAX_CANVAS", 100_000)
    with pytest.raises(ValueError, match="100,000"):
        make(batch())


def test_png_is_lossless():
    canvas = images.grid(batch(), 3)
    assert np.array_equal(np.asarray(open_image(images.png(canvas))), np.asarray(canvas))


def frames_of(data: bytes) -> tuple[list[np.ndarray], list[int], int | None]:
    image = Image.open(io.BytesIO(data))
    loop = image.info.get("loop")
    frames, durations = [], []
    for k in range(image.n_frames):
        image.seek(k)
        frames.append(np.asarray(image.convert("RGB")))
        durations.append(image.info["duration"])
    return frames, durations, loop


@pytest.mark.parametrize("channels", [1, 3])
def test_a_gif_loops_for_ever_and_shows_up_to_256_colours_exactly(channels):
    x = (batch(8, channels) * 3).round() / 3  # at most 64 colours
    frames, _, loop = frames_of(images.gif(x, scale=2))
    assert loop == 0 and len(frames) == 8
    expected = images.to_uint8(x).repeat(2, 1).repeat(2, 2)
    assert all((frame == tile).all() for frame, tile in zip(frames, expected, strict=True))


def test_a_gif_of_many_colours_is_near_and_free_of_dither():
    ramp = torch.linspace(0, 1, 64)
    x = torch.stack([ramp.expand(64, 64), ramp[:, None].expand(64, 64), torch.full((64, 64), 0.5)])[None]
    (frame,), _, _ = frames_of(images.gif(x))
    assert np.abs(frame.astype(int) - images.to_uint8(x)[0]).mean() < 8
    steps = np.diff(frame[..., 0].astype(int), axis=1)
    assert (steps < -16).mean() < 0.02  # dithering would make a rising ramp fall at every other pixel


@settings(max_examples=30)
@given(st.floats(0.5, images.MAX_FPS), st.integers(2, 40))
def test_a_gif_keeps_its_pace_to_a_hundredth_of_a_second(fps, count):
    x = torch.arange(count).div(count).reshape(-1, 1, 1, 1).expand(-1, 1, 8, 8)
    frames, durations, _ = frames_of(images.gif(x, fps))
    assert len(frames) == count
    assert abs(sum(durations) / 1000 - count / fps) <= 0.01
    assert max(durations) - min(durations) <= 10


@pytest.mark.parametrize("fps", [0, -1, 51, float("nan")])
def test_a_gif_refuses_other_speeds(fps):
    with pytest.raises(ValueError, match="fps"):
        images.gif(batch(), fps)


@given(st.text(max_size=300))
@settings(max_examples=50)
def test_zip_names_are_safe_and_in_order(stem):
    x = batch(11, 1)
    with zipfile.ZipFile(io.BytesIO(images.zip_png(x, stem))) as archive:
        names = archive.namelist()
        assert len(set(names)) == 11 and names == sorted(names)
        assert all(name.isascii() and not set(name) & set("/\\:. ") - {"."} for name in names)
        assert all(name.count(".") == 1 and name.endswith(".png") and len(name) < 120 for name in names)
        for name, tile in zip(names, images.to_uint8(x), strict=True):
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(archive.read(name)))), tile[..., 0])


def test_zip_is_the_same_for_the_same_pictures():
    assert images.zip_png(batch()) == images.zip_png(batch())


def test_equal_frames_stay_frames():
    """The way from a picture to itself has all of its steps."""
    x = torch.zeros(4, 1, 8, 8)
    x[2:] = 1
    for pictures in (x, x[:1].expand(4, -1, -1, -1), x[:1]):
        frames, durations, loop = frames_of(images.gif(pictures, 10))
        assert durations == [100] * len(pictures) and loop == 0
        assert all((a == b).all() for a, b in zip(frames, images.to_uint8(pictures), strict=True))
