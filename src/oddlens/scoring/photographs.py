"""Scoring photographs: read, brought to the method's size, scored in batches, judged."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oddlens.datasets.photographs import Photograph
from oddlens.errors import MediaError, OddLensError
from oddlens.media.photographs import read_photograph
from oddlens.media.resize import fit_photograph
from oddlens.media.tiles import Tiles
from oddlens.scoring.localise import Box, peak_box
from oddlens.scoring.photograph_jobs import find_photographs
from oddlens.scoring.tiling import score_tiled, tile_scorer
from oddlens.scoring.windows import FrameScore
from oddlens.types import Image

if TYPE_CHECKING:
    from oddlens.scoring.detector import Detector


_Value = TypeVar("_Value", bound=np.generic)
_SIDES = ("left", "top", "right", "bottom")
_WIDEST = 1024
"""Pixels of the longer side of the pictures that are kept while their score is waited for."""
_DRAWN = 512
"""Pixels of the longer side of the maps that are drawn."""


@dataclass(frozen=True)
class ScoredPhotograph:
    """One photograph with its score and what the score means."""

    photograph: Photograph
    size: tuple[int, int]
    """Height and width, as read."""
    picture: Image
    """`uint8 (h, w, C)` with the detector's channels, its longer side reduced to 1024 pixels."""
    raw: FrameScore
    """Score, components, map `(h, w)` and pictures of the method, in its own size; of a photograph in tiles the map in
    the photograph's size, the others of the oddest tile."""
    calibrated: float
    reject: bool
    tile: Box | None = None
    """The oddest tile, in pixels of the photograph; None without tiles."""
    close_up: Image | None = None
    """What it shows, `uint8 (h, w, C)`."""

    @property
    def box(self) -> Box | None:
        """Box round the hottest place of the map, in pixels of the photograph; None without a map."""
        return None if self.raw.map is None else peak_box(self.raw.map, self.size)

    @property
    def heat(self) -> NDArray[np.float32] | None:
        """The map as it is drawn: of a photograph in tiles the highest values, in at most 512 pixels a side."""
        return self.raw.map if self.raw.map is None or self.tile is None else _highest(self.raw.map)

    def row(self) -> dict[str, Any]:
        """Plain values: `photograph`, `kind` ('' where nobody said), score, verdict, size, box and components."""
        return {
            "photograph": self.photograph.name,
            "kind": self.photograph.kind,
            "score": self.raw.score,
            "calibrated": self.calibrated,
            "reject": self.reject,
            "width": self.size[1],
            "height": self.size[0],
            **dict(zip(_SIDES, self.box or (None, None, None, None))),
            **self.raw.components,
        }


def score_photographs(
    detector: Detector, photographs: Iterable[Photograph], faults: list[str], details: bool = True
) -> Iterator[ScoredPhotograph]:
    """Score `photographs` in order, a batch at a time; memory does not depend on how many there are.

    A detector that was trained with tiles scores one after the other in tiles: besides the photograph and its map there
    is never more than a batch of tiles.

    Args:
        detector: of a method of photographs.
        photographs: of any size.
        faults: grows by a line for each photograph that cannot be read; it is left out.
        details: keep maps and pictures.

    Raises:
        OddLensError: a score is no number.
    """
    if detector.tiles:
        yield from _in_tiles(detector, detector.tiles, photographs, faults)
        return
    scorer, spec = detector.scorer(details=details), detector.method.sampling
    waiting: deque[_Waiting] = deque()
    for photograph in photographs:
        try:
            image = read_photograph(photograph.path, spec.channels)
        except MediaError as error:
            faults.append(str(error))
            continue
        waiting.append(_Waiting(photograph, (image.shape[0], image.shape[1]), _reduced(image)))
        for raw in scorer.push(fit_photograph(image, spec.height, spec.width, spec.channels)):
            yield _judged(detector, waiting.popleft(), raw)
    for raw in scorer.finish() if waiting else ():
        yield _judged(detector, waiting.popleft(), raw)


def cut_out(picture: NDArray[_Value], box: Box) -> NDArray[_Value]:
    """The part of a picture, or map, that lies in a box."""
    left, top, right, bottom = box
    return picture[top:bottom, left:right]


def table_of_photographs(detector: Detector, inputs: Sequence[str | Path]) -> pd.DataFrame:
    """`Detector.score` of photographs: a row each, see `ScoredPhotograph.row`; one that cannot be read is warned of.

    Raises:
        MediaError: none can be read.
    """
    faults: list[str] = []
    rows = [item.row() for item in score_photographs(detector, find_photographs(inputs), faults)]
    if not rows:
        raise MediaError(str(inputs[0]), f"no photograph could be read ({faults[0]})", "check the files")
    for fault in faults:
        warnings.warn(f"left out: {fault}", stacklevel=3)
    return table_of(rows)


def table_of(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a table; the sides of boxes stay whole numbers where some are missing."""
    return pd.DataFrame(list(rows)).astype(dict.fromkeys(_SIDES, "Int64"))


def _in_tiles(
    detector: Detector, tiles: Tiles, photographs: Iterable[Photograph], faults: list[str]
) -> Iterator[ScoredPhotograph]:
    scorer = tile_scorer(detector)
    for photograph in photographs:
        try:
            image = read_photograph(photograph.path, detector.method.sampling.channels)
        except MediaError as error:
            faults.append(str(error))
            continue
        raw, tile = score_tiled(image, scorer, tiles, batch_size=detector.scoring.batch_size)
        waiting = _Waiting(photograph, (image.shape[0], image.shape[1]), _reduced(image))
        scored = replace(_judged(detector, waiting, raw), tile=tile, close_up=cut_out(image, tile).copy())
        del image, raw, waiting  # the next one is read while at most this one's score is still kept
        yield scored
        del scored


class _Waiting(NamedTuple):
    """A photograph whose score is not known yet."""

    photograph: Photograph
    size: tuple[int, int]
    picture: Image


def _judged(detector: Detector, waiting: _Waiting, raw: FrameScore) -> ScoredPhotograph:
    calibrated = float(detector.calibration.surprise(raw.score))
    if not np.isfinite(calibrated):
        remedy = "train the detector again, or score with precision float32"
        raise OddLensError(waiting.photograph.path, "its score is no number", remedy)
    return ScoredPhotograph(*waiting, raw, calibrated, calibrated >= detector.calibration.threshold)


def _reduced(image: Image) -> Image:
    """A smaller copy of a large picture."""
    height, width, channels = image.shape
    scale = _WIDEST / max(height, width)
    if scale >= 1:
        return image
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8).reshape(
        size[1], size[0], channels
    )


def _highest(map: NDArray[np.float32]) -> NDArray[np.float32]:
    """A smaller map, of the highest values of square blocks: what is small and hot stays to be seen."""
    block = -(-max(map.shape) // _DRAWN)
    if block == 1:
        return map
    for axis in (0, 1):
        map = np.maximum.reduceat(map, np.arange(0, map.shape[axis], block), axis=axis)
    return map
