"""What a choice is in the open model: what the model sees, and the point where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st
import torch
from PIL import Image
from torch import Tensor

from pages.widgets.selection import classes, given
from pages.widgets.selection.choice import DATA, DRAWING, FITTED, MAPPED, MEAN, POINT, REFERENCE, UPLOAD, Choice
from pages.widgets.shell import models
from pages.widgets.shell.models import Opened
from vae_core import data, explore, images
from vae_core.images import Preparation

if TYPE_CHECKING:  # else what only photographs need is loaded with every page
    from vae_core.photographs import CutOut

LOST = {
    UPLOAD: "An uploaded picture is kept for one visit only and is no longer here; upload it again.",
    DRAWING: "A drawing is kept for one visit only and is no longer here; draw it again on Draw.",
    MAPPED: "A picture sent from Map is kept for one visit only and is no longer here; send it from there again.",
}
THUMBNAIL = 256  # pixels: an upload shown as it was given
PHOTOGRAPH = 640  # pixels: a photograph in which a person drags what is cut out


@dataclass(frozen=True, eq=False)
class Chosen:
    """A picture in the model: what it sees x (1, C, H, W), and mean and std (D,) of the point it stands at.

    In a conditional model `y` (classes,) are the weights of its class, and `seen` (classes,) what the model takes it
    for where it had to find the class itself.
    """

    choice: Choice
    label: str
    x: Tensor
    mean: Tensor
    std: Tensor
    original: bool  # x is a picture that was given, and not one that the model made
    notes: tuple[str, ...] = ()
    given: Image.Image | None = None  # the picture before it was prepared, where that is not x
    cutout: CutOut | None = None  # what was cut out of a photograph of handwriting
    y: Tensor | None = None
    seen: Tensor | None = None
    home: str = ""  # the model that the choice was made in, where it is another

    @property
    def key(self) -> str:
        """What tells it from others in a cache: the same choice is another picture where its original is not here."""
        return f"{self.home} {self.choice.text} {self.original}"

    def classes(self, count: int) -> Tensor | None:
        """Give the class weights of `count` pictures alike, (count, classes)."""
        return None if self.y is None else self.y.expand(count, -1)


def resolve(opened: Opened, choice: Choice) -> Chosen:
    """Tell what a choice is in the open model.

    Raises:
        ValueError: one sentence where the choice is not possible here.
    """
    if not choice.is_upload:
        return _resolve(opened.key, choice, models.originals_here(opened), opened)
    decode = given.picture_of(opened, choice)
    if decode is None:
        raise ValueError(LOST[choice.kind])
    return _upload(opened.key, choice, given.preparation_of(opened, choice), opened, decode)


# --- the same for every visitor ------------------------------------------------------------------------------


@st.cache_resource(max_entries=256, show_spinner=False)
def _resolve(key: str, choice: Choice, originals: bool, _opened: Opened) -> Chosen:
    """Return a choice that is no upload."""
    spec = _opened.checkpoint.model.spec
    wanted = choice.class_of(spec.classes or (spec.fitted_classes if choice.kind == FITTED else 0))
    if choice.kind in (REFERENCE, DATA) and choice.number is not None:
        find = _reference if choice.kind == REFERENCE else _test_picture
        chosen = find(_opened, choice, choice.number, originals)
        return chosen if wanted is None else _as_class(_opened, chosen, wanted)
    point, label, usual = _made(_opened, choice, wanted)
    if spec.classes is None:
        x = explore.decode(_opened.checkpoint.model, point[None])
        return Chosen(choice, label, x, point, torch.zeros_like(point), False)
    blank = Chosen(choice, label, torch.empty(0), point, torch.zeros_like(point), False)
    return _as_class(_opened, blank, usual % spec.classes if wanted is None else wanted)


def _made(opened: Opened, choice: Choice, wanted: int | None) -> tuple[Tensor, str, int]:
    """Return a point (D,) that no picture gave, its name, and the number whose class it gets if none is asked for.

    The fitted prior is drawn from for the class that is wanted.
    """
    model = opened.checkpoint.model
    if draw := choice.drawn:
        fitted, place = choice.kind == FITTED, draw.place or 0
        point = explore.sample(model, place + 1, draw.temperature, draw.seed, fitted, wanted)[place]
        whence = "the fitted prior" if fitted else "the prior"
        which = f"draw {draw.seed}" if draw.place is None else f"draw {place + 1} of seed {draw.seed}"
        return point, f"{which} from {whence}", draw.seed + place
    if choice.kind == POINT:
        return explore.from_text(choice.detail or "", model.spec), "a point that was chosen", 0
    if choice.with_class(None) == MEAN:
        middle = "the prior mean" if model.spec.prior == "normal" else "the mean of the reference encodings"
        return explore.prior_mean(model, opened.checkpoint.reference), middle, 0
    raise ValueError("This link names a picture that does not exist; another one is shown.")


def _as_class(opened: Opened, chosen: Chosen, index: int) -> Chosen:
    """Return the same z decoded as another class."""
    y = classes.one_hot(opened, index)
    x = explore.decode(opened.checkpoint.model, chosen.mean[None], y[None])
    label = f"{chosen.label}, as {classes.names(opened)[index]}"
    return replace(chosen, label=label, x=x, y=y, original=False, given=None)


def _reference(opened: Opened, choice: Choice, row: int, originals: bool) -> Chosen:
    reference = opened.checkpoint.reference
    if reference is None:
        raise ValueError("This model's file holds no reference pictures; upload a picture or draw one at random.")
    if row >= len(reference):
        raise ValueError(f"There is no reference picture {row}; this model has 0 to {len(reference) - 1}.")
    label = _named("reference picture", row, class_name(opened, reference.labels, row))
    mean, std = reference.mean[row], reference.std[row]
    if not originals:
        return Chosen(choice, label, some_references(opened, [row]), mean, std, False, y=_known(opened, row))
    x, picture = _observed(opened, int(reference.index[row]))
    return Chosen(choice, label, x, mean, std, True, given=picture, y=_known(opened, row))


def _known(opened: Opened, row: int) -> Tensor | None:
    """Return the weights of a reference picture's class, where the model is given it."""
    reference = opened.checkpoint.reference
    known = None if reference is None else explore.classes_of(opened.checkpoint.model, reference, [row])
    return None if known is None else classes.one_hot(opened, int(known[0]))


def _test_picture(opened: Opened, choice: Choice, row: int, originals: bool) -> Chosen:
    if not originals:
        raise ValueError("The link names a picture of the data set, and that is not here.")
    test = data.load_test(opened.checkpoint.recipe.data)
    if row >= len(test):
        raise ValueError(f"There is no test picture {row}; this data set has 0 to {len(test) - 1}.")
    x, picture = _observed(opened, row)
    model, y = opened.checkpoint.model, None
    if model.spec.classes and test.labels is not None:
        y = classes.one_hot(opened, int(test.labels[row].clamp_max(model.spec.classes - 1)))
    mean, std = explore.encode_observed(model, x, None if y is None else y[None])
    label = _named("test picture", row, class_name(opened, test.labels, row))
    return Chosen(choice, label, x, mean[0], std[0], True, given=picture, y=y)


def _observed(opened: Opened, row: int) -> tuple[Tensor, Image.Image | None]:
    """Return a test picture as the model saw it for its figures, and the picture itself where that differs."""
    checkpoint = opened.checkpoint
    test = data.load_test(checkpoint.recipe.data)
    x = explore.observed(checkpoint.model, test.images, row, checkpoint.recipe.training.seed)
    picture = test.float([row])
    return x, None if torch.allclose(x, picture, atol=1 / 255) else images.grid(picture, 1, gutter=0)


def _named(what: str, row: int, name: str) -> str:
    return f"{what} {row} ({name})" if name else f"{what} {row}"


def class_name(opened: Opened, labels: Tensor | None, row: int) -> str:
    """Name the class of a picture; empty where there is none."""
    names = opened.checkpoint.data.class_names
    return names[int(labels[row])] if labels is not None and 0 <= int(labels[row]) < len(names) else ""


# --- uploads -------------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=128, show_spinner="Reading the picture …")
def _upload(
    key: str, choice: Choice, preparation: Preparation, _opened: Opened, _decode: Callable[[], Image.Image]
) -> Chosen:
    model, picture = _opened.checkpoint.model, _decode()
    prepared = images.prepare(picture, model.image_shape, preparation, given.dark_ground(key, _opened))
    x = explore.observe(model, prepared.x)
    notes = prepared.notes
    if not torch.allclose(x, prepared.x, atol=1 / 255):
        notes += ("each pixel drawn black or white",)
    y, seen = _class_of_upload(_opened, choice, x)
    mean, std = explore.encode_observed(model, x, None if y is None else y[None])
    side = PHOTOGRAPH if prepared.cutout else THUMBNAIL
    picture.thumbnail((side, side))
    return Chosen(choice, "your picture", x, mean[0], std[0], True, notes, picture, prepared.cutout, y, seen)


def _class_of_upload(opened: Opened, choice: Choice, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the class that an upload gets, what a person says or else the likeliest one; and the likeliest one."""
    count = opened.checkpoint.model.spec.classes
    if count is None:
        return None, None
    seen, asked = explore.classify_observed(opened.checkpoint.model, x)[0], choice.class_of(count)
    return classes.one_hot(opened, int(seen.argmax()) if asked is None else asked), seen


# --- in another model ----------------------------------------------------------------------------------------


def elsewhere(opened: Opened, chosen: Chosen, home: Opened) -> Chosen:
    """Find the same picture in another model: its own encoding of it where its file holds one, else encoded now.

    Args:
        opened: a model of pictures of the same shape.
        chosen: what is chosen in `home`.
        home: the model that the choice was made in.

    Raises:
        ValueError: one sentence where the choice is not possible there.
    """
    if opened.key == home.key:
        return chosen
    choice = chosen.choice
    if choice.is_upload:
        return resolve(opened, choice)
    alike = opened.checkpoint.recipe.data == home.checkpoint.recipe.data
    if alike and choice.own_row(DATA) is not None:
        return resolve(opened, choice)
    ours, theirs = home.checkpoint.reference, opened.checkpoint.reference
    row = choice.own_row(REFERENCE)
    if alike and row is not None and ours is not None and theirs is not None:
        there = explore.row_of_same(ours, row, theirs)
        if there is not None:
            return resolve(opened, Choice.row(REFERENCE, there))
    return _shown(opened.key, home.key, chosen.key, opened, chosen)


@st.cache_resource(max_entries=128, show_spinner=False)
def _shown(key: str, home: str, about: str, _opened: Opened, _chosen: Chosen) -> Chosen:
    """Return a picture that another model has or made, as this model sees it."""
    model = _opened.checkpoint.model
    x, y = explore.observe(model, _chosen.x), None
    if model.spec.classes is not None:
        y = classes.one_hot(_opened, int(explore.classify_observed(model, x)[0].argmax()))
    mean, std = explore.encode_observed(model, x, None if y is None else y[None])
    return Chosen(_chosen.choice, _chosen.label, x, mean[0], std[0], True, y=y, home=home)


# --- pictures of the reference set ---------------------------------------------------------------------------


def some_references(opened: Opened, rows: Sequence[int]) -> Tensor:
    """Give pictures of the reference set (n, C, H, W): originals where the data is here, else reconstructions."""
    checkpoint, reference = opened.checkpoint, opened.checkpoint.reference
    assert reference is not None
    if models.originals_here(opened):
        return data.load_test(checkpoint.recipe.data).float(reference.index[list(rows)])
    return explore.rebuild(checkpoint.model, reference, rows)


def say_originals(opened: Opened, shown: Iterable[Chosen]) -> None:
    """Say, once for all pictures of a page, that those of the reference set are reconstructions, and why."""
    if any(chosen.choice.kind == REFERENCE and not chosen.original for chosen in shown):
        way = " Home says how they get here." if models.can_have_originals(opened) else ""
        st.caption(
            f"Pictures of the reference set are the model's reconstructions: {models.why_no_originals(opened)}.{way}"
        )
