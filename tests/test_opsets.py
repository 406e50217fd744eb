"""Graphs of the newest ONNX, rewritten for the runtime that browsers fetch."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

import vae_core
from vae_core import export, opsets
from vae_core.graphs import GraphError
from vae_core.opsets import BROWSER_IR, BROWSER_OPSET, for_browsers

pytestmark = pytest.mark.usefixtures("registered_once")
NEWER = onnx.defs.onnx_opset_version()
CHANGED = {  # operations that later versions define anew: nodes from x to y, and the shape of x
    "Cast": ([("Cast", "x", "c", {"to": 10}), ("Cast", "c", "y", {"to": 1})], (2, 4)),
    "Celu": ([("Celu", "x", "y", {"alpha": 0.5})], (2, 4)),
    "DepthToSpace": ([("DepthToSpace", "x", "y", {"blocksize": 2})], (2, 4, 2, 2)),
    "Mod": ([("Mod", "x two", "y", {"fmod": 1})], (2, 4)),
    "Range": ([("Range", "0 4 1", "r", {}), ("Cast", "r", "f", {"to": 1}), ("Add", "x f", "y", {})], (2, 4)),
    "ReduceLogSum": ([("Exp", "x", "e", {}), ("ReduceLogSum", "e", "y", {})], (2, 4)),
    "ReduceLogSumExp": ([("ReduceLogSumExp", "x", "y", {})], (2, 4)),
    "SpaceToDepth": ([("SpaceToDepth", "x", "y", {"blocksize": 2})], (2, 1, 4, 4)),
}
HELD: dict[str, Any] = {"two": np.full(4, 1.5, np.float32), "0": np.array(0), "4": np.array(4), "1": np.array(1)}


def newest(nodes: list[tuple[str, str, str, dict[str, Any]]], shape: tuple[int, ...]) -> onnx.ModelProto:
    """A graph as `make_model` stamps it: of the newest versions that this onnx knows."""
    made = [helper.make_node(kind, inputs.split(), [output], **settings) for kind, inputs, output, settings in nodes]
    used = {name for node in made for name in node.input}
    held = [numpy_helper.from_array(values, name) for name, values in HELD.items() if name in used]
    ends = [[helper.make_tensor_value_info(name, 1, sizes)] for name, sizes in (("x", shape), ("y", None))]
    return helper.make_model(helper.make_graph(made, "g", *ends, held))


@pytest.mark.parametrize("name", CHANGED)
def test_a_newer_graph_gives_the_same_numbers_in_older_versions(name: str) -> None:
    nodes, shape = CHANGED[name]
    model = newest(nodes, shape)
    assert model.ir_version > BROWSER_IR and opsets.opset(model) > BROWSER_OPSET
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    wanted = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    older = for_browsers(model)
    assert (older.ir_version, opsets.opset(older)) == (BROWSER_IR, BROWSER_OPSET)
    assert np.allclose(onnxruntime.InferenceSession(older.SerializeToString()).run(None, {"x": x})[0], wanted)


def test_what_a_browser_reads_stays_as_it_is() -> None:
    model = onnx.version_converter.convert_version(newest(*CHANGED["Celu"]), BROWSER_OPSET - 6)
    model.ir_version = 8
    before = model.SerializeToString()
    assert for_browsers(model).SerializeToString() == before


def test_versions_are_those_of_the_runtime_that_ships(root: Path) -> None:
    """Who takes a newer runtime looks here, and reads what it supports."""
    runtime = root / "pages/widgets/live/runtime/ort.wasm.min.mjs.gz"
    assert b"ONNX Runtime Web v1.30.0" in gzip.decompress(runtime.read_bytes())


def pair() -> tuple[bytes, bytes]:
    """An encoder and a decoder of the newest versions."""
    rng = np.random.default_rng(0)
    halves = []
    for inputs, outputs, last in (((1, 8, 8), (8,), "Celu"), ((4,), (1, 8, 8), "Sigmoid")):
        weights = rng.normal(0, 0.3, (int(np.prod(inputs)), int(np.prod(outputs)))).astype(np.float32)
        nodes = [
            helper.make_node("Flatten", ["in"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["product"]),
            helper.make_node(last, ["product"], ["end"]),
            helper.make_node("Reshape", ["end", "shape"], ["out"]),
        ]
        held = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array([-1, *outputs]), "shape")]
        ends = [
            [helper.make_tensor_value_info(name, 1, ["n", *sizes])]
            for name, sizes in (("in", inputs), ("out", outputs))
        ]
        halves.append(helper.make_model(helper.make_graph(nodes, "half", *ends, held)).SerializeToString())
    return halves[0], halves[1]


def test_an_imported_model_is_kept_in_versions_that_browsers_read() -> None:
    made = vae_core.wrap(*pair(), data="digits")
    for half in (made.model.encoder, made.model.decoder):
        kept = onnx.load_from_string(half.data)
        assert kept.ir_version <= BROWSER_IR and opsets.opset(kept) <= BROWSER_OPSET


def test_a_graph_without_an_older_form_is_kept_and_the_live_view_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server decodes such a model."""

    def refuse(*_: object) -> onnx.ModelProto:
        raise RuntimeError("no adapter")

    monkeypatch.setattr(onnx.version_converter, "convert_version", refuse)
    made = vae_core.wrap(*pair(), data="digits")
    assert opsets.opset(onnx.load_from_string(made.model.decoder.data)) == NEWER
    with pytest.raises(GraphError, match=f"of opset {NEWER}, and cannot be written in {BROWSER_OPSET}, the newest"):
        for_browsers(onnx.load_from_string(made.model.decoder.data))
    with pytest.raises(export.ExportError, match=f"cannot be written in {BROWSER_OPSET}, the newest that a browser"):
        export.decoder(made.model)


@pytest.mark.parametrize("half", ["encoder", "decoder"])
def test_a_model_that_was_imported_before_is_exported_in_older_versions(
    half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("vae_core.importers.forms.for_browsers", lambda model: model)
        made = vae_core.wrap(*pair(), data="digits").model
    assert opsets.opset(onnx.load_from_string(made.decoder.data)) == NEWER
    written = onnx.load_from_string(getattr(export, half)(made))
    assert written.ir_version <= BROWSER_IR and opsets.opset(written) <= BROWSER_OPSET
