"""Large photographs at full resolution: overlapping tiles are scored one by one, and their maps blended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.errors import OddLensError
from oddlens.media.resize import fit_photograph
from oddlens.media.tiles import Tiles, tile_starts
from oddlens.scoring.localise import Box
from oddlens.scoring.windows import FrameScore
from oddlens.types import Image

if TYPE_CHECKING:
    from oddlens.scoring.detector import Detector

TileScorer: TypeAlias = Callable[[NDArray[np.uint8]], Sequence[FrameScore]]
"""Scores some tiles `uint8 (B, h, w, C)` of one photograph, each with a map `(h', w')` of a size of its own."""


class TiledScore(NamedTuple):
    """What a photograph scores in tiles."""

    raw: FrameScore
    """Score, components and pictures of the oddest tile; the map `(H, W)` of the whole photograph, in its own size."""
    tile: Box
    """The oddest tile: left, top, right, bottom, right and bottom excluded."""


class _Axis(NamedTuple):
    """Where tiles start along one side, and how much each of their pixels counts; the weights at a pixel sum to 1."""

    starts: NDArray[np.int64]
    weights: NDArray[np.float32]
    """`(tiles, length of a tile)`."""


def score_tiled(
    image: Image,
    scorer: TileScorer,
    tiles: Tiles,
    *,
    margin: int = 0,
    batch_size: int = 8,
) -> TiledScore:
    """Score a photograph of any size tile by tile; besides its map no more than a batch of tiles is held.

    Tiles are spread evenly, and their maps fade into each other where they overlap.

    The score of the oddest tile is the highest of many, so a threshold holds only for photographs that were scored in
    as many tiles: calibrate with tiles as well.

    Args:
        image: `uint8 (H, W, C)`.
        scorer: called with batches of tiles of one size. Its maps are stretched bilinearly over the tiles.
        tiles: their size and overlap.
        margin: pixels along an inner edge of a tile whose map does not count, because the scorer sees too little
            around them; less than half of the overlap.
        batch_size: tiles in one call.

    Raises:
        ValueError: sizes that make no sense, or a margin that the overlap does not cover.
        OddLensError: a tile's score is not finite, or it has no map or one that is not finite.
    """
    if image.ndim != 3 or not image.size:
        raise ValueError(f"an image must be (height, width, channels), not {image.shape}")
    if min(tiles[:2]) < 1 or not 0 <= tiles.overlap < 1 or margin < 0 or batch_size < 1:
        raise ValueError("tiles, overlap, margin and batch size must be sensible")
    rows, columns = (_axis(length, side, tiles.overlap, margin) for length, side in zip(image.shape[:2], tiles[:2]))
    height, width = rows.weights.shape[1], columns.weights.shape[1]
    blended = np.zeros(image.shape[:2], np.float32)
    found: TiledScore | None = None
    places = product(range(len(rows.starts)), range(len(columns.starts)))
    for batch in _batches(places, batch_size):
        corners = [(int(rows.starts[row]), int(columns.starts[column])) for row, column in batch]
        scored = scorer(np.stack([image[top : top + height, left : left + width] for top, left in corners]))
        for (row, column), (top, left), raw in zip(batch, corners, scored, strict=True):
            box = (left, top, left + width, top + height)
            weights = rows.weights[row][:, None] * columns.weights[column]
            blended[top : top + height, left : left + width] += _stretched(_map(raw, box), (height, width)) * weights
            if found is None or raw.score > found.raw.score:
                found = TiledScore(raw, box)
    assert found is not None
    return found._replace(raw=replace(found.raw, map=blended))


def tile_scorer(detector: Detector) -> TileScorer:
    """Scores tiles as photographs of their own, each brought to the detector's size."""
    spec, scorer = detector.method.sampling, detector.scorer(details=True)

    def score(tiles: NDArray[np.uint8]) -> list[FrameScore]:
        found: list[FrameScore] = []
        for tile in tiles:
            found += scorer.push(fit_photograph(tile, spec.height, spec.width, spec.channels))
        return found + scorer.finish()

    return score


def _axis(length: int, side: int, overlap: float, margin: int) -> _Axis:
    starts, side = tile_starts(length, side, overlap), min(side, length)
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


def _map(raw: FrameScore, box: Box) -> NDArray[np.float32]:
    if raw.map is None:
        raise OddLensError(f"tile {box}", "the method gives no map", "train it on whole photographs, without tiles")
    if not np.isfinite(raw.score) or not np.isfinite(raw.map).all():
        remedy = "train the detector again, or score with precision float32"
        raise OddLensError(f"tile {box}", "its score or map is not finite", remedy)
    return raw.map
