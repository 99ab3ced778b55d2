"""Pixel truth of one video, from folders of pictures, MATLAB cells, arrays or mask videos."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from oddlens.datasets.probe import count_frames
from oddlens.datasets.trees import image_files
from oddlens.errors import DataError
from oddlens.media.formats import VIDEO_SUFFIXES
from oddlens.types import Frame

Mask = NDArray[np.bool_]


class FolderMasks:
    """One picture a frame, see `read_mask`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = image_files(folder)

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: int) -> Mask:
        """Mask `bool (H, W)` of frame `index`."""
        return read_mask(self.files[index])


class MatMasks:
    """Avenue's `N_label.mat`: `volLabel`, a cell array of L masks `(H, W)`; the last two stay in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return int(_load_cells(self.path)[0].shape[0])

    def read(self, index: int) -> Mask:
        """Mask `bool (H, W)` of frame `index`."""
        packed, width = _load_cells(self.path)
        return _unpack(packed[index], width)


@lru_cache(maxsize=2)
def _load_cells(path: Path) -> tuple[NDArray[np.uint8], int]:
    """All masks of one file, eight pixels a byte: `uint8 (L, H, ceil(W/8))` and W."""
    wanted = "give the label file of the Avenue ground truth, key volLabel"
    cells = load_matlab(path, "volLabel", wanted)
    masks = list(cells.ravel()) if cells.dtype == object else list(np.moveaxis(cells, -1, 0))
    if not masks or any(mask.ndim != 2 or mask.shape != masks[0].shape for mask in masks):
        raise DataError(path, "volLabel is not a row of masks of one size", wanted)
    return np.stack([np.packbits(mask > 0, axis=-1) for mask in masks]), int(masks[0].shape[1])


class ArrayMasks:
    """A `.npy` array `(L, H, W)`, any value but 0 abnormal; read through a memory map.

    With `width` the array is packed, eight pixels a byte: `uint8 (L, H, ceil(width / 8))`.
    """

    def __init__(self, path: Path, width: int | None = None) -> None:
        self.path, self.width = path, width
        shape = load_array(path).shape
        if len(shape) != 3 or (width is not None and shape[2] != -(-width // 8)):
            expected = "(L, H, W)" if width is None else f"(L, H, {-(-width // 8)})"
            raise DataError(path, f"has shape {shape}, not {expected}", "restore the mask file")
        self._frames = int(shape[0])

    def __len__(self) -> int:
        return self._frames

    def read(self, index: int) -> Mask:
        """Mask `bool (H, W)` of frame `index`."""
        row = load_array(self.path)[index]
        return np.asarray(row != 0) if self.width is None else _unpack(row, self.width)


class VideoMasks:
    """A mask video: above 127 is abnormal (lossy compression blurs edges); cheap when read in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._frames = count_frames(path)
        self._stream: Iterator[Frame] | None = None
        self._next = 0

    def __len__(self) -> int:
        return self._frames

    def __reduce__(self) -> tuple[type[VideoMasks], tuple[Path]]:
        return VideoMasks, (self.path,)

    def read(self, index: int) -> Mask:
        """Mask `bool (H, W)` of frame `index`."""
        from oddlens.media.open import open_source

        if not 0 <= index < len(self):
            raise IndexError(index)
        if self._stream is None or index != self._next:
            self._stream = open_source(self.path, colour="grey").frames(index)
        frame = next(self._stream, None)
        if frame is None:
            self._stream = None
            raise DataError(self.path, f"ends before frame {index}", "write the mask video again")
        self._next = index + 1
        return np.asarray(frame.image[..., 0] > 127)


def read_mask(file: Path) -> Mask:
    """Mask `bool (H, W)` of a picture: any value but 0 is abnormal; above 127 in lossy formats.

    Raises:
        DataError: the file is no picture.
    """
    try:
        with Pillow.open(file) as picture:
            # The levels of a palette picture are indices: index 0 is normal, whatever its colour.
            levels = np.asarray(picture if picture.mode in ("P", "1") else picture.convert("L"))
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(file, f"cannot be read as a mask ({error})", "restore the file") from error
    lossy = file.suffix.lower() in {".jpg", ".jpeg", ".webp"}
    return np.asarray(levels > (127 if lossy else 0))


def find_masks(folder: Path, name: str) -> FolderMasks | ArrayMasks | VideoMasks | None:
    """Masks of video `name` in `folder`: pictures in `NAME/`, `NAME.npy` `(L, H, W)` or `NAME.mp4`."""
    if not folder.is_dir():
        return None
    if (folder / name).is_dir():
        return FolderMasks(folder / name)
    if (folder / f"{name}.npy").is_file():
        return ArrayMasks(folder / f"{name}.npy")
    videos = [folder / f"{name}{suffix}" for suffix in sorted(VIDEO_SUFFIXES)]
    return next((VideoMasks(video) for video in videos if video.is_file()), None)


def load_array(path: Path) -> NDArray[Any]:
    """Memory-mapped `.npy` array; pickled objects are refused, since reading them runs code.

    Raises:
        DataError: missing, damaged or pickled.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(path, f"cannot be read as a numpy array ({error})", "restore the file") from error
    return array


def load_matlab(path: Path, key: str, remedy: str) -> NDArray[Any]:
    """Array or cell array `key` of a MATLAB file.

    Raises:
        DataError: damaged, or without the key.
    """
    import scipy.io

    try:
        content = scipy.io.loadmat(str(path), variable_names=[key])
    except Exception as error:  # on a damaged file scipy raises whatever its bytes lead to
        raise DataError(path, f"cannot be read as a MATLAB file ({error})", remedy) from error
    if key not in content:
        raise DataError(path, f"holds no {key}", remedy)
    array: NDArray[Any] = content[key]
    return array


def _unpack(packed: NDArray[np.uint8], width: int) -> Mask:
    return np.unpackbits(packed, axis=-1, count=width).astype(bool)
