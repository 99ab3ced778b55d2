"""Frame labels: from intervals, masks and label files, and the check that they fit their video."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.base import Labels, MaskReader, Video
from oddlens.datasets.masks import MatMasks, load_array, load_matlab
from oddlens.errors import DataError, OddLensError
from oddlens.files import atomic_path, fingerprint_file

Interval = tuple[int, int]
"""First and last abnormal frame, 1-based, both inclusive: how the field publishes them."""


def check_labels(video: Video, frames: int) -> None:
    """Refuse labels that do not fit a video of `frames` frames.

    Raises:
        DataError: the numbers differ; both are named.
    """
    if video.labels is not None and len(video.labels) != frames:
        raise DataError(
            video.path,
            f"has {frames} frames but {len(video.labels)} labels",
            "restore the missing frames or the labels that belong to it",
        )


def from_intervals(intervals: Iterable[Interval], frames: int, subject: str | Path) -> Labels:
    """Labels of a video of `frames` frames.

    Raises:
        DataError: an interval leaves the video.

    Example:
        >>> from_intervals([(2, 3)], 5, "clip").tolist()
        [0, 1, 1, 0, 0]
    """
    labels = np.zeros(frames, np.uint8)
    for first, last in intervals:
        if not 1 <= first <= last <= frames:
            raise DataError(
                subject,
                f"frames {first} to {last} are not within 1 to {frames}",
                "check the label and the frames",
            )
        labels[first - 1 : last] = 1
    return labels


def from_masks(masks: MaskReader) -> Labels:
    """A frame is abnormal exactly where its mask has a pixel.

    What MATLAB files say is kept in the user's cache: unpacking all of Avenue takes a quarter of a minute.
    """
    if not isinstance(masks, MatMasks):
        return _any_pixel(masks)
    cached = _cache_folder() / f"{fingerprint_file(masks.path)}.npy"
    if cached.is_file():
        try:
            return np.array(load_array(cached), np.uint8)
        except DataError:
            pass  # damaged: computed and written anew
    labels = _any_pixel(masks)
    try:
        with atomic_path(cached) as temporary:
            np.save(temporary, labels)
    except (OddLensError, OSError):
        pass  # a cache that cannot be written costs time, nothing else
    return labels


def _any_pixel(masks: MaskReader) -> Labels:
    return np.array([masks.read(index).any() for index in range(len(masks))], np.uint8)


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "oddlens" / "labels"


def read_label_file(path: Path, lengths: Sequence[int]) -> list[Labels]:
    """Labels of all test videos from one file: `.npy` `(N,)` or `(1, N)`, or `.mat` with key `gt`.

    The `.mat` is a cell array with one `2 x k` matrix a video: starts and ends, 1-based, inclusive.

    Args:
        path: the label file.
        lengths: frames of every test video, in the order of the videos.

    Raises:
        DataError: unreadable, of another length, or with values other than 0 and 1.
    """
    if path.suffix == ".mat":
        return _from_cells(path, lengths)
    array = np.asarray(load_array(path)).ravel()
    if len(array) != sum(lengths):
        raise DataError(
            path,
            f"holds {len(array)} labels for {sum(lengths)} test frames",
            "give all test videos, or other labels",
        )
    return [as_labels(part, path) for part in np.split(array, np.cumsum(lengths)[:-1])]


def covers(path: Path, lengths: Sequence[int]) -> bool:
    """Whether the label file is one for videos of these lengths, by its size."""
    if path.suffix == ".mat":
        return len(_cells(path)) == len(lengths)
    return load_array(path).size == sum(lengths)


def as_labels(array: NDArray[Any], subject: Path) -> Labels:
    """`uint8 (L,)` of 0 and 1.

    Raises:
        DataError: other values, or not one-dimensional after dropping axes of length 1.
    """
    flat = array.reshape(-1) if array.size == max(array.shape, default=0) else array
    if flat.ndim != 1 or not np.isin(flat, (0, 1)).all():
        raise DataError(subject, "is not a row of 0 and 1", "give one label a frame, 1 = abnormal")
    return flat.astype(np.uint8)


def _cells(path: Path) -> NDArray[Any]:
    return load_matlab(path, "gt", "give a file with the key gt: start and end frames of each test video").ravel()


def _from_cells(path: Path, lengths: Sequence[int]) -> list[Labels]:
    cells = _cells(path)
    if len(cells) != len(lengths):
        raise DataError(path, f"labels {len(cells)} videos, but there are {len(lengths)}", "give all test videos")
    return [from_intervals(_pairs(cell), frames, path) for cell, frames in zip(cells, lengths)]


def _pairs(cell: NDArray[Any]) -> list[Interval]:
    if not np.size(cell):
        return []
    starts, ends = np.asarray(cell).reshape(2, -1).astype(int)
    return list(zip(starts.tolist(), ends.tolist()))


@dataclass(frozen=True)
class LabelSource:
    """One place labels may come from; `read` gives None where there is nothing."""

    version: str
    """`frames` (a frame-label file or published intervals) or `masks`."""
    what: str
    """The file or files, for messages."""
    read: Callable[[], Sequence[Labels | None] | None]


def mask_source(videos: Sequence[Video], what: str) -> LabelSource:
    """Labels from the masks that `videos` have."""
    return LabelSource("masks", what, lambda: [None if v.masks is None else from_masks(v.masks) for v in videos])


def attach_labels(
    videos: Sequence[Video], sources: Sequence[LabelSource], version: str, root: Path
) -> tuple[tuple[Video, ...], str]:
    """Give `videos` the labels of the first source that has any, and say which and how many are abnormal.

    Args:
        videos: the test videos.
        sources: in order of preference.
        version: `default` (first that exists), `frames`, `masks` or `none`.
        root: for messages.

    Raises:
        DataError: the wanted version is unknown or not there.
    """
    if version not in ("default", "frames", "masks", "none"):
        raise DataError(root, f"there is no label version {version!r}", "choose default, frames, masks or none")
    tried = []
    for source in sources:
        if version not in ("default", source.version):
            continue
        tried.append(source.what)
        labels = source.read()
        if labels is not None and any(label is not None for label in labels):
            labelled = tuple(replace(video, labels=label) for video, label in zip(videos, labels))
            known = [label for label in labels if label is not None]
            count, total = sum(int(label.sum()) for label in known), sum(map(len, known))
            return labelled, f"{source.version} ({source.what}): {count} of {total} frames abnormal"
    if version in ("frames", "masks"):
        looked = ", ".join(tried) or "nothing: the layout has no such labels"
        raise DataError(root, f"has no labels of the version {version!r}", f"looked for {looked}")
    return tuple(videos), ""
