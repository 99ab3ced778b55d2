"""What counts as a video or an image by its name, and in which order images follow each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

VIDEO_SUFFIXES = frozenset(
    [
        ".3gp",
        ".asf",
        ".avi",
        ".flv",
        ".gif",
        ".m2ts",
        ".m4v",
        ".mjpeg",
        ".mjpg",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".ogv",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
    ]
)
"""Suffixes by which a folder or a glob is searched for videos; a file named outright may have any suffix."""

IMAGE_SUFFIXES = frozenset([".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"])

ASSUMED_FPS = 25.0
"""Frame rate by which times are counted where neither the footage nor the user names one."""


def is_image(path: Path) -> bool:
    """Whether the name is that of an image; hidden files are not."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def is_video(path: Path) -> bool:
    """Whether the name is that of a video; hidden files are not."""
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def is_pattern(where: str | Path) -> bool:
    """Whether `where` is a glob rather than something that exists under this very name."""
    return any(sign in str(where) for sign in "*?[") and not Path(where).exists()


def matching(pattern: str) -> list[Path]:
    """Paths that match a glob (`**` = any depth), in natural order."""
    path = Path(pattern)
    return natural_order(Path(path.anchor).glob(str(path.relative_to(path.anchor))))


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Sort by name with numbers by value; equal to plain string order where numbers are padded with zeros.

    Example:
        >>> [p.name for p in natural_order([Path("f10.png"), Path("f9.png"), Path("e.png")])]
        ['e.png', 'f9.png', 'f10.png']
    """
    return sorted(paths, key=_key)


def files_in(folder: Path) -> list[Path]:
    """Files directly in `folder`, in natural order."""
    return natural_order(path for path in folder.iterdir() if path.is_file())


def _key(path: Path) -> tuple[list[tuple[str | int, ...]], str]:
    # Splitting at runs of digits puts text at even and numbers at odd places, so that like meets like.
    parts = [re.split(r"([0-9]+)", part) for part in path.parts]
    return [tuple(int(bit) if k % 2 else bit for k, bit in enumerate(part)) for part in parts], str(path)
