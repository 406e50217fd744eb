import gzip
import struct
import sys
import threading
import time
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vae_core import data
from vae_core.config import DataConfig
from vae_core.data import folders, limits, loading, named
from vae_core.data.raw import from_array

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 12, 10, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch, tmp_path):
    """Each test reads for itself, and finds no data set of this machine unless it asks."""
    monkeypatch.setattr(loading, "_CACHE", loading._Cache(loading.CACHE_BYTES))
    monkeypatch.delenv("VAE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def own(tmp_path) -> Path:
    """A user's .npz of 40 pictures in 4 classes."""
    file = tmp_path / "own.npz"
    np.savez(file, images=PIXELS, labels=np.arange(40) % 4, factors=np.stack([np.arange(40) % 4, np.arange(40)], 1))
    return file


def rows(part: data.Dataset) -> set[bytes]:
    return {image.numpy().tobytes() for image in part.images}


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx_set(folder: Path, train: int = 50, test: int = 8) -> None:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for part, count in (("train", train), ("t10k", test)):
        for kind, array in (
            ("images-idx3", rng.integers(0, 256, (count, 28, 28))),
            ("labels-idx1", np.arange(count) % 10),
        ):
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx(array.astype(np.uint8))))


# --- splitting ----------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(
    st.integers(1, 300),
    st.integers(0, 20),
    st.floats(0, 0.9),
    st.floats(0, 0.9),
    st.integers(1, 400) | st.none(),
    st.integers(0, 9),
)
def test_splits_share_nothing_and_lose_nothing(count, tests, val, test, kept, seed):
    raw = from_array(np.zeros((count, 8, 8, 1), np.uint8))
    raw = replace(raw, test=from_array(np.zeros((tests, 8, 8, 1), np.uint8))) if tests else raw
    config = DataConfig(val_fraction=val, test_fraction=test, count=kept, seed=seed)
    (a, train), (b, valid), (c, rest) = data.split(raw, config)
    assert a is b is raw and c is (raw.test or raw)
    own = [*train, *valid] if tests else [*train, *valid, *rest]
    assert len(set(own)) == len(own) == min(count, kept or count)
    assert len(train) >= 1 and (not tests or list(rest) == list(range(tests)))
    if len(own) >= 3:  # whoever asks for a part gets one
        assert (len(valid) > 0) == (val > 0)
        assert len(rest) > 0 or (test == 0 and not tests)


@pytest.mark.parametrize(("count", "sizes"), [(1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (10, (8, 1, 1))])
def test_small_sets_keep_a_training_picture(count, sizes):
    raw = from_array(np.zeros((count, 8, 8, 1), np.uint8))
    assert tuple(len(i) for _, i in data.split(raw, DataConfig())) == sizes


def test_the_split_depends_on_the_seed_alone(own):
    def parts(seed: int) -> list[set[bytes]]:
        loading._CACHE = loading._Cache(0)
        splits = data.load(DataConfig("own", seed=seed), own)
        return [rows(part) for part in (splits.train, splits.val, splits.test)]

    assert parts(0) == parts(0) != parts(1)
    assert set.union(*parts(0)) == set.union(*parts(1)) and sum(map(len, parts(0))) == 40


def test_labels_and_factors_stay_with_their_picture(own):
    splits = data.load(DataConfig("own"), own)
    original = {PIXELS[i].tobytes(): i for i in range(40)}
    for part in (splits.train, splits.val, splits.test, splits.whole(), splits.train.subset([3, 1])):
        for image, label, factors in zip(part.images, part.labels, part.factors, strict=True):
            i = original[image.permute(1, 2, 0).contiguous().numpy().tobytes()]
            assert label == i % 4 and factors.tolist() == [i % 4, i]
    assert len(splits.whole()) == 40 and splits.train.class_names == ("0", "1", "2", "3")


def test_a_set_of_one_picture_and_one_class(tmp_path):
    (tmp_path / "cat").mkdir()
    Image.new("RGB", (16, 16), (9, 9, 200)).save(tmp_path / "cat" / "only.png")
    splits = data.load(DataConfig("one"), tmp_path)
    assert [len(part) for part in (splits.train, splits.val, splits.test, splits.whole())] == [1, 0, 0, 1]
    assert splits.whole().class_names == ("cat",) and splits.whole().labels.tolist() == [0]


# --- data sets in memory ------------------------------------------------------------------------------------------


def test_pictures_are_bytes_in_memory_and_floats_on_request(own):
    train = data.load(DataConfig("own"), own).train
    assert train.images.dtype == torch.uint8 and train.labels.dtype == train.factors.dtype == torch.int64
    assert train.image_shape == (3, 12, 10)
    for chosen in ([2, 5], torch.tensor([2, 5]), slice(2, 8, 3)):
        x = train.float(chosen)
        assert x.dtype == torch.float32 and torch.equal(x, train.images[[2, 5]] / 255)
        assert torch.equal(train.subset(chosen).images, train.images[[2, 5]])
    assert torch.equal(train.float(), train.images / 255)
    mask = train.labels == 2
    assert torch.equal(train.subset(mask).images, train.images[mask])
    assert len(train.subset([])) == 0


@settings(max_examples=25)
@given(st.integers(8, 40), st.integers(8, 40), st.sampled_from([1, 3]), st.integers(1, 4), st.integers(0, 255))
def test_size_and_channels_are_as_asked_and_flat_pictures_stay_flat(height, width, channels, stored, level):
    pixels = np.full((3, 20, 30, stored), level, np.uint8)
    if stored in (2, 4):
        pixels[..., -1] = 255
    out = loading._convert(pixels, (height, width), channels)
    assert out.shape == (3, channels, height, width) and out.dtype == torch.uint8
    assert (out.int() - level).abs().max() <= 1


def test_transparency_is_put_on_white_and_grey_is_weighed():
    clear = np.zeros((1, 8, 8, 4), np.uint8)
    assert (loading._convert(clear, (8, 8), 3) == 255).all()
    green = np.zeros((1, 8, 8, 3), np.uint8)
    green[..., 1] = 200
    expected = np.asarray(Image.fromarray(green[0]).convert("L"))[0, 0]
    assert (loading._convert(green, (8, 8), 1).int() - int(expected)).abs().max() <= 1


def test_shrinking_averages_and_keeps_the_middle():
    checks = (np.indices((64, 128)).sum(0) % 2 * 255).astype(np.uint8)[None, ..., None]
    assert (loading._convert(checks, (8, 8), 1).int() - 127).abs().max() < 4
    halves = np.zeros((1, 16, 48, 1), np.uint8)
    halves[:, :, 16:32] = 255
    assert (loading._convert(halves, (16, 16), 1) == 255).all()


def test_nothing_is_read_twice(own, monkeypatch):
    first = data.load(DataConfig("own"), own)
    monkeypatch.setattr(folders, "read", lambda *a: pytest.fail("read again"))
    assert data.load(DataConfig("own"), own) is first
    monkeypatch.undo()
    time.sleep(0.01)
    np.savez(own, images=255 - PIXELS)
    assert rows(data.load(DataConfig("own"), own).whole()).isdisjoint(rows(first.whole()))


def test_bytes_and_file_give_the_same(own):
    by_path, by_bytes = data.load(DataConfig("own"), own), data.load(DataConfig("own"), own.read_bytes())
    assert torch.equal(by_path.train.images, by_bytes.train.images)


def test_those_who_ask_at_the_same_time_wait_for_one_reading(own, monkeypatch):
    calls, found = [], []
    read = folders.read

    def slow(*arguments):
        calls.append(1)
        time.sleep(0.2)
        return read(*arguments)

    monkeypatch.setattr(folders, "read", slow)
    threads = [threading.Thread(target=lambda: found.append(data.load(DataConfig("own"), own))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and len(set(map(id, found))) == 1


def test_a_failed_reading_is_tried_again(own, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(ValueError, match="once"):
        patch.setattr(folders, "read", lambda *a: (_ for _ in ()).throw(ValueError("once")))
        data.load(DataConfig("own"), own)
    assert len(data.load(DataConfig("own"), own).whole()) == 40


def test_memory_is_bounded_and_the_longest_unused_goes_first(own):
    one = PIXELS.nbytes
    cache = loading._CACHE = loading._Cache(int(2.5 * one))
    sets = [data.load(DataConfig("own", seed=k), own) for k in range(2)]
    assert data.load(DataConfig("own", seed=0), own) is sets[0]
    data.load(DataConfig("own", seed=2), own)  # now 1 is the longest unused
    assert sum(slot.bytes() for slot in cache._slots.values()) <= 2.5 * one
    assert data.load(DataConfig("own", seed=0), own) is sets[0]
    assert data.load(DataConfig("own", seed=1), own) is not sets[1]


def test_more_than_fits_into_memory_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SET_BYTES", 10_000)
    with pytest.raises(ValueError, match="smaller size or count"):
        data.load(DataConfig("sprites", count=1000))


def test_an_upload_may_take_less_memory_than_the_owners_own_set(own, monkeypatch):
    """All three parts count, at the size that is asked for, with labels and factors."""
    whole = 40 * (3 * 16 * 16 + 3 * 8)
    config = DataConfig("own", size=(16, 16))
    monkeypatch.setattr(limits, "MAX_UPLOAD", whole)
    assert len(data.load(config, own.read_bytes()).whole()) == 40
    monkeypatch.setattr(loading, "_CACHE", loading._Cache(loading.CACHE_BYTES))
    monkeypatch.setattr(limits, "MAX_UPLOAD", whole - 1)
    with pytest.raises(ValueError, match=f"{whole:,} bytes of memory; at most {whole - 1:,}"):
        data.load(config, own.read_bytes())
    assert len(data.load(config, own).whole()) == 40


def test_labels_and_factors_count_as_memory(own):
    splits = data.load(DataConfig("own"), own)
    (slot,) = loading._CACHE._slots.values()
    assert slot.bytes() == PIXELS.nbytes + 40 * 3 * 8 and slot.value is splits


def test_a_link_that_leads_nowhere_does_not_spoil_its_folder(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    Image.new("RGB", (16, 16), (9, 9, 200)).save(folder / "a.png")
    (folder / "b.png").symlink_to("nowhere.png")
    (folder / "c.png").symlink_to("c.png")
    splits = data.load(DataConfig("own"), folder)
    assert len(splits.whole()) == 1 and all(name in splits.train.notes[0] for name in ("b.png", "c.png"))
    Image.new("RGB", (16, 16)).save(folder / "nowhere.png")
    assert len(data.load(DataConfig("own"), folder).whole()) == 3


def test_a_source_that_is_a_link_to_itself_is_refused(tmp_path):
    (tmp_path / "own").symlink_to("own")
    with pytest.raises(ValueError, match="no file or folder"):
        data.load(DataConfig("own"), tmp_path / "own")


def test_progress_rises_to_one(own):
    seen: list[float] = []
    data.load(DataConfig("own"), own, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen) and seen[-1] == 1


# --- named sets ---------------------------------------------------------------------------------------------------


def test_every_row_says_whom_it_is_from_and_how_it_may_be_used():
    assert set(data.NAMES) == {
        *("digits", "sprites", "mnist", "fashion-mnist", "kmnist", "cifar10", "svhn", "celeba", "omniglot"),
        "characters",
    }
    for entry in data.SETS.values():
        assert entry.credit and entry.licence
        assert bool(entry.torchvision) == bool(entry.bytes)


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    splits = data.load(DataConfig("digits"))
    whole, original = splits.whole(), load_digits()
    assert whole.image_shape == (1, 8, 8) and len(whole) == 1797 and whole.class_names == tuple("0123456789")
    assert len(splits.val) == len(splits.test) == 180
    levels = (original.images * 255 / 16).round().astype(np.uint8)
    expected = {x.tobytes(): y for x, y in zip(levels, original.target, strict=True)}
    assert all(expected[x.numpy().tobytes()] == y for x, y in zip(whole.images[:, 0], whole.labels, strict=True))
    assert whole.images.max() == 255 and "UCI" in whole.credit and splits.test.licence == "CC BY 4.0"


def test_sprites_follow_the_request():
    config = DataConfig("sprites", count=300, size=(24, 40), channels=1, seed=5)
    splits = data.load(config)
    assert splits.train.image_shape == (1, 24, 40) and len(splits.whole()) == 300
    assert splits.train.factor_names == ("shape", "scale", "rotation", "x", "y", "colour")
    assert splits.train.class_names == ("square", "ellipse", "heart")
    assert torch.equal(splits.train.labels, splits.train.factors[:, 0])
    assert all(len(names) == top for names, top in zip(splits.train.value_names, (3, 6, 15, 16, 16, 8), strict=True))
    loading._CACHE = loading._Cache(0)
    assert torch.equal(data.load(config).train.images, splits.train.images)
    assert not torch.equal(data.load(replace(config, seed=6)).train.images, splits.train.images)


def test_sprites_of_the_default_recipe_are_all_different():
    splits = data.load(DataConfig("sprites"))
    assert splits.train.image_shape == (3, 32, 32)
    combinations = torch.cat([part.factors for part in (splits.train, splits.val, splits.test)])
    assert len(combinations.unique(dim=0)) == len(combinations) == named.SPRITES_COUNT


def test_the_official_test_part_is_kept(tmp_path):
    write_idx_set(tmp_path / "KMNIST" / "raw")
    for seed in (0, 1):
        splits = data.load(DataConfig("kmnist", seed=seed, count=20), root=tmp_path)
        assert [len(p) for p in (splits.train, splits.val, splits.test)] == [18, 2, 8]
        assert splits.test.labels.tolist() == list(range(8))
    assert splits.train.class_names == named.KANA and splits.test.licence == "CC BY-SA 4.0"


@pytest.mark.parametrize("how", ["root", "VAE_DATA", "cache"])
def test_sets_are_found_in_the_root_in_vae_data_and_in_the_cache(how, tmp_path, monkeypatch):
    assert not data.available("mnist")
    folder = tmp_path / ("cache/vae-explorer/data" if how == "cache" else "elsewhere")
    write_idx_set(folder / "MNIST" / "raw")
    if how == "VAE_DATA":
        monkeypatch.setenv("VAE_DATA", str(folder))
    root = folder if how == "root" else None
    if how == "cache" and sys.platform != "linux":
        pytest.skip("the cache folder is set by XDG_CACHE_HOME on Linux alone")
    assert data.available("mnist", root)
    assert len(data.load(DataConfig("mnist"), root=root).test) == 8


def test_the_root_that_is_given_comes_before_the_variable(tmp_path, monkeypatch):
    write_idx_set(tmp_path / "a" / "MNIST" / "raw", test=3)
    write_idx_set(tmp_path / "b" / "MNIST" / "raw", test=4)
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "b"))
    assert len(data.load(DataConfig("mnist")).test) == 4
    assert len(data.load(DataConfig("mnist"), root=tmp_path / "a").test) == 3


def test_an_unknown_name_is_refused_with_the_names_that_are_known():
    for ask in (lambda: data.load(DataConfig("mnits")), lambda: data.available("mnits")):
        with pytest.raises(ValueError, match=r"'mnits'; allowed: digits, sprites, mnist"):
            ask()


@pytest.mark.parametrize("name", [name for name, entry in data.SETS.items() if entry.markers])
def test_a_set_that_is_not_here_says_how_to_get_it(name, tmp_path):
    with pytest.raises(ValueError, match=f"'{name}' is not on this machine") as caught:
        data.load(DataConfig(name), root=tmp_path)
    assert "--data-root" in str(caught.value) and "VAE_DATA" in str(caught.value)
    assert ("--download" in str(caught.value)) == bool(data.SETS[name].torchvision)
    assert not data.available(name, tmp_path)


def fake_torchvision(monkeypatch, **kinds) -> None:
    """The network is not asked in tests: torchvision's classes stand in, with its own interface."""
    module = types.ModuleType("torchvision.datasets")
    for name, kind in kinds.items():
        setattr(module, name, kind)
    parent = types.ModuleType("torchvision")
    parent.datasets = module
    monkeypatch.setitem(sys.modules, "torchvision", parent)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", module)


def test_a_download_happens_only_when_told_to_and_reports(tmp_path, monkeypatch):
    def download(root, train, download):
        assert download and root.parent == tmp_path
        if train:
            (root / "part").write_bytes(bytes(30_000_000))
            time.sleep(0.2)
            write_idx_set(root / "MNIST" / "raw")

    fake_torchvision(monkeypatch, MNIST=download)
    monkeypatch.setattr(named, "POLL_SECONDS", 0.02)
    with pytest.raises(ValueError, match="not on this machine"):
        data.load(DataConfig("mnist"), root=tmp_path)
    seen: list[tuple[float, str]] = []
    splits = data.load(DataConfig("mnist"), root=tmp_path, download=True, progress=lambda *a: seen.append(a))
    assert len(splits.test) == 8
    assert any("downloading mnist" in text and 0.4 < fraction < 0.5 for fraction, text in seen)
    assert all(0 <= fraction <= 1 for fraction, _ in seen)


def test_a_download_that_fails_says_so_and_one_that_is_stopped_stops(tmp_path, monkeypatch):
    def fail(root, train, download):
        time.sleep(0.05)
        write_idx_set(root / "MNIST" / "raw")
        raise OSError("no network\nand more")

    fake_torchvision(monkeypatch, MNIST=fail)
    monkeypatch.setattr(named, "POLL_SECONDS", 0.01)
    with pytest.raises(ValueError, match="'mnist' could not be downloaded: and more"):
        data.load(DataConfig("mnist"), root=tmp_path, download=True)

    def stop(fraction, text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.load(DataConfig("mnist"), root=tmp_path, download=True, progress=stop)
    assert not data.available("mnist", tmp_path)  # half a set is no set: it can be fetched again


def test_a_download_goes_where_it_can_be_written(tmp_path, monkeypatch):
    found = []
    monkeypatch.setattr(named, "_writable", lambda folder: "cache" in str(folder))
    fake_torchvision(monkeypatch, KMNIST=lambda root, **kw: found.append(root) or write_once(root))

    def write_once(root: Path) -> None:
        if not (root / "KMNIST").exists():
            write_idx_set(root / "KMNIST" / "raw")

    data.load(DataConfig("kmnist"), root=tmp_path / "read-only", download=True)
    assert not (tmp_path / "read-only").exists() and "read-only" not in str(found[0])


def test_sets_that_torchvision_reads(tmp_path, monkeypatch):
    def part(**fields):
        return lambda root, train=True, split="train", download=False: types.SimpleNamespace(
            **{name: value(train and split == "train") for name, value in fields.items()}
        )

    def some(*shape: int):
        return lambda train: np.full((20 if train else 5, *shape), 7, np.uint8)

    fake_torchvision(
        monkeypatch,
        CIFAR10=part(data=some(32, 32, 3), targets=lambda t: [1] * (20 if t else 5), classes=lambda t: list("abc")),
        SVHN=part(data=some(3, 32, 32), labels=lambda t: np.full(20 if t else 5, 9)),
    )
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "train_32x32.mat").touch()
    for name, label in (("cifar10", 1), ("svhn", 9)):
        splits = data.load(DataConfig(name), root=tmp_path)
        assert splits.train.image_shape == (3, 32, 32) and [len(splits.train), len(splits.test)] == [18, 5]
        assert (splits.train.images == 7).all() and (splits.test.labels == label).all()


def test_celeba_is_cut_to_the_face_and_has_factors(tmp_path, monkeypatch):
    folder = tmp_path / "celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    for k in range(6):
        Image.new("RGB", (178, 218), (40 * k, 0, 0)).save(folder / f"{k}.jpg")

    def celeba(root, split, download):
        names = [f"{k}.jpg" for k in (range(4) if split == "train" else range(4, 6))]
        attr = torch.arange(2 * len(names)).reshape(-1, 2) % 2
        fields = {"filename": names, "attr": attr, "attr_names": ["Bald", "Smiling", ""]}
        return types.SimpleNamespace(root=root, base_folder="celeba", **fields)

    fake_torchvision(monkeypatch, CelebA=celeba)
    splits = data.load(DataConfig("celeba"), root=tmp_path)
    assert splits.test.image_shape == (3, 64, 64) and len(splits.whole()) == 6
    assert splits.test.factor_names == ("Bald", "Smiling") and splits.test.value_names[0] == ("no", "yes")
    assert splits.test.images[:, 0, 9, 9].tolist() == pytest.approx([160, 200], abs=3)


def test_official_omniglot_is_white_on_black_in_its_own_two_parts(tmp_path):
    for part, alphabet, count in (("background", "Greek", 5), ("evaluation", "Angelic", 2)):
        folder = tmp_path / "omniglot-py" / f"images_{part}" / alphabet / "character01"
        folder.mkdir(parents=True)
        for k in range(count):
            image = Image.new("1", (105, 105), 1)
            image.paste(0, (40, 40, 70, 70))
            image.save(folder / f"{k}.png")
    splits = data.load(DataConfig("omniglot"), root=tmp_path)
    assert splits.train.image_shape == (1, 28, 28) and [len(splits.train), len(splits.test)] == [4, 2]
    assert splits.train.class_names == splits.test.class_names == ("Angelic", "Greek")
    assert splits.train.labels.unique() == 1 and splits.test.labels.unique() == 0
    assert splits.train.images[:, :, 0].max() == 0 and splits.train.images[:, :, 14, 14].min() == 255


# --- the shared data ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "counts"), [("mnist", (980, 1135, 1032)), ("fashion-mnist", (1000, 1000, 1000))])
def test_the_packed_files_are_read_as_they_are(data_root, name, counts):
    if not data.available(name, data_root):
        pytest.skip(f"{name} is not in {data_root}")
    splits = data.load(DataConfig(name), root=data_root)
    assert [len(p) for p in (splits.train, splits.val, splits.test)] == [54_000, 6_000, 10_000]
    assert splits.test.labels.bincount()[:3].tolist() == list(counts)
    assert splits.train.image_shape == (1, 28, 28) and len(splits.whole().labels.unique()) == 10
    prepared, dark = data.preparation(DataConfig(name))
    assert dark and prepared.centre


def test_characters_have_their_full_grid_of_factors_and_their_credit(data_root):
    if not data.available("characters", data_root):
        pytest.skip(f"characters are not in {data_root}")
    splits = data.load(DataConfig("characters", count=2000), root=data_root)
    assert splits.train.image_shape == (3, 64, 64) and len(splits.whole()) == 2000
    assert splits.train.factor_names[:2] == ("skin", "hair_style") and len(splits.train.factor_names) == 7
    assert [len(names) for names in splits.train.value_names] == [4, 5, 5, 4, 4, 4, 3]
    assert (splits.train.images[:, :, 0, 0] == 255).all()  # on white
    assert "Redshrike" in splits.train.credit and splits.train.licence == "CC BY-SA 3.0 and GPL 3.0"


def test_the_small_omniglot_is_found(data_root):
    if not (data_root / named.OMNIGLOT).is_file():
        pytest.skip(f"omniglot is not in {data_root}")
    whole = data.load(DataConfig("omniglot"), root=data_root).whole()
    assert len(whole) == 4840 and whole.image_shape == (1, 28, 28) and len(whole.class_names) == 8
    assert whole.factors.max(0).values.tolist() == [7, 241, 20]


@pytest.mark.parametrize("config", [DataConfig("digits", seed=3), DataConfig("sprites", count=50, size=(8, 8))])
def test_test_part_alone_is_that_of_the_whole(config: DataConfig) -> None:
    alone, whole = data.load_test(config), data.load(config).test
    assert torch.equal(alone.images, whole.images) and torch.equal(alone.labels, whole.labels)
    assert data.load_test(config) is alone


def test_test_part_alone_draws_no_other_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, render = [], named.sprites.render
    monkeypatch.setattr(named.sprites, "render", lambda values, size: drawn.append(len(values)) or render(values, size))
    assert len(data.load_test(DataConfig("sprites", count=40, size=(8, 8), seed=5))) == sum(drawn) == 4
