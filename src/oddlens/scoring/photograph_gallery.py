"""What `score` shows of photographs besides their panels: a gallery and an animation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oddlens.datasets.masks import read_mask
from oddlens.errors import OddLensError
from oddlens.media.images import read_image
from oddlens.reports.animation import chosen, write_animation
from oddlens.reports.gallery import Gallery, PhotographView
from oddlens.scoring.detector import Detector
from oddlens.scoring.photograph_session import PhotographResult, heat_scale_of
from oddlens.scoring.photographs import ScoredPhotograph
from oddlens.scoring.reject import reject_source
from oddlens.types import Image

GALLERY, ANIMATION = "gallery.html", "animation.gif"


class SessionGallery:
    """Takes a session's photographs as they are scored; hand `take` to `score_photographs_to_folder`.

    Args:
        detector: that scores them.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._gallery = Gallery(detector.calibration.threshold, heat_scale_of(detector.calibration))

    def take(self, scored: ScoredPhotograph, row: Mapping[str, Any]) -> None:
        """Keep a small picture of one photograph."""
        photograph = scored.photograph
        view = PhotographView(
            name=photograph.name,
            score=scored.calibrated,
            rejected=scored.reject,
            picture=scored.picture,
            heat_map=scored.heat,
            mask=_mask(photograph.mask),
            label=photograph.label,
            kind=photograph.kind,
            panel=str(row.get("panel", "")),
        )
        self._gallery.add(view)

    def write(self, result: PhotographResult, title: str) -> list[Path]:
        """Write the gallery and, where there are panels, an animation of some of each kind; returns their paths.

        Raises:
            OddLensError: they cannot be written.
        """
        calibration = self._detector.calibration
        self._gallery.write(
            result.folder / GALLERY,
            title=title,
            threshold_source=reject_source(calibration) if calibration.quantiles else "",
            warnings=calibration.warnings,
            faults=result.faults,
            provenance=self._detector.provenance,
        )
        written = [result.folder / GALLERY]
        if result.table["panel"].astype(bool).any():
            write_animation(result.folder / ANIMATION, _panels(result))
            written.append(result.folder / ANIMATION)
        return written


def _panels(result: PhotographResult) -> Iterator[Image]:
    """Panels of each kind, the oddest first."""
    table = result.table
    for index in chosen(table["kind"].tolist(), table["calibrated"].tolist()):
        yield read_image(result.folder / str(table["panel"].iloc[index]), "rgb")


def _mask(path: Path | None) -> Any:
    """The mask, None where there is none; that one cannot be read, the panel says."""
    try:
        return None if path is None else read_mask(path)
    except OddLensError:
        return None
