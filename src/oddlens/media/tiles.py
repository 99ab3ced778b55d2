"""Where the tiles of a large photograph lie: of one size, spread evenly, overlapping."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oddlens.types import Image


class Tiles(NamedTuple):
    """How photographs are cut into tiles, at full resolution.

    One that is smaller than a tile along a side has a single tile there, as large as itself.

    Example:
        >>> Tiles(256, 256).number(3000, 4000), Tiles(256, 256).number(200, 256)
        (336, 1)
    """

    height: int
    """Pixels."""
    width: int
    overlap: float = 0.25
    """Share of a tile's side that neighbours have in common at least, 0 to below 1."""

    def number(self, height: int, width: int) -> int:
        """Tiles of a photograph `(height, width)`."""
        rows = tile_starts(height, self.height, self.overlap)
        return len(rows) * len(tile_starts(width, self.width, self.overlap))

    def cut(self, image: Image) -> Iterator[Image]:
        """The tiles of a photograph `(H, W, C)`, row by row, as views."""
        rows = tile_starts(image.shape[0], self.height, self.overlap)
        columns = tile_starts(image.shape[1], self.width, self.overlap)
        for top, left in product(rows.tolist(), columns.tolist()):
            yield image[top : top + self.height, left : left + self.width]


def tile_starts(length: int, side: int, overlap: float) -> NDArray[np.int64]:
    """First pixels of the tiles of `side` pixels along a photograph's side of `length` pixels.

    Example:
        >>> tile_starts(100, 40, 0.5).tolist(), tile_starts(30, 40, 0.5).tolist()
        ([0, 20, 40, 60], [0])
    """
    step = max(int(side * (1 - overlap)), 1)
    parts = 1 if length <= side else 1 + -(-(length - side) // step)
    return np.linspace(0, max(length - side, 0), parts).round().astype(np.int64)
