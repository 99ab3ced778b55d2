"""Animated pictures: whole, endless, and showing the kinds in turn."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from oddlens.errors import MediaError
from oddlens.reports.animation import chosen, write_animation


def test_every_picture_stands_for_its_time(tmp_path: Path):
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    pictures = (np.full((40, 60, 3), colour, np.uint8) for colour in colours)
    write_animation(tmp_path / "a.gif", pictures, seconds=0.7)
    with Pillow.open(tmp_path / "a.gif") as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (3, (60, 40), 0)
        for number, colour in enumerate(colours):
            gif.seek(number)
            assert gif.info["duration"] == 700
            np.testing.assert_allclose(gif.convert("RGB").getpixel((30, 20)), colour, atol=8)
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_pictures_of_other_sizes_are_shrunk_into_the_first(tmp_path: Path):
    white = [np.full(shape, 255, np.uint8) for shape in ((40, 60, 3), (80, 60, 3), (20, 20, 3))]
    write_animation(tmp_path / "a.gif", white)
    with Pillow.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 3
        gif.seek(1)
        shown = np.asarray(gif.convert("L"))
    assert shown.shape == (40, 60)
    assert shown[20, 30] > 200
    assert shown[20, 5] < 50


def test_none_is_refused_and_nothing_is_left_when_a_picture_fails(tmp_path: Path):
    with pytest.raises(MediaError, match="not one picture"):
        write_animation(tmp_path / "a.gif", [])

    def failing():
        yield np.zeros((4, 4, 3), np.uint8)
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        write_animation(tmp_path / "a.gif", failing())
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1)), max_size=20), st.integers(0, 12))
def test_each_kind_gets_its_turn_oddest_first(photographs, most):
    kinds, scores = [kind for kind, _ in photographs], [score for _, score in photographs]
    taken = chosen(kinds, scores, most)
    assert len(taken) == len(set(taken)) == min(most, len(photographs))
    counts = [sum(kinds[k] == kind for k in taken) for kind in set(kinds)]
    left = [sum(kind == other for other in kinds) - count for kind, count in zip(set(kinds), counts)]
    assert all(max(counts) - count <= 1 for count, rest in zip(counts, left) if rest)
    for first, second in pairwise(taken):
        assert kinds[first] != kinds[second] or scores[first] >= scores[second]
