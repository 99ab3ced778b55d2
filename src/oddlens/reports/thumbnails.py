"""Small pictures of the moment an event peaks."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike

from oddlens.reports.colour import as_rgb, overlay
from oddlens.reports.style import WHITE, Rgb
from oddlens.types import Image

WIDEST = 320
"""Pixels a thumbnail is wide at most."""

Box = tuple[int, int, int, int]
_JPEG_QUALITY = 82
_CLOSE_SHARE, _CLOSE_TIMES = 0.4, 3.0
_SHADOW = (20, 20, 24)


def event_thumbnail(
    frame: Image,
    heat_map: ArrayLike | None = None,
    low: float | None = None,
    high: float | None = None,
    box: Sequence[float] | None = None,
    colour: Rgb = WHITE,
) -> Image:
    """Frame with heat and the event's box, at most 320 pixels wide.

    Args:
        frame: `uint8 (H, W, C)` as decoded.
        heat_map: `(h, w)`, or `None`.
        low: value of the coldest colour, as in `oddlens.reports.colour.levels`.
        high: value of the hottest colour.
        box: `x1, y1, x2, y2` in pixels of `frame`, or `None`.
        colour: of the box.

    Returns:
        `uint8 (h, w, 3)` RGB.
    """
    picture = shrink(as_rgb(frame))
    if heat_map is not None:
        picture = overlay(picture, heat_map, low, high)
    if box is None:
        return picture
    scale = picture.shape[1] / frame.shape[1]
    left, top, right, bottom = (round(float(side) * scale) for side in box)
    picture = picture.copy()
    cv2.rectangle(picture, (left, top), (right, bottom), _SHADOW, 4)
    cv2.rectangle(picture, (left, top), (right, bottom), colour, 2)
    return picture


def close_up(frame: Image, box: Box) -> tuple[Image, Box]:
    """The part of a frame round a box, in the frame's proportions, and the box in it.

    It is three times as long as the box in either direction and two fifths of the frame at least.

    Args:
        frame: `uint8 (H, W, C)`.
        box: left, top, right, bottom in pixels of `frame`, right and bottom excluded.
    """
    sides = frame.shape[1], frame.shape[0]
    share = max(_CLOSE_SHARE, *(_CLOSE_TIMES * (box[k + 2] - box[k]) / sides[k] for k in (0, 1)))
    if share >= 1:
        return frame, box
    width, height = (round(share * side) for side in sides)
    left = min(max((box[0] + box[2] - width) // 2, 0), sides[0] - width)
    top = min(max((box[1] + box[3] - height) // 2, 0), sides[1] - height)
    part = frame[top : top + height, left : left + width]
    return part, (box[0] - left, box[1] - top, box[2] - left, box[3] - top)


def shrink(picture: Image, widest: int = WIDEST) -> Image:
    """Picture reduced to at most `widest` pixels of width; smaller ones pass through."""
    height, width = picture.shape[:2]
    if width <= widest:
        return picture
    size = widest, max(round(height * widest / width), 1)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def data_uri(picture: Image) -> str:
    """Picture as a `data:image/jpeg` address, at most 320 pixels wide."""
    return jpeg_uri(as_jpeg(picture))


def jpeg_uri(code: bytes) -> str:
    """The bytes of a JPEG file as an address."""
    return "data:image/jpeg;base64," + base64.b64encode(code).decode("ascii")


def as_jpeg(picture: Image, widest: int = WIDEST) -> bytes:
    """Picture as a JPEG file, at most `widest` pixels wide."""
    bgr = np.ascontiguousarray(as_rgb(shrink(picture, widest))[..., ::-1])
    _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return code.tobytes()
