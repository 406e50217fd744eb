"""A prior fitted to an encoder's codes once training is over: draws of q(z | x) -> mixture or flow, and its gain."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vae_core.explore import flatten, unflatten
from vae_core.jobs import Progress
from vae_core.latents.fitted import FREQUENCIES, KINDS, MAX_DIRECTIONS, WIDTH, FittedPrior, FlowPrior, MixturePrior
from vae_core.model import VAE
from vae_core.scoring import at_once, blocks
from vae_core.shards import normal, seeded

if TYPE_CHECKING:
    from vae_core.checkpoints import Checkpoint, Reference

COMPONENTS = (1, 5, 10, 20, 50)
PICTURES = 10_000  # of which codes are drawn, at most
MOST = 1_024  # numbers of a code
LEAST = 20  # pictures
HELD_OUT = 5  # one code in so many chooses the number of components
RIDGE = 1e-3  # of the mean variance, on the diagonal of each covariance
STEPS, MORE_STEPS = 30, 10  # of expectation-maximization: to choose how many Gaussians, and then on all codes
FEW = 5  # codes for each component, at least
FLOW_STEPS, FLOW_BATCH, FLOW_RATE = (300, 10_000), 256, 2e-3  # of Adam, whose rate falls to 0 along a cosine
FLOW_PASSES = 500  # over the codes, as far as the steps allow: with more, few codes are learnt by heart
FLOW_LEAST = 1_000  # codes from which a flow is worth its time where the better kind is asked for
MIXTURE, FLOW, BEST = MixturePrior.kind, FlowPrior.kind, "best"
ASKED = (BEST, *KINDS)
AVERAGE = 0.995  # of a flow's weights over its steps
WITHOUT_CLASS = 0.5  # of the rows that a flow learns from without their class
ENCODING = 0.3  # share of the work that encoding pictures is, about
SCORED = 1_000  # held-out codes whose density under a flow is measured, at most
FOG = 10.0  # nats by which draws of the training prior miss the encodings, so that they show
SLIGHT = 1.0  # nats that nobody sees

Frame = tuple[Tensor, Tensor, Tensor]  # centre (D,), basis (D, M), rest ()


@dataclass(frozen=True)
class Fit:
    """A fitted prior and how it was chosen.

    Attributes:
        prior: None where the prior that the model was trained with describes held-out codes best.
        nats: log-density of held-out codes, nats a picture, by the number of Gaussians, or "flow"; 0 stands for the
            prior that the model was trained with.
        pictures: how many codes it was fitted to.
        references: whether these were the reference encodings of the model's file.
    """

    prior: FittedPrior | None
    nats: dict[int | str, float]
    pictures: int
    references: bool = False

    @property
    def gap(self) -> float:
        """Nats a held-out picture by which the best is better than the training prior: 0 or more."""
        return max(self.nats.values()) - self.nats[0]

    @property
    def summary(self) -> dict[str, float]:
        """As figures of a checkpoint."""
        figures = {"prior_gap": self.gap, "prior_components": self.prior.components if self.prior else 0}
        return figures | {"prior_pictures": self.pictures, "prior_references": int(self.references)}


@dataclass(frozen=True)
class Given:
    """What a prior is fitted to.

    Attributes:
        codes: (N, D) draws of q(z | x), one a picture.
        kept: (N,) bool; the others choose between fits.
        labels: (N,) classes of the pictures, or None.
        classes: how many there are.
        seed: of all that is drawn.
    """

    codes: Tensor
    kept: Tensor
    labels: Tensor | None
    classes: int
    seed: int


def with_prior(checkpoint: Checkpoint, fit: Fit) -> Checkpoint:
    """Return the checkpoint with a fitted prior and its figures; the other stays, and shares its weights with this."""
    kept = {name: value for name, value in checkpoint.metrics.items() if not name.endswith("_fitted_prior")}
    metrics = {**kept, **fit.summary}  # without what was measured of draws from another prior
    return replace(checkpoint, model=checkpoint.model.with_prior(fit.prior), metrics=metrics)


def lacking(model: VAE) -> str | None:
    """Tell why no prior can be fitted to a model's codes, in a sentence; None where one can."""
    if model.spec.posterior in ("quantized", "topdown"):
        return "It learns its prior in training, code by code or level by level; none is fitted afterwards."
    if model.spec.size > MOST:
        return f"Its codes have {model.spec.size:,} numbers; a prior is fitted to at most {MOST:,}."
    return None


@torch.inference_mode()
def codes_of(model: VAE, images: Tensor, seed: int = 0, progress: Progress | None = None) -> tuple[Tensor, Tensor]:
    """Draw one code a picture, and score it by the prior that the model was trained with.

    Args:
        model: in eval mode.
        images: (N, C, H, W), uint8 or float in [0, 1].
        seed: of the draws.
        progress: called with the fraction done; what it raises stops the work.

    Returns:
        Codes (N, D), and log p(z) in nats (N,), on the CPU.
    """
    codes: list[Tensor] = []
    scores: list[Tensor] = []
    for index, x in blocks(model, images, seed):
        if progress:
            progress(sum(map(len, codes)) / len(images))
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
    progress: Progress | None = None,
    kind: str = BEST,
) -> Fit:
    """Fit a mixture of Gaussians of full covariance, its number of components chosen by held-out nats; a flow; or both.

    Args:
        codes: (N, D) draws of q(z | x), one a picture.
        scores: (N,) log-density of these under the prior that the model was trained with, nats.
        labels: (N,) classes of the pictures, or None.
        classes: how many there are.
        seed: of the split, of where k-means starts, and of a flow's weights and batches.
        progress: called with the fraction done; what it raises stops the work.
        kind: of `ASKED`. `best` is a flow where that describes held-out codes better than all else, by what one sees,
            and a mixture elsewhere, and of fewer than `FLOW_LEAST` codes. A flow that is asked for by its name is kept
            however the training prior fares, to move through it.

    Raises:
        ValueError: for fewer than `LEAST` codes, or another kind.
    """
    check_kind(kind)
    if len(codes) < LEAST:
        raise ValueError(f"There are {len(codes)} pictures; a prior is fitted to at least {LEAST}.")
    order = torch.randperm(len(codes), generator=seeded(seed))
    kept = torch.ones(len(codes), dtype=torch.bool)
    kept[order[::HELD_OUT]] = False
    given = Given(codes, kept, labels if classes else None, classes, seed)
    nats: dict[int | str, float] = {0: scores[~kept].mean().item()}
    kinds = [kind] if kind != BEST else [MIXTURE, FLOW] if len(codes) >= FLOW_LEAST else [MIXTURE]
    report = progress or (lambda share: None)
    fits = {}
    for place, each in enumerate(kinds):

        def tell(share: float, before: int = place) -> None:
            report((before + share) / len(kinds))

        fits[each] = FITS[each](given, nats, tell)
    others = max(score for which, score in nats.items() if which != FLOW)
    better = FLOW if nats.get(FLOW, others) > others + SLIGHT else MIXTURE
    return fits[better if kind == BEST else kind]


def check_kind(kind: str) -> None:
    """Refuse a kind of prior that is none of `ASKED`, with a ValueError."""
    if kind not in ASKED:
        raise ValueError(f"--kind is {kind!r}; allowed: {', '.join(ASKED)}.")


def _mixture_of(given: Given, nats: dict[int | str, float], report: Progress) -> Fit:
    """Fit mixtures to the codes that are kept, nats added, and the best of them to all; none where none is."""
    best, start, frame = _chosen(given.codes, given.kept, nats, given.seed, report)
    if best == 0:
        return Fit(None, nats, len(given.codes))
    report(0.8)
    u = _within(given.codes, frame).double().numpy()
    whole = _mixture(u, best, given.seed, start)
    shares = _shares(whole.predict_proba(u), given.labels, given.classes)
    return Fit(_prior(whole, frame, shares), nats, len(given.codes))


def _flow_of(given: Given, nats: dict[int | str, float], report: Progress) -> Fit:
    """Train a flow on the codes that are kept, and add its nats on the others.

    Its products are small: threads gain little, and cost much where other processes want the processors too.
    """
    labels = None if given.labels is None else given.labels[given.kept]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        flow = _flow(given.codes[given.kept], labels, given.classes, given.seed, report)
        nats[FLOW] = flow.log_prob(given.codes[~given.kept][:SCORED]).mean().item()
    finally:
        torch.set_num_threads(threads)
    return Fit(flow, nats, int(given.kept.sum()))


FITS = {MIXTURE: _mixture_of, FLOW: _flow_of}


def _chosen(
    codes: Tensor, kept: Tensor, nats: dict[int | str, float], seed: int, report: Progress
) -> tuple[int, Any, Frame]:
    """Return the number of Gaussians that is best on what is held out (N,), nats added; its mixture, and frame."""
    frame = _frame(codes[kept])
    u, made = _within(codes[kept], frame).double().numpy(), {}
    counts = [count for count in COMPONENTS if count == 1 or count * FEW <= int(kept.sum())]
    for before, count in zip([0, *counts], counts, strict=False):
        report(0.8 * sum(each for each in counts if each < count) / sum(counts))
        made[count] = _mixture(u, count, seed)
        nats[count] = _prior(made[count], frame).log_prob(codes[~kept]).mean().item()
        if before and nats[count] < nats[before]:
            break  # more are worse still, and take the longest
    best = max([0, *made], key=lambda count: nats[count])
    return best, made.get(best), frame


def fit_to(
    model: VAE,
    images: Tensor,
    labels: Tensor | None = None,
    classes: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
    kind: str = BEST,
) -> Fit:
    """Fit a prior to pictures' codes; the model stays as it is.

    Args:
        model: in eval mode.
        images: (N, C, H, W); of more than `PICTURES`, some at random.
        labels: (N,), or None.
        classes: how many there are.
        seed: of all that is drawn.
        progress: called with the fraction done; what it raises stops the work.
        kind: as in `fit`.

    Raises:
        ValueError: where no prior can be fitted, in a sentence.
    """
    check_kind(kind)
    if why := lacking(model):
        raise ValueError(why)
    rows = torch.randperm(len(images), generator=seeded(seed))[:PICTURES]
    known = None if labels is None else labels[rows]
    report = progress or (lambda share: None)
    codes, scores = codes_of(model, images[rows], seed, lambda share: report(ENCODING * share))
    classes, kind = _suited(model, classes, kind)
    return fit(codes, scores, known, classes, seed, lambda share: report(ENCODING + (1 - ENCODING) * share), kind)


def fit_to_references(checkpoint: Checkpoint, seed: int = 0, progress: Progress | None = None, kind: str = BEST) -> Fit:
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
    classes, kind = _suited(model, len(checkpoint.data.class_names), kind)
    return replace(fit(codes, scores, reference.labels, classes, seed, progress, kind), references=True)


def _suited(model: VAE, classes: int, kind: str) -> tuple[int, str]:
    """Return how many classes a prior is told, and its kind.

    Where the decoder is told the class too a flow is not, since its code is to say the rest; so `best` is a mixture.
    """
    if not model.spec.classes:
        return classes, kind
    return (0, FLOW) if kind == FLOW else (classes, MIXTURE)


def _frame(codes: Tensor, turned: bool = False) -> Frame:
    """Choose where the codes lie: all dimensions as they are, or, to be turned, the first principal directions."""
    dim = codes.shape[1]
    if dim <= MAX_DIRECTIONS and not turned:
        return torch.zeros(dim), torch.eye(dim), torch.zeros(())
    from sklearn.decomposition import PCA

    count = min(MAX_DIRECTIONS, len(codes) - 1, dim)
    fit = PCA(count, svd_solver="covariance_eigh").fit(codes.double().numpy())
    rest = max(float(codes.var(0).sum()) - fit.explained_variance_.sum(), 1e-9) / max(1, dim - count)
    return (
        torch.from_numpy(fit.mean_).float(),
        torch.from_numpy(fit.components_.T.copy()).float(),
        torch.tensor(float(rest) ** 0.5),
    )


def _within(codes: Tensor, frame: Frame) -> Tensor:
    centre, basis, _ = frame
    return (codes - centre) @ basis  # (N, D) -> (N, M)


def _mixture(u: np.ndarray, count: int, seed: int, start: Any = None) -> Any:
    """Return scikit-learn's mixture of codes (N, M), from k-means or from another mixture."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    given, steps = {}, STEPS
    if start is not None:
        steps = MORE_STEPS
        given = {"weights_init": start.weights_, "means_init": start.means_, "precisions_init": start.precisions_}
    ridge = RIDGE * max(float(u.var(0).mean()), 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the nats tell whether it is good
        return GaussianMixture(count, reg_covar=ridge, max_iter=steps, random_state=seed, **given).fit(u)


def _shares(weights: np.ndarray, labels: Tensor | None, classes: int) -> Tensor:
    """Return p(y | k), (K, C), from the components' responsibilities (N, K); (K, 0) without labels."""
    if labels is None or not classes:
        return torch.zeros(weights.shape[1], 0)
    known = labels >= 0
    each = torch.nn.functional.one_hot(labels[known].long(), classes).double()
    counts = torch.from_numpy(weights)[known].T @ each  # (K, N) @ (N, C)
    return (counts / counts.sum(1, keepdim=True).clamp_min(1e-12)).float()


def _prior(mixture: Any, frame: Frame, shares: Tensor | None = None) -> MixturePrior:
    centre, basis, rest = frame
    tensors = {
        "weights": torch.from_numpy(mixture.weights_).float(),
        "mean": torch.from_numpy(mixture.means_).float(),
        "factor": torch.linalg.cholesky(torch.from_numpy(mixture.covariances_)).float(),
    }
    shares = torch.zeros(len(tensors["weights"]), 0) if shares is None else shares
    return MixturePrior({**tensors, "centre": centre, "basis": basis, "rest": rest, "classes": shares})


def _flow(codes: Tensor, labels: Tensor | None, classes: int, seed: int, report: Progress) -> FlowPrior:
    """Train a flow on codes (N, D) and, in part of the rows, their classes (N,).

    The regression of Lipman et al. 2023, equation 23 with no width at the end: at w = (1 - t) noise + t code the
    velocity is code - noise. Weights are averaged over the steps.
    """
    noise = seeded(seed, len(codes))
    flow = _begun(codes, classes, noise)
    w = _within(codes, (flow.centre, flow.basis, flow.rest)) / flow.scale
    y = torch.zeros(len(codes), classes)
    if labels is not None and classes:
        y[labels >= 0] = torch.nn.functional.one_hot(labels[labels >= 0].long(), classes).float()
    weights = [getattr(flow, name).requires_grad_() for name in flow.net]
    averages = [part.detach().clone() for part in weights]
    steps = min(max(FLOW_PASSES * len(w) // FLOW_BATCH, FLOW_STEPS[0]), FLOW_STEPS[1])
    optimizer = torch.optim.Adam(weights, lr=FLOW_RATE, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with torch.inference_mode(False), torch.enable_grad():
        for step in range(steps):
            report(step / steps)
            rows = torch.randint(len(w), (FLOW_BATCH,), generator=noise)
            shown = y[rows] * (torch.rand(FLOW_BATCH, 1, generator=noise) >= WITHOUT_CLASS)
            code, start = w[rows], torch.randn(FLOW_BATCH, w.shape[1], generator=noise)
            time = torch.rand(FLOW_BATCH, 1, generator=noise)
            loss = (flow.velocity(torch.lerp(start, code, time), time, shown) - (code - start)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            for average, part in zip(averages, weights, strict=True):
                average.lerp_(part.detach(), 1 - AVERAGE)
    return FlowPrior({**dict(flow.named_buffers()), **dict(zip(flow.net, averages, strict=True))})


def _begun(codes: Tensor, classes: int, noise: torch.Generator) -> FlowPrior:
    """Return a flow in the principal directions of codes (N, D) that does not move yet."""
    centre, basis, rest = _frame(codes, turned=True)
    variance = ((codes - centre) @ basis).var(0)
    scale = (variance + RIDGE * variance.mean().clamp_min(1e-9)).sqrt()
    count, width = len(scale), WIDTH

    def layer(rows: int, columns: int) -> Tensor:
        return (2 * torch.rand(rows, columns, generator=noise) - 1) / max(1, columns) ** 0.5

    net = {"inner": layer(width, count), "time": layer(width, 2 * FREQUENCIES), "label": layer(width, classes)}
    net |= {"second": layer(width, width), "third": layer(width, width), "outer": torch.zeros(count, width)}
    net |= {f"{name}_bias": torch.zeros(len(net[name])) for name in ("inner", "second", "third", "outer")}
    return FlowPrior({"scale": scale, "centre": centre, "basis": basis, "rest": rest, **net})


def name(which: int | str) -> str:
    """Return a key of `Fit.nats` in words."""
    if isinstance(which, str):
        return which
    return f"{which} Gaussian{'s' * (which != 1)}" if which else "own prior"


def describe(gap: float) -> str:
    """Tell what the gap means for samples, in a sentence."""
    if gap < SLIGHT:
        return "The prior covers the encodings well, so its draws look like reconstructions."
    amount = f"{gap:,.1f} nats a picture"
    if gap < FOG:
        return f"The prior misses where the encodings lie by {amount}: draws from the fitted prior are better."
    return (
        f"The prior misses where the encodings lie by {amount}: its draws fall where no picture was, and show fog. "
        "Draw from the fitted prior."
    )
