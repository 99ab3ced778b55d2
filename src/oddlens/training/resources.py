"""What a method may open before training: intruder pictures and clips, features of its frames."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from oddlens.datasets.open import open_dataset
from oddlens.errors import DataError
from oddlens.labels.store import FeatureStore, FrameInput, build_feature_store
from oddlens.media.formats import IMAGE_SUFFIXES
from oddlens.media.images import read_image
from oddlens.media.source import Colour
from oddlens.media.store import Footage, FrameStore, build_store
from oddlens.methods.base import Method
from oddlens.sampling.clips import count_clips
from oddlens.sampling.intruders import ClipIntruder, Intruder, open_still_intruder
from oddlens.training.devices import pick_device
from oddlens.training.progress import Progress
from oddlens.training.second_stage import first_stage
from oddlens.training.settings import DataSettings
from oddlens.types import Image, SamplingSpec


def cache_folder(data: DataSettings) -> Path:
    """Where stores of frames, flow and patches live."""
    if data.cache_dir:
        return Path(data.cache_dir)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "oddlens" / "frames"


def cache_budget(data: DataSettings) -> int:
    """Bytes that one store may take."""
    return int(data.cache_gb * 1e9)


def open_method(path: str) -> Method:
    """The trained method in the run or detector folder `path`, on the CPU; of two stages the first one's.

    Raises:
        OddLensError: there is none, or its run has not finished.
    """
    from oddlens.scoring.detector import Detector

    return Detector.load(first_stage(path), "cpu").method


@dataclass(frozen=True)
class TrainingResources:
    """Opens intruders, whose clips of other footage go through a frame store of their own, and features of frames."""

    cache_dir: Path
    budget_bytes: int
    frames: FrameStore | None = None
    """All frames of the run, held-out ones too."""
    device: str = "auto"
    """Where networks compute, see `pick_device`."""
    progress: Progress = field(default_factory=lambda: Progress(quiet=True))

    def open_intruder(self, name: str, spec: SamplingSpec) -> Intruder:
        """The intruder source called `name`, see `PseudoAnomaly.intruder`.

        Raises:
            OddLensError: the name is not known or there is nothing to open.
        """
        still = open_still_intruder(name, spec)
        if still is not None:
            return still
        root = Path(name.partition(":")[2]).expanduser()
        dataset = open_dataset(root)
        footage = [Footage(video.name, video.path, dataset.fps) for video in dataset.train]
        runs = build_store(footage, spec, self.cache_dir, self.budget_bytes).runs()
        usable = [run for run in runs if count_clips(len(run), spec)]
        if not usable:
            raise DataError(root, f"holds no training video of {spec.span} frames", "give longer footage")
        return ClipIntruder(usable, spec)

    def open_features(self, source: FrameInput) -> FeatureStore | None:
        """Features of every frame of the run, computed now unless they have been; `None` where they do not fit, or
        the run has no frame store.

        Raises:
            OddLensError: weights are missing, or the cache cannot be written.
        """
        if self.frames is None:
            return None
        device = pick_device(self.device)
        with self.progress.decoding(f"computing {source.kind}") as advance:
            return build_feature_store(self.frames, source, self.cache_dir, self.budget_bytes, advance, device)

    def open_method(self, path: str) -> Method:
        """The trained method in the run or detector folder `path`; of two stages the first one's.

        Raises:
            OddLensError: there is none, or its run has not finished.
        """
        return open_method(path)

    @staticmethod
    def open_pictures(path: str, colour: Colour) -> dict[str, Image]:
        """The picture at `path`, or all pictures of a folder, by their names without suffix.

        Raises:
            DataError: a folder without pictures.
            MediaError: there is nothing, or a picture cannot be read.
        """
        place = Path(path).expanduser()
        if not place.is_dir():
            return {place.stem: read_image(place, colour)}
        files = sorted(file for file in place.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
        if not files:
            raise DataError(place, "holds no pictures", "name a picture, or a folder of pictures")
        return {file.stem: read_image(file, colour) for file in files}
