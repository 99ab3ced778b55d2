"""Scoring for methods that look at objects: frames in, patches, the oddest patch's score out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from oddlens.errors import DataError, DetectorError
from oddlens.methods.objects import ObjectMethod
from oddlens.objects.settings import DETECTOR_SHA256
from oddlens.sampling.patch_stream import PatchStream
from oddlens.sampling.patches import FramePatches, whole_pixels
from oddlens.scoring.windows import FrameScore
from oddlens.training.devices import autocast
from oddlens.training.settings import Precision
from oddlens.types import Image

if TYPE_CHECKING:
    from oddlens.objects.finder import BoxFinder


class ObjectScorer:
    """Turns frames of any size into scores, in order and in constant memory; live and offline alike.

    A frame's score is that of its oddest patch, averaged over the method's `smoothing` latest frames of the same video.

    Args:
        method: a trained method, in evaluation mode, on its device.
        batch_size: frames whose flow, boxes and patches are computed together; 1 = no waiting beyond the method's
            own latency (live use).
        details: keep maps (boxes painted with their scores).
    """

    def __init__(
        self, method: ObjectMethod, batch_size: int = 16, precision: Precision = "auto", details: bool = False
    ) -> None:
        self.method, self.batch_size, self.precision, self.details = method, batch_size, precision, details
        self.device = next(method.parameters()).device
        self.stream = open_stream(method, self.device.type)
        self.smoother = Smoother(method.smoothing)
        self._camera = method.camera
        self._waiting: list[Image] = []
        self._seen, self._video = 0, ""

    def check_detector(self, sha256: str | None) -> None:
        """Make sure that the object detector is the one that the method was trained with.

        Args:
            sha256: of its weights then; `None` where that is not known, or there was none.

        Raises:
            DetectorError: it is another one now, or cannot be had.
        """
        from oddlens.objects.finder import BoxFinder

        finder = self.stream.finder
        if sha256 is None or not isinstance(finder, BoxFinder):
            return
        if finder.provenance().get(DETECTOR_SHA256) != sha256:
            where = self.method.object_settings.detector
            fault = "is not the object detector that was trained with"
            raise DetectorError(str(where), fault, "restore the file, or train again")

    def push(self, image: Image, video: str = "") -> list[FrameScore]:
        """Take the next frame `uint8 (H, W, C)`; return the scores that are ready now.

        Raises:
            DataError: the frame has another size than the background learned in training, or than those before it.
        """
        if self._camera not in (None, image.shape[:2]):
            assert self._camera is not None
            height, width = image.shape[:2]
            fault = f"is {width}x{height}, the detector's background {self._camera[1]}x{self._camera[0]}"
            raise DataError(video or "footage", fault, "score footage of the camera it was trained on")
        self._waiting.append(image)
        self._seen, self._video = self._seen + 1, video
        if len(self._waiting) < self.batch_size:
            return []
        images, self._waiting = self._waiting, []
        return self._score(self.stream.push(images, video))

    def finish(self, name: str = "footage") -> list[FrameScore]:
        """The footage is over: score what is left; the scorer is ready for the next footage.

        Raises:
            DataError: there was no frame at all.
        """
        if not self._seen:
            raise DataError(name, "has no frames", "give footage with a picture in it")
        images, self._waiting = self._waiting, []
        scores = self._score(self.stream.push(images, self._video) + self.stream.finish(self._video))
        self.smoother.reset()
        self._seen = 0
        return scores

    def _score(self, frames: Sequence[FramePatches]) -> list[FrameScore]:
        if not frames:
            return []
        with torch.inference_mode(), autocast(self.precision, self.device):
            patches = score_frames_patches(self.method, frames, self.device)
        counts = [len(frame.boxes) for frame in frames]
        ends = np.cumsum(counts)
        return [
            self._frame(frame, {name: values[end - count : end] for name, values in patches.items()})
            for frame, count, end in zip(frames, counts, ends)
        ]

    def _frame(self, frame: FramePatches, patches: dict[str, NDArray[np.float32]]) -> FrameScore:
        score, empty = patches.pop("score"), self.method.empty_score
        official = patches.pop("official", score)
        highest = float(score.max()) if len(score) else empty
        components = {
            "frame_score": highest,
            "official": float(official.max()) if len(score) else self.method.official_empty_score,
            "boxes": float(len(score)),
            **{name: float(values.max()) if len(values) else empty for name, values in patches.items()},
        }
        return FrameScore(
            frame.index,
            self.smoother.push(highest),
            components,
            painted(frame, score, empty) if self.details else None,
            boxes=np.concatenate([frame.boxes, score[:, None]], axis=1),
        )


class Smoother:
    """Causal mean of the latest scores of a video.

    Example:
        >>> mean = Smoother(2)
        >>> [mean.push(score) for score in (1.0, 3.0, 5.0)]
        [1.0, 2.0, 4.0]
    """

    def __init__(self, frames: int) -> None:
        self._latest: deque[float] = deque(maxlen=frames)

    def push(self, score: float) -> float:
        """Take the next score; return the mean of the latest ones."""
        self._latest.append(score)
        return sum(self._latest) / len(self._latest)

    def reset(self) -> None:
        """The next score belongs to another video."""
        self._latest.clear()


def open_stream(method: ObjectMethod, device: str = "auto") -> PatchStream:
    """The stream of patches that `method` is trained on and scores.

    Args:
        method: any.
        device: where networks for flow and boxes compute.

    Raises:
        OddLensError: a detector's weights, or ready boxes, cannot be read.
    """
    from oddlens.motion.flow import FlowEstimator

    settings = replace(method.motion_settings, units="native")
    # RAFT's flow comes from a store when patches are made for training: see `oddlens.training.object_feed`
    return PatchStream(
        method.patches, FlowEstimator(settings, device), open_finder(method, device), half=settings.is_raft
    )


def open_finder(method: ObjectMethod, device: str = "auto") -> BoxFinder:
    """The finder of foreground boxes of `method`, with the background it has learned."""
    from oddlens.objects.background import Background
    from oddlens.objects.finder import BoxFinder

    arrays = method.background()
    return BoxFinder(method.object_settings, Background.from_arrays(arrays) if arrays else None, device)


def score_frames_patches(
    method: ObjectMethod, frames: Sequence[FramePatches], device: torch.device
) -> dict[str, NDArray[np.float32]]:
    """Scores of all patches of some frames, in order: `score` and the method's components, `float32 (N,)` each."""
    raw = torch.from_numpy(np.concatenate([frame.raw for frame in frames])).to(device)
    blocks = torch.from_numpy(np.concatenate([frame.blocks for frame in frames])).to(device)
    flows = [frame.flow for frame in frames if frame.flow is not None]
    flow = torch.from_numpy(np.concatenate(flows)).to(device) if flows else None
    scores = method.score_patches(raw, flow, blocks)
    named = {"score": scores.score, **scores.components}
    return {name: value.float().cpu().numpy() for name, value in named.items()}


def painted(frame: FramePatches, scores: NDArray[np.float32], empty: float) -> NDArray[np.float32]:
    """Map `float32 (H, W)` of a frame: each pixel has the highest score of the boxes over it, `empty` without any."""
    heat = np.full(frame.size, empty, np.float32)
    edges, _ = whole_pixels(frame.boxes, frame.size)
    for number in np.argsort(scores):  # the highest last: it covers the others
        left, top, right, bottom = edges[number]
        heat[top:bottom, left:right] = scores[number]
    return heat
