"""Whether mirrored pictures are as likely as the pictures, so that a run may be shown both."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_core.shards import seeded

SIDE = 16  # pixels to which pictures are averaged before they are compared
MOST, LEAST = 10_000, 200  # pictures that are compared; fewer tell nothing
HELD_OUT = 4  # one picture in so many
RIDGE = 0.01  # of the mean squared difference: keeps the fit from what only a few pictures have
ALIKE = 0.55  # share of pictures told from their mirror images up to which these count as pictures; half is chance


def tell_apart(images: Tensor, seed: int = 0) -> float | None:
    """Tell how well a linear classifier tells held-out pictures from their mirror images.

    A picture minus its mirror image is a vector that changes its sign with mirroring, so least squares through the
    origin is the whole classifier.

    Args:
        images: (N, C, H, W), uint8.
        seed: of which pictures are compared and which are held out.

    Returns:
        The share of them, near 0.5 where left and right make no difference; None for fewer than `LEAST` pictures.
    """
    rows = torch.randperm(len(images), generator=seeded(seed))[:MOST]
    if len(rows) < LEAST:
        return None
    size = (min(SIDE, images.shape[2]), min(SIDE, images.shape[3]))
    small = torch.cat([F.interpolate(part.float(), size=size, mode="area") for part in images[rows].split(1000)])
    odd = (small - small.flip(3)).flatten(1) / 255  # (N, C, h, w) -> (N, C h w)
    held, seen = odd[: len(odd) // HELD_OUT], odd[len(odd) // HELD_OUT :]
    ridge = RIDGE * float(seen.square().sum(0).mean()) + 1e-6
    direction = torch.linalg.solve(seen.T @ seen + ridge * torch.eye(odd.shape[1]), seen.sum(0))
    side = held @ direction
    return ((side > 0).sum() + (side == 0).sum() / 2).item() / len(held)


def choose(images: Tensor, seed: int = 0) -> tuple[bool, str]:
    """Tell whether a run on these pictures (N, C, H, W) is to be shown mirrored ones, and why, in a sentence."""
    share = tell_apart(images, seed)
    if share is None:
        return False, f"Fewer than {LEAST} pictures do not tell whether mirrored ones look like them; none is mirrored."
    says = f"A linear classifier tells {share:.0%} of held-out pictures from their mirror images, where chance is 50 %"
    if share <= ALIKE:
        return True, f"{says}: half of the pictures of each step are mirrored; --mirror off leaves them as they are."
    return False, f"{says}: none is mirrored; --mirror on overrules."
