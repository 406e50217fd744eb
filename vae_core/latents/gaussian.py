"""Vectors with a diagonal Gaussian posterior (Kingma and Welling 2014, arXiv:1312.6114), a flow of it, or none."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor, nn

from vae_core.latents import Draw, Encoding, LatentSpace, Z
from vae_core.latents.flow import Flow
from vae_core.latents.priors import LOG_STD_RANGE, Fitted, Mixture, Normal, log_normal
from vae_core.shards import Noise, normal, seeded

PAIRS = 8  # seeded draws and their mirror images behind `encode` where there is no closed form


def kl_to_standard_normal(mean: Tensor, std: Tensor) -> Tensor:
    """Return KL(N(mean, std^2) || N(0, 1)) of each dimension in nats (Kingma and Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + std.square() - 1.0) - std.log()


class Vector(LatentSpace[Tensor]):
    """What spaces of one vector (N, D) share."""

    def __init__(self, dim: int, prior: Normal | Mixture) -> None:
        super().__init__()
        self.shapes = ((dim,),)
        self.prior_ = prior
        self.prior = prior.label

    def sample_prior(self, n: int, temperature: float, noise: Noise, device: torch.device) -> Z:
        return [self.prior_.sample(n, temperature, noise, device)]

    def log_prior(self, z: Z) -> Tensor:
        return self.prior_.log_prob(z[0])

    def complete(self, z: list[Tensor | None], temperature: float, noise: Noise) -> Tensor:
        """Return the decoder's input (N, D); a single group leaves nothing to draw."""
        self._check(z)
        return torch.cat([part for part in z if part is not None])


class Gaussian(Vector):
    """q(z | x) = N(mean(x), diag std(x)^2) from a linear head on the features, then a flow where there is one.

    Features of None are the parameters themselves: mean and log standard deviation, (N, 2D).
    """

    def __init__(self, features: int | None, dim: int, prior: Normal | Mixture, flow_steps: int = 0) -> None:
        super().__init__(dim, prior)
        self.head = nn.Identity() if features is None else nn.Linear(features, 2 * dim)
        self.flow = Flow(dim, features, flow_steps) if flow_steps and features else None
        self.posterior = "flow" if flow_steps else "gaussian"
        self.closed = self.flow is None and self.prior == "normal"  # the KL has a closed form, one number a dimension
        self.kl_shapes = ((dim,),) if self.closed else ((),)

    def distribution(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the Gaussian: (N, F) -> (N, D), (N, D)."""
        mean, log_std = self.head(h).float().chunk(2, dim=1)  # (N, 2D) -> 2 x (N, D)
        return mean, log_std.clamp(*LOG_STD_RANGE).exp()

    def encode(self, h: Tensor) -> Encoding:
        """Return mean, standard deviation and KL of q; a seeded average where they have no closed form."""
        if self.closed:
            mean, std = self.distribution(h)
            return Encoding([mean], [std], [kl_to_standard_normal(mean, std)])
        draw = self._push(h, self._mirrored.to(h.device))
        if self.flow is None:
            return Encoding(draw.mean, draw.std, draw.kl)
        return Encoding([draw.z[0].mean(1)], [draw.z[0].std(1)], draw.kl)

    @cached_property
    def _mirrored(self) -> Tensor:
        """Seeded draws and their mirror images (1, 2 PAIRS, D); kept, since an exporter follows no generator."""
        with torch.inference_mode(False):
            half = normal((1, PAIRS, *self.shapes[0]), seeded(0), torch.device("cpu"))
            return torch.cat([half, -half], 1)

    def draw(self, h: Tensor, k: int, noise: Noise) -> Draw:
        """Draw k times by reparameterization: z = mean + std * noise."""
        return self._push(h, normal((len(h), k, *self.shapes[0]), noise, h.device))

    def _push(self, h: Tensor, eps: Tensor) -> Draw:
        mean, std = self.distribution(h)
        z, log_det = mean[:, None] + std[:, None] * eps, None  # (N, 1, D) + (N, 1, D) * (N, k, D) -> (N, k, D)
        if self.flow is not None:
            z, log_det = self.flow(z, h)

        def densities() -> tuple[Tensor, Tensor]:
            log_q = log_normal(eps) - std.log().sum(1, keepdim=True)
            return self.prior_.log_prob(z), log_q if log_det is None else log_q - log_det

        if self.closed:
            kl = kl_to_standard_normal(mean, std)
            return Draw([z], z.flatten(0, 1), [kl], densities, [mean], [std])
        log_p, log_q = densities()
        known = ([mean], [std]) if self.flow is None else ([], [])
        return Draw([z], z.flatten(0, 1), [(log_q - log_p).mean(1)], lambda: (log_p, log_q), *known)


class Point(Vector):
    """z is a function of x: an autoencoder (Hinton and Salakhutdinov 2006). No density, so no KL and no ELBO.

    Features of None are the code itself, (N, D).
    """

    posterior = "point"
    kl_shapes = ()

    def __init__(self, features: int | None, dim: int, prior: Normal) -> None:
        super().__init__(dim, prior)
        self.head = nn.Identity() if features is None else nn.Linear(features, dim)

    def encode(self, h: Tensor) -> Encoding:
        """Return the code as mean, with a spread of zero."""
        code = self.head(h).float()
        return Encoding([code], [torch.zeros_like(code)], [])

    def draw(self, h: Tensor, k: int, noise: Noise) -> Draw:
        """Return the code, k times."""
        code = self.head(h).float()
        z = code[:, None].expand(-1, k, -1)

        def densities() -> tuple[Tensor, Tensor]:
            raise ValueError("An autoencoder's code has no density; it has no ELBO and no likelihood of pictures.")

        return Draw([z], z.flatten(0, 1), [], densities, [code], [torch.zeros_like(code)])

    def fit_prior(self, codes: Tensor) -> None:
        """Fit the Gaussian that pages draw from."""
        if isinstance(self.prior_, Fitted):
            self.prior_.fit(codes)
