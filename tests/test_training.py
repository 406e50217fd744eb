"""Training: every body and likelihood learns, a run continues bit for bit, and what cannot be trained is refused."""

import math
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from vae_core import checkpoints, scoring, training, zoo
from vae_core.config import (
    BODIES,
    LIKELIHOODS,
    Body,
    DataConfig,
    Latent,
    LikelihoodConfig,
    ModelConfig,
    Objective,
    Recipe,
    Schedule,
    Training,
)
from vae_core.data import Dataset, Splits, load
from vae_core.model import VAE
from vae_core.packaging import package
from vae_core.scoring import as_float, importance_weighted_nll
from vae_core.shards import Shard, seeded
from vae_core.training import Report, Run, TrainingError

HIDDEN = {"linear": (), "mlp": (16,), "conv": (8, 8), "resnet": (8, 8)}
STEADY = Schedule("constant", end=3e-3)


def bars(count: int, seed: int = 0, channels: int = 1) -> Dataset:
    """Pictures of a bright bar, upright or level: something to learn in a second."""
    generator = seeded(seed)
    places = torch.randint(0, 7, (count,), generator=generator)
    labels = torch.randint(0, 2, (count,), generator=generator)
    x = torch.randint(0, 40, (count, channels, 8, 8), generator=generator, dtype=torch.uint8)
    for i, (place, label) in enumerate(zip(places.tolist(), labels.tolist(), strict=True)):
        (x[i] if label else x[i].mT)[:, :, place : place + 2] += 200
    return Dataset("bars", x, labels, ("level", "upright"), credit="drawn here", licence="MIT")


def splits(count: int = 96, channels: int = 1) -> Splits:
    return Splits(bars(count, 0, channels), bars(20, 1, channels), bars(24, 2, channels))


def recipe(
    kind: str = "mlp", likelihood: str = "bernoulli", net: dict[str, Any] | None = None, **settings: Any
) -> Recipe:
    body = Body(kind, HIDDEN[kind], **(net or {}))
    model = ModelConfig((1, 8, 8), body, body, Latent(dim=3), LikelihoodConfig(likelihood, 0.3))
    objective = settings.pop("objective", Objective())
    return Recipe(
        kind,
        model,
        objective,
        Training(**{"epochs": 3, "batch_size": 16, "learning_rate": STEADY} | settings),
        DataConfig(),
    )


def finished(recipe: Recipe, parts: Splits | None = None) -> Run:
    run = Run(recipe, parts or splits(), "cpu")
    list(run.train())
    return run


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(("kind", "likelihood"), list(product(BODIES, LIKELIHOODS)))
def test_every_body_and_likelihood_learns(kind: str, likelihood: str) -> None:
    run = finished(recipe(kind, likelihood, epochs=6))
    elbos = [row["val"]["elbo"] for row in run.history]
    assert elbos[-1] > elbos[0] + 1
    assert not run.model.training


@pytest.mark.parametrize("kind", ["mlp", "conv", "resnet"])
@pytest.mark.parametrize(
    ("net", "settings"),
    [
        ({"norm": "batch"}, {}),
        ({"norm": "group", "activation": "silu"}, {}),
        ({"dropout": 0.1}, {}),
        ({}, {"weight_decay": 0.1, "clip": 10.0}),
        ({}, {"objective": Objective(free_bits=0.1, beta=Schedule("cyclical", 0.1, 2.0))}),
    ],
    ids=["batch", "group", "dropout", "decay and clip", "free bits"],
)
def test_every_option_learns(kind: str, net: dict[str, Any], settings: dict[str, Any]) -> None:
    """The last batch of 49 pictures holds a single one."""
    run = finished(recipe(kind, net=net, epochs=6, **settings), splits(49))
    assert run.history[-1]["train"]["elbo"] > run.history[0]["train"]["elbo"]


def test_colour_learns() -> None:
    made = recipe("conv", "learned_gaussian")
    run = finished(replace(made, model=replace(made.model, image_shape=(3, 8, 8))), splits(channels=3))
    assert run.history[-1]["val"]["elbo"] > run.history[0]["val"]["elbo"]


def test_linear_comes_to_the_optimum_of_probabilistic_pca() -> None:
    """Lucas et al. 2019: the linear VAE's ELBO has no maximum below the likelihood's own."""
    generator = seeded(5)
    loadings = torch.linalg.qr(torch.randn(64, 2, generator=generator))[0] * torch.tensor([1.2, 0.8])
    x = 0.5 + torch.randn(1000, 2, generator=generator) @ loadings.T + 0.05 * torch.randn(1000, 64, generator=generator)
    images = Dataset("planes", (x.clamp(0, 1) * 255).round().to(torch.uint8).view(-1, 1, 8, 8))
    rows = images.images[:900].flatten(1).double() / 255
    values = torch.linalg.eigvalsh(torch.cov(rows.T, correction=0))
    variance = values[:-2].mean()
    # Tipping and Bishop 1999, equation 4 at its maximum
    best = -0.5 * (64 * math.log(2 * math.pi) + values[-2:].log().sum() + 62 * variance.log() + 64).item()
    parts = Splits(images.subset(slice(0, 900)), images.subset(slice(900, 950)), images.subset(slice(950, 1000)))
    made = recipe("linear", "learned_gaussian", epochs=60, batch_size=50, learning_rate=Schedule("cosine", 0.02, 1e-4))
    run = finished(replace(made, model=replace(made.model, latent=Latent(dim=2))), parts)
    found = run.history[-1]["train"]["elbo"]
    assert run.model.likelihood.std.item() == pytest.approx(variance.sqrt().item(), rel=0.02)
    assert best - 1.0 < found < best + 0.3


# --- what a run tells ------------------------------------------------------------------------------------------------


def test_rows_and_reports() -> None:
    run = Run(recipe(epochs=2, objective=Objective(beta=Schedule("constant", end=3.0))), splits(49), "cpu")
    reports = list(run.train())
    rows = [report.row for report in reports if report.row]
    assert rows == run.history
    assert [row["epoch"] for row in rows] == [1, 2]
    assert run.batches == 4
    assert reports[-1].step == reports[-1].steps == 8
    for row in rows:
        assert row.keys() == checkpoints.ROW | {"train", "val"}
        for part in (row["train"], row["val"]):
            assert part.keys() == checkpoints.FIGURES
            assert part["elbo"] == pytest.approx(-part["reconstruction"] - part["kl"], rel=1e-5)  # beta weighs not
            assert part["kl"] == pytest.approx(sum(part["kl_per_dim"]), rel=1e-4, abs=1e-5)
        assert row["score"] == pytest.approx(-row["val"]["reconstruction"] - 3 * row["val"]["kl"], rel=1e-6)
        assert row["beta"] == 3.0
        assert math.isfinite(row["loss"])


def test_reports_come_often_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "REPORT_SECONDS", 0.0)
    reports = list(Run(recipe(epochs=1), splits(), "cpu").train())
    assert [report.step for report in reports] == [1, 2, 3, 4, 5, 6, 6]
    assert all(math.isfinite(report.elbo) and report.images_per_second > 0 for report in reports)
    assert isinstance(reports[0], Report)


def test_both_splits_are_measured_alike() -> None:
    """With the same pictures in both, the same un-weighted figures."""
    part = bars(40)
    run = finished(recipe(net={"dropout": 0.3}, epochs=2), Splits(part, part, part))
    for row in run.history:
        assert row["train"] == row["val"]


def test_the_watched_pictures_are_not_the_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that is sorted by class the first ones are all of one class."""
    monkeypatch.setattr(training, "WATCHED", 20)
    watched = Run(recipe(), splits(), "cpu").watched[0]
    again = Run(recipe(), splits(), "cpu").watched[0]
    images = splits().train.images
    places = [next(i for i in range(96) if torch.equal(images[i], row)) for row in watched[0]]
    assert torch.equal(watched[0], again[0])
    assert places == sorted(set(places))
    assert places != list(range(20))


def test_schedules_reach_the_optimizer_and_the_objective() -> None:
    """96 pictures in batches of 48 are two steps an epoch: four in all."""
    made = recipe(epochs=2, batch_size=48, learning_rate=Schedule("linear", 4e-3, 0.0))
    run = Run(replace(made, objective=Objective(beta=Schedule("linear", 0.0, 4.0))), splits(), "cpu")
    rates, progresses = [], []
    step, forward = run.optimizers["optimizer"].step, run.objective.forward

    def spy(*args: Any) -> None:
        rates.append(run.optimizers["optimizer"].param_groups[0]["lr"])
        step(*args)

    def watch(x: Tensor, y: Tensor, progress: float, noise: torch.Generator, grey: Tensor) -> dict[str, Tensor]:
        progresses.append(progress)
        return forward(x, y, progress, noise, grey)

    run.optimizers["optimizer"].step, run.objective.forward = spy, watch
    list(run.train())
    assert rates == pytest.approx([4e-3, 3e-3, 2e-3, 1e-3])
    assert progresses == [0, 0.25, 0.5, 0.75]
    assert [row["beta"] for row in run.history] == [2.0, 4.0]
    assert [row["learning_rate"] for row in run.history] == pytest.approx([2e-3, 0.0])


def test_beta_sets_the_kl() -> None:
    low, high = (
        finished(recipe(epochs=10, objective=Objective(beta=Schedule("constant", end=b)))).history[-1]["val"]["kl"]
        for b in (0.1, 30.0)
    )
    assert high < 0.5 * low


def test_decay_shrinks_and_clipping_slows() -> None:
    def norm(**settings: Any) -> float:
        return sum(w.square().sum() for w in finished(recipe(epochs=4, **settings)).model.parameters()).item()

    assert norm(weight_decay=10.0) < 0.7 * norm()
    fresh = Run(recipe(), splits(), "cpu")
    kept = {name: weight.clone() for name, weight in fresh.model.named_parameters()}
    seen = []
    step = fresh.optimizers["optimizer"].step
    fresh.recipe = replace(fresh.recipe, training=replace(fresh.recipe.training, clip=0.01))

    def spy() -> None:
        seen.append(sum(w.grad.square().sum() for w in fresh.model.parameters()).sqrt().item())
        step()

    fresh.optimizers["optimizer"].step = spy
    list(fresh.train())
    assert seen == pytest.approx([0.01] * len(seen), rel=1e-3)
    assert any(not torch.equal(kept[name], weight) for name, weight in fresh.model.named_parameters())


# --- stopping --------------------------------------------------------------------------------------------------------


def test_early_stopping_waits_and_keeps_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(recipe(epochs=50, patience=3), splits(), "cpu")
    scores = iter([1.0, 5.0, 4.0, 4.5, 3.0, 9.0])
    weights = []
    measure = training.statistics

    def scripted(model: VAE, images: Tensor, seed: int, labels: Tensor | None = None) -> Any:
        found = measure(model, images, seed)
        if len(images) != 20:  # the training split
            return found
        weights.append({name: t.clone() for name, t in model.state_dict().items()})
        return replace(found, reconstruction=torch.full((20,), -next(scores)), kl=torch.zeros(20, 3))

    monkeypatch.setattr(training, "statistics", scripted)
    list(run.train())
    assert len(run.history) == 5
    assert same(dict(run.model.state_dict()), weights[1])
    assert run.best_score == 5.0


def test_early_stopping_waits_for_the_schedule_of_beta(monkeypatch: pytest.MonkeyPatch) -> None:
    """While beta rises the score falls, because it weighs the KL with the final beta from the start."""

    def falling(model: VAE, images: Tensor, seed: int, labels: Tensor | None = None) -> Any:
        error = torch.full((len(images),), float(len(run.history)))
        return replace(measure(model, images, seed), reconstruction=error)

    measure = training.statistics
    monkeypatch.setattr(training, "statistics", falling)
    for kind, epochs in (("constant", 4), ("linear", 8)):
        objective = Objective(beta=Schedule(kind, 0.0, 1e-9, length=0.25))
        run = Run(recipe(epochs=20, patience=3, objective=objective), splits(), "cpu")
        list(run.train())
        assert len(run.history) == epochs, kind


def test_without_patience_all_epochs_are_done() -> None:
    assert len(finished(recipe(epochs=4, learning_rate=Schedule("constant", end=0.0))).history) == 4
    assert len(finished(recipe(epochs=9, patience=2, learning_rate=Schedule("constant", end=0.0))).history) == 3


def test_a_loss_that_is_not_finite_stops_the_run() -> None:
    run = Run(recipe("mlp", "gaussian", learning_rate=Schedule("constant", end=1e6), epochs=20), splits(), "cpu")
    with pytest.raises(TrainingError, match="The loss is not finite after epoch"):
        list(run.train())
    assert all(math.isfinite(row["loss"] + row["score"]) for row in run.history)


def test_weights_that_break_at_the_last_step_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss of the epoch is still finite; its figures are not."""
    run = Run(recipe(epochs=3), splits(), "cpu")
    step, count = run.optimizers["optimizer"].step, iter(range(1000))

    def breaking() -> None:
        step()
        if next(count) == 2 * run.batches - 1:
            next(run.model.parameters()).data.fill_(math.nan)

    run.optimizers["optimizer"].step = breaking
    with pytest.raises(TrainingError, match="after epoch 2"):
        list(run.train())
    assert len(run.history) == 1
    assert all(torch.isfinite(t).all() for t in run.best.values())


def breaking_at(run: Run, last: int, value: float = math.nan) -> None:
    """After so many steps a weight is no longer finite."""
    step, count = run.optimizers["optimizer"].step, iter(range(10_000))

    def breaking() -> None:
        step()
        if next(count) == last:
            next(run.model.parameters()).data.fill_(value)

    run.optimizers["optimizer"].step = breaking


def test_a_run_that_breaks_leaves_the_state_of_its_last_good_epoch(tmp_path: Path) -> None:
    """Although that was not yet due to be written."""
    state, made = tmp_path / "m.state.safetensors", recipe(epochs=5)
    run, whole = Run(made, splits(), "cpu"), finished(made)
    breaking_at(run, 3 * run.batches + 1)
    with pytest.raises(TrainingError, match="epoch 4"):
        list(run.train(state, save_every=1000))
    again = Run(made, splits(), "cpu")
    again.restore(state)
    assert len(again.history) == 3
    list(again.train())
    assert same(dict(again.model.state_dict()), dict(whole.model.state_dict()))


def test_a_long_epoch_stops_where_the_loss_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "REPORT_SECONDS", 0.0)
    run = Run(recipe(epochs=2), splits(), "cpu")
    breaking_at(run, 1)
    seen = []
    with pytest.raises(TrainingError, match="not finite in epoch 1"):
        for report in run.train():
            seen.append(report.step)
    assert seen == [1, 2]
    assert run.history == []


def test_reports_hold_the_terms_of_the_objective(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "REPORT_SECONDS", 0.0)
    reports = list(Run(recipe(epochs=1), splits(), "cpu").train())
    assert all(report.terms.keys() == {"loss", "elbo", "reconstruction", "kl"} for report in reports)
    for report in reports:
        assert report.elbo == pytest.approx(-(report.terms["reconstruction"] + report.terms["kl"]), rel=1e-4)
    assert reports[-1].row is not None
    assert reports[-1].row["loss"] == reports[-1].loss


# --- continuing ------------------------------------------------------------------------------------------------------


def continued(made: Recipe, state: Path, epochs: int) -> Run:
    """A run that goes on from the state of one that was stopped in the epoch after these."""
    first = Run(made, splits(), "cpu")
    for report in first.train(state, save_every=0.0):
        if report.step > first.batches * epochs:
            break
    second = Run(made, splits(), "cpu")
    second.restore(state)
    assert len(second.history) == epochs
    list(second.train(state, save_every=0.0))
    return second


@pytest.mark.parametrize("beyond", [0, 1])
def test_who_stops_listening_loses_no_finished_epoch(
    beyond: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither at the end of an epoch nor in the next one, although its state was not yet due to be written."""
    monkeypatch.setattr(training, "REPORT_SECONDS", 0.0)
    state, made = tmp_path / "m.state.safetensors", recipe(epochs=4)
    run, whole = Run(made, splits(), "cpu"), finished(made)
    reports = run.train(state, save_every=1000)
    next(report for report in reports if report.row and report.epoch == 1)
    for _ in range(beyond):
        next(reports)
    assert not state.exists()
    reports.close()
    again = Run(made, splits(), "cpu")
    again.restore(state)
    assert len(again.history) == 2
    list(again.train())
    assert same(dict(again.model.state_dict()), dict(whole.model.state_dict()))


@pytest.mark.parametrize("stop", [1, 3])
@pytest.mark.parametrize(
    "made",
    [
        recipe("conv", "learned_gaussian", {"norm": "batch", "dropout": 0.2}, epochs=4, clip=50.0, weight_decay=0.01),
        recipe("mlp", epochs=4, learning_rate=Schedule("cosine", 1e-2, 1e-4)),
        recipe("mlp", epochs=4, patience=1, learning_rate=Schedule("constant", end=0.3)),
        recipe("conv", "gaussian", {"norm": "batch"}, epochs=4, precision="bf16"),
    ],
    ids=["conv", "mlp", "patience", "bf16"],
)
def test_a_continued_run_is_the_run_that_never_stopped(
    made: Recipe, stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "REPORT_SECONDS", 0.0)
    whole = finished(made)
    if len(whole.history) <= stop:
        stop = len(whole.history) - 1
    second = continued(made, tmp_path / "run.state.safetensors", stop)
    assert same(dict(second.model.state_dict()), dict(whole.model.state_dict()))
    timeless = [[{k: v for k, v in row.items() if k != "seconds"} for row in run.history] for run in (whole, second)]
    assert timeless[0] == timeless[1]
    assert second.best_score == whole.best_score


def test_the_best_weights_survive_a_stop(tmp_path: Path) -> None:
    """No epoch beats a score of 1e9, so the best weights are those before the first one."""
    state = tmp_path / "run.state.safetensors"
    first, second = Run(recipe(), splits(), "cpu"), Run(recipe(), splits(), "cpu")
    fresh = dict(first.best)
    first.best_score = 1e9
    list(first.train(state))
    second.restore(state)
    assert second.best_score == 1e9
    assert same(second.best, fresh)
    assert not same(dict(second.model.state_dict()), fresh)


def test_a_finished_state_stays_finished(tmp_path: Path) -> None:
    state = tmp_path / "run.state.safetensors"
    run = Run(recipe(), splits(), "cpu")
    list(run.train(state, save_every=1e9))
    again = Run(recipe(), splits(), "cpu")
    again.restore(state)
    assert again.finished
    assert list(again.train(state)) == []
    assert same(dict(again.model.state_dict()), dict(run.model.state_dict()))


def test_states_of_something_else_are_refused(tmp_path: Path) -> None:
    state = tmp_path / "run.state.safetensors"
    run = Run(recipe(), splits(), "cpu")
    list(run.train(state))
    with pytest.raises(ValueError, match="another recipe"):
        Run(recipe(epochs=4), splits(), "cpu").restore(state)
    with pytest.raises(ValueError, match="other pictures"):
        Run(recipe(), splits(95), "cpu").restore(state)
    changed = splits()
    changed.train.images[0] += 1  # as many, of the same size and name
    with pytest.raises(ValueError, match="other pictures"):
        Run(recipe(), changed, "cpu").restore(state)
    checkpoints.save(package(run), state)
    with pytest.raises(ValueError, match="not the state of a run"):
        Run(recipe(), splits(), "cpu").restore(state)
    state.write_bytes(state.read_bytes()[:-1])
    with pytest.raises(checkpoints.CheckpointError):
        Run(recipe(), splits(), "cpu").restore(state)


def test_a_state_is_not_a_checkpoint(tmp_path: Path) -> None:
    state = tmp_path / "run.state.safetensors"
    list(Run(recipe(), splits(), "cpu").train(state))
    with pytest.raises(checkpoints.CheckpointError):
        checkpoints.load(state)


def test_the_seed_is_the_run() -> None:
    one, two, other = (finished(recipe(seed=seed)) for seed in (3, 3, 4))
    assert same(dict(one.model.state_dict()), dict(two.model.state_dict()))
    assert not same(dict(one.model.state_dict()), dict(other.model.state_dict()))


def test_every_picture_is_seen_once_an_epoch_in_a_new_order(monkeypatch: pytest.MonkeyPatch) -> None:
    run, seen = Run(recipe(epochs=2), splits(49), "cpu"), []
    step = run._step
    monkeypatch.setattr(run, "_step", lambda rows, *rest: (seen.append(rows), step(rows, *rest))[1])
    list(run.train())
    first, second = torch.cat(seen[:4]), torch.cat(seen[4:])
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(49))
    assert not torch.equal(first, second)


# --- what comes out --------------------------------------------------------------------------------------------------


def test_an_importance_weighted_run_is_judged_by_its_own_bound() -> None:
    run = finished(recipe(objective=Objective("iwae", draws=4), epochs=2))
    images, labels = run.watched[1]
    bound = -importance_weighted_nll(run.model, images, 4, 0, labels=labels).mean().item()
    assert bound in [pytest.approx(row["score"]) for row in run.history]
    assert all(row["score"] > row["val"]["elbo"] for row in run.history)


def test_a_vamp_prior_with_batch_norm_is_what_was_trained() -> None:
    """The bound that is measured is no looser than the one that was climbed, on the way there."""
    net, config = Body("conv", (16, 32), norm="batch"), DataConfig("digits")
    latent = Latent(dim=8, prior="vamp", components=50)
    model = ModelConfig((1, 8, 8), net, net, latent, LikelihoodConfig("learned_gaussian"))
    settings = Training(epochs=5, batch_size=64, learning_rate=STEADY)
    run = finished(Recipe("vamp", model, Objective(), settings, config), load(config))
    assert all(-row["train"]["elbo"] < row["loss"] + 5 for row in run.history)


def test_what_looks_at_pictures_is_given_them_beside_their_bits() -> None:
    run, seen = Run(recipe("conv"), splits(), "cpu"), []
    forward = run.objective.forward
    run.objective.forward = lambda x, y, progress, noise, grey: (
        seen.append((x, grey)) or forward(x, y, progress, noise, grey)
    )
    next(run.train())
    levels = as_float(run.images)
    for x, grey in seen:
        assert ((x == 0) | (x == 1)).all() and grey.unique().numel() > 2
        assert all(any(torch.equal(picture, other) for other in levels) for picture in grey)


def test_hidden_labels_choose_no_weights() -> None:
    settings = Training(epochs=1, batch_size=16)
    made = zoo.recipe("semi-supervised", DataConfig("bars"), (1, 8, 8), classes=2, training=settings)
    run = Run(zoo.adjusted(made, {"labelled": 6}), splits(), "cpu")
    assert all(labels is None for _, labels in run.watched)
    known = Run(zoo.recipe("conditional", DataConfig("bars"), (1, 8, 8), classes=2, training=settings), splits(), "cpu")
    assert all(labels is not None for _, labels in known.watched)


def test_the_best_epoch_of_a_semi_supervised_run_is_told_by_the_whole_bound() -> None:
    """With the KL of the class, and without a label of the validation split: worked out class by class."""
    settings = Training(epochs=2, batch_size=16, learning_rate=STEADY)
    made = zoo.recipe("semi-supervised", DataConfig("bars"), (1, 8, 8), classes=2, training=settings)
    rows = []
    for labels in (torch.tensor([0, 1] * 10), torch.tensor([1, 0] * 10)):
        parts = splits()
        run = finished(zoo.adjusted(made, {"labelled": 6}), replace(parts, val=replace(parts.val, labels=labels)))
        rows.append([{name: row[name] for name in ("score", "val")} for row in run.history])
    assert rows[0] == rows[1]

    x = run.model.observe(as_float(run.watched[1][0]), seeded(0, scoring.BITS, 0))
    q, noise = run.model.classifier(x).softmax(1), Shard(seeded(0, scoring.DRAWS, 0), 0, 20, 20)
    each = [run.model.terms(x, torch.full((20,), label), generator=noise) for label in range(2)]
    bound = sum(q[:, y] * (each[y].log_likelihood[:, 0] - each[y].kl[0].sum(1) - q[:, y].log()) for y in range(2))
    bound = (bound - math.log(2)).mean().item()  # the prior of the class is even
    best = max(run.history, key=lambda row: row["score"])
    assert best["score"] == pytest.approx(bound, abs=1e-3) == best["val"]["elbo"]
    assert best["val"]["reconstruction"] + best["val"]["kl"] == pytest.approx(-bound, abs=1e-3)
    assert abs(best["val"]["kl"] - sum(best["val"]["kl_per_dim"])) > 0.01  # what the class costs


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("empty", ["val", "test"])
def test_too_few_pictures_are_refused(empty: str) -> None:
    parts = replace(splits(), **{empty: bars(1).subset([])})
    with pytest.raises(ValueError, match=r"leave .*; each needs at least 1"):
        Run(recipe(), parts, "cpu")


def test_models_that_no_checkpoint_can_hold_are_refused_before_they_cost_memory() -> None:
    made = recipe()
    wide = replace(made.model, decoder=Body("mlp", (60_000, 60_000)))
    with pytest.raises(ValueError, match="MB of weights; a checkpoint holds at most 256"):
        Run(replace(made, model=wide), splits(), "cpu")


def test_names_that_no_checkpoint_can_hold_are_refused() -> None:
    for name in ("b" * 9999, "\udcff"):
        part = replace(bars(9), class_names=("a", name))
        with pytest.raises(ValueError, match="more than 2000 characters, or is not UTF-8"):
            Run(recipe(), Splits(part, part, part), "cpu")


def test_pictures_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="this model takes"):
        finished(recipe(), splits(channels=3))


def test_devices_and_precisions_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert training.pick_device("cpu").type == "cpu"
    with pytest.raises(ValueError, match="device is 'abacus'; usable here: auto, "):
        training.pick_device("abacus")
    monkeypatch.setattr(torch.amp, "is_autocast_available", lambda kind: False)
    with pytest.raises(ValueError, match="bf16 is not available on cpu; use float32"):
        Run(recipe(precision="bf16"), splits(), "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert training.pick_device("auto").type == "mps"
    with pytest.raises(ValueError, match="usable here: auto, mps, cpu"):
        training.pick_device("cuda")


def test_a_spread_narrows_during_the_run_and_epochs_are_compared_by_its_end() -> None:
    wide = Schedule("exponential", start=1.0, end=0.2, length=0.5)
    made = recipe("conv", "gaussian", epochs=4, std=wide)
    run = Run(made, splits(), "cpu")
    seen: list[float] = []
    likelihood = run.model.likelihood
    real = likelihood.set_std
    likelihood.set_std = lambda std: (seen.append(std), real(std))  # type: ignore[method-assign, assignment, func-returns-value]
    rows = [report.row for report in run.train() if report.row]
    assert seen[0] == 1.0 and min(seen) == pytest.approx(0.2) and len(rows) == 4
    assert likelihood.std.item() == pytest.approx(0.2)
    scores = [row["score"] for row in rows]
    assert scores[-1] > scores[0]
    with pytest.raises(ValueError, match="gaussian likelihood"):
        Run(recipe("conv", "bernoulli", std=wide), splits(), "cpu")


def test_the_learning_rate_rises_in_the_first_steps() -> None:
    run = Run(recipe("mlp", epochs=2, warmup=10), splits(), "cpu")
    assert run._warm(0.0) == pytest.approx(0.1)
    assert run._warm(4 / (2 * run.batches)) == pytest.approx(0.5)
    assert run._warm(1.0) == 1.0


def test_a_run_shows_half_of_its_pictures_mirrored_and_measures_none_so() -> None:
    pictures = splits()
    pictures.train.images[:] = 0
    pictures.train.images[:, :, :, :2] = 255  # the bright side tells
    run = Run(recipe("mlp", "gaussian", epochs=8, mirror=True), pictures, "cpu")
    shown: dict[bool, list[Tensor]] = {True: [], False: []}
    real = run.model.observe
    run.model.observe = lambda x, noise=None: (shown[run.model.training].append(x), real(x, noise))[1]  # type: ignore[method-assign]
    for _ in run._epoch(0):
        pass
    left, right = (torch.cat(shown[True])[:, 0, 0, column] == 1 for column in (0, -1))
    assert len(left) == len(pictures.train) and left.logical_xor(right).all()
    assert 0.3 < right.float().mean() < 0.7
    assert (shown[False][0][:, 0, 0, 0] == 1).all()
