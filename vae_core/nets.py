"""Encoder and decoder bodies: linear, fully connected (MLP), convolutional, residual.

An encoder takes (N, C, H, W) to features (N, F); a decoder takes (N, D) to (N, C', H, W). `hidden` is listed from the
picture inwards for both, so a decoder reads it backwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core.config import Body

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
}


class BatchNorm(nn.BatchNorm2d):
    """Batch norm of (N, C) or (N, C, H, W); one number a channel has no variance, so it is normed as in eval mode."""

    def forward(self, x: Tensor) -> Tensor:
        if x.numel() > self.num_features:
            return super().forward(x)
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (2, 4):
            raise ValueError(f"x has {input.dim()} dimensions; allowed: 2, 4.")


@contextmanager
def as_measured(net: nn.Module) -> Iterator[nn.Module]:
    """Give a net whose batch norm is that of eval mode: for inputs that are no batch of pictures.

    Normed as a batch of their own, such inputs would come out spread like pictures, in training alone, and would teach
    the running statistics what no picture is.
    """
    norms = [part for part in net.modules() if isinstance(part, BatchNorm) and part.training]
    for part in norms:
        part.eval()
    try:
        yield net
    finally:
        for part in norms:
            part.train()


def _norm(kind: str, width: int) -> list[nn.Module]:
    if kind == "batch":
        return [BatchNorm(width)]
    # Of a group of two numbers norming leaves the signs alone, of one nothing.
    groups = next(n for n in (8, 4, 2, 1) if n == 1 or (width % n == 0 and width // n >= 4))
    return [nn.GroupNorm(groups, width)] if kind == "group" else []


def _finish(body: Body, width: int) -> list[nn.Module]:
    """Return norm, activation and dropout, as they follow every hidden layer."""
    drop: list[nn.Module] = [nn.Dropout(body.dropout)] if body.dropout else []
    return [*_norm(body.norm, width), _ACTIVATIONS[body.activation](), *drop]


def sides(height: int, width: int, levels: int) -> list[tuple[int, int]]:
    """Return picture sizes from full size to the coarsest: each level halves and rounds down."""
    return [(height >> level, width >> level) for level in range(levels + 1)]


class Residual(nn.Module):
    """Pre-activation residual block (He et al. 2016, arXiv:1603.05027): (N, C, H, W) -> (N, C', H, W)."""

    def __init__(self, body: Body, inputs: int, outputs: int) -> None:
        super().__init__()
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        self.layers = nn.Sequential(
            *_finish(body, inputs),
            nn.Conv2d(inputs, outputs, 3, padding=1),
            *_finish(body, outputs),
            nn.Conv2d(outputs, outputs, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.skip(x) + self.layers(x)


class Resize(nn.Module):
    """Nearest-neighbour enlargement to a fixed size: (N, C, h, w) -> (N, C, H, W)."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, size=self.size, mode="nearest")


def encoder(body: Body, image_shape: tuple[int, int, int]) -> tuple[nn.Sequential, int]:
    """Return an encoder body for pictures of `image_shape`.

    Returns:
        The net (N, C, H, W) -> (N, F), and F.
    """
    channels, height, width = image_shape
    if body.kind in ("linear", "mlp"):
        widths = [channels * height * width, *body.hidden]
        layers: list[nn.Module] = [nn.Flatten()]  # (N, C, H, W) -> (N, C H W)
        for a, b in pairwise(widths):
            layers += [nn.Linear(a, b), *_finish(body, b)]
        return nn.Sequential(*layers), widths[-1]
    layers = []
    if body.kind == "resnet":
        layers.append(nn.Conv2d(channels, body.hidden[0], 3, padding=1))
        channels = body.hidden[0]
    for a, b in pairwise([channels, *body.hidden]):
        layers += _down(body, a, b)
    if body.kind == "resnet":
        layers += _finish(body, body.hidden[-1])
    last = sides(height, width, len(body.hidden))[-1]
    return nn.Sequential(*layers, nn.Flatten()), body.hidden[-1] * last[0] * last[1]


def _down(body: Body, inputs: int, outputs: int) -> list[nn.Module]:
    """Halve the picture, rounding down."""
    if body.kind == "conv":
        return [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), *_finish(body, outputs)]
    return [Residual(body, inputs, outputs), nn.AvgPool2d(2)]


class Pyramid(nn.Module):
    """A convolutional encoder that gives its maps at several halvings: (N, C, H, W) -> [(N, F, h, w), ...]."""

    def __init__(self, body: Body, channels: int, levels: Sequence[int]) -> None:
        super().__init__()
        self.levels = levels
        stem = body.hidden[0] if body.kind == "resnet" else channels
        self.stem = nn.Conv2d(channels, stem, 3, padding=1) if body.kind == "resnet" else nn.Identity()
        widths = [stem, *body.hidden[: max(levels)]]
        self.stages = nn.ModuleList(nn.Sequential(*_down(body, a, b)) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> list[Tensor]:
        x, maps = self.stem(x), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return [maps[level - 1] for level in self.levels]


def decoder(body: Body, inputs: int, output_shape: tuple[int, int, int]) -> nn.Sequential:
    """Return a decoder body (N, `inputs`) -> (N, *`output_shape`)."""
    channels, height, width = output_shape
    if body.kind in ("linear", "mlp"):
        widths = [inputs, *reversed(body.hidden)]
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Linear(a, b), *_finish(body, b)]
        layers.append(nn.Linear(widths[-1], channels * height * width))
        return nn.Sequential(*layers, nn.Unflatten(1, output_shape))  # (N, C' H W) -> (N, C', H, W)
    levels = len(body.hidden)
    coarse = (body.hidden[-1], *sides(height, width, levels)[-1])
    return nn.Sequential(
        nn.Linear(inputs, math.prod(coarse)), nn.Unflatten(1, coarse), *_rise(body, levels, output_shape)
    )


def map_decoder(body: Body, inputs: int, level: int, output_shape: tuple[int, int, int]) -> nn.Sequential:
    """Return a decoder body that starts `level` halvings down: (N, `inputs`, h, w) -> (N, *`output_shape`)."""
    first = nn.Conv2d(inputs, body.hidden[level - 1], 3, padding=1)
    return nn.Sequential(first, *_rise(body, level, output_shape))


def _rise(body: Body, levels: int, output_shape: tuple[int, int, int]) -> list[nn.Module]:
    """Build the layers from the map `levels` halvings down to the likelihood's parameters."""
    channels, height, width = output_shape
    sizes = sides(height, width, levels)[::-1]
    ends = body.kind == "conv" and not body.smooth  # with the last enlargement
    widths = [*reversed(body.hidden[:levels]), channels if ends else body.hidden[0]]
    layers = _finish(body, widths[0]) if body.kind == "conv" else []
    for level, (small, large) in enumerate(pairwise(sizes)):
        layers += _up(body, widths[level], widths[level + 1], small, large)
    if ends:
        return layers[: -len(_finish(body, channels))]  # the last layer's output is the parameters
    more = [] if body.kind == "conv" else _finish(body, widths[-1])
    return [*layers, *more, nn.Conv2d(widths[-1], channels, 3, padding=1)]


def _up(body: Body, inputs: int, outputs: int, small: tuple[int, int], large: tuple[int, int]) -> list[nn.Module]:
    """Double the picture, by one more where the size on the way down was odd."""
    if body.kind == "resnet":
        return [Resize(large), Residual(body, inputs, outputs)]
    extra = (large[0] - 2 * small[0], large[1] - 2 * small[1])
    up = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, output_padding=extra)
    return [up, *_finish(body, outputs)]


class Concat(nn.Module):
    """Class weights beside the features: (N, F), (N, K) -> (N, F + K)."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.width = features + classes

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        return torch.cat([h, y], 1)


class FiLM(nn.Module):
    """Features scaled and shifted by the class (Perez et al. 2018, arXiv:1709.07871): (N, F), (N, K) -> (N, F)."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.width = features
        self.scale_and_shift = nn.Linear(classes, 2 * features)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        scale, shift = self.scale_and_shift(y).chunk(2, 1)
        return h * (1 + scale) + shift


def condition(kind: str, features: int, classes: int) -> Concat | FiLM:
    """Tell how the class enters: `concat` or `film`."""
    return FiLM(features, classes) if kind == "film" else Concat(features, classes)
