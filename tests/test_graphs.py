"""Graphs of strangers: what is harmless runs, and each kind of hostile file is refused in a sentence beforehand.

The limits are lowered for that, so that what is refused would do no harm if it were run.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from vae_core import graphs
from vae_core.graphs import Graph, GraphError, check

PICTURE, CODE = (1, 8, 8), (4,)
pytestmark = pytest.mark.usefixtures("registered_once")
FLAT = helper.make_node("Reshape", ["x", "flat"], ["f"])
HEAD = helper.make_node("MatMul", ["f", "w"], ["h"])


def held(name: str, values: Any, kind: type = np.int64) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, kind), name)


WEIGHTS = held("w", np.linspace(-1, 1, 256).reshape(64, 4), np.float32)
CHANNEL = held("w", np.ones((1, 4)), np.float32)
SHAPE = held("flat", [-1, 64])


def model(nodes: Sequence[onnx.NodeProto], *tensors: onnx.TensorProto, opset: int = 18, **ends: Any) -> onnx.ModelProto:
    """Pictures (batch, 1, 8, 8) -> (batch, 4), unless said otherwise."""
    inputs = ends.get("inputs", [helper.make_tensor_value_info("x", 1, ["batch", *PICTURE])])
    outputs = ends.get("outputs", [helper.make_tensor_value_info("h", 1, ["batch", *CODE])])
    graph = helper.make_graph(list(nodes), "graph", inputs, outputs, list(tensors))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def linear() -> onnx.ModelProto:
    return model([FLAT, HEAD], copy.deepcopy(SHAPE), copy.deepcopy(WEIGHTS))


def beside(*nodes: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The linear encoder, to which the sum of the tensor `b` is added."""
    last = [
        helper.make_node("ReduceSum", ["b"], ["sum"], keepdims=0),
        helper.make_node("MatMul", ["f", "w"], ["m"]),
        helper.make_node("Add", ["m", "sum"], ["h"]),
    ]
    return [*nodes, FLAT, *last]


def pooled(*nodes: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The mean of the picture `b`, times weights."""
    return [
        *nodes,
        helper.make_node("GlobalAveragePool", ["b"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        HEAD,
    ]


def node(operation: str, *inputs: str, to: str = "b", **settings: Any) -> onnx.NodeProto:
    return helper.make_node(operation, inputs, [to], **settings)


def refused(hostile: onnx.ModelProto | bytes) -> str:
    """What is said of it; onnxruntime is never asked."""
    data = hostile if isinstance(hostile, bytes) else hostile.SerializeToString()
    with pytest.raises(GraphError) as error:
        check(data, "encoder", PICTURE, CODE)
    said = str(error.value)
    assert said.startswith("The encoder ") and said.endswith(".") and "\n" not in said and len(said) < 400
    return said


# --- what is harmless ----------------------------------------------------------------------------------------------


def exported(net: nn.Module, each: tuple[int, ...]) -> bytes:
    program = torch.onnx.export(
        net.eval(),
        (torch.rand(3, *each),),
        dynamo=True,
        external_data=False,
        dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
        verbose=False,
    )
    assert program is not None
    return program.model_proto.SerializeToString()


NETS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "encoder": (
        nn.Sequential(
            nn.Conv2d(1, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.SiLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32, 4)
        ),
        PICTURE,
    ),
    "decoder": (
        nn.Sequential(
            nn.Linear(4, 128),
            nn.Unflatten(1, (8, 4, 4)),
            nn.GroupNorm(2, 8),
            nn.Upsample(scale_factor=2),
            nn.GELU(),
            nn.ConvTranspose2d(8, 1, 3, padding=1),
            nn.Sigmoid(),
        ),
        CODE,
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETS)
def test_what_torch_exports_runs_as_in_torch(name: str) -> None:
    net, each = NETS[name]
    x = torch.rand(75, *each)  # in pieces of 64, 8 and 1
    with torch.no_grad():
        wanted = net.eval()(x)
    graph = Graph(name, each, tuple(wanted.shape[1:]))
    graph.hold(exported(net, each))
    assert torch.allclose(graph(x), wanted, atol=1e-5)
    assert graph(x[:0]).shape == wanted[:0].shape


def test_a_picture_s_code_does_not_depend_on_the_batch() -> None:
    graph = made(linear())
    x = torch.rand(73, *PICTURE)
    assert torch.allclose(graph(x), torch.cat([graph(one) for one in x.split(1)]), atol=1e-6)


def made(whole: onnx.ModelProto) -> Graph:
    graph = Graph("encoder", PICTURE, CODE)
    graph.hold(whole.SerializeToString())
    return graph


def test_a_graph_lies_in_its_module_s_state_and_comes_back() -> None:
    graph, x = made(linear()), torch.rand(2, *PICTURE)
    (buffer,) = graph.state_dict().values()
    assert buffer.dtype == torch.uint8 and graph.data == linear().SerializeToString() and graph.numbers == 256
    wanted = graph(x)
    again = copy.deepcopy(graph)
    assert graph._opened is not None and again._opened is None and torch.equal(again(x), wanted)
    halved = linear()
    halved.graph.initializer[1].CopyFrom(held("w", numpy_helper.to_array(WEIGHTS) / 2, np.float32))
    graph.graph = made(halved).graph  # what is loaded later is what runs
    assert torch.allclose(graph(x), wanted / 2)


def test_a_graph_that_was_made_for_one_picture_takes_them_one_by_one() -> None:
    fixed = linear()
    fixed.graph.node[0].input[1] = "one"
    fixed.graph.initializer.append(held("one", [1, 64]))
    assert check(fixed.SerializeToString(), "encoder", PICTURE, CODE) == (1,)
    x = torch.rand(5, *PICTURE)
    assert torch.allclose(made(fixed)(x), made(linear())(x), atol=1e-6)


def test_whole_numbers_are_divided_by_constants() -> None:
    """As exporters do it to tell sizes."""
    halved = [
        node("Shape", "x", to="s"),
        helper.make_node("Constant", [], ["two"], value=held("", 2)),
        node("Div", "s", "two", to="half"),
        node("Gather", "half", "last", to="columns"),
        helper.make_node("Cast", ["columns"], ["b"], to=1),
    ]
    whole = model(beside(*halved), SHAPE, WEIGHTS, held("last", [3]))
    x = torch.rand(2, *PICTURE)
    assert torch.allclose(made(whole)(x), made(linear())(x) + 4, atol=1e-5)


def test_pictures_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"The encoder takes \(N, \(1, 8, 8\)\), and was given \(2, 1, 9, 9\)"):
        made(linear())(torch.rand(2, 1, 9, 9))


def test_gradients_end_at_a_graph() -> None:
    x = torch.rand(2, *PICTURE, requires_grad=True)
    assert not made(linear())(x).requires_grad


# --- what is hostile -----------------------------------------------------------------------------------------------

SUBGRAPH = helper.make_graph(
    [helper.make_node("Relu", ["x"], ["y"])], "inner", [], [helper.make_tensor_value_info("y", 1, None)]
)
NUMBERS, WORK, NODES = 2**15, 10**6, 20  # limits that small graphs reach
MANY = [node("Relu", f"r{i}" if i else "x", to=f"r{i + 1}") for i in range(NODES)]
SIZED = [node("Shape", "x", to="s"), node("Mul", "s", "k", to="s2"), node("Expand", "one", "s2")]
ONE = held("one", [1.0], np.float32)
HOSTILE = {
    "a huge constant": (
        model(beside(node("ConstantOfShape", "d")), SHAPE, WEIGHTS, held("d", [200] * 2)),
        "numbers in",
    ),
    "a negative size": (model(beside(node("ConstantOfShape", "d")), SHAPE, WEIGHTS, held("d", [-5])), "do not fit"),
    "expand": (model(beside(node("Expand", "x", "d")), SHAPE, WEIGHTS, held("d", [1000, 1, 8, 8])), "numbers in the"),
    "tile": (model(beside(node("Tile", "x", "d")), SHAPE, WEIGHTS, held("d", [1, 1, 30, 30])), "numbers in the"),
    "range": (
        model(
            beside(node("Range", "0", "n", "1")),
            SHAPE,
            WEIGHTS,
            held("0", 0.0, np.float32),
            held("n", 5e4, np.float32),
            held("1", 1.0, np.float32),
        ),
        "numbers in the tensors",
    ),
    "resize": (
        model(pooled(node("Resize", "x", "", "k")), CHANNEL, held("k", [1, 1, 30, 30], np.float32)),
        "numbers in the tensors",
    ),
    "pad": (
        model(pooled(node("Pad", "x", "k")), CHANNEL, held("k", [0, 0, 200, 200, 0, 0, 0, 0])),
        "numbers in the tensors",
    ),
    "a size that grows with the picture's": (
        model(beside(*SIZED), SHAPE, WEIGHTS, held("k", [1, 1, 30, 30]), ONE),
        "numbers in the tensors of one run; allowed: up to 32,768",
    ),
    "a size that the picture tells": (
        model(
            beside(
                helper.make_node("Cast", ["x"], ["i"], to=7),
                node("Reshape", "i", "any", to="d"),
                node("ConstantOfShape", "d"),
            ),
            SHAPE,
            WEIGHTS,
            held("any", [-1]),
        ),
        "'b', of 'ConstantOfShape', whose type is not allowed or whose size depends on the picture",
    ),
    "much work": (
        model(
            pooled(node("Expand", "x", "d", to="wide"), node("Conv", "wide", "k", pads=[10] * 4)),
            held("d", [1, 20, 8, 8]),
            held("k", np.ones((4, 20, 6, 6)), np.float32),
            held("w", np.eye(4), np.float32),
        ),
        "multiplications for one run",
    ),
    "a division by what the graph makes": (
        model(
            beside(
                helper.make_node("Cast", ["x"], ["i"], to=7),
                node("Mul", "i", "0", to="zeros"),
                node("Add", "zeros", "2", to="twos"),
                node("Div", "i", "twos", to="q"),
                helper.make_node("Cast", ["q"], ["b"], to=1),
            ),
            SHAPE,
            WEIGHTS,
            held("0", 0),
            held("2", 2),
        ),
        "divides whole numbers by what is not known to be above 0 ('Div')",
    ),
    "a division by less than 0": (
        model(
            beside(
                helper.make_node("Cast", ["x"], ["i"], to=7),
                node("Div", "i", "divisor", to="q"),
                helper.make_node("Cast", ["q"], ["b"], to=1),
            ),
            SHAPE,
            WEIGHTS,
            held("divisor", -2),
        ),
        "divides whole numbers by what is not known to be above 0 ('Div')",
    ),
    "a remainder of what the graph makes": (
        model(
            beside(
                helper.make_node("Cast", ["x"], ["i"], to=6),
                node("Add", "i", "2", to="more"),
                node("Mod", "i", "more", to="q"),
                helper.make_node("Cast", ["q"], ["b"], to=1),
            ),
            SHAPE,
            WEIGHTS,
            held("2", 2, np.int32),
        ),
        "divides whole numbers by what is not known to be above 0 ('Mod')",
    ),
    "a tensor without numbers": (
        model(
            beside(node("Slice", "x", "from", "from", "axis")),
            SHAPE,
            WEIGHTS,
            held("from", [0]),
            held("axis", [3]),
        ),
        "'b' without numbers, (1, 1, 8, 0)",
    ),
    # Of an operation that has no such setting, which is looked at all the same.
    "a stride of 0": (model(pooled(node("Relu", "x", strides=[0, 1])), CHANNEL), "has 'strides' below 1 in 'Relu'"),
    "blocks of -1": (model(pooled(node("Relu", "x", blocksize=-1)), CHANNEL), "has 'blocksize' below 1 in 'Relu'"),
    "if": (model([helper.make_node("If", ["x"], ["h"], then_branch=SUBGRAPH, else_branch=SUBGRAPH)]), "operation 'If'"),
    "loop": (
        model(
            [helper.make_node("Loop", ["once", "no"], ["h"], body=SUBGRAPH)], held("once", 1), held("no", False, bool)
        ),
        "operation 'Loop'",
    ),
    "scan": (model([helper.make_node("Scan", ["x"], ["h"], body=SUBGRAPH, num_scan_inputs=1)]), "operation 'Scan'"),
    "a sequence": (model([node("SequenceConstruct", "x"), FLAT, HEAD], SHAPE, WEIGHTS), "'SequenceConstruct'"),
    "a map over a sequence": (model([helper.make_node("SequenceMap", ["x"], ["h"], body=SUBGRAPH)]), "'SequenceMap'"),
    "a hidden graph": (
        model([helper.make_node("Relu", ["x"], ["y"], body=SUBGRAPH), FLAT, HEAD], SHAPE, WEIGHTS),
        "a graph inside of 'Relu'",
    ),
    "texts": (
        model([helper.make_node("Constant", [], ["b"], value_strings=["a"]), FLAT, HEAD], SHAPE, WEIGHTS),
        "texts",
    ),
    "a cast to text": (
        model([helper.make_node("Cast", ["x"], ["b"], to=8), FLAT, HEAD], SHAPE, WEIGHTS),
        "'b', of 'Cast', whose type is not allowed",
    ),
    "operations of one's own": (
        model([helper.make_node("Fused", ["x"], ["h"], domain="com.microsoft")]),
        "com.microsoft",
    ),
    "scikit-learn's operations": (model([helper.make_node("Scaler", ["x"], ["h"], domain="ai.onnx.ml")]), "ai.onnx.ml"),
    "random numbers": (model(beside(node("RandomNormalLike", "x")), SHAPE, WEIGHTS), "draws random numbers"),
    "dropout": (model([node("Dropout", "x"), FLAT, HEAD], SHAPE, WEIGHTS), "draws random numbers ('Dropout')"),
    "too many nodes": (model([*MANY, FLAT, HEAD], SHAPE, WEIGHTS), "22 nodes; allowed: up to 20"),
    "numbers that are not finite": (
        model([FLAT, HEAD], SHAPE, held("w", np.full((64, 4), np.nan), np.float32)),
        "not finite, in the tensor 'w'",
    ),
    "a constant that is not finite": (
        model(
            [helper.make_node("Constant", [], ["w"], value=held("", [[np.inf] * 4] * 64, np.float32)), FLAT, HEAD],
            SHAPE,
        ),
        "not finite",
    ),
    "a tensor of texts": (model([FLAT, HEAD], SHAPE, WEIGHTS, helper.make_tensor("t", 8, [1], [b"a"])), "of type 8"),
    "another width": (
        model([FLAT, HEAD], SHAPE, held("w", np.ones((64, 5)), np.float32)),
        "gives (1, 5); needed: (1, 4)",
    ),
    "another picture": (
        model([FLAT, HEAD], held("flat", [-1, 63]), held("w", np.ones((63, 4)), np.float32)),
        "shapes that do not fit one another",
    ),
    "another type": (
        model([FLAT, HEAD], SHAPE, WEIGHTS, inputs=[helper.make_tensor_value_info("x", 11, ["batch", *PICTURE])]),
        "must take and give float32",
    ),
    "two inputs": (
        model(
            [node("Add", "x", "y", to="h")],
            inputs=[helper.make_tensor_value_info(name, 1, ["batch", 4]) for name in "xy"],
        ),
        "has 2 inputs; allowed: 1",
    ),
    "two outputs": (
        model(
            [FLAT, HEAD],
            SHAPE,
            WEIGHTS,
            outputs=[helper.make_tensor_value_info(name, 1, ["batch", None]) for name in "hf"],
        ),
        "has 2 outputs; allowed: 1",
    ),
    "a sequence as output": (
        model([FLAT, HEAD], SHAPE, WEIGHTS, outputs=[helper.make_tensor_sequence_value_info("h", 1, None)]),
        "outputs that are no tensors of numbers",
    ),
    "a circle": (
        model([node("Add", "x", "c"), node("Relu", "b", to="c"), FLAT, HEAD], SHAPE, WEIGHTS),
        "not a valid ONNX",
    ),
    "a tensor from nowhere": (model([FLAT, helper.make_node("MatMul", ["f", "n"], ["h"])], SHAPE), "not a valid ONNX"),
    "an old opset": (model([FLAT, HEAD], SHAPE, WEIGHTS, opset=9), "opset 9; allowed: one of 11 to"),
    "an opset to come": (model([FLAT, HEAD], SHAPE, WEIGHTS, opset=999), "opset 999; allowed: one of 11 to"),
    "no file": (b"", "not an ONNX file"),
    "something else": (b"PK\x03\x04" + bytes(100), "not an ONNX file"),
    "half a file": (linear().SerializeToString()[:700], "not an ONNX file, or is damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_each_kind_of_hostile_graph_is_refused_in_a_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_: pytest.fail("onnxruntime was asked"))
    for limit, value in (("MAX_NUMBERS", NUMBERS), ("MAX_WORK", WORK), ("MAX_NODES", NODES)):
        monkeypatch.setattr(graphs, limit, value)
    hostile, words = HOSTILE[name]
    assert words in refused(hostile), name
    data = hostile if isinstance(hostile, bytes) else hostile.SerializeToString()
    with pytest.raises(GraphError):
        Graph("encoder", PICTURE, CODE).hold(data)


def test_a_tensor_in_another_file_is_refused() -> None:
    hostile = linear()
    tensor = hostile.graph.initializer[1]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    assert "a tensor 'w' in another file" in refused(hostile)


def test_a_file_has_a_greatest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "MAX_BYTES", 2**20)
    assert "has 1 MB; allowed: up to 1 MB" in refused(bytes(2**20 + 1))


def test_a_tensor_that_is_larger_or_smaller_than_it_says_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    large, short = linear(), linear()
    monkeypatch.setattr(graphs, "MAX_BYTES", 4_096)
    large.graph.initializer[1].dims[:] = [64, 100]
    assert "[64, 100], which is too large" in refused(large)
    short.graph.initializer[1].raw_data = b"abcd"
    assert "the tensor 'w' does not hold what it says" in refused(short)


def test_functions_training_and_sparse_tensors_are_refused() -> None:
    hostile = linear()
    inner = [helper.make_node("Relu", ["a"], ["b"])]
    hostile.functions.append(helper.make_function("own", "F", ["a"], ["b"], inner, [helper.make_opsetid("", 18)]))
    assert "functions, such as 'F'" in refused(hostile)
    hostile = linear()
    hostile.training_info.add()
    assert "graphs for training" in refused(hostile)
    hostile = linear()
    hostile.graph.sparse_initializer.append(helper.make_sparse_tensor(ONE, held("i", [0]), [4]))
    assert "sparse tensors" in refused(hostile)


def test_sizes_that_only_a_batch_makes_large_are_never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one picture takes is within the limit, and what eight take is not."""
    monkeypatch.setattr(graphs, "MAX_NUMBERS", NUMBERS)
    grown = model(beside(*SIZED), SHAPE, WEIGHTS, held("k", [40, 2, 1, 1]), ONE).SerializeToString()
    assert check(grown, "encoder", PICTURE, CODE) == (1,)


def test_what_a_graph_says_of_its_own_shapes_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    lying = linear()
    lying.graph.value_info.append(helper.make_tensor_value_info("f", 1, ["batch", 3]))
    lying.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 77
    assert check(lying.SerializeToString(), "encoder", PICTURE, CODE) == graphs.BATCHES
    monkeypatch.setattr(graphs, "MAX_NUMBERS", NUMBERS)
    large = model(beside(node("ConstantOfShape", "d")), SHAPE, WEIGHTS, held("d", [200] * 2))
    large.graph.value_info.append(helper.make_tensor_value_info("b", 1, [1]))
    assert "numbers in the tensors" in refused(large)


def nested(field: int, part: bytes) -> bytes:
    """A part of a protobuf message."""
    length, head = len(part), bytes([field << 3 | 2])
    while True:
        head += bytes([length & 127 | (128 if length > 127 else 0)])
        length >>= 7
        if not length:
            return head + part


@pytest.mark.parametrize("inside", [1, 5, 13])  # nodes, tensors, tensors' descriptions
def test_parts_are_counted_before_they_are_made(inside: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "MAX_FIELDS", 50)
    assert "more than 50 parts" in refused(nested(7, nested(inside, b"") * 60))


def test_what_is_no_weight_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = linear()
    monkeypatch.setattr(graphs, "MAX_FRAME", 2**20)
    hostile.doc_string = "a" * (graphs.MAX_FRAME + 1)
    assert "1 MB besides its weights; allowed: up to 1 MB" in refused(hostile)
    heavy = model([FLAT, HEAD], SHAPE, WEIGHTS, held("unused", np.zeros(2**19), np.float32))
    assert check(heavy.SerializeToString(), "encoder", PICTURE, CODE)


def test_what_onnxruntime_cannot_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : no kernel in /src/onnx/math.cc:5 \nand more")

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    with pytest.raises(GraphError, match=r"^The encoder cannot be run by onnxruntime: no kernel in\.$"):
        made(linear())


def test_a_batch_of_none_needs_no_picture() -> None:
    found: Tensor = made(linear())(torch.rand(0, *PICTURE))
    assert found.shape == (0, 4)
