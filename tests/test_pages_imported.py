"""Models that were trained elsewhere on every page: they open, and say what their owner did not tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest
from torch import Tensor, nn

import vae_core
from vae_core import checkpoints

pytestmark = pytest.mark.usefixtures("registered_once")
PAGES = {"home": {"show": "The open model"}, "sample": {}, "interpolate": {}, "traverse": {}, "map": {"method": "PCA"}}
Open = Callable[..., AppTest]


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 8))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_var = self.net(x).chunk(2, 1)
        return mean, log_var


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with all that can be told, one without a likelihood, one without a spread."""
    torch.manual_seed(0)
    folder, decoder = tmp_path_factory.mktemp("imported"), nn.Sequential(nn.Linear(4, 64), nn.Sigmoid())
    decoder.append(nn.Unflatten(1, (1, 8, 8)))
    encoder = Encoder()
    vae_core.wrap(encoder, decoder, data="digits", likelihood="gaussian", std=0.3).save(folder / "told.safetensors")
    vae_core.wrap(encoder, decoder, data="digits").save(folder / "untold.safetensors")
    code = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    vae_core.wrap(code, decoder, data="digits").save(folder / "point.safetensors")
    return folder


@pytest.fixture
def show(shelf: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """A page with a model."""
    monkeypatch.setattr(checkpoints, "SHIPPED", shelf)
    st.cache_resource.clear()
    st.cache_data.clear()

    def opened(page: str, model: str) -> AppTest:
        app = AppTest.from_file(str(root / "pages" / "router.py"), default_timeout=60)
        app.query_params.update(PAGES[page] | {"model": model})
        app.switch_page(f"{page}.py")
        app.run()
        assert not app.exception, [error.message for error in app.exception]
        return app

    return opened


def said(app: AppTest) -> str:
    """All words of a page, and its tables."""
    elements = [*app.markdown, *app.text, *app.caption, *app.info, *app.warning, *app.error, *app.sidebar.text]
    tables = [str(table.value) for table in app.table]
    return "\n".join([*(str(element.value) for element in elements), *tables]).replace("\\", "")


@pytest.mark.parametrize("model", ["told", "untold", "point"])
def test_every_page_opens_what_was_imported(show: Open, model: str) -> None:
    for page in PAGES:
        words = said(app := show(page, model))
        assert not app.error and not [w for w in app.warning if "collapsed" not in w.value], (page, words)
        assert "None" not in words and "nan" not in words.split(), (page, words)
        assert ("no ELBO" in words) == (model != "told"), page
        assert "an autoencoder" not in words.lower() or model == "point", page


def test_home_tells_that_it_was_trained_elsewhere(show: Open) -> None:
    app = show("home", "untold")
    words = said(app)
    assert "trained elsewhere" in words and "summed squares per image" in words and "Test KL" in words
    assert not app.code, "there is no command that trains it again"
    assert not {"Objective", "Training"} & {part.label for part in app.expander}
    assert "summed squares" not in said(show("home", "told"))


def test_pixels_are_drawn_where_a_likelihood_was_given(show: Open) -> None:
    assert [radio for radio in show("sample", "told").radio if radio.key.startswith("shown:")]
    assert not [radio for radio in show("sample", "untold").radio if radio.key.startswith("shown:")]
