"""Any YOLO as an ONNX file, run by onnxruntime: which head it has is found out by trying it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddlens.errors import DetectorError
from oddlens.media.resize import with_channels
from oddlens.objects.boxes import suppressed
from oddlens.objects.detections import Detections
from oddlens.objects.letterbox import PADDING, letterbox
from oddlens.objects.yolo_heads import Head, recognise_head
from oddlens.types import Image

_DEFAULT_SIZE = 640
_SIDE_STEP = 32
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_REMEDY = "give a YOLO exported to ONNX, with one picture as input and one output of boxes"
_SHOWN = 100
"""Characters of onnxruntime's message that are passed on."""


class OnnxYolo:
    """Boxes of objects by a YOLO in an ONNX file.

    Known heads are raw YOLOX `(B, N, 5 + C)`, decoded YOLOX, YOLOv5 and v7 `(B, N, 5 + C)`, YOLOv8 and later
    `(B, 4 + C, N)`, and outputs after non-maximum suppression `(B, N, 6)`. Safe to call from several threads.

    Args:
        file: the ONNX file.
        score_threshold: detections of lower or equal score are dropped.
        overlap: intersection over union from which the weaker of two boxes of a class is dropped.
        input_size: side of the network's picture where the file leaves it open; default: 640.
        threads: of onnxruntime; default: `OMP_NUM_THREADS`, or all cores.

    Raises:
        DetectorError: onnxruntime is not installed, the file cannot be read, or it is no YOLO of a known kind.
    """

    def __init__(
        self,
        file: str | Path,
        score_threshold: float = 0.2,
        overlap: float = 0.45,
        input_size: int | None = None,
        threads: int | None = None,
    ) -> None:
        self.file = Path(file).expanduser()
        self.score_threshold, self.overlap = score_threshold, overlap
        self._session = _open(self.file, threads)
        self._input, self._type, self.batch, self.size = _input_of(self._session, self.file, input_size)
        self.head = self._recognise()

    @property
    def sha256(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Detections in each of `images`, `uint8 (H, W, C)` of any sizes; as many at once as the file allows."""
        step = self.batch or max(1, len(images))
        return [found for k in range(0, len(images), step) for found in self._some(images[k : k + step])]

    def _some(self, images: Sequence[Image]) -> list[Detections]:
        height, width = self.size
        pictures, scales = zip(*(letterbox(with_channels(image, 3), height, width) for image in images))
        outputs = self._run(self.head.network_values(np.stack(pictures).transpose(0, 3, 1, 2)))
        return [self._detections(output, scale) for output, scale in zip(outputs, scales)]

    def _detections(self, output: NDArray[np.float32], scale: float) -> Detections:
        boxes, scores, classes = self.head.decode(output, self.size, self.score_threshold)
        if not self.head.suppressed:
            kept = suppressed(boxes, scores, classes, self.overlap)
            boxes, scores, classes = boxes[kept], scores[kept], classes[kept]
        return Detections((boxes / scale).astype(np.float32), scores, classes)

    def _run(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs `(B, ...)` of network values `(B, 3, H, W)`; a batch too small for the file repeats its last."""
        count = len(values)
        if self.batch and count < self.batch:
            values = np.concatenate([values, np.repeat(values[-1:], self.batch - count, axis=0)])
        output = self._session.run(None, {self._input: values.astype(self._type)})[0]
        return np.asarray(output[:count], dtype=np.float32)

    def _recognise(self) -> Head:
        """The head, from what the network makes of an empty picture."""
        blank = np.full((1, 3, *self.size), PADDING, np.float32)
        try:
            output = self._run(blank)
        except Exception as error:  # onnxruntime's errors share no base of their own
            fault = f"does not run on a picture of {self.size[1]}x{self.size[0]} ({str(error)[:_SHOWN]})"
            raise DetectorError(self.file, fault, _REMEDY) from error
        outputs = self._session.get_outputs()
        head = recognise_head(output[0], self.size) if len(outputs) == 1 and output.ndim == 3 else None
        if head is None:
            shapes = ", ".join(f"{item.name} {item.shape}" for item in outputs)
            raise DetectorError(self.file, f"is no detector of a known kind (its output is {shapes})", _REMEDY)
        return head


def _open(file: Path, threads: int | None) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        remedy = "install it: pip install 'oddlens[onnx]'"
        raise DetectorError(file, "needs onnxruntime, which is not installed", remedy) from error
    if not file.is_file():
        raise DetectorError(file, "there is no such ONNX file", "check the path of the detector")
    if not os.access(file, os.R_OK):
        raise DetectorError(file, "cannot be read (permission denied)", "check its permissions")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or _threads()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base of their own
        fault = f"cannot be read as ONNX ({str(error).rpartition(':')[2].strip()[:_SHOWN]})"
        raise DetectorError(file, fault, "fetch the file again, or export it again") from error


def _threads() -> int:
    named = os.environ.get("OMP_NUM_THREADS", "")
    available = getattr(os, "sched_getaffinity", None)
    return int(named) if named.isdecimal() and int(named) else len(available(0)) if available else os.cpu_count() or 1


def _input_of(session: Any, file: Path, wanted: int | None) -> tuple[str, Any, int | None, tuple[int, int]]:
    """Name, type, batch (`None` = any) and size (height, width) of the network's picture."""
    inputs = session.get_inputs()
    first = inputs[0]
    shape = list(first.shape)
    if len(inputs) != 1 or len(shape) != 4 or shape[1] not in (3, None) or first.type not in _TYPES:
        shapes = ", ".join(f"{item.name} {item.type} {item.shape}" for item in inputs)
        raise DetectorError(file, f"is no detector of a known kind (its input is {shapes})", _REMEDY)
    batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None
    sides = [side if isinstance(side, int) and side > 0 else None for side in shape[2:]]
    for side in sides:
        if wanted is not None and side not in (None, wanted):
            fault = f"takes pictures of {sides[1]}x{sides[0]}, not {wanted}"
            raise DetectorError(file, fault, "leave the detector's input size out, or use tiles to look closer")
    height, width = (side or wanted or _DEFAULT_SIZE for side in sides)
    if height % _SIDE_STEP or width % _SIDE_STEP:
        raise DetectorError(file, f"an input of {width}x{height} does not divide by 32", "give a multiple of 32")
    return first.name, _TYPES[first.type], batch, (height, width)
