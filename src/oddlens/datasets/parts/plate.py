"""A machined plate, drawn from distances to its outline: brushed metal with holes and a slot, on a dark bench.

Lengths are shares of the picture's side; signed distances are negative inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Plane: TypeAlias = NDArray[np.float32]
"""`float32 (S, S)`."""

_HALF = (0.36, 0.25)
_CORNER = 0.06
_HOLES = ((-0.27, -0.16), (0.27, -0.16), (-0.27, 0.16), (0.27, 0.16))
_HOLE = 0.034
_SLOT = (0.11, 0.042)
_BEVEL = 0.016
LIGHT = (-0.6, -0.8)
"""Direction towards the lamp, x and y."""
_METAL, _BENCH = (0.94, 0.97, 1.0), (0.62, 0.66, 0.74)


@dataclass(frozen=True)
class Plate:
    """One plate as it lies before the camera, before anything is wrong with it."""

    x: Plane
    """Place along the plate of every pixel, its own axes."""
    y: Plane
    distance: Plane
    """Signed distance to the outline."""
    brushed: Plane
    """Lines of the brush, mean 0, deviation 1."""
    bench: Plane
    """Texture of what it lies on, mean 0, deviation 1."""
    gain: float
    """Strength of the light."""
    tilt: tuple[float, float]
    """How the light falls off over the picture, x and y."""
    noise: Plane
    """Of the camera, mean 0, deviation 1."""

    @classmethod
    def draw(cls, rng: np.random.Generator, side: int) -> Plate:
        """A plate a little shifted and turned, with a surface of its own, in light that is never quite the same."""
        across = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
        dx, dy = rng.uniform(-0.02, 0.02, 2)
        angle = rng.uniform(-0.07, 0.07)
        right, down = np.meshgrid(across - dx, across - dy)
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        x, y = cos * right + sin * down, cos * down - sin * right
        return cls(
            x,
            y,
            _outline(x, y),
            _turned(_texture(rng, side, (0.12, 0.002)), angle),
            _texture(rng, side, (0.006, 0.006)),
            float(rng.uniform(0.94, 1.06)),
            (float(rng.uniform(-0.08, 0.08)), float(rng.uniform(-0.08, 0.08))),
            rng.standard_normal((side, side), np.float32),
        )


def draw_plate(
    plate: Plate, distance: Plane, relief: Plane, stain: Plane, tint: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """The photograph `uint8 (S, S, 3)` of a plate.

    Args:
        plate: what lies there.
        distance: signed distance to its outline, as it has become.
        relief: light that dents and scratches add to the metal, around 0.
        stain: how much a stain covers, 0..1.
        tint: colour of the stain, `(3,)` in 0..1.
    """
    side = len(distance)
    cover = np.clip(0.5 - distance * side, 0, 1)
    rows, columns = np.gradient(distance * side)
    slope = np.clip(1 + distance / _BEVEL, 0, 1) * (distance < 0.5 / side)
    edge = 0.3 * slope * (columns * LIGHT[0] + rows * LIGHT[1])
    metal = (0.6 + 0.035 * plate.brushed + edge + relief)[..., None] * np.array(_METAL, np.float32)
    metal += stain[..., None] * (tint - metal)
    shade = 1 - 0.45 * _shadow(cover, side)
    bench = ((0.17 + 0.02 * plate.bench) * shade)[..., None] * np.array(_BENCH, np.float32)
    picture = bench + cover[..., None] * (metal - bench)
    across = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    light = plate.gain * (1 + plate.tilt[0] * across[None, :] + plate.tilt[1] * across[:, None])
    levels = picture * light[..., None] + (0.008 * plate.noise)[..., None]
    return np.asarray(np.rint(np.clip(levels, 0, 1) * 255), np.uint8)


def _outline(x: Plane, y: Plane) -> Plane:
    """Signed distance to a rounded plate with four holes and a slot."""
    past_x, past_y = np.abs(x) - (_HALF[0] - _CORNER), np.abs(y) - (_HALF[1] - _CORNER)
    outside = np.hypot(np.maximum(past_x, 0), np.maximum(past_y, 0))
    distance = outside + np.minimum(np.maximum(past_x, past_y), 0) - _CORNER
    for hole_x, hole_y in _HOLES:
        distance = np.maximum(distance, _HOLE - np.hypot(x - hole_x, y - hole_y))
    along = np.maximum(np.abs(x) - _SLOT[0], 0)
    return np.asarray(np.maximum(distance, _SLOT[1] - np.hypot(along, y)), np.float32)


def _texture(rng: np.random.Generator, side: int, lengths: tuple[float, float]) -> Plane:
    """Smooth noise of the given lengths along x and y, mean 0 and deviation 1."""
    noise = rng.standard_normal((side, side), np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), max(lengths[0] * side, 0.3), sigmaY=max(lengths[1] * side, 0.3))
    smooth -= smooth.mean()
    return np.asarray(smooth / smooth.std(), np.float32)


def _turned(plane: Plane, angle: float) -> Plane:
    side = len(plane)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), -float(np.degrees(angle)), 1.0)
    return np.asarray(cv2.warpAffine(plane, turn, (side, side), borderMode=cv2.BORDER_REFLECT), np.float32)


def _shadow(cover: Plane, side: int) -> Plane:
    """Soft shadow on the bench, away from the lamp."""
    offset = 0.018 * side
    shift = np.array([[1, 0, -LIGHT[0] * offset], [0, 1, -LIGHT[1] * offset]], np.float32)
    moved = cv2.warpAffine(cover, shift, (side, side))
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), 0.012 * side), np.float32)
