"""F2LM: predicts the next frame by way of imitated motion and labels, and scores what fails in either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from oddlens.evaluation.protocols import PaperProtocol
from oddlens.methods.base import Batch, FrameFeatures, Method, MethodSettings, Sample
from oddlens.methods.f2lm.discriminator import PatchDiscriminator, initialise_discriminator
from oddlens.methods.f2lm.losses import (
    adversarial_loss,
    discriminator_loss,
    gradient_loss,
    intensity_loss,
    triplet_loss,
)
from oddlens.methods.f2lm.network import PAST, Generated
from oddlens.methods.f2lm.pipelines import paper_pipeline
from oddlens.methods.f2lm.predictor import FramePredictor
from oddlens.methods.f2lm.scale import PartScale
from oddlens.methods.f2lm.scores import (
    APPEARANCE,
    OFFICIAL_PARTS,
    PARTS,
    frame_values,
    peak_signal_to_noise,
    prediction_error,
)
from oddlens.methods.f2lm.settings import F2lmSettings
from oddlens.nn.unet import hold_statistics
from oddlens.sampling.clips import Clip, FrameRun
from oddlens.sampling.intruders import Resources
from oddlens.sampling.order import ClipSet, Samples
from oddlens.types import ComponentScale, Losses, SamplingSpec, Scores

SCALE_SAMPLES = 512
"""So many training clips, evenly spread, tell the usual size of the parts of the score."""
BETAS = (0.9, 0.999)


class F2lm(Method):
    """The generator of "Making Anomalies More Anomalous" (IEEE Access 2024), with its discriminator."""

    name: ClassVar[str] = "f2lm"
    settings_type: ClassVar[type[MethodSettings]] = F2lmSettings
    phases: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    shown_pictures: ClassVar[Mapping[str, str]] = {"reconstruction": "predicted", "error": "error"}

    def __init__(self, settings: F2lmSettings) -> None:
        super().__init__(settings)
        self.settings = settings
        self.predictor = FramePredictor(settings)
        discriminator = PatchDiscriminator(2 * settings.features)
        initialise_discriminator(discriminator)
        self.discriminator: PatchDiscriminator = discriminator.to(memory_format=torch.channels_last)
        pixels = settings.score == "pixels"
        self.official_parts = (APPEARANCE,) if pixels else OFFICIAL_PARTS
        self.scale = PartScale({APPEARANCE: 1.0} if pixels else dict(zip(PARTS, settings.weights)), (APPEARANCE,))
        self._generated: Tensor | None = None
        self._resources: Resources | None = None
        self._clips: ClipSet | None = None

    @property
    def sampling(self) -> SamplingSpec:
        """Five consecutive frames; the last is predicted, and scored."""
        return self.predictor.sampling

    def prepare_training(self, resources: Resources) -> None:
        """Remember what makes stores of features."""
        self._resources = resources

    def prepare_footage(self, runs: Sequence[FrameRun]) -> None:
        """Learn classes from the frames trained on, and make the features of all frames.

        Raises:
            OddLensError: weights of a network that makes features are missing.
        """
        self._clips = ClipSet(runs, self.predictor, 0)
        if self.settings.imitates and self._resources is not None:
            self.predictor.helpers.prepare(runs, self._resources)

    def training_faults(self) -> Sequence[str]:
        """What of the features did not fit into the cache."""
        if not self.settings.imitates:
            return ()
        kinds = self.predictor.helpers.uncached
        return [f"{kind} was computed anew for every clip: raise --cache-gb to train faster" for kind in kinds]

    def validation_sample(self, clip: Clip) -> Sample:
        """`clip` `(C, 5, H, W)` and, where something is imitated, the kept features `motion` and `labels`."""
        return self.predictor.validation_sample(clip)

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        """The losses of the generator, then those of the discriminator for the frames that were generated then."""
        if phase == "discriminator":
            return self._judge(batch)
        after = self.settings.freeze_normalisation_after
        if self.training and 0 < after < step:
            hold_statistics(self.predictor)
        generated, true = self.predictor(batch)
        frame = generated.frame.float()
        if self.training:
            self._generated = frame.detach()
        terms = self._terms(generated, frame, true)
        per_sample = torch.stack(list(terms.values())).sum(dim=0)
        psnr = peak_signal_to_noise(prediction_error(frame.detach(), true).mean(dim=(1, 2)))
        logged = {name: term.mean() for name, term in terms.items()} | {"psnr": psnr.mean()}
        return Losses(per_sample.mean(), logged, per_sample)

    def _terms(self, generated: Generated, frame: Tensor, true: Tensor) -> dict[str, Tensor]:
        """The weighted terms of the generator's loss, `(B,)` each."""
        intensity, gradient, adversarial, triplet = self.settings.loss_weights
        # the discriminator learns nothing here, so its weights need no gradient
        fixed = {name: parameter.detach() for name, parameter in self.discriminator.named_parameters()}
        truth = functional_call(self.discriminator, fixed, (frame,)).float()
        terms = {
            "intensity": intensity * intensity_loss(frame, true),
            "gradient": gradient * gradient_loss(frame, true),
            "adversarial": adversarial * adversarial_loss(truth),
        }
        if triplet and generated.motion is not None and generated.labels is not None:
            axis = self.settings.triplet_axis
            terms["motion_triplet"] = triplet * triplet_loss(generated.motion, axis)
            terms["object_triplet"] = triplet * triplet_loss(generated.labels, axis)
        return terms

    def _judge(self, batch: Batch) -> Losses:
        _, true = self.predictor.pictures(batch["clip"])
        generated, self._generated = self._generated, None
        if generated is None:
            raise RuntimeError("the generator's phase comes first")
        per_sample = discriminator_loss(self.discriminator(true).float(), self.discriminator(generated).float())
        return Losses(per_sample.mean(), {"discriminator": per_sample.mean()}, per_sample)

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW for both."""
        s = self.settings

        def adam(network: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
            return torch.optim.AdamW(network.parameters(), lr=rate, betas=BETAS, weight_decay=s.weight_decay)

        return {
            "generator": adam(self.predictor.network, s.learning_rate),
            "discriminator": adam(self.discriminator, s.discriminator_rate),
        }

    @torch.no_grad()
    def conclude_training(self, samples: Samples, batch_size: int) -> None:
        """Take the scale of the parts of the score from training clips."""
        clips = self._clips
        if clips is not None:
            self.scale.learn(self._examples(clips, batch_size))

    def _examples(self, clips: ClipSet, batch_size: int) -> Iterator[tuple[Mapping[str, Tensor], Mapping[str, Tensor]]]:
        device = self.scale.mean.device
        for batch in clips.spread_batches(SCALE_SAMPLES, batch_size):
            generated, true = self.predictor({name: value.to(device) for name, value in batch.items()})
            yield self._values(generated, true)

    def _values(self, generated: Generated, true: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Parts of the score and maps."""
        values = frame_values(generated, true, self.settings.triplet_axis)
        return values, {APPEARANCE: prediction_error(generated.frame.float(), true)}

    def component_scales(self) -> Mapping[str, ComponentScale]:
        """Means, deviations and weights of the parts of the score."""
        return self.scale.components()

    def open_features(self) -> FrameFeatures | None:
        """What computes flow and labels of the frames of a video; nothing where pixels alone count."""
        return self.predictor.helpers.stream(self.scale.mean.device) if self.settings.score == "all" else None

    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        """As `score_with`; flow and labels are computed anew for every window, where they count."""
        batch = self.predictor.with_features(windows) if self.settings.score == "all" else {"clip": windows}
        return self._score(batch)

    def score_with(self, windows: Tensor, targets: Sequence[int], features: Mapping[str, Tensor]) -> Scores:
        """The weighted sum of the parts, each in deviations of those of training frames.

        Components: see `frame_values`. The map is the squared error in multiples of its mean over training frames.
        Pictures: `reconstruction` (the predicted frame), `error` (the map).
        """
        return self._score(self.predictor.with_features(windows, features))

    @torch.no_grad()
    def _score(self, batch: Batch) -> Scores:
        generated, true = self.predictor(batch)
        values, maps = self._values(generated, true)
        places = self.scale.map(maps)
        pictures = {"reconstruction": generated.frame[:, : self.settings.channels], "error": places.unsqueeze(1)}
        return Scores(
            self.scale.score(values)[:, None],
            {name: values[name][:, None] for name in {**self.scale.weights, **dict.fromkeys(self.official_parts)}},
            places[:, None],
            {name: picture[:, None] for name, picture in pictures.items()},
        )

    def paper_protocol(self) -> PaperProtocol:
        """The fifth frame on; the parts as the official code combines them."""
        s = self.settings
        weights = s.paper_weights if s.score == "all" else (1.0,)
        pipeline = paper_pipeline(self.official_parts, weights, s.paper_smoothing)
        return PaperProtocol(head=PAST, tail=0, normalise="none", pipeline=pipeline)

    def training_sample(self, clip: Clip, rng: np.random.Generator) -> Sample:
        """The clip as it is."""
        return self.validation_sample(clip)
