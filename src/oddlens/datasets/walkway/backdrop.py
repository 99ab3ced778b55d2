"""What never moves: paving, lawn, hedge, house front, lamp, bench, bin and trees, and their shade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.walkway.camera import PATH_HALF_WIDTH, Camera, path_coordinates
from oddlens.datasets.walkway.props import Prop, make_props
from oddlens.datasets.walkway.shapes import Sprite, cast_shadow, paint

FloatImage = NDArray[np.float32]

_HEDGE_DISTANCE = 29.0
_SUPERSAMPLING = 2
AMBIENT = np.array((0.47, 0.50, 0.55), np.float32)
SUNLIGHT = np.array((0.74, 0.69, 0.61), np.float32)


@dataclass(frozen=True)
class StaticProp:
    """A prop as it stands in the picture: walkers behind it are covered by `alpha`."""

    sprite: Sprite
    depth: float


@dataclass(frozen=True)
class Backdrop:
    """The empty scene split by light, so that clouds and shadows can be applied a frame at a time."""

    shaded: FloatImage
    """`(H, W, 3)` levels under skylight alone."""
    sunlit: FloatImage
    """`(H, W, 3)` levels that full sun adds."""
    receives: FloatImage
    """`(H, W)` share of a cast shadow that shows there."""
    sun_at: FloatImage
    """`(H, W)` share of the sun that reaches the ground there."""
    foliage: FloatImage
    """`(H, W)` share of leaves, or of their dappled shade, that stirs in the wind."""
    props: tuple[StaticProp, ...]


class Noise:
    """Smooth random relief over the plane, the sum of a few octaves of one random tile."""

    def __init__(self, rng: np.random.Generator) -> None:
        tile = cv2.GaussianBlur(np.tile(rng.standard_normal((256, 256)), (3, 3)).astype(np.float32), (0, 0), 1.2)
        self._tile: FloatImage = (tile[256:512, 256:512] / tile.std()).astype(np.float32)

    def __call__(self, x: FloatImage, y: FloatImage, octaves: int = 3, gain: float = 0.6) -> FloatImage:
        """Relief of mean 0 and deviation about 1; one unit of `x`, `y` is a texel of the finest octave."""
        total, weight, scale = np.zeros(x.shape, np.float32), 0.0, 1.0
        for k in range(octaves):
            u, v = x * scale + 37.0 * k, y * scale + 91.0 * k
            amount = gain ** (octaves - 1 - k)
            total += amount * cv2.remap(
                self._tile, np.mod(u, 255.0).astype(np.float32), np.mod(v, 255.0).astype(np.float32),
                cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP,
            )  # fmt: skip
            weight += amount**2
            scale *= 0.37
        return _single(total / np.float32(np.sqrt(weight)))


def make_backdrop(camera: Camera, seed: int) -> Backdrop:
    """Paint the empty scene; `seed` varies textures and foliage, not the layout."""
    rng = np.random.default_rng([seed, 0xBAC])
    noise = Noise(rng)
    x, y, z = camera.rays(_SUPERSAMPLING)
    distance = np.where(y < -1e-4, -camera.altitude / np.minimum(y, -1e-4), 1e4).astype(np.float32)
    ground_x, ground_z = x * distance, z * distance
    ground = ground_z < _HEDGE_DISTANCE
    ground_x, ground_z = np.where(ground, ground_x, 0.0), np.where(ground, ground_z, _HEDGE_DISTANCE)
    upright = np.float32(_HEDGE_DISTANCE) / z
    albedo = np.where(
        ground[..., None],
        _ground(noise, rng, ground_x, ground_z),
        _background(noise, x * upright, _single(camera.altitude + y * upright)),
    )
    shade = _dapples(noise, ground_x, ground_z)
    light = np.where(ground, shade, 0.75)
    size = (camera.width, camera.height)
    albedo, light, receives = (
        cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA) for plane in (albedo, light, ground)
    )
    return _with_props(camera, make_props(rng), _single(albedo), _single(light), _single(receives))


def _single(array: NDArray[Any]) -> FloatImage:
    return np.asarray(array, np.float32)


def _with_props(
    camera: Camera, props: list[Prop], albedo: FloatImage, light: FloatImage, receives: FloatImage
) -> Backdrop:
    shadow = np.zeros(light.shape, np.uint8)
    for prop in props:
        cast_shadow(camera, prop.solid, shadow)
    softness = max(0.6, camera.focal / 250)
    soft = cv2.GaussianBlur(shadow, (0, 0), softness).astype(np.float32) / 255
    sun_at = light * (1 - 0.9 * soft * receives)
    foliage = np.clip(2.2 * light * (1 - light), 0, 0.5) * receives
    lit, statics = sun_at.copy(), []
    for prop in sorted(props, key=lambda prop: -prop.place[1]):
        sprite = paint(camera, prop.solid, prop.grain, (prop.place[0], 1.0, prop.place[1]))
        if sprite is None:
            continue
        rows, columns = sprite.region
        cover = sprite.alpha
        albedo[rows, columns] = albedo[rows, columns] * (1 - cover) + sprite.colour
        lit[rows, columns] = lit[rows, columns] * (1 - cover[..., 0]) + 0.8 * cover[..., 0]
        receives[rows, columns] *= 1 - cover[..., 0]
        foliage[rows, columns] = np.maximum(foliage[rows, columns], cover[..., 0] * prop.leafy)
        depth = float(camera.project(np.array([[prop.place[0], 0.0, prop.place[1]]]))[1][0])
        statics.append(StaticProp(sprite, depth))
    albedo = albedo * _vignette(camera)[..., None]
    shaded, sunlit = _single(albedo * AMBIENT), _single(albedo * SUNLIGHT * lit[..., None])
    return Backdrop(shaded, sunlit, receives, _single(sun_at), _single(foliage), tuple(statics))


def _vignette(camera: Camera) -> FloatImage:
    rows = np.linspace(-1, 1, camera.height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, camera.width, dtype=np.float32)[None]
    return _single(1 - 0.11 * (rows**2 + columns**2))


def _ground(noise: Noise, rng: np.random.Generator, x: FloatImage, z: FloatImage) -> FloatImage:
    along, across = path_coordinates(x, z)
    edge = np.abs(across)
    wobble = 0.05 * noise(along * 6, across * 6, 2)
    paving = _paving(noise, rng, along, across)
    lawn = _lawn(noise, x, z, along, edge)
    kerb = np.full(3, 150, np.float32) * (1 + 0.06 * noise(along * 14, across * 14, 2))[..., None]
    kerb *= np.where(np.mod(along, 1.0) < 0.035, 0.72, 1.0)[..., None]
    inside = edge[..., None] < PATH_HALF_WIDTH
    stone = edge[..., None] < PATH_HALF_WIDTH + 0.16 + 0.25 * wobble[..., None]
    gap = np.where(np.abs(edge - PATH_HALF_WIDTH) < 0.03, 0.7, 1.0)[..., None]
    return _single(np.where(inside, paving, np.where(stone, kerb, lawn)) * gap)


def _paving(noise: Noise, rng: np.random.Generator, along: FloatImage, across: FloatImage) -> FloatImage:
    tones = rng.normal(1, 0.045, (64, 16)).astype(np.float32)
    course = np.floor(across / 0.735).astype(int)
    shifted = along + 0.6 * np.mod(course, 2)
    slab = tones[np.mod(np.floor(shifted / 1.2).astype(int), 64), np.mod(course, 16)]
    joint = (np.mod(shifted, 1.2) < 0.03) | (np.mod(across, 0.735) < 0.03)
    stains = np.clip(noise(along * 3 + 11, across * 3, 4) - 0.9, 0, 2)
    tone = slab * (1 + 0.045 * noise(along * 24, across * 24, 3) + 0.05 * noise(along * 2, across * 2, 3))
    tone *= np.where(joint, 0.76, 1.0) * (1 - 0.09 * stains)
    # Feet wear and clean the middle; dirt gathers along the kerb.
    tone *= 1.04 - 0.12 * np.clip(np.abs(across) / PATH_HALF_WIDTH - 0.5, 0, 1)
    return _single(tone[..., None] * np.array((166, 158, 147), np.float32))


def _lawn(noise: Noise, x: FloatImage, z: FloatImage, along: FloatImage, edge: FloatImage) -> FloatImage:
    blades = noise(x * 40, z * 22, 3, 0.8)
    patches = noise(x * 2.2 + 40, z * 2.2, 4)
    stripes = np.where(np.mod(x * 0.35 + z * 0.94, 3.0) < 1.5, 1.03, 0.97)
    tone = (1 + 0.13 * blades + 0.07 * patches) * stripes
    dry = np.clip(0.35 * patches + 0.12, 0, 0.7)[..., None]
    worn = np.clip(1 - (edge - PATH_HALF_WIDTH) / 0.5 + 0.35 * noise(along * 5, edge * 5, 3), 0, 0.75)[..., None]
    green, straw, soil = (np.array(c, np.float32) for c in ((86, 108, 58), (128, 124, 76), (112, 98, 74)))
    colour = green * (1 - dry) + straw * dry
    return _single((colour * (1 - worn) + soil * worn) * tone[..., None])


def _background(noise: Noise, x: FloatImage, y: FloatImage) -> FloatImage:
    """A clipped hedge, and the house behind it, on the upright plane at the end of the lawn."""
    brick = 1 + 0.05 * noise(x * 9, y * 9, 3) + 0.05 * noise(x * 1.2, y * 1.2, 3)
    brick *= np.where((np.mod(y, 0.30) < 0.05), 0.90, 1.0)
    wall = brick[..., None] * np.array((142, 112, 94), np.float32)
    column, level = np.mod(x + 0.6, 3.4), np.mod(y - 2.3, 3.1)
    window = (column < 1.5) & (level < 1.7)
    frame = (np.abs(column - 0.75) > 0.66) | (np.abs(level - 0.85) > 0.76) | (np.abs(column - 0.75) < 0.05)
    reflection = 1 + 0.35 * noise(x * 1.5 + 7, y * 2.0, 3)
    glass = reflection[..., None] * np.array((70, 82, 92), np.float32)
    pane = np.where(frame[..., None], np.array((176, 172, 164), np.float32), glass)
    wall = np.where(window[..., None], pane, wall)
    leaves = noise(x * 12, y * 12, 4, 0.8)
    lit_from_above = np.clip(0.72 + 0.22 * y, 0.6, 1.1)
    hedge = ((1 + 0.24 * leaves) * lit_from_above)[..., None] * np.array((58, 78, 46), np.float32)
    top = 1.75 + 0.10 * noise(x * 3, np.zeros_like(x), 3)
    return _single(np.where((y < top)[..., None], hedge, wall))


def _dapples(noise: Noise, x: FloatImage, z: FloatImage) -> FloatImage:
    """Share of the sun on the ground: less in the broken shade of a tree outside the picture."""
    reach = ((x - 2.6) / 3.0) ** 2 + ((z - 7.2) / 2.4) ** 2 + 0.18 * noise(x * 3, z * 3, 3)
    crown = 1 / (1 + np.exp(np.clip(9 * (reach - 1), -30, 30)))
    holes = 1 / (1 + np.exp(-5 * (noise(x * 5 + 3, z * 5, 3) - 0.8)))
    return _single(1 - 0.75 * crown * (1 - 0.8 * holes))
