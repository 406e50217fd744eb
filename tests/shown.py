"""What a page without a browser shows: what its views are given, and the pictures that the server decodes for them."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np

from tests.test_served import get


def sent(app: Any, view: str) -> dict[str, Any]:
    """What a page of Streamlit's AppTest gave the one component that shows this view."""
    elements = [e.proto for e in app.get("bidi_component") if e.proto.component_name == "vae_explorer_live"]
    (found,) = [data for data in map(json.loads, (proto.json for proto in elements)) if data["view"] == view]
    return found


def pictures_of(view: dict[str, Any]) -> np.ndarray:
    """The pictures of Sample's grid as the server decodes them: (N, C, H, W) in grey levels."""
    window = next(each for each in view["windows"] if 0 <= view["seed"] - each["first"] < each["seeds"])
    points = np.frombuffer(gzip.decompress(get(window["points"])[2]), "<f4")
    base, slope = points.reshape(window["seeds"], 2, -1)[view["seed"] - window["first"]]
    return decoded(view["model"], base + np.float32(view["temperature"]) * slope, view["y"])


def decoded(model: dict[str, Any], z: Any, y: Any = None) -> np.ndarray:
    """What the server makes of points, and of class weights: (N, C, H, W) in grey levels."""
    asked = np.concatenate([np.ravel(values) for values in (z, [] if y is None else y)]).astype("<f4")
    status, _, content = get(model["pictures"], asked.tobytes())
    assert status == 200, content
    return np.frombuffer(content, np.uint8).reshape(-1, *model["shape"])
