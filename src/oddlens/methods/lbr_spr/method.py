"""LBR-SPR: reconstructs the patches round foreground objects; what is rare is reconstructed badly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from oddlens.evaluation.protocols import PaperProtocol
from oddlens.methods.base import Batch, Method, MethodSettings
from oddlens.methods.lbr_spr.bands import ContrastBands, contrast
from oddlens.methods.lbr_spr.network import Branches
from oddlens.methods.lbr_spr.settings import LbrSprSettings
from oddlens.methods.objects import ObjectMethod, PatchScores
from oddlens.motion.settings import FlowSettings
from oddlens.objects.settings import ObjectSettings
from oddlens.sampling.order import Samples
from oddlens.sampling.patches import PatchSpec
from oddlens.types import Losses, SamplingSpec

_BIG_NUMBER = 20.0
"""Score of a patch in a block that has no model, and minus that of a frame without boxes (official)."""
_CHUNK = 1024
"""Patches in one call of the network when scoring."""


class LbrSpr(ObjectMethod):
    """Localization based reconstruction with self-paced refinement (Yu et al., CVPR 2022).

    Self-paced refinement itself is the training's (`training.self_paced`): it works with any method.
    """

    name: ClassVar[str] = "lbr-spr"
    settings_type: ClassVar[type[MethodSettings]] = LbrSprSettings

    counts: Tensor
    lowest: Tensor

    def __init__(self, settings: LbrSprSettings) -> None:
        super().__init__(settings)
        self.settings = settings
        self.smoothing, self.every = settings.smoothing, settings.every
        blocks = settings.rows * settings.columns
        length = 2 * settings.context + 1
        self.blocks = nn.ModuleList([Branches(length, settings.width, settings.motion) for _ in range(blocks)])
        self.scale = ContrastBands(blocks, 1 if settings.paper else settings.contrast_bands)
        self.official_scale = ContrastBands(blocks, 1)
        self.register_buffer("counts", torch.zeros(blocks, dtype=torch.int64))
        self.register_buffer("lowest", torch.tensor(-_BIG_NUMBER))

    @classmethod
    def complete(cls, settings: MethodSettings, open_earlier: Callable[[str], Method]) -> MethodSettings:
        """The settings with the places of files written out: the detector is to find them from any folder."""
        assert isinstance(settings, LbrSprSettings)
        return replace(settings, objects=settings.objects.with_whole_paths())

    @property
    def patches(self) -> PatchSpec:
        """Five frames of 32x32."""
        s = self.settings
        return PatchSpec(
            side=s.side,
            context=s.context,
            flow=s.motion,
            units=s.flow.units,
            rows=s.rows,
            columns=s.columns,
            first_flow="zero" if s.paper else "next",
        )

    @property
    def sampling(self) -> SamplingSpec:
        """A patch, as a window."""
        s = self.settings
        length, context = 2 * s.context + 1, s.context
        return SamplingSpec(height=s.side, width=s.side, channels=3, length=length, target=context, low=0.0, high=1.0)

    @property
    def motion_settings(self) -> FlowSettings:
        """How optical flow is estimated."""
        return self.settings.flow

    @property
    def object_settings(self) -> ObjectSettings:
        """Where boxes come from."""
        return self.settings.objects

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        """L = lambda_raw L_raw + lambda_of L_of of patches that all lie in one block; mean squared errors."""
        raw, flow = self._errors(self.blocks[int(batch["block"][0])], batch["raw"], batch.get("flow"))
        raw = raw / self._elements(3)
        if flow is None:
            return Losses(raw.mean(), {"raw": raw.mean()}, raw)
        flow = flow / self._elements(2)
        weight_raw, weight_flow = self.settings.loss_weights
        per_sample = weight_raw * raw + weight_flow * flow
        return Losses(per_sample.mean(), {"raw": raw.mean(), "flow": flow.mean()}, per_sample)

    def pace_scores(self, batch: Batch) -> Tensor:
        """Squared errors of the raw branch, summed over the patch; or the loss, where `pace_by` says so."""
        if self.settings.pace_by == "sum":
            return super().pace_scores(batch)
        branches = self.blocks[int(batch["block"][0])]
        assert isinstance(branches, Branches)
        clean = self.network_values(batch["raw"])
        reconstruction: Tensor = branches.raw_ae(clean)
        return _sum_of_squares(reconstruction.float() - clean)

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam at the paper's settings; a block at rest has no gradient and is left alone."""
        return {"main": torch.optim.Adam(self.parameters(), lr=self.settings.learning_rate)}

    @torch.no_grad()
    def conclude_training(self, samples: Samples, batch_size: int) -> None:
        """The scales of the training patches' errors (suspected anomalies included), and their lowest score."""
        measured: list[tuple[Tensor, Tensor, Tensor]] = []
        for start in range(0, len(samples), _CHUNK):
            batch = samples.__getitems__([(0, k) for k in range(start, min(start + _CHUNK, len(samples)))])
            moved = {name: value.to(self.counts.device) for name, value in batch.items()}
            errors = self.squared_errors(moved["raw"], moved.get("flow"), moved["block"])
            measured.append((errors, contrast(moved["raw"]), moved["block"]))
        if not measured:
            return
        errors, texture, blocks = (torch.cat(parts, dim=-1) for parts in zip(*measured))
        self.counts.copy_(torch.bincount(blocks, minlength=len(self.blocks)))
        for scale in (self.scale, self.official_scale):
            scale.learn(errors, texture, blocks)
        self.lowest.fill_(float(self.fuse(self.scale, errors, texture, blocks)["score"].min()))

    @torch.no_grad()
    def score_patches(self, raw: Tensor, flow: Tensor | None, blocks: Tensor) -> PatchScores:
        """Standardised squared errors; with motion w_raw r + w_of o, without it r alone.

        Components: `appearance` (r) and `motion` (o), in standard deviations of the training patches (of
        like contrast, where there are bands), and `official`, the score with the paper's one scale for each block.
        """
        errors, texture = self.squared_errors(raw, flow, blocks), contrast(raw)
        parts = self.fuse(self.scale, errors, texture, blocks)
        official = self.fuse(self.official_scale, errors, texture, blocks)["score"]
        return PatchScores(parts.pop("score"), {**parts, "official": official})

    @torch.no_grad()
    def squared_errors(self, raw: Tensor, flow: Tensor | None, blocks: Tensor) -> Tensor:
        """Squared errors of both branches, summed over each patch, `(2, N)`; 0 where there is no model or branch.

        Args:
            raw: `uint8 (N, side, side, T * C)`.
            flow: `float16 (N, side, side, T * 2)`, with motion enhancement.
            blocks: `int64 (N,)`.
        """
        errors = torch.zeros(2, len(raw), device=raw.device)
        for number, branches in enumerate(self.blocks):
            mine = torch.nonzero(blocks == number).flatten()
            for rows in torch.split(mine, _CHUNK):
                found = self._errors(branches, raw[rows], None if flow is None else flow[rows])
                errors[0, rows] = found[0]
                if found[1] is not None:
                    errors[1, rows] = found[1]
        return errors

    def fuse(self, scale: ContrastBands, errors: Tensor, texture: Tensor, blocks: Tensor) -> dict[str, Tensor]:
        """Scores of errors `(2, N)` on `scale`, of patches with contrast `(N,)` in blocks `(N,)`: `score` and parts."""
        appearance, motion = scale.standardise(errors, texture, blocks)
        seen = self.counts[blocks] > 0
        parts = {"appearance": torch.where(seen, appearance, _BIG_NUMBER)}
        if not self.settings.motion:
            return {"score": parts["appearance"], **parts}
        parts["motion"] = torch.where(seen, motion, _BIG_NUMBER)
        weight_raw, weight_flow = self.settings.score_weights
        score = weight_raw * appearance + weight_flow * motion
        return {"score": torch.where(seen, score, _BIG_NUMBER), **parts}

    @property
    def empty_score(self) -> float:
        """The lowest score of a training patch; -20 under `paper`."""
        return self.official_empty_score if self.settings.paper else float(self.lowest)

    @property
    def official_empty_score(self) -> float:
        """-20."""
        return -_BIG_NUMBER

    def paper_protocol(self) -> PaperProtocol:
        """A moving mean of ten frames over all videos end to end; no normalisation."""
        return PaperProtocol(head=0, tail=0, normalise="none", component="official", moving_mean=10)

    def network_values(self, raw: Tensor) -> Tensor:
        """Stored patches `uint8 (N, h, w, T * C)` as `(N, T * 3, h, w)` in 0..1; grey becomes three equal planes."""
        length = 2 * self.settings.context + 1
        values = raw.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.channels_last) / 255
        if raw.shape[3] == length:
            values = values[:, torch.arange(length, device=raw.device).repeat_interleave(3)]
        return values.contiguous(memory_format=torch.channels_last)

    def _errors(self, branches: nn.Module, raw: Tensor, flow: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Squared errors of one block's patches, summed over each: raw `(N,)`, flow `(N,)`."""
        clean = self.network_values(raw)
        reconstruction, predicted = branches(clean)
        error = _sum_of_squares(reconstruction.float() - clean)
        if predicted is None:
            return error, None
        assert flow is not None
        return error, _sum_of_squares(predicted.float() - flow.permute(0, 3, 1, 2).float())

    def _elements(self, channels: int) -> int:
        return channels * (2 * self.settings.context + 1) * self.settings.side**2


def _sum_of_squares(difference: Tensor) -> Tensor:
    return difference.square().sum(dim=(1, 2, 3))
