"""Features of single frames on their way to a method: each frame's computed once, and given to all its windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oddlens.methods.base import Method, MethodSettings
from oddlens.scoring.windows import FrameScore, WindowScorer
from oddlens.types import SamplingSpec, Scores


class Levels:
    """The level of each frame and its difference to the one before; notes what it was asked about."""

    def __init__(self, seen: list[int]) -> None:
        self.seen, self.before = seen, 0

    def push(self, images: NDArray[np.uint8]) -> Mapping[str, NDArray[Any]]:
        levels = images[:, 0, 0, 0].astype(np.int64)
        self.seen += levels.tolist()
        steps = np.diff(levels, prepend=self.before)
        self.before = int(levels[-1])
        return {"level": levels.astype(np.float16), "step": steps.astype(np.float32)[:, None]}


class Checked(Method):
    """Scores the target's step; every window must hold the features of its own frames."""

    name = "checked"

    def __init__(self, spec: SamplingSpec, with_features: bool = True) -> None:
        super().__init__(MethodSettings())
        self.spec, self.with_features = spec, with_features
        self.seen: list[int] = []

    @property
    def sampling(self) -> SamplingSpec:
        return self.spec

    def training_step(self, batch: Any, step: int, phase: str) -> Any:
        raise AssertionError("never trained")

    def configure_optimizers(self) -> Any:
        return {}

    def open_features(self) -> Levels | None:
        return Levels(self.seen) if self.with_features else None

    def score(self, windows: torch.Tensor, targets: Sequence[int]) -> Scores:
        assert not self.with_features
        return Scores(windows[:, 0, list(targets), 0, 0])

    def score_with(self, windows: torch.Tensor, targets: Sequence[int], features: Mapping[str, torch.Tensor]) -> Scores:
        assert features["level"].dtype == torch.float16 and features["step"].shape == (*windows[:, 0, :, 0, 0].shape, 1)
        torch.testing.assert_close(features["level"].float(), windows[:, 0, :, 0, 0], rtol=0, atol=0)
        return Scores(features["step"][:, list(targets), 0])


def spec(stride: int = 1) -> SamplingSpec:
    return SamplingSpec(2, 2, length=5, stride=stride, target=4, fast_targets=(2, 3, 4), low=0.0, high=255.0)


def scores(scorer: WindowScorer, levels: NDArray[np.int64]) -> list[FrameScore]:
    found = [s for level in levels for s in scorer.push(np.full((2, 2, 1), level, np.uint8))]
    return found + scorer.finish()


@settings(deadline=None, max_examples=60)
@given(st.integers(9, 40), st.sampled_from(["exact", "fast"]), st.sampled_from([1, 3, 16]), st.sampled_from([1, 2]))
def test_each_frame_once_and_in_its_place(length: int, mode: Any, batch_size: int, stride: int) -> None:
    method = Checked(spec(stride))
    scorer = WindowScorer(method, mode, batch_size)
    levels = (np.arange(length) * 7 + 3) % 251
    first = scores(scorer, levels)
    assert method.seen == levels.tolist()
    steps = np.diff(levels, prepend=0)
    if mode == "exact":
        head = method.spec.span - 1
        assert [s.score for s in first] == [*[steps[head]] * head, *steps[head:]]
    again = scores(scorer, levels)
    assert [s.score for s in again] == [s.score for s in first], "the next video begins afresh"
    assert method.seen == 2 * levels.tolist()


def test_frames_are_asked_about_together_where_windows_are(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    push = Levels.push
    monkeypatch.setattr(Levels, "push", lambda self, images: (sizes.append(len(images)), push(self, images))[1])
    scores(WindowScorer(Checked(spec()), batch_size=4), np.arange(20))
    assert sizes == [8, 4, 4, 4]
    sizes.clear()
    scores(WindowScorer(Checked(spec()), batch_size=1), np.arange(8))
    assert sizes == [5, 1, 1, 1]


def test_a_method_without_features_is_asked_as_ever() -> None:
    found = scores(WindowScorer(Checked(spec(), with_features=False)), np.arange(10))
    assert [s.score for s in found] == [4, 4, 4, 4, *range(4, 10)]


def test_few_rows_are_kept() -> None:
    scorer = WindowScorer(Checked(spec()), batch_size=4)
    most = 0
    for level in np.arange(300) % 251:
        scorer.push(np.full((2, 2, 1), level, np.uint8))
        most = max(most, len(scorer._features._rows) + len(scorer._features._waiting))
    assert most <= 5 + 2 * 4
