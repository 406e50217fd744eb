"""A torch module or function -> an ONNX graph that gives the same numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vae_core import graphs
from vae_core.export import traced

ROWS = 3  # pictures or codes that an export is made and compared on: more than 1, or the batch would be fixed
TOLERANCE = 1e-4

Function = Callable[[Tensor], Any]


class _Called(nn.Module):
    """A function, or a method of a module, as a module that gives a tuple of tensors."""

    def __init__(self, function: Function, what: str) -> None:
        super().__init__()
        self.function, self.what = function, what
        owner = function if isinstance(function, nn.Module) else getattr(function, "__self__", None)
        self.owner = owner if isinstance(owner, nn.Module) else None  # so that its weights are found

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        output = self.function(x)
        parts = (output,) if isinstance(output, Tensor) else tuple(output) if isinstance(output, tuple | list) else ()
        if not parts or not all(isinstance(part, Tensor) for part in parts):
            raise ValueError(
                f"The {self.what} gives {type(output).__name__}; allowed: a tensor, or a mean and a spread as a tuple."
            )
        return parts


def run(function: Function, x: Tensor, what: str) -> tuple[Tensor, ...]:
    """Tell what a torch function gives, as it does in use (eval mode), on the CPU.

    Raises:
        ValueError: when it fails, gives no tensors, or another result the second time.
    """
    with _ready(function, what) as module, torch.no_grad():
        try:
            first, again = module(x.to(_device(module))), module(x.to(_device(module)))
        except ValueError:
            raise
        except Exception as error:  # somebody else's code
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"The {what} fails on {tuple(x.shape)}: {first}") from error
    if not all(torch.equal(a, b) for a, b in zip(first, again, strict=True)):
        raise ValueError(
            f"The {what} gives another result the second time; it must not draw: give the mean and the spread."
        )
    return tuple(part.float().cpu() for part in first)


def export(function: Function, x: Tensor, what: str) -> bytes:
    """Return a torch function as an ONNX file, with a batch of any size.

    Args:
        function: x (N, ...) -> a tensor or a tuple of tensors.
        x: `ROWS` rows, as it takes them.
        what: its name in messages.

    Raises:
        ExportError: when torch cannot export it.
    """
    with _ready(function, what) as module, torch.no_grad():
        return traced(module, (x.to(_device(module)),), what).SerializeToString()


def compare(wanted: Sequence[Tensor], data: bytes, x: Tensor, what: str) -> None:
    """Refuse an export that gives other numbers than `run`; the graph must have been checked.

    Raises:
        ValueError: by how much they differ.
    """
    session = graphs.session(data, what, (len(x),))
    outputs = [torch.from_numpy(part) for part in session.run(None, {session.get_inputs()[0].name: x.numpy()})]
    for a, b in zip(wanted, outputs, strict=True):
        if a.shape != b.shape or not torch.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE):
            most = (a - b).abs().max().item() if a.shape == b.shape else float("inf")
            raise ValueError(f"The {what} as ONNX gives other numbers than in torch: they differ by up to {most:.2g}.")


@contextlib.contextmanager
def _ready(function: Function, what: str) -> Iterator[_Called]:
    """Give the function as a module in eval mode; the owner's modules are left as they were."""
    module = _Called(function, what)
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield module
    finally:
        for part, mode in modes:
            part.training = mode


def _device(module: nn.Module) -> torch.device:
    return next((part.device for part in module.parameters()), torch.device("cpu"))
