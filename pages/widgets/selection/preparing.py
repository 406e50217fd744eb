"""How a person changes what becomes of an upload: frame, dark and light, what is cut out of a photograph, its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st
from torch import Tensor

from pages.widgets.selection import classes, given, slots
from pages.widgets.selection.choice import CUT, Choice, Setting
from pages.widgets.selection.cutout import RESET, cutout
from pages.widgets.selection.resolve import Chosen, resolve
from pages.widgets.shell import control
from pages.widgets.shell.models import Opened, plain
from vae_core.images import Preparation

if TYPE_CHECKING:
    from vae_core.photographs import CutOut

_FITS = {"crop": "Centre crop", "pad": "Whole picture", "stretch": "Stretched"}
_INVERT = {"auto": "Detect", "no": "As it is", "yes": "Swapped"}


def preparation_input(slot: str, opened: Opened, upload: Choice, name: str) -> None:
    """Let a person say how an upload is made to look like the model's training data."""
    used = _used(opened, upload)
    with st.popover(f"Prepare {name}", key=f"prepare_{slot}", width="stretch", wrap=False):
        invert = "auto" if used.invert is None else "yes" if used.invert else "no"
        sides = "How a picture of another shape is fitted."
        swapped = "Detect: a dark drawing on a light ground is swapped where the model knows light on dark."
        _setting("Frame", _FITS, "fit", slot, used.fit, upload, sides)
        _setting("Dark and light", _INVERT, "invert", slot, invert, upload, swapped)
        if opened.checkpoint.model.image_shape[0] == 1 and given.dark_ground(opened.key, opened):
            centred = used.centre is not False and (used.centre or _is_cut(opened, upload))
            key, heard = _control("centre", slot, centred, upload)
            st.toggle(
                "Ink cut out and centred",
                centred,
                key=key,
                on_change=heard,
                help="As the digits of MNIST were made: scaled to one size, centre of mass in the middle.",
            )


def _used(opened: Opened, upload: Choice) -> Preparation:
    try:
        return given.preparation_of(opened, upload)
    except ValueError:
        return given.usual_preparation(opened)


def _is_cut(opened: Opened, upload: Choice) -> bool:
    """Tell whether an upload is a photograph that handwriting is cut out of."""
    try:
        return resolve(opened, upload).cutout is not None
    except ValueError:
        return False


def _setting(
    label: str, options: dict[str, str], name: str, slot: str, now: str, upload: Choice, explanation: str
) -> None:
    key, heard = _control(name, slot, now, upload)
    st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        default=now,
        required=True,
        key=key,
        on_change=heard,
        help=explanation,
    )


def _control(setting: str, slot: str, now: Setting, upload: Choice) -> tuple[str, Callable[[], None]]:
    """Give the key of the control of a setting, and its `on_change`."""
    name = f"{setting}_{slot}"
    key = control.key(name, now)

    def change(said: Setting) -> None:
        where, present = _present(slot, upload)
        slots.choose(where, present.with_settings({setting: said}))

    return key, control.hears(name, key, change)


def _present(slot: str, shown: Choice) -> tuple[str, Choice]:
    """Tell where an upload that a slot has shown is now, after a swap in the same moment, and as it is now."""
    others = ((other, slots.held(other)) for other in slots.NAMES if other != slot)
    each = [(slot, slots.held(slot) or shown), *others]
    same = ((where, choice) for where, choice in each if choice and choice.same_file(shown))
    return next(same, (slot, shown))


def cutout_input(slot: str, chosen: Chosen, cut: CutOut, name: str) -> None:
    """Show what was cut out of a photograph, and let a person correct it."""

    def correct(changes: dict[str, Setting]) -> None:
        where, upload = _present(slot, chosen.choice)
        upload = upload.without(*CUT) if RESET in changes else upload
        slots.choose(where, upload.with_settings({name: changes[name] for name in CUT if name in changes}))

    assert chosen.given is not None
    changed = not chosen.choice.settings.keys().isdisjoint(CUT)
    cutout(cut, chosen.given, f"cutout_{slot}", name, changed, correct)


def class_input(slot: str, opened: Opened, chosen: Chosen, seen: Tensor) -> None:
    """Say what the model takes an upload for, and let a person say another class."""
    known, key = classes.names(opened), f"upload_class_{slot}"
    asked, inferred = chosen.choice.class_of(len(known)), classes.looks_like(opened, seen)
    st.session_state[key] = -1 if asked is None else asked

    def say() -> None:
        index = st.session_state[key]
        slots.choose(slot, chosen.choice.with_class(index if index >= 0 else None))

    st.selectbox(
        f"Class of {slots.NAMES[slot]}",
        [-1, *range(len(known))],
        format_func=lambda i: inferred if i < 0 else f"it is: {plain(known[i])}",
        key=key,
        on_change=say,
        help="This model is told the class of a picture. It infers the class of yours, unless you choose it.",
    )
