"""One way to open any set of photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from oddlens.datasets.mvtec import categories, open_mvtec, recognise_mvtec
from oddlens.datasets.own_photographs import open_folders, open_images, recognise_folders, recognise_images
from oddlens.datasets.photographs import PhotographSet
from oddlens.errors import DataError
from oddlens.media.formats import is_pattern

_LISTED = 4


class PhotographLayout(NamedTuple):
    """How a set of photographs lies on disk."""

    recognise: Callable[[Path], bool]
    open: Callable[[Path], PhotographSet]
    wanted: str
    """What it is recognised by, for messages."""


PHOTOGRAPH_LAYOUTS: dict[str, PhotographLayout] = {
    "mvtec": PhotographLayout(recognise_mvtec, open_mvtec, "train/good (or ok), or test/ beside ground_truth/"),
    "folders": PhotographLayout(recognise_folders, open_folders, "good/ (or ok/), folders of defects beside it"),
    "images": PhotographLayout(recognise_images, open_images, "images in a folder, a glob, or one image"),
}
"""Layouts by name, the most telling first."""


def recognise_photographs(root: str | Path) -> str | None:
    """Name of the first layout that fits `root`, None where none does."""
    return next((name for name, layout in PHOTOGRAPH_LAYOUTS.items() if layout.recognise(Path(root))), None)


def holds_photographs(root: str | Path, layout: str = "auto") -> bool:
    """Whether `root` is to be taken for photographs rather than footage where nothing else says which.

    A folder of images alone may be either, and is taken for footage unless `layout` is one of photographs.
    """
    if layout != "auto":
        return layout in PHOTOGRAPH_LAYOUTS
    root = Path(root)
    named = recognise_photographs(root)
    return named in ("mvtec", "folders") or (named == "images" and not root.is_dir()) or bool(categories(root))


def open_photographs(root: str | Path, layout: str = "auto") -> PhotographSet:
    """Open a set of photographs.

    Args:
        root: its folder, a glob of images, or one image.
        layout: `auto` or a key of `PHOTOGRAPH_LAYOUTS`.

    Raises:
        DataError: nothing there, no layout fits, or the folder holds several categories (they are named).
    """
    root = Path(root)
    if not root.exists() and not is_pattern(root):
        raise DataError(root, "there is no such file or folder", "check the path")
    if layout not in ("auto", *PHOTOGRAPH_LAYOUTS):
        raise DataError(
            root,
            f"there is no layout {layout!r} of photographs",
            f"choose auto, {', '.join(PHOTOGRAPH_LAYOUTS)}",
        )
    name = recognise_photographs(root) if layout == "auto" else layout
    if name is None:
        raise _unknown(root)
    return PHOTOGRAPH_LAYOUTS[name].open(root)


def _unknown(root: Path) -> DataError:
    if is_pattern(root):
        return DataError(root, "no image matches", "check the pattern, and quote it so that the shell leaves it alone")
    if root.is_file():
        return DataError(root, "is no image", "name a photograph, or a folder of photographs")
    found = [folder.name for folder in categories(root)]
    if found:
        listed = ", ".join(found[:_LISTED]) + (", ..." if len(found) > _LISTED else "")
        fault = f"holds {len(found)} categor{'y' if len(found) == 1 else 'ies'} ({listed})"
        return DataError(root, fault, f"name one of them, such as {root / found[0]}")
    looked = ", ".join(f"{name}: {layout.wanted}" for name, layout in PHOTOGRAPH_LAYOUTS.items())
    return DataError(root, "holds no photographs that are recognised", f"looked for {looked}")
