"""Priors over one vector z: standard normal, learned mixtures (Gaussians, VampPrior), a Gaussian fitted afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vae_core.shards import Noise, normal, uniform

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
LOG_STD_RANGE = (-10.0, 5.0)  # keeps exp() finite when training goes astray; far outside of what a trained model uses
JITTER = 1e-6  # on the diagonal of a fitted covariance: of codes that lie in a plane it has no Cholesky factor

Distribution = Callable[[Tensor], tuple[Tensor, Tensor]]  # pictures -> mean and standard deviation of q


def log_normal(z: Tensor) -> Tensor:
    """Return log-density of N(0, I) at z, nats: (..., D) -> (...)."""
    return (-0.5 * z.square() - HALF_LOG_2PI).sum(-1)


def log_gaussian(z: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return log-density of N(mean, diag std^2) at z, nats: (..., D) -> (...)."""
    return log_normal((z - mean) / std) - std.log().sum(-1)


class Normal(nn.Module):
    """p(z) = N(0, I)."""

    label = "normal"

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def log_prob(self, z: Tensor) -> Tensor:
        """Return nats: (..., D) -> (...)."""
        return log_normal(z)

    def sample(self, n: int, temperature: float, noise: Noise, device: torch.device) -> Tensor:
        """Draw (n, D) from N(0, temperature^2 I)."""
        return temperature * normal((n, self.dim), noise, device)


class Fitted(Normal):
    """A Gaussian fitted to the codes of training pictures once training is over: no part of the model's own."""

    label = "fitted"

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.mean: Tensor
        self.factor: Tensor
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("factor", torch.zeros(dim, dim).fill_diagonal_(1.0))  # covariance = factor factor^T

    def fit(self, codes: Tensor) -> None:
        """Take mean and covariance of codes (N, D)."""
        centred = (codes - codes.mean(0)).double()
        covariance = centred.T @ centred / max(1, len(codes) - 1)
        jitter = JITTER * covariance.diagonal().mean().clamp_min(JITTER) * torch.eye(len(covariance))
        self.mean.copy_(codes.mean(0))
        self.factor.copy_(torch.linalg.cholesky(covariance + jitter))

    def log_prob(self, z: Tensor) -> Tensor:
        white = torch.linalg.solve_triangular(self.factor, (z - self.mean)[..., None], upper=False)[..., 0]
        return log_normal(white) - self.factor.diagonal().log().sum()

    def sample(self, n: int, temperature: float, noise: Noise, device: torch.device) -> Tensor:
        return self.mean + super().sample(n, temperature, noise, device) @ self.factor.T


class Mixture(nn.Module):
    """p(z) = sum_k w_k N(z; mean_k, diag std_k^2), all learned.

    The prior of VaDE (Jiang et al. 2017, arXiv:1611.05148), with the component summed out instead of inferred.
    Dilokthanakul et al. 2016 (arXiv:1611.02648) is another model: it draws the components themselves from a second
    latent.
    """

    label = "learned"

    def __init__(self, dim: int, components: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(nn.init.normal_(torch.empty(components, dim)))
        self.log_std = nn.Parameter(torch.zeros(components, dim))
        self.weights = nn.Parameter(torch.zeros(components))

    def components(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean (K, D), standard deviation (K, D) and log-weight (K,) of each."""
        return self.mean, self.log_std.clamp(*LOG_STD_RANGE).exp(), self.weights.log_softmax(0)

    def log_prob(self, z: Tensor) -> Tensor:
        """Return nats: (..., D) -> (...)."""
        mean, std, log_weight = self.components()
        return (log_gaussian(z[..., None, :], mean, std) + log_weight).logsumexp(-1)  # (..., K) -> (...)

    def sample(self, n: int, temperature: float, noise: Noise, device: torch.device) -> Tensor:
        """Draw (n, D); `temperature` multiplies each component's standard deviation."""
        mean, std, log_weight = self.components()
        steps = log_weight.exp().cumsum(0)
        chosen = torch.searchsorted(steps, uniform((n, 1), noise, device) * steps[-1]).clamp_max(len(steps) - 1)[:, 0]
        return mean[chosen] + temperature * std[chosen] * normal((n, mean.shape[1]), noise, device)


class Vamp(Mixture):
    """A mixture of the posteriors of learned pseudo-inputs (Tomczak and Welling 2018, arXiv:1705.07120, equation 9)."""

    def __init__(self, components: int, image_shape: tuple[int, int, int], posterior: Distribution) -> None:
        nn.Module.__init__(self)
        pseudo_inputs = torch.empty(components, *image_shape)  # through a sigmoid, so in [0, 1]
        self.pseudo_inputs = nn.Parameter(nn.init.normal_(pseudo_inputs))
        self.posterior = posterior

    def components(self) -> tuple[Tensor, Tensor, Tensor]:
        mean, std = self.posterior(self.pseudo_inputs.sigmoid())
        return mean, std, mean.new_full((len(mean),), -math.log(len(mean)))
