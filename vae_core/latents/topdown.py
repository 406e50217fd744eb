"""Groups of maps from coarse to fine; one block serves posterior and prior of a group on the way down.

The way down serves inference and generation (Kingma et al. 2016, arXiv:1606.04934, bidirectional inference), posteriors
are given relative to priors (Vahdat and Kautz 2020, arXiv:2007.03898, section 3.2), and blocks are like those of Child
2021 (very deep VAE, arXiv:2011.10650). The ladder VAE of Sonderby et al. 2016 (arXiv:1602.02282), which gave such
models their name, instead weighs what comes from above and from below by their precisions; only its slow warm-up of the
KL is used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from vae_core.config import Body
from vae_core.latents import Draw, Encoding, LatentSpace, Z
from vae_core.latents.priors import LOG_STD_RANGE, log_gaussian
from vae_core.nets import Residual, Resize
from vae_core.shards import Noise, normal

Shape = tuple[int, int, int]


def _spread(log_std: Tensor) -> Tensor:
    return log_std.float().clamp(*LOG_STD_RANGE).exp()


class Block(nn.Module):
    """One group: p(z | coarser) from the state, q(z | x, coarser) from state and features; then z enters the state."""

    def __init__(self, body: Body, width: int, channels: int, inputs: int, grow: tuple[int, int] | None) -> None:
        """Make a state `width` wide from one `inputs` wide, enlarged to the size `grow`."""
        super().__init__()
        self.enter = nn.Identity() if grow is None else nn.Sequential(Resize(grow), nn.Conv2d(inputs, width, 1))
        self.prior = nn.Sequential(nn.SiLU(), nn.Conv2d(width, 2 * channels + width, 3, padding=1))
        self.posterior = nn.Sequential(
            nn.Conv2d(2 * width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, 2 * channels, 3, padding=1)
        )
        self.channels = channels
        self.merge = nn.Conv2d(channels, width, 1)
        self.leave = Residual(body, width, width)

    def p(self, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean and standard deviation of the prior, (N, c, h, w), and what the state gains without z."""
        mean, log_std, skip = self.prior(state).split([self.channels, self.channels, state.shape[1]], 1)
        return mean.float(), _spread(log_std), skip

    def q(self, state: Tensor, features: Tensor, mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the posterior, each relative to the prior's.

        After Vahdat and Kautz 2020, section 3.2; here the mean's shift counts in standard deviations of the prior.
        """
        shift, log_ratio = self.posterior(torch.cat([state, features], 1)).float().chunk(2, 1)
        return mean + std * shift, std * _spread(log_ratio)

    def forward(self, state: Tensor, skip: Tensor, z: Tensor) -> Tensor:
        """Return the state below this group."""
        return self.leave(state + skip + self.merge(z))


class TopDown(LatentSpace[list[Tensor]]):
    """z_1 ... z_L with p(z) = prod p(z_l | z_<l) and q(z | x) = prod q(z_l | z_<l, x)."""

    posterior, prior = "topdown", "conditional"

    def __init__(self, body: Body, groups: Sequence[Shape], widths: Sequence[int]) -> None:
        """Take groups (c, h, w) from coarse to fine; `widths` of the encoder's features, and of the state, at each."""
        super().__init__()
        self.shapes = self.kl_shapes = tuple(groups)
        self.start = nn.Parameter(torch.zeros(widths[0], *groups[0][1:]))
        self.blocks = cast(list[Block], nn.ModuleList())
        for i, ((channels, *size), width) in enumerate(zip(groups, widths, strict=True)):
            same = i == 0 or groups[i - 1][1:] == groups[i][1:]
            grow = None if same else (size[0], size[1])
            self.blocks.append(Block(body, width, channels, widths[max(0, i - 1)], grow))

    def _top(self, n: int) -> Tensor:
        return self.start.expand(n, *self.start.shape)

    def encode(self, h: list[Tensor]) -> Encoding:
        """Go down by the posteriors' means; the KL of each group is given the means above it."""
        state, encoding = self._top(h[0].shape[0]), Encoding([], [], [])
        for block, features in zip(self.blocks, h, strict=True):
            state = block.enter(state)
            mean, std, skip = block.p(state)
            q_mean, q_std = block.q(state, features, mean, std)
            for column, value in zip(
                (encoding.mean, encoding.std, encoding.kl), (q_mean, q_std, _kl(q_mean, q_std, mean, std)), strict=True
            ):
                column.append(value)
            state = block(state, skip, q_mean)
        return encoding

    def draw(self, h: list[Tensor], k: int, noise: Noise) -> Draw:
        """Draw every group from its posterior given the draws above it; the KL is the mean over the k draws."""
        n = len(h[0])
        state, zs, kls, pairs = self._top(n * k), [], [], []
        for block, features in zip(self.blocks, h, strict=True):
            state = block.enter(state)
            mean, std, skip = block.p(state)
            q_mean, q_std = block.q(state, features.repeat_interleave(k, 0) if k > 1 else features, mean, std)
            z = q_mean + q_std * normal(tuple(q_mean.shape), noise, q_mean.device)
            state = block(state, skip, z)
            kls.append(_kl(q_mean, q_std, mean, std).unflatten(0, (n, k)).mean(1))
            zs.append(z.unflatten(0, (n, k)))  # (N k, c, h, w) -> (N, k, c, h, w)
            pairs.append([t.flatten(1) for t in (z, mean, std, q_mean, q_std)])

        def densities() -> tuple[Tensor, Tensor]:
            log_p = torch.stack([log_gaussian(z, mean, std) for z, mean, std, _, _ in pairs]).sum(0)
            log_q = torch.stack([log_gaussian(z, mean, std) for z, _, _, mean, std in pairs]).sum(0)
            return log_p.reshape(n, k), log_q.reshape(n, k)

        return Draw(zs, state, kls, densities)

    def _descend(self, z: list[Tensor | None], n: int, temperature: float, noise: Noise) -> tuple[Tensor, Z]:
        """Return the state under the last group, and z with missing groups drawn from the prior given coarser ones."""
        state, full = self._top(n), []
        for block, given in zip(self.blocks, z, strict=True):
            state = block.enter(state)
            mean, std, skip = block.p(state)
            spread = temperature * std
            drawn = mean if temperature == 0 else mean + spread * normal(tuple(mean.shape), noise, mean.device)
            full.append(drawn if given is None else given)
            state = block(state, skip, full[-1])
        return state, full

    def sample_prior(self, n: int, temperature: float, noise: Noise, device: torch.device) -> Z:
        return self._descend([None] * len(self.shapes), n, temperature, noise)[1]

    def complete(self, z: list[Tensor | None], temperature: float, noise: Noise) -> Tensor:
        self._check(z)
        n = next(part.shape[0] for part in z if part is not None)
        return self._descend(z, n, temperature, noise)[0]


def _kl(q_mean: Tensor, q_std: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return KL between diagonal Gaussians of each dimension, nats: (N, c, h, w)."""
    ratio = q_std / std
    return 0.5 * (((q_mean - mean) / std).square() + ratio.square() - 1.0) - ratio.log()
