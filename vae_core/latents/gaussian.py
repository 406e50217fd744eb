"""Diagonal Gaussian posterior, standard normal prior (Kingma and Welling 2014, arXiv:1312.6114)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vae_core.shards import Noise, normal

LOG_STD_RANGE = (-10.0, 5.0)  # keeps exp() finite when training goes astray; far outside of what a trained model uses
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def kl_to_standard_normal(mean: Tensor, std: Tensor) -> Tensor:
    """KL(N(mean, std^2) || N(0, 1)) of each dimension in nats (Kingma and Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + std.square() - 1.0) - std.log()


def log_normal(z: Tensor) -> Tensor:
    """Log-density of N(0, I) at z, nats: (..., D) -> (...)."""
    return (-0.5 * z.square() - HALF_LOG_2PI).sum(-1)


class Gaussian(nn.Module):
    """q(z | x) = N(mean(x), diag std(x)^2) from a linear head on the encoder's features; p(z) = N(0, I)."""

    posterior, prior = "gaussian", "normal"

    def __init__(self, features: int, dim: int) -> None:
        super().__init__()
        self.shapes = ((dim,),)
        self.head = nn.Linear(features, 2 * dim)

    def distribution(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of q: (N, F) -> (N, D), (N, D)."""
        mean, log_std = self.head(h).float().chunk(2, dim=1)  # (N, 2D) -> 2 x (N, D)
        return mean, log_std.clamp(*LOG_STD_RANGE).exp()

    def encode(self, h: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Per group: mean, std and KL per dimension (nats), each (N, D)."""
        mean, std = self.distribution(h)
        return [mean], [std], [kl_to_standard_normal(mean, std)]

    def draw(self, h: Tensor, k: int, noise: Noise) -> tuple[list[Tensor], Tensor, Tensor, list[Tensor]]:
        """Draw k times by reparameterization: z = mean + std * noise.

        Returns:
            z as [(N, k, D)], log p(z) (N, k), log q(z | x) (N, k), and the KL per dimension as [(N, D)].
        """
        mean, std = self.distribution(h)
        rows, dim = mean.shape
        eps = normal((rows, k, dim), noise, mean.device)
        z = mean[:, None] + std[:, None] * eps  # (N, 1, D) + (N, 1, D) * (N, k, D) -> (N, k, D)
        log_q = log_normal(eps) - std.log().sum(1, keepdim=True)
        return [z], log_normal(z), log_q, [kl_to_standard_normal(mean, std)]

    def sample_prior(self, n: int, temperature: float, noise: Noise, device: torch.device) -> list[Tensor]:
        """Draw n times from N(0, temperature^2 I): [(n, D)]."""
        return [temperature * normal((n, *self.shapes[0]), noise, device)]

    def complete(self, z: list[Tensor | None], temperature: float, noise: Noise) -> Tensor:
        """The decoder's input (N, D); a single group leaves nothing to draw."""
        if len(z) != 1 or z[0] is None or z[0].dim() != 2 or z[0].shape[1] != self.shapes[0][0]:
            found = [None if part is None else tuple(part.shape) for part in z]
            raise ValueError(f"z has the shapes {found}; this model takes [(N, {self.shapes[0][0]})].")
        return z[0]
