"""What the rules write is what torch computes: of every variant, and of every layer that a body can have."""

import itertools

import onnxruntime
import pytest
import torch
from torch import nn

from vae_core import export, onnx_rules, zoo
from vae_core.config import ACTIVATIONS, LIKELIHOODS, NORMS, DataConfig, LikelihoodConfig
from vae_core.model import VAE, build

COLOUR = (3, 10, 13)  # odd sides: halved twice and enlarged again, each by other means
STIR = 0.02  # little, so that standard deviations stay of a size at which 1e-4 can be asked for


@pytest.fixture(autouse=True)
def never_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "traced", lambda *_: pytest.fail("torch's exporter was asked"))


@torch.no_grad()
def stirred(model: VAE) -> VAE:
    """The model as if it had been trained: no weight, statistic or codebook where it began."""
    for part in (*model.parameters(), *model.buffers()):
        if part.is_floating_point() and part.dim():
            part.add_(STIR * torch.randn_like(part))
    return model.eval()


def variant(name: str, shape: tuple[int, int, int], likelihood: str = "bernoulli", body: dict | None = None) -> VAE:
    recipe = zoo.recipe(
        name, DataConfig(), shape, latent_dim=5, classes=3, likelihood=LikelihoodConfig(likelihood, 1.0), body=body
    )
    torch.manual_seed(0)
    return stirred(build(recipe.model))


def off(content: bytes, feeds: dict[str, torch.Tensor], wanted: list[torch.Tensor]) -> float:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(None, {name: part.numpy() for name, part in feeds.items()})
    return max((torch.from_numpy(part) - other).abs().max().item() for part, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("shape", [(1, 8, 8), COLOUR])
@pytest.mark.parametrize("name", list(zoo.VARIANTS))
@torch.inference_mode()
def test_every_variant_is_written_by_rule(name: str, shape: tuple[int, int, int]) -> None:
    """The exporter compares both halves with torch, for random codes and pictures, and refuses what differs."""
    model = variant(name, shape)
    decoder, encoder = export.decoder(model, half=False), export.encoder(model, half=False)
    z = torch.randn(3, model.spec.size)
    y = torch.rand(3, 3).softmax(1)
    feeds = {"z": z} | ({"y": y} if model.spec.classes else {})
    groups = export.unflatten(z, model.spec)
    assert off(decoder, feeds, [model.decode([*groups], y if model.spec.classes else None)]) < export.TOLERANCE
    x = model.observe(torch.rand(3, *shape))
    found = model.encode(x)
    wanted = [export.flatten(found.mean), export.flatten(found.std), *([] if found.y is None else [found.y])]
    assert off(encoder, {"x": x}, wanted) < export.TOLERANCE


@pytest.mark.parametrize(("activation", "norm"), [*itertools.product(ACTIVATIONS, NORMS)])
@pytest.mark.parametrize("name", ["mlp", "conv", "resnet"])
def test_every_layer_of_a_body(name: str, activation: str, norm: str) -> None:
    model = variant(name, COLOUR, body={"activation": activation, "norm": norm, "dropout": 0.1})
    assert export.decoder(model, half=False) and export.encoder(model, half=False)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("name", ["mlp", "conditional"])
def test_every_likelihood(name: str, likelihood: str) -> None:
    model = variant(name, COLOUR, likelihood)
    assert export.decoder(model, half=False)
    if likelihood != "discretized_logistic" or name == "mlp":  # whose classes are inferred from its own densities
        assert export.encoder(model, half=False)


@torch.inference_mode()
def test_coarse_levels_alone() -> None:
    model = variant("vdvae", (1, 8, 8))
    z = torch.randn(3, model.spec.size)
    groups = [part if i < 2 else None for i, part in enumerate(export.unflatten(z, model.spec))]
    assert off(export.decoder(model, keep=2, half=False), {"z": z}, [model.decode(groups)]) < export.TOLERANCE


class Strange(nn.ReLU):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.abs()


@pytest.mark.parametrize(
    "layer",
    [
        Strange(),
        nn.Conv2d(3, 3, 3, padding="same"),
        nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"),
        nn.AvgPool2d(3, stride=1, padding=1),
        nn.GELU("tanh"),
        nn.Flatten(2),
    ],
)
def test_layer_that_no_rule_knows_has_none(layer: nn.Module) -> None:
    graph = onnx_rules.Builder(layer)
    with pytest.raises(onnx_rules.NoRule):
        graph.run(layer, onnx_rules.Value(graph, "x"))


def test_model_with_such_a_layer_goes_to_torchs_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    model, asked = variant("mlp", (1, 8, 8)), []

    def traced(module: nn.Module, *given: object) -> None:
        asked.append(module)
        raise export.ExportError("As far as here.")

    monkeypatch.setattr(export, "traced", traced)
    model.decoder = nn.Sequential(Strange(), model.decoder)
    with pytest.raises(export.ExportError, match="As far as here"):
        export.decoder(model)
    assert len(asked) == 1
    export.encoder(model)
    assert len(asked) == 1
