"""What a data set is: training videos without labels, test videos with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Labels: TypeAlias = NDArray[np.uint8]
"""`uint8 (L,)`, one a frame: 1 = abnormal, 0 = normal."""


class MaskReader(Protocol):
    """Pixel truth of one video."""

    def __len__(self) -> int:
        """Number of frames that have a mask (empty masks count)."""
        ...

    def read(self, index: int) -> NDArray[np.bool_]:
        """Mask `bool (H, W)` of frame `index`, True = abnormal."""
        ...


@dataclass(frozen=True)
class Video:
    """One video of a data set. `path` is anything `oddlens.media.open_source` accepts."""

    name: str
    path: Path
    split: Literal["train", "test"]
    scene: str = ""
    labels: Labels | None = None
    masks: MaskReader | None = None


@dataclass(frozen=True)
class DataSet:
    """Videos of one data set: `train` is taken to be normal, `test` may carry labels and masks."""

    name: str
    """`ped1`, `ped2`, `avenue`, `shanghai`, `walkway` or `own`."""
    root: Path
    train: tuple[Video, ...]
    test: tuple[Video, ...]
    label_version: str = ""
    """Where the labels come from, where more than one version is about ('' = no labels)."""
    fps: float | None = None
    """Customary frame rate of footage that comes as bare images (UCSD 10, Avenue 25, ShanghaiTech 24)."""
    notes: tuple[str, ...] = field(default_factory=tuple)
    """Oddities found while reading that do not stop the work, one line each."""
