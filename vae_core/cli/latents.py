"""The commands `encode`, `sample`, `interpolate`, `traverse` and `map`: from a model's latent space to one file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vae_core.cli.shared import (
    AsIs,
    Data,
    Device,
    Download,
    Labels,
    Limit,
    Name,
    Numbers,
    Root,
    Seed,
    Split,
    counted,
    data_option,
    open_checkpoint,
    open_parts,
    progress_bar,
    say,
    take_out,
    writing,
)

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.checkpoints import Checkpoint
    from vae_core.config import Range
    from vae_core.model import LatentSpec

METHODS = ("pca", "tsne")
TILE = 112  # pixels a side, about, that small pictures are enlarged to

Out = Annotated[Path, typer.Option(help="File to write.", show_default=False)]
Fit = Annotated[
    str | None,
    typer.Option(help="Pictures of another shape: crop, pad or stretch.", show_default="as the data was made"),
]
Invert = Annotated[bool | None, typer.Option("--invert/--no-invert", help="Swap dark and light.", show_default="looks")]
Centre = Annotated[
    bool | None, typer.Option("--centre/--no-centre", help="Centre the ink.", show_default="as the data was made")
]

Class = Annotated[
    str | None,
    typer.Option(
        "--class", metavar="NAME|NUMBER", help="Of a conditional model, or a fitted prior.", show_default=False
    ),
]

PRIORS = ("own", "fitted")
FLOW = "flow"  # a path

commands = typer.Typer()


@commands.command(epilog="Example: vae encode mnist --data mnist --data-root data --out latents.npz")
def encode(
    file: Name,
    out: Out,
    data: Data = None,
    data_root: Root = None,
    split: Split = "all",
    limit: Limit = None,
    as_is: AsIs = False,
    labels: Labels = None,
    numbers: Numbers = None,
    seed: Seed = 0,
    device: Device = "auto",
    download: Download = False,
) -> None:
    """Encode pictures: mean and std (N, D), with labels and names of files where there are any, as an .npz.

    Rows keep the data's order; where folders are parts, those of training come first, then validation, then test.
    """
    import numpy as np

    from vae_core import scoring

    take_out(out, ".npz")
    checkpoint = open_checkpoint(file, device)
    pictures, _ = open_parts(checkpoint, data, data_root, download, split, limit, as_is, labels, numbers)
    with progress_bar(f"encoding {len(pictures):,} pictures") as progress:
        mean, std = scoring.encode(checkpoint.model, pictures.images, seed, progress)
    arrays: dict[str, Any] = {"mean": mean.numpy(), "std": std.numpy()}
    if pictures.labels is not None:
        arrays |= {"label": pictures.labels.numpy(), "class_names": np.array(pictures.class_names, dtype=str)}
    if pictures.names:
        arrays["file_name"] = np.array(pictures.names, dtype=str)
    if pictures.factors is not None:
        arrays |= {"factors": pictures.factors.numpy(), "factor_names": np.array(pictures.factor_names, dtype=str)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    _write(out, buffer.getvalue(), f"mean and std of {len(mean):,} pictures in {mean.shape[1]} dimensions")


@commands.command(epilog="Example: vae sample mnist -n 64 --seed 0 --out grid.png")
def sample(
    file: Name,
    out: Out,
    n: Annotated[int, typer.Option("-n", "--number", min=1, max=10_000, help="Pictures.")] = 64,
    temperature: Annotated[float, typer.Option(min=0, max=10, help="Factor on the prior's standard deviation.")] = 1.0,
    label: Class = None,
    prior: Annotated[
        str,
        typer.Option(help="own: the one that it was trained with; fitted: the one fitted to its codes afterwards."),
    ] = "own",
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Draw from the prior and write the decoder's means as a grid (PNG); without --class, the classes take turns."""
    import torch

    from vae_core import explore, images

    take_out(out, ".png")
    checkpoint = open_checkpoint(file, device)
    model = checkpoint.model
    if prior not in PRIORS:
        raise ValueError(f"--prior is {prior!r}; allowed: {', '.join(PRIORS)}.")
    if prior == "fitted" and not model.spec.fitted:
        raise ValueError(f"{file!r} has no fitted prior; make one with: vae prior {file}")
    chosen = _class(checkpoint, label, prior == "fitted")
    scale = _scale(model.image_shape, n)
    turns = None if model.spec.classes is None else torch.arange(n) % model.spec.classes
    y = turns if turns is None or chosen is None else torch.full((n,), chosen)
    z = explore.sample(model, n, temperature, seed, prior == "fitted", chosen)
    x = explore.decode(model, z, y)
    grid = images.grid(x, columns=images.columns(n, model.image_shape), scale=scale)
    _write(out, images.png(grid), f"{n} pictures, the decoder's means at draws from the prior")


@commands.command("prior", epilog="Example: vae prior mnist --data mnist --data-root data --out better.safetensors")
def fit_prior(
    file: Name,
    out: Out,
    data: Data = None,
    data_root: Root = None,
    limit: Limit = None,
    seed: Seed = 0,
    device: Device = "auto",
    download: Download = False,
    references: Annotated[
        bool, typer.Option("--references", help="Fit to the encodings in the file, without pictures.")
    ] = False,
    kind: Annotated[
        str,
        typer.Option(
            help="mixture (of Gaussians): seconds; flow: up to a minute, each point of N(0, I) is one picture, so you "
            "can move through it; best: the one that describes held-out codes better."
        ),
    ] = "best",
) -> None:
    """Fit a prior to a trained model's codes, and write the model with it: a mixture of Gaussians, or a flow.

    The number of Gaussians is the one that describes held-out codes best; where none does so better than the prior that
    the model was trained with, no mixture is written. A flow that is asked for is written in any case.
    """
    from dataclasses import replace

    from vae_core import checkpoints, fitting, realism

    take_out(out, checkpoints.SUFFIX)
    fitting.check_kind(kind)
    checkpoint = open_checkpoint(file, device)
    if why := fitting.lacking(checkpoint.model):
        raise ValueError(f"{file!r}: {why}")
    with progress_bar("fitting the prior") as progress:
        if references:
            fit = fitting.fit_to_references(checkpoint, seed, progress, kind)
        else:
            pictures, parts = open_parts(checkpoint, data, data_root, download, "train", limit)
            pictures, test = (part.in_classes(checkpoint.data.class_names) for part in (pictures, parts.test))
            classes = pictures.class_names == checkpoint.data.class_names
            labels = pictures.labels if classes else None
            fit = fitting.fit_to(
                checkpoint.model, pictures.images, labels, len(checkpoint.data.class_names), seed, progress, kind
            )
    for which, nats in fit.nats.items():
        print(f"{fitting.name(which):14} {nats:10.2f} nats a held-out picture")
    say(fitting.describe(fit.gap))
    done = fitting.with_prior(checkpoint, fit)
    if not references:
        figures = realism.compared(done.model, test.images, test.labels if classes else None, parts.train.images)
        done = replace(done, metrics=done.metrics | figures)
        say(realism.describe(figures, done.model.spec))
    with writing(out):
        checkpoints.save(done, out)
    said = "no prior, since none is better than its own" if fit.prior is None else f"a {fit.prior.kind}"
    say(f"Wrote {out}: {said}, from {fit.pictures:,} pictures.")


@commands.command(
    epilog="Example: vae interpolate mnist three.png eight.png --steps 16 --path spherical --out morph.gif"
)
def interpolate(
    file: Name,
    a: Annotated[Path, typer.Argument(metavar="A.png", help="Where the path starts.")],
    b: Annotated[Path, typer.Argument(metavar="B.png", help="Where it ends.")],
    out: Out,
    steps: Annotated[int, typer.Option(min=2, max=1000, help="Pictures from A to B.")] = 16,
    path: Annotated[str, typer.Option(help="linear, spherical, or flow: through the fitted flow.")] = "linear",
    fps: Annotated[float, typer.Option(min=0.1, max=50, help="Pictures per second of a GIF.")] = 10.0,
    fit: Fit = None,
    invert: Invert = None,
    centre: Centre = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Watch one picture become another: a strip (.png) or an animation (.gif) of decoded latents."""
    import torch

    from vae_core import explore, images

    take_out(out, ".png", ".gif")
    if path != FLOW:
        explore.check_path(path)
    checkpoint = open_checkpoint(file, device)
    model = checkpoint.model
    _check_way(model.spec, path)
    scale = _scale(model.image_shape, steps)
    x = torch.cat([_prepared(checkpoint, picture, fit, invert, centre) for picture in (a, b)])
    mean, _ = explore.encode(model, x, seed)
    weights = None
    if model.spec.classes is not None:
        start, end = explore.classify(model, x, seed)
        weights = explore.interpolate(start, end, steps)
    ends = mean[0], mean[1]
    points = explore.through_flow(model, *ends, steps) if path == FLOW else explore.interpolate(*ends, steps, path)
    frames = explore.decode(model, points, weights)
    if out.suffix.lower() == ".gif":
        data = images.gif(frames, fps, scale)
    else:
        data = images.png(images.grid(frames, columns=min(steps, 16), scale=scale))
    _write(out, data, f"{steps} pictures from {a.name} to {b.name}, {path} path")


@commands.command(epilog="Example: vae traverse mnist --image three.png --out grid.png")
def traverse(
    file: Name,
    out: Out,
    image: Annotated[Path | None, typer.Option(help="Picture to start at.", show_default="the prior's mean")] = None,
    values: Annotated[int, typer.Option(min=2, max=100, help="Columns.")] = 9,
    rows: Annotated[int, typer.Option(min=1, max=256, help="Rows, at most.")] = 16,
    label: Class = None,
    fit: Fit = None,
    invert: Invert = None,
    centre: Centre = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Move each latent dimension through its range: a row for each active one, the largest KL first (PNG).

    Without --class, a conditional model is given the class that it infers for --image, or its first.
    """
    from vae_core import explore, images

    take_out(out, ".png")
    checkpoint = open_checkpoint(file, device)
    model = checkpoint.model
    x = None if image is None else _prepared(checkpoint, image, fit, invert, centre)
    weights = _weights(checkpoint, label, x, seed)
    start = explore.prior_mean(model, checkpoint.reference) if x is None else explore.encode(model, x, seed)[0][0]
    axes = explore.axes(model, checkpoint.reference)
    active = [axis for axis in axes if axis.active]
    shown = active[:rows]
    if not shown:
        raise ValueError(f"None of the model's {len(axes)} axes is active: there is nothing to traverse.")
    scale = _scale(model.image_shape, len(shown) * values)
    points = explore.traverse(start, shown, values).flatten(0, 1)  # (rows, values, D) -> (n, D)
    y = None if weights is None else weights.expand(len(points), -1)
    grid = images.grid(explore.decode(model, points, y), columns=values, scale=scale)
    rest = f"; {len(active) - len(shown)} more are active" if len(active) > len(shown) else ""
    collapsed = f"; {len(axes) - len(active)} collapsed" if len(axes) > len(active) else ""
    _write(out, images.png(grid), f"rows {', '.join(axis.name for axis in shown)} (top to bottom){rest}{collapsed}")


def _class(checkpoint: Checkpoint, given: str | None, fitted: bool = False) -> int | None:
    """Return the number of the class that --class means, of the model or its fitted prior; None if it is not given."""
    if given is None:
        return None
    spec = checkpoint.model.spec
    count = spec.classes or (spec.fitted_classes if fitted else 0)
    if not count:
        other = " without --prior fitted" if spec.fitted_classes else ""
        raise ValueError(f"--class is {given!r}, and this model has no classes{other}: leave it out.")
    names = checkpoint.data.class_names[:count]
    if given in names:
        return names.index(given)
    if not (given.isdecimal() and int(given) < count):
        raise ValueError(f"--class is {given!r}; allowed: 0 to {count - 1}, or one of: {', '.join(names)}.")
    return int(given)


def _weights(checkpoint: Checkpoint, given: str | None, x: Tensor | None, seed: int) -> Tensor | None:
    """Return weights (classes,) of the class asked for, else of what a picture (1, C, H, W) shows, else of class 0."""
    import torch

    from vae_core import explore

    chosen, model = _class(checkpoint, given), checkpoint.model
    if model.spec.classes is None:
        return None
    if chosen is None and x is not None:
        return explore.classify(model, x, seed)[0]
    return torch.eye(model.spec.classes)[chosen or 0]


def _check_way(spec: LatentSpec, path: str) -> None:
    """Refuse a path that does not suit the prior: only the points of a standard normal one lie near a sphere."""
    if path == "spherical" and spec.prior != "normal":
        raise ValueError(
            "--path is 'spherical', which has a meaning only for a standard normal prior; allowed for this model: "
            "linear."
        )


def _prepared(checkpoint: Checkpoint, path: Path, fit: str | None, invert: bool | None, centre: bool | None) -> Tensor:
    """Return a picture (1, C, H, W) as the model sees it; what was done to it is told."""
    from vae_core import images
    from vae_core.data import preparation, range_of

    usual, dark = preparation(checkpoint.recipe.data)
    centre = usual.centre if centre is None else centre
    chosen = replace(usual, fit=fit or usual.fit, invert=invert, centre=centre)
    try:
        picture = images.open_image(_read(path), used=range_of(checkpoint.recipe.data))
    except images.ImageError as error:
        raise ValueError(f"{path.name}: {error}") from error
    prepared = images.prepare(picture, checkpoint.model.image_shape, chosen, dark)
    say(f"{path.name}: {'; '.join(prepared.notes) or 'as it is'}.")
    return prepared.x


def _scale(shape: tuple[int, int, int], count: int) -> int:
    """Return the whole number by which `count` small pictures are enlarged; refuse too many before any is decoded."""
    from vae_core import images

    images.check_canvas(count * math.prod(shape[1:]))
    room = math.isqrt(images.MAX_CANVAS // count) - 4  # pixels a side, less the gutters
    return max(1, min(TILE, room) // max(shape[1:]))


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError(f"There is no file {str(path)!r}.")
    return path.read_bytes()


def _write(path: Path, data: bytes, what: str) -> None:
    from vae_core.files import write_bytes

    with writing(path):
        write_bytes(path, data)
    say(f"Wrote {path}: {what}.")


@commands.command("map", epilog="Example: vae map mnist --method tsne --out map.csv")
def map_latents(
    file: Name,
    out: Out,
    method: Annotated[str, typer.Option(help="pca or tsne.")] = "pca",
    data: Annotated[str | None, data_option("the reference encodings")] = None,
    data_root: Root = None,
    split: Split = "all",
    limit: Limit = None,
    as_is: AsIs = False,
    labels: Labels = None,
    numbers: Numbers = None,
    perplexity: Annotated[float | None, typer.Option(help="Of t-SNE.", show_default="suits the number")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    download: Download = False,
) -> None:
    """Lay encoded means out in the plane: coordinates, labels, KL if any, error (.csv), or a scatter plot (.png)."""
    take_out(out, ".csv", ".png")
    if method not in METHODS:
        raise ValueError(f"--method is {method!r}; allowed: {', '.join(METHODS)}.")
    checkpoint = open_checkpoint(file, device)
    columns, names = _points(checkpoint, data, data_root, download, split, limit, as_is, labels, numbers, seed)
    stored = checkpoint.reference.tsne if checkpoint.reference and data is None else None
    if method == "tsne" and stored is not None and perplexity is None and limit is None:
        coords = stored.numpy()
    else:
        coords = _layout(columns["mean"].numpy(), method, perplexity, seed)
    if out.suffix.lower() == ".png":
        from vae_core import images, scatter

        classes = columns["labels"]
        picture = scatter.draw(coords, None if classes is None else classes.numpy(), names)
        _write(out, images.png(picture), f"{counted(len(coords), 'point')} by {method}")
    else:
        _write(
            out,
            _csv(coords, columns, names, checkpoint.model.likelihood.unit).encode(),
            f"{counted(len(coords), 'point')} by {method}",
        )


def _points(
    checkpoint: Checkpoint,
    data: str | None,
    root: Path | None,
    download: bool,
    split: str,
    limit: int | None,
    as_is: bool,
    table: str | None,
    numbers: Range | None,
    seed: int,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return columns mean (N, D), kl (N,) if any, error (N,), labels (N,) or None, files of what is mapped; classes."""
    from vae_core.data import drawn
    from vae_core.scoring import statistics

    if data is None:
        reference = checkpoint.reference
        if reference is None:
            raise ValueError("The checkpoint has no reference encodings; say with --data which pictures to map.")
        kept = drawn(len(reference), limit)
        labels = reference.labels
        names = checkpoint.data.class_names
        columns = _columns(checkpoint.model.spec, reference.mean, reference.kl, reference.error)
        rows = {name: column[kept] for name, column in columns.items()}
        return rows | {"labels": None if labels is None else labels[kept], "files": ()}, names
    pictures, _ = open_parts(checkpoint, data, root, download, split, limit, as_is, table, numbers)
    with progress_bar(f"measuring {len(pictures):,} pictures") as progress:
        scores = statistics(checkpoint.model, pictures.images, seed, progress)
    columns = _columns(checkpoint.model.spec, scores.mean, scores.kl, scores.reconstruction)
    return columns | {"labels": pictures.labels, "files": pictures.names}, pictures.class_names


def _columns(spec: LatentSpec, mean: Tensor, kl: Tensor, error: Tensor) -> dict[str, Tensor]:
    """Tell what is told of each picture; the codes of an autoencoder have no KL."""
    return {"mean": mean} | ({"kl": kl.sum(1)} if spec.has_kl else {}) | {"error": error}


def _layout(mean: Any, method: str, perplexity: float | None, seed: int) -> Any:
    """Return coordinates (N, 2)."""
    from vae_core import projection

    if method == "pca":
        return projection.pca(mean).coords
    with progress_bar(f"t-SNE of {len(mean):,} points") as progress:
        return projection.tsne(mean, perplexity, seed, progress=lambda share, coords: progress(share)).coords


def _csv(coords: Any, columns: dict[str, Any], names: Sequence[str], unit: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = {"kl_nats": columns["kl"]} if "kl" in columns else {}
    figures[f"reconstruction_{unit.replace(' ', '_')}"] = columns["error"]
    labels, files = columns["labels"], columns["files"]
    writer.writerow(["index", "x", "y", "label", "class", *figures, *["file"] * bool(files)])
    for i, (x, y) in enumerate(coords):
        label = "" if labels is None else int(labels[i])
        name = names[label] if isinstance(label, int) and 0 <= label < len(names) else ""
        numbers = [f"{float(value):.6g}" for value in (x, y, *(column[i] for column in figures.values()))]
        writer.writerow([i, *numbers[:2], label, name, *numbers[2:], *files[i : i + 1]])
    return text.getvalue()
