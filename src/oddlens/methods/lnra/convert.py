"""Import of official LNRA checkpoints, without running what is pickled in them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from oddlens import safe_pickle
from oddlens.errors import DetectorError, SettingsError
from oddlens.methods.lnra.method import Lnra, LnraSettings
from oddlens.safe_pickle import Inert

_REMEDY = "give a checkpoint of the official code (model_EE.pth) or its state dict"
_SHOWN = 150
"""Characters of another library's message that are passed on."""


def read_official(file: Path) -> Lnra:
    """The method with the weights of an official checkpoint; widths and channels are read off the tensors.

    Official files hold a whole pickled module; only its tensors are taken. Names: an optional `module.`, then
    `encoder.encoder.N` and `decoder.decoder.N`.

    Raises:
        DetectorError: the file is damaged, or holds another network.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the source of classes that are not loaded
            loaded = torch.load(file, map_location="cpu", weights_only=False, pickle_module=safe_pickle)
        state = {_our_name(name): value for name, value in find_tensors(loaded).items()}
    except Exception as error:  # there is no end to what a damaged pickle can raise
        fault = f"cannot be read ({type(error).__name__}: {str(error)[:_SHOWN]})"
        raise DetectorError(file, fault, _REMEDY) from error
    try:
        first, second, deep = (state[f"encoder.{layer}.weight"].shape[0] for layer in (0, 3, 6))
        channels = state["encoder.0.weight"].shape[1]
        method = Lnra(LnraSettings(widths=(first, second, deep), channels=channels))
        method.network.load_state_dict(state)
    except KeyError as error:
        raise DetectorError(file, f"holds no LNRA network (it lacks {error})", _REMEDY) from error
    except (IndexError, RuntimeError, SettingsError) as error:
        # torch names the fault in the second line
        detail = str(error).split("\n")[:2][-1].strip()[:_SHOWN]
        raise DetectorError(file, f"holds no LNRA network ({detail})", _REMEDY) from error
    return method


def find_tensors(loaded: Any) -> dict[str, Tensor]:
    """State dict of a loaded checkpoint: a plain one, one under `state_dict`, or the tensors of a module."""
    if isinstance(loaded, dict):
        if "state_dict" in loaded:
            return find_tensors(loaded["state_dict"])
        if "model" in loaded:
            return find_tensors(loaded["model"])
        return {name: value for name, value in loaded.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if isinstance(loaded, Inert):
        return _module_tensors(loaded, "")
    return {}


def _module_tensors(module: Any, prefix: str) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for kind in ("_parameters", "_buffers"):
        for name, value in vars(module).get(kind, {}).items():
            if isinstance(value, Tensor):
                tensors[prefix + name] = value.detach()
    for name, child in vars(module).get("_modules", {}).items():
        if isinstance(child, Inert):
            tensors |= _module_tensors(child, f"{prefix}{name}.")
    return tensors


def _our_name(name: str) -> str:
    plain = name.removeprefix("module.")
    return plain.replace("encoder.encoder.", "encoder.").replace("decoder.decoder.", "decoder.")
