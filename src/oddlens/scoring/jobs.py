"""What `score` has to do: inputs expanded to videos, with labels where they are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from oddlens.datasets.base import Video
from oddlens.datasets.open import read_dataset
from oddlens.datasets.own_labels import read_intervals
from oddlens.datasets.trees import unique_names
from oddlens.errors import DataError
from oddlens.media.open import expand_inputs


def find_videos(inputs: Sequence[str | Path], labels: str | Path | None = None) -> tuple[list[Video], float | None]:
    """Videos behind `inputs`, each under a name of its own, and the data set's frame rate if there is one.

    A folder that is a data set with test videos gives those, with their labels.

    Args:
        inputs: files, folders, globs or data sets.
        labels: csv of abnormal intervals (`video,start,end[,unit]`).

    Raises:
        OddLensError: nothing to score, or labels that name no video.
    """
    if not inputs:
        raise DataError("input", "nothing was named", "name a video, a folder of images or a glob")
    videos: list[Video] = []
    rates: set[float] = set()
    for where in inputs:
        dataset = _as_dataset(Path(where))
        if dataset is not None:
            videos += dataset[0]
            rates |= {dataset[1]} if dataset[1] else set()
            continue
        found = [Path(path) for path in expand_inputs([where])]
        names = unique_names(found)
        videos += [Video(name, path, "test") for name, path in zip(names, found)]
    videos = _distinct(videos)
    if labels is not None:
        marked = read_intervals(Path(labels), videos)
        videos = [replace(video, labels=mark) for video, mark in zip(videos, marked)]
    return videos, rates.pop() if len(rates) == 1 else None


def is_data_set(where: str | Path) -> bool:
    """Whether `find_videos` takes the test videos of a data set for `where`."""
    return _as_dataset(Path(where)) is not None


def _as_dataset(root: Path) -> tuple[list[Video], float | None] | None:
    if not root.is_dir():
        return None
    try:
        dataset = read_dataset(root)
    except DataError:
        return None
    return (list(dataset.test), dataset.fps) if dataset.test else None


def _distinct(videos: Sequence[Video]) -> list[Video]:
    """Give videos of the same name a number, one that makes no name that is taken."""
    taken = {video.name for video in videos}
    seen: set[str] = set()
    distinct = []
    for video in videos:
        name = video.name
        if name in seen:
            name = next(new for k in count(2) if (new := f"{video.name}-{k}") not in taken)
            taken.add(name)
        seen.add(name)
        distinct.append(replace(video, name=name))
    return distinct
