"""The named variants, each a few lines of data: name -> what to build and what to minimise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vae_core.config import (
    BLIND,
    BODIES,
    LIKELIHOODS,
    UNKNOWN,
    Body,
    DataConfig,
    Latent,
    LikelihoodConfig,
    ModelConfig,
    Objective,
    Recipe,
    Schedule,
    Training,
    from_dict,
    to_dict,
)
from vae_core.settings import DATA, SETTINGS

BINARY_DATA = ("mnist", "kmnist", "omniglot")  # ink or no ink: their grey is only the scanner's

DECAY = 100.0  # a learning rate that falls ends at this part of where it started


@dataclass(frozen=True)
class Variant:
    """A row of the zoo: bodies x latent x objective, the paper, what it is for, and a step's cost (conv is 1)."""

    body: Body
    paper: str
    purpose: str
    cost: float = 1.0
    latent: Latent = field(default_factory=Latent)
    objective: Objective = field(default_factory=Objective)
    conditional: bool = False
    conditioning: str = "concat"
    classifier: Body | None = None


MLP, CONV, RESNET = Body("mlp", (512,)), Body("conv", (32, 64, 128)), Body("resnet", (32, 64, 128))
PLAIN = {body.kind: body for body in (Body("linear", ()), MLP, CONV, RESNET)}
DEEP = Body("resnet", (32, 64, 64), "silu")
TANH = Body("mlp", (200, 200), "tanh")
WARM = Schedule("linear", length=0.2)
RISING = Schedule("linear", end=25.0, length=0.8)  # of the capacity, nats
ONE_LEVEL, TWO_LEVELS, THREE_LEVELS = ((2, 8),), ((3, 8), (2, 4)), ((3, 8), (2, 4), (1, 1))

VARIANTS = {
    "linear": Variant(
        Body("linear", ()),
        "Tipping and Bishop 1999; Lucas et al. 2019, arXiv:1911.02469",
        "probabilistic PCA: its exact likelihood is known, a yardstick for tests and lessons",
        cost=0.06,
    ),
    "mlp": Variant(
        MLP, "Kingma and Welling 2014, arXiv:1312.6114", "small pictures; trains in minutes on a laptop", cost=0.2
    ),
    "conv": Variant(CONV, "Radford et al. 2016, arXiv:1511.06434", "pictures of any size; the usual choice"),
    "resnet": Variant(
        RESNET, "He et al. 2016, arXiv:1603.05027", "the same with residual blocks: better, slower", cost=9.0
    ),
    "autoencoder": Variant(
        CONV,
        "Hinton and Salakhutdinov 2006",
        "no prior and no noise: beside it you see what a VAE adds",
        latent=Latent("point", prior="fitted"),
        objective=Objective("reconstruction"),
    ),
    "beta": Variant(
        CONV,
        "Higgins et al. 2017",
        "fewer, cleaner dimensions for blurrier pictures",
        objective=Objective(beta=Schedule(end=4.0)),
    ),
    "capacity": Variant(
        CONV,
        "Burgess et al. 2018, arXiv:1804.03599",
        "the KL is held to a target that rises: factors come in one after another",
        objective=Objective(beta=Schedule(end=10.0), capacity=RISING),
    ),
    "beta-tc": Variant(
        CONV,
        "Chen et al. 2018, arXiv:1802.04942",
        "penalises only the dependence between dimensions: factors come apart with less blur than by beta",
        objective=Objective("tc", beta=Schedule(end=6.0)),
    ),
    "factor": Variant(
        CONV,
        "Kim and Mnih 2018, arXiv:1802.05983",
        "the same dependence, measured by a critic",
        cost=1.1,
        objective=Objective("factor", gamma=10.0),
    ),
    "info": Variant(
        CONV,
        "Zhao et al. 2019, arXiv:1706.02262",
        "compares only the average of all posteriors with the prior: codes keep their information",
        objective=Objective("mmd", beta=Schedule(end=0.0)),
    ),
    "iwae": Variant(
        TANH,
        "Burda et al. 2016, arXiv:1509.00519",
        "a tighter bound from several draws a picture",
        cost=0.3,
        latent=Latent(dim=50),
        objective=Objective("iwae"),
    ),
    "dreg": Variant(
        TANH,
        "Tucker et al. 2019, arXiv:1810.04152",
        "the same bound, with a gradient that many draws do not drown in noise",
        cost=0.3,
        latent=Latent(dim=50),
        objective=Objective("dreg"),
    ),
    "miwae": Variant(
        TANH,
        "Rainforth et al. 2018, arXiv:1802.04537",
        "several bounds of several draws: between VAE and IWAE",
        cost=0.4,
        latent=Latent(dim=50),
        objective=Objective("iwae", draws=4, bounds=2),
    ),
    "piwae": Variant(
        TANH,
        "Rainforth et al. 2018, arXiv:1802.04537",
        "the tight bound for the decoder, the looser ones for the encoder",
        cost=0.4,
        latent=Latent(dim=50),
        objective=Objective("piwae", draws=4, bounds=2),
    ),
    "conditional": Variant(
        CONV,
        "Sohn et al. 2015",
        "the class is given, so z holds what is left: style",
        conditional=True,
    ),
    "conditional-film": Variant(
        CONV,
        "Perez et al. 2018, arXiv:1709.07871",
        "the same, the class scaling and shifting features",
        conditional=True,
        conditioning="film",
    ),
    "conditional-tc": Variant(
        CONV,
        "Chen et al. 2018, arXiv:1802.04942",
        "the class is given, and the dimensions come apart: a slider for each thing that is left",
        objective=Objective("tc", beta=Schedule(end=6.0)),
        conditional=True,
    ),
    "flow": Variant(
        CONV,
        "Kingma et al. 2016, arXiv:1606.04934",
        "posteriors that are not ellipses: inverse autoregressive flow",
        cost=1.2,
        latent=Latent("flow"),
    ),
    "mixture": Variant(
        CONV,
        "Jiang et al. 2017, arXiv:1611.05148",
        "a prior of several Gaussians, learned: clusters",
        latent=Latent(prior="mixture", components=20),
    ),
    "vamp": Variant(
        CONV,
        "Tomczak and Welling 2018, arXiv:1705.07120",
        "a prior made of the posteriors of learned pictures",
        cost=1.8,
        latent=Latent(prior="vamp", components=100),
    ),
    "ladder": Variant(
        CONV,
        "Kingma et al. 2016, arXiv:1606.04934; Vahdat and Kautz 2020, arXiv:2007.03898",
        "three groups from coarse to fine, each given the coarser ones",
        cost=4.0,
        latent=Latent("topdown", groups=THREE_LEVELS, prior="conditional"),
        objective=Objective(beta=WARM),
    ),
    "ladder-iwae": Variant(
        CONV,
        "Burda et al. 2016, arXiv:1509.00519; Kingma et al. 2016, arXiv:1606.04934",
        "the same groups on the tighter bound of several draws down all of them",
        cost=20.0,
        latent=Latent("topdown", groups=THREE_LEVELS, prior="conditional"),
        objective=Objective("iwae"),
    ),
    "vdvae": Variant(
        DEEP,
        "Child 2021, arXiv:2011.10650",
        "many groups: the likelihood of deep models",
        cost=14.0,
        latent=Latent("topdown", groups=((3, 4), (3, 4), (3, 4), (2, 2), (2, 2), (2, 2), (1, 1)), prior="conditional"),
        objective=Objective(beta=WARM),
    ),
    "vq": Variant(
        CONV,
        "van den Oord et al. 2017, arXiv:1711.00937",
        "a picture as a map of codes from a learned dictionary, and a prior that writes such maps",
        cost=2.4,
        latent=Latent("quantized", groups=ONE_LEVEL, prior="autoregressive"),
        objective=Objective("commitment"),
    ),
    "vq-2": Variant(
        CONV,
        "Razavi et al. 2019, arXiv:1906.00446",
        "two maps of codes: a coarse one, and a finer one that sees it",
        cost=3.0,
        latent=Latent("quantized", groups=TWO_LEVELS, prior="autoregressive"),
        objective=Objective("commitment"),
    ),
    "vae-gan": Variant(
        CONV,
        "Larsen et al. 2016, arXiv:1512.09300",
        "pictures compared in a critic's features: sharper, less faithful",
        cost=4.0,
        objective=Objective("adversarial_picture", beta=Schedule(end=0.1)),
    ),
    "adversarial": Variant(
        CONV,
        "Makhzani et al. 2016, arXiv:1511.05644",
        "an autoencoder whose codes a critic cannot tell from the prior",
        cost=1.1,
        latent=Latent("point"),
        objective=Objective("adversarial_latent"),
    ),
    "semi-supervised": Variant(
        Body("mlp", (256,)),
        "Kingma et al. 2014, arXiv:1406.5298",
        "learns the classes from few labels and many pictures (M2)",
        latent=Latent(dim=4),  # a larger style would do without the class
        objective=Objective(
            "semi_supervised", beta=Schedule("linear", start=4.0, end=1.0, length=0.6), alpha=30.0, jitter=1.0
        ),
        conditional=True,
        classifier=Body("conv", (16, 32, 64), norm="batch", dropout=0.2),
    ),
}


def likelihood_for(data: str, objective: str = "elbo") -> LikelihoodConfig:
    """Return the likelihood that suits a data set: bits for ink, for grey and colour a Gaussian of learned variance.

    Where a critic sees the pictures the likelihood is Gaussian, for any data: bits are easily told from means, and
    means of bits begin grey, from where the critic lets none come back. The standard deviation is fixed, since an
    objective that does not see the pixels' likelihood could not learn it.
    """
    if objective == BLIND:
        return LikelihoodConfig("gaussian", 0.2)
    return LikelihoodConfig("bernoulli" if data in BINARY_DATA else "learned_gaussian")


def recipe(
    variant: str,
    data: DataConfig,
    image_shape: tuple[int, int, int],
    *,
    latent_dim: int | None = None,
    classes: int = 0,
    likelihood: LikelihoodConfig | None = None,
    body: dict[str, Any] | None = None,
    objective: Objective | None = None,
    training: Training | None = None,
) -> Recipe:
    """Return a full recipe from a variant's name.

    Args:
        variant: a key of `VARIANTS`.
        data: what it is trained on.
        image_shape: (C, H, W) of those pictures.
        latent_dim: number of latent dimensions; None takes the variant's.
        classes: that the data has; conditional variants need them.
        likelihood: None takes the one that suits the data.
        body: fields of `Body` that differ from the variant's; another kind comes with the hidden layers usual for it.
        objective: None is the variant's.
        training: None is `Training()`.

    Raises:
        ValueError: on an unknown variant or a combination that is not defined.
    """
    if variant not in VARIANTS:
        raise ValueError(f"model is {variant!r}; allowed: {', '.join(VARIANTS)}.")
    row = VARIANTS[variant]
    if row.conditional and classes < 2:
        raise ValueError(f"The model {variant!r} needs data with classes, and {data.name!r} has none.")
    body = body or {}
    kind = body.get("kind", row.body.kind)
    _check_body(kind)
    net = replace(row.body if kind == row.body.kind else PLAIN.get(kind, row.body), **body)
    if "hidden" not in body:
        net = _fitting(net, image_shape)
    deepest = max(1, len(net.hidden))
    groups = tuple((min(level, deepest), channels) for level, channels in row.latent.groups)
    latent = replace(row.latent, groups=groups, dim=latent_dim or row.latent.dim)
    model = ModelConfig(
        image_shape,
        net,
        net,
        latent,
        likelihood or likelihood_for(data.name, (objective or row.objective).kind),
        classes if row.conditional else 0,
        row.conditioning,
        row.classifier and _fitting(row.classifier, image_shape),
    )
    return Recipe(variant, model, objective or row.objective, training or Training(), data)


OWN = Body("conv", (32, 64, 128, 256), "silu", "batch")
OWN_STD = Schedule("exponential", start=1.0, end=0.15, length=0.5)
OWN_RATE = Schedule("cosine", start=3e-3, end=3e-5)
OWN_DIM, OWN_WARMUP, OWN_MINUTES = 32, 100, 10.0
SMALL_BATCH, MANY = 64, 20_000  # pictures a step of a set of fewer pictures than this


def suited(recipe: Recipe, pictures: int) -> Recipe:
    """Return a plain convolutional recipe as it serves somebody's own pictures best, found by experiment.

    A standard deviation that narrows lets the code settle before details count; the smooth last layer draws no grid.

    Args:
        recipe: of the variant `conv`; any other comes back as it is.
        pictures: how many there are to train on.
    """
    if recipe.name != "conv":
        return recipe
    body = _fitting(OWN, recipe.model.image_shape)
    model = replace(
        recipe.model,
        encoder=body,
        decoder=replace(body, smooth=True),
        latent=replace(recipe.model.latent, dim=OWN_DIM),
        likelihood=LikelihoodConfig("gaussian", OWN_STD.end),
    )
    training = replace(
        recipe.training,
        batch_size=SMALL_BATCH if pictures < MANY else recipe.training.batch_size,
        learning_rate=OWN_RATE,
        warmup=OWN_WARMUP,
        std=OWN_STD,
    )
    return replace(recipe, model=model, training=training)


def _check_body(kind: str) -> None:
    """Refuse graphs from elsewhere: they cannot be trained."""
    if kind not in BODIES:
        raise ValueError(f"body kind is {kind!r}; allowed: {', '.join(BODIES)}.")


def _fitting(body: Body, image_shape: tuple[int, int, int]) -> Body:
    """Return a body that halves pictures of this shape down to two or three pixels a side, and not further."""
    if body.kind not in ("conv", "resnet"):
        return body
    levels = min(image_shape[1:]).bit_length() - 2
    return replace(body, hidden=body.hidden[: max(1, levels)])


def adjusted(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    """Return a recipe with other settings.

    Args:
        recipe: where to start.
        settings: any of `SETTINGS` but those of the data, by name; others mean nothing here.

    Raises:
        ValueError: on a value out of range.
    """
    _check_body(settings.get("body", recipe.model.encoder.kind))
    changed = to_dict(recipe)  # checked once, when all is in its place
    if "capacity" in settings and recipe.objective.capacity is None:
        changed["objective"]["capacity"] = to_dict(RISING)
    for setting in SETTINGS:
        if setting.name in settings and setting not in DATA:
            for place in setting.places.split():
                _put(changed, place, settings[setting.name])
    likelihood = _likelihood(recipe.model.likelihood, settings)
    changed["model"]["likelihood"] = to_dict(likelihood)
    if recipe.training.std is not None:
        narrowing = to_dict(replace(recipe.training.std, end=likelihood.std))
        changed["training"]["std"] = narrowing if likelihood.has_given_std else None
    if "learning_rate" in settings or "lr_schedule" in settings:
        rate = _learning_rate(recipe.training.learning_rate, settings)
        changed["training"]["learning_rate"] = to_dict(rate)
    return from_dict(Recipe, changed)


def _put(nested: dict[str, Any], place: str, value: Any) -> None:
    *outer, last = place.split(".")
    for name in outer:
        nested = nested[name]
    nested[last] = value


def _likelihood(now: LikelihoodConfig, settings: Mapping[str, Any]) -> LikelihoodConfig:
    """Return the standard deviation of another kind means nothing."""
    kind = settings.get("likelihood", now.kind)
    if kind not in (*LIKELIHOODS, UNKNOWN):  # `ModelConfig` knows where the unknown one is allowed
        raise ValueError(f"likelihood kind is {kind!r}; allowed: {', '.join(LIKELIHOODS)}.")
    return LikelihoodConfig(kind, settings.get("std", now.std if kind == now.kind else LikelihoodConfig.std))


def _learning_rate(now: Schedule, settings: Mapping[str, Any]) -> Schedule:
    kind = settings.get("lr_schedule", now.kind)
    peak = settings.get("learning_rate", max(now.start, now.end) if now.kind != "constant" else now.end)
    return Schedule(kind, start=peak, end=peak if kind == "constant" else peak / DECAY)
