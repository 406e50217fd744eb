"""The bytes of an ONNX file, its weights among them: today's exporters write those into a neighbour of the file."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from vae_core import filetypes, graphs
from vae_core.graphs import MAX_BYTES, GraphError

if TYPE_CHECKING:
    import onnx


def read(path: Path, what: str) -> bytes:
    """Read a graph that may have a neighbour with its weights; of the neighbour no more than the graph asks for.

    Args:
        path: of the ONNX file.
        what: its name in messages.

    Returns:
        The graph with all of its weights, as one file.

    Raises:
        ValueError: one sentence that says what is missing or not allowed.
    """
    if not path.is_file():
        raise ValueError(f"There is no file {str(path)!r} for the {what}.")
    kind = filetypes.explain_file(path)
    if kind and kind != filetypes.ONNX:
        raise ValueError(f"The {what} {path.name!r} is not an ONNX file. {kind}")
    if (length := path.stat().st_size) > MAX_BYTES:
        raise _too_large(length, what)
    data = path.read_bytes()
    model = graphs.parse(data, what)
    outside = [tensor for tensor in graphs.tensors(model) if tensor.data_location == tensor.EXTERNAL]
    if not outside:
        return data
    _bring_in(outside, path, what)
    return model.SerializeToString()


def _too_large(length: int, what: str) -> GraphError:
    return GraphError(f"The {what} has {length / 2**20:.0f} MB; allowed: up to {MAX_BYTES // 2**20} MB.")


def _bring_in(outside: list[onnx.TensorProto], path: Path, what: str) -> None:
    """Put the weights that lie in neighbours into the graph."""
    wanted = [(tensor, *_place(tensor, what)) for tensor in outside]
    if (total := sum(length for *_, length in wanted)) > MAX_BYTES:
        raise _too_large(total, what)
    by_name: dict[str, list[tuple[onnx.TensorProto, int, int]]] = defaultdict(list)
    for tensor, name, start, length in wanted:
        by_name[name].append((tensor, start, length))
    for name, parts in by_name.items():
        _fill(_neighbour(path, name, what), parts, path, what)


def _place(tensor: onnx.TensorProto, what: str) -> tuple[str, int, int]:
    """Return the neighbour's name, where in it the numbers lie, and how many bytes they have: as their shape says."""
    import onnx

    entries = {entry.key: entry.value for entry in tensor.external_data}
    name = entries.get("location", "")
    if not name or name in (".", "..") or not name == PurePosixPath(name).name == PureWindowsPath(name).name:
        raise GraphError(
            f"The {what} has weights in {graphs.quoted(name)}; allowed: a file that lies beside it, by its name alone."
        )
    damaged = GraphError(f"The {what} is damaged: it does not say where its weights lie in {graphs.quoted(name)}.")
    try:
        each = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        start, length = int(entries.get("offset") or 0), math.prod(tensor.dims) * each
        said = int(entries.get("length") or length)
    except (KeyError, ValueError) as error:
        raise damaged from error
    if start < 0 or length < 0 or said != length:
        raise damaged
    return name, start, length


def _neighbour(path: Path, name: str, what: str) -> Path:
    """Return the file of that name beside the graph: no link, which could lead anywhere."""
    file = path.parent / name
    if file.is_symlink() or not file.is_file():
        link = ", a link not being followed" if file.is_symlink() else ""
        raise GraphError(
            f"The {what} {path.name!r} has its weights in {name!r}, and there is no such file beside it{link}: put "
            "it there, or export with external_data=False, which writes one file."
        )
    return file


def _fill(neighbour: Path, parts: list[tuple[onnx.TensorProto, int, int]], path: Path, what: str) -> None:
    """Read the numbers of some tensors."""
    with neighbour.open("rb") as file:
        size = neighbour.stat().st_size
        for tensor, start, length in parts:
            if start + length > size:
                raise GraphError(
                    f"The {what} {path.name!r} asks for {start + length:,} bytes of {neighbour.name!r}, which has "
                    f"{size:,}: it is cut short, or another model's."
                )
            file.seek(start)
            tensor.raw_data = file.read(length)
            tensor.data_location = tensor.DEFAULT
            del tensor.external_data[:]
