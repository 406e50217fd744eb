"""The command line: `vae COMMAND` or `python -m vae_core COMMAND`.

Results go to standard output or to the file of `--out`, everything else to standard error. torch comes in inside the
commands, so that `--help` is there at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import cast

import typer

from vae_core.cli import exchange, figures, latents, training
from vae_core.cli.shared import Stopped, held, say

app = typer.Typer(
    name="vae",
    help="Train, measure and explore variational autoencoders.",
    epilog="Example: vae train --data digits --epochs 50 --out my.safetensors",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (training, figures, latents, exchange):
    app.add_typer(module.commands)
INTERRUPTED = 130  # exit status
# The base of all that is wrong with a command's words; typer has no public name for it.
UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__base__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; everything that the user can mend is told in one line on standard error.

    Args:
        arguments: without the program's name; None takes those of the process.

    Returns:
        Exit status: 0; 2 for wrong input or a disk that refuses; 130 when interrupted.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with held:
            status = app(given or ["--help"], prog_name="vae", standalone_mode=False) or 0
        if status == INTERRUPTED:  # typer has caught the interrupt
            say("Stopped.")
        return status
    except UsageError as error:
        message = error.format_message()
    except (KeyboardInterrupt, typer.Abort):
        say("Stopped.")
        return INTERRUPTED
    except Stopped as stopped:
        say(str(stopped))
        return INTERRUPTED
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        message = f"{named}{error.strerror or error}"
    except ValueError as error:
        message = str(error)
    say("error: " + " ".join(message.split()))
    return 2
