"""Data sets by name: where they lie, how they are downloaded and read, whom they are from."""

from __future__ import annotations

import concurrent.futures
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vae_core import sprites
from vae_core.config import DataConfig
from vae_core.data import arrays, idx, meaning
from vae_core.data.raw import Indices, Raw, from_array, from_files
from vae_core.images import Preparation
from vae_core.jobs import Narration

POLL_SECONDS = 0.3
OWN_CREDIT = "the user's own pictures"  # of those that are no named set


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

    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # counts of 0 to 16 inked pixels
    return from_array(pixels[..., None], bunch.target, DIGITS)


def _read_sprites(root: Path, config: DataConfig) -> Raw:
    count, size = config.count or SPRITES_COUNT, config.size or SPRITES_SIZE
    factors = sprites.factors(np.arange(count), config.seed)
    names, values = tuple(sprites.FACTORS), tuple(sprites.FACTORS.values())
    raw = Raw(count, size, 3, lambda i: sprites.render(factors[i], size), factors[:, 0], values[0])
    return replace(raw, factors=factors, factor_names=names, value_names=values)


def _read_idx(folder: str, class_names: Sequence[str], root: Path, config: DataConfig) -> Raw:
    return idx.read_set(root / folder / "raw", class_names)


def _read_characters(root: Path, config: DataConfig) -> Raw:
    return arrays.read(root / CHARACTERS)


def _read_omniglot(root: Path, config: DataConfig) -> Raw:
    """Return the official set where torchvision put it, else the small one of eight alphabets in an .npz."""
    if (root / "omniglot-py").is_dir():
        return _read_official_omniglot(root / "omniglot-py")
    keys = ("alphabet", "character", "drawer")
    stored = arrays.read_npz(root / OMNIGLOT, ("images28", "alphabet_names", *keys))
    names = tuple(map(str, stored["alphabet_names"]))
    raw = from_array(stored["images28"][..., None], stored["alphabet"], names)
    factors = np.stack([stored[key].astype(np.int64) for key in keys], axis=1)
    return meaning.with_factors(raw, factors, np.array(keys))


def _read_official_omniglot(folder: Path) -> Raw:
    files = [sorted(folder.glob(f"images_{part}/*/*/*.png")) for part in ("background", "evaluation")]
    names = tuple(sorted({file.parts[-3] for part in files for file in part}))
    parts = []
    for part in files:
        raw = from_files(part)
        labels = np.array([names.index(file.parts[-3]) for file in part])
        ink = partial(_white_on_black, raw.pixels)
        parts.append(replace(raw, channels=1, pixels=ink, labels=labels, class_names=names))
    return replace(parts[0], test=parts[1])


def _white_on_black(pixels: Callable[[Indices], np.ndarray], indices: Indices) -> np.ndarray:
    return 255 - pixels(indices)[..., :1]


def _read_cifar10(root: Path, config: DataConfig) -> Raw:
    train, test = (
        from_array(part.data, np.array(part.targets), part.classes) for part in _torchvision(SETS["cifar10"], root)
    )
    return replace(train, test=test)


def _read_svhn(root: Path, config: DataConfig) -> Raw:
    train, test = (
        from_array(part.data.transpose(0, 2, 3, 1), part.labels, DIGITS)  # (N, C, H, W) -> (N, H, W, C)
        for part in _torchvision(SETS["svhn"], root)
    )
    return replace(train, test=test)


def _read_celeba(root: Path, config: DataConfig) -> Raw:
    train, test = (_celeba_part(part) for part in _torchvision(SETS["celeba"], root))
    return replace(train, test=test)


def _celeba_part(part: Any) -> Raw:
    folder = Path(part.root, part.base_folder, "img_align_celeba")
    names = np.array([name for name in part.attr_names if name])
    raw = from_files([folder / name for name in part.filename])
    return meaning.with_factors(raw, part.attr.numpy(), names, np.array(["no|yes"] * len(names)))


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


def named(name: str) -> NamedSet:
    if name not in SETS:
        raise ValueError(f"The data set is {name!r}; allowed: {', '.join(SETS)}, or a folder, zip or .npz.")
    return SETS[name]


def own_name(name: str) -> str:
    """Tell what pictures of one's own are called: a path, which no named set is, where they share its name."""
    return f"./{name}" if name in SETS else name


def roots(root: Path | None) -> list[Path]:
    """Return folders to look in, the preferred first."""
    import platformdirs

    cache = platformdirs.user_cache_path("vae-explorer", appauthor=False) / "data"
    given = root or os.environ.get("VAE_DATA")
    return [Path(given).expanduser(), cache] if given else [cache]


def find(entry: NamedSet, root: Path | None) -> Path | None:
    """Return the first root that holds the set; any will do for a set that is made on the spot."""
    if not entry.markers:
        return Path()
    return next((r for r in roots(root) if any(any(r.glob(marker)) for marker in entry.markers)), None)


def locate(name: str, root: Path | None, download: bool, report: Narration) -> Path:
    """Return the root that holds the set, to which it is downloaded if it has to be and may be."""
    entry = SETS[name]
    if (folder := find(entry, root)) is not None:
        return folder
    if download and entry.torchvision:
        folder = next(filter(_writable, roots(root)), roots(root)[-1])
        _fetch(name, entry, folder, report)
        return folder
    ways = ["ask for the download (--download)"] if entry.torchvision else []
    ways.append(f"name a folder that holds {entry.markers[-1].rstrip('*')} with --data-root or the variable VAE_DATA")
    raise ValueError(f"The data set {name!r} is not on this machine: {', or '.join(ways)}.")


def _writable(folder: Path) -> bool:
    return os.access(next(path for path in (folder, *folder.absolute().parents) if path.exists()), os.W_OK)


def _fetch(name: str, entry: NamedSet, folder: Path, report: Narration) -> None:
    """Download in a thread, so that this one can tell how far it is and can be stopped by what `report` raises.

    It goes to a folder of its own: half a set would look like a whole one, and two people may ask at the same time.
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
            reason = getattr(error, "strerror", None) or str(error)  # without the path of a file
            cause = next(iter(reason.strip().splitlines()[::-1]), type(error).__name__)
            raise ValueError(f"The data set {name!r} could not be downloaded: {cause}") from error
        shutil.copytree(unfinished, folder, dirs_exist_ok=True)


def _bytes_below(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _torchvision(entry: NamedSet, folder: Path, download: bool = False) -> list[Any]:
    """Return the training and the test part as torchvision's objects."""
    import torchvision.datasets

    folder.mkdir(parents=True, exist_ok=True)
    kind = getattr(torchvision.datasets, entry.torchvision)
    return [kind(folder, **part, download=download) for part in entry.parts]
