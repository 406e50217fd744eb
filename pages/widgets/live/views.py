"""The component that shows every view, and what a browser tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, overload

import streamlit as st

from pages.widgets.live import payloads, served
from pages.widgets.shell import components
from pages.widgets.shell.present import presenting

Act = Callable[[Any], None]

_BUILT = Path(__file__).parent / "built"

_component = st.components.v2.component(
    "vae_explorer_live",
    html='<div class="live"></div>',
    css=(_BUILT / "live.css").read_text("utf-8"),
    js=(_BUILT / "live.js").read_text("utf-8"),
)


@overload
def show(view: Literal["compare"], key: str, data: payloads.CompareData, **on: Act) -> None: ...
@overload
def show(view: Literal["cutout"], key: str, data: payloads.CutoutData, **on: Act) -> None: ...
@overload
def show(view: Literal["draw"], key: str, data: payloads.DrawData, **on: Act) -> None: ...
@overload
def show(view: Literal["grid"], key: str, data: payloads.GridData, **on: Act) -> None: ...
@overload
def show(view: Literal["pad"], key: str, data: payloads.PadData, **on: Act) -> None: ...
@overload
def show(view: Literal["path"], key: str, data: payloads.PathData, **on: Act) -> None: ...
@overload
def show(view: Literal["pictures"], key: str, data: payloads.PicturesData, **on: Act) -> None: ...
@overload
def show(view: Literal["sheet"], key: str, data: payloads.SheetData, **on: Act) -> None: ...
@overload
def show(view: Literal["traverse"], key: str, data: payloads.TraverseData, **on: Act) -> None: ...
@overload
def show(view: Literal["map"], key: str, data: payloads.MapData, **on: Act) -> None: ...
def show(view: str, key: str, data: Mapping[str, Any], **on: Act) -> None:
    """Draw a view.

    Args:
        view: its name in `src/main.ts`.
        key: the widget's key.
        data: what the view takes.
        on: what to do, before the next run, with a value that the view tells: `places=...` gets its `places`.
    """

    def callback(name: str, act: Act) -> Callable[[], None]:
        def heard() -> None:
            said = components.said(key, name)
            if said is None:
                return
            if isinstance(said, dict) and isinstance(count := said.get("count"), int):  # else a trigger
                st.session_state[f"{key}_told"] = max(count, st.session_state.get(f"{key}_told", 0))
                said = said.get("value")
            act(said)

        return heard

    sent: payloads.Sent = {
        "view": view,
        "runtime": served.runtime_address(),
        "told": st.session_state.get(f"{key}_told", 0),
        "present": presenting(),
    }
    callbacks: dict[str, Any] = {f"on_{name}_change": callback(name, act) for name, act in on.items()}
    _component(key=key, data={**data, **sent}, **callbacks)
