"""Heads of the YOLO family: recognised by their shape, decoded as their papers say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from oddlens.objects.yolo_heads import Head, Kind, grid_cells, recognise_head

SIZE = (64, 96)
CELLS = 8 * 12 + 4 * 6 + 2 * 3


def decoded(rows: int, columns: int) -> NDArray[np.float32]:
    """Rows whose centres lie all over the picture."""
    table = np.zeros((rows, columns), np.float32)
    table[:, 0] = np.linspace(0, SIZE[1], rows)
    return table


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (np.zeros((CELLS, 85), np.float32), "yolox-raw"),
        (np.zeros((CELLS, 6), np.float32), "yolox-raw"),
        (decoded(CELLS, 85), "yolox"),
        (decoded(3 * CELLS, 85), "yolov5"),
        (decoded(3 * CELLS, 6), "yolov5"),
        (decoded(CELLS, 84).T, "yolov8"),
        (decoded(CELLS, 5).T, "yolov8"),
        (decoded(300, 6), "end-to-end"),
        (decoded(0, 6), "end-to-end"),
        (decoded(1, 1000), None),
        (decoded(CELLS + 1, 85), None),
        (decoded(CELLS, 4), None),
    ],
)
def test_heads_are_told_apart(output: NDArray[np.float32], kind: Kind | None) -> None:
    head = recognise_head(output, SIZE)
    assert (head.kind if head else None) == kind


def test_cells() -> None:
    assert grid_cells(SIZE) == CELLS
    assert grid_cells((416, 416)) == 3549
    assert grid_cells((640, 640)) == 8400


@pytest.mark.parametrize(
    ("cell", "corner", "stride"),
    [(0, (0, 0), 8), (13, (1, 1), 8), (95, (11, 7), 8), (96, (0, 0), 16), (CELLS - 1, (2, 1), 32)],
)
def test_raw_yolox_is_laid_on_its_grid(cell: int, corner: tuple[int, int], stride: int) -> None:
    output = np.zeros((CELLS, 7), np.float32)
    output[cell] = 0.25, 0.5, np.log(2), np.log(3), 0.8, 0.1, 0.5
    boxes, scores, classes = Head("yolox-raw").decode(output, SIZE, 0.2)
    x, y = (corner[0] + 0.25) * stride, (corner[1] + 0.5) * stride
    np.testing.assert_allclose(boxes, [[x - stride, y - 1.5 * stride, x + stride, y + 1.5 * stride]], atol=1e-4)
    np.testing.assert_allclose(scores, [0.4], rtol=1e-6)
    assert classes.tolist() == [1]


@pytest.mark.parametrize("kind", ["yolox", "yolov5"])
def test_objectness_times_class(kind: Kind) -> None:
    output = np.float32([[50, 30, 20, 10, 0.9, 0.5, 0.2], [1, 1, 1, 1, 0.9, 0.2, 0.1]])
    boxes, scores, classes = Head(kind).decode(output, SIZE, 0.2)
    assert boxes.tolist() == [[40, 25, 60, 35]]
    assert scores == pytest.approx([0.45]) and classes.tolist() == [0]


def test_yolov8_has_columns_and_no_objectness() -> None:
    output = np.float32([[50, 30, 20, 10, 0.3, 0.7], [1, 1, 1, 1, 0.2, 0.1]]).T
    boxes, scores, classes = Head("yolov8").decode(output, SIZE, 0.2)
    assert boxes.tolist() == [[40, 25, 60, 35]]
    assert scores == pytest.approx([0.7]) and classes.tolist() == [1]


def test_boxes_after_suppression_are_taken_as_they_are() -> None:
    head = Head("end-to-end")
    boxes, scores, classes = head.decode(np.float32([[1, 2, 3, 4, 0.9, 7], [0, 0, 0, 0, 0, 0]]), SIZE, 0.2)
    assert head.suppressed
    assert boxes.tolist() == [[1, 2, 3, 4]] and scores == pytest.approx([0.9]) and classes.tolist() == [7]


def test_what_the_network_sees() -> None:
    planes = np.zeros((1, 3, 2, 2), np.uint8)
    planes[:, 0] = 255  # red
    for kind in ("yolox-raw", "yolox"):
        assert Head(kind).network_values(planes)[0, :, 0, 0].tolist() == [0, 0, 255]
    for kind in ("yolov5", "yolov8", "end-to-end"):
        assert Head(kind).network_values(planes)[0, :, 0, 0].tolist() == [1, 0, 0]


def test_wild_values_stay_finite() -> None:
    output = np.full((CELLS, 6), 1e4, np.float32)
    boxes, _, _ = Head("yolox-raw").decode(output, SIZE, 0.2)
    assert np.isfinite(boxes).all()
