"""`oddlens score` with photographs: a folder with a table, verdicts and a panel of pictures for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from oddlens.datasets.masks import read_mask
from oddlens.errors import MediaError, OddLensError
from oddlens.files import atomic_path, is_leftover, write_json
from oddlens.media.writer import write_image
from oddlens.reports.colour import to_uint8
from oddlens.reports.panels import HeatScale, outlined, photograph_panel
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector
from oddlens.scoring.photograph_jobs import distinct_names, find_photographs
from oddlens.scoring.photographs import ScoredPhotograph, cut_out, score_photographs, table_of
from oddlens.scoring.reject import reject_source
from oddlens.types import Image

Progress = Callable[[str, int, int | None], None]
"""Called with (photograph, photographs done, photographs in all)."""
OnScored = Callable[[ScoredPhotograph, dict[str, Any]], None]
"""Called with each scored photograph and its row of the table."""

_PANELS = "panels"
_TABLE = "scores.csv"
_DRAWN = {"deformed": "deformed", "reconstruction": "expected"}
"""Pictures of a method that a panel shows, with their captions."""


@dataclass
class PhotographResult:
    """What was scored, and where it lies."""

    folder: Path
    table: pd.DataFrame
    """A row each, see `ScoredPhotograph.row`, and `panel`: the path in the folder, '' without."""
    faults: list[str] = field(default_factory=list)
    """Photographs that could not be scored, one line each."""


def score_photographs_to_folder(
    detector: Detector,
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    panels: bool = True,
    progress: Progress | None = None,
    on_scored: OnScored | None = None,
) -> PhotographResult:
    """Score `inputs` into folder `out`; a photograph that cannot be read is reported and the rest is done.

    Writes `scores.csv`, `scores.json` (with the threshold and where it comes from) and `panels/`.

    Args:
        detector: of a method of photographs.
        inputs: as for `find_photographs`.
        out: folder, new or of an earlier session.
        panels: draw a panel for each photograph.
        progress: called after each photograph.
        on_scored: called with each, while its map and pictures are at hand.

    Raises:
        OddLensError: there is nothing to score, not one can be read, or `out` cannot be written.
    """
    folder = Path(out)
    photographs = find_photographs(inputs)
    _check_folder(folder)
    places = dict(zip((item.name for item in photographs), _panel_names([item.name for item in photographs])))
    rows: list[dict[str, Any]] = []
    faults: list[str] = []
    for scored in score_photographs(detector, photographs, faults):
        place = places[scored.photograph.name] if panels else ""
        rows.append({**scored.row(), "panel": place})
        if place:
            write_image(folder / place, panel_of(scored, detector, faults))
        if on_scored:
            on_scored(scored, rows[-1])
        if progress:
            progress(scored.photograph.name, len(rows), len(photographs))
    if not rows:
        raise MediaError(
            str(inputs[0]), f"none of {len(photographs)} photographs could be read ({faults[0]})", "see above"
        )
    table = table_of(rows)
    _write(folder, detector, table, rows, faults)
    return PhotographResult(folder, table, faults)


def panel_of(scored: ScoredPhotograph, detector: Detector, faults: list[str]) -> Image:
    """The panel of one photograph; `faults` grows by a line where its mask cannot be read."""
    truth = None
    if scored.photograph.mask is not None:
        try:
            truth = read_mask(scored.photograph.mask)
        except OddLensError as error:
            faults.append(str(error))
    threshold, spec = detector.calibration.threshold, detector.method.sampling
    drawn = {
        caption: to_uint8(scored.raw.pictures[name].transpose(1, 2, 0), spec.low, spec.high)
        for name, caption in _DRAWN.items()
        if name in scored.raw.pictures
    }
    kind = f" ({scored.photograph.kind})" if scored.photograph.kind else ""
    limit = f"{threshold:.2f}" if detector.calibration.quantiles else "-"
    return photograph_panel(
        scored.picture,
        scored.heat,
        heat_scale_of(detector.calibration),
        title=f"{scored.photograph.name}{kind}",
        verdict=f"{'REJECT' if scored.reject else 'pass'}  {scored.calibrated:.2f} / {limit}",
        reject=scored.reject,
        **({"drawn": drawn} if scored.tile is None else {"close_ups": {**_close_ups(scored, detector), **drawn}}),
        truth=truth,
    )


def _close_ups(scored: ScoredPhotograph, detector: Detector) -> dict[str, Image]:
    """The oddest tile of a photograph, and what is odd in it."""
    assert scored.tile is not None and scored.close_up is not None and scored.raw.map is not None
    heat = cut_out(scored.raw.map, scored.tile)
    return {
        "oddest tile": scored.close_up,
        "odd in it": outlined(scored.close_up, heat, heat_scale_of(detector.calibration)),
    }


def heat_scale_of(calibration: Calibration) -> HeatScale:
    """How a detector's maps are drawn."""
    return HeatScale(calibration.map_low, calibration.map_threshold, calibration.map_high)


def _panel_names(names: Sequence[str]) -> list[str]:
    """Where the panels lie: the photographs' names under `panels/`, as JPEG."""
    return distinct_names([str(PurePosixPath(_PANELS, name.lstrip("/")).with_suffix(".jpg")) for name in names])


def _write(
    folder: Path, detector: Detector, table: pd.DataFrame, rows: Sequence[dict[str, Any]], faults: Sequence[str]
) -> None:
    calibration = detector.calibration
    calibrated = bool(calibration.quantiles)
    with atomic_path(folder / _TABLE) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    told = {
        "method": detector.name,
        "threshold": calibration.threshold if calibrated else None,
        "raw_threshold": calibration.raw_threshold if calibrated else None,
        "map_threshold": calibration.map_threshold,
        "threshold_source": reject_source(calibration) if calibrated else None,
        "warnings": list(calibration.warnings),
        "faults": list(faults),
        "photographs": list(rows),
    }
    write_json(folder / "scores.json", told)


def _check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else than an earlier or interrupted session's results."""
    if folder.is_file():
        raise OddLensError(folder, "is a file", "name a folder with --out")
    if not folder.exists() or (folder / _TABLE).exists():
        return
    if any(item.name != _PANELS and not is_leftover(item) for item in folder.iterdir()):
        raise OddLensError(folder, "holds something else than scores", "name another folder with --out")
