"""The commands `import` and `export`: models from other programs and for them, as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vae_core import config
from vae_core.cli.shared import (
    Device,
    Download,
    Name,
    Root,
    Seed,
    open_checkpoint,
    progress_bar,
    range_of_text,
    say,
    size_of,
    summary,
    take_out,
    writing,
)

SUFFIX = ".safetensors"
SPREADS = "log_var, log_std, var or std"

Decoder = Annotated[Path | None, typer.Option("--onnx", help="Decoder: z (and y) to pictures.", show_default=False)]
Encoder = Annotated[Path | None, typer.Option("--encoder", help="Encoder: pictures to mean and std.")]
Keep = Annotated[int | None, typer.Option(help="Latent groups that are read; the finer ones take their means.")]
Half = Annotated[bool, typer.Option("--half/--full", help="Weights in half precision, where that changes no picture.")]
Flow = Annotated[
    bool, typer.Option("--flow", help="The decoder behind its fitted flow, unrolled: z is a point of N(0, I).")
]

commands = typer.Typer()


def _range(text: str) -> tuple[float, float]:
    """Write black and white as `0,1`."""
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise ValueError(f"--pixels is {text!r}; write two numbers, black and white, as in -1,1 or 0,255.") from None
    return low, high


@commands.command(
    "import",
    epilog="Example: vae import encoder.onnx decoder.onnx --data pictures/ --likelihood gaussian --std 0.1 "
    "--out mine.safetensors",
)
def import_graphs(
    encoder: Annotated[Path, typer.Argument(metavar="ENCODER.onnx", help="Pictures -> mean and spread, or a code.")],
    decoder: Annotated[Path, typer.Argument(metavar="DECODER.onnx", help="Codes -> pictures.")],
    data: Annotated[str, typer.Option(metavar="NAME|DIR|ZIP|NPZ", help="Pictures.", show_default=False)],
    out: Annotated[Path, typer.Option(help="File to write.", show_default=False)],
    data_root: Root = None,
    likelihood: Annotated[
        str | None, typer.Option(help=f"{', '.join(config.FOREIGN_LIKELIHOODS)}.", show_default="none")
    ] = None,
    std: Annotated[
        float | None, typer.Option(help="Of a Gaussian, in pictures of 0 to 1.", show_default="none")
    ] = None,
    spread: Annotated[str, typer.Option(help=f"What the encoder gives beside the mean: {SPREADS}.")] = "log_var",
    pixels: Annotated[str, typer.Option(metavar="LOW,HIGH", help="What black and white are to the graphs.")] = "0,1",
    logits: Annotated[bool, typer.Option("--logits", help="The decoder's pictures are logits.")] = False,
    latent_dim: Annotated[
        int | None, typer.Option(min=1, help="Numbers of a code.", show_default="what the decoder takes")
    ] = None,
    size: Annotated[
        Any,
        typer.Option(metavar="N|HxW", help="Of the pictures.", show_default="what the encoder takes", parser=size_of),
    ] = None,
    channels: Annotated[
        int | None, typer.Option(help="1 (grey) or 3 (colour).", show_default="what the encoder takes")
    ] = None,
    numbers: Annotated[
        Any,
        typer.Option(
            "--range",
            metavar="LOW,HIGH",
            parser=range_of_text,
            show_default="found in the whole set",
            help="Black and white in the numbers of the pictures.",
        ),
    ] = None,
    describe: Annotated[str, typer.Option(help="A sentence for the model's card.", show_default="none")] = "",
    download: Download = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
    seed: Seed = 0,
) -> None:
    """Make one file of a model that was trained elsewhere: its encoder and decoder as ONNX, figures, references.

    Both are checked, and run by onnxruntime; without --likelihood there is no ELBO. Weights that an exporter wrote
    beside a file (NAME.onnx.data) are read from there.

    Take pictures that the model was not trained on: those of the test part are measured.
    """
    take_out(out, SUFFIX)
    if out.exists() and not overwrite:
        raise ValueError(f"{str(out)!r} exists; choose another name, or replace it with --overwrite.")
    wanted: dict[str, Any] = {"likelihood": likelihood, "std": std, "spread": spread, "pixels": _range(pixels)}
    wanted |= {"logits": logits, "latent_dim": latent_dim, "size": size, "channels": channels}
    wanted |= {"numbers": (numbers.low, numbers.high)} if numbers else {}
    wanted |= {
        "tell": lambda note: say(f"Note: {note}"),
        "description": describe,
        "download": download,
        "seed": seed,
        "data_root": data_root,
    }
    from vae_core.importers import wrap

    with progress_bar("importing") as progress:
        made = wrap(encoder, decoder, data=data, progress=progress, **wanted)
    with writing(out):
        made.save(out)
    if note := made.model.likelihood.note:
        say(f"Note: {note}.")
    say(f"Wrote {out}: {summary(made)}.")


@commands.command(epilog="Example: vae export mnist --onnx decoder.onnx --encoder encoder.onnx")
def export(
    file: Name,
    onnx: Decoder = None,
    encoder: Encoder = None,
    keep: Keep = None,
    half: Half = True,
    flow: Flow = False,
    device: Device = "cpu",
) -> None:
    """Write a model's decoder, encoder or both as ONNX, checked against the model on ordinary and extreme input."""
    named = {"decoder": onnx, "encoder": encoder}
    wanted = {name: path for name, path in named.items() if path is not None}
    if not wanted:
        raise ValueError("Nothing is asked for: give --onnx FILE for the decoder, --encoder FILE for the encoder.")
    if len(wanted) > len({path.resolve() for path in wanted.values()}):
        raise ValueError(f"--onnx and --encoder are both {str(onnx)!r}; two files are needed.")
    for name, path in wanted.items():
        take_out(path, ".onnx", option="--encoder" if name == "encoder" else "--onnx")
    from vae_core import export as exporting
    from vae_core.files import write_bytes

    model = open_checkpoint(file, device).model
    make: dict[str, Callable[[], bytes]] = {
        "decoder": lambda: exporting.decoder(model, keep, half, flow),
        "encoder": lambda: exporting.encoder(model, half),
    }
    for name, path in wanted.items():
        with progress_bar(f"exporting the {name}"):
            content = make[name]()
        with writing(path):
            write_bytes(path, content)
        say(f"{path}: the {name}, {len(content) / 1024:,.0f} kB")
