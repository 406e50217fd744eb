"""In which numbers the products of a step are computed: float32, or bf16 where the device multiplies it."""

from __future__ import annotations

import torch


def has_units(device: torch.device) -> bool:
    """Tell whether a device multiplies bf16 in hardware; other processors imitate it, more slowly than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}
    return any(there for name, there in capabilities.items() if "bf16" in name)


def mixed(device: torch.device, precision: str) -> torch.autocast:
    """Return a context in which products are computed in bf16, if that is the precision.

    Weights stay float32, and so do the likelihood, KL, prior and optimizer, which convert what they are given.

    Raises:
        ValueError: where the device has no such context.
    """
    if precision == "bf16" and not torch.amp.is_autocast_available(device.type):
        raise ValueError(f"precision bf16 is not available on {device.type}; use float32.")
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
