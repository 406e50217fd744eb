"""Anybody's encoder and decoder as graphs -> the one form that this project keeps, by adding nodes at both ends.

The form is an encoder x (N, C, H, W) in [0, 1] -> h, means and log standard deviations side by side (N, 2D) or a code
(N, D), and a decoder z (N, D) -> x, the mean picture (N, C, H, W). Flat pictures, channels last, other ranges of
pixels, logits and variances do not exist beyond this module.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vae_core import graphs
from vae_core.graphs import GraphError, Shape
from vae_core.latents.priors import LOG_STD_RANGE
from vae_core.opsets import for_browsers

if TYPE_CHECKING:
    import onnx

SPREADS = ("log_var", "log_std", "var", "std")  # what an encoder can give beside the mean
LEARNERS = "ai.onnx.ml"  # the domain in which scikit-learn's converter writes linear models
FLOAT = 1

Picture = tuple[int, int, int]


@dataclass(frozen=True)
class Meaning:
    """What the numbers mean to foreign graphs: the spread beside the mean, black and white, and logits of pictures."""

    spread: str = "log_var"
    pixels: tuple[float, float] = (0.0, 1.0)
    logits: bool = False

    def __post_init__(self) -> None:
        if self.spread not in SPREADS:
            raise ValueError(f"spread is {self.spread!r}; allowed: {', '.join(SPREADS)}.")
        low, high = self.pixels
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"pixels are {low:g} to {high:g}; allowed: two finite numbers, the lower first.")
        if self.logits and self.pixels != (0.0, 1.0):
            raise ValueError(f"A decoder of logits has pixels of 0 to 1, and they are {low:g} to {high:g}.")


@dataclass(frozen=True)
class Form:
    """Both graphs in the form that is kept; `point` where the encoder gives codes without a spread."""

    encoder: bytes
    decoder: bytes
    dim: int
    point: bool


@dataclass
class Foreign:
    """A foreign graph, checked for its parts: its one input with the sizes that it tells (-1: any), and its outputs."""

    model: onnx.ModelProto
    what: str
    input: str = ""
    type: int = FLOAT
    sizes: Shape = ()
    outputs: list[tuple[str, int]] = field(default_factory=list)

    @classmethod
    def read(cls, data: bytes, what: str, most: int) -> Foreign:
        """Parse and check.

        Raises:
            GraphError: one sentence that says what is wrong.
        """
        model = _standard(graphs.parse(data, what), what)
        graphs.check_parts(model, what)
        (entry,), outputs = graphs.ends(model, what, most)
        kind = entry.type.tensor_type
        sizes = tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else -1 for d in kind.shape.dim)
        if len(sizes) < 2:
            raise GraphError(f"The {what} takes {_words(sizes)}; needed: (N, ...), a picture or a code a row.")
        if kind.elem_type not in graphs.FLOATS:
            raise GraphError(f"The {what} takes {graphs.TYPES[kind.elem_type]}; allowed: float32, float16, float64.")
        types = [(out.name, out.type.tensor_type.elem_type) for out in outputs]
        return cls(model, what, entry.name, kind.elem_type, sizes, types)

    def given(self, each: Shape) -> list[Shape]:
        """Return the shapes of the outputs for one picture or code of the shape `each`, without the batch."""
        shapes = graphs.infer(self.model, self.what, {self.input: (1, *each)})
        sizes = [shapes[name] for name, _ in self.outputs]
        if wrong := [shape for shape in sizes if len(shape) < 2 or shape[0] != 1]:
            raise GraphError(f"The {self.what} gives {_words(wrong[0])} for a batch of 1; needed: (1, ...).")
        return [shape[1:] for shape in sizes]


def picture_of(encoder: Foreign) -> Picture | None:
    """Return the shape (C, H, W) of the pictures that an encoder takes, where it tells it."""
    if len(encoder.sizes) != 4:
        return None
    a, b, c = encoder.sizes[1:]
    if a in (1, 3) and min(b, c) > 0:
        return a, b, c
    return (c, a, b) if c in (1, 3) and min(a, b) > 0 else None


def form(encoder: Foreign, decoder: Foreign, shape: Picture, meaning: Meaning, latent_dim: int | None) -> Form:
    """Return both graphs in the form that is kept.

    Args:
        encoder: picture -> mean and spread, as two outputs or side by side in one, or a code.
        decoder: code -> picture.
        shape: of the pictures, (C, H, W).
        meaning: of the numbers.
        latent_dim: None takes as many as the decoder takes.

    Raises:
        GraphError: one sentence on what does not fit.
    """
    layout = _layout(encoder.sizes[1:], shape, "encoder takes")
    parts = encoder.given(layout.sizes)
    size = math.prod(decoder.sizes[1:]) if min(decoder.sizes[1:]) > 0 else None
    dim = latent_dim or size or math.prod(parts[0])
    widths = [math.prod(part) for part in parts]
    if widths not in ([dim], [2 * dim], [dim, dim]):
        raise GraphError(
            f"The encoder gives {' and '.join(map(str, widths))} numbers a picture, and a code has {dim}; needed: "
            f"{dim} (a code), or twice {dim} (means and spreads)."
        )
    code = decoder.sizes[1:] if size else _code(decoder, dim, parts[0])
    if math.prod(code) != dim:
        raise GraphError(f"The decoder takes {math.prod(code)} numbers a code, and the encoder gives {dim}.")
    pictures = decoder.given(code)[0]
    back = _layout(pictures, shape, "decoder gives")
    return Form(
        _encoder(encoder, layout, shape, widths, dim, meaning),
        _decoder(decoder, code, back, shape, dim, meaning),
        dim,
        widths == [dim],
    )


def _code(decoder: Foreign, dim: int, mean: Shape) -> Shape:
    """Return the shape of the codes that a decoder takes, where it leaves their sizes open."""
    return (dim,) if len(decoder.sizes) == 2 else mean


# --- layouts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """A picture's shape in a foreign graph, and whether its channels come last."""

    sizes: Shape
    last: bool = False


def _layout(sizes: Shape, shape: Picture, does: str) -> _Layout:
    """Tell how a graph holds pictures (C, H, W), by the sizes that it tells."""
    channels, height, width = shape
    known = [
        _Layout(shape),
        _Layout((height, width, channels), True),
        _Layout((math.prod(shape),)),
        _Layout((height, width), True),
    ]
    for one in known[: 4 if channels == 1 else 3]:
        if len(one.sizes) == len(sizes) and all(a in (-1, b) for a, b in zip(sizes, one.sizes, strict=True)):
            return one
    allowed = ", ".join(_words((-1, *one.sizes)) for one in known[:3])
    raise GraphError(f"The {does} {_words((-1, *sizes))}; allowed for these pictures: {allowed}.")


def _words(sizes: Sequence[int]) -> str:
    return f"({', '.join('N' if size < 0 else str(size) for size in sizes)})"


# --- adding nodes --------------------------------------------------------------------------------------------------


class _Chain:
    """Nodes one after another, each taking what the last one gave."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.held: list[onnx.TensorProto] = []

    def constant(self, values: Any, kind: type = np.float32) -> str:
        from onnx import numpy_helper

        name = f"{self.prefix}{len(self.held)}c"
        self.held.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def add(self, operation: str, *inputs: str, to: str = "", **settings: Any) -> str:
        """Return a node, and the name of its output."""
        from onnx import helper

        name = to or f"{self.prefix}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [name], **settings))
        return name

    def scaled(self, x: str, factor: float, offset: float) -> str:
        """Write X * factor + offset, left out where it changes nothing."""
        if factor != 1:
            x = self.add("Mul", x, self.constant(factor))
        return self.add("Add", x, self.constant(offset)) if offset else x

    def shaped(self, x: str, sizes: Shape) -> str:
        """Reshape (N, ...) to (N, *sizes)."""
        return self.add("Reshape", x, self.constant([-1, *sizes], np.int64))


def _encoder(foreign: Foreign, layout: _Layout, shape: Picture, widths: list[int], dim: int, meaning: Meaning) -> bytes:
    low, high = meaning.pixels

    def before(chain: _Chain, x: str) -> str:
        x = chain.scaled(x, high - low, low)
        if layout.last:
            x = chain.add("Transpose", x, perm=[0, 2, 3, 1])  # (N, C, H, W) -> (N, H, W, C)
        return chain.shaped(x, layout.sizes)

    def after(chain: _Chain, parts: list[str]) -> str:
        parts = [chain.shaped(part, (width,)) for part, width in zip(parts, widths, strict=True)]
        if widths == [dim]:
            return parts[0]
        if len(parts) == 1:
            ends = [chain.constant([n], np.int64) for n in (0, dim, 2 * dim, 1)]
            parts = [chain.add("Slice", parts[0], start, stop, ends[3]) for start, stop in (ends[:2], ends[1:3])]
        return chain.add("Concat", parts[0], _log_std(chain, parts[1], meaning.spread), axis=1)

    return _composed(foreign, before, after, ("x", shape), ("h", (dim if widths == [dim] else 2 * dim,)))


def _log_std(chain: _Chain, spread: str, kind: str) -> str:
    """Return the logarithm of the standard deviation, of what an encoder gives."""
    if not kind.startswith("log"):
        least = math.exp(LOG_STD_RANGE[0] * (2 if kind == "var" else 1))
        spread = chain.add("Log", chain.add("Max", spread, chain.constant(least)))
    return chain.scaled(spread, 0.5 if kind.endswith("var") else 1, 0)


def _decoder(foreign: Foreign, code: Shape, layout: _Layout, shape: Picture, dim: int, meaning: Meaning) -> bytes:
    low, high = meaning.pixels
    channels, height, width = shape

    def after(chain: _Chain, parts: list[str]) -> str:
        x = parts[0]
        if layout.last:
            x = chain.add("Transpose", chain.shaped(x, (height, width, channels)), perm=[0, 3, 1, 2])
        x = chain.shaped(x, shape)
        return chain.add("Sigmoid", x) if meaning.logits else chain.scaled(x, 1 / (high - low), -low / (high - low))

    return _composed(foreign, lambda chain, z: chain.shaped(z, code), after, ("z", (dim,)), ("x", shape))


def _composed(
    foreign: Foreign,
    before: Callable[[_Chain, str], str],
    after: Callable[[_Chain, list[str]], str],
    source: tuple[str, Shape],
    target: tuple[str, Shape],
) -> bytes:
    """Return the graph between nodes that translate, without what it tells of the machine on which it was made."""
    from onnx import compose, helper

    model = compose.add_prefix(foreign.model, "foreign/")
    first, last = _Chain("before/"), _Chain("after/")
    start = before(first, source[0])
    first.nodes.append(helper.make_node("Cast", [start], [f"foreign/{foreign.input}"], to=foreign.type))
    outputs = [f"foreign/{name}" for name, _ in foreign.outputs]
    casts = [helper.make_node("Cast", [name], [f"{name}/float"], to=FLOAT) for name in outputs]
    last.add("Identity", after(last, [f"{name}/float" for name in outputs]), to=target[0])
    graph = helper.make_graph(
        [*first.nodes, *map(_bare, model.graph.node), *casts, *last.nodes],
        foreign.what,
        [helper.make_tensor_value_info(source[0], FLOAT, ["batch", *source[1]])],
        [helper.make_tensor_value_info(target[0], FLOAT, ["batch", *target[1]])],
        [*first.held, *map(_bare, model.graph.initializer), *last.held],
    )
    opset = [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx")][:1]
    made = helper.make_model(graph, opset_imports=opset, ir_version=max(4, model.ir_version))
    with contextlib.suppress(GraphError):  # then the live view says why the server decodes
        made = for_browsers(made)
    return made.SerializeToString()


def _bare(part: Any) -> Any:
    """Remove remarks: exporters write the paths of the owner's sources there."""
    part.ClearField("doc_string")
    part.ClearField("metadata_props")
    return part


# --- scikit-learn --------------------------------------------------------------------------------------------------


def _standard(model: onnx.ModelProto, what: str) -> onnx.ModelProto:
    """Return linear models of scikit-learn's converter in the operations that all graphs have."""
    if not any(node.domain == LEARNERS for node in model.graph.node):
        return model
    nodes: list[onnx.NodeProto] = []
    for index, node in enumerate(model.graph.node):
        chain = _Chain(f"linear{index}/")
        if node.domain == LEARNERS and node.op_type in ("LinearRegressor", "Scaler"):
            try:
                _linear(chain, node)
            except Exception as error:  # what is missing, or of another kind
                raise GraphError(f"The {what} is damaged: a {node.op_type} does not hold what it says.") from error
        nodes.extend(chain.nodes or [node])
        model.graph.initializer.extend(chain.held)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _linear(chain: _Chain, node: onnx.NodeProto) -> None:
    """Compute X W + b, or (x - offset) * scale; nothing where the node asks for more than that."""
    from onnx import helper

    settings = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    x, out = node.input[0], node.output[0]
    if node.op_type == "Scaler":
        x = chain.add("Sub", x, chain.constant(settings.get("offset", [0.0])))
        chain.add("Mul", x, chain.constant(settings.get("scale", [1.0])), to=out)
    elif settings.get("post_transform", b"NONE") == b"NONE":
        weights = np.reshape(
            settings["coefficients"], (settings.get("targets", 1), -1)
        ).T  # (targets, F) -> (F, targets)
        x = chain.add("MatMul", x, chain.constant(weights))
        chain.add("Add", x, chain.constant(settings.get("intercepts", [0.0])), to=out)
