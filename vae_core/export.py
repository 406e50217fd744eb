"""Decoder and encoder as ONNX: one self-contained file each, checked against torch, for any runtime.

A decoder takes `z` (N, D), flat, and `y` (N, classes) where the model is conditional, and gives `x` (N, C, H, W) in
[0, 1]. An encoder takes `x` (N, C, H, W), observed, and gives `mean` and `std` (N, D), and `y` where it is inferred.
"""

from __future__ import annotations

import hashlib
import io
import math
import threading
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vae_core import explore
from vae_core.explore import flatten, unflatten
from vae_core.graphs import Graph, GraphError
from vae_core.latents.fitted import FlowPrior
from vae_core.latents.priors import LOG_STD_RANGE
from vae_core.model import VAE
from vae_core.opsets import OPSET, for_browsers
from vae_core.shards import seeded

VERSION = 5  # of what is written: files kept from an older one are made anew
TOLERANCE = 1e-4  # between torch and the file, in units of x or of z
SHOWN = 1 / 255  # a grey level: what weights in half precision may change; half of it in what is tried, to be sure
FAR, EXTREME = 3.0, 10.0  # standard deviations: as far as a slider goes, and where no picture looks like one
TRIED = 32  # latents of either kind that a file is checked on
WORTH = 1024  # numbers: a smaller weight is not worth a conversion
AT_ONCE, LEAST_ROWS = 8, 2  # rows that are tried together
MAX_BYTES = 64 * 2**20  # of a file for the browser
MAX_LAYER = 2**21  # numbers that a layer gives for one picture: a browser decodes several at a time, in one thread
MAX_REASON = 200  # characters of an exporter's own words

_lock = threading.Lock()  # the exporter keeps state of its own


class ExportError(ValueError):
    """A model, or half of one, that cannot be a file; the sentence says why."""


class _Decoder(nn.Module):
    """Flat z, and class weights where there are any, to the likelihood's mean; `keep` and `flow` as in `decoder`."""

    def __init__(self, model: VAE, keep: int | None, flow: FlowPrior | None = None) -> None:
        super().__init__()
        self.model, self.keep, self.flow = model, keep, flow

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        groups = unflatten(z if self.flow is None else self.flow.to_code(z, y), self.model.spec)
        if self.keep is not None:
            groups[self.keep :] = [None] * (len(groups) - self.keep)
        return self.model.decode(groups, y)

    def foreign(self) -> Any:
        """Return the ONNX model that the half was imported as; None where it is of the zoo."""
        graph = _foreign_decoder(self.model)
        return graph if graph is None or self.flow is None else _behind(self.flow, graph)

    def write(self) -> Any:
        """Return the ONNX model by rules."""
        from vae_core import onnx_rules

        graph = onnx_rules.decoder(self.model, self.keep)
        return graph if self.flow is None else _behind(self.flow, graph)


class _Encoder(nn.Module):
    """Observed pictures to mean, standard deviation and the class inferred."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        encoding = self.model.encode(x)
        flat = flatten(encoding.mean), flatten(encoding.std)
        return flat if encoding.y is None else (*flat, encoding.y)

    def foreign(self) -> Any:
        """Write what `_Decoder.foreign` writes, of the encoder."""
        return _foreign_encoder(self.model)

    def write(self) -> Any:
        """Write what `_Decoder.write` writes, of the encoder."""
        from vae_core import onnx_rules

        return onnx_rules.encoder(self.model)


def check(model: VAE) -> None:
    """Refuse a model that no browser would run, before anything is computed.

    Raises:
        ExportError: one sentence that says why.
    """
    _rows(model)


@torch.inference_mode()
def codes(model: VAE, base: Tensor, y: Tensor | None = None) -> Tensor:
    """Take points of the fitted flow's base (N, D), of the classes weighted by y, as codes (N, D) on the CPU."""
    given = None if y is None or not model.spec.fitted_classes else y.to(model.device)
    return explore.flow_of(model).to_code(base.to(model.device), given).cpu()


@torch.inference_mode()
def pictures(model: VAE, z: Tensor, y: Tensor | None = None, keep: int | None = None, flow: bool = False) -> Tensor:
    """Compute what the file of `decoder` gives: (N, D), and class weights (N, classes), to (N, C, H, W) on the CPU."""
    classes = y if model.spec.classes else None
    z = codes(model, z, y) if flow else z
    return explore.decode(model, z, classes) if keep is None else explore.continued(model, z, keep, 0.0, y=classes)


@torch.inference_mode()
def numbers(model: VAE, x: Tensor) -> Tensor:
    """Compute what the file of `encoder` gives, side by side: observed pictures (N, C, H, W) to (N, 2 D + classes)."""
    return torch.cat(_Encoder(model)(x.to(model.device)), dim=1).cpu()


def decoder(model: VAE, keep: int | None = None, half: bool = True, flow: bool = False) -> bytes:
    """Return the decoder as ONNX.

    Args:
        model: any model of the zoo.
        keep: latent groups that are read; the finer ones take their means given these. None reads all.
        half: store weights in half precision where no picture tried changes by more than a grey level.
        flow: behind the fitted flow, unrolled: `z` is then a point of N(0, I), and `y` the class of the flow, if any.

    Raises:
        ExportError: where the file would not give the model's pictures, or is too large for a browser.
        ValueError: where there is no flow.
    """
    spec = model.spec
    if flow:
        return _flow_decoder(model, half)
    if keep is not None and not 1 <= keep <= len(spec.shapes):
        raise ValueError(f"keep is {keep}; this model takes 1 to {len(spec.shapes)}.")
    draw = [flatten(model.sample_prior(TRIED, generator=seeded(0))).cpu()]
    noise = torch.randn(TRIED, spec.size, generator=seeded(1))
    z = torch.cat([*draw, FAR * noise, EXTREME * noise])
    classes = () if spec.classes is None else (torch.rand(len(z), spec.classes, generator=seeded(2)).softmax(1),)
    names, usual = ("z", "y")[: 1 + len(classes)], 2 * TRIED if half else 0
    return _export(_Decoder(model, keep), (z, *classes), names, ("x",), usual)


def classes_behind(model: VAE) -> int:
    """Return classes that the file of `decoder` with `flow` takes: the decoder's own, else the flow's; 0 for none."""
    return model.spec.classes or model.spec.fitted_classes


def _flow_decoder(model: VAE, half: bool) -> bytes:
    """Return the decoder behind the fitted flow."""
    prior, count = explore.flow_of(model), classes_behind(model)
    draw, noise = (torch.randn(TRIED, prior.dim, generator=seeded(i)) for i in range(2))
    z = torch.cat([draw, FAR * noise])
    classes = (torch.rand(len(z), count, generator=seeded(2)).softmax(1),) if count else ()
    names, usual = ("z", "y")[: 1 + len(classes)], 2 * TRIED if half else 0
    return _export(_Decoder(model, None, prior), (z, *classes), names, ("x",), usual)


def _behind(flow: FlowPrior, decoder: Any) -> Any:
    """Return a decoder's ONNX model that takes its code from a flow's."""
    import onnx

    from vae_core import onnx_rules

    before = onnx.compose.add_prefix(onnx_rules.flow_prior(flow), "flow.", rename_inputs=False, rename_outputs=False)
    taken = decoder.graph.input[0].name
    for each in decoder.graph.node:
        each.input[:] = ["code" if name == taken else name for name in each.input]
    nodes, inputs = [*before.graph.node, *decoder.graph.node], [*before.graph.input, *decoder.graph.input[1:]]
    for held, parts in ((decoder.graph.node, nodes), (decoder.graph.input, inputs)):
        del held[:]
        held.extend(parts)
    decoder.graph.initializer.extend(before.graph.initializer)
    return decoder


def encoder(model: VAE, half: bool = True) -> bytes:
    """Write the encoder as ONNX; `half` as in `decoder`, where no mean or standard deviation changes by over 1/255.

    Raises:
        ExportError: as `decoder`.
    """
    levels = torch.rand(2 * TRIED, 1, 1, 1, generator=seeded(0))
    x = model.observe(torch.rand(2 * TRIED, *model.image_shape, generator=seeded(1)) * levels, seeded(2))
    outputs = ("mean", "std") if model.spec.classes is None else ("mean", "std", "y")
    return _export(_Encoder(model), (x,), ("x",), outputs, len(x) if half else 0)


def _foreign_decoder(model: VAE) -> Any:
    """Return the decoder that the model was imported with, its pictures cut to [0, 1]; None where it is of the zoo."""
    if not isinstance(model.decoder, Graph):
        return None
    import onnx

    return _continued(
        onnx.load_from_string(model.decoder.data),
        [onnx.helper.make_node("Clip", ["raw", "zero", "one"], ["x"])],
        {"zero": np.float32(0), "one": np.float32(1)},
        {"x": model.image_shape},
    )


def _foreign_encoder(model: VAE) -> Any:
    """Return the same of an encoder, whose output is mean and log standard deviation side by side, or a code."""
    if not isinstance(model.encoder, Graph):
        return None
    import onnx

    node, dim = onnx.helper.make_node, model.spec.size
    if model.spec.spreads:
        low, high = LOG_STD_RANGE
        nodes = [
            node("Slice", ["raw", "begin", "middle", "axis"], ["mean"]),
            node("Slice", ["raw", "middle", "end", "axis"], ["log_std"]),
            node("Clip", ["log_std", "low", "high"], ["cut"]),
            node("Exp", ["cut"], ["std"]),
        ]
        constants: dict[str, Any] = {"low": np.float32(low), "high": np.float32(high)}
        constants |= {"begin": np.array([0]), "middle": np.array([dim]), "end": np.array([2 * dim])}
        constants["axis"] = np.array([1])
    else:
        nodes = [node("Identity", ["raw"], ["mean"]), node("Mul", ["raw", "none"], ["std"])]
        constants = {"none": np.float32(0)}
    return _continued(onnx.load_from_string(model.encoder.data), nodes, constants, {"mean": (dim,), "std": (dim,)})


def _continued(model: Any, nodes: list[Any], constants: dict[str, Any], outputs: dict[str, tuple[int, ...]]) -> Any:
    """Continue an ONNX model's one output, as `raw`, through more nodes; its own names make room for theirs."""
    import onnx

    try:
        model = for_browsers(model)
    except GraphError as error:
        raise ExportError(str(error)) from error
    model = onnx.compose.add_prefix(model, "its.", rename_inputs=False)
    for each in nodes:
        each.input[:] = [model.graph.output[0].name if name == "raw" else name for name in each.input]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.array(v), name) for name, v in constants.items())
    del model.graph.output[:]
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ("rows", *shape))
        for name, shape in outputs.items()
    )
    return model


def digest(data: bytes) -> str:
    """Name a file by its contents: SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(model: VAE) -> str:
    """Tell what names a model by its recipe and weights, and the exporter: equal ones have equal files."""
    sha = hashlib.sha256(f"{VERSION} {torch.__version__} {model.config!r}".encode())
    for name, tensor in model.state_dict().items():
        sha.update(name.encode())
        sha.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _export(
    module: _Decoder | _Encoder,
    tried: tuple[Tensor, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    usual: int,
) -> bytes:
    """Return the module as a file that gives, for all that is tried, what the module gives.

    Weights are in half precision where that shows in none of the first `usual` rows; 0 keeps them whole.
    """
    rows = _rows(module.model)
    with torch.inference_mode():
        wanted = _wanted(module, tried, rows)
        model = module.foreign() or _by_rule(module) or _by_tracing(module, tried, rows, inputs, outputs)
        feeds = dict(zip(inputs, tried, strict=True))
        whole = model.SerializeToString()
        if (off := _apart(whole, feeds, wanted, rows)) > TOLERANCE:
            raise ExportError(f"The file would differ from the model by {off:.2g}; allowed: up to {TOLERANCE:g}.")
        if usual:
            _halve(model)
            short = model.SerializeToString()
            seen = {name: part[:usual] for name, part in feeds.items()}
            whole = short if _apart(short, seen, [part[:usual] for part in wanted], rows) <= SHOWN / 2 else whole
    if len(whole) > MAX_BYTES:
        raise ExportError(f"The file would have {len(whole) >> 20} MB; allowed: up to {MAX_BYTES >> 20} MB.")
    return whole


def _by_rule(module: _Decoder | _Encoder) -> Any:
    """Return the ONNX model as the rules write it; None where a layer has none."""
    from vae_core import onnx_rules

    try:
        return module.write()
    except onnx_rules.NoRule:
        return None


def _by_tracing(module: _Decoder | _Encoder, tried: tuple[Tensor, ...], rows: int, *names: tuple[str, ...]) -> Any:
    """Return the ONNX model as torch's exporter writes it; 10 to 50 times as slow."""
    with _lock:
        return traced(module, tuple(part[:rows].to(module.model.device) for part in tried), "model", *names)


def _rows(model: VAE) -> int:
    """Return rows that are tried together, in bounded memory.

    Raises:
        ExportError: for a model that no browser would run, before anything is computed.
    """
    weights = 4 * sum(part.numel() for part in model.parameters())
    if weights > 2 * MAX_BYTES:  # half of it, stored in half precision
        raise ExportError(f"The weights have {weights >> 20} MB; allowed: up to {2 * MAX_BYTES >> 20} MB.")
    if (layer := model.config.largest_layer) > MAX_LAYER:
        raise ExportError(f"A layer gives {layer:,} numbers for one picture; allowed: up to {MAX_LAYER:,}.")
    graphs = [half for half in (model.encoder, model.decoder) if isinstance(half, Graph)]
    if any(max(graph.batches) < LEAST_ROWS for graph in graphs):
        raise ExportError("A graph of this model takes one row at a time, and a browser sends several.")
    return min([AT_ONCE, *(max(graph.batches) for graph in graphs)])


def _wanted(module: nn.Module, tried: tuple[Tensor, ...], rows: int) -> list[Tensor]:
    """Tell what the module gives, on the CPU."""
    parts = []
    for given in zip(*(part.split(rows) for part in tried), strict=True):
        outputs = module(*(part.to(module.model.device) for part in given))
        parts.append([part.cpu() for part in (outputs if isinstance(outputs, tuple) else (outputs,))])
    return [torch.cat(each) for each in zip(*parts, strict=True)]


def traced(
    module: nn.Module, tried: tuple[Tensor, ...], what: str, inputs: Sequence[str] = (), outputs: Sequence[str] = ()
) -> Any:
    """Return a module as an ONNX model with a free number of rows.

    Args:
        module: in eval mode, on the device of `tried`.
        tried: its inputs, of more than one row, or the number would be fixed.
        what: its name in messages.
        inputs: names of what it takes; the exporter's own where there are none.
        outputs: names of what it gives.

    Raises:
        ExportError: what stops the exporter.
    """
    from onnxscript import opset18 as op

    def bits(logits: Any, x: Any, weight: Any = None, pos_weight: Any = None, reduction: int = 0) -> Any:
        """Write the cross-entropy: the exporter's own takes exp() of large logits, and is not a number there."""
        return op.Sub(op.Softplus(logits), op.Mul(x, logits))

    rows = torch.export.Dim("rows", min=1, max=2**16)
    try:
        # The exporter speaks of its progress, and libraries that it calls of their own future.
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                tried,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(inputs) or None,
                output_names=list(outputs) or None,
                dynamic_shapes=({0: rows},) * len(tried),
                custom_translation_table={torch.ops.aten.binary_cross_entropy_with_logits.default: bits},
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # whatever stops the exporter, the model still works on the server
        raise ExportError(f"The {what} cannot be written as ONNX: {_reason(error)}.") from error
    assert program is not None
    model = program.model_proto
    # A `len(x)` on the way, which is a plain number to the exporter where `x.shape[0]` is none, settles the rows.
    if any(part.type.tensor_type.shape.dim[0].dim_value for part in model.graph.input):
        raise ExportError(f"The file would take {len(tried[0])} rows at a time and no other number of them.")
    return model


def _reason(error: BaseException) -> str:
    """Tell what lies at the bottom of an exporter's complaint, in a line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:MAX_REASON].rstrip(". ")


def _apart(data: bytes, feeds: dict[str, Tensor], wanted: list[Tensor], rows: int) -> float:
    """Return the largest difference between what a file gives and what was wanted; infinite if either is not finite."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False  # gives back what a run took
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others need the processors, too
    # One row, and then more: an exporter that took the number of rows for fixed is found out.
    total = len(wanted[0])
    pieces = [slice(0, 1), *(slice(i, i + rows) for i in range(1, total, rows))]
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        runs = [session.run(None, {name: part[piece].numpy() for name, part in feeds.items()}) for piece in pieces]
    except Exception as error:  # onnxruntime's exceptions have no common base of their own
        raise ExportError(f"The model's ONNX file does not run: {_reason(error)}.") from error
    given = [torch.from_numpy(np.concatenate(parts)) for parts in zip(*runs, strict=True)]
    largest = max(float((part - other).abs().max()) for part, other in zip(given, wanted, strict=True))
    return largest if math.isfinite(largest) else math.inf


def _halve(model: Any) -> None:
    """Store large weights in half precision, each with a node before the others that widens it again."""
    import onnx
    from onnx import numpy_helper

    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or math.prod(weight.dims) < WORTH:
            continue
        values, name = numpy_helper.to_array(weight), weight.name
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
