"""What a latent space means, in sentences for people: read from `model.spec`, so that no page knows a kind of model."""

from __future__ import annotations

from vae_core.explore import LEAST
from vae_core.model import LatentSpec
from vae_core.scoring import ACTIVE_KL, ACTIVE_VARIANCE

DENSITY = "An autoencoder gives pictures no likelihood, so it has no ELBO and no KL."
UNKNOWN = "It came without a likelihood, so it has no ELBO."


def sentence(note: str) -> str:
    """Return a note of a data set, which begins small and ends without a full stop, as a sentence."""
    return f"{note[:1].upper()}{note[1:].rstrip('.')}."


def density_of(spec: LatentSpec) -> str:
    """Tell why there is no ELBO, where there is none."""
    return UNKNOWN if spec.has_kl else DENSITY


def prior_of(spec: LatentSpec, prior: str = "own") -> str:
    """Tell where draws come from, after "from"; `prior` is own, fitted or both."""
    if prior == "fitted":
        return "the prior that was fitted to where the encoder put the pictures"
    if prior == "both":
        return f"{prior_of(spec)} (above), and the one that was fitted to where the encoder put the pictures (below)"
    if spec.codebook_size:
        learned = "the learned prior over codes, which writes the map of codes place by place"
        return learned if spec.prior == "learned" else "a uniform prior over codes: each is equally likely everywhere"
    named = {
        "fitted": "a Gaussian fitted to the codes of training pictures, not a prior of the model's own",
        "learned": "the prior that the model has learned, a mixture of Gaussians",
        "conditional": "the prior, level by level: each level is drawn given the coarser ones",
    }
    return named.get(spec.prior, "the prior")


def intro(spec: LatentSpec, prior: str = "own") -> str:
    """Return the first sentence of Sample, of draws from a prior: own, fitted or both."""
    if spec.prior == "normal" and prior == "own":
        return "Pictures that nobody drew: the decoder turns points of the prior, drawn at random, into pictures."
    return f"Pictures that nobody drew, decoded from {prior_of(spec, prior)}."


OWN, FITTED = "where the prior puts its draws", "where the encoder put the pictures"


def places_of(prior: str) -> str:
    """Tell what the choice of a prior comes down to, in a sentence; `prior` is own, fitted or both."""
    if prior == "both":
        return f"Above: {OWN}. Below: {FITTED}."
    return f"{(FITTED if prior == 'fitted' else OWN).capitalize()}."


def fitted_prior(spec: LatentSpec) -> str:
    """Return the fitted prior of a model that has one, in words."""
    if spec.fitted == "flow":
        return "a flow, which carries each point of N(0, I) to one code; as a sampler a little behind a mixture"
    return "a mixture of Gaussians"


def temperature_of(spec: LatentSpec, prior: str = "own") -> str:
    """Tell what the temperature does, to draws from a prior: own, fitted or both."""
    rest = "1 is the prior itself; below 1 the pictures are more average and more alike, above 1 they are stranger."
    if prior == "fitted" and spec.fitted == "flow":
        return f"The points of N(0, I) that the flow carries to codes are multiplied by it. {rest}"
    if prior != "own":
        return f"The standard deviation of the prior, of a mixture that of each Gaussian, is multiplied by it. {rest}"
    if spec.codebook_size:
        if spec.prior != "learned":
            return "A uniform prior has no temperature: all codes stay alike."
        return f"The logits of the codes are divided by it: at 0 the likeliest code is taken each time. {rest}"
    meant = {
        "fitted": "The standard deviation of the fitted Gaussian is multiplied by it. "
        + rest.replace("the prior itself", "the fitted Gaussian itself"),
        "learned": f"The standard deviation of each Gaussian of the mixture is multiplied by it. {rest}",
        "conditional": f"The standard deviation of every level, given the coarser ones, is multiplied by it. {rest}",
    }
    return meant.get(spec.prior, f"The prior's standard deviation is multiplied by it. {rest}")


def straight(spec: LatentSpec) -> str:
    """Tell why there is no spherical path."""
    snapped = ", each vector on it snapped to the nearest code, so that the picture jumps" if spec.codebook_size else ""
    return f"The path is straight{snapped}; a spherical one has a meaning only for a standard normal prior."


def unused(spec: LatentSpec) -> str:
    """Return when a dimension counts as collapsed, for what the model does not use."""
    if spec.units_by == "variance":
        kl = " and the KL is close to 0 nats, so that the posterior is the prior" if spec.factorises else ""
        return f"over the reference pictures the variance of the encoded mean is below {ACTIVE_VARIANCE:g}{kl}"
    if spec.units_by == "kl":
        return f"over the reference pictures the KL is below {ACTIVE_KL:g} nats, so that the posterior is the prior"
    return f"over the reference pictures they vary by less than {LEAST:.0%} of what dimensions vary by on average"


def order_of(spec: LatentSpec) -> str:
    """Tell how dimensions are ordered where it is not by their KL, and why."""
    if not spec.has_kl:
        return "by variance of the codes: an autoencoder has no KL"
    return "by variance of the means: this model's KL is one number and does not split into dimensions"


def size_of(spec: LatentSpec) -> str:
    """Return the latent space in figures."""
    if spec.codebook_size:
        maps = " and ".join(" × ".join(map(str, shape[1:])) for shape in spec.shapes)
        kind = "a map" if len(spec.shapes) == 1 else "maps"
        return f"{kind} of {maps} codes, each one of {spec.codebook_size}"
    levels = f" in {len(spec.shapes)} levels" if len(spec.shapes) > 1 else ""
    return f"{spec.size} latent dimensions{levels}"


def level_name(spec: LatentSpec, level: int) -> str:
    """Return a latent group in words; the coarsest is level 1."""
    ends = {0: ", the coarsest", len(spec.shapes) - 1: ", the finest"}
    shape = spec.shapes[level]
    size = " × ".join(map(str, shape[1:] if spec.codebook_size else shape))
    return f"Level {level + 1} ({size}{ends.get(level, '')})"


def what_levels(spec: LatentSpec) -> list[str]:
    """Return names of all latent groups."""
    return [level_name(spec, level) for level in range(len(spec.shapes))]
