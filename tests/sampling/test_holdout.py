"""What is held out is never trained on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddlens.sampling.clips import FrameRun
from oddlens.sampling.holdout import split_holdout
from oddlens.types import SamplingSpec

SPEC = SamplingSpec(height=1, width=1, length=16)


def run(frames: int, video: str = "video", start: int = 0) -> FrameRun:
    levels = np.arange(start, start + frames).astype(np.uint8).reshape(-1, 1, 1, 1)
    return FrameRun(video, start, levels, 10.0)


def frames_of(runs: list[FrameRun]) -> list[tuple[str, int]]:
    return [(part.video, part.start + k) for part in runs for k in range(len(part))]


@given(st.lists(st.integers(1, 120), max_size=9), st.floats(0, 0.99))
def test_no_frame_is_in_both_parts(lengths: list[int], share: float) -> None:
    runs = [run(length, f"v{k}", start=3 * k) for k, length in enumerate(lengths)]
    train, held = split_holdout(runs, share, SPEC)
    taken, kept_back = frames_of(train), frames_of(held)
    assert len({*taken, *kept_back}) == len(taken) + len(kept_back)
    assert {*taken, *kept_back} == set(frames_of([part for part in runs if len(part) >= 16]))
    for part in [*train, *held]:
        assert len(part) >= 16 and part.fps == 10
        assert part.frames.ravel().tolist() == list(range(part.start, part.start + len(part)))
    assert bool(train) == any(length >= 16 for length in lengths)
    if share == 0:
        assert not held


def test_many_runs_are_held_out_whole_and_spread() -> None:
    runs = [run(50, f"{k:02d}") for k in range(16)]
    train, held = split_holdout(runs, 0.25, SPEC)
    assert [part.video for part in held] == ["02", "06", "10", "14"]
    assert len(train) == 12


def test_five_runs_are_enough_to_hold_one_out() -> None:
    runs = [run(50, f"{k}") for k in range(5)]
    for share, count in ((0.01, 1), (0.1, 1), (0.4, 2), (0.99, 4)):
        assert len(split_holdout(runs, share, SPEC)[1]) == count


def test_few_runs_lose_their_last_part() -> None:
    train, held = split_holdout([run(200, "a"), run(100, "b"), run(30, "short")], 0.2, SPEC)
    assert [(part.video, part.start, len(part)) for part in train] == [("a", 0, 160), ("b", 0, 80), ("short", 0, 30)]
    assert [(part.video, part.start, len(part)) for part in held] == [("a", 160, 40), ("b", 80, 20)]


@pytest.mark.parametrize("runs", [[], [run(15)]])
def test_nothing_usable(runs: list[FrameRun]) -> None:
    assert split_holdout(runs, 0.1, SPEC) == ([], [])
