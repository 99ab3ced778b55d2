"""Patch masks of LNRA: where, and how strongly, an intruder covers each frame of a clip.

Every function takes the centres of the patch in T frames, `int (T,)` each, and its size in pixels, and returns
`float32 (T, height, width)` in [0, 1]. All are outer products of two one-dimensional profiles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Centres: TypeAlias = NDArray[np.int64]
Profile: TypeAlias = NDArray[np.float64]
PatchKind: TypeAlias = Literal["smoothmix-s", "smoothmix-c", "cutmix", "mixup-patch"]

_RAMP = 0.1
"""Width of SmoothMixS's ramp, as a share of half the patch."""


def smoothmix_s(
    x: Centres, y: Centres, patch_width: int, patch_height: int, size: tuple[int, int]
) -> NDArray[np.float32]:
    """SmoothMixS: 1 on the box, a linear ramp just outside it; no ramp where the frame cuts the box."""
    return _outer(_ramp_profile(y, patch_height, size[0]), _ramp_profile(x, patch_width, size[1]))


def smoothmix_c(
    x: Centres, y: Centres, patch_width: int, patch_height: int, size: tuple[int, int]
) -> NDArray[np.float32]:
    """SmoothMixC: a Gaussian around the centre whose standard deviations are the patch's sides."""
    rows = _gaussian_profile(y, patch_height, size[0])
    return _outer(rows, _gaussian_profile(x, patch_width, size[1]))


def cutmix(x: Centres, y: Centres, patch_width: int, patch_height: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """CutMix: a hard box; one cut by the left or top border keeps its size, by the right or bottom it shrinks."""
    return _outer(_box_profile(y, patch_height, size[0]), _box_profile(x, patch_width, size[1]))


def mixup_patch(
    x: Centres, y: Centres, patch_width: int, patch_height: int, size: tuple[int, int]
) -> NDArray[np.float32]:
    """MixUp-patch: CutMix's box at half strength."""
    return cutmix(x, y, patch_width, patch_height, size) * np.float32(0.5)


MASKS: dict[PatchKind, Callable[[Centres, Centres, int, int, tuple[int, int]], NDArray[np.float32]]] = {
    "smoothmix-s": smoothmix_s,
    "smoothmix-c": smoothmix_c,
    "cutmix": cutmix,
    "mixup-patch": mixup_patch,
}


def _ramp_profile(centre: Centres, side: int, extent: int) -> Profile:
    half = side // 2
    low = np.clip(centre - half, 0, extent)[:, None]
    high = np.clip(centre + half, 0, extent)[:, None]
    ramp = _RAMP * half
    position = np.arange(extent)[None, :]
    rising = (position - (low - ramp)) / ramp
    falling = ((high + ramp) - position) / ramp
    return np.clip(np.where(position < centre[:, None], rising, falling), 0.0, 1.0)


def _gaussian_profile(centre: Centres, deviation: int, extent: int) -> Profile:
    distance = np.arange(extent)[None, :] - centre[:, None]
    return np.exp(-(distance**2) / (2.0 * deviation**2))


def _box_profile(centre: Centres, side: int, extent: int) -> Profile:
    low = np.clip(centre - side // 2, 0, extent)
    high = np.clip(low + side, 0, extent)
    position = np.arange(extent)[None, :]
    return ((position >= low[:, None]) & (position < high[:, None])).astype(np.float64)


def _outer(rows: Profile, columns: Profile) -> NDArray[np.float32]:
    return rows.astype(np.float32)[:, :, None] * columns.astype(np.float32)[:, None, :]
