"""One clip of the generated scene, frame by frame."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.walkway.actors import Crowd, Scripted
from oddlens.datasets.walkway.anomalies import Anomaly, cast
from oddlens.datasets.walkway.backdrop import AMBIENT, SUNLIGHT, Backdrop, make_backdrop
from oddlens.datasets.walkway.camera import Camera
from oddlens.datasets.walkway.light import Clouds, Sensor, Wind
from oddlens.datasets.walkway.people import Place
from oddlens.datasets.walkway.shapes import Solid, Sprite, Vector, cast_shadow, paint
from oddlens.errors import SettingsError

SMALLEST = 32
"""Fewest pixels a side."""
_VISIBLE_SHARE = 1e-3
_SHADOW_DEPTH = 0.92
_WAY_GIVEN = {"cart": 5, "cyclist": 5, "runner": 5, "lawn": 2, "bag": 2}
_FOREWARNING = 8.0
"""Seconds before an anomaly from which on fewer walkers set out."""


@dataclass(frozen=True)
class _Presence:
    """An actor at an instant."""

    place: Place
    solid: Solid
    grain: NDArray[np.float32]
    anomaly: int | None
    depth: float


@dataclass
class Clip:
    """A clip to be rendered once, from the first frame to the last, in constant memory.

    Args:
        seed: decides walkers, light and noise.
        frames: how many.
        width, height: size in pixels, 32 or more.
        fps: frames a second.
        anomalies: what goes wrong, and when.
        scene: decides the place (textures, foliage, the camera's own pattern), not who passes.

    Raises:
        SettingsError: no frames, too small a size, no frame rate, or an unknown anomaly.
    """

    seed: int
    frames: int
    width: int = 320
    height: int = 240
    fps: float = 12.5
    anomalies: Sequence[Anomaly] = ()
    scene: int = 0
    extents: list[tuple[int, int] | None] = field(init=False)
    """First frame and last frame + 1 in which each anomaly has been seen so far, `None` = not yet."""

    def __post_init__(self) -> None:
        _validate(self.frames, self.width, self.height, self.fps)
        self._camera = Camera(self.width, self.height)
        self._casting: list[Scripted] = []
        self.extents = [None] * len(self.anomalies)
        for number, anomaly in enumerate(self.anomalies):
            rng = np.random.default_rng([self.seed, 0xA0, number])
            self._casting += cast(anomaly, number, self._camera, self.fps, self.frames, rng)

    def render(self) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
        """Yield `(image uint8 (H, W, 3) RGB, mask bool (H, W))`; every call gives the same frames."""
        streams = [np.random.default_rng([self.seed, stream]) for stream in range(4)]
        backdrop = _backdrop(self.width, self.height, self.scene)
        pattern = np.random.default_rng([self.scene, 0xF1])
        sensor = Sensor(streams[0], pattern, self.width, self.height)
        clouds, crowd = Clouds(streams[1]), Crowd(streams[2], self._camera.visible_path(), self._kept_away(0))
        wind = Wind(streams[3], self.width, self.height)
        self.extents = [None] * len(self.anomalies)
        for index in range(self.frames):
            time = index / self.fps
            scripted = self._present(time)
            crowd.advance(1 / self.fps, self._kept_away(index))
            everyone = scripted + [
                self._presence(place := walker.place(), walker.solid(place), walker.look.grain, None)
                for walker in crowd.walkers
            ]
            sunshine = clouds.sunshine(time) * (1 + wind.flutter(time) * backdrop.foliage)
            level, owners = _compose(self._camera, backdrop, everyone, sunshine)
            mask = self._mask(owners, index)
            yield sensor.expose(level), mask

    def _kept_away(self, index: int) -> int:
        """Walkers fewer because of fast traffic, now or soon: else total motion would give it away."""
        early = round(_FOREWARNING * self.fps)
        running = [a for a in self.anomalies if a.start - early <= index < a.end - early // 3]
        return max((_WAY_GIVEN[a.kind] for a in running), default=0)

    def _present(self, time: float) -> list[_Presence]:
        found = []
        for actor in self._casting:
            place = actor.place(time)
            if place is not None and self._camera.sees(place.x, place.z, margin=2.0):
                found.append(self._presence(place, actor.solid(time, place), actor.grain, actor.anomaly))
        return found

    def _presence(self, place: Place, solid: Solid, grain: NDArray[np.float32], anomaly: int | None) -> _Presence:
        depth = float(self._camera.project(np.array([[place.x, 0.0, place.z]]))[1][0])
        return _Presence(place, solid, grain, anomaly, depth)

    def _mask(self, owners: NDArray[np.uint8], index: int) -> NDArray[np.bool_]:
        """Pixels of the anomalies large enough to be seen; too small ones are taken out."""
        mask = owners > 0
        if not mask.any():
            return mask
        fewest = max(4, round(_VISIBLE_SHARE * mask.size))
        for number, count in enumerate(np.bincount(owners.ravel(), minlength=len(self.anomalies) + 1)[1:]):
            if 0 < count < fewest:
                mask &= owners != number + 1
            elif count:
                first = self.extents[number][0] if self.extents[number] else index  # type: ignore[index]
                self.extents[number] = (first, index + 1)
        return mask


def render_clip(
    seed: int,
    frames: int,
    width: int = 320,
    height: int = 240,
    fps: float = 12.5,
    anomalies: Sequence[Anomaly] = (),
    scene: int = 0,
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
    """Yield the frames and masks of one clip of the generated scene; arguments as of `Clip`.

    Example:
        >>> image, mask = next(render_clip(0, 1, 64, 48))
        >>> image.shape, mask.shape, bool(mask.any())
        ((48, 64, 3), (48, 64), False)
    """
    return Clip(seed, frames, width, height, fps, anomalies, scene).render()


def _validate(frames: int, width: int, height: int, fps: float) -> None:
    if frames < 1:
        raise SettingsError(f"frames {frames}", "is not a length", "ask for 1 frame or more")
    if min(width, height) < SMALLEST:
        raise SettingsError(f"size {width}x{height}", "is too small", f"use {SMALLEST} pixels a side or more")
    if not 1 <= fps <= 240:
        raise SettingsError(f"fps {fps}", "is not a frame rate", "give between 1 and 240 frames a second")


@lru_cache(maxsize=4)
def _backdrop(width: int, height: int, scene: int) -> Backdrop:
    return make_backdrop(Camera(width, height), scene)


def _compose(
    camera: Camera, backdrop: Backdrop, everyone: list[_Presence], sunshine: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Scene levels `float32 (H, W, 3)` and the number + 1 of the anomaly that each pixel shows, 0 = none.

    `sunshine` `(H, W)` is the share of the sun that clouds and leaves let through.
    """
    shadow = np.zeros((camera.height, camera.width), np.uint8)
    for one in everyone:
        cast_shadow(camera, one.solid, shadow)
    softness = max(0.5, camera.focal / 330)
    sun = cv2.GaussianBlur(shadow, (0, 0), softness).astype(np.float32)
    sun = sunshine * (1 - np.float32(_SHADOW_DEPTH / 255) * sun * backdrop.receives)
    empty = backdrop.shaded + backdrop.sunlit * sun[..., None]
    level, owners = empty.copy(), np.zeros(shadow.shape, np.uint8)
    everyone = sorted(everyone, key=operator.attrgetter("depth"), reverse=True)
    props = list(backdrop.props)
    for one in everyone:
        while props and props[0].depth > one.depth:
            props.pop(0)  # farther than everyone still to come: never covers them
        anchor: Vector = (one.place.x, 1.0, one.place.z)
        sprite = paint(camera, one.solid, one.grain, anchor)
        if sprite is None:
            continue
        _lay(level, owners, sprite, _light_on(camera, backdrop, one.place, sunshine), one.anomaly)
        for prop in props:
            _cover(level, owners, empty, prop.sprite, sprite)
    return level, owners


def _light_on(camera: Camera, backdrop: Backdrop, place: Place, sunshine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Light `(3,)` on somebody, from the shade at their feet."""
    image, _ = camera.project(np.array([[place.x, 0.0, place.z]]))
    column = int(np.clip(image[0, 0], 0, camera.width - 1))
    row = int(np.clip(image[0, 1], 0, camera.height - 1))
    sun = 0.25 + 0.75 * float(backdrop.sun_at[row, column])
    return AMBIENT + SUNLIGHT * np.float32(float(sunshine[row, column]) * sun)


def _lay(
    level: NDArray[np.float32],
    owners: NDArray[np.uint8],
    sprite: Sprite,
    light: NDArray[np.float32],
    anomaly: int | None,
) -> None:
    rows, columns = sprite.region
    under = level[rows, columns]
    under *= 1 - sprite.alpha
    under += sprite.colour * light
    owners[rows, columns][sprite.alpha[..., 0] > 0.5] = 0 if anomaly is None else anomaly + 1


def _cover(
    level: NDArray[np.float32],
    owners: NDArray[np.uint8],
    empty: NDArray[np.float32],
    prop: Sprite,
    sprite: Sprite,
) -> None:
    """Put the part of a nearer prop that a just painted sprite has overwritten back in front of it."""
    (top, bottom), (left, right) = (
        (max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(prop.region, sprite.region)
    )
    if top >= bottom or left >= right:
        return
    alpha = prop.alpha[top - prop.top : bottom - prop.top, left - prop.left : right - prop.left]
    if not alpha.any():
        return
    under = level[top:bottom, left:right]
    under += (empty[top:bottom, left:right] - under) * alpha
    owners[top:bottom, left:right][alpha[..., 0] > 0.5] = 0
