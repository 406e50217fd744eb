"""The zoo: every variant builds for every size, learns, and is described."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_core import zoo
from vae_core.config import BODIES, DataConfig, LikelihoodConfig, Objective, Schedule, Training
from vae_core.data import Dataset, Splits
from vae_core.model import build
from vae_core.shards import seeded
from vae_core.training import Run

sides = st.integers(8, 128)


def test_every_body_has_a_variant_with_paper_and_purpose() -> None:
    assert tuple(zoo.VARIANTS) == BODIES
    for name, variant in zoo.VARIANTS.items():
        assert variant.body.kind == name
        assert variant.paper and variant.purpose


@settings(max_examples=30)
@given(st.sampled_from(list(zoo.VARIANTS)), st.sampled_from((1, 3)), sides, sides)
def test_every_variant_fits_every_size(variant: str, channels: int, height: int, width: int) -> None:
    recipe = zoo.recipe(variant, DataConfig(), (channels, height, width), latent_dim=5)
    with torch.device("meta"):
        model = build(recipe.model)
        picture = model.decode(model.sample_prior(2))
    assert picture.shape == (2, channels, height, width)
    for body in (recipe.model.encoder, recipe.model.decoder):
        assert body.kind not in ("conv", "resnet") or min(height, width) >> len(body.hidden) >= 2


@pytest.mark.parametrize("variant", list(zoo.VARIANTS))
def test_every_variant_learns(variant: str) -> None:
    x = torch.zeros(40, 1, 8, 8, dtype=torch.uint8)
    for i, place in enumerate(torch.randint(0, 7, (40,), generator=seeded(1)).tolist()):
        x[i, :, :, place : place + 2] = 255
    data = Dataset("bars", x)
    settings = Training(epochs=4, batch_size=8, learning_rate=Schedule("constant", end=2e-3))
    recipe = zoo.recipe(variant, DataConfig("bars"), (1, 8, 8), latent_dim=2, training=settings)
    run = Run(recipe, Splits(data, data, data), "cpu")
    list(run.train())
    assert run.history[-1]["train"]["elbo"] > run.history[0]["train"]["elbo"]


def test_ink_is_bits_and_the_rest_has_a_learned_variance() -> None:
    assert zoo.recipe("mlp", DataConfig("mnist"), (1, 28, 28)).model.likelihood.kind == "bernoulli"
    assert zoo.recipe("mlp", DataConfig("sprites"), (3, 32, 32)).model.likelihood.kind == "learned_gaussian"


def test_what_is_given_is_taken() -> None:
    likelihood, objective, settings = LikelihoodConfig("gaussian", 0.2), Objective(free_bits=0.1), Training(epochs=2)
    recipe = zoo.recipe(
        "conv",
        DataConfig("mnist"),
        (1, 28, 28),
        latent_dim=7,
        likelihood=likelihood,
        body={"hidden": (8, 9), "norm": "batch"},
        objective=objective,
        training=settings,
    )
    expected = replace(zoo.VARIANTS["conv"].body, hidden=(8, 9), norm="batch")
    assert recipe.model.encoder == recipe.model.decoder == expected
    assert (recipe.model.likelihood, recipe.objective, recipe.training) == (likelihood, objective, settings)
    assert (recipe.name, recipe.model.latent.dim) == ("conv", 7)


def test_unknown_variants_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="model is 'nvae'; allowed: linear, mlp, conv, resnet"):
        zoo.recipe("nvae", DataConfig(), (1, 8, 8))
