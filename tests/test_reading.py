"""ONNX files whose weights lie in a neighbour: read when it is there, and no other file ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import vae_core
from vae_core import checkpoints, graphs
from vae_core.cli import main
from vae_core.graphs import GraphError
from vae_core.importers import reading

pytestmark = pytest.mark.usefixtures("registered_once")
DIM = 4


def linear(inputs: tuple[int, ...], outputs: tuple[int, ...], last: str, seed: int) -> onnx.ModelProto:
    """Flatten, multiply, `last`, in the shape of the outputs."""
    rng, size = np.random.default_rng(seed), int(np.prod(outputs))
    weights = rng.normal(0, 0.3, (int(np.prod(inputs)), size)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["in"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w"], ["product"]),
        helper.make_node(last, ["product"], ["end"]),
        helper.make_node("Reshape", ["end", "shape"], ["out"]),
    ]
    held = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array([-1, *outputs]), "shape")]
    ends = [
        [helper.make_tensor_value_info(name, 1, ["n", *shape])] for name, shape in (("in", inputs), ("out", outputs))
    ]
    graph = helper.make_graph(nodes, "linear", *ends, held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


HALVES = {
    "encoder": lambda: linear((1, 8, 8), (2 * DIM,), "Identity", 1),
    "decoder": lambda: linear((DIM,), (1, 8, 8), "Sigmoid", 2),
}


def split(model: onnx.ModelProto, path: Path) -> Path:
    """Write it as torch.onnx.export does by default: all weights in `NAME.onnx.data` beside."""
    onnx.save_model(model, path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=0)
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Encoder and decoder, each with a neighbour."""
    encoder, decoder = (split(make(), tmp_path / f"{name}.onnx") for name, make in HALVES.items())
    return encoder, decoder


def pointed(path: Path, **told: str) -> Path:
    """The file where the first of its weights is said to lie elsewhere; empty texts are left out."""
    model = onnx.load(path, load_external_data=False)
    for entry in list(model.graph.initializer[0].external_data):
        if entry.key in told:
            model.graph.initializer[0].external_data.remove(entry)
    for key, value in told.items():
        if value:
            model.graph.initializer[0].external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def test_what_is_read_is_the_graph_with_its_weights(pair: tuple[Path, Path], tmp_path: Path) -> None:
    for (name, make), path in zip(HALVES.items(), pair, strict=True):
        model, wanted = onnx.load_from_string(reading.read(path, name)), make()
        assert not any(tensor.external_data or tensor.data_location for tensor in model.graph.initializer)
        for one, two in zip(model.graph.initializer, wanted.graph.initializer, strict=True):
            assert np.array_equal(numpy_helper.to_array(one), numpy_helper.to_array(two))
    whole = tmp_path / "whole.onnx"
    onnx.save_model(wanted, whole)
    assert reading.read(whole, "decoder") == whole.read_bytes()


def test_a_model_opens_whose_weights_lie_beside(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another folder: the neighbour is the file's, not the process's."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    command = ["import", *map(str, pair), "--data", "digits", "--likelihood", "bernoulli", "--out", "made.safetensors"]
    assert main(command) == 0
    made = checkpoints.load(Path("made.safetensors"))
    files = [make().SerializeToString() for make in HALVES.values()]
    assert made.metrics == vae_core.wrap(*files, data="digits", likelihood="bernoulli").metrics


def test_a_neighbour_that_is_missing_or_cut_short_is_told_with_the_fix(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    neighbour = pair[1].with_name("decoder.onnx.data")
    neighbour.write_bytes(neighbour.read_bytes()[:-1])
    with pytest.raises(GraphError, match=r"asks for 1,\d+ bytes of 'decoder.onnx.data', which has 1,\d+: it is cut"):
        reading.read(pair[1], "decoder")
    neighbour.unlink()
    out = pair[1].with_name("made.safetensors")
    assert main(["import", *map(str, pair), "--data", "digits", "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "has its weights in 'decoder.onnx.data', and there is no such file beside it" in said
    assert "external_data=False" in said and not out.exists()


@pytest.mark.parametrize("name", ["../decoder.onnx.data", "sub/decoder.onnx.data", "sub\\d.data", "..", "", "C:d.data"])
def test_only_a_neighbour_by_its_name_is_read(
    name: str, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (pair[0].parent / "sub").mkdir()
    path = pointed(pair[1], location=name)
    monkeypatch.setattr(reading, "_fill", lambda *_: pytest.fail("a file was read"))
    with pytest.raises(GraphError, match="allowed: a file that lies beside it, by its name alone"):
        reading.read(path, "decoder")


def test_an_absolute_path_is_no_neighbour(pair: tuple[Path, Path]) -> None:
    path = pointed(pair[1], location=str(pair[1].with_name("decoder.onnx.data")))
    with pytest.raises(GraphError, match="by its name alone"):
        reading.read(path, "decoder")


def test_a_link_is_not_followed(pair: tuple[Path, Path]) -> None:
    pair[1].with_name("other.data").symlink_to("decoder.onnx.data")
    path = pointed(pair[1], location="other.data")
    with pytest.raises(GraphError, match="no such file beside it, a link not being followed"):
        reading.read(path, "decoder")


@pytest.mark.parametrize("told", [{"length": "4"}, {"offset": "-4"}, {"offset": "many"}])
def test_numbers_that_do_not_fit_the_shape_are_refused(told: dict[str, str], pair: tuple[Path, Path]) -> None:
    path = pointed(pair[1], **told)
    with pytest.raises(GraphError, match="is damaged: it does not say where its weights lie"):
        reading.read(path, "decoder")


def test_weights_in_neighbours_have_a_greatest_size(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted before a byte is read: as much as all tensors together ask for."""
    monkeypatch.setattr(reading, "MAX_BYTES", 1_000)
    monkeypatch.setattr(reading, "_fill", lambda *_: pytest.fail("a file was read"))
    assert pair[1].stat().st_size < 1_000
    with pytest.raises(GraphError, match=r"has 0 MB; allowed: up to 0 MB"):
        reading.read(pair[1], "decoder")


def test_bytes_alone_cannot_have_a_neighbour(pair: tuple[Path, Path]) -> None:
    encoder, decoder = (path.read_bytes() for path in pair)
    with pytest.raises(GraphError, match=r"in another file; .* external_data=False"):
        vae_core.wrap(encoder, decoder, data="digits")
    with pytest.raises(GraphError, match="in another file"):
        graphs.check(decoder, "decoder", (DIM,), (1, 8, 8))
