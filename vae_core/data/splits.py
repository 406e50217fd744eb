"""Folders that are parts of a data set and no classes: training, validation, test, by their names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TRAIN, VAL, TEST, REST = "training", "validation", "test", "left out"
_EVAL = "evaluation"  # is the test part where no other folder is
_WORDS = {
    TRAIN: "train training trainings trainval trn learn learning",
    VAL: "val valid validation validate validierung validierungs dev devel development publictest",
    TEST: "test testing tests tst holdout heldout t10k privatetest",
    _EVAL: "eval evaluation evaluate",
    REST: "pred predict prediction predictions unlabeled unlabelled",  # pictures whose class nobody has told
}
ROLES = {word: role for role, words in _WORDS.items() for word in words.split()}
_SHORT = {"tr": TRAIN, "va": VAL, "te": TEST}  # are parts only beside one another
# Words beside one of these that say nothing of the part.
NEUTRAL = {"set", "sets", "data", "dataset", "image", "images", "img", "imgs", "picture", "pictures", "pics", "photos"}
NEUTRAL |= {"split", "folder", "dir", "files", "daten", "bilder", "small", "large", "big", "tiny", "mini", "full"}
_TAILS = ("sets", "set", "data", "daten", "bilder", "images", "imgs", "split")  # of words run together: trainset
# Words, digits, and what is one word to a reader: held_out, PublicTest (FER2013), t10k (MNIST).
_WORD = re.compile(r"(?:t10k|hold[\W_]*out|held[\W_]*out|(?:public|private)[\W_]*test)(?![a-z])|[a-z]+|\d+")


@dataclass(frozen=True, eq=False)
class Places:
    """Where each picture belongs, by the folders in which it lies.

    Attributes:
        parts: (N,) TRAIN, VAL, TEST or REST; all TRAIN where no parts are given.
        classes: N names of folders, or None where a picture lies in none.
        folders: folder -> its part, where parts are given.
        common: the folder in which all lie; empty = none, or it is a part's.
    """

    parts: NDArray[np.str_]
    classes: list[str | None]
    folders: dict[str, str]
    common: str = ""


def _tokens(name: str) -> list[str]:
    """Split `TrainingSet-2017` into training, 2017: words run together are parted where that makes one a split's."""
    pieces = _WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    words = [re.sub(r"[\W_]", "", word) for word in pieces]
    return [next((w.removesuffix(t) for t in _TAILS if w.removesuffix(t) in ROLES), w) for w in words]


def _roles(folders: Iterable[str]) -> dict[str, str]:
    """Return the part that each folder's name means, for those that mean one: what all of these share says nothing."""
    short = {name: _SHORT[name.lower()] for name in folders if name.lower() in _SHORT}
    if {TRAIN, TEST} <= set(short.values()):
        return short
    if domains := _domains(folders):
        return {name: role for name, (role, _) in domains.items()}
    words = {name: tokens for name, tokens in ((name, _tokens(name)) for name in folders) if set(tokens) & set(ROLES)}
    shared = set.intersection(*map(set, words.values())) if len(words) > 1 else set()
    telling = {
        name: [w for w in tokens if not (w in NEUTRAL or w in shared or w.isdigit())] for name, tokens in words.items()
    }
    return {name: ROLES[rest[0]] for name, rest in telling.items() if len(rest) == 1 and rest[0] in ROLES}


def is_part(name: str) -> bool:
    """Tell whether a name means a part by itself."""
    return bool(_roles([name]))


def _domains(folders: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return part and class of folders such as trainA, trainB, testA, testB (CycleGAN); empty where they are others."""
    words = {name: _tokens(name) for name in folders}
    domains = {name: (ROLES[w[0]], w[1].upper()) for name, w in words.items() if len(w) == 2 and w[0] in ROLES}
    classes = {letter for _, letter in domains.values()}
    alike = all(len(letter) == 1 and letter.isalpha() for letter in classes)
    kinds = {role for role, _ in domains.values()}
    return domains if alike and len(classes) > 1 and TRAIN in kinds and len(kinds) > 1 else {}


def parts(folders: Collection[str]) -> dict[str, str]:
    """Return the part that each of the folders beside one another is: empty where they are classes.

    They are parts if one is for training and another for validation or test, or if all are parts of different kinds.
    What lies beside them is left out.

    Args:
        folders: names.

    Returns:
        name -> TRAIN, VAL, TEST or REST.
    """
    roles = _roles(folders)
    kinds = set(roles.values())
    held_out = kinds & {VAL, TEST, _EVAL}
    all_told = len(roles) == len(folders) and (len(held_out) > 1 or {TRAIN, REST} <= kinds)
    if not (TRAIN in kinds and held_out) and not all_told:
        return {}
    evaluated = VAL if TEST in kinds else TEST
    roles_of = {name: evaluated if role == _EVAL else role for name, role in roles.items()}
    if TRAIN not in kinds:  # then the pictures beside the test part are all that can be trained on
        roles_of = {name: TRAIN if role == VAL else role for name, role in roles_of.items()}
    return {name: roles_of.get(name, REST) for name in folders}


def places(folders: Sequence[tuple[str, ...]], split: bool = True) -> Places:
    """Return the part and the class of each picture.

    Args:
        folders: of N pictures the folders in which they lie, from the outermost.
        split: whether folders that are named like parts are parts.
    """
    common, folders = _unwrapped(folders)
    none = np.full(len(folders), TRAIN, dtype="U10")
    if split and (parted := _below(_unwrapped(folders, strays=True)[1]) or _inside_classes(folders)):
        return parted
    if not any(folders) and common:
        return Places(none, [common] * len(folders), {}, common)
    return Places(none, _classes(folders), {}, common)


def _below(folders: list[tuple[str, ...]]) -> Places | None:
    """Tell where the outermost folders are parts, and those within them classes."""
    at = [path[0] if path else "" for path in folders]
    if not (roles := parts({name for name in at if name})):
        return None
    inner = _inner([path[1:] for path in folders], at, roles)
    if not any(inner) and (domains := _domains(roles)):
        inner = [(domains[name][1],) if name in domains else () for name in at]
    return Places(_named(at, roles), _classes(inner), roles)


def _inside_classes(folders: list[tuple[str, ...]]) -> Places | None:
    """Tell where every class has parts of its own."""
    at = [path[1] if len(path) > 1 else "" for path in folders]
    if not (all(at) and (roles := parts(set(at)))):
        return None
    return Places(_named(at, roles), _classes([path[:1] + path[2:] for path in folders]), roles)


def _named(at: list[str], roles: dict[str, str]) -> NDArray[np.str_]:
    return np.array([roles.get(name, REST) for name in at], dtype="U10")


def _unwrapped(folders: Sequence[tuple[str, ...]], strays: bool = False) -> tuple[str, list[tuple[str, ...]]]:
    """Return the innermost folder in which all lie, or all but a few strays above it, and the folders within it."""
    common, rest = "", list(folders)
    while len({path[0] for path in rest if path}) == 1:
        if not all(rest) and not (strays and sum(map(bool, rest)) > len(rest) / 2):
            break
        common, rest = next(path[0] for path in rest if path), [path[1:] for path in rest]
    return common, rest


def _inner(inner: list[tuple[str, ...]], at: list[str], roles: dict[str, str]) -> list[tuple[str, ...]]:
    """Leave out a folder between a part and its classes that is named for the part again, or for pictures."""
    for part in roles:
        own = [i for i, name in enumerate(at) if name == part]
        while own and all(inner[i] for i in own) and len({inner[i][0] for i in own}) == 1:
            tokens = _tokens(inner[own[0]][0])
            if not all(w in NEUTRAL or w in ROLES or w in _tokens(part) for w in tokens):
                break
            for i in own:
                inner[i] = inner[i][1:]
    return inner


def _classes(folders: Sequence[tuple[str, ...]]) -> list[str | None]:
    return [path[0] if path else None for path in folders]
