"""Frames spread over footage: evenly over all sources, in one pass, whatever their lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddlens.media.open import open_source
from oddlens.media.source import SourceInfo
from oddlens.media.spread import spread_frames, spread_images
from oddlens.media.writer import write_image
from oddlens.types import Frame


@dataclass
class Counted:
    """A source whose frames hold their number over all sources, and which counts how often it is read."""

    first: int
    length: int
    tells: bool = True
    faults: list[str] = field(default_factory=list)
    reads: int = 0

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("made", "made", 1, 1, 1, None, self.length if self.tells else None)

    def frames(self, start: int = 0):
        self.reads += 1
        for index in range(start, self.length):
            yield Frame(index, 0.0, np.full((1, 1, 1), self.first + index, np.uint8))


def footage(lengths: Sequence[int], tells: bool = True) -> list[Counted]:
    starts = [sum(lengths[:k]) for k in range(len(lengths))]
    return [Counted(start, length, tells) for start, length in zip(starts, lengths)]


def numbers(sources: Sequence[Counted], count: int) -> list[int]:
    return [int(image.item()) for image in spread_images(sources, count)]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 50))
def test_any_number_is_spread_evenly_and_each_source_read_once(lengths: list[int], count: int) -> None:
    sources, total = footage(lengths), sum(lengths)
    found = numbers(sources, count)
    assert len(found) == min(count, total)
    steps = [after - before for before, after in pairwise(found)]
    assert not steps or (min(steps) >= 1 and max(steps) - min(steps) <= 1)
    assert not found or (found[0] == 0 and (count == 1 or found[-1] == total - 1))
    assert all(source.reads <= 1 for source in sources if source.length)
    assert numbers(footage(lengths, tells=False), count) == found


def test_frames_come_with_their_source() -> None:
    sources = footage([3, 5])
    assert [(source.first, frame.index) for source, frame in spread_frames(sources, 4)] == [
        (0, 0), (0, 2), (3, 2), (3, 4)
    ]  # fmt: skip


def test_of_nothing_comes_nothing() -> None:
    assert numbers([], 5) == numbers(footage([0, 0]), 5) == []


@pytest.mark.parametrize("count", [3, 100])
def test_of_real_sources(tmp_path, flat_pictures, count: int) -> None:
    for name, pictures in (("a", flat_pictures(12)[:4]), ("b", flat_pictures(12)[4:])):
        (tmp_path / name).mkdir()
        for number, picture in enumerate(pictures):
            write_image(tmp_path / name / f"{number}.png", picture)
    sources = [open_source(tmp_path / name) for name in "ab"]
    levels = [int(image[0, 0, 0]) for image in spread_images(sources, count)]
    assert levels == ([0, 60, 110] if count == 3 else list(range(0, 120, 10)))
