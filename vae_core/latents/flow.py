"""Inverse autoregressive flow: makes the draws of a diagonal Gaussian follow a richer posterior."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HIDDEN = 3  # hidden units a latent dimension, at least `LEAST` in all
LEAST = 128
OPEN = 2.0  # where the gates start: each step is near the identity


def _degrees(count: int, dim: int, device: torch.device) -> Tensor:
    """Tell how many leading dimensions each hidden unit may see: (count,) in 0 to dim - 1; 0 sees the context alone."""
    return torch.arange(count, device=device) % dim


class Autoregressive(nn.Module):
    """A net whose i-th outputs depend on z_1 ... z_{i-1} and the context (Germain et al. 2015, arXiv:1502.03509)."""

    def __init__(self, dim: int, context: int) -> None:
        super().__init__()
        self.dim, width = dim, max(LEAST, HIDDEN * dim)
        self.inner = nn.Linear(dim, width)
        self.context = nn.Linear(context, width, bias=False)
        self.outer = nn.Linear(width, 2 * dim)

    def masks(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Tell what the weights of `inner` (H, D) and `outer` (2D, H) may see: only earlier dimensions."""
        inputs = 1 + torch.arange(self.dim, device=device)
        hidden = _degrees(self.inner.out_features, self.dim, device)
        return hidden[:, None] >= inputs, (inputs[:, None] > hidden).repeat(2, 1)

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Shift and gate (N, k, D) for z (N, k, D), context (N, C)."""
        see_inner, see_outer = self.masks(z.device)
        h = F.linear(z, self.inner.weight * see_inner, self.inner.bias) + self.context(context)[:, None]
        shift, gate = F.linear(F.elu(h), self.outer.weight * see_outer, self.outer.bias).chunk(2, -1)
        return shift, gate


class Flow(nn.Module):
    """Steps z <- gate z + (1 - gate) shift, the order reversed between them (Kingma et al. 2016, arXiv:1606.04934)."""

    def __init__(self, dim: int, features: int, steps: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Autoregressive(dim, features) for _ in range(steps))

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Push draws through: (N, k, D), (N, F) -> (N, k, D) and log |det dz'/dz| (N, k), equations 10 to 12."""
        log_det = z.new_zeros(z.shape[:2])
        for step in self.steps:
            shift, gate = step(z, context)
            log_gate = F.logsigmoid(gate + OPEN)
            z = log_gate.exp() * z + (-torch.expm1(log_gate)) * shift
            log_det = log_det + log_gate.sum(-1)
            z = z.flip(-1)
        return z, log_det
