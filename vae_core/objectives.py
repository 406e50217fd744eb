"""What training minimises: a dict of terms in nats per image, always with `loss`, and the un-weighted `elbo`."""

from __future__ import annotations

from torch import Tensor, nn

from vae_core.config import Objective
from vae_core.model import VAE
from vae_core.shards import Noise, global_mean


def free_bits(kl: Tensor, delta: float) -> Tensor:
    """KL (N, D) -> scalar: each dimension's batch mean is clamped from below at `delta` nats.

    Kingma et al. 2016 (arXiv:1606.04934), equation 15, one dimension a group. The mean is taken over all processes, so
    that a dimension is free on every one of them or on none.
    """
    clamped = global_mean(kl) <= delta
    return kl.mean(0).masked_fill(clamped, delta).sum()


class ELBO(nn.Module):
    """Reconstruction + beta * KL (Higgins et al. 2017), as a module whose forward a distributed run can wrap."""

    def __init__(self, model: VAE, config: Objective) -> None:
        super().__init__()
        self.model = model
        self.config = config

    def forward(self, x: Tensor, y: Tensor | None, progress: float, noise: Noise) -> dict[str, Tensor]:
        """Terms of one batch.

        Args:
            x: (N, C, H, W), as `model.observe` gives it.
            y: labels (N,) or None.
            progress: fraction of the run that is over; schedules read it.
            noise: source of the reparameterization noise.

        Returns:
            `loss`, `elbo`, `reconstruction` (negative log-likelihood) and `kl`: scalars, nats per image.
        """
        terms = self.model.terms(x, y, generator=noise)
        reconstruction, kl = -terms.log_likelihood.mean(), terms.kl_total.mean()
        weighted = kl
        if self.config.free_bits > 0:
            weighted = sum((free_bits(part.flatten(1), self.config.free_bits) for part in terms.kl), kl.new_zeros(()))
        loss = reconstruction + self.config.beta.at(progress) * weighted
        return {"loss": loss, "elbo": -(reconstruction + kl), "reconstruction": reconstruction, "kl": kl}
