"""Distance of pictures in the features of a net that was trained on photographs (VGG16, from the user's own cache)."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FILE = "vgg16-397923af.pth"  # torchvision's VGG16_Weights.IMAGENET1K_V1
LAYERS = (3, 8, 15)  # relu1_2, relu2_2, relu3_3
LPIPS_LAYERS = (*LAYERS, 22, 29)  # and relu4_3, relu5_3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the pictures that it was trained on
EPSILON = 1e-8  # of the norm of features, as in the reference implementation
LEAST_SIDE = 32  # pixels that relu3_3 needs to see more than a corner


def weights_file() -> Path:
    """Tell where torch keeps the net's weights once they were downloaded."""
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE


def download() -> None:
    """Fetch the weights (528 MB) into torch's cache, where they are not there yet."""
    from torchvision.models import VGG16_Weights

    VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True, weights_only=True)


def _weights_of_channels() -> list[Tensor]:
    """Tell what each channel of `LPIPS_LAYERS` weighs in LPIPS, (1, C, 1, 1) each: they come with torchmetrics."""
    try:
        import torchmetrics
    except ModuleNotFoundError:
        raise ValueError("lpips needs the package torchmetrics: pip install torchmetrics.") from None
    file = Path(torchmetrics.__file__).parent / "functional" / "image" / "lpips_models" / "vgg.pth"
    stored = torch.load(file, map_location="cpu", weights_only=True)
    return [stored[f"lin{index}.model.1.weight"] for index in range(len(LPIPS_LAYERS))]


class Perceptual(nn.Module):
    """Squared distance of VGG features (Johnson et al. 2016, arXiv:1603.08155, equation 2), the same for every size.

    Raises:
        ValueError: where the weights are not in torch's cache; they are never downloaded without being asked for.
    """

    seen: tuple[int, ...] = LAYERS

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import vgg16

        if not (file := weights_file()).is_file():
            raise ValueError(
                f"perceptual needs the weights of VGG16, and {file} is not there; fetch them once with --download."
            )
        stored = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        self.layers = vgg16().features[: max(self.seen) + 1]
        self.layers.load_state_dict(
            {name.removeprefix("features."): tensor for name, tensor in stored.items() if name.startswith("features.")},
            strict=False,  # the file has the deeper layers too
        )
        self.eval().requires_grad_(False)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(STD)[:, None, None], persistent=False)

    def features(self, x: Tensor) -> list[Tensor]:
        """Return features of pictures (N, C, H, W) in [0, 1] at each layer that is `seen`."""
        x = x.expand(-1, 3, -1, -1)
        if min(x.shape[2:]) < LEAST_SIDE:
            x = F.interpolate(x, scale_factor=LEAST_SIDE / min(x.shape[2:]), mode="bilinear")
        x, maps = (x - self.mean) / self.std, []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.seen:
                maps.append(x)
        return maps

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return mean squared difference of the features, summed over the layers: (N, C, H, W) twice -> (N,)."""
        pairs = zip(self.features(a), self.features(b), strict=True)
        return torch.stack([(u - v).square().flatten(1).mean(1) for u, v in pairs]).sum(0)


class LPIPS(Perceptual):
    """Distance of normed VGG features, weighed as people judged (Zhang et al. 2018, arXiv:1801.03924, equation 1)."""

    seen = LPIPS_LAYERS

    def __init__(self) -> None:
        super().__init__()
        for index, weights in enumerate(_weights_of_channels()):
            self.register_buffer(f"channels_{index}", weights, persistent=False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Weigh over the channels, average over the pixels, sum over the layers: (N, C, H, W) twice -> (N,)."""
        total = a.new_zeros(len(a))
        for index, (u, v) in enumerate(zip(self.features(a), self.features(b), strict=True)):
            apart = (F.normalize(u, eps=EPSILON) - F.normalize(v, eps=EPSILON)).square()
            total = total + (self.get_buffer(f"channels_{index}") * apart).sum(1).mean((1, 2))
        return total
