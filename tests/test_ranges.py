"""Numbers of other kinds than bytes: one range for a whole set, found in it or asked for, and kept by the model."""

import io
import shlex
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from vae_core import checkpoints, deep, images, ranges
from vae_core.cli import main
from vae_core.config import DataConfig, Range
from vae_core.data import Dataset, load, range_of
from vae_core.ranges import Numbers

CONFIG = DataConfig("mine", val_fraction=0, test_fraction=0)
LEVELS = np.linspace(0, 1, 16)[:, None].repeat(16, 1)  # a ramp from black to white
COUNT = 12
DARKER = [LEVELS * (k + 1) / COUNT for k in range(COUNT)]  # each a little brighter than the one before


def as_bytes(pictures: list[np.ndarray]) -> np.ndarray:
    return np.rint(np.stack(pictures) * 255).astype(np.uint8)


def folder(path: Path, pictures: list[np.ndarray], **how: object) -> Path:
    path.mkdir()
    for k, picture in enumerate(pictures):
        tifffile.imwrite(path / f"{k:02}.tif", picture, **how)
    return path


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def whole(source: Path | bytes, range: Range | None = None) -> Dataset:
    return load(DataConfig("mine", range=range), source).whole()


def in_order(source: Path, asked: Range | None = None) -> np.ndarray:
    """The first channel of all pictures, by the names of their files or their place."""
    config = DataConfig("mine", range=asked, val_fraction=0, test_fraction=0)
    return load(config, source).train.images[:, 0].numpy()


def png(values: np.ndarray) -> bytes:
    """Numbers (H, W, channels) as a PNG of 16 bits, which Pillow does not write in colour."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    out = b"\x89PNG\r\n\x1a\n"
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    for kind, content in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        out += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return out


# --- what the range is ----------------------------------------------------------------------------------------------


def found(values: np.ndarray) -> tuple[float, float]:
    numbers = Numbers()
    numbers.add(values)
    used = ranges.find(numbers)
    return used.low, used.high


NOISE = np.random.default_rng(0).random(50_000)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (NOISE, (0, 1)),
        (NOISE * 2 - 1, (-1, 1)),
        (NOISE * 255, (0, 255)),
        (np.append(NOISE, 1.0000001), (0, 1)),
        (np.append(NOISE, -1e-6), (0, 1)),
        (np.where(NOISE > 0.995, 1.02, NOISE), (0, 1)),
        (np.append(NOISE, [np.nan, np.inf, -np.inf]), (0, 1)),
        (np.append(NOISE, 1000.0), (0, 1)),
        (np.append(NOISE * 255, [-3e38]), (0, 255)),
        (NOISE.astype(np.float16), (0, 1)),
        ((NOISE * 255).astype(np.int64), (0, 255)),
        ((NOISE * 1023).astype(np.uint16), (0, 1023)),
        ((NOISE * 4095).astype(np.uint16), (0, 4095)),
        ((NOISE * 4095).astype(np.uint32), (0, 4095)),
        (np.append((NOISE * 4095).astype(np.uint16), np.uint16(60_000)), (0, 4095)),
        ((NOISE * 65_535).astype(np.uint16), (0, 65_535)),
        ((NOISE * 4e9).astype(np.uint32), (0, 2**32 - 1)),
        ((NOISE * 255 - 128).astype(np.int8), (-128, 127)),
        (NOISE > 0.5, (0, 1)),
        (np.zeros(100), (0, 1)),
        (np.full(100, 300, np.uint16), (0, 511)),
    ],
)
def test_a_usual_range_is_known_and_a_stray_number_does_not_set_it(values, expected):
    assert found(values) == expected


FAINT = (NOISE * 900).astype(np.uint16)
OFTEN = np.arange(len(NOISE)) % 500 == 0  # one number of five hundred
SPARSE = np.where(OFTEN, np.uint16(65_535), np.uint16(0))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.where(OFTEN, np.uint16(65_535), FAINT), (0, 1023)),  # a hot pixel in every picture
        (np.where(OFTEN, np.uint16(0), FAINT + np.uint16(30_000)), (30_000, 30_899)),  # a dead one
        (np.where(OFTEN, 40.0, NOISE), (0, 1)),
        (np.where(NOISE > 0.9, -9999.0, NOISE * 2000 + 100), (100, 1900)),  # "no data" of a map, in the tenth of it
        (np.where(NOISE > 0.9, -32_768, NOISE * 2000 + 5000).astype(np.int16), (5000, 6799)),
        (SPARSE, (0, 65_535)),  # dots are no defects
        (np.where(OFTEN, np.uint16(4095), FAINT * np.uint16(2)), (0, 4095)),  # and highlights lie near the others
    ],
)
def test_a_number_far_from_all_others_does_not_set_the_range_where_it_is_a_defect(values, expected):
    assert found(values) == pytest.approx(expected, rel=2e-2)


def remarks_of(values: np.ndarray) -> str:
    numbers = Numbers()
    numbers.add(values)
    return "; ".join(ranges.remarks(numbers, ranges.find(numbers), None))


def test_what_did_not_set_the_range_is_told():
    assert "0.2 % of the numbers are 65535, far from all others: taken for white" in remarks_of(
        np.where(OFTEN, np.uint16(65_535), FAINT)
    )
    assert "10 % of the numbers are -9999, far from all others: taken for black" in remarks_of(
        np.where(np.arange(len(NOISE)) % 10 == 0, -9999.0, NOISE)
    )


def test_a_found_range_in_which_the_pictures_are_nearly_flat_is_told():
    often = np.arange(len(NOISE)) % 20 == 0
    told = remarks_of(np.where(often, np.uint16(65_535), FAINT))
    assert "nearly black: --range=0,900 spreads what 95% of it holds" in told
    assert "nearly white: --range=" in remarks_of(np.where(often, -9999 + 100 * NOISE, NOISE))
    for fine in (NOISE, SPARSE, np.where(NOISE > 0.8, NOISE, NOISE / 1e3), (NOISE**2 * 255).astype(np.int64)):
        assert "nearly" not in remarks_of(fine)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (NOISE * 16, (0, 16)),  # counts, as in scikit-learn's digits
        (NOISE * 16 + 1000, (1000, 1016)),
        (NOISE * 4095 / 65_535, (0, 4095 / 65_535)),
        ((NOISE * 4000 - 1000).astype(np.int16), (-1000, 2999)),  # Hounsfield units
        ((NOISE * 500 + 30_000).astype(np.uint16), (30_000, 30_499)),
    ],
)
def test_numbers_that_fill_no_usual_range_have_their_own(values, expected):
    assert found(values) == pytest.approx(expected, rel=2e-2, abs=2e-4)


def test_bright_points_in_the_dark_are_no_strays():
    sky = NOISE * 0.02
    sky[::400] = 1
    assert found(sky) == (0, 1)


def test_nothing_finite_is_refused():
    with pytest.raises(ValueError, match="no finite number"):
        found(np.full(9, np.nan))


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i8", "f4", "f8"])
def test_many_numbers_and_few_become_the_same_bytes(kind):
    values = (np.random.default_rng(1).random(70_000) * 200 - 70 * (kind[0] != "u")).astype(kind)
    used = Range(-50, 100)
    exact = np.rint((values.astype(np.float64).clip(-50, 100) + 50) / 150 * 255)
    assert np.array_equal(ranges.to_bytes(values, used), exact)
    assert np.array_equal(ranges.to_bytes(values[:40], used), exact[:40])


def test_what_is_not_finite_is_white_or_black():
    assert ranges.to_bytes(np.array([np.inf, -np.inf, np.nan, 0.5]), Range(0, 1)).tolist() == [255, 0, 0, 128]


@pytest.mark.parametrize("low, high", [(1, 1), (2, 1), (float("nan"), 1), (0, float("inf"))])
def test_a_range_that_is_none_is_refused(low, high):
    with pytest.raises(ValueError, match="range"):
        Range(low, high)


# --- folders --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "how"),
    [
        pytest.param(lambda x: (x * 1023).astype("u2"), {}, id="10 bits in 16"),
        pytest.param(lambda x: (x * 4095).astype("u4"), {}, id="12 bits in 32"),
        pytest.param(lambda x: (x * 65535).astype("u2"), {}, id="16 bits"),
        pytest.param(lambda x: (x * 65535).astype(">u2"), {"byteorder": ">"}, id="big-endian"),
        pytest.param(lambda x: x.astype("f4"), {}, id="floats"),
        pytest.param(lambda x: (x * 1.02).astype("f4").clip(0, 1.02), {}, id="floats beyond 1"),
        pytest.param(lambda x: x * 2 - 1, {}, id="-1 to 1, 64 bits"),
        pytest.param(lambda x: (x * 255).astype("f2"), {}, id="0 to 255, half"),
        pytest.param(lambda x: (x * 255 - 128).round().astype("i1"), {}, id="8 bits signed"),
        pytest.param(lambda x: (x * 3000 - 1000).astype("i2"), {}, id="16 bits signed"),
        pytest.param(lambda x: (x * (2**32 - 1)).astype("u4"), {}, id="32 bits"),
        pytest.param(lambda x: 65535 - (x * 65535).astype("u2"), {"photometric": "miniswhite"}, id="white is least"),
        pytest.param(lambda x: (x * 4095).astype("u2"), {"compression": "zlib", "predictor": True}, id="deflate"),
        pytest.param(lambda x: (x * 4095).astype("u2"), {"tile": (16, 16), "compression": "zlib"}, id="tiles"),
    ],
)
def test_one_range_for_the_whole_folder_keeps_differences_between_pictures(make, how, tmp_path):
    source = folder(tmp_path / "set", [make(x) for x in DARKER], **how)
    seen = in_order(source)
    assert np.abs(seen.astype(int) - as_bytes(DARKER)).max() <= 5
    note, *turned = load(CONFIG, source).train.notes
    assert len(turned) == ("photometric" in how)
    assert note.startswith("black is ") and note.endswith("--range LOW,HIGH overrules it")


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colour_of_16_bits_is_whole_however_its_planes_lie(planar, tmp_path):
    pictures = [np.stack([x, x / 2, x * 0], 0 if planar == "separate" else -1) for x in DARKER]
    deep_ones = [(picture * 65_535).astype("u2") for picture in pictures]
    seen = load(CONFIG, folder(tmp_path / "set", deep_ones, photometric="rgb", planarconfig=planar)).train.images
    assert seen.shape == (COUNT, 3, 16, 16)
    for channel, share in enumerate((1, 0.5, 0)):
        assert np.abs(seen[:, channel].numpy().astype(int) - as_bytes([x * share for x in DARKER])).max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_12_bits_in_16_is_not_black(channels, tmp_path):
    for k, x in enumerate(DARKER):
        colours = [(x * 4095)] * (1 if channels < 3 else 3)
        opaque = [np.full_like(x, 65_535)] * (channels in (2, 4))
        (tmp_path / f"{k:02}.png").write_bytes(png(np.stack(colours + opaque, -1).astype("u2")))
    assert np.abs(in_order(tmp_path).astype(int) - as_bytes(DARKER)).max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_png_of_16_bits_keeps_both_bytes_of_each_number(mode):
    values = np.random.default_rng(0).integers(0, 2**16, (9, 13, len(mode))).astype("u2")
    read = deep.read(png(values))
    assert np.array_equal(read.values, values[..., :3])
    assert read.alpha is None or np.abs(read.alpha - values[..., 3] / 257).max() <= 0.5


def test_pgm_of_12_bits_in_16_is_not_black(tmp_path):
    for k, x in enumerate(DARKER):
        (tmp_path / f"{k:02}.pgm").write_bytes(b"P5\n# made here\n16 16\n65535\n" + (x * 4095).astype(">u2").tobytes())
    assert np.abs(in_order(tmp_path).astype(int) - as_bytes(DARKER)).max() <= 1


def test_an_infinite_pixel_does_not_blacken_its_picture_and_is_told(tmp_path):
    pictures = [x.astype("f4") for x in DARKER]
    pictures[3][5, 5], pictures[4][0, 0] = np.inf, np.nan
    source = folder(tmp_path / "set", pictures)
    seen, expected = in_order(source).astype(int), as_bytes(DARKER)
    expected[3, 5, 5], expected[4, 0, 0] = 255, 0
    assert np.abs(seen - expected).max() <= 1
    assert load(CONFIG, source).train.notes[1].startswith("2 of the numbers are infinite, or not numbers: ")


def test_pixels_without_data_do_not_set_the_range(tmp_path):
    pictures = [np.where(x < 0.1, -9999, 200 + x * 20).astype("f4") for x in DARKER]
    source = folder(tmp_path / "set", pictures, extratags=[(42113, 2, 0, "-9999", True)])
    used = load(CONFIG, source).train.range
    assert 199 < used.low < 205 and 215 < used.high <= 220


def test_files_of_8_bits_among_deeper_ones_are_taken_as_they_are(tmp_path):
    for k, x in enumerate(DARKER):
        picture = (x * 4095).astype("u2") if k % 2 else np.rint(x * 255).astype("u1")
        Image.fromarray(picture).save(tmp_path / f"{k:02}.png")
    assert np.abs(in_order(tmp_path).astype(int) - as_bytes(DARKER)).max() <= 1
    assert "6 of the pictures have 8 bits: 0 is black and 255 is white in these" in load(CONFIG, tmp_path).train.notes


def test_files_of_8_bits_alone_are_taken_as_they_are_and_nothing_is_said(tmp_path):
    source = folder(tmp_path / "set", list(as_bytes(DARKER)))
    assert np.array_equal(in_order(source), as_bytes(DARKER))
    assert load(CONFIG, source).train.notes == () and load(CONFIG, source).train.range == ranges.BYTES


def test_masks_of_0_and_1_are_not_black(tmp_path):
    source = folder(tmp_path / "set", [(x > 0.3).astype("u1") for x in DARKER])
    assert np.unique(in_order(source)).tolist() == [0, 255]
    assert "masks" in load(CONFIG, source).train.notes[0]


def test_dark_bytes_are_told_and_a_range_brightens_them(tmp_path):
    source = folder(tmp_path / "set", [np.rint(x * 16).astype("u1") for x in DARKER])
    assert in_order(source).max() == 16
    assert "--range 0,16 makes it white" in load(CONFIG, source).train.notes[0]
    assert in_order(source, Range(0, 16)).max() == 255


def test_what_is_asked_for_is_used_and_a_bad_fit_is_told(tmp_path):
    source = folder(tmp_path / "set", [(x * 4095).astype("u2") for x in DARKER])
    assert np.abs(in_order(source, Range(0, 8190)).astype(int) * 2 - as_bytes(DARKER)).max() <= 2
    notes = load(DataConfig("mine", range=Range(0, 65_535 * 4)), source).train.notes
    assert "as asked for" in notes[0] and "nearly flat" in notes[1]
    notes = load(DataConfig("mine", range=Range(0, 100)), source).train.notes
    assert "lie outside of this range" in notes[1]


def test_a_range_for_a_named_set_is_refused():
    with pytest.raises(ValueError, match="pictures of one's own"):
        load(DataConfig("digits", range=Range(0, 16)))


# --- pages of a TIFF ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [
        {"photometric": "minisblack"},
        {"imagej": True},
        {"truncate": True, "photometric": "minisblack"},
        {"photometric": "minisblack", "compression": "zlib"},
    ],
    ids=["pages", "imagej", "one page and the rest behind it", "deflate"],
)
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_each_page_of_a_tiff_is_a_picture(how, kind, tmp_path):
    if how.get("compression") and how.get("imagej"):
        pytest.skip("not written")
    top = 255 if kind == "u1" else 4095
    tifffile.imwrite(tmp_path / "stack.tif", np.rint(np.stack(DARKER) * top).astype(kind), **how)
    for source in (tmp_path, tmp_path / "stack.tif", (tmp_path / "stack.tif").read_bytes()):
        seen = load(CONFIG, source).train
        assert np.abs(seen.images[:, 0].numpy().astype(int) - as_bytes(DARKER)).max() <= 1
        assert f"each of {COUNT} pages is a picture, in 1 TIFF of several pages" in seen.notes
        assert seen.names[2].endswith("stack.tif, page 3")


def test_smaller_copies_in_a_tiff_are_no_pictures_of_their_own(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write((LEVELS * 65_535).astype("u2"))
        file.write((LEVELS[::2, ::2] * 65_535).astype("u2"), subfiletype=1)
    assert deep.pages((tmp_path / "a.tif").read_bytes()) == [0]
    assert len(load(CONFIG, tmp_path).train) == 1


def test_an_upload_takes_the_first_page_and_says_so():
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.stack([(x * 4095).astype("u2") for x in DARKER]), photometric="minisblack")
    opened = images.open_image(buffer.getvalue(), used=Range(0, 4095, "numbers"))
    assert np.abs(np.asarray(opened).astype(int) - as_bytes(DARKER)[0]).max() <= 1
    assert f"the first of its {COUNT} pages" in images.notes(opened)


def test_count_chooses_among_pages(tmp_path):
    tifffile.imwrite(tmp_path / "stack.tif", as_bytes(DARKER), photometric="minisblack")
    assert len(load(DataConfig("mine", count=5), tmp_path).whole()) == 5


# --- limits of TIFF -------------------------------------------------------------------------------------------------


def tiff(values: np.ndarray, **how: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **how)
    return buffer.getvalue()


DEEP = (LEVELS * 4095).astype("u2")


@pytest.mark.parametrize(
    ("limit", "value", "match"),
    [(images, ("MAX_PIXELS", 255), "at most 255 in all"), (deep, ("MAX_NUMBERS", 511), "at most 511 are allowed")],
)
def test_the_size_of_a_tiff_is_checked_before_it_is_unpacked(limit, value, match, monkeypatch):
    monkeypatch.setattr(limit, *value)
    monkeypatch.setattr(deep, "_unpacked", pytest.fail)
    with pytest.raises(images.ImageError, match=match):
        images.open_image(tiff(DEEP))


def test_a_piece_that_unpacks_to_more_than_its_size_is_refused(monkeypatch):
    data = tiff(DEEP, compression="zlib", rowsperstrip=16)
    larger = zlib.compress(bytes(DEEP.nbytes + 1))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        start, length = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    assert len(larger) <= length
    changed = data[:start] + larger.ljust(length, b"\0") + data[start + length :]
    with pytest.raises(images.ImageError, match="unpacks to more than its size"):
        images.open_image(changed)


def test_more_pieces_than_allowed_are_refused(monkeypatch):
    monkeypatch.setattr(deep, "MAX_PIECES", 3)
    with pytest.raises(images.ImageError, match="at most 3 are allowed"):
        images.open_image(tiff(DEEP, rowsperstrip=4))


def test_channels_that_are_no_colour_are_refused_by_number():
    data = tiff(np.stack([DEEP] * 5, -1), photometric="minisblack", planarconfig="contig")
    with pytest.raises(images.ImageError, match="5 channels; allowed: grey or colour"):
        images.open_image(data)


def test_a_channel_beside_the_colours_is_left_out_and_told():
    values = np.stack([DEEP, DEEP, DEEP, DEEP * 0], -1)
    opened = images.open_image(tiff(values, photometric="rgb", extrasamples=["unspecified"]))
    assert opened.mode == "RGB" and "1 more channel left out" in images.notes(opened)


def test_transparency_of_16_bits_stays():
    opened = images.open_image(tiff(np.stack([DEEP, DEEP * 0 + 30_000], -1), extrasamples=["unassalpha"]))
    assert opened.mode == "LA" and opened.getpixel((0, 0)) == (0, 117)


def test_a_packing_that_is_not_read_is_named_with_what_to_do(monkeypatch):
    monkeypatch.setattr(deep, "_unpacked", lambda page: None)  # as for a compression that needs a codec
    with pytest.raises(images.ImageError, match=r"64 bits packed by .*, which is not read here: save it as TIFF"):
        images.open_image(tiff(LEVELS))


def test_16_bits_packed_by_lzw_are_read_by_pillow():
    buffer = io.BytesIO()
    Image.fromarray(DEEP).save(buffer, "TIFF", compression="tiff_lzw")
    assert np.array_equal(deep.read(buffer.getvalue()).values, DEEP)


def test_pictures_with_white_as_0_are_told_to_be_turned(tmp_path):
    source = folder(tmp_path / "set", [(4095 * (1 - x)).astype("u2") for x in DARKER], photometric="miniswhite")
    told = "; ".join(load(CONFIG, source).train.notes)
    assert f"{COUNT} of the pictures have white as 0 in their files, and were turned" in told
    assert np.diff(in_order(source).mean((1, 2))).min() > 0
    plain = folder(tmp_path / "plain", [(4095 * x).astype("u2") for x in DARKER])
    assert "turned" not in "; ".join(load(CONFIG, plain).train.notes)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_deep_tiff_is_turned_upright(orientation):
    values = DEEP[:12].copy()
    values[:, 0] = 4095
    data = tiff(values, extratags=[(274, 3, 1, orientation, True)])
    expected = Image.fromarray(ranges.to_bytes(values, Range(0, 4095)))
    if (turn := images._TURNS.get(orientation)) is not None:
        expected = expected.transpose(turn)
    opened = images.open_image(data)
    assert np.array_equal(np.asarray(opened), np.asarray(expected))
    assert images.header_size(data) == (opened.height, opened.width)


@pytest.mark.parametrize("at", range(8, 200, 7))
def test_a_damaged_tiff_is_read_or_refused_but_nothing_else(at):
    data = bytearray(tiff(DEEP, compression="zlib"))
    data[at] ^= 0xFF
    try:
        opened = images.open_image(bytes(data))
    except images.ImageError as error:
        assert "\n" not in str(error)
    else:
        assert opened.mode in ("L", "LA", "RGB", "RGBA")


# --- models ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def twelve_bits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder of 12 bits in files of 16, and a model of it."""
    root = tmp_path_factory.mktemp("twelve")
    source = folder(root / "set", [(x * 4095).astype("u2") for x in DARKER])
    out = root / "m.safetensors"
    small = shlex.split("--hidden 8 --latent-dim 2 --epochs 1 --device cpu --model mlp")
    assert main(["train", *small, "--data", str(source), "--out", str(out)]) == 0
    return source, out


def test_the_range_is_printed_before_training_and_kept_in_the_header(twelve_bits, tmp_path, capsys):
    source, out = twelve_bits
    trained = checkpoints.load(out).recipe.data
    assert trained.range == Range(0, 4095, "numbers") == range_of(trained)
    small = shlex.split("--hidden 8 --latent-dim 2 --epochs 1 --device cpu --model mlp --range 0,65535 --verbose")
    assert main(["train", *small, "--data", str(source), "--out", str(tmp_path / "m.safetensors")]) == 0
    said = capsys.readouterr().err
    assert "black is 0 and white 65535 (as asked for)" in said.partition("epoch 1")[0]
    assert checkpoints.load(tmp_path / "m.safetensors").recipe.data.range == Range(0, 65_535, "numbers")


def test_other_pictures_are_encoded_in_the_range_of_the_model(twelve_bits, tmp_path, capsys):
    """A set of its own dark pictures would be stretched if the range were found in it."""
    source, out = twelve_bits
    dark = folder(tmp_path / "dark", [(x * 4095).astype("u2") for x in DARKER[:2]])
    for data, name in ((source, "all"), (dark, "dark")):
        path = tmp_path / f"{name}.npz"
        assert main(["encode", str(out), "--data", str(data), "--out", str(path), "--device", "cpu"]) == 0
    assert "black is 0 and white 4095 (as the model was trained)" in capsys.readouterr().err
    with np.load(tmp_path / "all.npz") as every, np.load(tmp_path / "dark.npz") as some:
        rows = [list(every["file_name"]).index(name) for name in some["file_name"]]
        assert np.allclose(every["mean"][rows], some["mean"], atol=1e-5)
    assert main(["encode", str(out), "--data", str(dark), "--range", "0,700", "--out", str(path)]) == 0
    with np.load(tmp_path / "all.npz") as every, np.load(path) as some:
        assert not np.allclose(every["mean"][rows], some["mean"], atol=1e-5)


def test_resuming_and_training_alike_find_the_same_range(twelve_bits, tmp_path):
    source, out = twelve_bits
    again = tmp_path / "again.safetensors"
    assert main(["train", "--like", str(out), "--data", str(source), "--device", "cpu", "--out", str(again)]) == 0
    assert checkpoints.load(again).recipe == checkpoints.load(out).recipe
    assert main(["train", "--like", str(out), "--data", str(source), "--resume", "--out", str(again)]) == 0


def test_an_upload_to_a_model_is_read_in_its_range():
    used = Range(0, 4095, "numbers")
    opened = images.open_image(tiff((LEVELS * 1000).astype("u2")), used=used)
    assert np.asarray(opened).max() == round(1000 / 4095 * 255)
    assert "black is 0 and white 4095, as the model has it" in images.notes(opened)
    bits = io.BytesIO()
    Image.fromarray(as_bytes([LEVELS])[0]).save(bits, "PNG")
    assert np.array_equal(np.asarray(images.open_image(bits.getvalue(), used=used)), as_bytes([LEVELS])[0])
    halved = images.open_image(bits.getvalue(), used=Range(0, 127.5, "bytes"))
    assert np.abs(np.asarray(halved).astype(int) - (as_bytes([LEVELS])[0].astype(int) * 2).clip(0, 255)).max() <= 1


def test_an_upload_to_a_model_of_bytes_finds_its_own_range():
    opened = images.open_image(tiff(DEEP), used=ranges.BYTES)
    assert np.abs(np.asarray(opened).astype(int) - as_bytes([LEVELS])[0]).max() <= 1
    assert "black is 0 and white 4095, found from the picture" in images.notes(opened)


def test_a_stretched_range_of_bytes_leaves_transparency_alone():
    picture = Image.merge("LA", [Image.new("L", (16, 16), 20), Image.new("L", (16, 16), 77)])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    opened = images.open_image(buffer.getvalue(), used=Range(0, 100, "bytes"))
    assert opened.getpixel((0, 0)) == (51, 77)


def test_a_model_of_before_reads_as_it_did(tmp_path):
    """Its header has no range: 16 bits are black at 0 and white at 65,535; floats each by themselves."""
    before = range_of(DataConfig("somebodys"))
    assert before is not None and before.of == "each" and range_of(DataConfig("mnist")) is None
    source = folder(tmp_path / "u2", [(x * 4095).astype("u2") for x in DARKER])
    assert in_order(source, before).max() == round(4095 / 65_535 * 255)
    source = folder(tmp_path / "f4", [(x * 2 - 1).astype("f4") for x in DARKER])
    assert (in_order(source, before).reshape(COUNT, -1).max(1) == 255).all()
    sixteen = npz(tmp_path / "a.npz", images=np.stack(DARKER) * 16)
    assert in_order(sixteen, before).max() == 16
    assert torch.equal(whole(sixteen, before).images, whole(sixteen, Range(0, 255)).images)
