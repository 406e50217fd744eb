"""Pictures in memory, and their three parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vae_core.config import Range
from vae_core.shards import seeded

NO_CLASS = "(none)"  # the class of pictures of which none is known, among others of which one is


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
        range: what black and white were in the numbers of the files; None for a named set.
        notes: what a user should know, such as pictures that could not be read.
        source: tells one's own pictures from others, as `identity` gives it; empty for a named set.
        names: N files, as paths below the source; empty where the pictures come from no files.
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
    range: Range | None = None
    notes: tuple[str, ...] = ()
    source: str = ""
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def subset(self, indices: Tensor | Sequence[int] | slice) -> Dataset:
        """Return the pictures at `indices`, with their labels and factors."""
        chosen = indices if isinstance(indices, slice | Tensor) else torch.tensor(indices, dtype=torch.long)
        labels, factors = (t if t is None else t[chosen] for t in (self.labels, self.factors))
        names = self.names
        if names and not (isinstance(chosen, slice) and chosen == slice(None)):
            places = torch.arange(len(self))[chosen].tolist()
            names = tuple(names[i] for i in places)
        return replace(self, images=self.images[chosen], labels=labels, factors=factors, names=names)

    def in_classes(self, names: Sequence[str]) -> Dataset:
        """Give labels as places in `names`; return itself where it has none, or has other classes."""
        theirs, ours = self.class_names, tuple(names)
        if self.labels is None or theirs == ours or not set(theirs) <= set(ours):
            return self
        places = torch.tensor([ours.index(name) for name in theirs])
        return replace(self, labels=places[self.labels], class_names=ours)

    def float(self, indices: Tensor | Sequence[int] | slice | None = None) -> Tensor:
        """Return the pictures at `indices` (None = all) as float32 (n, C, H, W) in [0, 1]."""
        chosen = slice(None) if indices is None else indices
        return self.images[chosen].to(torch.float32).div_(255)


def drawn(total: int, count: int | None) -> Tensor:
    """Draw `count` places of `total` (None: all), ascending: always the same ones, a smaller draw in a larger."""
    return torch.randperm(total, generator=seeded(0))[:count].sort().values


@dataclass(frozen=True, eq=False)
class Splits:
    """Three parts without overlap; a set of two pictures leaves `test` empty, a set of one `val` too."""

    train: Dataset
    val: Dataset
    test: Dataset

    def whole(self) -> Dataset:
        """Return all pictures together: training, validation, test. A part without labels has the class NO_CLASS."""
        parts = [part for part in (self.train, self.val, self.test) if len(part)] or [self.train]
        if len(parts) == 1:
            return parts[0]
        names = self.train.class_names
        labels = factors = None
        if any(part.labels is not None for part in parts):
            unknown = [torch.full((len(part),), len(names)) for part in parts]
            labels = torch.cat([u if p.labels is None else p.labels for p, u in zip(parts, unknown, strict=True)])
            names = (*names, *[NO_CLASS] * any(part.labels is None for part in parts))
        if all(part.factors is not None for part in parts):
            factors = torch.cat([part.factors for part in parts if part.factors is not None])
        return replace(
            self.train,
            images=torch.cat([part.images for part in parts]),
            labels=labels,
            class_names=names,
            factors=factors,
            names=tuple(name for part in parts for name in part.names),
        )
