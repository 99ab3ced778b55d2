"""Boxes round what differs from a still background that was learned from the footage itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.objects.background_compare import NOISE_STEPS, foreground, light_gain, softened
from oddlens.objects.background_regions import region_boxes, usual_sizes
from oddlens.objects.background_settings import BackgroundSettings
from oddlens.objects.boxes import Boxes, as_boxes
from oddlens.types import Image

_MOST_BYTES = 512 * 2**20
"""Of frames kept while the background is learned."""
_STRIP = 2**24
"""Bytes of all frames sorted at once."""
_HALF_OF_NORMAL = 0.6745
_WIDE_SHARE = 0.9
_WIDE_FACTOR = 3.0
_SIZE_ROUNDS = 6


@dataclass(frozen=True)
class Background:
    """What a fixed camera sees when nothing is there, and how large the objects before it are."""

    level: Image
    """`uint8 (H, W, C)`: usual value of each pixel, slightly softened."""
    noise: NDArray[np.uint8]
    """`uint8 (H, W)`: standard deviation about it, in eighths of a grey level."""
    jitter: NDArray[np.uint8]
    """`uint8 (H, W)`: grey levels that shaking of the camera explains at an edge."""
    sizes: NDArray[np.float32]
    """`float32 (H, 2)`: width and height of an object whose centre is in that row; 0 where unknown."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, to be kept in a file."""
        return {"level": self.level, "noise": self.noise, "jitter": self.jitter, "sizes": self.sizes}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Background:
        """The background that `to_arrays` gave.

        Raises:
            DataError: an array is missing or of another shape or type.
        """
        shapes = {name: np.shape(arrays.get(name, ())) for name in ("level", "noise", "jitter", "sizes")}
        height, width = (*shapes["level"], 0, 0)[:2]
        expected = {"noise": (height, width), "jitter": (height, width), "sizes": (height, 2)}
        if len(shapes["level"]) != 3 or any(shapes[name] != shape for name, shape in expected.items()):
            raise DataError("background", f"its arrays have shapes {shapes}", "learn it anew from footage")
        if any(arrays[name].dtype != np.uint8 for name in ("level", "noise", "jitter")):
            raise DataError("background", "its arrays are not of whole grey levels", "learn it anew from footage")
        return cls(arrays["level"], arrays["noise"], arrays["jitter"], np.asarray(arrays["sizes"], np.float32))


def learn_background(images: Iterable[Image]) -> Background:
    """Learn the background of a fixed camera from frames spread evenly over its footage.

    Each pixel's level is the median of the closest-lying half of its values, so whoever passes before it leaves no
    trace while that is less than half of the time. Frames are brought to one light first. The size of objects comes
    from the foreground of the same frames: 50 to 150 of them suffice. With one frame nothing differs.

    Args:
        images: `uint8 (H, W, C)`, all of one shape. Above 512 MB of them, every second is dropped.

    Raises:
        DataError: there is no image, or they differ in shape.
    """
    frames = _kept(images)
    typical = np.median(np.stack([frame[::4, ::4] for frame in frames]), axis=0)
    stack = np.stack([_relit(softened(frame), light_gain(frame[::4, ::4], typical)) for frame in frames])
    level, half, wide = _spread(stack)
    noise = cv2.GaussianBlur(half / _HALF_OF_NORMAL, (5, 5), 0)
    edges = cv2.morphologyEx(level, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).reshape(level.shape).max(axis=2)
    jitter = np.minimum(_WIDE_FACTOR * wide, edges).astype(np.uint8)
    levels = np.clip(np.rint(noise * NOISE_STEPS), 0, 255).astype(np.uint8)
    return _with_sizes(Background(level, levels, jitter, np.zeros((len(level), 2), np.float32)), frames)


def background_boxes(image: Image, background: Background, settings: BackgroundSettings | None = None) -> Boxes:
    """Boxes `float32 (n, 4)` round what differs from the background: left, top, right, bottom, inside the frame.

    A frame depends on itself alone. A region of more than half of the frame is not cut: one box. Safe in threads.

    Args:
        image: `uint8 (H, W, C)` of the background's size; of grey and colour, both are compared in grey.
        background: of the same camera.
        settings: thresholds.

    Raises:
        DataError: the image has another size than the background.
    """
    chosen = settings or BackgroundSettings()
    height, width = image.shape[:2]
    if image.shape[:2] != background.level.shape[:2]:
        usual = f"{background.level.shape[1]}x{background.level.shape[0]}"
        raise DataError("frame", f"is {width}x{height}, its background {usual}", "learn one from this camera's footage")
    mask = foreground(image, background.level, background.noise, background.jitter, chosen)
    boxes = region_boxes(mask, background.sizes, chosen.smallest_area, chosen.smallest_share, chosen.split)
    grown = boxes + np.array([-1, -1, 1, 1]) * chosen.margin
    return as_boxes(np.clip(grown, 0, [width, height, width, height]))


def _kept(images: Iterable[Image]) -> list[Image]:
    """An even choice of the images that fits into memory."""
    kept: list[Image] = []
    every = 1
    for number, image in enumerate(images):
        if kept and image.shape != kept[0].shape:
            fault = f"frames have shapes {kept[0].shape} and {image.shape}"
            raise DataError("background", fault, "learn one background for each camera")
        if number % every == 0:
            kept.append(image)
        if len(kept) > 2 and len(kept) * image.nbytes > _MOST_BYTES:
            kept, every = kept[::2], every * 2
    if not kept:
        raise DataError("background", "there are no frames to learn it from", "give footage of the camera")
    return kept


def _relit(image: Image, gain: float) -> Image:
    return np.asarray(cv2.convertScaleAbs(image, alpha=1 / gain), np.uint8).reshape(image.shape)


def _spread(stack: Image) -> tuple[Image, NDArray[np.float32], NDArray[np.float32]]:
    """Usual level `(H, W, C)`, half the span of half of the values, half the span of nine tenths `(H, W)`."""
    rows = max(1, _STRIP // (stack[:, :1].nbytes or 1))
    strips = []
    for top in range(0, stack.shape[1], rows):
        values = np.sort(stack[:, top : top + rows], axis=0)
        first, half = _shortest(values, len(values) // 2 + 1)
        middle = first + len(values) // 4
        level = np.take_along_axis(values, middle[None], axis=0)[0]
        strips.append((level, half, _shortest(values, int(np.ceil(len(values) * _WIDE_SHARE)))[1]))
    level, half, wide = (np.concatenate(parts) for parts in zip(*strips))
    return level, half.max(axis=2), wide.max(axis=2)


def _shortest(values: Image, count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Start and half length of the shortest interval that holds `count` of the sorted `values`."""
    spans = values[count - 1 :] - values[: len(values) - count + 1]
    return spans.argmin(axis=0), spans.min(axis=0).astype(np.float32) / 2


def _with_sizes(background: Background, frames: list[Image]) -> Background:
    """The background with the sizes of objects, found in rounds: boxes by the sizes so far, sizes by the boxes."""
    height, width = background.level.shape[:2]
    settings = BackgroundSettings(margin=0)
    masks = [foreground(frame, background.level, background.noise, background.jitter, settings) for frame in frames]
    for number in range(1 + _SIZE_ROUNDS):
        least = settings.smallest_area, settings.smallest_share, number > 0
        boxes = np.concatenate([region_boxes(mask, background.sizes, *least) for mask in masks])
        whole = (boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2:] < [width, height]).all(axis=1)
        # fragments outnumber objects at first, so large ones count more
        sizes = usual_sizes(boxes[whole], height, 1.0 if number == 0 else 0.25)
        background = replace(background, sizes=sizes)
        if not sizes.any():
            break
    return background
