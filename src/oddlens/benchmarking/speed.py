"""How fast a detector is from compressed bytes to scores."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any

import torch

from oddlens.datasets.base import DataSet
from oddlens.datasets.photographs import PhotographSet
from oddlens.media.photographs import read_photograph
from oddlens.media.resize import fit_photograph
from oddlens.scoring.detector import Detector
from oddlens.scoring.photographs import score_photographs
from oddlens.scoring.table import open_for
from oddlens.types import Image

WARM_UP = 20
SECONDS = 10.0
_MOST = 400


def measure_speed(detector: Detector, data: DataSet | PhotographSet, seconds: float = SECONDS) -> dict[str, Any]:
    """Score test footage for a while, decoding and resizing included, in the detector's own batches.

    Args:
        detector: as it would score.
        data: its first test video, or its test photographs, are scored, over again where there are few.
        seconds: after the warm-up of 20 frames; 400 frames at most.

    Returns:
        `frames_per_second`, `frames`, `batch_size`, `device`; one frame is one photograph.
    """
    if isinstance(data, PhotographSet) and detector.tiles:
        return _speed_in_tiles(detector, data, seconds)
    images = _photographs(detector, data) if isinstance(data, PhotographSet) else _frames(detector, data)
    scorer, batch = detector.scorer(), detector.scoring.batch_size
    warm_up = max(WARM_UP, batch + detector.method.sampling.span)
    began, done = 0.0, -warm_up
    for image in images:
        scorer.push(image)
        done += 1
        if not done:
            _wait()
            began = time.perf_counter()
        # Batches end together, else frames would count that have not been scored.
        if done > 0 and not done % batch and (time.perf_counter() - began > seconds or done >= _MOST):
            break
    _wait()
    return _told(detector, done, time.perf_counter() - began)


def _speed_in_tiles(detector: Detector, data: PhotographSet, seconds: float) -> dict[str, Any]:
    """The same of whole photographs in tiles, one for warming up."""
    scored = score_photographs(detector, chain.from_iterable(repeat(data.test or data.train)), [], details=False)
    next(scored)
    began, done = time.perf_counter(), 0
    while not done or (time.perf_counter() - began < seconds and done < _MOST):
        next(scored)
        done += 1
    return _told(detector, done, time.perf_counter() - began)


def _told(detector: Detector, done: int, spent: float) -> dict[str, Any]:
    device = next((str(each.device) for each in detector.method.parameters()), "cpu")
    batch = detector.scoring.batch_size
    return {"frames_per_second": round(done / spent, 3), "frames": done, "batch_size": batch, "device": device}


def _frames(detector: Detector, data: DataSet) -> Iterator[Image]:
    video = (data.test or data.train)[0]
    for _ in repeat(None):
        for frame in open_for(detector, video.path, data.fps).frames():
            yield frame.image


def _photographs(detector: Detector, data: PhotographSet) -> Iterator[Image]:
    spec = detector.method.sampling
    shown: Iterable[Any] = chain.from_iterable(repeat(data.test or data.train))
    for photograph in shown:
        image = read_photograph(photograph.path, spec.channels)
        yield fit_photograph(image, spec.height, spec.width, spec.channels)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
