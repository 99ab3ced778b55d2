"""From an official checkpoint to a detector."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from oddlens.datasets.open import open_dataset
from oddlens.errors import DataError
from oddlens.files import fingerprint_file
from oddlens.media.store import Footage, build_store
from oddlens.methods.lnra.convert import read_official
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector, runtime
from oddlens.training.feeds import calibrate_detector
from oddlens.training.resources import cache_budget, cache_folder
from oddlens.training.settings import DataSettings, RunSettings, ScoringSettings


def import_official(
    checkpoint: str | Path,
    out: str | Path,
    data: str | Path | None = None,
    false_alarms_per_hour: float = 1.0,
) -> Detector:
    """Make and save a detector with the weights of an official LNRA checkpoint.

    Args:
        checkpoint: `model_EE.pth`.
        out: detector folder.
        data: normal footage to calibrate on; it is taken as seen in training. Without it scores stay raw.
        false_alarms_per_hour: alarm rate to set the threshold for.

    Raises:
        OddLensError: the checkpoint or the footage cannot be read.
    """
    method = read_official(Path(checkpoint)).eval()
    scoring = ScoringSettings(false_alarms_per_hour=false_alarms_per_hour, precision="float32")
    note = f"official checkpoint {Path(checkpoint).name}"
    provenance = {"source": note, "checkpoint_fingerprint": fingerprint_file(Path(checkpoint)), **runtime()}
    detector = Detector(method, Calibration(frames=0), scoring, provenance)
    if data is not None:
        run = RunSettings(data=DataSettings(root=str(data)))
        dataset = open_dataset(data)
        if not dataset.train:
            raise DataError(dataset.root, "holds no training videos", "leave out --data: scores then stay raw")
        footage = [Footage(video.name, video.path, dataset.fps) for video in dataset.train]
        store = build_store(footage, method.sampling, cache_folder(run.data), cache_budget(run.data))
        calibration = calibrate_detector(detector, store.runs(), False, dataset.fps)
        detector = replace(detector, calibration=calibration)
    detector.save(out)
    return detector
