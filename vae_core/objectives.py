"""What training minimises: a dict of terms in nats per image, always with `loss`, and the un-weighted `elbo`."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core.config import Objective
from vae_core.latents.priors import log_gaussian
from vae_core.model import VAE, Terms
from vae_core.perceptual import LPIPS, Perceptual
from vae_core.shards import Noise, global_mean, seeded, uniform

Losses = dict[str, Tensor]
DISTANCES: dict[str, type[Perceptual]] = {"perceptual": Perceptual, "lpips": LPIPS}
FAINT = 1e-20  # weight below which a draw teaches nothing
JITTER = math.radians(15), 0.1, 1 / 14, 1 / 14  # turned, share of the size, share of a side to the right and down
LABELS = 15  # a stream of random numbers, beside those of `training`


def free_bits(kl: Tensor, delta: float) -> Tensor:
    """Return KL (N, D) -> scalar: each dimension's batch mean is clamped from below at `delta` nats.

    Kingma et al. 2016 (arXiv:1606.04934), equation 15, each dimension a group. The mean is taken over all processes, so
    that a dimension is free on all of them or on none.
    """
    clamped = global_mean(kl) <= delta
    return kl.mean(0).masked_fill(clamped, delta).sum()


class Minimised(nn.Module, ABC):
    """An objective as a module whose forward a distributed run can wrap; `critic` is None, or what it plays against."""

    # Whether the last weights are kept, since the ELBO is not what tells good ones: a critic is pleased by other
    # pictures, few codes, early in a run, are cheaper than many good ones, and a dependence between dimensions that is
    # weighed more than the KL is seen in a batch alone.
    keeps_last = False
    blind = False  # whether labels of the pictures that are watched may not choose the weights either
    extra_rows = 0  # that every batch has besides its own, of the pictures that `supervision` names

    def __init__(self, model: VAE, config: Objective, pictures: int) -> None:
        super().__init__()
        self.model, self.config, self.pictures = model, config, pictures
        self.critic = self.opponent()
        self.distances = nn.ModuleDict(  # by the name of their weight
            {name: kind() for name, kind in DISTANCES.items() if getattr(config, name)}
        )

    @property
    def draws(self) -> int:
        """Draws a picture of the bound that tells good weights."""
        return 1

    @classmethod
    def check(cls, config: Objective, pictures: int, classes: int) -> None:
        """Refuse settings that so many training pictures, of so many classes, have no room for; by default none."""

    def supervision(self, labels: Tensor | None, seed: int) -> tuple[Tensor | None, Tensor]:
        """Decide which training labels (N,) may be seen, -1 for the others, and of which pictures extra rows are."""
        return labels, torch.zeros(0, dtype=torch.int64)

    def penalty(self, kl: float) -> float:
        """Tell what a KL costs at the end of a run, nats: the best epoch has the smallest reconstruction + penalty."""
        return self.config.beta.end * kl

    def opponent(self) -> nn.Module | None:
        """Return the critic that this objective plays against, if it does."""
        return None

    @abstractmethod
    def forward(self, x: Tensor, y: Tensor | None, progress: float, noise: Noise, grey: Tensor | None = None) -> Losses:
        """Return terms of one batch.

        Args:
            x: (N, C, H, W), as `model.observe` gives it.
            y: labels (N,) or None; -1 where a label is not known.
            progress: fraction of the run that is over; schedules read it.
            noise: source of all noise.
            grey: the pictures before that, where they are others: with them the means of pictures are compared by
                what looks at pictures, since anybody tells bits from means.

        Returns:
            `loss`, and where they are defined `elbo`, `reconstruction` (negative log-likelihood), `kl` and
            `critic_loss`: scalars, nats per image.
        """

    def appearance(self, params: Tensor, x: Tensor, grey: Tensor | None) -> Tensor:
        """Tell what focal and perceptual losses add to the negative log-likelihood, a scalar."""
        pictures = x if grey is None else grey
        extra = x.new_zeros(())
        if self.config.focal:
            extra = extra + focal_excess(params, x, self.config.focal)
        for name, distance in self.distances.items():
            extra = (
                extra + getattr(self.config, name) * distance(self.model.likelihood.location(params), pictures).mean()
            )
        return extra


class OfTerms(Minimised):
    """An objective of a model's terms, one draw a picture."""

    def forward(self, x: Tensor, y: Tensor | None, progress: float, noise: Noise, grey: Tensor | None = None) -> Losses:
        draw, params = self.model.reconstruct(x, y, generator=noise)
        terms = self.minimise(self.model.measured(draw, params, x), x, progress, noise)
        if self.config.focal or self.distances:
            terms["loss"] = terms["loss"] + self.appearance(params, x, grey)
        return terms

    @abstractmethod
    def minimise(self, terms: Terms, x: Tensor, progress: float, noise: Noise) -> Losses:
        """Return the objective from the terms; arguments and result as in `forward`."""


def bounded(terms: Terms, loss: Tensor, **more: Tensor) -> Losses:
    """Return a loss beside the un-weighted figures."""
    reconstruction, kl = -terms.log_likelihood.mean(), terms.kl_total.mean()
    return {"loss": loss, "elbo": -(reconstruction + kl), "reconstruction": reconstruction, "kl": kl, **more}


def focal_excess(params: Tensor, x: Tensor, gamma: float) -> Tensor:
    """Return focal loss of bits less their cross-entropy, nats per image (Lin et al. 2017, arXiv:1708.02002, eq. 4)."""
    wrong = F.binary_cross_entropy_with_logits(params.float(), x, reduction="none")
    unsure = (-torch.expm1(-wrong)).clamp_min(FAINT)  # at 0 a power below 1 has no slope
    return (unsure.pow(gamma) * wrong - wrong).flatten(1).sum(1).mean()


class ELBO(OfTerms):
    """Reconstruction + beta * KL (Higgins et al. 2017); with a capacity, + beta * |KL - C| (Burgess et al. 2018)."""

    def penalty(self, kl: float) -> float:
        capacity = self.config.capacity
        return super().penalty(kl if capacity is None else abs(kl - capacity.end))

    def minimise(self, terms: Terms, x: Tensor, progress: float, noise: Noise) -> Losses:
        reconstruction, kl = -terms.log_likelihood.mean(), terms.kl_total.mean()
        weighted = kl
        if self.config.free_bits > 0:
            weighted = sum((free_bits(part.flatten(1), self.config.free_bits) for part in terms.kl), kl.new_zeros(()))
        if self.config.capacity is not None:
            weighted = (weighted - self.config.capacity.at(progress)).abs()  # arXiv:1804.03599, equation 8
        loss = reconstruction + self.config.beta.at(progress) * weighted
        return {"loss": loss, "elbo": -(reconstruction + kl), "reconstruction": reconstruction, "kl": kl}


def batch_log_aggregate(z: Tensor, mean: Tensor, std: Tensor, pictures: int) -> tuple[Tensor, Tensor]:
    """Return log density (N,) of draws under the aggregate posterior, and under its marginals' product, from a batch.

    Minibatch-stratified sampling (Chen et al. 2018, appendix C.2, averaged over which of the others comes last): a
    picture's own posterior is one part in `pictures` of q(z), and the mean of the others' is the rest. If it were one
    part in N (minibatch-weighted sampling), a sharp posterior would drown the others in the joint density but not in
    the marginals, and the "correlation" would be the information of each dimension.
    """
    own = 1 / pictures if len(z) > 1 else 1.0
    parts = z.new_full((len(z), len(z)), (1 - own) / max(len(z) - 1, 1)).fill_diagonal_(own).log()
    pairs = -0.5 * ((z[:, None] - mean) / std).square() - std.log() - 0.5 * math.log(2 * math.pi)  # (N, N, D)
    return (pairs.sum(2) + parts).logsumexp(1), (pairs + parts[..., None]).logsumexp(1).sum(1)


def decomposed_kl(z: Tensor, mean: Tensor, std: Tensor, pictures: int) -> tuple[Tensor, Tensor, Tensor]:
    """Split the KL: mutual information, total correlation, dimension-wise (Chen et al. 2018, arXiv:1802.04942, eq. 2).

    Args:
        z: (N, D), one draw a picture.
        mean: (N, D) of q(z | x).
        std: (N, D) of q(z | x).
        pictures: in the data set, N or more.

    Returns:
        Three scalars, nats, that add up to the KL.
    """
    log_q = log_gaussian(z, mean, std)
    log_joint, log_product = batch_log_aggregate(z, mean, std, pictures)
    log_prior = log_gaussian(z, torch.zeros_like(z), torch.ones_like(z))
    return (log_q - log_joint).mean(), (log_joint - log_product).mean(), (log_product - log_prior).mean()


class TotalCorrelation(OfTerms):
    """beta-TCVAE: alpha * mutual information + beta * total correlation + gamma * dimension-wise KL."""

    keeps_last = True

    def minimise(self, terms: Terms, x: Tensor, progress: float, noise: Noise) -> Losses:
        z = terms.z[0].flatten(0, 1)
        information, correlation, rest = decomposed_kl(z, terms.mean[0], terms.std[0], self.pictures)
        beta = self.config.beta.at(progress)
        loss = self.config.alpha * information + beta * correlation + self.config.gamma * rest
        return bounded(terms, loss - terms.log_likelihood.mean(), total_correlation=correlation)


def maximum_mean_discrepancy(a: Tensor, b: Tensor) -> Tensor:
    """Compare draws (N, D) and (M, D), with the inverse multiquadratic kernels of Tolstikhin et al. 2018.

    arXiv:1711.01558, section 4: C / (C + |a - b|^2) for C = 2 D s with s from 0.1 to 10; unbiased, and 0 of one draw.
    """
    if min(len(a), len(b)) < 2:  # nothing is known of a spread from one draw
        return 0.0 * (a.sum() + b.sum())

    def kernel(u: Tensor, v: Tensor) -> Tensor:
        distance = torch.cdist(u, v, compute_mode="donot_use_mm_for_euclid_dist").square()
        scales = [2.0 * u.shape[1] * s for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)]
        return torch.stack([c / (c + distance) for c in scales]).sum(0)

    def within(u: Tensor) -> Tensor:
        matrix = kernel(u, u)
        return (matrix.sum() - matrix.diagonal().sum()) / (len(u) * (len(u) - 1))

    return within(a) + within(b) - 2 * kernel(a, b).mean()


class Discrepancy(OfTerms):
    """InfoVAE: beta * KL + mmd * MMD of aggregate posterior and prior (Zhao et al. 2019, arXiv:1706.02262)."""

    keeps_last = True

    def minimise(self, terms: Terms, x: Tensor, progress: float, noise: Noise) -> Losses:
        z = terms.z[0].flatten(0, 1)
        (prior,) = self.model.sample_prior(len(z), generator=noise)
        discrepancy = maximum_mean_discrepancy(z, prior)
        loss = self.config.beta.at(progress) * terms.kl_total.mean() + self.config.mmd * discrepancy
        return bounded(terms, loss - terms.log_likelihood.mean(), discrepancy=discrepancy)


class ImportanceWeighted(Minimised):
    """The k-sample bound (Burda et al. 2016, arXiv:1509.00519, equation 8), averaged over `bounds` of them.

    More bounds of fewer draws help the encoder, whose gradient drowns in noise as k grows (Rainforth et al. 2018,
    arXiv:1802.04537, MIWAE).
    """

    def forward(self, x: Tensor, y: Tensor | None, progress: float, noise: Noise, grey: Tensor | None = None) -> Losses:
        k, bounds = self.config.draws, self.config.bounds
        terms = self.model.terms(x, y, k=k * bounds, generator=noise)
        return bounded(terms, -self._bounds(terms).mean())

    @property
    def draws(self) -> int:
        return self.config.draws

    def _bounds(self, terms: Terms) -> Tensor:
        """Return (N, bounds) nats."""
        log_weights = terms.log_weights.unflatten(1, (self.config.bounds, self.config.draws))
        return log_weights.logsumexp(2) - math.log(self.config.draws)


class DoublyReparameterized(ImportanceWeighted):
    """The same bound with the gradient of Tucker et al. 2019 (arXiv:1810.04152), equation 9, for the encoder."""

    def _bounds(self, terms: Terms) -> Tensor:
        """Return (N, bounds): a surrogate with the value's bound and the doubly reparameterized gradient."""
        z, shape = terms.z[0], (self.config.bounds, self.config.draws)
        fixed = log_gaussian(z, terms.mean[0].detach()[:, None], terms.std[0].detach()[:, None])
        log_weights = (terms.log_likelihood + terms.log_prior - fixed).unflatten(1, shape)
        normalised = log_weights.softmax(2).detach()
        if z.requires_grad:  # through z a draw counts by its weight once more
            z.register_hook(lambda gradient: gradient * normalised.flatten(1)[..., None])
        value = log_weights.logsumexp(2).detach() - math.log(self.config.draws)
        weighted = (normalised * log_weights).sum(2)
        return value + weighted - weighted.detach()


class PartiallyImportanceWeighted(ImportanceWeighted):
    """The decoder climbs the bound of all draws, the encoder the average of `bounds` looser ones.

    PIWAE (Rainforth et al. 2018, arXiv:1802.04537, section 5.2). What is reported is the decoder's bound.
    """

    def _bounds(self, terms: Terms) -> Tensor:
        """Return (N,): a surrogate with the value of the bound of all draws, and a gradient per half of the model."""
        log_weights, z = terms.log_weights, terms.z[0]
        each = log_weights.detach().unflatten(1, (self.config.bounds, self.config.draws))
        encoder = each.softmax(2).flatten(1) / self.config.bounds  # of a draw, in the gradient of each half
        decoder = each.flatten(1).softmax(1).clamp_min(FAINT)
        if z.requires_grad:  # what comes back to the encoder through z has been weighed for the decoder
            z.register_hook(lambda gradient: gradient * (encoder / decoder)[..., None])
        value = each.flatten(1).logsumexp(1) - math.log(log_weights.shape[1])
        weighted = (decoder * (terms.log_likelihood + terms.log_prior) - encoder * terms.log_posterior).sum(1)
        return value + weighted - weighted.detach()


class Reconstruction(Minimised):
    """An autoencoder's: the negative log-likelihood alone."""

    def forward(self, x: Tensor, y: Tensor | None, progress: float, noise: Noise, grey: Tensor | None = None) -> Losses:
        _, params = self.model.reconstruct(x, y, generator=noise)
        fit = -self.model.score(params, x).mean()
        return {"loss": fit + self.appearance(params, x, grey), "reconstruction": fit}


class Commitment(OfTerms):
    """VQ-VAE: the ELBO, whose KL trains the prior on detached codes, + commitment * |encoder's output - code|^2."""

    keeps_last = True

    def minimise(self, terms: Terms, x: Tensor, progress: float, noise: Noise) -> Losses:
        distance = terms.extras["commitment"].mean()
        return bounded(terms, -terms.elbo.mean() + self.config.commitment * distance, commitment=distance)


def labelled(labels: Tensor, count: int, seed: int) -> Tensor:
    """Choose `count` pictures whose labels a semi-supervised run may know, as many of each class as can be."""
    order = torch.randperm(len(labels), generator=seeded(seed, LABELS))
    classes, shuffled = labels.unique(), labels[order]
    turns = torch.empty(len(labels), dtype=torch.int64)  # how many of its class come before a picture
    for label in classes:
        own = shuffled == label
        turns[own] = torch.arange(int(own.sum()))
    return order[turns.argsort(stable=True)[:count]]


def jittered(x: Tensor, amount: float, noise: Noise) -> Tensor:
    """Turn, scale and move each picture at random, by up to `amount` times `JITTER`; outside a picture is 0.

    Args:
        x: (N, C, H, W).
        amount: 0 or more.
        noise: where the draws come from.
    """
    if amount == 0:
        return x
    turn, scale, right, down = (amount * most * (2 * uniform((len(x),), noise, x.device) - 1) for most in JITTER)
    cos, sin = (1 + scale) * turn.cos(), (1 + scale) * turn.sin()
    theta = torch.stack([cos, -sin, 2 * right, sin, cos, 2 * down], 1).unflatten(1, (2, 3))
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid.to(x.dtype), align_corners=False)


class SemiSupervised(Minimised):
    """M2 (Kingma et al. 2014, arXiv:1406.5298, equations 6 to 9): pictures with y = -1 have no label.

    Per image of the batch; `alpha` weighs the cross-entropy of those that have one. With a `jitter` q(y | x) is that of
    the picture turned, scaled and moved at random, as a digit keeps its class then; the bound is of the picture itself.
    """

    blind = True
    extra_rows = 32

    @classmethod
    def check(cls, config: Objective, pictures: int, classes: int) -> None:
        """Check that there is a label of each class, and no more labels than pictures."""
        if not classes <= config.labelled <= pictures:
            raise ValueError(
                f"labelled is {config.labelled:,}; allowed: {classes:,} (one a class) to {pictures:,} "
                "(the training pictures)."
            )

    def supervision(self, labels: Tensor | None, seed: int) -> tuple[Tensor | None, Tensor]:
        """Take as many labels of each class as can be; every batch has some of these pictures."""
        assert labels is not None
        known = labelled(labels, self.config.labelled, seed)
        seen = torch.full_like(labels, -1)
        seen[known] = labels[known]
        return seen, known

    def forward(self, x: Tensor, y: Tensor | None, progress: float, noise: Noise, grey: Tensor | None = None) -> Losses:
        assert y is not None
        known, classes = y >= 0, self.model.config.classes
        logits = self.model.classifier(jittered(x, self.config.jitter, noise))
        terms = self.model.each_class(x, noise)
        fit, kl = (part.reshape(len(x), classes) for part in (terms.log_likelihood, terms.kl_total))
        log_q = logits.log_softmax(1)
        weights = torch.where(known[:, None], F.one_hot(y.clamp_min(0), classes).to(log_q.dtype), log_q.exp())
        class_kl = torch.where(known, 0.0, (log_q.exp() * log_q).sum(1) + math.log(classes)).mean()
        reconstruction, kl = -(weights * fit).sum(1).mean(), (weights * kl).sum(1).mean() + class_kl
        wrong = F.cross_entropy(logits[known], y[known], reduction="sum") / len(x)
        loss = reconstruction + self.config.beta.at(progress) * kl + self.config.alpha * wrong
        return {"loss": loss, "elbo": -(reconstruction + kl), "reconstruction": reconstruction, "kl": kl}


KINDS: dict[str, type[Minimised]] = {
    "elbo": ELBO,
    "tc": TotalCorrelation,
    "mmd": Discrepancy,
    "iwae": ImportanceWeighted,
    "dreg": DoublyReparameterized,
    "piwae": PartiallyImportanceWeighted,
    "reconstruction": Reconstruction,
    "commitment": Commitment,
    "semi_supervised": SemiSupervised,
}
