"""UCSD Pedestrian 1 and 2: the original tree of tif images, and the customary tree of jpg images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from oddlens.datasets.base import DataSet, Labels, Video
from oddlens.datasets.frames_tree import open_tree, recognise_frames
from oddlens.datasets.identity import FPS, PED1_VIDEOS, PED2_INTERVALS, PED2_LENGTHS, identify
from oddlens.datasets.labels import Interval, LabelSource, attach_labels, from_intervals, mask_source
from oddlens.datasets.marker import is_prepared
from oddlens.datasets.masks import FolderMasks
from oddlens.datasets.probe import count_frames
from oddlens.datasets.trees import is_image_folder, subfolders
from oddlens.errors import DataError

_ORIGINAL = {"ped1": "UCSDped1", "ped2": "UCSDped2"}
_GT_FRAME = re.compile(r"gt_frame\s*=\s*\[([^\]]*)\]")


def recognise_ped1(root: Path) -> bool:
    """Whether `root` is Ped1 in either layout, or the folder above its original tree."""
    return _recognise(root, "ped1")


def recognise_ped2(root: Path) -> bool:
    """Whether `root` is Ped2 in either layout, or the folder above its original tree."""
    return _recognise(root, "ped2")


def open_ped1(root: Path, labels: str = "default") -> DataSet:
    """Open Ped1: labels from `UCSDped1.m`, a label file, or masks (published for 10 of 36 test videos)."""
    return _open(root, "ped1", labels)


def open_ped2(root: Path, labels: str = "default") -> DataSet:
    """Open Ped2: labels from `UCSDped2.m`, the published intervals if the lengths fit, a file or masks."""
    return _open(root, "ped2", labels)


def parse_intervals(path: Path) -> list[list[Interval]]:
    """Abnormal intervals of each test video from `UCSDped?.m`, 1-based, inclusive.

    Lines read `TestVideoFile{end+1}.gt_frame = [5:90, 140:200];`; single frames and lists work.

    Raises:
        DataError: unreadable or without such lines.
    """
    wanted = "restore the file of the original archive"
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror})", wanted) from error
    code = "\n".join(line.split("%")[0] for line in text.splitlines())  # MATLAB comments
    try:
        found = [[_interval(part) for part in re.split(r"[,;\s]+", b) if part] for b in _GT_FRAME.findall(code)]
    except ValueError as error:
        raise DataError(path, f"holds a range that is no range ({error})", wanted) from error
    if not found:
        raise DataError(path, "names no gt_frame", wanted)
    return found


def _interval(text: str) -> Interval:
    first, _, last = text.partition(":")
    return int(first), int(last or first)


def _original(root: Path, name: str) -> Path | None:
    """Folder that holds `Train/Train001` and `Test/Test001` of data set `name`: `root` or one below."""
    inner = root / _ORIGINAL[name]
    if _is_original(inner):
        return inner
    return root if _is_original(root) and _name_of_original(root) == name else None


def _is_original(root: Path) -> bool:
    return any(_clips(root / split) for split in ("Train", "Test"))


def _clips(folder: Path) -> list[Path]:
    return [f for f in subfolders(folder) if re.fullmatch(r"(Train|Test)\d+", f.name) and is_image_folder(f)]


def _name_of_original(root: Path) -> str:
    for name, folder in _ORIGINAL.items():
        if folder.lower() in root.resolve().name.lower() or any(
            (root / p / f"{folder}.m").is_file() for p in ("", "Test")
        ):
            return name
    counts = (len(_clips(root / "Train")), len(_clips(root / "Test")))
    return "ped1" if counts == PED1_VIDEOS else "ped2"


def _recognise(root: Path, name: str) -> bool:
    if _original(root, name) is not None:
        return True
    return recognise_frames(root) and not is_prepared(root) and identify(root) == name


def _open(root: Path, name: str, labels: str) -> DataSet:
    original = _original(root, name)
    if original is not None:
        return _open_original(original, name, labels)
    if not recognise_frames(root):
        looked = f"looked for {_ORIGINAL[name]}/Train/Train001, Train/Train001, training/frames and testing/frames"
        raise DataError(root, f"is not UCSD {name.title()}", looked)
    return open_tree(root, name, labels, preferred=lambda videos: _published(name, videos))


def _open_original(root: Path, name: str, labels: str) -> DataSet:
    train = tuple(Video(f.name, f, "train") for f in _clips(root / "Train"))
    clips = _clips(root / "Test")
    masks = [root / "Test" / f"{clip.name}_gt" for clip in clips]
    test = [
        Video(clip.name, clip, "test", masks=FolderMasks(mask) if is_image_folder(mask) else None)
        for clip, mask in zip(clips, masks)
    ]
    places = [root / f"{_ORIGINAL[name]}.m", root / "Test" / f"{_ORIGINAL[name]}.m"]
    sources = [
        LabelSource("frames", f"{_ORIGINAL[name]}.m", lambda: _from_matlab(places, test)),
        *_published(name, test),
        mask_source(test, "Test/*_gt"),
    ]
    labelled, version = attach_labels(test, sources, labels, root)
    return DataSet(name, root, train, labelled, version, FPS[name])


def _from_matlab(places: Sequence[Path], videos: Sequence[Video]) -> list[Labels] | None:
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return None
    intervals = parse_intervals(path)
    if len(intervals) != len(videos):
        raise DataError(path, f"labels {len(intervals)} videos, but there are {len(videos)}", "give all test videos")
    return [from_intervals(i, count_frames(v.path), f"{path}, {v.name}") for i, v in zip(intervals, videos)]


def _published(name: str, videos: Sequence[Video]) -> list[LabelSource]:
    """The intervals shipped here, for a Ped2 whose test videos have the published lengths."""
    if name != "ped2" or tuple(count_frames(video.path) for video in videos) != PED2_LENGTHS:
        return []
    labels = [from_intervals([i], n, "ped2") for i, n in zip(PED2_INTERVALS, PED2_LENGTHS)]
    return [LabelSource("frames", "published intervals", lambda: labels)]
