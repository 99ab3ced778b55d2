"""What a run trains on: which videos, and clips of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oddlens.config import merge
from oddlens.datasets.base import DataSet, Video
from oddlens.errors import DataError
from oddlens.media.store import Footage
from oddlens.methods.lnra.method import Lnra
from oddlens.sampling.order import ClipSet
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector
from oddlens.training.feeds import Feed, chosen_videos, clip_feed
from oddlens.training.progress import Progress
from oddlens.training.run import resolve_settings


def dataset(train: int, test: int) -> DataSet:
    def videos(part: str, count: int) -> tuple[Video, ...]:
        return tuple(Video(f"{part}-{k}", Path(part) / str(k), part) for k in range(count))  # type: ignore[arg-type]

    return DataSet("made up", Path("root"), videos("train", train), videos("test", test))


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", ["train-0", "train-1"]),
        ("test", ["test-0"]),
        ("merge", ["train-0", "train-1", "test-0"]),
    ],
)
def test_a_split_names_its_videos_training_ones_first(split: str, names: list[str]) -> None:
    assert [video.name for video in chosen_videos(dataset(2, 1), split)] == names


@pytest.mark.parametrize(
    ("train", "test", "split", "fault"),
    [
        (0, 3, "train", "root: holds no training videos"),
        (3, 0, "test", "root: holds no test videos"),
        (0, 0, "merge", "root: holds no training videos"),
    ],
)
def test_a_split_without_videos_is_refused(train: int, test: int, split: str, fault: str) -> None:
    with pytest.raises(DataError, match=fault) as caught:
        chosen_videos(dataset(train, test), split)
    assert "--split" in caught.value.remedy


def test_merge_takes_what_there_is() -> None:
    assert len(chosen_videos(dataset(0, 2), "merge")) == 2
    assert len(chosen_videos(dataset(2, 0), "merge")) == 2


@pytest.fixture
def feed(scene: Path, lnra: dict[str, Any]) -> Any:
    """Clips of the scene's normal videos, changes laid over the settings."""

    def make(**changes: Any) -> tuple[Lnra, Feed]:
        run = resolve_settings(None, scene, None, merge(lnra, changes), [])
        values = {key: value for key, value in run.method.items() if key != "name"}
        method = Lnra.from_values(values, "test")
        assert isinstance(method, Lnra)
        videos = [Footage(path.stem, path, None) for path in sorted((scene / "normal").glob("*.mp4"))]
        return method, clip_feed(method, run, videos, str(scene), Progress(True))

    return make


def test_clips_held_out_share_no_frame_with_those_trained_on(feed: Any) -> None:
    method, found = feed(training={"holdout": 0.4})
    assert isinstance(found.train, ClipSet) and isinstance(found.held_out, ClipSet)
    for train, held in zip(found.train.runs, found.held_out.runs):
        assert (train.start, train.video) == (0, held.video)
        assert train.start + len(train) == held.start
        assert len(train) + len(held) == 60
    assert len(found.train) == sum(len(run) - method.sampling.span + 1 for run in found.train.runs)
    assert (found.frames, found.frames_seen) == (120, 120)
    assert len(found.fingerprint) == 64 and found.summary


def test_without_holdout_the_detector_is_calibrated_on_what_it_was_trained_on(feed: Any) -> None:
    method, found = feed(training={"holdout": 0})
    assert found.held_out is None
    calibration = found.calibrate(Detector(method.eval(), Calibration(frames=0)))
    assert (calibration.frames, calibration.held_out) == (120, False)
    assert any("training.holdout" in warning for warning in calibration.warnings)


def test_calibration_rests_on_held_out_frames(feed: Any) -> None:
    method, found = feed(training={"holdout": 0.4})
    calibration = found.calibrate(Detector(method.eval(), Calibration(frames=0)))
    assert (calibration.frames, calibration.held_out) == (48, True)
    assert np.isfinite([calibration.threshold, calibration.map_low, calibration.map_high]).all()


def test_fewer_clips_than_a_batch_takes(feed: Any) -> None:
    with pytest.raises(DataError, match=r"walkway: holds \d+ clips to train on, a batch takes 500"):
        feed(training={"batch_size": 500})
