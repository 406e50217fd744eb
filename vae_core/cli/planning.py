"""What the options of `vae train` ask for: data and a recipe; an option that changes nothing of it is refused."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae_core import config, zoo
from vae_core.cli.shared import find_source, load_data, open_checkpoint, say
from vae_core.config import DataConfig, Recipe
from vae_core.settings import DATA, SETTINGS

if TYPE_CHECKING:
    from vae_core.data import Splits

BODY = {"body": "kind", "hidden": "hidden"}  # options that are fields of `Body`, and shape what depends on it


def plan(given: dict[str, Any]) -> tuple[Recipe, Splits, str]:
    """Return recipe, data and description that the options ask for."""
    if "like" in given and "model" in given:
        raise ValueError(f"--model is {given['model']!r}, but --like already gives the model; leave one of them out.")
    like = open_checkpoint(given["like"], "cpu") if "like" in given else None
    if like and like.recipe.model.foreign:
        raise ValueError(f"--like is {given['like']!r}, a model that was trained elsewhere: its recipe is not known.")
    base = like.recipe.data if like else DataConfig()
    name, source = find_source(given["data"]) if "data" in given else (base.name, None)
    base = base if name == base.name else replace(base, range=None)  # other pictures have another one
    usual = {"fit": "pad"} if source and like is None else {}  # a named set is cut to its things
    asked = {setting.name: given[setting.name] for setting in DATA if setting.name in given}
    data = replace(base, name=name, **usual | asked)
    splits = _load_once(data, source, given.get("data_root"), given["download"], given.get("labels"))
    data = replace(data, range=splits.train.range)
    shape = splits.train.image_shape
    if like is None:
        variant = given.get("model", "mlp" if min(shape[1:]) < 28 else "conv")
        body = {field: given[option] for option, field in BODY.items() if option in given}
        recipe = zoo.recipe(variant, data, shape, classes=len(splits.train.class_names), body=body)
        if source and "body" not in given:
            recipe = zoo.suited(recipe, len(splits.train))
    else:
        recipe = replace(like.recipe, data=data, model=replace(like.recipe.model, image_shape=shape))
    _check_classes(recipe, splits.train.class_names)
    recipe = zoo.adjusted(recipe, given | _mirrored(given.get("mirror"), splits))
    if (recipe.objective.perceptual or recipe.objective.lpips) and given["download"]:
        from vae_core import perceptual

        perceptual.download()
    _check_meaning(recipe, given)
    return recipe, splits, like.description if like and _alike(recipe, like.recipe) else ""


def _mirrored(asked: bool | str | None, splits: Splits) -> dict[str, bool]:
    """Give the setting that `--mirror` asks for, and say what the pictures decide."""
    if asked is None or isinstance(asked, bool):
        return {} if asked is None else {"mirror": asked}
    from vae_core import mirroring

    chosen, reason = mirroring.choose(splits.train.images)
    say(f"Note: {reason}")
    return {"mirror": chosen}


def _alike(a: Recipe, b: Recipe) -> bool:
    """Tell whether a sentence that describes the one model describes the other: however long they were trained."""
    return (a.model, a.objective, a.data) == (b.model, b.objective, b.data)


def _load_once(data: DataConfig, source: Path | None, root: Path | None, download: bool, labels: str | None) -> Splits:
    """Load where several processes may want to download the same files: the first goes ahead."""
    if not download or os.environ.get("WORLD_SIZE", "1") == "1":
        return load_data(data, source, root, download, labels=labels)
    from accelerate import PartialState

    from vae_core.training import pick_device

    with PartialState(cpu=pick_device().type == "cpu").main_process_first():
        return load_data(data, source, root, download, labels=labels)


def _check_classes(recipe: Recipe, names: Sequence[str]) -> None:
    """Refuse data that do not have as many classes as a conditional model's recipe."""
    if (classes := recipe.model.classes) and classes != len(names):
        raise ValueError(
            f"The recipe is for a model with {classes} classes, and {recipe.data.name!r} has {len(names)}: give data "
            "of as many classes, or another --model."
        )


def _check_meaning(recipe: Recipe, given: dict[str, Any]) -> None:
    """Refuse an option that changes nothing of the recipe: of an objective that lacks it, even at its default."""
    kind = recipe.objective.kind
    own = config.OBJECTIVES[kind][1]
    others = {name for _, names in config.OBJECTIVES.values() for name in names} - own
    asked = [setting for setting in SETTINGS if setting.name in given]
    for setting in asked:
        if ("beta" if setting.name.startswith("beta_") else setting.name) in others:
            settings = ", ".join(sorted(own)) or "none of its own"
            raise ValueError(
                f"{setting.option} has no meaning for the objective {kind!r}, whose settings are: {settings}."
            )
    for setting in asked:
        setting.check(recipe)
