"""Street furniture and trees of the generated scene."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.walkway.camera import PATH_HALF_WIDTH, path_heading, path_point
from oddlens.datasets.walkway.people import Place, grain
from oddlens.datasets.walkway.shapes import Colour, Limb, Solid
from oddlens.datasets.walkway.vehicles import box

_WOOD: Colour = (122, 94, 66)
_IRON: Colour = (62, 64, 66)


@dataclass(frozen=True)
class Prop:
    """A solid that stands still, and its ground position `(x, z)`."""

    solid: Solid
    place: tuple[float, float]
    grain: NDArray[np.float32]
    leafy: bool


def make_props(rng: np.random.Generator) -> list[Prop]:
    """Lamp, bench, bin, two trees and shrubs along the lawn."""
    near, far = PATH_HALF_WIDTH + 0.5, -PATH_HALF_WIDTH - 0.8
    lamp_place, bench_place, bin_place = (
        path_point(6.4, near),
        path_point(6.0, far),
        path_point(8.4, far + 0.2),
    )
    props = [
        (_lamp(Place(*lamp_place, path_heading(1))), lamp_place),
        (_bench(Place(*bench_place, path_heading(1))), bench_place),
        (_bin(Place(*bin_place, path_heading(1))), bin_place),
    ]
    furniture = len(props)
    trees = (((-6.9, 19.5), 6.5, 2.3), ((2.2, 25.5), 5.6, 1.9))
    props += [(_tree(rng, place, height, spread), place) for place, height, spread in trees]
    props += [(_shrub(rng, place), place) for place in ((-3.4, 27.2), (-1.9, 27.8), (8.9, 27.0))]
    return [Prop(solid, place, grain(rng), k >= furniture) for k, (solid, place) in enumerate(props)]


def _lamp(place: Place) -> Solid:
    world = place.world
    return Solid(
        [
            Limb(world(0, 0, 0), world(0, 0, 0.5), 0.10, 0.085, _IRON),
            Limb(world(0, 0, 0.4), world(0, 0, 3.6), 0.055, 0.045, _IRON),
            Limb(world(0, 0, 3.6), world(0, -0.5, 3.8), 0.04, 0.035, _IRON),
            Limb(world(0, -0.45, 3.76), world(0, -0.8, 3.78), 0.09, 0.07, (176, 176, 170), nearer=0.2),
        ]
    )


def _bench(place: Place) -> Solid:
    solid = Solid()
    for ahead in (-0.75, 0.75):
        solid.faces += box(place, (ahead - 0.04, -0.22, 0.0), (ahead + 0.04, 0.24, 0.42), _IRON)
    for right in (-0.2, -0.04, 0.12):
        solid.faces += box(place, (-0.95, right, 0.42), (0.95, right + 0.13, 0.46), _WOOD)
    for up in (0.56, 0.72):
        solid.faces += box(place, (-0.95, -0.30, up), (0.95, -0.26, up + 0.12), _WOOD)
    return solid


def _bin(place: Place) -> Solid:
    world = place.world
    return Solid(
        [
            Limb(world(0, 0, 0.22), world(0, 0, 0.72), 0.2, 0.22, (70, 84, 76)),
            Limb(world(0, 0, 0.84), world(0, 0, 0.84), 0.21, 0.21, (44, 48, 46), nearer=0.1),
        ]
    )


def _tree(rng: np.random.Generator, place: tuple[float, float], height: float, spread: float) -> Solid:
    x, z = place
    bark: Colour = (88, 74, 60)
    solid = Solid([Limb((x, 0, z), (x + 0.15, height * 0.55, z), 0.20, 0.12, bark)])
    for angle in rng.uniform(0, 2 * math.pi, 5):
        tip = (x + math.cos(angle) * spread * 0.6, height * 0.75, z + math.sin(angle) * spread * 0.6)
        solid.limbs.append(Limb((x + 0.1, height * 0.42, z), tip, 0.09, 0.04, bark))
    solid.limbs += _foliage(rng, (x, height * 0.72, z), spread, height * 0.33, 1500)
    return solid


def _shrub(rng: np.random.Generator, place: tuple[float, float]) -> Solid:
    return Solid(_foliage(rng, (place[0], 0.6, place[1]), 0.8, 0.7, 320))


def _foliage(
    rng: np.random.Generator, middle: tuple[float, float, float], spread: float, rise: float, count: int
) -> list[Limb]:
    """Clumps of leaves in an uneven ball, lighter towards the sun."""
    directions = rng.standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radius = rng.uniform(0.25, 1.0, count) ** 0.5 * (1 + 0.15 * np.sin(5 * directions[:, 0] + 3 * directions[:, 1]))
    limbs = []
    for (dx, dy, dz), r in zip(directions, radius):
        light = 0.78 + 0.28 * (0.75 * dy - 0.4 * dx) * r + rng.normal(0, 0.12)
        shift = rng.normal(0, 5, 3)
        colour = tuple(float(np.clip(c * light + s, 12, 220)) for c, s in zip((84, 108, 56), shift))
        at = np.array(middle) + np.array((dx * spread, dy * rise, dz * spread)) * r
        tip = at + rng.normal(0, 0.10, 3)
        size = float(rng.uniform(0.05, 0.13))
        start, end = (float(at[0]), float(at[1]), float(at[2])), (float(tip[0]), float(tip[1]), float(tip[2]))
        limbs.append(Limb(start, end, size, size * 0.6, (colour[0], colour[1], colour[2])))
    return limbs
