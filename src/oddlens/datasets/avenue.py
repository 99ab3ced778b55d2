"""CUHK Avenue: the original avi files or a tree of frames; masks in `volLabel`, or a frame-label file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from oddlens.datasets.base import DataSet, Labels, Video
from oddlens.datasets.frames_tree import find_label_file, open_tree, read_whole, recognise_frames
from oddlens.datasets.identity import AVENUE_LENGTHS, FPS, identify
from oddlens.datasets.labels import LabelSource, attach_labels, covers, mask_source, read_label_file
from oddlens.datasets.marker import is_prepared
from oddlens.datasets.masks import MatMasks
from oddlens.datasets.trees import video_files
from oddlens.errors import DataError

_INNER = "Avenue Dataset"
"""Folder inside the published archive."""
_LABEL_FILES = ("avenue.mat", "frame_labels_avenue.npy")


def recognise_avenue(root: Path) -> bool:
    """Whether `root` holds Avenue's videos, the folder of its archive, or a tree of its frames."""
    if _videos_root(root) is not None:
        return True
    return recognise_frames(root) and not is_prepared(root) and identify(root) == "avenue"


def open_avenue(root: Path, labels: str = "default") -> DataSet:
    """Open Avenue, complete (16 + 21 videos) or in part.

    The labels exist in two versions that agree on 97.1 % of frames: `masks` (default; a frame is abnormal
    where `volLabel` has a pixel: 3,712 of 15,324) and `frames` (a frame-label file: 3,867), from `avenue.mat`
    or `frame_labels_avenue.npy` in `root` or the folder above.

    Raises:
        DataError: another layout, or labels that do not fit.
    """
    inner = _videos_root(root)
    if inner is not None:
        train = _videos(inner / "training_videos", "train", root)
        test = _videos(inner / "testing_videos", "test", root)
    elif recognise_frames(root):
        tree = open_tree(root, "avenue", "none")
        train, test = tree.train, tuple(_with_masks(video, root) for video in tree.test)
    else:
        looked = "looked for training_videos/NN.avi, testing_videos/NN.avi, training/frames, testing/frames"
        raise DataError(root, "is not Avenue", looked)
    sources = [
        mask_source(test, "N_label.mat, volLabel"),
        LabelSource("frames", " or ".join(_LABEL_FILES), lambda: _labels_from_file(root, test)),
    ]
    labelled, version = attach_labels(test, sources, labels, root)
    return DataSet("avenue", root, train, labelled, version, FPS["avenue"])


def _videos_root(root: Path) -> Path | None:
    for folder in (root, root / _INNER):
        if any((folder / split).is_dir() for split in ("training_videos", "testing_videos")):
            return folder
    return None


def _videos(folder: Path, split: str, root: Path) -> tuple[Video, ...]:
    files = video_files(folder) if folder.is_dir() else []
    if split == "train":
        return tuple(Video(file.stem, file, "train") for file in files)
    return tuple(_with_masks(Video(file.stem, file, "test"), root) for file in files)


def _with_masks(video: Video, root: Path) -> Video:
    number = _number(video)
    if video.masks is not None or number is None:
        return video
    for above in (root, root / _INNER, root.parent):
        for folder in (above / "ground_truth_demo" / "testing_label_mask", above / "testing_label_mask"):
            if (folder / f"{number}_label.mat").is_file():
                return replace(video, masks=MatMasks(folder / f"{number}_label.mat"))
    return video


def _number(video: Video) -> int | None:
    digits = re.fullmatch(r"0*(\d+)", video.name)
    return int(digits[1]) if digits else None


def _labels_from_file(root: Path, videos: Sequence[Video]) -> list[Labels] | None:
    """Labels of `videos` from a file for just these, or for all 21 where only some are at hand."""
    path = find_label_file(root, _LABEL_FILES)
    numbers = [_number(video) for video in videos]
    known = [number for number in numbers if number is not None and 1 <= number <= len(AVENUE_LENGTHS)]
    if path is None or len(known) < len(numbers) or not covers(path, AVENUE_LENGTHS):
        return read_whole(root, _LABEL_FILES, videos)
    whole = read_label_file(path, AVENUE_LENGTHS)
    return [whole[number - 1] for number in known]
