"""The command `export`: a model's halves as ONNX, for other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from vae_core.cli.shared import Device, Name, check_out, open_checkpoint, progress_bar, say, writing

Decoder = Annotated[Path | None, typer.Option("--onnx", help="Decoder: z (and y) to pictures.", show_default=False)]
Encoder = Annotated[Path | None, typer.Option("--encoder", help="Encoder: pictures to mean and std.")]
Keep = Annotated[int | None, typer.Option(help="Latent groups that are read; the finer ones take their means.")]
Half = Annotated[bool, typer.Option("--half/--full", help="Weights in half precision where no picture changes by it.")]

commands = typer.Typer()


@commands.command(epilog="Example: vae export mnist --onnx decoder.onnx --encoder encoder.onnx")
def export(
    file: Name,
    onnx: Decoder = None,
    encoder: Encoder = None,
    keep: Keep = None,
    half: Half = True,
    device: Device = "cpu",
) -> None:
    """Write a model's decoder, encoder or both as ONNX, checked against the model on ordinary and extreme input."""
    named = {"decoder": onnx, "encoder": encoder}
    wanted = {name: path for name, path in named.items() if path is not None}
    if not wanted:
        raise ValueError("Nothing is asked for: give --onnx FILE for the decoder, --encoder FILE for the encoder.")
    if len(wanted) > len({path.resolve() for path in wanted.values()}):
        raise ValueError(f"--onnx and --encoder are both {str(onnx)!r}; two files are needed.")
    for path in wanted.values():
        check_out(path, ".onnx")
    from vae_core import export as exporting
    from vae_core.files import write_bytes

    model = open_checkpoint(file, device).model
    make: dict[str, Callable[[], bytes]] = {
        "decoder": lambda: exporting.decoder(model, keep, half),
        "encoder": lambda: exporting.encoder(model, half),
    }
    for name, path in wanted.items():
        with progress_bar(f"exporting the {name}"):
            content = make[name]()
        with writing(path):
            write_bytes(path, content)
        say(f"{path}: the {name}, {len(content) / 1024:,.0f} kB")
