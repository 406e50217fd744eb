"""Features in which sets of pictures are compared: a small net that learnt from the training part of the same data.

It is a classifier where there are labels, as the net behind FID is (Heusel et al. 2017, arXiv:1706.08500), else a net
that tells pictures apart under crops, light and noise (SimCLR, Chen et al. 2020, arXiv:2002.05709). It is never the
encoder of a VAE, which would forgive what its decoder cannot draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors
from torch import Tensor, nn

from vae_core.files import FileCache
from vae_core.jobs import Progress
from vae_core.scoring import as_float
from vae_core.shards import seeded

SEED = 0
WIDTHS = (32, 64, 128, 128)  # channels, each at half the side of the one before
NUMBERS = 128  # of a feature
SIDE = 64  # pixels: larger pictures are averaged down to it
PICTURES = 20_000  # that a net learns from, at most
STEPS = {"classifier": 500, "contrastive": 300}
BATCH = {"classifier": 128, "contrastive": 64}  # pictures a step, of contrastive nets two views each
RATE = 1e-3  # of Adam
LABELLED = 10  # pictures of a class in the mean, from which a classifier is trained
PROJECTED, TEMPERATURE = 64, 0.2  # of the contrastive loss
LEAST_CROP, LIGHT, NOISE = 0.6, 0.4, 0.05  # of the views: part of a side, change of brightness, standard deviation
AT_ONCE = 500
SCALED = 2_000  # training pictures over which the features' variances are 1
FLAT = 1e-3  # of the largest variance: directions with less are noise of rounding
CACHE_BYTES = 2**26


@dataclass(frozen=True, eq=False)
class FeatureNet:
    """A net that gives each picture F features, of mean 0 and variance 1 over its training pictures.

    Attributes:
        net: (N, C, H, W) in [0, 1] -> (N, NUMBERS).
        centre: (NUMBERS,) mean over training pictures.
        scale: (NUMBERS, F) that makes the variances 1.
        note: what it learnt from what.
    """

    net: nn.Module
    centre: Tensor
    scale: Tensor
    note: str

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Return features (N, F) on the CPU, of pictures (N, C, H, W), uint8 or float in [0, 1]."""
        return (_outputs(self.net, images) - self.centre) @ self.scale


def untrained(images: Tensor) -> FeatureNet:
    """Return a net of random weights, which costs nothing: coarser, but it too tells fog and noise from pictures.

    Its features are much alike, so they are whitened: F is the number of directions in which they vary.

    Args:
        images: (N, C, H, W), uint8 or float in [0, 1], N at least 2: their features have mean 0 and covariance 1.
    """
    net = _net(images.shape[1])
    some = torch.randperm(len(images), generator=seeded(SEED))[:SCALED]  # a folder's first ones may be of one class
    outputs = _outputs(net, images[some])
    variance, directions = torch.linalg.eigh(torch.cov(outputs.T.double()))
    kept = variance > FLAT * variance.max()
    white = directions[:, kept] / variance[kept].sqrt()
    return FeatureNet(net, outputs.mean(0), white.float(), "an untrained net")


def learn(images: Tensor, labels: Tensor | None = None, progress: Progress | None = None) -> FeatureNet:
    """Train a net on pictures, or take it from the cache on disk, where it was trained on the same ones before.

    Args:
        images: (N, C, H, W), uint8: the training part of the data; of more than `PICTURES`, some at random.
        labels: classes (N,), where they are known: at least two of them, with `LABELLED` pictures each in the mean.
        progress: called with the fraction done; what it raises stops the work.
    """
    rows = torch.randperm(len(images), generator=seeded(SEED))[:PICTURES]
    images, classes = images[rows], None if labels is None else labels[rows].unique(return_inverse=True)[1].cpu()
    count = 0 if classes is None else int(classes.max()) + 1
    kind = "classifier" if 2 <= count <= len(rows) / LABELLED else "contrastive"
    what = f"a classifier of {count} classes" if kind == "classifier" else "a contrastive net"
    note = f"{what} trained on {len(images):,} training pictures"
    net = _net(images.shape[1])

    def train() -> bytes:
        report = progress or (lambda share: None)
        if kind == "classifier" and classes is not None:
            _classify(net, images, report, classes)
        else:
            _contrast(net, images, report)
        return write_tensors({name: tensor.contiguous() for name, tensor in net.state_dict().items()})

    stored = FileCache("features", CACHE_BYTES).get(_key(kind, images, classes), train)
    net.load_state_dict(read_tensors(stored))
    outputs = _outputs(net.eval(), images[:SCALED])
    return FeatureNet(net, outputs.mean(0), outputs.std(0).clamp_min(1e-6).reciprocal().diag(), note)


def _key(kind: str, images: Tensor, classes: Tensor | None) -> str:
    """Tell what a net was trained on and how, as the name of a file."""
    form = (WIDTHS, NUMBERS, SIDE, images.shape)
    lesson = (kind, STEPS[kind], BATCH[kind], RATE, LEAST_CROP, LIGHT, NOISE, TEMPERATURE, SEED, torch.__version__)
    sha = hashlib.sha256(repr((form, lesson)).encode())
    sha.update(images.contiguous().numpy().data)
    if kind == "classifier" and classes is not None:
        sha.update(classes.numpy().data)
    return f"{sha.hexdigest()}.safetensors"


def _net(channels: int) -> nn.Sequential:
    """Return convolutions that halve the picture, and the features."""
    layers: list[Callable[[], nn.Module]] = []
    for inputs, width in zip((channels, *WIDTHS), WIDTHS, strict=False):
        layers += [partial(nn.Conv2d, inputs, width, 3, stride=2, padding=1), partial(nn.BatchNorm2d, width), nn.ReLU]
    return _made(*layers, partial(nn.AdaptiveAvgPool2d, 2), nn.Flatten, partial(nn.Linear, 4 * WIDTHS[-1], NUMBERS))


def _made(*layers: Callable[[], nn.Module]) -> nn.Sequential:
    """Return a net with weights from `SEED` alone: torch's global generator belongs to others, and is not asked."""
    with torch.device("meta"):
        net = nn.Sequential(*(make() for make in layers))
    net.to_empty(device="cpu")
    noise = seeded(SEED)
    for layer in net:
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=noise)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return net.eval()


def _seen(images: Tensor) -> Tensor:
    """Return pictures as the net takes them: floats of at most `SIDE` pixels a side."""
    x = as_float(images)
    height, width = (min(SIDE, side) for side in x.shape[2:])
    return x if x.shape[2:] == (height, width) else F.interpolate(x, size=(height, width), mode="area")


@torch.inference_mode()
def _outputs(net: nn.Module, images: Tensor) -> Tensor:
    """Tell what the net gives, (N, NUMBERS), in bounded memory."""
    return torch.cat([net(_seen(part)) for part in images.cpu().split(AT_ONCE)])


def _steps(
    net: nn.Module, head: nn.Module, images: Tensor, kind: str, report: Progress, loss: Callable[[Tensor], Tensor]
) -> None:
    """Train net and head on the loss of rows of the pictures."""
    noise = seeded(SEED, 1)
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], RATE)
    net.train()
    for step in range(STEPS[kind]):
        rows = torch.randint(len(images), (BATCH[kind],), generator=noise)
        optimizer.zero_grad()
        loss(rows).backward()
        optimizer.step()
        report((step + 1) / STEPS[kind])


def _classify(net: nn.Module, images: Tensor, report: Progress, classes: Tensor) -> None:
    """Learn to tell the classes."""
    head = _made(nn.ReLU, partial(nn.Linear, NUMBERS, int(classes.max()) + 1))
    _steps(
        net,
        head,
        images,
        "classifier",
        report,
        lambda rows: F.cross_entropy(head(net(_seen(images[rows]))), classes[rows]),
    )


def _contrast(net: nn.Module, images: Tensor, report: Progress) -> None:
    """Learn which two views are of one picture (Chen et al. 2020, equation 1)."""
    head, noise = _made(nn.ReLU, partial(nn.Linear, NUMBERS, PROJECTED)), seeded(SEED, 2)

    def loss(rows: Tensor) -> Tensor:
        x, count = _seen(images[rows]), len(rows)
        z = F.normalize(head(net(torch.cat([_view(x, noise), _view(x, noise)]))), dim=1)
        alike = (z @ z.T / TEMPERATURE).masked_fill(torch.eye(2 * count, dtype=torch.bool), -torch.inf)
        return F.cross_entropy(alike, (torch.arange(2 * count) + count) % (2 * count))

    _steps(net, head, images, "contrastive", report, loss)


def _view(x: Tensor, noise: torch.Generator) -> Tensor:
    """Return a random crop, scaled back, in another light and with noise: (N, C, H, W) -> the same shape."""
    count = len(x)
    part = 1 - (1 - LEAST_CROP) * torch.rand(count, generator=noise)
    shift = (1 - part[:, None]) * (2 * torch.rand(count, 2, generator=noise) - 1)
    place = torch.zeros(count, 2, 3)
    place[:, 0, 0] = place[:, 1, 1] = part
    place[:, :, 2] = shift
    grid = F.affine_grid(place, list(x.shape), align_corners=False)
    cropped = F.grid_sample(x, grid, align_corners=False, padding_mode="border")
    light = 1 + LIGHT * (2 * torch.rand(count, x.shape[1], 1, 1, generator=noise) - 1)
    return cropped * light + NOISE * torch.randn(x.shape, generator=noise)
