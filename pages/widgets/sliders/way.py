"""What is slid, and how a point becomes a picture: as which class, in which level, in the codes or a flow's base."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
import torch
from torch import Tensor

from pages.widgets.live import decoders
from pages.widgets.live.payloads import Model
from pages.widgets.selection import classes
from pages.widgets.selection.resolve import Chosen
from pages.widgets.shell import words
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import OneOf, Switch
from vae_core import explore
from vae_core.explore import Axis

SLID = OneOf("slide", "Slide", "dimensions", {"dimensions": "Dimensions", "flow": "Flow"})  # where there is a flow
FOLLOW = Switch("follow", "Finer levels follow", False)


@st.cache_resource(max_entries=64, show_spinner=False)
def axes_of(key: str, _opened: Opened, level: int | None = None, flow: bool = False) -> list[Axis]:
    """Tell what can be slid in the open model, in one of its levels, or in the base of its flow."""
    if flow:
        return explore.base_axes(_opened.checkpoint.model)
    return explore.axes(_opened.checkpoint.model, _opened.checkpoint.reference, level)


@dataclass(frozen=True)
class Way:
    """How a point becomes a picture here.

    Attributes:
        label: the class that it is decoded as; None where the model has no classes.
        y: the weights of that class, (classes,).
        level: the latent group that is slid alone; None is all.
        follow: the finer groups are drawn given the one that is slid, at their means.
        flow: points are those of the base of the fitted flow.
    """

    label: int | None = None
    y: Tensor | None = None
    level: int | None = None
    follow: bool = False
    flow: bool = False

    @property
    def slid(self) -> int | str | None:
        """What tells these sliders from others of the model."""
        return "flow" if self.flow else self.level

    @property
    def about(self) -> tuple[int | str | None, ...]:
        """What tells these pictures from others of the same points."""
        return self.label, self.slid, self.follow

    @property
    def keep(self) -> int | None:
        """How many groups are read of a point; None is all."""
        return self.level + 1 if self.follow and self.level is not None else None

    def axes(self, opened: Opened) -> list[Axis]:
        """Tell what can be slid."""
        return axes_of(opened.key, opened, self.level, self.flow)

    def start(self, opened: Opened, mean: Tensor) -> Tensor:
        """Give the point, (D,) or (M,) of a flow's base, that a code (D,) comes from."""
        return explore.to_base(opened.checkpoint.model, mean[None])[0] if self.flow else mean

    def codes(self, opened: Opened, points: Tensor) -> Tensor:
        """Give the codes (N, D) that points stand for."""
        return explore.from_base(opened.checkpoint.model, points) if self.flow else points

    def decode(self, opened: Opened, points: Tensor) -> Tensor:
        """Decode points (N, D), or (N, M) of a flow's base, to pictures (N, C, H, W)."""
        points = self.codes(opened, points)
        y = None if self.y is None else self.y.expand(len(points), -1)
        if self.keep is not None:
            return explore.continued(opened.checkpoint.model, points, self.keep, 0.0, y=y)
        return explore.decode(opened.checkpoint.model, points, y)

    def graph(self, opened: Opened) -> Model:
        """Give the model as a view takes it."""
        return decoders.graph(opened, self.keep, flow=self.flow)

    def as_in(self, start: Chosen) -> bool:
        """Tell whether the class is the start's own."""
        return self.y is None or (start.y is not None and torch.equal(self.y, start.y))


@dataclass(frozen=True)
class Level(OneOf[str]):
    """Which level is slid; links of before told its shape too, as `Level 1 (4 × 2 × 2)`."""

    def read(self, texts: list[str]) -> str:
        return super().read([texts[-1].partition(" (")[0]])


def way_input(opened: Opened, start: Chosen) -> Way:
    """Draw what only some models have: a class, a level that is slid alone, a flow."""
    spec = opened.checkpoint.model.spec
    label, y = _class_input(opened, start)
    if spec.codebook_size:
        return Way(label, y)
    level = _level_input(opened) if len(spec.shapes) > 1 else None
    follow = level is not None and level < len(spec.shapes) - 1 and _follow_input()
    return Way(label, y, level, follow, explore.in_base(opened.checkpoint.model) and _flow_input())


def _flow_input() -> bool:
    """Draw whether the base of the fitted flow is slid."""
    chosen = SLID.segmented_control(
        help="Dimensions: those of the code. Flow: those of N(0, I), which the fitted flow carries to codes, so that "
        "the picture stays among what the encoder knows as the sliders move.",
    )
    return chosen == "flow"


def _class_input(opened: Opened, start: Chosen) -> tuple[int | None, Tensor | None]:
    """Draw the class that the picture is decoded as: the start's, or another."""
    if opened.checkpoint.model.spec.classes is None:
        return None, None
    own = 0 if start.y is None else int(start.y.argmax())
    name = plain(classes.names(opened)[own])
    chosen = classes.select(
        opened,
        "as",
        f"Decode as (the start is {name})",
        classes.OWN,
        "This model is told the class. With another class and the same z you see the same style in another shape.",
    )
    label = own if chosen is None else chosen
    return label, start.y if chosen is None and start.y is not None else classes.one_hot(opened, label)


def _level_input(opened: Opened) -> int | None:
    """Draw the level that is slid alone, or None for all together."""
    names = words.what_levels(opened.checkpoint.model.spec)
    options = {"all": "All levels"} if axes_of(opened.key, opened) else {}
    levels = {f"level-{i}": name for i, name in enumerate(names, 1)}
    before = {"All levels": "all"} | {word.replace("-", " "): word for word in levels}
    chosen = Level("level", "Level", next(iter(options | levels)), options | levels, before).selectbox(
        help="z is made of levels from coarse to fine. With one level chosen, its dimensions alone are slid."
    )
    return list(levels).index(chosen) if chosen in levels else None


def _follow_input() -> bool:
    """Draw whether the finer levels go with the one that is slid."""
    return FOLLOW.toggle(
        help="Off: the finer levels stay as they are in the start. On: each takes its mean given the coarser ones, so "
        "that the whole picture goes with what is slid.",
    )
