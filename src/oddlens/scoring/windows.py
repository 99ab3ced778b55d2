"""Scoring frames as they come: a ring buffer of windows, the same code for files and live cameras."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.media.resize import fit
from oddlens.methods.base import Method, Stage
from oddlens.sampling.clips import FrameRun, to_network_values
from oddlens.training.devices import autocast
from oddlens.training.settings import Precision
from oddlens.types import Frame, Image, Scores

Mode = Literal["exact", "fast"]


@dataclass(frozen=True)
class FrameScore:
    """Raw score of one frame; frames before the first and after the last scored one repeat its score."""

    index: int
    score: float
    components: dict[str, float] = field(default_factory=dict)
    map: NDArray[np.float32] | None = None
    """`float32 (h, w)`, higher = odder."""
    pictures: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    """Named pictures in network values, `(C, h, w)`."""
    boxes: NDArray[np.float32] | None = None
    """`float32 (n, 5)`: x1, y1, x2, y2 in pixels of the frame, right and bottom excluded, and score; None where a
    method has only maps."""


class Scorer(Protocol):
    """Turns frames into scores, in order, in memory that does not depend on how many there are."""

    def push(self, image: Image, video: str = "") -> list[FrameScore]:
        """Take the next frame `uint8 (H, W, C)` of `video`; return the scores that are ready now."""
        ...

    def finish(self, name: str = "footage") -> list[FrameScore]:
        """The footage is over: score what is left; the scorer is ready for the next footage."""
        ...


class WindowScorer:
    """Turns frames into scores, in order, in memory that does not depend on how many there are.

    Args:
        method: a trained method, in evaluation mode, on its device.
        mode: `exact` scores one frame a window, `fast` every frame of `SamplingSpec.fast_targets`.
        batch_size: windows a network call; 1 = no waiting beyond the method's own latency (live use).
        details: keep maps and pictures.
    """

    def __init__(
        self,
        method: Method,
        mode: Mode = "exact",
        batch_size: int = 16,
        precision: Precision = "auto",
        details: bool = False,
    ) -> None:
        self.method, self.spec = method, method.sampling
        self.batch_size, self.precision, self.details = batch_size, precision, details
        self.targets = (self.spec.target,) if mode == "exact" else self.spec.fast_targets
        self.device = next((p.device for p in method.parameters()), torch.device("cpu"))
        self._frames: deque[NDArray[np.float32]] = deque()  # (C, 1, H, W) each, from index _first on
        self._first = 0
        self._next_start = 0
        self._seen = 0
        self._emitted = 0
        self._last: FrameScore | None = None
        self._stage = method.open_stage()
        self._features = _FeatureRing(method, self.device)

    def push(self, image: Image, video: str = "") -> list[FrameScore]:
        """Take the next frame `uint8 (H, W, C)`; return the scores that are ready now."""
        fitted = fit(image, self.spec.height, self.spec.width, self.spec.channels)
        self._frames.append(to_network_values(fitted[None], self.spec))
        self._features.add(fitted)
        self._seen += 1
        ready = (self._seen - self.spec.span - self._next_start) // len(self.targets) + 1
        return self._run(self.batch_size, None) if ready >= self.batch_size else []

    def finish(self, name: str = "footage") -> list[FrameScore]:
        """The footage is over: score what is left; the scorer is ready for the next footage.

        Raises:
            DataError: there were fewer frames than a window needs.
        """
        if self._seen < self.spec.span:
            seen = self._seen
            self._reset()
            fault = f"has {seen} frames, one window takes {self.spec.span}"
            raise DataError(name, fault, "give longer footage")
        scores: list[FrameScore] = []
        while (left := (self._seen - self.spec.span - self._next_start) // len(self.targets) + 1) > 0:
            scores += self._run(min(left, self.batch_size), None)
        if self._emitted <= self._seen - self.spec.span + self.targets[-1] * self.spec.stride:
            scores += self._run(1, self._seen - self.spec.span)  # fast mode: one window flush with the end
        last = self._last
        assert last is not None
        scores += [self._copy(last, index) for index in range(self._emitted, self._seen)]
        self._reset()
        return scores

    def _run(self, count: int, start: int | None) -> list[FrameScore]:
        """Score `count` windows from `start` (or from where the last ones ended) on."""
        step = len(self.targets)
        first = self._next_start if start is None else start
        starts = [first + k * step for k in range(count)]
        # windows share most of their frames: each frame goes to the device once, and is repeated there
        frames = torch.from_numpy(np.concatenate(self._frames, axis=1)).to(self.device)  # (C, N, H, W)
        places = [begin - self._first for begin in starts]
        cuts = [slice(place, place + self.spec.span, self.spec.stride) for place in places]
        windows = torch.stack([frames[:, cut] for cut in cuts])
        features = self._features.windows(cuts)
        with torch.inference_mode(), autocast(self.precision, self.device):
            if features is None:
                scores = self.method.score(windows, self.targets)
            else:
                scores = self.method.score_with(windows, self.targets, features)
        self._next_start = starts[-1] + step
        self._drop()
        return list(self._emit(scores, starts))

    def _emit(self, scores: Scores, starts: list[int]) -> Iterator[FrameScore]:
        parts = _Parts.of(scores, self.details, self._stage)
        for row, start in enumerate(starts):
            for column, target in enumerate(self.targets):
                index = start + target * self.spec.stride
                if index < self._emitted:
                    continue
                score = self._staged(parts.frame(index, row, column))
                while self._emitted < index:  # the frames before the first one that a window scores
                    yield self._copy(score, self._emitted)
                    self._emitted += 1
                yield score
                self._emitted, self._last = index + 1, score

    def _staged(self, score: FrameScore) -> FrameScore:
        """The score as the method's stage leaves it, without what is kept for the stage alone."""
        if self._stage is None:
            return score
        seen = {name: score.pictures[name] for name in self._stage.pictures}
        told = self._stage.push(score.score, score.components, score.map, seen)
        score = replace(score, score=told.score, components={**score.components, **told.components})
        return score if self.details else replace(score, map=None, pictures={})

    def _drop(self) -> None:
        keep_from = min(self._next_start, self._seen - self.spec.span)  # the last window may be wanted once more
        while self._first < keep_from:
            self._frames.popleft()
            self._features.drop()
            self._first += 1

    def _reset(self) -> None:
        self._frames.clear()
        self._first = self._next_start = self._seen = self._emitted = 0
        self._last = None
        self._stage = self.method.open_stage()
        self._features = _FeatureRing(self.method, self.device)

    @staticmethod
    def _copy(score: FrameScore, index: int) -> FrameScore:
        return FrameScore(index, score.score, score.components, score.map, score.pictures)


class _FeatureRing:
    """Features of the frames that some window still needs, for methods that have any: each frame's computed once."""

    def __init__(self, method: Method, device: torch.device) -> None:
        self._source, self._device = method.open_features(), device
        self._waiting: list[Image] = []  # computed together, when a window asks for them
        self._rows: deque[dict[str, NDArray[Any]]] = deque()

    def add(self, image: Image) -> None:
        """Take the next frame, at the method's size."""
        if self._source is not None:
            self._waiting.append(np.array(image))

    def windows(self, cuts: list[slice]) -> dict[str, torch.Tensor] | None:
        """Features `(B, T, ...)` of windows, each a slice of the frames that are kept; `None` without features."""
        if self._source is None:
            return None
        if self._waiting:
            new = self._source.push(np.stack(self._waiting))
            self._rows.extend({name: value[row] for name, value in new.items()} for row in range(len(self._waiting)))
            self._waiting.clear()
        rows = {name: np.stack([each[name] for each in self._rows]) for name in self._rows[0]}
        on_device = {name: torch.from_numpy(value).to(self._device) for name, value in rows.items()}
        return {name: torch.stack([value[cut] for cut in cuts]) for name, value in on_device.items()}

    def drop(self) -> None:
        """The oldest frame is in no window any more."""
        if self._source is not None:
            self._rows.popleft()


@dataclass(frozen=True)
class _Parts:
    """Scores of some windows as arrays on the CPU, as far as somebody looks at them."""

    values: NDArray[np.float32]
    components: dict[str, NDArray[np.float32]]
    maps: NDArray[np.float32] | None
    pictures: dict[str, NDArray[np.float32]]

    @classmethod
    def of(cls, scores: Scores, details: bool, stage: Stage | None) -> _Parts:
        wanted = scores.pictures if details else stage.pictures if stage else ()
        pictures = {name: scores.pictures[name] for name in wanted}
        return cls(
            scores.score.float().cpu().numpy(),
            {name: value.float().cpu().numpy() for name, value in scores.components.items()},
            scores.map.float().cpu().numpy() if scores.map is not None and (details or stage) else None,
            {name: value.float().cpu().numpy() for name, value in pictures.items()},
        )

    def frame(self, index: int, row: int, column: int) -> FrameScore:
        """What is known of target `column` of window `row`, which is frame `index`."""
        return FrameScore(
            index,
            float(self.values[row, column]),
            {name: float(value[row, column]) for name, value in self.components.items()},
            None if self.maps is None else self.maps[row, column],
            {name: value[row, column] for name, value in self.pictures.items()},
        )


def score_run(scorer: Scorer, run: FrameRun) -> list[FrameScore]:
    """Scores of all frames of `run`."""
    scores: list[FrameScore] = []
    for frame in run.frames:
        scores += scorer.push(frame)
    return scores + scorer.finish(run.video)


def score_frames(
    scorer: Scorer, frames: Iterator[Frame], name: str, video: str = ""
) -> Iterator[tuple[Frame, FrameScore]]:
    """Pair each frame with its score, in order; only the frames that wait for a score are kept.

    Args:
        name: of the footage, for messages.
        video: its name in tables, and in ready boxes.
    """
    waiting: deque[Frame] = deque()
    for frame in frames:
        waiting.append(frame)
        for score in scorer.push(frame.image, video):
            yield waiting.popleft(), score
    for score in scorer.finish(name):
        yield waiting.popleft(), score
