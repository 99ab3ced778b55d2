"""The still background of fixed footage as one picture: mean, mode or median over time, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

from oddlens.errors import MediaError, SettingsError
from oddlens.media.resize import fit
from oddlens.media.source import Source
from oddlens.media.spread import spread_frames
from oddlens.types import Frame, Image

TemplateKind: TypeAlias = Literal["mean", "mode", "median"]
Progress = Callable[[str, int, int | None], None]
"""Called with (source's name, frames done in all, frames expected in all)."""

_TAPS = 13
_LEVELS = 256
_BLOCK = 4096
"""Values of a frame whose histograms are looked at together."""
_MOST_BYTES = 2 * 2**30
_MOST_COUNT = int(np.iinfo(np.uint16).max)


@dataclass(frozen=True)
class Template:
    """What a fixed camera mostly sees."""

    levels: NDArray[np.float32]
    """`float32 (H, W, C)`, 0 to 255; whole numbers for the mode, halves for the median."""
    frames: int
    """Frames that it was made of."""

    @property
    def image(self) -> Image:
        """Rounded, `uint8 (H, W, C)`."""
        return np.rint(self.levels).astype(np.uint8)


def make_template(
    sources: Sequence[Source],
    kind: TemplateKind = "mean",
    *,
    frames: int | None = None,
    spread: bool = False,
    size: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> Template:
    """The background template of one camera, from frames of one or more sources.

    Memory does not depend on how many frames there are. It is colour if one of the sources is.

    Args:
        sources: footage, in order.
        kind: see `TemplateBuilder`.
        frames: how many to take, the first ones of all sources end to end; default: all.
        spread: take them evenly from all sources instead; announced lengths are trusted.
        size: height and width; default: the first source's own.
        progress: told of every frame.

    Raises:
        MediaError: there is no source, one cannot be read, or one is of another size and none was named.
        SettingsError: `frames` or `size` is below 1, or the histograms would take more than 2 GB.
    """
    if not sources:
        raise MediaError("input", "there is no footage", "name a video, a folder of images or a glob")
    if frames is not None and frames < 1:
        raise SettingsError("frames", f"is {frames}", "give 1 or more")
    first = sources[0].info
    for other in sources if size is None else ():
        if (other.info.width, other.info.height) != (first.width, first.height):
            fault = f"is {other.info.width}x{other.info.height}, {first.name} {first.width}x{first.height}"
            raise MediaError(other.info.path, fault, "name a size, or footage of one camera")
    height, width = size or (first.height, first.width)
    announced = [source.info.frames or 0 for source in sources]
    expected = min(frames or sum(announced), sum(announced)) if all(announced) else frames
    channels = max(source.info.channels for source in sources)
    builder = TemplateBuilder(height, width, channels, kind, expected)
    for source, frame in spread_frames(sources, frames) if spread and frames else _first(sources, frames):
        builder.add(frame.image)
        if progress:
            progress(source.info.name, builder.frames, expected)
    return builder.template()


class TemplateBuilder:
    """Makes a template of frames as they come.

    - `mean`: temporal mean of each value. Whoever passes leaves a faint trace.
    - `mode`: level with the highest count in each value's histogram, smoothed by a Gaussian of 13 levels, the lowest
      of several (DMAD's templates for ShanghaiTech).
    - `median`: middle level.

    Args:
        height: of the template.
        width: of the template.
        channels: 1 or 3; frames are brought to size and channels as `media.resize.fit` does.
        kind: of template.
        expected: frames that will come, as far as known; it only saves memory.

    Raises:
        SettingsError: a size below 1, or histograms of more than 2 GB.

    Example:
        >>> builder = TemplateBuilder(1, 1, 1, "median")
        >>> for level in (10, 10, 200):
        ...     builder.add(np.full((1, 1, 1), level, np.uint8))
        >>> builder.template().image.item()
        10
    """

    def __init__(
        self, height: int, width: int, channels: int, kind: TemplateKind = "mean", expected: int | None = None
    ) -> None:
        if height < 1 or width < 1:
            raise SettingsError("size", f"is {width}x{height}", "give a width and a height of 1 pixel or more")
        self.shape, self.kind, self.frames = (height, width, channels), kind, 0
        if kind == "mean":
            self._sums = np.zeros(self.shape, np.uint64)
            return
        values = height * width * channels
        small = expected is not None and expected <= _MOST_COUNT
        bytes = _LEVELS * values * (2 if small else 4)
        if bytes > _MOST_BYTES:
            fault = f"the {kind} of {width}x{height} pixels in {channels} channels takes {bytes / 2**30:.1f} GB"
            raise SettingsError("size", fault, "name a smaller size, or take the mean")
        # level by level: neighbours of one level lie side by side
        self._counts: NDArray[Any] = np.zeros((_LEVELS, values), np.uint16 if small else np.uint32)
        self._places = np.arange(values)

    def add(self, image: Image) -> None:
        """Take the next frame, `uint8 (H, W, C)` of any size."""
        fitted = fit(image, *self.shape)
        if self.kind == "mean":
            self._sums += fitted
        else:
            if self.frames == _MOST_COUNT and self._counts.dtype == np.uint16:  # more frames than were expected
                self._counts = self._counts.astype(np.uint32)
            self._counts.reshape(-1)[fitted.ravel() * np.intp(len(self._places)) + self._places] += 1
        self.frames += 1

    def template(self) -> Template:
        """The template of the frames so far.

        Raises:
            MediaError: there was none.
        """
        if not self.frames:
            raise MediaError("template", "there are no frames to make it of", "give footage of the camera")
        if self.kind == "mean":
            levels = (self._sums / self.frames).astype(np.float32)
        else:
            rule = _modes if self.kind == "mode" else _medians
            starts = range(0, self._counts.shape[1], _BLOCK)
            levels = np.concatenate([rule(self._counts[:, start : start + _BLOCK]) for start in starts])
        return Template(levels.astype(np.float32).reshape(self.shape), self.frames)


def level_kernel() -> NDArray[np.float64]:
    """Gaussian density over 13 grey levels, of the width that OpenCV gives a kernel of that size: 2.3 levels."""
    sigma = 0.3 * ((_TAPS - 1) * 0.5 - 1) + 0.8
    levels = np.arange(_TAPS) - _TAPS // 2
    density: NDArray[np.float64] = np.exp(-0.5 * (levels / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return density


def _modes(counts: NDArray[Any]) -> NDArray[Any]:
    """Level of the highest smoothed count, of histograms `(256, N)`."""
    smooth = convolve1d(counts.astype(np.float64), level_kernel(), axis=0, mode="constant")
    highest: NDArray[Any] = smooth.argmax(axis=0)
    return highest


def _medians(counts: NDArray[Any]) -> NDArray[Any]:
    below = counts.cumsum(axis=0, dtype=np.int64)
    total = below[-1]
    low, high = (np.argmax(below >= rank, axis=0) for rank in ((total + 1) // 2, total // 2 + 1))
    middle: NDArray[Any] = (low + high) / 2
    return middle


def _first(sources: Sequence[Source], count: int | None) -> Iterator[tuple[Source, Frame]]:
    """The first frames of all sources, one after the other."""
    done = 0
    for source in sources:
        for frame in source.frames():
            yield source, frame
            done += 1
            if done == count:
                return
