"""One way to open any data set: recognise its layout, read it, check that labels fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from oddlens.datasets.avenue import open_avenue, recognise_avenue
from oddlens.datasets.base import DataSet
from oddlens.datasets.frames_tree import open_frames, recognise_frames
from oddlens.datasets.generated import open_walkway, recognise_walkway
from oddlens.datasets.labels import check_labels
from oddlens.datasets.marker import refuse_unfinished
from oddlens.datasets.mvtec import recognise_mvtec
from oddlens.datasets.own import open_own, recognise_own
from oddlens.datasets.probe import count_frames
from oddlens.datasets.shanghai import open_shanghai, recognise_shanghai
from oddlens.datasets.ucsd import open_ped1, open_ped2, recognise_ped1, recognise_ped2
from oddlens.errors import DataError

__all__ = ["LAYOUTS", "Layout", "check_labels", "open_dataset", "read_dataset", "recognise"]


class Layout(NamedTuple):
    """How one data set lies on disk."""

    recognise: Callable[[Path], bool]
    open: Callable[[Path, str], DataSet]
    wanted: str
    """What it is recognised by, for messages."""


LAYOUTS: dict[str, Layout] = {
    "walkway": Layout(recognise_walkway, open_walkway, "walkway.json"),
    "ped1": Layout(recognise_ped1, open_ped1, "UCSDped1/Train/Train001"),
    "ped2": Layout(recognise_ped2, open_ped2, "UCSDped2/Train/Train001"),
    "avenue": Layout(recognise_avenue, open_avenue, "training_videos/ or testing_videos/"),
    "shanghai": Layout(recognise_shanghai, open_shanghai, "testing/frames/NN_NNNN"),
    "frames": Layout(recognise_frames, open_frames, "training/frames/NAME or testing/frames/NAME"),
    "own": Layout(recognise_own, open_own, "normal/, test/, videos or folders of images"),
}
"""Layouts by name. The last two hold any footage and are tried only where no published set is recognised."""

_GENERAL = ("frames", "own")


def recognise(root: str | Path) -> str:
    """Name of the layout under `root`.

    Raises:
        DataError: nothing there, no layout fits (all that was looked for is listed), or several do.
    """
    root = _existing(root)
    found = [name for name, layout in LAYOUTS.items() if name not in _GENERAL and layout.recognise(root)]
    if len(found) > 1:
        raise DataError(root, f"holds {' and '.join(found)}", "name the layout, or the folder of one of them")
    found += [name for name in _GENERAL if LAYOUTS[name].recognise(root)]
    if not found:
        looked = "; ".join(f"{name}: {layout.wanted}" for name, layout in LAYOUTS.items())
        raise DataError(root, "no data set is recognised here", f"looked for {looked.replace(';', ',')}")
    return found[0]


def open_dataset(root: str | Path, layout: str = "auto", labels: str = "default") -> DataSet:
    """Open a data set.

    Args:
        root: its folder (or one video file).
        layout: `auto` or a key of `LAYOUTS`.
        labels: `default`, `frames` (frame labels), `masks` (labels from pixel masks) or `none`.

    Raises:
        DataError: another layout, missing or unfitting labels. Labels are compared with the packets of a
            video or the files of a folder; fewer may decode, so call `check_labels` once that is known.
    """
    dataset = read_dataset(root, layout, labels)
    for video in dataset.test:
        if video.labels is not None:
            check_labels(video, count_frames(video.path))
    return dataset


def read_dataset(root: str | Path, layout: str = "auto", labels: str = "default") -> DataSet:
    """As `open_dataset`, without comparing the labels' lengths with the videos'."""
    root = _existing(root)
    name = recognise(root) if layout == "auto" else layout
    if layout == "auto" and name in _GENERAL and recognise_mvtec(root):
        remedy = "use a method of photographs, such as dmad-ppdm, or say how footage lies there with --layout own"
        raise DataError(root, "holds photographs, not footage", remedy)
    if name not in LAYOUTS:
        raise DataError(root, f"there is no layout {name!r}", f"choose auto, {', '.join(LAYOUTS)}")
    refuse_unfinished(root)
    return LAYOUTS[name].open(root, labels)


def _existing(root: str | Path) -> Path:
    if not Path(root).exists():
        raise DataError(root, "there is no such file or folder", "check the path")
    return Path(root)
