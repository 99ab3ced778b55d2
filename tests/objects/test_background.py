"""Boxes before a learned background: synthetic scenes, laws, bad input, and recall on real footage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oddlens.datasets.open import open_dataset
from oddlens.errors import DataError, SettingsError
from oddlens.media.open import open_source
from oddlens.media.spread import spread_images
from oddlens.objects.background import Background, background_boxes, learn_background
from oddlens.objects.background_settings import BackgroundSettings
from oddlens.objects.boxes import Boxes, overlaps
from oddlens.types import Image

HEIGHT, WIDTH = 120, 180
PERSON = (12, 30)


def empty(seed: int = 0, channels: int = 1) -> Image:
    """A still scene: a slope of grey with some texture, and new noise for every seed."""
    slope = np.linspace(90, 160, WIDTH)[None, :, None] + np.linspace(0, 20, HEIGHT)[:, None, None]
    texture = np.random.default_rng(99).normal(0, 6, (HEIGHT, WIDTH, channels))
    noise = np.random.default_rng(seed).normal(0, 1.5, (HEIGHT, WIDTH, channels))
    return np.clip(slope + texture + noise, 0, 255).astype(np.uint8)


def person(image: Image, left: int, top: int, grey: int = 30) -> Image:
    """`image` with a figure of PERSON's size: a head on a body."""
    wide, tall = PERSON
    made = image.copy()
    axes = (wide / 2 - 0.5, tall / 2 - 0.5)
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    body = ((x - left - axes[0]) / axes[0]) ** 2 + ((y - top - axes[1]) / axes[1]) ** 2 <= 1
    made[body] = grey
    return made


def footage(frames: int = 60, channels: int = 1) -> list[Image]:
    """Walkers one at a time, at one height in the picture, each in another place."""
    return [
        person(person(empty(n, channels), 5 + 11 * n % 150, 30), 5 + 37 * n % 150, 70 + n % 9) for n in range(frames)
    ]


@pytest.fixture(scope="module")
def background() -> Background:
    return learn_background(footage())


def found(boxes: Boxes, *truths: tuple[int, int, int, int]) -> list[bool]:
    """Whether each truth has a box of its own size and place."""
    return [bool(overlaps([truth], boxes).max(initial=0) > 0.6) for truth in truths]


def figure(left: int, top: int) -> tuple[int, int, int, int]:
    return left, top, left + PERSON[0], top + PERSON[1]


def test_background_has_nobody_in_it(background: Background) -> None:
    off = background.level.astype(int) - cv2.GaussianBlur(empty(), (3, 3), 0)[..., None]
    assert np.abs(off).max() < 8
    assert background.noise.max() < 8 * 12


def test_sizes_are_those_of_the_walkers(background: Background) -> None:
    assert background.sizes[45] == pytest.approx(PERSON, abs=3)
    assert background.sizes[85] == pytest.approx(PERSON, abs=3)


def test_who_stands_still_is_found(background: Background) -> None:
    image = person(empty(500), 40, 30)
    again = background_boxes(image, background)
    assert len(again) == 1
    assert found(again, figure(40, 30)) == [True]
    assert background_boxes(image, background).tolist() == again.tolist()


def test_an_empty_scene_has_no_boxes(background: Background) -> None:
    boxes = background_boxes(empty(501), background)
    assert boxes.shape == (0, 4)
    assert boxes.dtype == np.float32


@pytest.mark.parametrize("side_step", [12, 15])
def test_two_who_touch_are_two(background: Background, side_step: int) -> None:
    image = person(person(empty(502), 60, 40), 60 + side_step, 42)
    boxes = background_boxes(image, background)
    assert len(boxes) == 2
    assert found(boxes, figure(60, 40), figure(60 + side_step, 42)) == [True, True]


def test_one_above_the_other_are_two(background: Background) -> None:
    boxes = background_boxes(person(person(empty(503), 60, 20), 62, 48), background)
    assert found(boxes, figure(60, 20), figure(62, 48)) == [True, True]


def test_without_split_a_group_is_one_box(background: Background) -> None:
    image = person(person(empty(504), 60, 40), 70, 42)
    assert len(background_boxes(image, background, BackgroundSettings(split=False))) == 1


def test_fragments_of_one_are_joined(background: Background) -> None:
    image = person(empty(505), 60, 40)
    image[53:58] = empty(505)[53:58]  # a bar hides the waist
    boxes = background_boxes(image, background)
    assert len(boxes) == 1
    assert found(boxes, figure(60, 40)) == [True]


def test_a_shadow_is_no_object(background: Background) -> None:
    scene = empty(506).astype(np.float32)
    scene[72:80, 40:90] *= 0.85
    image = person(scene.astype(np.uint8), 60, 45)
    assert found(background_boxes(image, background), figure(60, 45)) == [True]
    wide = background_boxes(image, background, BackgroundSettings(shadow=0, split=False))
    assert wide[:, 2].max() - wide[:, 0].min() > 40


@pytest.mark.parametrize("gain", [0.7, 1.3])
def test_a_change_of_light_is_followed(background: Background, gain: float) -> None:
    image = np.clip(person(empty(507), 60, 40) * gain, 0, 255).astype(np.uint8)
    boxes = background_boxes(image, background)
    assert len(boxes) == 1
    assert found(boxes, figure(60, 40)) == [True]
    rigid = background_boxes(image, background, BackgroundSettings(follow_light=False, split=False))
    assert rigid.size and (rigid[:, 2] - rigid[:, 0]).max() > WIDTH / 2


def test_footage_in_changing_light_gives_one_background() -> None:
    frames = [np.clip(frame * (0.75 + 0.5 * (n % 2)), 0, 255).astype(np.uint8) for n, frame in enumerate(footage(40))]
    learned = learn_background(frames)
    assert background_boxes(np.clip(empty(508) * 0.75, 0, 255).astype(np.uint8), learned).shape == (0, 4)


def test_a_frame_that_differs_everywhere_is_one_box(background: Background) -> None:
    striped = empty(510)
    striped[:, ::2] = 255 - striped[:, ::2] // 4
    striped[:, 1::2] = 250
    assert background_boxes(striped, background, BackgroundSettings(follow_light=False)).tolist() == [
        [0.0, 0.0, float(WIDTH), float(HEIGHT)]
    ]


def test_footage_in_which_nothing_moves_knows_no_size() -> None:
    still = learn_background([empty(n) for n in range(20)])
    assert not still.sizes.any()
    assert found(background_boxes(person(empty(511), 60, 40), still), figure(60, 40)) == [True]


def test_footage_in_which_everything_moves_gives_boxes_inside() -> None:
    frames = [np.random.default_rng(n).integers(0, 256, (40, 60, 1)).astype(np.uint8) for n in range(20)]
    check_boxes(background_boxes(frames[0], learn_background(frames)), 40, 60)


@pytest.mark.parametrize("frames", [1, 2])
def test_of_one_or_two_frames_nothing_differs(frames: int) -> None:
    images = footage(60)[:frames]
    assert background_boxes(images[0], learn_background(images)).shape == (0, 4)


@pytest.mark.parametrize(("learned", "seen"), [(3, 3), (3, 1), (1, 3)])
def test_grey_and_colour_may_be_mixed(learned: int, seen: int) -> None:
    def coloured(image: Image, channels: int) -> Image:
        return np.repeat(image, channels, axis=2)

    background = learn_background([coloured(frame, learned) for frame in footage()])
    boxes = background_boxes(coloured(person(empty(512), 60, 40), seen), background)
    assert found(boxes, figure(60, 40)) == [True]


def test_colour_tells_what_grey_does_not() -> None:
    background = learn_background([np.full((60, 80, 3), 100, np.uint8) for _ in range(5)])
    image = np.full((60, 80, 3), 100, np.uint8)
    image[20:50, 30:45] = 160, 80, 67  # as bright as the rest
    boxes = background_boxes(image, background)
    assert overlaps([[30, 20, 45, 50]], boxes).max() > 0.65
    assert background_boxes(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], background).shape == (0, 4)


def test_arrays_give_the_same_background(background: Background) -> None:
    again = Background.from_arrays(background.to_arrays())
    image = person(empty(513), 60, 40)
    assert background_boxes(image, again).tolist() == background_boxes(image, background).tolist()


@pytest.mark.parametrize("name", ["level", "noise", "jitter", "sizes"])
def test_arrays_that_do_not_belong_together_are_refused(background: Background, name: str) -> None:
    arrays = background.to_arrays()
    with pytest.raises(DataError, match="learn it anew"):
        Background.from_arrays({**arrays, name: arrays[name][:-1]})
    del arrays[name]
    with pytest.raises(DataError, match="learn it anew"):
        Background.from_arrays(arrays)


def test_arrays_of_another_kind_are_refused(background: Background) -> None:
    arrays: dict[str, NDArray[np.generic]] = {**background.to_arrays(), "noise": background.noise / 8}
    with pytest.raises(DataError, match="whole grey levels"):
        Background.from_arrays(arrays)


def test_threads_agree(background: Background) -> None:
    images = footage(24)
    alone = [background_boxes(image, background).tolist() for image in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda image: background_boxes(image, background).tolist(), images)) == alone


def test_a_frame_of_another_size_is_refused(background: Background) -> None:
    with pytest.raises(DataError, match=r"frame: is 90x60, its background 180x120; learn one"):
        background_boxes(np.zeros((60, 90, 1), np.uint8), background)


def test_no_frames_are_refused() -> None:
    with pytest.raises(DataError, match="no frames to learn it from"):
        learn_background([])


def test_frames_of_two_sizes_are_refused() -> None:
    with pytest.raises(DataError, match="one background for each camera"):
        learn_background([empty(), empty()[:50]])


@pytest.mark.parametrize(
    "wrong", [{"threshold": -1.0}, {"shadow": 1.0}, {"smallest_share": -0.1}, {"margin": -1}, {"threshold": np.nan}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        BackgroundSettings(**wrong)  # type: ignore[arg-type]


def check_boxes(boxes: Boxes, height: int, width: int) -> None:
    assert boxes.shape[1] == 4
    assert np.isfinite(boxes).all()
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= [width, height]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 90),
    channels=st.sampled_from([1, 3]),
    frames=st.integers(1, 6),
    blocks=st.integers(0, 12),
    margin=st.integers(0, 5),
    seed=st.integers(0, 2**31),
    sizes=st.tuples(st.floats(0, 60), st.floats(0, 60)),
)
def test_boxes_lie_in_the_frame_and_hold_something(
    height: int, width: int, channels: int, frames: int, blocks: int, margin: int, seed: int, sizes: tuple[float, float]
) -> None:
    rng = np.random.default_rng(seed)
    images = [rng.integers(90, 110, (height, width, channels)).astype(np.uint8) for _ in range(frames)]
    learned = learn_background(images)
    learned = Background(learned.level, learned.noise, learned.jitter, np.full((height, 2), sizes, np.float32))
    image = images[0].copy()
    for _ in range(blocks):
        top, left = rng.integers(0, height), rng.integers(0, width)
        image[top : top + rng.integers(1, 40), left : left + rng.integers(1, 40)] = rng.integers(0, 256)
    given_settings = BackgroundSettings(margin=margin, smallest_area=0)
    boxes = background_boxes(image, learned, given_settings)
    check_boxes(boxes, height, width)
    assert background_boxes(image, learned, given_settings).tolist() == boxes.tolist()


def test_recall_of_the_abnormal_on_ped2(real_data: Path) -> None:
    """Every tenth frame: four in five of the abnormal regions have a box, about one box a person, no empty frame."""
    data = open_dataset(real_data / "ped2")
    background = learn_background(spread_images([open_source(video.path) for video in data.test]))
    best: list[float] = []
    counts: list[int] = []
    for video in data.test:
        assert video.masks is not None
        for frame in open_source(video.path).frames():
            if frame.index % 10 == 0:
                boxes = background_boxes(frame.image, background)
                counts.append(len(boxes))
                mask = video.masks.read(frame.index).astype(np.uint8)
                regions = cv2.connectedComponentsWithStats(mask)[2][1:]
                regions = regions[regions[:, 4] >= 50]
                truth = np.concatenate([regions[:, :2], regions[:, :2] + regions[:, 2:4]], axis=1)
                best += overlaps(truth, boxes).max(axis=1, initial=0).tolist()
    assert np.mean(np.array(best) >= 0.3) >= 0.85
    assert np.mean(np.array(best) >= 0.5) >= 0.55
    assert 10 <= np.mean(counts) <= 17
    assert min(counts) > 0
