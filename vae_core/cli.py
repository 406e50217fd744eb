"""The command line: `vae COMMAND` or `python -m vae_core COMMAND`.

Results go to standard output or to the file of `--out`, everything else to standard error. torch comes in inside the
commands, so that `--help` is there at once.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from vae_core import config, zoo
from vae_core.config import METRICS, DataConfig, Latent, Recipe

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from torch import Tensor

    from vae_core.checkpoints import Checkpoint
    from vae_core.data import Dataset, Splits
    from vae_core.health import Symptom, Watch
    from vae_core.likelihoods import Gaussian
    from vae_core.model import VAE
    from vae_core.training import Progress, Run

SUFFIX, STATE_SUFFIX, BEST_SUFFIX = ".safetensors", ".state.safetensors", ".best.safetensors"
SPLITS = ("train", "val", "test", "all")
METHODS = ("pca", "tsne")
TABLE_WIDTH = 160  # characters, where no terminal says how many it has
TILE = 112  # pixels a side, about, that small pictures are enlarged to
MAX_SEED = 2**32 - 1
PATIENCE = 20.0, 100  # seconds or steps of a run after which its health can be told

app = typer.Typer(
    name="vae",
    help="Train, measure and explore variational autoencoders.",
    epilog="Example: vae train --data digits --epochs 50 --out my.safetensors",
    add_completion=False,
    pretty_exceptions_enable=False,
)
# The base of all that is wrong with a command's words; typer has no public name for it.
UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__base__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; everything that the user can mend is told in one line on standard error.

    Args:
        arguments: without the program's name; None takes those of the process.

    Returns:
        Exit status: 0; 2 for wrong input or a disk that refuses; 130 when interrupted.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return app(given or ["--help"], prog_name="vae", standalone_mode=False) or 0
    except UsageError as error:
        message = error.format_message()
    except (KeyboardInterrupt, typer.Abort):
        _say("Stopped.")
        return 130
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        message = f"{named}{error.strerror or error}"
    except ValueError as error:
        message = str(error)
    _say("error: " + " ".join(message.split()))
    return 2


# --- what commands share --------------------------------------------------------------------------------------


def _is_main() -> bool:
    """Whether this is the process that prints and writes (torchrun sets RANK)."""
    return os.environ.get("RANK", "0") == "0"


def _printable(text: str) -> str:
    """Text of a stranger's file without the control characters that a terminal obeys."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def _say(text: str) -> None:
    """Tell the user on standard error."""
    if _is_main():
        print(_printable(text), file=sys.stderr, flush=True)


def _print_json(values: dict[str, Any]) -> None:
    print(json.dumps(values, indent=2))


def _progress(before_time: str = "") -> Bars:
    """Progress bars on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn(before_time),
        TimeRemainingColumn(),
    )
    silent = not (sys.stderr.isatty() and _is_main())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=silent)


@contextlib.contextmanager
def _bar(task: str) -> Iterator[Callable[..., None]]:
    """A progress bar: gives a function of the fraction done and, if any, a text."""
    with _progress() as bar:
        number = bar.add_task(task, total=1.0)
        yield lambda fraction, text=task: bar.update(number, completed=fraction, description=text or task)


def _size(text: str) -> tuple[int, int]:
    """`32` or `32x48` (height x width)."""
    try:
        sides = [int(side) for side in text.lower().split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2):
        raise typer.BadParameter(f"{text!r} is not a size; write 32 or 32x48 (height x width).")
    return sides[0], sides[-1]


def _widths(text: str) -> tuple[int, ...]:
    """`32,64,128`; an empty text is no hidden layer."""
    try:
        return tuple(int(width) for width in text.split(",")) if text else ()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of widths; write 32,64,128.") from None


def _check_out(path: Path, *suffixes: str) -> None:
    """Refuse a file that cannot be written before any work is done."""
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"--out is {str(path)!r}; its name must end in {' or '.join(suffixes)}.")
    if path.is_dir():
        raise ValueError(f"--out is {str(path)!r}, which is a folder; name a file.")
    if not path.parent.is_dir():
        raise ValueError(f"--out is {str(path)!r}, but there is no folder {str(path.parent)!r}.")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"--out is {str(path)!r}, but the folder {str(path.parent)!r} is not writable.")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Name the file in what the disk says."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno or errno.EIO, f"{reason}; the file could not be written", str(path)) from error


def _write(path: Path, data: bytes, what: str) -> None:
    from vae_core.checkpoints import write_bytes

    with _writing(path):
        write_bytes(path, data)
    _say(f"Wrote {path}: {what}.")


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError(f"There is no file {str(path)!r}.")
    return path.read_bytes()


def _open(file: str, device: str) -> Checkpoint:
    from vae_core import checkpoints
    from vae_core.training import pick_device

    chosen = pick_device(device)
    return checkpoints.load(checkpoints.find(file), chosen)


def _source(given: str) -> tuple[str, Path | None]:
    """Name and place of the data that `--data` means; no place for a named set."""
    from vae_core.data import SETS

    path = Path(given).expanduser()
    if given in SETS:
        return given, None
    if not path.exists():
        raise ValueError(
            f"--data is {given!r}, which is neither a folder nor a file; allowed: a folder, zip or .npz of pictures, "
            f"or one of: {', '.join(SETS)}."
        )
    resolved = path.resolve()
    return resolved.name if path.is_dir() else resolved.stem, path


def _load(data: DataConfig, source: Path | None, root: Path | None, download: bool, like: str = "") -> Splits:
    from vae_core.data import SETS, load

    if source is None and data.name not in SETS:
        raise ValueError(f"{data.name!r} is no named data set: give its folder, zip or .npz with --data.")
    with _bar(f"loading {data.name}") as progress:
        return load(data, source, root, download, progress, like)


def _pictures(
    checkpoint: Checkpoint,
    given: str | None,
    root: Path | None,
    download: bool,
    split: str,
    limit: int | None,
    as_is: bool = False,
) -> Dataset:
    """The pictures that a command is about, in the model's shape; `all` keeps the order of the data itself.

    Those of a folder or zip are prepared as an upload to a model of a named set is, unless they are taken as they are.
    """
    from vae_core.data import SETS

    if split not in SPLITS:
        raise ValueError(f"--split is {split!r}; allowed: {', '.join(SPLITS)}.")
    data = checkpoint.recipe.data
    name, source = _source(given) if given else (data.name, None)
    channels, height, width = checkpoint.model.image_shape
    data = replace(data if name == data.name else DataConfig(name), size=(height, width), channels=channels)
    if split == "all":
        data = replace(data, val_fraction=0.0, test_fraction=0.0)
    like = checkpoint.data.name if source and not as_is and checkpoint.data.name in SETS else ""
    splits = _load(data, source, root, download, like)
    if like and source and source.suffix.lower() != ".npz":
        _say(f"{name}: each picture prepared as an upload to a model of {like} is; --as-is takes them as they are.")
    found = splits.whole() if split == "all" else getattr(splits, split)
    if not len(found):
        raise ValueError(f"The {split} part of {name!r} has no pictures; choose another with --split.")
    return found if limit is None else found.subset(_chosen(len(found), limit))


def _chosen(count: int, limit: int | None) -> Tensor:
    """Rows of so many that --limit keeps: at random, the same ones each time, in their order."""
    import torch

    from vae_core.shards import seeded

    return torch.randperm(count, generator=seeded(0))[:limit].sort().values


def _scale(shape: tuple[int, int, int], count: int) -> int:
    """The whole number that `count` small pictures are enlarged by; refuses more than fit, before any is decoded."""
    from vae_core import images

    images.check_canvas(count * math.prod(shape[1:]))
    room = math.isqrt(images.MAX_CANVAS // count) - 4  # pixels a side, less the gutters
    return max(1, min(TILE, room) // max(shape[1:]))


Name = Annotated[str, typer.Argument(metavar="FILE", help="A checkpoint, or the name of one that comes with the app.")]
Out = Annotated[Path, typer.Option(help="File to write.", show_default=False)]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of every random number.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _data(default: str) -> Any:
    return typer.Option("--data", metavar="NAME|DIR|ZIP|NPZ", help="Pictures.", show_default=default)


Data = Annotated[str | None, _data("the model's own data")]
Root = Annotated[Path | None, typer.Option(help="Where named data sets lie.", envvar="VAE_DATA", show_default=False)]
Download = Annotated[bool, typer.Option("--download", help="Fetch a named data set that is not on this machine.")]
Split = Annotated[str, typer.Option(help="Part of the data: train, val, test or all.")]
AsIs = Annotated[bool, typer.Option("--as-is", help="Neither invert nor centre the pictures of a folder or zip.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Take so many of the pictures, at random.", show_default="all")]


# --- train ----------------------------------------------------------------------------------------------------

BODY = {"body": "kind", "hidden": "hidden"}  # options that are fields of `Body`, and shape what depends on it
PICTURES = ("size", "channels", "count", "val_fraction")  # options that are fields of `DataConfig`


def _option(panel: str, help: str, default: str = "the variant's", **rest: Any) -> Any:
    """An option that is None unless given, so that --like can tell; what None stands for is told in its help."""
    return typer.Option(rich_help_panel=panel, help=f"{help} Default: {default}.", show_default=False, **rest)


def _choices(values: Sequence[str]) -> str:
    return ", ".join(values)


@app.command(epilog="Example: vae train --model conv --data mnist --data-root data --latent-dim 16 --out m.safetensors")
def train(
    context: typer.Context,
    out: Annotated[Path | None, _option("Run", "Checkpoint to write (.safetensors).", "none: has to be given")] = None,
    model: Annotated[
        str | None, _option("Model", f"{_choices(tuple(zoo.VARIANTS))}; see vae zoo.", "mlp below 28 pixels, else conv")
    ] = None,
    body: Annotated[str | None, _option("Model", f"Of encoder and decoder: {_choices(config.BODIES)}.")] = None,
    latent_dim: Annotated[int | None, _option("Latent and prior", "Latent dimensions.", "16")] = None,
    components: Annotated[int | None, _option("Latent and prior", "Of a learned prior (mixture, vamp).")] = None,
    flow_steps: Annotated[int | None, _option("Latent and prior", "Steps of the flow.")] = None,
    codes: Annotated[int | None, _option("Latent and prior", "In each codebook (vq).")] = None,
    hidden: Annotated[
        Any, _option("Model", "Widths or channels, from the picture inwards.", metavar="32,64,128", parser=_widths)
    ] = None,
    activation: Annotated[str | None, _option("Model", f"{_choices(config.ACTIVATIONS)}.")] = None,
    norm: Annotated[str | None, _option("Model", f"{_choices(config.NORMS)}.")] = None,
    dropout: Annotated[float | None, _option("Model", "Share of features dropped, 0 to 0.95.", "0")] = None,
    decoder_dropout: Annotated[float | None, _option("Model", "The same in the decoder alone.", "that of both")] = None,
    likelihood: Annotated[
        str | None, _option("Model", f"{_choices(config.LIKELIHOODS)}.", "what suits the data")
    ] = None,
    std: Annotated[
        float | None, _option("Model", "Standard deviation of a Gaussian; where a learned one starts.", "0.1")
    ] = None,
    data: Annotated[str | None, _option("Data", "Pictures.", "digits", metavar="NAME|DIR|ZIP|NPZ")] = None,
    data_root: Annotated[
        Path | None, _option("Data", "Where named data sets lie.", "none", envvar="VAE_DATA", show_envvar=True)
    ] = None,
    size: Annotated[
        Any, _option("Data", "Height x width in pixels.", "the data's own", metavar="N|HxW", parser=_size)
    ] = None,
    channels: Annotated[int | None, _option("Data", "1 (grey) or 3 (colour).", "the data's own")] = None,
    count: Annotated[int | None, _option("Data", "Use so many pictures.", "all")] = None,
    val_fraction: Annotated[float | None, _option("Data", "Share held out for validation.", "0.1")] = None,
    download: Annotated[bool, typer.Option("--download", rich_help_panel="Data", help="Fetch a missing set.")] = False,
    beta: Annotated[float | None, _option("Objective", "Weight of the KL term.", "1")] = None,
    beta_schedule: Annotated[str | None, _option("Objective", f"{_choices(config.SCHEDULES)}.", "constant")] = None,
    beta_start: Annotated[float | None, _option("Objective", "Where a schedule of beta starts.", "0")] = None,
    beta_length: Annotated[float | None, _option("Objective", "Part of the run it takes, 0 to 1.", "1")] = None,
    free_bits: Annotated[float | None, _option("Objective", "Nats a dimension that are free of charge.", "0")] = None,
    alpha: Annotated[
        float | None,
        _option("Objective of some models", "Of mutual information (beta-tc), of the labels (semi-supervised)."),
    ] = None,
    gamma: Annotated[
        float | None, _option("Objective of some models", "Of the dimension-wise KL, or of what a critic says.")
    ] = None,
    mmd: Annotated[float | None, _option("Objective of some models", "Of the maximum mean discrepancy (info).")] = None,
    draws: Annotated[int | None, _option("Objective of some models", "Draws a bound (iwae, dreg, miwae).")] = None,
    bounds: Annotated[
        int | None, _option("Objective of some models", "Bounds that are averaged (iwae, dreg, miwae).")
    ] = None,
    commitment: Annotated[
        float | None, _option("Objective of some models", "Of the distance to the codes (vq).")
    ] = None,
    focal: Annotated[
        float | None, _option("Objective of some models", "Bits that are right already weigh less.", "0")
    ] = None,
    perceptual: Annotated[
        float | None,
        _option("Objective of some models", "Of the distance in VGG16 features (fetched with --download).", "0"),
    ] = None,
    labelled: Annotated[
        int | None, _option("Objective of some models", "Pictures with a label (semi-supervised).")
    ] = None,
    epochs: Annotated[int | None, _option("Training", "Passes over the training pictures.", "20")] = None,
    batch_size: Annotated[int | None, _option("Training", "Pictures a step, over all processes.", "128")] = None,
    learning_rate: Annotated[float | None, _option("Training", "Of AdamW, at its highest.", "0.001")] = None,
    lr_schedule: Annotated[
        str | None, _option("Training", f"How it falls: {_choices(config.SCHEDULES)}.", "cosine")
    ] = None,
    weight_decay: Annotated[float | None, _option("Training", "Of AdamW.", "0")] = None,
    clip: Annotated[float | None, _option("Training", "Largest norm of the gradient; 0 = any.", "0")] = None,
    patience: Annotated[
        int | None, _option("Training", "Stop after so many epochs without a better validation ELBO; 0 = never.", "0")
    ] = None,
    precision: Annotated[str | None, _option("Training", f"{_choices(config.PRECISIONS)} (CUDA).", "float32")] = None,
    seed: Annotated[int | None, _option("Training", "Of weights, order and noise.", "0")] = None,
    like: Annotated[str | None, _option("Run", "Take the recipe of this checkpoint.", "none", metavar="FILE")] = None,
    describe: Annotated[str | None, _option("Run", "A sentence for the model's card.", "none")] = None,
    device: Annotated[str, typer.Option(rich_help_panel="Run", help="auto, cpu, cuda or mps.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", rich_help_panel="Run", help="Continue a stopped run.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel="Run", help="Start again although OUT or its state exists.")
    ] = False,
    save_every: Annotated[
        float, typer.Option(rich_help_panel="Run", min=0, help="Seconds, at least, between two states on disk.")
    ] = 2.0,
    verbose: Annotated[bool, typer.Option("--verbose", rich_help_panel="Run", help="A line for each epoch.")] = False,
) -> None:
    """Train a model and write it, with its figures and reference encodings, to one file.

    A state lies beside the file until the run is over; a run that was stopped at any moment goes on with --resume.
    """
    if out is None:
        raise ValueError("--out is missing; name the file to write, as in --out my.safetensors.")
    _check_out(out, SUFFIX)
    state = out.with_suffix(STATE_SUFFIX)
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
    from vae_core import checkpoints
    from vae_core.training import Run, TrainingError, package

    recipe, splits, description = _plan(given)
    if out.exists() and not given["overwrite"]:
        _check_same(out, recipe)
        _say(f"{out} is finished already.")
        return checkpoints.discard(state)
    run = Run(recipe, splits, given["device"])
    _begin(run, state, given["resume"])
    description = given.get("describe", description)
    try:
        _loop(run, state, given["save_every"], given["verbose"])
    except TrainingError as error:
        raise ValueError(f"{error} {_rescue(run, out, description)}") from None
    if not run.accelerator.is_main_process:
        return None
    _say("Measuring the test split and laying out the map.")
    finished = package(run, description)
    with _writing(out):
        checkpoints.save(finished, out)
    checkpoints.discard(state)
    _say(f"Wrote {out}: {_figures(finished)}.")
    return None


def _rescue(run: Run, out: Path, description: str) -> str:
    """Keep the best weights of a run that broke, and say how to go on."""
    from vae_core import checkpoints
    from vae_core.training import package

    again = "start again with --overwrite and, say, a tenth of the --learning-rate"
    if not run.history or not run.accelerator.is_main_process:
        return "No epoch was good, so that there is nothing to keep."
    kept = out.with_suffix(BEST_SUFFIX)
    try:
        run.conclude()
        checkpoints.save(package(run, description), kept)
    except (ValueError, OSError) as error:
        return f"The best weights could not be written ({error}): {again}."
    return f"The best weights of its {len(run.history)} good epochs are in {kept}; {again}."


def _figures(checkpoint: Checkpoint) -> str:
    found = checkpoint.metrics
    active = f"{found['active_units']} of {checkpoint.model.spec.size} units active"
    if found["elbo"] is None:
        return f"test reconstruction error {found['reconstruction']:.2f} nats per image, {active}"
    return f"test ELBO {found['elbo']:.2f} nats per image, KL {found['kl']:.2f}, {active}"


def _plan(given: dict[str, Any]) -> tuple[Recipe, Splits, str]:
    """Recipe, data and description that the options ask for."""
    if "like" in given and "model" in given:
        raise ValueError(f"--model is {given['model']!r}, but --like already gives the model; leave one of them out.")
    like = _open(given["like"], "cpu") if "like" in given else None
    base = like.recipe.data if like else DataConfig()
    name, source = _source(given["data"]) if "data" in given else (base.name, None)
    data = replace(base, name=name, **{field: given[field] for field in PICTURES if field in given})
    splits = _load_once(data, source, given.get("data_root"), given["download"])
    shape = splits.train.image_shape
    if like is None:
        variant = given.get("model", "mlp" if min(shape[1:]) < 28 else "conv")
        body = {field: given[option] for option, field in BODY.items() if option in given}
        recipe = zoo.recipe(variant, data, shape, classes=len(splits.train.class_names), body=body)
    else:
        recipe = replace(like.recipe, data=data, model=replace(like.recipe.model, image_shape=shape))
    _check_classes(recipe, splits.train.class_names)
    recipe = zoo.adjusted(recipe, given)
    if recipe.objective.perceptual and given["download"]:
        from vae_core import perceptual

        perceptual.download()
    _check_meaning(recipe, given)
    return recipe, splits, like.description if like else ""


def _load_once(data: DataConfig, source: Path | None, root: Path | None, download: bool) -> Splits:
    """Load where several processes may want to download the same files: the first goes ahead."""
    if not download or os.environ.get("WORLD_SIZE", "1") == "1":
        return _load(data, source, root, download)
    from accelerate import PartialState

    from vae_core.training import pick_device

    with PartialState(cpu=pick_device().type == "cpu").main_process_first():
        return _load(data, source, root, download)


def _check_meaning(recipe: Recipe, given: dict[str, Any]) -> None:
    """Refuse an option that changes nothing of the recipe."""
    kind = recipe.model.likelihood.kind
    if "std" in given and not kind.endswith("gaussian"):
        raise ValueError(f"--std has no meaning for the likelihood {kind!r}; allowed: gaussian, learned_gaussian.")
    _check_objective(recipe.objective.kind, given)
    _check_latent(recipe.model.latent, given)
    idle = [name for name in ("beta_start", "beta_length") if name in given]
    if idle and recipe.objective.beta.kind == "constant":
        raise ValueError(
            f"--{idle[0].replace('_', '-')} has no meaning for a constant beta; choose a --beta-schedule: "
            f"{', '.join(config.SCHEDULES[1:])}."
        )


def _check_objective(kind: str, given: dict[str, Any]) -> None:
    """Settings that an objective has not are refused even at their default."""
    own = config.OBJECTIVES[kind][1]
    every = {name for _, names in config.OBJECTIVES.values() for name in names}
    for option in given:
        setting = "beta" if option.startswith("beta_") else option
        if setting in every - own:
            allowed = ", ".join(sorted(own)) or "none of its own"
            name = f"--{option.replace('_', '-')}"
            raise ValueError(f"{name} has no meaning for the objective {kind!r}, whose settings are: {allowed}.")


def _check_latent(latent: Latent, given: dict[str, Any]) -> None:
    """Settings that only some latents and priors have."""
    meant = {
        "components": (latent.prior in ("mixture", "vamp"), "the priors mixture and vamp"),
        "flow_steps": (latent.kind == "flow", "the latent flow"),
        "codes": (latent.kind == "quantized", "the latent quantized"),
        "latent_dim": (latent.kind not in config.MAPS, "latents that are one vector"),
    }
    for option, (fine, what) in meant.items():
        if option in given and not fine:
            name = f"a {latent.kind} latent with a {latent.prior} prior"
            raise ValueError(f"--{option.replace('_', '-')} has no meaning for {name}; it is for {what}.")


def _check_classes(recipe: Recipe, names: Sequence[str]) -> None:
    """A conditional model's recipe fits data of as many classes alone."""
    if (classes := recipe.model.classes) and classes != len(names):
        raise ValueError(
            f"The recipe is of a model with {classes} classes, and {recipe.data.name!r} has {len(names)}: give data of "
            "as many classes, or another --model."
        )


def _check_same(out: Path, recipe: Recipe) -> None:
    """What is finished already must be this very run."""
    from vae_core import checkpoints

    found = checkpoints.load(out).recipe
    if found != recipe:
        raise ValueError(
            f"{str(out)!r} holds a model of another recipe ({config.difference(found, recipe)}); choose another name, "
            f"or replace it with --overwrite."
        )


def _begin(run: Run, state: Path, resume: bool) -> None:
    """Restore the state where there is one and it is asked for, and say what is going to happen."""
    from vae_core.model import parameters

    settings, processes = run.recipe.training, run.accelerator.num_processes
    _say(
        f"Training {run.recipe.name} ({parameters(run.model):,} parameters) on {len(run.splits.train):,} pictures of "
        f"{run.recipe.data.name}: {settings.epochs} epochs on {run.accelerator.device.type}, "
        f"{processes} {'process' if processes == 1 else 'processes'}; figures in nats per image."
    )
    for note in run.splits.train.notes:
        _say(f"Note: {note}")
    if resume and state.exists():
        run.restore(state)
        _say(f"Resumed after epoch {len(run.history)} of {settings.epochs}.")
    elif resume:
        _say(f"There is no state {str(state)!r} to resume from: starting at the beginning.")


def _loop(run: Run, state: Path, save_every: float, verbose: bool) -> None:
    """Train to the end, with a bar on a terminal, a line an epoch elsewhere, and each symptom of ill health once."""
    from vae_core.health import Watch

    lines = verbose or not sys.stderr.isatty()
    watch = Watch(run.model.spec, run.recipe.objective, [row["loss"] for row in run.history])
    done, epochs, started = len(run.history) * run.batches, run.recipe.training.epochs, time.monotonic()
    try:
        with _writing(state), _progress("left") as bar:
            task = bar.add_task("training", total=epochs * run.batches, completed=done)
            for report in run.train(state, save_every):
                epoch, rate = f"epoch {report.epoch + 1}/{epochs}", f"{report.images_per_second:,.0f} images/s"
                bar.update(
                    task, completed=report.step, description=f"{epoch}  {_running(report.loss, report.elbo)}  {rate}"
                )
                seconds = time.monotonic() - started
                if report.row and lines:
                    _say(_line(run, report, seconds / (report.step - done) * (report.steps - report.step)))
                for symptom in _new_symptoms(run, watch, report, seconds):
                    _say(f"Warning: {symptom.text}")
    except KeyboardInterrupt:
        way = "go on with the same command and --resume" if state.exists() else "no state had been written yet"
        _say(f"Stopped in epoch {len(run.history) + 1} of {epochs}: {way}.")
        raise typer.Exit(130) from None


def _new_symptoms(run: Run, watch: Watch, report: Progress, seconds: float) -> list[Symptom]:
    """What a report shows for the first time, once the run has had the time to show it."""
    learnt = run.recipe.model.likelihood.kind == "learned_gaussian"
    ripe = seconds >= PATIENCE[0] or report.step >= PATIENCE[1] or report.step == report.steps
    std = cast("Gaussian", run.model.likelihood).std.item() if learnt else None
    return watch.see(report.step / report.steps, report.terms, report.row, std, ripe)


def _running(loss: float, elbo: float | None) -> str:
    return f"loss {loss:.2f}" if elbo is None else f"ELBO {elbo:.2f}"


def _line(run: Run, report: Progress, left: float) -> str:
    """An epoch in a line; nats per image."""
    assert report.row is not None
    val = report.row["val"]
    kl = "" if val["kl"] is None else f"KL {val['kl']:.2f}, "
    return (
        f"epoch {report.epoch + 1}/{run.recipe.training.epochs}  {_running(report.loss, report.elbo)}  "
        f"validation: {_running(val['reconstruction'], val['elbo'])}, {kl}active units {val['active_units']}  "
        f"{report.images_per_second:,.0f} images/s  {timedelta(seconds=round(left))} left"
    )


# --- zoo, info, evaluate ----------------------------------------------------------------------------------------


@app.command("zoo", epilog="Example: vae zoo --json")
def list_variants(as_json: Json = False) -> None:
    """List the named variants that --model takes: what for, from which paper, what a training step costs."""
    if as_json:
        return _print_json({"variants": {name: config.to_dict(row) for name, row in zoo.VARIANTS.items()}})
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "what for", "paper", "cost", "latent", "objective", box=None, pad_edge=False)
    for name, row in zoo.VARIANTS.items():
        prior = "" if row.latent.prior == "normal" else f", {row.latent.prior} prior"
        table.add_row(name, row.purpose, row.paper, f"{row.cost:g}", f"{row.latent.kind}{prior}", row.objective.kind)
    for column, width in zip(table.columns, (16, None, None, 5, 14, 12), strict=True):
        column.min_width = width
    Console(width=None if sys.stdout.isatty() else TABLE_WIDTH, soft_wrap=False).print(table)
    print("cost: of a training step, with the step of conv as 1 (28 x 28 pixels, 64 pictures, one thread)")
    return None


@app.command(epilog="Example: vae info mnist --json")
def info(file: Name = "", as_json: Json = False) -> None:
    """Show what a checkpoint is: recipe, data, figures, credit; without FILE, a table of the shipped ones."""
    from vae_core import checkpoints

    if not file:
        return _table(as_json)
    path = checkpoints.find(file)
    found = checkpoints.load(path)
    if as_json:
        return _print_json(_about(found, path))
    recipe, data, figures = found.recipe, found.data, found.metrics
    channels, height, width = found.model.image_shape
    rows = {
        "file": f"{path} ({path.stat().st_size / 2**20:.1f} MB)",
        "description": found.description,
        "model": f"{recipe.name}, {found.model.spec.size} latent dimensions, {found.model.likelihood.label}",
        "pictures": f"{channels} x {height} x {width} (channels, height, width)",
        "data": f"{data.name}: {' + '.join(f'{n:,}' for n in data.sizes)} (training, validation, test)",
        "credit": f"{data.credit}; licence: {data.licence}" if data.credit else "",
        "training": f"{len(found.history)} epochs, beta {recipe.objective.beta.end:g}",
        "test figures": _figures(found) if {"elbo", "kl", "active_units"} <= figures.keys() else "none",
        "references": f"{len(found.reference):,} encodings" if found.reference else "none",
        "versions": ", ".join(f"{name} {version}" for name, version in found.versions.items()),
    }
    for name, text in rows.items():
        if text:
            print(_printable(f"{name:13} {text}"))
    return None


def _table(as_json: bool) -> None:
    """The shipped checkpoints' figures, from their headers, as a Markdown table or as JSON."""
    from vae_core import checkpoints

    paths = [checkpoints.find(name) for name in checkpoints.shipped()]
    opened = {path.stem: (checkpoints.load(path), path) for path in paths}
    if as_json:
        return _print_json({name: _about(*entry) for name, entry in opened.items()})
    print("| name | variant | paper | data | parameters | test (nats per image) | active | seconds | command |")
    print("| --- " * 9 + "|")
    for name, (found, _) in opened.items():
        print(_printable(f"| {' | '.join(_cells(name, found))} |"))
    return None


def _cells(name: str, found: Checkpoint) -> list[str]:
    """A row of the table: what the header lacks is a dash."""
    figures, objective = found.metrics, found.recipe.objective
    beta = f", beta {objective.beta.end:g}" if objective.beta.end != 1 else ""
    row = zoo.VARIANTS.get(found.recipe.name)
    paper = re.match(r".*?\b\d{4}\b", row.paper) if row else None
    seconds, count, active = (figures.get(key) for key in ("train_seconds", "parameters", "active_units"))
    return [
        name,
        f"{found.recipe.name}{beta}",
        paper[0] if paper else "-",
        found.data.name,
        "-" if count is None else f"{count:,}",
        _test_figure(figures),
        "-" if active is None else f"{active} of {found.model.spec.size}",
        "-" if seconds is None else f"{seconds:,.0f}",
        f"`vae train --like {name}`",
    ]


def _test_figure(figures: dict[str, Any]) -> str:
    """The tightest that a header knows of how well a model describes pictures."""
    kinds = {"nll": "NLL", "elbo": "ELBO", "reconstruction": "reconstruction"}
    return next((f"{kinds[key]} {figures[key]:,.1f}" for key in kinds if figures.get(key) is not None), "-")


def _about(found: Checkpoint, path: Path) -> dict[str, Any]:
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "description": found.description,
        "likelihood": found.model.likelihood.label,
        "recipe": config.to_dict(found.recipe),
        "data": config.to_dict(found.data),
        "metrics": found.metrics,
        "references": len(found.reference) if found.reference else 0,
        "versions": found.versions,
        "history": found.history,
    }


def _in_classes_of(checkpoint: Checkpoint, pictures: Dataset) -> Dataset:
    """Labels as the model counts its classes; left as they are where the pictures have others."""
    theirs, ours = pictures.class_names, checkpoint.data.class_names
    if pictures.labels is None or theirs == ours or not set(theirs) <= set(ours):
        return pictures
    import torch

    places = torch.tensor([ours.index(name) for name in theirs])
    return replace(pictures, labels=places[pictures.labels], class_names=ours)


@app.command(epilog="Example: vae evaluate mnist --metrics elbo,nll --k 1000 --limit 500 --data-root data")
def evaluate(
    file: Name,
    data: Data = None,
    data_root: Root = None,
    metrics: Annotated[
        str, typer.Option(help=f"Any of {', '.join(METRICS)}.", show_default="the usual ones that the model has")
    ] = "",
    k: Annotated[int, typer.Option("--k", min=1, max=1_000_000, help="Draws of z a picture for nll.")] = 1000,
    split: Split = "test",
    limit: Limit = None,
    without_labels: Annotated[
        bool, typer.Option("--without-labels", help="Conditional models: sum over the classes.")
    ] = False,
    as_is: AsIs = False,
    seed: Seed = 0,
    device: Device = "auto",
    download: Download = False,
    as_json: Json = False,
) -> None:
    """Measure a checkpoint on pictures: figures with standard errors, likelihoods in nats per image."""
    from vae_core.metrics import check, figures, usual

    wanted = [name.strip() for name in metrics.split(",")] if metrics else []
    if unknown := [name for name in wanted if name not in METRICS]:
        raise ValueError(f"--metrics has {unknown[0]!r}; allowed: {', '.join(METRICS)}.")
    checkpoint = _open(file, device)
    model = checkpoint.model
    check(model, wanted)
    pictures = _in_classes_of(checkpoint, _pictures(checkpoint, data, data_root, download, split, limit, as_is))
    known = pictures.labels is not None and pictures.class_names == checkpoint.data.class_names
    if "accuracy" in wanted and pictures.labels is not None and not known:
        raise ValueError(f"accuracy needs pictures of the model's classes: {', '.join(checkpoint.data.class_names)}.")
    wanted = wanted or usual(model, pictures.labels if known else None)
    given = known and not without_labels
    with _bar(f"measuring {len(pictures):,} pictures: {', '.join(wanted)}") as progress:
        rows = figures(model, pictures.images, wanted, k, seed, progress, pictures.labels, pictures.factors, given)
    found = {
        "data": pictures.name,
        "split": split,
        "pictures": len(pictures),
        "likelihood": model.likelihood.label,
        "bits": f"drawn from the grey values with seed {seed}" if model.binary else None,
        "density": _density(model, given),
        "metrics": rows,
    }
    if as_json:
        return _print_json({"file": file, "seed": seed, **found})
    notes = "".join(f"; {text}" for text in (found["bits"] and f"bits {found['bits']}", found["density"]) if text)
    print(_printable(f"{pictures.name}, {split}: {len(pictures):,} pictures; likelihood: {found['likelihood']}{notes}"))
    for name, row in rows.items():
        print(f"{name:20} {_value(row):24} {row['unit']}")
    return None


def _density(model: VAE, given: bool) -> str | None:
    """Which density the figures of a conditional model are of."""
    if model.spec.classes is None:
        return None
    return "log p(x | y), the labels given" if given else "log p(x), summed over the classes"


def _value(row: dict[str, Any]) -> str:
    value, error = row["value"], row["standard_error"]
    if isinstance(value, dict):
        return ", ".join(f"{part} {v:.3f}" for part, v in value.items())
    if isinstance(value, list):
        return " ".join(f"{v:.3f}" for v in value)
    return f"{value}" if isinstance(value, int) else f"{value:.4f}" + (f" ± {error:.4f}" if error is not None else "")


# --- encode, sample, interpolate, traverse, map -----------------------------------------------------------------


@app.command(epilog="Example: vae encode mnist --data mnist --data-root data --out latents.npz")
def encode(
    file: Name,
    out: Out,
    data: Data = None,
    data_root: Root = None,
    split: Split = "all",
    limit: Limit = None,
    as_is: AsIs = False,
    seed: Seed = 0,
    device: Device = "auto",
    download: Download = False,
) -> None:
    """Encode pictures: mean and std (N, D), with labels where there are any, as an .npz; rows keep the data's order."""
    import numpy as np

    from vae_core import metrics

    _check_out(out, ".npz")
    checkpoint = _open(file, device)
    pictures = _pictures(checkpoint, data, data_root, download, split, limit, as_is)
    with _bar(f"encoding {len(pictures):,} pictures") as progress:
        mean, std = metrics.encode(checkpoint.model, pictures.images, seed, progress)
    arrays: dict[str, Any] = {"mean": mean.numpy(), "std": std.numpy()}
    if pictures.labels is not None:
        arrays |= {"label": pictures.labels.numpy(), "class_names": np.array(pictures.class_names, dtype=str)}
    if pictures.factors is not None:
        arrays |= {"factors": pictures.factors.numpy(), "factor_names": np.array(pictures.factor_names, dtype=str)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    _write(out, buffer.getvalue(), f"mean and std of {len(mean):,} pictures in {mean.shape[1]} dimensions")


@app.command(epilog="Example: vae sample mnist -n 64 --seed 0 --out grid.png")
def sample(
    file: Name,
    out: Out,
    n: Annotated[int, typer.Option("-n", "--number", min=1, max=10_000, help="Pictures.")] = 64,
    temperature: Annotated[float, typer.Option(min=0, max=10, help="Factor on the prior's standard deviation.")] = 1.0,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Draw from the prior and write the decoder's means as a grid (PNG)."""
    from vae_core import explore, images

    _check_out(out, ".png")
    model = _open(file, device).model
    scale = _scale(model.image_shape, n)
    x = explore.decode(model, explore.sample(model, n, temperature, seed))
    grid = images.grid(x, columns=math.ceil(math.sqrt(n)), scale=scale)
    _write(out, images.png(grid), f"{n} pictures, the decoder's means at draws from the prior")


Fit = Annotated[
    str | None, typer.Option(help="Other shapes of picture: crop, pad or stretch.", show_default="as the data was made")
]
Invert = Annotated[bool | None, typer.Option("--invert/--no-invert", help="Swap dark and light.", show_default="looks")]
Centre = Annotated[
    bool | None, typer.Option("--centre/--no-centre", help="Centre the ink.", show_default="as the data was made")
]


def _prepared(checkpoint: Checkpoint, path: Path, fit: str | None, invert: bool | None, centre: bool | None) -> Tensor:
    """A picture (1, C, H, W) as the model sees it; what was done to it is told."""
    from vae_core import images
    from vae_core.data import preparation

    usual, dark = preparation(checkpoint.data.name)
    centre = usual.centre if centre is None else centre
    chosen = replace(usual, fit=fit or usual.fit, invert=invert, centre=centre)
    try:
        picture = images.open_image(_read(path))
    except images.ImageError as error:
        raise ValueError(f"{path.name}: {error}") from error
    found = images.prepare(picture, checkpoint.model.image_shape, chosen, dark)
    _say(f"{path.name}: {'; '.join(found.notes) or 'as it is'}.")
    return found.x


@app.command(epilog="Example: vae interpolate mnist three.png eight.png --steps 16 --path spherical --out morph.gif")
def interpolate(
    file: Name,
    a: Annotated[Path, typer.Argument(metavar="A.png", help="Where the path starts.")],
    b: Annotated[Path, typer.Argument(metavar="B.png", help="Where it ends.")],
    out: Out,
    steps: Annotated[int, typer.Option(min=2, max=1000, help="Pictures from A to B.")] = 16,
    path: Annotated[str, typer.Option(help="linear or spherical.")] = "linear",
    fps: Annotated[float, typer.Option(min=0.1, max=50, help="Pictures a second of a GIF.")] = 10.0,
    fit: Fit = None,
    invert: Invert = None,
    centre: Centre = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Watch one picture become another: a strip (.png) or an animation (.gif) of decoded latents."""
    import torch

    from vae_core import explore, images

    _check_out(out, ".png", ".gif")
    checkpoint = _open(file, device)
    model = checkpoint.model
    scale = _scale(model.image_shape, steps)
    x = torch.cat([_prepared(checkpoint, picture, fit, invert, centre) for picture in (a, b)])
    mean, _ = explore.encode(model, x, seed)
    frames = explore.decode(model, explore.interpolate(mean[0], mean[1], steps, path))
    if out.suffix.lower() == ".gif":
        data = images.gif(frames, fps, scale)
    else:
        data = images.png(images.grid(frames, columns=min(steps, 16), scale=scale))
    _write(out, data, f"{steps} pictures from {a.name} to {b.name}, {path} path")


@app.command(epilog="Example: vae traverse mnist --image three.png --out grid.png")
def traverse(
    file: Name,
    out: Out,
    image: Annotated[Path | None, typer.Option(help="Picture to start at.", show_default="the prior's mean")] = None,
    values: Annotated[int, typer.Option(min=2, max=100, help="Columns.")] = 9,
    rows: Annotated[int, typer.Option(min=1, max=256, help="Rows, at most.")] = 16,
    fit: Fit = None,
    invert: Invert = None,
    centre: Centre = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Move each latent dimension through its range: a row for each active one, the largest KL first (PNG)."""
    import torch

    from vae_core import explore, images

    _check_out(out, ".png")
    checkpoint = _open(file, device)
    model = checkpoint.model
    start = torch.zeros(model.spec.size)
    if image is not None:
        start = explore.encode(model, _prepared(checkpoint, image, fit, invert, centre), seed)[0][0]
    axes = explore.axes(model, checkpoint.reference)
    active = [axis for axis in axes if axis.active]
    shown = active[:rows]
    if not shown:
        raise ValueError(f"None of the model's {len(axes)} axes is active: there is nothing to traverse.")
    scale = _scale(model.image_shape, len(shown) * values)
    x = explore.decode(model, explore.traverse(start, shown, values).flatten(0, 1))  # (rows, values, D) -> (n, D)
    grid = images.grid(x, columns=values, scale=scale)
    rest = f"; {len(active) - len(shown)} more are active" if len(active) > len(shown) else ""
    collapsed = f"; {len(axes) - len(active)} collapsed" if len(axes) > len(active) else ""
    _write(out, images.png(grid), f"rows {', '.join(axis.name for axis in shown)} (top to bottom){rest}{collapsed}")


@app.command("map", epilog="Example: vae map mnist --method tsne --out map.csv")
def map_latents(
    file: Name,
    out: Out,
    method: Annotated[str, typer.Option(help="pca or tsne.")] = "pca",
    data: Annotated[str | None, _data("the reference encodings")] = None,
    data_root: Root = None,
    split: Split = "all",
    limit: Limit = None,
    as_is: AsIs = False,
    perplexity: Annotated[float | None, typer.Option(help="Of t-SNE.", show_default="suits the number")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    download: Download = False,
) -> None:
    """Lay encoded means out in the plane: coordinates, labels, KL and error (.csv), or a scatter plot (.png)."""
    _check_out(out, ".csv", ".png")
    if method not in METHODS:
        raise ValueError(f"--method is {method!r}; allowed: {', '.join(METHODS)}.")
    checkpoint = _open(file, device)
    columns, names = _points(checkpoint, data, data_root, download, split, limit, as_is, seed)
    stored = checkpoint.reference.tsne if checkpoint.reference and data is None else None
    if method == "tsne" and stored is not None and perplexity is None and limit is None:
        coords = stored.numpy()
    else:
        coords = _layout(columns["mean"].numpy(), method, perplexity, seed)
    labels = columns["labels"]
    if out.suffix.lower() == ".png":
        from vae_core import images, scatter

        picture = scatter.draw(coords, None if labels is None else labels.numpy(), names)
        _write(out, images.png(picture), f"{len(coords):,} points by {method}")
    else:
        _write(out, _csv(coords, columns, names).encode(), f"{len(coords):,} points by {method}")


def _points(
    checkpoint: Checkpoint,
    data: str | None,
    root: Path | None,
    download: bool,
    split: str,
    limit: int | None,
    as_is: bool,
    seed: int,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Columns mean (N, D), kl (N,), error (N,), labels (N,) or None of what is mapped; names of the classes."""
    from vae_core.metrics import statistics

    if data is None:
        reference = checkpoint.reference
        if reference is None:
            raise ValueError("The checkpoint has no reference encodings; say with --data which pictures to map.")
        kept = _chosen(len(reference), limit)
        columns = {"mean": reference.mean, "kl": reference.kl.sum(1), "error": reference.error}
        labels = reference.labels
        names = checkpoint.data.class_names
        return {n: c[kept] for n, c in columns.items()} | {"labels": None if labels is None else labels[kept]}, names
    pictures = _pictures(checkpoint, data, root, download, split, limit, as_is)
    with _bar(f"measuring {len(pictures):,} pictures") as progress:
        found = statistics(checkpoint.model, pictures.images, seed, progress)
    columns = {"mean": found.mean, "kl": found.kl.sum(1), "error": found.reconstruction}
    return columns | {"labels": pictures.labels}, pictures.class_names


def _layout(mean: Any, method: str, perplexity: float | None, seed: int) -> Any:
    """Coordinates (N, 2)."""
    from vae_core import projection

    if method == "pca":
        return projection.pca(mean).coords
    with _bar(f"t-SNE of {len(mean):,} points") as progress:
        return projection.tsne(mean, perplexity, seed, progress=lambda share, coords: progress(share)).coords


def _csv(coords: Any, columns: dict[str, Any], names: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["index", "x", "y", "label", "class", "kl_nats", "reconstruction_nats"])
    labels = columns["labels"]
    for i, (x, y) in enumerate(coords):
        label = "" if labels is None else int(labels[i])
        name = names[label] if isinstance(label, int) and 0 <= label < len(names) else ""
        numbers = [f"{float(value):.6g}" for value in (x, y, columns["kl"][i], columns["error"][i])]
        writer.writerow([i, *numbers[:2], label, name, *numbers[2:]])
    return text.getvalue()
