"""How typical a picture is for a model: one two-sided score, and a conformal p-value against the reference set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vae_core.checkpoints import Reference, shortened
from vae_core.model import VAE
from vae_core.scoring import statistics_of_observed

LEVELS = ((0.01, "very unusual"), (0.05, "unusual"), (1.0, "usual"))  # p-values up to which a word holds
FEWEST = 19  # reference pictures from which a p-value can be 0.05
LEAST = 1e-3  # nats above the best possible: a picture that is rebuilt exactly has an error without a logarithm
MOST = 1e30  # nats: an error that is not finite is no larger
NUMBERS_AT_ONCE = 2**21


@dataclass(frozen=True)
class Typicality:
    """How a picture compares with the reference set: figures in nats, percentiles 0 to 100, and the p-value.

    `kl` is None where there is no density. Its percentile is None there too, and where the KLs of all reference
    pictures are alike, as those of a collapsed model are: then the error alone is judged. `pictures` are N.
    """

    error: float
    kl: float | None
    error_percentile: float
    kl_percentile: float | None
    p: float
    pictures: int

    @property
    def words(self) -> str:
        """What is known, in two sentences."""
        if self.pictures < FEWEST:
            return (
                f"How typical it is cannot be told: there are {self.pictures} reference pictures to compare it with, "
                f"and {FEWEST} are needed."
            )
        word = next(word for most, word in LEVELS if self.p <= most)
        figures, nats = "reconstruction error", ""
        if self.kl_percentile is not None:
            figures, nats = f"{figures} and KL together", f", and {self.kl_percentile:.0f} % need fewer nats"
        extreme = round(self.p * (self.pictures + 1)) - 1
        count, verb = f"{extreme:,}" if extreme else "none", "is" if extreme == 1 else "are"
        return (
            f"For this model it is {word} in {figures}: {count} of {self.pictures:,} reference pictures {verb} "
            f"at least as extreme (p = {self.p:.2g}). {self.error_percentile:.0f} % are reconstructed better{nats}."
        )


def percentile(value: float, reference: Tensor) -> float:
    """Return share of `reference` (N,) below `value`, 0 to 100; ties count half."""
    below, equal = (reference < value).float().mean(), (reference == value).float().mean()
    return 100 * (below + equal / 2).item()


def typicality(model: VAE, x: Tensor, reference: Reference, y: Tensor | None = None) -> Typicality:
    """Compare one picture (1, C, H, W), as the model observes it, with the reference set.

    `y` (1,) is its class for a conditional model, whose reference figures are of known classes.
    """
    scores = statistics_of_observed(model, x, labels=y)
    kl = shortened(scores.kl).sum(1) if scores.kl.shape[1] else None  # rounded as the file's are
    return _compared(model, scores.reconstruction, kl, reference.error, reference.kl.sum(1))


def reference_typicality(model: VAE, reference: Reference, row: int) -> Typicality:
    """Compare a picture of the reference set with the others, from the stored figures."""
    others = torch.arange(len(reference)) != row
    total = reference.kl.sum(1)
    kl = total[row, None] if reference.kl.shape[1] else None
    return _compared(model, reference.error[row, None], kl, reference.error[others], total[others])


def most_typical(error: Tensor, kl: Tensor | None) -> Tensor:
    """Order N pictures by the distance that `p_values` compares, each among all of them.

    Args:
        error: above the least that the likelihood allows, (N,) at least 0.
        kl: (N,); None orders by the error alone.

    Returns:
        (N,) places of the pictures, the most typical first.
    """
    columns = [_log(error)] if kl is None else [_log(error), _normal_scores(kl[:1], kl[1:])[0]]
    return _mahalanobis(torch.stack(columns, 1)[None])[0].argsort(stable=True)


def _compared(model: VAE, error: Tensor, kl: Tensor | None, errors: Tensor, kls: Tensor) -> Typicality:
    """Compare one picture's error (1,) and KL (1,) with those of N reference pictures (N,)."""
    varies = kl is not None and len(kls) > 0 and bool(kls.min() < kls.max())
    least = model.likelihood.least_error(model.image_shape)
    p = p_values(error.double() - least, kl if varies else None, errors.double() - least, kls)
    return Typicality(
        error.item(),
        None if kl is None else kl.item(),
        percentile(error.item(), errors),
        percentile(kl.item(), kls) if kl is not None and varies else None,
        p.item(),
        len(errors),
    )


def p_values(error: Tensor, kl: Tensor | None, errors: Tensor, kls: Tensor) -> Tensor:
    """Return conformal p-values (Vovk et al. 2005, chapter 2) of M pictures, each compared alone with N reference ones.

    The score is a squared Mahalanobis distance in a plane: one axis is the logarithm of the error, the other the normal
    score of the KL's rank, the normal quantile of (rank - 1/2) / (N + 1) among all N + 1 (Hazen 1914). It is large for
    pictures that are reconstructed too well or too badly, that need too few nats or too many, or whose ordinary error
    and ordinary KL do not belong together. Nothing in it is chosen after a look at the reference set. Its centre,
    covariance and ranks are those of the N reference pictures together with the one that is judged, so it treats all N
    + 1 alike: among pictures like the reference ones, at most a share a has p <= a, whatever their distribution.

    Args:
        error: of M pictures, above the least that the likelihood allows, (M,) at least 0.
        kl: of the same (M,); None judges the error alone.
        errors: of the reference pictures, (N,).
        kls: of the same (N,); not read where `kl` is None.

    Returns:
        (M,), float64: (1 + number of reference pictures at least as extreme) / (N + 1).
    """
    count = len(errors) + 1
    blocks = torch.arange(len(error)).split(max(1, NUMBERS_AT_ONCE // count))
    columns = [(_log(error), _log(errors))] if kl is None else [(_log(error), _log(errors)), (kl, kls)]
    p = []
    for rows in blocks:
        bags = [torch.cat([one[rows, None], all_.expand(len(rows), -1)], 1) for one, all_ in columns]  # (m, N + 1)
        if kl is not None:
            bags[1] = _normal_scores(kl[rows], kls)
        distance = _mahalanobis(torch.stack(bags, 2))
        p.append((distance >= distance[:, :1]).double().sum(1) / count)
    return torch.cat(p)


def _log(error: Tensor) -> Tensor:
    return error.nan_to_num(MOST, MOST).clamp(LEAST, MOST).double().log()


def _normal_scores(one: Tensor, reference: Tensor) -> Tensor:
    """Return normal quantiles (m, N + 1) of m numbers, each among N others, and then of the others beside it.

    Each of n = N + 1 is at (rank - 1/2) / n, ranks from 1 to n; numbers that are alike share the mean of their ranks.
    """
    ordered = reference.sort().values
    below, up_to = (torch.searchsorted(ordered, reference, right=right) for right in (False, True))
    ranks = (below + up_to) / 2 + (one[:, None] < reference) + (one[:, None] == reference) / 2  # (m, N)
    own = (torch.searchsorted(ordered, one) + torch.searchsorted(ordered, one, right=True) + 1) / 2
    return torch.special.ndtri(torch.cat([own[:, None], ranks], 1).double() / (len(reference) + 1))


def _mahalanobis(points: Tensor) -> Tensor:
    """Return squared distances (m, n) of points (m, n, K) from the middle of their n, in units of their covariance."""
    centred = points - points.mean(1, keepdim=True)
    covariance = centred.mT @ centred / points.shape[1]
    return (centred @ torch.linalg.pinv(covariance, hermitian=True) * centred).sum(2)
