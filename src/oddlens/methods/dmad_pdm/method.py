"""DMAD-PDM: predicts the next frame from memory and a bounded deformation, and scores what neither can explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from oddlens.errors import DataError, DetectorError
from oddlens.evaluation.protocols import PaperProtocol
from oddlens.media.source import Source
from oddlens.methods.base import Batch, Method, MethodSettings, Sample, Stage
from oddlens.methods.dmad_pdm.backgrounds import (
    ONE_VIEW,
    check_views,
    clip_background,
    learn_backgrounds,
    strange_backgrounds,
    view_name,
)
from oddlens.methods.dmad_pdm.errors import Errors, frame_errors
from oddlens.methods.dmad_pdm.health import Health, in_pixels
from oddlens.methods.dmad_pdm.losses import loss_terms
from oddlens.methods.dmad_pdm.network import COLOURS, PAST, PdmNetwork, Prediction, Shape
from oddlens.methods.dmad_pdm.parts import join_scores, windows_at_once
from oddlens.methods.dmad_pdm.pipelines import PipelineName, paper_pipeline
from oddlens.methods.dmad_pdm.scale import ErrorScale
from oddlens.methods.dmad_pdm.settings import DmadPdmSettings
from oddlens.methods.dmad_pdm.static_anomalies import COARSE_OFFSET, DIFFERENCE, StaticStage
from oddlens.methods.dmad_pdm.variants import VARIANTS
from oddlens.methods.dmad_pdm.views import nearest_view
from oddlens.nn.quantiser import VectorQuantiser
from oddlens.sampling.clips import Clip, FrameRun
from oddlens.sampling.intruders import Resources
from oddlens.sampling.order import Place, Samples
from oddlens.types import Losses, SamplingSpec, Scores

_LATE_EPOCH = 6
"""From this epoch on, counted from 0, the background has a rate of its own (official)."""
_SCALE_SAMPLES = 512
"""So many training samples, evenly spread, tell the usual size of the errors."""
_WEIGHT_DECAY = 0.01


class DmadPdm(Method):
    """Diversity-Measurable Anomaly Detection with the Pyramid Deformation Module (Liu et al., CVPR 2023)."""

    name: ClassVar[str] = "dmad-pdm"
    settings_type: ClassVar[type[MethodSettings]] = DmadPdmSettings

    background: nn.Parameter
    made_for: Tensor
    """Number of the variant, and channels: weights of one have the shapes of another's."""

    def __init__(self, settings: DmadPdmSettings) -> None:
        super().__init__(settings)
        self.settings, self.rule = settings, settings.rule
        # convolutions on CPUs are faster with the channels innermost
        self.network: PdmNetwork = build_network(settings).to(memory_format=torch.channels_last)
        self.background = nn.Parameter(torch.zeros(1, COLOURS, settings.height, settings.width))
        self.register_buffer("made_for", torch.tensor([list(VARIANTS).index(settings.variant), settings.channels]))
        self._views: dict[str, int] = {}
        self._strangers: list[str] = []
        self.scale = ErrorScale(settings.weights)
        self.health = Health(self.network.memory, self.rule.coarse.pixels)

    @property
    def sampling(self) -> SamplingSpec:
        """Five consecutive frames; the last is predicted, and scored."""
        s = self.settings
        spec = SamplingSpec(height=s.height, width=s.width, channels=s.channels, length=PAST + 1)
        return SamplingSpec(**{**vars(spec), "target": PAST, "fast_targets": (PAST,)})

    def prepare_training(self, resources: Resources) -> None:
        """Open the pictures of the background, where they are named.

        Raises:
            DataError: they do not fit the method.
            MediaError: they cannot be read.
        """
        if file := self.settings.background.file:
            self.set_background(resources.open_pictures(file, "grey" if self.settings.channels == 1 else "native"))

    def prepare_footage(self, runs: Sequence[FrameRun]) -> None:
        """Learn the background from the frames trained on, where no pictures are named.

        Raises:
            DataError: there are pictures, but none for the view of a video.
        """
        background = self.settings.background
        if not background.file:
            self.set_background(learn_backgrounds(runs, background, self.rule.scenes))
            return
        if self.rule.scenes:
            check_views(runs, self._views, background)
        pictures = self.background.detach()[:, : self.settings.channels].cpu().numpy()
        self._strangers = strange_backgrounds(runs, pictures, self._views, background, self.rule.scenes)

    def training_faults(self) -> Sequence[str]:
        """Whether a background is of another scene, most of the memory dead, or the deformation at its limit."""
        return [*self._strangers, *self.health.faults]

    def set_background(self, pictures: Mapping[str, NDArray[Any]]) -> None:
        """Begin with these backgrounds, levels 0..255 `(H, W, C)` by the name of their view.

        Only `shanghai` takes several; the samples of a video of that name then go with its own.

        Raises:
            DataError: there is none, there are too many, or one is of another size.
        """
        if not pictures or (len(pictures) > 1 and not self.rule.scenes):
            fault = f"there are {len(pictures)} backgrounds, '{self.settings.variant}' takes one"
            raise DataError("background", fault, "give one, or set method.variant: shanghai")
        planes = [self._network_values(picture, name) for name, picture in pictures.items()]
        self._views = {name: number for number, name in enumerate(pictures)}
        self.background = nn.Parameter(torch.stack(planes).to(self.background.device))

    def validation_sample(self, clip: Clip) -> Sample:
        """`clip` `(C, 5, H, W)`, and `view`: the number of its background, -1 where the frames have to tell."""
        name = view_name(clip.run.video, self.settings.background.views)
        view = self._views.get(name, -1) if self.rule.scenes else 0
        return super().validation_sample(clip) | {"view": np.array(view, np.int64)}

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        """L_rec + L_com + gamma2 L_df, with the code's terms for edges, background and mask."""
        past, target = self._pictures(batch["clip"])
        background = self._background_of(past, batch.get("view"))
        prediction: Prediction = self.network(past, background)
        terms = loss_terms(self.rule, target, prediction, background)
        per_sample = torch.stack(list(terms.values())).sum(dim=0)
        means = {name: term.mean() for name, term in terms.items()}
        return Losses(per_sample.mean(), means | self.health.watch(prediction), per_sample)

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW at the paper's settings; the background learns much faster."""
        rate = self.settings.learning_rate
        rest = [parameter for name, parameter in self.named_parameters() if name != "background"]
        groups = [
            {"params": rest, "lr": rate},
            {"params": [self.background], "lr": rate * self.rule.background_factor},
        ]
        return {"main": torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.999), weight_decay=_WEIGHT_DECAY)}

    def adjust_rates(self, phase: str, rates: list[float], place: Place) -> list[float]:
        """The schedule's rates; the background of `ped2` and `avenue` gets a constant one from the seventh epoch on."""
        late = self.rule.late_factor
        if late is None or not self.settings.background_late_rate or place.epoch < _LATE_EPOCH:
            return rates
        return [rates[0], late * self.settings.learning_rate]

    @torch.no_grad()
    def conclude_training(self, samples: Samples, batch_size: int) -> None:
        """Take the scale of the errors from training samples, and look whether memory and deformation are alive."""
        chosen = np.unique(np.linspace(0, len(samples) - 1, min(len(samples), _SCALE_SAMPLES)).round().astype(int))
        device = self.background.device
        found, codes, moved = [], [], []
        for start in range(0, len(chosen), batch_size):
            batch = samples.__getitems__([(0, int(number)) for number in chosen[start : start + batch_size]])
            errors, prediction, _ = self._errors(batch["clip"].to(device), batch["view"].to(device))
            found.append(errors)
            codes.append(prediction.memory.indices.flatten())
            moved.append(in_pixels(prediction.offsets[0]).abs().mean())
        self.scale.learn(found)
        self.health.judge(torch.cat(codes), float(torch.stack(moved).mean()))

    @torch.no_grad()
    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        """The weighted sum of the three errors, each in deviations of those of training frames.

        Components: `deformation` (e1), `reconstruction` (e2), `gradient` or `object` (e3), as the paper's code measures
        them, before any scale. The map adds up the errors' maps, each in multiples of its mean over training frames.
        Pictures: `reconstruction` (xhat_2), `error` (the map), `difference` (|x - xhat_2|, three colours), and the
        offsets `coarse_offset` and `offset` (both fields together), `(2, h, w)`: how far right and down of itself a
        pixel of the reference is fetched from, in pixels of the network's frame.
        """
        values = (self.settings.features or self.rule.features) * self.settings.height * self.settings.width
        at_once = windows_at_once(windows, values)
        return join_scores([self._score(part) for part in torch.split(windows, at_once)])

    def _score(self, windows: Tensor) -> Scores:
        errors, prediction, target = self._errors(windows)
        places = self.scale.map(errors)
        pictures = {
            "reconstruction": prediction.frames[1][:, : self.settings.channels],
            "error": places.unsqueeze(1),
            DIFFERENCE: (target - prediction.frames[1]).abs(),
            COARSE_OFFSET: in_pixels(prediction.offsets[0]),
            "offset": in_pixels(prediction.offsets[0] + prediction.offsets[1]),
        }
        return Scores(
            self.scale.score(errors)[:, None],
            {name: value[:, None] for name, value in errors.values.items()},
            places[:, None],
            {name: picture[:, None] for name, picture in pictures.items()},
        )

    def open_stage(self) -> Stage | None:
        """For `avenue`: what stays where it was a moment ago is told apart; see `static_anomalies`."""
        s = self.settings
        if s.variant != "avenue" or not s.remove_static:
            return None
        return StaticStage(s.height, s.width, self.rule.coarse.pixels, s.static)

    def previewed(self, source: Source) -> Method | None:
        """For `shanghai`: with the background of the whole test video's own frames, as officially."""
        if not self.rule.scenes:
            return None
        s = self.settings
        adapted = copy(self)
        adapted._parameters = dict(self._parameters)  # so that this one keeps its own backgrounds
        adapted.set_background({ONE_VIEW: clip_background(source, s.background, (s.height, s.width))})
        return adapted

    def paper_protocol(self) -> PaperProtocol:
        """The fifth frame on; the three errors, or what the stage makes of them, as the official code combines them."""
        s = self.settings
        name: PipelineName = "avenue-static" if s.variant == "avenue" and s.remove_static else s.variant
        return PaperProtocol(head=PAST, tail=0, normalise="none", pipeline=paper_pipeline(name))

    def _errors(self, windows: Tensor, view: Tensor | None = None) -> tuple[Errors, Prediction, Tensor]:
        past, target = self._pictures(windows)
        prediction: Prediction = self.network(past, self._background_of(past, view))
        return frame_errors(self.rule, target, prediction), prediction, target

    def _pictures(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Past `(B, 12, H, W)`, frame after frame, and the frame after it `(B, 3, H, W)`, of `(B, C, 5, H, W)`."""
        frames = windows.transpose(1, 2)
        if frames.shape[2] == 1:
            frames = frames.expand(-1, -1, COLOURS, -1, -1)
        return frames[:, :PAST].flatten(1, 2), frames[:, PAST]

    def _background_of(self, past: Tensor, view: Tensor | None) -> Tensor:
        """The background of each sample `(B or 1, 3, H, W)`."""
        if len(self.background) == 1:
            return self.background
        if view is None or bool((view < 0).any()):
            seen = nearest_view(past[:, -COLOURS:], self.background.detach())
            view = seen if view is None else torch.where(view < 0, seen, view)
        return self.background[view]

    def _network_values(self, picture: NDArray[Any], name: str) -> Tensor:
        """A background `(H, W, C)`, 0..255, as `float32 (3, H, W)`, -1..1."""
        s = self.settings
        if picture.shape[:2] != (s.height, s.width):
            fault = f"is {picture.shape[1]}x{picture.shape[0]}, the method's frames are {s.width}x{s.height}"
            raise DataError(
                f"background {name}", fault, f"make it with 'oddlens background --size {s.width}x{s.height}'"
            )
        if picture.shape[2] != s.channels:
            kinds = {1: "grey", 3: "colour"}
            fault = f"is {kinds[picture.shape[2]]}, the method's frames are {kinds[s.channels]}"
            raise DataError(f"background {name}", fault, "make it of the footage to train on")
        values: NDArray[np.float32] = picture.astype(np.float32) / np.float32(127.5) - 1
        return torch.from_numpy(values).permute(2, 0, 1).expand(COLOURS, -1, -1).contiguous()

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        # weights saved before they told what they are made for have no such entry, and are believed
        made_for = state_dict.setdefault(prefix + "made_for", self.made_for).tolist()
        if made_for != self.made_for.tolist():
            theirs, mine = (
                f"variant '{list(VARIANTS)[variant]}' with {channels} channel{'s' if channels > 1 else ''}"
                for variant, channels in (made_for, self.made_for.tolist())
            )
            fault = f"the weights are of {theirs}, the settings of {mine}"
            raise DetectorError("dmad-pdm", fault, "restore settings and weights together")
        stored = state_dict.get(prefix + "background")  # there are as many as there were views
        sides = self.background.shape
        # one of the right size stays: an optimiser may hold it
        if stored is not None and stored.shape[1:] == sides[1:] and len(stored) != sides[0]:
            self.background = nn.Parameter(torch.empty_like(stored, device=self.background.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)


def build_network(settings: DmadPdmSettings) -> PdmNetwork:
    """The network that the settings describe, with torch's own initial weights."""
    rule = settings.rule
    features = settings.features or rule.features
    shape = Shape(
        features=features,
        skip_features=features // rule.skip_share,
        heads=(rule.coarse, rule.fine) if settings.deformation else (),
        deformation_features=settings.deformation_features,
        scenes=rule.scenes,
    )
    memory = VectorQuantiser(
        settings.codes or rule.codes,
        features * 8,
        settings.memory_start,
        settings.memory_restart,
        settings.memory_decay,
    )
    return PdmNetwork(shape, memory)
