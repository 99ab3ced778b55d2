"""Which data sets or categories a benchmark is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from oddlens.benchmarking.plan import Target
from oddlens.benchmarking.published import MVTEC
from oddlens.datasets.mvtec import categories, recognise_mvtec
from oddlens.datasets.open import open_dataset
from oddlens.errors import DataError, SettingsError


def category_targets(root: Path, names: Sequence[str]) -> tuple[list[Target], list[str]]:
    """Categories in `root`, and a line for each that is missing.

    Args:
        root: folder of categories, or one category.
        names: those wanted; none: all there are, and of MVTec AD those that are not there are named.

    Raises:
        DataError: not one of them is there.
    """
    root = Path(root)
    found = {root.name: root} if recognise_mvtec(root) else {folder.name: folder for folder in categories(root)}
    if not found:
        fault = "holds no category" if root.is_dir() else "there is no such folder"
        raise DataError(root, fault, "name a folder of categories, each with train/good and test/")
    absent = [name for name in names if name not in found]
    if not names and set(found) & set(MVTEC) and not recognise_mvtec(root):
        absent = [name for name in MVTEC if name not in found]
    lines = [f"{name}: no such category in {root}" for name in absent]
    chosen = [Target(name, folder) for name, folder in found.items() if not names or name in names]
    if not chosen:
        raise DataError(root, f"holds none of {', '.join(names)}", f"there are {', '.join(found)}")
    return chosen, lines


def video_targets(paths: Sequence[Path]) -> list[Target]:
    """Labelled data sets, by their name; of equal names by their folder's.

    Raises:
        SettingsError: none, or one twice.
        DataError: one is not there, or has no labelled test video.
    """
    if not paths:
        raise SettingsError("--data", "names no data set", "give one or more")
    named: dict[str, Path] = {}
    for path in paths:
        dataset = open_dataset(path)
        if not any(video.labels is not None for video in dataset.test):
            raise DataError(path, "has no labelled test video", "see 'oddlens data check' on it")
        name = dataset.name if dataset.name not in named else Path(path).resolve().name
        if name in named:
            raise SettingsError(
                f"--data {path}", f"is the second called '{name}'", "name each once, or rename a folder"
            )
        named[name] = Path(path)
    return [Target(name, path) for name, path in named.items()]
