"""Optical flow of many frame pairs, against one pair after the other in one thread."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import cv2

from benchmarks.footage import frame_folders
from benchmarks.measure import Comparison, Result, compare, faster, no_slower, report
from oddlens.media.open import open_source
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.settings import FlowMethod, FlowSettings
from oddlens.types import Image

GOALS: dict[str, float] = {"dis-ultrafast": 1.0, "dis-fast": 1.0, "dis-medium": 1.5, "farneback": 1.5}
"""So many times as fast on two cores; the two fastest methods are bound by memory rather than by the processor."""
RAFT_GOAL = 1.1
"""A batch takes at most so many times as long as its pairs alone."""
_PAIRS = {"raft-small": 4}


def run(quick: bool = False) -> list[Result]:
    """Flow of consecutive frames by each method but the slowest, RAFT with random weights on the CPU."""
    methods: list[FlowMethod] = [name for name in get_args(FlowMethod) if name != "raft-large"]
    with tempfile.TemporaryDirectory() as folder:
        name, folders = frame_folders(Path(folder), 65)
        frames = [frame.image for frame in islice(open_source(folders[0], colour="grey").frames(), 65)]
    if quick:
        name, frames = f"cuts of {name}", [frame[:48, :64] for frame in frames[:3]]
    return [_of_method(method, name, frames, quick) for method in methods]


def _of_method(method: FlowMethod, footage: str, frames: list[Image], quick: bool) -> Result:
    raft = method.startswith("raft")
    pairs = min(len(frames) - 1, _PAIRS.get(method, 64))
    firsts, seconds = frames[:pairs], frames[1 : pairs + 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # RAFT's weights are random, and as slow as any
        settings = FlowSettings(method=method, weights="random" if raft else "default")
        estimator = FlowEstimator(settings, "cpu")

    def one_by_one() -> None:
        for first, second in zip(firsts, seconds):
            estimator(first, second)

    baseline = one_by_one if raft else _in_one_thread(one_by_one)
    found = compare(lambda: estimator.many(firsts, seconds), baseline, 1 if quick else 3 if raft else 7)
    height, width = frames[0].shape[:2]
    return _result(f"optical flow {method}, {footage} {width}x{height}", method, found, pairs)


def _result(what: str, method: FlowMethod, found: Comparison, pairs: int) -> Result:
    if method in GOALS:
        result = faster(what, found, GOALS[method], "one pair after the other in one thread", 1 / pairs)
    else:
        result = no_slower(what, found, RAFT_GOAL, "one pair after the other", 1 / pairs)
    rates = [f"{pairs / spent.wall:.3g}" for spent in (found.ours, found.baseline)]
    return replace(result, measured=f"{result.measured}, {rates[0]} frames a second against {rates[1]}")


def _in_one_thread(work: Callable[[], Any]) -> Callable[[], None]:
    """`work` without OpenCV's own threads."""

    def alone() -> None:
        before = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            work()
        finally:
            cv2.setNumThreads(before)

    return alone


if __name__ == "__main__":
    report(run())
