"""Base of the methods that look at objects: they score patches, and a frame by its oddest one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oddlens.errors import SettingsError
from oddlens.media.source import Colour
from oddlens.methods.base import Method
from oddlens.sampling.patches import PatchSpec
from oddlens.types import Scores

if TYPE_CHECKING:
    from oddlens.motion.settings import FlowSettings
    from oddlens.objects.settings import ObjectSettings

_BACKGROUND = "background_"


@dataclass(frozen=True)
class PatchScores:
    """Scores of N patches; higher = odder. `components` are named parts of the score, `(N,)` each.

    A component `official`, where there is one, is what the paper would have scored.
    """

    score: Tensor
    components: Mapping[str, Tensor]


class ObjectMethod(Method):
    """A method that is given patches (STCs) instead of windows of whole frames.

    Frames come at their native size and colour; flow and boxes are found by what `motion_settings` and
    `object_settings` say, and the background that boxes may rest on is part of the trained method.
    """

    every: int = 1
    """Training takes the patches of every so-many-th frame."""
    smoothing: int = 1
    """Frames over which a frame's score is averaged: its own and those before it."""

    @property
    @abstractmethod
    def patches(self) -> PatchSpec:
        """What one patch is."""

    @property
    @abstractmethod
    def motion_settings(self) -> FlowSettings:
        """How optical flow is estimated."""

    @property
    @abstractmethod
    def object_settings(self) -> ObjectSettings:
        """Where foreground boxes come from."""

    @abstractmethod
    def score_patches(self, raw: Tensor, flow: Tensor | None, blocks: Tensor) -> PatchScores:
        """Scores of patches.

        Args:
            raw: `uint8 (N, side, side, T * C)`.
            flow: `float16 (N, side, side, T * 2)`, where the method's patches have it.
            blocks: `int64 (N,)`.
        """

    @property
    @abstractmethod
    def empty_score(self) -> float:
        """Score of a frame without any box."""

    @property
    def official_empty_score(self) -> float:
        """The same under the paper's protocol."""
        return self.empty_score

    @property
    def colour(self) -> Colour:
        """Frames as they are: grey stays grey."""
        return "native"

    @property
    def latency(self) -> int:
        """Frames a live camera must deliver after the scored one."""
        return self.patches.latency

    @property
    def shortest(self) -> int:
        """One frame suffices: those that a patch lacks repeat the nearest."""
        return 1

    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        """Whole frames are not what such a method looks at."""
        raise SettingsError(self.name, "scores patches, not windows of frames", "score through Detector.scorer()")

    def background(self) -> dict[str, NDArray[Any]]:
        """Arrays of the background that boxes rest on; none where it was not learned."""
        buffers = self.named_buffers(recurse=False)
        return {
            name.removeprefix(_BACKGROUND): value.detach().cpu().numpy()
            for name, value in buffers
            if name.startswith(_BACKGROUND)
        }

    @property
    def camera(self) -> tuple[int, int] | None:
        """Height and width of the frames that the background was learned from; without one any size is scored."""
        level = self._buffers.get(f"{_BACKGROUND}level")
        return None if level is None else (level.shape[0], level.shape[1])

    def set_background(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep `arrays` with the method's weights."""
        for name, value in arrays.items():
            self._keep(_BACKGROUND + name, torch.from_numpy(np.array(value)))

    def _keep(self, name: str, value: Tensor) -> None:
        if name in self._buffers:
            self._buffers[name] = value
        else:
            self.register_buffer(name, value)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        for name, value in state_dict.items():  # a background has the size of its footage
            if name.startswith(prefix + _BACKGROUND):
                self._keep(name.removeprefix(prefix), torch.empty_like(value))
        super()._load_from_state_dict(state_dict, prefix, *rest)
