"""A detector: a trained method with its preprocessing and calibration, saved as one folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from oddlens.config import build, merge, read_yaml, to_yaml
from oddlens.errors import DetectorError, OddLensError, SettingsError
from oddlens.files import atomic_path, read_json, write_json, write_text
from oddlens.media.tiles import Tiles
from oddlens.methods import method_class
from oddlens.methods.base import Method
from oddlens.methods.objects import ObjectMethod
from oddlens.objects.settings import DETECTOR_SHA256
from oddlens.scoring.calibration import AlarmRule, Calibration
from oddlens.scoring.objects import ObjectScorer
from oddlens.scoring.windows import Mode, Scorer, WindowScorer
from oddlens.training.devices import pick_device
from oddlens.training.second_stage import DESTROYER, GENERATOR, holds_stages
from oddlens.training.settings import ScoringSettings
from oddlens.types import SamplingSpec

if TYPE_CHECKING:
    import pandas as pd

_FORMAT = 1


@dataclass
class Detector:
    """A trained method that scores footage.

    Example:
        >>> detector = Detector.load("runs/walkway")          # doctest: +SKIP
        >>> table = detector.score("camera.mp4")              # doctest: +SKIP
    """

    method: Method
    calibration: Calibration
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    provenance: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path, device: str = "auto") -> Detector:
        """Load a detector folder, or the detector of a run folder; no code in it is executed.

        Raises:
            DetectorError: there is no detector, or a file of it is damaged or of another version.
        """
        folder = find_detector(Path(path))
        values = read_yaml(folder / "detector.yaml")
        where = str(folder / "detector.yaml")
        if values.get("format") != _FORMAT:
            fault = f"has format {values.get('format')}, this version reads {_FORMAT}"
            raise DetectorError(where, fault, "install the matching oddlens version")
        settings, provenance = _mapping(values, "method", where), _mapping(values, "provenance", where)
        method = method_class(str(settings.pop("name", ""))).from_values(settings, where)
        load_weights(method, folder / "weights.safetensors")
        method.eval().to(pick_device(device))
        calibration = _read_calibration(folder / "calibration.json")
        scoring = build(ScoringSettings, values.get("scoring"), where)
        return cls(method, calibration, scoring, provenance)

    def save(self, folder: str | Path) -> Path:
        """Write the detector folder, whole or not at all; an older detector there is replaced."""
        target = Path(folder)
        values = {
            "format": _FORMAT,
            "method": {"name": self.method.name, **self.method.base_settings.to_dict()},
            "scoring": self.scoring.to_dict(),
            "provenance": self.provenance,
        }
        if target.exists():
            _remove_detector(target)
        with atomic_path(target) as temporary:
            temporary.mkdir()
            write_text(temporary / "detector.yaml", to_yaml(values))
            # without calibration the threshold is infinite: the default, and nothing JSON could hold
            finite = {key: value for key, value in self.calibration.to_dict().items() if value != float("inf")}
            write_json(temporary / "calibration.json", finite)
            weights = {name: value.detach().cpu().contiguous() for name, value in self.method.state_dict().items()}
            (temporary / "weights.safetensors").write_bytes(save(weights))
        return target

    @property
    def name(self) -> str:
        """Name of the method."""
        return self.method.name

    @property
    def alarm_rule(self) -> AlarmRule:
        """How alarms open and close."""
        s = self.scoring
        return AlarmRule(s.false_alarms_per_hour, s.open_frames, s.close_seconds, s.hysteresis)

    @property
    def tiles(self) -> Tiles | None:
        """The tiles that photographs are scored in; None where they are scored whole."""
        return tiles_of(self.scoring, self.method.sampling)

    def scorer(self, mode: Mode | None = None, batch_size: int | None = None, details: bool = False) -> Scorer:
        """A scorer for one stream of frames; `batch_size=1` for live use.

        Raises:
            DetectorError: a file that the method's boxes rest on is gone, or not what it was in training.
        """
        s = self.scoring
        if isinstance(self.method, ObjectMethod):
            scorer = ObjectScorer(self.method, batch_size or s.batch_size, s.precision, details)
            scorer.check_detector(self.provenance.get(DETECTOR_SHA256))
            return scorer
        return WindowScorer(self.method, mode or s.mode, batch_size or s.batch_size, s.precision, details)

    def score(
        self, inputs: str | Path | Sequence[str | Path], mode: Mode | None = None, fps: float | None = None
    ) -> pd.DataFrame:
        """Scores of every frame of a file, folder or glob, or of several; or of every photograph.

        Returns:
            Columns `video`, `frame`, `time` (seconds), `score` (raw, higher = odder), `calibrated` (surprise),
            `alarm`, and one for each component of the method; of photographs those of `ScoredPhotograph.row`.

        Raises:
            OddLensError: an input cannot be read or is too short.
        """
        from oddlens.scoring.photographs import table_of_photographs
        from oddlens.scoring.table import score_inputs

        every = [inputs] if isinstance(inputs, (str, Path)) else list(inputs)
        if self.method.subject == "photographs":
            return table_of_photographs(self, every)
        return score_inputs(self, every, mode, fps)

    def with_scoring(self, **changes: Any) -> Detector:
        """The same detector with other scoring settings.

        Raises:
            SettingsError: an unknown setting or a wrong value; or other tiles, which need another training.
        """
        where = "scoring settings"
        scoring = build(ScoringSettings, merge(self.scoring.to_dict(), changes), where)
        if tiles_of(scoring, self.method.sampling) != self.tiles:
            fault = "would not be the tiles that weights and threshold were made with"
            raise SettingsError("scoring.tile", fault, "train with them: oddlens train --tile")
        return replace(self, scoring=scoring)


def tiles_of(scoring: ScoringSettings, spec: SamplingSpec) -> Tiles | None:
    """Tiles as wide as the settings say and of the shape of the method's frames; None for whole photographs."""
    if not scoring.tile:
        return None
    return Tiles(max(round(scoring.tile * spec.height / spec.width), 1), scoring.tile, scoring.tile_overlap)


def find_detector(path: Path) -> Path:
    """The detector folder at `path`, or inside the run folder at `path`; of two stages the second one's.

    Raises:
        DetectorError: neither is there.
    """
    if holds_stages(path):
        second = path / DESTROYER / "detector"
        if not (second / "detector.yaml").is_file():
            remedy = "repeat its 'oddlens train' command: it goes on"
            if (path / GENERATOR / "detector" / "detector.yaml").is_file():
                remedy += f"; or name {path / GENERATOR}"
            raise DetectorError(path, "the second of two stages has not finished", remedy)
        return second
    for folder in (path, path / "detector"):
        if (folder / "detector.yaml").is_file():
            return folder
    if (path / "run.yaml").is_file():
        raise DetectorError(path, "the run has not finished", "repeat its 'oddlens train' command: it goes on")
    fault = "does not exist" if not path.exists() else "is no detector folder"
    raise DetectorError(path, fault, "give the folder named with 'oddlens train --out'")


def load_weights(method: Method, file: Path) -> None:
    """Load safetensors `file` into `method`.

    Raises:
        DetectorError: the file is missing, damaged, or holds weights of another network.
    """
    try:
        method.load_state_dict(load_file(file))
    except (OSError, SafetensorError) as error:
        raise DetectorError(file, f"cannot be read ({error})", "restore the file or train again") from error
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if len(str(error).splitlines()) > 1 else str(error)
        raise DetectorError(file, f"does not fit the network ({first[:100]})", "restore both files together") from error


def _mapping(values: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    found = values.get(key) or {}
    if not isinstance(found, Mapping):
        raise DetectorError(where, f"'{key}' holds no 'key: value' pairs", "restore the file or train again")
    return dict(found)


def _read_calibration(file: Path) -> Calibration:
    calibration = build(Calibration, read_json(file), str(file))
    if not calibration.is_scale():
        raise DetectorError(file, "its levels and quantiles are no scale", "restore the file or train again")
    return calibration


def runtime() -> dict[str, Any]:
    """Versions and machine, for provenance."""
    import platform

    import numpy as np

    from oddlens import __version__

    return {
        "oddlens": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "platform": platform.platform(terse=True),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    import platform

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _remove_detector(folder: Path) -> None:
    known = {"detector.yaml", "calibration.json", "weights.safetensors"}
    strangers = [p.name for p in folder.iterdir() if p.name not in known and not p.name.startswith("evaluation-")]
    if strangers:
        raise OddLensError(folder, f"holds other files ({strangers[0]})", "name another folder")
    for item in folder.iterdir():
        item.unlink()
    folder.rmdir()
