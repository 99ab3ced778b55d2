"""Videos and pictures out, whole or not at all."""

from __future__ import annotations

import math
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import cv2
import numpy as np

from oddlens.errors import MediaError
from oddlens.files import atomic_path
from oddlens.types import Image

_BT601 = 6  # SMPTE 170M in FFmpeg's tables: what libswscale converts with, so that players show the same colours
_LIMITED_RANGE = 1
_REPRODUCIBLE = {"threads": "1", "mbtree": "0"}
"""One thread, and without x264's look ahead along motion, which reads memory that nobody has written."""
_FRONT_INDEX = {"movflags": "+faststart"}  # lets a browser start before the file is whole
_CONTAINERS: dict[str, dict[str, str]] = {
    ".mp4": _FRONT_INDEX,
    ".m4v": _FRONT_INDEX,
    ".mov": _FRONT_INDEX,
    ".mkv": {},
    ".avi": {},
}


class VideoWriter:
    """Writes H.264 in 4:2:0 that every browser plays; no file is left when its block raises.

    Odd sizes grow by one row or column, a repetition of the last.

    Args:
        path: target; the suffix chooses the container (`.mp4` for browsers).
        fps: frames a second.
        width: pixels; without it, the first picture's.
        height: pixels; without it, the first picture's.
        crf: constant rate factor of libx264, 0 (lossless) to 51 (worst).
        reproducible: the same pictures give the same bytes; takes longer, and a little more space.

    Raises:
        MediaError: unknown suffix, a picture of another size, or nothing written at all.
        OddLensError: the folder cannot be written, or the disk is full.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with VideoWriter(folder / "grey.mp4", fps=25) as writer:
        ...     writer.write(np.full((48, 64, 1), 128, np.uint8))
        >>> (folder / "grey.mp4").exists()
        True
    """

    def __init__(
        self,
        path: str | Path,
        fps: float | Fraction,
        width: int | None = None,
        height: int | None = None,
        crf: int = 20,
        reproducible: bool = False,
    ) -> None:
        self._path, self._crf, self._reproducible = Path(path), crf, reproducible
        if self._path.suffix.lower() not in _CONTAINERS:
            raise MediaError(path, "no video is written under this suffix", f"use {', '.join(_CONTAINERS)}")
        if not (math.isfinite(fps) and fps > 0):
            raise MediaError(path, f"a frame rate of {fps} makes no sense", "give a number above 0")
        self._rate = Fraction(fps).limit_denominator(10_000)
        self._width, self._height = width, height
        self._count = 0
        self._stack = ExitStack()
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> VideoWriter:
        with self._stack:
            temporary = self._stack.enter_context(atomic_path(self._path))
            container = av.open(str(temporary), "w", options=_CONTAINERS[self._path.suffix.lower()])
            self._container = self._stack.enter_context(container)
            self._stack = self._stack.pop_all()
        return self

    def write(self, image: Image) -> None:
        """Append one picture, uint8 `(H, W, 1)` grey or `(H, W, 3)` RGB."""
        height, width = image.shape[:2]
        self._width, self._height = self._width or width, self._height or height
        if (height, width) != (self._height, self._width):
            raise MediaError(
                self._path,
                f"picture {self._count} is {width}x{height}, the video {self._width}x{self._height}",
                "write pictures of one size",
            )
        if self._stream is None:
            self._stream = self._start()
        padded = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        grey = image.shape[2] == 1
        picture = np.ascontiguousarray(padded[..., 0] if grey else padded)
        frame = av.VideoFrame.from_ndarray(picture, "gray" if grey else "rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._container.mux(self._stream.encode(frame))
        self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack.pop_all() as stack:
            if error is not None:
                stack.__exit__(kind, error, trace)
                return
            if self._stream is None:
                raise MediaError(self._path, "not one picture was written", "check that the input has frames")
            self._container.mux(self._stream.encode(None))

    def _start(self) -> Any:
        assert self._width is not None and self._height is not None
        options = {"crf": str(self._crf), "preset": "veryfast"} | (_REPRODUCIBLE if self._reproducible else {})
        stream = self._container.add_stream("libx264", rate=self._rate, options=options)
        stream.width, stream.height = self._width + self._width % 2, self._height + self._height % 2
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.colorspace, context.color_range = _BT601, _LIMITED_RANGE
        context.color_primaries = context.color_trc = _BT601
        return stream


def write_image(path: str | Path, image: Image) -> None:
    """Write one picture, uint8 `(H, W, 1)` or RGB `(H, W, 3)`; the suffix chooses the format.

    Raises:
        MediaError: unknown suffix.
        OddLensError: the folder cannot be written.
    """
    path = Path(path)
    stored = image if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    try:
        whole, data = cv2.imencode(path.suffix or ".", stored)
    except cv2.error as error:
        raise MediaError(path, "no image format has this suffix", "name it .png or .jpg") from error
    if not whole:
        raise MediaError(path, "cannot be encoded", "name it .png or .jpg")
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.tobytes())
