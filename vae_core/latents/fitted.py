"""A prior fitted once training is over: a mixture of Gaussians of full covariance, or a flow, over the joined codes.

Two-stage training as in Dai and Wipf 2019 (arXiv:1903.05789): the encoder rarely fills N(0, I), and a decoder makes
nothing of places where no picture ever lay.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core.latents.priors import HALF_LOG_2PI, log_normal
from vae_core.shards import Noise, normal, uniform

MAX_COMPONENTS = 100
MAX_DIRECTIONS = 64  # principal directions that are modelled; the rest is one Gaussian, a number a dimension
MAX_WIDTH = 1_024  # of a flow's net
WIDTH, FREQUENCIES = 256, 8  # of a flow's net, and of the sines and cosines of time that it is told
STEPS = 8  # of Heun's method, from noise to code
FRAME = ("basis", "centre", "rest")


class FittedPrior(nn.Module, ABC):
    """p(z): z = centre + basis u + noise across the basis, with a density of u in M directions.

    M is D up to `MAX_DIRECTIONS` dimensions, and then nothing lies across the basis.

    Attributes:
        kind: of `KINDS`.
        basis: (D, M), orthonormal columns.
        centre: (D,).
        rest: () standard deviation in each of the D - M directions across the basis.
    """

    kind: ClassVar[str]
    tensors: ClassVar[tuple[str, ...]]  # names of all that a file holds of it
    basis: Tensor
    centre: Tensor
    rest: Tensor

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        for name in self.tensors:
            self.register_buffer(name, tensors[name])
        self.check()

    @property
    @abstractmethod
    def classes_known(self) -> int:
        """How many classes can be drawn one by one; 0 without labels."""

    @property
    @abstractmethod
    def components(self) -> int:
        """How many Gaussians there are."""

    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape that each tensor must have beside the others."""

    @abstractmethod
    def log_within(self, u: Tensor) -> Tensor:
        """Return log-density within the basis, nats: (N, M) -> (N,)."""

    @abstractmethod
    def draw(self, n: int, temperature: float, noise: Noise, device: torch.device, y: Tensor | None) -> Tensor:
        """Draw u (n, M) within the basis; arguments as in `sample`."""

    def check(self) -> None:
        """Refuse tensors that are no such prior.

        Raises:
            ValueError: naming what is wrong.
        """
        shapes = self.shapes()
        wrong = [name for name in self.tensors if tuple(getattr(self, name).shape) != shapes[name]]
        wrong += [name for name in self.tensors if getattr(self, name).dtype != torch.float32]
        wrong += [name for name in self.tensors if not getattr(self, name).isfinite().all()]
        if wrong := wrong or self.odd() or ["rest"] * bool(self.rest < 0):
            raise ValueError(f"The fitted prior is not valid: {wrong[0]}.")

    @abstractmethod
    def odd(self) -> list[str]:
        """Return tensors of the right shapes with numbers that make no sense."""

    @property
    def across(self) -> int:
        """Directions across the basis."""
        return self.basis.shape[0] - self.basis.shape[1]

    def _beside(self, z: Tensor) -> Tensor:
        """Tell what the basis does not reach of vectors (N, D)."""
        return z - z @ self.basis @ self.basis.T

    def log_prob(self, z: Tensor) -> Tensor:
        """Return nats: (N, D) -> (N,)."""
        total = self.log_within((z - self.centre) @ self.basis)
        if not self.across:
            return total
        white = self._beside(z - self.centre) / self.rest
        return total - 0.5 * white.square().sum(1) - self.across * (self.rest.log() + HALF_LOG_2PI)

    def sample(self, n: int, temperature: float, noise: Noise, device: torch.device, y: Tensor | None = None) -> Tensor:
        """Draw (n, D); `temperature` multiplies the noise, `y` (n, C) are weights of classes."""
        z = self.centre + self.draw(n, temperature, noise, device, y) @ self.basis.T
        if not self.across:
            return z
        return z + temperature * self.rest * self._beside(normal((n, len(self.centre)), noise, device))


class MixturePrior(FittedPrior):
    """u from a mixture of K Gaussians.

    Attributes:
        weights: (K,), sum 1.
        mean: (K, M) of each component.
        factor: (K, M, M) lower triangular: covariance = factor factor^T.
        classes: (K, C) p(y | k), of labelled pictures; C is 0 without labels.
    """

    kind = "mixture"
    tensors = ("weights", "mean", "factor", *FRAME, "classes")
    weights: Tensor
    mean: Tensor
    factor: Tensor
    classes: Tensor

    @property
    def classes_known(self) -> int:
        return self.classes.shape[1]

    @property
    def components(self) -> int:
        return len(self.weights)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        count, (dim, directions) = len(self.weights), self.basis.shape
        return {
            "weights": (count,),
            "mean": (count, directions),
            "factor": (count, directions, directions),
            "basis": (dim, directions),
            "centre": (dim,),
            "rest": (),
            "classes": (count, self.classes.shape[-1]),
        }

    def odd(self) -> list[str]:
        if not (1 <= self.components <= MAX_COMPONENTS and self.weights.min() >= 0 and self.weights.sum() > 0.5):
            return ["weights"]
        if not (self.factor.diagonal(dim1=1, dim2=2) > 0).all():
            return ["factor"]
        return ["classes"] if self.classes_known and self.classes.min() < 0 else []

    def log_within(self, u: Tensor) -> Tensor:
        return (self.log_components(u) + self.weights.log()).logsumexp(1)

    def log_components(self, u: Tensor) -> Tensor:
        """Return log-density under each component, within the basis, nats: (N, M) -> (N, K)."""
        off = (u - self.mean[:, None]).transpose(1, 2)  # (K, N, M) -> (K, M, N)
        white = torch.linalg.solve_triangular(self.factor, off, upper=False).transpose(1, 2)
        return (log_normal(white) - self.factor.diagonal(dim1=1, dim2=2).log().sum(1)[:, None]).T

    def draw(self, n: int, temperature: float, noise: Noise, device: torch.device, y: Tensor | None) -> Tensor:
        weights = self.weights.expand(n, -1)
        if y is not None and self.classes_known:
            weights = weights * (y.to(device) @ self.classes.T)  # p(k) p(y | k), (n, K)
            weights = torch.where(weights.sum(1, keepdim=True) > 0, weights, self.weights)
        steps = weights.cumsum(1)
        level = uniform((n, 1), noise, device) * steps[:, -1:]
        chosen = torch.searchsorted(steps.contiguous(), level).clamp_max(self.components - 1)[:, 0]
        eps = normal((n, self.mean.shape[1]), noise, device)
        return self.mean[chosen] + temperature * (self.factor[chosen] @ eps[:, :, None])[:, :, 0]


class FlowPrior(FittedPrior):
    """u = scale w, w from N(0, I) along a learned velocity (flow matching, Lipman et al. 2023, arXiv:2210.02747).

    dw / dt = v(w, t, y) from noise at t = 0 to codes at t = 1 in `STEPS` steps of Heun's method: each point of N(0, I)
    is one code, so sliders and paths can move through it. The net has one hidden layer, to which two more are added.

    Attributes:
        scale: (M,) standard deviation of the codes in each direction.
        inner, inner_bias: (H, M), (H,) what the first layer makes of w.
        time: (H, 2 F) what it makes of the time; label: (H, C) of the weights of classes, none of them being zeros.
        second, third, with biases: (H, H), (H,).
        outer, outer_bias: (M, H), (M,).
    """

    kind = "flow"
    net = (
        *("inner", "inner_bias", "time", "label", "second", "second_bias", "third", "third_bias"),
        "outer",
        "outer_bias",
    )
    tensors = ("scale", *FRAME, *net)
    scale: Tensor
    inner: Tensor
    inner_bias: Tensor
    time: Tensor
    label: Tensor
    second: Tensor
    second_bias: Tensor
    third: Tensor
    third_bias: Tensor
    outer: Tensor
    outer_bias: Tensor

    @property
    def classes_known(self) -> int:
        return self.label.shape[1]

    @property
    def components(self) -> int:
        return 0

    @property
    def dim(self) -> int:
        """Numbers of a point of the base."""
        return len(self.scale)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        (dim, directions), width = self.basis.shape, len(self.inner_bias)
        wide = {name: (width, width) for name in ("second", "third")}
        return {
            **{"scale": (directions,), "basis": (dim, directions), "centre": (dim,), "rest": ()},
            **{"inner": (width, directions), "time": (width, 2 * FREQUENCIES), "label": (width, self.label.shape[-1])},
            **{f"{name}_bias": (width,) for name in ("inner", *wide)},
            **wide,
            **{"outer": (directions, width), "outer_bias": (directions,)},
        }

    def odd(self) -> list[str]:
        if not 1 <= len(self.inner_bias) <= MAX_WIDTH:
            return ["inner_bias"]
        return [] if 1 <= self.dim <= MAX_DIRECTIONS and (self.scale > 0).all() else ["scale"]

    def velocity(self, w: Tensor, time: Tensor | float, y: Tensor | None = None) -> Tensor:
        """Tell how fast points (..., M) move at a time in [0, 1], one for all or (..., 1)."""
        inner = self.inner_bias + waves(torch.as_tensor(time, dtype=w.dtype, device=w.device)) @ self.time.T
        if y is not None and self.classes_known:
            inner = inner + y @ self.label.T
        h = F.silu(w @ self.inner.T + inner)
        for name in ("second", "third"):
            h = h + F.silu(F.linear(h, getattr(self, name), getattr(self, f"{name}_bias")))
        return F.linear(h, self.outer, self.outer_bias)

    def to_code(self, base: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the codes that points of the base stand for, nothing across the basis: (N, M) -> (N, D)."""
        return self.centre + (self.scale * self._moved(base, y, 0.0, 1.0)) @ self.basis.T

    def to_base(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the points of the base that lead to codes, as nearly as so many steps find them: (N, D) -> (N, M)."""
        return self._moved((z - self.centre) @ self.basis / self.scale, y, 1.0, 0.0)

    def _moved(self, w: Tensor, y: Tensor | None, start: float, end: float) -> Tensor:
        step = (end - start) / STEPS
        for i in range(STEPS):
            time = start + i * step
            first = self.velocity(w, time, y)
            w = w + step / 2 * (first + self.velocity(w + step * first, time + step, y))
        return w

    def draw(self, n: int, temperature: float, noise: Noise, device: torch.device, y: Tensor | None) -> Tensor:
        base = temperature * normal((n, self.dim), noise, device)
        return self.scale * self._moved(base, None if y is None else y.to(device), 0.0, 1.0)

    @torch.no_grad()
    def log_within(self, u: Tensor) -> Tensor:
        """Return log-density, nats, of the flow in continuous time: Heun's steps back, with the velocity's divergence.

        The density of the draws differs from it as far as their `STEPS` steps differ from the curve.
        """
        w, total, step = u / self.scale, u.new_zeros(len(u)), 1 / STEPS
        for i in range(STEPS, 0, -1):
            first, along = self._divergent(w, i * step)
            second, beyond = self._divergent(w - step * first, (i - 1) * step)
            w, total = w - step / 2 * (first + second), total - step / 2 * (along + beyond)
        return log_normal(w) + total - self.scale.log().sum()

    def _divergent(self, w: Tensor, time: float) -> tuple[Tensor, Tensor]:
        """Return velocity (N, M) and its divergence (N,)."""

        def one(point: Tensor) -> tuple[Tensor, Tensor]:
            speeds = self.velocity(point, time)
            return speeds, speeds

        slopes, speeds = torch.func.vmap(torch.func.jacrev(one, has_aux=True))(w)
        return speeds, slopes.diagonal(dim1=1, dim2=2).sum(1)


def waves(time: Tensor) -> Tensor:
    """Return sines and cosines of times in [0, 1]: () -> (2 F,), (..., 1) -> (..., 2 F)."""
    angles = torch.arange(1, FREQUENCIES + 1, device=time.device, dtype=time.dtype) * (math.pi / 2) * time
    return torch.cat([angles.sin(), angles.cos()], -1)


KINDS: dict[str, type[FittedPrior]] = {kind.kind: kind for kind in (MixturePrior, FlowPrior)}


def restored(tensors: dict[str, Tensor]) -> FittedPrior:
    """Return the prior of the kind that has these tensors.

    Raises:
        ValueError: where none has, or its numbers make no sense.
    """
    kind = next((kind for kind in KINDS.values() if set(kind.tensors) == set(tensors)), None)
    if kind is None:
        raise ValueError("The fitted prior is not complete.")
    return kind(tensors)
