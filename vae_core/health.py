"""Symptoms -> causes -> fixes: what the figures of a run say about its health, a sentence each.

A row of the history or the running terms of an epoch become `Signs`; `symptoms` reads them; a `Watch` reports each
symptom of a run once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vae_core.config import OBJECTIVES, Objective
from vae_core.likelihoods import MIN_STD
from vae_core.model import LatentSpec

SILENT = 0.1  # nats of KL below which a code says nothing
HUGE = 50.0  # nats of KL for each number of z: a posterior that is used has a few
FEW = 0.25  # part of the dimensions below which those that are active are few
USED = 0.1  # part of a codebook below which it has collapsed
BEATEN = 0.1  # nats of a critic's loss below which it is never wrong; guessing gives 2 ln 2 = 1.39
ORDERS = 10.0  # times by which a loss that rises is far above its lowest
LEGIBLE = 0.01  # nats below which two decimals tell nothing
EARLY = 0.1  # part of a run in which a KL of zero can still be a slow start


@dataclass(frozen=True)
class Symptom:
    """What is wrong: a name for programs, and a sentence with the usual fix."""

    name: str
    text: str


@dataclass(frozen=True)
class Signs:
    """What a run shows at one moment; None and an empty tuple are not known, or not defined for the model.

    `loss`, the `first` and the `lowest` one so far, `kl` and `critic_loss` in nats per image; `std` of the likelihood
    in units of x; `progress` is the part of the run that is over.
    """

    spec: LatentSpec
    objective: Objective
    progress: float
    loss: float
    first: float
    lowest: float
    kl: float | None = None
    active: int | None = None
    perplexity: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()  # KL of each, coarse to fine
    critic_loss: float | None = None
    std: float | None = None

    @property
    def beta(self) -> float:
        """The KL's weight by now; 0 where a model needs none."""
        return self.objective.beta.at(self.progress)

    @property
    def measured_kl(self) -> float | None:
        """The KL where it is one of a posterior with noise: a quantized latent's is the length of its codes."""
        return None if self.spec.posterior == "quantized" else self.kl

    def can(self, setting: str) -> bool:
        """Tell whether the objective has a setting."""
        return setting in OBJECTIVES[self.objective.kind][1]


def dead_levels(spec: LatentSpec, levels: Sequence[float]) -> str:
    """Tell which levels of a hierarchy say nothing, by their KL in nats, coarse to fine; "" where all speak."""
    dead = [i for i, kl in enumerate(levels) if kl < SILENT]
    if not dead:
        return ""
    nats = [f"{max(levels[i], 0.0):.2g} nats in {math.prod(spec.shapes[i])} dimensions" for i in dead]
    names = f"level{'s' * (len(dead) > 1)} {_listed([str(i + 1) for i in dead])} of {len(levels)}"
    return f"{names} {'are' if len(dead) > 1 else 'is'} dead ({_listed(nats)})"


def _listed(words: Sequence[str]) -> str:
    """Join as in "one, two and three"."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def kl_of_levels(spec: LatentSpec, figures: Mapping[str, Any]) -> str:
    """Return the KL of each level of a hierarchy in words, and which are dead; an empty text for other models."""
    per_dim = figures.get("kl_per_dim")
    if spec.posterior != "topdown" or per_dim is None:
        return ""
    levels = spec.levels(per_dim)
    dead = dead_levels(spec, levels)
    nats = ", ".join(f"{kl:.2f}" if kl >= LEGIBLE else f"{max(kl, 0.0):.2g}" for kl in levels)
    return f"{nats} nats, coarse to fine" + (f"; {dead}" if dead else "")


def symptoms(signs: Signs) -> list[Symptom]:
    """Return all that is wrong, the gravest first."""
    advice = ((name, check(signs)) for name, check in CHECKS.items())
    return [Symptom(name, text) for name, text in advice if text]


def _not_finite(signs: Signs) -> str | None:
    if all(math.isfinite(value) for value in (signs.loss, signs.kl or 0.0)):
        return None
    return "The loss is not finite: use a lower --learning-rate, or --clip 1."


def _exploding(signs: Signs) -> str | None:
    kl, most = signs.measured_kl, HUGE * signs.spec.size
    if kl is not None and kl > most and signs.beta > 0:
        return (
            f"The KL is {kl:,.0f} nats for {signs.spec.size} latent dimensions: means or standard deviations explode; "
            "use a lower --learning-rate, or --clip 1."
        )
    if math.isfinite(signs.loss) and signs.loss - signs.lowest > ORDERS * max(abs(signs.first), abs(signs.lowest), 1.0):
        return (
            f"The loss has risen from {signs.lowest:,.0f} to {signs.loss:,.0f}: the steps are too large; use a lower "
            "--learning-rate, or --clip 1."
        )
    return None


def _silent(signs: Signs) -> str | None:
    """Tell how it shows that the code says nothing of the picture."""
    kl, capacity = signs.measured_kl, signs.objective.capacity
    if capacity is not None and capacity.at(signs.progress) < 1.0:
        return None  # the KL is held there on purpose
    if kl is not None and kl < SILENT and signs.beta > 0:
        return f"the KL is {max(kl, 0.0):.2f} nats"
    return f"none of {signs.spec.size} units is active" if signs.active == 0 else None


def _quieter(signs: Signs) -> str:
    """Tell what gives a silent code its voice back."""
    if signs.can("mmd"):
        return "train longer, or lower --mmd"
    if not signs.can("beta") or signs.beta == 0:
        return "train longer, or use a lower --learning-rate"
    free = ", or give each dimension --free-bits 0.1" if signs.can("free_bits") and signs.spec.factorises else ""
    return f"lower --beta, let it rise (--beta-schedule linear){free}"


def _saturated(signs: Signs) -> str | None:
    if signs.progress > EARLY or not (how := _silent(signs)):
        return None
    return f"The code says nothing about the picture yet: {how}; if that lasts, {_quieter(signs)}."


def _collapsed(signs: Signs) -> str | None:
    if signs.progress <= EARLY or not (how := _silent(signs)):
        return None
    return f"The posterior has collapsed, {how}, so the decoder ignores the code: {_quieter(signs)}."


def _partly_collapsed(signs: Signs) -> str | None:
    vector = signs.spec.posterior in ("gaussian", "flow")
    if not vector or not signs.active or signs.progress < 0.5 or signs.active >= FEW * signs.spec.size:
        return None
    return (
        f"Only {signs.active} of {signs.spec.size} units are active: a smaller --latent-dim costs nothing, or "
        f"{_quieter(signs)}."
    )


def _dead_level(signs: Signs) -> str | None:
    if signs.progress <= EARLY or signs.spec.posterior != "topdown" or len(signs.levels) < 2 or _silent(signs):
        return None
    if not (dead := dead_levels(signs.spec, signs.levels)):
        return None
    return f"L{dead[1:]}: use fewer --groups, or {_quieter(signs)}."


def _codebook_collapsed(signs: Signs) -> str | None:
    codes = signs.spec.codebook_size
    if codes is None or not signs.perplexity or min(signs.perplexity) >= USED * codes:
        return None
    return (
        f"A codebook of {codes} is used like one of {min(signs.perplexity):.0f} codes: use fewer --codes, a larger "
        "--batch-size or a lower --learning-rate."
    )


def _critic_wins(signs: Signs) -> str | None:
    if signs.critic_loss is None or signs.critic_loss >= BEATEN:
        return None
    return (
        f"The critic is never wrong (its loss is {signs.critic_loss:.2f} nats, guessing has 1.39), so it teaches "
        "nothing: use a lower --learning-rate or another --gamma."
    )


def _at_floor(signs: Signs) -> str | None:
    if signs.std is None or signs.std > 1.01 * MIN_STD:
        return None
    return (
        f"The learned standard deviation is at its floor of {MIN_STD:g}, so exact pixels count above all: use "
        "--likelihood discretized_logistic, or a fixed one, --likelihood gaussian --std 0.1."
    )


CHECKS: dict[str, Callable[[Signs], str | None]] = {
    "not finite": _not_finite,
    "exploding": _exploding,
    "collapse": _collapsed,
    "saturation": _saturated,
    "dead level": _dead_level,
    "codebook collapse": _codebook_collapsed,
    "critic winning": _critic_wins,
    "partial collapse": _partly_collapsed,
    "std at floor": _at_floor,
}
URGENT = ("not finite", "exploding")  # what needs no patience to be seen


@dataclass
class Watch:
    """Sees the reports of one run, and gives each symptom once."""

    spec: LatentSpec
    objective: Objective
    losses: list[float] = field(default_factory=list)  # of the epochs before, where a run is continued
    reported: set[str] = field(default_factory=set)

    def see(
        self,
        progress: float,
        terms: Mapping[str, float],
        row: Mapping[str, Any] | None = None,
        std: float | None = None,
        ripe: bool = True,
    ) -> list[Symptom]:
        """Tell what is new at a report.

        Args:
            progress: part of the run that is over, 0 to 1.
            terms: of the epoch so far, as the objective gives them: `loss`, and where they are `kl`, `critic_loss`.
            row: of the history, where the report closes an epoch; its validation figures are preferred.
            std: of a likelihood that learns it.
            ripe: whether there were steps enough to tell a bad run from a young one.
        """
        self.losses.append(terms["loss"])
        measured: Mapping[str, Any] = row["val"] if row else {"kl": terms.get("kl")}
        signs = Signs(
            self.spec,
            self.objective,
            progress,
            terms["loss"],
            self.losses[0],
            min(self.losses),
            measured["kl"],
            measured.get("active_units"),
            tuple(measured.get("perplexity", ())),
            tuple(self.spec.levels(measured["kl_per_dim"]) if "kl_per_dim" in measured else ()),
            terms.get("critic_loss"),
            std,
        )
        new = [one for one in symptoms(signs) if one.name not in self.reported and (ripe or one.name in URGENT)]
        self.reported |= {one.name for one in new}
        return new
