"""Objectives that own a critic: it is frozen while `loss` is computed, and learns from detached tensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from vae_core.config import Body
from vae_core.model import Terms
from vae_core.nets import as_measured, encoder
from vae_core.objectives import Losses, Minimised, OfTerms, bounded
from vae_core.shards import Noise, uniform

HIDDEN = (256, 256, 256)  # of a critic on the latent
LEAK = "leaky_relu"
FAINT = 1e-6  # mean square of features that are as good as none


@contextmanager
def frozen(module: nn.Module) -> Iterator[nn.Module]:
    """Give a module through which gradients pass, and in which they do not stay."""
    module.requires_grad_(False)
    try:
        yield module
    finally:
        module.requires_grad_(True)


def _mlp(inputs: int) -> nn.Sequential:
    """Return a critic on vectors: (N, D) -> (N,), a logit."""
    layers: list[nn.Module] = []
    for width in HIDDEN:
        layers += [nn.Linear(inputs, width), nn.LeakyReLU(0.2)]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 1), nn.Flatten(0))


def _tell(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Tell what the critic minimises: -log D(real) - log(1 - D(fake)), nats."""
    return F.softplus(-critic(real.detach())).mean() + F.softplus(critic(fake.detach())).mean()


class FactorVAE(OfTerms):
    """beta * KL + gamma * total correlation, told by a critic (Kim and Mnih 2018, arXiv:1802.05983, equation 2)."""

    keeps_last = True

    def opponent(self) -> nn.Module:
        return _mlp(self.model.spec.size)

    def minimise(self, terms: Terms, x: Tensor, progress: float, noise: Noise) -> Losses:
        assert self.critic is not None
        z = terms.z[0].flatten(0, 1)
        with frozen(self.critic):
            correlation = self.critic(z).mean()  # the logit is log q(z) - log prod q(z_j)
        # Each dimension is shuffled over the batch, in which alone z and its product of marginals differ.
        order = uniform(tuple(z.shape), noise, z.device).argsort(0)
        loss = self.config.beta.at(progress) * terms.kl_total.mean() + self.config.gamma * correlation
        verdict = _tell(self.critic, z, z.gather(0, order))
        return bounded(terms, loss - terms.log_likelihood.mean(), total_correlation=correlation, critic_loss=verdict)


class AdversarialLatent(Minimised):
    """An autoencoder whose codes a critic cannot tell from the prior (Makhzani et al. 2016, arXiv:1511.05644)."""

    keeps_last = True

    def opponent(self) -> nn.Module:
        return _mlp(self.model.spec.size)

    def forward(self, x: Tensor, y: Tensor | None, progress: float, noise: Noise, grey: Tensor | None = None) -> Losses:
        assert self.critic is not None
        draw, params = self.model.reconstruct(x, y, generator=noise)
        reconstruction, z = -self.model.score(params, x).mean(), draw.state
        with frozen(self.critic):
            seen = F.softplus(-self.critic(z)).mean()
        (prior,) = self.model.sample_prior(len(z), generator=noise)
        loss = reconstruction + self.config.gamma * seen
        return {"loss": loss, "reconstruction": reconstruction, "critic_loss": _tell(self.critic, prior, z)}


class PictureCritic(nn.Module):
    """Tells pictures from decoded ones; its features are the space in which reconstructions are compared.

    No layer stretches what it sees (spectral norm, Miyato et al. 2018, arXiv:1802.05957): an unconstrained critic wins
    within an epoch, and then teaches the decoder nothing.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        levels = min(3, min(shape[1:]).bit_length() - 2)
        self.layers, width = encoder(Body("conv", (32, 64, 128)[:levels], LEAK), shape)
        self.logit = nn.Linear(width, 1)
        for layer in (*self.layers, self.logit):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                spectral_norm(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N,)."""
        return self.logit(self.layers(x))[:, 0]

    def features(self, x: Tensor) -> list[Tensor]:
        """Tell what each layer sees, from fine to coarse: pictures that only the last one confuses are not alike."""
        maps = []
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                maps.append(x)
        return maps


def _error(seen: Tensor, wanted: Tensor) -> Tensor:
    """Return mean squared error of features, as a share of their mean square."""
    return (seen - wanted).square().mean() / wanted.square().mean().clamp_min(FAINT)


class AdversarialPicture(Minimised):
    """VAE-GAN: reconstruction in the critic's features (Larsen et al. 2016, arXiv:1512.09300, equations 5 to 8).

    Errors there are measured relative to the features' own mean square, times as many numbers as a picture has, so that
    a critic cannot drown the KL by scaling its features up. `gamma` weighs what the critic thinks of reconstructions
    and of draws from the prior; unlike in algorithm 1, this reaches the encoder too. The critic sees means, so it also
    sees the grey pictures where the likelihood scores bits of them. The ELBO reported is that of the pixels.
    """

    keeps_last = True

    def opponent(self) -> nn.Module:
        return PictureCritic(self.model.image_shape)

    def forward(self, x: Tensor, y: Tensor | None, progress: float, noise: Noise, grey: Tensor | None = None) -> Losses:
        draw, params = self.model.reconstruct(x, y, generator=noise)
        terms = self.model.measured(draw, params, x)
        rebuilt, drawn = self.model.likelihood.location(params), self._drawn(len(x), noise)
        pictures = x if grey is None else grey
        assert isinstance(self.critic, PictureCritic)
        with frozen(self.critic):
            pairs = zip(self.critic.features(rebuilt), self.critic.features(pictures), strict=True)
            distance = 0.5 * x[0].numel() * torch.stack([_error(seen, wanted) for seen, wanted in pairs]).mean()
            seen = F.softplus(-self.critic(rebuilt)).mean() + F.softplus(-self.critic(drawn)).mean()
        loss = distance + self.config.beta.at(progress) * terms.kl_total.mean() + self.config.gamma * seen
        verdict = _tell(self.critic, pictures, torch.cat([rebuilt, drawn]))
        return bounded(terms, loss, feature_distance=distance, critic_loss=verdict)

    def _drawn(self, n: int, noise: Noise) -> Tensor:
        """Return pictures decoded from draws of the prior."""
        (z,) = self.model.sample_prior(n, generator=noise)
        with as_measured(self.model.decoder) as decoder:  # whose running statistics are those of reconstructions
            return self.model.likelihood.location(decoder(z))


KINDS: dict[str, type[Minimised]] = {
    "factor": FactorVAE,
    "adversarial_latent": AdversarialLatent,
    "adversarial_picture": AdversarialPicture,
}
