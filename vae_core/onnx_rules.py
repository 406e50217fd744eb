"""Models of the zoo as ONNX without tracing: one rule a layer, and one a step of a latent space, written by hand.

A rule is kept under the class and the method that it stands for, and does in ONNX's operations what the method does in
torch's. Where there is none, `NoRule` is raised and torch's own exporter takes over, far more slowly; `export` checks
what either wrote against the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from vae_core import likelihoods, nets
from vae_core.latents import flow, gaussian, priors, quantized, topdown
from vae_core.latents.fitted import STEPS, FlowPrior, waves
from vae_core.model import VAE
from vae_core.opsets import OPSET

SILU = nn.SiLU()
IR_VERSION = 10  # browsers' runtimes open it

Rule = Callable[..., Any]
Port = tuple[str, tuple[int, ...]]  # an input or output: its name, and the shape of one row
RULES: dict[tuple[type, str], Rule] = {}


class NoRule(LookupError):
    """Nothing here says how this class does this."""


class Value:
    """What a node gives, (N, ...): arithmetic on it writes nodes."""

    def __init__(self, graph: Builder, name: str) -> None:
        self.graph, self.name = graph, name

    def __add__(self, other: Any) -> Value:
        return self.graph.op("Add", self, other)

    def __sub__(self, other: Any) -> Value:
        return self.graph.op("Sub", self, other)

    def __mul__(self, other: Any) -> Value:
        return self.graph.op("Mul", self, other)

    def __truediv__(self, other: Any) -> Value:
        return self.graph.op("Div", self, other)

    def __matmul__(self, other: Any) -> Value:
        return self.graph.op("MatMul", self, other)

    def __neg__(self) -> Value:
        return self.graph.op("Neg", self)


class Builder:
    """A graph while it is written: nodes in their order, and each weight once."""

    def __init__(self, module: nn.Module) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self._names = {id(part): name for name, part in (*module.named_parameters(), *module.named_buffers())}

    def call(self, module: Any, method: str, *given: Any) -> Any:
        """Write what a module's method does, by its rule.

        Raises:
            NoRule: where there is none for exactly this class: a subclass may do something else.
        """
        if (rule := RULES.get((type(module), method))) is None:
            raise NoRule(f"{type(module).__name__}.{method}")
        return rule(self, module, *given)

    def run(self, module: nn.Module, x: Value) -> Value:
        """Write what a layer does."""
        return self.call(module, "forward", x)

    def op(self, kind: str, *inputs: Any, **attributes: Any) -> Value:
        """Write a node; its inputs are values, tensors, numbers, lists of whole numbers, or None for one left out."""
        return self.parts(kind, 1, *inputs, **attributes)[0]

    def parts(self, kind: str, count: int, *inputs: Any, **attributes: Any) -> list[Value]:
        """Write a node that gives several values."""
        names = [f"{kind}_{len(self.nodes)}.{i}" for i in range(count)]
        given = ["" if part is None else self._name(part) for part in inputs]
        self.nodes.append(helper.make_node(kind, given, names, **attributes))
        return [Value(self, name) for name in names]

    def _name(self, part: Any) -> str:
        """Name a value, or a constant that is kept then; numbers are float32, and ints in a list int64."""
        if isinstance(part, Value):
            return part.name
        if isinstance(part, Tensor):
            name = self._names.get(id(part), f"constant_{len(self.constants)}")
            array = part.detach().cpu().contiguous().numpy()
        else:
            array = np.array(part, np.int64 if isinstance(part, list) else np.float32)
            name = f"{array.dtype}_{'_'.join(map(str, array.ravel()))}{'' if array.ndim else '_scalar'}"
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def split(self, x: Value, sizes: Sequence[int]) -> list[Value]:
        """Return parts along the second axis."""
        return self.parts("Split", len(sizes), x, [*sizes], axis=1) if len(sizes) > 1 else [x]

    def halves(self, x: Value, axis: int = 1) -> list[Value]:
        """Return two equal parts."""
        return self.parts("Split", 2, x, axis=axis, num_outputs=2)

    def join(self, parts: Sequence[Value]) -> Value:
        """Join side by side along the second axis."""
        return self.op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]

    def shaped(self, x: Value, shape: Sequence[int]) -> Value:
        """Return the same numbers, (N, *shape)."""
        return self.op("Reshape", x, [0, *shape])

    def clip(self, x: Value, low: float, high: float) -> Value:
        """Tell what lies outside, cut to the ends."""
        return self.op("Clip", x, low, high)

    def resize(self, x: Value, size: Sequence[int]) -> Value:
        """Return the nearest neighbour's numbers, as `F.interpolate` takes them: (N, C, h, w) -> (N, C, *size)."""
        how: dict[str, Any] = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.op("Resize", x, None, None, [*size], axes=[2, 3], mode="nearest", **how)

    def repeated(self, row: Tensor, like: Value) -> Value:
        """Repeat one row (1, ...) as often as another value has rows."""
        rows = self.op("Shape", like, start=0, end=1)
        return self.op("Expand", row, self.op("Concat", rows, [1] * (row.dim() - 1), axis=0))

    def total(self, x: Value) -> Value:
        """Return the sum of a row's numbers: (N, ...) -> (N, 1)."""
        return self.op("ReduceSum", self.op("Flatten", x, axis=1), [1], keepdims=1)

    def model(self, inputs: list[Port], outputs: list[Port], values: list[Value]) -> onnx.ModelProto:
        """Return the whole, which gives these values, with a free number of rows."""
        ends = [helper.make_node("Identity", [v.name], [name]) for v, (name, _) in zip(values, outputs, strict=True)]
        ins, outs = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("rows", *shape)) for name, shape in ports]
            for ports in (inputs, outputs)
        )
        graph = helper.make_graph([*self.nodes, *ends], "model", ins, outs, [*self.constants.values()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def decoder(model: VAE, keep: int | None = None) -> onnx.ModelProto:
    """Return the ONNX model of `export.decoder`: `z` (N, D) and, where there are classes, `y` (N, classes) to `x`.

    Raises:
        NoRule: of a layer or step that has none.
    """
    graph, spec = Builder(model), model.spec
    sizes = [int(np.prod(shape)) for shape in spec.shapes]
    parts = graph.split(Value(graph, "z"), sizes)
    groups = [graph.shaped(part, shape) for part, shape in zip(parts, spec.shapes, strict=True)]
    given = [group if keep is None or i < keep else None for i, group in enumerate(groups)]
    y = Value(graph, "y") if spec.classes else None
    state = graph.call(model.latent, "complete", given)
    x = graph.call(model.likelihood, "mean", _output(graph, model, state, y))
    inputs: list[Port] = [("z", (spec.size,)), *([("y", (spec.classes,))] if spec.classes else [])]
    return graph.model(inputs, [("x", model.image_shape)], [x])


def flow_prior(prior: FlowPrior) -> onnx.ModelProto:
    """Write a fitted flow, its steps unrolled: `z` (N, M) of N(0, I) and, if it has classes, `y` to `code` (N, D)."""
    graph, step, count = Builder(prior), 1 / STEPS, prior.classes_known
    w, known = Value(graph, "z"), Value(graph, "y") @ prior.label.T if count else None

    def velocity(at: Value, time: float) -> Value:
        inner = prior.inner_bias + waves(torch.tensor(time)) @ prior.time.T
        h = graph.op("Gemm", at, prior.inner, inner, transB=1)
        h = _silu(graph, SILU, h if known is None else h + known)
        for weight, bias in ((prior.second, prior.second_bias), (prior.third, prior.third_bias)):
            h = h + _silu(graph, SILU, graph.op("Gemm", h, weight, bias, transB=1))
        return graph.op("Gemm", h, prior.outer, prior.outer_bias, transB=1)

    for i in range(STEPS):
        first = velocity(w, i * step)
        w = w + (first + velocity(w + first * step, (i + 1) * step)) * (step / 2)
    code = graph.op("Gemm", w, prior.basis * prior.scale, prior.centre, transB=1)
    inputs: list[Port] = [("z", (prior.dim,)), *([("y", (count,))] if count else [])]
    return graph.model(inputs, [("code", (len(prior.centre),))], [code])


def encoder(model: VAE) -> onnx.ModelProto:
    """Return the ONNX model of `export.encoder`: `x` to `mean`, `std` (N, D) and, where it is inferred, `y`.

    Raises:
        NoRule: of a layer or step that has none.
    """
    graph, spec = Builder(model), model.spec
    x = Value(graph, "x")
    features = graph.call(model.encoder, "forward", x)
    y = _inferred(graph, model, x, features) if spec.classes else None
    mean, std = graph.call(model.latent, "encode", _conditioned(graph, model, features, y))
    flat = [graph.join([graph.op("Flatten", part, axis=1) for part in groups]) for groups in (mean, std)]
    outputs: list[Port] = [("mean", (spec.size,)), ("std", (spec.size,))]
    if y is None or spec.classes is None:
        return graph.model([("x", model.image_shape)], outputs, flat)
    return graph.model([("x", model.image_shape)], [*outputs, ("y", (spec.classes,))], [*flat, y])


def _output(graph: Builder, model: VAE, state: Value, y: Value | None) -> Value:
    """Return the likelihood's parameters, as `VAE._output` has them."""
    return graph.run(model.decoder, state if y is None else graph.call(model.condition_decoder, "forward", state, y))


def _conditioned(graph: Builder, model: VAE, h: Any, y: Value | None) -> Any:
    return h if y is None else graph.call(model.condition_encoder, "forward", h, y)


def _inferred(graph: Builder, model: VAE, x: Value, h: Value) -> Value:
    """Return class weights, as `VAE.infer` finds them."""
    if model.config.classifier:
        return graph.op("Softmax", graph.run(model.classifier, x), axis=1)
    bounds = []
    for label in torch.eye(model.config.classes):
        y = graph.repeated(label[None], x)
        [mean], [std] = graph.call(model.latent, "encode", _conditioned(graph, model, h, y))
        fit = graph.call(model.likelihood, "log_prob", _output(graph, model, mean, y), x)
        bounds.append(fit - graph.call(model.latent, "kl", mean, std))
    return graph.op("Softmax", graph.join(bounds), axis=1)


def rule(*kinds: type, method: str = "forward") -> Callable[[Rule], Rule]:
    """Keep a function as the rule of these classes' method."""

    def keep(function: Rule) -> Rule:
        RULES.update({(kind, method): function for kind in kinds})
        return function

    return keep


# Layers


@rule(nn.Identity, nn.Dropout)
def _same(graph: Builder, layer: nn.Module, x: Value) -> Value:
    return x


@rule(nn.Sequential)
def _sequence(graph: Builder, layers: nn.Sequential, x: Value) -> Value:
    for layer in layers:
        x = graph.run(layer, x)
    return x


@rule(nn.Flatten)
def _flatten(graph: Builder, layer: nn.Flatten, x: Value) -> Value:
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise NoRule("Flatten of some axes")
    return graph.op("Flatten", x, axis=1)


@rule(nn.Unflatten)
def _unflatten(graph: Builder, layer: nn.Unflatten, x: Value) -> Value:
    if layer.dim != 1:
        raise NoRule("Unflatten of another axis")
    return graph.shaped(x, layer.unflattened_size)


@rule(nn.Linear)
def _linear(graph: Builder, layer: nn.Linear, x: Value) -> Value:
    return graph.op("Gemm", x, layer.weight, layer.bias, transB=1)


@rule(nn.Conv2d, nn.ConvTranspose2d)
def _convolution(graph: Builder, layer: nn.Conv2d | nn.ConvTranspose2d, x: Value) -> Value:
    if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        raise NoRule(f"padding {layer.padding} {layer.padding_mode}")
    up = isinstance(layer, nn.ConvTranspose2d)
    more = {"output_padding": [*layer.output_padding]} if up else {}
    sizes: dict[str, Any] = {
        "strides": [*layer.stride],
        "pads": [*layer.padding] * 2,
        "dilations": [*layer.dilation],
        **more,
    }
    kind = "ConvTranspose" if up else "Conv"
    return graph.op(kind, x, layer.weight, layer.bias, kernel_shape=[*layer.kernel_size], group=layer.groups, **sizes)


@rule(nn.AvgPool2d)
def _pool(graph: Builder, layer: nn.AvgPool2d, x: Value) -> Value:
    pairs = [[n, n] if isinstance(n, int) else [*n] for n in (layer.kernel_size, layer.stride)]
    if layer.padding or layer.ceil_mode:
        raise NoRule("AvgPool2d beyond the edge")
    return graph.op("AveragePool", x, kernel_shape=pairs[0], strides=pairs[1])


@rule(nets.BatchNorm)
def _batch_norm(graph: Builder, layer: nets.BatchNorm, x: Value) -> Value:
    parts = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    return graph.op("BatchNormalization", x, *parts, epsilon=layer.eps)


@rule(nn.GroupNorm)
def _group_norm(graph: Builder, layer: nn.GroupNorm, x: Value) -> Value:
    ones = torch.ones(layer.num_groups)
    groups = graph.shaped(x, [layer.num_groups, -1])  # (N, C, ...) -> (N, groups, numbers)
    normed = graph.op("InstanceNormalization", groups, ones, torch.zeros_like(ones), epsilon=layer.eps)
    channels = graph.shaped(normed, [layer.num_channels, -1]) * layer.weight[:, None] + layer.bias[:, None]
    return graph.op("Reshape", channels, graph.op("Shape", x))


@rule(nn.ReLU)
def _relu(graph: Builder, layer: nn.ReLU, x: Value) -> Value:
    return graph.op("Relu", x)


@rule(nn.LeakyReLU)
def _leaky_relu(graph: Builder, layer: nn.LeakyReLU, x: Value) -> Value:
    return graph.op("LeakyRelu", x, alpha=layer.negative_slope)


@rule(nn.ELU)
def _elu(graph: Builder, layer: nn.ELU, x: Value) -> Value:
    return graph.op("Elu", x, alpha=layer.alpha)


@rule(nn.Tanh)
def _tanh(graph: Builder, layer: nn.Tanh, x: Value) -> Value:
    return graph.op("Tanh", x)


@rule(nn.SiLU)
def _silu(graph: Builder, layer: nn.SiLU, x: Value) -> Value:
    return x * graph.op("Sigmoid", x)


@rule(nn.GELU)
def _gelu(graph: Builder, layer: nn.GELU, x: Value) -> Value:
    if layer.approximate != "none":
        raise NoRule("GELU approximated")
    return (graph.op("Erf", x * 0.5**0.5) + 1.0) * x * 0.5


@rule(nets.Resize)
def _resize(graph: Builder, layer: nets.Resize, x: Value) -> Value:
    return graph.resize(x, layer.size)


@rule(nets.Residual)
def _residual(graph: Builder, layer: nets.Residual, x: Value) -> Value:
    return graph.run(layer.skip, x) + graph.run(layer.layers, x)


@rule(nets.Pyramid)
def _pyramid(graph: Builder, layer: nets.Pyramid, x: Value) -> list[Value]:
    maps = [graph.run(layer.stem, x)]
    for stage in layer.stages:
        maps.append(graph.run(stage, maps[-1]))
    return [maps[level] for level in layer.levels]


@rule(nets.Concat)
def _concat(graph: Builder, layer: nets.Concat, h: Value, y: Value) -> Value:
    return graph.join([h, y])


@rule(nets.FiLM)
def _film(graph: Builder, layer: nets.FiLM, h: Value, y: Value) -> Value:
    scale, shift = graph.halves(graph.run(layer.scale_and_shift, y))
    return h * (scale + 1.0) + shift


# Likelihoods


@rule(likelihoods.Bernoulli, method="mean")
def _probability(graph: Builder, likelihood: likelihoods.Likelihood, params: Value) -> Value:
    return graph.op("Sigmoid", params)


@rule(likelihoods.Gaussian, likelihoods.Unknown, method="mean")
def _cut(graph: Builder, likelihood: likelihoods.Likelihood, params: Value) -> Value:
    return graph.clip(params, 0.0, 1.0)


@rule(likelihoods.DiscretizedLogistic, method="mean")
def _clipped_logistic(graph: Builder, likelihood: likelihoods.Likelihood, params: Value) -> Value:
    location, log_scale = graph.halves(params)
    location = location + 0.5
    scale = graph.op("Exp", graph.clip(log_scale - 2.0, *likelihoods.LOG_SCALE_RANGE))
    low, high = (graph.op("Softplus", (location - end) / scale) for end in (0.0, 1.0))
    return graph.clip(scale * (low - high), 0.0, 1.0)


@rule(likelihoods.Bernoulli, method="log_prob")
def _bits(graph: Builder, likelihood: likelihoods.Likelihood, params: Value, x: Value) -> Value:
    return graph.total(x * params - graph.op("Softplus", params))


@rule(likelihoods.Gaussian, method="log_prob")
def _squares(graph: Builder, likelihood: likelihoods.Gaussian, params: Value, x: Value) -> Value:
    """Return squared distances up to what all classes have in common."""
    off = (x - params) / likelihood.std.item()
    return graph.total(off * off) * -0.5


# Latent spaces: `complete` gives the decoder's input, `encode` mean and standard deviation of each group


@rule(gaussian.Gaussian, gaussian.Point, method="complete")
def _vector(graph: Builder, latent: gaussian.Vector, z: list[Value]) -> Value:
    return z[0]


@rule(gaussian.Point, method="encode")
def _point(graph: Builder, latent: gaussian.Point, h: Value) -> tuple[list[Value], list[Value]]:
    code = graph.run(latent.head, h)
    return [code], [code * 0.0]


@rule(gaussian.Gaussian, method="encode")
def _gaussian(graph: Builder, latent: gaussian.Gaussian, h: Value) -> tuple[list[Value], list[Value]]:
    mean, log_std = graph.halves(graph.run(latent.head, h))
    std = _spread(graph, log_std)
    if latent.flow is None:
        return [mean], [std]
    inner = [graph.op("Unsqueeze", part, [1]) for part in (mean, std)]  # (N, D) -> (N, 1, D)
    z = graph.call(latent.flow, "forward", inner[1] * latent._mirrored + inner[0], h)  # (N, draws, D)
    average = graph.op("ReduceMean", z, [1], keepdims=1)
    squares = graph.op("ReduceSumSquare", z - average, [1], keepdims=0)
    return [graph.op("Squeeze", average, [1])], [graph.op("Sqrt", squares / (latent._mirrored.shape[1] - 1.0))]


@rule(gaussian.Gaussian, method="kl")
def _kl(graph: Builder, latent: gaussian.Gaussian, mean: Value, std: Value) -> Value:
    """Return nats, (N, 1)."""
    if not latent.closed:
        raise NoRule("a KL without a closed form")
    return graph.total((mean * mean + std * std - 1.0) * 0.5 - graph.op("Log", std))


def _spread(graph: Builder, log_std: Value) -> Value:
    return graph.op("Exp", graph.clip(log_std, *priors.LOG_STD_RANGE))


@rule(flow.Flow)
def _flow(graph: Builder, layer: flow.Flow, z: Value, context: Value) -> Value:
    for step in layer.steps:
        assert isinstance(step, flow.Autoregressive)
        shift, gate = graph.call(step, "forward", z, context)
        opening = gate + flow.OPEN
        z = graph.op("Sigmoid", opening) * z + graph.op("Sigmoid", -opening) * shift
        z = graph.op("Gather", z, [*reversed(range(step.dim))], axis=2)
    return z


@rule(flow.Autoregressive)
def _autoregressive(graph: Builder, layer: flow.Autoregressive, z: Value, context: Value) -> list[Value]:
    see_inner, see_outer = layer.masks(torch.device("cpu"))
    seen = z @ (layer.inner.weight.cpu() * see_inner).T + layer.inner.bias
    hidden = seen + graph.op("Unsqueeze", context @ layer.context.weight.T, [1])
    output = graph.op("Elu", hidden) @ (layer.outer.weight.cpu() * see_outer).T + layer.outer.bias
    return graph.halves(output, axis=2)


@rule(quantized.Quantized, method="complete")
def _codes(graph: Builder, latent: quantized.Quantized, z: list[Value | None]) -> Value:
    if None in z:
        raise NoRule("codes that are drawn")  # one by one, from a recurrent net
    snapped = [graph.call(book, "snap", part) for book, part in zip(latent.books, z, strict=True)]
    *coarse, (_, *finest) = latent.shapes
    enlarged = [
        part if shape[1:] == tuple(finest) else graph.resize(part, finest)
        for part, shape in zip(snapped, [*coarse, latent.shapes[-1]], strict=True)
    ]
    return graph.join(enlarged)


@rule(quantized.Codebook, method="snap")
def _snap(graph: Builder, book: quantized.Codebook, z: Value) -> Value:
    """Return the nearest vectors, (N, c, h, w), as `nearest` and `embed` find them."""
    flat = graph.op("Transpose", z, perm=[0, 2, 3, 1])  # (N, c, h, w) -> (N, h, w, c)
    lengths = book.vectors.square().sum(1)
    off = -(flat @ (2 * book.vectors.T)) + lengths
    codes = graph.op("ArgMin", off, axis=3, keepdims=0)
    return graph.op("Transpose", graph.op("Gather", book.vectors, codes, axis=0), perm=[0, 3, 1, 2])


@rule(quantized.Quantized, method="encode")
def _quantized(graph: Builder, latent: quantized.Quantized, h: list[Value]) -> tuple[list[Value], list[Value]]:
    vectors: list[Value] = []
    for features, head, book, shape in zip(h, latent.heads, latent.books, latent.shapes, strict=True):
        seen = graph.join([features, graph.resize(vectors[-1], shape[1:])]) if vectors else features
        vectors.append(graph.call(book, "snap", graph.run(head, seen)))
    return vectors, [part * 0.0 for part in vectors]


@rule(topdown.TopDown, method="complete")
def _descend(graph: Builder, latent: topdown.TopDown, z: list[Value | None]) -> Value:
    state = graph.repeated(latent.start[None], next(part for part in z if part is not None))
    for block, given in zip(latent.blocks, z, strict=True):
        state = graph.run(block.enter, state)
        mean, _, skip = graph.call(block, "p", state)
        state = graph.call(block, "forward", state, skip, mean if given is None else given)
    return state


@rule(topdown.TopDown, method="encode")
def _ladder(graph: Builder, latent: topdown.TopDown, h: list[Value]) -> tuple[list[Value], list[Value]]:
    state, means, stds = graph.repeated(latent.start[None], h[0]), [], []
    for block, features in zip(latent.blocks, h, strict=True):
        state = graph.run(block.enter, state)
        mean, log_std, skip = graph.call(block, "p", state)
        std = _spread(graph, log_std)
        shift, log_ratio = graph.halves(graph.run(block.posterior, graph.join([state, features])))
        means.append(mean + std * shift)
        stds.append(std * _spread(graph, log_ratio))
        state = graph.call(block, "forward", state, skip, means[-1])
    return means, stds


@rule(topdown.Block, method="p")
def _block_prior(graph: Builder, block: topdown.Block, state: Value) -> list[Value]:
    """Return mean and log standard deviation, and what the state gains."""
    width = block.merge.out_channels
    return graph.split(graph.run(block.prior, state), [block.channels, block.channels, width])


@rule(topdown.Block)
def _block(graph: Builder, block: topdown.Block, state: Value, skip: Value, z: Value) -> Value:
    return graph.run(block.leave, state + skip + graph.run(block.merge, z))
