"""What a model's card shows: strips of pictures, and its figures and recipe as plain numbers and words."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import streamlit as st
import torch
from PIL import Image

from pages.widgets.shell import models
from pages.widgets.shell.models import Opened
from vae_core import coverage, data, explore, images, realism
from vae_core.checkpoints import DataInfo, Reference
from vae_core.config import (
    FOREIGN,
    MAPS,
    OBJECTIVES,
    Body,
    DataConfig,
    Latent,
    LikelihoodConfig,
    ModelConfig,
    Objective,
    Schedule,
)
from vae_core.health import kl_of_levels

STRIP = 400  # CSS pixels that a card offers to a strip
SMALLEST = 48  # CSS pixels that a picture shall have on the screen
GUTTER = 1  # pixels of the picture: it grows with them
GREY = 0.5  # of gutters: seen on dark and light pictures, in both themes
SEED = 0  # of the draws on the cards
MAX_NAMES = 30  # of classes or factors


def columns(width: int) -> int:
    """How many pictures of this width fill a strip when they are enlarged by a whole number."""
    scale = math.ceil(SMALLEST / width)
    return max(3, min(8, STRIP // (scale * (width + GUTTER))))


def _grid(x: torch.Tensor) -> Image.Image:
    return images.grid(x, columns(x.shape[3]), gutter=GUTTER, background=GREY)


@st.cache_data(max_entries=128, show_spinner=False)
def samples(key: str, _opened: Opened) -> Image.Image:
    """Decode a row of pictures at draws from the prior that Sample begins with."""
    model = _opened.checkpoint.model
    count = columns(model.image_shape[2])
    y = torch.arange(count) % model.spec.classes if model.spec.classes else None
    return _grid(
        explore.decode(
            model, explore.sample(model, count, seed=SEED, fitted=models.usual_prior(_opened) == "fitted"), y
        )
    )


@st.cache_data(max_entries=128, show_spinner=False)
def reconstructions(key: str, _opened: Opened, originals: bool) -> Image.Image | None:
    """Return reference pictures and, below, their reconstructions; without originals the reconstructions alone.

    Returns:
        None where the file holds no reference encodings.

    Raises:
        ValueError: one sentence, where the data set cannot be read.
    """
    checkpoint = _opened.checkpoint
    if checkpoint.reference is None:
        return None
    rows = _varied(checkpoint.reference, columns(checkpoint.model.image_shape[2]))
    rebuilt = explore.rebuild(checkpoint.model, checkpoint.reference, rows)
    if not originals:
        return _grid(rebuilt)
    test, index = data.load_test(checkpoint.recipe.data), checkpoint.reference.index[rows]
    if test.image_shape != checkpoint.model.image_shape or not 0 <= int(index.min()) <= int(index.max()) < len(test):
        raise ValueError("The data set on this machine is not the one that this model was trained on.")
    return _grid(torch.cat([test.float(index), rebuilt]))


def _varied(reference: Reference, count: int) -> list[int]:
    """Rows of the reference set, of different classes first."""
    labels = [0] * len(reference) if reference.labels is None else reference.labels.tolist()
    firsts = {label: row for row, label in reversed(list(enumerate(labels)))}
    rows = [*sorted(firsts.values()), *(row for row in range(len(labels)) if firsts[labels[row]] != row)]
    return rows[:count]


def figures(opened: Opened) -> dict[str, str]:
    """Name -> value with unit, for the figures that the header holds."""
    metrics, spec = opened.checkpoint.metrics, opened.checkpoint.model.spec
    given = ", given the class: a bound of log p(x | y)" if spec.classes else ""
    unit = opened.checkpoint.model.likelihood.unit
    named = {
        "Test ELBO": ("elbo", f"{{:.2f}} nats per image{given}"),
        "Test reconstruction error": ("reconstruction", f"{{:.2f}} {unit} per image"),
        "Test KL": ("kl", "{:.2f} nats per image"),
        "Bits per dimension": ("bits_per_dimension", "{:.3f} bits"),
        "Class found": ("accuracy", "right for {:.1%} of the test pictures"),
        "Parameters": ("parameters", "{:,.0f}"),
        "Best epoch": ("best_epoch", "{:.0f}"),
        "Training time": ("train_seconds", "{:,.0f} s"),
    }
    figures = {name: form.format(metrics[key]) for name, (key, form) in named.items() if metrics.get(key) is not None}
    if models.has_units(opened):
        figures["Active units"] = models.units(opened)
    if levels := kl_of_levels(spec, metrics):
        figures["KL of each level"] = levels
    if codes := models.codes_in_use(opened):
        figures["Codes in use"] = "; ".join(line.removeprefix("Codes in use").lstrip(": ") for line in codes)
    sizes = opened.checkpoint.data.sizes
    return figures | {"Pictures": "{:,} to train, {:,} to validate, {:,} to test".format(*sizes)}


@st.cache_data(max_entries=128, show_spinner=False)
def prior(key: str, _opened: Opened) -> dict[str, str]:
    """Tell what is known of the model's own prior and its draws, as name -> words; *Prior* is the sentence for all."""
    texts, checkpoint = coverage.described(_opened.checkpoint), _opened.checkpoint
    if "compared_pictures" in checkpoint.metrics:
        texts["Samples"] = realism.describe(checkpoint.metrics, checkpoint.model.spec)
    return texts


def source(info: DataInfo) -> list[str]:
    """Lines on the data: name, credit, licence, and the names of classes and factors as far as there is room."""
    lines = [f"Pictures: {info.name}", f"Credit: {info.credit or 'not stated'}"]
    lines.append(f"Licence: {info.licence or 'not stated'}")
    for kind, names in (("Classes", info.class_names), ("Factors", info.factor_names)):
        if names:
            more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
            lines.append(f"{kind}: {', '.join(names[:MAX_NAMES])}{more}")
    return lines


def settings(config: Any) -> dict[str, str]:
    """Return a part of a recipe as name -> value in words, nested parts joined into one list."""
    texts: dict[str, str] = {}
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), field.name.replace("_", " ")
        if not _matters(config, field.name):
            continue
        if dataclasses.is_dataclass(value) and not isinstance(value, Schedule):
            texts |= {f"{name}: {inner}": text for inner, text in settings(value).items()}
        else:
            texts[name] = "as the data has it" if value is None and isinstance(config, DataConfig) else _words(value)
    return texts


def _matters(config: Any, name: str) -> bool:
    """Whether a setting means something beside the others of its part of a recipe."""
    if isinstance(config, Objective):
        return name == "kind" or name in OBJECTIVES[config.kind][1]
    if isinstance(config, Latent):
        needed = {
            "dim": config.kind not in MAPS,
            "groups": config.kind in MAPS,
            "components": config.prior in ("mixture", "vamp"),
            "steps": config.kind == "flow",
            "codes": config.kind == "quantized",
        }
        return needed.get(name, True)
    if isinstance(config, Body):
        return name == "kind" or config.kind != FOREIGN
    if isinstance(config, LikelihoodConfig):
        return name == "kind" or config.kind.endswith("gaussian")
    if isinstance(config, ModelConfig):
        return name not in ("classes", "conditioning", "classifier") or config.classes > 0
    return True


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):  # groups of maps
        return "; ".join(f"{channels} channels after {level} halvings" for level, channels in value)
    if isinstance(value, tuple):
        return " × ".join(map(str, value)) or "none"
    if not isinstance(value, Schedule):
        return str(value)
    if value.kind == "constant":
        return f"{value.end:g}"
    during = "" if value.length == 1 else f", over the first {value.length:.0%} of the run"
    return f"{value.kind}, {value.start:g} to {value.end:g}{during}"
