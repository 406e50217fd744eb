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
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn

from vae_core.explore import flatten, unflatten
from vae_core.model import VAE
from vae_core.shards import seeded

VERSION = 2  # of what is written here: a file that another version wrote is made anew
OPSET = 18
TOLERANCE = 1e-4  # between torch and the file, in units of x or of z
SHOWN = 1 / 255  # a grey level: what weights in half precision may change
EXTREME = 10.0  # standard deviations
TRIED = 16  # latents of either kind that a file is checked on
WORTH = 1024  # numbers: a smaller weight is not worth a conversion
MAX_BYTES = 64 * 2**20  # of a file for the browser

_lock = threading.Lock()  # the exporter keeps state of its own


class ExportError(ValueError):
    """A model, or half of one, that cannot be a file; the sentence says why."""


class _Decoder(nn.Module):
    """Flat z, and class weights where there are any, to the likelihood's mean; `keep` as in `decoder`."""

    def __init__(self, model: VAE, keep: int | None) -> None:
        super().__init__()
        self.model, self.keep = model, keep

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        groups = unflatten(z, self.model.spec)
        if self.keep is not None:
            groups[self.keep :] = [None] * (len(groups) - self.keep)
        return self.model.decode(groups, y)


class _Encoder(nn.Module):
    """Observed pictures to mean, standard deviation and the class inferred."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        found = self.model.encode(x)
        flat = flatten(found.mean), flatten(found.std)
        return flat if found.y is None else (*flat, found.y)


def decoder(model: VAE, keep: int | None = None, half: bool = True) -> bytes:
    """The decoder as ONNX.

    Args:
        model: any model of the zoo.
        keep: latent groups that are read; the finer ones take their means given these. None reads all.
        half: store weights in half precision where no picture tried changes by more than a grey level.

    Raises:
        ExportError: where the file would not give the model's pictures, or is too large for a browser.
    """
    spec = model.spec
    if keep is not None and not 1 <= keep <= len(spec.shapes):
        raise ValueError(f"keep is {keep}; this model takes 1 to {len(spec.shapes)}.")
    draw = [flatten(model.sample_prior(TRIED, generator=seeded(0))).cpu()]
    noise = torch.randn(TRIED, spec.size, generator=seeded(1))
    z = torch.cat([*draw, noise, EXTREME * noise])
    classes = () if spec.classes is None else (torch.rand(len(z), spec.classes, generator=seeded(2)).softmax(1),)
    return _export(_Decoder(model, keep), (z, *classes), ("z", "y")[: 1 + len(classes)], ("x",), half)


def encoder(model: VAE, half: bool = True) -> bytes:
    """The encoder as ONNX; `half` as in `decoder`, a grey level being measured in the codes' own standard deviations.

    Raises:
        ExportError: as `decoder`; also for posteriors that are drawn rather than computed.
    """
    levels = torch.rand(2 * TRIED, 1, 1, 1, generator=seeded(0))
    x = model.observe(torch.rand(2 * TRIED, *model.image_shape, generator=seeded(1)) * levels, seeded(2))
    outputs = ("mean", "std") if model.spec.classes is None else ("mean", "std", "y")
    return _export(_Encoder(model), (x,), ("x",), outputs, half)


def digest(data: bytes) -> str:
    """What names a file by its contents: SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(model: VAE) -> str:
    """What names a model by its recipe and weights, 64 hexadecimal digits: equal models have equal files."""
    sha = hashlib.sha256(f"{VERSION} {model.config!r}".encode())
    for name, tensor in model.state_dict().items():
        sha.update(name.encode())
        sha.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _export(
    module: nn.Module, tried: tuple[Tensor, ...], inputs: tuple[str, ...], outputs: tuple[str, ...], half: bool
) -> bytes:
    """The module as a file that gives, for all that is tried, what the module gives."""
    device = next(module.parameters()).device
    with _lock, torch.inference_mode():
        there = tuple(part.to(device) for part in tried)
        found = module(*there)
        wanted = [part.cpu() for part in (found if isinstance(found, tuple) else (found,))]
        model = _traced(module, there, inputs, outputs)
        feeds = dict(zip(inputs, tried, strict=True))
        whole = model.SerializeToString()
        if (off := _apart(whole, feeds, wanted)) > TOLERANCE:
            raise ExportError(f"The file would differ from the model by {off:.2g}; allowed: up to {TOLERANCE:g}.")
        if half:
            _halve(model)
            short = model.SerializeToString()
            whole = short if _apart(short, feeds, wanted) <= SHOWN else whole
    if len(whole) > MAX_BYTES:
        raise ExportError(f"The file would have {len(whole) >> 20} MB; allowed: up to {MAX_BYTES >> 20} MB.")
    return whole


def _traced(module: nn.Module, tried: tuple[Tensor, ...], inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Any:
    """The module as an ONNX model with a free number of rows."""
    from onnxscript import opset18 as op

    def bits(logits: Any, x: Any, weight: Any = None, pos_weight: Any = None, reduction: int = 0) -> Any:
        """The exporter's own binary cross-entropy takes exp() of large logits, and is not a number there."""
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
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=({0: rows},) * len(tried),
                custom_translation_table={torch.ops.aten.binary_cross_entropy_with_logits.default: bits},
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # whatever stops the exporter, the model still works on the server
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ExportError(f"This model cannot be written as ONNX: {reason[:300]}") from error
    assert program is not None
    model = program.model_proto
    # A `len(x)` on the way, which is a plain number to the exporter where `x.shape[0]` is none, settles the rows.
    if any(part.type.tensor_type.shape.dim[0].dim_value for part in model.graph.input):
        raise ExportError(f"The file would take {len(tried[0])} rows at a time and no other number of them.")
    return model


def _apart(data: bytes, feeds: dict[str, Tensor], wanted: list[Tensor]) -> float:
    """The largest difference between what a file gives and what was wanted; infinite where either is not finite."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        given = session.run(None, {name: part.numpy() for name, part in feeds.items()})
    except Exception as error:  # onnxruntime's exceptions have no common base of their own
        raise ExportError(f"The model's ONNX file does not run: {str(error).splitlines()[0][:300]}") from error
    pairs = zip(given, wanted, strict=True)
    found = max(float((torch.from_numpy(part) - other).abs().max()) for part, other in pairs)
    return found if math.isfinite(found) else math.inf


def _halve(model: Any) -> None:
    """Store large weights in half precision, each with a node before the others that widens it again."""
    import numpy as np
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
