"""The folder of an experiment: whose it is, and the models that are trained already."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from oddlens.errors import DetectorError, OddLensError, SettingsError
from oddlens.files import atomic_path, is_leftover, read_json, remove_leftovers, write_json
from oddlens.toy.models import Kind, ToyModel
from oddlens.toy.settings import ToySettings
from oddlens.toy.training import new_model, place_model
from oddlens.training.weights import load_weights, local_weights

_MARKER, _WEIGHTS = "toy.json", "weights"
_ELSEWHERE = "name another --out, or start afresh with --overwrite"


def open_folder(folder: Path, origin: Mapping[str, Any], overwrite: bool) -> None:
    """Make `folder` that of the experiment `origin`, or check that it is.

    Args:
        folder: made if missing.
        origin: what decides the weights besides seeds, plain values by name; `digits` is only shown, `fingerprint`
            says which they are.
        overwrite: remove another experiment's models.

    Raises:
        SettingsError: the folder holds something else, or an experiment of another origin.
        OddLensError: it cannot be written.
    """
    if folder.is_file():
        raise SettingsError(folder, "is a file", "name a folder with --out")
    if folder.is_dir() and not (folder / _MARKER).exists():
        strangers = [item.name for item in sorted(folder.iterdir()) if not is_leftover(item)]
        if strangers:
            fault = f"holds something else than a toy experiment ({strangers[0]})"
            raise SettingsError(folder, fault, "name another folder with --out")
    if overwrite:
        _clear(folder)
    if (folder / _MARKER).exists():
        _check_origin(folder, read_json(folder / _MARKER), origin)
        remove_leftovers(folder)
    else:
        write_json(folder / _MARKER, dict(origin))


def save_model(folder: Path, kind: Kind, seed: int, model: ToyModel, seconds: float) -> None:
    """Write the weights of a trained model, whole or not at all."""
    state = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic_path(_file(folder, kind, seed)) as temporary:
        temporary.write_bytes(save(state, {"model": kind, "seed": str(seed), "seconds": f"{seconds:.1f}"}))


def load_model(
    folder: Path, kind: Kind, seed: int, settings: ToySettings, device: torch.device
) -> tuple[ToyModel, float] | None:
    """A model that is trained already, in eval mode, and the seconds it took; `None` if it is not.

    Raises:
        DetectorError: the file is damaged, or holds other weights.
    """
    file = _file(folder, kind, seed)
    if not file.exists():
        return None
    name = f"the toy's {kind} model"
    model = new_model(kind, settings, seed)
    try:
        load_weights(model, local_weights(name, file), name, file)
    except DetectorError as error:
        raise DetectorError(file, error.fault, "remove the file, and it is trained anew") from error
    with safe_open(file, "pt") as stream:
        seconds = float((stream.metadata() or {}).get("seconds", "nan"))
    return place_model(model, device).eval(), seconds


def _file(folder: Path, kind: Kind, seed: int) -> Path:
    return folder / _WEIGHTS / f"{kind}-{seed}.safetensors"


def _clear(folder: Path) -> None:
    try:
        if (folder / _WEIGHTS).exists():
            shutil.rmtree(folder / _WEIGHTS)
        for name in ("results.json", "results.md", "figure.png", _MARKER):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise OddLensError(folder, f"cannot be cleared ({error.strerror})", "name another folder") from error


def _check_origin(folder: Path, old: Any, new: Mapping[str, Any]) -> None:
    if not isinstance(old, Mapping):
        raise SettingsError(folder / _MARKER, "is damaged", _ELSEWHERE)
    changed = [key for key in new if key != "digits" and old.get(key) != new[key]]
    if changed:
        key = "digits" if changed[0] == "fingerprint" else changed[0]
        raise SettingsError(folder, f"holds an experiment with {key} {old.get(key)}, not {new[key]}", _ELSEWHERE)
