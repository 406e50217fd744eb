"""The command `train`: from options to one file, by way of a state on disk that a stopped run goes on from."""

from __future__ import annotations

import contextlib
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vae_core import config, zoo
from vae_core.cli.planning import plan
from vae_core.cli.shared import Stopped, bars, range_of_text, say, size_of, summary, take_out, tell_notes, writing
from vae_core.config import Recipe
from vae_core.settings import PANELS, Setting

if TYPE_CHECKING:
    from vae_core.data import Splits
    from vae_core.health import Symptom, Watch
    from vae_core.training import Report, Run

SUFFIX, STATE_SUFFIX, BEST_SUFFIX = ".safetensors", ".state.safetensors", ".best.safetensors"
MOST_MINUTES = 10_000
PATIENCE = 20.0, 100  # seconds or steps of a run after which its health can be told

commands = typer.Typer()


def _option(panel: str, help: str, default: str, **rest: Any) -> Any:
    """Declare an option that is None unless given, so that --like can tell; its help says what None stands for."""
    return typer.Option(rich_help_panel=panel, help=f"{help} Default: {default}.", show_default=False, **rest)


def _widths(text: str) -> tuple[int, ...]:
    """Read `32,64,128`; an empty text is no hidden layer."""
    try:
        return tuple(int(width) for width in text.split(",")) if text else ()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of widths; write 32,64,128.") from None


def _switch(form: str) -> Callable[[str], bool | str]:
    """Read `on`, `off` or another of these words, as in `on|off|auto`."""

    def parse(text: str) -> bool | str:
        word = text.lower()
        if word not in form.split("|"):
            raise typer.BadParameter(f"{text!r} is not one of: {form.replace('|', ', ')}.")
        return {"on": True, "off": False}.get(word, word)

    return parse


def _groups(text: str) -> tuple[tuple[int, int], ...]:
    """Read `3:8,2:4`: halvings and channels of each latent group."""
    try:
        pairs = [tuple(int(part) for part in group.split(":")) for group in text.split(",")]
        return tuple((level, channels) for level, channels in pairs)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of groups; write 3:8,2:4 (halvings:channels).") from None


PARSERS = {
    "N|HxW": size_of,
    "LOW,HIGH": range_of_text,
    "32,64,128": _widths,
    "3:8,2:4,1:1": _groups,
    "on|off": _switch("on|off"),
    "on|off|auto": _switch("on|off|auto"),
}  # of what is no single number or word, by its form


def _with_settings(command: Any) -> Any:
    """Give a command an option for each setting: it gets them as `**settings`, None where one is not given."""
    *parameters, _ = inspect.signature(command, eval_str=True).parameters.values()
    parameters += [_parameter(panel, setting) for panel, settings in PANELS.items() for setting in settings]
    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameter(panel: str, setting: Setting) -> inspect.Parameter:
    kind, _ = config.look_up(setting.places.split()[0])
    text, parser = setting.sentence.replace("[", "\\["), PARSERS.get(setting.form)
    option = typer.Option(
        rich_help_panel=panel, help=text, show_default=False, metavar=setting.form or None, parser=parser
    )
    hint: Any = Annotated[Any if parser else kind | None, option]
    return inspect.Parameter(setting.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=hint)


@commands.command(
    epilog="Example: vae train --model conv --data mnist --data-root data --latent-dim 16 --out m.safetensors"
)
@_with_settings
def train(
    context: typer.Context,
    out: Annotated[Path | None, _option("Run", "Checkpoint to write (.safetensors).", "none; it must be given")] = None,
    model: Annotated[
        str | None, _option("Model", f"{', '.join(zoo.VARIANTS)}; see vae zoo.", "mlp below 28 pixels, else conv")
    ] = None,
    data: Annotated[str | None, _option("Data", "Pictures.", "digits", metavar="NAME|DIR|ZIP|NPZ")] = None,
    data_root: Annotated[
        Path | None, _option("Data", "Where named data sets lie.", "none", envvar="VAE_DATA", show_envvar=True)
    ] = None,
    labels: Annotated[
        str | None,
        _option(
            "Data",
            "Table of labels: file, and class or attributes; a path, or a name in the folder or zip.",
            "labels.csv, if it is there",
            metavar="FILE.csv",
        ),
    ] = None,
    download: Annotated[bool, typer.Option("--download", rich_help_panel="Data", help="Fetch a missing set.")] = False,
    minutes: Annotated[
        float | None,
        _option(
            "Run",
            "As many epochs as fit into so many minutes here.",
            f"{zoo.OWN_MINUTES:g} for your own pictures with the model conv",
        ),
    ] = None,
    like: Annotated[str | None, _option("Run", "Take the recipe of this checkpoint.", "none", metavar="FILE")] = None,
    describe: Annotated[str | None, _option("Run", "A sentence for the model's card.", "none")] = None,
    device: Annotated[str, typer.Option(rich_help_panel="Run", help="auto, cpu, cuda or mps.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", rich_help_panel="Run", help="Continue a stopped run.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel="Run", help="Start again although OUT or its state exists.")
    ] = False,
    save_every: Annotated[
        float, typer.Option(rich_help_panel="Run", min=0, help="Least seconds between two states on disk.")
    ] = 2.0,
    verbose: Annotated[bool, typer.Option("--verbose", rich_help_panel="Run", help="A line for each epoch.")] = False,
    **settings: Any,
) -> None:
    """Train a model and write it, with its figures and reference encodings, to one file.

    A state lies beside the file until the run is over; a run that was stopped at any moment goes on with --resume.
    """
    if out is None:
        raise ValueError("--out is missing; name the file to write, as in --out my.safetensors.")
    state = out.with_suffix(STATE_SUFFIX)
    take_out(out, SUFFIX, beside=[state])
    _check_earlier(out, state, resume, overwrite)
    given = {name: value for name, value in context.params.items() if value is not None}
    with _processes(device):
        _train(given, out, state)


def _check_earlier(out: Path, state: Path, resume: bool, overwrite: bool) -> None:
    """Never lose hours of training without a word."""
    if resume or overwrite:
        return
    if out.exists():
        raise ValueError(f"{str(out)!r} exists; choose another name, or replace it with --overwrite.")
    if state.exists():
        raise ValueError(
            f"{str(state)!r} holds a run that was stopped; continue it with --resume, or start again with --overwrite."
        )


@contextlib.contextmanager
def _processes(device: str) -> Iterator[None]:
    """Leave the group of processes that torchrun made in good order."""
    import torch

    from vae_core.training import pick_device

    pick_device(device)
    try:
        yield
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _train(given: dict[str, Any], out: Path, state: Path) -> None:
    from vae_core import checkpoints, fitting, realism
    from vae_core.packaging import package
    from vae_core.timing import epochs_within
    from vae_core.training import Run, TrainingError

    _check_description(given.get("describe", ""), checkpoints.MAX_TEXT)
    recipe, splits, description = plan(given)
    minutes = _minutes(given, recipe)
    ended = checkpoints.load(out).recipe if out.exists() and not given["overwrite"] else None
    begun = _begun(state) if given["resume"] else None
    recipe = _with_precision(given, recipe, splits, begun or ended)
    if ended:
        _check_same(out, recipe, ended, timed=minutes is not None)
        say(f"{out} is finished already.")
        return _tidy(out, state)
    if minutes is not None:
        epochs = begun.training.epochs if begun else epochs_within(recipe, splits, 60 * minutes, given["device"])
        recipe = replace(recipe, training=replace(recipe.training, epochs=epochs))
        if not begun:
            say(f"{minutes:g} minutes are about {epochs:,} passes here; --minutes and --epochs set another length.")
    run = Run(recipe, splits, given["device"])
    _begin(run, state, given["resume"])
    description = given.get("describe", description)
    try:
        _loop(run, state, given["save_every"], given["verbose"])
    except TrainingError as error:
        raise ValueError(f"{error} {_rescue(run, out, description)}") from None
    if not run.accelerator.is_main_process:
        return None
    say("Measuring the test split and laying out the map.")
    finished = package(run, description)
    with writing(out):
        checkpoints.save(finished, out)
    _tidy(out, state)
    say(f"Wrote {out}: {summary(finished)}.")
    if (gap := finished.metrics.get("prior_gap")) is not None:
        say(fitting.describe(gap))
    say(realism.describe(finished.metrics, finished.model.spec))
    return None


def _minutes(given: dict[str, Any], recipe: Recipe) -> float | None:
    """Tell how long a run shall take; None where its passes are counted."""
    if "minutes" in given and "epochs" in given:
        raise ValueError(f"--minutes is {given['minutes']:g}, but --epochs already gives the length; leave one out.")
    if "minutes" in given and not 0 < given["minutes"] <= MOST_MINUTES:
        raise ValueError(f"--minutes is {given['minutes']:g}; allowed: above 0, up to {MOST_MINUTES:,}.")
    usual = zoo.OWN_MINUTES if recipe.training.std is not None and not given.keys() & {"epochs", "like"} else None
    return given.get("minutes", usual)


def _check_description(text: str, most: int) -> None:
    """Refuse a description that is too long, since not one character of it is cut off."""
    if len(text) > most:
        raise ValueError(f"--describe has {len(text):,} characters; allowed: up to {most:,}.")


def _tidy(out: Path, state: Path) -> None:
    """Leave nothing but the checkpoint, whatever earlier lives of the run were writing when they ended."""
    from vae_core import files

    files.discard(state)
    files.discard_leftovers(out)


def _begun(state: Path) -> Recipe | None:
    """Return the recipe of a run that was stopped; None where there is none, or its state tells nothing."""
    from vae_core import checkpoints
    from vae_core.training import STATE_COPIES

    if not state.exists():
        return None
    header, _ = checkpoints.read_file(state, STATE_COPIES * checkpoints.MAX_BYTES)
    try:
        return config.from_dict(Recipe, header.get("recipe"))
    except ValueError:
        return None


def _with_precision(given: dict[str, Any], recipe: Recipe, splits: Splits, before: Recipe | None) -> Recipe:
    """Settle the precision: as the run began, as is asked for or `--like` has it, or what is faster."""
    from vae_core import precision, timing
    from vae_core.training import pick_device

    device, asked = pick_device(given["device"]), recipe.training.precision
    there = precision.has_units(device)
    if before is not None and "precision" not in given:
        chosen = before.training.precision
    elif asked == "bf16" and not there:
        chosen = "float32"
        say(f"This {device.type} has no bf16 units: the run is in float32.")
    elif there and not given.keys() & {"precision", "like"}:
        times = timing.gain(recipe, splits, given["device"])
        chosen = "bf16" if times >= timing.GAIN else "float32"
        say(f"A step in bf16 is {times:.2f} times as fast here as in float32: {chosen} it is; --precision chooses.")
    else:
        chosen = asked
    return replace(recipe, training=replace(recipe.training, precision=chosen))


def _check_same(out: Path, recipe: Recipe, finished: Recipe, timed: bool) -> None:
    """Refuse a finished model of another run; one that is `timed` may have as many epochs as it had."""
    if timed:
        recipe = replace(recipe, training=replace(recipe.training, epochs=finished.training.epochs))
    if finished != recipe:
        raise ValueError(
            f"{str(out)!r} holds a model of another recipe ({config.difference(finished, recipe)}); choose another "
            f"name, or replace it with --overwrite."
        )


def _begin(run: Run, state: Path, resume: bool) -> None:
    """Restore the state where there is one and it is asked for, and say what is going to happen."""
    from vae_core.model import parameters

    settings, processes = run.recipe.training, run.accelerator.num_processes
    say(
        f"Training {run.recipe.name} ({parameters(run.model):,} parameters) on {len(run.splits.train):,} pictures of "
        f"{run.recipe.data.name}: {settings.epochs} epochs on {run.accelerator.device.type} in {settings.precision}, "
        f"{processes} {'process' if processes == 1 else 'processes'}; figures in nats per image."
    )
    tell_notes(run.splits.train)
    if resume and state.exists():
        run.restore(state)
        say(f"Resumed after epoch {len(run.history)} of {settings.epochs}.")
    elif resume:
        say(f"There is no state {str(state)!r} to resume from: starting at the beginning.")


def _loop(run: Run, state: Path, save_every: float, verbose: bool) -> None:
    """Train to the end, with a bar on a terminal, a line an epoch elsewhere, and each symptom of ill health once."""
    from vae_core.health import Watch

    lines = verbose or not sys.stderr.isatty()
    watch = Watch(run.model.spec, run.recipe.objective, [row["loss"] for row in run.history])
    done, epochs, started = len(run.history) * run.batches, run.recipe.training.epochs, time.monotonic()
    try:
        with writing(state), bars("left") as bar, contextlib.closing(run.train(state, save_every)) as reports:
            task = bar.add_task("training", total=epochs * run.batches, completed=done)
            for report in reports:
                epoch, rate = f"epoch {report.epoch + 1}/{epochs}", f"{report.images_per_second:,.0f} images/s"
                bar.update(
                    task, completed=report.step, description=f"{epoch}  {_running(report.loss, report.elbo)}  {rate}"
                )
                seconds = time.monotonic() - started
                if report.row and lines:
                    say(_line(run, report, seconds / (report.step - done) * (report.steps - report.step)))
                for symptom in _new_symptoms(run, watch, report, seconds):
                    say(f"Warning: {symptom.text}")
    except KeyboardInterrupt:
        way = "go on with the same command and --resume" if state.exists() else "no state had been written yet"
        raise Stopped(f"Stopped in epoch {len(run.history) + 1} of {epochs}: {way}.") from None


def _new_symptoms(run: Run, watch: Watch, report: Report, seconds: float) -> list[Symptom]:
    """Tell what a report shows for the first time, once the run has had the time to show it."""
    ripe = seconds >= PATIENCE[0] or report.step >= PATIENCE[1] or report.step == report.steps
    std = run.model.likelihood.learned_std
    return watch.see(report.step / report.steps, report.terms, report.row, std, ripe)


def _running(loss: float, elbo: float | None) -> str:
    return f"loss {loss:.2f}" if elbo is None else f"ELBO {elbo:.2f}"


def _line(run: Run, report: Report, left: float) -> str:
    """Return an epoch in a line; nats per image."""
    assert report.row is not None
    val = report.row["val"]
    units = "" if val["active_units"] is None else f"active units {val['active_units']}  "
    kl = "" if val["kl"] is None else f"KL {val['kl']:.2f}{', ' if units else '  '}"
    return (
        f"epoch {report.epoch + 1}/{run.recipe.training.epochs}  {_running(report.loss, report.elbo)}  "
        f"validation: {_running(val['reconstruction'], val['elbo'])}, {kl}{units}"
        f"{report.images_per_second:,.0f} images/s  {timedelta(seconds=round(left))} left"
    )


def _rescue(run: Run, out: Path, description: str) -> str:
    """Keep the best weights of a run that broke, and say how to go on."""
    from vae_core import checkpoints
    from vae_core.packaging import package

    again = "start again with --overwrite and, say, a tenth of the --learning-rate"
    if not run.history or not run.accelerator.is_main_process:
        return "No epoch was good, so there is nothing to keep."
    kept = out.with_suffix(BEST_SUFFIX)
    try:
        run.conclude()
        checkpoints.save(package(run, description), kept)
    except (ValueError, OSError) as error:
        return f"The best weights could not be written ({error}): {again}."
    return f"The best weights of its {len(run.history)} good epochs are in {kept}; {again}."
