"""Links that people have kept: each of those written down when the app was as it was then opens the same view today."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.widgets.shell.url_state import USUAL

ROOT = Path(__file__).resolve().parents[1]
KEPT: list[dict[str, Any]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
KINDS = ("button_group", "selectbox", "radio", "multiselect", "select_slider", "slider", "number_input", "toggle")
CHOICES = ("button_group", "selectbox", "radio", "multiselect")
NAMED = ("model", "models", "along")  # choices that are told by name: what there is to choose from grows
VISIT = ("t", "at", "temperature", "seed", "rest", "random")  # what no widget need show
USUALLY = {"t": 0.5, "temperature": 1.0, "seed": 0, "rest": 0, "random": 0}
LIVE = ("t", "at", "temperature", "seed", "places", "byName", "tool", "residual")  # what a live view is told
PICTURES = ("a", "b", "c", "d", "start")

Link = dict[str, str | list[str]]


@pytest.fixture(scope="module", autouse=True)
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A machine without data sets and models of one's own: what there is to choose from is the same everywhere."""
    folder = tmp_path_factory.mktemp("bare")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA", str(folder / "no-data"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.delenv("VAE_CHECKPOINTS", raising=False)
        st.cache_resource.clear()
        st.cache_data.clear()
        yield


def opened(page: str, link: Link) -> AppTest:
    """The page that a link opens."""
    app = AppTest.from_file(str(ROOT / "pages" / "router.py"), default_timeout=60)
    for name, value in link.items():
        app.query_params[name] = value
    if page != "home":
        app.switch_page(f"{page}.py")
    app.run()
    assert not app.exception, [error.message for error in app.exception]
    return app


def stand(control: Any) -> Any:
    """Which of its options a control is at, by their places, since their words may change; else its value."""
    if control.type not in CHOICES or control.key.split(":")[0] in NAMED:
        return control.value
    return list(control.indices) if control.type in ("button_group", "multiselect") else control.index


def held(app: AppTest, key: str) -> Any:
    """What the visit holds; the usual value has no number there."""
    return USUALLY[key] if app.session_state[key] == USUAL else app.session_state[key]


def sliders(told: list[dict[str, Any]]) -> dict[str, Any]:
    """Where sliders of the views stand, under the names that they had as controls of their own."""
    found: dict[str, Any] = {}
    for data in told:
        same = "same_" if "columns" in data else ""
        for each in data.get("slides", []):
            found[f"{same}{each['key']}"] = data["places"].get(each["key"], each["start"])
        if same and "t" in data:
            found["place"] = data["t"]
    return found


def view(app: AppTest) -> dict[str, Any]:
    """What a page shows, as far as a link says it: in controls by key, without the turn of those that are renewed."""
    controls = [control for kind in KINDS for control in app.get(kind) if control.key]
    told = [json.loads(element.proto.json) for element in app.get("bidi_component") if element.proto.json]
    shown = {
        "title": [title.value for title in app.title],
        "controls": {control.key.split(":")[0]: stand(control) for control in controls} | sliders(told),
        "visit": {key: held(app, key) for key in VISIT if key in app.session_state},
        "codes": app.session_state["codes"][1] if "codes" in app.session_state else [],
        "live": {key: value for data in told if "model" in data or "columns" in data for key, value in data.items()},
        "pictures": {key: app.query_params[key] for key in PICTURES if key in app.query_params},
        "tabs": [len(tab.children) > 0 for tab in app.tabs],
        "warnings": [warning.value for warning in app.warning],
        "errors": [error.value for error in app.error],
    }
    shown["live"] = {key: shown["live"][key] for key in LIVE if key in shown["live"]}
    return json.loads(json.dumps(shown))


def assert_same(now: dict[str, Any], then: dict[str, Any]) -> None:
    """All that the view had then it has now; it may have more, and the live view's own what had a control beside it."""
    for key in set(then["controls"]) & set(now["live"]):
        now["controls"].setdefault(key, now["live"][key])
    for part in ("controls", "visit", "live"):
        now[part] = {key: value for key, value in now[part].items() if key in then[part]}
    assert now == then


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: "-".join([kept["page"], *kept["link"]]))
def test_a_link_of_before_opens_the_same_view(kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_LIVE", kept["live"])
    assert_same(view(opened(kept["page"], kept["link"])), kept["opens"])
