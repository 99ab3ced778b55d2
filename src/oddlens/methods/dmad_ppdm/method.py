"""DMAD-PPDM: deforms a photograph, has a student recall the features of the result, and scores what it cannot."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from oddlens.evaluation.photograph_protocol import PhotographProtocol
from oddlens.methods.base import Batch, Method, MethodSettings, Sample
from oddlens.methods.dmad_pdm.health import RECENT, Health, in_pixels
from oddlens.methods.dmad_ppdm.augment import augment
from oddlens.methods.dmad_ppdm.bottleneck import Squeeze
from oddlens.methods.dmad_ppdm.errors import Errors, picture_errors
from oddlens.methods.dmad_ppdm.losses import loss_terms
from oddlens.methods.dmad_ppdm.network import COARSE, PAPER_SIDE, Estimator, PpdmNetwork, Reading
from oddlens.methods.dmad_ppdm.protocol import MAPS, paper_protocol
from oddlens.methods.dmad_ppdm.scale import ErrorScale
from oddlens.methods.dmad_ppdm.settings import DmadPpdmSettings
from oddlens.methods.dmad_ppdm.teacher import Teacher
from oddlens.nn.quantiser import VectorQuantiser
from oddlens.sampling.clips import Clip, to_network_values, window
from oddlens.sampling.intruders import Resources
from oddlens.sampling.order import Samples
from oddlens.types import Losses, SamplingSpec, Scores

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours of ImageNet, which torchvision's weights expect."""
_SCALE_SAMPLES = 256
"""So many training samples, evenly spread, tell the usual size of the errors."""
_WEIGHT_DECAY = 0.01


class DmadPpdm(Method):
    """Diversity-Measurable Anomaly Detection on top of Reverse Distillation, for photographs (Liu et al., CVPR 2023).

    The teacher's weights are part of the detector, so that it can be loaded anywhere.
    """

    name: ClassVar[str] = "dmad-ppdm"
    subject: ClassVar[Literal["video", "photographs"]] = "photographs"
    settings_type: ClassVar[type[MethodSettings]] = DmadPpdmSettings

    mean: Tensor
    deviation: Tensor

    def __init__(self, settings: DmadPpdmSettings) -> None:
        super().__init__(settings)
        self.settings = settings
        # convolutions on CPUs are faster with the channels innermost
        self.network: PpdmNetwork = build_network(settings).to(memory_format=torch.channels_last)
        for name, values in (("mean", _MEAN), ("deviation", _DEVIATION)):
            self.register_buffer(name, torch.tensor(values).reshape(1, 3, 1, 1), persistent=False)
        self.scale = ErrorScale((1.0, settings.deformation_weight) if settings.deformation else (1.0,))
        memory = self.network.bottleneck.memory
        self.health = None if memory is None else Health(memory, COARSE.pixels)

    @property
    def sampling(self) -> SamplingSpec:
        """Single pictures in colour."""
        return SamplingSpec(height=self.settings.height, width=self.settings.width, channels=3, low=0.0, high=1.0)

    @property
    def learns_in_parts(self) -> bool:
        """Where the deformation learns in some steps only."""
        return self.settings.deformation and self.settings.deformation_every > 1

    def prepare_training(self, resources: Resources) -> None:
        """Load the teacher.

        Raises:
            DetectorError: its weights cannot be had, or are those of another network.
        """
        if self.settings.weights == "random":
            told = "the teacher has random weights: its features tell little; name a file as method.weights"
            warnings.warn(told, stacklevel=2)
        else:
            self.network.teacher.load(self.settings.weights)

    def training_sample(self, clip: Clip, rng: np.random.Generator) -> Sample:
        """The picture, changed at random where that is set, as `clip` `(3, 1, H, W)`."""
        if not self.settings.augment.active:
            return self.validation_sample(clip)
        image = augment(window(clip.run.frames, clip.start, self.sampling)[0], self.settings.augment, rng)
        return {"clip": to_network_values(image[None], self.sampling)}

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        """L_rec + L_com + L_df, with the cycle that teaches the inverse fields."""
        pictures = self._pictures(batch["clip"])
        reading: Reading = self.network(pictures, step % self.settings.deformation_every == 0)
        terms = loss_terms(pictures, reading, self.settings.memory_weight, self.settings.detach_target)
        per_sample = torch.stack(list(terms.values())).sum(dim=0)
        means = {name: term.mean() for name, term in terms.items()}
        return Losses(per_sample.mean(), means | self._watch(reading), per_sample)

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW at the paper's settings, of everything but the teacher."""
        rate, parameters = self.settings.learning_rate, [p for p in self.parameters() if p.requires_grad]
        return {"main": torch.optim.AdamW(parameters, lr=rate, betas=(0.5, 0.999), weight_decay=_WEIGHT_DECAY)}

    @torch.no_grad()
    def conclude_training(self, samples: Samples, batch_size: int) -> None:
        """Take the scale of the errors from training samples, and look whether memory and deformation are alive."""
        codes, moved = [], [0.0]

        def found() -> Iterator[Errors]:
            for batch in samples.validation_batches(_SCALE_SAMPLES, batch_size):
                errors, reading = self._errors(batch["clip"].to(self.mean.device))
                if reading.memory is not None:
                    codes.append(reading.memory.indices.flatten())
                if reading.forward is not None:
                    moved.append(float(_mean_pixels(reading.forward.coarse)))
                yield errors

        self.scale.learn(found())
        if self.health is not None:
            self.health.judge(torch.cat(codes), max(moved))

    def training_faults(self) -> Sequence[str]:
        """Whether most of the memory is dead, or the deformation at its limit."""
        return () if self.health is None else self.health.faults

    @torch.no_grad()
    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        """The highest values of error map and deformation map, weighted, each in deviations of training pictures'.

        Components: `reconstruction` and `deformation`, as the paper's code measures them, before any scale. Pictures:
        their maps `error_map` and `deformation_map`, `deformed` (what the teacher saw), and `offset` (both forward
        fields together), `(2, h, w)`.
        """
        errors, reading = self._errors(windows)
        places = self.scale.map(errors)
        pictures = {MAPS[name]: values.unsqueeze(1) for name, values in errors.maps.items()}
        pictures["deformed"] = reading.deformed * self.deviation + self.mean
        if reading.forward is not None:
            pictures["offset"] = in_pixels(reading.forward.coarse + reading.forward.fine)
        return Scores(
            self.scale.score(errors)[:, None],
            {name: value[:, None] for name, value in errors.values.items()},
            places[:, None],
            {name: picture[:, None] for name, picture in pictures.items()},
        )

    def photograph_protocol(self) -> PhotographProtocol:
        """Both errors stretched over all test photographs, fused or not: whichever ranks better."""
        return paper_protocol(self.settings.deformation_weight if self.settings.deformation else None)

    def _pictures(self, windows: Tensor) -> Tensor:
        """`(B, 3, H, W)` in ImageNet's deviations, of windows `(B, 3, 1, H, W)`, 0..1."""
        pictures = (windows[:, :, 0] - self.mean) / self.deviation
        return pictures.contiguous(memory_format=torch.channels_last)

    def _errors(self, windows: Tensor) -> tuple[Errors, Reading]:
        reading: Reading = self.network(self._pictures(windows))
        s = self.settings
        sigma = (s.smoothing * s.height / PAPER_SIDE, s.smoothing * s.width / PAPER_SIDE)
        return picture_errors(reading, sigma), reading

    def _watch(self, reading: Reading) -> dict[str, Tensor]:
        """What the logs tell of a step: prototypes in use, and pixels that the fields move on average."""
        told = {}
        if self.health is not None:
            told["codes_in_use"] = self.health.memory.codes_in_use(RECENT).float()
        if reading.forward is not None:
            told["coarse_pixels"] = _mean_pixels(reading.forward.coarse)
            told["fine_pixels"] = _mean_pixels(reading.forward.fine)
        return told


def build_network(settings: DmadPpdmSettings) -> PpdmNetwork:
    """The network that the settings describe, with its initial weights; the teacher's are zero, unless random."""
    teacher = Teacher(settings.teacher, settings.weights == "random")
    squeeze = Squeeze(settings.mode, settings.thin_features)
    memory = None
    if squeeze.remembers:
        rest = (settings.memory_start, settings.memory_restart, settings.memory_decay)
        memory = VectorQuantiser(settings.codes, teacher.channels[2], *rest)
    estimator = Estimator(settings.deformation_features, settings.deformation_shrink, settings.height)
    deformation = estimator if settings.deformation else None
    return PpdmNetwork(teacher, squeeze, memory, settings.student_features, deformation)


def _mean_pixels(offset: Tensor) -> Tensor:
    return in_pixels(offset.detach()).square().sum(dim=1).sqrt().mean()
