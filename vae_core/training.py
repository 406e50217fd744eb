"""The loop: a generator of metrics, ignorant of which model it trains.

Every random number of an epoch comes from (seed, epoch), every scheduled number from the step. So a run continued from
its state file equals one that was never stopped, and a run on many processes equals the run on one.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vae_core import adversarial, checkpoints, objectives, precision
from vae_core.checkpoints import DataInfo, check_info, data_info
from vae_core.config import Recipe, difference, from_dict, to_dict
from vae_core.model import VAE, build
from vae_core.scoring import as_float, encode, importance_weighted_nll, statistics
from vae_core.shards import Shard, seeded, uniform

if TYPE_CHECKING:
    from vae_core.data import Splits

WATCHED = 2_000  # pictures of the training split on which its figures are computed, the same ones every epoch
WATCHED_VALIDATION = 5_000
ORDER, NOISE, WEIGHTS, WATCH = 11, 12, 13, 14  # streams of random numbers
REPORT_SECONDS = 0.25
OBJECTIVES = objectives.KINDS | adversarial.KINDS
CRITIC_BETAS = (0.5, 0.9)  # moments of the critic's optimizer: the usual short memory of adversarial training
FITTED_TO = 10_000  # training pictures to whose codes a prior is fitted at the end of a run
STATE_COPIES = 6  # a state holds the weights, the best ones and the optimizer's two moments, with a header
SAVE_SECONDS = 2.0  # between states: an epoch of a small model takes less than an fsync


class TrainingError(ValueError):
    """A run that cannot go on; the state of the last good epoch is on disk."""


@dataclass(frozen=True)
class Report:
    """One report of a run: where it is, how fast, the epoch's mean terms so far (nats); `row` closes an epoch."""

    step: int
    steps: int
    epoch: int
    terms: dict[str, float]
    images_per_second: float
    row: dict[str, Any] | None = None

    @property
    def loss(self) -> float:
        """What is minimised, nats per image."""
        return self.terms["loss"]

    @property
    def elbo(self) -> float | None:
        """Nats per image; None without a density."""
        return self.terms.get("elbo")


def pick_device(name: str = "auto") -> torch.device:
    """Return a device from `auto`, `cpu`, `cuda` or `mps`; auto takes the fastest there is."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, available in there.items() if available))
    if not there.get(name, False):
        usable = ", ".join(kind for kind, available in there.items() if available)
        raise ValueError(f"device is {name!r}; usable here: auto, {usable}.")
    return torch.device(name)


def _check(recipe: Recipe, splits: Splits) -> None:
    """Refuse before hours of training what would fail after them."""
    if recipe.model.foreign:
        raise ValueError("This model was trained elsewhere: its ONNX graphs can be explored here, but not trained.")
    check_info(data_info(splits))
    if recipe.model.classes and splits.train.labels is None:
        raise ValueError(f"The model {recipe.name!r} needs data with classes, and {splits.train.name!r} has none.")
    OBJECTIVES[recipe.objective.kind].check(recipe.objective, len(splits.train), recipe.model.classes)
    if recipe.training.std is not None and not recipe.model.likelihood.has_given_std:
        raise ValueError(
            f"std changes during a run of a gaussian likelihood; this one is {recipe.model.likelihood.kind}."
        )
    with torch.device("meta"):  # without memory
        size = sum(t.numel() * t.element_size() for t in build(recipe.model).state_dict().values())
    if size > checkpoints.MAX_BYTES:
        raise ValueError(
            f"The model has {size / 2**20:.0f} MB of weights; a checkpoint holds at most "
            f"{checkpoints.MAX_BYTES // 2**20}: choose a conv model, smaller pictures or narrower layers."
        )
    if not (len(splits.val) and len(splits.test)):
        count = len(splits.train) + len(splits.val) + len(splits.test)
        raise ValueError(
            f"The {count:,} pictures of {splits.train.name!r} leave {len(splits.val)} for validation and "
            f"{len(splits.test)} for the test; each needs at least 1: give at least 3 pictures and fractions above 0."
        )


def _some(pictures: int, count: int, seed: int) -> Tensor:
    """Draw places of `count` pictures by a seed: not the first ones, since many folders are sorted by class."""
    return torch.randperm(pictures, generator=seeded(seed, WATCH))[:count].sort().values


class Run:
    """One training run: weights, optimizer, history; `train` moves it, `state` and `restore` carry it over a stop."""

    def __init__(self, recipe: Recipe, splits: Splits, device: str = "auto") -> None:
        from accelerate import Accelerator

        _check(recipe, splits)
        chosen = pick_device(device)
        self.mixed = partial(precision.mixed, chosen, recipe.training.precision)
        self.mixed()  # refuses what the device has not
        self.accelerator = Accelerator(cpu=chosen.type == "cpu")  # which knows one precision a process
        self.recipe, self.splits = recipe, splits
        torch.manual_seed(recipe.training.seed + WEIGHTS)
        self.model = build(recipe.model)
        if chosen.type == "cpu":  # convolutions take up to a quarter less time so
            self.model.to(memory_format=torch.channels_last)
        settings = recipe.training
        objective = OBJECTIVES[recipe.objective.kind](self.model, recipe.objective, len(splits.train))
        self.critic, self.keeps_last, self.penalty = objective.critic, objective.keeps_last, objective.penalty
        self.draws, self.extra_rows = objective.draws, objective.extra_rows
        self.optimizers = {"optimizer": self._optimizer(self.model, (0.9, 0.999))}
        if self.critic is not None:
            self.optimizers["critic_optimizer"] = self._optimizer(self.critic, CRITIC_BETAS)
        # The optimizers stay bare: accelerate's wrapper serves fp16 and DeepSpeed, and costs 5 % of a small step.
        self.objective = self.accelerator.prepare(objective)
        self.images = splits.train.images.to(self.accelerator.device)
        labels, extra = objective.supervision(splits.train.labels, settings.seed)
        self.labels = None if labels is None else labels.to(self.accelerator.device)
        self.extra = extra.to(self.accelerator.device)
        self.watched = [
            (part.images[rows], None if objective.blind or part.labels is None else part.labels[rows])
            for part, count in ((splits.train, WATCHED), (splits.val, WATCHED_VALIDATION))
            for rows in [_some(len(part), count, settings.seed)]
        ]
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Tensor] = self._weights()
        self.best_score = -math.inf

    def _optimizer(self, module: nn.Module, betas: tuple[float, float]) -> torch.optim.AdamW:
        settings = self.recipe.training
        return torch.optim.AdamW(
            module.parameters(),
            lr=settings.learning_rate.at(0.0),
            betas=betas,
            weight_decay=settings.weight_decay,
            fused=True,
        )

    @property
    def _noise_device(self) -> str:
        """Where noise is drawn: others than CUDA have no generator that can be seeded."""
        return "cuda" if self.accelerator.device.type == "cuda" else "cpu"

    @cached_property
    def pixels(self) -> str:
        """SHA-256 of the training pictures: a state belongs to these."""
        return hashlib.sha256(self.splits.train.images.numpy().data).hexdigest()

    @property
    def batches(self) -> int:
        """Steps in an epoch; the last batch may be smaller."""
        return math.ceil(len(self.images) / self.recipe.training.batch_size)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the validation score has stopped improving."""
        settings, done = self.recipe.training, len(self.history)
        if done >= settings.epochs:
            return True
        if not (settings.patience and done):
            return False
        scores, beta = [row["score"] for row in self.history], self.recipe.objective.beta
        # The score has the final beta: while beta is still on its way there, the model is made worse by this measure.
        rising = 0 if beta.kind == "constant" else math.ceil(beta.length * settings.epochs)
        return done - max(1 + scores.index(max(scores)), rising) >= settings.patience

    def _weights(self) -> dict[str, Tensor]:
        return {name: _copy(t) for name, t in self.model.state_dict().items()}

    def train(self, state_file: Path | None = None, save_every: float = SAVE_SECONDS) -> Generator[Report, None, None]:
        """Train to the end, reporting a few times a second and at the end of each epoch.

        Args:
            state_file: written at the end of epochs, so that the run can be continued, and when it is stopped.
            save_every: seconds, at least, between two states.

        Yields:
            `Report`; those with a `row` close an epoch.

        Raises:
            TrainingError: when the loss is no longer finite.
        """
        kept = state_file if self.accelerator.is_main_process else None
        saved, unsaved = time.monotonic(), None
        try:
            while not self.finished:
                for report in self._epoch(len(self.history)):
                    if kept and report.row:
                        unsaved = self._state()  # before anyone can stop the run
                    yield report
                if kept and unsaved and (time.monotonic() - saved >= save_every or self.finished):
                    checkpoints.write_file(kept, *unsaved)
                    saved, unsaved = time.monotonic(), None
        except (TrainingError, KeyboardInterrupt, GeneratorExit):
            if kept and unsaved:
                checkpoints.write_file(kept, *unsaved)
            raise
        self.conclude()

    def conclude(self) -> None:
        """Take the best weights, and what the end of training asks for."""
        best = self.best
        if self.recipe.training.weights == "float16":
            best = {name: checkpoints.shortened(t) if t.is_floating_point() else t for name, t in best.items()}
        self.model.load_state_dict(best)
        self.model.to(memory_format=torch.contiguous_format).eval()
        fit_prior(self.model, self.splits, self.recipe.training.seed)

    def _epoch(self, epoch: int) -> Iterator[Report]:
        settings, device = self.recipe.training, self.accelerator.device
        order = torch.randperm(len(self.images), generator=seeded(settings.seed, ORDER, epoch)).to(device)
        noise = seeded(settings.seed, NOISE, epoch, device=self._noise_device)
        torch.manual_seed(settings.seed + 1 + epoch)  # dropout
        steps, total, seen = settings.epochs * self.batches, torch.zeros((), device=device), 0
        started = reported = time.monotonic()
        self.model.train()
        for index, rows in enumerate(order.split(settings.batch_size)):
            step = epoch * self.batches + index
            terms = self._step(self._with_extra(rows, noise), step / steps, noise)
            total = total + len(rows) * torch.stack([term.detach() for term in terms.values()])
            seen += len(rows)
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                means = dict(zip(terms, (total / seen).tolist(), strict=True))
                if not math.isfinite(means["loss"]) and self.accelerator.num_processes == 1:  # else they wait for it
                    raise _broken(f"in epoch {epoch + 1}")
                yield Report(step + 1, steps, epoch, means, seen / (reported - started))
        seconds, means = time.monotonic() - started, dict(zip(terms, (total / seen).tolist(), strict=True))
        row = self.close_epoch(epoch, means["loss"], seconds)
        yield Report((epoch + 1) * self.batches, steps, epoch, means, seen / seconds, row)

    def trial(self) -> Iterator[dict[str, Tensor]]:
        """Take steps without end, for a run that is thrown away: to see how long they take."""
        noise = seeded(self.recipe.training.seed, NOISE, device=self._noise_device)
        self.model.train()
        while True:
            for rows in torch.arange(len(self.images), device=self.images.device).split(
                self.recipe.training.batch_size
            ):
                yield self._step(self._with_extra(rows, noise), 0.0, noise)

    def _with_extra(self, rows: Tensor, noise: torch.Generator) -> Tensor:
        """Return a batch with some of the pictures that the objective wants in every one."""
        if not len(self.extra):
            return rows
        chosen = torch.randint(len(self.extra), (self.extra_rows,), generator=noise, device=noise.device)
        return torch.cat([rows, self.extra[chosen.to(rows.device)]])

    def _step(self, rows: Tensor, progress: float, noise: torch.Generator) -> dict[str, Tensor]:
        """Take one optimizer step on the global batch `rows`, of which this process computes its share."""
        settings = self.recipe.training
        share, mine, weight = self._share(rows, noise)
        rate = settings.learning_rate.at(progress) * self._warm(progress)
        for optimizer in self.optimizers.values():
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
        if settings.std is not None:
            self.model.likelihood.set_std(settings.std.at(progress))
        pictures, labels = as_float(self.images[mine]), None if self.labels is None else self.labels[mine]
        if settings.mirror:
            turned = uniform((len(pictures), 1, 1, 1), share, pictures.device) < 0.5
            pictures = torch.where(turned, pictures.flip(3), pictures)
        with self.mixed():
            terms = self.objective(self.model.observe(pictures, share), labels, progress, share, pictures)
        loss = terms["loss"] if self.critic is None else terms["loss"] + terms["critic_loss"]
        # accelerator.backward adds what fp16 and DeepSpeed need, at 2 % a step
        (loss if weight == 1.0 else loss * weight).backward()
        if settings.clip > 0:
            self.accelerator.clip_grad_norm_(self.model.parameters(), settings.clip)
        for optimizer in self.optimizers.values():
            optimizer.step()
        if self.accelerator.num_processes > 1:
            terms = {name: self.accelerator.reduce(t.detach() * weight, "mean") for name, t in terms.items()}
        return terms

    def _warm(self, progress: float) -> float:
        """Return the share of the learning rate at a step, which rises from 0 in the first `warmup` steps."""
        warmup = self.recipe.training.warmup
        return min(1.0, (progress * self.recipe.training.epochs * self.batches + 1) / warmup) if warmup else 1.0

    def _share(self, rows: Tensor, noise: torch.Generator) -> tuple[torch.Generator | Shard, Tensor, float]:
        """Return this process's noise and rows, and the weight that makes the mean over processes that over rows."""
        count, here = self.accelerator.num_processes, self.accelerator.process_index
        if count == 1:
            return noise, rows, 1.0
        start, stop = (len(rows) * i // count for i in (here, here + 1))
        weight = (stop - start) * count / len(rows)
        if start == stop:  # fewer rows than processes: take part with a row that weighs nothing
            start, stop = 0, 1
        return Shard(noise, start, stop, len(rows)), rows[start:stop], weight

    def close_epoch(self, epoch: int, loss: float, seconds: float) -> dict[str, Any]:
        """Measure both splits, remember the best weights, and add the epoch's row to the history."""
        settings, beta = self.recipe.training, self.recipe.objective.beta
        if settings.std is not None:
            # Epochs are compared by the likelihood that the run ends with.
            self.model.likelihood.set_std(settings.std.end)
        self.model.eval()
        train, val = (
            statistics(self.model, images, settings.seed, labels=labels).summary(self.model.spec)
            for images, labels in self.watched
        )
        score = self._score(val)
        if not (math.isfinite(loss) and math.isfinite(score)):
            raise _broken(f"after epoch {epoch + 1}")
        row = {
            "epoch": epoch + 1,
            "seconds": seconds,
            "loss": loss,
            "beta": beta.at((epoch + 1) / settings.epochs),
            "learning_rate": settings.learning_rate.at((epoch + 1) / settings.epochs),
            "score": score,
            "train": train,
            "val": val,
        }
        self.history.append(row)
        if score > self.best_score or self.keeps_last:
            self.best, self.best_score = self._weights(), score
        return row

    def _score(self, val: dict[str, Any]) -> float:
        """Tell what tells good weights, nats: the objective's own bound on the validation split, at the end's beta."""
        if self.draws == 1:
            return -(val["reconstruction"] + self.penalty(val["kl"] or 0.0))
        images, labels = self.watched[1]
        seed = self.recipe.training.seed
        return -importance_weighted_nll(self.model, images, self.draws, seed, labels=labels).mean().item()

    def _state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return header and tensors of all that continuing needs; copies, since training goes on."""
        tensors = {f"now.{name}": tensor for name, tensor in self._weights().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        if self.critic is not None:
            tensors |= {f"critic.{name}": _copy(tensor) for name, tensor in self.critic.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            for index, slots in optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{slot}": _copy(tensor) for slot, tensor in slots.items()}
        header = {
            "recipe": to_dict(self.recipe),
            "data": to_dict(data_info(self.splits)),
            "pixels": self.pixels,
        }
        return header | {"history": [*self.history], "best_score": self.best_score}, tensors

    def _other_pictures(self, ours: DataInfo, pixels: object) -> str:
        """Say in what the pictures of a state differ from these; earlier states do not tell their source."""
        wanted = data_info(self.splits)
        wanted = wanted if ours.source else replace(wanted, source="")
        if pixels == self.pixels:
            ours = replace(ours, source=wanted.source)
        if replace(ours, source="") != replace(wanted, source=""):
            return f"there {difference(ours, wanted)}"
        return "" if pixels == self.pixels else "they have the same name and number, but their pixels differ"

    def restore(self, path: Path) -> None:
        """Continue from a state file.

        Raises:
            ValueError: when it is not the state of a run, or of one with another recipe or other data.
        """
        header, tensors = checkpoints.read_file(path, STATE_COPIES * checkpoints.MAX_BYTES)
        if "best_score" not in header:
            raise ValueError(f"{path.name} is not the state of a run; give the file that the run wrote beside --out.")
        if (recipe := from_dict(Recipe, header.get("recipe"))) != self.recipe:
            raise ValueError(
                f"{path.name} is the state of a run with another recipe: there {difference(recipe, self.recipe)}; "
                "resume with the same settings."
            )
        if other := self._other_pictures(from_dict(DataInfo, header.get("data"), "data"), header.get("pixels")):
            raise ValueError(
                f"{path.name} is the state of a run on other pictures: {other}; resume with the same data."
            )
        parts: dict[str, dict[str, Tensor]] = {"now": {}, "best": {}, "critic": {}, **{n: {} for n in self.optimizers}}
        for name, tensor in tensors.items():
            kind, key = name.split(".", 1)
            parts[kind][key] = tensor.clone()
        self.model.load_state_dict(parts["now"])
        if self.critic is not None:
            self.critic.load_state_dict(parts["critic"])
        self.best, self.best_score = parts["best"], header["best_score"]
        for name, optimizer in self.optimizers.items():
            _restore(optimizer, parts[name])
        self.history = header["history"]


def _broken(when: str) -> TrainingError:
    return TrainingError(f"The loss is not finite {when}: use a lower learning rate or gradient clipping.")


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _restore(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimizer its slots back, from tensors named number.slot, each laid out in memory as its weights are."""
    slots: dict[int, dict[str, Tensor]] = {}
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for key, tensor in tensors.items():
        number, slot = key.split(".", 1)
        like = weights[int(number)]
        alike = torch.empty_like(like, device="cpu").copy_(tensor) if tensor.shape == like.shape else tensor
        slots.setdefault(int(number), {})[slot] = alike
    optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})


def fit_prior(model: VAE, splits: Splits, seed: int) -> None:
    """Fit a prior that is not learnt in training to the codes of training pictures."""
    if model.spec.prior == "fitted":
        rows = _some(len(splits.train), FITTED_TO, seed)
        model.latent.fit_prior(encode(model, splits.train.images[rows], seed)[0])
