"""Variational autoencoders: train, measure, store and explore them. Knows nothing of the front end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vae_core.version import __version__ as __version__

if TYPE_CHECKING:
    from vae_core.importers import wrap as wrap


def __getattr__(name: str) -> Any:
    """Return `vae_core.wrap`, whose parts come in when it is asked for."""
    if name != "wrap":
        raise AttributeError(f"module 'vae_core' has no attribute {name!r}")
    from vae_core.importers import wrap

    return wrap
