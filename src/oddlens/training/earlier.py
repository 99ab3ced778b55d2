"""The run that another one begins with: what it decides, and that it is never written over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from oddlens.config import build
from oddlens.errors import DataError, SettingsError
from oddlens.files import fingerprint_file, read_json
from oddlens.methods import method_class
from oddlens.methods.base import Method
from oddlens.scoring.detector import Detector, find_detector
from oddlens.training.second_stage import FIRST_STAGES, first_stage
from oddlens.training.settings import RunSettings

BEGINS_WITH, OPTIMISTIC = "begins_with", "optimistic"
"""Keys of the provenance: the detector that training began with; what was fitted to test labels, if anything."""


def complete_settings(run: RunSettings, folder: Path) -> tuple[RunSettings, dict[str, Any]]:
    """The settings with what an earlier run decides, for methods that begin with the result of one.

    Args:
        run: as resolved.
        folder: where the new run goes.

    Returns:
        The settings, and what the provenance says of the earlier run: nothing where there is none.

    Raises:
        SettingsError: it would be written where the earlier one lies.
        OddLensError: the earlier one is not there, has not finished, or is of another method.
    """
    found: dict[str, Any] = {}

    def open_earlier(path: str) -> Method:
        place = first_stage(path)
        _check_apart(place, folder)
        detector = Detector.load(place, "cpu")
        found.update(_trace(detector, find_detector(place)))
        return detector.method

    kind = method_class(run.method["name"])
    values = {key: value for key, value in run.method.items() if key != "name"}
    settings = kind.complete(build(kind.settings_type, values, "method"), open_earlier)
    return replace(run, method={"name": run.method["name"], **settings.to_dict()}), found


def check_earlier(provenance: Path, origin: Mapping[str, Any]) -> None:
    """Make sure that a run goes on with the detector that it began with.

    Args:
        provenance: file of the run.
        origin: provenance as it would be written now.

    Raises:
        DataError: the detector is another one.
    """
    then, now = read_json(provenance).get(BEGINS_WITH), origin.get(BEGINS_WITH)
    if then and now and then["weights_fingerprint"] != now["weights_fingerprint"]:
        fault = f"began with other weights of {now['method']} than lie there now"
        raise DataError(provenance.parent, fault, "restore them, name another --out, or start afresh with --overwrite")


def without_place(method: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a method without the place of the run it begins with: that may be moved, and named in many ways."""
    _, setting = FIRST_STAGES.get(method.get("name", ""), ("", ""))
    return {key: value for key, value in method.items() if f"method.{key}" != setting}


def _check_apart(earlier: Path, folder: Path) -> None:
    """Refuse to write over an earlier run, into it, or into a folder that it lies in."""
    root, new = earlier.resolve(), folder.resolve()
    if (root / "detector.yaml").is_file() and (root.parent / "run.yaml").is_file():
        root = root.parent  # the detector was named, its whole run is meant
    if new in (root, *root.parents):
        raise SettingsError(folder, "is the run that this one begins with", "name another folder with --out")
    if root in new.parents:
        raise SettingsError(folder, "lies inside the run that this one begins with", "name another folder with --out")


def _trace(detector: Detector, folder: Path) -> dict[str, Any]:
    """What the provenance of the new run keeps of the earlier one."""
    then = {key: detector.provenance[key] for key in ("date", "seed", "steps") if key in detector.provenance}
    weights = fingerprint_file(folder / "weights.safetensors")
    trace: dict[str, Any] = {BEGINS_WITH: {"method": detector.name, **then, "weights_fingerprint": weights}}
    if OPTIMISTIC in detector.provenance:
        trace[OPTIMISTIC] = detector.provenance[OPTIMISTIC]
    return trace
