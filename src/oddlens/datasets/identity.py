"""Which published data set a tree of frame folders is: by its counts first, by its folder's name else."""

from __future__ import annotations

import re
from pathlib import Path

from oddlens.datasets.labels import Interval
from oddlens.datasets.probe import count_frames
from oddlens.datasets.trees import subfolders

FPS = {"ped1": 10.0, "ped2": 10.0, "avenue": 25.0, "shanghai": 24.0}
"""Customary frame rates of the published sets."""

PED2_INTERVALS: tuple[Interval, ...] = (
    (61, 180), (95, 180), (1, 146), (31, 180), (1, 129), (1, 159),
    (46, 180), (1, 180), (1, 120), (1, 150), (1, 180), (88, 180),
)  # fmt: skip
"""Abnormal frames of Ped2's twelve test videos, one interval each: 1,648 of 2,010 frames."""
PED2_LENGTHS = (180, 180, 150, 180, 150, 180, 180, 180, 120, 150, 180, 180)
PED1_VIDEOS = (34, 36)
"""Training and test videos of Ped1."""
PED1_FRAMES = 200
"""Frames of every test video of Ped1."""
AVENUE_LENGTHS = (
    1439, 1211, 923, 947, 1007, 1283, 605, 36, 1175, 841, 472,
    1271, 549, 507, 1001, 740, 426, 294, 248, 273, 76,
)  # fmt: skip
"""Frames of Avenue's 21 test videos, 15,324 in all."""

_SHANGHAI_NAME = re.compile(r"\d\d_\d{3,4}")


def is_shanghai_name(name: str) -> bool:
    """Whether a video is called like ShanghaiTech's: scene, underscore, number.

    Example:
        >>> is_shanghai_name("01_0014"), is_shanghai_name("01")
        (True, False)
    """
    return _SHANGHAI_NAME.fullmatch(name) is not None


def scene_of(name: str) -> str:
    """Scene of a ShanghaiTech video.

    Example:
        >>> scene_of("01_0014")
        '01'
    """
    return name.split("_")[0]


def by_lengths(lengths: tuple[int, ...], training: int) -> str | None:
    """Name of the set with these test lengths and this number of training videos."""
    if lengths == PED2_LENGTHS:
        return "ped2"
    if lengths == AVENUE_LENGTHS:
        return "avenue"
    if (training, len(lengths)) == PED1_VIDEOS and set(lengths) == {PED1_FRAMES}:
        return "ped1"
    return None


def by_name(root: Path) -> str | None:
    """Name of the set that the folder, or the one above it, is called after."""
    for folder in (root.resolve().name.lower(), root.resolve().parent.name.lower()):
        for name in FPS:
            if name in folder:
                return name
    return None


def identify(root: Path) -> str | None:
    """Name of the published set under `root` in the frames layout, None for any other."""
    training = [*subfolders(root / "training" / "frames"), *subfolders(root / "training" / "videos")]
    test = subfolders(root / "testing" / "frames")
    if test and all(is_shanghai_name(folder.name) for folder in test):
        return "shanghai"
    counted = len(test) in (len(PED2_LENGTHS), len(AVENUE_LENGTHS), PED1_VIDEOS[1])
    found = by_lengths(tuple(map(count_frames, test)), len(training)) if counted else None
    return found or by_name(root)
