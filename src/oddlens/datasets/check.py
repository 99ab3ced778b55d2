"""`oddlens data check`: what a data set holds, and every fault found in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from oddlens.datasets.base import DataSet, Video
from oddlens.datasets.check_video import Findings, check_video
from oddlens.datasets.open import read_dataset, recognise
from oddlens.datasets.report import CheckReport, describe
from oddlens.datasets.trees import image_files, subfolders
from oddlens.errors import DataError
from oddlens.files import fingerprint_files

_LISTED = 5


def check_dataset(
    root: str | Path,
    layout: str = "auto",
    labels: str = "default",
    *,
    deep: bool = False,
    progress: Callable[[str], None] = lambda name: None,
) -> CheckReport:
    """Read a data set and report its videos, faults and oddities.

    Args:
        root: its folder.
        layout: as for `open_dataset`.
        labels: as for `open_dataset`.
        deep: decode every frame, not only the first and the last.
        progress: called with each video's name before it is checked.

    Raises:
        DataError: no layout is recognised. All other faults are in the report.
    """
    layout = recognise(root) if layout == "auto" else layout
    dataset, faults = _read(root, layout, labels)
    found = []
    for video in (*dataset.train, *dataset.test):
        progress(describe(video))
        found.append(check_video(video, dataset.fps, deep))
    faults += [fault for findings in found for fault in findings.faults]
    # Avenue's two published versions of labels are known to differ; anywhere else one of the two is wrong.
    disagreements = [findings.disagreement for findings in found if findings.disagreement]
    faults += [] if dataset.name == "avenue" else disagreements
    faults += _missing(dataset) + _duplicates(dataset) + _empty_folders(dataset.root)
    notes = [*dataset.notes, *_notes(dataset, found), *(disagreements if dataset.name == "avenue" else [])]
    rows = tuple(findings.row for findings in found)
    return CheckReport(dataset.name, layout, dataset.root, dataset.label_version, rows, tuple(faults), tuple(notes))


def _read(root: str | Path, layout: str, labels: str) -> tuple[DataSet, list[str]]:
    """The data set; without its labels where these are at fault, so that the rest can be checked."""
    try:
        return read_dataset(root, layout, labels), []
    except DataError as error:
        if labels == "none":
            raise
        return read_dataset(root, layout, "none"), [str(error)]


def _missing(dataset: DataSet) -> list[str]:
    return [] if dataset.train else ["there is no training video: nothing to learn normality from"]


def _empty_folders(root: Path) -> list[str]:
    """Folders beside sequences that hold nothing at all."""
    splits = ("training/frames", "testing/frames", "Train", "Test", "normal", "test")
    places = [root / split for split in splits if (root / split).is_dir()]
    return [f"{f}: is empty" for place in places for f in subfolders(place, _is_empty)]


def _is_empty(folder: Path) -> bool:
    return not any(entry.name[0] != "." for entry in folder.iterdir())


def _duplicates(dataset: DataSet) -> list[str]:
    """Test videos that are training videos too; content is read only where sizes are equal."""
    by_size: dict[tuple[int, int], list[Video]] = defaultdict(list)
    for video in (*dataset.train, *dataset.test):
        if video.path.exists():
            by_size[_size(video)].append(video)
    faults = []
    for videos in by_size.values():
        if {video.split for video in videos} == {"train", "test"}:
            content = {id(video): fingerprint_files(_files(video)) for video in videos}
            train = {content[id(video)]: video for video in videos if video.split == "train"}
            twins = [(video, train.get(content[id(video)])) for video in videos if video.split == "test"]
            faults += [f"{describe(test)} is also {describe(twin)}" for test, twin in twins if twin is not None]
    return faults


def _files(video: Video) -> list[Path]:
    return image_files(video.path) if video.path.is_dir() else [video.path]


def _size(video: Video) -> tuple[int, int]:
    files = _files(video)
    return len(files), sum(file.stat().st_size for file in files)


def _notes(dataset: DataSet, found: Sequence[Findings]) -> list[str]:
    notes = [note for findings in found for note in findings.notes]
    rows = [findings.row for findings in found]
    sizes = sorted({(row.width, row.height) for row in rows if row.width})
    if len(sizes) > 1:
        notes.append("videos differ in size: " + _some([f"{w}x{h}" for w, h in sizes]))
    grey = [findings.row for findings in found if findings.grey_as_colour]
    if grey:
        notes.append(f"{len(grey)} videos store grey as colour: {_some([f'{r.split} {r.video}' for r in grey])}")
    unlabelled = [row.video for row in rows if row.split == "test" and not row.labelled]
    if dataset.label_version and unlabelled:
        notes.append(f"{len(unlabelled)} test videos have no labels: {_some(unlabelled)}")
    return notes


def _some(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
