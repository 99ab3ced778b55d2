"""The fixed camera of the generated scene: a pinhole above the ground, tilted down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

PATH_HALF_WIDTH = 2.2
"""Half the width of the walkway, metres."""
_PATH_ORIGIN = (-3.7, 8.0)
_PATH_HEADING = (math.sqrt(0.5), math.sqrt(0.5))


def path_point(along: float, across: float) -> tuple[float, float]:
    """Ground position `(x, z)` of a place on the walkway.

    Args:
        along: metres along the walkway, growing away from the camera; 0 is near the left edge of the picture.
        across: metres to the right of the centre line, seen by someone walking away.

    Example:
        >>> path_point(0.0, 0.0)
        (-3.7, 8.0)
    """
    (x, z), (u, v) = _PATH_ORIGIN, _PATH_HEADING
    return x + along * u + across * v, z + along * v - across * u


def path_coordinates(x: NDArray[np.float32], z: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """The inverse of `path_point` for arrays: `(along, across)`."""
    (x0, z0), (u, v) = _PATH_ORIGIN, _PATH_HEADING
    return (x - x0) * u + (z - z0) * v, (x - x0) * v - (z - z0) * u


def path_heading(direction: int) -> tuple[float, float]:
    """Unit ground vector `(x, z)` of somebody walking away from (+1) or towards (-1) the camera."""
    return direction * _PATH_HEADING[0], direction * _PATH_HEADING[1]


@dataclass(frozen=True)
class Camera:
    """Pinhole camera at `(0, altitude, 0)`; x points right, y up, z forward over the ground, in metres."""

    width: int
    height: int
    altitude: float = 5.0
    pitch: float = math.radians(20.0)

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return 1.4 * max(self.width, self.height * 4 / 3)

    def project(self, points: Points) -> tuple[Points, Points]:
        """Image positions `(N, 2)` in pixels and depths `(N,)` in metres of world points `(N, 3)`."""
        sine, cosine = math.sin(self.pitch), math.cos(self.pitch)
        up = points[:, 1] - self.altitude
        depth = np.maximum(points[:, 2] * cosine - up * sine, 0.3)
        image = np.empty((len(points), 2))
        image[:, 0] = self.width / 2 + self.focal * points[:, 0] / depth
        image[:, 1] = self.height / 2 - self.focal * (up * cosine + points[:, 2] * sine) / depth
        return image, depth

    def rays(self, supersampling: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """World direction `(x, y, z)` through every pixel of a picture `supersampling` times as large."""
        rows = (np.arange(self.height * supersampling, dtype=np.float32) + 0.5) / supersampling
        columns = (np.arange(self.width * supersampling, dtype=np.float32) + 0.5) / supersampling
        right = (columns - self.width / 2) / self.focal
        up = (self.height / 2 - rows) / self.focal
        sine, cosine = math.sin(self.pitch), math.cos(self.pitch)
        x, v = np.meshgrid(right, up)
        return (
            x.astype(np.float32),
            (v * cosine - sine).astype(np.float32),
            (v * sine + cosine).astype(np.float32),
        )

    def sees(self, x: float, z: float, margin: float = 0.0) -> bool:
        """Whether somebody standing at `(x, z)` is in the picture, give or take `margin` metres."""
        image, depth = self.project(np.array([[x, 0.0, z], [x, 1.8, z]]))
        pixels = margin * self.focal / float(depth[0])
        inside_x = -pixels < image[0, 0] < self.width + pixels
        return bool(inside_x and image[1, 1] < self.height + pixels and image[0, 1] > -pixels and z > 1.5)

    def visible_path(self) -> tuple[float, float]:
        """First and last place along the walkway, in metres, that is in the picture."""
        return _visible_path(self)


@lru_cache(maxsize=16)
def _visible_path(camera: Camera) -> tuple[float, float]:
    places = np.arange(-8.0, 60.0, 0.25)
    seen = [float(s) for s in places if camera.sees(*path_point(float(s), 0.0))]
    return (seen[0], min(seen[-1], 26.0)) if seen else (0.0, 18.0)
