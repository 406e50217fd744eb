"""Kinds of latent space behind one interface: `encode`, `draw`, `complete`, `sample_prior`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from vae_core.shards import Noise

Z = list[Tensor]
Features = TypeVar("Features", Tensor, list[Tensor])  # what the encoder gives: one tensor, or a map a group


@dataclass(frozen=True)
class Encoding:
    """Deterministic encoding of a batch; lists hold one tensor per group, (N, *shape); kl is in nats.

    `kl` is (N, *shape) where it factorises, (N,) where it is an estimate, and empty without a density. `codes` are
    indices into the codebooks, `y` the class weights used or inferred (N, classes).
    """

    mean: Z
    std: Z
    kl: Z
    codes: Z | None = None
    y: Tensor | None = None


@dataclass(frozen=True)
class Draw:
    """k draws z ~ q(z | x) a picture, one list entry a group (N, k, *shape).

    `state` is what the decoder takes, (N k, ...). `kl` is closed-form (N, *shape) or estimated (N,), nats. `densities`
    gives log p(z) and log q(z | x), (N, k) nats, for those who need them. `mean` and `std` are q's where it is a
    diagonal Gaussian that does not depend on other groups. `extras` are terms of the kind's own, (N,).
    """

    z: Z
    state: Tensor
    kl: Z
    densities: Callable[[], tuple[Tensor, Tensor]]
    mean: Z = field(default_factory=list)
    std: Z = field(default_factory=list)
    extras: dict[str, Tensor] = field(default_factory=dict)


class LatentSpace(nn.Module, ABC, Generic[Features]):
    """One kind of latent space over what its encoder gives; `shapes` has one entry a group, coarse to fine."""

    shapes: tuple[tuple[int, ...], ...]
    posterior: str
    prior: str
    kl_shapes: tuple[tuple[int, ...], ...]  # of one picture's KL, per group; empty entries where it is one number

    @abstractmethod
    def encode(self, h: Features) -> Encoding:
        """Encode deterministically from the encoder's features."""

    @abstractmethod
    def draw(self, h: Features, k: int, noise: Noise) -> Draw:
        """Draw k times for each picture."""

    @abstractmethod
    def sample_prior(self, n: int, temperature: float, noise: Noise, device: torch.device) -> Z:
        """Draw n times from the prior, its spread multiplied by `temperature`."""

    @abstractmethod
    def complete(self, z: list[Tensor | None], temperature: float, noise: Noise) -> Tensor:
        """Return the decoder's input; entries of z that are None are drawn given the coarser ones."""

    def log_prior(self, z: Z) -> Tensor:
        """Return log-density of whole codes under the prior of training, nats: [(N, *shape), ...] -> (N,)."""
        raise ValueError(f"Codes of a {self.posterior} latent have no density.")

    def fit_prior(self, codes: Tensor) -> None:
        """Fit what training did not learn of the prior to flat codes (N, D) of its pictures; by default nothing."""

    def _check(self, z: list[Tensor | None]) -> None:
        wrong = [
            part for part, shape in zip(z, self.shapes, strict=False) if part is not None and part.shape[1:] != shape
        ]
        if len(z) != len(self.shapes) or wrong or all(part is None for part in z):
            shapes = [None if part is None else tuple(part.shape) for part in z]
            wanted = ", ".join(f"(N, {', '.join(map(str, shape))})" for shape in self.shapes)
            raise ValueError(f"z has the shapes {shapes}; this model takes [{wanted}].")
