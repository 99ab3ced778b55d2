"""Frames picked out of a source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from oddlens.media.source import SourceInfo, frames_at
from oddlens.types import Frame


class Counted:
    """Eight frames; counts how often and how far it was read."""

    info = SourceInfo("eight", "eight", 2, 2, 1, None, 8)
    faults: list[str] = []  # noqa: RUF012

    def __init__(self) -> None:
        self.passes, self.furthest = 0, -1

    def frames(self, start: int = 0) -> Iterator[Frame]:
        self.passes += 1
        for index in range(start, 8):
            self.furthest = index
            yield Frame(index, index / 10, np.full((2, 2, 1), index, np.uint8))


@pytest.mark.parametrize(
    ("wanted", "found", "furthest"),
    [([5, 1, 3, 3], [1, 3, 5], 5), ([6, 90], [6], 7), ([90], [], -1), (range(8), list(range(8)), 7)],
)
def test_frames_are_picked_in_one_pass(wanted: list[int], found: list[int], furthest: int) -> None:
    source = Counted()
    assert [frame.index for frame in frames_at(source, wanted)] == found
    assert (source.passes, source.furthest) == (1, furthest)


def test_no_frame_needs_no_reading() -> None:
    source = Counted()
    assert list(frames_at(source, [])) == []
    assert source.passes == 0
