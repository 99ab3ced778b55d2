"""`oddlens data prepare`: videos to folders of frames and back, with labels and masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from oddlens.datasets.base import DataSet, MaskReader, Video
from oddlens.datasets.labels import check_labels
from oddlens.datasets.marker import MARKER, Marker, read_marker
from oddlens.datasets.open import open_dataset
from oddlens.datasets.own_labels import write_intervals
from oddlens.datasets.probe import count_frames
from oddlens.datasets.report import describe
from oddlens.errors import DataError, OddLensError, SettingsError
from oddlens.files import atomic_path
from oddlens.media.open import open_source
from oddlens.media.writer import VideoWriter, write_image

Target = Literal["frames", "videos"]

_FOOTAGE = {
    "frames": {"train": "training/frames", "test": "testing/frames"},
    "videos": {"train": "normal", "test": "test"},
}
_MASKS = {"frames": "testing/masks", "videos": "masks"}


@dataclass
class Prepared:
    """What a run of `prepare` did; videos are named by split and name."""

    out: Path
    written: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """Finished by an earlier run."""
    faults: list[str] = field(default_factory=list)
    """Videos that were left out, and frames that could not be decoded."""


def prepare(
    root: str | Path,
    out: str | Path,
    to: Target = "frames",
    *,
    layout: str = "auto",
    labels: str = "default",
    images: str = ".jpg",
    fps: float | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> Prepared:
    """Convert a data set to the frames layout or to videos, whole videos at a time; a second run goes on.

    `frames` writes `training/frames/NAME/000.jpg`, `testing/frames/NAME/`, `testing/masks/NAME/*.png` and
    `testing/test_frame_mask/NAME.npy`; `videos` writes `normal/NAME.mp4`, `test/NAME.mp4`, `masks/NAME/` and
    `labels.csv`.

    Args:
        root: the data set.
        out: a new or empty folder, or one that an unfinished run with the same settings left.
        to: what to write.
        layout: as for `open_dataset`.
        labels: as for `open_dataset`.
        images: suffix of the frames: `.jpg` (quality 95) or `.png` (lossless).
        fps: frame rate of the videos written from images; by default the data set's customary one.
        progress: called with each video's name before it is converted.

    Raises:
        OddLensError: the data set or the settings are at fault; a broken video is left out and reported.
    """
    if to not in _FOOTAGE or images not in (".jpg", ".png"):
        raise SettingsError("prepare", f"cannot write {to!r} as {images!r}", "choose frames or videos, .jpg or .png")
    dataset, out = open_dataset(root, layout, labels), Path(out)
    rate = fps or dataset.fps or _common_rate(dataset)
    marker = Marker(dataset.name, rate, to, images if to == "frames" else "", dataset.label_version)
    _start(out, marker, dataset)
    report, left_out = Prepared(out), []
    for video in (*dataset.train, *dataset.test):
        progress(describe(video))
        target = out / _FOOTAGE[to][video.split] / (video.name if to == "frames" else f"{video.name}.mp4")
        if target.exists():
            report.skipped.append(describe(video))
            continue
        try:
            report.faults += _convert(video, target, out, marker)
        except OddLensError as error:
            report.faults.append(f"{describe(video)} is left out: {error}")
            left_out.append(describe(video))
        else:
            report.written.append(describe(video))
    if to == "videos" and dataset.label_version:
        _write_table(out / "labels.csv", [video for video in dataset.test if describe(video) not in left_out])
    replace(marker, complete=True, left_out=tuple(left_out)).write(out)
    return report


def _common_rate(dataset: DataSet) -> float | None:
    """Frame rate of the videos, if they have one and the same."""
    videos = [video for video in (*dataset.train, *dataset.test) if not video.path.is_dir()]
    rates = {open_source(video.path).info.fps for video in videos}
    return rates.pop() if len(rates) == 1 else None


def _start(out: Path, marker: Marker, dataset: DataSet) -> None:
    earlier = read_marker(out)
    if earlier is None and out.exists() and any(out.iterdir()):
        raise DataError(out, "is not empty", "name a new folder")
    if earlier is not None and replace(earlier, complete=False, left_out=()) != marker:
        raise DataError(
            out, "was begun from other data or with other settings", f"name a new folder, or remove {MARKER}"
        )
    images = any(video.path.is_dir() for video in (*dataset.train, *dataset.test))
    if marker.to == "videos" and images and not marker.fps:
        raise SettingsError(dataset.root, "its images have no frame rate", "give one (fps)")
    marker.write(out)


def _convert(video: Video, target: Path, out: Path, marker: Marker) -> list[str]:
    """Write one video with its labels and masks, the footage last: where it lies, all of it does."""
    pad = marker.to == "videos"
    if video.masks is not None:
        _write_masks(video.masks, out / _MASKS[marker.to] / video.name, pad)
    if video.labels is not None and marker.to == "frames":
        with atomic_path(out / "testing" / "test_frame_mask" / f"{video.name}.npy") as temporary:
            np.save(temporary, video.labels)
    if marker.to == "frames":
        return _write_frames(video, target, marker.images)
    return _write_video(video, target, marker.fps)


def _write_frames(video: Video, target: Path, suffix: str) -> list[str]:
    source = open_source(video.path)
    digits = max(3, len(str(count_frames(video.path) - 1)))
    count = 0
    with atomic_path(target) as temporary:
        temporary.mkdir()
        for frame in source.frames():
            count = frame.index + 1
            write_image(temporary / f"{frame.index:0{digits}d}{suffix}", frame.image)
        check_labels(video, count)
    return [f"{describe(video)}: {fault}" for fault in source.faults]


def _write_video(video: Video, target: Path, fps: float | None) -> list[str]:
    source = open_source(video.path)
    count = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(target, source.info.fps or fps or 0) as writer:
        for frame in source.frames():
            count = frame.index + 1
            writer.write(frame.image)
        check_labels(video, count)
    return [f"{describe(video)}: {fault}" for fault in source.faults]


def _write_masks(masks: MaskReader, folder: Path, pad: bool) -> None:
    """One png a frame; with `pad` odd sizes grow by a row or column, as `VideoWriter` makes them grow."""
    if folder.exists():
        return
    digits = max(3, len(str(len(masks) - 1)))
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        for index in range(len(masks)):
            mask = masks.read(index)
            if pad:
                mask = np.pad(mask, [(0, side % 2) for side in mask.shape], mode="edge")
            write_image(temporary / f"{index:0{digits}d}.png", mask[..., None].astype(np.uint8) * 255)


def _write_table(path: Path, videos: Sequence[Video]) -> None:
    with atomic_path(path) as temporary:
        write_intervals(temporary, {video.name: video.labels for video in videos})
