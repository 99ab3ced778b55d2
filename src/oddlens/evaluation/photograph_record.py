"""What is kept of scored test photographs until all have been seen: scores in memory, maps in a temporary file."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.photographs import Photograph
from oddlens.evaluation.photograph_floors import MEAN_IMAGE, PhotographFloors
from oddlens.evaluation.photograph_protocol import ImageScores, Maps
from oddlens.metrics.pixel import Mask
from oddlens.scoring.photographs import ScoredPhotograph

SCORE, MAP = "score", "map"


class MapStack:
    """Maps of one size, one after the other, in an unnamed temporary file.

    Example:
        >>> stack = MapStack()
        >>> stack.append(np.ones((2, 3), np.float32))
        >>> stack.array().shape
        (1, 2, 3)
    """

    def __init__(self) -> None:
        self._file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - open as long as the stack lives
        self._shape: tuple[int, ...] = (0, 0)
        self._count = 0

    def append(self, map: NDArray[np.float32]) -> None:
        """Add one map `(h, w)`."""
        self._shape = map.shape
        self._file.write(np.ascontiguousarray(map, np.float32).tobytes())
        self._count += 1

    def array(self) -> Maps:
        """All maps so far, `float32 (N, h, w)`, memory-mapped."""
        self._file.flush()
        return np.memmap(self._file, np.float32, "r", shape=(self._count, *self._shape))


class PhotographRecord:
    """Scores, maps and truth of test photographs, in order.

    Args:
        pictures: of the method, with one channel, that are kept like maps.
        floors: what photographs tell without learning is kept too, where given.
    """

    def __init__(self, pictures: tuple[str, ...] = (), floors: PhotographFloors | None = None) -> None:
        self._pictures, self._floors = pictures, floors
        self.items: list[Photograph] = []
        self.masks: list[Mask | None] = []
        self._rejected: list[bool] = []
        self._scores: dict[str, list[float]] = {}
        self._stacks: dict[str, MapStack] = {}

    def take(self, scored: ScoredPhotograph, mask: Mask | None) -> None:
        """Keep one photograph; `mask` is its truth, None where nobody marked it."""
        raw = scored.raw
        self.items.append(scored.photograph)
        self.masks.append(mask)
        self._rejected.append(scored.reject)
        self._keep({SCORE: raw.score, **raw.components})
        if raw.map is not None:
            self._stack(MAP, raw.map)
        for name in self._pictures:
            self._stack(name, raw.pictures[name][0])
        if self._floors is not None:
            values, apart = self._floors.scores(scored.picture)
            self._keep(values)
            if apart is not None:
                self._stack(MEAN_IMAGE, apart)

    @property
    def rejected(self) -> NDArray[np.bool_]:
        """Verdicts `(N,)`."""
        return np.array(self._rejected, np.bool_)

    def has(self, name: str) -> bool:
        """Whether every photograph has a score of this name."""
        return name in self._scores

    def scores(self, name: str = SCORE) -> ImageScores:
        """The score, a component or a floor of every photograph, `(N,)`."""
        return np.array(self._scores[name], np.float64)

    def maps(self, name: str = MAP) -> Maps | None:
        """Maps of the method, one of its pictures or a floor's, `(N, h, w)`; None where there are none."""
        return self._stacks[name].array() if name in self._stacks else None

    def labels(self, by_mask: bool = False) -> NDArray[np.bool_]:
        """Which photographs are defective `(N,)`, by kind, or by their mask where they have one."""
        known = [
            bool(item.label) if mask is None or not by_mask else bool(mask.any())
            for item, mask in zip(self.items, self.masks)
        ]
        return np.array(known, np.bool_)

    def _keep(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._scores.setdefault(name, []).append(value)

    def _stack(self, name: str, map: NDArray[np.float32]) -> None:
        self._stacks.setdefault(name, MapStack()).append(map)
