"""Sets of pictures as somebody's own folder would hold them, and the peer's model of these."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from vae_core import data
from vae_core.config import DataConfig

PIECE, STEP = 64, 24  # pixels: photographs are cut into pieces that overlap
SHADES = 12.0  # grey levels: pieces with a smaller standard deviation show nothing


def pictures(name: str, root: Path) -> np.ndarray:
    """All pictures (N, H, W, C) of a set, uint8, in a shuffled order."""
    if name == "photographs":
        found = photographs()
    elif name == "omniglot":
        with np.load(root / "omniglot" / "omniglot_small.npz", allow_pickle=False) as arrays:
            found = 255 - arrays["images28"][..., None]
    elif name == "emoji":
        with np.load(root / "emoji" / "emojitwo64.npz", allow_pickle=False) as arrays:
            colour, alpha = arrays["images"][..., :3], arrays["images"][..., 3:] / 255
        found = (colour * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    else:
        splits = data.load(DataConfig(name=name), root=root)
        parts = torch.cat([part.images for part in (splits.train, splits.val, splits.test)])
        found = parts.permute(0, 2, 3, 1).numpy()  # (N, C, H, W) -> (N, H, W, C)
    return found[np.random.default_rng(0).permutation(len(found))]


def photographs() -> np.ndarray:
    """Pieces (N, 64, 64, 3) of the photographs that come with scikit-learn, and with scikit-image where it is there."""
    from sklearn.datasets import load_sample_images

    photos = [*load_sample_images().images]
    with suppress(ImportError):
        from skimage import data as more

        photos += [getattr(more, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")]
    pieces = [
        photo[row : row + PIECE, column : column + PIECE]
        for photo in photos
        for row in range(0, photo.shape[0] - PIECE, STEP)
        for column in range(0, photo.shape[1] - PIECE, STEP)
    ]
    return np.stack([piece for piece in pieces if piece.std() > SHADES])


def as_folder(images: np.ndarray, folder: Path) -> Path:
    """Write pictures (N, H, W, C) as PNG files."""
    folder.mkdir(parents=True)
    for index, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(folder / f"{index:06}.png")
    return folder


def net(channels: int, height: int, width: int, dim: int, widths: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
    """Encoder to features and decoder of a plain convolutional VAE: batch norm, a last 3x3 convolution, a sigmoid."""
    encoder: list[nn.Module] = []
    for inputs, outputs in zip((channels, *widths), widths, strict=False):
        encoder += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
    low, side = (height >> len(widths), width >> len(widths)), widths[::-1]
    decoder: list[nn.Module] = [nn.Linear(dim, side[0] * low[0] * low[1]), nn.Unflatten(1, (side[0], *low)), nn.ReLU()]
    for inputs, outputs in zip(side, (*side[1:], side[-1]), strict=True):
        decoder += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
    decoder += [nn.Conv2d(side[-1], channels, 3, padding=1), nn.Sigmoid()]
    return nn.Sequential(*encoder, nn.Flatten()), nn.Sequential(*decoder)


def peer(images: Tensor, dim: int, widths: tuple[int, ...], folder: Path, batch: int, rate: float = 1e-3) -> nn.Module:
    """pythae's VAE of these nets, with its trainer at hand as `trainer`; squared error, Adam.

    Args:
        images: training pictures (N, C, H, W) in [0, 1]; each side is a multiple of 2 ** len(widths).
        dim: latent dimensions.
        widths: channels, each at half the side of the one before.
        folder: where the trainer may write.
        batch: pictures a step.
        rate: of Adam.
    """
    models = pytest.importorskip("pythae.models", reason="the peer is not installed: pip install pythae==0.1.2")
    from pythae.data.datasets import BaseDataset
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    channels, height, width = images.shape[1:]
    down, up = net(channels, height, width, dim, widths)
    size = widths[-1] * (height >> len(widths)) * (width >> len(widths))

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.mean, self.log_var = down, nn.Linear(size, dim), nn.Linear(size, dim)

        def forward(self, x: Tensor) -> ModelOutput:
            h = self.net(x)
            return ModelOutput(embedding=self.mean(h), log_covariance=self.log_var(h))

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = up

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=self.net(z))

    config = models.VAEConfig(input_dim=tuple(images.shape[1:]), latent_dim=dim, reconstruction_loss="mse")
    model: nn.Module = models.VAE(config, encoder=Encoder(), decoder=Decoder())
    settings = BaseTrainerConfig(
        output_dir=str(folder),
        num_epochs=1,
        learning_rate=rate,
        per_device_train_batch_size=batch,
        no_cuda=True,
        optimizer_cls="Adam",
    )
    trainer = BaseTrainer(model, BaseDataset(images, torch.zeros(len(images))), training_config=settings)
    trainer.prepare_training()
    model.trainer = trainer
    return model


def passes(model: nn.Module, seconds: float) -> Iterator[int]:
    """Train the peer for so long, a pass over the pictures at a time."""
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        model.trainer.train_step(epoch=done + 1)
        done += 1
        yield done
