"""LNRA: an auto-encoder that is fed pseudo anomalies and asked for the normal clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oddlens.errors import SettingsError
from oddlens.evaluation.protocols import PaperProtocol
from oddlens.methods.base import Batch, Method, MethodSettings, Sample
from oddlens.methods.lnra.network import AutoEncoder
from oddlens.methods.lnra.pseudo import (
    Intruder,
    PseudoAnomaly,
    choose_kind,
    make_patch_anomaly,
    make_skip_anomaly,
)
from oddlens.methods.lnra.windows import highest_window_mean, smooth
from oddlens.sampling.clips import Clip, to_network_values, window
from oddlens.sampling.intruders import Resources
from oddlens.types import Losses, SamplingSpec, Scores

_ERROR_FLOOR = 1e-12


@dataclass(frozen=True, kw_only=True)
class LnraSettings(MethodSettings):
    """Settings of LNRA; the defaults are the paper's, without pseudo anomalies (its baseline)."""

    height: int = 256
    width: int = 256
    channels: int = 1
    length: int = 16
    """T: frames in a clip, a multiple of 8."""
    widths: tuple[int, int, int] = (96, 128, 256)
    """Feature channels of the network's first, second and deeper blocks."""
    pseudo: tuple[PseudoAnomaly, ...] = ()
    """Kinds of pseudo anomaly, at most one a sample."""
    learning_rate: float = 1e-4
    window: float = 0.1875
    """Side of the window whose highest mean error is the score, as a share of the frame's; 0 = the whole frame,
    as in the paper (the `paper` protocol always uses the whole frame)."""
    scale_pixels: bool = True
    """Shrink the patch's floor and step with frames below 256 pixels; `false` keeps the paper's pixels."""
    paper: bool = False
    """Skip-frame clips by the official code's rule (independent clips, frozen tails)."""

    def __post_init__(self) -> None:
        """Refuse sizes the network cannot halve, probabilities that add up to more than one and the like."""
        if self.height % 16 or self.width % 16 or min(self.height, self.width) < 16:
            fault = f"frame size is {self.width}x{self.height}"
            raise SettingsError("lnra", fault, "give sides that are multiples of 16")
        if self.length % 8 or self.length < 8:
            raise SettingsError("lnra", f"length is {self.length}", "give a multiple of 8")
        if self.channels not in (1, 3):
            raise SettingsError("lnra", f"channels is {self.channels}", "give 1 (grey) or 3 (colour)")
        if min(self.widths) < 1:
            raise SettingsError("lnra", f"widths are {list(self.widths)}", "give 1 channel and more")
        if not 0 < self.learning_rate < float("inf"):
            raise SettingsError("lnra", f"learning_rate is {self.learning_rate}", "give a number above 0, such as 1e-4")
        if not 0 <= self.window <= 1:
            raise SettingsError("lnra", f"window is {self.window}", "give a share from 0 to 1")
        if sum(kind.probability for kind in self.pseudo) > 1 + 1e-9:
            raise SettingsError("lnra", "the pseudo anomalies' probabilities add up to more than 1", "lower them")


class Lnra(Method):
    """Learning Not to Reconstruct Anomalies (Astrid et al., BMVC 2021), and its plain baseline."""

    name: ClassVar[str] = "lnra"
    settings_type: ClassVar[type[MethodSettings]] = LnraSettings

    def __init__(self, settings: LnraSettings) -> None:
        super().__init__(settings)
        self.settings = settings
        network = AutoEncoder(settings.channels, settings.widths)
        # Channels-last takes about half the time on CPU. The weights must ask for it: a one-channel clip cannot.
        self.network: AutoEncoder = network.to(memory_format=torch.channels_last_3d)
        self._intruders: dict[str, Intruder] = {}

    @property
    def sampling(self) -> SamplingSpec:
        """Sixteen consecutive grey frames; the ninth is scored."""
        length = self.settings.length
        return SamplingSpec(
            height=self.settings.height,
            width=self.settings.width,
            channels=self.settings.channels,
            length=length,
            target=length // 2,
            fast_targets=tuple(range(length // 4, length // 4 + length // 2)),
        )

    def prepare_training(self, resources: Resources) -> None:
        """Open the intruder sources."""
        wanted = {kind.intruder for kind in self.settings.pseudo if kind.kind != "skip-frame"}
        self._intruders = {name: resources.open_intruder(name, self.sampling) for name in sorted(wanted)}

    def training_sample(self, clip: Clip, rng: np.random.Generator) -> Sample:
        """`input` and `target` `(C, T, H, W)`, and `pseudo` = 1 where the input is a pseudo anomaly."""
        chosen = choose_kind(self.settings.pseudo, rng)
        if chosen >= 0:
            kind = self.settings.pseudo[chosen]
            pair = self._pseudo_pair(clip, kind, rng)
            if pair is not None:
                return {"input": pair[0], "target": pair[1], "pseudo": np.ones((), np.float32)}
        return self.validation_sample(clip)

    def validation_sample(self, clip: Clip) -> Sample:
        """The clip as its own target."""
        values = to_network_values(window(clip.run.frames, clip.start, self.sampling), self.sampling)
        return {"input": values, "target": values, "pseudo": np.zeros((), np.float32)}

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        """Mean squared error to the normal clip, over all pixels (the paper's reconstruction loss)."""
        reconstruction = self._reconstruct(batch["input"]).float()
        per_sample = (reconstruction - batch["target"]).square().mean(dim=(1, 2, 3, 4))
        pseudo = batch["pseudo"]
        detached = per_sample.detach()
        terms = {
            "normal": (detached * (1 - pseudo)).sum() / (1 - pseudo).sum(),
            "pseudo": (detached * pseudo).sum() / pseudo.sum(),
        }
        return Losses(per_sample.mean(), terms, per_sample)

    def pace_scores(self, batch: Batch) -> Tensor:
        """Error of the reconstructed normal clip: a pseudo anomaly says nothing about the clip it was made from.

        Like the score it is that of the worst window of each frame, averaged over the clip: the mean over whole frames
        mostly tells how many people are in view.
        """
        clean = batch["target"]
        error = (self._reconstruct(clean).float() - clean).square().mean(dim=1)
        if not self.settings.window:
            return error.mean(dim=(1, 2, 3))
        return highest_window_mean(error, self.settings.window).mean(dim=1)

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam at the paper's settings."""
        return {"main": torch.optim.Adam(self.parameters(), lr=self.settings.learning_rate)}

    @torch.no_grad()
    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        """Squared reconstruction error of the target frames, in decibels (the peak taken as 1, as in the paper).

        Components: `frame_error`, the mean over the frame, is the paper's -PSNR; `window_error` is the highest mean
        over a small window, so that one odd walker counts as much in a full frame as in an empty one. The map is the
        error, smoothed a little.
        """
        chosen = list(targets)
        reconstruction = self._reconstruct(windows)[:, :, chosen].float()
        error = (reconstruction - windows[:, :, chosen]).square().mean(dim=1)
        frame = _decibels(error.mean(dim=(2, 3)))
        components = {"frame_error": frame}
        if self.settings.window:
            components["window_error"] = _decibels(highest_window_mean(error, self.settings.window))
        pictures = {"reconstruction": reconstruction.transpose(1, 2), "error": error.unsqueeze(2)}
        return Scores(components.get("window_error", frame), components, smooth(error), pictures)

    def paper_protocol(self) -> PaperProtocol:
        """Frames 8..L-8 of each video, -PSNR min-max normalised per video, no smoothing."""
        spec = self.sampling
        return PaperProtocol(head=spec.target, tail=spec.latency, component="frame_error")

    def _pseudo_pair(
        self, clip: Clip, kind: PseudoAnomaly, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        if kind.kind == "skip-frame":
            return make_skip_anomaly(clip, kind, self.sampling, rng, self.settings.paper)
        target = to_network_values(window(clip.run.frames, clip.start, self.sampling), self.sampling)
        intruder = self._intruders[kind.intruder]
        scale = self.settings.scale_pixels
        return make_patch_anomaly(target, intruder, kind, self.sampling, rng, scale), target

    def _reconstruct(self, clips: Tensor) -> Tensor:
        reconstruction: Tensor = self.network(clips.contiguous(memory_format=torch.channels_last_3d))
        return reconstruction


def _decibels(error: Tensor) -> Tensor:
    return 10 * torch.log10(error.clamp_min(_ERROR_FLOOR))
