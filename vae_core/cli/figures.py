"""The commands `zoo`, `info`, `evaluate` and `update`: what models are and how good they are, as text or JSON."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vae_core import config, zoo
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
    open_checkpoint,
    open_parts,
    printable,
    progress_bar,
    say,
    summary,
    writing,
)
from vae_core.config import METRICS

if TYPE_CHECKING:
    from vae_core.checkpoints import Checkpoint
    from vae_core.data import Dataset
    from vae_core.model import VAE

TABLE_WIDTH = 160  # characters, where no terminal says how many it has
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

commands = typer.Typer()


@commands.command("zoo", epilog="Example: vae zoo --json")
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


@commands.command(epilog="Example: vae info mnist --json")
def info(file: Name = "", as_json: Json = False) -> None:
    """Show what a checkpoint is: recipe, data, figures, credit; without FILE, a table of the shipped ones."""
    from vae_core import checkpoints, coverage, realism
    from vae_core.health import kl_of_levels

    if not file:
        return _table(as_json)
    path = checkpoints.find(file)
    checkpoint = checkpoints.load(path)
    if as_json:
        why = coverage.lacking(checkpoint)
        prior = {"not_measured": why} if why else coverage.measure(checkpoint).summary()
        return _print_json(_about(checkpoint, path) | {"prior": prior})
    recipe, data, prior = checkpoint.recipe, checkpoint.data, coverage.described(checkpoint)
    metrics, spec = checkpoint.metrics, checkpoint.model.spec
    channels, height, width = checkpoint.model.image_shape
    rows = {
        "file": f"{path} ({path.stat().st_size / 2**20:.1f} MB)",
        "description": checkpoint.description,
        "model": f"{recipe.name}, {spec.size} latent dimensions, {_likelihood(checkpoint)}",
        "pictures": f"{channels} x {height} x {width} (channels, height, width)",
        "data": f"{data.name}: {' + '.join(f'{n:,}' for n in data.sizes)} (training, validation, test)",
        "credit": f"{data.credit}; licence: {data.licence}" if data.credit else "",
        "training": "elsewhere; encoder and decoder are ONNX graphs"
        if recipe.model.foreign
        else f"{len(checkpoint.history)} epochs, beta {recipe.objective.beta.end:g}",
        "test figures": summary(checkpoint),
        "their density": checkpoint.model.likelihood.note,
        "KL of levels": kl_of_levels(spec, metrics),
        "samples": realism.describe(metrics, spec) if "compared_pictures" in metrics else "",
        "prior": prior.pop("Prior"),
        **{f"  {name.lower()}": text for name, text in prior.items()},
        "references": f"{len(checkpoint.reference):,} encodings" if checkpoint.reference else "none",
        "versions": ", ".join(f"{name} {version}" for name, version in checkpoint.versions.items()),
    }
    for name, text in rows.items():
        if text:
            print(printable(f"{name:13} {text}"))
    return None


def _likelihood(checkpoint: Checkpoint) -> str:
    likelihood = checkpoint.model.likelihood
    return likelihood.label if likelihood.known else f"likelihood {likelihood.label}"


def _table(as_json: bool) -> None:
    """Print the shipped checkpoints' figures, from their headers, as a Markdown table or as JSON."""
    from vae_core import checkpoints

    paths = [checkpoints.find(name) for name in checkpoints.shipped()]
    opened = {path.stem: (checkpoints.load(path), path) for path in paths}
    if as_json:
        return _print_json({name: _about(*entry) for name, entry in opened.items()})
    print("| name | variant | paper | data | parameters | test (nats per image) | active | seconds | command |")
    print("| --- " * 9 + "|")
    for name, (checkpoint, _) in opened.items():
        print(printable(f"| {' | '.join(_cells(name, checkpoint))} |"))
    return None


def _cells(name: str, checkpoint: Checkpoint) -> list[str]:
    """Return a row of the table: what the header lacks is a dash."""
    figures, objective = checkpoint.metrics, checkpoint.recipe.objective
    beta = f", beta {objective.beta.end:g}" if objective.beta.end != 1 else ""
    row = zoo.VARIANTS.get(checkpoint.recipe.name)
    paper = re.match(r".*?\b\d{4}\b", row.paper) if row else None
    seconds, count, active = (figures.get(key) for key in ("train_seconds", "parameters", "active_units"))
    return [
        name,
        f"{checkpoint.recipe.name}{beta}",
        paper[0] if paper else "-",
        checkpoint.data.name,
        "-" if count is None else f"{count:,}",
        _test_figure(figures) + (" given the class" if checkpoint.model.spec.classes else ""),
        "-" if active is None else f"{active} of {checkpoint.model.spec.size}",
        "-" if seconds is None else f"{seconds:,.0f}",
        f"`vae train --like {name}`",
    ]


def _test_figure(figures: dict[str, Any]) -> str:
    """Tell what a header knows of how well a model describes pictures."""
    kinds = {"elbo": "ELBO", "reconstruction": "reconstruction"}
    return next((f"{kinds[key]} {figures[key]:,.1f}" for key in kinds if figures.get(key) is not None), "-")


def _about(checkpoint: Checkpoint, path: Path) -> dict[str, Any]:
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "description": checkpoint.description,
        "likelihood": checkpoint.model.likelihood.label,
        "recipe": config.to_dict(checkpoint.recipe),
        "data": config.to_dict(checkpoint.data),
        "metrics": checkpoint.metrics,
        "references": len(checkpoint.reference) if checkpoint.reference else 0,
        "versions": checkpoint.versions,
        "history": checkpoint.history,
    }


@commands.command(epilog="Example: vae evaluate mnist --metrics elbo,nll --k 1000 --limit 500 --data-root data")
def evaluate(
    file: Name,
    data: Data = None,
    data_root: Root = None,
    metrics: Annotated[
        str, typer.Option(help=f"Any of {', '.join(METRICS)}.", show_default="the usual ones that the model has")
    ] = "",
    k: Annotated[int, typer.Option("--k", min=1, max=1_000_000, help="Draws of z per picture, for nll.")] = 1000,
    split: Split = "test",
    limit: Limit = None,
    worst: Annotated[int, typer.Option(min=0, max=1000, help="How many of the worst reconstructions to name.")] = 5,
    without_labels: Annotated[
        bool, typer.Option("--without-labels", help="Conditional models: sum over the classes.")
    ] = False,
    as_is: AsIs = False,
    labels: Labels = None,
    numbers: Numbers = None,
    seed: Seed = 0,
    device: Device = "auto",
    download: Download = False,
    as_json: Json = False,
) -> None:
    """Measure a checkpoint on pictures: figures with standard errors, likelihoods in nats per image."""
    from vae_core.metrics import check, density, figures, usual

    wanted = [name.strip() for name in metrics.split(",")] if metrics else []
    if unknown := [name for name in wanted if name not in METRICS]:
        raise ValueError(f"--metrics has {unknown[0]!r}; allowed: {', '.join(METRICS)}.")
    checkpoint = open_checkpoint(file, device)
    model = checkpoint.model
    check(model, wanted)
    pictures, parts = open_parts(checkpoint, data, data_root, download, split, limit, as_is, labels, numbers)
    pictures = pictures.in_classes(checkpoint.data.class_names)
    known = pictures.labels is not None and pictures.class_names == checkpoint.data.class_names
    if "accuracy" in wanted and pictures.labels is not None and not known:
        raise ValueError(f"accuracy needs pictures of the model's classes: {', '.join(checkpoint.data.class_names)}.")
    wanted = wanted or usual(model, pictures.labels if known else None)
    given = known and not without_labels
    with progress_bar(f"measuring {len(pictures):,} pictures: {', '.join(wanted)}") as progress:
        rows = figures(
            model, pictures.images, wanted, k, seed, progress, pictures.labels, pictures.factors, given, parts.train
        )
    measured = {
        "data": pictures.name,
        "split": split,
        "pictures": len(pictures),
        "likelihood": model.likelihood.label,
        "likelihood_note": model.likelihood.note or None,
        "bits": f"drawn from the grey values with seed {seed}" if model.binary else None,
        "density": density(model, given),
        "metrics": rows,
        "worst": _worst(model, pictures, worst, seed, given),
    }
    if as_json:
        return _print_json({"file": file, "seed": seed, **measured})
    return _print_figures(measured, model.likelihood.unit)


def _print_figures(result: dict[str, Any], unit: str) -> None:
    """Print the result of `evaluate` as text; `unit` is that of the reconstruction error."""
    remarks = (result["bits"] and f"bits {result['bits']}", result["likelihood_note"], result["density"])
    notes = "".join(f"; {text}" for text in remarks if text)
    head = f"{result['data']}, {result['split']}: {result['pictures']:,} pictures"
    print(printable(f"{head}; likelihood: {result['likelihood']}{notes}"))
    for name, row in result["metrics"].items():
        print(f"{name:20} {_value(row):24} {row['unit']}")
    if result["worst"]:
        named = ", ".join(f"{row['picture']} ({row['reconstruction']:.1f})" for row in result["worst"])
        print(printable(f"worst reconstructions, {unit} per image: {named}"))


def _worst(model: VAE, pictures: Dataset, count: int, seed: int, given: bool) -> list[dict[str, Any]]:
    """Return the pictures of the largest reconstruction error, by file, or by place where they come from no files."""
    from vae_core.scoring import statistics

    if not count:
        return []
    with progress_bar("looking for the worst reconstructions") as progress:
        y = pictures.labels if given and model.spec.classes else None
        error = statistics(model, pictures.images, seed, progress, y).reconstruction
    return [
        {
            "index": row,
            "picture": pictures.names[row] if pictures.names else f"picture {row}",
            "reconstruction": error[row].item(),
        }
        for row in error.argsort(descending=True)[:count].tolist()
    ]


def _value(row: dict[str, Any]) -> str:
    value, error = row["value"], row["standard_error"]
    if isinstance(value, dict):
        errors = {part: f" ± {v:.3f}" for part, v in row.get("standard_errors", {}).items()}
        return ", ".join(f"{part.replace('_', ' ')} {v:.3f}{errors.get(part, '')}" for part, v in value.items())
    if "upper" in row:
        return f"{value:.4f} to {row['upper']:.4f}"
    if isinstance(value, list):
        return " ".join(f"{v:.3f}" for v in value)
    return f"{value}" if isinstance(value, int) else f"{value:.4f}" + (f" ± {error:.4f}" if error is not None else "")


@commands.command(epilog="Example: vae update mine.safetensors")
def update(file: Name) -> None:
    """Write a checkpoint again with the figures that this version counts otherwise, from what the file itself holds.

    Nothing is trained or measured, and no data is needed. Files that were not updated open all the same.
    """
    from vae_core import checkpoints

    path = checkpoints.find(file)
    before = checkpoints.read_file(path)[0].get("metrics", {})
    checkpoint = checkpoints.load(path)
    changed = {name: value for name, value in checkpoint.metrics.items() if value != before.get(name)}
    if not changed:
        return say(f"{path}: nothing changes.")
    with writing(path):
        checkpoint.save(path)
    return say(f"{path}: {'; '.join(f'{name} {before.get(name)} -> {value}' for name, value in changed.items())}.")


def _print_json(values: dict[str, Any]) -> None:
    print(json.dumps(values, indent=2))
