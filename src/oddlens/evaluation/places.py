"""Where methods see oddness, against the masks: pixels and boxes of all test videos, under both protocols."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.base import MaskReader
from oddlens.metrics.map_boxes import map_boxes
from oddlens.metrics.pixel import Mask, PixelAUC, PixelLevelAUC, aligned
from oddlens.metrics.region_matching import TruthBoxes
from oddlens.metrics.regions import RegionDetection
from oddlens.metrics.truth_tracks import TruthTracker
from oddlens.scoring.windows import FrameScore


class VideoTruth:
    """Masks of one video, read in order and once, however many readers there are; their boxes and tracks."""

    def __init__(self, masks: MaskReader, readers: int) -> None:
        self._masks, self._readers, self._length = masks, readers, len(masks)
        self._tracker = TruthTracker()
        self._waiting: dict[int, tuple[Mask, int]] = {}

    def take(self, index: int) -> Mask | None:
        """Mask of frame `index`, None past the last one; every reader must take every frame once, in order."""
        if index >= self._length:
            return None
        if index == self._tracker.frames:
            mask = self._masks.read(index)
            self._tracker.push(mask)
            self._waiting[index] = (mask, self._readers)
        mask, left = self._waiting.pop(index)
        if left > 1:
            self._waiting[index] = (mask, left - 1)
        return mask

    def boxes(self) -> TruthBoxes:
        """Truth boxes of the frames that were taken."""
        return self._tracker.truth()


@dataclass
class Places:
    """Maps and boxes of one scorer over all test videos; frames the paper drops are counted apart."""

    kept: PixelAUC | None = None
    dropped: PixelAUC | None = None
    pixel_level: PixelLevelAUC | None = None
    regions: RegionDetection | None = None
    paper_regions: RegionDetection | None = None

    def clean(self) -> dict[str, Any]:
        """What `summarise` needs for all frames."""
        if self.kept is None or self.dropped is None:
            return {"pixel": None, "regions": self.regions}
        every = PixelAUC()
        every.merge(self.kept)
        every.merge(self.dropped)
        return {"pixel": every, "regions": self.regions}

    def paper(self) -> dict[str, Any]:
        """What `summarise` needs for the frames that the paper's protocol keeps."""
        return {"pixel": self.kept, "pixel_level": self.pixel_level, "regions": self.paper_regions}

    def add_map(self, map: NDArray[np.float32], mask: Mask, kept: bool) -> None:
        """Count one frame's pixels; `kept`: also under the paper's protocol."""
        if self.kept is None or self.dropped is None or self.pixel_level is None:
            self.kept, self.dropped, self.pixel_level = PixelAUC(), PixelAUC(), PixelLevelAUC()
        (self.kept if kept else self.dropped).update(map, mask)
        if kept:
            self.pixel_level.update(map, mask)


@dataclass
class PlaceCollector:
    """Takes the maps or boxes of one video as they come."""

    places: Places
    truth: VideoTruth
    kept: range
    """Frames that the paper's protocol keeps."""
    levels: NDArray[np.float32] | None
    """Levels that make boxes of a map; without them only a method's own boxes count."""
    _boxes: list[NDArray[np.float32]] = field(default_factory=list)
    _frames: list[int] = field(default_factory=list)

    def take(self, score: FrameScore, size: tuple[int, int]) -> None:
        """Take the next frame's score; `size` is the height and width of the frame as decoded."""
        mask = self.truth.take(score.index)
        if mask is None:
            return
        map = None
        if score.map is not None:
            map, mask = aligned(score.map, mask, score.index)
            self.places.add_map(map, mask, score.index in self.kept)
        if score.boxes is not None:
            self._add(score.index, scaled(inclusive(score.boxes), size, mask.shape))
        elif map is not None and self.levels is not None:
            self._add(score.index, map_boxes(map, self.levels))

    def close(self) -> None:
        """The video is over: match its boxes."""
        if not self._boxes:
            return
        boxes = np.concatenate(self._boxes)
        numbers = np.asarray(self._frames)
        frames = np.repeat(numbers, [len(found) for found in self._boxes])
        truth = self.truth.boxes()
        self.places.regions = self.places.regions or RegionDetection()
        self.places.regions.update(boxes, frames, truth, len(numbers))
        inside = (frames >= self.kept.start) & (frames < self.kept.stop)
        count = int(((numbers >= self.kept.start) & (numbers < self.kept.stop)).sum())
        if count:
            self.places.paper_regions = self.places.paper_regions or RegionDetection()
            kept_truth = truth.within(self.kept.start, self.kept.stop)
            self.places.paper_regions.update(boxes[inside], frames[inside], kept_truth, count)

    def _add(self, index: int, boxes: NDArray[np.float32]) -> None:
        self._boxes.append(boxes)
        self._frames.append(index)


def inclusive(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """A method's boxes `(n, 5)`, right and bottom excluded, by the last column and row they cover.

    Example:
        >>> inclusive(np.array([[0, 10, 10, 20, 0.5]], np.float32)).tolist()
        [[0.0, 10.0, 9.0, 19.0, 0.5]]
    """
    return boxes - np.array([0, 0, 1, 1, 0], np.float32)


def scaled(boxes: NDArray[np.float32], size: tuple[int, int], wanted: tuple[int, ...]) -> NDArray[np.float32]:
    """Boxes `(n, 5)` in inclusive pixels of a frame of `size` (height, width), in those of one of `wanted`.

    Example:
        >>> scaled(np.array([[0, 10, 9, 19, 0.5]], np.float32), (40, 40), (80, 20)).tolist()
        [[0.0, 20.0, 4.0, 39.0, 0.5]]
    """
    if size == tuple(wanted) or not len(boxes):
        return boxes
    factors = np.array([wanted[1] / size[1], wanted[0] / size[0]], np.float32)
    result = boxes.copy()
    result[:, :2] *= factors
    result[:, 2:4] = (boxes[:, 2:4] + 1) * factors - 1
    return result
