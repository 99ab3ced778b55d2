"""What a method supplies, and nothing else: how it samples, learns and scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from oddlens.config import Settings, build
from oddlens.errors import SettingsError
from oddlens.media.source import Colour, Source
from oddlens.sampling.clips import Clip, FrameRun, to_network_values, window
from oddlens.types import ComponentScale, Losses, SamplingSpec, Scores

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from oddlens.evaluation.photograph_protocol import PhotographProtocol
    from oddlens.evaluation.protocols import PaperProtocol
    from oddlens.sampling.intruders import Resources
    from oddlens.sampling.order import Place, Samples

Sample = dict[str, NDArray[Any]]
Batch = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class MethodSettings(Settings):
    """Settings of a method without any."""


class Staged(NamedTuple):
    """What a stage makes of one frame."""

    score: float
    """Higher = odder; takes the place of the frame's own."""
    components: Mapping[str, float]
    """Added to the frame's own."""


class Stage(ABC):
    """Follows the scored frames of one video, for what needs more of the past than a window holds.

    It never sees a frame ahead of its time, so what it says live is what it says offline.
    """

    pictures: ClassVar[tuple[str, ...]] = ()
    """Names of the pictures (`Scores.pictures`) that it looks at."""

    @abstractmethod
    def push(
        self,
        score: float,
        components: Mapping[str, float],
        map: NDArray[np.float32] | None,
        pictures: Mapping[str, NDArray[np.float32]],
    ) -> Staged:
        """Take the next scored frame of the video.

        Args:
            score: of the frame, higher = odder.
            components: of the score, by name.
            map: `(h, w)`, where the method localises.
            pictures: those it looks at, `(C, h, w)` each.
        """


class FrameFeatures(Protocol):
    """Follows the frames of one video and computes of each, once, what all windows that hold it need."""

    def push(self, images: NDArray[np.uint8]) -> Mapping[str, NDArray[Any]]:
        """Named features of the next frames `uint8 (N, H, W, C)` of the method's size, one row a frame."""


class Method(nn.Module, ABC):
    """Base of all methods: a network with its sampling rule, its training step and its score.

    A method knows nothing about files, command lines or metrics. Its `forward` is its training step, so that
    the data-parallel wrapper of `torchrun` sees every step.
    """

    name: ClassVar[str]
    settings_type: ClassVar[type[MethodSettings]] = MethodSettings
    subject: ClassVar[Literal["video", "photographs"]] = "video"
    """What it looks at. Photographs stand each for itself, in any order and size; windows are then of length 1."""
    phases: ClassVar[tuple[str, ...]] = ("main",)
    """Names of the optimisation phases of one step, in order (a generator, then its discriminator, say)."""
    shown_pictures: ClassVar[Mapping[str, str]] = {"reconstruction": "reconstruction", "error": "error"}
    """Of the pictures it may draw (`Scores.pictures`) those that people look at, in order, and their captions."""

    def __init__(self, settings: MethodSettings) -> None:
        super().__init__()
        self.base_settings = settings
        self.pacing: nn.Module | None = None
        """Weights the samples while the method is trained, called as (method, batch, step, phase); set by the loop."""

    @classmethod
    def from_values(cls, values: Mapping[str, Any], where: str) -> Method:
        """Build the method from plain settings values."""
        return cls(build(cls.settings_type, values, where))

    @classmethod
    def complete(cls, settings: MethodSettings, open_earlier: Callable[[str], Method]) -> MethodSettings:
        """The settings with what an earlier run decides; called once, before training. Default: as they are.

        Args:
            settings: as the user gave them.
            open_earlier: the trained method in a run folder.
        """
        return settings

    @property
    @abstractmethod
    def sampling(self) -> SamplingSpec:
        """What one sample is."""

    @property
    def colour(self) -> Colour:
        """How frames are decoded for it."""
        return "grey" if self.sampling.channels == 1 else "rgb"

    @property
    def learns_in_parts(self) -> bool:
        """Whether some step, or some phase of one, leaves parameters out, which several processes have to know."""
        return len(self.phases) > 1

    @property
    def latency(self) -> int:
        """Frames a live camera must deliver after the scored one (exact scoring)."""
        return self.sampling.latency

    @property
    def shortest(self) -> int:
        """Frames a video must have to be scored."""
        return self.sampling.span

    @abstractmethod
    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        """Losses of one batch (the samples of `training_sample`, stacked) in one phase."""

    @abstractmethod
    def configure_optimizers(self) -> dict[str, Optimizer]:
        """One optimiser for each phase, with its base learning rate."""

    def adjust_rates(self, phase: str, rates: list[float], place: Place) -> list[float]:
        """Learning rates of the optimiser's parameter groups at a step; the default: `rates`, the schedule's own."""
        return rates

    @abstractmethod
    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        """Scores of the frames `targets` of each window `(B, C, T, H, W)` (network values)."""

    def component_scales(self) -> Mapping[str, ComponentScale]:
        """What is usual of the components that the score is the sum of; default: nobody knows."""
        return {}

    def open_features(self) -> FrameFeatures | None:
        """What computes features of single frames for `score_with`; called once a video. Default: nothing does."""
        return None

    def score_with(self, windows: Tensor, targets: Sequence[int], features: Mapping[str, Tensor]) -> Scores:
        """As `score`, given the features of each window's frames by name, `(B, T, ...)`; for `open_features` alone."""
        return self.score(windows, targets)

    def training_sample(self, clip: Clip, rng: np.random.Generator) -> Sample:
        """One training sample; the default is the clip itself, as `clip`."""
        return self.validation_sample(clip)

    def validation_sample(self, clip: Clip) -> Sample:
        """One sample for the loss on held-out normal footage: nothing random in it."""
        frames = window(clip.run.frames, clip.start, self.sampling)
        return {"clip": to_network_values(frames, self.sampling)}

    def prepare_training(self, resources: Resources) -> None:
        """Open what the samples need besides the clips (intruder images, say); called once, before training."""

    def prepare_footage(self, runs: Sequence[FrameRun]) -> None:
        """Learn from the frames trained on what training begins with (a still background, say); called once, next."""

    def training_faults(self) -> Sequence[str]:
        """What training left to be desired, a line each, to be shown with the detector; called once, afterwards."""
        return ()

    def pace_scores(self, batch: Batch) -> Tensor:
        """How bad each sample is, `(B,)`, higher = worse: what self-paced training weights it by.

        Called in eval mode, without gradient; the default is the loss of each sample in the first phase.

        Raises:
            SettingsError: the method does not give the loss of each sample.
        """
        return sample_losses(self.training_step(batch, 0, self.phases[0]), self.name)

    def conclude_training(self, samples: Samples, batch_size: int) -> None:
        """Set what only the trained method can tell of its training samples; called once, in eval mode, afterwards."""

    def open_stage(self) -> Stage | None:
        """What follows the scored frames of one video from its start on; called once a video. Default: nothing."""
        return None

    def previewed(self, source: Source) -> Method | None:
        """The method as the paper's code adapts it to a test video that it looks through first; default: not at all.

        `paper` alone ranks by it. It shares all that is not adapted with this one.

        Raises:
            MediaError: the video cannot be decoded.
        """
        return None

    def paper_protocol(self) -> PaperProtocol:
        """How the paper's code turned scores into its number; the default is per-video min-max alone."""
        from oddlens.evaluation.protocols import PaperProtocol

        return PaperProtocol(head=0, tail=0)

    def photograph_protocol(self) -> PhotographProtocol | None:
        """The same for a method of photographs; the default is that there is no paper's number to make."""
        return None

    def forward(self, batch: Batch, step: int, phase: str) -> Losses:
        """The training step, under the name that wrappers call; self-paced where `pacing` is set."""
        if self.pacing is not None and self.training:
            losses: Losses = self.pacing(self, batch, step, phase)
            return losses
        return self.training_step(batch, step, phase)


def sample_losses(losses: Losses, name: str) -> Tensor:
    """The loss of each sample, `(B,)`.

    Raises:
        SettingsError: the method called `name` does not give it.
    """
    if losses.per_sample is None:
        fault = f"method '{name}' does not say how large the loss of each sample is"
        raise SettingsError("training.self_paced", fault, "set training.self_paced.mode: none")
    return losses.per_sample
