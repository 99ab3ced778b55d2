"""The helper features of F2LM: what moves and what is shown in a clip, computed once for each frame.

The generator's bottleneck imitates features of both (F2LM, section 2.4 and 2.5 of the code's description): the flow of
the three pairs among a clip's first four frames, and the class maps of these four.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oddlens.errors import DataError
from oddlens.labels.appearance import AppearanceClasses
from oddlens.labels.input import LabelInput
from oddlens.labels.settings import LabelSettings
from oddlens.labels.store import FeatureStore, FrameInput
from oddlens.motion.input import MotionInput
from oddlens.motion.settings import MotionSettings
from oddlens.sampling.clips import FrameRun
from oddlens.types import Image

PAST = 4
"""Frames of a clip that are looked at; the next one is predicted."""
Features = dict[str, NDArray[np.float16]]
_CPU = torch.device("cpu")


class FeatureOpener(Protocol):
    """Makes stores of features of the frames that a run trains on."""

    def open_features(self, source: FrameInput) -> FeatureStore | None:
        """The store, or `None` where it does not fit."""


class HelperFeatures:
    """Motion and class maps of clips of five frames of one size.

    It is no module: the frozen networks behind it belong to no detector. What is learned from the footage, `classes`,
    does; a method keeps that as a module of its own.

    Features are kept as small as they are computed, `float16`, and `expand` brings them to full size: of a clip
    `motion` `(3, 2, h, w)` and `labels` `(4, 21, h, w)`.
    """

    def __init__(self, motion: MotionSettings, labels: LabelSettings, height: int, width: int) -> None:
        self.motion = MotionInput(motion, height, width)
        self.labels = LabelInput(labels, height, width)
        self._stores: dict[str, FeatureStore | None] = {}

    @property
    def classes(self) -> AppearanceClasses | None:
        """Classes learned from the footage, where no network knows any."""
        return self.labels.classes

    def prepare(self, runs: Sequence[FrameRun], opener: FeatureOpener, learn: bool = True) -> None:
        """Learn the classes, where there are any to learn, and open the stores.

        Args:
            runs: footage to learn from.
            opener: of the frames that `clip` will be asked for.
            learn: false where the classes are known already.

        Raises:
            OddLensError: weights are missing, or the cache cannot be written.
        """
        if learn and self.classes is not None:
            self.classes.learn(runs)
        self._stores = {source.kind: opener.open_features(source) for source in (self.motion, self.labels)}

    @property
    def uncached(self) -> tuple[str, ...]:
        """What is computed anew for every clip, because it did not fit into the cache."""
        return tuple(kind for kind, store in self._stores.items() if store is None)

    def clip(self, run: FrameRun, start: int) -> Features:
        """Kept features of the clip of `run` that begins at its frame `start`: `motion` and `labels`.

        They come from the stores, where there are any and the run has its place there.

        Raises:
            DataError: the run ends within the clip.
        """
        if start + PAST + 1 > len(run):
            fault = f"has {len(run)} frames, the clip from frame {start} on takes {PAST + 1}"
            raise DataError(run.video, fault, "give longer footage")
        frames = run.frames[start : start + PAST]
        rows: Features = {}
        for source in (self.motion, self.labels):
            if (store := self._stores.get(source.kind)) and run.row is not None:
                rows[source.kind] = store.rows(run.row + start, PAST)
            else:
                rows[source.kind] = source.of_frames(frames, None, _CPU)
        return {"motion": rows["motion"][1:], "labels": rows["labels"]}

    def stream(self, device: torch.device) -> HelperStream:
        """What follows the frames of one video while it is scored."""
        return HelperStream((self.motion, self.labels), device)

    @staticmethod
    def of_window(rows: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Of what a stream gave for the frames of windows, `(B, 5, ...)`, that which belongs to the clips."""
        return {"motion": rows["motion"][:, 1:PAST], "labels": rows["labels"][:, :PAST]}

    def of_values(self, windows: Tensor, low: float, high: float) -> dict[str, Tensor]:
        """Kept features of windows `(B, C, T, H, W)` with values from `low` to `high`, computed anew."""
        levels = ((windows.float() - low) * (255 / (high - low))).round().clamp(0, 255).to(torch.uint8)
        frames = levels.permute(0, 2, 3, 4, 1).contiguous().cpu().numpy()  # rounding may depend on the order in memory
        found = [self.stream(windows.device).push(clip[:PAST]) for clip in frames]
        rows = {kind: torch.from_numpy(np.stack([each[kind] for each in found])) for kind in found[0]}
        return {kind: value.to(windows.device) for kind, value in self.of_window(rows).items()}

    def expand(self, features: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Motion `float32 (B, 6, H, W)` and labels `(B, 84, H, W)` of kept features of B clips.

        Motion holds right and down of each pair in turn, in pixels by the divisor; labels hold the 21 classes of each
        frame in turn.
        """
        motion, labels = self.motion.expand(features["motion"]), self.labels.expand(features["labels"])
        return motion.flatten(1, 2), labels.flatten(1, 2)


class HelperStream:
    """Follows the frames of one video: one flow and one segmentation a frame, whatever windows it is in."""

    def __init__(self, sources: Sequence[FrameInput], device: torch.device) -> None:
        self._sources, self._device = sources, device
        self._before: Image | None = None

    def push(self, images: NDArray[np.uint8]) -> Features:
        """Kept features of the next frames `uint8 (N, H, W, C)`, a row a frame: `motion` to it from the one before."""
        rows = {source.kind: source.of_frames(images, self._before, self._device) for source in self._sources}
        self._before = images[-1].copy()
        return rows
