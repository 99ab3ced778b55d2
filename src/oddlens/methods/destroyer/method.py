"""The Destroyer: learns to paint badly predicted regions over, so that their error grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oddlens.errors import DataError, SettingsError
from oddlens.evaluation.protocols import PaperProtocol
from oddlens.media.resize import with_channels
from oddlens.media.source import Colour
from oddlens.media.template import TemplateBuilder
from oddlens.methods.base import Batch, FrameFeatures, Method, MethodSettings
from oddlens.methods.destroyer.damage import damage
from oddlens.methods.destroyer.gate import destroyer_loss, gate
from oddlens.methods.destroyer.network import DestroyerNetwork, initialise_destroyer
from oddlens.methods.destroyer.settings import DestroyerSettings
from oddlens.methods.f2lm.method import BETAS, SCALE_SAMPLES, F2lm
from oddlens.methods.f2lm.network import COLOURS, PAST
from oddlens.methods.f2lm.pipelines import DESTROYED, DESTROYER_PARTS, paper_pipeline
from oddlens.methods.f2lm.predictor import FramePredictor
from oddlens.methods.f2lm.scale import PartScale
from oddlens.methods.f2lm.scores import PARTS, frame_values, peak_signal_to_noise, prediction_error
from oddlens.nn.unet import hold_statistics
from oddlens.sampling.clips import FrameRun
from oddlens.sampling.intruders import Resources
from oddlens.sampling.order import ClipSet, Samples
from oddlens.types import ComponentScale, Image, Losses, SamplingSpec, Scores

_PIXEL_PARTS = DESTROYER_PARTS[2:]
_BLACK = -1.0
_PAPER_BLACK = (-0.9889, -0.9938, -0.9469)
"""Mean red, green and blue of the official code's black.jpg, which is a bluish photograph."""
_VALIDATION_SEED = 0
"""Held-out footage is damaged alike at every validation."""


class Destroyer(Method):
    """The second stage of "Making Anomalies More Anomalous" (IEEE Access 2024); the first one's weights are frozen."""

    name: ClassVar[str] = "destroyer"
    settings_type: ClassVar[type[MethodSettings]] = DestroyerSettings
    shown_pictures: ClassVar[Mapping[str, str]] = {
        "reconstruction": "predicted",
        DESTROYED: "destroyed",
        "error": "error",
    }

    background: Tensor

    def __init__(self, settings: DestroyerSettings) -> None:
        super().__init__(settings)
        self.settings = settings
        self.predictor = FramePredictor(settings.generator_method).requires_grad_(False)
        network = DestroyerNetwork(settings.features)
        initialise_destroyer(network)
        # convolutions on CPUs are faster with the channels innermost
        self.network: DestroyerNetwork = network.to(memory_format=torch.channels_last)
        spec = self.sampling
        colour = torch.tensor(_PAPER_BLACK if settings.background == "paper" else (_BLACK,) * COLOURS)
        self.register_buffer("background", colour[:, None, None].repeat(1, spec.height, spec.width))
        pixels = settings.score == "pixels"
        self.official_parts = _PIXEL_PARTS if pixels else DESTROYER_PARTS
        weights = dict(zip((*PARTS, DESTROYED), settings.weights))
        self.scale = PartScale({name: weights[name] for name in _PIXEL_PARTS} if pixels else weights, _PIXEL_PARTS)
        self._clips: ClipSet | None = None

    @classmethod
    def complete(cls, settings: MethodSettings, open_earlier: Callable[[str], Method]) -> MethodSettings:
        """The settings with those of the generator that its run folder holds.

        Raises:
            SettingsError: no generator is named, or the run is one of another method.
        """
        assert isinstance(settings, DestroyerSettings)
        return replace(settings, generator_method=_generator(settings, open_earlier).settings)

    @property
    def sampling(self) -> SamplingSpec:
        """Five consecutive frames; the last is predicted, and scored."""
        return self.predictor.sampling

    def train(self, mode: bool = True) -> Destroyer:
        """Learn, or stop learning; the generator never does."""
        super().train(mode)
        self.predictor.eval()
        return self

    def prepare_training(self, resources: Resources) -> None:
        """Take over the generator's weights, and open the picture of the background where one is named.

        Raises:
            SettingsError: the run named holds no generator.
            DataError: the picture does not fit the generator.
        """
        self.predictor.load_state_dict(_generator(self.settings, resources.open_method).predictor.state_dict())
        self.open_background(resources.open_pictures)

    def open_background(self, open_pictures: Callable[[str, Colour], Mapping[str, Image]]) -> None:
        """Open the picture of the background where one is named, in the way that `Resources.open_pictures` does.

        Raises:
            OddLensError: it cannot be read, or does not fit the generator.
        """
        if file := self.settings.background_file:
            self._paint(next(iter(open_pictures(file, "native").values())), file)

    def prepare_footage(self, runs: Sequence[FrameRun]) -> None:
        """Take the mean of the frames trained on as background, where it is wanted."""
        self._clips = ClipSet(runs, self, 0)
        if self.settings.background == "mean" and not self.settings.background_file:
            spec = self.sampling
            builder = TemplateBuilder(spec.height, spec.width, spec.channels)
            for run in runs:
                for frame in run.frames:
                    builder.add(frame)
            self._paint(builder.template().image, "mean of the footage")

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        """Patches of the prediction are damaged; those that resemble the truth shall come back undamaged, others black.

        The official loss is the sum over the batch; in evaluation it is the mean.
        """
        after = self.settings.freeze_normalisation_after
        if self.training and 0 < after < step:
            hold_statistics(self.network)
        predicted, true = self._predicted(batch)
        random = None if self.training else torch.Generator().manual_seed(_VALIDATION_SEED)
        damaged = damage(predicted, self.settings.damage, background=self.background, generator=random)
        gates = gate(damaged, true, steepness=self.settings.steepness)
        destroyed = self._destroyed(damaged)
        sums = destroyer_loss(destroyed, predicted, self.background, gates)
        per_sample = sums * len(sums) if self.training else sums
        frames = {"psnr": predicted, "destroyed_psnr": destroyed.detach()}
        psnr = {name: _decibels(frame, true) for name, frame in frames.items()}
        return Losses(per_sample.mean(), {"gate": gates.mean(), **psnr}, per_sample)

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW for the Destroyer's own network."""
        s = self.settings
        parameters = self.network.parameters()
        return {"main": torch.optim.AdamW(parameters, lr=s.learning_rate, betas=BETAS, weight_decay=s.weight_decay)}

    @torch.no_grad()
    def conclude_training(self, samples: Samples, batch_size: int) -> None:
        """Take the scale of the parts of the score from training clips."""
        if self._clips is not None:
            self.scale.learn(self._examples(self._clips, batch_size))

    def _examples(self, clips: ClipSet, batch_size: int) -> Iterator[tuple[Mapping[str, Tensor], Mapping[str, Tensor]]]:
        for batch in clips.spread_batches(SCALE_SAMPLES, batch_size):
            values, maps, *_ = self._values(self._complete(batch["clip"].to(self.background.device)))
            yield values, maps

    def component_scales(self) -> Mapping[str, ComponentScale]:
        """Means, deviations and weights of the parts of the score."""
        return self.scale.components()

    def open_features(self) -> FrameFeatures | None:
        """What computes flow and labels of the frames of a video; nothing where pixels alone count."""
        return self.predictor.helpers.stream(self.background.device) if self.settings.score == "all" else None

    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        """As `score_with`; flow and labels are computed anew for every window, where they count."""
        return self._score(self._complete(windows))

    def score_with(self, windows: Tensor, targets: Sequence[int], features: Mapping[str, Tensor]) -> Scores:
        """The weighted sum of the parts, each in deviations of those of training frames.

        Components: those of the generator and `destroyed` (e_a), the mean squared error of the destroyed frame. The map
        adds up both squared errors, each in multiples of its mean over training frames. Pictures: `reconstruction` (the
        predicted frame), `destroyed`, `error` (the map).
        """
        return self._score(self.predictor.with_features(windows, features))

    def paper_protocol(self) -> PaperProtocol:
        """The fifth frame on; the parts as the official code combines them."""
        s = self.settings
        weights = s.paper_weights and s.paper_weights[-len(self.official_parts) :]
        pipeline = paper_pipeline(self.official_parts, weights, s.paper_smoothing)
        return PaperProtocol(head=PAST, tail=0, normalise="none", pipeline=pipeline)

    @torch.no_grad()
    def _score(self, batch: Batch) -> Scores:
        values, maps, predicted, destroyed = self._values(batch)
        places, channels = self.scale.map(maps), self.sampling.channels
        pictures = {
            "reconstruction": predicted[:, :channels],
            DESTROYED: destroyed[:, :channels],
            "error": places.unsqueeze(1),
        }
        return Scores(
            self.scale.score(values)[:, None],
            {name: values[name][:, None] for name in {**self.scale.weights, **dict.fromkeys(self.official_parts)}},
            places[:, None],
            {name: picture[:, None] for name, picture in pictures.items()},
        )

    def _values(self, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor, Tensor]:
        """Parts of the score, maps, predicted and destroyed frames."""
        generated, true = self.predictor(batch)
        predicted = generated.frame.float()
        destroyed = self._destroyed(predicted)
        maps = {name: prediction_error(frame, true) for name, frame in zip(_PIXEL_PARTS, (predicted, destroyed))}
        values = frame_values(generated, true, self.settings.generator_method.triplet_axis)
        return values | {DESTROYED: maps[DESTROYED].mean(dim=(1, 2))}, maps, predicted, destroyed

    def _complete(self, windows: Tensor) -> dict[str, Tensor]:
        """Windows as a batch, with flow and labels where they count."""
        return self.predictor.with_features(windows) if self.settings.score == "all" else {"clip": windows}

    @torch.no_grad()
    def _predicted(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the frozen generator predicts, and the true frames, `(B, 3, H, W)`."""
        generated, true = self.predictor({"clip": batch["clip"]})
        return generated.frame.float(), true

    def _destroyed(self, frames: Tensor) -> Tensor:
        destroyed: Tensor = self.network(frames.contiguous(memory_format=torch.channels_last))
        return destroyed.float()

    def _paint(self, picture: NDArray[np.uint8], name: str) -> None:
        """Take a picture `(H, W, C)` as the background."""
        spec = self.sampling
        if picture.shape[:2] != (spec.height, spec.width):
            fault = f"is {picture.shape[1]}x{picture.shape[0]}, the generator's frames are {spec.width}x{spec.height}"
            raise DataError(f"background {name}", fault, "give a picture of that size")
        values = torch.from_numpy(with_channels(picture, COLOURS)).float() / 127.5 - 1
        self.background.copy_(values.permute(2, 0, 1))


def _decibels(frames: Tensor, true: Tensor) -> Tensor:
    """Mean PSNR against the true frames."""
    return peak_signal_to_noise(prediction_error(frames, true).mean(dim=(1, 2))).mean()


def _generator(settings: DestroyerSettings, open_earlier: Callable[[str], Method]) -> F2lm:
    """The trained generator."""
    if not settings.generator:
        remedy = "name the run folder of a finished 'oddlens train f2lm' with --generator (method.generator)"
        raise SettingsError("destroyer", "there is no generator to begin with", remedy)
    method = open_earlier(settings.generator)
    if not isinstance(method, F2lm):
        raise SettingsError(settings.generator, f"is a run of {method.name}", "give one of f2lm")
    return method
