"""Foreground boxes of frames, from all sources that the settings name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from oddlens.errors import SettingsError
from oddlens.motion.flow import to_units
from oddlens.objects.boxes import Boxes, areas, clipped, covered_by, without_covered
from oddlens.objects.detections import Detections, ObjectDetector
from oddlens.objects.imported import ReadyBoxes, read_ready_boxes
from oddlens.objects.motion import motion_boxes
from oddlens.objects.settings import DETECTOR_SHA256, READY_BOXES_SHA256, ObjectSettings
from oddlens.objects.table import FrameBoxes
from oddlens.types import Image

Flow = NDArray[np.float32]


class BoxFinder:
    """Finds the foreground boxes of frames; a frame's boxes depend on that frame and its flow alone.

    Safe to call from several threads. Networks and files are loaded when they are first needed, or by `load`.

    Args:
        settings: where boxes come from.
        background: what `oddlens.objects.background.learn_background` made, where the background is a source.
        device: where torchvision's detectors compute: `auto`, `cpu`, `cuda` or `mps`.
        threads: of an ONNX detector; default: `OMP_NUM_THREADS`, or all cores.
        lengths: frames of every video by name, in order; ready boxes by running number are dealt out by it, and the
            lengths of all others are checked.
    """

    def __init__(
        self,
        settings: ObjectSettings | None = None,
        background: Any = None,
        device: str = "auto",
        threads: int | None = None,
        lengths: Mapping[str, int] | None = None,
    ) -> None:
        self.settings, self.background = settings or ObjectSettings(), background
        self._device, self._threads, self._lengths = device, threads, lengths
        self._lock = RLock()

    @property
    def needs_flow(self) -> bool:
        """Whether frames must come with their flow."""
        return "motion" in self.settings.sources

    @property
    def needs_background(self) -> bool:
        """Whether a background must have been learned."""
        return "background" in self.settings.sources

    def load(self) -> None:
        """Load what finding needs.

        Raises:
            DetectorError: the detector or its weights cannot be had.
            DataError: the ready boxes cannot be read, or belong to other videos.
            SettingsError: there is no background, or the device is not there.
        """
        with self._lock:
            if "detector" in self.settings.sources:
                _ = self._detector
            if "file" in self.settings.sources:
                _ = self._ready
            if self.needs_background and self.background is None:
                remedy = "learn one from the footage first, or take 'background' out of the sources"
                raise SettingsError("objects", "source 'background' has no background", remedy)

    def check_footage(self, name: str, path: str | Path) -> None:
        """Make sure that ready boxes, where they are a source, were made for the video `name` at `path`.

        Raises:
            DataError: they are of other footage, or there are none of this.
            MediaError: the footage cannot be read.
        """
        if "file" in self.settings.sources:
            self._ready.check_footage(name, path)

    def with_background(self, background: Any) -> BoxFinder:
        """The same finder before another background; what is loaded is shared."""
        with self._lock:
            if "detector" in self.settings.sources:
                _ = self._detector
            other = copy(self)
            other.background = background
            return other

    def find(self, image: Image, flow: Flow | None, video: str = "", index: int = 0) -> Boxes:
        """Boxes of one frame as `float32 (n, 4)`: left, top, right, bottom, in the order of the sources.

        Args:
            image: `uint8 (H, W, C)`, C = 1 grey or 3 RGB.
            flow: `float32 (H, W, 2)` to the next frame in native pixels, where `needs_flow`.
            video: its name, for ready boxes.
            index: of the frame in its video, for ready boxes.

        Raises:
            OddLensError: as for `load`; or there is no flow, or there are no ready boxes of this frame.
        """
        return self.find_many([image], None if flow is None else [flow], video, [index])[0]

    def find_many(
        self, images: Sequence[Image], flows: Sequence[Flow] | None, video: str = "", indices: Sequence[int] = ()
    ) -> list[Boxes]:
        """The same for each of several frames of a video; a detector takes them together."""
        return [found.boxes for found in self.look(images, flows, video, indices)]

    def look(
        self, images: Sequence[Image], flows: Sequence[Flow] | None, video: str = "", indices: Sequence[int] = ()
    ) -> list[FrameBoxes]:
        """The same with the source and the score of every box."""
        self.load()
        if self.needs_flow and flows is None:
            raise SettingsError("objects", "source 'motion' was given no flow", "give the flow to the next frame along")
        detections: Sequence[Detections | None] = [None] * len(images)
        if "detector" in self.settings.sources:
            detections = self._detector(images)
        places = list(indices) or list(range(len(images)))
        motions: Sequence[Flow | None] = [None] * len(images) if flows is None else flows
        return [
            self._one(image, flow, found, video, place)
            for image, flow, found, place in zip(images, motions, detections, places)
        ]

    def provenance(self) -> dict[str, str]:
        """SHA-256 of what else the boxes rest on besides settings: the detector's weights, the file of ready boxes."""
        self.load()
        found = {}
        if "detector" in self.settings.sources:
            found[DETECTOR_SHA256] = self._detector.sha256
        if "file" in self.settings.sources:
            found[READY_BOXES_SHA256] = hashlib.sha256(self._ready.file.read_bytes()).hexdigest()
        return found

    def _one(
        self, image: Image, flow: Flow | None, detections: Detections | None, video: str, index: int
    ) -> FrameBoxes:
        pool = FrameBoxes.pooled([])
        for source in self.settings.sources:
            if source == "file":
                found = FrameBoxes.made_by("file", *self._ready.of(video, index, *image.shape[:2]))
            elif source == "motion":
                found = FrameBoxes.made_by("motion", self._moving(cast(Flow, flow), pool.boxes))
            elif source == "detector":
                found = self._new(self._detected(cast(Detections, detections), image), pool)
            else:
                found = self._new(self._before_background(image), pool)
            pool = FrameBoxes.pooled([pool, found])
        return pool

    def _moving(self, flow: Flow, known: Boxes) -> Boxes:
        settings = self.settings
        return motion_boxes(
            to_units(flow, "flownet512"),
            known,
            threshold=settings.flow_threshold,
            smallest_area=settings.smallest_area,
            greatest_aspect=settings.greatest_aspect,
            margin=settings.margin,
            whole_frame=settings.whole_frame,
        )

    def _detected(self, detections: Detections, image: Image) -> FrameBoxes:
        boxes, inside = clipped(detections.boxes, *image.shape[:2])
        kept = np.flatnonzero(inside & (areas(boxes) >= self.settings.smallest_area))
        kept = kept[without_covered(boxes[kept], self.settings.cover_ratio)]
        return FrameBoxes.made_by("detector", boxes[kept], detections.scores[kept])

    def _before_background(self, image: Image) -> FrameBoxes:
        from oddlens.objects.background import background_boxes

        boxes, inside = clipped(background_boxes(image, self.background, self.settings.background), *image.shape[:2])
        return FrameBoxes.made_by("background", boxes[inside])

    def _new(self, found: FrameBoxes, known: FrameBoxes) -> FrameBoxes:
        """Those of `found` that no box known before covers."""
        new = ~covered_by(found.boxes, known.boxes, self.settings.cover_ratio)
        return FrameBoxes(found.boxes[new], found.sources[new], found.scores[new])

    @cached_property
    def _detector(self) -> ObjectDetector:
        settings = self.settings
        assert settings.detector is not None
        detector: ObjectDetector
        if settings.is_onnx:
            from oddlens.objects.onnx_yolo import OnnxYolo

            limits = settings.score_threshold, settings.nms_overlap, settings.input_size
            detector = OnnxYolo(settings.detector, *limits, self._threads)
        else:
            from oddlens.objects.detectors import TorchvisionDetector

            limits = settings.score_threshold, settings.nms_overlap, settings.input_size
            detector = TorchvisionDetector(settings.detector, settings.detector_weights, *limits, self._device)
        if settings.tiles == (1, 1):
            return detector
        from oddlens.objects.tiling import TiledDetector

        return TiledDetector(detector, *settings.tiles, settings.nms_overlap)

    @cached_property
    def _ready(self) -> ReadyBoxes:
        assert self.settings.ready_boxes is not None
        ready = read_ready_boxes(self.settings.ready_boxes)
        return ready if self._lengths is None else ready.for_videos(self._lengths)
