"""The models that come with the app: they open, keep the contract, and their figures can be computed again."""

import functools
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vae_core import adversarial, checkpoints, data, explore, objectives, packaging, sprites
from vae_core.checkpoints import Checkpoint
from vae_core.config import to_dict
from vae_core.data import Splits
from vae_core.health import kl_of_levels
from vae_core.model import parameters
from vae_core.scoring import BLOCK, Statistics, bits_per_dimension, statistics
from vae_core.shards import seeded
from vae_core.zoo import VARIANTS

# Trained until nothing more was gained; the others show an idea in a few passes.
EXPECTED = {"digits", "mnist-2d", "mnist", "mnist-beta4", "fashion", "sprites", "characters"}
CONTROLLED = {  # sets that the README names, and the parts of their recipes that differ
    ("sprites-beta-0", "sprites-beta-0.25", "sprites-beta-1", "sprites-beta-4", "sprites-beta-16"): {"objective.beta"},
    ("sprites-annealed", "sprites-collapsed"): {"objective.beta"},
    ("mnist", "mnist-beta4"): {"objective.beta"},
    ("mnist-ae-2", "mnist-vae-2"): {"model.latent", "objective.kind"},
    ("mnist-ae-16", "mnist-vae-16"): {"model.latent", "objective.kind"},
    ("mnist-mlp", "mnist-iwae"): {"objective.kind"},
}
IN_THE_CLONE = {"digits", "sprites"}  # data that everybody has
MAX_BYTES = 6_000_000
AT_LEAST = 20  # reference pictures in a block
# Sums in another order, on another processor; a picture on the edge of a Gaussian of std 0.01 shows it most.
CLOSE = {"rtol": 1e-2, "atol": 0.05}

load = functools.cache(lambda name: checkpoints.load(checkpoints.find(name)))
pictures = functools.cache(lambda config, root: data.load(config, root=root))


@pytest.fixture(params=checkpoints.shipped())
def shipped(request: pytest.FixtureRequest) -> Checkpoint:
    return load(request.param)


def originals(found: Checkpoint, request: pytest.FixtureRequest) -> Splits:
    """The data of a model; skips where it is not on this machine."""
    if found.data.name in IN_THE_CLONE:
        return pictures(found.recipe.data, None)
    root = request.getfixturevalue("data_root")
    if not data.available(found.data.name, root):
        pytest.skip(f"{found.data.name} is not in {root}: the figures cannot be computed again")
    return pictures(found.recipe.data, root)


def test_to_open_them_takes_no_compiler_and_no_random_numbers() -> None:
    program = (
        "import sys, torch\n"
        "from vae_core import checkpoints\n"
        "before = torch.get_rng_state()\n"
        "for name in checkpoints.shipped(): checkpoints.load(checkpoints.find(name))\n"
        "assert torch.equal(before, torch.get_rng_state())\n"
        "assert 'torch._dynamo' not in sys.modules, 'a second and a half, at the first model that draws weights'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_models_of_the_readme_are_there() -> None:
    assert set(checkpoints.shipped()) >= EXPECTED


@pytest.mark.parametrize("name", checkpoints.shipped())
def test_small_and_without_a_trace_of_the_machine(name: str, root: Path) -> None:
    content = checkpoints.find(name).read_bytes()
    assert len(content) < MAX_BYTES
    assert str(root).encode() not in content
    assert str(Path.home()).encode() not in content


def test_the_header_is_complete(shipped: Checkpoint) -> None:
    found, recipe = shipped.data, shipped.recipe
    assert recipe.name in VARIANTS
    assert found.name == recipe.data.name
    named = data.SETS[found.name]
    assert (found.credit, found.licence) == (named.credit, named.licence)
    assert 20 < len(shipped.description) < 200
    assert min(found.sizes) > 0
    assert {"vae-explorer", "torch"} <= shipped.versions.keys()
    metrics, history = shipped.metrics, shipped.history
    assert checkpoints.FIGURES | {"bits_per_dimension", "best_epoch", "train_seconds"} <= metrics.keys()
    dense = shipped.model.spec.has_density
    if dense:
        assert metrics["elbo"] == pytest.approx(-metrics["reconstruction"] - metrics["kl"], rel=1e-4)
        assert metrics["bits_per_dimension"] == bits_per_dimension(shipped.model, -metrics["elbo"])
    else:
        assert metrics["elbo"] is metrics["kl"] is metrics["bits_per_dimension"] is None
    assert metrics["parameters"] == parameters(shipped.model)
    assert metrics["test_pictures"] == found.sizes[2]
    assert [row["epoch"] for row in history] == list(range(1, len(history) + 1))
    assert len(history) <= recipe.training.epochs
    best = 1 + max(range(len(history)), key=lambda i: history[i]["score"])
    kinds = objectives.KINDS | adversarial.KINDS
    keeps_last = kinds[recipe.objective.kind](shipped.model, recipe.objective, 1).keeps_last
    assert metrics["best_epoch"] == (len(history) if keeps_last else best)


def test_the_header_needs_no_update(shipped: Checkpoint, request: pytest.FixtureRequest) -> None:
    """What the file holds is what this version counts; else `vae update` was not run."""
    name = request.node.callspec.params["shipped"]
    header, _ = checkpoints.read_file(checkpoints.find(name))
    assert header["metrics"] == shipped.metrics and header["history"] == shipped.history


def test_a_dead_level_is_told() -> None:
    spec, metrics = load("mnist-ladder").model.spec, load("mnist-ladder").metrics
    assert metrics["active_units"] == sum(kl > 0.01 for kl in metrics["kl_per_dim"]) == 149
    assert "level 2 of 3 is dead (0.00025 nats in 196 dimensions)" in kl_of_levels(spec, metrics)
    for name in ("fashion-ladder", "characters-ladder"):
        assert "dead" not in kl_of_levels(load(name).model.spec, load(name).metrics)


def drawn(rows: Tensor) -> Tensor:
    """Pictures (N, C, H, W) of factor values (N, 6)."""
    return torch.from_numpy(sprites.render(rows.numpy(), (32, 32))).movedim(3, 1).float() / 255


def varied(factor: int, count: int = 40) -> Tensor:
    """Rows of factor values (count, K, 6): at random but for `factor`, which takes each of its K values."""
    generator = seeded(factor)
    rows = torch.stack([torch.randint(size, (count,), generator=generator) for size in sprites.SIZES], 1)
    rows = rows[:, None].repeat(1, sprites.SIZES[factor], 1)
    rows[:, :, factor] = torch.arange(sprites.SIZES[factor])
    return rows


def test_squares_are_rebuilt_as_squares() -> None:
    """Squared error of the pixels, as a share of the picture; discs of the same places and areas have 0.09."""
    rows = varied(2).flatten(0, 1)
    squares = rows[rows[:, 0] == 0]
    x, model = drawn(squares), load("sprites-conditional-tc").model
    found = model.decode(model.encode(x, squares[:, 0]).mean, squares[:, 0])
    error = (found - x).square().flatten(1).sum(1) / x.square().flatten(1).sum(1)
    assert error.mean() < 0.05


def test_one_slider_turns_the_shape_alone_where_it_is_given() -> None:
    """Which means move when the shape is turned, and what pictures that slider makes."""
    model, names = load("sprites-conditional-tc").model, tuple(sprites.FACTORS)
    moved = {}
    for factor in range(1, len(names)):
        rows = varied(factor)
        mean = model.encode(drawn(rows.flatten(0, 1)), rows[..., 0].flatten()).mean[0]
        moved[names[factor]] = mean.unflatten(0, rows.shape[:2]).var(1).mean(0)  # (D,)
    shares = torch.stack([*moved.values()])  # (F, D)
    turning = int(moved["rotation"].argmax())
    assert moved["rotation"][turning] > 0.95 * moved["rotation"].sum(), "another slider turns the shape, too"
    assert moved["rotation"][turning] > 0.9 * shares[:, turning].sum(), "the slider moves something else, too"

    rows = varied(names.index("rotation"))
    shape = rows[..., 0].flatten()
    z = model.encode(drawn(rows.flatten(0, 1)), shape).mean[0]
    turned = model.decode([z], shape).unflatten(0, rows.shape[:2]).flatten(2)  # (N, K, C H W)
    z = z.unflatten(0, rows.shape[:2])[:, 7:8].repeat(1, 9, 1)
    explained = []
    for index in range(z.shape[2]):
        slid = z.clone()
        slid[..., index] = torch.linspace(-1.5, 1.5, 9)
        x = model.decode([slid.flatten(0, 1)], rows[:, :9, 0].flatten()).unflatten(0, slid.shape[:2]).flatten(2)
        left = torch.cdist(x, turned).square().amin(2).sum()
        explained.append(1 - (left / (x - turned[:, 7:8]).square().sum()).item())
    assert explained.pop(turning) > 0.95, "what the slider makes are no turned shapes"
    assert max(explained) < 0.15, "another slider makes turned shapes, too"


def parts(name: str) -> dict[str, object]:
    """A recipe in parts, as `objective.beta`."""
    found: dict[str, object] = {}
    for section, value in to_dict(load(name).recipe).items():
        found |= {f"{section}.{key}": part for key, part in value.items()} if isinstance(value, dict) else {}
    return found


@pytest.mark.parametrize("names", CONTROLLED, ids=" ".join)
def test_controlled_sets_differ_by_one_knob(names: tuple[str, ...]) -> None:
    first, *others = (parts(name) for name in names)
    for other in others:
        assert {key for key in first if other[key] != first[key]} == CONTROLLED[names]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_training_went_on_until_it_no_longer_helped(name: str) -> None:
    shipped = load(name)
    scores = [row["score"] for row in shipped.history]
    gained, late = max(scores) - scores[0], max(scores) - max(scores[: math.ceil(0.9 * len(scores))])
    assert gained > 0
    assert late < 0.02 * gained


def test_the_contract_holds(shipped: Checkpoint) -> None:
    model, reference = shipped.model, shipped.reference
    x = model.observe(model.decode(explore.unflatten(reference.mean[:20], model.spec)), seeded(0))
    assert x.shape == (20, *model.image_shape)
    encoding = model.encode(x)
    for group in (encoding.mean, encoding.std, model.sample_prior(20, generator=seeded(0))):
        assert [tuple(part.shape[1:]) for part in group] == [*model.spec.shapes]
    assert [tuple(part.shape[1:]) for part in encoding.kl] == [*model.spec.kl_shapes]
    assert torch.equal(encoding.mean[0], model.encode(x).mean[0])
    single = model.encode(x[:1])
    assert torch.allclose(single.mean[0][0], encoding.mean[0][0], atol=1e-4)
    if model.spec.has_density:
        terms = model.terms(x, k=2, generator=seeded(0))
        assert terms.log_weights.shape == (20, 2)
        assert torch.isfinite(terms.log_weights).all()
    drawn = model.sample_prior(20, generator=seeded(1))
    for picture in (model.decode([*drawn]), model.sample_pixels([*drawn], generator=seeded(0))):
        assert picture.shape == x.shape
        assert 0 <= picture.min() <= picture.max() <= 1
    if shipped.metrics["active_units"] != 0:  # else it is here to show what a collapse looks like
        assert model.decode([*drawn]).flatten(1).std(0).max() > 0.05  # the draws are not all the same picture


def test_reference_encodings_fit_the_figures(shipped: Checkpoint) -> None:
    reference, metrics = shipped.reference, shipped.metrics
    count, sizes = len(reference), shipped.data.sizes
    assert count == min(packaging.REFERENCES, packaging.REFERENCE_NUMBERS // shipped.model.spec.size, sizes[2])
    assert torch.equal(reference.index, reference.index.unique())
    assert reference.tsne.std(0).min() > (1 if metrics["active_units"] != 0 else 0)  # of silent codes the map is noise
    columns = [(reference.error, "reconstruction"), (reference.kl.sum(1), "kl")]
    for column, figure in columns if shipped.model.spec.has_density else columns[:1]:
        tolerance = 1e-3 if count == sizes[2] else 5 * column.std().item() / count**0.5
        assert column.mean().item() == pytest.approx(metrics[figure], abs=tolerance, rel=2**-11)  # rounded in the file
    # Of the whole test split they are a little different.
    columns = {"variance": reference.mean.var(0), "kl": reference.kl.mean(0), None: None}
    told = columns[shipped.model.spec.units_by]
    assert (
        metrics["active_units"] is None
        if told is None
        else ((told > 0.015).sum() <= metrics["active_units"] <= (told > 0.0066).sum())
    )
    if shipped.data.class_names and shipped.data.factor_names == ():
        assert set(reference.labels.tolist()) == set(range(len(shipped.data.class_names)))


def test_reference_encodings_can_be_computed_again(shipped: Checkpoint, request: pytest.FixtureRequest) -> None:
    """The whole first block of the test split, so that bits and draws are the same ones."""
    test, reference = originals(shipped, request).test, shipped.reference
    rows = reference.index[reference.index < BLOCK]
    labels = None if test.labels is None else test.labels[:BLOCK]
    found = statistics(shipped.model, test.images[:BLOCK], shipped.recipe.training.seed, labels=labels)
    count = len(rows)
    assert count >= AT_LEAST and torch.equal(rows, reference.index[:count])
    expected = Statistics(found.elbo, reference.error, reference.kl, reference.mean, reference.std)
    for name in ("reconstruction", "kl", "mean", "std"):
        assert torch.allclose(getattr(found, name)[rows], getattr(expected, name)[:count], **CLOSE), name
    if reference.labels is not None:
        assert torch.equal(test.labels[rows], reference.labels[:count])
    if reference.factors is not None:
        assert torch.equal(test.factors[rows], reference.factors[:count])


def test_test_figures_can_be_computed_again(shipped: Checkpoint, request: pytest.FixtureRequest) -> None:
    if shipped.data.name not in IN_THE_CLONE:
        pytest.skip("the whole test split takes too long here; its first reference pictures are computed again above")
    splits = originals(shipped, request)
    assert tuple(map(len, (splits.train, splits.val, splits.test))) == shipped.data.sizes
    seed, labels = shipped.recipe.training.seed, splits.test.labels
    found = statistics(shipped.model, splits.test.images, seed, labels=labels).summary(shipped.model.spec)
    for name in ("elbo", "reconstruction", "kl"):
        assert found[name] == pytest.approx(shipped.metrics[name], rel=1e-3), name
    assert found["active_units"] == shipped.metrics["active_units"]
    assert found["kl_per_dim"] == pytest.approx(shipped.metrics["kl_per_dim"], rel=1e-2, abs=1e-3)
