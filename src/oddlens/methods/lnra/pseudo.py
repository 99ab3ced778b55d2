"""Pseudo anomalies of LNRA: clips made odd out of normal ones, whose target stays normal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from oddlens.config import Settings
from oddlens.errors import SettingsError
from oddlens.methods.lnra.masks import MASKS, Centres, PatchKind
from oddlens.sampling.clips import Clip, to_network_values, window
from oddlens.types import SamplingSpec

PAPER_SIZE = 256
"""Frame side at which the paper's pixel numbers (floor of the patch, step of its walk) hold."""
_FLOOR = 10
_REDRAWS = 10


class Random(Protocol):
    """The draws a patch needs (`numpy.random.Generator` has them)."""

    def integers(self, low: int, high: int) -> int:
        """Uniform integer in low..high-1."""
        ...

    def random(self) -> float:
        """Uniform number in [0, 1)."""
        ...


class Intruder(Protocol):
    """Where foreign picture content comes from."""

    def draw(self, rng: np.random.Generator, length: int) -> NDArray[np.float32]:
        """Content for one clip, network values, `(C, 1 or length, H, W)`: still or moving."""
        ...


@dataclass(frozen=True, kw_only=True)
class PseudoAnomaly(Settings):
    """One kind of pseudo anomaly and how often it is made."""

    kind: Literal["skip-frame", "smoothmix-s", "smoothmix-c", "cutmix", "mixup-patch"]
    probability: float = 0.2
    """p: share of training samples replaced by this kind."""
    intruder: str = "textures"
    """Patch kinds: `textures` (generated), `cifar10:DIR`, `cifar100:DIR`, `images:DIR` or `video:DIR`."""
    alpha: float = 0.5
    """Largest patch side as a share of the frame's side."""
    beta: int = 10
    """Largest step of the patch's random walk a frame, in pixels of a 256-pixel frame; 0 = it stands still."""
    strides: tuple[int, ...] = (2, 3, 4, 5)
    """Skip-frame: the frame strides to draw from."""

    def __post_init__(self) -> None:
        """Refuse values that no pseudo anomaly can have."""
        name = f"pseudo anomaly {self.kind}"
        if not 0 <= self.probability <= 1:
            raise SettingsError(name, f"probability is {self.probability}", "give a share from 0 to 1")
        if not 0 < self.alpha <= 1:
            raise SettingsError(name, f"alpha is {self.alpha}", "give a share above 0 and up to 1")
        if self.beta < 0:
            raise SettingsError(name, f"beta is {self.beta}", "give 0 or a number of pixels")
        if not self.strides or min(self.strides) < 2:
            raise SettingsError(name, f"strides are {list(self.strides)}", "give strides of 2 and more")


@dataclass(frozen=True)
class Patch:
    """A patch's centre in each frame, and its sides in pixels."""

    x: Centres
    y: Centres
    width: int
    height: int


def draw_patch(rng: Random, settings: PseudoAnomaly, spec: SamplingSpec, scale_pixels: bool = True) -> Patch:
    """Draw a patch and its random walk over the clip.

    Order of the draws: centre x, centre y, width, height, then (dx, dy) after each frame. The walk accumulates
    and is clamped to the frame, both ends included. With `scale_pixels` the floor of 10 pixels and beta shrink with
    frames smaller than the paper's 256 pixels. Source: LNRA, patch based pseudo anomalies.
    """
    extra = 1 if settings.kind == "smoothmix-c" else 0  # its centre may lie one outside the frame
    x, y = int(rng.integers(0, spec.width + extra)), int(rng.integers(0, spec.height + extra))
    width = max(_pixels(_FLOOR, spec.width, scale_pixels), int(rng.random() * settings.alpha * spec.width))
    height = max(_pixels(_FLOOR, spec.height, scale_pixels), int(rng.random() * settings.alpha * spec.height))
    step_x, step_y = settings.beta, settings.beta
    if settings.beta and scale_pixels:
        step_x, step_y = _pixels(settings.beta, spec.width, True), _pixels(settings.beta, spec.height, True)
    xs, ys = np.full(spec.length, x), np.full(spec.length, y)
    for frame in range(spec.length) if settings.beta else ():
        xs[frame], ys[frame] = x, y
        x = min(max(0, x + int(rng.integers(-step_x, step_x + 1))), spec.width)
        y = min(max(0, y + int(rng.integers(-step_y, step_y + 1))), spec.height)
    return Patch(xs, ys, width, height)


def blend_patch(
    clip: NDArray[np.float32], intruder: NDArray[np.float32], patch: Patch, kind: PatchKind
) -> NDArray[np.float32]:
    """x' = m I + (1 - m) x: the patch is a moving window on an intruder pinned to the frame.

    `clip` is `(C, T, H, W)`, `intruder` `(C, 1 or T, H, W)`.
    """
    size = (clip.shape[2], clip.shape[3])
    mask = MASKS[kind](patch.x, patch.y, patch.width, patch.height, size)
    return clip + mask[None] * (intruder - clip)


def skip_windows(
    clip: Clip, strides: Sequence[int], spec: SamplingSpec, rng: np.random.Generator, paper: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """A window sampled too fast and the ordinary one from the same start, `uint8 (T, H, W, C)` each.

    The start is the clip's own; where the fast window would leave the run, a start that fits is drawn. Strides that
    fit nowhere are left out, `None` means that none fits. With `paper` the clip is any of the training set, a start
    that does not fit is redrawn ten times over the whole video, one frame too many is admitted, and frames beyond the
    end repeat the last one.
    """
    if paper:
        return _paper_skip_windows(clip, strides, spec, rng)
    frames = clip.run.frames
    fitting = [s for s in strides if (spec.length - 1) * s * spec.stride < len(frames)]
    if not fitting:
        return None
    stride = fitting[int(rng.integers(len(fitting)))] * spec.stride
    last_start = len(frames) - 1 - (spec.length - 1) * stride
    start = clip.start if clip.start <= last_start else int(rng.integers(last_start + 1))
    return window(frames, start, spec, stride), window(frames, start, spec)


def _paper_skip_windows(
    clip: Clip, strides: Sequence[int], spec: SamplingSpec, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    counts = np.array([max(0, len(run) - spec.span + 1) for run in clip.runs])
    run = clip.runs[int(rng.choice(len(counts), p=counts / counts.sum()))]
    start = int(rng.integers(len(run) - spec.span + 1))
    stride = int(strides[int(rng.integers(len(strides)))])
    skipped, normal = paper_skip_indices(len(run), start, stride, spec.length, rng)
    return run.frames[skipped], run.frames[normal]


def paper_skip_indices(
    frames: int, start: int, stride: int, length: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frame indices of the official skip-frame rule, its off-by-one and its frozen tails included.

    Example:
        >>> skipped, normal = paper_skip_indices(40, 10, 2, 16, np.random.default_rng(0))
        >>> skipped[-3:].tolist(), normal[-1].item()
        ([36, 38, 39], 25)
    """
    for _ in range(_REDRAWS):
        if frames >= start + (length - 1) * stride:
            break
        start = int(rng.integers(frames))
    offsets = np.arange(length)
    return np.minimum(start + offsets * stride, frames - 1), np.minimum(start + offsets, frames - 1)


def choose_kind(kinds: Sequence[PseudoAnomaly], rng: np.random.Generator) -> int:
    """Index of the pseudo anomaly to make, or -1 for a normal sample: bands of [0, 1) in the order given."""
    draw, upper = rng.random(), 0.0
    for index, kind in enumerate(kinds):
        upper += kind.probability
        if draw < upper:
            return index
    return -1


def make_patch_anomaly(
    target: NDArray[np.float32],
    intruder: Intruder,
    settings: PseudoAnomaly,
    spec: SamplingSpec,
    rng: np.random.Generator,
    scale_pixels: bool,
) -> NDArray[np.float32]:
    """`target` `(C, T, H, W)` with a walking patch of the intruder blended in."""
    content = intruder.draw(rng, spec.length)
    patch = draw_patch(cast(Random, rng), settings, spec, scale_pixels)
    return blend_patch(target, content, patch, cast(PatchKind, settings.kind))


def make_skip_anomaly(
    clip: Clip, settings: PseudoAnomaly, spec: SamplingSpec, rng: np.random.Generator, paper: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Input and target `(C, T, H, W)` of a skip-frame sample, or `None` where the run is too short for any stride."""
    windows = skip_windows(clip, settings.strides, spec, rng, paper)
    if windows is None:
        return None
    return to_network_values(windows[0], spec), to_network_values(windows[1], spec)


def _pixels(at_paper_size: int, side: int, scale: bool) -> int:
    return max(2, round(at_paper_size * side / PAPER_SIZE)) if scale else at_paper_size
