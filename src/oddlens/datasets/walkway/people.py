"""Articulated people: how they look, how they walk, run, bend and ride."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.walkway.shapes import Colour, Limb, Solid, Vector

_TOPS: tuple[Colour, ...] = (
    (58, 66, 88), (112, 46, 44), (168, 164, 152), (64, 92, 74), (74, 72, 70), (150, 120, 66),
    (92, 110, 142), (120, 84, 102), (188, 182, 176), (46, 46, 50), (142, 92, 58), (86, 124, 128),
)  # fmt: skip
_BOTTOMS: tuple[Colour, ...] = (
    (44, 52, 74), (52, 50, 50), (108, 96, 78), (66, 78, 104), (38, 38, 42), (128, 120, 106), (84, 70, 58),
)  # fmt: skip
_SKINS: tuple[Colour, ...] = ((206, 160, 132), (178, 128, 98), (136, 94, 70), (98, 68, 52), (220, 178, 152))
_HAIRS: tuple[Colour, ...] = ((44, 34, 28), (28, 26, 26), (96, 70, 46), (140, 112, 74), (132, 128, 124))


@dataclass(frozen=True)
class Look:
    """What one person looks like; lengths in metres."""

    height: float
    girth: float
    skin: Colour
    hair: Colour
    top: Colour
    bottom: Colour
    shoes: Colour
    stripe: Colour | None
    coat: bool
    short_sleeves: bool
    backpack: Colour | None
    grain: NDArray[np.float32]


@dataclass(frozen=True)
class Gait:
    """Angles in radians that turn a phase into a pose."""

    thigh: float
    knee: float
    arm: float
    elbow: float
    lean: float
    flight: float
    stride: float
    """Metres a person 1.75 m tall covers in one cycle (two steps)."""


WALK = Gait(thigh=0.43, knee=0.95, arm=0.40, elbow=0.22, lean=0.03, flight=0.0, stride=1.42)
RUN = Gait(thigh=0.80, knee=1.75, arm=0.75, elbow=1.45, lean=0.20, flight=0.06, stride=2.45)


def tint(rng: np.random.Generator, colours: tuple[Colour, ...], spread: float = 14.0) -> Colour:
    """One of `colours`, a little off."""
    base = colours[int(rng.integers(len(colours)))]
    shift = rng.normal(0, spread * 0.6) + rng.normal(0, spread * 0.4, 3)
    red, green, blue = (float(np.clip(base[k] + shift[k], 18, 225)) for k in range(3))
    return red, green, blue


def cloth_colour(rng: np.random.Generator) -> Colour:
    """A colour that tops, bags and vehicles share, so that brightness gives nothing away."""
    return tint(rng, _TOPS)


def grain(rng: np.random.Generator) -> NDArray[np.float32]:
    """Folds and weave of cloth: relief `float32 (96, 96)` around 1."""
    fine = rng.standard_normal((96, 96)).astype(np.float32)
    folds = cv2.GaussianBlur(fine, (0, 0), 1.6)
    creases = cv2.GaussianBlur(rng.standard_normal((96, 96)).astype(np.float32), (0, 0), 3.5, sigmaY=2.0)
    relief = 0.11 * folds / folds.std() + 0.10 * creases / creases.std() + 0.03 * fine
    result: NDArray[np.float32] = np.clip(1 + relief, 0.55, 1.45).astype(np.float32)
    return result


def random_look(rng: np.random.Generator) -> Look:
    """Draw a person."""
    top, bottom = cloth_colour(rng), tint(rng, _BOTTOMS)
    draws = rng.random(4)
    return Look(
        height=float(np.clip(rng.normal(1.71, 0.10), 1.42, 1.95)),
        girth=float(np.clip(rng.normal(1.0, 0.12), 0.8, 1.35)),
        skin=tint(rng, _SKINS, 6.0),
        hair=tint(rng, _HAIRS, 6.0),
        top=top,
        bottom=bottom,
        shoes=tint(rng, ((40, 36, 34), (70, 60, 52), (170, 166, 160))),
        stripe=cloth_colour(rng) if draws[0] < 0.35 else None,
        coat=bool(draws[1] < 0.3),
        short_sleeves=bool(draws[2] < 0.4),
        backpack=cloth_colour(rng) if draws[3] < 0.25 else None,
        grain=grain(rng),
    )


@dataclass(frozen=True)
class Place:
    """A place and heading on the ground that turns local (forward, right, up) metres into the world."""

    x: float
    z: float
    heading: tuple[float, float]

    def world(self, forward: float, right: float, up: float) -> Vector:
        """World point of a local one."""
        u, v = self.heading
        return self.x + forward * u + right * v, up, self.z + forward * v - right * u

    def apparent(self, right: float, forward: float) -> float:
        """Half width that a horizontal ellipse with these half axes shows to a camera at the origin."""
        distance = math.hypot(self.x, self.z) or 1.0
        facing = (self.heading[0] * self.x + self.heading[1] * self.z) / distance
        return math.sqrt((right * facing) ** 2 + forward**2 * (1 - facing**2))


def leg(place: Place, look: Look, hip: Vector, thigh: float, knee: float) -> list[Limb]:
    """Thigh, shin and shoe from a hip (local metres) with the given angles."""
    scale = look.height
    joint = (hip[0] + 0.245 * scale * math.sin(thigh), hip[1], hip[2] - 0.245 * scale * math.cos(thigh))
    return lower_leg(place, look, hip, joint, thigh - knee)


def lower_leg(place: Place, look: Look, hip: Vector, knee: Vector, angle: float) -> list[Limb]:
    """Limbs of a leg with hip and knee known; `angle`: the shin's, from straight down, forward positive."""
    scale, girth = look.height, look.girth * look.height / 1.75
    ankle = (knee[0] + 0.235 * scale * math.sin(angle), knee[1], knee[2] - 0.235 * scale * math.cos(angle))
    tip = (
        ankle[0] + 0.10 * scale * math.cos(angle),
        ankle[1],
        ankle[2] + 0.09 * scale * math.sin(angle) - 0.015,
    )
    world = place.world
    return [
        Limb(world(*hip), world(*knee), 0.088 * girth, 0.066 * girth, look.bottom),
        Limb(world(*knee), world(*ankle), 0.064 * girth, 0.048 * girth, look.bottom),
        Limb(world(*ankle), world(*tip), 0.048 * girth, 0.036 * girth, look.shoes),
    ]


def arm(place: Place, look: Look, shoulder: Vector, elbow: Vector, hand: Vector) -> list[Limb]:
    """Sleeve, forearm and hand through three local points."""
    girth = look.girth * look.height / 1.75
    sleeve = look.skin if look.short_sleeves else look.top
    world = place.world
    return [
        Limb(world(*shoulder), world(*elbow), 0.056 * girth, 0.044 * girth, look.top, nearer=0.02),
        Limb(world(*elbow), world(*hand), 0.043 * girth, 0.034 * girth, sleeve, nearer=0.03),
        Limb(world(*hand), world(*hand), 0.042, 0.042, look.skin, nearer=0.04),
    ]


def upper_body(place: Place, look: Look, hip: float, lean: float, forward: float = 0.0) -> list[Limb]:
    """Torso, neck, head and what is worn on them, leaning `lean` radians about hips `hip` metres high."""
    scale, girth = look.height, look.girth * look.height / 1.75

    def at(up: float, ahead: float = 0.0, right: float = 0.0) -> Vector:
        s, c = math.sin(lean), math.cos(lean)
        return place.world(forward + up * scale * s + ahead * c, right, hip + up * scale * c - ahead * s)

    chest = place.apparent(0.185, 0.125) * girth
    waist = place.apparent(0.160, 0.120) * girth
    side = 0.105 * scale
    limbs = [
        Limb(at(0.01), at(0.225), waist, chest, look.top),
        Limb(at(0.285, right=-side), at(0.285, right=side), 0.062 * girth, 0.062 * girth, look.top, nearer=0.01),
        Limb(at(0.30), at(0.345, 0.01), 0.055, 0.052, look.skin),
        Limb(at(0.375, 0.02), at(0.42, 0.015), 0.075, 0.088, look.skin, nearer=0.02),
        Limb(at(0.395, -0.035), at(0.435, -0.008), 0.078, 0.090, look.hair, nearer=0.03),
        Limb(at(-0.045), at(0.0), waist * 0.94, waist * 0.97, look.bottom, nearer=-0.01),
    ]
    if look.coat:
        limbs.append(Limb(at(-0.11), at(0.06), waist * 1.12, waist * 1.02, look.top, nearer=0.05))
    if look.stripe is not None:
        reach = place.apparent(0.15, 0.09) * girth / math.hypot(place.x, place.z)
        across = (place.z * reach, -place.x * reach)  # a chord square to the line of sight
        for up in (0.08, 0.15, 0.22):
            x, y, z = at(up)
            start, end = (x - across[0], y, z - across[1]), (x + across[0], y, z + across[1])
            limbs.append(Limb(start, end, 0.026, 0.026, look.stripe, nearer=0.11))
    if look.backpack is not None:
        pack = place.apparent(0.15, 0.10) * girth
        limbs.append(Limb(at(0.10, -0.19), at(0.22, -0.19), pack, pack * 0.9, look.backpack))
    return limbs


def walker(place: Place, look: Look, gait: Gait, phase: float, *, moving: float = 1.0, bend: float = 0.0) -> Solid:
    """A person on foot.

    Args:
        phase: of the gait's cycle, radians.
        moving: 0 (standing) to 1 (full swing of arms and legs).
        bend: 0 (upright) to 1 (reaching the ground).
    """
    scale = look.height
    angles = []
    for offset in (0.0, math.pi):
        swing, lift = math.sin(phase + offset), max(0.0, math.cos(phase + offset))
        thigh = gait.thigh * swing * moving + 0.04 + 0.55 * bend
        angles.append((thigh, 0.08 + gait.knee * lift**1.5 * moving + 0.85 * bend))
    reach = max(0.245 * math.cos(a) + 0.235 * math.cos(a - k) for a, k in angles)
    hip = (reach + 0.035 + gait.flight * abs(math.sin(phase)) * moving) * scale
    back = -0.16 * bend
    solid = Solid()
    lean = gait.lean + 1.0 * bend
    shoulder_up, shoulder_ahead = 0.285 * scale * math.cos(lean), 0.285 * scale * math.sin(lean) + back
    for side, (thigh, knee) in zip((-1.0, 1.0), angles):
        solid.limbs += leg(place, look, (back, side * 0.050 * scale, hip), thigh, knee)
        swing = -gait.arm * math.sin(phase + (0.0 if side < 0 else math.pi)) * moving * (1 - bend)
        fold = swing + gait.elbow * (1 - bend)
        shoulder = (shoulder_ahead, side * 0.122 * scale, hip + shoulder_up)
        elbow = (
            shoulder[0] + 0.165 * scale * math.sin(swing),
            side * 0.138 * scale,
            shoulder[2] - 0.165 * scale * math.cos(swing),
        )
        hand = (elbow[0] + 0.15 * scale * math.sin(fold), elbow[1], elbow[2] - 0.15 * scale * math.cos(fold))
        solid.limbs += arm(place, look, shoulder, elbow, hand)
    solid.limbs += upper_body(place, look, hip, lean, back)
    return solid
