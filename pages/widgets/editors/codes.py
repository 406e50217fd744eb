"""An editor for pictures made of codes: press a place, choose another code from a sheet of all of them."""

from __future__ import annotations

import re

import streamlit as st
import torch
import torch.nn.functional as F
from torch import Tensor

from pages.widgets.display.canvas import canvas
from pages.widgets.display.sheet import sheet
from pages.widgets.selection.resolve import Chosen
from pages.widgets.shell import links, present, words
from pages.widgets.shell.models import Opened
from vae_core import explore

MAX_EDITS = 100
ENLARGED = 112  # pixels of a picture that is cut into pieces
_EDIT = re.compile(r"(\d{1,2})\.(\d{1,6})\.(\d{1,6})", re.ASCII)

Edit = tuple[int, int, int]  # latent group, place counted row by row, code


def edits_of(opened: Opened, start: Chosen) -> list[Edit]:
    """Return the changes made to this start so far; those of a link on the first visit, none on another start."""
    now, held = (opened.key, start.choice), st.session_state.get("codes")
    if held is None or held[0] != now:
        asked = st.query_params.get("codes", "") if held is None else ""
        st.session_state["codes"] = held = (now, _read(opened, asked))
    return held[1]


def _read(opened: Opened, text: str) -> list[Edit]:
    """Return the changes that a link tells of, as far as they are possible in this model."""
    spec, changes = opened.checkpoint.model.spec, []
    for part in text.split("_")[:MAX_EDITS] if text else []:
        numbers = [int(number) for number in match.groups()] if (match := _EDIT.fullmatch(part)) else []
        if numbers and _possible(opened, *numbers):
            changes.append((numbers[0], numbers[1], numbers[2]))
        else:
            most = (spec.codebook_size or 1) - 1
            st.warning(f"The link sets a code or a place that this model does not have; its codes go from 0 to {most}.")
            break
    return changes


def _possible(opened: Opened, group: int, place: int, code: int) -> bool:
    spec = opened.checkpoint.model.spec
    if group >= len(spec.shapes) or code >= (spec.codebook_size or 0):
        return False
    _, height, width = spec.shapes[group]
    return place < height * width


def keep_in_url(edits: list[Edit]) -> None:
    """Write the changes into the link."""
    links.put("codes", "_".join(".".join(map(str, edit)) for edit in edits) or None)


def point_of(opened: Opened, start: Chosen, edits: list[Edit]) -> Tensor:
    """Return the start (D,) with the changes made to it."""
    point = start.mean
    for group, place, code in edits:
        point = explore.with_codes(opened.checkpoint.model, point, group, place, torch.tensor([code]))[0]
    return point


def tiles(x: Tensor, height: int, width: int) -> Tensor:
    """Return a picture (C, H, W), enlarged, in pieces, one a place of a map: (height * width, C, h, w).

    Enlarged by a whole number where the map allows it, so that the lines between the pieces are thin.
    """
    grow = max(1, ENLARGED // max(x.shape[1:]))
    sides = [-(-grow * side // count) * count for side, count in zip(x.shape[1:], (height, width), strict=True)]
    whole = F.interpolate(x[None], sides, mode="nearest")[0]
    parts = whole.unfold(1, sides[0] // height, sides[0] // height).unfold(2, sides[1] // width, sides[1] // width)
    return parts.permute(1, 2, 0, 3, 4).flatten(0, 1)  # (C, rows, columns, h, w) -> (rows * columns, C, h, w)


def around(x: Tensor, height: int, width: int, place: int) -> Tensor:
    """Return pictures (N, C, H, W) cut down to a place of the map and its neighbours."""
    cuts = []
    for side, count, at in ((x.shape[2], height, place // width), (x.shape[3], width, place % width)):
        first = min(max(at - 1, 0), max(0, count - 3))
        cuts.append(slice(first * side // count, -(-min(first + 3, count) * side // count)))
    return x[:, :, cuts[0], cuts[1]]


@st.cache_data(max_entries=16, show_spinner="Decoding all codes …")
def _all_codes(key: str, _opened: Opened, _point: Tensor, about: tuple[object, ...], group: int, place: int) -> Tensor:
    """Decode every code at one place: what lies around the place, (codes, C, h, w)."""
    model = _opened.checkpoint.model
    _, height, width = model.spec.shapes[group]
    points = explore.with_codes(model, _point, group, place, torch.arange(model.spec.codebook_size or 0))
    return around(explore.decode(model, points), height, width, place)


def add(edit: Edit) -> None:
    """Make a change (in a callback)."""
    now, edits = st.session_state["codes"]
    st.session_state["codes"] = (now, [*edits, edit][-MAX_EDITS:])


def undo() -> None:
    """Take the last change back (in a callback)."""
    now, edits = st.session_state["codes"]
    st.session_state["codes"] = (now, edits[:-1])


def reset() -> None:
    """Take all changes back (in a callback)."""
    st.session_state["codes"] = (st.session_state["codes"][0], [])


def group_input(opened: Opened) -> int:
    """Tell which map of codes is edited."""
    spec = opened.checkpoint.model.spec
    if len(spec.shapes) == 1:
        return 0
    names = words.what_levels(spec)
    return int(st.radio("Map of codes", range(len(names)), format_func=names.__getitem__, key="code_map", index=0))


def editor(opened: Opened, start: Chosen) -> tuple[Tensor, Tensor]:
    """Show the picture in pieces, the controls beside it, and the sheet of codes below.

    Returns:
        The point (D,) that is shown, and its picture (1, C, H, W).
    """
    model, edits = opened.checkpoint.model, edits_of(opened, start)
    point = point_of(opened, start, edits)
    x = explore.decode(model, point[None])
    left, right = st.columns([2, 1], gap="medium")
    with right:
        group = group_input(opened)
        _, height, width = model.spec.shapes[group]
        place = min(int(st.session_state.get("code_place", (height // 2) * width + width // 2)), height * width - 1)
        code = int(explore.codes(model, point)[group].flatten()[place])
        _controls(opened, (group, place, code), width, edits)
        both = torch.cat([x, start.x])
        alt = f"Left: the picture as it is now. Right: the start, {start.label}."
        canvas(both, 2, "codes_start", alt, below=("Now", "Start"), share=present.grown(0.3))
    with left:
        alt = f"The picture as {height} × {width} places, one code each; row {place // width + 1}, "
        canvas(
            tiles(x[0], height, width),
            width,
            "code_places",
            f"{alt}column {place % width + 1} is chosen",
            on_pick=_choose_place,
            chosen=place,
            share=present.grown(0.55),
        )
        st.caption("Press a place of the picture, then a code below: it is put there, and the picture decoded anew.")
    _sheet(opened, point, (start.key, *edits), (group, place, code))
    keep_in_url(edits)
    return point, x


def _choose_place(place: int) -> None:
    st.session_state["code_place"] = place


def _controls(opened: Opened, chosen: Edit, width: int, edits: list[Edit]) -> None:
    """Show the code of the chosen place, as a number, and what takes changes back."""
    group, place, code = chosen
    most = (opened.checkpoint.model.spec.codebook_size or 1) - 1
    st.session_state["code_number"] = code
    st.number_input(
        f"Code at row {place // width + 1}, column {place % width + 1}",
        0,
        most,
        key="code_number",
        on_change=lambda: add((group, place, int(st.session_state["code_number"]))),
        help=f"The number of a code has no meaning; there are {most + 1}, and each stands for a vector.",
    )
    with st.container(horizontal=True):
        st.button("Undo", key="undo_code", on_click=undo, disabled=not edits)
        st.button("Reset all", key="reset_codes", on_click=reset, disabled=not edits)
    changed = len({edit[:2] for edit in edits})
    st.caption(f"{changed} place{'' if changed == 1 else 's'} changed." if changed else "Nothing is changed yet.")


def _sheet(opened: Opened, point: Tensor, about: tuple[object, ...], chosen: Edit) -> None:
    """Show all codes, decoded in the chosen place."""
    group, place, code = chosen
    decoded = _all_codes(opened.key, opened, point, about, group, place)
    st.markdown(f"**All {len(decoded)} codes, each decoded in the chosen place with what lies around it**")

    def take(picked: int) -> None:
        add((group, place, picked))

    numbers = range(len(decoded))
    sheet(
        decoded,
        numbers,
        [f"code {i}" for i in numbers],
        "code_sheet",
        take,
        code,
        f"Codes 0 to {len(decoded) - 1}",
        wide=True,
    )
    st.caption(f"In the order of their numbers, which have no meaning. Marked: code {code}, which is there now.")
