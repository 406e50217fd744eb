"""What Sample shows: points drawn from a prior or laid over its plane, and the pictures decoded there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st
import torch
import torch.nn.functional as F
from torch import Tensor

from pages.widgets.live import decoders
from pages.widgets.live.decoders import Pixels, Rest
from pages.widgets.live.payloads import SeedWindow
from pages.widgets.shell.models import Opened
from vae_core import explore, images
from vae_core.model import VAE

MAX_ROWS = 40  # of classes
PRIORS = {"own": "Its own", "fitted": "Fitted", "both": "Both"}
SEEDS = 16  # whose draws a browser has at hand, as far as they are
MAX_NUMBERS = 2**18  # of them together


@dataclass(frozen=True)
class View:
    """What is asked for.

    Attributes:
        count: pictures; of a plane or of all classes, pictures a side or a row.
        temperature: of the draws.
        seed: of the draws.
        plane: the two latent dimensions as a picture, in place of draws.
        pixels: they are drawn, and not the mean shown.
        label: class of all pictures. Where the model has classes, None is a row for each; where its fitted prior alone
            has them, None is any.
        keep: latent groups that all pictures share with one draw of the model's own prior; 0 is none.
        rest: seed of the groups that they do not share.
        prior: of `PRIORS`, which they are drawn from; with both, the rows of its own come first.
    """

    count: int
    temperature: float
    seed: int
    plane: bool = False
    pixels: bool = False
    label: int | None = None
    keep: int = 0
    rest: int = 0
    prior: str = "own"

    def parts(self, model: VAE) -> list[tuple[bool, int]]:
        """Tell what the draws are of: whether the fitted prior, and how many; whole rows of each."""
        if self.keep:
            return [(False, 1)]
        if self.prior != "both":
            return [(self.prior == "fitted", self.count)]
        columns = images.columns(self.count, model.image_shape)
        own = columns * (-(-self.count // columns) // 2)
        return [(False, own), (True, self.count - own)]

    def names(self, model: VAE) -> list[str]:
        """Return the text beside each row of a grid of both priors; else none."""
        if self.prior != "both":
            return []
        columns = images.columns(self.count, model.image_shape)
        own, fitted = (-(-n // columns) for _, n in self.parts(model))
        return [*[PRIORS["own"]][:own], *[""] * (own - 1), PRIORS["fitted"], *[""] * (fitted - 1)]

    def rows(self, opened: Opened) -> list[int]:
        """Return the class of each row where there is a row for each class; else none."""
        count = opened.checkpoint.model.spec.classes
        return [] if count is None or self.label is not None or self.plane else list(range(min(count, MAX_ROWS)))

    def columns(self, opened: Opened) -> int:
        """Pictures in a row."""
        if self.plane or self.rows(opened):
            return self.count
        return images.columns(self.count, opened.checkpoint.model.image_shape)

    @property
    def drawn(self) -> Pixels | Rest | None:
        """What the server makes of the points at random; None for the likelihood's mean."""
        if self.keep:
            return Rest(self.keep, self.temperature, self.rest)
        return Pixels(self.seed) if self.pixels else None

    @property
    def about(self) -> dict[str, float]:
        """What tells these draws from others, for names of files."""
        about: dict[str, float] = {"plane" if self.plane else "n": self.count}
        about |= {} if self.plane else {"seed": self.seed}
        about["temperature"] = self.temperature
        about |= {} if self.label is None else {"class": self.label}
        about |= {} if self.prior == "own" else {self.prior: 1}
        return about | ({"keep": self.keep, "rest": self.rest} if self.keep else {})


@st.cache_data(max_entries=64, show_spinner=False)
def draws(
    key: str, _opened: Opened, n: int, temperature: float, seed: int, fitted: bool = False, label: int | None = None
) -> Tensor:
    """Points drawn from the prior, (n, D)."""
    return explore.sample(_opened.checkpoint.model, n, temperature, seed, fitted, label)


@st.cache_data(max_entries=16, show_spinner="Decoding …")
def decoded(key: str, _opened: Opened, view: View, _points: Tensor, _y: Tensor | None) -> Tensor:
    """Decode the pictures (N, C, H, W) of a view."""
    model = _opened.checkpoint.model
    return view.drawn.pictures(model, _points, _y) if view.drawn else explore.decode(model, _points, _y)


def points_of(opened: Opened, view: View) -> tuple[Tensor, Tensor | None]:
    """Points (N, D) and, where the model is conditional, their classes (N,)."""
    if view.plane:
        points = explore.prior_plane(view.count, view.temperature).flatten(0, 1)  # (side, side, 2) -> (side * side, 2)
    else:
        about = view.temperature, view.seed
        parts = view.parts(opened.checkpoint.model)
        points = torch.cat([draws(opened.key, opened, n, *about, fitted, view.label) for fitted, n in parts if n])
        if view.keep:
            points = points.expand(view.count, -1)
    if rows := view.rows(opened):
        return points.repeat(len(rows), 1), torch.tensor(rows).repeat_interleave(view.count)
    if view.label is None or not opened.checkpoint.model.spec.classes:
        return points, None
    return points, torch.full((len(points),), view.label)


def in_base(opened: Opened, prior: str) -> bool:
    """Whether draws are shown as points of a flow's base, which a browser carries to codes itself."""
    return (
        prior == "fitted" and opened.checkpoint.model.spec.fitted == "flow" and explore.in_base(opened.checkpoint.model)
    )


def window(model: VAE, view: View, rows: int, first: int, count: int) -> Tensor:
    """Return base and slope (count, 2, rows * n, D) of the draws of `count` seeds."""

    def line(seed: int) -> tuple[Tensor, Tensor]:
        if view.plane:
            points = explore.prior_plane(view.count).flatten(0, 1)
            return torch.zeros_like(points), points
        parts = []
        for fitted, n in view.parts(model):
            if view.prior == "fitted" and explore.in_base(model):
                base = explore.sample_base(model, n, seed)
                parts.append((torch.zeros_like(base), base))
                continue
            part = explore.sample_line(model, n, seed, fitted, view.label)
            if part is None:  # the points of one temperature, that stay where they are
                points = explore.sample(model, n, view.temperature, seed, fitted, view.label)
                part = points, torch.zeros_like(points)
            parts.append(part)
        return torch.cat([base for base, _ in parts]), torch.cat([slope for _, slope in parts])

    rows *= view.count if view.keep else 1
    return torch.stack([torch.stack(line(first + i)).repeat(1, rows, 1) for i in range(count)])


def windows(opened: Opened, view: View, points: Tensor, moves: bool) -> list[SeedWindow]:
    """Offer the draws of seeds around this one, made when the browser asks; where they take long, this one's before.

    Args:
        opened: the model.
        view: what is asked for.
        points: the draws of this seed (N, D).
        moves: whether they move along straight lines as the temperature changes.
    """
    rows, seeds = max(1, len(view.rows(opened))), 1
    if not view.plane:
        seeds = min(SEEDS, max(1, MAX_NUMBERS // (2 * points.numel())))
    asked = replace(view, temperature=1.0 if moves else view.temperature, seed=0)
    first = view.seed // seeds * seeds
    route = decoders.points(opened, (asked, rows, first, seeds), lambda model: window(model, asked, rows, first, seeds))
    windows: list[SeedWindow] = [{"points": route, "first": first, "seeds": seeds}]
    if moves or seeds == 1:
        return windows
    still = torch.stack([points, torch.zeros_like(points)])
    own = decoders.points(opened, (asked, rows, view.seed, "this one"), lambda _: still)
    return [{"points": own, "first": view.seed, "seeds": 1}, *windows]


@st.cache_resource(max_entries=64, show_spinner=False)
def moves_along(key: str, _opened: Opened, prior: str) -> bool:
    """Whether draws move along straight lines as the temperature changes; those of a flow do so in its base."""
    if in_base(_opened, prior):
        return True
    each = {"own": (False,), "fitted": (True,), "both": (False, True)}[prior]
    return all(explore.sample_line(_opened.checkpoint.model, 1, fitted=fitted) is not None for fitted in each)


def weights_of(opened: Opened, view: View, y: Tensor | None, count: int) -> list[float] | None:
    """Weights of classes for the live view, of the decoder's or else of the flow's; none where neither has any."""
    spec = opened.checkpoint.model.spec
    if y is not None:
        return F.one_hot(y, spec.classes or 1).flatten().tolist()
    if not (in_base(opened, view.prior) and spec.fitted_classes):
        return None
    one = [float(i == view.label) for i in range(spec.fitted_classes)]
    return one * count
