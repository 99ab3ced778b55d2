"""Looking at folders: which sequences of frames they hold, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from oddlens.errors import DataError
from oddlens.media.formats import is_image, is_video, natural_order

_NOT_FOOTAGE = frozenset({"masks", "labels", "ground_truth", "test_frame_mask", "test_pixel_mask"})


def image_files(folder: Path) -> list[Path]:
    """Images directly in `folder`, in natural order, without hidden ones (`._001.tif` in UCSD's archives)."""
    return natural_order(path for path in _entries(folder) if is_image(path))


def count_images(folder: Path) -> int:
    """Number of images directly in `folder`."""
    return sum(map(is_image, _entries(folder)))


def video_files(folder: Path) -> list[Path]:
    """Video files directly in `folder`, in natural order; empty where there is no such folder."""
    return natural_order(path for path in _entries(folder) if is_video(path)) if folder.is_dir() else []


def subfolders(folder: Path, keep: Callable[[Path], bool] = lambda path: True) -> list[Path]:
    """Folders directly in `folder` that `keep` accepts, in natural order; none where it does not exist."""
    if not folder.is_dir():
        return []
    return natural_order(p for p in _entries(folder) if p.is_dir() and p.name[0] != "." and keep(p))


def is_image_folder(path: Path) -> bool:
    """Whether `path` is a folder with at least one image directly in it."""
    return path.is_dir() and any(map(is_image, _entries(path)))


def sequences(folder: Path) -> list[Path]:
    """Video files and folders of images in `folder`, or `folder` itself where it holds nothing but images."""
    if not folder.is_dir():
        return []
    inner = subfolders(folder, lambda path: path.name not in _NOT_FOOTAGE and is_image_folder(path))
    found = natural_order([*video_files(folder), *inner])
    return found or ([folder] if is_image_folder(folder) else [])


def unique_names(paths: list[Path]) -> list[str]:
    """Stem (or folder name) of every path; the full file name where two stems are equal.

    Example:
        >>> unique_names([Path("a.mp4"), Path("a.avi"), Path("b.avi")])
        ['a.mp4', 'a.avi', 'b']
    """
    stems = [path.name if path.is_dir() else path.stem for path in paths]
    return [path.name if stems.count(stem) > 1 else stem for path, stem in zip(paths, stems)]


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError as error:
        raise DataError(folder, f"cannot be read ({error.strerror})", "check the path and permissions") from error
