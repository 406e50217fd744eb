"""Frozen dataclasses: the only place of hyper-parameters, JSON there and back.

Every field is checked when an object is made, so that a recipe from a stranger's file is either sensible or refused.
What a field may be stands in its annotation.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import reprlib
import types
import typing
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, TypeVar

T = TypeVar("T")

MIN_SIDE, MAX_SIDE = 8, 256
MAX_WIDTH = 65_536
MAX_LAYERS = 64
MAX_LATENT = 65_536
MAX_NAME = 200  # characters
MAX_LAYER = 2**24  # numbers that one layer gives for one picture, 64 MB: a small file must not ask for gigabytes

BODIES = ("linear", "mlp", "conv", "resnet")
FOREIGN = "onnx"  # the body of a model that was trained elsewhere: a graph that nothing here can train
ACTIVATIONS = ("relu", "silu", "gelu", "tanh", "leaky_relu", "elu")
NORMS = ("none", "batch", "group")
LATENTS = {  # kinds, and the priors that each can have
    "gaussian": ("normal", "mixture", "vamp"),
    "flow": ("normal", "mixture", "vamp"),
    "point": ("fitted", "normal"),
    "quantized": ("uniform", "autoregressive"),
    "topdown": ("conditional",),
}
PRIORS = ("normal", "mixture", "vamp", "fitted", "uniform", "autoregressive", "conditional")
RANGES = ("all", "bytes", "numbers", "each")  # files that a range of numbers is in force for
MAPS = ("quantized", "topdown")  # latents whose groups are maps (channels, height, width)
CONDITIONAL = ("gaussian", "flow")  # latents that can take a class
CONDITIONING = ("concat", "film")
FITS = ("crop", "pad", "stretch")  # how a picture of another shape is brought to a size
LIKELIHOODS = ("bernoulli", "gaussian", "learned_gaussian", "discretized_logistic")
UNKNOWN = "none"  # the likelihood of a model whose owner gave none
FOREIGN_LIKELIHOODS = ("bernoulli", "gaussian", UNKNOWN)  # whose parameters are the mean picture that a decoder gives
FOREIGN_LATENTS = {"gaussian": ("normal",), "point": ("fitted", "normal")}
OBJECTIVES = {  # kinds, the latents that they are defined for, and the settings that mean something to them
    "elbo": (("gaussian", "flow", "topdown"), {"beta", "free_bits", "capacity", "focal", "perceptual", "lpips"}),
    "tc": (("gaussian",), {"beta", "alpha", "gamma"}),
    "factor": (("gaussian",), {"beta", "gamma"}),
    "mmd": (("gaussian", "flow"), {"beta", "mmd"}),
    "iwae": (("gaussian", "flow", "topdown"), {"draws", "bounds"}),
    "dreg": (("gaussian",), {"draws", "bounds"}),
    "piwae": (("gaussian", "flow"), {"draws", "bounds"}),
    "reconstruction": (("point",), {"focal", "perceptual", "lpips"}),
    "commitment": (("quantized",), {"commitment", "focal", "perceptual", "lpips"}),
    "adversarial_latent": (("point",), {"gamma"}),
    "adversarial_picture": (("gaussian",), {"beta", "gamma"}),
    "semi_supervised": (("gaussian",), {"beta", "alpha", "labelled", "jitter"}),
}
BLIND = "adversarial_picture"  # the objective that compares pictures in a critic's features, and not their pixels
SCHEDULES = ("constant", "linear", "sigmoid", "exponential", "cosine", "cyclical")
PRECISIONS = ("float32", "bf16")
WEIGHTS = ("float32", "float16")
METRICS = {  # what `metrics.figures` measures, and its unit; here, since reading it needs no torch
    "elbo": "nats per image",
    "reconstruction": "nats per image (negative log-likelihood)",
    "kl": "nats per image",
    "kl_per_dim": "nats per image and dimension",
    "kl_per_level": "nats per image, one number per latent group, coarse to fine",
    "active_units": "dimensions whose encoded mean varies (Burda et al. 2016); of a hierarchy, whose KL is above 0",
    "nll": "nats per image (importance-weighted bound of -log p(x))",
    "bits_per_dimension": "bits per number of a picture",
    "mutual_information": "nats per image that codes say about pictures: a lower and an upper bound",
    "total_correlation": "nats, dependence between dimensions of the aggregate posterior (Chen et al. 2018)",
    "dimension_wise_kl": "nats, from each dimension's aggregate posterior to the prior, summed (Chen et al. 2018)",
    "aggregate_kl": "nats, from the aggregate posterior to the prior (Hoffman and Johnson 2016)",
    "perplexity": "codes that, all used equally, would be as hard to guess; one number per codebook",
    "linear_probe": "share of labels that logistic regression on the means predicts",
    "knn": "share of labels that the 5 nearest means predict",
    "accuracy": "share of labels that the model infers",
    "kid": "kernel distance to real pictures, x 1000 (Binkowski et al. 2018); 0 where there is no difference",
    "precision": "share of pictures that lie among real ones (Kynkäänniemi et al. 2019)",
    "recall": "share of real pictures that lie among them (Kynkäänniemi et al. 2019)",
    "mig_histogram": "0 to 1, of binned means (Locatello et al. 2019); not comparable with mig_sampled",
    "mig_sampled": "0 to 1, of densities of draws (Chen et al. 2018); not comparable with mig_histogram",
    "factor_vae": "0 to 1 (score of Kim and Mnih 2018)",
    "dci": "0 to 1 each (Eastwood and Williams 2018)",
    "sap": "0 to 1, of thresholds (Kumar et al. 2018); not comparable with disentanglement_lib's, of linear SVMs",
}


class OneOf(NamedTuple):
    """The values that a field may have; `name` is what a refusal calls the field, if not by its own name."""

    values: tuple[str, ...]
    name: str = ""

    def check(self, name: str, value: Any) -> None:
        if value not in self.values:
            raise ValueError(f"{self.name or name} is {reprlib.repr(value)}; allowed: {self}.")

    def __str__(self) -> str:
        return ", ".join(self.values)


class Between(NamedTuple):
    """The least and the most that a field may be; `name` is as in `OneOf`."""

    low: float
    high: float
    name: str = ""

    def check(self, name: str, value: Any) -> None:
        if not self.low <= value <= self.high:  # false for NaN too
            raise ValueError(f"{self.name or name} is {reprlib.repr(value)}; allowed: {self}.")

    def __str__(self) -> str:
        return f"{self.low:,.10g} to {self.high:,.10g}"


SEED = Between(0, 2**32 - 1, "seed")
WEIGHT = Between(0.0, 1e6)  # of a term


class Checked:
    """A dataclass whose fields are checked against their annotations; None always passes."""

    def __post_init__(self) -> None:
        cls: Any = type(self)
        for name, rule in rules(cls).items():
            if (value := getattr(self, name)) is not None:
                rule.check(name, value)


@functools.cache
def rules(cls: Any) -> dict[str, OneOf | Between]:
    """Tell what each field of a config dataclass may be, where its annotation says so."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {name: rule for name, hint in hints.items() for rule in getattr(hint, "__metadata__", ())}


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def look_up(place: str) -> tuple[Any, OneOf | Between | None]:
    """Tell the type of a field, and what it may be, by its place in a recipe: `model.latent.dim`."""
    cls: Any = Recipe
    *outer, last = place.split(".")
    for name in outer:
        hint = _hints(cls)[name]
        cls = next((part for part in typing.get_args(hint) if dataclasses.is_dataclass(part)), hint)
    return _hints(cls)[last], rules(cls).get(last)


@dataclass(frozen=True)
class Schedule(Checked):
    """A number that changes over a run: from `start` to `end` in the first `length` of it, then `end`.

    Used for the KL weight and for the learning rate. `exponential` changes by the same factor in equal times, or, where
    an end is 0, goes like e to the 5 p. `cyclical` repeats ramp-and-hold `cycles` times
    (Fu et al. 2019, arXiv:1903.10145).
    """

    kind: Annotated[str, OneOf(SCHEDULES, "schedule kind")] = "constant"
    start: Annotated[float, Between(0.0, 1e6, "schedule start")] = 0.0
    end: Annotated[float, Between(0.0, 1e6, "schedule end")] = 1.0
    length: Annotated[float, Between(1e-6, 1.0, "schedule length (a fraction of the run)")] = 1.0
    cycles: Annotated[int, Between(1, 1000, "schedule cycles")] = 4

    def at(self, progress: float) -> float:
        """Give the value when the fraction `progress` (0 to 1) of the run is over."""
        if self.kind == "constant":
            return self.end
        p = min(max(progress / self.length, 0.0), 1.0)
        if self.kind == "exponential" and min(self.start, self.end) > 0:
            return float(self.start ** (1.0 - p) * self.end**p)
        return self.start + (self.end - self.start) * _ramp(self.kind, p, self.cycles)


def _ramp(kind: str, p: float, cycles: int) -> float:
    """Return shape of a schedule: 0 at p = 0, 1 at p = 1."""
    if kind == "cyclical":
        return 1.0 if p >= 1.0 else min(2.0 * ((p * cycles) % 1.0), 1.0)

    def logistic(t: float) -> float:
        return 1.0 / (1.0 + math.exp(-12.0 * (t - 0.5)))

    shapes = {
        "linear": p,
        "cosine": 0.5 - 0.5 * math.cos(math.pi * p),
        "sigmoid": (logistic(p) - logistic(0.0)) / (logistic(1.0) - logistic(0.0)),
        "exponential": math.expm1(5.0 * p) / math.expm1(5.0),
    }
    return shapes[kind]


@dataclass(frozen=True)
class Body(Checked):
    """An encoder or decoder net; `hidden` are widths or channels, listed from the picture inwards for both.

    `conv` and `resnet` halve the picture once per entry of `hidden`. `smooth` ends a `conv` decoder with a 3 x 3
    convolution at full size, without which its last enlargement draws a grid. `onnx` is a graph that was made
    elsewhere: the file of the model holds it.
    """

    kind: Annotated[str, OneOf((*BODIES, FOREIGN), "body kind")] = "conv"
    hidden: tuple[int, ...] = (32, 64, 128)
    activation: Annotated[str, OneOf(ACTIVATIONS)] = "relu"
    norm: Annotated[str, OneOf(NORMS)] = "none"
    dropout: Annotated[float, Between(0.0, 0.95)] = 0.0
    smooth: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        Between(0, MAX_LAYERS).check("number of hidden layers", len(self.hidden))
        for width in self.hidden:
            Between(1, MAX_WIDTH).check("hidden width", width)
        if self.kind == FOREIGN and dataclasses.astuple(self)[1:] != ((), "relu", "none", 0.0, False):
            raise ValueError(
                "An onnx body has no settings: hidden must be empty, and all others as they are by default."
            )
        if self.kind == "linear" and self.hidden:
            raise ValueError(f"A linear body has no hidden layers, but hidden is {self.hidden}.")
        if self.kind == "linear" and (self.norm != "none" or self.dropout):
            raise ValueError(
                f"A linear body has no layer for norm and dropout, but they are {self.norm!r} and {self.dropout:g}."
            )
        if self.smooth and self.kind != "conv":
            raise ValueError(f"smooth is for a conv body; this one is {self.kind}.")
        if self.kind in ("conv", "resnet") and not self.hidden:
            raise ValueError(f"A {self.kind} body needs at least one entry in hidden.")
        if self.norm == "group" and min(self.hidden, default=4) < 4:
            raise ValueError(f"Group norm needs hidden widths of at least 4, but hidden is {self.hidden}.")


@dataclass(frozen=True)
class Latent(Checked):
    """The latent space: its kind, its size and its prior.

    `dim` numbers for a vector; for maps, one group a pair (halvings of the picture, channels), coarse to fine.
    """

    kind: Annotated[str, OneOf(tuple(LATENTS), "latent kind")] = "gaussian"
    dim: Annotated[int, Between(1, MAX_LATENT, "latent dim")] = 16
    groups: tuple[tuple[int, int], ...] = ()
    prior: str = "normal"
    # of a learned prior: Gaussians of the mixture, or pseudo-inputs
    components: Annotated[int, Between(1, 1000, "prior components")] = 10
    steps: Annotated[int, Between(1, 32, "flow steps")] = 4
    codes: Annotated[int, Between(2, 65_536)] = 128  # in each codebook

    def __post_init__(self) -> None:
        super().__post_init__()
        OneOf(LATENTS[self.kind]).check(f"prior of a {self.kind} latent", self.prior)
        count = Between(*self._groups_allowed())
        count.check(f"number of latent groups of a {self.kind} latent", len(self.groups))
        for level, channels in self.groups:
            Between(1, 8).check("halvings of a latent group", level)
            Between(1, 1024).check("channels of a latent group", channels)
        levels = [level for level, _ in self.groups]
        if levels != sorted(levels, reverse=True):
            raise ValueError(f"Latent groups go from coarse to fine, but their halvings are {levels}.")

    def _groups_allowed(self) -> tuple[int, int]:
        return {"topdown": (1, 64), "quantized": (1, 3)}.get(self.kind, (0, 0))


@dataclass(frozen=True)
class LikelihoodConfig(Checked):
    """p(x | z). `std` is the fixed standard deviation of `gaussian` and where `learned_gaussian` starts."""

    kind: Annotated[str, OneOf((*LIKELIHOODS, UNKNOWN), "likelihood kind")] = "bernoulli"
    std: Annotated[float, Between(0.01, 100.0, "likelihood std")] = 0.1

    @property
    def has_std(self) -> bool:
        """Whether `std` means something to it."""
        return self.kind in ("gaussian", "learned_gaussian")

    @property
    def has_given_std(self) -> bool:
        """Whether its standard deviation is given, so that a run may change it."""
        return self.kind == "gaussian"


@dataclass(frozen=True)
class ModelConfig(Checked):
    """Everything that `model.build` needs: bodies x latent x likelihood for pictures of one shape (C, H, W)."""

    image_shape: tuple[int, int, int] = (1, 28, 28)
    encoder: Body = field(default_factory=Body)
    decoder: Body = field(default_factory=Body)
    latent: Latent = field(default_factory=Latent)
    likelihood: LikelihoodConfig = field(default_factory=LikelihoodConfig)
    classes: Annotated[int, Between(0, 1000)] = 0  # conditional models; 0 = the class plays no part
    conditioning: Annotated[str, OneOf(CONDITIONING)] = "concat"
    classifier: Body | None = None  # q(y | x), of semi-supervised models

    def __post_init__(self) -> None:
        super().__post_init__()
        channels, height, width = self.image_shape
        self._check_foreign()
        self._check_classes()
        self._check_maps()
        if channels not in (1, 3):
            raise ValueError(f"image channels are {channels}; allowed: 1 (grey), 3 (colour).")
        for name, side in (("height", height), ("width", width)):
            Between(MIN_SIDE, MAX_SIDE).check(f"image {name}", side)
        for body in filter(None, (self.encoder, self.decoder, self.classifier)):
            levels = len(body.hidden)
            if body.kind in ("conv", "resnet") and min(height, width) < 2**levels:
                raise ValueError(
                    f"{levels} halvings do not fit a picture of {height} x {width}: "
                    f"hidden may have at most {int(math.log2(min(height, width)))} entries."
                )
            if (largest := _largest_layer(body, height, width)) > MAX_LAYER:
                raise ValueError(f"A layer of the {body.kind} body has {largest} numbers; allowed: up to {MAX_LAYER}.")

    @property
    def foreign(self) -> bool:
        """Whether the model was trained elsewhere, so that its bodies are graphs."""
        return FOREIGN in (self.encoder.kind, self.decoder.kind)

    def _check_foreign(self) -> None:
        """Check that graphs come in pairs, and give nothing but the parameters of q(z | x) and the mean picture."""
        kind, prior = self.latent.kind, self.latent.prior
        if not self.foreign:
            if self.likelihood.kind == UNKNOWN:
                raise ValueError(
                    f"likelihood kind is {UNKNOWN!r}, which is for models trained elsewhere; "
                    f"allowed: {', '.join(LIKELIHOODS)}."
                )
            return
        if self.encoder != self.decoder:
            raise ValueError(
                f"The bodies are {self.encoder.kind} and {self.decoder.kind}; onnx is for both or for none."
            )
        if prior not in FOREIGN_LATENTS.get(kind, ()):
            raise ValueError(
                f"A model of onnx graphs has a {kind} latent with the prior {prior}; allowed: gaussian with "
                "normal, point with fitted or normal."
            )
        OneOf(FOREIGN_LIKELIHOODS).check("likelihood kind of a model of onnx graphs", self.likelihood.kind)
        if self.classes or self.classifier:
            raise ValueError(f"A model of onnx graphs takes no class, but classes is {self.classes}.")

    @property
    def largest_layer(self) -> int:
        """Numbers that the largest hidden layer gives for one picture."""
        bodies = filter(None, (self.encoder, self.decoder, self.classifier))
        return max(_largest_layer(body, *self.image_shape[1:]) for body in bodies)

    def _check_classes(self) -> None:
        if self.classes == 1:
            raise ValueError("A conditional model needs at least 2 classes, but classes is 1.")
        if self.classes and self.latent.kind not in CONDITIONAL:
            raise ValueError(f"A {self.latent.kind} latent takes no class; allowed: {', '.join(CONDITIONAL)}.")
        if self.classes and self.latent.prior not in ("normal", "mixture"):
            raise ValueError(f"A conditional model's prior is {self.latent.prior!r}; allowed: normal, mixture.")
        if self.classifier and not self.classes:
            raise ValueError("A classifier needs classes, but classes is 0.")

    def _check_maps(self) -> None:
        """Check that latents that are maps sit between bodies that halve the picture often enough."""
        if self.latent.kind not in MAPS:
            return
        deepest = max(level for level, _ in self.latent.groups)
        for body in (self.encoder, self.decoder):
            if body.kind not in ("conv", "resnet"):
                raise ValueError(f"A {self.latent.kind} latent needs conv or resnet bodies; one is {body.kind}.")
            if len(body.hidden) < deepest:
                raise ValueError(
                    f"A latent group lies {deepest} halvings down, and hidden has {len(body.hidden)} entries; "
                    "one is needed for each."
                )


def _largest_layer(body: Body, height: int, width: int) -> int:
    """Return numbers that the largest hidden layer gives for one picture."""
    if body.kind in ("linear", "mlp", FOREIGN):
        return max(body.hidden, default=0)
    halved = 1 if body.kind == "conv" else 0  # residual blocks work before the halving
    levels = range(halved, halved + len(body.hidden))
    return max(channels * (height >> n) * (width >> n) for n, channels in zip(levels, body.hidden, strict=True))


@dataclass(frozen=True)
class Objective(Checked):
    """What is minimised; `OBJECTIVES` says which settings mean something to which kind."""

    kind: Annotated[str, OneOf(tuple(OBJECTIVES), "objective kind")] = "elbo"
    beta: Schedule = field(default_factory=Schedule)  # weight of the KL (of the total correlation in `tc`)
    free_bits: Annotated[float, Between(0.0, 100.0, "free_bits (nats per dimension)")] = 0.0
    capacity: Schedule | None = None  # nats that the KL is held to, with weight beta (Burgess et al.)
    alpha: Annotated[float, WEIGHT] = 1.0  # of the mutual information (`tc`), of the labels' cross-entropy
    gamma: Annotated[float, WEIGHT] = 1.0  # of the dimension-wise KL (`tc`) or of what the critic sees
    mmd: Annotated[float, WEIGHT] = 100.0  # of the maximum mean discrepancy
    draws: Annotated[int, Between(1, 1000)] = 5  # k of the importance-weighted bounds
    bounds: Annotated[int, Between(1, 100)] = 1  # as many bounds, of `draws` draws each, are averaged
    commitment: Annotated[float, WEIGHT] = 0.25
    labelled: Annotated[int, Between(1, 10_000_000)] = 100  # pictures whose label is known
    jitter: Annotated[float, Between(0.0, 2.0)] = 0.0  # how far the classifier's pictures are turned, scaled and moved
    focal: Annotated[float, Between(0.0, 10.0)] = 0.0  # the larger, the less weigh bits that are right (Lin et al.)
    perceptual: Annotated[float, WEIGHT] = 0.0  # of the distance in VGG features, nats per unit of it
    lpips: Annotated[float, WEIGHT] = 0.0  # of that distance weighed as people judge (Zhang et al. 2018)

    def __post_init__(self) -> None:
        super().__post_init__()
        Between(1, 1000).check("draws times bounds", self.draws * self.bounds)
        for name, held in (("a capacity", self.capacity), ("free_bits", self.free_bits)):
            if held and self.beta.end == 0:
                raise ValueError(f"With a beta of 0 {name} holds nothing: give a beta above 0.")
        if self.capacity and self.free_bits:
            raise ValueError("A capacity and free_bits both hold the KL: leave one of them out.")
        if self.kind == "mmd" and self.mmd == 0 and self.beta.end == 0:
            raise ValueError("With mmd and beta of 0 nothing holds the codes: give one of them above 0.")
        used = OBJECTIVES[self.kind][1]
        for entry in dataclasses.fields(self)[1:]:
            default = entry.default if entry.default is not dataclasses.MISSING else Schedule()
            if entry.name not in used and getattr(self, entry.name) != default:
                raise ValueError(f"{entry.name} means nothing to the objective {self.kind!r}; it has: {_listed(used)}.")


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none of its own"


@dataclass(frozen=True)
class Training(Checked):
    """How the objective is minimised: AdamW, gradient clipping by norm (0 = off), early stopping (0 = off).

    `warmup` steps raise the learning rate from 0. `std` is the standard deviation of a Gaussian likelihood during the
    run, where it changes: a wide one at first lets the code settle before details count. `precision` is that of the
    steps; `weights` is what the finished ones are rounded to before they are measured. `mirror` shows each picture
    mirrored in half of its steps.
    """

    epochs: Annotated[int, Between(1, 100_000)] = 20
    batch_size: Annotated[int, Between(1, 1_000_000)] = 128
    learning_rate: Schedule = field(default_factory=lambda: Schedule("cosine", start=1e-3, end=1e-5))
    weight_decay: Annotated[float, Between(0.0, 10.0)] = 0.0
    clip: Annotated[float, Between(0.0, 1e9)] = 0.0
    patience: Annotated[int, Between(0, 100_000)] = 0
    precision: Annotated[str, OneOf(PRECISIONS)] = "float32"
    weights: Annotated[str, OneOf(WEIGHTS)] = "float32"
    seed: Annotated[int, SEED] = 0
    warmup: Annotated[int, Between(0, 1_000_000)] = 0
    std: Schedule | None = None
    mirror: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.std is not None:
            Between(0.01, 100.0).check("std", min(self.std.start, self.std.end))


@dataclass(frozen=True)
class Range(Checked):
    """What black and white are in the numbers of pictures, and for which files that holds.

    `of` says which: `all` (a person asked for it), `bytes` (files of 8 bits alone; for others it is not known),
    `numbers` (files of more bits alone; those of 8 are taken as they are), or `each`: every picture of more bits by the
    smallest usual range that holds it, as earlier models were trained.
    """

    low: Annotated[float, Between(-1e30, 1e30, "range low")] = 0.0
    high: Annotated[float, Between(-1e30, 1e30, "range high")] = 255.0
    of: Annotated[str, OneOf(RANGES, "range of")] = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.low < self.high:
            raise ValueError(f"The range is {self.low:g} to {self.high:g}; black must be the smaller number.")


@dataclass(frozen=True)
class DataConfig(Checked):
    """Which pictures, at which size, and how they are split; None means the data's own.

    `range` is what black and white are in files that do not say so; None finds one range for the whole set. In the
    recipe of a trained model it is the range that was used; None there means a named set, or an earlier model.

    `fit` is how pictures of another shape are brought to the size, and `split_folders` whether folders that are named
    train, test and the like are parts of the data, and no classes.
    """

    name: str = "digits"
    size: tuple[int, int] | None = None
    channels: int | None = None
    count: Annotated[int | None, Between(1, 10_000_000, "picture count")] = None
    val_fraction: Annotated[float, Between(0.0, 0.9)] = 0.1
    test_fraction: Annotated[float, Between(0.0, 0.9)] = 0.1
    seed: Annotated[int, SEED] = 0
    fit: Annotated[str, OneOf(FITS)] = "crop"
    split_folders: bool = True
    range: Range | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        Between(1, MAX_NAME).check("length of the data set's name", len(self.name))
        for side in self.size or ():
            Between(MIN_SIDE, MAX_SIDE).check("picture side", side)
        if self.channels not in (None, 1, 3):
            raise ValueError(f"image channels are {self.channels}; allowed: 1 (grey), 3 (colour).")


@dataclass(frozen=True)
class Recipe(Checked):
    """A trained model in full: what it is, what it minimised, how, and on what."""

    name: str = "conv"
    model: ModelConfig = field(default_factory=ModelConfig)
    objective: Objective = field(default_factory=Objective)
    training: Training = field(default_factory=Training)
    data: DataConfig = field(default_factory=DataConfig)

    def __post_init__(self) -> None:
        Between(1, MAX_NAME).check("length of the recipe's name", len(self.name))
        kind, latent = self.objective.kind, self.model.latent
        if latent.kind not in (allowed := OBJECTIVES[kind][0]):
            raise ValueError(
                f"The objective {kind!r} is not defined for a {latent.kind} latent; allowed: {', '.join(allowed)}."
            )
        self._check_pairs()

    def _check_pairs(self) -> None:
        """Tell what only the objective and the model together can get wrong."""
        kind, model = self.objective.kind, self.model
        if (kind == "semi_supervised") != (model.classifier is not None):
            raise ValueError("A classifier and the objective 'semi_supervised' need one another.")
        if kind in ("tc", "factor", "adversarial_latent") and model.latent.prior != "normal":
            raise ValueError(f"The objective {kind!r} needs the prior 'normal', not {model.latent.prior!r}.")
        if self.objective.free_bits and (model.latent.kind == "flow" or model.latent.prior in ("mixture", "vamp")):
            raise ValueError("Free bits need a KL per dimension, which a flow or a learned prior does not have.")
        if kind in ("tc", "factor") and model.latent.dim < 2:
            raise ValueError(f"The objective {kind!r} needs at least 2 latent dimensions, and there is 1.")
        if kind == BLIND and (model.classes or model.likelihood.kind == "learned_gaussian"):
            what = "a class" if model.classes else "a variance: choose the likelihood gaussian"
            raise ValueError(f"The objective {kind!r} cannot learn {what}.")
        if self.objective.focal and model.likelihood.kind != "bernoulli":
            raise ValueError(
                f"The focal loss weighs bits, and the likelihood is {model.likelihood.kind}, not bernoulli."
            )


def to_dict(config: Any) -> dict[str, Any]:
    """Return a config dataclass as JSON-ready dictionaries and lists."""
    return dataclasses.asdict(config)


def from_dict(cls: type[T], data: Any, where: str = "recipe") -> T:
    """Rebuild a config dataclass from JSON.

    Args:
        cls: one of this module's dataclasses.
        data: what `to_dict` gave, after a trip through JSON.
        where: name used in messages.

    Returns:
        An object equal to the one that was written.

    Raises:
        ValueError: on an unknown key, a wrong type or a value out of range.
    """
    if not isinstance(data, dict):
        raise ValueError(f"{where} is {type(data).__name__}; it must be an object.")
    hints = typing.get_type_hints(cls)
    if unknown := sorted(set(data) - set(hints)):
        raise ValueError(f"{where} has the unknown key {reprlib.repr(unknown[0])}; allowed: {', '.join(hints)}.")
    for entry in dataclasses.fields(cls):  # type: ignore[arg-type]
        if entry.default is dataclasses.MISSING is entry.default_factory and entry.name not in data:
            raise ValueError(f"{where} has no {entry.name!r}.")
    return cls(**{key: _convert(hints[key], value, f"{where}.{key}") for key, value in data.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    """Return `value` as the annotated type `hint`, or a ValueError."""
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type, hint), value, where)
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        return _convert(next(a for a in typing.get_args(hint) if a is not type(None)), value, where)
    if typing.get_origin(hint) is tuple:
        return _convert_tuple(typing.get_args(hint), value, where)
    if hint is float and type(value) is int and abs(value) < 2**53:  # JSON does not tell 1 from 1.0
        value = float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ValueError(f"{where} is {reprlib.repr(value)}; it must be of type {hint.__name__}.")
    return value


def _convert_tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where} is {reprlib.repr(value)}; it must be a list.")
    if items[-1] is Ellipsis:
        items = (items[0],) * len(value)
    if len(items) != len(value):
        raise ValueError(f"{where} has {len(value)} entries; it must have {len(items)}.")
    return tuple(_convert(hint, entry, where) for hint, entry in zip(items, value, strict=True))


def difference(ours: Any, wanted: Any, where: str = "") -> str:
    """Return the first field in which two configs of one kind differ, in words."""
    for name in vars(ours):
        a, b, place = getattr(ours, name), getattr(wanted, name), f"{where}{name}"
        if a != b:
            alike = dataclasses.is_dataclass(a) and type(a) is type(b)
            return difference(a, b, f"{place}.") if alike else f"{place} is {a}, not {b}"
    return "no difference"
