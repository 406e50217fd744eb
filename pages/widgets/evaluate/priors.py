"""Fit a prior to the open model's encodings, in the background: a new model for this visit, and its file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from threading import Event

import streamlit as st

from pages.widgets.shell import background, groups, models, uploads
from pages.widgets.shell.buttons import pressed
from pages.widgets.shell.models import Entry, Opened, plain
from vae_core import checkpoints, data, fitting
from vae_core.fitting import Fit
from vae_core.jobs import Cancelled, Job, Preview, Work

KINDS = {fitting.BEST: "The better one", fitting.MIXTURE: "Mixture of Gaussians", fitting.FLOW: "Flow"}
HELP = (
    "A mixture of Gaussians is fitted in seconds. A flow takes up to a minute: it carries each point of N(0, I) to one "
    "code, so each point is one picture, which changes evenly as the point moves. Which draws the better pictures "
    "differs from model to model; the better one is the one that better describes encodings that it has not seen."
)
TRAINING, REFERENCES = "Training pictures", "Reference encodings"
LOADING = 0.1  # share of the progress bar: the rest is encoding and fitting
SEED = 0


@dataclass(frozen=True, eq=False)
class Running:
    """Work that goes on, and the model that it is for."""

    opened: Opened
    job: Job[Fit]


def open_finished() -> None:
    """Keep what came of finished work, before the picker is drawn; open it where its model still is the open one."""
    running: Running | None = st.session_state.get("prior_running")
    if running is None or not running.job.done:
        return
    st.session_state.pop("prior_running")
    try:
        fit = running.job.result()
    except Cancelled:
        said = f"{running.job.too_long} Fit it to the reference encodings." if running.job.too_long else ""
        _tell(running.opened, st.info, said or "Fitting the prior was cancelled.")
    except ValueError as error:
        _tell(running.opened, st.error, str(error))
    else:
        _keep(running.opened, fit)


def _tell(opened: Opened, how: object, text: str) -> None:
    st.session_state["prior_said"] = (opened.key, how, plain(text))


def _keep(opened: Opened, fit: Fit) -> None:
    """Add the model with its new prior to those of this visit."""
    if fit.prior is None:
        sentence = "Nothing describes held-out encodings better than the model's own prior does, so it stays alone."
        return _tell(opened, st.info, sentence)
    made = fitting.with_prior(opened.checkpoint, fit)
    content = checkpoints.to_bytes(made)
    digest = hashlib.sha256(content).hexdigest()
    title = f"{opened.entry.title}-{fit.prior.kind}"
    origin = "upload" if opened.entry.origin == "upload" else "made"
    entry = Entry(f"{title} (fitted {digest[:8]})", title, origin)
    new = Opened(entry, made, digest)
    uploads.keep("model", entry.id, title, new, len(content))
    groups.show_own()
    if st.session_state.get("model") in (opened.entry.id, None):
        models.choose_model(entry.id)
    _tell(
        new,
        st.success,
        f"This is {opened.entry.title} with its new prior, kept for this visit; draw from it on Sample.",
    )
    return None


def section(opened: Opened) -> None:
    """Show *Prior*: what was fitted, and the ways to fit another one."""
    st.subheader("Fit a prior", anchor=False)
    key, tell, text = st.session_state.get("prior_said", (None, st.info, ""))
    if key == opened.key:
        tell(text)
    st.write(state(opened))
    if opened.entry.origin in models.KEPT:
        name = f"{opened.entry.title}{checkpoints.SUFFIX}"
        st.download_button(
            "Model with its prior (safetensors)" if opened.checkpoint.model.spec.fitted else "Model (safetensors)",
            lambda: checkpoints.to_bytes(opened.checkpoint),
            name,
            "application/octet-stream",
            on_click="ignore",
        )
    if why := fitting.lacking(opened.checkpoint.model):
        st.caption(why)
        return
    sources = sources_of(opened)
    if not sources:
        st.caption(
            "The file holds no reference encodings to fit one to; in a terminal, `vae prior` fits one to pictures."
        )
        return
    _offer(opened, sources)


def state(opened: Opened) -> str:
    """Tell what prior the model has beside its own, and what that gains, in sentences."""
    spec, metrics = opened.checkpoint.model.spec, opened.checkpoint.metrics
    if not spec.fitted:
        return (
            "A prior can be fitted to where the encoder put the pictures. It draws better pictures wherever the "
            "model's own prior misses these places."
        )
    count, pictures = int(metrics.get("prior_components") or 0), int(metrics.get("prior_pictures") or 0)
    what = f"A mixture of {fitting.name(count)}" if spec.fitted == "mixture" and count else f"A {spec.fitted}"
    words = [f"{what} is fitted to {pictures:,} encodings of training pictures."]
    if metrics.get("prior_references"):
        words = [
            f"{what} is fitted to reference encodings alone, {pictures:,} from the model's file. These are of test "
            "pictures, so other pictures have to measure it."
        ]
    if (gap := metrics.get("prior_gap")) is not None:
        words.append(fitting.describe(gap))
    return " ".join(words)


def sources_of(opened: Opened) -> list[str]:
    """Tell what a prior can be fitted to here, the best first."""
    sources = [TRAINING] if models.originals_here(opened) else []
    return sources + ([REFERENCES] if opened.checkpoint.reference is not None else [])


def _offer(opened: Opened, sources: list[str]) -> None:
    """Show the choices, the button, and the work while it goes on."""
    left, right = st.columns(2, gap="medium")
    kind = left.radio("Kind", list(KINDS.values()), key="prior_kind", horizontal=True, help=HELP)
    source = right.radio(
        "Fitted to",
        sources,
        key=f"prior_from_{len(sources)}_{sources[0]}",
        horizontal=True,
        help=f"{TRAINING}: the encodings of at most {fitting.PICTURES:,} of them. {REFERENCES}: those of test "
        "pictures in the model's file; nothing has to be read.",
    )
    running: Running | None = st.session_state.get("prior_running")
    if pressed("Fit a prior", "prior_go", disabled=running is not None):
        chosen = next(name for name, words in KINDS.items() if words == kind)
        work = _work(opened, chosen, source == TRAINING)
        background.stop("prior")
        job = background.job("prior", (opened.key, chosen, source), work)
        st.session_state.pop("prior_said", None)
        st.session_state["prior_running"] = Running(opened, job)
        st.rerun()
    if running is not None:
        name = "" if running.opened.key == opened.key else f" of {plain(running.opened.entry.title)}"
        background.watch(running.job, f"Fitting the prior{name}", lambda _: None)
    else:
        background.keep_place(PLACE)


PLACE = 40  # pixels of a progress bar and its button


def _work(opened: Opened, kind: str, pictures: bool) -> Work[Fit]:
    """Read the pictures where they are asked for, and fit, in another thread; the model is nobody's to change."""

    def work(report: Preview, cancel: Event) -> Fit:
        tell = background.teller(report, cancel)
        checkpoint = opened.checkpoint
        if not pictures:
            return fitting.fit_to_references(checkpoint, SEED, tell, kind)
        part = data.load(checkpoint.recipe.data, progress=lambda share, _: tell(LOADING * share)).train
        names = checkpoint.data.class_names
        labels = part.labels if part.class_names == names else None
        return fitting.fit_to(
            checkpoint.model,
            part.images,
            labels,
            len(names),
            SEED,
            lambda share: tell(LOADING + (1 - LOADING) * share),
            kind,
        )

    return work
