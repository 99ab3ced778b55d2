"""Masks of defects: found by the name of their photograph, read, and brought to another size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from oddlens.datasets.masks import Mask, read_mask
from oddlens.datasets.photographs import GOOD_NAMES, Photograph
from oddlens.datasets.trees import image_files, subfolders

_ENDING = "_mask"
_LISTED = 3
_HALF = 0.5


def attach_masks(
    photographs: Sequence[Photograph], folder: Path, by_kind: bool = True
) -> tuple[list[Photograph], list[str]]:
    """Give defective `photographs` the masks in `folder`, by name, and say what finds no partner.

    The mask of `scratch/003.jpg` is `scratch/003_mask.png` or `scratch/003.png`, of whatever image suffix; without
    `by_kind` it may lie directly in `folder` as well. Masks of good photographs are passed over.

    Returns:
        All photographs in order, and one line for each folder with masks or photographs left over; none where there
        is not a single mask.
    """
    found = _masks(folder)
    defective = [item for item in photographs if item.label]
    paired = {item.name: mask for item in defective if (mask := _mask_of(item, found, by_kind)) is not None}
    completed = [replace(item, mask=paired.get(item.name)) for item in photographs]
    if not found:
        return completed, []
    used = set(paired.values())
    bare = _by_folder([item.path for item in defective if item.name not in paired])
    orphans = _by_folder([path for path in found.values() if path not in used and path.parent.name not in GOOD_NAMES])
    faults = [f"{folder}: no mask for {names}, left out of pixel numbers" for folder, names in bare.items()]
    faults += [f"{folder}: no photograph for the mask {names}, left out" for folder, names in orphans.items()]
    return completed, faults


def read_photograph_mask(photograph: Photograph, height: int, width: int) -> Mask | None:
    """Defective pixels of a photograph, brought to `(height, width)`; None where nobody marked them.

    A good photograph has an empty mask. A resized mask keeps the pixels that the defect covers by more than half, after
    Pillow's bilinear filter (DMAD-PPDM, RD4AD).

    Raises:
        DataError: the mask cannot be read.
    """
    if photograph.mask is None:
        return np.zeros((height, width), np.bool_) if photograph.label == 0 else None
    return fit_mask(read_mask(photograph.mask), height, width)


def fit_mask(mask: Mask, height: int, width: int) -> Mask:
    """Mask `bool (H, W)` brought to `(height, width)`: pixels that it covers by more than half.

    Example:
        >>> fit_mask(np.eye(4, dtype=bool), 2, 2).astype(int).tolist()
        [[0, 0], [0, 0]]
        >>> fit_mask(np.array([[True, False]]), 2, 4).astype(int).tolist()
        [[1, 1, 0, 0], [1, 1, 0, 0]]
    """
    if mask.shape == (height, width):
        return mask
    shares = Pillow.fromarray(mask.astype(np.float32)).resize((width, height), Pillow.Resampling.BILINEAR)
    covered: NDArray[np.bool_] = np.asarray(shares) > _HALF
    return covered


def _masks(folder: Path) -> dict[tuple[str, str], Path]:
    """All masks in `folder` and the folders in it, by (folder, stem without `_mask`)."""
    places = [("", folder), *((inner.name, inner) for inner in subfolders(folder))] if folder.is_dir() else []
    return {(kind, path.stem.removesuffix(_ENDING)): path for kind, place in places for path in image_files(place)}


def _mask_of(photograph: Photograph, found: dict[tuple[str, str], Path], by_kind: bool) -> Path | None:
    stem = photograph.path.stem
    for kind in (photograph.path.parent.name, photograph.kind, *(() if by_kind else ("",))):
        if (kind, stem) in found:
            return found[kind, stem]
    return None


def _by_folder(paths: Sequence[Path]) -> dict[Path, str]:
    """Names of the files in each folder, the first few of many."""
    folders: dict[Path, list[str]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path.name)
    return {
        folder: ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
        for folder, names in folders.items()
    }
