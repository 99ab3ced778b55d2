"""Appearance classes: OddLens's own stand-in for a segmentation network, learned from footage and without weights.

Not part of the paper. Cells of 4x4 pixels are told apart by colour, gradient and place; k-means makes 21 classes of
them, as many as DeepLabv3 knows, so that the maps fit the same networks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from oddlens.nn.k_means import k_means, nearest
from oddlens.sampling.clips import FrameRun
from oddlens.types import Image

CLASSES = 21
STRIDE = 4
_FEATURES = 7
_PLACE_WEIGHT = 0.5
"""Place counts half as much as the rest: a class may lie in several places, but not anywhere."""
_FRAMES = 256
_CELLS = 128
"""So many frames are looked at, and of each so many cells at random and as many of those that change most."""
_ROUNDS = 20


class AppearanceClasses(nn.Module):
    """Soft membership of every cell of a frame in classes learned from the footage; buffers alone, no parameters."""

    mean: Tensor
    deviation: Tensor
    centres: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(_FEATURES))
        self.register_buffer("deviation", torch.ones(_FEATURES))
        self.register_buffer("centres", torch.zeros(CLASSES, _FEATURES))
        self.register_buffer("spread", torch.zeros(()))

    @torch.no_grad()
    def learn(self, runs: Sequence[FrameRun], seed: int = 0) -> None:
        """Learn the classes from frames spread evenly over `runs`; the same footage gives the same classes.

        Half of what k-means sees are the cells that change most from one frame to the next: most of a fixed camera's
        picture is background, which would have all classes to itself.
        """
        points = torch.from_numpy(_sample(runs, np.random.default_rng(seed)))
        self.mean.copy_(points.mean(dim=0))
        self.deviation.copy_(points.std(dim=0, correction=0).clamp_min(1e-4))
        scaled = self._scaled(points)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            centres = k_means(scaled, CLASSES, _ROUNDS)
        self.centres.copy_(centres)
        distance = (scaled - centres[nearest(scaled, centres)]).square().sum(dim=1).mean()
        self.spread.copy_(distance.clamp_min(1e-4))

    @torch.no_grad()
    def membership(self, image: Image) -> NDArray[np.float16]:
        """Membership in each class, 0..1 and 1 in all, of the cells of a frame `uint8 (H, W, C)`.

        It falls with the squared distance to the centre of a class, in units of the footage's mean squared distance to
        the nearest centre. A frame without content of its own gets what is nearest.

        Returns:
            `(21, ceil(H / 4), ceil(W / 4))`.
        """
        if not float(self.spread):
            raise RuntimeError("learn the classes first, or load them")
        cells = cell_features(image)
        points = self._scaled(torch.from_numpy(cells.reshape(-1, _FEATURES)).to(self.centres.device))
        distance = (points[:, None] - self.centres).square().sum(dim=2) / self.spread
        shares = (-distance).softmax(dim=1).t().reshape(CLASSES, *cells.shape[:2])
        return shares.cpu().numpy().astype(np.float16)

    def fingerprint(self) -> str:
        """SHA-256 of the classes, so that others make another store."""
        digest = hashlib.sha256()
        for buffer in self.buffers():
            digest.update(buffer.detach().cpu().numpy().tobytes())
        return digest.hexdigest()

    def _scaled(self, points: Tensor) -> Tensor:
        weights = torch.ones(_FEATURES, device=points.device)
        weights[-2:] = _PLACE_WEIGHT
        return (points - self.mean) / self.deviation * weights


def cell_features(image: Image) -> NDArray[np.float32]:
    """What tells cells apart: brightness, two colour differences, gradient across and down, and place.

    Args:
        image: `uint8 (H, W, C)`, C = 1 grey or 3 RGB; grey has no colour differences.

    Returns:
        `float32 (ceil(H / 4), ceil(W / 4), 7)`, everything within -1..1.
    """
    levels = image.astype(np.float32) / 255
    grey = levels.mean(axis=2)
    across, down = (np.abs(cv2.Sobel(grey, cv2.CV_32F, *order)) / 4 for order in ((1, 0), (0, 1)))
    red, green, blue = levels[..., 0], levels[..., levels.shape[2] // 2], levels[..., -1]
    planes = np.stack([grey, red - green, (red + green) / 2 - blue, across, down], axis=2)
    rows, columns = (-(-side // STRIDE) for side in grey.shape)
    below, right = (-side % STRIDE for side in grey.shape)
    whole = np.pad(planes, ((0, below), (0, right), (0, 0)), mode="edge")  # the last cells may lie half outside
    cells = whole.reshape(rows, STRIDE, columns, STRIDE, -1).mean(axis=(1, 3))
    place = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    return np.concatenate([cells, np.stack(place, axis=2)], axis=2).astype(np.float32)


def _sample(runs: Sequence[FrameRun], rng: np.random.Generator) -> NDArray[np.float32]:
    """Features `(N, 7)` of cells of frames all over `runs`."""
    ends = np.cumsum([len(run) for run in runs])
    chosen = np.unique(np.linspace(0, ends[-1] - 1, min(_FRAMES, int(ends[-1]))).round().astype(int))
    points = []
    for number in chosen:
        index = int(np.searchsorted(ends, number, side="right"))
        frames = runs[index].frames
        place = int(number - (ends[index] - len(frames)))
        cells = cell_features(frames[place])
        other = cell_features(frames[place + 1 if place + 1 < len(frames) else max(0, place - 1)])
        change = np.abs(cells - other).sum(axis=2).ravel()
        flat = cells.reshape(-1, _FEATURES)
        points.append(flat[rng.integers(len(flat), size=_CELLS)])
        points.append(flat[np.argsort(-change, kind="stable")[:_CELLS]])
    return np.concatenate(points)
