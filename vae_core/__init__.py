"""Variational autoencoders: train, measure, store and explore them. Knows nothing of the front end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae_core.importers import wrap as wrap

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`vae_core.wrap`, whose parts come in when it is asked for."""
    if name != "wrap":
        raise AttributeError(f"module 'vae_core' has no attribute {name!r}")
    from vae_core.importers import wrap

    return wrap
