"""Pictures by name, from a folder, a zip or a file of arrays: read once, kept as uint8, split by a seed."""

from __future__ import annotations

import hashlib
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_core import images
from vae_core.config import DataConfig, Range
from vae_core.data import folders, named, shapes
from vae_core.data.dataset import Dataset, Splits
from vae_core.data.identity import identity
from vae_core.data.raw import Indices, Raw, Source, Table, check_memory, order, usual_size
from vae_core.images import Preparation
from vae_core.jobs import Narration

CACHE_BYTES = 2**30  # of pictures that stay in memory
CACHE_SETS = 32  # that stay in memory, however small they are
CHUNK_BYTES = 2**20  # of pictures that are drawn, unpacked or resized at a time
Origin = tuple[str, str, str]  # credit, licence, and what tells it from others
Parts = list[tuple[Raw, Indices]]  # training, validation, test


def load(
    config: DataConfig,
    source: Source | None = None,
    root: Path | None = None,
    download: bool = False,
    progress: Narration | None = None,
    like: str = "",
    labels: Table | None = None,
) -> Splits:
    """Return pictures in three parts, split by `config.seed`; an official test part is kept as it is.

    The same request is answered from memory the second time in a process.

    Args:
        config: which data set, at which size, how many pictures (of the training part where there is an official
            test part), and how they are split.
        source: a folder or zip of pictures, a TIFF, or a file of arrays (.npz, .npy, .mat, HDF5), as a path or (all but
            the folder) its bytes; None = a named set.
        root: where named sets are looked for; None = the environment variable VAE_DATA. The user's cache folder is
            looked at last. Downloads go to the first of the two that can be written.
        download: fetch a named set that is not on this machine.
        progress: called with a fraction done (0 to 1) and a text.
        like: a named set; the pictures of a folder or zip are made to look like its own. Empty = as `config.fit` says.
        labels: a table of the labels of a folder's or zip's pictures: its content, its name within these, or a name and
            the content.

    Returns:
        Training, validation and test parts that share no picture.

    Raises:
        ValueError: one sentence on what is wrong with the name, the source or its content.
    """
    where: Hashable = tuple(map(str, named.roots(root))) if source is None else _fingerprint(source)
    if source is None and labels is not None:
        raise ValueError(
            f"A table of labels goes with a folder or zip of pictures, and {config.name!r} is a named set."
        )
    report = progress or (lambda fraction, text: None)
    return _CACHE.get(
        (config, where, like, labels), lambda: _load(config, source, root, download, report, like, labels)
    )


def load_test(config: DataConfig, root: Path | None = None) -> Dataset:
    """Return the test part of a named set, as `load` gives it; the others, most of it, are neither made nor kept.

    Raises:
        ValueError: as `load`.
    """

    def make() -> Splits:
        parts, kept, origin = _parts(config, None, root, False, lambda fraction, text: None)
        raw, indices = parts[-1]
        test = _take(raw, indices, kept, origin, lambda done: None)
        return Splits(test.subset(slice(0)), test.subset(slice(0)), test)

    return _CACHE.get((config, tuple(map(str, named.roots(root))), "the test part"), make).test


def available(name: str, root: Path | None = None) -> bool:
    """Tell whether the named set can be had without a download."""
    return named.find(named.named(name), root) is not None


def preparation(config: DataConfig) -> tuple[Preparation, bool | None]:
    """Tell how an upload is made to look like a set's pictures; whether these have a dark ground (None = unknown)."""
    return _prepared_as(config.name) if config.name in named.SETS else (Preparation(fit=config.fit), None)


def range_of(trained: DataConfig) -> Range | None:
    """Tell what black and white are in pictures of one's own, for the model whose header says this of its data.

    None where its own were bytes by name: then it is found in each set. An earlier model of somebody's own pictures
    keeps to what held then: a range for each picture.
    """
    if trained.range is not None or trained.name in named.SETS:
        return trained.range
    return Range(of="each")


def _prepared_as(name: str) -> tuple[Preparation, bool | None]:
    entry = named.SETS[name]
    return entry.preparation, entry.dark_ground


def _as_in(
    name: str, channels: int, data: bytes, size: tuple[int, int], used: Range | None = None
) -> tuple[tuple[int, int], np.ndarray]:
    """Prepare a picture's file like an upload to a model of the named set: the size it had, and (H, W, 3).

    `used` is the range of its numbers.
    """
    picture = images.open_image(data, used=used)
    x = images.prepare(picture, (channels, *size), *_prepared_as(name)).x
    return images.full_size(picture), images.to_uint8(x.expand(-1, 3, -1, -1))[0]


def _load(
    config: DataConfig,
    source: Source | None,
    root: Path | None,
    download: bool,
    report: Narration,
    like: str,
    labels: Table | None,
) -> Splits:
    parts, config, origin = _parts(config, source, root, download, report, like, labels)
    if (array := _held(parts, config)) is not None:
        return _in_place(parts, array, config, origin)
    check_memory(sum(len(indices) * _bytes_each(part, config) for part, indices in parts), source)
    total, done = sum(len(indices) for _, indices in parts), 0
    taken = []
    for part, indices in parts:
        taken.append(_take(part, indices, config, origin, partial(_advance, report, done, total)))
        done += len(indices)
    return Splits(*taken)


def _held(parts: Parts, config: DataConfig) -> np.ndarray | None:
    """Return the array in memory that holds all parts as they are wanted, where there is one: (M, C, H, W)."""
    held = [part.held for part, _ in parts]
    array = held[0].array if held[0] else None
    alike = array is not None and all(_shape(part, config) == array.shape[1:] for part, _ in parts)
    return array if alike and all(each and each.array is array for each in held) else None


def _in_place(parts: Parts, array: np.ndarray, config: DataConfig, origin: Origin) -> Splits:
    """Split into three parts in the memory in which the pictures lie: a second copy would take as much again."""
    rows = [part.held.rows[indices] for part, indices in parts if part.held]
    _rearrange(array, np.concatenate(rows))
    ends = np.cumsum([len(each) for each in rows])
    pixels = torch.from_numpy(array)
    return Splits(
        *(
            _described(part, indices, pixels[end - len(indices) : end], config, origin)
            for (part, indices), end in zip(parts, ends.tolist(), strict=True)
        )
    )


def _rearrange(array: np.ndarray, first: Indices) -> None:
    """Bring the rows `first`, all different, to the front in this order, with no memory but for one row."""
    others = np.ones(len(array), bool)
    others[first] = False
    wanted = np.concatenate([first, np.flatnonzero(others)]).tolist()
    for start in range(len(wanted)):
        if wanted[start] == start:
            continue
        kept, place = array[start].copy(), start
        while (source := wanted[place]) != start:
            array[place] = array[source]
            wanted[place], place = place, source
        array[place], wanted[place] = kept, place


def _parts(
    config: DataConfig,
    source: Source | None,
    root: Path | None,
    download: bool,
    report: Narration,
    like: str = "",
    labels: Table | None = None,
) -> tuple[Parts, DataConfig, Origin]:
    """Tell what goes to training, validation and test, the config with the set's own size, and where they are from."""
    if source is None:
        entry = named.named(config.name)
        if config.range is not None:
            raise ValueError(f"A range of numbers is for pictures of one's own; those of {config.name!r} have theirs.")
        config = replace(config, size=config.size or entry.size)
        raw = replace(entry.read(named.locate(config.name, root, download, report), config), range=None)
        origin = entry.credit, entry.licence, ""
    else:
        picture = partial(_as_in, like, config.channels or 3) if like else None
        raw = folders.read(source, config, report, picture, labels)
        origin = named.OWN_CREDIT, "not stated", identity(source)
    return split(raw, config), config, origin


def _advance(report: Narration, before: int, total: int, done: int) -> None:
    report((before + done) / max(total, 1), f"{before + done:,} of {total:,} pictures ready")


def split(raw: Raw, config: DataConfig) -> Parts:
    """Tell which pictures of which part go to training, validation and test."""
    kept = order(raw.count, config)
    count = len(kept)
    n_test = 0 if raw.test else _share(count, config.test_fraction, count - 2)
    n_val = 0 if raw.val else _share(count, config.val_fraction, count - n_test - 1)
    test, val, train = (np.sort(part) for part in np.split(kept, [n_test, n_test + n_val]))
    given = ((part, np.arange(part.count)) if part else None for part in (raw.val, raw.test))
    return [(raw, train), next(given) or (raw, val), next(given) or (raw, test)]


def _share(count: int, fraction: float, most: int) -> int:
    """Return a fraction of `count`: at least one picture where any is asked for, at most `most`."""
    return max(0, min(max(1, round(count * fraction)), most)) if fraction else 0


def _shape(raw: Raw, config: DataConfig) -> tuple[int, int, int]:
    """Return channels, height and width that the pictures are brought to."""
    height, width = config.size or usual_size([raw.side])
    return config.channels or (1 if raw.channels <= 2 else 3), height, width


def _bytes_each(raw: Raw, config: DataConfig) -> int:
    """Tell what a picture takes in memory, with its label and factors."""
    factors = 0 if raw.factors is None else raw.factors.shape[1]
    return math.prod(_shape(raw, config)) + 8 * (1 + factors)


def _take(raw: Raw, indices: Indices, config: DataConfig, origin: Origin, advance: Callable[[int], None]) -> Dataset:
    """Return the chosen pictures at the chosen size and channels, a chunk at a time."""
    channels, height, width = _shape(raw, config)
    out = torch.empty(len(indices), channels, height, width, dtype=torch.uint8)
    step = max(1, CHUNK_BYTES // (math.prod(raw.side) * raw.channels))
    for start in range(0, len(indices), step):
        chosen = indices[start : start + step]
        out[start : start + step] = _convert(raw.pixels(chosen), (height, width), channels, config.fit)
        advance(start + len(chosen))
    return _described(raw, indices, out, config, origin)


def _described(raw: Raw, indices: Indices, pixels: Tensor, config: DataConfig, origin: Origin) -> Dataset:
    """Return the chosen pictures, with all that is known of them."""
    labels, factors = (
        None if values is None else torch.from_numpy(values[indices].astype(np.int64))
        for values in (raw.labels, raw.factors)
    )
    meaning = raw.class_names, factors, raw.factor_names, raw.value_names
    names = tuple(raw.names[i] for i in indices) if raw.names else ()
    shape = "" if raw.held else shapes.describe({raw.side: 1}, (pixels.shape[2], pixels.shape[3]), config)
    notes = (*raw.notes, shape) if shape else raw.notes
    return Dataset(
        config.name, pixels, labels, *meaning, *origin[:2], raw.range, notes=notes, source=origin[2], names=names
    )


def _convert(pixels: np.ndarray, size: tuple[int, int], channels: int, how: str = "crop") -> Tensor:
    """Convert bytes (n, H, W, 1 to 4) to (n, channels, *size): on white, fitted as `images.FITS` says, antialiased."""
    x = torch.from_numpy(np.require(pixels, requirements=["C", "W"])).permute(
        0, 3, 1, 2
    )  # (n, H, W, C) -> (n, C, H, W)
    if x.shape[1] == channels and x.shape[2:] == size:
        return x
    x = x.to(torch.float32)
    if x.shape[1] in (2, 4):
        alpha = x[:, -1:] / 255
        x = x[:, :-1] * alpha + 255 * (1 - alpha)
    if channels == 1 and x.shape[1] == 3:
        x = (x * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)  # ITU-R 601
    return _resize(x.expand(-1, channels, -1, -1), size, how).round().clamp(0, 255).to(torch.uint8)


def _resize(x: Tensor, size: tuple[int, int], how: str) -> Tensor:
    """Resize (n, C, H, W) to (n, C, *size)."""
    sides = x.shape[2], x.shape[3]
    if sides == size:
        return x
    if how == "stretch" or (how == "pad" and images.fills(sides, size)):
        return _scaled(x, size)
    if how == "pad":
        return _padded(x, size)
    scale = min(x.shape[2] / size[0], x.shape[3] / size[1])
    height, width = (max(1, round(side * scale)) for side in size)
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return _scaled(x[:, :, top : top + height, left : left + width], size)


def _scaled(x: Tensor, size: tuple[int, int]) -> Tensor:
    return torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True)


def _padded(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Return pictures fitted whole, each on the median of its border."""
    scale = min(want / have for want, have in zip(size, x.shape[2:], strict=True))
    height, width = (max(1, round(side * scale)) for side in x.shape[2:])
    frame = torch.cat([x[..., 0, :], x[..., -1, :], x[..., 0], x[..., -1]], dim=-1)
    out = frame.median(-1).values[..., None, None].expand(-1, -1, *size).clone()  # (n, C, *size)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    out[:, :, top : top + height, left : left + width] = _scaled(x, (height, width))
    return out


# --- memory -------------------------------------------------------------------------------------------------


class _Slot:
    """A place for one data set; its lock lets those who ask at the same time wait for one reading."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.value: Splits | None = None

    def bytes(self) -> int:
        parts = (self.value.train, self.value.val, self.value.test) if self.value else ()
        tensors = [tensor for part in parts for tensor in (part.images, part.labels, part.factors)]
        return sum(tensor.nbytes for tensor in tensors if tensor is not None)


class _Cache:
    """Data sets in memory; beyond `limit` bytes the longest unused go first. The last one stays: it is in use."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Splits]) -> Splits:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
        with slot.lock:
            value = slot.value = slot.value or make()
        with self._lock:
            while len(self._slots) > 1 and self._is_full():
                self._slots.popitem(last=False)
        return value

    def _is_full(self) -> bool:
        return len(self._slots) > CACHE_SETS or sum(s.bytes() for s in self._slots.values()) > self.limit


_CACHE = _Cache(CACHE_BYTES)


def _fingerprint(source: Source) -> Hashable:
    """Return what changes when the source does."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    if source.is_dir():
        stats = [(file.path, *folders.size_and_time(file)) for file in folders.files_of(source)]
    else:
        stats = [(str(source), source.stat().st_size, source.stat().st_mtime_ns)] if source.is_file() else []
    return os.path.realpath(source), hashlib.sha256(repr(sorted(stats)).encode()).hexdigest()
