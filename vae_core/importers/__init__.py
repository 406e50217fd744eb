"""Models trained elsewhere: anybody's encoder and decoder become one checkpoint, `vae_core.wrap(...).save(...)`."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vae_core.checkpoints import MAX_TEXT, Checkpoint, check_info, data_info
from vae_core.config import (
    FOREIGN,
    FOREIGN_LIKELIHOODS,
    UNKNOWN,
    Body,
    DataConfig,
    Latent,
    LikelihoodConfig,
    ModelConfig,
    Objective,
    Range,
    Recipe,
    Training,
)
from vae_core.graphs import Graph
from vae_core.importers import exporting, reading
from vae_core.importers.forms import Foreign, Form, Meaning, Picture, form, picture_of
from vae_core.jobs import Narration
from vae_core.model import VAE, build
from vae_core.packaging import described
from vae_core.scoring import as_float
from vae_core.shards import seeded
from vae_core.training import fit_prior

if TYPE_CHECKING:
    from vae_core.data import Splits

NAME = "imported"  # of the recipe
TRIED = 9  # pictures on which the two are tried
FAR = 0.25  # beyond 0 to 1, as many numbers of pictures as this share may lie by as much as this
ALONE = 1e-3  # a picture's code may differ by as much, beside those of others
STREAM = 31  # of random numbers


def wrap(
    encoder: Any,
    decoder: Any,
    *,
    data: Any,
    data_root: str | os.PathLike[str] | None = None,
    likelihood: str | None = None,
    std: float | None = None,
    spread: str = "log_var",
    pixels: tuple[float, float] = (0.0, 1.0),
    logits: bool = False,
    latent_dim: int | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    description: str = "",
    download: bool = False,
    seed: int = 0,
    numbers: tuple[float, float] | None = None,
    progress: Narration | None = None,
    tell: Callable[[str], None] | None = None,
) -> Checkpoint:
    """Make a checkpoint of a model that was trained elsewhere, with figures and reference encodings.

    Args:
        encoder: a torch module or function, or an ONNX file (a path or its bytes): pictures (N, C, H, W) -> a mean and
            a spread (N, D), as two outputs or side by side in one; or a code alone. It must not draw. In ONNX pictures
            may be flat (N, C H W) or have their channels last; of a path, weights in a neighbour of the file are read.
        decoder: the same: codes (N, D) -> pictures.
        data: pictures that it was made for: a named data set, a folder, zip or file of arrays, a `Dataset`, or an array
            (N, C, H, W) or (N, H, W). Those of the test split are measured; take some that it was not trained on.
        data_root: where named data sets lie.
        likelihood: `bernoulli` or `gaussian`; None where it is not known: there is then no ELBO.
        std: the standard deviation of a Gaussian, in pictures of 0 to 1.
        spread: what the encoder gives beside the mean: `log_var`, `log_std`, `var` or `std`.
        pixels: what black and white are to encoder and decoder.
        logits: whether the decoder's pictures are logits.
        latent_dim: numbers of a code, where the decoder does not tell it.
        size: height and width of the pictures, where neither the encoder nor the data tells it.
        channels: 1 (grey) or 3 (colour), likewise.
        description: a sentence for the model's card.
        download: fetch a named data set that is not on this machine.
        seed: of the split, of the bits and of draws.
        numbers: black and white in the pictures' own numbers; None = found in the whole set.
        progress: called with a fraction done (0 to 1) and a text.
        tell: called with each sentence on what was guessed of the pictures, or left out.

    Returns:
        A checkpoint, ready to `save`.

    Raises:
        ValueError: one sentence on what does not fit, or is not allowed in a graph.
    """
    report = progress or (lambda fraction, text: None)
    meaning, scored = Meaning(spread, pixels, logits), _likelihood(likelihood, std)
    if len(description) > MAX_TEXT:
        raise ValueError(f"The description has {len(description):,} characters; allowed: up to {MAX_TEXT:,}.")
    halves = [_read(encoder, "encoder"), _read(decoder, "decoder")]
    known = picture_of(Foreign.read(halves[0], "encoder", 2)) if isinstance(halves[0], bytes) else None
    if known:
        channels, size = known[0], known[1:]
    asked = None if numbers is None else Range(*numbers)
    wanted = DataConfig(size=size, channels=channels, range=asked, seed=seed)
    config, splits = _load(data, data_root, download, wanted, lambda done, text: report(done / 2, text))
    for note in splits.train.notes:
        if tell:
            tell(note)
    shape, x = splits.train.image_shape, _some(splits)
    report(0.5, "reading the graphs")
    pair = form(*_both(halves, x, meaning, latent_dim), shape, meaning, latent_dim)
    model = _built(pair, shape, scored)
    _try(model, x)
    fit_prior(model, splits, seed)
    objective = Objective("reconstruction") if pair.point else Objective()
    recipe = Recipe(NAME, model.config, objective, Training(seed=seed), config)

    def measuring(done: float) -> None:
        report(0.5 + done / 2, "measuring the test pictures")

    return described(recipe, model, splits, description, progress=measuring)


def _likelihood(kind: str | None, std: float | None) -> LikelihoodConfig:
    if kind not in (None, *FOREIGN_LIKELIHOODS):
        raise ValueError(f"likelihood is {kind!r}; allowed: {', '.join(FOREIGN_LIKELIHOODS)}.")
    if (kind == "gaussian") != (std is not None):
        says = "needs its std, such as std=0.1" if kind == "gaussian" else "has no std: leave it out"
        raise ValueError(f"The likelihood {kind or UNKNOWN} {says}.")
    return LikelihoodConfig(kind or UNKNOWN) if std is None else LikelihoodConfig("gaussian", std)


def _read(half: Any, what: str) -> Any:
    """Return the bytes of a file, or the function that it is."""
    if isinstance(half, bytes) or callable(half):
        return half
    if not isinstance(half, str | os.PathLike):
        kind = type(half).__name__
        raise ValueError(f"The {what} is {kind}; allowed: a torch module or function, or an ONNX file.")
    return reading.read(Path(half).expanduser(), what)


# --- pictures ------------------------------------------------------------------------------------------------------


def _load(
    data: Any,
    root: Any,
    download: bool,
    wanted: DataConfig,
    report: Narration,
) -> tuple[DataConfig, Splits]:
    """Return the pictures in three parts, at the size and with the channels that are asked for."""
    from vae_core.data import Dataset, Splits, load

    name, source = _source(data)
    config = replace(wanted, name=name)
    splits = load(config, source, None if root is None else Path(root), download, report)
    if isinstance(data, Dataset) and data.credit:
        parts = (splits.train, splits.val, splits.test)
        splits = Splits(*(replace(part, credit=data.credit, licence=data.licence) for part in parts))
    if not len(splits.test):
        count = len(splits.train) + len(splits.val)
        raise ValueError(f"The {count} pictures of {name!r} leave none to measure: give at least 3.")
    check_info(data_info(splits))
    return replace(config, range=(data if isinstance(data, Dataset) else splits.train).range), splits


def _source(data: Any) -> tuple[str, Path | bytes | None]:
    """Return name and place of the pictures; arrays in memory as the .npz that they would be."""
    from vae_core.data import SETS, Dataset, own_name

    if isinstance(data, str) and data in SETS:
        return data, None
    if isinstance(data, str | os.PathLike):
        path = Path(data).expanduser()
        if not path.exists():
            raise ValueError(
                f"data is {str(data)!r}, which is neither a folder nor a file; allowed: a folder, zip or .npz of "
                f"pictures, or one of: {', '.join(SETS)}."
            )
        return own_name(path.resolve().name if path.is_dir() else path.resolve().stem), path
    arrays: dict[str, Any] = {}
    if isinstance(data, Dataset):
        arrays = {"labels": data.labels, "class_names": data.class_names or None, "factors": data.factors}
        if data.factors is not None:
            names = {"factor_names": data.factor_names, "value_names": ["|".join(v) for v in data.value_names]}
            arrays |= names
    elif not isinstance(data, Tensor | np.ndarray):
        raise ValueError(f"data is {type(data).__name__}; allowed: a name, a folder, a file, a Dataset, an array.")
    arrays["images"] = data.images if isinstance(data, Dataset) else data
    packed = io.BytesIO()
    kept: dict[str, Any] = {key: np.asarray(values) for key, values in arrays.items() if values is not None}
    np.savez(packed, **kept)
    if not isinstance(data, Dataset):
        return "pictures", packed.getvalue()
    named = data.name in SETS and data.credit == SETS[data.name].credit
    return data.name if named else own_name(data.name), packed.getvalue()


def _some(splits: Splits) -> Tensor:
    """Test pictures to try the two on, (n, C, H, W) in [0, 1]."""
    return as_float(splits.test.images[:TRIED])


# --- graphs --------------------------------------------------------------------------------------------------------


def _both(halves: list[Any], x: Tensor, meaning: Meaning, latent_dim: int | None) -> tuple[Foreign, Foreign]:
    """Return both as graphs; what is torch is exported, and compared."""
    encoder, decoder = halves
    pictures = _foreign(x, meaning)
    first = _graph(encoder, pictures, "encoder", 2)
    z = pictures[:0]
    if not isinstance(decoder, bytes):
        sizes = _code(encoder, pictures, latent_dim)
        z = torch.randn(exporting.ROWS, *sizes, generator=seeded(STREAM))
    return first, _graph(decoder, z, "decoder", 1)


def _graph(half: Any, x: Tensor, what: str, most: int) -> Foreign:
    """Return a half as a graph of up to `most` outputs."""
    if isinstance(half, bytes):
        return Foreign.read(half, what, most)
    wanted = exporting.run(half, x, what)  # what is wrong with it is told better by itself than by the exporter
    data = exporting.export(half, x, what)
    read = Foreign.read(data, what, most)
    exporting.compare(wanted, data, x, what)
    return read


def _foreign(x: Tensor, meaning: Meaning) -> Tensor:
    """Return a few pictures of [0, 1] in the owner's range."""
    low, high = meaning.pixels
    return x.repeat(exporting.ROWS, 1, 1, 1)[: exporting.ROWS] * (high - low) + low


def _code(encoder: Any, pictures: Tensor, latent_dim: int | None) -> tuple[int, ...]:
    """Return the shape of one code, as a torch decoder takes it."""
    if latent_dim:
        return (latent_dim,)
    if isinstance(encoder, bytes):
        raise ValueError("A torch decoder beside an ONNX encoder does not tell how long a code is: give latent_dim.")
    return tuple(exporting.run(encoder, pictures, "encoder")[0].shape[1:])


def _built(made: Form, shape: Picture, likelihood: LikelihoodConfig) -> VAE:
    """Return the model with both graphs in it, checked."""
    latent = Latent("point", made.dim, prior="fitted") if made.point else Latent("gaussian", made.dim)
    body = Body(FOREIGN, ())
    model = build(ModelConfig(shape, body, body, latent, likelihood)).eval().requires_grad_(False)
    for part, graph in ((model.encoder, made.encoder), (model.decoder, made.decoder)):
        assert isinstance(part, Graph)
        part.hold(graph)
    return model


@torch.no_grad()
def _try(model: VAE, x: Tensor) -> None:
    """Refuse two that do not go together, while the owner can still say what the numbers mean.

    Raises:
        ValueError: where pictures depend on one another, or those that come back are no pictures.
    """
    h = model.encoder(x)
    if not torch.isfinite(h).all():
        raise ValueError("The encoder gives numbers that are not finite.")
    alone = torch.cat([model.encoder(one) for one in x.split(1)])
    if not torch.allclose(h, alone, rtol=ALONE, atol=ALONE):
        raise ValueError("The encoder gives a picture another code when it comes alone: export it in eval mode.")
    seen = model.decoder(h[:, : model.spec.size])
    if not torch.isfinite(seen).all():
        raise ValueError("The decoder gives numbers that are not finite.")
    if ((seen < -FAR) | (seen > 1 + FAR)).float().mean() > FAR:
        low, high = seen.min().item(), seen.max().item()
        raise ValueError(
            f"The decoder's pictures go from {low:.2f} to {high:.2f} where 0 is black and 1 is white: say with pixels "
            "what black and white are to it, or with logits that it gives logits."
        )
