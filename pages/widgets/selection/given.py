"""What visitors give: pictures kept for the visit as uploads, and how they are prepared for a model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

import streamlit as st
from PIL import Image

from pages.widgets.selection.choice import UPLOAD, Choice, Setting
from pages.widgets.shell import uploads
from pages.widgets.shell.models import Opened
from vae_core import data, explore, images
from vae_core.images import Preparation

TITLE = "a picture of yours"
_DECODED = "picture_decoded"  # where `keep` leaves it
AS_IT_IS: dict[str, Setting] = {"fit": "stretch", "invert": False, "centre": False}


def keep(opened: Opened, content: bytes, title: str) -> Choice:
    """Check a stranger's picture, keep its bytes for this visit, and give the choice that stands for it.

    The check decodes it for the open model; `picture_of` hands that out in the run that follows.

    Raises:
        images.ImageError: one sentence that says what is wrong with the picture.
    """
    used = data.range_of(opened.checkpoint.recipe.data)
    picture = images.open_image(content, used=used)
    upload = _kept(UPLOAD, content, title)
    st.session_state[_DECODED] = (upload.detail, used, picture)
    return upload


def keep_as_it_is(kind: str, content: bytes) -> Choice:
    """Keep a picture that this app has made (PNG), a drawing, say: it is not prepared any further."""
    return _kept(kind, content, TITLE).with_settings(AS_IT_IS)


def _kept(kind: str, content: bytes, title: str) -> Choice:
    name = hashlib.sha256(content).hexdigest()[:12]
    uploads.keep("picture", name, title, content, len(content))
    return Choice(kind, name)


def picture_of(opened: Opened, upload: Choice) -> Callable[[], Image.Image] | None:
    """Give what decodes an upload for the open model; None after a reload.

    What `keep` has decoded is handed out once and not held any longer: a large picture is many times its file.
    """
    content, used = uploads.find("picture", upload.detail or ""), data.range_of(opened.checkpoint.recipe.data)
    if content is None:
        return None
    *about, picture = st.session_state.get(_DECODED, (None, None, None))
    if about == [upload.detail, used]:
        del st.session_state[_DECODED]
        return lambda: picture
    return partial(images.open_image, content, used=used)


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
