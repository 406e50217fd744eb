"""The chosen pictures: A to D and a start, kept over pages and (uploads aside) in the URL.

A choice is a short text: `ref:ROW` (a row of the reference encodings), `data:ROW` (a picture of the data set's test
part, where the data set is on this machine), `prior:SEED.INDEX.PERCENT` (a draw from the prior, its place among those
of the seed, and the temperature; the last two may be left out), `point:NUMBERS` (any point), `mean` (the prior mean),
or `upload:HASH` (bytes kept in this visit) with what a person changed of its preparation, as in
`upload:HASH:fit=pad:invert=yes:class=3` or, of a photograph of handwriting, `upload:HASH:crop=0.1,0.2,0.5,0.6:turn=-3`.
In a conditional model all but an upload may end in `@CLASS`, the number of the class that it is decoded as. `resolve`
turns it into what a page needs, `picture_input` lets a person choose.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st
import torch
from PIL import Image
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from pages.widgets.display.sheet import sheet
from pages.widgets.selection import classes
from pages.widgets.selection.cutout import RESET, cutout
from pages.widgets.shell import models, steps, uploads
from pages.widgets.shell.buttons import pressed
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.uploads import File
from vae_core import data, explore, formats, images
from vae_core.images import Preparation

if TYPE_CHECKING:  # else what only photographs need is loaded with every page
    from vae_core.photographs import CutOut

MAX_UNDO = 50
SHEET = 40  # pictures of a contact sheet
THUMBNAIL = 256  # pixels: an upload shown as it was given
PHOTOGRAPH = 640  # pixels: a photograph in which a person drags what is cut out
SEEDS = 10**9
PARTNERS = {"a": "b", "b": "a", "c": "d", "d": "c"}
NAMES = {"a": "A", "b": "B", "start": "start", "c": "C", "d": "D"}  # the URL's name of a slot -> what a person reads

_PRIOR = re.compile(r"(\d{1,9})(?:\.(\d{1,3})(?:\.(\d{1,3}))?)?", re.ASCII)
_FITS = {"crop": "Middle cut out", "pad": "Whole picture", "stretch": "Stretched"}
_INVERT = {"auto": "Detect", "no": "As it is", "yes": "Swapped"}
_SETTINGS: dict[str, dict[str, bool | None]] = {
    "invert": {"auto": None, "no": False, "yes": True},
    "centre": {"no": False, "yes": True},
}
_CUT = ("crop", "turn", "threshold")  # settings of what is cut out of a photograph: numbers


@dataclass(frozen=True, eq=False)
class Chosen:
    """A picture in the model: what it sees x (1, C, H, W), and mean and std (D,) of the point it stands at.

    In a conditional model `y` (classes,) are the weights of its class, and `seen` (classes,) what the model takes it
    for where it had to find the class itself.
    """

    choice: str
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

    @property
    def key(self) -> str:
        """What tells it from others in a cache: the same choice is another picture where its original is not here."""
        return f"{self.choice} {self.original}"

    def classes(self, count: int) -> Tensor | None:
        """The class weights of `count` pictures alike, (count, classes)."""
        return None if self.y is None else self.y.expand(count, -1)


# --- what is chosen ------------------------------------------------------------------------------------------


def choice(slot: str, default: str) -> str:
    """The slot's present choice: this visit's, else the link's, else the default."""
    _read_link(slot)
    return st.session_state.get(f"picture_{slot}") or default


def choose(slot: str, value: str) -> None:
    """Put a choice into a slot (in a callback, or before `choice` is read)."""
    choose_all({slot: value})


def choose_all(values: dict[str, str]) -> None:
    """Put choices into slots, as one step for `undo`."""
    before = {}
    for slot, value in values.items():
        _read_link(slot)
        before[slot] = st.session_state.get(f"picture_{slot}")
        st.session_state[f"picture_{slot}"] = value
    if before != values:
        history: list[dict[str, str | None]] = st.session_state.setdefault("pictures_before", [])
        history.append(before)
        del history[:-MAX_UNDO]


def undo(*slots: str) -> None:
    """Take the last change of these slots back (in a callback)."""
    history = st.session_state.get("pictures_before", [])
    for place in reversed(range(len(history))):
        if history[place].keys() <= set(slots):
            for slot, value in history.pop(place).items():
                st.session_state[f"picture_{slot}"] = value
            return


def can_undo(*slots: str) -> bool:
    """Whether there is a change of these slots that can be taken back."""
    return any(step.keys() <= set(slots) for step in st.session_state.get("pictures_before", []))


def _read_link(slot: str) -> None:
    key = f"picture_{slot}"
    if key not in st.session_state and slot in st.query_params:
        st.session_state[key] = st.query_params[slot]


def keep_in_url(*slots: str) -> None:
    """Write the slots' choices into the URL: query values without a widget are lost on a page switch.

    Call it before any of them is read: where a person went back, the URL says what they hold.
    """
    for slot in slots:
        if steps.went_back():
            st.session_state[f"picture_{slot}"] = st.query_params.get(slot)
    write_url(*slots)


def write_url(*slots: str) -> None:
    """Write the slots' choices into the URL again, where the page has changed them."""
    for slot in slots:
        if value := choice(slot, ""):
            st.query_params[slot] = value
        elif slot in st.query_params:
            del st.query_params[slot]


def leave_url(*slots: str) -> None:
    """Take slots that the page does not show out of the URL; what they hold stays for the visit."""
    for slot in slots:
        _read_link(slot)
        st.query_params.pop(slot, None)


def default_choice(slot: str, opened: Opened) -> str:
    """What a slot holds before anybody chooses: reference pictures, for A to D of different classes.

    Where its partner holds that one, as in a link after a swap with an upload, it holds the partner's.
    """
    reference = opened.checkpoint.reference
    if reference is None:
        return f"prior:{list(NAMES).index(slot)}"
    pair = explore.second_pair if slot in "cd" else explore.unlike_pair
    own, other = (f"ref:{row}" for row in pair(reference)[:: -1 if slot in "bd" else 1])
    return other if slot in PARTNERS and choice(PARTNERS[slot], "") == own else own


# --- uploads -------------------------------------------------------------------------------------------------


def keep_upload(content: bytes, title: str = "a picture of yours") -> str:
    """Check an uploaded picture, keep its bytes for this visit, and give the choice that stands for it.

    Raises:
        images.ImageError: one sentence that says what is wrong with the picture.
    """
    images.open_image(content)
    name = hashlib.sha256(content).hexdigest()[:12]
    uploads.keep("picture", name, title, content, len(content))
    return f"upload:{name}"


def uploaded(value: str) -> bytes | None:
    """The bytes behind an upload's choice; None after a reload."""
    return uploads.find("picture", value.split(":")[1])


def settings_of(value: str) -> dict[str, str]:
    """What a person changed of an upload's preparation: name -> text."""
    return dict(part.split("=", 1) for part in value.split(":")[2:] if "=" in part)


def with_setting(value: str, name: str, setting: str) -> str:
    """The same upload with another preparation."""
    settings = settings_of(value) | {name: setting}
    return ":".join([*value.split(":")[:2], *(f"{key}={text}" for key, text in settings.items())])


def preparation_of(opened: Opened, value: str) -> Preparation:
    """How an upload is prepared for the open model: the data set's own way, with what a person changed.

    Raises:
        ValueError: where a setting is not one of those allowed.
    """
    settings = settings_of(value)
    changes: dict[str, Any] = {"fit": settings["fit"]} if "fit" in settings else {}
    for name, allowed in _SETTINGS.items():
        if name in settings and settings[name] not in allowed:
            raise ValueError(f"{name} is {settings[name]!r}; allowed: {', '.join(allowed)}.")
        if name in settings:
            changes[name] = allowed[settings[name]]
    for name in settings.keys() & set(_CUT):
        numbers = tuple(float(text) for text in settings[name].split(","))
        changes[name] = numbers if name == "crop" else numbers[0]
    return replace(default_preparation(opened), **changes)


def default_preparation(opened: Opened) -> Preparation:
    """How an upload is prepared unless a person says otherwise."""
    return data.preparation(opened.checkpoint.recipe.data)[0]


@st.cache_data(max_entries=64, show_spinner=False)
def dark_ground(key: str, _opened: Opened) -> bool | None:
    """Whether the model's pictures have a dark ground; None where they differ or nothing is known."""
    _, known = data.preparation(_opened.checkpoint.recipe.data)
    reference = _opened.checkpoint.reference
    if known is not None or reference is None:
        return known
    return images.has_dark_ground(explore.rebuild(_opened.checkpoint.model, reference, range(min(100, len(reference)))))


# --- what a choice is in the open model ----------------------------------------------------------------------


@st.cache_resource(max_entries=32, show_spinner="Reading the reference pictures …")
def reference_pictures(key: str, _opened: Opened, originals: bool) -> Tensor:
    """Pictures of the reference set (N, C, H, W) in [0, 1]: originals where the data is here, else reconstructions."""
    checkpoint = _opened.checkpoint
    if checkpoint.reference is None:
        return torch.empty((0, *checkpoint.model.image_shape))
    if originals:
        return data.load_test(checkpoint.recipe.data).float(checkpoint.reference.index)
    return explore.rebuild(checkpoint.model, checkpoint.reference, range(len(checkpoint.reference)))


def references(opened: Opened) -> tuple[Tensor, bool]:
    """The reference pictures of the open model, and whether they are originals."""
    originals = models.originals_here(opened)
    return reference_pictures(opened.key, opened, originals), originals


def some_references(opened: Opened, rows: Sequence[int]) -> Tensor:
    """A few of the reference pictures (n, C, H, W), without decoding all where they are reconstructions."""
    reference = opened.checkpoint.reference
    if reference is None or models.originals_here(opened):
        return references(opened)[0][list(rows)]
    return explore.rebuild(opened.checkpoint.model, reference, rows)


def resolve(opened: Opened, value: str, preparation: Preparation | None = None) -> Chosen:
    """What a choice is in the open model.

    Args:
        opened: the model.
        value: a choice.
        preparation: of an upload; None takes what the choice says.

    Raises:
        ValueError: one sentence where the choice is not possible here.
    """
    if value.startswith("upload:"):
        content = uploaded(value)
        if content is None:
            raise ValueError("An uploaded picture is kept for one visit only and is no longer here; upload it again.")
        return _upload(opened.key, value, preparation or preparation_of(opened, value), opened, content)
    return _resolve(opened.key, value, models.originals_here(opened), opened)


@st.cache_resource(max_entries=256, show_spinner=False)
def _resolve(key: str, value: str, originals: bool, _opened: Opened) -> Chosen:
    """A choice that is the same for every visitor."""
    plain_value, wanted = _class_asked(_opened, value)
    kind, _, detail = plain_value.partition(":")
    number = int(detail) if detail.isdecimal() and len(detail) < 10 else None
    if kind in ("ref", "data") and number is not None:
        found = (_reference if kind == "ref" else _test_picture)(_opened, value, number, originals)
        return found if wanted is None else _as_class(_opened, found, wanted)
    point, label, usual = _made(_opened, plain_value, kind, detail, wanted)
    model = _opened.checkpoint.model
    if model.spec.classes is None:
        return Chosen(value, label, explore.decode(model, point[None]), point, torch.zeros_like(point), False)
    blank = Chosen(value, label, torch.empty(0), point, torch.zeros_like(point), False)
    return _as_class(_opened, blank, usual % model.spec.classes if wanted is None else wanted)


def _made(opened: Opened, value: str, kind: str, detail: str, wanted: int | None) -> tuple[Tensor, str, int]:
    """A point (D,) that no picture gave, its name, and the number whose class it gets if none is asked for.

    The fitted prior is drawn from for the class that is wanted.
    """
    model = opened.checkpoint.model
    if kind in ("prior", "fitted") and (found := _PRIOR.fullmatch(detail)):
        seed, place, percent = int(found[1]), int(found[2] or 0), int(found[3] or 100)
        point = explore.sample(model, place + 1, percent / 100, seed, kind == "fitted", wanted)[place]
        whence = "the prior" if kind == "prior" else "the fitted prior"
        label = f"draw {seed} from {whence}" if found[2] is None else f"draw {place + 1} of seed {seed} from {whence}"
        return point, label, seed + place
    if kind == "point":
        return explore.from_text(detail, model.spec), "a point that was chosen", 0
    if value == "mean":
        middle = "the prior mean" if model.spec.prior == "normal" else "the mean of the reference encodings"
        return explore.prior_mean(model, opened.checkpoint.reference), middle, 0
    raise ValueError("This link names a picture that does not exist; another one is shown.")


def _class_asked(opened: Opened, value: str) -> tuple[str, int | None]:
    """A choice without its class, and the class that it asks for, where the model has so many."""
    rest, _, asked = value.partition("@")
    spec = opened.checkpoint.model.spec
    count = spec.classes or (spec.fitted_classes if rest.startswith("fitted:") else 0)
    known = asked.isdecimal() and len(asked) < 6 and int(asked) < count
    return rest, int(asked) if known else None


def with_class(value: str, index: int) -> str:
    """The same choice decoded as another class."""
    if value.startswith("upload:"):
        return with_setting(value, "class", str(index))
    return f"{value.partition('@')[0]}@{index}"


def _as_class(opened: Opened, found: Chosen, index: int) -> Chosen:
    """The same z decoded as another class."""
    y = classes.one_hot(opened, index)
    x = explore.decode(opened.checkpoint.model, found.mean[None], y[None])
    label = f"{found.label}, as {classes.names(opened)[index]}"
    return replace(found, label=label, x=x, y=y, original=False, given=None)


def _reference(opened: Opened, value: str, row: int, originals: bool) -> Chosen:
    reference = opened.checkpoint.reference
    if reference is None:
        raise ValueError("This model's file holds no reference pictures; upload a picture or draw one at random.")
    if row >= len(reference):
        raise ValueError(f"There is no reference picture {row}; this model has 0 to {len(reference) - 1}.")
    label, mean, std = _named("reference picture", row, class_of(opened, row)), reference.mean[row], reference.std[row]
    if not originals:
        return Chosen(value, label, some_references(opened, [row]), mean, std, False, y=_known(opened, row))
    x, given = _observed(opened, int(reference.index[row]))
    return Chosen(value, label, x, mean, std, True, given=given, y=_known(opened, row))


def say_originals(opened: Opened, shown: Iterable[Chosen]) -> None:
    """Say, once for all pictures of a page, that those of the reference set are reconstructions, and why."""
    if any(chosen.choice.startswith("ref:") and not chosen.original for chosen in shown):
        way = " Home says how they get here." if models.can_have_originals(opened) else ""
        st.caption(
            f"Pictures of the reference set are the model's reconstructions: {models.why_no_originals(opened)}.{way}"
        )


def _known(opened: Opened, row: int) -> Tensor | None:
    """The weights of a reference picture's class, where the model is given it."""
    reference = opened.checkpoint.reference
    known = None if reference is None else explore.classes_of(opened.checkpoint.model, reference, [row])
    return None if known is None else classes.one_hot(opened, int(known[0]))


def _test_picture(opened: Opened, value: str, row: int, originals: bool) -> Chosen:
    if not originals:
        raise ValueError("The link names a picture of the data set, and that is not here.")
    test = data.load_test(opened.checkpoint.recipe.data)
    if row >= len(test):
        raise ValueError(f"There is no test picture {row}; this data set has 0 to {len(test) - 1}.")
    x, given = _observed(opened, row)
    model, y = opened.checkpoint.model, None
    if model.spec.classes and test.labels is not None:
        y = classes.one_hot(opened, int(test.labels[row].clamp_max(model.spec.classes - 1)))
    mean, std = explore.encode(model, x, y=None if y is None else y[None])
    label = _named("test picture", row, _class_name(opened, test.labels, row))
    return Chosen(value, label, x, mean[0], std[0], True, given=given, y=y)


def _observed(opened: Opened, row: int) -> tuple[Tensor, Image.Image | None]:
    """A picture of the test part as the model saw it for its figures, and the picture itself where that differs."""
    checkpoint = opened.checkpoint
    test = data.load_test(checkpoint.recipe.data)
    x, picture = (
        explore.observed(checkpoint.model, test.images, row, checkpoint.recipe.training.seed),
        test.float([row]),
    )
    return x, None if torch.allclose(x, picture, atol=1 / 255) else images.grid(picture, 1, gutter=0)


def _named(what: str, row: int, name: str) -> str:
    return f"{what} {row} ({name})" if name else f"{what} {row}"


def _class_name(opened: Opened, labels: Tensor | None, row: int) -> str:
    names = opened.checkpoint.data.class_names
    return names[int(labels[row])] if labels is not None and 0 <= int(labels[row]) < len(names) else ""


def class_of(opened: Opened, row: int) -> str:
    """The name of a reference picture's class; empty where there is none."""
    reference = opened.checkpoint.reference
    return "" if reference is None else _class_name(opened, reference.labels, row)


@st.cache_resource(max_entries=128, show_spinner="Reading the picture …")
def _upload(key: str, value: str, preparation: Preparation, _opened: Opened, _content: bytes) -> Chosen:
    model = _opened.checkpoint.model
    given = images.open_image(_content, used=data.range_of(_opened.checkpoint.recipe.data))
    prepared = images.prepare(given, model.image_shape, preparation, dark_ground(key, _opened))
    x = explore.observe(model, prepared.x)
    notes = prepared.notes
    if not torch.allclose(x, prepared.x, atol=1 / 255):
        notes += ("each pixel drawn black or white",)
    y, seen = _class_of_upload(_opened, value, x)
    mean, std = explore.encode(model, x, y=None if y is None else y[None])
    side = PHOTOGRAPH if prepared.cutout else THUMBNAIL
    given.thumbnail((side, side))
    return Chosen(value, "your picture", x, mean[0], std[0], True, notes, given, prepared.cutout, y, seen)


def _class_of_upload(opened: Opened, value: str, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """The class that an upload gets: what a person says, else what the model finds likeliest; and what it finds."""
    count = opened.checkpoint.model.spec.classes
    if count is None:
        return None, None
    seen = explore.classify(opened.checkpoint.model, x)[0]
    asked = settings_of(value).get("class", "")
    said = asked.isdecimal() and len(asked) < 6 and int(asked) < count
    return classes.one_hot(opened, int(asked) if said else int(seen.argmax())), seen


def elsewhere(opened: Opened, chosen: Chosen, home: Opened) -> Chosen:
    """The same picture in another model: its own encoding of it where its file holds one, else encoded now.

    Args:
        opened: a model of pictures of the same shape.
        chosen: what is chosen in `home`.
        home: the model that the choice was made in.

    Raises:
        ValueError: one sentence where the choice is not possible there.
    """
    if opened.key == home.key:
        return chosen
    kind, _, detail = chosen.choice.partition(":")
    if kind == "upload":
        return resolve(opened, chosen.choice)
    alike = opened.checkpoint.recipe.data == home.checkpoint.recipe.data
    if alike and detail.isdecimal() and kind == "data":
        return resolve(opened, chosen.choice)
    ours, theirs = home.checkpoint.reference, opened.checkpoint.reference
    if alike and detail.isdecimal() and kind == "ref" and ours is not None and theirs is not None:
        row = explore.row_of_same(ours, int(detail), theirs)
        if row is not None:
            return resolve(opened, f"ref:{row}")
    return _shown(opened.key, f"{home.key} {chosen.key}", opened, chosen)


@st.cache_resource(max_entries=128, show_spinner=False)
def _shown(key: str, about: str, _opened: Opened, _chosen: Chosen) -> Chosen:
    """A picture that another model has or made, as this model sees it."""
    model = _opened.checkpoint.model
    x, y = explore.observe(model, _chosen.x), None
    if model.spec.classes is not None:
        y = classes.one_hot(_opened, int(explore.classify(model, x)[0].argmax()))
    mean, std = explore.encode(model, x, y=None if y is None else y[None])
    return Chosen(about, _chosen.label, x, mean[0], std[0], True, y=y)


# --- choosing ------------------------------------------------------------------------------------------------


def picture_input(
    slot: str,
    opened: Opened,
    name: str | None = None,
    *,
    default: str | None = None,
    with_mean: bool = False,
    beside: DeltaGenerator | None = None,
) -> Chosen | None:
    """Let a person choose a picture, and give what is chosen.

    Args:
        slot: one of `NAMES`; pages that name the same slot share its picture.
        opened: the open model.
        name: what the button says after "Choose"; None takes the slot's.
        default: the choice before anybody chooses; None takes `default_choice`.
        with_mean: offer the prior mean too.
        beside: where it is shown what was cut out of a photograph; None: below the buttons.

    Returns:
        What is chosen; where it is not possible, the page says why and the default comes back, or None.
    """
    default = default or default_choice(slot, opened)
    value, name = choice(slot, default), name or NAMES[slot]
    with st.container(horizontal=True, gap="small"):
        key = f"choose_{slot}"
        box = st.popover(f"Choose {name}", key=key, on_change=partial(_forget_error, slot), width="stretch", wrap=False)
        if value.startswith("upload:"):
            _preparation_input(slot, opened, value, name)
        else:
            _another_button(slot, opened, value, name)
    if box.open:
        with box:
            _choose(slot, opened, value, name, with_mean)
    for candidate in dict.fromkeys((value, default)):
        try:
            found = resolve(opened, candidate)
        except ValueError as error:
            st.warning(models.plain(str(error)))
            continue
        if found.cutout is not None:
            with beside or nullcontext():
                _cutout_input(slot, found, found.cutout, name)
        if found.seen is not None:
            _class_of_upload_input(slot, opened, found, found.seen)
        return found
    return None


def _cutout_input(slot: str, found: Chosen, cut: CutOut, name: str) -> None:
    """What was cut out of a photograph, and its corrections."""
    changed = not settings_of(found.choice).keys().isdisjoint(_CUT)

    def correct(changes: dict[str, str]) -> None:
        held, value = _present(slot, found.choice)
        value = without_cut(value) if RESET in changes else value
        for what, text in changes.items():
            value = value if what == RESET else with_setting(value, what, text)
        choose(held, value)

    assert found.given is not None
    cutout(cut, found.given, f"cutout_{slot}", name, changed, correct)


def _present(slot: str, shown: str) -> tuple[str, str]:
    """Where an upload that a slot has shown is now, after a swap in the same moment, and as it is now."""
    slots = (slot, *(other for other in NAMES if other != slot))
    held = ((each, choice(each, shown if each == slot else "")) for each in slots)
    same = ((each, value) for each, value in held if value.split(":")[:2] == shown.split(":")[:2])
    return next(same, (slot, shown))


def without_cut(value: str) -> str:
    """The same upload with what is cut out of it found anew."""
    return ":".join(part for part in value.split(":") if part.partition("=")[0] not in _CUT)


def _class_of_upload_input(slot: str, opened: Opened, found: Chosen, seen: Tensor) -> None:
    """What the model takes an upload for, and the choice of another class."""
    known, key = classes.names(opened), f"upload_class_{slot}"
    asked = settings_of(found.choice).get("class", "")
    inferred = classes.looks_like(opened, seen)
    st.session_state[key] = int(asked) if asked.isdecimal() and len(asked) < 6 and int(asked) < len(known) else -1
    st.selectbox(
        f"Class of {NAMES[slot]}",
        [-1, *range(len(known))],
        format_func=lambda i: inferred if i < 0 else f"it is: {plain(known[i])}",
        key=key,
        on_change=lambda: choose(slot, _reclassed(found.choice, st.session_state[key])),
        help="This model is told the class of a picture. It finds out the class of yours itself, unless you say it.",
    )


def _reclassed(value: str, index: int) -> str:
    """An upload with the class that a person says, or -1: the one that the model finds."""
    if index >= 0:
        return with_class(value, index)
    return ":".join(part for part in value.split(":") if not part.startswith("class="))


def _choose(slot: str, opened: Opened, value: str, name: str, with_mean: bool) -> None:
    """The inside of the popover: where the picture comes from, and which one."""
    sources = {
        "ref": "Reference set",
        "data": "Data set",
        "upload": "Upload",
        "camera": "Camera",
        "prior": "Random draw",
    }
    if opened.checkpoint.reference is None:
        del sources["ref"]
    if not models.originals_here(opened):
        del sources["data"]
    if with_mean:
        sources["mean"] = "Prior mean" if opened.checkpoint.model.spec.prior == "normal" else "Mean encoding"
    kind = value.partition("@")[0].partition(":")[0]
    source = st.segmented_control(
        f"Where {name} comes from",
        list(sources),
        default=kind if kind in sources else next(iter(sources)),
        format_func=sources.__getitem__,
        required=True,
        key=f"source_{slot}",
    )
    if source in ("ref", "data"):
        _shelf_input(slot, opened, source, value)
    elif source in ("upload", "camera"):
        _file_input(slot, source == "camera", name)
    elif source == "prior":
        _prior_input(slot, value)
    else:
        st.button(f"Take the {sources['mean'].lower()}", on_click=_pick, args=(slot, "mean"), key=f"mean_{slot}")


def _pick(slot: str, value: str) -> None:
    """Choose and close the popover."""
    choose(slot, value)
    st.session_state[f"choose_{slot}"] = False


def _forget_error(slot: str) -> None:
    st.session_state.pop(f"picture_error_{slot}", None)


@dataclass(frozen=True, eq=False)
class _Shelf:
    """Pictures to pick by class and by number: the reference set, or the test part of the data set."""

    title: str
    count: int
    labels: Tensor | None
    pictures: Callable[[Sequence[int]], Tensor]

    def of_class(self, kind: int) -> list[int]:
        """The rows of a class; all for -1."""
        if kind < 0 or self.labels is None:
            return list(range(self.count))
        return (self.labels == kind).nonzero().flatten().tolist()


def _shelf(opened: Opened, kind: str) -> _Shelf | None:
    reference = opened.checkpoint.reference
    if kind == "data" and models.originals_here(opened):
        test = data.load_test(opened.checkpoint.recipe.data)
        return _Shelf("Test pictures", len(test), test.labels, lambda rows: test.float(list(rows)))
    if reference is None:
        return None
    return _Shelf("Reference pictures", len(reference), reference.labels, partial(some_references, opened))


def _shelf_input(slot: str, opened: Opened, kind: str, value: str) -> None:
    """A contact sheet, by class and by number."""
    shelf = _shelf(opened, kind)
    assert shelf is not None
    of_kind, _, detail = value.partition("@")[0].partition(":")
    chosen = int(detail) if of_kind == kind and detail.isdecimal() else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rows = shelf.of_class(_class_input(slot, opened, shelf))
        _number_input(slot, kind, shelf.count, chosen)
        page = st.session_state.setdefault(f"sheet_page_{slot}", 0)
        if pressed("Others", f"others_{slot}", help="Another sheet of pictures"):
            page = st.session_state[f"sheet_page_{slot}"] = page + 1
    shown = _sheet_rows(rows, page)
    names = [_class_name(opened, shelf.labels, row) for row in shown]
    sheet(
        shelf.pictures(shown),
        shown,
        [f"{row} ({name})" if name else str(row) for row, name in zip(shown, names, strict=True)],
        f"sheet_{slot}",
        lambda row: _pick(slot, f"{kind}:{row}"),
        chosen,
        shelf.title,
    )
    if not models.originals_here(opened):
        st.caption("These are the model's reconstructions.")


def _class_input(slot: str, opened: Opened, shelf: _Shelf) -> int:
    """Choose a class; -1 is any."""
    names = opened.checkpoint.data.class_names
    if shelf.labels is None or not names:
        return -1
    key = f"class_{slot}"
    present = [i for i in shelf.labels.unique().tolist() if 0 <= i < len(names)]
    if st.session_state.get(key) not in [-1, *present]:
        st.session_state.pop(key, None)  # another model's class
    return st.selectbox(
        "Class",
        [-1, *present],
        format_func=lambda i: "any" if i < 0 else names[i],
        key=key,
        persist_state="session",
    )


def _number_input(slot: str, kind: str, count: int, chosen: int | None) -> None:
    key = f"row_{slot}"
    st.session_state[key] = min(chosen or 0, count - 1)
    st.number_input(
        f"Number (0 to {count - 1})",
        0,
        count - 1,
        key=key,
        on_change=lambda: choose(slot, f"{kind}:{st.session_state[key]}"),
        help="Reference set: test pictures whose encodings came with the model's file. Data set: all test pictures.",
    )


def _sheet_rows(rows: list[int], page: int) -> list[int]:
    """The rows on a sheet: another random few on every page, all of them before one comes again."""
    pages = max(1, -(-len(rows) // SHEET))
    order = random.Random(page // pages).sample(rows, len(rows))
    return order[page % pages * SHEET :][:SHEET]


def _file_input(slot: str, camera: bool, name: str) -> None:
    """A file or a photograph; a bad one leaves the earlier picture."""
    place, take = f"{'camera' if camera else 'file'}_{slot}", partial(_take_file, slot)
    if camera:
        key = uploads.widget_key(place)
        st.camera_input(f"Photograph for {name}", key=key, on_change=uploads.taken, args=(place, take), width=400)
    else:
        uploads.uploader(f"Picture for {name}", place, take, images.MAX_BYTES)
    if message := st.session_state.get(f"picture_error_{slot}"):
        st.error(f"{models.plain(message)} The earlier picture stays.")
    what = "" if camera else f"{formats.words()}, up to {images.MAX_BYTES // 2**20} MB. "
    st.caption(
        f"{what}It is kept on the server that you see this page from, for this visit only; a link cannot hold it."
    )


def _take_file(slot: str, files: Sequence[File]) -> None:
    try:
        value = keep_upload(files[0].content, files[0].name)
    except ValueError as error:
        st.session_state[f"picture_error_{slot}"] = str(error)
        return
    _forget_error(slot)
    _pick(slot, value)


def _prior_input(slot: str, value: str) -> None:
    key = f"seed_{slot}"
    kind, _, detail = value.partition("@")[0].partition(":")
    seed = int(detail) if kind == "prior" and detail.isdecimal() and int(detail) < SEEDS else 0
    st.session_state[key] = seed
    draw = partial(_draw, slot, key)
    st.number_input("Seed", 0, SEEDS - 1, key=key, on_change=draw, help="The same seed gives the same picture again.")
    st.button("Draw from the prior", key=f"draw_{slot}", on_click=draw, args=(1 if kind == "prior" else 0,))


def _draw(slot: str, key: str, step: int = 0) -> None:
    choose(slot, f"prior:{(st.session_state[key] + step) % SEEDS}")


def _another_button(slot: str, opened: Opened, value: str, name: str) -> None:
    st.button(
        "Another one",
        key=f"another_{slot}",
        on_click=_another,
        args=(slot, opened, value),
        width="stretch",
        wrap=False,
        help=f"Another random picture for {name}",
    )


def _another(slot: str, opened: Opened, value: str) -> None:
    """The next draw from the prior, or another picture of the same set, of the chosen class if there is one."""
    kind, _, detail = value.partition("@")[0].partition(":")
    shelf = None if kind in ("prior", "fitted") else _shelf(opened, kind)
    if shelf is None:
        return choose(
            slot,
            f"{'fitted' if kind == 'fitted' else 'prior'}:{(int(detail) + 1 if detail.isdecimal() else 0) % SEEDS}",
        )
    of = "data" if kind == "data" and models.originals_here(opened) else "ref"
    rows = shelf.of_class(st.session_state.get(f"class_{slot}", -1)) or shelf.of_class(-1)
    return choose(slot, f"{of}:{random.choice([row for row in rows if f'{of}:{row}' != value] or rows)}")


def _preparation_input(slot: str, opened: Opened, value: str, name: str) -> None:
    """How an upload is made to look like the model's training data."""
    try:
        used = preparation_of(opened, value)
    except ValueError:
        used = default_preparation(opened)
    invert = next(text for text, flag in _SETTINGS["invert"].items() if flag is used.invert)
    turn = _turn(slot, value)
    with st.popover(f"Prepare {name}", key=f"prepare_{slot}", width="stretch", wrap=False):
        centred = used.centre is not False and (used.centre or _is_cut(opened, value))
        shown = {"fit": used.fit, "invert": invert, "centre": centred}
        st.session_state.update({f"{setting}_{slot}_{turn}": now for setting, now in shown.items()})
        _setting("Frame", _FITS, "fit", slot, turn, value, "What becomes of the sides of a picture of another shape.")
        _setting(
            "Dark and light",
            _INVERT,
            "invert",
            slot,
            turn,
            value,
            "Detect: a dark drawing on a light ground is swapped where the model knows light on dark.",
        )
        if opened.checkpoint.model.image_shape[0] == 1 and dark_ground(opened.key, opened):
            st.toggle(
                "Ink cut out and centred",
                key=f"centre_{slot}_{turn}",
                on_change=_set,
                args=(slot, turn, value, "centre"),
                help="As the digits of MNIST were made: scaled to one size, centre of mass in the middle.",
            )


def _turn(slot: str, value: str) -> int:
    """A number that is new whenever something else than a slot's controls has changed what they show.

    As a part of their keys it keeps them from saying once more what they said before an undo or a swap: a press that
    leaves the browser before the answer is there takes the state of all widgets with it.
    """
    last, turn = st.session_state.get(f"prepared_{slot}", ("", 0))
    if last != value:
        turn += 1
        st.session_state[f"prepared_{slot}"] = (value, turn)
    return turn


def _is_cut(opened: Opened, value: str) -> bool:
    """Whether an upload is a photograph that handwriting is cut out of."""
    try:
        return resolve(opened, value).cutout is not None
    except ValueError:
        return False


def _setting(
    label: str, options: dict[str, str], name: str, slot: str, turn: int, value: str, explanation: str
) -> None:
    st.segmented_control(
        label,
        list(options),
        format_func=lambda option: options[option],
        required=True,
        key=f"{name}_{slot}_{turn}",
        on_change=_set,
        args=(slot, turn, value, name),
        help=explanation,
    )


def _set(slot: str, turn: int, value: str, name: str) -> None:
    if turn != st.session_state[f"prepared_{slot}"][1]:  # the control is no longer on the page
        return
    found = st.session_state[f"{name}_{slot}_{turn}"]
    held, present = _present(slot, value)
    chosen = with_setting(present, name, {True: "yes", False: "no"}.get(found, found))
    choose(held, chosen)
    if held == slot:
        st.session_state[f"prepared_{slot}"] = (chosen, turn)
