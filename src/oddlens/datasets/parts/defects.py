"""What can be wrong with a plate: scratches, dents, stains, missing pieces; each with its mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.parts.plate import LIGHT, Plane, Plate, draw_plate

Mask = NDArray[np.bool_]
_STAINS = ((0.42, 0.27, 0.13), (0.2, 0.24, 0.36), (0.33, 0.36, 0.2))
_POINTS = 24


@dataclass(frozen=True)
class Flaw:
    """What a defect does to a plate, and the pixels it shows on."""

    mask: Mask
    distance: Plane
    relief: Plane
    stain: Plane
    tint: NDArray[np.float32]


def photograph(plate: Plate, kind: str, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Mask]:
    """A photograph `uint8 (S, S, 3)` of a plate, `good` or with a defect of `kind`, and its mask `(S, S)`."""
    flaw = _none(plate, rng) if kind == "good" else KINDS[kind](plate, rng)
    return draw_plate(plate, flaw.distance, flaw.relief, flaw.stain, flaw.tint), flaw.mask


def _scratch(plate: Plate, rng: np.random.Generator) -> Flaw:
    """A bent groove, dark with a bright lip."""
    side = len(plate.x)
    centre, angle = _place(plate, rng, 0.02), rng.uniform(0, np.pi)
    length, bend = rng.uniform(0.1, 0.3), rng.uniform(-0.25, 0.25)
    along = np.linspace(-0.5, 0.5, _POINTS)
    bow = bend * length * (0.25 - along**2)
    line = np.stack(
        [np.cos(angle) * along * length - np.sin(angle) * bow, np.sin(angle) * along * length + np.cos(angle) * bow], 1
    )
    points = np.rint((centre + line * side) * 16).astype(np.int32)
    width = max(round(rng.uniform(0.004, 0.009) * side), 1)
    groove = _line(points, width, side)
    lip = np.roll(groove, (width, width), (0, 1))
    inside = plate.distance < 0
    relief = np.where(inside, rng.uniform(0.16, 0.26) * (0.7 * lip - groove), 0).astype(np.float32)
    return _changed(plate, rng, mask=(groove > 0.3) & inside, relief=relief)


def _dent(plate: Plate, rng: np.random.Generator) -> Flaw:
    """A round hollow: its slopes catch the light on the far side and lose it on the near one."""
    side = len(plate.x)
    radius = rng.uniform(0.018, 0.04)
    column, row = _place(plate, rng, radius)
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    across, down = (columns - column) / side / radius, (rows - row) / side / radius
    height = np.exp(-(across**2 + down**2) / 2)
    relief = -rng.uniform(0.28, 0.45) * height * (across * LIGHT[0] + down * LIGHT[1])
    inside = plate.distance < 0
    mask = (np.hypot(across, down) < 1.8) & inside
    return _changed(plate, rng, mask=mask, relief=np.where(inside, relief, 0).astype(np.float32))


def _stain(plate: Plate, rng: np.random.Generator) -> Flaw:
    """A blot with a ragged edge."""
    side = len(plate.x)
    shape = _blob(rng, side, _place(plate, rng, 0.0), rng.uniform(0.03, 0.07), ragged=0.45)
    cover = np.clip(0.5 - shape * side / 3, 0, 1) * (plate.distance < 0)
    return _changed(plate, rng, mask=cover > 0.3, stain=np.asarray(rng.uniform(0.35, 0.6) * cover, np.float32))


def _missing(plate: Plate, rng: np.random.Generator) -> Flaw:
    """A piece broken out of the edge."""
    side = len(plate.x)
    edge = np.argwhere(np.abs(plate.distance) < 0.6 / side)
    row, column = edge[rng.integers(len(edge))]
    bite = _blob(rng, side, np.array([column, row]), rng.uniform(0.025, 0.055), ragged=0.2)
    distance = np.maximum(plate.distance, -bite)
    mask = (plate.distance < 0) & (distance >= 0)
    return _changed(plate, rng, mask=mask, distance=distance)


KINDS: dict[str, Callable[[Plate, np.random.Generator], Flaw]] = {
    "scratch": _scratch,
    "dent": _dent,
    "stain": _stain,
    "missing": _missing,
}
"""Defects by name."""


def _none(plate: Plate, rng: np.random.Generator) -> Flaw:
    return _changed(plate, rng, mask=np.zeros(plate.x.shape, np.bool_))


def _changed(
    plate: Plate,
    rng: np.random.Generator,
    *,
    mask: Mask,
    distance: Plane | None = None,
    relief: Plane | None = None,
    stain: Plane | None = None,
) -> Flaw:
    nothing = np.zeros(plate.x.shape, np.float32)
    tint = np.array(_STAINS[rng.integers(len(_STAINS))], np.float32)
    return Flaw(
        mask,
        plate.distance if distance is None else distance,
        nothing if relief is None else relief,
        nothing if stain is None else stain,
        tint,
    )


def _place(plate: Plate, rng: np.random.Generator, margin: float) -> NDArray[np.float64]:
    """Column and row of a pixel of the metal at least `margin` away from its edges."""
    rows, columns = np.nonzero(plate.distance < -margin)
    chosen = rng.integers(len(rows))
    return np.array([columns[chosen], rows[chosen]], np.float64)


def _line(points: NDArray[np.int32], width: int, side: int) -> Plane:
    """A smooth line through `points`, given in sixteenths of a pixel, 0..1."""
    canvas = np.zeros((side, side), np.uint8)
    cv2.polylines(canvas, [points[:, None]], False, 255, width, cv2.LINE_AA, 4)
    return np.asarray(canvas / np.float32(255), np.float32)


def _blob(rng: np.random.Generator, side: int, centre: NDArray[np.generic], radius: float, ragged: float) -> Plane:
    """Signed distance, roughly, to a round shape whose edge wanders by the share `ragged` of its radius."""
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    across, down = (columns - centre[0]) / side, (rows - centre[1]) / side
    angle = np.arctan2(down, across)
    waves, phases = np.arange(2, 8), rng.uniform(0, 2 * np.pi, 6)
    wander = sum(np.sin(k * angle + phase) / k for k, phase in zip(waves, phases))
    return np.asarray(np.hypot(across, down) - radius * (1 + ragged * wander), np.float32)
