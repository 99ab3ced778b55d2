"""The run folder: new, or one to go on with, and never half begun."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oddlens.config import read_yaml, to_yaml
from oddlens.errors import DataError, OddLensError, SettingsError
from oddlens.files import is_leftover, read_json, remove_leftovers, write_json, write_text
from oddlens.objects.settings import DETECTOR_SHA256, READY_BOXES_SHA256
from oddlens.training.compare import difference
from oddlens.training.earlier import check_earlier, without_place
from oddlens.training.settings import RunSettings

_CONTENTS = {
    "data_fingerprint": "the footage",
    DETECTOR_SHA256: "the object detector's file",
    READY_BOXES_SHA256: "the file of ready boxes",
}
"""What a run goes on with only while it is the same, by the names in its provenance."""
_SETTINGS, _PROVENANCE, _DETECTOR = "run.yaml", "provenance.json", "detector"


def check_folder(folder: Path, run: RunSettings, overwrite: bool) -> None:
    """Make sure that `folder` can be made, or holds a run that may go on or be overwritten; nothing is changed yet.

    Raises:
        SettingsError: it holds something else.
        OddLensError: it cannot be written.
    """
    try:
        if folder.is_file():
            raise SettingsError(folder, "is a file", "name a folder with --out")
        if (folder / _SETTINGS).exists():
            if not overwrite:
                _check_settings(folder, run)
        elif folder.exists() and not all(is_leftover(item) for item in folder.iterdir()):
            raise SettingsError(folder, "is not empty and holds no run", "name another folder with --out")
        there = folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable.part"
        probe.touch()
        probe.unlink()
        if not there:
            folder.rmdir()  # until the run begins: its data may still be refused
    except OSError as error:
        raise _unwritable(folder, error) from error


def begin(folder: Path, run: RunSettings, origin: Mapping[str, Any], overwrite: bool) -> None:
    """Write what the run is and where its footage comes from, or check that it goes on with the same footage.

    Args:
        origin: the provenance known before training; its `data_fingerprint`, and the weights it begins with, must stay.

    Raises:
        DataError: the footage is not what the run began with, or the detector is not.
        OddLensError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if overwrite:
            for part in ("checkpoints", "logs", _DETECTOR):
                if (folder / part).exists():
                    shutil.rmtree(folder / part)
            (folder / _PROVENANCE).unlink(missing_ok=True)
        remove_leftovers(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if overwrite or not (folder / _SETTINGS).exists():
        write_text(folder / _SETTINGS, to_yaml(run.to_dict()))
    if (folder / _PROVENANCE).exists():
        check_origin(folder, origin)
    else:
        write_json(folder / _PROVENANCE, dict(origin))


def check_origin(folder: Path, origin: Mapping[str, Any]) -> None:
    """Make sure that the run in `folder` began with the same footage and files, and with the same detector if with one.

    Args:
        origin: its `data_fingerprint`, the hashes of other files that samples rest on, as far as they are known, and
            what `check_earlier` looks at.

    Raises:
        DataError: it did not.
    """
    check_earlier(folder / _PROVENANCE, origin)
    then = read_json(folder / _PROVENANCE)
    changed = [what for key, what in _CONTENTS.items() if key in then and then[key] != origin.get(key, then[key])]
    if changed:
        fault = f"{changed[0]} has changed since this run began"
        raise DataError(folder, fault, "restore it, name another --out, or start afresh with --overwrite")


def finish(folder: Path, provenance: Mapping[str, Any]) -> None:
    """Mark the run as finished: its detector is written."""
    write_json(folder / _PROVENANCE, dict(provenance))


def finished(folder: Path) -> dict[str, Any] | None:
    """Provenance of the run in `folder`, `None` unless it has made its detector."""
    if not (folder / _DETECTOR / "detector.yaml").exists() or not (folder / _PROVENANCE).exists():
        return None
    provenance: dict[str, Any] = read_json(folder / _PROVENANCE)
    return provenance if "steps" in provenance else None


def _check_settings(folder: Path, run: RunSettings) -> None:
    changed = difference(_comparable(read_yaml(folder / _SETTINGS)), _comparable(run.to_dict()))
    if changed:
        fault = f"holds a run with other settings ({changed})"
        raise SettingsError(folder, fault, "name another --out, or start afresh with --overwrite")


def _comparable(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {**settings, "method": without_place(settings.get("method") or {})}


def _unwritable(folder: Path, error: OSError) -> OddLensError:
    return OddLensError(folder, f"cannot be written ({error.strerror or error})", "name another folder with --out")
