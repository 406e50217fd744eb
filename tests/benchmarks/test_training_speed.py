"""Images a second of `Run.train` against pythae 0.1.2 and against a plain loop: same net, batch and data, one run.

And what training takes of memory besides its pictures.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.benchmarks import own
from vae_core import data, zoo
from vae_core.config import Body, DataConfig, LikelihoodConfig, Training
from vae_core.data import Dataset, Splits
from vae_core.model import parameters
from vae_core.training import Run

ROUNDS, BATCH, LATENT, HIDDEN = 7, 128, 16, 512
WIDTHS, CONV_BATCH, CONV_PICTURES = (32, 64, 128, 256), 64, 256
MANY, FEW = 60_000, 1_000


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


def compare(runs: dict[str, Iterator[float]], title: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Print the rates of all by turns, since the machine changes, and how many times as fast ours is."""
    torch.set_num_threads(os.cpu_count() or 1)  # as a person trains; the tests take one
    rounds = [{name: next(run) for name, run in runs.items()} for _ in range(ROUNDS)]
    with capsys.disabled():
        print(f"\n{title}, medians of {ROUNDS}:")
        for name in runs:
            rate = statistics.median(one[name] for one in rounds)
            ratio = statistics.median(one["vae_core"] / one[name] for one in rounds)
            print(f"  {name:13} {rate:9,.0f} images/s   vae_core is {ratio:.2f} times as fast")
    assert statistics.median(one["vae_core"] / one["pythae 0.1.2"] for one in rounds) > 1


@pytest.mark.filterwarnings("ignore")
def test_training_speed(splits, tmp_path, capsys) -> None:
    images = splits.train.images
    runs = {"plain loop": plain(images), "vae_core": ours(splits), "pythae 0.1.2": pythae(images, str(tmp_path))}
    compare(runs, f"training, MLP 784-512-16, batch {BATCH}, {len(images):,} MNIST digits in memory", capsys)


def products(model: nn.Module, act: object) -> int:
    """Multiply-adds of a picture on its way through all layers of a model, for what `act` computes with one."""
    counted = [0]

    def count(layer: nn.Module, given: tuple[torch.Tensor], made: torch.Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
        places = given[0] if isinstance(layer, nn.ConvTranspose2d) else made
        counted[0] += layer.weight.numel() * places[0, 0].numel() if places.dim() == 4 else layer.weight.numel()

    layers = [each for each in model.modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        act()
    for hook in hooks:
        hook.remove()
    return counted[0]


def rates(run: Run) -> Iterator[float]:
    """Steps of `Run` without what closes an epoch."""
    steps = run.trial()
    while True:
        start = time.perf_counter()
        for _ in range(run.batches):
            next(steps)
        yield len(run.images) / (time.perf_counter() - start)


def peer_rates(model: nn.Module, count: int) -> Iterator[float]:
    """Passes of the peer's trainer."""
    while True:
        start = time.perf_counter()
        model.trainer.train_step(epoch=1)
        yield count / (time.perf_counter() - start)


@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_training_speed_of_convolutions(tmp_path, capsys) -> None:
    x = torch.randint(0, 256, (CONV_PICTURES, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    noise = Dataset("noise", x, None, (), credit="", licence="")
    few, body = noise.subset(range(CONV_BATCH)), Body("conv", WIDTHS, "relu", "batch")
    made = zoo.suited(zoo.recipe("conv", DataConfig(name="noise"), (3, 64, 64)), len(x))
    model = replace(
        made.model, encoder=body, decoder=replace(body, smooth=True), latent=replace(made.model.latent, dim=32)
    )
    run = Run(
        replace(made, model=replace(model, likelihood=LikelihoodConfig("gaussian", 1.0))),
        Splits(noise, few, few),
        "cpu",
    )
    other = own.peer(x.float() / 255, 32, WIDTHS, tmp_path, CONV_BATCH)
    one = x[:1].float() / 255
    run.model.eval(), other.eval()
    sizes = {
        "vae_core": (parameters(run.model), products(run.model, lambda: run.model.terms(one))),
        "pythae 0.1.2": (
            parameters(other),
            products(other, lambda: other.decoder(other.encoder(one).embedding)),
        ),
    }
    with capsys.disabled():
        for name, (weights, multiply_adds) in sizes.items():
            print(f"\n{name}: {weights:,} weights, {multiply_adds / 1e6:.1f} million multiply-adds a picture", end="")
    for mine, its in zip(*sizes.values(), strict=True):
        assert mine == pytest.approx(its, rel=0.1)
    runs = {"vae_core": rates(run), "pythae 0.1.2": peer_rates(other, len(x))}
    compare(runs, f"training, convolutions, 64x64 colour, batch {CONV_BATCH}", capsys)


def memory(count: int, whole: bool) -> None:
    """Print the most bytes that this process has held, after an epoch on noise with its figures, or after a step."""
    x = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    noise = Dataset("noise", x, None, (), credit="", licence="")
    few = noise.subset(range(100))
    recipe = zoo.recipe("mlp", DataConfig(name="mnist"), (1, 28, 28), latent_dim=LATENT, training=Training(epochs=1))
    run = Run(recipe, Splits(noise, few, few), "cpu")
    if whole:
        list(run.train())
    else:
        next(run.trial())
    print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def test_memory_of_training(root, capsys) -> None:
    def most(count: int, whole: bool) -> int:
        code = f"from tests.benchmarks.test_training_speed import memory; memory({count}, {whole})"
        return int(subprocess.check_output([sys.executable, "-c", code], cwd=root).split()[-1])

    least = min(most(FEW, False) for _ in range(3))
    share = statistics.median(most(MANY, True) - least for _ in range(3)) / (MANY * 28 * 28)
    with capsys.disabled():
        print(f"\nmemory of training on {MANY:,} pictures of 28x28: {share:.2f} times their bytes")
    assert share < 2
