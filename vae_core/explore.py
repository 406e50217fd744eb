"""Moving about a latent space: pure functions of tensors that see a model only through the contract.

A point is one flat vector (D,), all latent groups joined; `flatten` and `unflatten` translate.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vae_core.latents import Z
from vae_core.latents.fitted import MAX_DIRECTIONS, FlowPrior
from vae_core.model import VAE, LatentSpec
from vae_core.scoring import BITS, BLOCK, active_units, as_float, at_once
from vae_core.shards import normal, seeded

if TYPE_CHECKING:
    from vae_core.checkpoints import Reference

MAX_AXES = 256  # beyond that many dimensions, the principal directions of the reference encodings are slid
PRINCIPAL = 64
DEFAULT_RANGE = 3.0  # standard deviations of the prior, where there are no reference encodings
RANGE_QUANTILES = (0.005, 0.995)
USUAL_QUANTILES = (0.025, 0.975)
SAMPLE_BLOCK = 16  # draws from one generator; a constant, since a draw depends on its place in the block
LEAST = 0.01  # of the mean variance: where nothing else is known, a dimension with less is not in use
PATHS = ("linear", "spherical")
PADS: dict[int, tuple[tuple[float, float], ...]] = {  # where the corners of a pad lie, across and down, by their number
    3: ((0.0, 0.0), (1.0, 0.0), (0.5, 1.0)),
    4: ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)),
}
BESIDE = 2e-3  # a place that was rounded may lie so far beside the pad


def flatten(z: Z) -> Tensor:
    """Return groups [(N, *shape), ...] -> one vector a row (N, D)."""
    return torch.cat([part.flatten(1) for part in z], dim=1)


def unflatten(v: Tensor, spec: LatentSpec) -> list[Tensor | None]:
    """Split one vector per row (N, D) into groups [(N, *shape), ...] as `decode` takes them."""
    if v.dim() != 2 or v.shape[1] != spec.size:
        raise ValueError(f"The vectors have the shape {tuple(v.shape)}; this model takes (N, {spec.size}).")
    sizes = [math.prod(shape) for shape in spec.shapes]
    return [part.reshape(-1, *shape) for part, shape in zip(v.split(sizes, 1), spec.shapes, strict=True)]


@torch.inference_mode()
def decode(model: VAE, v: Tensor, y: Tensor | None = None) -> Tensor:
    """Return the likelihood's mean at flat vectors (N, D) -> (N, C, H, W) in [0, 1], on the CPU; in bounded memory.

    `y` are the classes of a conditional model: indices (N,) or weights (N, classes).
    """
    most = at_once(model)
    classes = [None] * (len(v) // most + 1) if y is None else y.to(model.device).split(most)
    parts = zip(v.to(model.device).split(most), classes, strict=False)
    return torch.cat([model.decode(unflatten(part, model.spec), own).cpu() for part, own in parts])


@torch.inference_mode()
def draw_pixels(model: VAE, v: Tensor, seed: int, y: Tensor | None = None) -> Tensor:
    """Draw pictures from p(x | z) at flat vectors (N, D) -> (N, C, H, W) in [0, 1], on the CPU; `y` as in `decode`."""
    classes = None if y is None else y.to(model.device)
    return model.sample_pixels(unflatten(v.to(model.device), model.spec), classes, seeded(seed)).cpu()


@torch.inference_mode()
def continued(
    model: VAE, v: Tensor, keep: int, temperature: float = 1.0, seed: int = 0, y: Tensor | None = None
) -> Tensor:
    """Return pictures (N, C, H, W) of the first `keep` latent groups of v (N, D), the finer groups drawn given these.

    Args:
        model: one with several groups.
        v: flat vectors; what they say of the finer groups is not read.
        keep: groups that stay, at least 1.
        temperature: of the draws; 0 takes the likeliest.
        seed: of the draws.
        y: as in `decode`.
    """
    groups = unflatten(v.to(model.device), model.spec)
    if not 1 <= keep <= len(groups):
        raise ValueError(f"keep is {keep}; this model takes 1 to {len(groups)}.")
    classes = None if y is None else y.to(model.device)
    given = [*groups[:keep], *[None] * (len(groups) - keep)]
    return model.decode(given, classes, temperature, seeded(seed)).cpu()


def rebuild(model: VAE, reference: Reference, rows: Sequence[int]) -> Tensor:
    """Reconstruct reference pictures (n, C, H, W), each of its own class where the model is conditional."""
    chosen = list(rows)
    return decode(model, reference.mean[chosen], classes_of(model, reference, chosen))


def classes_of(model: VAE, reference: Reference, rows: Sequence[int]) -> Tensor | None:
    """Return class indices (n,) of reference pictures; None where the model has no classes, or they are not known."""
    if model.spec.classes is None or reference.labels is None:
        return None
    return reference.labels[list(rows)].clamp_max(model.spec.classes - 1)


@torch.inference_mode()
def classify(model: VAE, x: Tensor, seed: int = 0) -> Tensor:
    """Return class of pictures (N, C, H, W) as a conditional model infers it: p(y | x), (N, classes) on the CPU."""
    return classify_observed(model, model.observe(x.to(model.device), seeded(seed)))


@torch.inference_mode()
def classify_observed(model: VAE, x: Tensor) -> Tensor:
    """Infer classes as `classify` does, of pictures that the model has observed already."""
    if model.spec.classes is None:
        raise ValueError("This model has no classes.")
    parts = x.to(model.device).split(at_once(model))
    return torch.cat([y.cpu() for part in parts if (y := model.encode(part).y) is not None])


@torch.inference_mode()
def sample(
    model: VAE, n: int, temperature: float = 1.0, seed: int = 0, fitted: bool = False, label: int | None = None
) -> Tensor:
    """Return flat draws (n, D) from the prior; the first m of them do not depend on n.

    `fitted` draws from the prior that was fitted once training was over, for the class `label` if one is given. Draws
    come in blocks of fixed size, each with a generator of its own: one for every row would cost a tenth of the
    decoding.
    """
    blocks = range(-(-n // SAMPLE_BLOCK))
    y = None if label is None else torch.full((SAMPLE_BLOCK,), label)
    draws = [model.sample_prior(SAMPLE_BLOCK, y, temperature, seeded(seed, i), fitted) for i in blocks]
    return torch.cat([flatten(z) for z in draws])[:n].cpu()


@torch.inference_mode()
def sample_line(
    model: VAE, n: int, seed: int = 0, fitted: bool = False, label: int | None = None
) -> tuple[Tensor, Tensor] | None:
    """Tell where the draws of `sample` go as the temperature changes: base and slope (n, D), z = base + t * slope.

    None where they do not move along straight lines: codes, and levels that are drawn given coarser ones.
    """
    base, middle, end = (sample(model, n, temperature, seed, fitted, label) for temperature in (0.0, 1.0, 2.0))
    slope = middle - base
    return (base, slope) if torch.allclose(end, base + 2 * slope, rtol=1e-4, atol=1e-5) else None


def flow_of(model: VAE) -> FlowPrior:
    """Return the flow that was fitted to a model's codes.

    Raises:
        ValueError: where there is none.
    """
    if not isinstance(model.fitted, FlowPrior):
        raise ValueError("This model has no fitted flow; make one with: vae prior FILE --kind flow")
    return model.fitted


def in_base(model: VAE) -> bool:
    """Tell whether draws of the fitted prior are points of its base alone: of a flow with none across its basis."""
    return isinstance(model.fitted, FlowPrior) and not model.fitted.across


@torch.inference_mode()
def sample_base(model: VAE, n: int, seed: int = 0) -> Tensor:
    """Return the points (n, M) of the flow's base, N(0, I), from which `sample` at temperature 1 draws."""
    blocks, dim = range(-(-n // SAMPLE_BLOCK)), flow_of(model).dim
    return torch.cat([normal((SAMPLE_BLOCK, dim), seeded(seed, i), torch.device("cpu")) for i in blocks])[:n]


@torch.inference_mode()
def from_base(model: VAE, base: Tensor, label: int | None = None) -> Tensor:
    """Return the codes (N, D) of points (N, M) of the flow's base: one point is one code, and so one picture.

    `label` is a class of the flow's. Raises ValueError where there is no flow.
    """
    return flow_of(model).to_code(base.to(model.device), _class_rows(model, base, label)).cpu()


@torch.inference_mode()
def to_base(model: VAE, v: Tensor, label: int | None = None) -> Tensor:
    """Return the points (N, M) of the flow's base that lead to codes (N, D), also those of pictures; as `from_base`."""
    return flow_of(model).to_base(v.to(model.device), _class_rows(model, v, label)).cpu()


def _class_rows(model: VAE, rows: Tensor, label: int | None) -> Tensor | None:
    count = model.spec.fitted_classes
    if label is None or not count:
        return None
    return F.one_hot(torch.full((len(rows),), label, device=model.device), count).float()


def to_text(v: Tensor) -> str:
    """Return a point (D,) as a short text for a link: half precision, URL-safe base64."""
    return base64.urlsafe_b64encode(v.numpy().astype("<f2").tobytes()).decode().rstrip("=")


def from_text(text: str, spec: LatentSpec) -> Tensor:
    """Return the point (D,) that `to_text` wrote.

    Raises:
        ValueError: where it is no point, or one of a space of another size.
    """
    try:
        numbers = np.frombuffer(base64.b64decode(text + "=" * (-len(text) % 4), "-_", validate=True), "<f2")
    except ValueError as error:
        raise ValueError("The text of the point is damaged; copy the whole link.") from error
    if len(numbers) != spec.size or not np.isfinite(numbers).all():
        raise ValueError(f"The point has {len(numbers)} numbers; this model's have {spec.size}, all finite.")
    return torch.from_numpy(numbers.astype(np.float32))


def prior_mean(model: VAE, reference: Reference | None) -> Tensor:
    """Return the middle of the prior (D,): zero for a standard normal, else the mean of the reference encodings."""
    if model.spec.prior == "normal" or reference is None:
        return torch.zeros(model.spec.size)
    return reference.mean.mean(0)


@torch.inference_mode()
def encode(model: VAE, x: Tensor, seed: int = 0, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Encode pictures (N, C, H, W) in [0, 1], observed as the model needs it: flat mean and standard deviation (N, D).

    `y` as in `decode`; a conditional model infers it where it is None.
    """
    return encode_observed(model, model.observe(x.to(model.device), seeded(seed)), y)


@torch.inference_mode()
def encode_observed(model: VAE, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Encode as `encode` does, of pictures that the model has observed already."""
    encoding = model.encode(x.to(model.device), None if y is None else y.to(model.device))
    return flatten(encoding.mean).cpu(), flatten(encoding.std).cpu()


@torch.inference_mode()
def observe(model: VAE, x: Tensor, seed: int = 0) -> Tensor:
    """Tell what the model sees of pictures (N, C, H, W) in [0, 1]: bits where it was trained on bits; on the CPU."""
    return model.observe(x.to(model.device), seeded(seed)).cpu()


@torch.inference_mode()
def observed(model: VAE, images: Tensor, row: int, seed: int) -> Tensor:
    """Observe one picture (1, C, H, W) of a set (N, C, H, W) as `scoring.statistics` did with that seed."""
    block = row // BLOCK
    part = as_float(images[block * BLOCK : (block + 1) * BLOCK].to(model.device))
    return model.observe(part, seeded(seed, BITS, block))[row % BLOCK, None].cpu()


def posterior_draws(mean: Tensor, std: Tensor, n: int, seed: int = 0) -> Tensor:
    """Draw z = mean + std * noise from one picture's posterior: (D,), (D,) -> (n, D)."""
    return mean + std * torch.randn((n, len(mean)), generator=seeded(seed))


@torch.inference_mode()
def draws_given(model: VAE, x: Tensor, n: int, seed: int = 0, y: Tensor | None = None) -> Tensor:
    """Draw z ~ q(z | x) for one observed picture (1, C, H, W), for a posterior of any kind: (n, D) on the CPU."""
    classes = None if y is None else y.to(model.device)
    terms = model.terms(x.to(model.device), classes, n, seeded(seed))
    return flatten([part[0] for part in terms.z]).cpu()


def row_of_same(reference: Reference, row: int, other: Reference) -> int | None:
    """Tell where another model's reference encodings hold the test picture of a row; None where they do not.

    Both models must know the same split of the same data.
    """
    rows = (other.index == reference.index[row]).nonzero()
    return int(rows[0]) if len(rows) else None


def unlike_pair(reference: Reference) -> tuple[int, int]:
    """Return rows of two reference pictures that differ: typical ones of the first and the last class.

    Without classes: from near both ends of the dimension of largest variance.
    """
    mean, labels = reference.mean, reference.labels
    if labels is None or len(labels.unique()) < 2:
        order = mean[:, mean.var(0, correction=0).argmax()].argsort()
        return int(order[len(order) // 10]), int(order[-1 - len(order) // 10])
    return _typical(reference, labels == labels.min()), _typical(reference, labels == labels.max())


def second_pair(reference: Reference) -> tuple[int, int]:
    """Choose rows of two more reference pictures, unlike those of `unlike_pair`: of classes between first and last.

    With less than four classes: from near both ends of the dimension of second largest variance.
    """
    mean, labels = reference.mean, reference.labels
    known = [] if labels is None else labels.unique().tolist()
    if labels is None or len(known) < 4:
        order = mean[:, mean.var(0, correction=0).argsort()[-2:][0]].argsort()
        return int(order[len(order) // 10]), int(order[-1 - len(order) // 10])
    return _typical(reference, labels == known[len(known) // 3]), _typical(
        reference, labels == known[2 * len(known) // 3]
    )


def _typical(reference: Reference, chosen: Tensor) -> int:
    """Return the row nearest to the mean of those that are chosen (N,)."""
    rows = chosen.nonzero().flatten()
    means = reference.mean[rows]
    return int(rows[(means - means.mean(0)).norm(dim=1).argmin()])


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Follow the great circle from a to b, lengths interpolated linearly (Shoemake 1985; White 2016, arXiv:1609.04468).

    Args:
        a: (D,) where t = 0.
        b: (D,) where t = 1.
        t: (T,) positions in [0, 1].

    Returns:
        (T, D); the straight line where the directions are parallel, opposite or undefined.
    """
    kind, (a, b, t) = a.dtype, (part.double() for part in (a, b, t))  # near opposite directions it takes every digit
    length_a, length_b = a.norm(), b.norm()
    cosine = (a @ b / (length_a * length_b)).clamp(-1, 1)
    angle = torch.acos(cosine)
    if not math.isfinite(angle.item()) or angle.sin().abs() < 1e-4:
        return torch.lerp(a[None], b[None], t[:, None]).to(kind)
    weights = torch.stack([((1 - t) * angle).sin(), (t * angle).sin()], 1) / angle.sin()  # (T, 2)
    directions = torch.stack([a / length_a, b / length_b])  # (2, D)
    return (weights @ directions * torch.lerp(length_a, length_b, t)[:, None]).to(kind)


def check_path(path: str) -> None:
    """Refuse a path that is none of `PATHS`, with a ValueError."""
    if path not in PATHS:
        raise ValueError(f"path is {path!r}; allowed: {', '.join(PATHS)}.")


def interpolate(a: Tensor, b: Tensor, steps: int, path: str = "linear") -> Tensor:
    """Return `steps` points from a (t = 0) to b (t = 1): (D,), (D,) -> (steps, D)."""
    check_path(path)
    if steps < 2:
        raise ValueError(f"steps is {steps}; it must be at least 2.")
    t = torch.linspace(0, 1, steps)
    return torch.lerp(a[None], b[None], t[:, None]) if path == "linear" else slerp(a, b, t)


def through_flow(model: VAE, a: Tensor, b: Tensor, steps: int) -> Tensor:
    """Return `steps` codes from a to b along the great circle of the flow's base: (D,), (D,) -> (steps, D).

    Each step is as near to where the encoder put pictures as the flow's draws are. A and B come back as nearly as
    `to_base` finds them. Raises ValueError where there is no flow, or where it moves only some directions.
    """
    if not in_base(model):
        raise ValueError(
            "A path through the flow needs a fitted flow over all dimensions, of at most "
            f"{MAX_DIRECTIONS}; make one with: vae prior FILE --kind flow"
        )
    first, last = to_base(model, torch.stack([a, b]))
    return from_base(model, interpolate(first, last, steps, "spherical"))


def pad_weights(places: Tensor, corners: int) -> Tensor:
    """Tell how much of each corner is at places in a pad: barycentric in a triangle, bilinear in a square.

    Args:
        places: (N, 2) across and down, 0 to 1; A is left and B right above, below them C and D, or C in the middle.
        corners: K, 3 or 4.

    Returns:
        (N, K), each row with the sum 1; some are negative beside the pad.
    """
    if corners not in PADS:
        raise ValueError(f"corners is {corners}; a pad has 3 or 4.")
    u, v = places.unbind(-1)
    if corners == 3:
        return torch.stack([1 - u - v / 2, u - v / 2, v], -1)
    return torch.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v], -1)


def in_pad(places: Tensor, corners: int) -> Tensor:
    """Tell which places (N, 2) belong to the pad: (N,) bool."""
    inside = (places >= -BESIDE).all(-1) & (places <= 1 + BESIDE).all(-1)
    return inside & (pad_weights(places, corners) >= -BESIDE).all(-1)


def pad_centre(corners: int) -> tuple[float, float]:
    """Tell where all corners of a pad weigh the same."""
    u, v = torch.tensor(PADS[corners]).mean(0).tolist()
    return u, v


def pad_grid(side: int) -> Tensor:
    """Return places (side * side, 2) of a grid over the square of a pad, by row; those of a triangle are `in_pad`."""
    if side < 2:
        raise ValueError(f"side is {side}; it must be at least 2.")
    levels = torch.linspace(0, 1, side)
    return torch.cartesian_prod(levels, levels).flip(1)  # (down, across) -> (across, down)


def blend(corners: Tensor, weights: Tensor) -> Tensor:
    """Return sums of points (K, D), or of class weights, by weights (N, K): (N, D)."""
    if weights.dim() != 2 or weights.shape[1] != len(corners):
        raise ValueError(f"The weights have the shape {tuple(weights.shape)}; {len(corners)} corners take (N, K).")
    return weights @ corners


def crossfade(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """Return the pixels of two pictures mixed, for comparison: (C, H, W) twice -> (steps, C, H, W)."""
    return torch.lerp(a[None], b[None], torch.linspace(0, 1, steps)[:, None, None, None])


@dataclass(frozen=True)
class Axis:
    """One thing that can be slid: a unit direction (D,) through `centre` (D,), with its range in latent units."""

    name: str
    index: int | None  # of the dimension that it is; None where it goes along many
    direction: Tensor
    centre: Tensor
    low: float
    high: float
    kl: float | None  # nats, mean over the reference set
    variance: float | None  # of the encoded means along the axis
    active: bool

    def coordinate(self, v: Tensor) -> Tensor:
        """Tell where points (..., D) stand on the axis: (...)."""
        return (v - self.centre) @ self.direction

    def move(self, v: Tensor, value: Tensor | float) -> Tensor:
        """Return points v (..., D) moved along the axis until its coordinate is `value`."""
        shift = torch.as_tensor(value, dtype=v.dtype) - self.coordinate(v)
        return v + shift[..., None] * self.direction


def axes(model: VAE, reference: Reference | None, level: int | None = None) -> list[Axis]:
    """Tell what can be slid: the dimensions by KL, or by variance where KL does not factorise; beyond 256, directions.

    Args:
        model: any model.
        reference: its reference encodings, for ranges and order; None gives -3 to 3 in the model's own order.
        level: slide this latent group alone; None slides all.
    """
    sizes = [math.prod(shape) for shape in model.spec.shapes]
    first, count = (0, sum(sizes)) if level is None else (sum(sizes[:level]), sizes[level])
    if count > MAX_AXES:
        return [] if reference is None else _principal_axes(reference, first, count, level)
    used = _used(model.spec, reference) if reference is not None else torch.ones(sum(sizes), dtype=torch.bool)
    dimensions = [_dimension(model.spec, reference, i, bool(used[i])) for i in range(first, first + count)]
    if reference is None:
        return dimensions
    return sorted(dimensions, key=lambda axis: -((axis.variance or 0.0) if axis.kl is None else axis.kl))


def base_axes(model: VAE) -> list[Axis]:
    """Return what can be slid in the base of a fitted flow: dimensions, led by the widest directions of the codes.

    Raises ValueError where there is no flow.
    """
    units, ends = torch.eye(flow_of(model).dim), (-DEFAULT_RANGE, DEFAULT_RANGE)
    return [Axis(f"f{i}", i, unit, torch.zeros_like(unit), *ends, None, None, True) for i, unit in enumerate(units)]


def _used(spec: LatentSpec, reference: Reference) -> Tensor:
    """Tell which dimensions (D,) the model uses: active units, where they can be counted.

    Else those that vary by more than a hundredth of what dimensions vary by.
    """
    units = active_units(spec, reference.mean, reference.kl)
    if units is not None:
        return units
    variance = reference.mean.var(0, correction=0)
    return variance > LEAST * variance.mean()


def _dimension(spec: LatentSpec, reference: Reference | None, i: int, used: bool) -> Axis:
    """Return one dimension of z as an axis."""
    unit, origin = torch.zeros(spec.size), torch.zeros(spec.size)
    unit[i] = 1.0
    if reference is None:
        return Axis(f"z{i}", i, unit, origin, -DEFAULT_RANGE, DEFAULT_RANGE, None, None, True)
    column = reference.mean[:, i : i + 1]
    low, high = _range(column)
    kl = reference.kl[:, i].mean().item() if spec.factorises else None
    variance = column.var(0, correction=0).item()
    return Axis(f"z{i}", i, unit, origin, low.item(), high.item(), kl, variance, used)


def _range(coordinates: Tensor) -> tuple[Tensor, Tensor]:
    """Return quantiles of (N, A) coordinates, never narrower than one unit around their middle."""
    low, high = torch.quantile(coordinates, torch.tensor(RANGE_QUANTILES), dim=0)
    middle, half = (low + high) / 2, ((high - low) / 2).clamp_min(1.0)
    return middle - half, middle + half


def usual_range(axis: Axis, reference: Reference | None) -> tuple[float, float]:
    """Tell where 95 % of the reference encodings' means stand on an axis; without them, of a standard normal prior."""
    if reference is None:
        return -1.96, 1.96
    low, high = torch.quantile(axis.coordinate(reference.mean), torch.tensor(USUAL_QUANTILES)).tolist()
    return low, high


def _principal_axes(reference: Reference, first: int, count: int, level: int | None) -> list[Axis]:
    """Return principal directions of `count` dimensions from `first` on; all other dimensions stay."""
    centre, part = reference.mean.mean(0), slice(first, first + count)
    _, _, components = torch.linalg.svd(reference.mean[:, part] - centre[part], full_matrices=False)
    directions = torch.zeros(min(PRINCIPAL, len(components)), len(centre))  # (A, D)
    directions[:, part] = components[:PRINCIPAL]
    coordinates = (reference.mean - centre) @ directions.T
    (low, high), variance = _range(coordinates), coordinates.var(0, correction=0)
    name = "PC" if level is None else f"L{level + 1}-PC"
    return [
        Axis(f"{name}{i + 1}", None, d, centre, low[i].item(), high[i].item(), None, variance[i].item(), True)
        for i, d in enumerate(directions)
    ]


def codes(model: VAE, v: Tensor) -> list[Tensor]:
    """Return the maps of codes (h, w) at a flat vector (D,) of a model with codebooks, one a group."""
    rows = []
    for part, book in zip(unflatten(v[None], model.spec), model.codebooks, strict=True):
        assert part is not None
        vectors = part[0].movedim(0, -1)  # (c, h, w) -> (h, w, c)
        rows.append(torch.cdist(vectors.flatten(0, 1), book.cpu()).argmin(1).reshape(vectors.shape[:2]))
    return rows


def with_codes(model: VAE, v: Tensor, group: int, place: int, chosen: Tensor) -> Tensor:
    """Return the flat vector v (D,) with other codes (n,) at one place of a group's map, counted row by row: (n, D)."""
    whole = v.expand(len(chosen), -1).clone()
    parts = [part for part in unflatten(whole, model.spec) if part is not None]
    parts[group].flatten(2)[:, :, place] = model.codebooks[group].cpu()[chosen]
    return flatten(parts)


def traverse(start: Tensor, along: list[Axis], values: int = 9) -> Tensor:
    """Return a traversal grid: each axis moved through its range, all else as in `start`.

    Args:
        start: (D,) point.
        along: the rows.
        values: number of columns, at least 2.

    Returns:
        (rows, values, D).
    """
    if values < 2:
        raise ValueError(f"values is {values}; it must be at least 2.")
    rows = [axis.move(start.expand(values, -1), torch.linspace(axis.low, axis.high, values)) for axis in along]
    return torch.stack(rows) if rows else start.new_zeros((0, values, len(start)))


def prior_plane(side: int, temperature: float = 1.0) -> Tensor:
    """Return a square of points at the prior's quantiles for two-dimensional models.

    Kingma and Welling 2014, figure 4: linearly spaced probabilities through the inverse normal distribution function.

    Args:
        side: points a side, at least 2.
        temperature: factor on the standard deviation.

    Returns:
        (side, side, 2): row 0 is the top (largest second coordinate), column 0 the smallest first coordinate.
    """
    levels = temperature * torch.special.ndtri((torch.arange(side) + 0.5) / side)
    return torch.stack(torch.meshgrid(levels.flip(0), levels, indexing="ij")[::-1], -1)


def nearest(point: Tensor, reference: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Tell which rows of `reference` (N, D) lie next to a point (D,), the nearest first.

    Returns:
        Rows (n,) and Euclidean distances (n,), n the smaller of `count` and N.
    """
    distances = torch.linalg.vector_norm(reference - point, dim=1)
    closest = distances.topk(min(count, len(reference)), largest=False)
    return closest.indices, closest.values


def separation(points: Tensor, groups: Tensor) -> float:
    """Tell how well groups are apart: the share of the variance that lies between them, without what chance gives.

    The epsilon squared of Kelley (1935), summed over dimensions: 0 for groups made by lot, 1 where each is one place.

    Args:
        points: (N, D).
        groups: (N,) whole numbers.
    """
    _, own, counts = groups.unique(return_inverse=True, return_counts=True)
    rest = len(points) - len(counts)
    total = (points - points.mean(0)).square().sum()
    if rest < 1 or not total > 0:
        return 0.0
    sums = torch.zeros(len(counts), points.shape[1]).index_add_(0, own, points)
    within = (points - (sums / counts[:, None])[own]).square().sum()
    return float(1 - within / total * (len(points) - 1) / rest)


def tenths(values: Tensor) -> Tensor:
    """Group numbers (N,) by size, a tenth of them in each group, numbers that are alike in one: (N,) from 0 to 9."""
    ordered = values.nan_to_num().sort().values
    edges = ordered[[len(ordered) * i // 10 for i in range(1, 10)]]
    return torch.bucketize(values.nan_to_num(), edges, right=True)
