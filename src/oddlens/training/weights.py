"""Weights of other people's networks: published ones through torch's cache, or from a local file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from oddlens.errors import DetectorError

_SHOWN = 100
"""Characters of torch's message that are passed on."""
_COUNTER = "num_batches_tracked"


def published_weights(name: str, weights: Any, setting: str) -> Mapping[str, Tensor]:
    """Published weights of network `name`, downloaded once into torch's cache folder.

    Args:
        name: of the network, for messages.
        weights: torchvision's record of them.
        setting: where a user may name a file instead, for messages.

    Raises:
        DetectorError: they are not there and cannot be fetched; the line says what to fetch and where to put it.
    """
    try:
        state: Mapping[str, Tensor] = weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # no network, or half a file
        place = Path(torch.hub.get_dir()) / "checkpoints"
        remedy = f"fetch {weights.url} and put it into {place}{os.sep}, or name the file as {setting}"
        raise DetectorError(f"weights of {name}", f"cannot be downloaded ({error})", remedy) from error
    return state


def local_weights(name: str, file: Path) -> Mapping[str, Tensor]:
    """A state dict from `file` (`.safetensors` or torch's format); nothing in it is executed.

    Raises:
        DetectorError: there is no such file, or it holds no state dict.
    """
    remedy = f"give a state dict of {name}"
    if not file.is_file():
        raise DetectorError(file, "there is no such file of weights", remedy)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about protocols, before the fault itself
            state = load_file(file) if file.suffix == ".safetensors" else torch.load(file, "cpu", weights_only=True)
    except OSError as error:
        raise DetectorError(file, f"cannot be read ({str(error)[:_SHOWN]})", remedy) from error
    except Exception as error:  # there is no end to what a damaged pickle can raise, and little of it says anything
        raise DetectorError(file, "cannot be read (it holds no weights, or is damaged)", remedy) from error
    if not isinstance(state, Mapping):
        raise DetectorError(file, f"holds a {type(state).__name__}, not a state dict", remedy)
    return state


def load_weights(network: nn.Module, state: Mapping[str, Tensor], name: str, where: str | Path) -> None:
    """Load `state` into `network`; only the counters of batch normalisation, unused here, may be missing.

    Raises:
        DetectorError: the weights are those of another network.
    """
    try:
        result = network.load_state_dict(state, strict=False)
    except (RuntimeError, TypeError, AttributeError) as error:
        detail = str(error).split("\n")[:2][-1].strip()[:_SHOWN]  # torch names the fault in the second line
        raise _foreign(where, name, detail) from error
    missing = [key for key in result.missing_keys if not key.endswith(_COUNTER)]
    if missing or result.unexpected_keys:
        raise _foreign(where, name, f"missing {missing[:1]}, unexpected {result.unexpected_keys[:1]}")


def _foreign(where: str | Path, name: str, detail: str) -> DetectorError:
    return DetectorError(where, f"holds other weights than {name}'s ({detail})", f"give a state dict of {name}")
