"""The perceptual and the focal loss: weights from the cache alone, distances that behave like distances."""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torchvision.models import vgg16

from vae_core import objectives, perceptual
from vae_core.cli import main
from vae_core.config import Body, Latent, LikelihoodConfig, ModelConfig, Objective
from vae_core.model import VAE, build
from vae_core.shards import seeded


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with weights of the right shapes: the features are all that is used."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "checkpoints").mkdir()
    with torch.device("meta"):  # the layers that nothing uses are the large ones
        shapes = {name: tensor.shape for name, tensor in vgg16().features.state_dict().items()}
    spread = {name: (2 / math.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.1 for name, shape in shapes.items()}
    features = {f"features.{name}": torch.randn(shapes[name], generator=seeded(0)) * spread[name] for name in shapes}
    torch.save(features | {"classifier.0.bias": torch.zeros(3)}, folder / "checkpoints" / perceptual.FILE)
    return folder


@pytest.fixture(scope="module")
def distance(hub: Path) -> Iterator[perceptual.Perceptual]:
    """It takes seconds to build, and no test changes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.hub, "get_dir", lambda: str(hub))
        found = perceptual.Perceptual()
    before = {name: tensor.clone() for name, tensor in found.state_dict().items()}
    yield found
    assert all(torch.equal(before[name], tensor) for name, tensor in found.state_dict().items())


def test_lpips_agrees_with_the_library_that_its_weights_come_from(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchmetrics.functional.image.lpips import _LPIPS

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(hub))
    ours, theirs = perceptual.LPIPS(), _LPIPS(net="vgg", pnet_rand=True)
    slices = {name.split(".", 1)[1]: tensor for name, tensor in theirs.net.state_dict().items()}
    for name, tensor in ours.layers.state_dict().items():
        slices[name].copy_(tensor)
    a, b = torch.rand(2, 3, 3, 40, 36, generator=seeded(0))
    assert torch.allclose(ours(a, b), theirs(a, b, normalize=True).flatten(), rtol=1e-4)
    assert torch.equal(ours(a, a), torch.zeros(3))
    net = model()
    objective = objectives.ELBO(net, Objective(lpips=2.0), 4)
    x = torch.rand(2, 1, 28, 28, generator=seeded(0)).round()
    plain = objectives.ELBO(net, Objective(), 4)(x, None, 0.0, seeded(1))["loss"]
    mean = net.likelihood.mean(net.reconstruct(x, generator=seeded(1))[1])
    assert torch.allclose(objective(x, None, 0.0, seeded(1))["loss"], plain + 2 * ours(mean, x).mean())


def test_without_torchmetrics_it_says_what_to_install(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(hub))
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    out = tmp_path / "m.safetensors"
    assert main(["train", "--lpips", "1", "--epochs", "1", "--device", "cpu", "--out", str(out)]) == 2
    assert "pip install torchmetrics" in capsys.readouterr().err


def model(kind: str = "bernoulli") -> VAE:
    net = Body("mlp", (16,))
    return build(ModelConfig((1, 28, 28), net, net, Latent(dim=3), LikelihoodConfig(kind)))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 64, 48), (1, 28, 28)])
def test_a_distance_for_every_size(distance: perceptual.Perceptual, shape: tuple[int, int, int]) -> None:
    a, b = torch.rand(2, 4, *shape, generator=seeded(0))
    assert torch.equal(distance(a, a), torch.zeros(4))
    assert torch.allclose(distance(a, b), distance(b, a))
    assert (distance(a, b) > distance(a, 0.9 * a + 0.1 * b)).all()


def test_it_pulls_the_model_and_is_never_trained(
    distance: perceptual.Perceptual, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(hub))
    x, net = torch.rand(4, 1, 28, 28, generator=seeded(0)).round(), model()
    plain = objectives.ELBO(net, Objective(), 4)(x, None, 0.0, seeded(1))
    objective = objectives.ELBO(net, Objective(perceptual=5.0), 4)
    found = objective(x, None, 0.0, seeded(1))
    mean = net.likelihood.mean(net.reconstruct(x, generator=seeded(1))[1])
    assert torch.allclose(found["loss"], plain["loss"] + 5 * distance(mean, x).mean())
    assert torch.equal(found["elbo"], plain["elbo"])
    grey = torch.rand(4, 1, 28, 28, generator=seeded(2))  # of which the bits were drawn
    beside = objective(x, None, 0.0, seeded(1), grey)
    assert torch.allclose(beside["loss"], plain["loss"] + 5 * distance(mean, grey).mean())
    found["loss"].backward()
    assert all(weight.grad is not None for weight in net.decoder.parameters())
    assert not any(weight.requires_grad for weight in distance.parameters())


def test_without_the_weights_it_says_where_they_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    out = tmp_path / "m.safetensors"
    assert main(["train", "--perceptual", "1", "--epochs", "1", "--device", "cpu", "--out", str(out)]) == 2
    assert "fetch them once with --download" in capsys.readouterr().err
    assert not out.exists()


def test_the_focal_loss_of_a_plain_loop() -> None:
    params, x = torch.randn(3, 1, 2, 2, generator=seeded(0)), torch.tensor([0.0, 1.0] * 6).reshape(3, 1, 2, 2)
    total = 0.0
    for logit, bit in zip(params.flatten().tolist(), x.flatten().tolist(), strict=True):
        right = torch.tensor(logit if bit else -logit).sigmoid().item()
        total += -((1 - right) ** 2.0) * torch.tensor(right).log().item()
    cross_entropy = F.binary_cross_entropy_with_logits(params, x, reduction="sum").item()
    found = objectives.focal_excess(params, x, 2.0).item()
    assert found == pytest.approx((total - cross_entropy) / 3, rel=1e-5)
    sure = torch.full((1, 1, 2, 2), 200.0, requires_grad=True)  # right beyond what float32 tells
    objectives.focal_excess(sure, torch.ones(1, 1, 2, 2), 0.5).backward()
    assert sure.grad is not None and sure.grad.isfinite().all()
    assert objectives.focal_excess(params, x, 0.0).item() == pytest.approx(0, abs=1e-6)
