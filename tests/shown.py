"""What a page without a browser shows: what its views are given, and the pictures that the server decodes for them."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np

from tests.test_served import get

MADE = ("pictures", "sheet", "cutout")  # views of what the server has made


def views(app: Any, view: str = "") -> list[dict[str, Any]]:
    """What a page of AppTest gave each component that shows this view; all that decode, where none is named."""
    protos = [element.proto for element in app.get("bidi_component")]
    every = [json.loads(proto.json) for proto in protos if proto.component_name == "vae_explorer_live"]
    return [data for data in every if (data["view"] == view if view else data["view"] not in MADE)]


def sent(app: Any, view: str = "") -> dict[str, Any]:
    """What the one component was given that shows this view, or that decodes."""
    (data,) = views(app, view)
    return data


def pictures(app: Any) -> list[dict[str, Any]]:
    """What a page's grids of pictures were given, and how those stand."""
    return [data | data["layout"] for data in views(app, "pictures")]


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
