"""What can happen on the walkway that should not, and the actors who do it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

import numpy as np

from oddlens.datasets.walkway.actors import Carrier, Route, Scripted, StandingBag
from oddlens.datasets.walkway.camera import Camera, path_point
from oddlens.datasets.walkway.people import RUN, WALK, grain, random_look
from oddlens.datasets.walkway.vehicles import random_bag, random_bicycle, random_cart
from oddlens.errors import SettingsError

Kind: TypeAlias = Literal["cart", "cyclist", "runner", "lawn", "bag"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SPEEDS: dict[str, tuple[float, float]] = {
    "cart": (1.7, 2.8), "cyclist": (3.0, 4.8), "runner": (4.0, 5.4), "lawn": (1.1, 1.7),
}  # fmt: skip
# Ways over the grass, all from one side of the picture to another, clear of trees and bench.
_LAWN_ROUTES = (
    ((6.6, 11.8), (3.2, 9.4), (0.2, 6.9), (-1.2, 4.6)),
    ((-9.4, 16.6), (-4.0, 15.2), (1.0, 12.6), (3.4, 8.8), (3.6, 5.2)),
)


@dataclass(frozen=True)
class Anomaly:
    """One stretch of a clip in which something odd is to be seen.

    `start` and `end` (exclusive) are the frames aimed at; a subject that crosses the picture faster or slower
    than that may be gone earlier, or stay a little longer. Several subjects of one kind fill a long stretch.
    """

    kind: Kind
    start: int
    end: int


def cast(
    anomaly: Anomaly, number: int, camera: Camera, fps: float, frames: int, rng: np.random.Generator
) -> list[Scripted]:
    """The actors of one anomaly.

    Raises:
        SettingsError: an unknown kind or an empty stretch.
    """
    if anomaly.kind not in KINDS:
        raise SettingsError(f"anomaly {anomaly.kind!r}", "is not known", f"use one of {', '.join(KINDS)}")
    if anomaly.end <= anomaly.start:
        raise SettingsError(f"anomaly {anomaly.kind!r}", f"ends at {anomaly.end}, before it starts", "give end > start")
    start, end = anomaly.start / fps, anomaly.end / fps
    if anomaly.kind == "bag":
        return _bag(number, camera, start, end, anomaly.end >= frames, rng)
    low, high = _SPEEDS[anomaly.kind]
    first = _way(anomaly.kind, camera, rng)
    subjects = max(1, round((end - start) * (low + high) / 2 / _length(first)))
    actors: list[Scripted] = []
    for k in range(subjects):
        way = first if k == 0 else _way(anomaly.kind, camera, rng)
        available = (end - start) / subjects
        speed = float(np.clip(_length(way) / available * rng.uniform(0.95, 1.05), low, high))
        begin = start + k * available
        if k == 0 and anomaly.start == 0:  # already under way when the clip begins
            begin -= max(0.0, _length(way) / speed - available) + 0.15 * _length(way) / speed
        actors.append(_subject(anomaly.kind, number, way, begin, speed, rng))
    return actors


def _subject(
    kind: Kind,
    number: int,
    way: list[tuple[float, float]],
    begin: float,
    speed: float,
    rng: np.random.Generator,
) -> Route:
    if kind == "cart":
        return Route(random_cart(rng), WALK, way, begin, speed, number, grain(rng))
    if kind == "cyclist":
        bicycle = random_bicycle(rng)
        return Route(bicycle, WALK, way, begin, speed, number, bicycle.rider.grain)
    look = random_look(rng)
    return Route(look, RUN if kind == "runner" else WALK, way, begin, speed, number, look.grain)


def _way(kind: Kind, camera: Camera, rng: np.random.Generator) -> list[tuple[float, float]]:
    if kind == "lawn":
        base = _LAWN_ROUTES[int(rng.integers(len(_LAWN_ROUTES)))]
        shift = rng.normal(0, 0.35, 2)
        points = [(x + float(shift[0]), z + float(shift[1])) for x, z in base]
    else:
        low, high = camera.visible_path()
        side = float(rng.uniform(-0.6, 0.6) if kind == "cart" else rng.uniform(-1.5, 1.5))
        places = np.linspace(low - 0.8, high + 0.8, 6)
        weave = side + rng.normal(0, 0.15, 6)
        points = [path_point(float(s), float(w)) for s, w in zip(places, weave)]
    return points if rng.random() < 0.5 else points[::-1]


def _bag(
    number: int, camera: Camera, start: float, end: float, stays: bool, rng: np.random.Generator
) -> list[Scripted]:
    low, high = camera.visible_path()
    along, across = float(rng.uniform(low + 2.0, max(low + 2.5, 0.45 * high))), float(rng.uniform(-1.6, 1.7))
    kind, (x, z) = random_bag(rng), path_point(along, across)
    texture = grain(rng)
    actors: list[Scripted] = [StandingBag(kind, x, z, start, 1e9 if stays else end, number, texture)]
    moments = [(start, False)] if start > 0 else []
    for moment, picks_up in [*moments, *([] if stays else [(end, True)])]:
        look, direction = random_look(rng), 1 if rng.random() < 0.5 else -1
        speed = float(rng.uniform(1.15, 1.6))
        actors.append(Carrier(look, kind, along, across, direction, speed, moment, picks_up, look.grain))
    return actors


def _length(points: list[tuple[float, float]]) -> float:
    return sum(math.hypot(x1 - x0, z1 - z0) for (x0, z0), (x1, z1) in pairwise(points))
