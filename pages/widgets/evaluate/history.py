"""How a model was trained: its losses and its KL after each epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.widgets.display import plots
from pages.widgets.shell import cards, words
from pages.widgets.shell.models import Opened
from vae_core.model import LatentSpec

MAX_EPOCHS = 400  # points that are plotted
MAX_DIMENSIONS = 64  # rows of the heat map


@dataclass(frozen=True)
class History:
    """What was measured after each epoch, as series to plot; long histories are thinned out."""

    rows: Sequence[dict[str, Any]]

    @classmethod
    def of(cls, opened: Opened) -> History:
        """Return the model's history: every n-th epoch and the last."""
        rows = opened.checkpoint.history
        step = math.ceil(len(rows) / MAX_EPOCHS) or 1
        return cls([*rows[:-1:step], *rows[-1:]])

    @property
    def epochs(self) -> list[float]:
        return [row["epoch"] for row in self.rows]

    def curve(self, split: str, term: str) -> list[float]:
        """One term of one split ("train" or "val"), an entry an epoch."""
        return [row[split][term] for row in self.rows]

    def has(self, term: str) -> bool:
        """Whether a term was measured on both splits after every epoch: an autoencoder has no ELBO."""
        return all(row[split].get(term) is not None for row in self.rows for split in ("train", "val"))

    def kl_per_dimension(self) -> tuple[list[str], list[list[float]]]:
        """Names of the dimensions, the largest last KL first, and for each its KL on the validation split by epoch."""
        table = [row["val"]["kl_per_dim"] for row in self.rows]  # (epochs, dimensions)
        order = sorted(range(len(table[-1])), key=lambda i: -table[-1][i])[:MAX_DIMENSIONS]
        return [f"z{i}" for i in order], [[row[i] for row in table] for i in order]

    def kl_per_level(self, spec: LatentSpec) -> tuple[list[str], list[list[float]]]:
        """Names of the latent groups, coarse to fine, and for each its KL on the validation split by epoch."""
        table = [spec.levels(row["val"]["kl_per_dim"]) for row in self.rows]  # (epochs, levels)
        names = [f"level {i + 1}" for i in range(len(spec.kl_shapes))]
        return names, [list(curve) for curve in zip(*table, strict=True)]

    def perplexity(self) -> dict[str, list[float]]:
        """Codes in use on the validation split by epoch, a curve a codebook; empty where there are none."""
        table = [row["val"].get("perplexity") for row in self.rows]
        if not table or not all(table):
            return {}
        levels = range(len(table[-1]))
        return {f"level {i + 1}" if len(levels) > 1 else "validation": [row[i] for row in table] for i in levels}


def section(opened: Opened) -> None:
    """Show the losses and the KL of each dimension over training."""
    history = History.of(opened)
    if not history.rows:
        st.info("This file holds no history of its training.")
        return
    terms = {"elbo": "ELBO (higher is better)", "reconstruction": "Reconstruction error", "kl": "KL"}
    places = [*st.columns(2), *st.columns(2)]
    for term, title in terms.items():
        if not history.has(term):
            continue
        series = {"training": history.curve("train", term), "validation": history.curve("val", term)}
        figure = plots.lines(history.epochs, series, "nats per image", dashed=["validation"])
        with places.pop(0):
            st.markdown(f"**{title}**")
            plots.show(figure, f"{title} over the epochs of training", key=f"history-{term}", name=f"history-{term}")
    with places.pop(0):
        _parts(opened, history)
    if note := _weights(opened):
        st.caption(note)


def _parts(opened: Opened, history: History) -> None:
    """Draw what the KL is made of: dimensions, levels or codes; a sentence where it is one number, or none."""
    spec = opened.checkpoint.model.spec
    if not spec.has_kl:
        st.caption(f"{words.DENSITY} Only the reconstruction error is watched while it is trained.")
    elif codes := history.perplexity():
        st.markdown("**Codes in use** (perplexity, validation)")
        figure = plots.lines(history.epochs, codes, "codes")
        plots.show(figure, "Codes in use over the epochs", key="history-codes", name="history-codes")
        st.caption(f"There are {spec.codebook_size}; as many, used alike, would be as hard to guess.")
    elif len(spec.shapes) > 1:
        _heat(history, *history.kl_per_level(spec), "level")
        st.caption("From coarse to fine. A dark row is a level that the model does not use.")
    elif spec.factorises:
        _heat(history, *history.kl_per_dimension(), "dimension")
        st.caption("A dark row is a dimension that the model does not use.")
    else:
        st.caption("The KL of this model is one number a picture: it does not split into dimensions.")


def _heat(history: History, names: list[str], values: list[list[float]], kind: str) -> None:
    """Draw the KL of each part over the epochs, as colours."""
    st.markdown(f"**KL of each {kind}** (validation)")
    figure = plots.heatmap(values, history.epochs, names, "nats", y_title=f"latent {kind}")
    plots.show(figure, f"KL of each latent {kind} over the epochs", key="history-dims", name=f"history-{kind}s")


def _weights(opened: Opened) -> str:
    """Say that the curves are not weighted, where the loss weighs the KL."""
    spec, objective = opened.checkpoint.model.spec, opened.checkpoint.recipe.objective
    beta = objective.beta
    if not spec.has_density or objective.kind != "elbo" or (beta.kind == "constant" and beta.end == 1):
        return ""
    weight = cards.settings(objective)["beta"]
    return f"The curves show the terms themselves; the loss weighs them with beta ({weight})."
