"""A detector that looks at tiles too finds each object once, at its place in the frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oddlens.objects.boxes import Boxes, as_boxes
from oddlens.objects.detections import Detections
from oddlens.objects.tiling import TiledDetector
from oddlens.types import Image


class Blobs:
    """Finds the bright rectangle of a picture, unless it takes less than a hundredth of it."""

    sha256 = "blobs"

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        self.seen += [image.shape for image in images]
        return [self.one(image) for image in images]

    @staticmethod
    def one(image: Image) -> Detections:
        rows, columns = np.nonzero(image[..., 0] > 128)
        large = len(rows) * 100 >= image.shape[0] * image.shape[1]
        boxes = as_boxes([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]] if large else [])
        return Detections(boxes, np.full(len(boxes), 0.5, np.float32), np.zeros(len(boxes), np.int64))


def frame(left: int, top: int, right: int, bottom: int) -> Image:
    picture = np.zeros((120, 240, 1), np.uint8)
    picture[top:bottom, left:right] = 255
    return picture


def look(picture: Image, columns: int, rows: int) -> Boxes:
    (found,) = TiledDetector(Blobs(), columns, rows, 0.45)([picture])
    assert len(found.boxes) == len(found.scores) == len(found.classes)
    return found.boxes


def test_small_objects_are_found_at_their_place() -> None:
    small = frame(200, 90, 210, 100)
    assert len(Blobs.one(small).boxes) == 0
    assert look(small, 3, 2).tolist() == [[200, 90, 210, 100]]


def test_an_object_in_two_tiles_is_found_once() -> None:
    shared = frame(110, 50, 130, 70)  # in the overlap of all four tiles
    assert look(shared, 2, 2).tolist() == [[110, 50, 130, 70]]


def test_an_object_cut_by_tiles_is_found_whole() -> None:
    assert look(frame(20, 20, 220, 100), 2, 2).tolist() == [[20, 20, 220, 100]]


def test_the_edges_of_the_frame_cut_nothing() -> None:
    assert look(frame(0, 0, 12, 12), 2, 2).tolist() == [[0, 0, 12, 12]]
    assert look(frame(228, 108, 240, 120), 2, 2).tolist() == [[228, 108, 240, 120]]


def test_all_views_go_to_the_detector_at_once() -> None:
    inner = Blobs()
    detector = TiledDetector(inner, 2, 1, 0.45)
    assert len(detector([frame(0, 0, 9, 9)] * 3)) == 3
    assert len(inner.seen) == 9 and detector.sha256 == "blobs"
    assert detector([]) == []
