"""A contact sheet to pick from, by class and by number: the reference set, or the test part of the data set."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st
from torch import Tensor

from pages.widgets.display.sheet import sheet
from pages.widgets.selection import resolve, slots
from pages.widgets.selection.choice import DATA, REFERENCE, Choice
from pages.widgets.shell import models
from pages.widgets.shell.buttons import pressed
from pages.widgets.shell.models import Opened
from vae_core import data

SHEET = 40  # pictures of a contact sheet


@dataclass(frozen=True, eq=False)
class Shelf:
    """Pictures to pick from."""

    kind: str
    title: str
    count: int
    labels: Tensor | None
    pictures: Callable[[Sequence[int]], Tensor]

    def of_class(self, index: int) -> list[int]:
        """List the rows of a class; all for -1."""
        if index < 0 or self.labels is None:
            return list(range(self.count))
        return (self.labels == index).nonzero().flatten().tolist()

    def another(self, slot: str, than: Choice) -> Choice:
        """Choose another picture at random, of the class that is chosen for the slot if there is one."""
        rows = self.of_class(st.session_state.get(f"class_{slot}", -1)) or self.of_class(-1)
        others = [row for row in rows if Choice.row(self.kind, row) != than]
        return Choice.row(self.kind, random.choice(others or rows))


def shelf_of(opened: Opened, kind: str) -> Shelf | None:
    """Give the pictures of the data set if they are asked for and here, else the reference set; None without one."""
    reference = opened.checkpoint.reference
    if kind == DATA and models.originals_here(opened):
        test = data.load_test(opened.checkpoint.recipe.data)
        return Shelf(DATA, "Test pictures", len(test), test.labels, lambda rows: test.float(list(rows)))
    if reference is None:
        return None
    pictures = partial(resolve.some_references, opened)
    return Shelf(REFERENCE, "Reference pictures", len(reference), reference.labels, pictures)


def shelf_input(slot: str, opened: Opened, shelf: Shelf, choice: Choice, pick: Callable[[Choice], None]) -> None:
    """Let a person pick a picture from a contact sheet, by class and by number.

    Args:
        slot: where it goes.
        opened: the open model.
        shelf: what there is.
        choice: what the slot holds now.
        pick: called before the next run with what is pressed.
    """
    chosen = choice.number if choice.kind == shelf.kind else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rows = shelf.of_class(_class_input(slot, opened, shelf))
        _number_input(slot, shelf, chosen)
        page = st.session_state.setdefault(f"sheet_page_{slot}", 0)
        if pressed("Show others", f"others_{slot}", help="Another sheet of pictures"):
            page = st.session_state[f"sheet_page_{slot}"] = page + 1
    shown = sheet_rows(rows, page)
    names = [resolve.class_name(opened, shelf.labels, row) for row in shown]
    sheet(
        shelf.pictures(shown),
        shown,
        [f"{row} ({name})" if name else str(row) for row, name in zip(shown, names, strict=True)],
        f"sheet_{slot}",
        lambda row: pick(Choice.row(shelf.kind, row)),
        chosen,
        shelf.title,
    )
    if not models.originals_here(opened):
        st.caption("These are the model's reconstructions.")


def _class_input(slot: str, opened: Opened, shelf: Shelf) -> int:
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


def _number_input(slot: str, shelf: Shelf, chosen: int | None) -> None:
    key, last = f"row_{slot}", shelf.count - 1
    st.session_state[key] = min(chosen or 0, last)
    st.number_input(
        f"Number (0 to {last})",
        0,
        last,
        key=key,
        on_change=lambda: slots.choose(slot, Choice.row(shelf.kind, st.session_state[key])),
        help="Reference set: test pictures whose encodings came with the model's file. Data set: all test pictures.",
    )


def sheet_rows(rows: list[int], page: int) -> list[int]:
    """List the rows on a sheet: another random few on every page, all of them before one comes again."""
    pages = max(1, -(-len(rows) // SHEET))
    order = random.Random(page // pages).sample(rows, len(rows))
    return order[page % pages * SHEET :][:SHEET]
