"""Whether a model's own prior puts its draws where the encoder put the pictures: in seconds, from the file alone.

The encodings that the file holds are compared with draws of the prior, both as codes and decoded; no picture is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_core import explore, fitting
from vae_core.checkpoints import Checkpoint, Reference
from vae_core.model import VAE
from vae_core.realism import sharpness

PICTURES = 250  # of each kind that are decoded
CODES = 1_000  # of each kind that are compared
LEAST = 40  # encodings
NEIGHBOUR = 5  # to which a distance is taken
USUAL = 0.95  # share of encodings that lie as near to the others as is called usual
INFORMED = 0.05  # part of a dimension's variance that the means have, from which it says something
FLAT = 1e-9  # sharpness of pictures without any contrast
SEED = 0
GOOD, FAIR = (0.1, 0.1), (0.25, 0.25)  # holes, and departure of the sharpness (logarithm), up to which a prior is so


@dataclass(frozen=True, eq=False)
class Coverage:
    """How the aggregate posterior q(z), of draws of q(z | x), and the prior that a model was trained with differ.

    Attributes:
        offset: (D,) mean of q(z) less the prior's, in the prior's standard deviations.
        variance: (D,) of q(z), over the prior's.
        used: (D,) which dimensions say something of the picture.
        effective_rank: as many directions, used alike, would spread the means so (Roy and Vetterli 2007).
        holes: share of draws further from all encodings than `USUAL` of held-out encodings are: 1 - `USUAL` if alike.
        round_trip: of draws and of encodings, the median of |encode(decode(z)) - z|, root mean square over the used
            dimensions, in standard deviations of q(z).
        sharpness: of decoded draws and of decoded encodings, as `realism.sharpness` measures it.
        gap: nats a picture by which a fitted prior describes held-out codes better; None where none was fitted.
    """

    offset: Tensor
    variance: Tensor
    used: Tensor
    effective_rank: float
    holes: float
    round_trip: tuple[float, float]
    sharpness: tuple[float, float]
    gap: float | None

    @property
    def departure(self) -> float:
        """How far the draws are from being as sharp as decoded encodings: 0, or more for fog and for noise."""
        return abs(math.log(max(self._crisp, FLAT)))

    @property
    def score(self) -> float:
        """One number to rank models of the same pictures by, the lower the better: blur, and what the prior adds."""
        return self.departure - math.log(max(self.sharpness[1], FLAT))

    @property
    def level(self) -> str:
        """Whether it is fit for a generator: yes, partly or no."""
        if not self.used.any():
            return "no"
        gap, excess = self.gap or 0.0, self.holes - (1 - USUAL)
        for level, (holes, departure), nats in (("yes", GOOD, fitting.SLIGHT), ("partly", FAIR, fitting.FOG)):
            if gap < nats and excess < holes and self.departure < departure:
                return level
        return "no"

    @property
    def verdict(self) -> str:
        """Whether draws of the prior look like reconstructions, and why not, in one sentence with the gap in words."""
        if not self.used.any():
            return "Fit for a generator? No: the code says nothing about the picture, so all draws look alike."
        gap = "" if self.gap is None else f" {fitting.describe(self.gap)}"
        so = "Yes, as far as its reconstructions are good" if self.level == "yes" else self.level.capitalize()
        return (
            f"Fit for a generator? {so}: {self.holes:.0%} of its draws lie further out than "
            f"{USUAL:.0%} of the encodings do, and they are {self._crisp:.0%} as sharp as reconstructions.{gap}"
        )

    @property
    def _crisp(self) -> float:
        """Sharpness of draws over that of decoded encodings."""
        return self.sharpness[0] / max(self.sharpness[1], FLAT)

    def rows(self) -> dict[str, str]:
        """Return the figures, name -> words."""
        widest, furthest = int(self.variance.log().abs().argmax()), int(self.offset.abs().argmax())
        return {
            "Gap": "not measured: no prior was fitted"
            if self.gap is None
            else f"{self.gap:.1f} nats a picture, by which a fitted prior is better",
            "Variance": f"of the encodings over the prior's: {self.variance.median():.2f} in the median, "
            f"{self.variance[widest]:.2f} in z{widest}, furthest off",
            "Mean": f"of the encodings: {self.offset[furthest]:+.2f} standard deviations of the prior in "
            f"z{furthest}, furthest off",
            "Holes": f"{self.holes:.0%} of draws lie further out than {USUAL:.0%} of the encodings do "
            f"({1 - USUAL:.0%} where they are alike)",
            "Round trip": "|enc(dec(z)) - z| is {:.2f} for draws, {:.2f} for encodings (standard deviations)".format(
                *self.round_trip
            ),
            "Directions": f"{self.effective_rank:.1f} of {len(self.variance)} in use (effective rank of the means)",
            "Sharpness": f"of draws: {self._crisp:.0%} of the reconstructions'",
        }

    def summary(self) -> dict[str, float | int | str | None]:
        """Return plain numbers, for programs."""
        return {
            "gap": self.gap,
            "largest_offset": self.offset.abs().max().item(),
            "smallest_variance": self.variance.min().item(),
            "largest_variance": self.variance.max().item(),
            "used": int(self.used.sum()),
            "effective_rank": self.effective_rank,
            "holes": self.holes,
            "round_trip_of_draws": self.round_trip[0],
            "round_trip_of_encodings": self.round_trip[1],
            "sharpness_of_draws": self.sharpness[0],
            "sharpness_of_encodings": self.sharpness[1],
            "score": self.score,
            "verdict": self.verdict,
        }


def lacking(checkpoint: Checkpoint) -> str | None:
    """Tell why a file's prior cannot be compared with its encodings, in a sentence; None where it can."""
    if checkpoint.model.spec.posterior in ("quantized", "topdown"):
        return "Its codes are drawn one by one or level by level: there is no single density to compare them with."
    if checkpoint.model.spec.size > fitting.MOST:
        return f"Its codes have {checkpoint.model.spec.size:,} numbers; at most {fitting.MOST:,} are compared."
    count = 0 if checkpoint.reference is None else len(checkpoint.reference)
    return None if count >= LEAST else f"The file holds {count} reference encodings; at least {LEAST} are needed."


def described(checkpoint: Checkpoint) -> dict[str, str]:
    """Return name -> words: *Prior*, the verdict or why there is none, and after a verdict the figures it rests on."""
    if why := lacking(checkpoint):
        gap = checkpoint.metrics.get("prior_gap")
        return {"Prior": f"Not compared with the encodings. {why}" if gap is None else fitting.describe(gap)}
    measured = measure(checkpoint)
    return {"Prior": measured.verdict, **measured.rows()}


def measure(checkpoint: Checkpoint) -> Coverage:
    """Compare the prior that a model was trained with and the encodings of its file.

    Raises:
        ValueError: in the sentence that `lacking` gives.
    """
    if why := lacking(checkpoint):
        raise ValueError(why)
    model, reference = checkpoint.model, checkpoint.reference
    assert reference is not None
    codes = fitting.codes_from(reference, SEED)
    draws = explore.sample(model, max(CODES, len(codes)), seed=SEED)
    scale = codes.std(0).clamp_min(1e-9)
    used = _used(reference)
    columns = used if used.any() else torch.ones_like(used)
    trips = [_round_trip(model, reference, z, scale, columns) for z in (draws, codes)]
    return Coverage(
        offset=(codes.mean(0) - draws.mean(0)) / draws.std(0).clamp_min(1e-9),
        variance=(codes.var(0) / draws.var(0).clamp_min(1e-18)).clamp_min(1e-9),
        used=used,
        effective_rank=_effective_rank(reference.mean),
        holes=_holes((codes / scale)[:, columns], (draws / scale)[:, columns]),
        round_trip=(trips[0][0], trips[1][0]),
        sharpness=(trips[0][1], trips[1][1]),
        gap=checkpoint.metrics.get("prior_gap"),
    )


def _used(reference: Reference) -> Tensor:
    """Tell which dimensions (D,) say something: their means vary beside their noise, and beside other dimensions."""
    moved, noise = reference.mean.var(0), reference.std.square().mean(0)
    return (moved > INFORMED * (moved + noise)) & (moved > explore.LEAST * moved.mean())


def _effective_rank(mean: Tensor) -> float:
    """Return exponential of the entropy of the shares of variance along principal directions of (N, D)."""
    rows = mean.double()
    variance = torch.linalg.svdvals(rows - rows.mean(0)).square()
    return torch.special.entr(variance / variance.sum().clamp_min(1e-30)).sum().exp().item()


def _holes(codes: Tensor, draws: Tensor) -> float:
    """Return share of draws (M, D) that lie further from half of the codes (N, D) than is usual for the other half."""
    known, held = codes[::2][:CODES], codes[1::2][:CODES]

    def distance(z: Tensor) -> Tensor:
        return torch.cdist(z, known).kthvalue(min(NEIGHBOUR, len(known)), dim=1).values

    return (distance(draws[:CODES]) > distance(held).quantile(USUAL)).float().mean().item()


def _round_trip(model: VAE, reference: Reference, z: Tensor, scale: Tensor, columns: Tensor) -> tuple[float, float]:
    """Measure the median way that codes (N, D) move when decoded and encoded again, and how sharp the pictures are."""
    z = z[:PICTURES]
    y = explore.classes_of(model, reference, range(min(len(z), len(reference))))
    z = z if y is None else z[: len(y)]
    pictures = explore.decode(model, z, y)
    back = explore.encode(model, pictures, SEED, y)[0]
    way = ((back - z) / scale)[:, columns].square().mean(1).sqrt()
    return way.median().item(), sharpness(pictures)
