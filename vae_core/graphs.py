"""An ONNX graph from anybody: checked, kept in a buffer, and run by onnxruntime as a module.

A graph is checked before onnxruntime sees it: it holds only known operations, no other graphs, files or functions, and
the size of every tensor that it makes is known beforehand. So the cost of opening and running it is known, too.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import onnx
    import onnxruntime

MAX_BYTES = 120 * 2**20  # of a graph: two fit into a checkpoint
MAX_FRAME = 8 * 2**20  # bytes of it that are no weights: in memory each can become a hundred
MAX_FIELDS = 500_000  # of its file
MAX_NODES = 2_000
MAX_NUMBERS = 2**26  # in all tensors together that one run makes: 256 MB
MAX_WORK = 2**34  # multiplications of one run: seconds
MAX_RANK = 8
MAX_KNOWN = 1_024  # numbers of a tensor that may say how large others are
MIN_OPSET = 11
BATCHES = (64, 8, 1)  # pictures in one run: of these sizes, and no others, a graph is known to keep within the limits
THREADS = 4  # at most, of one session
TYPES = {1: "float32", 6: "int32", 7: "int64", 2: "uint8", 9: "bool", 10: "float16", 11: "float64"}  # of onnx
FLOATS = (1, 10, 11)
NESTED = {
    5: "a graph",
    10: "graphs",
    8: "texts",
    11: "a sparse tensor",
    12: "sparse tensors",
    13: "a type",
    14: "types",
}
POSITIVE = {"blocksize", "dilations", "group", "kernel_shape", "num_groups", "num_outputs", "size", "strides"}
RANDOM = {
    "Bernoulli",
    "Dropout",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}
# What nets of pictures are made of, and whose cost can be told from shapes.
_LISTED = """
    Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast CastLike Ceil Celu Clip Concat Constant
    ConstantOfShape Conv ConvTranspose Cos CumSum DepthToSpace Div Elu Equal Erf Exp Expand Flatten Floor Gather
    GatherElements Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid
    HardSwish Identity InstanceNormalization LRN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax
    LpNormalization MatMul Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg Not Or PRelu Pad Pow
    RMSNormalization Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round Selu Shape Sigmoid Sign Sin Size Slice Softmax
    Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tanh ThresholdedRelu Tile Transpose Trilu Unsqueeze
    Where Xor
"""
OPERATIONS = frozenset(_LISTED.split())
# The fields of onnx.proto that lead to weights, and those in which they lie: float_data, raw_data, double_data.
_PARTS = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 10: "tensor"},
}
_WEIGHTS = (4, 9, 10)

Shape = tuple[int, ...]


class GraphError(ValueError):
    """A graph that is damaged, hostile or something else than was asked for."""


class Graph(nn.Module):
    """A graph (N, *inputs) -> (N, *outputs) of float32 on the CPU, without gradients.

    The bytes lie in a buffer, so that a checkpoint holds them as it holds weights. They are checked before they run.
    """

    def __init__(self, what: str, inputs: Shape, outputs: Shape) -> None:
        super().__init__()
        self.what, self.inputs, self.outputs = what, inputs, outputs
        self.graph: Tensor
        self.register_buffer("graph", torch.zeros(0, dtype=torch.uint8))
        self._opened: tuple[Tensor, _Runner] | None = None

    def hold(self, data: bytes) -> None:
        """Take these bytes, (bytes,) uint8.

        Raises:
            GraphError: one sentence that says what is wrong with them.
        """
        self.graph = torch.from_numpy(np.frombuffer(data, np.uint8).copy())
        self._runner()

    @property
    def data(self) -> bytes:
        """The graph as an ONNX file."""
        return self.graph.cpu().numpy().tobytes()

    @property
    def numbers(self) -> int:
        """How many weights it holds."""
        return sum(math.prod(t.dims) for t in parse(self.data, self.what).graph.initializer if t.data_type in FLOATS)

    @property
    def batches(self) -> tuple[int, ...]:
        """Rows that it may be given together, the most first."""
        return self._runner().batches

    def _runner(self) -> _Runner:
        if self._opened is None or self._opened[0] is not self.graph:
            self._opened = self.graph, _Runner.of(self.data, self.what, self.inputs, self.outputs)
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the session: a copy opens its own."""
        return self.__dict__ | {"_opened": None}

    def forward(self, x: Tensor) -> Tensor:
        """Run it: (N, *inputs) -> (N, *outputs), on the device of x."""
        if tuple(x.shape[1:]) != self.inputs:
            raise ValueError(f"The {self.what} takes (N, {self.inputs}), and was given {tuple(x.shape)}.")
        return self._runner()(x.detach().float().cpu()).to(x.device)


@dataclass(frozen=True)
class _Runner:
    """A session, and the sizes of batch that it may be given."""

    session: onnxruntime.InferenceSession
    what: str
    outputs: Shape
    batches: tuple[int, ...]

    @classmethod
    def of(cls, data: bytes, what: str, inputs: Shape, outputs: Shape) -> _Runner:
        return cls(session(data, what, batches := check(data, what, inputs, outputs)), what, outputs, batches)

    def __call__(self, x: Tensor) -> Tensor:
        """Run (N, ...) -> (N, *outputs) in pieces of the known sizes."""
        name, parts = self.session.get_inputs()[0].name, [x.new_zeros(0, *self.outputs)]
        while len(x):
            size = next(n for n in self.batches if n <= len(x))
            try:
                (rows,) = self.session.run(None, {name: np.ascontiguousarray(x[:size])})
            except Exception as error:  # onnxruntime's own have no common base
                raise GraphError(f"The {self.what} cannot be run: {_first(error)}.") from error
            if rows.shape != (size, *self.outputs):
                raise GraphError(f"The {self.what} gave {rows.shape} where {(size, *self.outputs)} was told.")
            parts.append(torch.from_numpy(rows))
            x = x[size:]
        return torch.cat(parts)


def session(data: bytes, what: str, batches: Sequence[int]) -> onnxruntime.InferenceSession:
    """Tell what onnxruntime makes of a graph that was checked.

    Raises:
        GraphError: when it has no code for it.
    """
    assert batches, "the graph was not checked"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = min(THREADS, torch.get_num_threads()), 1
    options.enable_cpu_mem_arena = False  # gives back what a run took
    options.log_severity_level = 4  # what is wrong is told in our own words
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own exceptions have no common base
        raise GraphError(f"The {what} cannot be run by onnxruntime: {_first(error)}.") from error


def _first(error: Exception) -> str:
    """Return the first line of what others say, short, without their codes, paths and full stop."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    text = re.sub(r"\[\w+\] (: \d+ : \w+ : )?|Inference error\(s\): |\S*/\S+ ", "", text)
    return (text if len(text) <= 200 else text[:197] + "...").rstrip(".: ")


# --- checking ------------------------------------------------------------------------------------------------------


def check(data: bytes, what: str, inputs: Shape, outputs: Shape) -> tuple[int, ...]:
    """Refuse a graph that is not (N, *inputs) -> (N, *outputs), or could do harm or cost too much.

    Args:
        data: an ONNX file.
        what: its name in messages.
        inputs: one picture's or one code's shape.
        outputs: the shape of what it becomes.

    Returns:
        Those of `BATCHES` that keep within the limits; 1 is always among them.

    Raises:
        GraphError: one sentence that says what is wrong.
    """
    model = parse(data, what)
    check_parts(model, what)
    (entry,), (out,) = ends(model, what, 1)
    if entry.type.tensor_type.elem_type != 1 or out.type.tensor_type.elem_type != 1:
        raise GraphError(f"The {what} must take and give float32.")
    fitting = []
    for batch in BATCHES:
        try:
            shapes = infer(model, what, {entry.name: (batch, *inputs)})
            if shapes[out.name] != (batch, *outputs):
                raise GraphError(f"The {what} gives {shapes[out.name]}; needed: {(batch, *outputs)}.")
        except GraphError:
            if batch == 1:
                raise
        else:
            fitting.append(batch)
    return tuple(fitting)


def parse(data: bytes, what: str) -> onnx.ModelProto:
    """Return the graph's parts; nothing is run or looked up.

    Raises:
        GraphError: when it is too large or no ONNX file.
    """
    import onnx
    from google.protobuf.message import DecodeError

    if len(data) > MAX_BYTES:
        raise GraphError(f"The {what} has {len(data) / 2**20:.0f} MB; allowed: up to {MAX_BYTES // 2**20} MB.")
    model = onnx.ModelProto()
    try:
        frame = len(data) - _weigh(data, what)
        if frame > MAX_FRAME:
            raise GraphError(
                f"The {what} has {frame / 2**20:.0f} MB besides its weights; allowed: up to {MAX_FRAME // 2**20} MB."
            )
        model.ParseFromString(data)
    except (DecodeError, IndexError) as error:
        raise GraphError(f"The {what} is not an ONNX file, or is damaged or cut short.") from error
    if not model.graph.node:
        raise GraphError(f"The {what} is not an ONNX file, or holds no graph.")
    return model


def _weigh(data: bytes, what: str) -> int:
    """Return bytes of weights in a file, without building its parts: millions of empty ones would fill the memory."""
    todo, total, fields = [("model", 0, len(data))], 0, 0
    while todo:
        kind, place, end = todo.pop()
        while place < end:
            fields += 1
            if fields > MAX_FIELDS:
                raise GraphError(f"The {what} has more than {MAX_FIELDS:,} parts.")
            key, place = _varint(data, place)
            if key & 7 != 2:  # a number
                place = _varint(data, place)[1] if key & 7 == 0 else place + {1: 8, 5: 4}.get(key & 7, len(data))
                continue
            length, place = _varint(data, place)
            if place + length > end:
                raise IndexError("a part reaches beyond what it lies in")
            if kind == "tensor" and key >> 3 in _WEIGHTS:
                total += length
            elif part := _PARTS.get(kind, {}).get(key >> 3):
                todo.append((part, place, place + length))
            place += length
    return total


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of protobuf's at a place, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[place]
        value, place, shift = value | (byte & 127) << shift, place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise IndexError("a number without an end")


def check_parts(model: onnx.ModelProto, what: str) -> None:
    """Refuse what a graph may not be made of, whatever its shapes.

    Raises:
        GraphError: one sentence that names the part.
    """
    import onnx

    _check_whole(model, what)
    for node in model.graph.node:
        _check_node(node, what)
    for tensor in tensors(model):
        _check_tensor(tensor, what)
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # onnx raises whatever odd parts lead it to, here and below
        raise GraphError(f"The {what} is not a valid ONNX graph: {_first(error)}.") from error


def _check_whole(model: onnx.ModelProto, what: str) -> None:
    import onnx

    nodes, newest = len(model.graph.node), onnx.defs.onnx_opset_version()
    if nodes > MAX_NODES:
        raise GraphError(f"The {what} has {nodes:,} nodes; allowed: up to {MAX_NODES:,}.")
    if model.functions:
        raise GraphError(f"The {what} holds functions, such as {quoted(model.functions[0].name)}; allowed: none.")
    if model.training_info:
        raise GraphError(f"The {what} holds graphs for training; allowed: none.")
    if model.graph.sparse_initializer:
        raise GraphError(f"The {what} holds sparse tensors; allowed: dense ones.")
    domains = {entry.domain for entry in model.opset_import} - {"", "ai.onnx"}
    if strange := sorted(domains & {node.domain for node in model.graph.node}):
        raise GraphError(f"The {what} has operations of the domain {quoted(strange[0])}; allowed: ai.onnx.")
    versions = {entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")}
    if len(versions) != 1 or not MIN_OPSET <= min(versions) <= newest:
        listed = ", ".join(map(str, sorted(versions))) or "none"
        raise GraphError(f"The {what} is of opset {listed}; allowed: one of {MIN_OPSET} to {newest}.")


def _check_node(node: onnx.NodeProto, what: str) -> None:
    """Check that an operation is known, and that its settings are numbers."""
    name = quoted(node.op_type)
    if node.domain not in ("", "ai.onnx"):
        raise GraphError(f"The {what} has operations of the domain {quoted(node.domain)}; allowed: ai.onnx.")
    if node.op_type in RANDOM:
        raise GraphError(f"The {what} draws random numbers ({name}); it must give the same each time.")
    if node.op_type not in OPERATIONS:
        raise GraphError(
            f"The {what} has the operation {name}, which is none of the {len(OPERATIONS)} that are allowed."
        )
    for attribute in node.attribute:
        if attribute.type in NESTED or attribute.ref_attr_name:
            kind = NESTED.get(attribute.type, "a reference")
            raise GraphError(f"The {what} holds {kind} inside of {name}; allowed: numbers.")
        values = attribute.ints if attribute.type == 7 else [attribute.i]
        if attribute.name in POSITIVE and min(values, default=1) < 1:
            raise GraphError(f"The {what} has {quoted(attribute.name)} below 1 in {name}.")


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Give all tensors that a file holds, or whose numbers it has elsewhere."""
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors) if attribute.type in (4, 9) else ()


def _check_tensor(tensor: onnx.TensorProto, what: str) -> None:
    """Check that numbers lie in this file, as many as it says, all finite."""
    from onnx import numpy_helper

    name = quoted(tensor.name)
    if tensor.data_location or tensor.external_data:
        raise GraphError(
            f"The {what} has a tensor {name} in another file; all must lie in one: export with external_data=False, or "
            "give the file's path, with the other one beside it."
        )
    if tensor.data_type not in TYPES:
        raise GraphError(f"The {what} has a tensor {name} of type {tensor.data_type}; {_allowed()}.")
    if len(tensor.dims) > MAX_RANK or min(tensor.dims, default=0) < 0 or math.prod(tensor.dims) > MAX_BYTES:
        raise GraphError(
            f"The {what} has a tensor {name} of the shape {quoted(list(tensor.dims))}, which is too large."
        )
    try:
        values = numpy_helper.to_array(tensor)
    except Exception as error:
        raise GraphError(f"The {what} is damaged: the tensor {name} does not hold what it says.") from error
    if tensor.data_type in FLOATS and not np.isfinite(values).all():
        raise GraphError(f"The {what} has numbers that are not finite, in the tensor {name}.")


def _allowed() -> str:
    return f"allowed: {', '.join(TYPES.values())}"


def quoted(value: Any) -> str:
    """Tell what a stranger wrote, short."""
    return reprlib.repr(value)


def ends(
    model: onnx.ModelProto, what: str, most: int = 2
) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
    """Return the one input, and the outputs, of which there are up to `most`.

    Raises:
        GraphError: when there are others, or they are no tensors of numbers.
    """
    held = {tensor.name for tensor in model.graph.initializer}
    entries = [entry for entry in model.graph.input if entry.name not in held]
    outputs = list(model.graph.output)
    for side, ports, allowed in (("inputs", entries, 1), ("outputs", outputs, most)):
        if not 1 <= len(ports) <= allowed:
            listed = "1" if allowed == 1 else f"1 to {allowed}"
            raise GraphError(f"The {what} has {len(ports)} {side}; allowed: {listed}.")
        for entry in ports:
            if not entry.type.HasField("tensor_type") or entry.type.tensor_type.elem_type not in TYPES:
                raise GraphError(f"The {what} has {side} that are no tensors of numbers; {_allowed()}.")
    return entries, outputs


# --- what it costs -------------------------------------------------------------------------------------------------


def infer(model: onnx.ModelProto, what: str, given: dict[str, Shape]) -> dict[str, Shape]:
    """Return the shape of every tensor, from that of the input alone: what the file says of shapes is not believed.

    Raises:
        GraphError: when one is not known beforehand, or all together are too much.
    """
    import onnx

    shapes, known, whole = dict(given), _skeleton(model, given), set()
    try:
        inferred = onnx.shape_inference.infer_shapes(known, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:
        raise GraphError(f"The {what} has shapes that do not fit one another: {_first(error)}.") from error
    for entry in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        tensor = entry.type.tensor_type
        sizes = tuple(d.dim_value if d.HasField("dim_value") else -1 for d in tensor.shape.dim)
        if tensor.elem_type in TYPES and tensor.HasField("shape") and min(sizes, default=0) >= 0:
            shapes[entry.name] = sizes
        if tensor.elem_type not in FLOATS:
            whole.add(entry.name)
    whole |= {tensor.name for tensor in model.graph.initializer if tensor.data_type not in FLOATS}
    _check_division(model, what, whole)
    _check_cost(model, what, shapes)
    return shapes


def _skeleton(model: onnx.ModelProto, given: dict[str, Shape]) -> onnx.ModelProto:
    """Return the graph with shapes in the place of weights, and without what it says of its own tensors."""
    import onnx

    known = onnx.ModelProto()
    known.ir_version = max(4, model.ir_version)  # from 4 on, weights need not be inputs
    known.opset_import.extend(model.opset_import)
    known.graph.name = "shapes"
    known.graph.node.extend(model.graph.node)
    make = onnx.helper.make_tensor_value_info
    for tensor in model.graph.initializer:
        # Sizes are whole numbers, or the factors of a Resize; the rest are weights, which say nothing of shapes.
        telling = tensor.data_type not in FLOATS or len(tensor.dims) <= 1
        if telling and math.prod(tensor.dims) <= MAX_KNOWN:
            known.graph.initializer.append(tensor)
        else:
            known.graph.input.append(make(tensor.name, tensor.data_type, list(tensor.dims)))
    (entry,), outputs = ends(model, "graph", len(model.graph.output))
    known.graph.input.append(make(entry.name, entry.type.tensor_type.elem_type, list(given[entry.name])))
    for out in outputs:
        known.graph.output.append(make(out.name, out.type.tensor_type.elem_type, None))
    return known


def _check_division(model: onnx.ModelProto, what: str, whole: set[str]) -> None:
    """Let whole numbers be divided by constants above 0 alone: with some others onnxruntime 1.32 ends the process."""
    from onnx import numpy_helper

    held = {tensor.name: tensor for tensor in model.graph.initializer}
    made = {
        node.output[0]: node.attribute[0] for node in model.graph.node if node.op_type == "Constant" and node.attribute
    }
    held |= {name: setting.t for name, setting in made.items() if setting.name == "value"}
    for node in model.graph.node:
        if node.op_type not in ("Div", "Mod") or not whole & {*node.input, *node.output}:
            continue
        divisor = held.get(node.input[1])
        if divisor is None or not (numpy_helper.to_array(divisor) > 0).all():
            raise GraphError(
                f"The {what} divides whole numbers by what is not known to be above 0 ({quoted(node.op_type)})."
            )


def _check_cost(model: onnx.ModelProto, what: str, shapes: dict[str, Shape]) -> None:
    """Check that every tensor has a known size, and that all of them and the work for them are within the limits."""
    shapes |= {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    if empty := [
        name for name, shape in shapes.items() if len(shape) > 1 and 0 in shape
    ]:  # onnxruntime 1.32 does not survive all of them
        raise GraphError(f"The {what} has a tensor {quoted(empty[0])} without numbers, {shapes[empty[0]]}.")
    total: Counter[str] = Counter()
    for node in model.graph.node:
        made = [name for name in node.output if name]
        if missing := [name for name in made if name not in shapes]:
            raise GraphError(
                f"The {what} has a tensor {quoted(missing[0])}, of {quoted(node.op_type)}, whose type is not allowed "
                "or whose size depends on the picture."
            )
        work, room = _cost(node, shapes)
        total["numbers"] += room + sum(math.prod(shapes[name]) for name in made)
        total["work"] += work
    for kind, most in (("numbers", MAX_NUMBERS), ("work", MAX_WORK)):
        if total[kind] > most:
            unit = "numbers in the tensors of one run" if kind == "numbers" else "multiplications for one run"
            raise GraphError(f"The {what} asks for {total[kind]:,} {unit}; allowed: up to {most:,}.")


def _cost(node: onnx.NodeProto, shapes: dict[str, Shape]) -> tuple[int, int]:
    """Return multiplications of a node, and the numbers that it needs room for besides its outputs."""
    size = [math.prod(shapes.get(name, ())) if name else 0 for name in (*node.input, node.output[0])]
    if node.op_type == "Conv":
        return size[-1] * math.prod(shapes[node.input[1]][1:]), 0
    if node.op_type == "ConvTranspose":
        x, each = shapes[node.input[0]], math.prod(shapes[node.input[1]][1:])
        return size[0] * each, math.prod(x[2:]) * each
    settings = {attribute.name: attribute for attribute in node.attribute}
    if node.op_type in ("MatMul", "Gemm"):
        a = shapes[node.input[0]]
        turned = node.op_type == "Gemm" and "transA" in settings and settings["transA"].i
        return size[-1] * (a[0 if turned else -1] if a else 1), 0
    window = math.prod(settings["kernel_shape"].ints) if "kernel_shape" in settings else 1
    width = max(1, settings["size"].i) if "size" in settings else 1  # LRN
    return max(size) * max(1, window) * width, 0
