"""Pictures by name, from a folder, a zip or an .npz: read once, kept as uint8, split by a seed."""

from __future__ import annotations

import concurrent.futures
import hashlib
import math
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_core import images, sources, sprites
from vae_core.config import DataConfig
from vae_core.images import Preparation
from vae_core.shards import seeded
from vae_core.sources import Indices, Progress, Raw, Source

CACHE_BYTES = 2**30  # of pictures that stay in memory
CACHE_SETS = 32  # that stay in memory, however small they are
CHUNK_BYTES = 2**20  # of pictures that are drawn, unpacked or resized at a time
POLL_SECONDS = 0.3


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures in memory.

    Attributes:
        name: what the user calls it.
        images: (N, C, H, W) uint8.
        labels: (N,) int64 places in `class_names`, or None.
        class_names: names of the labels.
        factors: (N, F) int64, places in `value_names[f]`, or None.
        factor_names: F names.
        value_names: names of each factor's values.
        credit: whom the pictures are from.
        licence: under which terms they may be used.
        notes: what a user should know, such as pictures that could not be read.
    """

    name: str
    images: Tensor
    labels: Tensor | None = None
    class_names: tuple[str, ...] = ()
    factors: Tensor | None = None
    factor_names: tuple[str, ...] = ()
    value_names: tuple[tuple[str, ...], ...] = ()
    credit: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def subset(self, indices: Tensor | Sequence[int] | slice) -> Dataset:
        """The pictures at `indices`, with their labels and factors."""
        chosen = indices if isinstance(indices, slice | Tensor) else torch.tensor(indices, dtype=torch.long)
        labels, factors = (t if t is None else t[chosen] for t in (self.labels, self.factors))
        return replace(self, images=self.images[chosen], labels=labels, factors=factors)

    def in_classes(self, names: Sequence[str]) -> Dataset:
        """With labels as places in `names`; as it is where it has none, or has classes that are not among these."""
        theirs, ours = self.class_names, tuple(names)
        if self.labels is None or theirs == ours or not set(theirs) <= set(ours):
            return self
        places = torch.tensor([ours.index(name) for name in theirs])
        return replace(self, labels=places[self.labels], class_names=ours)

    def float(self, indices: Tensor | Sequence[int] | slice | None = None) -> Tensor:
        """The pictures at `indices` (None = all) as float32 (n, C, H, W) in [0, 1]."""
        chosen = slice(None) if indices is None else indices
        return self.images[chosen].to(torch.float32).div_(255)


def drawn(total: int, count: int | None) -> Tensor:
    """`count` places of `total` (None: all) at random, ascending: always the same ones, a smaller draw in a larger."""
    return torch.randperm(total, generator=seeded(0))[:count].sort().values


@dataclass(frozen=True, eq=False)
class Splits:
    """Three parts without overlap; a set of two pictures leaves `test` empty, a set of one `val` too."""

    train: Dataset
    val: Dataset
    test: Dataset

    def whole(self) -> Dataset:
        """All pictures together: training, validation, test."""
        parts = (self.train, self.val, self.test)
        labels, factors = (
            None if getattr(self.train, name) is None else torch.cat([getattr(part, name) for part in parts])
            for name in ("labels", "factors")
        )
        return replace(self.train, images=torch.cat([p.images for p in parts]), labels=labels, factors=factors)


def load(
    config: DataConfig,
    source: Source | None = None,
    root: Path | None = None,
    download: bool = False,
    progress: Progress | None = None,
    like: str = "",
) -> Splits:
    """Pictures in three parts, split by `config.seed`; an official test part is kept as it is.

    The same request is answered from memory the second time in a process.

    Args:
        config: which data set, at which size, how many pictures (of the training part where there is an official
            test part), and how they are split.
        source: a folder of pictures, a zip or an .npz, as a path or (the last two) its bytes; None = a named set.
        root: where named sets are looked for; None = the environment variable VAE_DATA. The user's cache folder is
            looked at last. Downloads go to the first of the two that can be written.
        download: fetch a named set that is not on this machine.
        progress: called with a fraction done (0 to 1) and a text.
        like: a named set; the pictures of a folder or zip are made to look like its own. Empty = the middle cut out.

    Returns:
        Training, validation and test parts that share no picture.

    Raises:
        ValueError: one sentence on what is wrong with the name, the source or its content.
    """
    where: Hashable = tuple(map(str, _roots(root))) if source is None else _fingerprint(source)
    report = progress or (lambda fraction, text: None)
    return _CACHE.get((config, where, like), lambda: _load(config, source, root, download, report, like))


def load_test(config: DataConfig, root: Path | None = None) -> Dataset:
    """The test part of a named set, as `load` gives it; the others, most of the pictures, are neither made nor kept.

    Raises:
        ValueError: as `load`.
    """

    def make() -> Splits:
        parts, kept, origin = _parts(config, None, root, False, lambda fraction, text: None, "")
        raw, indices = parts[-1]
        test = _take(raw, indices, kept, origin, lambda done: None)
        return Splits(test.subset(slice(0)), test.subset(slice(0)), test)

    return _CACHE.get((config, tuple(map(str, _roots(root))), "the test part"), make).test


def available(name: str, root: Path | None = None) -> bool:
    """Whether the named set can be had without a download."""
    return _find(_named(name), root) is not None


def preparation(name: str) -> tuple[Preparation, bool | None]:
    """How an upload is made to look like a set's pictures; whether these have a dark ground (None = unknown)."""
    entry = SETS.get(name)
    return (entry.preparation, entry.dark_ground) if entry else (Preparation(), None)


def _as_in(name: str, channels: int, data: bytes, size: tuple[int, int]) -> np.ndarray:
    """A picture's file as an upload to a model of the named set is prepared, (H, W, 3)."""
    x = images.prepare(images.open_image(data), (channels, *size), *preparation(name)).x
    return images.to_uint8(x.expand(-1, 3, -1, -1))[0]


def _load(
    config: DataConfig, source: Source | None, root: Path | None, download: bool, report: Progress, like: str
) -> Splits:
    parts, config, origin = _parts(config, source, root, download, report, like)
    sources.check_memory(sum(len(indices) * _bytes_each(part, config) for part, indices in parts), source)
    total, done = sum(len(indices) for _, indices in parts), 0
    taken = []
    for part, indices in parts:
        taken.append(_take(part, indices, config, origin, partial(_advance, report, done, total)))
        done += len(indices)
    return Splits(*taken)


def _parts(
    config: DataConfig, source: Source | None, root: Path | None, download: bool, report: Progress, like: str
) -> tuple[list[tuple[Raw, Indices]], DataConfig, tuple[str, str]]:
    """What goes to training, validation and test, the config with the set's own size, and credit and licence."""
    if source is None:
        entry = _named(config.name)
        config = replace(config, size=config.size or entry.size)
        raw = entry.read(_locate(config.name, root, download, report), config)
        origin = entry.credit, entry.licence
    else:
        picture = partial(_as_in, like, config.channels or 3) if like else sources.cut_out
        raw = sources.read(source, config, report, picture)
        origin = "the user's own pictures", "not stated"
    return split(raw, config), config, origin


def _advance(report: Progress, before: int, total: int, done: int) -> None:
    report((before + done) / max(total, 1), f"{before + done:,} of {total:,} pictures ready")


def split(raw: Raw, config: DataConfig) -> list[tuple[Raw, Indices]]:
    """Which pictures of which part go to training, validation and test."""
    kept = sources.order(raw.count, config)
    count = len(kept)
    n_test = 0 if raw.test else _share(count, config.test_fraction, count - 2)
    n_val = _share(count, config.val_fraction, count - n_test - 1)
    test, val, train = (np.sort(part) for part in np.split(kept, [n_test, n_test + n_val]))
    return [(raw, train), (raw, val), (raw.test, np.arange(raw.test.count)) if raw.test else (raw, test)]


def _share(count: int, fraction: float, most: int) -> int:
    """A fraction of `count`: at least one picture where any is asked for, at most `most`."""
    return max(0, min(max(1, round(count * fraction)), most)) if fraction else 0


def _shape(raw: Raw, config: DataConfig) -> tuple[int, int, int]:
    """Channels, height and width that the pictures are brought to."""
    height, width = config.size or sources.usual_size([raw.side])
    return config.channels or (1 if raw.channels <= 2 else 3), height, width


def _bytes_each(raw: Raw, config: DataConfig) -> int:
    """What a picture takes in memory, with its label and factors."""
    factors = 0 if raw.factors is None else raw.factors.shape[1]
    return math.prod(_shape(raw, config)) + 8 * (1 + factors)


def _take(
    raw: Raw, indices: Indices, config: DataConfig, origin: tuple[str, str], advance: Callable[[int], None]
) -> Dataset:
    """The chosen pictures at the chosen size and channels, a chunk at a time."""
    channels, height, width = _shape(raw, config)
    out = torch.empty(len(indices), channels, height, width, dtype=torch.uint8)
    step = max(1, CHUNK_BYTES // (math.prod(raw.side) * raw.channels))
    for start in range(0, len(indices), step):
        chosen = indices[start : start + step]
        out[start : start + step] = _convert(raw.pixels(chosen), (height, width), channels)
        advance(start + len(chosen))
    labels, factors = (
        None if values is None else torch.from_numpy(values[indices].astype(np.int64))
        for values in (raw.labels, raw.factors)
    )
    meaning = raw.class_names, factors, raw.factor_names, raw.value_names
    return Dataset(config.name, out, labels, *meaning, *origin, raw.notes)


def _convert(pixels: np.ndarray, size: tuple[int, int], channels: int) -> Tensor:
    """(n, H, W, 1 to 4) uint8 to (n, channels, *size) uint8: on white, the middle cut out, antialiased."""
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
    return _resize(x.expand(-1, channels, -1, -1), size).round().clamp(0, 255).to(torch.uint8)


def _resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    if x.shape[2:] == size:
        return x
    scale = min(x.shape[2] / size[0], x.shape[3] / size[1])
    height, width = (max(1, round(side * scale)) for side in size)
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    middle = x[:, :, top : top + height, left : left + width]
    return torch.nn.functional.interpolate(middle, size, mode="bilinear", antialias=True)


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
    """Changes when the source does."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    files = sources.picture_files(source) if source.is_dir() else [source] if source.is_file() else []
    stats = [(str(file), _size_and_time(file)) for file in files]
    return os.path.realpath(source), hashlib.sha256(repr(stats).encode()).hexdigest()


def _size_and_time(file: Path) -> tuple[int, int] | None:
    """Bytes and nanoseconds; None where a link leads nowhere."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


# --- named sets ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NamedSet:
    """A row of the table of named sets.

    Attributes:
        read: the root under which it was found, and the request -> the pictures.
        credit: whom they are from.
        licence: under which terms.
        markers: patterns below a data root, any of which shows that the set is there; none = made on the spot.
        torchvision: the class in `torchvision.datasets` that downloads it; empty = there is no download.
        parts: arguments of that class, for the training and for the test part.
        bytes: how much a download brings, about.
        size: usual height and width; None = the pictures' own.
        dark_ground: whether the pictures have a dark ground; None = mixed.
        preparation: how an upload is made to look like these pictures.
    """

    read: Callable[[Path, DataConfig], Raw]
    credit: str
    licence: str
    markers: tuple[str, ...] = ()
    torchvision: str = ""
    parts: tuple[dict[str, Any], ...] = ({"train": True}, {"train": False})
    bytes: int = 0
    size: tuple[int, int] | None = None
    dark_ground: bool | None = None
    preparation: Preparation = field(default_factory=Preparation)


def _read_digits(root: Path, config: DataConfig) -> Raw:
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels = np.rint(found.images * (255 / 16)).astype(np.uint8)  # counts of 0 to 16 inked pixels
    return sources.from_array(pixels[..., None], found.target, DIGITS)


def _read_sprites(root: Path, config: DataConfig) -> Raw:
    count, size = config.count or SPRITES_COUNT, config.size or SPRITES_SIZE
    factors = sprites.factors(np.arange(count), config.seed)
    names, values = tuple(sprites.FACTORS), tuple(sprites.FACTORS.values())
    raw = Raw(count, size, 3, lambda i: sprites.render(factors[i], size), factors[:, 0], values[0])
    return replace(raw, factors=factors, factor_names=names, value_names=values)


def _read_idx(folder: str, class_names: Sequence[str], root: Path, config: DataConfig) -> Raw:
    return sources.read_idx_set(root / folder / "raw", class_names)


def _read_characters(root: Path, config: DataConfig) -> Raw:
    return sources.read_arrays(root / CHARACTERS)


def _read_omniglot(root: Path, config: DataConfig) -> Raw:
    """The official set where torchvision put it, else the small one of eight alphabets in an .npz."""
    if (root / "omniglot-py").is_dir():
        return _read_official_omniglot(root / "omniglot-py")
    keys = ("alphabet", "character", "drawer")
    found = sources.read_npz(root / OMNIGLOT, ("images28", "alphabet_names", *keys))
    names = tuple(map(str, found["alphabet_names"]))
    raw = sources.from_array(found["images28"][..., None], found["alphabet"], names)
    factors = np.stack([found[key].astype(np.int64) for key in keys], axis=1)
    return sources.with_factors(raw, factors, np.array(keys))


def _read_official_omniglot(folder: Path) -> Raw:
    files = [sorted(folder.glob(f"images_{part}/*/*/*.png")) for part in ("background", "evaluation")]
    names = tuple(sorted({file.parts[-3] for part in files for file in part}))
    parts = []
    for part in files:
        raw = sources.from_files(part)
        labels = np.array([names.index(file.parts[-3]) for file in part])
        ink = partial(_white_on_black, raw.pixels)
        parts.append(replace(raw, channels=1, pixels=ink, labels=labels, class_names=names))
    return replace(parts[0], test=parts[1])


def _white_on_black(pixels: Callable[[Indices], np.ndarray], indices: Indices) -> np.ndarray:
    return 255 - pixels(indices)[..., :1]


def _read_cifar10(root: Path, config: DataConfig) -> Raw:
    train, test = (
        sources.from_array(part.data, np.array(part.targets), part.classes)
        for part in _torchvision(SETS["cifar10"], root)
    )
    return replace(train, test=test)


def _read_svhn(root: Path, config: DataConfig) -> Raw:
    train, test = (
        sources.from_array(part.data.transpose(0, 2, 3, 1), part.labels, DIGITS)  # (N, C, H, W) -> (N, H, W, C)
        for part in _torchvision(SETS["svhn"], root)
    )
    return replace(train, test=test)


def _read_celeba(root: Path, config: DataConfig) -> Raw:
    train, test = (_celeba_part(part) for part in _torchvision(SETS["celeba"], root))
    return replace(train, test=test)


def _celeba_part(part: Any) -> Raw:
    folder = Path(part.root, part.base_folder, "img_align_celeba")
    names = np.array([name for name in part.attr_names if name])
    raw = sources.from_files([folder / name for name in part.filename])
    return sources.with_factors(raw, part.attr.numpy(), names, np.array(["no|yes"] * len(names)))


DIGITS = tuple("0123456789")
FASHION = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
CHARACTERS = "lpc_sprites/lpc_sprites64.npz"
OMNIGLOT = "omniglot/omniglot_small.npz"
SPRITES_COUNT, SPRITES_SIZE = 20_000, (32, 32)

_INK = Preparation(fit="pad", centre=True)
SETS = {
    "digits": NamedSet(
        _read_digits,
        "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, "
        "as bundled with scikit-learn",
        "CC BY 4.0",
        dark_ground=True,
        preparation=replace(_INK, box=1.0, by_mass=False, stroke=0.18),  # these digits fill their 8 x 8 pixels
    ),
    "sprites": NamedSet(
        _read_sprites,
        "drawn by vae-explorer",
        "MIT",
        dark_ground=True,
        preparation=Preparation(fit="pad"),
    ),
    "mnist": NamedSet(
        partial(_read_idx, "MNIST", DIGITS),
        "MNIST, Y. LeCun, C. Cortes and C. J. C. Burges",
        "none stated",
        ("MNIST/raw/train-images-idx3-ubyte*",),
        "MNIST",
        bytes=66_000_000,
        dark_ground=True,
        preparation=_INK,
    ),
    "fashion-mnist": NamedSet(
        partial(_read_idx, "FashionMNIST", FASHION),
        "Fashion-MNIST, H. Xiao, K. Rasul and R. Vollgraf, Zalando SE",
        "MIT",
        ("FashionMNIST/raw/train-images-idx3-ubyte*",),
        "FashionMNIST",
        bytes=86_000_000,
        dark_ground=True,
        # Made from photographs of things on white, cut to the thing.
        preparation=replace(_INK, box=1.0, by_mass=False, brighten=False),
    ),
    "kmnist": NamedSet(
        partial(_read_idx, "KMNIST", KANA),
        "KMNIST, T. Clanuwat et al., ROIS-DS Center for Open Data in the Humanities, from the Kuzushiji Dataset of "
        "the National Institute of Japanese Literature",
        "CC BY-SA 4.0",
        ("KMNIST/raw/train-images-idx3-ubyte*",),
        "KMNIST",
        bytes=76_000_000,
        dark_ground=True,
        preparation=replace(_INK, box=1.0, by_mass=False),
    ),
    "cifar10": NamedSet(
        _read_cifar10,
        "CIFAR-10, A. Krizhevsky, V. Nair and G. Hinton",
        "none stated",
        ("cifar-10-batches-py",),
        "CIFAR10",
        bytes=356_000_000,
    ),
    "svhn": NamedSet(
        _read_svhn,
        "Street View House Numbers, Y. Netzer et al.",
        "non-commercial use",
        ("train_32x32.mat",),
        "SVHN",
        ({"split": "train"}, {"split": "test"}),
        bytes=246_000_000,
    ),
    "celeba": NamedSet(
        _read_celeba,
        "CelebA, Z. Liu, P. Luo, X. Wang and X. Tang, The Chinese University of Hong Kong",
        "non-commercial research",
        ("celeba/img_align_celeba",),
        "CelebA",
        ({"split": "train"}, {"split": "test"}),
        bytes=2_800_000_000,
        size=(64, 64),
    ),
    "omniglot": NamedSet(
        _read_omniglot,
        "Omniglot, B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum",
        "MIT",
        ("omniglot-py/images_background", OMNIGLOT),
        "Omniglot",
        ({"background": True}, {"background": False}),
        bytes=28_000_000,
        size=(28, 28),
        dark_ground=True,
        # Drawn anywhere on a square, which a drawing keeps and a photograph has none of.
        preparation=Preparation(fit="pad", centre=None, box=0.65, by_mass=False, stroke=0.08),
    ),
    "characters": NamedSet(
        _read_characters,
        "composed from the Universal LPC spritesheet (jrconway3/Universal-LPC-spritesheet): Stephen Challener "
        "(Redshrike), Marcel van de Steeg, Mark Weyer, Manuel Riecke, Joe White, JaidynReiman, Nila122, "
        "Johannes Sjölund, Matthew Krohn, Lanea Zimmerman (Sharm), Thane Brimhall, JRConway3 and others of the "
        "Liberated Pixel Cup",
        "CC BY-SA 3.0 and GPL 3.0",
        (CHARACTERS,),
        dark_ground=False,
        preparation=Preparation(fit="pad"),
    ),
}
NAMES = tuple(SETS)


def _named(name: str) -> NamedSet:
    if name not in SETS:
        raise ValueError(f"The data set is {name!r}; allowed: {', '.join(SETS)}, or a folder, zip or .npz.")
    return SETS[name]


def _roots(root: Path | None) -> list[Path]:
    """Folders to look in, the preferred first."""
    import platformdirs

    cache = platformdirs.user_cache_path("vae-explorer", appauthor=False) / "data"
    given = root or os.environ.get("VAE_DATA")
    return [Path(given).expanduser(), cache] if given else [cache]


def _find(entry: NamedSet, root: Path | None) -> Path | None:
    """The first root that holds the set; any will do for a set that is made on the spot."""
    if not entry.markers:
        return Path()
    return next((r for r in _roots(root) if any(any(r.glob(marker)) for marker in entry.markers)), None)


def _locate(name: str, root: Path | None, download: bool, report: Progress) -> Path:
    """The root that holds the set, to which it is downloaded if it has to be and may be."""
    entry = SETS[name]
    if (folder := _find(entry, root)) is not None:
        return folder
    if download and entry.torchvision:
        folder = next(filter(_writable, _roots(root)), _roots(root)[-1])
        _fetch(name, entry, folder, report)
        return folder
    ways = ["ask for the download (--download)"] if entry.torchvision else []
    ways.append(f"name a folder that holds {entry.markers[-1].rstrip('*')} with --data-root or the variable VAE_DATA")
    raise ValueError(f"The data set {name!r} is not on this machine: {', or '.join(ways)}.")


def _writable(folder: Path) -> bool:
    return os.access(next(path for path in (folder, *folder.absolute().parents) if path.exists()), os.W_OK)


def _fetch(name: str, entry: NamedSet, folder: Path, report: Progress) -> None:
    """Download in a thread, so that this one can tell how far it is and can be stopped by what `report` raises.

    Into a folder of its own: half a set would look like a whole one, and two people may ask at the same time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download-", ignore_cleanup_errors=True) as unfinished:
        pool = concurrent.futures.ThreadPoolExecutor(1)
        job = pool.submit(_torchvision, entry, Path(unfinished), download=True)
        pool.shutdown(wait=False)
        while not concurrent.futures.wait([job], POLL_SECONDS).done:
            done = _bytes_below(Path(unfinished))
            report(min(done / entry.bytes, 0.99), f"downloading {name}: {done / 2**20:,.0f} MiB")
        if error := job.exception():
            told = getattr(error, "strerror", None) or str(error)  # without the path of a file
            cause = next(iter(told.strip().splitlines()[::-1]), type(error).__name__)
            raise ValueError(f"The data set {name!r} could not be downloaded: {cause}") from error
        shutil.copytree(unfinished, folder, dirs_exist_ok=True)


def _bytes_below(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _torchvision(entry: NamedSet, folder: Path, download: bool = False) -> list[Any]:
    """The training and the test part as torchvision's objects."""
    import torchvision.datasets

    folder.mkdir(parents=True, exist_ok=True)
    kind = getattr(torchvision.datasets, entry.torchvision)
    return [kind(folder, **part, download=download) for part in entry.parts]
