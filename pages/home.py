"""Home: a card for each model, the open model in full, and the ways to add one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.widgets.display.figures import show_grid
from pages.widgets.evaluate import evaluation, priors
from pages.widgets.shell import cards, groups, links, models, uploads, words
from pages.widgets.shell.buttons import pressed
from pages.widgets.shell.models import Entry, Opened, plain
from pages.widgets.shell.uploads import File
from pages.widgets.shell.url_state import Tab
from vae_core import checkpoints, data
from vae_core.checkpoints import CheckpointError

TABS = {"all": "All models", "open": "The open model", "add": "Add a model"}
SHOW = Tab("show", "", "all", TABS, {label: word for word, label in TABS.items()})
ORIGINALS = "Test pictures, and below them the model's reconstructions"
REBUILT = "The model's reconstructions of test pictures"
MAX_TITLE = 24  # characters of a name on a button

# Strips that wait for a data set find their place kept.
_STYLE = "<style>[class*=st-key-two-rows] { min-height: 9.5rem; }</style>"


def main() -> None:
    priors.open_finished()
    entry = models.choice()
    opened = _open(entry)
    st.title("Look around inside trained models", anchor=False)
    st.write(
        "Each of these models has learnt to describe a picture by a few numbers and to draw it again from them; all "
        "descriptions together are its *latent space*. Open a model to see pictures that it makes up, then go to "
        "Interpolate and watch one picture turn into another."
    )
    overview, details, add = SHOW.tabs()
    if overview.open:
        with overview:
            _overview(entry)
    if details.open:
        with details:
            if opened:  # as a statement: Streamlit writes the value of a bare expression into the page
                _details(opened)
            else:
                st.info("No model is open.")
    if add.open:
        with add:
            _add()
    st.caption(f"This server runs on {models.device_label()}.")


def _open(entry: Entry | None) -> Opened | None:
    """Open the chosen model, with its short card in the sidebar, or say in one sentence why it cannot be opened."""
    if entry is None:
        return None
    try:
        opened = models.open_model(entry)
    except CheckpointError as error:
        st.error(f"{plain(entry.title)} cannot be opened. {plain(str(error))}")
        return None
    models.short_card(opened)
    return opened


# --- all models ---------------------------------------------------------------------------------------------------


def _overview(chosen: Entry | None) -> None:
    """Draw the cards: first each with name and samples, then the reconstructions, which may have to read a data set."""
    if added := st.session_state.pop("added_model", None):
        st.success(f"{plain(added)} is open. It is kept for this visit; nothing was stored on the server.")
    known = list(models.entries().values())
    entries = groups.select(known, chosen) if known else []
    bad: list[tuple[Entry, str]] = []
    slots: list[tuple[Opened, DeltaGenerator]] = []
    if not known:
        st.info(f"There is no model yet: train or upload one under “{TABS['add']}”.")
    st.html(_STYLE)
    places: list[DeltaGenerator] = []
    for entry in entries:
        try:
            opened = models.open_model(entry)
        except CheckpointError as error:
            bad.append((entry, str(error)))
            continue
        if not places:
            places = list(st.columns(2 if len(entries) <= groups.FEW else 4))
        with places.pop(0).container(border=True, height="stretch", gap="xsmall"):
            if len(entries) > groups.FEW:
                _small_card(opened, entry == chosen)
            else:
                slots.append((opened, _card(opened, entry == chosen, len(slots))))
    _list_bad(bad)
    for opened, slot in slots:
        with slot:
            _rebuilt(opened)
    _say_missing([opened for opened, _ in slots])


def _say_missing(shown: list[Opened]) -> None:
    """Why cards have reconstructions alone: once for all of them."""
    missing = [opened for opened in shown if opened.checkpoint.reference and not models.originals_here(opened)]
    sets = sorted({opened.checkpoint.recipe.data.name for opened in missing if models.can_have_originals(opened)})
    alone = [plain(opened.entry.title) for opened in missing if not models.can_have_originals(opened)]
    sentences = [f"The originals of {', '.join(sets)} are not on this machine."] if sets else []
    if alone:
        names = ", ".join(alone)
        sentences.append(f"The files of {names} hold encodings of the originals, not the originals themselves.")
    if sentences:
        st.caption(f"Where a card has only reconstructions: {' '.join(sentences)}")


def _small_card(opened: Opened, is_open: bool) -> None:
    """Show a model's name and what it draws: one of many."""
    _name(opened, is_open)
    show_grid(
        cards.samples(opened.key, opened),
        f"Pictures that {opened.entry.title} draws at random",
    )


def _name(opened: Opened, is_open: bool) -> None:
    """Show a model's name, and the button that opens it."""
    key, label, title = opened.entry.id, plain(opened.entry.id), plain(opened.entry.title[:MAX_TITLE])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"{label}, open" if is_open else label, anchor=False, width="stretch")
        if pressed(f"Open {title}", f"open-{key}", type="primary", on_click=models.choose_model, args=(key,)):
            links.go_to("sample.py")


def _card(opened: Opened, is_open: bool, place: int) -> DeltaGenerator:
    """Draw a model's card but for its reconstructions, and return the place that is left for them."""
    entry, info = opened.entry, opened.checkpoint.data
    key, title = entry.id, plain(entry.title[:MAX_TITLE])
    _name(opened, is_open)
    st.text(opened.checkpoint.description or "This file has no description.")
    models.warn_collapsed(opened)
    show_grid(
        cards.samples(opened.key, opened),
        f"Pictures that {entry.title} draws at random",
        f"Made up by the model: drawn at random from {_source(opened)}",
    )
    slot = st.container(key=f"{'two' if models.originals_here(opened) else 'one'}-rows-{place}", gap="xsmall")
    st.text("\n".join([f"Trained on {info.name}", *models.facts(opened)]))
    st.button(f"About {title}", key=f"about-{key}", on_click=_show, args=[key, "open"])
    return slot


def _source(opened: Opened) -> str:
    """Where a card's pictures come from."""
    spec = opened.checkpoint.model.spec
    return words.prior_of(spec, models.usual_prior(opened)) + (", as one class after the other" if spec.classes else "")


def _show(key: str, tab: str) -> None:
    models.choose_model(key)
    SHOW.put(tab)


def _rebuilt(opened: Opened) -> None:
    """Draw the strip of reconstructions, below the originals where these are on this machine."""
    reason = ""
    originals = models.originals_here(opened)
    try:
        strip = cards.reconstructions(opened.key, opened, originals)
    except ValueError as error:
        originals, reason = False, f"; the originals cannot be shown: {plain(str(error)).removesuffix('.')}"
        strip = cards.reconstructions(opened.key, opened, False)
    if strip is None:
        st.caption("This file holds no reference encodings, so there are no reconstructions to show.")
    elif originals:
        show_grid(strip, ORIGINALS, ORIGINALS)
    else:
        show_grid(strip, REBUILT, f"{REBUILT}{reason}.")


def _list_bad(bad: list[tuple[Entry, str]]) -> None:
    if bad:
        st.warning(
            "These files cannot be opened:\n" + "".join(f"\n- {plain(entry.id)}: {plain(why)}" for entry, why in bad)
        )


# --- the open model ------------------------------------------------------------------------------------------------


def _details(opened: Opened) -> None:
    from pages.widgets.evaluate import history  # Plotly takes a moment, and the cards do without

    st.header(plain(opened.entry.id), anchor=False)
    if opened.checkpoint.description:
        st.text(opened.checkpoint.description)
    models.warn_collapsed(opened)
    _offer_originals(opened)
    history.section(opened)
    left, right = st.columns(2)
    with left:
        st.subheader("Figures", anchor=False)
        st.table({name: plain(value) for name, value in cards.figures(opened).items()}, border="horizontal")
        st.caption(_density(opened))
        _prior(opened)
        st.subheader("Data", anchor=False)
        st.text("\n".join(cards.source(opened.checkpoint.data)))
        st.subheader("Train it again", anchor=False)
        if foreign := opened.checkpoint.recipe.model.foreign:
            st.caption("It was trained elsewhere, so its recipe is not known: encoder and decoder are ONNX graphs.")
        else:
            st.code(_command(opened), language="bash", wrap_lines=True)
    with right:
        st.subheader("Recipe", anchor=False)
        for part in ("model", "data") if foreign else ("model", "objective", "training", "data"):
            with st.expander(part.capitalize(), expanded=part in ("model", "objective")):
                rows = cards.settings(getattr(opened.checkpoint.recipe, part))
                st.table({plain(key): plain(value) for key, value in rows.items()}, border="horizontal")
    priors.section(opened)
    evaluation.section(opened)


def _prior(opened: Opened) -> None:
    """Whether draws of the model's own prior look like reconstructions, and the figures that tell it."""
    st.subheader("Prior", anchor=False)
    figures = {name: plain(text) for name, text in cards.prior(opened.key, opened).items()}
    st.write(figures.pop("Prior"))
    if samples := figures.pop("Samples", ""):
        st.write(samples)
    if figures:
        with st.expander("How its draws and the encodings of the reference pictures differ"):
            st.table(figures, border="horizontal")


def _density(opened: Opened) -> str:
    """Tell what the figures may be compared with, and those who wonder, why an ELBO may be above zero."""
    model = opened.checkpoint.model
    if not model.spec.has_density:
        only = "" if model.spec.has_kl else " The reconstruction error is the only figure there is."
        return words.density_of(model.spec) + only
    alike = "Figures of models with different likelihoods cannot be compared."
    if model.likelihood.discrete:
        return alike
    return (
        f"{alike} This likelihood is a density, so its ELBO may be above zero, and its reconstruction error, "
        "-log p(x | z), below."
    )


def _command(opened: Opened) -> str:
    """Give the command that trains the open model again, for a terminal."""
    entry = opened.entry
    like = entry.title if entry.origin == "shipped" else f"{entry.title}{checkpoints.SUFFIX}"
    words = ["vae", "train", "--like", like]
    if not models.from_named_set(opened):
        words += ["--data", "FOLDER"]
    elif data.SETS[opened.checkpoint.recipe.data.name].torchvision:
        words.append("--download")
    return shlex.join([*words, "--out", f"{entry.title}-again{checkpoints.SUFFIX}"])


def _offer_originals(opened: Opened) -> None:
    """Say where the reference pictures come from; where the data set can be fetched, offer it."""
    name = opened.checkpoint.recipe.data.name
    if models.originals_here(opened):
        st.caption(f"The data set {plain(name)} is on this machine: reference pictures are the originals.")
        return
    if not models.can_have_originals(opened):
        st.caption(f"Reference pictures on all pages are reconstructions: {models.why_no_originals(opened)}.")
        return
    known = data.SETS[name]
    way = (
        "" if known.torchvision else f" It has no download: put {known.markers[-1]} into a folder that VAE_DATA names."
    )
    st.info(
        f"The data set {name} is not on this machine, so reference pictures on all pages are the model's own "
        f"reconstructions.{way}"
    )
    if known.torchvision and pressed(f"Fetch {name} (about {known.bytes / 1e6:,.0f} MB)", "fetch"):
        _fetch(opened)


def _fetch(opened: Opened) -> None:
    name = opened.checkpoint.recipe.data.name
    bar = st.progress(0.0, f"Fetching {name} …")

    def report(share: float, text: str) -> None:
        bar.progress(share, text)

    try:
        data.load(opened.checkpoint.recipe.data, download=True, progress=report)
    except (ValueError, OSError) as error:
        bar.empty()
        why = getattr(error, "strerror", None) or str(error)  # without a path of this server's
        st.error(f"{name} could not be fetched; everything else works without it. {plain(why)}")
    else:
        st.rerun()


# --- adding one ----------------------------------------------------------------------------------------------------


def _add() -> None:
    st.header("Upload a checkpoint", anchor=False)
    uploads.uploader("A file that `vae train` wrote (.safetensors)", "checkpoint", _receive, checkpoints.MAX_BYTES)
    st.caption(
        f"A .safetensors file of `vae train` or `vae import`, up to {checkpoints.MAX_BYTES // 2**20} MB, kept for this "
        "visit only."
    )
    if problem := st.session_state.get("refused"):
        st.error(f"This file cannot be opened. {plain(problem)}")
    st.header("A folder of your own", anchor=False)
    _folder()
    st.header("Train one", anchor=False)
    st.write(
        "This takes about a minute; `vae train --help` explains the choices, a folder of your own pictures among them."
    )
    st.code(models.TRAIN, language="bash")


def _receive(files: Sequence[File]) -> None:
    """Check what was uploaded: a good file is opened, a bad one leaves everything as it was."""
    st.session_state["refused"] = None
    try:
        entry = models.add_upload(files[0].name, files[0].content)
    except CheckpointError as error:
        st.session_state["refused"] = str(error)
        return
    st.session_state["added_model"] = entry.title
    groups.show_own()
    _show(entry.id, "all")


def _folder() -> None:
    folder = models.own_folder()
    if folder is None:
        st.write("Start the server with the variable VAE_CHECKPOINTS naming a folder, and its checkpoints appear here:")
        st.code("VAE_CHECKPOINTS=my-models streamlit run app.py", language="bash")
        return
    st.button("Refresh", key="refresh", help="Look again for new and changed files in the folder.")
    if not folder.is_dir():
        st.warning("The folder that VAE_CHECKPOINTS names does not exist.")
        return
    bad, good = [], []
    for entry in (e for e in models.entries().values() if e.origin == "own"):
        try:
            good.append(models.open_model(entry).entry.title)
        except CheckpointError as error:
            bad.append((entry, str(error)))
    st.text(f"In the folder that VAE_CHECKPOINTS names: {', '.join(good) or 'no checkpoint that can be opened'}")
    _list_bad(bad)


main()
