"""A detector that also looks at overlapping tiles of a frame, where objects are larger to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from oddlens.objects.boxes import Boxes, suppressed
from oddlens.objects.detections import Detections, ObjectDetector
from oddlens.objects.letterbox import tiles
from oddlens.types import Image

_CUT = 2.0
"""A box that ends within so many pixels of a tile's inner edge is taken for cut by it."""
Tile = tuple[int, int, int, int]


class TiledDetector:
    """Looks at each whole frame and at `columns` x `rows` tiles of it, and merges what it finds.

    Boxes cut by a tile's inner edge are dropped: the neighbour, or the whole frame, has them whole. Of boxes that
    overlap by more than `overlap` the one of highest score stays, whatever their classes.
    """

    def __init__(self, detector: ObjectDetector, columns: int, rows: int, overlap: float) -> None:
        self.detector, self.columns, self.rows, self.overlap = detector, columns, rows, overlap

    @property
    def sha256(self) -> str:
        """Fingerprint of the detector's weights."""
        return self.detector.sha256

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Detections in each of `images`, `uint8 (H, W, C)`."""
        views = [self._views(image) for image in images]
        crops = [image[t:b, left:r] for image, some in zip(images, views) for left, t, r, b in some]
        found = iter(self.detector(crops))
        return [self._merged(image, [(view, next(found)) for view in some]) for image, some in zip(images, views)]

    def _views(self, image: Image) -> list[Tile]:
        height, width = image.shape[:2]
        return [(0, 0, width, height), *tiles(height, width, self.columns, self.rows)]

    def _merged(self, image: Image, parts: Sequence[tuple[Tile, Detections]]) -> Detections:
        placed = [(tile, found.boxes + np.array([*tile[:2], *tile[:2]], np.float32), found) for tile, found in parts]
        whole = [_uncut(boxes, tile, image.shape[1], image.shape[0]) for tile, boxes, _ in placed]
        boxes = np.concatenate([boxes[kept] for (_, boxes, _), kept in zip(placed, whole)])
        scores = np.concatenate([found.scores[kept] for (*_, found), kept in zip(placed, whole)])
        classes = np.concatenate([found.classes[kept] for (*_, found), kept in zip(placed, whole)])
        best = suppressed(boxes, scores, overlap=self.overlap)
        return Detections(boxes[best], scores[best], classes[best])


def _uncut(boxes: Boxes, tile: Tile, width: int, height: int) -> NDArray[np.bool_]:
    """Whether boxes keep clear of those edges of a tile that are not the frame's."""
    left, top, right, bottom = tile
    low = np.array([left + _CUT if left else -np.inf, top + _CUT if top else -np.inf])
    high = np.array([right - _CUT if right < width else np.inf, bottom - _CUT if bottom < height else np.inf])
    return np.asarray(((boxes[:, :2] > low) & (boxes[:, 2:] < high)).all(axis=1), dtype=np.bool_)
