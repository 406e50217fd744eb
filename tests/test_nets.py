"""Bodies: any kind at any size gives the shapes it promises, and `linear` is linear."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vae_core import nets
from vae_core.config import ACTIVATIONS, NORMS, Body

sides = st.integers(8, 128)


@settings(max_examples=25)
@given(st.sampled_from(("linear", "mlp", "conv", "resnet")), st.sampled_from((1, 3)), sides, sides, st.integers(1, 7))
@example("conv", 1, 8, 8, 3)
@example("conv", 3, 127, 8, 3)
@example("resnet", 3, 9, 127, 3)
@example("resnet", 1, 8, 8, 3)
def test_any_body_at_any_size(kind: str, channels: int, height: int, width: int, latent: int) -> None:
    levels = min(height, width).bit_length() - 1  # down to one pixel
    body = Body(kind, {"linear": (), "mlp": (5, 3)}.get(kind, (3, 2, 4, 2, 3, 2, 2)[:levels]))
    shape = (channels, height, width)
    encoder, features = nets.encoder(body, shape)
    decoder = nets.decoder(body, latent, (2 * channels, height, width))
    assert encoder(torch.rand(2, *shape)).shape == (2, features)
    assert decoder(torch.randn(2, latent)).shape == (2, 2 * channels, height, width)


@pytest.mark.parametrize("kind", ["mlp", "conv", "resnet"])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("width", [4, 8, 12, 16])
@pytest.mark.parametrize("rows", [1, 2])
def test_norms_keep_the_signal(kind: str, norm: str, width: int, rows: int) -> None:
    """A single picture has no batch variance, and a group of a single number is always 0, of two a sign."""
    body = Body(kind, (width, width, width), norm=norm, activation="tanh")
    encoder, features = nets.encoder(body, (1, 8, 8))
    decoder = nets.decoder(body, features, (1, 8, 8))
    x = torch.rand(rows, 1, 8, 8)
    for mode in (True, False):
        encoder.train(mode)
        decoder.train(mode)
        assert (encoder(x) - encoder(1 - x)).abs().max() > 1e-4
        assert torch.isfinite(decoder(encoder(x))).all()


def test_batch_norm_takes_running_figures_from_batches_only() -> None:
    norm = nets.BatchNorm(3)
    norm(torch.randn(1, 3))
    assert norm.num_batches_tracked == 0
    x = torch.randn(50, 3) * 2 + 1
    assert torch.allclose(norm(x), (x - x.mean(0)) / (x.var(0, correction=0) + norm.eps).sqrt(), atol=1e-5)
    assert norm.num_batches_tracked == 1
    with pytest.raises(ValueError, match="allowed: 2, 4"):
        norm(torch.randn(2, 3, 4))


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_linear_is_affine_without_any_activation(a: float, b: float) -> None:
    body = Body("linear", ())
    encoder, features = nets.encoder(body, (1, 8, 9))
    decoder = nets.decoder(body, 4, (1, 8, 9))
    assert features == 72
    for net, (p, q) in ((encoder, torch.randn(2, 3, 1, 8, 9)), (decoder, torch.randn(2, 3, 4))):
        origin = net(torch.zeros_like(p))
        mixed = net(a * p + b * q) - origin
        assert torch.allclose(mixed, a * (net(p) - origin) + b * (net(q) - origin), atol=1e-5)


@pytest.mark.parametrize("kind", ["mlp", "conv", "resnet"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_other_bodies_are_not_linear(kind: str, activation: str) -> None:
    net = nets.decoder(Body(kind, (8, 8), activation), 4, (1, 8, 8))
    p, q = torch.randn(2, 3, 4)
    assert not torch.allclose(net(p + q) - net(q), net(p) - net(0 * p), atol=1e-4)


@pytest.mark.parametrize("kind", ["mlp", "conv", "resnet"])
def test_the_output_layer_is_free_of_norm_activation_and_dropout(kind: str) -> None:
    """Its numbers are parameters of the likelihood, of either sign."""
    net = nets.decoder(Body(kind, (8, 8), "relu", "batch", 0.5), 4, (1, 8, 8))
    last = [layer for layer in net if not isinstance(layer, torch.nn.Unflatten)][-1]
    assert isinstance(last, torch.nn.Linear | torch.nn.Conv2d | torch.nn.ConvTranspose2d)


def test_dropout_works_in_training_alone() -> None:
    net, _ = nets.encoder(Body("conv", (8, 8), dropout=0.5), (1, 8, 8))
    x = torch.rand(4, 1, 8, 8)
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


def test_levels_halve_and_round_down() -> None:
    assert nets.sides(28, 9, 3) == [(28, 9), (14, 4), (7, 2), (3, 1)]
