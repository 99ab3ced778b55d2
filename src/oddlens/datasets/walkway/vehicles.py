"""Things that do not belong on the walkway: a cart, a bicycle, a bag."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oddlens.datasets.walkway.people import (
    Look,
    Place,
    arm,
    cloth_colour,
    lower_leg,
    random_look,
    tint,
    upper_body,
)
from oddlens.datasets.walkway.shapes import SUN, Colour, Face, Limb, Solid

_STEEL: Colour = (92, 92, 94)
_RUBBER: Colour = (34, 33, 33)
_CIRCLE = np.linspace(0, 2 * np.pi, 18, endpoint=False)


@dataclass(frozen=True)
class Cart:
    """A small utility vehicle with a driver, a roof and a load."""

    body: Colour
    roof: Colour
    load: Colour
    driver: Look
    length: float


@dataclass(frozen=True)
class Bicycle:
    """A bicycle and who rides it."""

    frame: Colour
    rider: Look


@dataclass(frozen=True)
class Bag:
    """A bag; lengths in metres."""

    colour: Colour
    length: float
    height: float


def random_cart(rng: np.random.Generator) -> Cart:
    """Draw a cart."""
    roof = tint(rng, ((150, 148, 142), (96, 100, 104), (120, 112, 98)))
    return Cart(cloth_colour(rng), roof, cloth_colour(rng), random_look(rng), float(rng.uniform(2.1, 2.6)))


def random_bicycle(rng: np.random.Generator) -> Bicycle:
    """Draw a cyclist."""
    return Bicycle(cloth_colour(rng), random_look(rng))


def random_bag(rng: np.random.Generator) -> Bag:
    """Draw a bag."""
    return Bag(cloth_colour(rng), float(rng.uniform(0.75, 0.95)), float(rng.uniform(0.52, 0.68)))


def box(place: Place, low: tuple[float, float, float], high: tuple[float, float, float], colour: Colour) -> list[Face]:
    """The faces of a block that look at the camera, each as bright as the sun strikes it.

    Args:
        low, high: opposite corners in local (forward, right, up) metres.
    """
    faces: list[Face] = []
    light = np.array(SUN) / np.linalg.norm(SUN)
    for axis in range(3):
        a, b = (k for k in range(3) if k != axis)
        for end, sign in ((low, -1.0), (high, 1.0)):
            corners = np.empty((4, 3))
            corners[:, axis] = end[axis]
            corners[:, a] = (low[a], high[a], high[a], low[a])
            corners[:, b] = (low[b], low[b], high[b], high[b])
            points = np.array([place.world(*corner) for corner in corners])
            normal = np.array(place.world(*(sign * (axis == k) for k in range(3)))) - place.world(0, 0, 0)
            towards = np.array((0.0, 5.0, 0.0)) - points.mean(axis=0)
            if float(normal @ towards) > 0:
                tone = 0.55 + 0.55 * max(0.0, float(normal @ light))
                faces.append(Face(points, _toned(colour, tone)))
    return faces


def cart(place: Place, kind: Cart, phase: float) -> Solid:
    """The cart at a place; `phase` (radians) shakes it a little."""
    half, shake = kind.length / 2, 0.012 * math.sin(phase * 2.3)
    solid = Solid()
    for ahead in (-half + 0.35, half - 0.35):
        for side in (-0.56, 0.56):
            solid.faces += _wheel(place, ahead, side, 0.26)
    solid.faces += box(place, (-half, -0.58, 0.24), (half, 0.58, 0.52 + shake), kind.body)
    solid.faces += box(place, (half - 0.55, -0.56, 0.5), (half - 0.02, 0.56, 0.88 + shake), kind.body)
    solid.faces += box(place, (-half + 0.04, -0.5, 0.5), (-0.30, 0.5, 0.86 + shake), kind.load)
    solid.faces += box(place, (-0.26, -0.5, 0.5), (-0.12, 0.5, 1.18 + shake), _RUBBER)
    roof = box(place, (-0.35, -0.6, 1.80 + shake), (half - 0.25, 0.6, 1.88 + shake), kind.roof)
    solid.faces += [Face(face.points, face.colour, nearer=3.0) for face in roof]
    for ahead, top in ((-0.3, -0.3), (half - 0.1, half - 0.3)):
        for side in (-0.55, 0.55):
            start, end = place.world(ahead, side, 0.52), place.world(top, side, 1.82 + shake)
            solid.limbs.append(Limb(start, end, 0.03, 0.03, _STEEL, nearer=1.0 if side > 0 else 0.0))
    solid.limbs += [
        Limb(limb.start, limb.end, limb.start_radius, limb.end_radius, limb.colour, limb.nearer + 0.5)
        for limb in _driver(place, kind, shake)
    ]
    return solid


def cyclist(place: Place, kind: Bicycle, phase: float) -> Solid:
    """Bicycle and rider; `phase` (radians) is that of the pedals."""
    look, scale = kind.rider, kind.rider.height
    solid = Solid()
    for ahead in (-0.52, 0.52):
        rim = [place.world(ahead + 0.34 * math.cos(a), 0.0, 0.34 + 0.34 * math.sin(a)) for a in _CIRCLE]
        solid.faces.append(Face(np.array(rim), _RUBBER, line=0.055))
    crank, saddle, bars = (-0.06, 0.0, 0.30), (-0.20, 0.0, 0.92), (0.40, 0.0, 0.98)
    rear, front, seat, head = (-0.52, 0.0, 0.34), (0.52, 0.0, 0.34), (-0.17, 0.0, 0.80), (0.34, 0.0, 0.82)
    tubes = ((crank, saddle), (crank, head), (seat, head), (rear, crank), (rear, seat), (bars, front))
    world = place.world
    solid.limbs += [Limb(world(*a), world(*b), 0.026, 0.026, kind.frame) for a, b in tubes]
    solid.limbs.append(Limb(world(0.40, -0.25, 1.0), world(0.40, 0.25, 1.0), 0.02, 0.02, _STEEL))
    hip = 0.96
    for side, turn in ((-1.0, phase), (1.0, phase + math.pi)):
        pedal = (crank[0] + 0.17 * math.sin(turn), crank[2] + 0.17 * math.cos(turn))
        knee, angle = _bent(saddle[0], hip, pedal[0] - 0.03, pedal[1] + 0.07, 0.245 * scale, 0.235 * scale)
        solid.limbs += lower_leg(place, look, (saddle[0], side * 0.09, hip), (knee[0], side * 0.10, knee[1]), angle)
        shoulder = (
            saddle[0] + 0.285 * scale * math.sin(0.55),
            side * 0.2,
            hip + 0.285 * scale * math.cos(0.55),
        )
        hand = (0.40, side * 0.23, 1.02)
        elbow = ((shoulder[0] + hand[0]) / 2 - 0.02, side * 0.26, (shoulder[2] + hand[2]) / 2 - 0.07)
        solid.limbs += arm(place, look, shoulder, elbow, hand)
    solid.limbs += upper_body(place, look, hip, 0.55, saddle[0])
    return solid


def bag(place: Place, kind: Bag, lift: float = 0.0) -> Solid:
    """The bag, its underside `lift` metres above the ground."""
    half, radius = kind.length / 2, kind.height / 2 * 0.9
    world = place.world
    dark = _toned(kind.colour, 0.6)
    body = Limb(world(-half + radius, 0, lift + radius), world(half - radius, 0, lift + radius),
                radius, radius, kind.colour)  # fmt: skip
    straps = [
        Limb(world(x, 0, lift + 0.02), world(x, 0, lift + 2 * radius - 0.02), 0.022, 0.022, dark, nearer=0.3)
        for x in (-half * 0.4, half * 0.4)
    ]
    grip = [
        place.world(x, 0, lift + 2 * radius + y) for x, y in ((-0.1, -0.03), (-0.06, 0.09), (0.06, 0.09), (0.1, -0.03))
    ]
    return Solid([body, *straps], [Face(np.array(grip), dark, line=0.025, nearer=-0.1)])


def _driver(place: Place, kind: Cart, shake: float) -> list[Limb]:
    look, hip = kind.driver, 0.72 + shake
    limbs = upper_body(place, look, hip, -0.05, 0.02)
    for side in (-1.0, 1.0):
        shoulder = (0.02, side * 0.2, hip + 0.28 * look.height)
        limbs += arm(place, look, shoulder, (0.18, side * 0.24, hip + 0.28), (0.42, side * 0.15, hip + 0.33))
    return limbs


def _wheel(place: Place, ahead: float, side: float, radius: float) -> list[Face]:
    def disc(size: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.array([place.world(ahead + size * math.cos(a), side, radius + size * math.sin(a)) for a in _CIRCLE])

    return [Face(disc(radius), _RUBBER, nearer=0.25), Face(disc(radius * 0.5), _STEEL, nearer=0.26)]


def _bent(x0: float, y0: float, x1: float, y1: float, upper: float, lower: float) -> tuple[tuple[float, float], float]:
    """Knee (forward, up) and shin angle of a leg from hip to ankle in that plane, knee forward."""
    distance = min(math.hypot(x1 - x0, y1 - y0), (upper + lower) * 0.999)
    line = math.atan2(x1 - x0, y0 - y1)  # from straight down, forward positive
    cosine = (upper**2 + distance**2 - lower**2) / (2 * upper * distance)
    thigh = line + math.acos(max(-1.0, min(1.0, cosine)))
    knee = (x0 + upper * math.sin(thigh), y0 - upper * math.cos(thigh))
    return knee, math.atan2(x1 - knee[0], knee[1] - y1)


def _toned(colour: Colour, tone: float) -> Colour:
    return min(255.0, colour[0] * tone), min(255.0, colour[1] * tone), min(255.0, colour[2] * tone)
