"""Files of arrays as libraries write them: which array is what, in which layout, and how much of it is read."""

import io
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import torch

from vae_core.config import DataConfig
from vae_core.data import Splits, arrays, containers, limits, load, stored, tables

RNG = np.random.default_rng(0)
COUNT = 30
PIXELS = RNG.integers(0, 256, (COUNT, 8, 10)).astype(np.uint8)
SQUARE = RNG.integers(0, 256, (COUNT, 8, 8)).astype(np.uint8)
COLOUR = RNG.integers(0, 256, (COUNT, 8, 8, 3)).astype(np.uint8)
LABELS = np.arange(COUNT) % 3
KEPT = DataConfig("mine", val_fraction=0, test_fraction=0)
PARTS = {"train": slice(0, 20), "val": slice(20, 25), "test": slice(25, 30)}


def packed(*unnamed: np.ndarray, **named: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, *unnamed, **named)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def hdf5(path: Path, **named: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in named.items():
            file[name] = array
    return path


def seen(splits: Splits) -> np.ndarray:
    """All pictures of a set without parts, (N, H, W, C)."""
    return splits.train.images.permute(0, 2, 3, 1).numpy()


def given(splits: Splits, pixels: np.ndarray, labels: np.ndarray | None) -> None:
    """The parts are those of PARTS, each with its own pictures and labels."""
    for name, rows in PARTS.items():
        part = getattr(splits, name)
        assert np.array_equal(part.images[:, 0].numpy(), pixels[rows])
        assert labels is None or np.array_equal(part.labels.numpy(), labels[rows])


# --- names and parts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("{}_images", "{}_labels"),  # MedMNIST
        ("x_{}", "y_{}"),  # Keras
        ("X_{}", "Y_{}"),
        ("{}X", "{}Y"),
        ("{}/data", "{}/target"),
        ("{}", "{}_labels"),
    ],
)
@pytest.mark.parametrize("column", [False, True])
def test_the_parts_of_a_file_are_used_and_told(images, labels, column):
    named = {}
    for part, rows in PARTS.items():
        named[images.format(part)] = PIXELS[rows]
        named[labels.format(part)] = LABELS[rows, None] if column else LABELS[rows]
    splits = load(DataConfig("mine"), packed(**named))
    given(splits, PIXELS, LABELS)
    assert splits.train.notes == ("the file's own parts are used: 20 train, 5 val, 5 test",)
    assert splits.train.class_names == splits.test.class_names == ("0", "1", "2")


def test_without_a_validation_part_it_is_taken_from_the_training_part():
    named = {"x_train": PIXELS[:20], "y_train": LABELS[:20], "x_test": PIXELS[20:], "y_test": LABELS[20:]}
    splits = load(DataConfig("mine"), packed(**named))
    assert (len(splits.train), len(splits.val), len(splits.test)) == (18, 2, 10)
    assert np.array_equal(splits.test.images[:, 0].numpy(), PIXELS[20:])


def test_a_part_of_one_class_alone_has_the_names_of_all():
    named = {"x_train": PIXELS[:20], "y_train": LABELS[:20], "x_test": PIXELS[:4], "y_test": np.full(4, 2)}
    assert load(DataConfig("mine"), packed(**named)).test.labels.tolist() == [2] * 4


def test_one_range_for_all_parts():
    named = {"x_train": PIXELS[:20] / 255 * 0.5, "x_test": PIXELS[20:] / 255}
    splits = load(KEPT, packed(**named))
    assert splits.train.range == splits.test.range
    assert np.abs(splits.test.images[:, 0].numpy().astype(int) - PIXELS[20:]).max() <= 1
    assert np.abs(splits.train.images[:, 0].numpy().astype(int) - PIXELS[:20] / 2).max() <= 1


def test_pictures_of_a_part_without_labels_are_left_out_and_told():
    splits = load(KEPT, packed(x_train=PIXELS[:20], y_train=LABELS[:20], x_test=PIXELS[20:]))
    assert len(splits.train) == 20 and not len(splits.test)
    assert splits.train.notes == ("the test pictures have no labels, and were left out",)


def test_arrays_without_names_are_told_apart_by_shape():
    splits = load(KEPT, packed(PIXELS, LABELS))
    assert np.array_equal(seen(splits)[..., 0], PIXELS) and np.array_equal(splits.train.labels.numpy(), LABELS)
    (note,) = splits.train.notes
    assert note == "taken by shape, since no name says it: arr_0 for the pictures, arr_1 for their labels"
    splits = load(KEPT, packed(LABELS, PIXELS))
    assert np.array_equal(splits.train.labels.numpy(), LABELS)
    splits = load(KEPT, packed(PIXELS))
    assert np.array_equal(seen(splits)[..., 0], PIXELS) and splits.train.labels is None


def test_four_arrays_without_names_are_two_parts():
    splits = load(KEPT, packed(PIXELS[:20], LABELS[:20], PIXELS[20:], LABELS[20:]))
    assert np.array_equal(splits.test.images[:, 0].numpy(), PIXELS[20:])
    assert np.array_equal(splits.test.labels.numpy(), LABELS[20:])


def test_an_array_of_any_name_is_the_pictures_where_it_is_the_only_one():
    assert np.array_equal(seen(load(KEPT, packed(faces=PIXELS)))[..., 0], PIXELS)


def test_a_bare_array_is_pictures(tmp_path):
    (tmp_path / "a.npy").write_bytes(npy(PIXELS))
    for source in (tmp_path / "a.npy", npy(PIXELS), npy(np.asfortranarray(PIXELS))):
        assert np.array_equal(seen(load(KEPT, source))[..., 0], PIXELS)


def test_python_objects_beside_the_pictures_are_not_looked_at():
    data = packed(imgs=PIXELS, latents_classes=LABELS[:, None], metadata=np.array({"a": 1}, dtype=object))
    assert load(KEPT, data).train.factors.tolist() == LABELS[:, None].tolist()


def test_labels_of_python_objects_are_named_and_the_pictures_read_without_them():
    splits = load(KEPT, packed(x=PIXELS, y=np.array(["a", None] * 15, dtype=object)))
    assert np.array_equal(seen(splits)[..., 0], PIXELS) and splits.train.labels is None
    assert "left out: y, Python objects and not numbers, which are never read" in splits.train.notes


@pytest.mark.parametrize("named", [{"x": "objects", "y": "numbers"}, {"x": "objects", "data": "pictures"}])
def test_pictures_of_python_objects_are_refused_by_their_name(named):
    kinds = {"objects": np.array([1, None] * 15, dtype=object), "numbers": LABELS, "pictures": PIXELS}
    with pytest.raises(ValueError, match=r"^x cannot be read: Python objects"):
        load(KEPT, packed(**{name: kinds[kind] for name, kind in named.items()}))


# --- layouts --------------------------------------------------------------------------------------------------------


def test_rows_of_numbers_are_square_pictures_and_it_is_told():
    splits = load(KEPT, packed(x=SQUARE.reshape(COUNT, 64)))
    assert np.array_equal(seen(splits)[..., 0], SQUARE)
    assert splits.train.notes == ("rows of 64 numbers were taken for pictures of 8 x 8; --size HxW overrules it",)


def test_rows_of_numbers_in_another_shape_need_the_size():
    flat = packed(x=PIXELS.reshape(COUNT, 80))
    assert np.array_equal(
        seen(load(DataConfig("mine", (8, 10), val_fraction=0, test_fraction=0), flat))[..., 0], PIXELS
    )
    with pytest.raises(ValueError, match=r"rows of 80 numbers are no square picture.*--size HxW"):
        load(KEPT, flat)


@pytest.mark.parametrize("first", [True, False])
def test_rows_of_colours_are_read_in_the_order_in_which_they_are_smooth(first):
    ramp = np.linspace(0, 99, 8)[:, None] + np.linspace(0, 99, 8)
    pictures = np.stack([ramp, 255 - ramp, ramp / 2], -1)[None].repeat(5, 0).round().astype(np.uint8)
    rows = np.moveaxis(pictures, -1, 1) if first else pictures
    assert np.array_equal(seen(load(KEPT, packed(x=rows.reshape(5, -1)))), pictures)


def test_the_number_of_the_picture_may_stand_last():
    splits = load(KEPT, packed(X=np.moveaxis(COLOUR, 0, -1), y=LABELS))
    assert np.array_equal(seen(splits), COLOUR)
    assert "the last axis of (8, 8, 3, 30) was taken for the number of the picture" in splits.train.notes


RAMPS = (np.linspace(0, 1, 12)[:, None] * np.linspace(0.5, 1, 10) * RNG.random((COUNT, 1, 1)) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("lies", "size", "told"),
    [
        ((1, 2, 0), None, "the last axis of (12, 10, 30) was taken for the number of the picture, which makes 30"),
        ((0, 1, 2), None, "the first axis of (30, 12, 10) was taken for the number of the picture, which makes 30"),
        ((1, 2, 0), (12, 10), "as --size says"),
    ],
)
def test_a_stack_of_matlab_without_labels_is_read_with_the_smooth_axes_as_the_picture(lies, size, told, tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"ff": RAMPS.transpose(lies)})
    splits = load(DataConfig("mine", size=size, val_fraction=0, test_fraction=0), tmp_path / "a.mat")
    assert np.array_equal(seen(splits)[..., 0], RAMPS)
    assert any(told in note for note in splits.train.notes)


def test_noise_of_matlab_has_the_number_last_and_the_size_overrules_it(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"ff": PIXELS})
    splits = load(KEPT, tmp_path / "a.mat")
    assert len(splits.train.images) == 10
    assert any(note.endswith("makes 10 pictures of 30 x 8; --size 8x10 takes the first") for note in splits.train.notes)
    splits = load(DataConfig("mine", size=(8, 10), val_fraction=0, test_fraction=0), tmp_path / "a.mat")
    assert np.array_equal(seen(splits)[..., 0], PIXELS)


def test_a_bare_array_that_looks_turned_is_told_and_the_size_turns_it():
    turned = npy(np.moveaxis(RAMPS, 0, -1))
    splits = load(KEPT, turned)
    assert len(splits.train.images) == 12
    assert any("more alike where the last axis is; --size 12x10 takes the last" in n for n in splits.train.notes)
    assert np.array_equal(
        seen(load(DataConfig("mine", size=(12, 10), val_fraction=0, test_fraction=0), turned))[..., 0], RAMPS
    )
    assert not load(KEPT, npy(RAMPS)).train.notes


def test_columns_of_one_word_names_are_pictures_classes_and_parts(tmp_path):
    rows, ones = RAMPS.reshape(COUNT, -1)[:, :64].T, np.eye(3)[LABELS].T
    named = {"data": rows[:, :20], "target": ones[:, :20], "targetchar": LABELS[None, :20]}
    named |= {"testdata": rows[:, 20:], "testtarget": ones[:, 20:]}
    scipy.io.savemat(tmp_path / "a.mat", named)
    splits = load(KEPT, tmp_path / "a.mat")
    for part, which in ((splits.train, slice(0, 20)), (splits.test, slice(20, None))):
        assert np.array_equal(part.images.flatten(1).numpy(), rows[:, which].T)
        assert np.array_equal(part.labels.numpy(), LABELS[which])


@pytest.mark.parametrize("names", [("traindata", "trainlabels"), ("trainimages", "traintargets")])
def test_a_part_and_what_of_it_may_be_one_word(names):
    splits = load(
        KEPT,
        packed(
            **dict(zip(names, (SQUARE[:20], LABELS[:20]), strict=True)), testdata=SQUARE[20:], testlabels=LABELS[20:]
        ),
    )
    assert np.array_equal(splits.train.labels.numpy(), LABELS[:20])
    assert np.array_equal(splits.test.images[:, 0].numpy(), SQUARE[20:])


# --- labels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (LABELS[:, None], ("0", "1", "2")),
        (LABELS.astype(np.float32), ("0", "1", "2")),
        (np.eye(3)[LABELS], ("0", "1", "2")),
        (np.eye(3, dtype=bool)[LABELS], ("0", "1", "2")),
        (LABELS / 2, ("0", "0.5", "1")),
    ],
    ids=["column", "floats", "one-hot", "one-hot bits", "halves"],
)
def test_labels_of_any_form_are_classes(labels, expected):
    splits = load(KEPT, packed(images=PIXELS, labels=labels))
    assert np.array_equal(splits.train.labels.numpy(), LABELS) and splits.train.class_names == expected


def test_several_values_a_picture_are_factors():
    values = np.stack([LABELS * 0.5, LABELS % 2], 1)
    part = load(KEPT, packed(images=PIXELS, labels=values)).train
    assert part.labels is None and np.array_equal(part.factors.numpy(), np.stack([LABELS, LABELS % 2], 1))
    assert part.value_names == (("0", "0.5", "1"), ("0", "1"))
    assert part.notes == ("the labels hold 2 values a picture: each is a factor",)


def test_measurements_and_labels_that_are_not_finite_are_left_out_and_told():
    many = RNG.random((200, 8, 8))
    assert "measurements" in load(KEPT, packed(images=many, labels=RNG.random(200))).train.notes[-1]
    unknown = np.where(LABELS == 1, np.nan, LABELS)
    assert "not all finite" in load(KEPT, packed(images=PIXELS, labels=unknown)).train.notes[-1]


# --- how much is read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_of_a_large_array_only_what_is_asked_for_is_kept(write, tmp_path, monkeypatch):
    """The limit is lower than the array, and higher than what is asked for."""
    write(tmp_path / "a.npz", images=COLOUR)
    monkeypatch.setattr(limits, "MAX_UNPACKED", COLOUR.nbytes // 2)
    monkeypatch.setattr(limits, "STREAM_BYTES", 500)
    splits = load(DataConfig("mine", count=5, val_fraction=0, test_fraction=0), tmp_path / "a.npz")
    rows = np.sort(np.random.RandomState(0).permutation(COUNT)[:5])
    assert np.array_equal(seen(splits), COLOUR[rows])


def test_more_than_is_allowed_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", images=COLOUR)
    monkeypatch.setattr(limits, "MAX_UNPACKED", COLOUR.nbytes - 1)
    with pytest.raises(ValueError, match=r"would unpack to 5,760 bytes; at most 5,759 are allowed: ask for fewer"):
        load(KEPT, tmp_path / "a.npz")
    monkeypatch.setattr(limits, "MAX_UPLOAD", 100)
    with pytest.raises(ValueError, match="at most 100 are allowed"):
        load(KEPT, (tmp_path / "a.npz").read_bytes())


def test_an_array_in_a_file_is_read_row_by_row(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", images=COLOUR)
    monkeypatch.setattr(np, "memmap", pytest.fail)  # would count as memory of the process
    found = stored.open_npz(tmp_path / "a.npz")["images"]
    for rows in ([0], [3, 4, 5, 9], [29], []):
        assert np.array_equal(found.take(np.array(rows, np.int64)), COLOUR[rows])


@pytest.mark.parametrize("cut", [1, 200, 5000])
def test_a_file_that_is_cut_off_is_refused(cut, tmp_path):
    for name, data in (("a.npy", npy(COLOUR)), ("a.npz", packed(images=COLOUR))):
        (tmp_path / name).write_bytes(data[:-cut])
        for source in (tmp_path / name, data[:-cut]):
            with pytest.raises(ValueError, match="damaged"):
                load(KEPT, source)


# --- MATLAB ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_files_lie_with_the_number_last(compressed, tmp_path):
    named = {"X": np.moveaxis(COLOUR, 0, -1), "y": LABELS[:, None]}
    scipy.io.savemat(tmp_path / "a.mat", named, do_compression=compressed)
    for source in (tmp_path / "a.mat", (tmp_path / "a.mat").read_bytes()):
        splits = load(KEPT, source)
        assert np.array_equal(seen(splits), COLOUR) and np.array_equal(splits.train.labels.numpy(), LABELS)


def test_matlab_structures_are_looked_into(tmp_path):
    part = {
        name: {"images": SQUARE[rows].reshape(-1, 64), "labels": LABELS[rows, None]} for name, rows in PARTS.items()
    }
    scipy.io.savemat(tmp_path / "a.mat", {"dataset": part})
    given(load(DataConfig("mine"), tmp_path / "a.mat"), SQUARE, LABELS)


def test_columns_of_numbers_are_pictures(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"ff": SQUARE.reshape(COUNT, 64).T})
    assert np.array_equal(seen(load(KEPT, tmp_path / "a.mat"))[..., 0], SQUARE)


def test_a_matlab_file_that_would_unpack_to_too_much_is_refused_before(tmp_path, monkeypatch):
    scipy.io.savemat(tmp_path / "a.mat", {"X": np.zeros((COUNT, 8, 8))}, do_compression=True)
    monkeypatch.setattr(limits, "MAX_UNPACKED", COUNT * 64 * 8 - 1)
    monkeypatch.setattr(scipy.io, "loadmat", pytest.fail)
    with pytest.raises(ValueError, match="would unpack to over 15,359 bytes"):
        load(KEPT, tmp_path / "a.mat")


def test_matlab_7_3_has_its_axes_turned_around(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file["X"], file["y"] = np.moveaxis(COLOUR, 0, -1).T, LABELS[None]
    data = bytearray((tmp_path / "a.mat").read_bytes())
    data[:512] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512)
    splits = load(KEPT, bytes(data))
    assert np.array_equal(seen(splits), COLOUR) and np.array_equal(splits.train.labels.numpy(), LABELS)


# --- HDF5 -----------------------------------------------------------------------------------------------------------


def test_hdf5_is_read_as_3d_shapes_is_written(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=COLOUR, chunks=(7, 8, 8, 3), compression="gzip", shuffle=True)
        file["labels"] = np.stack([LABELS / 10, LABELS % 2], 1)
    for source in (tmp_path / "a.h5", (tmp_path / "a.h5").read_bytes()):
        part = load(KEPT, source).train
        assert np.array_equal(part.images.permute(0, 2, 3, 1).numpy(), COLOUR)
        assert torch.equal(part.factors[:, 0], torch.from_numpy(LABELS))
    splits = load(DataConfig("mine", count=4, val_fraction=0, test_fraction=0), tmp_path / "a.h5")
    assert np.array_equal(seen(splits), COLOUR[np.sort(np.random.RandomState(0).permutation(COUNT)[:4])])


def test_groups_of_hdf5_are_parts(tmp_path):
    named = {f"{part}/data": PIXELS[rows] for part, rows in PARTS.items()}
    named |= {f"{part}/target": LABELS[rows] for part, rows in PARTS.items()}
    given(load(DataConfig("mine"), hdf5(tmp_path / "a.h5", **named)), PIXELS, LABELS)


def test_hdf5_that_leads_to_other_files_is_refused(tmp_path):
    other = hdf5(tmp_path / "other.h5", images=PIXELS)
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["images"] = PIXELS
        file["labels"] = h5py.ExternalLink("other.h5", "/images")
    with h5py.File(tmp_path / "storage.h5", "w") as file:
        file.create_dataset("images", PIXELS.shape, "u1", external=[(str(tmp_path / "raw"), 0, PIXELS.nbytes)])
    with h5py.File(tmp_path / "virtual.h5", "w", libver="latest") as file:
        layout = h5py.VirtualLayout(PIXELS.shape, "u1")
        layout[:] = h5py.VirtualSource(str(other), "images", PIXELS.shape)
        file.create_virtual_dataset("images", layout)
    for name in ("link", "storage", "virtual"):
        path = tmp_path / f"{name}.h5"
        for source in (path, path.read_bytes()):
            with pytest.raises(ValueError, match=r"another file.*: refused"):
                load(KEPT, source)


def test_hdf5_packed_by_a_plugin_is_refused(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=PIXELS, compression="lzf")
    monkeypatch.setattr(tables, "KNOWN", tables.KNOWN - {32000})
    with pytest.raises(ValueError, match="packed by the filter 32000"):
        load(KEPT, tmp_path / "a.h5")


def test_a_piece_of_an_uploaded_hdf5_that_unpacks_to_more_than_its_size_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("images", PIXELS.shape, "u1", chunks=PIXELS.shape, compression="gzip")
        made.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(PIXELS.nbytes + 1)))
    with pytest.raises(ValueError, match="unpacks to more than its size"):
        load(KEPT, (tmp_path / "a.h5").read_bytes())


def test_without_the_extra_its_name_is_told(tmp_path, monkeypatch):
    source = hdf5(tmp_path / "a.h5", images=PIXELS)
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ValueError, match=r'install the extra: pip install "vae-explorer\[tables\]"'):
        load(KEPT, source)


@pytest.mark.parametrize("kind", ["mat", "h5"])
@pytest.mark.parametrize("at", [9, 130, 150, 600, 1500])
def test_a_damaged_table_is_read_or_refused_but_nothing_else(kind, at, tmp_path):
    path = tmp_path / f"a.{kind}"
    if kind == "mat":
        scipy.io.savemat(path, {"images": SQUARE}, do_compression=True)
    else:
        hdf5(path, images=SQUARE)
    data = bytearray(path.read_bytes())
    data[at] ^= 0x55
    try:
        load(KEPT, bytes(data))
    except ValueError as error:
        assert "\n" not in str(error)


def test_a_file_is_known_by_its_first_bytes(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"X": SQUARE})
    good = [npy(PIXELS), packed(x=PIXELS), (tmp_path / "a.mat").read_bytes()]
    good.append(hdf5(tmp_path / "a.h5", images=PIXELS).read_bytes())
    assert all(map(containers.known, good)) and not containers.known(b"no such file")


def test_arrays_of_bytes_are_handed_on_without_a_copy():
    raw = arrays.read(packed(images=COLOUR))
    assert np.array_equal(raw.pixels(np.arange(3)), COLOUR[:3])
