"""Checks of one video: its pictures, its labels, its masks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from oddlens.datasets.base import Video
from oddlens.datasets.labels import check_labels, from_masks
from oddlens.datasets.probe import count_frames, end_decodes
from oddlens.datasets.report import CheckRow, describe
from oddlens.datasets.trees import image_files
from oddlens.errors import OddLensError
from oddlens.media.images import read_image
from oddlens.media.open import open_source
from oddlens.types import Image

SHORT = 16
"""Frames below which most methods cannot cut a single clip."""
_EXIF_ORIENTATION = 274


@dataclass
class Findings:
    """One video's row, with what was found on the way."""

    row: CheckRow
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    disagreement: str = ""
    """Where labels and masks say different things."""
    grey_as_colour: bool = False
    """Three channels, all equal in the first frame."""


def check_video(video: Video, fps: float | None, deep: bool) -> Findings:
    """Look at one video: image headers, first and last frame, labels and masks; `deep` decodes all."""
    found = Findings(CheckRow(video.split, video.name, 0))
    name = describe(video)
    try:
        if video.path.is_dir():
            _check_images(video.path, name, fps, found)
        else:
            _check_file(video.path, name, found)
        if deep:
            _decode_all(video, fps, found)
    except OddLensError as error:
        found.faults.append(str(error))
    frames = found.row.frames
    if 0 < frames < SHORT:
        found.notes.append(f"{name} has only {frames} frames, fewer than a clip of {SHORT}")
    _check_labels(video, found)
    try:
        _check_masks(video, found)
    except OddLensError as error:
        found.faults.append(str(error))
    return found


def _check_images(folder: Path, name: str, fps: float | None, found: Findings) -> None:
    files = image_files(folder)
    if not files:
        found.faults.append(f"{folder}: holds no images")
        return
    sizes: Counter[tuple[int, int]] = Counter()
    for file in files:
        size, fault = _header(file)
        if fault:
            found.faults.append(fault)
        elif size is not None:
            sizes[size] += 1
    found.row = replace(found.row, frames=len(files), fps=fps)
    if len(sizes) > 1:
        listed = ", ".join(f"{n} of {w}x{h}" for (w, h), n in sizes.most_common())
        found.faults.append(f"{name} mixes image sizes: {listed}")
    first = read_image(files[0])
    read_image(files[-1])
    _note_picture(first, found)


def _header(file: Path) -> tuple[tuple[int, int] | None, str]:
    """Size `(width, height)` as shown, from the header alone, or a fault."""
    try:
        with Pillow.open(file) as picture:
            width, height = picture.size
            # Reading a PNG's EXIF would decode it whole; cameras write JPEG.
            turned = picture.format == "JPEG" and picture.getexif().get(_EXIF_ORIENTATION, 1) >= 5
            return ((height, width) if turned else (width, height)), ""
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        reason = "is not an image" if isinstance(error, UnidentifiedImageError) else str(error)
        return None, f"{file}: {reason}"


def _check_file(path: Path, name: str, found: Findings) -> None:
    source = open_source(path)
    found.row = replace(found.row, frames=count_frames(path), fps=source.info.fps)
    first = next(iter(source.frames()), None)
    if first is not None:
        _note_picture(first.image, found)
    if not end_decodes(path):
        found.faults.append(f"{name} cannot be decoded to its end")
    announced = source.info.frames
    if announced is not None and announced != found.row.frames:
        found.notes.append(f"{name}: its header announces {announced} frames, it holds {found.row.frames}")


def _note_picture(image: Image, found: Findings) -> None:
    height, width, channels = image.shape
    found.row = replace(found.row, width=width, height=height, channels=channels)
    found.grey_as_colour = channels == 3 and bool((image == image[..., :1]).all())


def _decode_all(video: Video, fps: float | None, found: Findings) -> None:
    source = open_source(video.path, fps=fps if video.path.is_dir() else None)
    decoded = sum(1 for _ in source.frames())
    found.faults += [f"{describe(video)}: {fault}" for fault in source.faults if not fault.startswith("header ")]
    found.row = replace(found.row, frames=decoded)


def _check_labels(video: Video, found: Findings) -> None:
    if video.labels is None:
        return
    abnormal = int(video.labels.sum())
    found.row = replace(found.row, labelled=True, abnormal=abnormal)
    try:
        check_labels(video, found.row.frames)
    except OddLensError as error:
        found.faults.append(str(error))
    if abnormal in (0, len(video.labels)):
        found.notes.append(f"{describe(video)} has only {'abnormal' if abnormal else 'normal'} frames")


def _check_masks(video: Video, found: Findings) -> None:
    if video.masks is None:
        return
    row, name = found.row, describe(video)
    found.row = replace(row, mask_frames=len(video.masks))
    if len(video.masks) != row.frames:
        found.faults.append(f"{name} has {row.frames} frames but {len(video.masks)} masks")
    if not len(video.masks):
        return
    height, width = video.masks.read(0).shape
    if row.width and (height, width) != (row.height, row.width):
        found.faults.append(f"{name} is {row.width}x{row.height}, its masks {width}x{height}")
    if video.labels is not None and len(video.labels) == len(video.masks):
        differing = np.flatnonzero(from_masks(video.masks) != video.labels)
        if len(differing):
            found.disagreement = (
                f"{name}: labels and masks disagree on {len(differing)} frames, the first is {differing[0]}"
            )
