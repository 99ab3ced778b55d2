"""Frames from image files, one image a frame."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.errors import MediaError
from oddlens.media.formats import ASSUMED_FPS
from oddlens.media.resize import with_channels
from oddlens.media.source import Colour, SourceInfo
from oddlens.types import Frame, Image

# A broken image is reported once, as a fault, not by OpenCV's own chatter as well.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

# Unlike IMREAD_UNCHANGED these apply EXIF orientation and drop alpha; on 8 bits ANYDEPTH alone is GRAYSCALE.
_FLAGS: dict[Colour, int] = {
    "native": cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR,
    "grey": cv2.IMREAD_ANYDEPTH,
    "rgb": cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR,
}
_PNG_START, _PNG_END = b"\x89PNG", b"IEND"
_PNG_CHUNKS_AT = 8
_UNKNOWN, _GOOD, _BROKEN = 0, 1, 2


class ImageFolder:
    """A sequence of image files as a source.

    An image that cannot be decoded is left out and recorded in `faults`; the others keep the times of their
    places in the sequence. Native colour is the first image's; later ones are brought to as many channels.

    Args:
        files: images in order of time.
        path: what the user named: the folder, the glob or the single image.
        name: what tables and reports show.
        colour: how to deliver frames.
        fps: assumed frame rate; without one `info.fps` is None and times are counted at 25 a second.

    Raises:
        MediaError: no image can be decoded.
    """

    def __init__(
        self,
        files: Sequence[Path],
        *,
        path: str,
        name: str,
        colour: Colour = "native",
        fps: float | None = None,
    ) -> None:
        self._files, self._colour, self._fps = list(files), colour, fps
        self._states = np.zeros(len(self._files), np.uint8)
        self._reasons: dict[int, str] = {}
        first = next((image for image in map(self._read, range(len(self._files))) if image is not None), None)
        if first is None:
            raise MediaError(path, "none of its images can be decoded", "check that the files are whole images")
        height, width, channels = first.shape
        self._info = SourceInfo(name, path, width, height, channels, fps, len(self._files))

    @property
    def info(self) -> SourceInfo:
        """Size and channels of the first image that decodes; `frames` counts files."""
        return self._info

    @property
    def faults(self) -> list[str]:
        """Images left out so far, one line each."""
        return [self._reasons[place] for place in sorted(self._reasons)]

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Yield frames from index `start` on, decoding earlier images only where they were never read before.

        Raises:
            MediaError: an image has another size than the first.
        """
        index, first_place = 0, -1
        for place, file in enumerate(self._files):
            image = None
            if self._states[place] == _UNKNOWN or (index >= start and self._states[place] == _GOOD):
                image = self._read(place)
            if self._states[place] == _BROKEN:
                continue
            first_place = place if first_place < 0 else first_place
            if index >= start and image is not None:
                self._check_size(file, image)
                seconds = (place - first_place) / (self._fps or ASSUMED_FPS)
                yield Frame(index, seconds, with_channels(image, self._info.channels))
            index += 1

    def _read(self, place: int) -> Image | None:
        try:
            image = read_image(self._files[place], self._colour)
        except MediaError as error:
            self._states[place] = _BROKEN
            self._reasons[place] = f"{self._files[place].name}: {error.fault}, left out"
            return None
        self._states[place] = _GOOD
        return image

    def _check_size(self, file: Path, image: Image) -> None:
        height, width = image.shape[:2]
        if (height, width) != (self._info.height, self._info.width):
            raise MediaError(
                file,
                f"it is {width}x{height}, the images before it are {self._info.width}x{self._info.height}",
                "keep images of one size in one folder",
            )


def read_image(path: Path, colour: Colour = "native") -> Image:
    """Decode one image with OpenCV into uint8 `(H, W, C)`, C = 1 or 3 (RGB).

    Transparency is dropped, EXIF orientation applied, and 16-bit levels scaled as v / 257, rounded: the full
    range of 16 bits becomes the full range of 8. Grey is OpenCV's grey read: of a JPEG, the luma it stores.

    Raises:
        MediaError: the file cannot be read or decoded, or holds other than 8- or 16-bit levels.
    """
    try:
        data = path.read_bytes()  # cv2.imread cannot open every non-ASCII name on every system
    except OSError as error:
        raise MediaError(path, f"cannot be read ({error.strerror})", "check the path and permissions") from error
    image = _decoded(data, _FLAGS[colour])
    if image is None:
        raise MediaError(path, "cannot be decoded" if data else "is empty", "replace or remove it")
    if image.dtype == np.uint16:
        image = cv2.convertScaleAbs(image, alpha=1 / 257)
    if image.dtype != np.uint8:
        raise MediaError(path, f"holds {image.dtype} levels", "save it with 8 or 16 bits a level")
    coloured = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return np.atleast_3d(coloured).astype(np.uint8, copy=False)


def _decoded(data: bytes, flags: int) -> NDArray[Any] | None:
    # libpng complains of a damaged file on standard error, whatever the log level: do not let it get that far.
    if not data or (data.startswith(_PNG_START) and not _is_whole_png(data)):
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None


def _is_whole_png(data: bytes) -> bool:
    """Whether every chunk that the picture needs is there, up to the last, with the right check sum."""
    place = _PNG_CHUNKS_AT
    while place + 12 <= len(data):
        kind, end = data[place + 4 : place + 8], place + 8 + int.from_bytes(data[place : place + 4], "big")
        needed = kind[:1].isupper()
        if needed and zlib.crc32(data[place + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return False
        if kind == _PNG_END:
            return True
        place = end + 4
    return False
