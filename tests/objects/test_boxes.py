"""Boxes as arrays: the de-duplication of LBR-SPR by its oracle, and laws that hold for all boxes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torchvision.ops import batched_nms, box_iou

from oddlens.objects.boxes import areas, as_boxes, clipped, covered_by, intersections, overlaps, suppressed
from oddlens.objects.boxes import without_covered as remaining

BOX = st.tuples(st.integers(-20, 60), st.integers(-20, 60), st.integers(0, 50), st.integers(0, 50)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
MANY = st.lists(BOX, max_size=12).map(lambda boxes: np.array(boxes, np.float32).reshape(-1, 4))

A, B, C, D = [0, 0, 100, 100], [10, 10, 50, 50], [90, 90, 130, 130], [200, 200, 220, 220]
E, F, G, H = [200, 200, 220, 221], [60, 60, 160, 160], [300, 300, 309, 309], [306, 300, 320, 309]


def test_covered_boxes_go_as_in_the_official_code() -> None:
    boxes = np.float32([A, B, C, D, E, F, G, H])
    assert boxes[remaining(boxes, 0.6)].astype(int).tolist() == [G, H, E, A, F]


def test_of_equal_boxes_one_remains() -> None:
    assert len(remaining([A, A])) == 1


@pytest.mark.parametrize(("left", "kept"), [(3, 1), (4, 2)])
def test_exactly_the_ratio_is_not_more(left: int, kept: int) -> None:
    assert len(remaining([[0, 0, 9, 9], [left, 0, 40, 40]], 0.6)) == kept


def test_no_boxes() -> None:
    empty = as_boxes([])
    assert empty.shape == (0, 4) and empty.dtype == np.float32
    assert empty[remaining(empty)].shape == (0, 4)
    assert len(suppressed(empty, [])) == 0
    assert clipped(empty, 4, 4)[0].shape == (0, 4)
    assert covered_by([A], empty).tolist() == [False]
    assert overlaps(empty, [A]).shape == (0, 1)


def slowly_remaining(boxes: NDArray[np.float32], ratio: float) -> list[int]:
    order = sorted(range(len(boxes)), key=lambda k: areas(boxes)[k])
    kept = []
    for place, k in enumerate(order):
        shares = [intersections(boxes[k], boxes[j])[0, 0] / areas(boxes)[k] for j in order[place + 1 :]]
        if not any(share > ratio for share in shares):
            kept.append(k)
    return kept


@settings(max_examples=60, deadline=None)
@given(MANY, st.sampled_from([0.0, 0.3, 0.6, 1.0]))
def test_removing_covered_boxes(boxes: NDArray[np.float32], ratio: float) -> None:
    kept = remaining(boxes, ratio)
    assert kept.tolist() == slowly_remaining(boxes, ratio)
    assert len(kept) == 0 or areas(boxes).argmax() in kept or areas(boxes).max() in areas(boxes[kept])
    assert (np.diff(areas(boxes[kept])) >= 0).all()
    again = boxes[kept][remaining(boxes[kept], ratio)]
    np.testing.assert_array_equal(again, boxes[kept])


@settings(max_examples=60, deadline=None)
@given(MANY, st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_suppression_is_torchvisions(boxes: NDArray[np.float32], seed: int, overlap: float) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.permutation(len(boxes)).astype(np.float32) / 100
    classes = rng.integers(0, 3, len(boxes))
    expected = batched_nms(torch.from_numpy(boxes), torch.from_numpy(scores), torch.from_numpy(classes), overlap)
    assert suppressed(boxes, scores, classes, overlap).tolist() == expected.tolist()


@settings(max_examples=60, deadline=None)
@given(MANY, MANY)
def test_overlap_is_torchvisions(first: NDArray[np.float32], second: NDArray[np.float32]) -> None:
    expected = np.nan_to_num(box_iou(torch.from_numpy(first), torch.from_numpy(second)).numpy())
    np.testing.assert_allclose(overlaps(first, second), expected, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(MANY)
def test_clipped_boxes_lie_inside_and_hold_a_pixel(boxes: NDArray[np.float32]) -> None:
    cut, kept = clipped(boxes, 30, 40)
    assert (cut >= 0).all() and (cut[:, ::2] <= 40).all() and (cut[:, 1::2] <= 30).all()
    truth = []
    for left, top, right, bottom in np.ceil(boxes).astype(int).tolist():
        picture = np.zeros((30, 40))
        truth.append(picture[max(0, top) : max(0, bottom), max(0, left) : max(0, right)].size > 0)
    assert kept.tolist() == truth


def test_boxes_that_are_no_numbers_hold_no_pixel() -> None:
    boxes = [[np.nan, 0, 5, 5], [0, 0, np.inf, 5], [-np.inf, 0, 5, 5], [5, 5, 1, 1], [0.2, 0, 0.9, 5], [0, 0, 1, 1]]
    cut, kept = clipped(boxes, 10, 10)
    assert kept.tolist() == [False, False, False, False, False, True]
    assert np.isfinite(cut).all()


def test_only_the_thousand_best_are_looked_at() -> None:
    places = 10 * np.arange(1500, dtype=np.float32)
    boxes = np.stack([places, places, places + 5, places + 5], axis=1)
    kept = suppressed(boxes, np.linspace(0, 1, 1500))
    assert len(kept) == 1000 and kept.min() == 500
