import gzip
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vae_core import images
from vae_core.config import DataConfig
from vae_core.data import Raw, arrays, folders, idx, layouts, limits

CONFIG = DataConfig("mine")


def silent(fraction: float, text: str) -> None:
    assert 0 <= fraction <= 1 and text


def read(source, config=CONFIG) -> Raw:
    return folders.read(source, config, silent)


def pixels_of(raw: Raw) -> np.ndarray:
    return raw.pixels(np.arange(raw.count))


def picture(level: int = 100, size: tuple[int, int] = (16, 16), mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, level if mode == "L" else (level, 50, 200)).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(files: dict[str, bytes], **options) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpack(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def refused(source, match: str, config=CONFIG) -> None:
    """One clear sentence, whatever was wrong."""
    with pytest.raises(ValueError, match=match) as caught:
        read(source, config)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.fixture(params=["folder", "zip path", "zip bytes"])
def packed(request, tmp_path):
    """The same files in each way that they may come."""

    def pack(files: dict[str, bytes]) -> Path | bytes:
        if request.param == "folder":
            (tmp_path / "folder").mkdir()
            return unpack(files, tmp_path / "folder")
        if request.param == "zip bytes":
            return zipped(files)
        (tmp_path / "set.zip").write_bytes(zipped(files))
        return tmp_path / "set.zip"

    return pack


# --- folders and zips ---------------------------------------------------------------------------------------------


def test_folders_are_classes(packed):
    files = {f"{name}/{k}.png": picture(level) for level, name in ((10, "cat"), (90, "dog")) for k in range(3)}
    raw = read(packed(files | {"readme.txt": b"hello", ".hidden/x.png": picture(), "__MACOSX/cat/0.png": b"junk"}))
    assert raw.class_names == ("cat", "dog") and raw.labels.tolist() == [0, 0, 0, 1, 1, 1]
    told, left = raw.notes
    assert told.startswith("folders are classes: cat, dog (2)") and raw.test is None
    assert left == "files left out: 1 that are no pictures by their names (readme.txt); 2 hidden"
    assert pixels_of(raw)[:, 0, 0, 0].tolist() == [10] * 3 + [90] * 3


def test_a_wrapping_folder_is_no_class(packed):
    raw = read(packed({f"pets/{name}/1.png": picture() for name in ("cat", "dog")}))
    assert raw.class_names == ("cat", "dog")


def test_one_class_is_a_class(packed):
    raw = read(packed({f"cat/{k}.png": picture(k) for k in range(4)}))
    assert raw.class_names == ("cat",) and raw.labels.tolist() == [0] * 4


def test_a_class_whose_name_is_not_utf_8_can_be_stored(tmp_path):
    for name in (b"\xffcat", b"dog"):
        folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        folder.mkdir()
        (folder / "1.png").write_bytes(picture())
    assert read(tmp_path).class_names == ("?cat", "dog")


@pytest.mark.parametrize("names", [["a.png", "b.png"], ["a.png", "cat/b.png"]])
def test_pictures_outside_of_folders_have_no_class(packed, names):
    raw = read(packed({name: picture() for name in names}))
    assert raw.labels is None and raw.class_names == () and raw.count == 2


def test_pictures_beside_class_folders_are_spoken_of(packed):
    raw = read(packed({"a.png": picture(), "cat/b.png": picture(), "dog/c.png": picture()}))
    assert raw.labels is None
    assert raw.notes == ("1 of the pictures lie beside the folders, so none has a class: give each a folder",)


def test_one_picture_is_a_set(packed):
    assert pixels_of(read(packed({"only.png": picture(7)}))).shape == (1, 16, 16, 3)


def test_folders_named_for_splits_keep_the_official_test_part(packed):
    names = ("cat", "dog")
    files = {f"{part}/{n}/{k}.png": picture(k) for part in ("train", "val", "test") for n in names for k in range(2)}
    raw = read(packed(files))
    assert raw.class_names == raw.val.class_names == raw.test.class_names == names
    assert (raw.count, raw.val.count, raw.test.count) == (4, 4, 4)
    assert raw.test.labels.tolist() == [0, 0, 1, 1] and len(pixels_of(raw.test)) == 4
    assert raw.notes == (
        "folders are parts and no classes: train is the training part (4 pictures); val is the validation part "
        "(4 pictures); test is the test part (4 pictures); --split-folders off takes them for classes",
        "folders are classes: cat, dog (2)",
    )


def test_unreadable_pictures_are_counted_and_named_and_the_rest_stays(packed):
    bad = {"b.png": b"no picture", "c.jpg": b"", "d.png": picture()[:-30], "e.png": picture(size=(1, 4000))}
    raw = read(packed({"a.png": picture(1), **bad, "f.png": picture(2)}))
    assert pixels_of(raw)[:, 0, 0, 0].tolist() == [1, 2]
    (note,) = raw.notes
    assert note.startswith("files left out: 4 that could not be read (b.png: This is not a picture")
    assert note.endswith("; also c.jpg, d.png, e.png)")


def test_a_link_that_leads_nowhere_is_named_and_the_rest_stays(tmp_path):
    unpack({"a.png": picture(1), "b.png": picture(2)}, tmp_path)
    (tmp_path / "c.png").symlink_to("nowhere.png")
    (tmp_path / "d.png").symlink_to("d.png")
    os.mkfifo(tmp_path / "e.png")  # who opens a pipe waits for ever
    raw = read(tmp_path)
    assert pixels_of(raw)[:, 0, 0, 0].tolist() == [1, 2]
    (note,) = raw.notes
    assert note == (
        "files left out: 3 that could not be read (c.png: it is no file, or a link that leads nowhere; "
        "also d.png, e.png)"
    )


def test_nothing_but_a_link_that_leads_nowhere_is_refused(tmp_path):
    (tmp_path / "a.png").symlink_to("nowhere.png")
    refused(tmp_path, "None of 1 pictures could be read; 'a.png': it is no file, or a link that leads nowhere")


def test_linked_folders_are_followed_but_not_in_circles(tmp_path):
    elsewhere = unpack({"1.png": picture(10), "more/2.png": picture(20)}, tmp_path / "elsewhere")
    own = unpack({"dog/3.png": picture(30)}, tmp_path / "own")
    (own / "cat").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(own)
    (elsewhere / "self").symlink_to(elsewhere)
    raw = read(own)
    assert raw.class_names == ("cat", "dog") and raw.labels.tolist() == [0, 0, 1]
    assert pixels_of(raw)[:, 0, 0, 0].tolist() == [10, 20, 30]


def test_a_link_to_a_folder_of_the_same_tree_shows_nothing_twice(tmp_path):
    own = unpack({"train/cat/1.png": picture(1), "train/dog/2.png": picture(2)}, tmp_path / "own")
    unpack({"test/cat/3.png": picture(3), "test/dog/4.png": picture(4)}, own)
    before = read(own)
    (own / "latest").symlink_to(own / "train")
    (own / "train" / "cat" / "alike").symlink_to(own / "train" / "dog")
    after = read(own)
    assert before.class_names == after.class_names == ("cat", "dog")
    assert before.labels.tolist() == after.labels.tolist() == [0, 1] and after.test.count == 2


def test_pictures_with_a_stray_array_are_pictures(packed):
    files = {"cat/a.png": picture(1), "dog/b.png": picture(2), "features.npy": b"x", "cat/images.npy": b"x"}
    raw = read(packed(files))
    assert raw.class_names == ("cat", "dog") and pixels_of(raw)[:, 0, 0, 0].tolist() == [1, 2]


@pytest.mark.parametrize("arrays", [{"images": np.full((2, 8, 8), 9)}, {"index": np.zeros((2, 8, 8), int)}])
def test_arrays_with_a_stray_picture_are_arrays(arrays):
    data = io.BytesIO(npz(**arrays, palette=np.zeros((1, 3), np.uint8)))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("preview.png", picture())
    assert read(data.getvalue()).count == 2


def test_an_upload_has_a_smaller_limit_than_the_owners_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UPLOAD", 2000)
    for name, data, match in (
        ("a.zip", zipped({"a.png": picture(), "zeros.bin": bytes(2000)}), "unpack to"),
        ("b.zip", zipped({f"{k}.png": picture(k) for k in range(3)}), "smaller size or count"),
        ("c.npz", npz(images=np.zeros((3, 40, 40), np.uint8)), "unpack to"),
    ):
        refused(data, f"{match}.* at most 2,000|at most 2,000.*{match}")
        (tmp_path / name).write_bytes(data)
        assert read(tmp_path / name).count in (1, 3)
    with pytest.raises(ValueError, match="at most 2,000"):
        arrays.read(npz(images=np.zeros((3, 40, 40), np.uint8)))


def test_nothing_readable_is_refused(packed):
    refused(packed({"a.png": b"x", "b.png": b"y"}), "None of 2 pictures could be read; 'a.png': This is not a picture")


def test_nothing_that_looks_like_a_picture_is_refused(packed):
    refused(packed({"a.txt": b"x"}), "has no pictures")


def test_an_empty_folder_and_a_missing_one_are_refused(tmp_path):
    refused(tmp_path, "has no pictures")
    refused(tmp_path / "nowhere", "no file or folder")


def test_grey_pictures_stay_grey_whatever_their_mode(packed):
    raw = read(packed({"a.png": picture(9, mode="L"), "b.png": picture(30, mode="L")}))
    assert raw.channels == 1 and pixels_of(raw).shape == (2, 16, 16, 1)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(20, 30)] * 2, (30, 20)),
        ([(100, 128)] * 2, (128, 100)),
        ([(256, 128)] * 2, (32, 64)),
        ([(600, 40)] * 2, (17, 256)),
        ([(640, 480)] * 2, (48, 64)),
        ([(1300, 128)] * 2, (25, 256)),
        ([(20, 30), (30, 20)], (30, 30)),
        ([(200, 300), (30, 20)], (64, 64)),
    ],
)
def test_sizes_are_kept_where_they_agree_and_are_usual(packed, sizes, expected):
    assert read(packed({f"{k}.png": picture(size=size) for k, size in enumerate(sizes)})).side == expected


def test_a_size_that_is_asked_for_is_given(packed):
    config = DataConfig("mine", size=(10, 24))
    assert pixels_of(read(packed({"a.png": picture()}), config)).shape == (1, 10, 24, 3)


def test_count_keeps_a_random_part_by_seed(packed):
    source = packed({f"{k:03}.png": picture(k) for k in range(40)})
    parts = [pixels_of(read(source, DataConfig("mine", count=10, seed=s)))[:, 0, 0, 0].tolist() for s in (1, 1, 2)]
    assert parts[0] == parts[1] != parts[2] and len(set(parts[0])) == 10


@pytest.mark.parametrize("name", ["../a.png", "a/../../b.png", "/etc/a.png", "..\\a.png", "C:\\a.png", "C:/a.png"])
def test_paths_out_of_the_zip_are_refused(name, tmp_path):
    refused(zipped({"ok.png": picture(), name: picture()}), "leads out of it")
    assert not list(tmp_path.iterdir())


def test_what_would_unpack_to_too_much_is_refused_before(monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED", 10**6)
    packed = zipped({"a.png": picture(), "zeros.bin": bytes(10**6)})
    assert len(packed) < 10_000
    refused(packed, "at most 1,000,000")
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *a: pytest.fail("unpacked"))
    refused(packed, "at most 1,000,000")


def test_an_entry_that_lies_about_its_size_is_not_unpacked_beyond_it():
    data = bytearray(zipped({"a.png": picture(), "z.png": bytes(10**6)}))
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):  # directory and local header
        place = data.rindex(mark) + offset
        data[place : place + 4] = struct.pack("<I", 100)
    raw = read(bytes(data))
    assert raw.count == 1 and "z.png" in raw.notes[0]


def test_an_entry_beyond_the_limit_is_left_out(packed, monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 5000)
    noisy = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)).save(noisy, "PNG")
    raw = read(packed({"a.png": picture(), "b.png": noisy.getvalue()}))
    assert raw.count == 1 and "b.png" in raw.notes[0]


def test_too_many_files_are_refused(packed, monkeypatch):
    monkeypatch.setattr(limits, "MAX_PICTURES", 3)
    files = {f"{k}.png": picture() for k in range(4)}
    source = packed(files)
    refused(source, "3")
    del files["0.png"]
    assert read(zipped(files)).count == 3


def test_more_than_fits_into_memory_is_refused(packed, monkeypatch):
    monkeypatch.setattr(limits, "MAX_SET_BYTES", 4 * 16 * 16 * 3 - 1)
    source = packed({f"{k}.png": picture(k) for k in range(4)})
    refused(source, "smaller size or count")
    assert read(source, DataConfig("mine", count=3)).count == 3


def test_an_encrypted_zip_is_refused():
    data = bytearray(zipped({"a.png": picture()}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    refused(bytes(data), "encrypted")


def index_of(data: bytes) -> int:
    """Where the index of a zip of one file begins."""
    return data.index(b"PK\x01\x02")


def test_a_zip_of_a_version_that_python_does_not_read_is_refused():
    data = bytearray(zipped({"a.png": picture()}))
    data[index_of(data) + 6] = 99  # what one needs to unpack it
    refused(bytes(data), "not a readable zip")


def test_an_entry_without_a_name_is_no_picture():
    data = bytearray(zipped({"x": b"hello", "a.png": picture()}))
    for place, length in ((0, 26), (index_of(data), 28)):  # the name becomes a remark
        data[place + length : place + length + 4] = struct.pack("<HH", 0, 1)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["", "a.png"]
    assert read(bytes(data)).count == 1


def test_an_entry_packed_in_an_unknown_way_is_counted_and_named():
    data = bytearray(zipped({"odd.png": picture(), "a.png": picture()}))
    for place, method in ((0, 8), (index_of(data), 10)):
        data[place + method] = 77
    raw = read(bytes(data))
    assert raw.count == 1 and raw.notes[0].startswith("files left out: 1 that could not be read (odd.png: it cannot")


@settings(max_examples=200)
@given(st.data())
def test_a_changed_index_is_read_or_refused_but_nothing_else(data):
    """What stands in a zip's index is anybody's: versions, flags, times, lengths, names."""
    whole = bytearray(zipped({"a.png": picture(), "cat/b.png": picture()}))
    start = index_of(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(start, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(whole))
    except ValueError as error:
        assert "\n" not in str(error) and type(error) in (ValueError, images.ImageError)


@pytest.mark.parametrize("content", [b"", b"PK", b"hello" * 100, picture(), zipped({"a.png": picture()})[:-30]])
def test_what_is_no_zip_is_refused(content, tmp_path):
    refused(content, "not a readable zip")
    (tmp_path / "x.zip").write_bytes(content)
    refused(tmp_path / "x.zip", "not a readable zip")


@settings(max_examples=100)
@given(st.data())
def test_a_damaged_zip_or_npz_is_read_or_refused_but_nothing_else(data):
    whole = bytearray(
        data.draw(
            st.sampled_from(
                [zipped({f"{k}.png": picture(k) for k in range(3)}), npz(images=np.zeros((3, 8, 8), np.uint8))]
            )
        )
    )
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        raw = read(bytes(whole))
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert len(pixels_of(raw)) == raw.count > 0


def test_reading_can_be_stopped(packed):
    class Stopped(BaseException):
        pass

    def stop(fraction, text):
        raise Stopped

    with pytest.raises(Stopped):
        folders.read(packed({"a.png": picture()}), CONFIG, stop)


# --- .npz ---------------------------------------------------------------------------------------------------------

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 12, 10, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        pytest.param(PIXELS, PIXELS, id="uint8"),
        pytest.param(PIXELS[..., 0], PIXELS[..., :1], id="no channels"),
        pytest.param(np.moveaxis(PIXELS, -1, 1), PIXELS, id="channels first"),
        pytest.param(PIXELS.astype(np.int64), PIXELS, id="wide integers"),
        pytest.param(PIXELS.astype(np.float32), PIXELS, id="0 to 255"),
        pytest.param(PIXELS / 255, PIXELS, id="0 to 1"),
        pytest.param(PIXELS / 127.5 - 1, PIXELS, id="-1 to 1"),
        pytest.param(PIXELS[..., 0] > 99, (PIXELS[..., :1] > 99) * np.uint8(255), id="bits"),
        pytest.param((PIXELS[..., 0] > 99).astype(np.uint8), (PIXELS[..., :1] > 99) * np.uint8(255), id="0 and 1"),
    ],
)
def test_arrays_of_any_layout_and_range_come_out_the_same(array, expected):
    assert (pixels_of(read(npz(images=array))) == expected).all()


@pytest.mark.parametrize("key", layouts.IMAGE_KEYS)
def test_images_may_have_several_names_and_come_by_path_too(key, tmp_path):
    (tmp_path / "set.npz").write_bytes(npz(**{key: PIXELS}))
    assert (pixels_of(read(tmp_path / "set.npz")) == PIXELS).all()


def test_index_and_palette():
    palette = np.array([[0, 0, 0], [255, 0, 9]], np.uint8)
    index = np.random.default_rng(0).integers(0, 2, (4, 9, 8)).astype(np.uint8)
    assert (pixels_of(read(npz(index=index, palette=palette))) == palette[index]).all()


def test_labels_and_factors():
    factors = np.array([[0, 2], [1, 0], [0, 1], [1, 1], [0, 0]])
    names = {"factor_names": np.array(["hat", "size"]), "value_names": np.array(["no|yes", "s|m|l"])}
    raw = read(npz(images=PIXELS, labels=np.array([7, 7, 9, 3, 3]), factors=factors, **names))
    assert raw.class_names == ("3", "7", "9") and raw.labels.tolist() == [1, 1, 2, 0, 0]
    assert raw.factor_names == ("hat", "size") and raw.value_names == (("no", "yes"), ("s", "m", "l"))
    assert (raw.factors == factors).all()
    raw = read(npz(images=PIXELS, labels=np.array(["b", "", "b", "a", "a"]), factors=factors))
    assert raw.class_names == ("(none)", "a", "b") and raw.labels.tolist() == [2, 0, 2, 1, 1]
    assert raw.factor_names == ("factor 0", "factor 1") and raw.value_names == (("0", "1"), ("0", "1", "2"))
    raw = read(npz(images=PIXELS, y=np.array([0, 1, 2, 1, 0]), class_names=np.array(["x", "y", "z", "unused"])))
    assert raw.class_names == ("x", "y", "z", "unused") and raw.labels.tolist() == [0, 1, 2, 1, 0]


@pytest.mark.parametrize("label", [b"\xff\xfe", "a\ud800".encode("utf-8", "surrogatepass"), "é".encode()])
def test_labels_and_names_of_bytes_are_texts(label):
    expected = label.decode(errors="replace")
    raw = read(npz(images=PIXELS, labels=np.array([label] * 5)))
    assert raw.class_names == (expected,)
    raw = read(npz(images=PIXELS, **label_of_zero(np.array([label]))))
    assert raw.class_names == (expected,)


def test_half_a_character_is_no_harm():
    (name,) = read(npz(images=PIXELS, labels=np.array(["\ud800"] * 5))).class_names
    assert name == "?"


def test_as_many_factor_values_as_are_allowed():
    raw = read(npz(images=PIXELS, factors=np.array([[limits.MAX_NAMES - 1]] * 5)))
    assert len(raw.value_names[0]) == limits.MAX_NAMES


PALETTE = np.zeros((4, 3), np.uint8)
LONG = "x" * 201
NO_TEXT = np.frombuffer(np.array([0x110000], np.uint32).tobytes(), "U1")  # beyond the last character


def factor_of_two(**names: np.ndarray) -> dict[str, np.ndarray]:
    return {"factors": np.ones((5, 1), int), **names}


def label_of_zero(names: np.ndarray) -> dict[str, np.ndarray]:
    return {"labels": np.zeros(5, int), "class_names": names}


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        pytest.param({"other": np.zeros(5)}, "looked for images.*it has other", id="no images"),
        pytest.param({"a": PIXELS, "b": PIXELS[:, :9]}, "several arrays.*it has a, b", id="several images"),
        pytest.param({"images": PIXELS[:0]}, "length 0", id="none"),
        pytest.param({"images": np.zeros((3, 0, 8))}, "allowed: ", id="0 high"),
        pytest.param({"images": np.zeros((3, 8))}, "allowed: ", id="two axes"),
        pytest.param({"images": np.zeros((2, 8, 8, 5))}, "allowed: ", id="five channels"),
        pytest.param({"images": np.full((2, 8, 8), np.nan)}, "finite", id="NaN"),
        pytest.param({"images": np.full((2, 8, 8), np.inf)}, "finite", id="infinite"),
        pytest.param({"images": np.full((2, 8, 8), "a")}, "finite", id="texts"),
        pytest.param({"images": np.full((2, 8, 8), 1j)}, "finite", id="complex"),
        pytest.param({"images": PIXELS, "labels": np.zeros(4, int)}, "labels", id="too few labels"),
        pytest.param({"images": PIXELS, "labels": np.zeros((5, 2, 2))}, "labels", id="labels of three axes"),
        pytest.param({"images": PIXELS, "factors": np.zeros((4, 2), int)}, "factors", id="too few factors"),
        pytest.param({"images": PIXELS, "factors": np.full((5, 2), -1)}, "factors", id="negative factors"),
        pytest.param(
            {"images": PIXELS, "factors": np.ones((5, 1), int), "value_names": np.array(["one"])},
            "cover",
            id="too few values",
        ),
        pytest.param(
            {"images": PIXELS, "factors": np.ones((5, 1), int), "factor_names": np.array(["a", "b"])},
            "cover",
            id="too many names",
        ),
        pytest.param({"index": np.full((2, 8, 8), 4), "palette": PALETTE}, "from 0 to 3", id="beyond the palette"),
        pytest.param({"index": np.full((2, 8, 8), -1), "palette": PALETTE}, "from 0 to 3", id="below the palette"),
        pytest.param({"index": np.zeros((2, 8, 8)), "palette": PALETTE}, "from 0 to 3", id="float index"),
        pytest.param({"index": np.zeros((2, 8), int), "palette": PALETTE}, "allowed", id="flat index"),
        pytest.param({"index": np.zeros((2, 0, 5), int), "palette": PALETTE}, "above 0", id="0 high index"),
        pytest.param({"images": np.zeros((5_000_001, 1, 1), bool)}, "at most 5,000,000 pictures", id="too many"),
        pytest.param({"images": np.zeros((1, 8, 2**22), bool)}, "of 16,777,216 pixels", id="too large"),
        pytest.param(
            {"index": np.zeros((1, 8, 2**22), np.uint8), "palette": PALETTE}, "of 16,777,216 pixels", id="large index"
        ),
        pytest.param({"images": PIXELS, "factors": np.zeros((5, 2))}, "whole numbers from 0", id="float factors"),
        pytest.param({"images": PIXELS, "factors": np.full((5, 1), 10**6)}, "1,000,001 values", id="a large factor"),
        pytest.param({"images": PIXELS, "factors": np.full((5, 2), 60_000)}, "120,002 values", id="two large factors"),
        pytest.param({"images": PIXELS, "factors": np.zeros((5, 100_001), np.uint8)}, "100,001 factors", id="many"),
        pytest.param({"images": PIXELS} | factor_of_two(value_names=np.array(["|" * 10**6])), "1,000,001", id="bars"),
        pytest.param({"images": PIXELS} | factor_of_two(value_names=np.array("f")), "one row", id="values of no axis"),
        pytest.param({"images": PIXELS} | factor_of_two(value_names=np.array(["a|" + LONG])), "201", id="long value"),
        pytest.param({"images": PIXELS} | factor_of_two(factor_names=np.array("f")), "one row", id="name of no axis"),
        pytest.param(
            {"images": PIXELS} | factor_of_two(factor_names=np.array([["f"]])), "one row", id="names of two axes"
        ),
        pytest.param({"images": PIXELS} | factor_of_two(factor_names=np.array([LONG])), "201", id="long factor"),
        pytest.param({"images": PIXELS} | label_of_zero(np.array("x")), "one row", id="class of no axis"),
        pytest.param({"images": PIXELS} | label_of_zero(np.array([LONG])), "201", id="long class"),
        pytest.param({"images": PIXELS} | label_of_zero(np.full(100_001, "x")), "up to 100,000", id="many classes"),
        pytest.param({"images": PIXELS} | label_of_zero(NO_TEXT), "no texts", id="no characters"),
        pytest.param({"images": PIXELS, "labels": np.array([LONG] * 5)}, "up to 200 characters", id="long label"),
        pytest.param({"images": PIXELS, "labels": np.repeat(NO_TEXT, 5)}, "no texts", id="labels of no characters"),
        pytest.param({"index": np.zeros((2, 8, 8), int), "palette": PALETTE * 1.0}, "allowed", id="float palette"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays, match):
    refused(npz(**arrays), match)


def test_python_objects_are_never_unpickled():
    class Harm:
        def __reduce__(self):
            return pytest.fail, ("unpickled",)

    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    refused(zipped({"images.npy": buffer.getvalue() + pickle.dumps(Harm())}), "Python objects")


def test_an_array_that_claims_more_than_it_has_is_refused():
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (9, 64, 64)})
    refused(zipped({"images.npy": buffer.getvalue() + bytes(100)}), "damaged")


# --- IDX ----------------------------------------------------------------------------------------------------------


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def idx_set(folder: Path, packed: bool = True, test_labels: int = 4) -> Path:
    rng = np.random.default_rng(0)
    for part, count in (("train", 30), ("t10k", 4)):
        labels = rng.integers(0, 10, count if part == "train" else test_labels).astype(np.uint8)
        files = {"images-idx3": rng.integers(0, 256, (count, 28, 28)).astype(np.uint8), "labels-idx1": labels}
        for kind, array in files.items():
            name, data = f"{part}-{kind}-ubyte", idx_bytes(array)
            unpack({f"{name}.gz": gzip.compress(data)} if packed else {name: data}, folder)
    return folder


@pytest.mark.parametrize("packed_files", [True, False])
def test_idx_files_are_read_packed_or_not(tmp_path, packed_files):
    raw = idx.read_set(idx_set(tmp_path / "MNIST" / "raw", packed_files), "0123456789")
    expected = np.random.default_rng(0)
    expected.integers(0, 10, 30)
    assert raw.count == 30 and raw.test.count == 4 and raw.side == (28, 28) and raw.channels == 1
    assert (pixels_of(raw)[..., 0] == expected.integers(0, 256, (30, 28, 28))).all()


@settings(max_examples=60)
@given(cut=st.integers(0, 200), at=st.integers(0, 15), flip=st.integers(0, 255))
def test_a_damaged_idx_file_is_refused(cut, at, flip, tmp_path_factory):
    array = np.arange(60, dtype=np.uint8).reshape(3, 5, 4)
    data = bytearray(idx_bytes(array))
    data[at] ^= flip
    file = unpack({"x": bytes(data[: len(data) - cut])}, tmp_path_factory.mktemp("idx")) / "x"
    if cut == flip == 0:
        assert (idx.read(file, 3) == array).all()
    elif cut or flip:
        with pytest.raises(ValueError, match="x is no IDX file"):
            idx.read(file, 3)


@pytest.mark.parametrize("keep", [0, 5, 30, -8, -1])
def test_a_gz_that_is_cut_off_is_refused(tmp_path, keep):
    data = gzip.compress(idx_bytes(np.random.default_rng(0).integers(0, 256, (9, 8, 8)).astype(np.uint8)))
    (tmp_path / "x.gz").write_bytes(data[:keep])
    with pytest.raises(ValueError, match=r"x\.gz"):
        idx.read(tmp_path / "x.gz", 3)


def test_a_gz_is_unpacked_no_further_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_IDX_BYTES", 10_000)
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx_bytes(np.zeros((100, 20, 20), np.uint8))))
    with pytest.raises(ValueError, match="IDX"):
        idx.read(tmp_path / "x.gz", 3)


def test_a_missing_file_and_labels_that_do_not_fit_are_named(tmp_path):
    folder = idx_set(tmp_path / "MNIST" / "raw", test_labels=5)
    with pytest.raises(ValueError, match="4 t10k pictures and 5 labels"):
        idx.read_set(folder, "0123456789")
    with pytest.raises(ValueError, match="labels below 3"):
        idx.read_set(folder, "012")
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match="MNIST/raw has no train-labels-idx1-ubyte"):
        idx.read_set(folder, "0123456789")


@pytest.mark.parametrize("key", ["class_names", "factor_names", "value_names"])
def test_names_too_long_are_refused_before_they_are_decoded(key, monkeypatch):
    monkeypatch.setattr(limits, "MAX_JOINED", 300)
    rows = {"images": np.zeros((4, 8, 8), np.uint8), "labels": np.arange(4) % 2, "factors": np.zeros((4, 1), int)}
    with pytest.raises(ValueError, match=f"The file has {key} of 1,000 characters; at most (2|3)00 are allowed"):
        read(npz(**rows, **{key: np.array([b"x" * 1000])}))
