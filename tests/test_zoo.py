"""The zoo: every variant builds for every size, learns, and is described."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vae_core import zoo
from vae_core.config import BODIES, LATENTS, OBJECTIVES, DataConfig, LikelihoodConfig, Objective, Schedule, Training
from vae_core.data import Dataset, Splits, load
from vae_core.health import BEATEN
from vae_core.model import build
from vae_core.packaging import package
from vae_core.shards import seeded
from vae_core.training import Run

sides = st.integers(8, 128)


def test_every_body_has_a_variant_with_paper_and_purpose() -> None:
    assert {variant.body.kind for variant in zoo.VARIANTS.values()} == set(BODIES)
    assert {variant.latent.kind for variant in zoo.VARIANTS.values()} == set(LATENTS)
    assert {variant.objective.kind for variant in zoo.VARIANTS.values()} == set(OBJECTIVES)
    for name, variant in zoo.VARIANTS.items():
        assert variant.paper and variant.purpose, name
        assert variant.cost > 0
    assert len({variant.purpose for variant in zoo.VARIANTS.values()}) == len(zoo.VARIANTS)


@pytest.mark.parametrize("variant", list(zoo.VARIANTS))
@settings(max_examples=2)
@given(st.sampled_from((1, 3)), sides, sides)
@example(1, 8, 8)
@example(3, 9, 127)
@example(1, 128, 15)
def test_every_variant_fits_every_size(variant: str, channels: int, height: int, width: int) -> None:
    recipe = zoo.recipe(variant, DataConfig(), (channels, height, width), latent_dim=5, classes=3)
    with torch.device("meta"):
        model = build(recipe.model)
        z = model.encode(torch.zeros(2, channels, height, width)).mean
        picture = model.decode([*z])
    assert [part.shape for part in z] == [(2, *shape) for shape in model.spec.shapes]
    assert picture.shape == (2, channels, height, width)
    assert model.spec.classes == (3 if zoo.VARIANTS[variant].conditional else None)
    for body in (recipe.model.encoder, recipe.model.decoder):
        assert body.kind not in ("conv", "resnet") or min(height, width) >> len(body.hidden) >= 2


def bars() -> Splits:
    """Vertical bars in seven places; the class is the third of the picture."""
    x, places = torch.zeros(40, 1, 8, 8, dtype=torch.uint8), torch.randint(0, 7, (40,), generator=seeded(1))
    for i, place in enumerate(places.tolist()):
        x[i, :, :, place : place + 2] = 255
    data = Dataset("bars", x, labels=places * 3 // 7, class_names=("left", "middle", "right"))
    return Splits(data, data, data)


@pytest.mark.parametrize("variant", list(zoo.VARIANTS))
def test_every_variant_learns(variant: str) -> None:
    """The bound rises; without one the reconstruction gets better.

    Of VAE-GAN no figure has to, while its critic learns: what it minimises is tested with the critics.
    """
    settings = Training(epochs=4, batch_size=8, learning_rate=Schedule("constant", end=2e-3))
    recipe = zoo.recipe(variant, DataConfig("bars"), (1, 8, 8), latent_dim=2, classes=3, training=settings)
    run = Run(zoo.adjusted(recipe, {"labelled": 6}) if variant == "semi-supervised" else recipe, bars(), "cpu")
    list(run.train())
    first, last = run.history[0], run.history[-1]
    if variant == "vae-gan":
        assert run.keeps_last and all(math.isfinite(last[name]) for name in ("loss", "score"))
        fresh = build(recipe.model).state_dict()
        assert not any(torch.equal(w, fresh[n]) for n, w in run.model.state_dict().items() if n.endswith("weight"))
    elif run.model.spec.has_density:
        assert last["train"]["elbo"] > first["train"]["elbo"]
    else:
        assert last["train"]["elbo"] is None and last["train"]["reconstruction"] < first["train"]["reconstruction"]


@pytest.mark.parametrize("variant", list(zoo.VARIANTS))
def test_every_variant_takes_steps_in_mixed_precision(variant: str) -> None:
    """As far as a processor tells: with products in bf16 the loss is near, and weights stay in float32."""
    losses, weights = [], []
    for precision in ("float32", "bf16"):
        settings = Training(epochs=1, batch_size=8, precision=precision)
        recipe = zoo.recipe(variant, DataConfig("bars"), (1, 8, 8), latent_dim=2, classes=3, training=settings)
        run = Run(zoo.adjusted(recipe, {"labelled": 6}) if variant == "semi-supervised" else recipe, bars(), "cpu")
        list(run.train())
        losses.append(run.history[-1]["loss"])
        weights.append([*run.model.state_dict().values()])
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert [tensor.dtype for tensor in weights[1]] == [tensor.dtype for tensor in weights[0]]
    assert not all(map(torch.equal, *weights))


def test_semi_supervised_learns_classes_from_few_labels() -> None:
    settings = Training(epochs=6, batch_size=8, learning_rate=Schedule("constant", end=2e-3))
    recipe = zoo.recipe("semi-supervised", DataConfig("bars"), (1, 8, 8), latent_dim=2, classes=3, training=settings)
    run = Run(zoo.adjusted(recipe, {"labelled": 12}), bars(), "cpu")
    list(run.train())
    data = run.splits.test
    right = (run.model.infer(data.images.float() / 255).argmax(1) == data.labels).float().mean().item()
    assert right > 0.8
    assert package(run).metrics["accuracy"] == pytest.approx(right)


def test_conditional_variants_need_classes() -> None:
    for variant, row in zoo.VARIANTS.items():
        if row.conditional:
            with pytest.raises(ValueError, match="needs data with classes, and 'faces' has none"):
                zoo.recipe(variant, DataConfig("faces"), (3, 16, 16))
        else:
            assert zoo.recipe(variant, DataConfig("faces"), (3, 16, 16), classes=7).model.classes == 0


def test_ink_is_bits_and_the_rest_has_a_learned_variance() -> None:
    assert zoo.recipe("mlp", DataConfig("mnist"), (1, 28, 28)).model.likelihood.kind == "bernoulli"
    for name in (*zoo.BINARY_DATA, "fashion-mnist"):  # a critic tells bits from means at once
        assert zoo.recipe("vae-gan", DataConfig(name), (1, 28, 28)).model.likelihood.kind == "gaussian"
    assert (
        zoo.recipe("vae-gan", DataConfig("digits"), (1, 8, 8)).model.likelihood.kind == "gaussian"
    )  # none to learn it
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


def test_another_body_comes_with_its_usual_layers() -> None:
    shape = (1, 28, 28)
    for kind, hidden in (("linear", ()), ("mlp", (512,)), ("resnet", (32, 64, 128))):
        built = zoo.recipe("flow", DataConfig("mnist"), shape, body={"kind": kind}).model
        assert (
            (built.encoder.kind, built.encoder.hidden) == (built.decoder.kind, built.decoder.hidden) == (kind, hidden)
        )
    narrow = zoo.recipe("flow", DataConfig("mnist"), shape, body={"kind": "mlp", "hidden": (20, 10)}).model
    assert narrow.encoder.hidden == (20, 10)
    assert zoo.recipe("semi-supervised", DataConfig("mnist"), shape, classes=9, body={"kind": "conv"}).model.classifier
    with pytest.raises(ValueError, match="needs conv or resnet bodies; one is mlp"):
        zoo.recipe("ladder", DataConfig("mnist"), shape, body={"kind": "mlp"})
    with pytest.raises(ValueError, match="body kind is 'vit'; allowed: linear, mlp, conv, resnet"):
        zoo.recipe("flow", DataConfig("mnist"), shape, body={"kind": "vit"})


def enlarged(part: Dataset, count: int) -> Dataset:
    """The first pictures, twice as large."""
    return replace(
        part.subset(range(count)), images=part.images[:count].repeat_interleave(2, 2).repeat_interleave(2, 3)
    )


@pytest.mark.parametrize("likelihood", [None, LikelihoodConfig("bernoulli")])
def test_the_critic_of_ink_does_not_win_at_once(likelihood: LikelihoodConfig | None) -> None:
    """As it did when it saw bits beside means: 0.07 nats after these steps, where guessing gives 1.39."""
    digits = load(DataConfig("digits"))
    parts = Splits(enlarged(digits.train, 512), enlarged(digits.val, 64), enlarged(digits.test, 64))
    recipe = zoo.recipe(
        "vae-gan", DataConfig("mnist"), (1, 16, 16), likelihood=likelihood, training=Training(epochs=5, batch_size=32)
    )
    rows = [report.terms for report in Run(recipe, parts, "cpu").train() if report.row]
    assert rows[-1]["critic_loss"] > 2 * BEATEN


# --- people's own pictures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "levels"), [(28, 3), (32, 4), (64, 4)])
def test_own_pictures_get_a_recipe_of_their_own(side: int, levels: int) -> None:
    plain = zoo.recipe("conv", DataConfig("mine"), (3, side, side))
    made = zoo.suited(plain, 500)
    assert len(made.model.encoder.hidden) == levels and made.model.decoder.smooth and made.training.batch_size == 64
    assert made.training.std is not None and made.training.std.end == made.model.likelihood.std
    last = [layer for layer in build(made.model).decoder.modules() if isinstance(layer, torch.nn.Conv2d)][-1]
    assert last.kernel_size == (3, 3) and last.out_channels == 3
    assert zoo.suited(plain, 50_000).training.batch_size == plain.training.batch_size
    other = zoo.recipe("vamp", DataConfig("mine"), (3, side, side))
    assert zoo.suited(other, 500) == other


def test_a_spread_that_is_asked_for_is_where_it_narrows_to() -> None:
    made = zoo.suited(zoo.recipe("conv", DataConfig("mine"), (3, 32, 32)), 500)
    asked = zoo.adjusted(made, {"std": 0.3})
    assert asked.training.std is not None and asked.training.std.end == asked.model.likelihood.std == 0.3
    assert zoo.adjusted(made, {"likelihood": "bernoulli"}).training.std is None
    assert zoo.adjusted(made, {"hidden": (8, 16)}).model.decoder.smooth
