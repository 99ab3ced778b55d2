"""Where foreground boxes come from, and which of them count."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from oddlens.config import Settings
from oddlens.errors import SettingsError
from oddlens.objects.background_settings import BackgroundSettings

BoxSource = Literal["motion", "background", "detector", "file"]
SOURCES: tuple[BoxSource, ...] = ("motion", "background", "detector", "file")
NETWORKS = (
    "faster-rcnn-resnet50",
    "faster-rcnn-resnet50-v2",
    "faster-rcnn-mobilenet",
    "faster-rcnn-mobilenet-320",
    "ssdlite-mobilenet",
    "retinanet-resnet50",
    "retinanet-resnet50-v2",
    "fcos-resnet50",
)
"""Torchvision's detectors."""
DETECTOR_SHA256, READY_BOXES_SHA256 = "detector_sha256", "ready_boxes_sha256"
"""Names of the hashes of what boxes rest on besides settings, in the provenance."""
_SIDE_STEP = 32


@dataclass(frozen=True, kw_only=True)
class ObjectSettings(Settings):
    """Foreground boxes of a frame; the numbers are LBR-SPR's for Ped2."""

    sources: tuple[BoxSource, ...] = ("background", "motion")
    """In this order: motion boxes are sought outside the boxes of the sources before them, and boxes of the background
    and the detector that a box of a source before them covers are dropped."""
    detector: str | None = None
    """A `.onnx` file of the YOLO family, or one of torchvision's: `faster-rcnn-resnet50`, `faster-rcnn-resnet50-v2`,
    `faster-rcnn-mobilenet`, `faster-rcnn-mobilenet-320`, `ssdlite-mobilenet`, `retinanet-resnet50`,
    `retinanet-resnet50-v2`, `fcos-resnet50`."""
    detector_weights: str = "default"
    """Of torchvision's detectors. `default`: torchvision's, downloaded once; a path: a state dict, `.safetensors` or
    torch's format; `random`: untrained, to try the program without weights."""
    score_threshold: float = 0.2
    """Detections must score more, 0...1."""
    nms_overlap: float = 0.45
    """Intersection over union from which the weaker of two detections of a class is dropped."""
    input_size: int | None = None
    """Side of the detector's picture (torchvision: the shorter side), a multiple of 32; default: its own."""
    tiles: tuple[int, int] = (1, 1)
    """Columns and rows of overlapping tiles that the detector looks at besides the whole frame, for objects that are
    small in it; each costs as much time as the frame. 1, 1: the frame alone."""
    cover_ratio: float = 0.6
    """A detection goes if a larger one covers more than this share of it, or if a box of an earlier source does."""
    smallest_area: float = 100.0
    """Square pixels a detection has at least, and a moving region more than."""
    flow_threshold: float = 1.0
    """A pixel moves if the square of its speed, in pixels of a 512x384 frame, is above this."""
    greatest_aspect: float = 10.0
    """Moving regions this many times longer than wide, or wider than long, are dropped."""
    margin: int = 2
    """Pixels by which motion boxes grow, and that they keep from boxes found before."""
    whole_frame: bool = True
    """A frame in which every pixel moves is one motion box; off: it has none, as in the official code."""
    ready_boxes: str | None = None
    """For `file`: boxes made before, `.parquet` (by `oddlens boxes`), `.csv` or `.npy`; they are taken as they are."""
    background: BackgroundSettings = field(default_factory=BackgroundSettings)

    def __post_init__(self) -> None:
        """Refuse sources that lack what they need, and numbers out of range."""
        if not self.sources or len(set(self.sources)) != len(self.sources):
            known = ", ".join(SOURCES)
            raise SettingsError("objects", f"sources are {list(self.sources)}", f"name each once, of {known}")
        self._check_detector()
        if "file" in self.sources and not self.ready_boxes:
            raise SettingsError(
                "objects", "source 'file' has no file", "name it as ready_boxes (oddlens boxes: --ready)"
            )
        for name in ("score_threshold", "nms_overlap", "cover_ratio"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError("objects", f"{name} is {getattr(self, name)}", "give a number from 0 to 1")
        for name in ("smallest_area", "flow_threshold", "margin"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise SettingsError("objects", f"{name} is {getattr(self, name)}", "give a number from 0")
        if not self.greatest_aspect > 1:
            raise SettingsError("objects", f"greatest_aspect is {self.greatest_aspect}", "give a number above 1")

    def _check_detector(self) -> None:
        known = f"name a .onnx file or one of {', '.join(NETWORKS)}"
        if "detector" in self.sources and not self.detector:
            raise SettingsError("objects", "source 'detector' has no detector", known)
        if self.detector and not self.is_onnx and self.detector not in NETWORKS:
            raise SettingsError("objects", f"detector '{self.detector}' is not known", known)
        if self.is_onnx and self.detector_weights != "default":
            remedy = "leave detector_weights out: an ONNX file holds its own"
            raise SettingsError("objects", f"detector_weights is '{self.detector_weights}'", remedy)
        if self.input_size is not None and (self.input_size < _SIDE_STEP or self.input_size % _SIDE_STEP):
            raise SettingsError("objects", f"input_size is {self.input_size}", "give a multiple of 32")
        if min(self.tiles) < 1:
            raise SettingsError("objects", f"tiles are {list(self.tiles)}", "give columns and rows, 1 or more each")

    def with_whole_paths(self) -> ObjectSettings:
        """The same with the places of its files written out, so that they are found from any folder."""
        weights = self.detector_weights
        return replace(
            self,
            detector=_whole(self.detector) if self.detector and self.is_onnx else self.detector,
            detector_weights=weights if weights in ("default", "random") else _whole(weights),
            ready_boxes=_whole(self.ready_boxes) if self.ready_boxes else None,
        )

    @property
    def is_onnx(self) -> bool:
        """Whether the detector is an ONNX file."""
        return self.detector is not None and self.detector.lower().endswith(".onnx")


def _whole(path: str) -> str:
    return str(Path(path).expanduser().absolute())
