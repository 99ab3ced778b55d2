"""The heads of the YOLO family: how rows of numbers become boxes, scores and classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["yolox-raw", "yolox", "yolov5", "yolov8", "end-to-end"]
_STRIDES = (8, 16, 32)
_ANCHORS = 3
_LARGEST_LOG_SIDE = 20.0
Decoded = tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.int64]]


@dataclass(frozen=True)
class Head:
    """One kind of output.

    `yolox-raw` and `yolox` see BGR in 0...255, all others RGB in 0...1.
    """

    kind: Kind

    @property
    def suppressed(self) -> bool:
        """Whether the network has done its own non-maximum suppression."""
        return self.kind == "end-to-end"

    def network_values(self, planes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """`uint8 (B, 3, H, W)` RGB as the network wants it."""
        if self.kind in ("yolox-raw", "yolox"):
            return np.ascontiguousarray(planes[:, ::-1], dtype=np.float32)
        return np.ascontiguousarray(planes, dtype=np.float32) / np.float32(255)

    def decode(self, output: NDArray[np.float32], size: tuple[int, int], threshold: float) -> Decoded:
        """Boxes `(n, 4)` in pixels of the network's picture, scores and classes of rows above `threshold`.

        Args:
            output: of one picture, `(N, 5 + C)`, `(4 + C, N)` or `(N, 6)`.
            size: height and width of the network's picture.
            threshold: scores must be greater.
        """
        if self.kind == "end-to-end":
            kept = output[:, 4] > threshold
            rows = output[kept].astype(np.float64)
            return rows[:, :4], output[kept, 4], rows[:, 5].round().astype(np.int64)
        table = output.T if self.kind == "yolov8" else output
        first = 4 if self.kind == "yolov8" else 5
        classes = table[:, first:].argmax(axis=1).astype(np.int64)
        scores = table[np.arange(len(table)), first + classes]
        if first == 5:
            scores = scores * table[:, 4]
        kept = scores > threshold
        places = table[kept, :4].astype(np.float64)
        if self.kind == "yolox-raw":
            places = _on_grid(places, kept, size)
        half = places[:, 2:] / 2
        return np.concatenate([places[:, :2] - half, places[:, :2] + half], axis=1), scores[kept], classes[kept]


def recognise_head(output: NDArray[Any], size: tuple[int, int]) -> Head | None:
    """The head that makes `output` `(A, B)` of an empty picture of `size`, or `None`.

    Rows are counted: three a cell of the strides 8, 16 and 32 is YOLOv5 and v7, one a cell YOLOX, columns instead
    of rows YOLOv8 and later. YOLOX without decoding gives offsets of about a cell, decoded places all over the
    picture. Six numbers in any other count of rows are boxes after suppression.
    """
    cells = grid_cells(size)
    rows, columns = output.shape
    if columns == cells and rows > 4:
        return Head("yolov8")
    if columns > 5 and rows == _ANCHORS * cells:
        return Head("yolov5")
    if columns > 5 and rows == cells:
        return Head("yolox" if float(np.ptp(output[:, 0])) > size[1] / 2 else "yolox-raw")
    return Head("end-to-end") if columns == 6 else None


def grid_cells(size: tuple[int, int]) -> int:
    """Cells of all strides in a picture (height, width).

    Example:
        >>> grid_cells((416, 416))
        3549
    """
    return sum((size[0] // stride) * (size[1] // stride) for stride in _STRIDES)


def _on_grid(places: NDArray[np.float64], kept: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.float64]:
    """Centres and sides in pixels of raw YOLOX: centre = (offset + cell) * stride, side = exp(value) * stride."""
    corners, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.mgrid[: size[0] // stride, : size[1] // stride]
        corners.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    cell, stride_of = np.concatenate(corners)[kept], np.concatenate(strides)[kept]
    sides = np.exp(np.minimum(places[:, 2:], _LARGEST_LOG_SIDE)) * stride_of
    return np.concatenate([(places[:, :2] + cell) * stride_of, sides], axis=1)
