"""Images a second of `Run.train` against pythae 0.1.2 and against a plain loop: same net, batch and data, one run."""

import os
import statistics
import time
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vae_core import data, zoo
from vae_core.config import DataConfig, Training
from vae_core.training import Run

ROUNDS, BATCH, LATENT, HIDDEN = 7, 128, 16, 512


@pytest.fixture(scope="module")
def splits(data_root) -> data.Splits:
    return data.load(DataConfig(name="mnist"), root=data_root)


def ours(splits: data.Splits) -> Iterator[float]:
    """Epochs of `Run.train`, steps alone: the evaluation that closes an epoch is not in the rate that it reports."""
    recipe = zoo.recipe(
        "mlp",
        DataConfig(name="mnist"),
        (1, 28, 28),
        latent_dim=LATENT,
        body={"hidden": (HIDDEN,)},
        training=Training(epochs=ROUNDS, batch_size=BATCH),
    )
    return (report.images_per_second for report in Run(recipe, splits, "cpu").train() if report.row)


def plain(images: torch.Tensor) -> Iterator[float]:
    """Epochs of the same computation written down as it comes."""
    encoder = nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
    decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 784))
    weights = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.0, fused=True)
    while True:
        start = time.perf_counter()
        for rows in torch.randperm(len(images)).split(BATCH):
            grey = images[rows].float() / 255
            x = (torch.rand_like(grey) < grey).float().flatten(1)
            mean, log_std = encoder(x).chunk(2, 1)
            std = log_std.exp()
            logits = decoder(mean + std * torch.randn_like(mean))
            error = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
            kl = (0.5 * (mean.square() + std.square() - 1) - log_std).sum()
            optimizer.zero_grad()
            ((error + kl) / len(x)).backward()
            optimizer.step()
        yield len(images) / (time.perf_counter() - start)


def pythae(images: torch.Tensor, folder: str) -> Iterator[float]:
    """Epochs of the peer's trainer, its default net (784-512-16) and the same optimizer."""
    models = pytest.importorskip("pythae.models", reason="the peer is not installed: pip install pythae==0.1.2")
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    model = models.VAE(models.VAEConfig(input_dim=(1, 28, 28), latent_dim=LATENT, reconstruction_loss="bce"))
    settings = BaseTrainerConfig(
        output_dir=folder,
        num_epochs=ROUNDS,
        per_device_train_batch_size=BATCH,
        no_cuda=True,
        optimizer_cls="AdamW",
        optimizer_params={"weight_decay": 0.0},
    )
    pictures = images.float() / 255
    trainer = BaseTrainer(model, BaseDataset(pictures, torch.zeros(len(pictures))), training_config=settings)
    trainer.prepare_training()
    while True:
        start = time.perf_counter()
        trainer.train_step(epoch=1)
        yield len(images) / (time.perf_counter() - start)


@pytest.mark.filterwarnings("ignore")
def test_training_speed(splits, tmp_path, capsys) -> None:
    torch.set_num_threads(os.cpu_count() or 1)  # as a person trains; the tests take one
    images = splits.train.images
    runs = {"plain loop": plain(images), "vae_core": ours(splits), "pythae 0.1.2": pythae(images, str(tmp_path))}
    rounds = [{name: next(run) for name, run in runs.items()} for _ in range(ROUNDS)]  # by turns: the machine changes
    with capsys.disabled():
        print(
            f"\ntraining, MLP 784-512-16, batch {BATCH}, {len(images):,} MNIST digits in memory, medians of {ROUNDS}:"
        )
        for name in runs:
            rate = statistics.median(one[name] for one in rounds)
            ratio = statistics.median(one["vae_core"] / one[name] for one in rounds)
            print(f"  {name:13} {rate:9,.0f} images/s   vae_core is {ratio:.2f} times as fast")
    assert statistics.median(one["vae_core"] / one["pythae 0.1.2"] for one in rounds) > 1
