"""Device, precision and threads of a run."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from oddlens.errors import SettingsError
from oddlens.training.settings import Precision


def pick_device(name: str = "auto") -> torch.device:
    """The named device, or the best there is.

    Raises:
        SettingsError: the named device is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(name, False):
        raise SettingsError(f"device '{name}'", "is not available here", "use device: auto or cpu")
    return torch.device(name)


def use_bfloat16(precision: Precision, device: torch.device) -> bool:
    """Whether to compute in bfloat16: asked for, or `auto` and the hardware multiplies in it."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type != "cpu":
        return False
    cpu: Any = torch.cpu
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(cpu, name, lambda: False)() for name in names)


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """Context in which the network computes in the wanted precision."""
    if use_bfloat16(precision, device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()
