"""The settings of a recipe by name: what each is, where it stands, and which recipes it means something to.

What a setting may be stands at its place in `config`. `vae train` has an option for each; `zoo.adjusted` sets them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from vae_core import config
from vae_core.config import Recipe


class Use(NamedTuple):
    """The recipes that a setting means something to.

    Args:
        test: of a recipe.
        other: what a recipe that fails it is; `{model...}` stands for a part of it.
        meant: which recipes pass it.
    """

    test: Callable[[Recipe], bool]
    other: str
    meant: str


class Setting(NamedTuple):
    """A number, word or list of a recipe, by a name.

    Args:
        name: with underscores.
        places: where it stands in a recipe; several are parted by a blank.
        help: what it is.
        default: what it is where it is not given, in words.
        form: how a list is written, or the words that stand for other values.
        values: what it may be, where `config` allows more at its place.
        use: None where every recipe has it, or the objective tells (`config.OBJECTIVES`).
    """

    name: str
    places: str
    help: str
    default: str = "the variant's"
    form: str = ""
    values: tuple[str, ...] = ()
    use: Use | None = None

    @property
    def option(self) -> str:
        """Give its name on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def sentence(self) -> str:
        """Tell what it is, what it may be, and what it is where it is not given."""
        rule = config.OneOf(self.values) if self.values else config.look_up(self.places.split()[0])[1]
        before = ": " if isinstance(rule, config.OneOf) else ", "
        return f"{self.help}{f'{before}{rule}' if rule else ''}. Default: {self.default}."

    def check(self, recipe: Recipe) -> None:
        """Refuse a setting that changes nothing of a recipe."""
        if self.use and not self.use.test(recipe):
            other = self.use.other.format(**vars(recipe))
            raise ValueError(f"{self.option} has no meaning for {other}; it is for {self.use.meant}.")


def _both(field: str) -> str:
    return f"model.encoder.{field} model.decoder.{field}"


LATENT = "a {model.latent.kind} latent with a {model.latent.prior} prior"
BETA = "a {objective.beta.kind} beta"
LIKELIHOOD, DENSITIES = "the likelihood {model.likelihood.kind!r}", "gaussian and learned_gaussian"
GAUSSIAN = Use(lambda recipe: recipe.model.likelihood.has_std, LIKELIHOOD, DENSITIES)
LAYERED = Use(lambda recipe: recipe.model.encoder.kind != "linear", "a linear body", "bodies with hidden layers")
VECTOR = Use(lambda recipe: recipe.model.latent.kind not in config.MAPS, LATENT, "latents that are one vector")
LEARNED = Use(lambda recipe: recipe.model.latent.prior in ("mixture", "vamp"), LATENT, "the priors mixture and vamp")
FLOW = Use(lambda recipe: recipe.model.latent.kind == "flow", LATENT, "the latent flow")
QUANTIZED = Use(lambda recipe: recipe.model.latent.kind == "quantized", LATENT, "the latent quantized")
CONDITIONAL = Use(lambda recipe: recipe.model.classes > 0, "a model without classes", "conditional models")
CHANGES = f"a --beta-schedule: {', '.join(config.SCHEDULES[1:])}"
CHANGING = Use(lambda recipe: recipe.objective.beta.kind != "constant", BETA, CHANGES)
CYCLICAL = Use(lambda recipe: recipe.objective.beta.kind == "cyclical", BETA, "--beta-schedule cyclical")

DATA = (
    Setting("size", "data.size", "Height x width in pixels", "the data's own", "N|HxW"),
    Setting("channels", "data.channels", "1 (grey) or 3 (colour)", "the data's own"),
    Setting("count", "data.count", "How many pictures to use", "all"),
    Setting("range", "data.range", "Black and white in the pictures' numbers", "found in the whole set", "LOW,HIGH"),
    Setting("val_fraction", "data.val_fraction", "Share held out for validation", "0.1"),
    Setting("fit", "data.fit", "How pictures of another shape are fitted", "pad; of a named set crop"),
    Setting("split_folders", "data.split_folders", "Take folders like train and test as parts", "on", "on|off"),
)
PANELS = {
    "Model": (
        Setting("body", _both("kind"), "Kind of encoder and decoder", values=config.BODIES),
        Setting("hidden", _both("hidden"), "Widths or channels of layers, from the picture inwards", form="32,64,128"),
        Setting("activation", _both("activation"), "Activation between layers", use=LAYERED),
        Setting("norm", _both("norm"), "Normalisation of features"),
        Setting("dropout", _both("dropout"), "Share of features dropped", "0"),
        Setting("decoder_dropout", "model.decoder.dropout", "The same in the decoder alone", "that of --dropout"),
        Setting("likelihood", "model.likelihood.kind", "p(x | z)", "what suits the data", values=config.LIKELIHOODS),
        Setting("std", "model.likelihood.std", "Standard deviation of a Gaussian, or its start", "0.1", use=GAUSSIAN),
    ),
    "Latent and prior": (
        Setting("latent_dim", "model.latent.dim", "Latent dimensions", use=VECTOR),
        Setting("prior", "model.latent.prior", "p(z)", values=config.PRIORS),
        Setting(
            "groups", "model.latent.groups", "Maps, coarse to fine, halvings:channels (ladder, vq)", form="3:8,2:4,1:1"
        ),
        Setting("conditioning", "model.conditioning", "How the class enters", use=CONDITIONAL),
        Setting("components", "model.latent.components", "Components of a learned prior (mixture, vamp)", use=LEARNED),
        Setting("flow_steps", "model.latent.steps", "Steps of the flow", use=FLOW),
        Setting("codes", "model.latent.codes", "Codes in each codebook (vq)", use=QUANTIZED),
    ),
    "Data": DATA,
    "Objective": (
        Setting("beta", "objective.beta.end", "Weight of the KL term", "1"),
        Setting("beta_schedule", "objective.beta.kind", "How beta changes", "constant"),
        Setting("beta_start", "objective.beta.start", "Where beta starts", "0", use=CHANGING),
        Setting("beta_length", "objective.beta.length", "Share of the run that the change takes", "1", use=CHANGING),
        Setting("beta_cycles", "objective.beta.cycles", "Rises of a cyclical beta", "4", use=CYCLICAL),
        Setting("free_bits", "objective.free_bits", "Nats per dimension that cost nothing", "0"),
        Setting("capacity", "objective.capacity.end", "Nats that the KL rises to and is held at", "none"),
    ),
    "Objective of some models": (
        Setting("alpha", "objective.alpha", "Weight of mutual information (beta-tc) or of labels (semi-supervised)"),
        Setting("gamma", "objective.gamma", "Weight of the dimension-wise KL (beta-tc) or of the critic"),
        Setting("mmd", "objective.mmd", "Weight of the maximum mean discrepancy (info)"),
        Setting("draws", "objective.draws", "Draws per bound (iwae and its kin)"),
        Setting("bounds", "objective.bounds", "Bounds to average (iwae and its kin)"),
        Setting("commitment", "objective.commitment", "Weight of the distance to the codes (vq)"),
        Setting("focal", "objective.focal", "How far the loss turns to bits that are still wrong", "0"),
        Setting("perceptual", "objective.perceptual", "Weight of the distance in VGG16 features (see --download)", "0"),
        Setting("lpips", "objective.lpips", "Weight of LPIPS, that distance as people judge it (needs [lpips])", "0"),
        Setting("labelled", "objective.labelled", "Pictures whose label is used (semi-supervised)"),
        Setting("jitter", "objective.jitter", "How far the classifier's pictures are turned, scaled and moved"),
    ),
    "Training": (
        Setting("epochs", "training.epochs", "Passes over the training pictures", "20; for your own see --minutes"),
        Setting("batch_size", "training.batch_size", "Pictures per step, over all processes", "128"),
        Setting("learning_rate", "training.learning_rate.start", "Highest learning rate of AdamW", "0.001"),
        Setting("lr_schedule", "training.learning_rate.kind", "How the learning rate falls", "cosine"),
        Setting("weight_decay", "training.weight_decay", "Weight decay of AdamW", "0"),
        Setting("clip", "training.clip", "Largest norm of the gradient (0: any)", "0"),
        Setting("patience", "training.patience", "Epochs without a better ELBO that end a run (0: none)", "0"),
        Setting("precision", "training.precision", "Precision of a step", "bf16 where it is faster here"),
        Setting("weights", "training.weights", "Precision of the finished weights", "float32"),
        Setting(
            "mirror", "training.mirror", "Mirror half of the pictures; auto: unless that shows", "off", "on|off|auto"
        ),
        Setting("seed", "training.seed", "Seed of weights, order and noise", "0"),
    ),
}
SETTINGS = tuple(setting for panel in PANELS.values() for setting in panel)
