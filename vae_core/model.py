"""VAE = encoder + latent + decoder + likelihood, and the contract that everything else sees a model through."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core import likelihoods, nets
from vae_core.config import MAPS, ModelConfig
from vae_core.graphs import Graph
from vae_core.latents import Draw, Encoding, LatentSpace, Z
from vae_core.latents.fitted import FittedPrior
from vae_core.latents.gaussian import Gaussian, Point
from vae_core.latents.priors import Fitted, Mixture, Normal, Vamp
from vae_core.latents.quantized import Quantized
from vae_core.latents.topdown import TopDown
from vae_core.shards import Noise

Parts = tuple[nn.Module, LatentSpace[Any], nn.Module]  # encoder, latent space, decoder


@dataclass(frozen=True)
class LatentSpec:
    """What a latent space is made of: one shape per group, coarse to fine, and the kinds of posterior and prior.

    `kl_shapes` are those of one picture's KL: a group's shape where it factorises, () where it is one number a group,
    and no groups at all where there is no density.
    """

    shapes: tuple[tuple[int, ...], ...]
    posterior: str
    prior: str
    kl_shapes: tuple[tuple[int, ...], ...]
    codebook_size: int | None = None
    classes: int | None = None
    scored: bool = True  # False where nobody said what the likelihood is
    fitted: str | None = None  # kind of the prior that was fitted once training was over: mixture or flow
    fitted_classes: int = 0  # classes that it can be drawn from one by one

    @property
    def size(self) -> int:
        """Numbers in one picture's z, over all groups."""
        return sum(math.prod(shape) for shape in self.shapes)

    @property
    def kl_size(self) -> int:
        """Numbers in one picture's KL, over all groups."""
        return sum(math.prod(shape) for shape in self.kl_shapes)

    @property
    def factorises(self) -> bool:
        """Whether there is a KL for each dimension."""
        return self.kl_shapes == self.shapes

    @property
    def units_by(self) -> str | None:
        """What active units are counted by: the `variance` of the means, the `kl` of each dimension, or nothing.

        The variance says something only where noise and prior give z a scale of 1. In a hierarchy the prior itself
        moves with the coarser groups, and takes the means along. Codes, autoencoders and learned priors have no such
        scale.
        """
        if self.posterior in ("gaussian", "flow") and self.prior == "normal":
            return "variance"
        return "kl" if self.posterior == "topdown" else None

    def levels(self, kl: Sequence[float]) -> list[float]:
        """Return KL of each latent group, coarse to fine, from that of each dimension (`kl_size` numbers)."""
        ends = list(itertools.accumulate(math.prod(shape) for shape in self.kl_shapes))
        return [sum(kl[start:end]) for start, end in zip([0, *ends], ends, strict=False)]

    @property
    def spreads(self) -> bool:
        """Whether q(z | x) is more than one point, so that draws from it differ."""
        return self.posterior not in ("point", "quantized")

    @property
    def has_density(self) -> bool:
        """Whether pictures have a likelihood: an autoencoder's have none, nor those of whom nobody told theirs."""
        return self.posterior != "point" and self.scored

    @property
    def has_kl(self) -> bool:
        """Whether codes have a KL: an autoencoder's have none."""
        return len(self.kl_shapes) > 0


@dataclass(frozen=True)
class Terms:
    """Draws z ~ q(z | x), one list entry a group (N, k, *shape), with what every bound is made of, in nats.

    `log_likelihood` is (N, k); `kl` closed-form (N, *shape) or estimated (N,); `class_kl` (N,) the KL of the class
    where a conditional model had to sum over it. `mean` and `std` are q's where it is one diagonal Gaussian; `extras`
    holds terms of the latent's own, (N,).
    """

    z: Z
    log_likelihood: Tensor
    kl: Z
    densities: Callable[[], tuple[Tensor, Tensor]]
    mean: Z = field(default_factory=list)
    std: Z = field(default_factory=list)
    extras: dict[str, Tensor] = field(default_factory=dict)
    class_kl: Tensor | None = None

    @property
    def log_prior(self) -> Tensor:
        """Log-density p(z), (N, k) nats."""
        return self.densities()[0]

    @property
    def log_posterior(self) -> Tensor:
        """Log-density q(z | x), (N, k) nats."""
        return self.densities()[1]

    @property
    def kl_total(self) -> Tensor:
        """KL(q(z | x) || p(z)) over all groups, (N,) nats."""
        total = torch.stack([part.reshape(len(part), -1).sum(1) for part in self.kl]).sum(0)
        return total if self.class_kl is None else total + self.class_kl

    @property
    def elbo(self) -> Tensor:
        """E_q[log p(x | z)] - KL, un-weighted, (N,) nats (Kingma and Welling 2014, equation 3)."""
        return self.log_likelihood.mean(1) - self.kl_total

    @property
    def log_weights(self) -> Tensor:
        """The log of p(x, z) / q(z | x), (N, k) nats (Burda et al. 2016, arXiv:1509.00519, equation 8)."""
        log_prior, log_posterior = self.densities()
        return self.log_likelihood + log_prior - log_posterior


class VAE(nn.Module):
    """A variational autoencoder behind the contract; never mutated once loaded."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.image_shape = config.image_shape
        self.likelihood = likelihoods.build(config.likelihood, of_means=config.foreign)
        self.fitted: FittedPrior | None = None
        channels, height, width = config.image_shape
        output = (self.likelihood.channels(channels), height, width)
        parts = _graphs if config.foreign else _maps if config.latent.kind in MAPS else self._vector
        self.encoder, self.latent, self.decoder = parts(config, output)
        if config.classifier:
            body, features = nets.encoder(config.classifier, config.image_shape)
            self.classifier = nn.Sequential(body, nn.Linear(features, config.classes))

    def _vector(self, config: ModelConfig, output: tuple[int, int, int]) -> Parts:
        """Return encoder, latent and decoder around one vector z."""
        latent, classes = config.latent, config.classes
        encoder, features = nets.encoder(config.encoder, config.image_shape)
        inputs = latent.dim
        if classes:
            self.condition_encoder = nets.condition(config.conditioning, features, classes)
            self.condition_decoder = nets.condition(config.conditioning, inputs, classes)
            features, inputs = self.condition_encoder.width, self.condition_decoder.width
        prior = self._prior(config)
        if latent.kind == "point":
            assert isinstance(prior, Normal)
            space: LatentSpace[Any] = Point(features, latent.dim, prior)
        else:
            space = Gaussian(features, latent.dim, prior, latent.steps if latent.kind == "flow" else 0)
        return encoder, space, nets.decoder(config.decoder, inputs, output)

    def _prior(self, config: ModelConfig) -> Normal | Mixture:
        dim, count = config.latent.dim, config.latent.components
        builders: dict[str, Callable[[], Normal | Mixture]] = {
            "normal": lambda: Normal(dim),
            "fitted": lambda: Fitted(dim),
            "mixture": lambda: Mixture(dim, count),
            "vamp": lambda: Vamp(count, config.image_shape, self._posterior),
        }
        return builders[config.latent.prior]()

    def _posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the Gaussian q(z | x): what pseudo-inputs ask for."""
        assert isinstance(self.latent, Gaussian)
        with nets.as_measured(self.encoder) as encoder:
            return self.latent.distribution(encoder(x))

    @property
    def spec(self) -> LatentSpec:
        """The latent space in figures."""
        latent = self.latent
        codes = self.config.latent.codes if isinstance(latent, Quantized) else None
        return LatentSpec(
            latent.shapes,
            latent.posterior,
            latent.prior,
            latent.kl_shapes,
            codes,
            self.config.classes or None,
            self.likelihood.known,
            self.fitted.kind if self.fitted else None,
            self.fitted.classes_known if self.fitted else 0,
        )

    def with_prior(self, prior: FittedPrior | None) -> VAE:
        """Return the same model, its weights shared, with another fitted prior or none; this one stays as it is."""
        twin = copy.copy(self)
        twin.__dict__["_modules"] = {**self._modules}
        twin.fitted = None if prior is None else prior.to(self.device)
        return twin

    @property
    def codebooks(self) -> Z:
        """The vectors that codes stand for, (codes, channels) a group; none where z is not made of codes."""
        return [book.vectors for book in self.latent.books] if isinstance(self.latent, Quantized) else []

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(itertools.chain(self.parameters(), self.buffers())).device

    @property
    def binary(self) -> bool:
        """Whether the model was made for bits, so that grey pictures go through `observe` first."""
        return self.likelihood.binary

    def observe(self, x: Tensor, generator: Noise = None) -> Tensor:
        """Return pictures as the likelihood scores them: bits for a Bernoulli, 256 levels for a discretized one."""
        return self.likelihood.observe(x, generator)

    def _check(self, x: Tensor) -> None:
        if x.dim() != 4 or tuple(x.shape[1:]) != self.image_shape:
            raise ValueError(f"x has the shape {tuple(x.shape)}; this model takes (N, {self.image_shape}).")

    def _weights(self, y: Tensor | None, x: Tensor) -> Tensor | None:
        """Return class weights (n, classes) from indices (n,) or weights; None where the class plays no part."""
        classes = self.config.classes
        if not classes:
            return None
        if y is None:
            return self.infer(x)
        if y.dim() == 1:
            return F.one_hot(y.long(), classes).float()
        if y.dim() != 2 or y.shape[1] != classes:
            raise ValueError(f"y has the shape {tuple(y.shape)}; this model takes (N,) or (N, {classes}).")
        return y.float()

    def _features(self, h: Tensor, y: Tensor | None) -> Tensor:
        """Make the latent's input from the encoder's output: the class, where there is one, enters behind the body."""
        return h if y is None else self.condition_encoder(h, y)

    def _output(self, state: Tensor, y: Tensor | None) -> Tensor:
        """Return the likelihood's parameters from the decoder's input."""
        output = self.decoder(state if y is None else self.condition_decoder(state, y))
        return self.likelihood.from_mean(output) if self.config.foreign else output

    @torch.no_grad()
    def infer(self, x: Tensor) -> Tensor:
        """Return the class of pictures as a conditional model sees it: p(y | x), (N, classes).

        By the classifier where there is one, else by Bayes' rule from each class's ELBO at the posterior mean.
        """
        self._check(x)
        if self.config.classifier:
            return self.classifier(x).softmax(1)
        h, bounds = self.encoder(x), []
        for label in range(self.config.classes):
            y = self._weights(torch.full((x.shape[0],), label, device=x.device), x)
            code = self.latent.encode(self._features(h, y))
            fit = self.likelihood.log_prob(self._output(self.latent.complete([*code.mean], 0.0, None), y), x)
            bounds.append(fit - sum(part.reshape(x.shape[0], -1).sum(1) for part in code.kl))
        return torch.stack(bounds, 1).softmax(1)

    def encode(self, x: Tensor, y: Tensor | None = None) -> Encoding:
        """Return means, standard deviations and KL of q(z | x): (N, C, H, W) in [0, 1] -> lists of (N, *shape).

        A conditional model takes class indices (N,) or weights (N, classes), and infers them where y is None.
        """
        self._check(x)
        weights = self._weights(y, x)
        return replace(self.latent.encode(self._features(self.encoder(x), weights)), y=weights)

    def _params(self, z: list[Tensor | None], y: Tensor | None, temperature: float, generator: Noise) -> Tensor:
        state = self.latent.complete(z, temperature, generator)
        if not self.config.classes:
            return self._output(state, None)
        # shape[0] and not len(): an exporter takes the latter for a number that never changes.
        even = state.new_full((state.shape[0], self.config.classes), 1 / self.config.classes)
        return self._output(state, even if y is None else self._weights(y, state))

    def decode(
        self, z: list[Tensor | None], y: Tensor | None = None, temperature: float = 0.0, generator: Noise = None
    ) -> Tensor:
        """Return the likelihood's mean, (N, C, H, W) in [0, 1].

        Args:
            z: one tensor a group (N, *shape); None is drawn given the coarser ones.
            y: class indices or weights of a conditional model; None mixes all classes evenly.
            temperature: of what is drawn; 0 takes its mean.
            generator: source of its noise.
        """
        return self.likelihood.mean(self._params(z, y, temperature, generator))

    def sample_pixels(self, z: list[Tensor | None], y: Tensor | None = None, generator: Noise = None) -> Tensor:
        """Return a picture drawn from p(x | z), (N, C, H, W) in [0, 1]."""
        return self.likelihood.sample(self._params(z, y, 0.0, generator), generator)

    def sample_prior(
        self,
        n: int,
        y: Tensor | None = None,
        temperature: float = 1.0,
        generator: Noise = None,
        fitted: bool = False,
    ) -> Z:
        """Draw z n times, one tensor a group (n, *shape).

        Args:
            n: how many.
            y: classes (n,) or their weights (n, C), where the fitted prior is to be that of a class.
            temperature: multiplies the standard deviations, of a mixture those of its components.
            generator: source of the noise.
            fitted: draw from the prior that was fitted once training was over; without one, from the model's own.
        """
        if not fitted or self.fitted is None:
            return self.latent.sample_prior(n, temperature, generator, self.device)
        if y is not None and y.dim() == 1:
            y = F.one_hot(y.long(), max(self.fitted.classes_known, 1)).float()
        flat = self.fitted.sample(n, temperature, generator, self.device, y if self.fitted.classes_known else None)
        parts = flat.split([math.prod(shape) for shape in self.latent.shapes], 1)  # (n, D) -> one (n, size) a group
        return [part.reshape(n, *shape) for part, shape in zip(parts, self.latent.shapes, strict=True)]

    def reconstruct(
        self, x: Tensor, y: Tensor | None = None, k: int = 1, generator: Noise = None
    ) -> tuple[Draw, Tensor]:
        """Draw z k times a picture, and give the likelihood's parameters for each: (N k, ...)."""
        self._check(x)
        weights = self._weights(y, x)
        draw = self.latent.draw(self._features(self.encoder(x), weights), k, generator)
        return draw, self._output(draw.state, weights if weights is None or k == 1 else weights.repeat_interleave(k, 0))

    def each_class(self, x: Tensor, generator: Noise = None) -> Terms:
        """Return the terms of p(x | y) for every class y, one draw each: N x classes rows, by picture.

        The encoder's body, which does not know the class, sees each picture once.
        """
        classes = self.config.classes
        y = torch.eye(classes, device=x.device).repeat(len(x), 1)  # (N classes, classes)
        h = self._features(self.encoder(x).repeat_interleave(classes, 0), y)
        draw = self.latent.draw(h, 1, generator)
        return self.measured(draw, self._output(draw.state, y), x.repeat_interleave(classes, 0))

    def score(self, params: Tensor, x: Tensor) -> Tensor:
        """Return log-likelihood p(x | z) of each draw, nats: parameters (N k, ...), pictures (N, C, H, W) -> (N, k)."""
        k = len(params) // len(x)
        return self.likelihood.log_prob(params, x if k == 1 else x.repeat_interleave(k, dim=0)).reshape(len(x), k)

    def terms(self, x: Tensor, y: Tensor | None = None, k: int = 1, generator: Noise = None) -> Terms:
        """Return every density that a bound is made of, for k draws of z per picture.

        Args:
            x: (N, C, H, W), as `observe` gives it.
            y: class index or weights (conditional models): figures are of p(x | y). None sums over the classes.
            k: draws of z for each picture.
            generator: source of the noise.

        Returns:
            `Terms`, all in nats.

        Raises:
            ValueError: for an autoencoder, whose codes have no density, and where no likelihood is known.
        """
        if not self.spec.scored:
            raise ValueError("This model came without a likelihood, so its pictures have no ELBO.")
        if not self.spec.has_density:
            raise ValueError("An autoencoder's code has no density, so its pictures have no ELBO and no likelihood.")
        if self.config.classes and y is None:
            return self._summed(x, k, generator)
        return self.measured(*self.reconstruct(x, y, k, generator), x)

    def measured(self, draw: Draw, params: Tensor, x: Tensor) -> Terms:
        """Return the terms of what `reconstruct` gave."""
        return Terms(draw.z, self.score(params, x), draw.kl, draw.densities, draw.mean, draw.std, draw.extras)

    def _summed(self, x: Tensor, k: int, generator: Noise) -> Terms:
        """Sum over the class: p(x) = sum_y p(x | y) / classes, and the ELBO under q(y | x) as `infer` finds it.

        sum_y q(y | x) ELBO(x, y) - KL(q(y | x) || uniform) (Kingma et al. 2014, arXiv:1406.5298, equation 7). The draws
        do not choose the class: that would favour the class with the lucky draws, and give too high a figure.
        """
        classes = self.config.classes
        each = [self.terms(x, torch.full((len(x),), label, device=x.device), k, generator) for label in range(classes)]
        weights = self.infer(x).T  # (classes, N)
        best = weights.argmax(0)

        def mixed(columns: list[Tensor]) -> Tensor:
            stacked = torch.stack(columns)  # (classes, N, ...)
            return (weights.reshape(*weights.shape, *[1] * (stacked.dim() - 2)) * stacked).sum(0)

        fit = mixed([terms.log_likelihood for terms in each])
        class_kl = torch.special.xlogy(weights, weights * classes).sum(0)
        log_prior = mixed([terms.log_prior for terms in each])
        log_weights = torch.stack([terms.log_weights for terms in each]).logsumexp(0) - math.log(classes)
        return Terms(
            [torch.stack([t.z[g] for t in each])[best, torch.arange(len(x))] for g in range(len(each[0].z))],
            fit,
            [mixed([t.kl[g] for t in each]) for g in range(len(each[0].kl))],
            lambda: (log_prior, fit + log_prior - log_weights),
            class_kl=class_kl,
        )


def _maps(config: ModelConfig, output: tuple[int, int, int]) -> Parts:
    """Return encoder, latent and decoder around groups that are maps."""
    latent, (channels, height, width) = config.latent, config.image_shape
    levels = [level for level, _ in latent.groups]
    shapes = [(c, height >> level, width >> level) for level, c in latent.groups]
    encoder = nets.Pyramid(config.encoder, channels, levels)
    widths = [config.encoder.hidden[level - 1] for level in levels]
    if latent.kind == "quantized":
        space: LatentSpace[Any] = Quantized(shapes, widths, latent.codes, latent.prior)
        inputs = sum(c for _, c in latent.groups)
    else:
        space, inputs = TopDown(config.decoder, shapes, widths), widths[-1]
    return encoder, space, nets.map_decoder(config.decoder, inputs, levels[-1], output)


def _graphs(config: ModelConfig, output: tuple[int, int, int]) -> Parts:
    """Return somebody's encoder and decoder, which give the parameters of q(z | x) and the mean picture themselves."""
    dim, point = config.latent.dim, config.latent.kind == "point"
    prior = Fitted(dim) if config.latent.prior == "fitted" else Normal(dim)
    space = Point(None, dim, prior) if point else Gaussian(None, dim, prior)
    return Graph("encoder", output, (dim if point else 2 * dim,)), space, Graph("decoder", (dim,), output)


def build(config: ModelConfig) -> VAE:
    """Return the model that `config` describes, with fresh weights."""
    return VAE(config)


def parameters(model: nn.Module) -> int:
    """Return number of trainable numbers in a model, and of a graph's weights, which were trained elsewhere."""
    graphs = sum(part.numbers for part in model.modules() if isinstance(part, Graph))
    return sum(p.numel() for p in model.parameters()) + graphs
