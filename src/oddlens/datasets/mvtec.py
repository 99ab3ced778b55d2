"""The tree of MVTec AD, and of the sets that share it: MVTec AD 2, VisA (as prepared for one class), BTAD."""

from __future__ import annotations

from pathlib import Path

from oddlens.datasets.photograph_masks import attach_masks
from oddlens.datasets.photographs import GOOD, GOOD_NAMES, Photograph, PhotographSet
from oddlens.datasets.trees import image_files, is_image_folder, subfolders

_TEST_FOLDERS = ("test", "test_public")
"""MVTec AD 2 publishes the truth of a part of its test photographs only."""
_TRUTH = "ground_truth"
_VALIDATION = "validation"


def recognise_mvtec(root: Path) -> bool:
    """Whether `root` is one category: `train/good` (or `ok`), or test photographs in folders by kind beside masks."""
    if any((root / "train" / name).is_dir() for name in GOOD_NAMES):
        return True
    return any((root / test).is_dir() and _truth(root, root / test).is_dir() for test in _TEST_FOLDERS)


def open_mvtec(root: Path) -> PhotographSet:
    """Open one category.

    `train/good` is learned from. Folders in `test` (MVTec AD 2: `test_public`) are kinds; their masks lie in
    `ground_truth/KIND/NAME_mask.png` or `NAME.png`, beside `test` or in it. `validation/good`, where there is one, is
    held out.
    """
    train, held_out = (_good(root, split) for split in ("train", _VALIDATION))
    test: list[Photograph] = []
    faults: list[str] = []
    for folder in _test_folders(root):
        found, missing = attach_masks(by_kind(root, folder), _truth(root, folder))
        test += found
        faults += missing
    empty = [folder for folder in _all_folders(root) if not is_image_folder(folder)]
    faults += [f"{folder}: holds no photographs" for folder in empty]
    name = root.resolve().name
    return PhotographSet(name, "mvtec", root, tuple(train), tuple(test), tuple(held_out), tuple(faults))


def categories(root: Path) -> list[Path]:
    """Folders in `root` that are a category each, in natural order."""
    return subfolders(root, recognise_mvtec)


def by_kind(root: Path, folder: Path) -> list[Photograph]:
    """Photographs in the folders of `folder`, each a kind, then those directly in it, of which nobody said."""
    inner = subfolders(folder, lambda path: path.name != _TRUTH)
    placed = [(kind_of(place.name), path) for place in inner for path in image_files(place)]
    placed += [("", path) for path in image_files(folder)]
    return [Photograph(path.relative_to(root).as_posix(), path, "test", kind) for kind, path in placed]


def kind_of(folder: str) -> str:
    """Kind of the photographs in a folder of this name.

    Example:
        >>> kind_of("ok"), kind_of("scratch")
        ('good', 'scratch')
    """
    return GOOD if folder in GOOD_NAMES else folder


def _good(root: Path, split: str) -> list[Photograph]:
    files = [path for name in GOOD_NAMES for path in _images(root / split / name)]
    return [Photograph(path.relative_to(root).as_posix(), path, "train", GOOD) for path in files]


def _images(folder: Path) -> list[Path]:
    return image_files(folder) if folder.is_dir() else []


def _test_folders(root: Path) -> list[Path]:
    return [root / name for name in _TEST_FOLDERS if (root / name).is_dir()]


def _all_folders(root: Path) -> list[Path]:
    """Folders that are there to hold photographs."""
    tests = [inner for test in _test_folders(root) for inner in subfolders(test, lambda path: path.name != _TRUTH)]
    return [*(root / "train" / name for name in GOOD_NAMES if (root / "train" / name).is_dir()), *tests]


def _truth(root: Path, test: Path) -> Path:
    inside = test / _TRUTH
    return inside if inside.is_dir() else root / _TRUTH
