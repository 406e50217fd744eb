"""A prior fitted once training is over: a mixture of Gaussians of full covariance over the joined codes.

Two-stage training as Dai and Wipf 2019 (arXiv:1903.05789) have it, the second stage a mixture in place of a net: the
encoder rarely fills N(0, I), and a decoder makes nothing of places where no picture ever lay.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vae_core.latents.priors import HALF_LOG_2PI, log_normal
from vae_core.shards import Noise, normal, uniform

MAX_COMPONENTS = 100
MAX_DIRECTIONS = 64  # principal directions in which components differ; the rest is one Gaussian, a number a dimension
TENSORS = ("weights", "mean", "factor", "basis", "centre", "rest", "classes")


class FittedPrior(nn.Module):
    """p(z): z = centre + basis u + noise across the basis, u from a mixture of K Gaussians in M directions.

    Up to `MAX_DIRECTIONS` dimensions M is D, the basis is the identity, and nothing lies across it.

    Attributes:
        weights: (K,), sum 1.
        mean: (K, M) of each component.
        factor: (K, M, M) lower triangular: covariance = factor factor^T.
        basis: (D, M), orthonormal columns.
        centre: (D,).
        rest: () standard deviation in each of the D - M directions across the basis.
        classes: (K, C) p(y | k), of labelled pictures; C is 0 without labels.
    """

    weights: Tensor
    mean: Tensor
    factor: Tensor
    basis: Tensor
    centre: Tensor
    rest: Tensor
    classes: Tensor

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        for name in TENSORS:
            self.register_buffer(name, tensors[name])
        self.check()

    @property
    def components(self) -> int:
        """How many Gaussians there are."""
        return len(self.weights)

    def check(self) -> None:
        """Refuse tensors that are no mixture.

        Raises:
            ValueError: naming what is wrong.
        """
        count, (dim, directions), classes = len(self.weights), self.basis.shape, self.classes.shape[-1]
        shapes = {
            "weights": (count,),
            "mean": (count, directions),
            "factor": (count, directions, directions),
            "basis": (dim, directions),
            "centre": (dim,),
            "rest": (),
            "classes": (count, classes),
        }
        wrong = [name for name, shape in shapes.items() if tuple(getattr(self, name).shape) != shape]
        wrong += [name for name in TENSORS if getattr(self, name).dtype != torch.float32]
        wrong += [name for name in TENSORS if not getattr(self, name).isfinite().all()]
        if not wrong and not (1 <= count <= MAX_COMPONENTS and self.weights.min() >= 0 and self.weights.sum() > 0.5):
            wrong = ["weights"]
        if not wrong and not (self.factor.diagonal(dim1=1, dim2=2) > 0).all():
            wrong = ["factor"]
        if not wrong and (self.rest < 0 or (classes and self.classes.min() < 0)):
            wrong = ["rest"]
        if wrong:
            raise ValueError(f"The fitted prior is not valid: {wrong[0]}.")

    @property
    def across(self) -> int:
        """Directions across the basis."""
        return self.basis.shape[0] - self.basis.shape[1]

    def log_prob(self, z: Tensor) -> Tensor:
        """Nats: (N, D) -> (N,)."""
        total = (self.log_components(z) + self.weights.log()).logsumexp(1)
        if not self.across:
            return total
        white = self._beside(z - self.centre) / self.rest
        return total - 0.5 * white.square().sum(1) - self.across * (self.rest.log() + HALF_LOG_2PI)

    def log_components(self, z: Tensor) -> Tensor:
        """Log-density under each component, within the basis, nats: (N, D) -> (N, K)."""
        u = (z - self.centre) @ self.basis  # (N, D) -> (N, M)
        off = (u - self.mean[:, None]).transpose(1, 2)  # (K, N, M) -> (K, M, N)
        white = torch.linalg.solve_triangular(self.factor, off, upper=False).transpose(1, 2)
        return (log_normal(white) - self.factor.diagonal(dim1=1, dim2=2).log().sum(1)[:, None]).T

    def _beside(self, z: Tensor) -> Tensor:
        """What the basis does not reach of vectors (N, D)."""
        return z - z @ self.basis @ self.basis.T

    def sample(self, n: int, temperature: float, noise: Noise, device: torch.device, y: Tensor | None = None) -> Tensor:
        """Draw (n, D); `temperature` multiplies each component's spread, `y` (n, C) are weights of classes."""
        weights = self.weights.expand(n, -1)
        if y is not None and self.classes.shape[1]:
            weights = weights * (y.to(device) @ self.classes.T)  # p(k) p(y | k), (n, K)
            weights = torch.where(weights.sum(1, keepdim=True) > 0, weights, self.weights)
        steps = weights.cumsum(1)
        level = uniform((n, 1), noise, device) * steps[:, -1:]
        chosen = torch.searchsorted(steps.contiguous(), level).clamp_max(self.components - 1)[:, 0]
        eps = normal((n, self.mean.shape[1]), noise, device)
        u = self.mean[chosen] + temperature * (self.factor[chosen] @ eps[:, :, None])[:, :, 0]
        z = self.centre + u @ self.basis.T
        if not self.across:
            return z
        return z + temperature * self.rest * self._beside(normal((n, len(self.centre)), noise, device))
