"""What a method drew of a frame, as pictures for people; and why the frame is odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from oddlens.errors import DataError, SettingsError
from oddlens.methods.objects import ObjectMethod
from oddlens.reports.colour import as_rgb, colourise
from oddlens.reports.explanation import STRIP_WIDTH, Explanation
from oddlens.reports.figures import network_picture
from oddlens.reports.parts import Part
from oddlens.reports.pictures_video import strip_of
from oddlens.reports.thumbnails import as_jpeg
from oddlens.scoring.windows import FrameScore
from oddlens.types import Image

if TYPE_CHECKING:
    from oddlens.scoring.detector import Detector
    from oddlens.scoring.table import ScoredFrame

FRAME, MAP = "true", "map"
"""What the frame itself is called, and the map: shown for methods that draw no error, and where it is asked for."""
ALL = "all"
_ERROR = "error"
"""A picture of errors is drawn in colours of heat, on the scale of the map."""
_FIXED = {"video", "frame", "time", "score", "calibrated", "alarm"}


class FramePictures:
    """Turns what a detector's method drew of its frames into pictures for people.

    Args:
        detector: whose frames they are.
        wanted: names of the pictures to show, `all` among them for all there are.

    Raises:
        SettingsError: the method has no picture of such a name.
    """

    def __init__(self, detector: Detector, wanted: Sequence[str] = (ALL,)) -> None:
        self._detector, self._wanted = detector, tuple(wanted)
        names = picture_names(detector)
        for name in self._wanted:
            if name not in (ALL, *names):
                known = f"it has {', '.join(names)}" if len(names) > 1 else "it draws none"
                raise SettingsError(detector.name, f"there is no picture '{name}'", known)

    def tiles(self, raw: FrameScore, frame: Image) -> dict[str, Image]:
        """Pictures `uint8 (h, w, 3)` by name, in the order they were asked for.

        Args:
            raw: score of the frame with details.
            frame: as decoded, `uint8 (H, W, C)`.

        Raises:
            DataError: one of them is not drawn.
        """
        drawn = {FRAME: as_rgb(frame)} | self._drawn(raw)
        if ALL in self._wanted:
            return drawn
        if missing := [name for name in self._wanted if name not in drawn]:
            raise DataError(self._detector.name, f"draws no '{missing[0]}'", f"it draws {', '.join(drawn)}")
        return {name: drawn[name] for name in self._wanted}

    def _drawn(self, raw: FrameScore) -> dict[str, Image]:
        spec, calibration = self._detector.method.sampling, self._detector.calibration
        heat = (calibration.map_low, calibration.map_high) if calibration.quantiles else (None, None)
        drawn = {}
        for name, shown in self._detector.method.shown_pictures.items():
            if name not in raw.pictures:
                continue
            values = raw.pictures[name]
            drawn[shown] = (
                colourise(values[0], *heat) if name == _ERROR else as_rgb(network_picture(values, spec.low, spec.high))
            )
        if raw.map is not None and (MAP in self._wanted or _ERROR not in raw.pictures):
            drawn[MAP] = colourise(raw.map, *heat)
        return drawn


def picture_names(detector: Detector) -> list[str]:
    """Names that `FramePictures` knows of a detector: those its method may draw."""
    if isinstance(detector.method, ObjectMethod):
        return [FRAME]
    return [FRAME, *detector.method.shown_pictures.values(), MAP]


class Explainer:
    """Says why a frame is odd: its pictures side by side, and how far each part of its score is from what is usual."""

    def __init__(self, detector: Detector) -> None:
        self._pictures = FramePictures(detector)
        self.scales = detector.method.component_scales()

    def __call__(self, scored: ScoredFrame) -> Explanation | None:
        """What is known of a frame; nothing where that is the frame alone."""
        tiles = self._pictures.tiles(scored.raw, scored.frame.image)
        deviations = self.deviations(scored.raw.components)
        if len(tiles) == 1 and not deviations:
            return None
        strip = as_jpeg(strip_of(tiles, STRIP_WIDTH), STRIP_WIDTH) if len(tiles) > 1 else None
        return Explanation(scored.frame.index, strip, deviations)

    def deviations(self, components: Mapping[str, float]) -> dict[str, float]:
        """Of the parts of a frame's score from their means over training frames, as far as somebody knows those."""
        return {
            name: float(scale.deviations(components[name])) for name, scale in self.scales.items() if name in components
        }


def parts_of(detector: Detector, table: pd.DataFrame) -> list[Part]:
    """The parts of the score of one video.

    In deviations from training frames those whose scale the method knows; of a method that knows none all components
    that are not the score itself, as they are.

    Args:
        detector: that scored it.
        table: its rows.
    """
    scales, highest = detector.method.component_scales(), detector.calibration.raw_threshold
    if scales:
        return [
            Part(
                name,
                scale.deviations(table[name].to_numpy(np.float64)),
                True,
                highest / scale.weight if scale.weight and np.isfinite(highest) else None,
            )
            for name, scale in scales.items()
            if name in table
        ]
    score = table["score"].to_numpy(np.float64)
    others = {str(name): table[name].to_numpy(np.float64) for name in table.columns if name not in _FIXED}
    return [Part(name, values) for name, values in others.items() if not np.array_equal(values, score)]
