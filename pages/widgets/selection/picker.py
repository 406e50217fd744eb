"""Choosing a picture: from the reference set or the data set, a file, the camera, or a draw from the prior."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.widgets.selection import given, preparing, shelf, slots
from pages.widgets.selection.choice import DATA, FITTED, MEAN, PRIOR, REFERENCE, UPLOAD, Choice
from pages.widgets.selection.resolve import Chosen, resolve
from pages.widgets.shell import models, uploads
from pages.widgets.shell.models import Opened
from pages.widgets.shell.uploads import File
from vae_core import formats, images

SEEDS = 10**9
CAMERA = "camera"


def picture_input(
    slot: str,
    opened: Opened,
    *,
    with_mean: bool = False,
    beside: DeltaGenerator | None = None,
) -> Chosen | None:
    """Let a person choose a picture, and give what is chosen.

    Args:
        slot: one of `slots.NAMES`; pages that name the same slot share its picture.
        opened: the open model.
        with_mean: offer the prior mean too.
        beside: where it is shown what was cut out of a photograph; None: below the buttons.

    Returns:
        What is chosen; where it is not possible, the page says why and the usual one comes back, or None.
    """
    usual, name = slots.usual(slot, opened), slots.NAMES[slot]
    choice = slots.held(slot) or usual
    buttons = st.container()
    chosen = _first(opened, choice, usual)
    with buttons:
        _buttons(slot, opened, choice if chosen is None else chosen.choice, name, with_mean)
    if chosen is None:
        return None
    if chosen.cutout is not None:
        with beside or nullcontext():
            preparing.cutout_input(slot, chosen, chosen.cutout, name)
    if chosen.seen is not None:
        preparing.class_input(slot, opened, chosen, chosen.seen)
    return chosen


def _first(opened: Opened, *choices: Choice) -> Chosen | None:
    """Give the first of the choices that is possible here, after a sentence on each before it."""
    for choice in dict.fromkeys(choices):
        try:
            return resolve(opened, choice)
        except ValueError as error:
            st.warning(models.plain(str(error)))
    return None


def _buttons(slot: str, opened: Opened, choice: Choice, name: str, with_mean: bool) -> None:
    """Show the popover in which one chooses, and beside it what there is for the present picture."""
    forget = partial(_forget_error, slot)
    with st.container(horizontal=True, gap="small"):
        box = st.popover(f"Choose {name}", key=_popover(slot), on_change=forget, width="stretch", wrap=False)
        if choice.is_upload:
            preparing.preparation_input(slot, opened, choice, name)
        else:
            st.button(
                "Another one",
                key=f"another_{slot}",
                on_click=_another,
                args=(slot, opened, choice),
                width="stretch",
                wrap=False,
                help=f"Another random picture for {name}",
            )
    if box.open:
        with box:
            _choose(slot, opened, choice, name, with_mean)


def _popover(slot: str) -> str:
    return f"choose_{slot}"


def _choose(slot: str, opened: Opened, choice: Choice, name: str, with_mean: bool) -> None:
    """Fill the popover: where the picture comes from, and which one."""
    sources, kind = _sources(opened, with_mean), (slots.held(slot) or choice).kind  # one that was lost comes from there
    source = st.segmented_control(
        f"Where {name} comes from",
        list(sources),
        default=kind if kind in sources else next(iter(sources)),
        format_func=sources.__getitem__,
        required=True,
        key=f"source_{slot}",
    )
    if source in (REFERENCE, DATA) and (pictures := shelf.shelf_of(opened, source)) is not None:
        shelf.shelf_input(slot, opened, pictures, choice, partial(_pick, slot))
    elif source in (UPLOAD, CAMERA):
        _file_input(slot, opened, source == CAMERA, name)
    elif source == PRIOR:
        _draw_input(slot, choice)
    else:
        st.button(f"Take the {sources[MEAN.kind].lower()}", on_click=_pick, args=(slot, MEAN), key=f"mean_{slot}")


def _sources(opened: Opened, with_mean: bool) -> dict[str, str]:
    """Tell where a picture can come from, in words."""
    mean = "Prior mean" if opened.checkpoint.model.spec.prior == "normal" else "Mean encoding"
    sources = {REFERENCE: "Reference set"} if opened.checkpoint.reference is not None else {}
    sources |= {DATA: "Data set"} if models.originals_here(opened) else {}
    sources |= {UPLOAD: "Upload", CAMERA: "Camera", PRIOR: "Random draw"}
    return sources | ({MEAN.kind: mean} if with_mean else {})


def _pick(slot: str, choice: Choice) -> None:
    """Choose and close the popover."""
    slots.choose(slot, choice)
    st.session_state[_popover(slot)] = False


def _another(slot: str, opened: Opened, choice: Choice) -> None:
    """Choose the next draw from the prior, or another picture of the same set, of the chosen class if there is one."""
    pictures = None if choice.kind in (PRIOR, FITTED) else shelf.shelf_of(opened, choice.kind)
    if pictures is not None:
        return slots.choose(slot, pictures.another(slot, choice))
    seed = 0 if choice.drawn is None else (choice.drawn.seed + 1) % SEEDS
    another = Choice.draw(FITTED if choice.kind == FITTED else PRIOR, seed)
    return slots.choose(slot, replace(another, asked=choice.asked))


# --- a file, the camera --------------------------------------------------------------------------------------


def _file_input(slot: str, opened: Opened, camera: bool, name: str) -> None:
    """Take a file or a photograph; a bad one leaves the earlier picture."""
    place, take = f"{'camera' if camera else 'file'}_{slot}", partial(_take_file, slot, opened)
    if camera:
        key = uploads.widget_key(place)
        st.camera_input(f"Photograph for {name}", key=key, on_change=uploads.taken, args=(place, take), width=400)
    else:
        uploads.uploader(f"Picture for {name}", place, take, images.MAX_BYTES)
    if message := st.session_state.get(_error(slot)):
        st.error(f"{models.plain(message)} The earlier picture stays.")
    what = "" if camera else f"{formats.words()}, up to {images.MAX_BYTES // 2**20} MB. "
    st.caption(
        f"{what}It is kept on the server that you see this page from, for this visit only; a link cannot hold it."
    )


def _take_file(slot: str, opened: Opened, files: Sequence[File]) -> None:
    try:
        upload = given.keep(opened, files[0].content, files[0].name)
    except ValueError as error:
        st.session_state[_error(slot)] = str(error)
        return
    _forget_error(slot)
    _pick(slot, upload)


def _error(slot: str) -> str:
    return f"picture_error_{slot}"


def _forget_error(slot: str) -> None:
    st.session_state.pop(_error(slot), None)


# --- a draw from the prior -----------------------------------------------------------------------------------


def _draw_input(slot: str, choice: Choice) -> None:
    key, drawn = f"seed_{slot}", choice.drawn if choice.kind == PRIOR else None
    st.session_state[key] = drawn.seed if drawn else 0
    draw = partial(_draw, slot, key)
    st.number_input("Seed", 0, SEEDS - 1, key=key, on_change=draw, help="The same seed gives the same picture again.")
    st.button("Draw from the prior", key=f"draw_{slot}", on_click=draw, args=(1 if drawn else 0,))


def _draw(slot: str, key: str, step: int = 0) -> None:
    slots.choose(slot, Choice.draw(PRIOR, (st.session_state[key] + step) % SEEDS))
