"""Who is in the scene at an instant: where, doing what, and whether it belongs there."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.walkway.camera import path_heading, path_point
from oddlens.datasets.walkway.people import WALK, Gait, Look, Place, random_look, walker
from oddlens.datasets.walkway.shapes import Solid
from oddlens.datasets.walkway.vehicles import Bag, Bicycle, Cart, bag, cart, cyclist

_BAG_PAUSE = 1.2
"""Seconds somebody stands bent when putting a bag down or picking it up."""


class Scripted(ABC):
    """An actor whose whole way is known beforehand: a function of time in seconds."""

    anomaly: int | None
    """Number of the anomaly it belongs to, `None` for people who behave."""
    grain: NDArray[np.float32]

    @abstractmethod
    def place(self, time: float) -> Place | None:
        """Where it is at `time`, `None` when it is not there."""

    @abstractmethod
    def solid(self, time: float, place: Place) -> Solid:
        """What it looks like at `time`."""


@dataclass
class Route(Scripted):
    """Somebody or something that follows a chain of ground points at a steady speed."""

    what: Look | Cart | Bicycle
    gait: Gait
    points: Sequence[tuple[float, float]]
    start: float
    speed: float
    anomaly: int | None
    grain: NDArray[np.float32]

    def place(self, time: float) -> Place | None:
        """Where it is at `time`."""
        left = (time - self.start) * self.speed
        if left < 0:
            return None
        for (x0, z0), (x1, z1) in pairwise(self.points):
            length = math.hypot(x1 - x0, z1 - z0)
            if left < length:
                u, v = (x1 - x0) / length, (z1 - z0) / length
                return Place(x0 + left * u, z0 + left * v, (u, v))
            left -= length
        return None

    def solid(self, time: float, place: Place) -> Solid:
        """What it looks like at `time`."""
        travelled = (time - self.start) * self.speed
        if isinstance(self.what, Cart):
            return cart(place, self.what, travelled * 4)
        if isinstance(self.what, Bicycle):
            return cyclist(place, self.what, travelled * 1.5)
        return walker(place, self.what, self.gait, stride_phase(self.what, self.gait, travelled))


@dataclass
class StandingBag(Scripted):
    """A bag on the ground from `start` to `end` (seconds)."""

    kind: Bag
    x: float
    z: float
    start: float
    end: float
    anomaly: int | None
    grain: NDArray[np.float32]

    def place(self, time: float) -> Place | None:
        """Where it stands, while it stands."""
        return Place(self.x, self.z, path_heading(1)) if self.start <= time < self.end else None

    def solid(self, time: float, place: Place) -> Solid:
        """The bag."""
        return bag(place, self.kind)


@dataclass
class Carrier(Scripted):
    """Somebody who puts a bag down (or picks it up) at `moment` and otherwise walks along the walkway."""

    look: Look
    kind: Bag
    along: float
    across: float
    direction: int
    speed: float
    moment: float
    picks_up: bool
    grain: NDArray[np.float32]
    anomaly: int | None = None

    def place(self, time: float) -> Place | None:
        """Where they are: walking, standing for a moment beside the bag, walking on."""
        along = self.along + self.direction * (self._travelled(time) - 0.35)
        if abs(along - self.along) > 30:
            return None
        x, z = path_point(along, self.across - 0.45)
        return Place(x, z, path_heading(self.direction))

    def solid(self, time: float, place: Place) -> Solid:
        """The person, and the bag while it is in their hand."""
        near = abs(time - self.moment) / _BAG_PAUSE
        bend = 0.5 + 0.5 * math.cos(math.pi * min(near, 1.0))
        moving = min(1.0, max(0.0, 2.2 * near - 1.1))
        phase = stride_phase(self.look, WALK, self._travelled(time))
        solid = walker(place, self.look, WALK, phase, moving=moving, bend=bend)
        if (time >= self.moment) == self.picks_up:
            side = 0.34 if self.direction > 0 else -0.34
            x, _, z = place.world(0.12 + 0.2 * bend, side, 0.0)
            held = bag(Place(x, z, place.heading), self.kind, 0.36 * (1 - bend))
            solid.limbs += held.limbs
            solid.faces += held.faces
        return solid

    def _travelled(self, time: float) -> float:
        offset = time - self.moment
        walked = math.copysign(max(0.0, abs(offset) - _BAG_PAUSE / 2), offset)
        return walked * self.speed


def stride_phase(look: Look, gait: Gait, travelled: float) -> float:
    """Phase (radians) of a gait after `travelled` metres."""
    return 2 * math.pi * travelled / (gait.stride * look.height / 1.75)


@dataclass
class Walker:
    """One of the ordinary crowd; moved frame by frame because walkers give way to each other."""

    look: Look
    along: float
    across: float
    direction: int
    speed: float
    phase: float
    lane: float
    pause_at: float
    pause_left: float
    moving: float = 1.0

    def place(self) -> Place:
        """Where they are."""
        return Place(*path_point(self.along, self.across), path_heading(self.direction))

    def solid(self, place: Place) -> Solid:
        """What they look like."""
        return walker(place, self.look, WALK, self.phase, moving=self.moving)

    def advance(self, seconds: float, others: Sequence[Walker]) -> None:
        """Walk on, sideways away from whoever is just ahead and back towards the own lane."""
        stopped = self.pause_left > 0 and (self.along - self.pause_at) * self.direction > 0
        if stopped:
            self.pause_left -= seconds
        self.moving += (float(not stopped) - self.moving) * min(1.0, 5 * seconds)
        step = self.speed * self.moving * seconds
        self.along += self.direction * step
        self.phase += stride_phase(self.look, WALK, step)
        drift = 0.5 * (self.lane - self.across)
        for other in others:
            ahead, beside = (other.along - self.along) * self.direction, self.across - other.across
            if other is not self and 0 < ahead < 1.6 and abs(beside) < 0.55:
                drift += math.copysign(0.55, beside or self.lane or 1.0)
        self.across += max(-0.5, min(0.5, drift)) * seconds * self.moving
        self.across = max(-1.95, min(1.95, self.across))


class Crowd:
    """Ordinary walkers whose number wanders between 0 and 8, each level kept for some seconds."""

    def __init__(self, rng: np.random.Generator, reach: tuple[float, float], busy: int) -> None:
        self._rng, self._low, self._high = rng, reach[0] - 1.0, reach[1] + 1.5
        self.walkers: list[Walker] = []
        self._wanted, self._until, self._time = 0, 0.0, 0.0
        self._levels: list[int] = []
        self._choose_level()
        while len(self.walkers) < self._wanted - busy:
            self._add(float(rng.uniform(self._low, self._high)))

    def advance(self, seconds: float, busy: int) -> None:
        """Move everybody on.

        Args:
            seconds: time since the last call.
            busy: how many walkers stay away because something else takes up the walkway.
        """
        self._time += seconds
        if self._time >= self._until:
            self._choose_level()
        for walker_ in self.walkers:
            walker_.advance(seconds, self.walkers)
        self.walkers = [w for w in self.walkers if self._low <= w.along <= self._high]
        if len(self.walkers) < self._wanted - busy and self._rng.random() < 2.5 * seconds:
            self._add(None)

    def _choose_level(self) -> None:
        # Levels are dealt like cards: within a minute the walkway is both empty and full.
        self._levels = self._levels or self._rng.permutation((0, 1, 2, 3, 4)).tolist()
        self._wanted = self._levels.pop()
        self._until = self._time + float(self._rng.uniform(6, 12))

    def _add(self, along: float | None) -> None:
        rng = self._rng
        direction = 1 if rng.random() < 0.5 else -1
        speed = float(np.clip(rng.normal(1.32, 0.22), 0.75, 1.9))
        lane = float(np.clip(direction * 0.8 + rng.normal(0, 0.6), -1.8, 1.8))
        start = along if along is not None else (self._low if direction > 0 else self._high)
        pair = rng.random() < 0.3 and len(self.walkers) + 2 <= self._wanted
        for k in range(2 if pair else 1):
            across = lane if k == 0 else lane - math.copysign(0.62, lane)
            self.walkers.append(
                Walker(
                    random_look(rng), start - 0.15 * k * direction, across, direction, speed,
                    float(rng.uniform(0, 2 * math.pi)), across,
                    pause_at=float(rng.uniform(self._low, self._high)),
                    pause_left=float(rng.uniform(1, 3)) if not pair and rng.random() < 0.12 else 0.0,
                )
            )  # fmt: skip
