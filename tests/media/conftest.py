"""Little pictures and videos that the media tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
MakeVideo = Callable[..., Path]


@pytest.fixture
def rng_image() -> Callable[[int, int, int], Picture]:
    """Maker of noise pictures, the same in every run."""
    generator = np.random.default_rng(0)

    def make(height: int, width: int, channels: int) -> Picture:
        return generator.integers(0, 256, (height, width, channels), dtype=np.uint8)

    return make


@pytest.fixture
def flat_pictures() -> Callable[..., list[Picture]]:
    """Maker of flat grey pictures whose level is 10 times their index, so that a frame tells its index."""

    def make(count: int, height: int = 48, width: int = 64, channels: int = 3) -> list[Picture]:
        return [np.full((height, width, channels), 10 * k, np.uint8) for k in range(count)]

    return make


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Writer of videos by PyAV itself, independent of `VideoWriter`; returns the path."""

    def make(
        pictures: Iterable[Picture],
        name: str = "clip.mp4",
        codec: str = "mpeg4",
        pixels: str = "yuv420p",
        stamps: Sequence[int] | None = None,
        matrix: Sequence[int] | None = None,
        audio: bool = False,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=10)
            stream.pix_fmt = pixels
            stream.gop_size = 5
            if matrix is not None:
                stream.set_display_matrix(matrix)
            for index, picture in enumerate(pictures):
                if not index:
                    stream.height, stream.width = picture.shape[:2]
                layout = {np.uint8: "rgb24", np.uint16: "gray16le"}[picture.dtype.type]
                frame = av.VideoFrame.from_ndarray(picture, layout).reformat(format=pixels)
                frame.pts = index if stamps is None else stamps[index]
                frame.time_base = Fraction(1, 10)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make
