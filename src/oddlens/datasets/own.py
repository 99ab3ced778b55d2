"""Own footage: `normal/` to learn from and `test/` to judge, as video files or folders of images."""

from __future__ import annotations

from pathlib import Path

from oddlens.datasets.base import DataSet, Labels, Video
from oddlens.datasets.labels import LabelSource, attach_labels, mask_source
from oddlens.datasets.marker import read_marker
from oddlens.datasets.masks import find_masks
from oddlens.datasets.own_labels import read_intervals
from oddlens.datasets.trees import sequences, unique_names
from oddlens.errors import DataError
from oddlens.media.formats import is_image, is_video

_LABELS = "labels.csv"


def recognise_own(root: Path) -> bool:
    """Whether `root` is a video file, or a folder with footage in `normal/`, in `test/` or directly in it."""
    if root.is_file():
        return is_video(root)
    return any(sequences(folder) for folder in (root / "normal", root / "test", root))


def open_own(root: Path, labels: str = "default") -> DataSet:
    """Open own footage.

    `normal/` and `test/` hold video files or folders of images. Without them everything in `root` (a folder
    of videos, of image folders or of images, or one video file) is training footage. Labels: `labels.csv` in
    `root` or `test/` (version `frames`, see `read_intervals`), or masks `masks/NAME/*.png`, `masks/NAME.mp4`
    or `masks/NAME.npy` in `root` or `test/` (version `masks`).

    Raises:
        DataError: no footage, or labels that do not fit.
    """
    train, test = _paths(root)
    if not train and not test:
        raise DataError(root, "holds no footage", "looked for normal/, test/, videos and folders of images")
    videos = [_with_masks(root, name, path) for name, path in zip(unique_names(test), test)]
    table = next((path for path in (root / _LABELS, root / "test" / _LABELS) if path.is_file()), None)

    def read() -> list[Labels | None] | None:
        return None if table is None else read_intervals(table, videos)

    sources = [LabelSource("frames", _LABELS, read), mask_source(videos, "masks/NAME")]
    labelled, version = attach_labels(videos, sources, labels, root)
    training = tuple(Video(name, path, "train") for name, path in zip(unique_names(train), train))
    marker = read_marker(root)
    name, fps = ("own", None) if marker is None else (marker.name, marker.fps)
    return DataSet(name, root, training, labelled, version, fps)


def _paths(root: Path) -> tuple[list[Path], list[Path]]:
    if root.is_file():
        if is_image(root):
            raise DataError(root, "is a single image", "give a video, or the folder that holds the images")
        return [root], []
    train, test = sequences(root / "normal"), sequences(root / "test")
    return (train, test) if train or test else (sequences(root), [])


def _with_masks(root: Path, name: str, path: Path) -> Video:
    found = find_masks(root / "masks", name)
    return Video(name, path, "test", masks=found if found is not None else find_masks(root / "test" / "masks", name))
