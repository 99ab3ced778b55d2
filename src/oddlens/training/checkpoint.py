"""Checkpoints: everything a run needs to go on exactly where it stood."""

from __future__ import annotations

import math
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from oddlens.errors import DetectorError
from oddlens.files import atomic_path

_VERSION = 1


@dataclass
class Checkpoint:
    """State after `step` finished training steps."""

    step: int
    method: dict[str, Tensor]
    optimizers: dict[str, Any]
    best_loss: float
    """Lowest held-out normal loss."""
    best_method: dict[str, Tensor] | None
    seconds: float
    """Training time so far, over all sittings."""
    random: dict[str, Tensor]
    best_auc: float = -math.inf
    """Highest micro AUC on test labels, where these choose."""
    best_step: int = 0
    """The step that it was reached at."""


def random_state() -> dict[str, Tensor]:
    """State of torch's generators."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: dict[str, Tensor]) -> None:
    """Set torch's generators to `state`."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint`, whole or not at all, and onto the disk before the old one goes."""
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        torch.save({"version": _VERSION, **vars(checkpoint)}, stream)
        stream.flush()
        os.fsync(stream.fileno())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing in the file is executed.

    Raises:
        DetectorError: the file is damaged or from another version.
    """
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        if values.pop("version") != _VERSION:
            raise DetectorError(path, "is a checkpoint of another version", "start the run afresh with --overwrite")
        return Checkpoint(**values)
    except (
        OSError,
        RuntimeError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        fault = f"is damaged or no checkpoint ({type(error).__name__})"
        raise DetectorError(path, fault, "delete it, or start afresh with --overwrite") from error
