"""What visitors give: pictures kept for the visit as uploads, and how they are prepared for a model."""

from __future__ import annotations

import hashlib

import streamlit as st

from pages.widgets.selection.choice import UPLOAD, Choice, Setting
from pages.widgets.shell import uploads
from pages.widgets.shell.models import Opened
from vae_core import data, explore, images
from vae_core.images import Preparation

TITLE = "a picture of yours"
AS_IT_IS: dict[str, Setting] = {"fit": "stretch", "invert": False, "centre": False}


def keep(content: bytes, title: str = TITLE) -> Choice:
    """Check a stranger's picture, keep its bytes for this visit, and give the choice that stands for it.

    Raises:
        images.ImageError: one sentence that says what is wrong with the picture.
    """
    images.open_image(content)
    return _kept(content, title)


def keep_as_it_is(content: bytes) -> Choice:
    """Keep a picture that this app has made (PNG) as an upload that is not prepared any further."""
    return _kept(content, TITLE).with_settings(AS_IT_IS)


def _kept(content: bytes, title: str) -> Choice:
    name = hashlib.sha256(content).hexdigest()[:12]
    uploads.keep("picture", name, title, content, len(content))
    return Choice(UPLOAD, name)


def content_of(upload: Choice) -> bytes | None:
    """Find the bytes behind an upload; None after a reload."""
    return uploads.find("picture", upload.detail or "")


def preparation_of(opened: Opened, upload: Choice) -> Preparation:
    """Tell how an upload is prepared for the open model: the data set's own way, with what a person changed.

    Raises:
        ValueError: where a setting is not one of those allowed.
    """
    return upload.prepared(usual_preparation(opened))


def usual_preparation(opened: Opened) -> Preparation:
    """Tell how an upload is prepared unless a person says otherwise."""
    return data.preparation(opened.checkpoint.recipe.data)[0]


@st.cache_data(max_entries=64, show_spinner=False)
def dark_ground(key: str, _opened: Opened) -> bool | None:
    """Tell whether the model's pictures have a dark ground; None where they differ or nothing is known."""
    _, known = data.preparation(_opened.checkpoint.recipe.data)
    reference = _opened.checkpoint.reference
    if known is not None or reference is None:
        return known
    return images.has_dark_ground(explore.rebuild(_opened.checkpoint.model, reference, range(min(100, len(reference)))))
