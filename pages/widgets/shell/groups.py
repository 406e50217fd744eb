"""The models by the question that they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.widgets.shell import models
from pages.widgets.shell.models import Entry
from pages.widgets.shell.url_state import OneOf, Text

FEW = 12  # as many models can be seen at once, in full
MAX_OWN = 24  # models of a folder of one's own; the picker has them all


@dataclass(frozen=True)
class Group:
    """Models that answer one question: the word for it in a link, its title, the question, and their names."""

    word: str
    title: str
    question: str
    names: tuple[str, ...] = ()


OWN = Group("own", "Your own", "Models uploaded or made in this visit, and those of your own folder.")
ALL = Group("all", "All", "Every model that can be opened here.")
GROUPS = (
    Group("start", "Start here", "One model for each set of pictures: draw, interpolate, move a slider.", models.ORDER),
    Group(
        "beta",
        "How much beta?",
        "The same net with different weights on the KL. A small one gives sharp pictures and poor draws; a large one "
        "gives each thing a dimension of its own, until nothing is left to tell.",
        (
            "sprites-beta-0",
            "sprites-beta-0.25",
            "sprites-beta-1",
            "sprites-beta-4",
            "sprites-beta-16",
            "mnist-beta4",
            "sprites-annealed",
            "sprites-capacity",
            "sprites-collapsed",
        ),
    ),
    Group(
        "autoencoder",
        "Autoencoder or VAE?",
        "An autoencoder and a VAE with the same net and the same number of dimensions: which one can be sampled?",
        ("mnist-ae-2", "mnist-vae-2", "mnist-ae-16", "mnist-vae-16"),
    ),
    Group(
        "prior",
        "Which prior?",
        "N(0, I), or a prior that learns where the codes lie.",
        ("digits", "digits-vamp", "digits-mixture", "digits-info", "mnist-adversarial"),
    ),
    Group(
        "posterior",
        "Which posterior and bound?",
        "A posterior that bends, and bounds that need several draws: how near they come to log p(x).",
        ("mnist-one-layer", "mnist-iwae", "mnist-flow", "digits-dreg", "digits-miwae", "digits-piwae"),
    ),
    Group(
        "levels",
        "One level or several?",
        "Coarse levels decide what a picture is, fine ones how it looks.",
        ("mnist-ladder", "fashion-ladder", "characters-ladder", "digits-vdvae", "digits-ladder-iwae"),
    ),
    Group(
        "codes",
        "Numbers or codes?",
        "A VQ-VAE describes a picture by a map of entries from a codebook.",
        ("fashion-vq", "fashion-vq-2"),
    ),
    Group(
        "classes",
        "What if the class is given?",
        "The class is an input, so that z is left with style; or it is learnt from few labels.",
        ("mnist-conditional", "mnist-semi-supervised", "digits-conditional-film", "sprites-conditional-tc"),
    ),
    Group(
        "disentangling",
        "One dimension, one meaning?",
        "A penalty on total correlation: does one slider change one thing?",
        ("sprites-conditional-tc", "sprites-beta-tc", "sprites-factor", "characters-beta-tc", "characters-factor"),
    ),
    Group(
        "critic",
        "Sharper with a critic?",
        "A second net judges the pictures or the codes.",
        ("mnist-vae-gan", "mnist-adversarial"),
    ),
    Group(
        "net",
        "Which net?",
        "The same objective with a linear decoder, an MLP, convolutions or residual blocks.",
        ("digits-linear", "digits-resnet", "mnist-mlp", "mnist-mlp-long", "mnist"),
    ),
)


def members(group: Group, entries: Sequence[Entry]) -> list[Entry]:
    """Return the models of a group in its order; those of one's own from the newest on."""
    if group == ALL:
        return [*members(OWN, entries), *(entry for entry in entries if entry.origin == "shipped")]
    if group == OWN:
        kept = [entry for entry in entries if entry.origin in models.KEPT]
        return [*reversed(kept), *[entry for entry in entries if entry.origin == "own"][:MAX_OWN]]
    shipped = {entry.title: entry for entry in entries if entry.origin == "shipped"}
    return [shipped[name] for name in group.names if name in shipped]


def here(entries: Sequence[Entry]) -> list[Group]:
    """Return the groups that have a model here."""
    return [group for group in (*GROUPS, OWN, ALL) if members(group, entries)]


def usual(entries: Sequence[Entry], chosen: Entry | None) -> Group:
    """Choose what is shown first: one's own models where there are any, else the group of the open model."""
    groups = here(entries)
    if OWN in groups or chosen is None:
        return OWN if OWN in groups else groups[0]
    return next(group for group in groups if chosen in members(group, entries))


def matching(text: str, entries: Sequence[Entry]) -> list[Entry]:
    """Return the models whose name, or whose group's title or question, holds each of the words."""
    words = text.lower().split()
    titles = {entry.id: entry.id.lower() for entry in members(ALL, entries)}
    for group in GROUPS[1:]:  # what the first one says is of no model
        for entry in members(group, entries):
            titles[entry.id] += f" {group.title} {group.question}".lower()
    return [entry for entry in members(ALL, entries) if all(word in titles[entry.id] for word in words)]


def select(entries: Sequence[Entry], chosen: Entry | None) -> list[Entry]:
    """Show the controls where there are many models, a search field and the groups; return the models asked for.

    Args:
        entries: the models that can be opened, one at least.
        chosen: the one that is open.
    """
    if len(members(ALL, entries)) <= FEW:
        return members(ALL, entries)
    groups = {group.word: group for group in here(entries)}
    titles = {word: group.title for word, group in groups.items()}
    question = OneOf("group", "What do you want to know?", usual(entries, chosen).word, titles)
    if st.query_params.get("family") == "true":  # an old link, when there was a switch for all models
        question.put(ALL.word)
        del st.query_params["family"]
    search = Text("search", "Search", "", 60).field(placeholder="a name, or a word of a question", width=360)
    search = search.strip()
    picked = question.pills(disabled=bool(search))
    if search:
        matches = matching(search, entries)
        st.caption(_counted(len(matches)) if matches else "No model has these words in its name or its question.")
        return matches
    group = groups[picked]
    st.write(group.question)
    more = sum(entry.origin == "own" for entry in entries) - MAX_OWN
    if more > 0 and group in (OWN, ALL):
        st.caption(f"{more} more from your own folder are in the picker at the left.")
    return members(group, entries)


def show_own() -> None:
    """Show one's own models the next time, since one has come."""
    st.session_state["group"] = OWN.word


def _counted(count: int) -> str:
    return f"{count} model{'s' * (count != 1)} with these words."
