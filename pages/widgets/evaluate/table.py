"""Figures in a table, in words, and as files."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from functools import partial
from typing import Any

import streamlit as st

from pages.widgets.evaluate.measuring import NAMES, Measured, left_out
from pages.widgets.shell import downloads
from pages.widgets.shell.models import Opened, plain
from vae_core.metrics import Row
from vae_core.model import LatentSpec

MAX_PARTS = 12  # of a figure that is a list, in the table; the downloads have all


def show(opened: Opened, measured: Measured) -> None:
    """Show the table, what it is of, and the downloads."""
    st.table(table(opened.checkpoint.model.spec, measured.rows), border="horizontal", hide_index=True)
    errors = any(row["standard_error"] is not None or "standard_errors" in row for row in measured.rows.values())
    st.caption(" ".join([*map(plain, measured.words), *["± is the standard error over the pictures."] * errors]))
    if measured.missing:
        st.caption(" ".join(["Left out:", *map(plain, left_out(measured.missing))]))
    if measured.command:
        st.code(measured.command, language="bash", wrap_lines=True)
    stem = downloads.file_name("figures", opened.entry.title, measured.about["data"])
    with st.container(horizontal=True):
        for kind, mime, make in (("csv", "text/csv", as_csv), ("json", "application/json", as_json)):
            st.download_button(
                f"Figures ({kind.upper()})", partial(make, measured), f"{stem}.{kind}", mime, on_click="ignore"
            )


def table(spec: LatentSpec, rows: dict[str, Row]) -> dict[str, list[str]]:
    """Return the figures as columns of words, to be shown as Markdown."""
    return {
        "Figure": [plain(NAMES[name]) for name in rows],
        "Value": [plain(_value(spec, name, row)) for name, row in rows.items()],
        "Unit": [plain(_unit(row)) for row in rows.values()],
    }


def _unit(row: Row) -> str:
    """Return the unit, with figures called as they are on this page."""
    return re.sub(r"\b(elbo|nll|\w+_\w+)\b", lambda match: NAMES.get(match[0], match[0]), row["unit"])


def _value(spec: LatentSpec, name: str, row: Row) -> str:
    value, error = row["value"], row["standard_error"]
    digits = 2 if row["unit"].startswith(("nats", "kernel distance")) else 3
    if isinstance(value, dict):
        errors = {part: f" ± {_number(number, digits)}" for part, number in row.get("standard_errors", {}).items()}
        shown = ((part, _number(number, digits) + errors.get(part, "")) for part, number in value.items())
        return ", ".join(f"{part.replace('_', ' ')} {text}" for part, text in shown)
    if "upper" in row:
        return f"{_number(value, digits)} to {_number(row['upper'], digits)}"
    if isinstance(value, list):
        return _parts(spec, name, value, digits)
    return _number(value, digits) + (f" ± {_number(error, digits)}" if error is not None else "")


def _parts(spec: LatentSpec, name: str, values: list[float], digits: int) -> str:
    """Return numbers of dimensions, the largest first, or of levels in their order, as far as a person reads them."""
    dimensions = name == "kl_per_dim" and spec.factorises
    names = [f"z{i}" if dimensions else f"level {i + 1}" for i in range(len(values))]
    order = sorted(range(len(values)), key=lambda i: -values[i]) if dimensions else list(range(len(values)))
    if len(values) == 1:
        return _number(values[0], digits)
    shown = ", ".join(f"{names[i]} {_number(values[i], digits)}" for i in order[:MAX_PARTS])
    return shown if len(values) <= MAX_PARTS else f"{shown} and {len(values) - MAX_PARTS} more"


def _number(value: float, digits: int) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # + 0.0: no minus before a zero


def as_csv(measured: Measured) -> bytes:
    """Write the figures as CSV, one number a line: figure, part (of lists and DCI), value, standard error, unit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["figure", "part", "value", "standard_error", "unit"])
    for name, row in measured.rows.items():
        value = row["value"]
        value = {"lower": value, "upper": row["upper"]} if "upper" in row else value
        listed = dict(enumerate(value)) if isinstance(value, list) else value
        parts = listed if isinstance(listed, dict) else {"": value}
        for part, number in parts.items():
            error = row.get("standard_errors", {}).get(part, row["standard_error"])
            writer.writerow([name, part, number, error, row["unit"]])
    return text.getvalue().encode()


def as_json(measured: Measured) -> bytes:
    """Return the figures as a JSON file in the form of `vae evaluate --json`; numbers that are not finite are null."""
    whole = {**measured.about, "metrics": measured.rows, "left_out": measured.missing}
    return json.dumps(_finite(whole), indent=2, allow_nan=False).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
