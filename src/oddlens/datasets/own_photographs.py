"""Own photographs: `good/` alone, with folders of defects beside it, or images that lie in a folder or match a glob."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from oddlens.datasets.mvtec import by_kind, kind_of
from oddlens.datasets.photograph_masks import attach_masks
from oddlens.datasets.photographs import GOOD, GOOD_NAMES, Photograph, PhotographSet
from oddlens.datasets.trees import image_files, subfolders
from oddlens.errors import DataError
from oddlens.media.formats import is_image, is_pattern, matching, natural_order

_MASKS = ("masks", "ground_truth")
_RESULTS = ("run.yaml", "detector.yaml", "scores.csv")
"""A folder that holds one of these is OddLens's own work, no folder of defects."""
_TEST_SHARE = 0.2
"""Share of the good photographs that is kept for the test where there are defects but no good test photographs."""
_HASH_RANGE = 1 << 32


def recognise_folders(root: Path) -> bool:
    """Whether `root` is a folder with `good/` (or `ok/`) in it."""
    return any((root / name).is_dir() for name in GOOD_NAMES)


def open_folders(root: Path) -> PhotographSet:
    """Open `good/` and what lies beside it.

    `good/` is learned from; every other folder beside it, or in `bad/`, is a defect. `test/`, where there is one, holds
    folders by kind instead, and photographs that nobody looked at. Masks: `masks/KIND/NAME.png` or, for photographs
    in a folder without kinds, `masks/NAME.png`.

    Where there are defects but no good test photographs, about a fifth of `good/` is kept for the test, chosen by name:
    it stays the same when photographs are added.
    """
    good = [path for name in GOOD_NAMES if (root / name).is_dir() for path in image_tree(root / name)]
    train = [_photograph(root, path, "train", GOOD) for path in good]
    test = by_kind(root, root / "test") if (root / "test").is_dir() else _defects(root)
    masks = next((root / name for name in _MASKS if (root / name).is_dir()), root / _MASKS[0])
    test, faults = attach_masks(test, masks, by_kind=False)
    notes: list[str] = []
    if any(item.label for item in test) and not any(item.label == 0 for item in test) and len(train) > 1:
        kept = chosen_for_test(item.name for item in train)
        test = [replace(item, split="test") for item in train if item.name in kept] + test
        train = [item for item in train if item.name not in kept]
        notes = [f"{len(kept)} photographs in good/ are kept for the test; put some into test/good to choose them"]
    if not good:
        faults = [f"{root / GOOD}: holds no photographs", *faults]
    return PhotographSet(
        root.resolve().name, "folders", root, tuple(train), tuple(test), faults=tuple(faults), notes=tuple(notes)
    )


def recognise_images(root: Path) -> bool:
    """Whether `root` is an image, a glob that matches some, or a folder with images directly in it."""
    return bool(_images(root))


def open_images(root: Path) -> PhotographSet:
    """Open an image, the images that match a glob, or those directly in a folder: all are taken to be good.

    Raises:
        DataError: there are none.
    """
    files = _images(root)
    if not files:
        raise DataError(root, "holds no photographs", "name a folder of images, a glob or an image")
    folder = root if root.is_dir() else files[0].parent
    names = [path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix() for path in files]
    train = tuple(Photograph(name, path, "train", GOOD) for name, path in zip(names, files))
    return PhotographSet(folder.resolve().name, "images", root, train)


def image_tree(folder: Path) -> list[Path]:
    """Images in `folder` and all folders in it, but for hidden ones and those of masks, in natural order."""
    inner = subfolders(folder, lambda path: path.name not in _MASKS)
    return [*image_files(folder), *(path for place in inner for path in image_tree(place))]


def chosen_for_test(names: Iterable[str]) -> set[str]:
    """About a fifth of `names`, at least one and not all; which ones follows from each name alone.

    Example:
        >>> few, many = [f"good/{k}.png" for k in range(50)], [f"good/{k}.png" for k in range(60)]
        >>> chosen_for_test(few) == chosen_for_test(many) & set(few)
        True
    """
    ranked = sorted((int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big"), name) for name in names)
    count = sum(number < _TEST_SHARE * _HASH_RANGE for number, _ in ranked)
    return {name for _, name in ranked[: min(max(count, 1), len(ranked) - 1)]}


def _defects(root: Path) -> list[Photograph]:
    """Photographs in the folders beside `good/`; folders in `bad/` are kinds of their own."""
    found = []
    for folder in subfolders(root, _may_hold_defects):
        found += [_photograph(root, path, "test", folder.name) for path in image_files(folder)]
        for inner in subfolders(folder, lambda path: path.name not in _MASKS):
            found += [_photograph(root, path, "test", kind_of(inner.name)) for path in image_tree(inner)]
    return found


def _may_hold_defects(folder: Path) -> bool:
    return folder.name not in (*GOOD_NAMES, *_MASKS) and not any((folder / name).exists() for name in _RESULTS)


def _photograph(root: Path, path: Path, split: str, kind: str) -> Photograph:
    return Photograph(path.relative_to(root).as_posix(), path, "train" if split == "train" else "test", kind)


def _images(root: Path) -> list[Path]:
    if is_pattern(root):
        found = [inner for path in matching(str(root)) for inner in (image_files(path) if path.is_dir() else [path])]
        return natural_order(dict.fromkeys(path for path in found if is_image(path)))
    if root.is_file():
        return [root] if is_image(root) else []
    return image_files(root) if root.is_dir() else []
