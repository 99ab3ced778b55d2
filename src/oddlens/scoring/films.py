"""Videos that are written while the scores come in: the footage with what is odd in it, and what the method drew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.base import Video
from oddlens.reports.overlay import OverlayVideo
from oddlens.reports.pictures_video import PicturesVideo
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.pictures import Explainer, FramePictures
from oddlens.scoring.table import ScoredFrame
from oddlens.scoring.windows import FrameScore
from oddlens.types import Image

if TYPE_CHECKING:
    from oddlens.scoring.detector import Detector

OVERLAY, PICTURES = "overlay.mp4", "pictures.mp4"
_DISPLACEMENT = "offset"
"""What a method draws where it has a displacement field."""


class Film(Protocol):
    """A video of a video's scored frames."""

    def take(self, scored: ScoredFrame, shown: Image) -> None:
        """The next frame, and how it looks in colour, `uint8 (H, W, C)`."""
        ...


class OverlayFilm:
    """The footage with heat or boxes, arrows and the running curve."""

    def __init__(self, film: OverlayVideo, calibration: Calibration, arrows: bool) -> None:
        self._film, self._calibration, self._arrows = film, calibration, arrows

    def take(self, scored: ScoredFrame, shown: Image) -> None:
        """The next frame."""
        boxes = _calibrated_boxes(scored.raw, self._calibration)
        offset = scored.raw.pictures.get(_DISPLACEMENT) if self._arrows else None
        self._film.write(shown, scored.raw.map, scored.row(), boxes, offset)


class PicturesFilm:
    """Pictures of each frame side by side."""

    def __init__(self, film: PicturesVideo, pictures: FramePictures, explain: Explainer) -> None:
        self._film, self._pictures, self._explain = film, pictures, explain

    def take(self, scored: ScoredFrame, shown: Image) -> None:
        """The next frame."""
        tiles = self._pictures.tiles(scored.raw, shown)
        self._film.write(tiles, scored.row(), self._explain.deviations(scored.raw.components))


@dataclass(frozen=True)
class FilmOptions:
    """Which films are wanted."""

    overlay: bool = True
    arrows: bool = True
    """Draw the displacement field of methods that have one into the overlay."""
    pictures: tuple[str, ...] = ()
    """Names of the pictures to show side by side."""


@contextmanager
def films(
    detector: Detector, video: Video, folder: Path, fps: float, frames: int | None, options: FilmOptions
) -> Iterator[list[Film]]:
    """The films that are wanted of one video; none is left where the block raises.

    Args:
        detector: that scores it.
        video: with its labels, where it has any.
        folder: to write to.
        fps: frames a second.
        frames: expected number of frames, `None` where nobody knows.
        options: which.
    """
    calibration, labels = detector.calibration, video.labels
    total = len(labels) if labels is not None else frames
    low, high = calibration.map_low, calibration.map_high
    with ExitStack() as stack:
        wanted: list[Film] = []
        if options.overlay:
            path = folder / OVERLAY
            film = OverlayVideo(path, fps, total, calibration.threshold, map_low=low, map_high=high, labels=labels)
            wanted.append(OverlayFilm(stack.enter_context(film), calibration, options.arrows))
        if options.pictures:
            strip = PicturesVideo(folder / PICTURES, fps, total, calibration.threshold, labels)
            chosen = FramePictures(detector, options.pictures)
            wanted.append(PicturesFilm(stack.enter_context(strip), chosen, Explainer(detector)))
        yield wanted


def _calibrated_boxes(raw: FrameScore, calibration: Calibration) -> NDArray[np.float64] | None:
    """Boxes `(n, 5)` with the surprise of each, on the scale of the frames' own."""
    if raw.boxes is None:
        return None
    return np.column_stack([raw.boxes[:, :4], calibration.surprise(raw.boxes[:, 4])])
