"""Versions of ONNX: the one written here, and graphs of newer ones for the live view's runtime, which is older."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vae_core.graphs import GraphError

if TYPE_CHECKING:
    import onnx

OPSET = 18  # in which graphs are written here
# The newest that onnxruntime-web 1.30 reads: pages/widgets/live/runtime.
BROWSER_IR, BROWSER_OPSET = 13, 26


def opset(model: onnx.ModelProto) -> int:
    """Return version of the operations that a checked graph is made of."""
    return next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))


def for_browsers(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the same graph in versions that the live view's runtime reads; the given one where it reads that.

    Raises:
        GraphError: where an operation has no older form.
    """
    import onnx

    if (version := opset(model)) > BROWSER_OPSET:
        try:
            model = onnx.version_converter.convert_version(model, BROWSER_OPSET)
        except Exception as error:  # the converter's own have no common base
            raise GraphError(
                f"The graph is of opset {version}, and cannot be written in {BROWSER_OPSET}, the newest that a browser "
                "reads: export it with that or an older one."
            ) from error
    model.ir_version = min(model.ir_version, BROWSER_IR)
    return model
