"""Which picture is meant: a type for the short text that stands for one in a link.

    ref:ROW                     a row of the reference encodings
    data:ROW                    a picture of the data set's test part, where the data set is on this machine
    prior:SEED.PLACE.PERCENT    a draw from the prior: its place among those of the seed, and the temperature
    fitted:SEED.PLACE.PERCENT   the same of the fitted prior; place and percent may be left out
    point:NUMBERS               any point of the latent space
    mean                        the prior mean
    upload:HASH:NAME=TEXT:...   a file that this visit keeps, with what a person changed of its preparation
    drawing:HASH:...            the same of what was drawn here
    mapped:HASH:...             and of a picture of other data, sent from Map

In a conditional model all but these three may end in `@CLASS`, the number of the class that it is decoded as; an upload
has the setting `class` for it. A damaged text is a choice too: `resolve` says what is wrong with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from vae_core.images import Preparation

REFERENCE, DATA, PRIOR, FITTED, POINT = "ref", "data", "prior", "fitted", "point"
UPLOAD, DRAWING, MAPPED = KEPT = "upload", "drawing", "mapped"  # of which the visit keeps a file
CUT = ("crop", "turn", "threshold")  # settings of what is cut out of a photograph of handwriting

Setting = str | bool | int | float | tuple[float, ...]

_DRAW = re.compile(r"(\d{1,9})(?:\.(\d{1,3})(?:\.(\d{1,3}))?)?", re.ASCII)
_MAX_DIGITS = 5  # of a class
_FLAGS: dict[str, dict[str, bool | None]] = {
    "invert": {"auto": None, "no": False, "yes": True},
    "centre": {"no": False, "yes": True},
}
_FORMATS = {"crop": ".4f", "turn": ".1f", "threshold": ".2f"}


class Draw(NamedTuple):
    """A draw from a prior: its seed, its place among those of the seed (None: the first, alone), the temperature."""

    seed: int
    place: int | None = None
    temperature: float = 1.0


@dataclass(frozen=True)
class Choice:
    """Which picture is meant.

    Attributes:
        kind: one of the constants above, or `mean`; in a damaged link any text.
        detail: what follows the kind; None where nothing does.
        asked: what stands for the class that it is decoded as, where that is not its own.
        changes: of an upload's preparation, each `NAME=TEXT`.
    """

    kind: str
    detail: str | None = None
    asked: str | None = None
    changes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Choice:
        """Read the text of a link; `text` gives it back as it was."""
        kind, colon, rest = text.partition(":")
        if kind in KEPT and colon:
            name, *changes = rest.split(":")
            return cls(kind, name, changes=tuple(changes))
        plain, at, asked = text.partition("@")
        kind, colon, detail = plain.partition(":")
        return cls(kind, detail if colon else None, asked if at else None)

    @classmethod
    def row(cls, kind: str, row: int) -> Choice:
        """Choose a row of the reference encodings or of the data set."""
        return cls(kind, str(row))

    @classmethod
    def draw(cls, kind: str, seed: int, place: int | None = None, temperature: float = 1.0) -> Choice:
        """Choose a draw from the prior or the fitted one."""
        percent = "" if temperature == 1 else f".{round(100 * temperature)}"
        return cls(kind, str(seed) if place is None else f"{seed}.{place}{percent}")

    @property
    def text(self) -> str:
        """The text that stands for it in a link."""
        head = self.kind if self.detail is None else f"{self.kind}:{self.detail}"
        return ":".join([head, *self.changes]) + ("" if self.asked is None else f"@{self.asked}")

    @property
    def slug(self) -> str:
        """The text as a part of a file's name."""
        return self.text.replace(":", "-")

    @property
    def number(self) -> int | None:
        """The number that follows the kind, a row or a seed alone; None where something else does."""
        detail = self.detail or ""
        return int(detail) if detail.isdecimal() and len(detail) < 10 else None

    @property
    def drawn(self) -> Draw | None:
        """Which draw from a prior it is; None where it is none."""
        parts = _DRAW.fullmatch(self.detail or "") if self.kind in (PRIOR, FITTED) else None
        if parts is None:
            return None
        return Draw(int(parts[1]), None if parts[2] is None else int(parts[2]), int(parts[3] or 100) / 100)

    @property
    def is_upload(self) -> bool:
        """Whether the visit keeps a file of it."""
        return self.kind in KEPT and self.detail is not None

    @property
    def is_given(self) -> bool:
        """Whether it is a picture that somebody gave, and not one that the model made."""
        return self.kind in (REFERENCE, DATA, *KEPT) and not self.asked

    def own_row(self, kind: str) -> int | None:
        """Return the row of a picture of this kind, if it is one and keeps its own class; else None."""
        return self.number if self.kind == kind and self.asked is None else None

    def class_of(self, count: int) -> int | None:
        """Return the class that is asked for, in a model of so many classes; None where there is none such."""
        asked = (self.settings.get("class") if self.is_upload else self.asked) or ""
        known = asked.isdecimal() and len(asked) <= _MAX_DIGITS and int(asked) < count
        return int(asked) if known else None

    def with_class(self, index: int | None) -> Choice:
        """Ask for another class; None for its own, or for the one that the model finds."""
        if not self.is_upload:
            return replace(self, asked=None if index is None else str(index))
        return self.without("class") if index is None else self.with_settings({"class": index})

    # --- uploads ---------------------------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, str]:
        """What a person changed of an upload's preparation: name -> text."""
        return dict(change.split("=", 1) for change in self.changes if "=" in change)

    def with_settings(self, changes: Mapping[str, Setting]) -> Choice:
        """Return the same upload, prepared in another way."""
        settings = self.settings | {name: _written(name, value) for name, value in changes.items()}
        return replace(self, changes=tuple(f"{name}={text}" for name, text in settings.items()))

    def without(self, *names: str) -> Choice:
        """Return the same upload without these changes."""
        return replace(self, changes=tuple(part for part in self.changes if part.partition("=")[0] not in names))

    def same_file(self, other: Choice) -> bool:
        """Tell whether both are the same upload, however prepared."""
        return (self.kind, self.detail) == (other.kind, other.detail)

    def prepared(self, usual: Preparation) -> Preparation:
        """Tell how an upload is prepared where `usual` is what holds for those that nobody changed.

        Raises:
            ValueError: where a setting is not one of those allowed.
        """
        settings = self.settings
        read: dict[str, Any] = {
            name: _read(name, settings[name]) for name in ("fit", *_FLAGS, *CUT) if name in settings
        }
        return replace(usual, **read)


MEAN = Choice("mean")


def _read(name: str, text: str) -> Setting | None:
    """Return a setting as `Preparation` has it."""
    if name in _FLAGS:
        if text not in _FLAGS[name]:
            raise ValueError(f"{name} is {text!r}; allowed: {', '.join(_FLAGS[name])}.")
        return _FLAGS[name][text]
    if name in CUT:
        count = 4 if name == "crop" else 1
        try:
            numbers = tuple(float(number) for number in text.split(","))
        except ValueError:
            numbers = ()
        if len(numbers) != count or not all(map(math.isfinite, numbers)):
            raise ValueError(f"{name} is {text!r}; allowed: {'four numbers' if count == 4 else 'a number'}.")
        return numbers if name == "crop" else numbers[0]
    return text


def _written(name: str, value: Setting) -> str:
    """Return a setting as a link has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in _FORMATS and not isinstance(value, str):
        numbers = value if isinstance(value, tuple) else (value,)
        return ",".join(format(number, _FORMATS[name]) for number in numbers)
    return str(value)
