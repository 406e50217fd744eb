"""One slider of a latent space: the axis that it moves along, its ends, and where a start stands on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pages.widgets.live.payloads import Slide
from pages.widgets.shell.url_state import Number
from vae_core.explore import Axis

STEP = 0.01  # between two places
ROUND = 0.05  # ends and start are multiples of it


@dataclass(frozen=True)
class Slider:
    """A slider, in latent units."""

    axis: Axis
    low: float
    high: float
    start: float

    @classmethod
    def of(cls, axis: Axis, point: Tensor) -> Slider:
        """Make the axis's slider, whose range is widened where the start, a point (D,), lies outside."""
        place = axis.coordinate(point).item()
        low, high = math.floor(min(axis.low, place) / ROUND), math.ceil(max(axis.high, place) / ROUND)
        return cls(axis, *(round(step * ROUND, 2) for step in (low, high, round(place / ROUND))))

    @property
    def key(self) -> str:
        """What it is called, in the link too."""
        return self.axis.name

    @property
    def note(self) -> str:
        """What its name is followed by."""
        return "" if self.axis.kl is None else f" · {self.axis.kl:.2f} nats"

    def snap(self, value: float) -> float:
        """Give the nearest place that the slider has."""
        return round(min(max(round(value / STEP) * STEP, self.low), self.high), 2)

    def read(self, texts: list[str]) -> float:
        """Read a place of a link; a ValueError tells which there are."""
        return self.snap(Number(self.key, self.key, self.start, self.low, self.high).read(texts))

    def heard(self, said: Any) -> float:
        """Take what a browser says: what is no place of this slider puts it back to the start."""
        return float(said) if isinstance(said, int | float) and self.low <= said <= self.high else self.start

    def sent(self, point: Tensor) -> Slide:
        """Give what a view takes; `point` (D,) is the start."""
        axis = self.axis
        return {
            "key": self.key,
            "note": self.note,
            "low": self.low,
            "high": self.high,
            "start": self.start,
            "at": axis.coordinate(point).item(),
            "kl": axis.kl,
            "active": axis.active,
            "index": axis.index,
            "direction": axis.direction.tolist() if axis.index is None else None,
        }
