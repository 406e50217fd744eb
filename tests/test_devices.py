"""Models, steps and figures on a graphics card, as far as a machine without one tells.

Tensors of a pretended card have a place, a shape and a type, and no numbers: an operation that mixes them with tensors
of the processor fails as it would on a real one. Backward passes and the values are the real card's to show.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vae_core import explore, scoring, zoo
from vae_core.config import LIKELIHOODS, DataConfig, LikelihoodConfig, Recipe, Training
from vae_core.data import Dataset, Splits
from vae_core.model import build
from vae_core.shards import seeded
from vae_core.training import Run

CARD = "cuda"
ROWS, CLASSES = 6, 3


class NoDoubles(TorchDispatchMode):
    """Refuses float64 on the card: Apple's have none."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for part in tree_leaves(found):
            if isinstance(part, Tensor) and part.device.type == CARD:
                assert part.dtype != torch.float64, func
        return found


def gru(inputs: Tensor, state: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    """As torch's, which asks a real card how long its buffers are."""
    assert inputs.device == state.device
    return inputs + state[0, :, None], state


@contextmanager
def card(*modules: nn.Module) -> Iterator[None]:
    """In here tensors can lie on the card, and modules, built before, do."""
    shapes = ShapeEnv(allow_dynamic_output_shape_ops=True, allow_scalar_outputs=True)
    with (
        mock.patch.object(torch._VF, "gru", gru),
        mock.patch.object(nn.GRU, "flatten_parameters"),
        FakeTensorMode(allow_non_fake_inputs=True, shape_env=shapes),
        NoDoubles(),
    ):
        for module in modules:
            move(module)
        yield


def there(tensor: Tensor) -> Tensor:
    """A tensor as it would be on the card, without its numbers."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=CARD)


def move(module: nn.Module) -> None:
    """Put a module on the card, in place; `Module.to` asks for the numbers."""
    for part in module.modules():
        for name, weight in part.named_parameters(recurse=False):
            part._parameters[name] = nn.Parameter(there(weight), weight.requires_grad)
        for name, buffer in part.named_buffers(recurse=False):
            part._buffers[name] = there(buffer)


def places(tensors: Iterable[Tensor]) -> set[str]:
    return {tensor.device.type for tensor in tensors}


def recipe(variant: str) -> Recipe:
    settings = Training(epochs=2, batch_size=ROWS)
    made = zoo.recipe(variant, DataConfig("dots"), (1, 8, 8), latent_dim=2, classes=CLASSES, training=settings)
    return zoo.adjusted(made, {"labelled": CLASSES}) if variant == "semi-supervised" else made


def dots() -> Splits:
    data = Dataset(
        "dots",
        torch.zeros(12, 1, 8, 8, dtype=torch.uint8),
        labels=torch.arange(12) % CLASSES,
        class_names=("a", "b", "c"),
    )
    return Splits(data, data, data)


def test_a_tensor_left_on_the_processor_is_noticed() -> None:
    model = build(recipe("mlp").model).eval()
    with card(model.decoder):
        model.decode([torch.zeros(ROWS, 2, device=CARD)])
        with pytest.raises(RuntimeError, match="device"):
            model.decode([torch.zeros(ROWS, 2)])
        with pytest.raises(AssertionError):
            torch.zeros(2, device=CARD).double()


@pytest.mark.parametrize("variant", list(zoo.VARIANTS))
def test_every_variant_keeps_the_contract_on_a_card(variant: str) -> None:
    model = build(recipe(variant).model).eval()
    with card(model):
        x, noise = torch.rand(ROWS, *model.image_shape, device=CARD), seeded(0)
        y = torch.zeros(ROWS, dtype=torch.int64, device=CARD) if model.spec.classes else None
        found = model.encode(model.observe(x, noise))
        pictures = [model.decode([*found.mean], found.y), model.decode([*model.sample_prior(ROWS, generator=noise)], y)]
        pictures += [model.sample_pixels([*found.mean], y, noise)]
        assert places([*found.mean, *found.std, *found.kl, *pictures]) == {CARD}
        if model.spec.has_density:
            for labels in (y, None):
                terms = model.terms(x, labels, k=2, generator=noise)
                assert places([terms.elbo, terms.log_weights]) == {CARD}


@pytest.mark.parametrize("variant", list(zoo.VARIANTS))
def test_pages_get_everything_back_on_the_processor(variant: str) -> None:
    model = build(recipe(variant).model).eval()
    with card(model):
        x, spec = torch.rand(ROWS, *model.image_shape), model.spec
        y = torch.zeros(ROWS, dtype=torch.int64) if spec.classes else None
        z = explore.sample(model, ROWS)
        found = [z, *explore.encode(model, x, y=y), explore.decode(model, z, y), explore.draw_pixels(model, z, 0, y)]
        found += [explore.observe(model, x), explore.observed(model, x, 1, 0), *scoring.encode(model, x)]
        found += [explore.continued(model, z, level, y=y) for level in range(1, len(spec.shapes))]
        if spec.classes:
            found.append(explore.classify(model, x))
        measured = scoring.statistics(model, x, labels=y)
        found += [measured.elbo, measured.reconstruction, measured.kl, measured.mean, *measured.codes]
        if spec.has_density:
            found.append(explore.draws_given(model, x[:1], 3, y=None if y is None else y[:1]))
            found.append(scoring.importance_weighted_nll(model, x, 3, labels=y))
        assert places(found) == {"cpu"}


@pytest.mark.parametrize("variant", list(zoo.VARIANTS))
def test_every_objective_is_computed_on_a_card(variant: str) -> None:
    run = Run(recipe(variant), dots(), "cpu")
    run.model.train()
    with card(run.objective):
        run.images, run.extra = there(run.images), there(run.extra)
        run.labels = None if run.labels is None else there(run.labels)
        noise = seeded(1)
        rows = run._with_extra(torch.arange(ROWS, device=CARD), noise)
        x = run.model.observe(scoring.as_float(run.images[rows]), noise)
        terms = run.objective(x, None if run.labels is None else run.labels[rows], 0.3, noise)
        assert places(terms.values()) == {CARD}


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_every_likelihood_is_computed_on_a_card(kind: str) -> None:
    model = build(replace(recipe("conv").model, likelihood=LikelihoodConfig(kind))).eval()
    with card(model):
        noise = seeded(0)
        seen = model.observe(torch.rand(ROWS, *model.image_shape, device=CARD), noise)
        drawn = model.sample_pixels([*model.sample_prior(ROWS, generator=noise)], generator=noise)
        assert places([seen, drawn, model.terms(seen, generator=noise).log_likelihood]) == {CARD}
