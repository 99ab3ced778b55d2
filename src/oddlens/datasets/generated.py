"""The generated scene `walkway`: mp4 videos, frame labels and packed pixel masks, named in `walkway.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oddlens.datasets.base import DataSet, Video
from oddlens.datasets.labels import LabelSource, as_labels, attach_labels, mask_source
from oddlens.datasets.masks import ArrayMasks, load_array
from oddlens.errors import DataError
from oddlens.files import read_json

_DESCRIPTION = "walkway.json"
_AGAIN = "generate the scene again"


def recognise_walkway(root: Path) -> bool:
    """Whether `root` holds a generated walkway scene."""
    return (root / _DESCRIPTION).is_file()


def open_walkway(root: Path, labels: str = "default") -> DataSet:
    """Open a generated walkway scene.

    `labels/NAME.npy` is `uint8 (L,)`; `masks/NAME.npy` is `uint8 (L, H, ceil(W / 8))`, eight pixels a byte.

    Raises:
        DataError: no walkway scene, or a file of it is missing.
    """
    path = root / _DESCRIPTION
    if not path.is_file():
        raise DataError(root, "is not a walkway scene", f"looked for {_DESCRIPTION}, normal/*.mp4 and test/*.mp4")
    try:
        width, fps, names = _described(read_json(path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(path, f"does not describe a walkway scene ({error!r})", _AGAIN) from error
    train = tuple(Video(name, _existing(root / "normal" / f"{name}.mp4"), "train") for name in names["train"])
    test = [
        Video(name, _existing(root / "test" / f"{name}.mp4"), "test", masks=_masks(root, name, width))
        for name in names["test"]
    ]
    files = [root / "labels" / f"{name}.npy" for name in names["test"]]
    sources = [
        LabelSource("frames", "labels/NAME.npy", lambda: [as_labels(load_array(file), file) for file in files]),
        mask_source(test, "masks/NAME.npy"),
    ]
    labelled, version = attach_labels(test, sources, labels, root)
    return DataSet("walkway", root, train, labelled, version, fps)


def _described(table: dict[str, Any]) -> tuple[int, float, dict[str, list[str]]]:
    videos = {split: [str(name) for name in table["videos"][split]] for split in ("train", "test")}
    return int(table["width"]), float(table["fps"]), videos


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise DataError(path, "is missing from the generated scene", _AGAIN)
    return path


def _masks(root: Path, name: str, width: int) -> ArrayMasks | None:
    path = root / "masks" / f"{name}.npy"
    return ArrayMasks(path, width) if path.is_file() else None
