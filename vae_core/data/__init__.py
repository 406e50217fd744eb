"""Data sets: by name, from a folder, a zip or a file of arrays: read once, kept as uint8, split by a seed."""

from vae_core.config import DataConfig
from vae_core.data.dataset import Dataset, Splits, drawn
from vae_core.data.identity import identity
from vae_core.data.loading import available, load, load_test, preparation, range_of, split
from vae_core.data.named import NAMES, OWN_CREDIT, SETS, NamedSet, own_name
from vae_core.data.raw import Raw, Source

__all__ = [
    "NAMES",
    "OWN_CREDIT",
    "SETS",
    "DataConfig",
    "Dataset",
    "NamedSet",
    "Raw",
    "Source",
    "Splits",
    "available",
    "drawn",
    "identity",
    "load",
    "load_test",
    "own_name",
    "preparation",
    "range_of",
    "split",
]
