"""The classes that a conditional model is given: their names, a selector, and weights as `decode` takes them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import OneOf

ALL, ANY, OWN = ("all", "All classes"), ("any", "Any class"), ("own", "Its own class")  # in a link, on the screen


def names(opened: Opened, count: int | None = None) -> list[str]:
    """Name each class of the model, or so many: by the data's name, or by number where it has none; none twice."""
    known, unique = opened.checkpoint.data.class_names, list[str]()
    for i in range((opened.checkpoint.model.spec.classes or 0) if count is None else count):
        name = " ".join(known[i].split()) if i < len(known) else str(i)
        unique.append(f"{name} (class {i})" if not name or name in (*unique, *ALL, *ANY, *OWN) else name)
    return unique


def one_hot(opened: Opened, index: int) -> Tensor:
    """Return the weights (classes,) of one class."""
    return F.one_hot(torch.tensor(index), opened.checkpoint.model.spec.classes or 1).float()


def select(
    opened: Opened, key: str, label: str, extra: tuple[str, str], help: str, count: int | None = None
) -> int | None:
    """Show a selector of classes, in the link; None is the first choice, `extra`; `count` as in `names`."""
    known, (word, called) = names(opened, count), extra
    options = {word: called} | {name: name for name in known}
    chosen = OneOf(key, label, word, options, {called: word}).selectbox(help=help)
    return known.index(chosen) if chosen in known else None


def looks_like(opened: Opened, weights: Tensor) -> str:
    """Tell what the model takes a picture for: weights (classes,) in words."""
    share, index = weights.max(0)
    return f"looks like: {plain(names(opened)[int(index)])}, {100 * share.item():.0f} %"
