"""Evaluation of a detector on photographs of known kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from oddlens.datasets.open_photographs import open_photographs
from oddlens.datasets.photograph_masks import read_photograph_mask
from oddlens.datasets.photographs import Photograph, PhotographSet
from oddlens.errors import DataError, OddLensError
from oddlens.evaluation.photograph_floors import PhotographFloors
from oddlens.evaluation.photograph_judge import PhotographJudge
from oddlens.evaluation.photograph_record import PhotographRecord
from oddlens.files import fingerprint_files
from oddlens.metrics.pixel import Mask
from oddlens.scoring.detector import Detector, runtime
from oddlens.scoring.photographs import ScoredPhotograph, score_photographs

_IN_TILES = (1024, 1024)
Progress = Callable[[str, int, int], None]
"""Called with (photograph, photographs done, photographs in all)."""


def evaluate_photographs(
    detector: Detector,
    data: PhotographSet | str | Path,
    *,
    layout: str = "auto",
    floors: bool = True,
    seed: int = 0,
    resamples: int = 1000,
    curves: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate on the test photographs whose kind is known.

    Maps and masks are compared at the size the method works in: masks are brought to it, see `fit_mask`. Those of a
    detector that scores in tiles are compared at 1024x1024, and have no `paper` protocol: no paper had tiles.

    Args:
        detector: of a method of photographs.
        data: a set of photographs or its folder.
        layout: see `open_photographs`.
        floors: also score by rules that learn nothing, see `PhotographFloors`.
        seed: of the bootstrap.
        resamples: of the bootstrap over photographs.
        curves: also give the ROC curve of each protocol, as `roc`.
        progress: called after each photograph.

    Returns:
        `method`, `dataset`, `subject`, `photographs`, `protocols` (`clean`, and `paper` where the method has one),
        `kinds` (each defect against the good ones), `baselines` and `provenance`; all metrics in 0..1 and `None` where
        undefined, ready for JSON.

    Raises:
        OddLensError: no test photograph of known kind, or none that can be read.
    """
    dataset = data if isinstance(data, PhotographSet) else open_photographs(data, layout)
    known, notes = _usable(dataset)
    method, spec = detector.method, detector.method.sampling
    paper = None if detector.tiles else method.photograph_protocol()
    size = _IN_TILES if detector.tiles else (spec.height, spec.width)
    pictures = paper.pictures if paper and paper.maps else ()
    record = PhotographRecord(pictures, PhotographFloors.of(dataset.train, spec) if floors else None)
    faults: list[str] = []
    for done, scored in enumerate(score_photographs(detector, known, faults), 1):
        record.take(_sized(scored, size), _mask(scored.photograph, size, faults))
        if progress:
            progress(scored.photograph.name, done, len(known))
    if not record.items:
        raise DataError(dataset.root, f"no test photograph could be read ({faults[0]})", "check the files")
    judge = PhotographJudge(record, paper, resamples, seed)
    notes += [f"left out: {fault}" for fault in faults] + _vanished(record)
    return {
        "method": detector.name,
        "dataset": dataset.name,
        "subject": "photographs",
        "photographs": len(record.items),
        "protocols": judge.protocols(),
        "kinds": judge.kinds(),
        "baselines": judge.baselines(),
        **({"roc": judge.curves()} if curves else {}),
        "provenance": {
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "labels": "folders",
            "size_of_truth": f"{size[1]}x{size[0]}",
            "test_fingerprint": fingerprint_files(item.path for item in record.items),
            "bootstrap": {"over": "photographs", "resamples": resamples, "seed": seed},
            "paper_protocol": paper.record() if paper else None,
            "notes": [*dataset.notes, *dataset.faults, *notes],
            "runtime": runtime(),
            "detector": detector.provenance,
        },
    }


def _usable(dataset: PhotographSet) -> tuple[list[Photograph], list[str]]:
    """Test photographs of known kind, and a note on the others."""
    known = [item for item in dataset.test if item.label is not None]
    if not known:
        fault = "has no test photograph of known kind"
        raise DataError(dataset.root, fault, "put good ones into test/good, others into test/DEFECT; see data check")
    unknown = len(dataset.test) - len(known)
    return known, [f"{unknown} test photographs are of no known kind and are left out"] if unknown else []


def _sized(scored: ScoredPhotograph, size: tuple[int, int]) -> ScoredPhotograph:
    """With a map of `size`: maps of photographs in tiles are as large as these."""
    if scored.raw.map is None or scored.raw.map.shape == size:
        return scored
    way = cv2.INTER_AREA if scored.raw.map.shape[0] > size[0] else cv2.INTER_LINEAR
    map = np.asarray(cv2.resize(scored.raw.map, size[::-1], interpolation=way), np.float32)
    return replace(scored, raw=replace(scored.raw, map=map))


def _mask(photograph: Photograph, size: tuple[int, int], faults: list[str]) -> Mask | None:
    try:
        return read_photograph_mask(photograph, *size)
    except OddLensError as error:
        faults.append(f"{error} (from pixel numbers)")
        return None


def _vanished(record: PhotographRecord) -> list[str]:
    pairs = zip(record.items, record.masks)
    names = [item.name for item, mask in pairs if item.label and mask is not None and not mask.any()]
    more = ", ..." if len(names) > 1 else ""
    return [f"defects that vanish in the truth at this size: {len(names)} ({names[0]}{more})"] if names else []
