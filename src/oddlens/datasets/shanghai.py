"""ShanghaiTech Campus: 13 scenes; training videos as avi or frames, test videos as frames."""

from __future__ import annotations

from pathlib import Path

from oddlens.datasets.base import DataSet
from oddlens.datasets.frames_tree import open_tree, recognise_frames
from oddlens.datasets.identity import identify
from oddlens.datasets.marker import is_prepared
from oddlens.errors import DataError

_INNER = "shanghaitech"
"""Folder inside the published archive."""


def recognise_shanghai(root: Path) -> bool:
    """Whether `root`, or the folder `shanghaitech` in it, holds videos named SCENE_NUMBER or is called so."""
    inner = _inner(root)
    return recognise_frames(inner) and not is_prepared(inner) and identify(inner) == "shanghai"


def open_shanghai(root: Path, labels: str = "default") -> DataSet:
    """Open ShanghaiTech Campus; a video's scene is the number before the underscore of its name.

    Frame labels: `testing/test_frame_mask/NAME.npy` or `frame_labels_shanghai.npy`; pixel masks, where
    present: `testing/test_pixel_mask/NAME.npy`.
    """
    inner = _inner(root)
    if not recognise_frames(inner):
        looked = "looked for training/videos/NN_NNN.avi, training/frames/NN_NNN and testing/frames/NN_NNN"
        raise DataError(root, "is not ShanghaiTech Campus", looked)
    return open_tree(inner, "shanghai", labels)


def _inner(root: Path) -> Path:
    return root / _INNER if recognise_frames(root / _INNER) else root
