"""A prior fitted to what an encoder gives, once training is over: draws of q(z | x) -> mixture, and what it gained."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vae_core.explore import flatten, unflatten
from vae_core.latents.fitted import MAX_DIRECTIONS, FittedPrior
from vae_core.metrics import at_once, blocks
from vae_core.model import VAE
from vae_core.shards import normal, seeded

if TYPE_CHECKING:
    from vae_core.checkpoints import Checkpoint, Reference

COMPONENTS = (1, 5, 10, 20, 50)
PICTURES = 10_000  # of which codes are drawn, at most
MOST = 1_024  # numbers of a code
LEAST = 20  # pictures
HELD_OUT = 5  # one code in so many chooses the number of components
RIDGE = 1e-3  # of the mean variance, on the diagonal of each covariance
STEPS = 100  # of expectation-maximization
FEW = 5  # codes for each component, at least
FOG = 10.0  # nats by which draws of the training prior miss the encodings, so that they show
SLIGHT = 1.0  # nats that nobody sees


@dataclass(frozen=True)
class Fit:
    """A fitted prior and how it was chosen.

    Attributes:
        prior: None where the prior that the model was trained with describes held-out codes best.
        nats: log-density of held-out codes, nats a picture, by the number of components; 0 stands for the prior that
            the model was trained with.
        pictures: how many codes it was fitted to.
        gap: nats a picture that the best gains over the training prior.
    """

    prior: FittedPrior | None
    nats: dict[int, float]
    pictures: int

    @property
    def gap(self) -> float:
        """Nats a held-out picture by which the best mixture is better than the training prior: 0 or more."""
        return max(self.nats.values()) - self.nats[0]

    @property
    def summary(self) -> dict[str, float]:
        """As figures of a checkpoint."""
        count = self.prior.components if self.prior else 0
        return {"prior_gap": self.gap, "prior_components": count, "prior_pictures": self.pictures}


def lacking(model: VAE) -> str | None:
    """Why no prior can be fitted to a model's codes, in a sentence; None where one can."""
    if model.spec.posterior in ("quantized", "topdown"):
        return "It learns its prior in training, code by code or level by level; none is fitted afterwards."
    if model.spec.size > MOST:
        return f"Its codes have {model.spec.size:,} numbers; a prior is fitted to at most {MOST:,}."
    return None


@torch.inference_mode()
def codes_of(model: VAE, images: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw one code a picture, and score it by the prior that the model was trained with.

    Args:
        model: in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1].
        seed: of the draws.

    Returns:
        Codes (N, D), and log p(z) in nats (N,), on the CPU.
    """
    codes, scores = [], []
    for index, x in blocks(model, images, seed):
        for place, rows in enumerate(x.split(at_once(model))):
            draw, _ = model.reconstruct(rows, None, 1, seeded(seed, index, place))
            z = [part[:, 0] for part in draw.z]
            codes.append(flatten(z).cpu())
            scores.append(model.latent.log_prior(z).cpu())
    return torch.cat(codes), torch.cat(scores)


def codes_from(reference: Reference, seed: int = 0) -> Tensor:
    """Draw one code (N, D) a reference encoding, from its Gaussian."""
    return reference.mean + reference.std * normal(tuple(reference.mean.shape), seeded(seed), torch.device("cpu"))


def fit(
    codes: Tensor,
    scores: Tensor,
    labels: Tensor | None = None,
    classes: int = 0,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Fit:
    """Fit a mixture of Gaussians of full covariance, its number of components chosen by held-out nats.

    Args:
        codes: (N, D) draws of q(z | x), one a picture.
        scores: (N,) log-density of these under the prior that the model was trained with, nats.
        labels: (N,) classes of the pictures, or None.
        classes: how many there are.
        seed: of the split and of where k-means starts.
        progress: called with the fraction done; what it raises stops the work.

    Raises:
        ValueError: for fewer than `LEAST` codes.
    """
    if len(codes) < LEAST:
        raise ValueError(f"There are {len(codes)} pictures; a prior is fitted to at least {LEAST}.")
    order = torch.randperm(len(codes), generator=seeded(seed))
    held, kept = order[::HELD_OUT], torch.ones(len(codes), dtype=torch.bool)
    kept[held] = False
    nats = {0: scores[held].mean().item()}
    frame = _frame(codes[kept])
    u, made = _within(codes, frame).double().numpy(), {}
    counts = [count for count in COMPONENTS if count == 1 or count * FEW <= int(kept.sum())]
    for place, count in enumerate(counts):
        if progress:
            progress(place / len(counts))
        made[count] = _mixture(u[kept.numpy()], count, seed)
        nats[count] = _prior(made[count], frame).log_prob(codes[held]).mean().item()
    best = max(nats, key=lambda count: nats[count])
    if best == 0:
        return Fit(None, nats, len(codes))
    whole = _mixture(u, best, seed, made[best])
    shares = _shares(whole.predict_proba(u), labels, classes)
    return Fit(_prior(whole, frame, shares), nats, len(codes))


def fit_to(
    model: VAE,
    images: Tensor,
    labels: Tensor | None = None,
    classes: int = 0,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Fit:
    """Fit a prior to pictures' codes; it is the model's from then on, where it is better than the model's own.

    Args:
        model: in eval mode, and nobody else's: it is changed.
        images: (N, C, H, W); of more than `PICTURES`, some at random.
        labels: (N,), or None.
        classes: how many there are.
        seed: of all that is drawn.
        progress: called with the fraction done; what it raises stops the work.

    Raises:
        ValueError: where no prior can be fitted, in a sentence.
    """
    if why := lacking(model):
        raise ValueError(why)
    rows = torch.randperm(len(images), generator=seeded(seed))[:PICTURES]
    found = fit(*codes_of(model, images[rows], seed), None if labels is None else labels[rows], classes, seed, progress)
    model.fitted = None if found.prior is None else found.prior.to(model.device)
    return found


def fit_to_references(checkpoint: Checkpoint, seed: int = 0, progress: Callable[[float], None] | None = None) -> Fit:
    """Fit a prior to the reference encodings that a file holds: test pictures' own, where no others are at hand.

    Raises:
        ValueError: where no prior can be fitted, in a sentence.
    """
    model, reference = checkpoint.model, checkpoint.reference
    if why := lacking(model):
        raise ValueError(why)
    if reference is None:
        raise ValueError("The file holds no reference encodings; give pictures with --data.")
    codes = codes_from(reference, seed)
    with torch.inference_mode():
        rows = [part for part in unflatten(codes.to(model.device), model.spec) if part is not None]
        scores = torch.cat(
            [model.latent.log_prior(list(part)).cpu() for part in zip(*(r.split(256) for r in rows), strict=True)]
        )
    found = fit(codes, scores, reference.labels, len(checkpoint.data.class_names), seed, progress)
    model.fitted = None if found.prior is None else found.prior.to(model.device)
    return found


Frame = tuple[Tensor, Tensor, Tensor]  # centre (D,), basis (D, M), rest ()


def _frame(codes: Tensor) -> Frame:
    """Where the codes lie: all dimensions as they are, or their first principal directions."""
    dim = codes.shape[1]
    if dim <= MAX_DIRECTIONS:
        return torch.zeros(dim), torch.eye(dim), torch.zeros(())
    from sklearn.decomposition import PCA

    count = min(MAX_DIRECTIONS, len(codes) - 1)
    found = PCA(count, svd_solver="covariance_eigh").fit(codes.double().numpy())
    rest = max(float(codes.var(0).sum()) - found.explained_variance_.sum(), 1e-9) / (dim - count)
    return (
        torch.from_numpy(found.mean_).float(),
        torch.from_numpy(found.components_.T.copy()).float(),
        torch.tensor(float(rest) ** 0.5),
    )


def _within(codes: Tensor, frame: Frame) -> Tensor:
    centre, basis, _ = frame
    return (codes - centre) @ basis  # (N, D) -> (N, M)


def _mixture(u: np.ndarray, count: int, seed: int, start: Any = None) -> Any:
    """scikit-learn's mixture of codes (N, M), from k-means or from another mixture."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    given = {}
    if start is not None:
        given = {"weights_init": start.weights_, "means_init": start.means_, "precisions_init": start.precisions_}
    ridge = RIDGE * max(float(u.var(0).mean()), 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the nats tell whether it is good
        return GaussianMixture(count, reg_covar=ridge, max_iter=STEPS, random_state=seed, **given).fit(u)


def _shares(found: np.ndarray, labels: Tensor | None, classes: int) -> Tensor:
    """p(y | k), (K, C), from the components' responsibilities (N, K); (K, 0) without labels."""
    if labels is None or not classes:
        return torch.zeros(found.shape[1], 0)
    known = labels >= 0
    each = torch.nn.functional.one_hot(labels[known].long(), classes).double()
    counts = torch.from_numpy(found)[known].T @ each  # (K, N) @ (N, C)
    return (counts / counts.sum(1, keepdim=True).clamp_min(1e-12)).float()


def _prior(mixture: Any, frame: Frame, shares: Tensor | None = None) -> FittedPrior:
    centre, basis, rest = frame
    tensors = {
        "weights": torch.from_numpy(mixture.weights_).float(),
        "mean": torch.from_numpy(mixture.means_).float(),
        "factor": torch.linalg.cholesky(torch.from_numpy(mixture.covariances_)).float(),
    }
    shares = torch.zeros(len(tensors["weights"]), 0) if shares is None else shares
    return FittedPrior({**tensors, "centre": centre, "basis": basis, "rest": rest, "classes": shares})


def describe(gap: float) -> str:
    """What the gap means for samples, in a sentence."""
    if gap < SLIGHT:
        return "The prior covers the encodings well, so that its draws look like reconstructions."
    amount = f"{gap:,.1f} nats a picture"
    if gap < FOG:
        return f"The prior misses where the encodings lie by {amount}: draws from the fitted prior are a little better."
    return (
        f"The prior misses where the encodings lie by {amount}: its draws fall where no picture was, and show fog. "
        "Draw from the fitted prior."
    )
