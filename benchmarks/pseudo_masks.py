"""Patch pseudo anomalies of a clip, against the mask computed pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Comparison, Result, compare, duration, report
from oddlens.methods.lnra.masks import MASKS, PatchKind
from oddlens.methods.lnra.pseudo import Patch, PseudoAnomaly, blend_patch, draw_patch
from oddlens.types import SamplingSpec

GOAL = 0.005
"""Seconds a clip."""
_KINDS: tuple[PatchKind, ...] = ("smoothmix-s", "smoothmix-c", "cutmix", "mixup-patch")


def run(quick: bool = False) -> list[Result]:
    """Draw, mask and blend a walking patch into 16 frames of 256x256, for each kind of mask."""
    side, clips, repetitions = (32, 2, 1) if quick else (256, 20, 9)
    spec = SamplingSpec(height=side, width=side, length=16)
    return [_of_kind(kind, spec, clips, repetitions) for kind in _KINDS]


def _of_kind(kind: PatchKind, spec: SamplingSpec, clips: int, repetitions: int) -> Result:
    rng = np.random.default_rng(0)
    settings = PseudoAnomaly(kind=kind)
    clip = rng.uniform(-1, 1, (1, spec.length, spec.height, spec.width)).astype(np.float32)
    intruder = rng.uniform(-1, 1, (1, 1, spec.height, spec.width)).astype(np.float32)
    patch = draw_patch(rng, settings, spec)
    _check(kind, patch, spec)

    def ours() -> None:
        for _ in range(clips):
            blend_patch(clip, intruder, draw_patch(rng, settings, spec), kind)

    found = compare(ours, lambda: _looped_mask(kind, patch, 0, spec), repetitions)
    return _result(kind, found, clips, spec)


def _result(kind: PatchKind, found: Comparison, clips: int, spec: SamplingSpec) -> Result:
    ours, looped = found.ours.wall / clips, found.baseline.wall * spec.length
    return Result(
        f"pseudo anomaly {kind}, 16 frames of {spec.width}x{spec.height}",
        duration(ours),
        f"{duration(looped)}: masks alone, a loop over pixels (one mask measured, times {spec.length})",
        f"{duration(ours)} a clip, {looped / ours:.0f}x faster",
        f"under {duration(GOAL)} a clip",
        ours < GOAL,
        f"{spec.length * clips / found.cpu_ratio:.0f}x",
    )


def _looped_mask(kind: PatchKind, patch: Patch, frame: int, spec: SamplingSpec) -> NDArray[np.float32]:
    """The mask of one frame, written as the formulas stand: one pixel after the other."""
    mask = np.zeros((spec.height, spec.width), np.float32)
    x, y = int(patch.x[frame]), int(patch.y[frame])
    for row in range(spec.height):
        for column in range(spec.width):
            if kind == "smoothmix-c":
                exponent = (column - x) ** 2 / (2 * patch.width**2) + (row - y) ** 2 / (2 * patch.height**2)
                mask[row, column] = math.exp(-exponent)
            elif kind == "smoothmix-s":
                across = _ramp(column, x, patch.width, spec.width)
                mask[row, column] = across * _ramp(row, y, patch.height, spec.height)
            else:
                inside = _in_box(column, x, patch.width, spec.width) and _in_box(row, y, patch.height, spec.height)
                mask[row, column] = inside * (0.5 if kind == "mixup-patch" else 1.0)
    return mask


def _ramp(position: int, centre: int, side: int, extent: int) -> float:
    low, high = max(0, centre - side // 2), min(extent, centre + side // 2)
    width = 0.1 * (side // 2)
    value = (position - low + width) / width if position < centre else (high + width - position) / width
    return min(1.0, max(0.0, value))


def _in_box(position: int, centre: int, side: int, extent: int) -> bool:
    low = min(max(0, centre - side // 2), extent)
    return low <= position < min(low + side, extent)


def _check(kind: PatchKind, patch: Patch, spec: SamplingSpec) -> None:
    """Both ways make the same mask, or the comparison means nothing."""
    ours = MASKS[kind](patch.x, patch.y, patch.width, patch.height, (spec.height, spec.width))
    np.testing.assert_allclose(ours[0], _looped_mask(kind, patch, 0, spec), atol=1e-5)


if __name__ == "__main__":
    report(run())
