"""One file on disk <-> (model, recipe, reference encodings, history): safetensors, a JSON header and a checksum.

No pickle anywhere: a stranger's file can be opened. Reading checks everything and says in one sentence what is wrong.
"""

from __future__ import annotations

import hashlib
import json
import os
import reprlib
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vae_core import filetypes
from vae_core.config import Recipe, from_dict, to_dict
from vae_core.data.named import OWN_CREDIT, own_name
from vae_core.files import reserve, write_bytes
from vae_core.graphs import MAX_BYTES as MAX_GRAPH_BYTES
from vae_core.graphs import Graph, GraphError
from vae_core.latents.fitted import FittedPrior, restored
from vae_core.model import VAE, LatentSpec, build
from vae_core.scoring import ACTIVE_KL
from vae_core.shards import seeded

if TYPE_CHECKING:
    from vae_core.data import Splits

FORMAT = 1
KEY = "vae-explorer"  # one metadata key holds the whole JSON: several make the bytes differ from save to save
MAX_BYTES = 256 * 2**20
MAX_HEADER_BYTES = 32 * 2**20
MAX_REFERENCE = 100_000
MAX_TEXT = 2_000  # characters of a description, a name or a credit
MAX_EPOCHS = 100_000
MAX_NUMBER = 1e300  # beyond lie infinity and whole numbers that no float holds
DTYPES = (torch.float32, torch.int64)  # what models, references and optimizers are made of
SHORT = {torch.float16: torch.float32, torch.uint8: torch.int64, torch.int16: torch.int64}  # in the file, and opened
ROW = {"epoch", "seconds", "loss", "beta", "learning_rate", "score"}  # numbers of a row of the history
ABOUT: dict[str, type] = {"description": str, "history": list, "metrics": dict, "versions": dict}
FIGURES = {"elbo", "reconstruction", "kl", "kl_per_dim", "active_units"}  # of a split, in a row of the history
SHIPPED = Path(__file__).resolve().parent.parent / "checkpoints"
SUFFIX = ".safetensors"
FITTED = "fitted."  # the weights of a prior that was fitted once training was over


class CheckpointError(ValueError):
    """A file that is not a checkpoint of this project, or a damaged one."""


@dataclass(frozen=True)
class Reference:
    """Encodings of a few thousand test pictures: mean (N, D), std (N, D); kl (N, D) and error (N,) in nats.

    `labels` (N,) and `factors` (N, F) where the data has them; `tsne` (N, 2) a stored map; `index` (N,) the pictures'
    places in the test split. In a file, a column has the shortest type that holds it.
    """

    mean: Tensor
    std: Tensor
    kl: Tensor
    error: Tensor
    index: Tensor
    labels: Tensor | None = None
    factors: Tensor | None = None
    tsne: Tensor | None = None

    def __len__(self) -> int:
        return len(self.mean)


@dataclass(frozen=True)
class DataInfo:
    """What a model was trained on, as far as a card and a map must know it."""

    name: str
    class_names: tuple[str, ...] = ()
    factor_names: tuple[str, ...] = ()
    value_names: tuple[tuple[str, ...], ...] = ()
    sizes: tuple[int, int, int] = (0, 0, 0)  # train, validation, test
    credit: str = ""
    licence: str = ""
    source: str = ""  # tells one's own pictures from others; empty for a named set, and in earlier files


def data_info(splits: Splits) -> DataInfo:
    """Tell what a checkpoint says of its data."""
    test = splits.test
    return DataInfo(
        test.name,
        test.class_names,
        test.factor_names,
        test.value_names,
        (len(splits.train), len(splits.val), len(test)),
        test.credit,
        test.licence,
        test.source,
    )


@dataclass(frozen=True)
class Checkpoint:
    """A trained model with all that is known of it."""

    recipe: Recipe
    model: VAE
    data: DataInfo
    description: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    reference: Reference | None = None

    def save(self, path: Path | str) -> None:
        """Write it atomically to one file.

        Raises:
            files.Taken: another process is writing it: a training run, say.
            OSError: the disk is full or not writable.
        """
        with reserve(Path(path)):
            save(self, Path(path))


def digest(header: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    """Return SHA-256 over the header without its checksum and over the tensors' bytes in the order of their names."""
    sha = hashlib.sha256(json.dumps({k: v for k, v in header.items() if k != "sha256"}, sort_keys=True).encode())
    for name in sorted(tensors):
        sha.update(name.encode())
        sha.update(tensors[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def write_file(path: Path, header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write tensors and header, with their checksum, by `write_bytes`.

    Raises:
        OSError: when the disk is full or not writable; the old file is then untouched and nothing half-written stays.
    """
    write_bytes(path, _content(header, tensors))


def _content(header: dict[str, Any], tensors: dict[str, Tensor]) -> bytes:
    """Return a file of this project's format."""
    header = {**header, "format": FORMAT}
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    header["sha256"] = digest(header, tensors)
    return write_tensors(tensors, {KEY: json.dumps(header)})


def read_file(source: Path | bytes, max_bytes: int = MAX_BYTES) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return header and tensors of a file of this project's format.

    Args:
        source: a path, or the file's bytes (an upload).
        max_bytes: larger files are refused.

    Raises:
        CheckpointError: one sentence that says what is wrong.
    """
    data = _bytes(source, max_bytes)
    header = _header(data)
    try:
        tensors = read_tensors(data)
    except Exception as error:  # its readers raise whatever odd bytes lead them to
        raise CheckpointError("The file is damaged or cut short: its tensors cannot be read.") from error
    if strange := sorted(name for name, tensor in tensors.items() if tensor.dtype not in (*DTYPES, *SHORT)):
        holds = f"{reprlib.repr(strange[0])} holds {tensors[strange[0]].dtype}"
        raise CheckpointError(
            f"The file's tensors are not valid: {holds}; allowed: {', '.join(map(str, (*DTYPES, *SHORT)))}."
        )
    if header.get("sha256") != digest(header, tensors):
        raise CheckpointError("The file is damaged: its checksum does not match its contents.")
    return header, tensors


def _bytes(source: Path | bytes, max_bytes: int) -> bytes:
    try:
        if isinstance(source, Path) and not source.is_file():
            raise CheckpointError(f"There is no file {source.name!r}.")
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if kind := filetypes.explain(source) if isinstance(source, bytes) else filetypes.explain_file(source):
            raise CheckpointError(f"This is not a safetensors file. {kind}")
        if size > max_bytes:
            raise CheckpointError(f"The file has {size / 2**20:.0f} MB; at most {max_bytes // 2**20} MB are opened.")
        return source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise CheckpointError(f"The file cannot be read: {error.strerror}.") from error


def _header(data: bytes) -> dict[str, Any]:
    """Return the JSON under our metadata key, before any tensor is read."""
    try:
        (length,) = struct.unpack("<Q", data[:8])
        if length > min(MAX_HEADER_BYTES, len(data) - 8):
            raise ValueError("header length out of range")
        outer = json.loads(data[8 : 8 + length])
    except (ValueError, struct.error, RecursionError) as error:
        raise CheckpointError("This is not a safetensors file, or it is damaged or cut short.") from error
    metadata = outer.get("__metadata__") if isinstance(outer, dict) else None
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise CheckpointError(
            "This safetensors file was not made by vae-explorer: its header holds no recipe, and weights alone do not "
            f"tell their model: {filetypes.WRAP}."
        )
    try:
        header = json.loads(text)
        json.dumps(header, ensure_ascii=False).encode()  # half a surrogate pair reads well, and breaks the page later
    except (ValueError, RecursionError) as error:
        raise CheckpointError("The file is damaged: its header is not readable.") from error
    if not isinstance(header, dict) or type(header.get("format")) is not int or header["format"] < 1:
        raise CheckpointError("The file is damaged: its header has no format number.")
    if header["format"] > FORMAT:
        raise CheckpointError(
            f"The file has format {reprlib.repr(header['format'])}; this version reads up to {FORMAT}: "
            "update vae-explorer to open it."
        )
    return header


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint atomically; raises OSError when the disk is full."""
    write_file(path, *_packed_parts(checkpoint))


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint as `save` writes it."""
    return _content(*_packed_parts(checkpoint))


def _packed_parts(checkpoint: Checkpoint) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the header and the tensors of a checkpoint's file."""
    header = {
        "recipe": to_dict(checkpoint.recipe),
        "data": to_dict(checkpoint.data),
        "description": checkpoint.description,
        "history": checkpoint.history,
        "metrics": checkpoint.metrics,
        "versions": checkpoint.versions,
    }
    tensors = {f"model.{name}": _packed(tensor) for name, tensor in checkpoint.model.state_dict().items()}
    if checkpoint.reference is not None:
        columns = vars(checkpoint.reference).items()
        tensors |= {f"reference.{name}": _packed(column) for name, column in columns if column is not None}
    return header, tensors


def shortened(tensor: Tensor) -> Tensor:
    """Return numbers of eleven bits, which a file holds in half the room; as they are where one of them is too large.

    Below 6e-5 there are fewer bits, below 3e-8 none.
    """
    short = tensor.half().float()
    return short if short.isfinite().all() else tensor


def _packed(tensor: Tensor) -> Tensor:
    """Return a tensor as the shortest type that loses nothing of it."""
    shorts = (tensor.to(short) for short, long in SHORT.items() if long == tensor.dtype)
    return next((short for short in shorts if torch.equal(short.to(tensor.dtype), tensor)), tensor)


def _unpacked(tensor: Tensor, kind: torch.dtype) -> Tensor:
    """Return a tensor of the file in the type that it is asked for, where it is the short form of that."""
    return tensor.to(kind) if SHORT.get(tensor.dtype) == kind else tensor


def load(source: Path | bytes, device: str | torch.device = "cpu") -> Checkpoint:
    """Read, check and build: the model comes in eval mode and without gradients.

    Args:
        source: a path, or the file's bytes (an upload).
        device: where the weights shall lie.

    Raises:
        CheckpointError: one sentence that says what is wrong.
    """
    header, tensors = read_file(source)
    recipe, info = _described(header)
    parts = _parts(tensors)
    model = _model(recipe, parts["model"])
    about = {key: _typed(header, key, kind) for key, kind in ABOUT.items()}
    _check_about(about, model.spec)
    for figures in (about["metrics"], *(row[part] for row in about["history"] for part in ("train", "val"))):
        _recount(figures, model.spec)
    reference = _reference(parts["reference"], model.spec, info) if parts["reference"] else None
    return Checkpoint(recipe, model.to(device), info, **about, reference=reference)


def recipe_of(path: Path) -> Recipe:
    """Read what a file says that its model is, in a thirtieth of the time that `load` takes, which checks it.

    Raises:
        CheckpointError: one sentence that says what is wrong.
    """
    try:
        with path.open("rb") as file:
            length = file.read(8)
            header = file.read(min(int.from_bytes(length, "little"), MAX_HEADER_BYTES))
    except OSError as error:
        raise CheckpointError(f"The file cannot be read: {error.strerror}.") from error
    return _described(_header(length + header))[0]


def _described(header: dict[str, Any]) -> tuple[Recipe, DataInfo]:
    """Return what a header says of the model and of its data."""
    try:
        recipe = from_dict(Recipe, header.get("recipe"))
        recipe, info = _named_apart(recipe, from_dict(DataInfo, header.get("data"), "data"))
    except ValueError as error:
        raise CheckpointError(f"The file's recipe is not valid: {error}") from error
    check_info(info)
    return recipe, info


def _named_apart(recipe: Recipe, info: DataInfo) -> tuple[Recipe, DataInfo]:
    """Correct earlier files, which call a folder `mnist` as they call the named set; the credit tells them apart."""
    name = own_name(recipe.data.name)
    if info.credit != OWN_CREDIT or name == recipe.data.name:
        return recipe, info
    return replace(recipe, data=replace(recipe.data, name=name)), replace(info, name=name)


def _parts(tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return tensors sorted by the first part of their names."""
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "reference": {}}
    for name in sorted(tensors):  # they come in any order, and the same file shall give the same message
        part, _, rest = name.partition(".")
        if part not in parts:
            raise CheckpointError(f"The file holds {reprlib.repr(name)}, which is not of the model nor of a reference.")
        parts[part][rest] = tensors[name]
    return parts


def _typed(header: dict[str, Any], key: str, kind: type) -> Any:
    value = header.get(key, kind())
    if not isinstance(value, kind):
        raise CheckpointError(f"The file's header is not valid: {key} must be of type {kind.__name__}.")
    return value


def _require(fine: bool, what: str, *values: Any) -> None:
    """Refuse a header that a page would stumble over; what is wrong is put into words only then."""
    if not fine:
        raise CheckpointError(f"The file's header is not valid: {what.format(*map(reprlib.repr, values))}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -MAX_NUMBER < value < MAX_NUMBER


def _is_text(value: Any) -> bool:
    """Tell whether it can be shown and stored: names of files that are not UTF-8 hold halves of surrogate pairs."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and not any("\ud800" <= c <= "\udfff" for c in value)


def _are_numbers(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(map(_is_number, value))


def check_info(info: DataInfo) -> None:
    """Refuse what a card could not show or a file not hold, before hours of training or when a file is opened.

    Raises:
        CheckpointError: one sentence that says what is wrong.
    """
    values = [value for names in info.value_names for value in names]
    texts = [info.name, info.credit, info.licence, info.source, *info.class_names, *info.factor_names, *values]
    _require(
        all(map(_is_text, texts)), f"a name or credit of its data has more than {MAX_TEXT} characters, or is not UTF-8"
    )
    _require(min(info.sizes) >= 0, "data.sizes is {}, and none may be below 0", info.sizes)
    named, listed = len(info.factor_names), len(info.value_names)
    _require(named == listed, f"there are {named} factor_names and {listed} value_names; as many are needed")


def _check_about(about: dict[str, Any], spec: LatentSpec) -> None:
    """Tell what a file tells of a model."""
    long = len(about["description"])
    _require(long <= MAX_TEXT, f"the description has {long} characters; allowed: up to {MAX_TEXT}")
    versions = about["versions"].values()
    _require(all(map(_is_text, versions)), f"versions must be texts of up to {MAX_TEXT} characters")
    metrics = {name: value for name, value in about["metrics"].items() if value is not None}
    _check_figures(metrics, spec, "in the metrics,")
    _check_history(about["history"], spec)


def _check_figures(figures: dict[str, Any], spec: LatentSpec, where: str) -> None:
    """Check that figures are numbers, `kl_per_dim` a list, `perplexity` one per codebook; some need a density."""
    lists = {"kl_per_dim": spec.kl_size, "perplexity": len(spec.shapes)}
    for name, value in figures.items():
        absent = spec.units_by is None if name == "active_units" else name in ("elbo", "kl") and not spec.has_density
        if value is None and absent:
            continue
        fine = _are_numbers(value, lists[name]) if name in lists else _is_number(value)
        _require(fine, where + " {} is {}", name, value)


def _recount(figures: dict[str, Any], spec: LatentSpec) -> None:
    """Count active units as `scoring.active_units` does: earlier files hold the variance's count of every model."""
    if "active_units" in figures and spec.units_by != "variance":
        per_dim = figures.get("kl_per_dim")
        count = None if per_dim is None else sum(kl > ACTIVE_KL for kl in per_dim)
        figures["active_units"] = count if spec.units_by == "kl" else None


def _check_history(history: list[Any], spec: LatentSpec) -> None:
    """Check that there is one complete row per epoch: the page plots each of them."""
    _require(len(history) <= MAX_EPOCHS, f"the history has {len(history)} rows; allowed: up to {MAX_EPOCHS}")
    for row in history:
        _require(isinstance(row, dict), "a row of the history is {}", row)
        plain = {name: value for name, value in row.items() if name not in ("train", "val")}
        parts = [row.get("train"), row.get("val")]
        _require(all(isinstance(part, dict) for part in parts), "a row of the history lacks the figures of a split")
        missing = sorted(ROW - plain.keys()) + sorted(FIGURES - parts[0].keys()) + sorted(FIGURES - parts[1].keys())
        _require(not missing, f"a row of the history lacks {', '.join(missing)}")
        for part in (plain, *parts):
            _check_figures(part, spec, "in the history,")


def _model(recipe: Recipe, weights: dict[str, Tensor]) -> VAE:
    """Build the recipe's model with these weights; without memory first, so that a hostile recipe costs nothing."""
    try:
        with torch.device("meta"), _Unfilled():
            model = build(recipe.model)
    except Exception as error:  # torch raises whatever odd sizes lead it to, here and below
        raise CheckpointError("The file's recipe is not valid: no model can be built from it.") from error
    _make_room(model, weights)
    fitted = {name.removeprefix(FITTED): weights.pop(name) for name in sorted(weights) if name.startswith(FITTED)}
    expected = model.state_dict()
    if missing := sorted(expected.keys() ^ weights.keys()):
        raise CheckpointError(f"The weights contradict the recipe: {reprlib.repr(missing[0])} is in one of them only.")
    for name, tensor in expected.items():
        weights[name] = _unpacked(weights[name], tensor.dtype)
        if weights[name].shape != tensor.shape or weights[name].dtype != tensor.dtype:
            raise CheckpointError(
                f"The weights contradict the recipe: {name} is {tuple(weights[name].shape)} {weights[name].dtype}, "
                f"and the recipe asks for {tuple(tensor.shape)} {tensor.dtype}."
            )
        if not torch.isfinite(weights[name]).all():
            raise CheckpointError(f"The weights hold numbers that are not finite, in {name}.")
    model.load_state_dict(weights, assign=True)
    model.eval().requires_grad_(False)
    try:
        _try(model)
    except GraphError as error:
        raise CheckpointError(f"The file's model cannot be opened. {error}") from error
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError("The file's model cannot be opened: it fails on a picture.") from error
    model.fitted = _fitted(fitted, model.spec) if fitted else None
    return model


def _fitted(tensors: dict[str, Tensor], spec: LatentSpec) -> FittedPrior:
    """Return the prior that was fitted once training was over."""
    try:
        prior = restored({name: _unpacked(tensor, torch.float32) for name, tensor in tensors.items()})
    except (ValueError, RuntimeError, IndexError, TypeError) as error:  # what torch makes of odd shapes
        raise CheckpointError("The file's fitted prior is not valid.") from error
    if len(prior.centre) != spec.size or spec.posterior == "quantized":
        raise CheckpointError(f"The file's fitted prior has {len(prior.centre)} dimensions, and z has {spec.size}.")
    return prior


class _Unfilled(TorchFunctionMode):
    """Nothing is drawn for weights that are replaced at once: without memory torch does it slowly, in Python."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs.get("tensor", *args[:1])
        return func(*args, **kwargs)


def _make_room(model: VAE, weights: dict[str, Tensor]) -> None:
    """Allow a graph as many bytes as the file holds: its recipe does not tell."""
    for name, part in model.named_modules():
        stored = weights.get(f"{name}.graph")
        if isinstance(part, Graph) and stored is not None and stored.dim() == 1 and len(stored) <= MAX_GRAPH_BYTES:
            part.graph = torch.empty(len(stored), dtype=torch.uint8, device="meta")


@torch.inference_mode()
def _try(model: VAE) -> None:
    """Try one picture there and back: finite weights can still be so large, or a variance negative, that nothing is."""
    x = model.observe(torch.zeros(1, *model.image_shape), seeded(0))
    code = model.encode(x)
    seen = [*code.mean, *code.std, *code.kl, model.decode([*code.mean])]
    if model.spec.has_density:
        seen.append(model.terms(x, code.y, generator=seeded(0)).log_weights)
    if not all(torch.isfinite(part).all() for part in seen):
        raise CheckpointError("The weights are not valid: the model gives pictures that are not finite.")


def _reference(columns: dict[str, Tensor], spec: LatentSpec, info: DataInfo) -> Reference:
    if absent := {"mean", "std", "kl", "error", "index"} - columns.keys():
        raise CheckpointError(f"The reference encodings are not complete: {sorted(absent)[0]!r} is missing.")
    rows = columns["error"].numel()
    if not 1 <= rows <= MAX_REFERENCE:
        raise CheckpointError(f"The file has {rows} reference encodings; allowed: 1 to {MAX_REFERENCE}.")
    numbers: dict[str, tuple[int, ...]] = {
        "mean": (rows, spec.size),
        "std": (rows, spec.size),
        "kl": (rows, spec.kl_size),
    }
    numbers |= {"error": (rows,), "tsne": (rows, 2)}
    places: dict[str, tuple[int, ...]] = {
        "index": (rows,),
        "labels": (rows,),
        "factors": (rows, len(info.factor_names)),
    }
    kinds = {name: (shape, torch.float32) for name, shape in numbers.items()}
    kinds |= {name: (shape, torch.int64) for name, shape in places.items()}
    columns = {n: _unpacked(c, kinds[n][1]) if n in kinds else c for n, c in columns.items()}
    for name, column in columns.items():
        if kinds.get(name) != (tuple(column.shape), column.dtype) or not torch.isfinite(column).all():
            holds = f"{reprlib.repr(name)} is {tuple(column.shape)} {column.dtype}"
            raise CheckpointError(f"The reference encodings are not valid: {holds}, or not finite.")
    reference = Reference(**columns)
    _check_places(reference, info)
    return reference


def _check_places(reference: Reference, info: DataInfo) -> None:
    """Check that every label, factor and index has what it points at."""
    bounds = [("index", reference.index, info.sizes[2])]
    if reference.labels is not None:
        bounds.append(("labels", reference.labels, len(info.class_names)))
    if reference.factors is not None:
        columns = zip(info.factor_names, reference.factors.T, info.value_names, strict=True)
        bounds += [(name, column, len(values)) for name, column, values in columns]
    for name, column, count in bounds:
        if not 0 <= int(column.min()) <= int(column.max()) < count:
            raise CheckpointError(f"The reference encodings are not valid: {name!r} is not within 0 to {count - 1}.")
    if reference.std.min() < 0:
        raise CheckpointError("The reference encodings are not valid: a standard deviation is below 0.")


def find(name: str) -> Path:
    """Return a checkpoint's path from a path or the name of a shipped one.

    Raises:
        CheckpointError: with the names there are.
    """
    for candidate in (Path(name), SHIPPED / f"{name}{SUFFIX}"):
        if os.path.isfile(candidate):  # unlike Path.is_file, it takes every text
            return candidate
    raise CheckpointError(f"There is no checkpoint {name!r}; give a file or one of: {', '.join(shipped()) or 'none'}.")


def shipped() -> list[str]:
    """Return names of the checkpoints that come with the app."""
    return sorted(path.stem for path in SHIPPED.glob(f"*{SUFFIX}"))
