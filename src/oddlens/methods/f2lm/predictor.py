"""The generator with what it imitates: what both stages need of the first one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from oddlens.labels.appearance import CLASSES
from oddlens.labels.helpers import HelperFeatures
from oddlens.methods.base import Sample
from oddlens.methods.f2lm.network import COLOURS, PAST, F2lmGenerator, Generated, initialise_generator
from oddlens.methods.f2lm.settings import F2lmSettings
from oddlens.sampling.clips import Clip, to_network_values, window
from oddlens.types import SamplingSpec

FEATURES = ("motion", "labels")


class FramePredictor(nn.Module):
    """Predicts the last frame of windows of five; its state is what a trained generator is.

    It makes samples of clips: `clip` `(C, 5, H, W)` and, where something is imitated, kept features of its first four
    frames as `motion` and `labels` (see `HelperFeatures`).
    """

    def __init__(self, settings: F2lmSettings) -> None:
        super().__init__()
        self.settings = settings
        network = F2lmGenerator(PAST * CLASSES, settings.features)
        initialise_generator(network)
        # convolutions on CPUs are faster with the channels innermost
        self.network: F2lmGenerator = network.to(memory_format=torch.channels_last)
        self.helpers = HelperFeatures(settings.motion, settings.labels, settings.height, settings.width)
        self.classes = self.helpers.classes
        """Learned from the footage, where no network knows any: a part of the state."""

    @property
    def sampling(self) -> SamplingSpec:
        """Five consecutive frames; the last is predicted, and scored."""
        s = self.settings
        size = {"height": s.height, "width": s.width, "channels": s.channels}
        return SamplingSpec(**size, length=PAST + 1, target=PAST, fast_targets=(PAST,))

    def validation_sample(self, clip: Clip) -> Sample:
        """One sample; nothing in it is random."""
        frames = window(clip.run.frames, clip.start, self.sampling)
        sample: Sample = {"clip": to_network_values(frames, self.sampling)}
        return sample | self.helpers.clip(clip.run, clip.start) if self.settings.imitates else sample

    def training_sample(self, clip: Clip, rng: np.random.Generator) -> Sample:
        """The same."""
        return self.validation_sample(clip)

    def pictures(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Past `(B, 12, H, W)`, frame after frame, and the frame after it `(B, 3, H, W)`, of `(B, C, 5, H, W)`."""
        frames = windows.transpose(1, 2)
        if frames.shape[2] == 1:
            frames = frames.expand(-1, -1, COLOURS, -1, -1)
        return frames[:, :PAST].flatten(1, 2), frames[:, PAST]

    def forward(self, batch: Mapping[str, Tensor]) -> tuple[Generated, Tensor]:
        """The prediction, judged by what is imitated where the batch has it, and the true frame."""
        past, true = self.pictures(batch["clip"])
        past = past.contiguous(memory_format=torch.channels_last)
        if any(name not in batch for name in FEATURES):
            return self.network(past), true
        motion, labels = self.helpers.expand({name: batch[name] for name in FEATURES})
        return self.network(past, motion, labels), true

    def with_features(self, windows: Tensor, features: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Windows as a batch that all is imitated in.

        Args:
            windows: `(B, C, 5, H, W)`, network values.
            features: of their frames, `(B, 5, ...)`, as a stream of them gave; by default they are computed.
        """
        spec = self.sampling
        known = self.helpers.of_values(windows, spec.low, spec.high) if features is None else None
        return {"clip": windows, **(known or self.helpers.of_window(features or {}))}
