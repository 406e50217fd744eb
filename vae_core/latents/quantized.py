"""Maps of codes: each vector is replaced by the nearest of a codebook (van den Oord et al. 2017, arXiv:1711.00937)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core.latents import Draw, Encoding, LatentSpace, Z
from vae_core.shards import Noise, global_sum, uniform

DECAY = 0.99  # of the moving averages (van den Oord et al. 2017, appendix A.1)
ALIVE = 0.5  # vectors a batch, on average; a code that fewer choose is put somewhere else and counted as 1
HIDDEN = 160  # units of the prior's recurrent net

Shape = tuple[int, int, int]


def _exact(device: torch.device) -> AbstractContextManager[None]:
    """Switch off mixed precision: bf16 does not tell near codes apart, nor does a moving average move in it."""
    if not torch.amp.is_autocast_available(device.type):  # nowhere but on real devices
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


class Codebook(nn.Module):
    """K vectors that follow the mean of the vectors that chose them; those that nobody chooses start anew."""

    def __init__(self, codes: int, channels: int) -> None:
        super().__init__()
        self.vectors: Tensor
        self.counts: Tensor
        self.sums: Tensor
        self.register_buffer("vectors", nn.init.normal_(torch.empty(codes, channels)))
        self.register_buffer("counts", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros(codes, channels))

    def nearest(self, z: Tensor) -> Tensor:
        """Return codes of vectors: (N, c, h, w) -> (N, h, w)."""
        flat = z.detach().movedim(1, -1)  # (N, c, h, w) -> (N, h, w, c)
        with _exact(flat.device):
            return (self.vectors.square().sum(1) - 2 * flat @ self.vectors.T).argmin(-1)

    def embed(self, codes: Tensor) -> Tensor:
        """Return vectors of codes: (N, h, w) -> (N, c, h, w)."""
        return self.vectors[codes].movedim(-1, 1)

    @torch.no_grad()
    def follow(self, z: Tensor, codes: Tensor) -> None:
        """Move the averages one step, over the batch of all processes."""
        flat, chosen = z.movedim(1, -1).flatten(0, 2).float(), codes.flatten()  # (N h w, c), (N h w,)
        one_hot = F.one_hot(chosen, len(self.vectors)).to(flat.dtype)
        self.counts.lerp_(global_sum(one_hot.sum(0)), 1 - DECAY)
        with _exact(flat.device):
            self.sums.lerp_(global_sum(one_hot.T @ flat), 1 - DECAY)
        dead = self.counts < ALIVE
        # Every process sees the same counts, and takes the first one's vectors for the dead.
        spare = global_sum(flat[torch.randint(len(flat), (len(dead),))], only_first=True)
        self.sums[dead], self.counts[dead] = spare[dead], 1.0
        self.vectors.copy_(self.sums / self.counts[:, None])


class Uniform(nn.Module):
    """All codes alike, everywhere."""

    label = "uniform"

    def __init__(self, shapes: Sequence[Shape], codes: int) -> None:
        super().__init__()
        self.shapes, self.codes = shapes, codes

    def log_prob(self, codes: Z) -> Z:
        """Return nats of each group, (N,)."""
        return [
            part.new_full((part.shape[0],), -part[0].numel() * math.log(self.codes), dtype=torch.float)
            for part in codes
        ]

    def sample(self, n: int, given: list[Tensor | None], temperature: float, noise: Noise, device: torch.device) -> Z:
        """Draw the groups that are None; temperature means nothing here."""
        return [
            (uniform((n, *shape[1:]), noise, device) * self.codes).long().clamp_max(self.codes - 1)
            if part is None
            else part
            for part, shape in zip(given, self.shapes, strict=True)
        ]


class Autoregressive(nn.Module):
    """A recurrent net over the codes, row by row, coarse groups first.

    Each code sees all before it through the state (Cho et al. 2014, arXiv:1406.1078), and besides that the one above
    it and the one of the coarser group at its place.
    """

    label = "learned"

    def __init__(self, shapes: Sequence[Shape], codes: int) -> None:
        super().__init__()
        self.shapes, self.codes = shapes, codes
        tokens, self.length = len(shapes) * codes + 1, sum(h * w for _, h, w in shapes)
        self.before, self.above, self.coarser = (nn.Embedding(tokens, HIDDEN) for _ in range(3))
        self.place = nn.Parameter(nn.init.normal_(torch.empty(self.length, HIDDEN), std=0.1))
        self.net = nn.GRU(HIDDEN, HIDDEN, batch_first=True)
        self.logits = nn.Linear(HIDDEN, len(shapes) * codes)

    def _neighbours(self) -> tuple[list[int], list[int]]:
        """Return, for each place, the one above it and that of the coarser group; `length` where there is none."""
        above: list[int] = []
        coarser: list[int] = []
        start, previous = 0, None
        for _, h, w in self.shapes:
            for row in range(h):
                for column in range(w):
                    above.append(start + (row - 1) * w + column if row else self.length)
                    if previous is None:
                        coarser.append(self.length)
                    else:
                        base, ph, pw = previous
                        coarser.append(base + row * ph // h * pw + column * pw // w)
            previous, start = (start, h, w), start + h * w
        return above, coarser

    def _groups(self) -> list[int]:
        return [g for g, (_, h, w) in enumerate(self.shapes) for _ in range(h * w)]

    def log_prob(self, codes: Z) -> Z:
        """Return nats of each group given the coarser ones, (N,)."""
        tokens = torch.cat([part.flatten(1) + g * self.codes for g, part in enumerate(codes)], 1)  # (N, L)
        none = tokens.new_full((tokens.shape[0], 1), len(self.shapes) * self.codes)
        padded = torch.cat([tokens, none], 1)
        above, coarser = self._neighbours()
        inputs = self.before(torch.cat([none, tokens[:, :-1]], 1)) + self.above(padded[:, above])
        hidden, _ = self.net(inputs + self.coarser(padded[:, coarser]) + self.place)
        columns, start = [], 0
        for g, (_, h, w) in enumerate(self.shapes):
            own = slice(g * self.codes, (g + 1) * self.codes)
            logits = F.linear(hidden[:, start : start + h * w], self.logits.weight[own], self.logits.bias[own])
            target = codes[g].flatten(1)
            columns.append(-F.cross_entropy(logits.transpose(1, 2), target, reduction="none").sum(1))
            start += h * w
        return columns

    @torch.no_grad()
    def sample(self, n: int, given: list[Tensor | None], temperature: float, noise: Noise, device: torch.device) -> Z:
        """Draw the groups that are None, logits divided by `temperature` (0: the likeliest code each time)."""
        none = len(self.shapes) * self.codes
        tokens = torch.full((n, self.length + 1), none, device=device)
        fixed = torch.cat(
            [
                torch.full((n, h * w), -1, device=device) if part is None else part.flatten(1) + g * self.codes
                for g, (part, (_, h, w)) in enumerate(zip(given, self.shapes, strict=True))
            ],
            1,
        )
        (above, coarser), state = self._neighbours(), None
        draws = uniform((n, self.length), noise, device) if temperature > 0 else None
        for i, group in enumerate(self._groups()):
            seen = self.before(tokens[:, i - 1]) + self.above(tokens[:, above[i]]) + self.coarser(tokens[:, coarser[i]])
            hidden, state = self.net((seen + self.place[i])[:, None], state)
            logits = self.logits(hidden[:, 0])[:, group * self.codes : (group + 1) * self.codes]
            chosen = logits.argmax(1) if draws is None else _pick(logits / temperature, draws[:, i])
            tokens[:, i] = torch.where(fixed[:, i] >= 0, fixed[:, i], chosen + group * self.codes)
        parts = tokens[:, :-1].split([h * w for _, h, w in self.shapes], 1)
        return [
            (part - g * self.codes).reshape(n, h, w)
            for g, (part, (_, h, w)) in enumerate(zip(parts, self.shapes, strict=True))
        ]


def _pick(logits: Tensor, u: Tensor) -> Tensor:
    """Draw from categories with uniform numbers: (N, K), (N,) -> (N,)."""
    steps = logits.softmax(1).cumsum(1)
    return torch.searchsorted(steps, (u * steps[:, -1])[:, None].contiguous()).clamp_max(logits.shape[1] - 1)[:, 0]


class Quantized(LatentSpace[list[Tensor]]):
    """z are codebook vectors, log q(z | x) = 0; finer groups see the coarser ones (Razavi et al. 2019)."""

    posterior = "quantized"

    def __init__(self, shapes: Sequence[Shape], widths: Sequence[int], codes: int, prior: str) -> None:
        super().__init__()
        self.shapes, self.kl_shapes, self.codes = tuple(shapes), tuple(() for _ in shapes), codes
        inputs = [width + (shapes[i - 1][0] if i else 0) for i, width in enumerate(widths)]
        self.heads = nn.ModuleList(nn.Conv2d(a, shape[0], 1) for a, shape in zip(inputs, shapes, strict=True))
        self.books = cast(list[Codebook], nn.ModuleList(Codebook(codes, shape[0]) for shape in shapes))
        self.prior_ = Uniform(shapes, codes) if prior == "uniform" else Autoregressive(shapes, codes)
        self.prior = self.prior_.label

    def _quantize(self, h: list[Tensor], learn: bool) -> tuple[Z, Z, Tensor]:
        """Return vectors with a straight-through gradient, codes, and squared distance of head and codebook (N,)."""
        vectors: Z = []
        codes: Z = []
        distance = h[0].new_zeros(h[0].shape[0])
        for features, head, book in zip(h, self.heads, self.books, strict=True):
            if vectors:
                features = torch.cat([features, F.interpolate(vectors[-1], size=features.shape[2:])], 1)
            z = head(features).float()
            chosen = book.nearest(z)
            if learn:
                book.follow(z, chosen)
            snapped = book.embed(chosen)
            distance = distance + (z - snapped).square().flatten(1).sum(1)
            vectors.append(z + (snapped - z).detach())
            codes.append(chosen)
        return vectors, codes, distance

    def encode(self, h: list[Tensor]) -> Encoding:
        """Return the nearest codes; `kl` is -log p(codes) of each group, since log q is 0."""
        vectors, codes, _ = self._quantize(h, learn=False)
        kl = [-part for part in self.prior_.log_prob(codes)]
        return Encoding(vectors, [torch.zeros_like(part) for part in vectors], kl, codes)

    def draw(self, h: list[Tensor], k: int, noise: Noise) -> Draw:
        """Return the nearest codes, k times; the codebooks follow where the model trains."""
        vectors, codes, distance = self._quantize(h, learn=self.training)
        kl = [-part for part in self.prior_.log_prob(codes)]
        z = [part[:, None].expand(-1, k, -1, -1, -1) for part in vectors]

        def densities() -> tuple[Tensor, Tensor]:
            log_p = -torch.stack(kl).sum(0)[:, None].expand(-1, k)
            return log_p, torch.zeros_like(log_p)

        return Draw(z, self._joined([part.flatten(0, 1) for part in z]), kl, densities, extras={"commitment": distance})

    def _joined(self, vectors: Z) -> Tensor:
        """Join all groups at the finest size: (N, sum of c, h, w)."""
        size = vectors[-1].shape[2:]
        return torch.cat([part if part.shape[2:] == size else F.interpolate(part, size=size) for part in vectors], 1)

    def sample_prior(self, n: int, temperature: float, noise: Noise, device: torch.device) -> Z:
        codes = self.prior_.sample(n, [None] * len(self.shapes), temperature, noise, device)
        return [book.embed(part) for book, part in zip(self.books, codes, strict=True)]

    def complete(self, z: list[Tensor | None], temperature: float, noise: Noise) -> Tensor:
        """Snap every vector to the nearest code; draw missing groups from the prior given those that are there."""
        self._check(z)
        codes = [None if part is None else book.nearest(part) for book, part in zip(self.books, z, strict=True)]
        if any(part is None for part in codes):
            there = next(part for part in codes if part is not None)
            codes = [*self.prior_.sample(len(there), codes, temperature, noise, there.device)]
        return self._joined(
            [book.embed(part) for book, part in zip(self.books, codes, strict=True) if part is not None]
        )
