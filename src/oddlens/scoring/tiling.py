"""Large photographs at full resolution: overlapping tiles are scored one by one, and their maps blended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, product
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.errors import OddLensError
from oddlens.media.resize import fit_photograph
from oddlens.types import Image

if TYPE_CHECKING:
    from oddlens.scoring.detector import Detector
    from oddlens.scoring.windows import FrameScore

Tiles: TypeAlias = NDArray[np.uint8]
"""`(B, h, w, C)`, of one photograph."""
TileScorer: TypeAlias = Callable[[Tiles], tuple[NDArray[np.floating], NDArray[np.floating]]]
"""Gives the scores `(B,)` of some tiles and their maps `(B, h', w')`, higher = odder, of a size of its own."""


class TiledScore(NamedTuple):
    """What a photograph scores in tiles."""

    score: float
    """Of its oddest tile."""
    map: NDArray[np.float32]
    """`(H, W)`, of the photograph's own size."""
    tile: tuple[int, int, int, int]
    """The oddest tile: left, top, right, bottom, right and bottom excluded."""


class _Axis(NamedTuple):
    """Where tiles start along one side, and how much each of their pixels counts; the weights at a pixel sum to 1."""

    starts: NDArray[np.int64]
    weights: NDArray[np.float32]
    """`(tiles, length of a tile)`."""


def score_tiled(
    image: Image,
    scorer: TileScorer,
    tile: tuple[int, int] = (256, 256),
    *,
    overlap: float = 0.25,
    margin: int = 0,
    batch_size: int = 8,
) -> TiledScore:
    """Score a photograph of any size tile by tile; besides its map no more than a batch of tiles is held.

    Tiles are spread evenly, so that neighbours share at least `overlap` of their sides, and their maps fade into each
    other there. A photograph that is smaller than a tile along a side has one, as large as itself.

    The score of the oddest tile is the highest of many, so a threshold holds only for photographs that were scored in
    as many tiles: calibrate with tiles as well.

    Args:
        image: `uint8 (H, W, C)`.
        scorer: called with batches of tiles of one size. Its maps are stretched bilinearly over the tiles.
        tile: height and width of a tile in pixels.
        overlap: share of a tile's side that neighbours have in common at least, 0 to below 1.
        margin: pixels along an inner edge of a tile whose map does not count, because the scorer sees too little
            around them; less than half of the overlap.
        batch_size: tiles in one call.

    Raises:
        ValueError: sizes that make no sense, or a margin that the overlap does not cover.
        OddLensError: a tile's score or map is not finite.
    """
    if image.ndim != 3 or not image.size:
        raise ValueError(f"an image must be (height, width, channels), not {image.shape}")
    if min(tile) < 1 or not 0 <= overlap < 1 or margin < 0 or batch_size < 1:
        raise ValueError("tiles, overlap, margin and batch size must be sensible")
    rows, columns = (_axis(length, side, overlap, margin) for length, side in zip(image.shape[:2], tile))
    height, width = rows.weights.shape[1], columns.weights.shape[1]
    blended = np.zeros(image.shape[:2], np.float32)
    best, oddest = -np.inf, (0, 0, width, height)
    places = product(range(len(rows.starts)), range(len(columns.starts)))
    for batch in _batches(places, batch_size):
        corners = [(int(rows.starts[row]), int(columns.starts[column])) for row, column in batch]
        scores, maps = scorer(np.stack([image[top : top + height, left : left + width] for top, left in corners]))
        for (row, column), (top, left), score, map in zip(batch, corners, scores, maps, strict=True):
            box = (left, top, left + width, top + height)
            _check(float(score), map, box)
            weights = rows.weights[row][:, None] * columns.weights[column]
            blended[top : top + height, left : left + width] += _stretched(map, (height, width)) * weights
            if score > best:
                best, oddest = float(score), box
    return TiledScore(best, blended, oddest)


def tile_scorer(detector: Detector) -> TileScorer:
    """Scores tiles as photographs of their own, each brought to the detector's size.

    Raises:
        OddLensError: (when called) the method gives no maps.
    """
    spec, scorer = detector.method.sampling, detector.scorer(details=True)

    def score(tiles: Tiles) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        found: list[FrameScore] = []
        for tile in tiles:
            found += scorer.push(fit_photograph(tile, spec.height, spec.width, spec.channels))
        found += scorer.finish()
        maps = [item.map for item in found if item.map is not None]
        if len(maps) < len(found):
            raise OddLensError(detector.name, "gives no maps, so nothing can be blended", "score whole photographs")
        return np.array([item.score for item in found], np.float64), np.stack(maps)

    return score


def tile_count(height: int, width: int, tile: tuple[int, int] = (256, 256), overlap: float = 0.25) -> int:
    """How many tiles `score_tiled` looks at.

    Example:
        >>> tile_count(3000, 4000), tile_count(200, 256)
        (336, 1)
    """
    return len(_starts(height, tile[0], overlap)) * len(_starts(width, tile[1], overlap))


def _starts(length: int, side: int, overlap: float) -> NDArray[np.int64]:
    step = max(int(side * (1 - overlap)), 1)
    parts = 1 if length <= side else 1 + -(-(length - side) // step)
    return np.linspace(0, max(length - side, 0), parts).round().astype(np.int64)


def _axis(length: int, side: int, overlap: float, margin: int) -> _Axis:
    starts, side = _starts(length, side, overlap), min(side, length)
    shared = side - int(np.diff(starts).max()) if len(starts) > 1 else side
    if margin and len(starts) > 1 and shared <= 2 * margin:
        raise ValueError(f"tiles share {shared} pixels, which a margin of {margin} on both sides uses up")
    inside = np.arange(side) + 0.5
    weights = np.ones((len(starts), side))
    ramp = max(shared - 2 * margin, 1)
    weights[1:] = np.minimum(weights[1:], np.clip((inside - margin) / ramp, 0, 1))
    weights[:-1] = np.minimum(weights[:-1], np.clip((side - inside - margin) / ramp, 0, 1))
    total = np.zeros(length)
    for start, ramps in zip(starts, weights):
        total[start : start + side] += ramps
    shares = [ramps / total[start : start + side] for start, ramps in zip(starts, weights)]
    return _Axis(starts, np.stack(shares).astype(np.float32))


def _batches(places: Iterator[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    while batch := list(islice(places, size)):
        yield batch


def _stretched(map: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float32]:
    values = np.ascontiguousarray(map, dtype=np.float32)
    if values.shape == size:
        return values
    return np.asarray(cv2.resize(values, size[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _check(score: float, map: NDArray[np.floating], box: tuple[int, int, int, int]) -> None:
    if not np.isfinite(score) or not np.isfinite(map).all():
        remedy = "train the detector again, or score with precision float32"
        raise OddLensError(f"tile {box}", "its score or map is not finite", remedy)
