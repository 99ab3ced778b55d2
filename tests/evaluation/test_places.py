"""Maps and boxes of scorers against masks, frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.errors import DataError
from oddlens.evaluation.places import PlaceCollector, Places, VideoTruth, scaled
from oddlens.metrics.map_boxes import map_boxes, map_levels
from oddlens.metrics.pixel import pixel_auc, pixel_level_criterion
from oddlens.metrics.regions import RegionDetection
from oddlens.metrics.truth_tracks import truth_tracks
from oddlens.scoring.windows import FrameScore

SIZE = (24, 36)
LEVELS = map_levels(0.0, 2.0)


class Masks:
    """Masks in memory that remember what was read."""

    def __init__(self, masks):
        self.masks, self.asked = masks, []

    def __len__(self):
        return len(self.masks)

    def read(self, index):
        self.asked.append(index)
        return self.masks[index]


@pytest.fixture
def masks():
    """A square that walks through ten frames, and is not there in the first two."""
    result = [np.zeros(SIZE, bool) for _ in range(10)]
    for index in range(2, 10):
        result[index][4:12, 2 * index : 2 * index + 8] = True
    return result


@pytest.fixture
def maps(masks):
    """Noise with a bump on the square, at half the size."""
    random = np.random.default_rng(5)
    return [random.random((12, 18)).astype(np.float32) + mask[::2, ::2] for mask in masks]


def collect(scores, masks, kept=range(10), levels=LEVELS, size=SIZE):
    places = Places()
    collector = PlaceCollector(places, VideoTruth(Masks(masks), 1), kept, levels)
    for score in scores:
        collector.take(score, size)
    collector.close()
    return places


def test_boxes_of_a_map_at_the_size_of_the_masks(maps, masks):
    places = collect([FrameScore(k, 0.0, map=map) for k, map in enumerate(maps)], masks)
    expected = RegionDetection()
    boxes = [map_boxes(map, LEVELS, SIZE) for map in maps]
    frames = np.repeat(np.arange(10), [len(found) for found in boxes])
    expected.update(np.concatenate(boxes), frames, truth_tracks(masks), 10)
    assert places.regions.rbdc() == expected.rbdc() > 0
    assert places.regions.tbdc() == expected.tbdc()
    assert places.paper_regions.rbdc() == expected.rbdc()


def test_frames_that_the_paper_drops_count_under_clean_alone(maps, masks):
    places = collect([FrameScore(k, 0.0, map=map) for k, map in enumerate(maps)], masks, kept=range(1, 7))
    clean, paper = places.clean(), places.paper()
    assert clean["pixel"].auc() == pixel_auc(maps, masks)
    assert paper["pixel"].auc() == pixel_auc(maps[1:7], masks[1:7])
    assert paper["pixel_level"].auc() == pixel_level_criterion(maps[1:7], masks[1:7])
    assert "pixel_level" not in clean
    assert (clean["regions"].frames, paper["regions"].frames) == (10, 6)
    again = collect([FrameScore(k, 0.0, map=map) for k, map in enumerate(maps[1:7])], masks[1:7])
    assert paper["regions"].rbdc() == again.regions.rbdc()


def test_boxes_of_the_method_come_before_those_of_its_map(maps, masks):
    found = [np.array([[2 * k, 4, 2 * k + 7, 11, 0.5 + k]], np.float32) if k > 1 else None for k in range(10)]
    scores = [FrameScore(k, 0.0, map=map, boxes=box) for k, (map, box) in enumerate(zip(maps, found))]
    scores[:2] = [FrameScore(k, 0.0, map=maps[k], boxes=np.empty((0, 5), np.float32)) for k in range(2)]
    places = collect(scores, masks)
    assert (places.regions.rbdc(), places.regions.tbdc()) == (1.0, 1.0)
    assert places.kept.frames == 10


def test_boxes_need_neither_map_nor_levels(masks):
    boxes = [np.array([[0, 0, 3, 3, 1.0]], np.float32)] * 10
    places = collect([FrameScore(k, 0.0, boxes=box) for k, box in enumerate(boxes)], masks, levels=None)
    assert places.regions.rbdc() == 0.0
    assert places.kept is None
    assert places.clean() == {"pixel": None, "regions": places.regions}


def test_a_map_without_levels_has_pixels_and_no_boxes(maps, masks):
    places = collect([FrameScore(k, 0.0, map=map) for k, map in enumerate(maps)], masks, levels=None)
    assert places.kept is not None
    assert places.regions is places.paper_regions is None


def test_boxes_follow_the_masks_size(masks):
    double = [np.kron(mask, np.ones((2, 2), bool)) for mask in masks]
    boxes = [np.array([[2 * k, 4, 2 * k + 7, 11, 0.5]], np.float32) for k in range(10)]
    scores = [FrameScore(k, 0.0, boxes=box) for k, box in enumerate(boxes)]
    assert collect(scores, double).regions.rbdc() == collect(scores, masks).regions.rbdc()
    assert scaled(boxes[3], SIZE, (48, 72)).tolist() == [[12, 8, 27, 23, 0.5]]


def test_the_last_column_of_a_methods_box_is_the_one_before_its_right_edge():
    mask = np.zeros(SIZE, bool)
    mask[4:12, 10] = True
    for right, found in ((10, 0.0), (11, 1.0)):  # beside the marked column, and over it
        box = np.array([[9, 4, right, 12, 0.5]], np.float32)
        assert collect([FrameScore(0, 0.0, boxes=box)], [mask]).regions.rbdc() == pytest.approx(found)


def test_frames_past_the_last_mask_do_not_count(maps, masks):
    places = collect([FrameScore(k, 0.0, map=map) for k, map in enumerate(maps)], masks[:6])
    assert places.regions.frames == places.kept.frames == 6


def test_each_mask_is_read_once_in_order_and_let_go(masks):
    reader = Masks(masks)
    truth = VideoTruth(reader, 2)
    for index in range(4):
        truth.take(index)  # one scorer is ahead
    for index in range(10):
        np.testing.assert_array_equal(truth.take(index), masks[index])
        if index > 3:
            truth.take(index)
    assert reader.asked == list(range(10))
    assert not truth._waiting
    assert truth.take(10) is None
    np.testing.assert_array_equal(truth.boxes().boxes, truth_tracks(masks).boxes)


def test_a_damaged_map_is_named(masks):
    broken = FrameScore(0, 0.0, map=np.full((3, 3), np.nan, np.float32))
    with pytest.raises(DataError, match="frame 0: the map is not finite"):
        collect([broken], masks)
