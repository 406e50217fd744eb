"""What the commands share: words and progress on standard error, files in and out, the options that several have."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vae_core import files
from vae_core.config import DataConfig, Range

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from vae_core.checkpoints import Checkpoint
    from vae_core.data import Dataset, Splits
    from vae_core.data.raw import Table


class Stopped(Exception):
    """A command that was interrupted, in a sentence that says how to go on."""


SPLITS = ("train", "val", "test", "all")
MAX_SEED = 2**32 - 1
WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def _is_main() -> bool:
    """Tell whether this is the process that prints and writes (torchrun sets RANK)."""
    return os.environ.get("RANK", "0") == "0"


def printable(text: str) -> str:
    """Return text of a stranger's file without the control characters that a terminal obeys."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def say(text: str) -> None:
    """Tell the user on standard error."""
    if _is_main():
        print(printable(text), file=sys.stderr, flush=True)


def bars(before_time: str = "") -> Bars:
    """Return progress bars on a terminal, nothing elsewhere."""
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
def progress_bar(task: str) -> Iterator[Callable[..., None]]:
    """Show a progress bar: gives a function of the fraction done and, if any, a text."""
    with bars() as bar:
        number = bar.add_task(task, total=1.0)
        yield lambda fraction, text=task: bar.update(number, completed=fraction, description=text or task)


held = contextlib.ExitStack()  # what a command keeps for itself until it has ended


def take_out(path: Path, *suffixes: str, option: str = "--out", beside: Sequence[Path] = ()) -> None:
    """Keep the file that a command will write for it alone; refuse one that cannot be written before any work is done.

    Args:
        path: the file.
        suffixes: what its name may end in.
        option: that named it.
        beside: other files that the work will write.
    """
    given = f"{option} is {str(path)!r}"
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"{given}; its name must end in {' or '.join(suffixes)}.")
    if path.is_dir():
        raise ValueError(f"{given}, which is a folder; name a file.")
    if not path.parent.is_dir():
        raise ValueError(f"{given}, but there is no folder {str(path.parent)!r}.")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"{given}, but the folder {str(path.parent)!r} is not writable.")
    for file in (path, *beside):
        _try(file, given)
    if _is_main() and (dead := held.enter_context(files.reserve(path))):
        say(f"Took over the lock of {path}: process {dead}, which held it, has ended.")


def _try(path: Path, given: str) -> None:
    """Refuse what is no file that can be replaced, or a place where none can be made."""
    if path.is_dir():
        raise ValueError(f"{given}, but {str(path)!r} is a folder.")
    if path.exists() and not (path.stat().st_mode & WRITABLE and os.access(path, os.W_OK)):
        raise ValueError(f"{given}, but {str(path)!r} is read-only; choose another name, or make it writable.")
    try:
        files.try_writing(path)
    except OSError as error:
        raise ValueError(f"{given}, but {str(path)!r} cannot be written: {error.strerror}.") from error


def size_of(text: str) -> tuple[int, int]:
    """Read height and width from `32` or `32x48`: the parser of an option."""
    sides = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text, re.ASCII | re.IGNORECASE)
    if sides is None:
        raise typer.BadParameter(f"{text!r} is not a size; write 32 or 32x48 (height x width).")
    return int(sides[1]), int(sides[2] or sides[1])


def range_of_text(text: str) -> Range:
    """Read black and white from `0,4095`: the parser of an option."""
    try:
        low, high = map(float, text.split(","))
        return Range(low, high)
    except ValueError as error:
        why = f" ({error})" if str(error).startswith("The range") else ""
        raise typer.BadParameter(f"{text!r} is not a range; write black and white, as in 0,4095{why}.") from None


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name the file in what the disk says."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno or errno.EIO, f"{reason}; the file could not be written", str(path)) from error


def open_checkpoint(file: str, device: str) -> Checkpoint:
    from vae_core import checkpoints
    from vae_core.training import pick_device

    chosen = pick_device(device)
    return checkpoints.load(checkpoints.find(file), chosen)


def find_source(given: str) -> tuple[str, Path | None]:
    """Return name and place of the data that `--data` means; no place for a named set."""
    from vae_core.data import SETS, own_name

    path = Path(given).expanduser()
    if given in SETS:
        if path.exists():
            say(f"Note: {given} is the named data set; for the folder or file of this name here write ./{given}.")
        return given, None
    if not path.exists():
        raise ValueError(
            f"--data is {given!r}, which is neither a folder nor a file; allowed: a folder, zip or file of pictures, "
            f"or one of: {', '.join(SETS)}."
        )
    resolved = path.resolve()
    return own_name(resolved.name if path.is_dir() else resolved.stem), path


def find_table(given: str | None) -> Table | None:
    """Tell what `--labels` means: a file's name and content, or the name of one beside the pictures."""
    if given is None or not (path := Path(given).expanduser()).is_file():
        return given
    from vae_core.data import limits

    if (size := path.stat().st_size) > limits.MAX_TABLE_BYTES:
        raise ValueError(f"--labels has {size:,} bytes; at most {limits.MAX_TABLE_BYTES:,} are allowed.")
    return path.name, path.read_bytes()


def load_data(
    data: DataConfig,
    source: Path | None,
    root: Path | None,
    download: bool,
    like: str = "",
    labels: str | None = None,
) -> Splits:
    from vae_core.data import SETS, load

    if source is None and data.name not in SETS:
        raise ValueError(f"{data.name!r} is no named data set: give its folder, zip or file with --data.")
    with progress_bar(f"loading {data.name}") as progress:
        return load(data, source, root, download, progress, like, find_table(labels))


def open_parts(
    checkpoint: Checkpoint,
    given: str | None,
    root: Path | None,
    download: bool,
    split: str,
    limit: int | None,
    as_is: bool = False,
    labels: str | None = None,
    asked: Range | None = None,
) -> tuple[Dataset, Splits]:
    """Return the pictures that a command is about, in the model's shape, and all parts of the same data.

    `all` keeps the order of the data itself. Pictures of a folder or zip are prepared like an upload to a model of a
    named set, unless `as_is`. Black and white in their numbers are what `asked` says, else what they were for the
    model.
    """
    from vae_core.data import SETS, drawn, range_of
    from vae_core.data.containers import ARRAYS

    if split not in SPLITS:
        raise ValueError(f"--split is {split!r}; allowed: {', '.join(SPLITS)}.")
    name, source = find_source(given) if given else (checkpoint.recipe.data.name, None)
    channels, height, width = checkpoint.model.image_shape
    data = replace(_request(checkpoint, name, source, split), size=(height, width), channels=channels)
    data = replace(data, range=asked or (range_of(checkpoint.recipe.data) if source else None))
    if split == "all":
        data = replace(data, val_fraction=0.0, test_fraction=0.0, count=None if source else data.count)
    like = checkpoint.data.name if source and not as_is and checkpoint.data.name in SETS else ""
    splits = load_data(data, source, root, download, like, labels)
    tell_notes(splits.train)
    if source and not labels and checkpoint.data.name not in SETS:
        _tell_missing(checkpoint, splits, split)
    if like and source and source.suffix.lower() not in ARRAYS:
        say(f"{name}: each picture is prepared like an upload to a model of {like}; --as-is takes it as it is.")
    part = splits.whole() if split == "all" else getattr(splits, split)
    if not len(part):
        raise ValueError(f"The {split} part of {name!r} has no pictures; choose another with --split.")
    return (part if limit is None else part.subset(drawn(len(part), limit))), splits


def _tell_missing(checkpoint: Checkpoint, splits: Splits, split: str) -> None:
    """Say what the model was trained with, of its own pictures, and these come without: classes, attributes, parts."""
    from vae_core.data.raw import named_some

    info, pictures, missing = checkpoint.data, splits.train, []
    if info.class_names and (pictures.labels is None or not set(pictures.class_names) & set(info.class_names)):
        missing.append(f"the classes {named_some(info.class_names)}")
    if info.factor_names and not set(info.factor_names) <= set(pictures.factor_names):
        missing.append(f"the attributes {named_some(info.factor_names)}")
    sizes = (len(splits.train), len(splits.val), len(splits.test))
    if split != "all" and pictures.source == info.source and sizes != info.sizes:
        missing.append("parts of {:,}, {:,} and {:,} pictures".format(*info.sizes))
    if missing:
        say(
            f"Note: the model was trained with {' and '.join(missing)}, which these pictures lack; if a table gave "
            "them, --labels FILE.csv brings them back."
        )


def _request(checkpoint: Checkpoint, name: str, source: Path | None, split: str) -> DataConfig:
    """Split the model's own data as they were for training; others, whatever they are called, in a way of their own.

    Earlier files do not tell their source: for them the name has to do.
    """
    from vae_core.data import identity

    own, info = checkpoint.recipe.data, checkpoint.data
    other = DataConfig(name, fit=own.fit)
    if source is None:
        return own if name == own.name else other
    if not info.source:
        if name == own.name and split != "all":
            say(f"Note: by its name, {name} is taken for the model's own data, and split as that was.")
        return own if name == own.name else other
    if identity(source) == info.source:
        say(f"Note: {name} holds the model's own data" + (", split as for its training." if split != "all" else "."))
        return replace(own, name=name)
    if name == own.name:
        say(f"Note: {name} holds other pictures than the model's own data of that name.")
    return other


def tell_notes(pictures: Dataset) -> None:
    """Tell what a user should know of the data, such as pictures that could not be read."""
    for note in pictures.notes:
        say(note if note.startswith("Warning") else f"Note: {note}")


def counted(count: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def summary(checkpoint: Checkpoint) -> str:
    """Sum up the test figures of a model's header in a line."""
    figures = {name: value for name, value in checkpoint.metrics.items() if value is not None}
    parts, spec = [], checkpoint.model.spec
    if "elbo" in figures:
        given = ", given its class: a bound of log p(x | y)" if checkpoint.model.spec.classes else ""
        parts.append(f"test ELBO {figures['elbo']:.2f} nats per image{given}")
    elif "reconstruction" in figures:
        unit = checkpoint.model.likelihood.unit
        parts.append(f"test reconstruction error {figures['reconstruction']:.2f} {unit} per image")
    if "kl" in figures:
        parts.append(f"KL {figures['kl']:.2f}" + ("" if "elbo" in figures else " nats per image"))
    if "active_units" in figures:
        how = " by their KL" if spec.units_by == "kl" else ""
        parts.append(f"{figures['active_units']} of {spec.size} units active{how}")
    if "accuracy" in figures:
        parts.append(f"class right for {figures['accuracy']:.1%} of the test pictures")
    return ", ".join(parts) or "none"


def data_option(default: str) -> Any:
    return typer.Option("--data", metavar="NAME|DIR|ZIP|NPZ", help="Pictures.", show_default=default)


Name = Annotated[str, typer.Argument(metavar="FILE", help="A checkpoint, or the name of one that comes with the app.")]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of every random number.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Data = Annotated[str | None, data_option("the model's own data")]
Root = Annotated[Path | None, typer.Option(help="Where named data sets lie.", envvar="VAE_DATA", show_default=False)]
Download = Annotated[bool, typer.Option("--download", help="Fetch a named data set that is not on this machine.")]
Split = Annotated[str, typer.Option(help="Part of the data: train, val, test or all.")]
Labels = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.csv", help="Table of a folder's or zip's labels: file, class or attributes.", show_default="none"
    ),
]
AsIs = Annotated[bool, typer.Option("--as-is", help="Neither invert nor centre the pictures of a folder or zip.")]
Numbers = Annotated[
    Any,
    typer.Option(
        "--range",
        metavar="LOW,HIGH",
        help="Black and white in the numbers of the pictures.",
        show_default="as the model was trained",
        parser=range_of_text,
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="How many pictures to take, at random.", show_default="all")]
