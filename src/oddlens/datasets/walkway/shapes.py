"""Solid things made of tapered limbs and flat faces, painted with soft edges and their shadows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.walkway.camera import Camera, Points

Colour = tuple[float, float, float]
Vector = tuple[float, float, float]

SUN = (-0.62, 1.0, 0.30)
"""Direction to the sun (x, y, z): left of and behind the scene, so shadows fall right and near."""
_SUPERSAMPLING = 3
_FIXED_POINT_BITS = 4
# Three nested tones, dark rim to light core shifted towards the sun, make a flat limb look round.
_TONES = ((1.0, 0.0, 0.66), (0.78, 0.16, 0.92), (0.42, 0.34, 1.12))
_ARC = np.linspace(0.5 * np.pi, 1.5 * np.pi, 7)
_ARC_COSINE, _ARC_SINE = np.cos(_ARC), np.sin(_ARC)


@dataclass(frozen=True)
class Limb:
    """A capsule from `start` to `end` (world metres) with a radius at either end."""

    start: Vector
    end: Vector
    start_radius: float
    end_radius: float
    colour: Colour
    nearer: float = 0.0
    """Metres by which the limb is painted as if it were nearer to the camera."""


@dataclass(frozen=True)
class Face:
    """A flat polygon (world metres); with `line` > 0 only its outline, `line` metres thick."""

    points: Points
    colour: Colour
    line: float = 0.0
    nearer: float = 0.0


@dataclass
class Solid:
    """Everything that one actor or prop consists of, at one instant."""

    limbs: list[Limb] = field(default_factory=list)
    faces: list[Face] = field(default_factory=list)


@dataclass(frozen=True)
class Sprite:
    """A painted solid: `colour` float32 (h, w, 3), premultiplied by `alpha` (h, w, 1), at `(left, top)`."""

    left: int
    top: int
    colour: NDArray[np.float32]
    alpha: NDArray[np.float32]

    @property
    def region(self) -> tuple[slice, slice]:
        """Where it lies in the frame."""
        rows, columns = self.alpha.shape[:2]
        return slice(self.top, self.top + rows), slice(self.left, self.left + columns)


def paint(
    camera: Camera, solid: Solid, grain: NDArray[np.float32] | None = None, anchor: Vector = (0.0, 0.0, 0.0)
) -> Sprite | None:
    """Paint a solid as the camera sees it, `None` when it is out of the picture.

    Args:
        grain: relief `float32 (n, n)` around 1 at 32 texels a metre that multiplies the colours.
        anchor: world point that the middle of `grain` is fixed to.
    """
    outlines, tones, lines, keys = _outlines(camera, solid)
    extent = np.concatenate(outlines)
    left, top = np.maximum(np.floor(extent.min(axis=0)) - 1, 0).astype(int)
    right, bottom = np.minimum(np.ceil(extent.max(axis=0)) + 2, (camera.width, camera.height)).astype(int)
    if right - left < 1 or bottom - top < 1:
        return None
    scale = _SUPERSAMPLING
    canvas = np.zeros(((bottom - top) * scale, (right - left) * scale, 4), np.uint8)
    points = _fixed_point((extent - (left, top)) * scale)
    stops = np.cumsum([len(outline) for outline in outlines]).tolist()
    for k in np.argsort(keys, kind="stable").tolist():
        outline, colour = points[stops[k] - len(outlines[k]) : stops[k]], (*tones[k], 255.0)
        if lines[k] > 0:
            thickness = max(1, round(lines[k] * scale))
            cv2.polylines(canvas, [outline], True, colour, thickness, cv2.LINE_8, _FIXED_POINT_BITS)
        else:
            cv2.fillConvexPoly(canvas, outline, colour, cv2.LINE_8, _FIXED_POINT_BITS)
    small = cv2.resize(canvas, (int(right - left), int(bottom - top)), interpolation=cv2.INTER_AREA)
    colours = small[..., :3].astype(np.float32)
    if grain is not None:
        colours *= _grain_patch(camera, grain, anchor, int(left), int(top), small.shape[:2])[..., None]
    alpha = small[..., 3:].astype(np.float32) * np.float32(1 / 255)
    return Sprite(int(left), int(top), colours, alpha)


def cast_shadow(camera: Camera, solid: Solid, shadow: NDArray[np.uint8]) -> None:
    """Add the hard shadow of a solid on level ground to `shadow` `uint8 (H, W)`, 255 = fully shaded."""
    slope = np.array([SUN[0] / SUN[1], SUN[2] / SUN[1]])
    for outline in _ground_outlines(camera, solid, slope):
        cv2.fillConvexPoly(shadow, outline, 255.0, cv2.LINE_AA, _FIXED_POINT_BITS)


def _fixed_point(points: Points) -> NDArray[np.int32]:
    """Pixel coordinates (pixel centres at 0.5) as OpenCV's polygons want them."""
    return np.rint((points - 0.5) * (1 << _FIXED_POINT_BITS)).astype(np.int32)


def _limb_arrays(solid: Solid) -> tuple[Points, NDArray[np.float64]]:
    ends = np.array([limb.start for limb in solid.limbs] + [limb.end for limb in solid.limbs], float)
    radii = np.array([limb.start_radius for limb in solid.limbs] + [limb.end_radius for limb in solid.limbs], float)
    return ends.reshape(-1, 3), radii


def _capsules(image: Points, radii: NDArray[np.float64]) -> Points:
    """Outlines `(K, 14, 2)` of capsules between the first and the second half of `image` `(2K, 2)`."""
    count = len(image) // 2
    start, end = image[:count], image[count:]
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    safe = np.maximum(length, 1e-9)
    cosine = np.where(length > 1e-9, along[:, 0] / safe, 1.0)[:, None]
    sine = (along[:, 1] / safe)[:, None]
    arc = np.stack((cosine * _ARC_COSINE - sine * _ARC_SINE, sine * _ARC_COSINE + cosine * _ARC_SINE), axis=-1)
    return np.concatenate(
        (start[:, None] + arc * radii[:count, None, None], end[:, None] - arc * radii[count:, None, None]),
        axis=1,
    )


def _outlines(
    camera: Camera, solid: Solid
) -> tuple[list[Points], list[Sequence[float]], list[float], NDArray[np.float64]]:
    """Outlines, colours, line widths and painting keys (ascending = far to near) of a solid's parts."""
    outlines: list[Points] = []
    tones: list[Sequence[float]] = []
    lines: list[float] = []
    keys: list[float] = []
    if solid.limbs:
        ends, radii = _limb_arrays(solid)
        image, depth = camera.project(ends)
        pixels = np.maximum(radii * camera.focal / depth, 0.2)
        count = len(solid.limbs)
        towards_sun = np.array([SUN[0], -SUN[1]]) / np.hypot(SUN[0], SUN[1])
        colours = np.array([limb.colour for limb in solid.limbs])
        nearness = [limb.nearer for limb in solid.limbs] - (depth[:count] + depth[count:]) / 2
        for order, (size, shift, tone) in enumerate(_TONES):
            moved = image + towards_sun * (pixels * shift)[:, None]
            outlines.extend(_capsules(moved, pixels * size))
            tones.extend(np.minimum(colours * tone, 255.0).tolist())
            keys.extend((nearness + 1e-4 * order).tolist())
        lines = [0.0] * len(outlines)
    for face in solid.faces:
        image, depth = camera.project(face.points)
        distance = float(depth.mean())
        outlines.append(image)
        tones.append(face.colour)
        lines.append(face.line * camera.focal / distance)
        keys.append(face.nearer - distance)
    return outlines, tones, lines, np.array(keys)


def _ground_outlines(camera: Camera, solid: Solid, slope: NDArray[np.float64]) -> list[NDArray[np.int32]]:
    outlines: list[NDArray[np.int32]] = []
    if solid.limbs:
        ends, radii = _limb_arrays(solid)
        image, depth = camera.project(_dropped(ends, slope))
        capsules = _capsules(image, np.maximum(radii * camera.focal / depth * 0.8, 0.3))
        outlines.extend(_fixed_point(capsules))
    filled = (face for face in solid.faces if face.line == 0)
    outlines.extend(_fixed_point(camera.project(_dropped(face.points, slope))[0]) for face in filled)
    return outlines


def _dropped(points: Points, slope: NDArray[np.float64]) -> Points:
    """Where the sun throws world points onto the ground."""
    ground = points.copy()
    ground[:, 0] -= points[:, 1] * slope[0]
    ground[:, 2] -= points[:, 1] * slope[1]
    ground[:, 1] = 0.0
    return ground


def _grain_patch(
    camera: Camera, grain: NDArray[np.float32], anchor: Vector, left: int, top: int, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    image, depth = camera.project(np.array([anchor], float))
    texels = 32.0 * float(depth[0]) / camera.focal
    middle = grain.shape[0] / 2
    matrix = np.array(
        [
            [texels, 0.0, middle + (left - image[0, 0]) * texels],
            [0.0, texels, middle + (top - image[0, 1]) * texels],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (shape[1], shape[0])
    patch = cv2.warpAffine(grain, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(patch, np.float32)
