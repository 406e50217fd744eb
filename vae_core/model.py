"""VAE = encoder + latent + decoder + likelihood, and the contract that everything else sees a model through."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vae_core import likelihoods, nets
from vae_core.config import ModelConfig
from vae_core.latents.gaussian import Gaussian
from vae_core.shards import Noise

Z = list[Tensor]


@dataclass(frozen=True)
class LatentSpec:
    """What a latent space is made of: one shape per group, coarse to fine, and the kinds of posterior and prior."""

    shapes: tuple[tuple[int, ...], ...]
    posterior: str
    prior: str
    codebook_size: int | None = None
    classes: int | None = None

    @property
    def size(self) -> int:
        """Numbers in one picture's z, over all groups."""
        return sum(torch.Size(shape).numel() for shape in self.shapes)


@dataclass(frozen=True)
class Encoding:
    """Deterministic encoding of a batch; lists hold one tensor per group, (N, *shape); kl is in nats."""

    mean: Z
    std: Z
    kl: Z
    codes: Z | None = None
    y: Tensor | None = None


@dataclass(frozen=True)
class Terms:
    """Draws z ~ q(z | x), one list entry a group (N, k, *shape), with densities (N, k) and the closed-form KL, nats."""

    z: Z
    log_likelihood: Tensor
    log_prior: Tensor
    log_posterior: Tensor
    kl: Z

    @property
    def kl_total(self) -> Tensor:
        """KL(q(z | x) || p(z)) over all groups, (N,) nats."""
        return torch.stack([part.flatten(1).sum(1) for part in self.kl]).sum(0)

    @property
    def elbo(self) -> Tensor:
        """E_q[log p(x | z)] - KL, un-weighted, (N,) nats (Kingma and Welling 2014, equation 3)."""
        return self.log_likelihood.mean(1) - self.kl_total

    @property
    def log_weights(self) -> Tensor:
        """The log of p(x, z) / q(z | x), (N, k) nats (Burda et al. 2016, arXiv:1509.00519, equation 8)."""
        return self.log_likelihood + self.log_prior - self.log_posterior


class VAE(nn.Module):
    """A variational autoencoder behind the contract; never mutated once loaded."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.image_shape = config.image_shape
        channels, height, width = config.image_shape
        self.encoder, features = nets.encoder(config.encoder, config.image_shape)
        self.latent = Gaussian(features, config.latent.dim)
        self.likelihood = likelihoods.build(config.likelihood)
        self.decoder = nets.decoder(
            config.decoder, config.latent.dim, (self.likelihood.channels(channels), height, width)
        )

    @property
    def spec(self) -> LatentSpec:
        """The latent space in figures."""
        return LatentSpec(self.latent.shapes, self.latent.posterior, self.latent.prior)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    @property
    def binary(self) -> bool:
        """Whether the model was made for bits, so that grey pictures go through `observe` first."""
        return self.likelihood.binary

    def observe(self, x: Tensor, generator: Noise = None) -> Tensor:
        """Pictures as the likelihood scores them: bits for a Bernoulli, 256 levels for a discretized one."""
        return self.likelihood.observe(x, generator)

    def _check(self, x: Tensor) -> None:
        if x.dim() != 4 or tuple(x.shape[1:]) != self.image_shape:
            raise ValueError(f"x has the shape {tuple(x.shape)}; this model takes (N, {self.image_shape}).")

    def encode(self, x: Tensor, y: Tensor | None = None) -> Encoding:
        """Means, standard deviations and KL of q(z | x): (N, C, H, W) in [0, 1] -> lists of (N, *shape)."""
        self._check(x)
        return Encoding(*self.latent.encode(self.encoder(x)))

    def _params(self, z: list[Tensor | None], temperature: float, generator: Noise) -> Tensor:
        return self.decoder(self.latent.complete(z, temperature, generator))

    def decode(
        self, z: list[Tensor | None], y: Tensor | None = None, temperature: float = 0.0, generator: Noise = None
    ) -> Tensor:
        """The likelihood's mean, (N, C, H, W) in [0, 1]."""
        return self.likelihood.mean(self._params(z, temperature, generator))

    def sample_pixels(self, z: list[Tensor | None], y: Tensor | None = None, generator: Noise = None) -> Tensor:
        """A picture drawn from p(x | z), (N, C, H, W) in [0, 1]."""
        return self.likelihood.sample(self._params(z, 0.0, generator), generator)

    def sample_prior(self, n: int, y: Tensor | None = None, temperature: float = 1.0, generator: Noise = None) -> Z:
        """Draw z n times from the prior, its standard deviations multiplied by `temperature`."""
        return self.latent.sample_prior(n, temperature, generator, self.device)

    def terms(self, x: Tensor, y: Tensor | None = None, k: int = 1, generator: Noise = None) -> Terms:
        """Every density that a bound is made of, for k draws of z a picture.

        Args:
            x: (N, C, H, W), as `observe` gives it.
            y: class index or weights (conditional models).
            k: draws of z for each picture.
            generator: source of the noise.

        Returns:
            `Terms`, all in nats.
        """
        self._check(x)
        z, log_prior, log_posterior, kl = self.latent.draw(self.encoder(x), k, generator)
        flat = [part.flatten(0, 1) for part in z]  # (N, k, *shape) -> (N k, *shape)
        many = x if k == 1 else x.repeat_interleave(k, dim=0)
        log_likelihood = self.likelihood.log_prob(self._params([*flat], 0.0, None), many).reshape(len(x), k)
        return Terms(z, log_likelihood, log_prior, log_posterior, kl)


def build(config: ModelConfig) -> VAE:
    """The model that `config` describes, with fresh weights."""
    return VAE(config)


def parameters(model: nn.Module) -> int:
    """Number of trainable numbers in a model."""
    return sum(p.numel() for p in model.parameters())
