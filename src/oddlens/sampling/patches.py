"""Patches (STCs): small clips cut round the foreground boxes of a frame, from a window of frames at native size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.types import Image

_Level = TypeVar("_Level", np.uint8, np.float32)
Boxes = NDArray[np.float32]
"""`float32 (n, 4)`: left, top, right, bottom in pixels of the frame."""


@dataclass(frozen=True)
class PatchSpec:
    """What one patch is (LBR-SPR, section "localization based reconstruction")."""

    side: int = 32
    """Pixels a side after resizing."""
    context: int = 2
    """Frames on each side of the box's own: a patch has `2 * context + 1`."""
    flow: bool = False
    """Whether the optical flow of the same frames is cut along."""
    units: Literal["native", "flownet512"] = "flownet512"
    """Unit of the flow's vectors: pixels of the frame, or of a 512x384 one as in the paper."""
    rows: int = 1
    """Blocks the frame is divided into, from top to bottom; each has a model of its own."""
    columns: int = 1
    first_flow: Literal["next", "zero"] = "next"
    """Flow of a video's first frame: that of the frame after, or none (official)."""

    @property
    def length(self) -> int:
        """Frames in a patch."""
        return 2 * self.context + 1

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return self.rows * self.columns

    @property
    def latency(self) -> int:
        """Frames a live camera must deliver after the scored one: its context, and the flow of the last of it."""
        return self.context + 1 if self.flow else max(self.context, 1)


@dataclass(frozen=True)
class FramePatches:
    """All patches of one frame."""

    index: int
    size: tuple[int, int]
    """Height and width of the frame as decoded."""
    boxes: Boxes
    """Only those that hold a pixel, in the order found."""
    blocks: NDArray[np.int64]
    """Block of each box, row by row."""
    raw: NDArray[np.uint8]
    """`uint8 (n, side, side, length * C)`, C = 1 (grey) or 3 (blue, green, red), frame after frame."""
    flow: NDArray[np.float16] | None = None
    """`float16 (n, side, side, length * 2)`: u, v, frame after frame."""


def context_indices(index: int, context: int, frames: int) -> NDArray[np.int64]:
    """Frames of the patch at `index`, clamped to a video of `frames` (the paper's "hard" border).

    Example:
        >>> context_indices(0, 2, 10).tolist(), context_indices(8, 2, 10).tolist()
        ([0, 0, 0, 1, 2], [6, 7, 8, 9, 9])
    """
    return np.clip(np.arange(index - context, index + context + 1), 0, frames - 1)


def whole_pixels(boxes: Boxes, size: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rows and columns that boxes cut from a frame, and which of them hold a pixel.

    All four coordinates are rounded up, right and bottom excluded, and clipped to the frame `(H, W)`.

    Returns:
        `int64 (n, 4)` left, top, right, bottom, and `bool (n,)`.

    Example:
        >>> whole_pixels(np.array([[10.2, 20.7, 50.1, 84.0], [5, 5, 5, 9]], np.float32), (240, 360))
        (array([[11, 21, 51, 84],
               [ 5,  5,  5,  9]]), array([ True, False]))
    """
    height, width = size
    limits = np.array([width, height, width, height])
    edges = np.clip(np.ceil(np.asarray(boxes, np.float64)), 0, limits).astype(np.int64)
    return edges, (edges[:, 2] > edges[:, 0]) & (edges[:, 3] > edges[:, 1])


def block_of(boxes: Boxes, size: tuple[int, int], rows: int, columns: int) -> NDArray[np.int64]:
    """Block that each box's centre lies in, counted row by row.

    Example:
        >>> block_of(np.array([[10, 20, 30, 60], [0, 0, 238, 158]], np.float32), (158, 238), 4, 1)
        array([1, 2])
    """
    centres = (np.asarray(boxes, np.float64)[:, :2] + np.asarray(boxes, np.float64)[:, 2:]) / 2
    column = np.clip((centres[:, 0] / (size[1] / columns)).astype(np.int64), 0, columns - 1)
    row = np.clip((centres[:, 1] / (size[0] / rows)).astype(np.int64), 0, rows - 1)
    return row * columns + column


def crop(frames: Sequence[NDArray[_Level]], edges: NDArray[np.int64], side: int) -> NDArray[_Level]:
    """Cut every box out of all `frames` `(H, W, C)` and resize it bilinearly: `(n, side, side, frames * C)`.

    The cuts of a box are laid behind each other as planes, so it costs one call of OpenCV (with the bytes that one call
    a frame would give), and the result is in the network's memory order.
    """
    planes = sum(frame.shape[2] for frame in frames)
    out = np.empty((len(edges), side, side, planes), frames[0].dtype)
    for place, (left, top, right, bottom) in zip(out, edges.tolist()):
        cuts = [frame[top:bottom, left:right] for frame in frames]
        if bottom - top == right - left == 2 * side:  # OpenCV halves differently, and rounds many planes otherwise
            halves = [cv2.resize(cut, (side, side), interpolation=cv2.INTER_LINEAR) for cut in cuts]
            cv2.merge(halves, dst=place)
        else:
            cv2.resize(cv2.merge(cuts), (side, side), dst=place, interpolation=cv2.INTER_LINEAR)
    return out


def cut_patches(
    index: int,
    images: Sequence[Image],
    flows: Sequence[NDArray[np.float32]],
    boxes: Boxes,
    spec: PatchSpec,
) -> FramePatches:
    """Patches of one frame.

    Args:
        index: of the frame.
        images: the `spec.length` frames of its window, RGB or grey, of one size.
        flows: their flows in native pixels; none where the spec wants none.
        boxes: of the middle frame.
        spec: what a patch is.
    """
    size = (images[0].shape[0], images[0].shape[1])
    edges, kept = whole_pixels(boxes, size)
    chosen = np.ascontiguousarray(np.asarray(boxes, np.float32)[kept])
    planes = spec.length * images[0].shape[2]
    if not len(chosen):
        flow = np.zeros((0, spec.side, spec.side, spec.length * 2), np.float16) if spec.flow else None
        return FramePatches(
            index, size, chosen, np.zeros(0, np.int64), np.zeros((0, spec.side, spec.side, planes), np.uint8), flow
        )
    raw = crop(images, edges[kept], spec.side)
    if images[0].shape[2] > 1:  # the paper's order: blue, green, red
        split = raw.reshape(*raw.shape[:3], spec.length, -1)
        raw = np.ascontiguousarray(split[..., ::-1]).reshape(raw.shape)
    flow = _cut_flow(flows, edges[kept], size, spec) if spec.flow else None
    return FramePatches(index, size, chosen, block_of(chosen, size, spec.rows, spec.columns), raw, flow)


def unit_factors(size: tuple[int, int], units: str) -> tuple[float, float]:
    """Factors from native pixels of a frame `(H, W)` to `units`, for u and v."""
    return (512 / size[1], 384 / size[0]) if units == "flownet512" else (1.0, 1.0)


def _cut_flow(
    flows: Sequence[NDArray[np.float32]], edges: NDArray[np.int64], size: tuple[int, int], spec: PatchSpec
) -> NDArray[np.float16]:
    patches = crop(flows, edges, spec.side)
    if spec.units != "native":
        patches *= np.tile(np.array(unit_factors(size, spec.units), np.float32), spec.length)
    return patches.astype(np.float16)
