"""Flow as a picture: direction is the hue, speed the strength of the colour."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from oddlens.motion.frames import Flow
from oddlens.types import Image

_CORNERS = ((255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255), (255, 0, 0))
_PLACES = (0, 15, 21, 25, 36, 49, 55)
"""Where red, yellow, green, cyan, blue, magenta and red again stand on the wheel: hues the eye tells apart well have
more room (Baker et al., A Database and Evaluation Methodology for Optical Flow, 2011)."""
_HUES = 1024
_TOO_FAST = 0.75
"""Brightness of what moves faster than the limit."""


@cache
def colour_wheel() -> NDArray[np.float32]:
    """Colours of 1024 directions as `float32 (1024, 3)` RGB, 0...1: right is red, down yellow, left cyan, up violet."""
    places = np.linspace(0, _PLACES[-1], _HUES, endpoint=False)
    levels = np.stack([np.interp(places, _PLACES, channel) for channel in zip(*_CORNERS)], axis=1)
    wheel = (levels / 255).astype(np.float32)
    wheel.setflags(write=False)
    return wheel


def flow_colours(flow: Flow, limit: float | None = None) -> Image:
    """Picture of a flow field as `uint8 (H, W, 3)` RGB: white stands still.

    Colours grow stronger up to the speed `limit` and are darker beyond it. What is not finite is black.

    Args:
        flow: `(H, W, 2)`.
        limit: speed of the strongest colour, in the flow's unit; default: this field's own highest, which makes
            colours incomparable between frames.

    Example:
        >>> flow_colours(np.array([[[0, 0], [2, 0], [4, 0]]], np.float32), 2).tolist()
        [[[255, 255, 255], [255, 0, 0], [191, 0, 0]]]
    """
    field = np.asarray(flow, dtype=np.float32)
    known = np.isfinite(field).all(axis=2, keepdims=True)
    field = np.where(known, field, np.float32(0))
    speed = np.hypot(field[..., 0], field[..., 1])
    share = speed / max(float(limit or speed.max()), np.finfo(np.float32).tiny)
    turn = np.arctan2(field[..., 1], field[..., 0]) / (2 * np.pi)
    hue = colour_wheel()[np.rint(turn * _HUES).astype(np.intp) % _HUES]
    strength = np.minimum(share, 1)[..., None]
    colours = (1 - strength * (1 - hue)) * np.where(share > 1, _TOO_FAST, 1)[..., None]
    return np.asarray(np.rint(255 * colours * known), dtype=np.uint8)
