"""A model that was trained elsewhere, in a real Chromium: decoded in the page, whatever versions its graphs were of."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from playwright.sync_api import expect

import vae_core
from vae_core.opsets import BROWSER_IR, BROWSER_OPSET, opset


def half(inputs: tuple[int, ...], outputs: tuple[int, ...], last: str) -> bytes:
    """A graph as today's onnx stamps it: of versions that the runtime of the page does not read."""
    weights = np.random.default_rng(0).normal(0, 0.5, (int(np.prod(inputs)), int(np.prod(outputs))))
    nodes = [
        helper.make_node("Flatten", ["in"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["product"]),
        helper.make_node("Celu", ["product"], ["bent"]),
        helper.make_node(last, ["bent"], ["end"]),
        helper.make_node("Reshape", ["end", "shape"], ["out"]),
    ]
    held = [
        numpy_helper.from_array(weights.astype(np.float32), "w"),
        numpy_helper.from_array(np.array([-1, *outputs]), "shape"),
    ]
    ends = [
        [helper.make_tensor_value_info(name, 1, ["n", *sizes])] for name, sizes in (("in", inputs), ("out", outputs))
    ]
    model = helper.make_model(helper.make_graph(nodes, "half", *ends, held))
    assert model.ir_version > BROWSER_IR and opset(model) > BROWSER_OPSET
    return model.SerializeToString()


def test_graphs_of_the_newest_versions_are_decoded_in_the_page(live, tmp_path: Path) -> None:
    assert onnx.defs.onnx_opset_version() > BROWSER_OPSET
    halves = half((1, 8, 8), (8,), "Identity"), half((4,), (1, 8, 8), "Sigmoid")
    vae_core.wrap(*halves, data="digits", likelihood="bernoulli").save(tmp_path / "newest.safetensors")
    live.open(show="Add a model")
    live.upload(tmp_path / "newest.safetensors")
    live.go_to("Traverse")
    live.is_live()
    expect(live.page.get_by_text("held 1e-07 away from 0 and 1").first).to_be_attached()


def test_an_upload_that_is_no_model_is_named_with_the_next_command(view, tmp_path: Path) -> None:
    view.open(show="Add a model")
    alert = view.page.get_by_test_id("stMain").get_by_test_id("stAlert")
    for content, words in (
        (half((4,), (1, 8, 8), "Sigmoid"), "vae import encoder.onnx decoder.onnx --data FOLDER --out mine.safetensors"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "run git lfs pull in the clone"),
        (b"<!doctype html><html></html>", "It is a web page (HTML), saved in the place of the file"),
    ):
        (tmp_path / "model.ckpt").write_bytes(content)
        view.upload(tmp_path / "model.ckpt")
        expect(alert).to_contain_text(words)
