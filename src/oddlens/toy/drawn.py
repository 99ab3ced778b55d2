"""Digits drawn by formula, for those who have no MNIST at hand."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.toy.data import Digits, ToyData
from oddlens.toy.models import SIDE

_Points = NDArray[np.float64]
_FINE = 4
"""Pixels drawn for one pixel along each axis."""
_SUBPIXEL = 4
_CURVE_POINTS = 24
_TRAIN, _TEST = 6_000, 2_000


def _arc(x: float, y: float, across: float, down: float, start: float = 0.0, end: float = 360.0) -> _Points:
    """Part of an ellipse, angles in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, end, _CURVE_POINTS))
    return np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], axis=1)


def _line(*corners: tuple[float, float]) -> _Points:
    """A line through corners, with points between them, so that it can be bent."""
    places = np.linspace(0, len(corners) - 1, _CURVE_POINTS)
    return np.stack([np.interp(places, range(len(corners)), axis) for axis in zip(*corners)], axis=1)


_STROKES: tuple[tuple[_Points, ...], ...] = (
    (_arc(0.5, 0.5, 0.27, 0.42),),
    (_line((0.36, 0.24), (0.52, 0.08), (0.52, 0.92)),),
    (np.concatenate([_arc(0.48, 0.32, 0.26, 0.24, -170, 40), _line((0.22, 0.92), (0.8, 0.92))]),),
    (np.concatenate([_arc(0.46, 0.29, 0.24, 0.2, -150, 80), _arc(0.46, 0.7, 0.29, 0.22, -80, 150)]),),
    (_line((0.62, 0.92), (0.62, 0.08), (0.2, 0.62), (0.84, 0.62)),),
    (_line((0.76, 0.09), (0.36, 0.09), (0.31, 0.46)), _arc(0.47, 0.67, 0.28, 0.25, -130, 140)),
    (np.concatenate([_line((0.68, 0.08), (0.42, 0.3), (0.27, 0.62)), _arc(0.5, 0.7, 0.23, 0.21, 180, 540)]),),
    (_line((0.2, 0.1), (0.8, 0.1), (0.42, 0.92)),),
    (_arc(0.5, 0.29, 0.21, 0.2), _arc(0.5, 0.7, 0.27, 0.22)),
    (_arc(0.5, 0.31, 0.23, 0.22), _line((0.73, 0.31), (0.71, 0.6), (0.58, 0.92))),
)
"""Strokes of the digits 0 to 9 in a square of side 1, y downwards."""


def draw_data(seed: int = 0, train: int = _TRAIN, test: int = _TEST) -> ToyData:
    """A training and a test split of drawn digits, ten kinds in equal numbers; alike for alike seeds."""
    return ToyData(f"drawn digits, seed {seed}", draw_digits(train, (seed, 0)), draw_digits(test, (seed, 1)))


def draw_digits(count: int, seed: int | Sequence[int]) -> Digits:
    """So many digits, each bent, slanted, turned, stretched, moved and thickened at random.

    Example:
        >>> digits = draw_digits(20, seed=3)
        >>> digits.pictures.shape, sorted(digits.labels.tolist())[:4]
        ((20, 28, 28), [0, 0, 1, 1])
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(_STROKES)).astype(np.uint8)
    pictures = np.zeros((count, SIDE, SIDE), np.uint8)
    for picture, label in zip(pictures, labels):
        picture[:] = _draw(_STROKES[label], rng)
    return Digits(pictures, labels)


def _draw(strokes: tuple[_Points, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    canvas = np.zeros((SIDE * _FINE, SIDE * _FINE), np.uint8)
    turn, slant = np.radians(rng.normal(0, 6)), rng.normal(0.15, 0.2)
    turning = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = turning @ np.array([[1, -slant], [0, 1]]) @ np.diag(rng.uniform(0.75, 1.1, 2))
    moved = rng.normal(0, 0.02, 2) + 0.5
    phases, strength = rng.uniform(0, 2 * np.pi, 2), rng.uniform(0, 0.05)
    thickness = round(rng.uniform(1.8, 3.4) * _FINE)
    for stroke in strokes:
        bent = stroke + strength * np.sin(2 * np.pi * stroke[:, ::-1] + phases)
        places = ((bent - 0.5) @ matrix.T * 20 / SIDE + moved) * SIDE * _FINE  # ink fills 20 pixels, as in MNIST
        points = np.rint(places * 2**_SUBPIXEL).astype(np.int32)
        cv2.polylines(canvas, [points], False, 255, thickness, cv2.LINE_AA, _SUBPIXEL)
    small = cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)
