"""Likelihoods p(x | z): what a decoder's output means, its log-probability, its mean and draws from it.

Each takes `params`, the decoder's raw output (N, channels(C), H, W), and returns nats summed over pixels and channels.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core.config import UNKNOWN, LikelihoodConfig
from vae_core.shards import Noise, normal, uniform

MIN_STD = 0.01  # floor of a learned variance: 2.5 of 255 grey levels; without one a perfect pixel has infinite density
LOG_SCALE_RANGE = (-7.0, 5.0)  # of the discretized logistic: from a quarter of a grey level to no preference at all
LEVELS = 256
NEVER = (
    1e-7  # the least probability of a bit where a decoder gives probabilities: float32 tells it and 1 - it from 0 and 1
)


class Likelihood(nn.Module, ABC):
    """One pixel-wise family of distributions over pictures in [0, 1]."""

    label: str
    binary = False  # trained on bits; grey pictures must go through `observe` first
    discrete = False  # a probability mass, so that bits per dimension are defined
    known = True  # False: nobody said what it is, and `log_prob` is only a distance of pictures
    unit = "nats"  # of -log_prob
    note = ""  # what its figures hold beside what the label says

    @property
    def learned_std(self) -> float | None:
        """The standard deviation where it is learned, else None."""
        return None

    def set_std(self, std: float) -> None:
        """Give it another standard deviation: for a Gaussian alone."""
        raise ValueError(f"A likelihood that is {self.label} has no standard deviation.")

    def channels(self, image_channels: int) -> int:
        """Return number of decoder output channels for pictures of `image_channels`."""
        return image_channels

    def observe(self, x: Tensor, noise: Noise = None) -> Tensor:
        """Return the picture as this likelihood can score it, (N, C, H, W) in [0, 1]."""
        return x

    @abstractmethod
    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        """Return nats, log p(x | z): (N, C', H, W), (N, C, H, W) -> (N,)."""

    def least_error(self, image_shape: tuple[int, int, int]) -> float:
        """Tell what -log_prob cannot go below for pictures (C, H, W): below 0 where it is of a density."""
        return 0.0

    @abstractmethod
    def mean(self, params: Tensor) -> Tensor:
        """Show E[x | z] as a picture: (N, C', H, W) -> (N, C, H, W) in [0, 1]."""

    def location(self, params: Tensor) -> Tensor:
        """Return the mean before it is cut to [0, 1], so that a gradient leads back from outside."""
        return self.mean(params)

    def from_mean(self, mean: Tensor) -> Tensor:
        """Return the parameters of the family's member with this mean, where it is all that a decoder gives."""
        return mean

    @abstractmethod
    def sample(self, params: Tensor, noise: Noise = None) -> Tensor:
        """Return a draw of x given z: (N, C', H, W) -> (N, C, H, W) in [0, 1]."""


class Bernoulli(Likelihood):
    """Independent bits with logits from the decoder; grey values are the probabilities of the bits drawn."""

    label = "Bernoulli (bits)"
    binary = True
    discrete = True

    def __init__(self, of_means: bool = False) -> None:
        """Take logits, or `of_means` where a decoder gives the probabilities themselves."""
        super().__init__()
        if of_means:
            self.note = (
                f"the decoder's probabilities are held {NEVER:g} away from 0 and 1: a bit costs at most "
                f"{-math.log(NEVER):.1f} nats"
            )

    def observe(self, x: Tensor, noise: Noise = None) -> Tensor:
        """Draw bits with probability x (dynamic binarisation), or round x where `noise` is None."""
        if noise is None:
            return (x >= 0.5).to(x.dtype)
        return uniform(tuple(x.shape), noise, x.device).lt_(x.detach()).to(x.dtype)  # bits in between cost more

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        return -F.binary_cross_entropy_with_logits(params.float(), x, reduction="none").flatten(1).sum(1)

    def mean(self, params: Tensor) -> Tensor:
        return params.float().sigmoid()

    def from_mean(self, mean: Tensor) -> Tensor:
        """Return logits of probabilities, never of 0 or 1: a bit that never was would cost endlessly many nats.

        Nor does the decoder mean exactly 0: onnxruntime 1.32 gives it for the sigmoid of -18 in float32.
        """
        return torch.logit(mean.float().clamp(NEVER, 1 - NEVER))

    def sample(self, params: Tensor, noise: Noise = None) -> Tensor:
        mean = self.mean(params)
        return uniform(tuple(mean.shape), noise, mean.device).lt_(mean.detach()).to(mean.dtype)


class Gaussian(Likelihood):
    """Normal pixels around the decoder's output; one standard deviation, fixed or learned.

    Learned: the scalar of sigma-VAE (Rybkin et al. 2021, arXiv:2006.13202, section 3.1), not below `MIN_STD`.
    """

    label = "Gaussian"

    def __init__(self, std: float, learned: bool) -> None:
        super().__init__()
        self.label = "Gaussian, learned variance" if learned else f"Gaussian, fixed std {std:g}"
        log_std = torch.tensor(math.log(std))
        self.log_std: Tensor
        if learned:
            self.log_std = nn.Parameter(log_std)
        else:
            self.register_buffer("log_std", log_std)

    @property
    def std(self) -> Tensor:
        """The standard deviation in units of x, a scalar tensor."""
        if not self.training:
            return self.log_std.clamp_min(math.log(MIN_STD)).exp()
        # A clamp has no gradient at the floor and below it, so that nothing would ever lead away from there.
        self.log_std.data.clamp_(min=math.log(MIN_STD))
        return self.log_std.exp()

    @property
    def learned_std(self) -> float | None:
        return self.std.item() if isinstance(self.log_std, nn.Parameter) else None

    @torch.no_grad()
    def set_std(self, std: float) -> None:
        self.log_std.fill_(math.log(std))

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        squares = ((x - params.float()) / self.std).square().flatten(1).sum(1)
        return -0.5 * squares - x[0].numel() * self._log_scale()

    def least_error(self, image_shape: tuple[int, int, int]) -> float:
        return math.prod(image_shape) * self._log_scale().item()

    def _log_scale(self) -> Tensor:
        """Tell what an exact pixel costs, nats."""
        return self.std.log() + 0.5 * math.log(2 * math.pi)

    def location(self, params: Tensor) -> Tensor:
        return params.float()

    def mean(self, params: Tensor) -> Tensor:
        return params.float().clamp(0, 1)

    def sample(self, params: Tensor, noise: Noise = None) -> Tensor:
        return (params.float() + self.std * normal(tuple(params.shape), noise, params.device)).clamp(0, 1)


class Unknown(Likelihood):
    """Of a model whose owner gave none: its pictures have no density, and only their distance can be told."""

    label = "not given"
    known = False
    unit = "summed squares"

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        """Return minus the squared differences, summed over pixels and channels: no density."""
        return -(x - self.mean(params)).square().flatten(1).sum(1)

    def mean(self, params: Tensor) -> Tensor:
        return params.float().clamp(0, 1)

    def sample(self, params: Tensor, noise: Noise = None) -> Tensor:
        raise ValueError("This model came without a likelihood, so no pixels can be drawn from it.")


class DiscretizedLogistic(Likelihood):
    """256 grey levels under a logistic with location and scale per pixel, outer levels taking the tails.

    Salimans et al. 2017 (PixelCNN++, arXiv:1701.05517), equation 2, with one mixture component.
    """

    label = "discretized logistic (256 levels)"
    discrete = True

    def channels(self, image_channels: int) -> int:
        return 2 * image_channels

    def observe(self, x: Tensor, noise: Noise = None) -> Tensor:
        """Return the picture rounded to the 256 levels."""
        return (x * (LEVELS - 1)).round() / (LEVELS - 1)

    @staticmethod
    def _split(params: Tensor) -> tuple[Tensor, Tensor]:
        location, log_scale = params.float().chunk(2, dim=1)  # (N, 2C, H, W) -> 2 x (N, C, H, W)
        return location + 0.5, (log_scale - 2.0).clamp(*LOG_SCALE_RANGE)  # an untrained net starts mid-grey and wide

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        location, log_scale = self._split(params)
        half, sharpness = 0.5 / (LEVELS - 1), (-log_scale).exp()
        upper, lower = (x - location + half) * sharpness, (x - location - half) * sharpness
        # log(sigmoid(u) - sigmoid(l)) = log sigmoid(u) + log sigmoid(-l) + log(1 - exp(l - u)). u - l is not taken from
        # u and l, which are the same number where the location lies far outside.
        inner = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(-2 * half * sharpness))
        logp = torch.where(x < half, F.logsigmoid(upper), torch.where(x > 1 - half, F.logsigmoid(-lower), inner))
        return logp.flatten(1).sum(1)

    def mean(self, params: Tensor) -> Tensor:
        """Return the mean of the logistic clipped to [0, 1]: s (softplus(m / s) - softplus((m - 1) / s))."""
        location, log_scale = self._split(params)
        scale = log_scale.exp()
        return (scale * (F.softplus(location / scale) - F.softplus((location - 1) / scale))).clamp(0, 1)

    def sample(self, params: Tensor, noise: Noise = None) -> Tensor:
        location, log_scale = self._split(params)
        u = uniform(tuple(location.shape), noise, location.device).clamp(1e-5, 1 - 1e-5)
        return self.observe((location + log_scale.exp() * torch.logit(u)).clamp(0, 1))


def build(config: LikelihoodConfig, of_means: bool = False) -> Likelihood:
    """Build the likelihood that `config` describes; `of_means` where the decoder gives means, not parameters."""
    builders: dict[str, Callable[[], Likelihood]] = {
        "bernoulli": lambda: Bernoulli(of_means),
        "gaussian": lambda: Gaussian(config.std, learned=False),
        "learned_gaussian": lambda: Gaussian(config.std, learned=True),
        "discretized_logistic": DiscretizedLogistic,
        UNKNOWN: Unknown,
    }
    return builders[config.kind]()
