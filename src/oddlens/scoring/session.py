"""`oddlens score`: score videos into a folder of tables, events, pictures and a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from oddlens.datasets.base import Video
from oddlens.datasets.labels import check_labels
from oddlens.errors import DataError, OddLensError
from oddlens.files import atomic_path, write_json
from oddlens.media.open import open_source
from oddlens.media.writer import write_image
from oddlens.methods.objects import ObjectMethod
from oddlens.reports.explanation import Explanation
from oddlens.reports.figures import DemonstrationVideo, network_picture, write_pictures
from oddlens.reports.html import write_report
from oddlens.reports.parts import Part
from oddlens.reports.style import ALARM, WHITE
from oddlens.reports.thumbnails import event_thumbnail
from oddlens.reports.timeline import timeline_png
from oddlens.reports.video import VideoReport
from oddlens.scoring.calibration import Calibration, per_hour
from oddlens.scoring.detector import Detector
from oddlens.scoring.events import Event
from oddlens.scoring.films import OVERLAY, PICTURES, FilmOptions, films
from oddlens.scoring.jobs import find_videos
from oddlens.scoring.pictures import Explainer, FramePictures, parts_of
from oddlens.scoring.reject import reject_source
from oddlens.scoring.table import DEFAULT_FPS, ScoredFrame, ScoreTable, open_for, score_source
from oddlens.scoring.tracker import EventTracker
from oddlens.scoring.windows import Mode

Progress = Callable[[str, int, int | None], None]
"""Called with (video name, frames done of it, frames expected of it)."""
_PROGRESS_FRAMES = 16
_PEAKS = "peaks"
_OF_A_VIDEO = {OVERLAY, PICTURES, "timeline.png", "demonstration.mp4", "figures", _PEAKS}
_PICTURES = ("reconstruction", "error")
"""What a method must draw for `ScoreOptions.figures`."""


@dataclass(frozen=True)
class ScoreOptions:
    """What to write besides the tables."""

    mode: Mode | None = None
    fps: float | None = None
    overlay: bool = True
    arrows: bool = True
    """Draw the displacement field of methods that have one into the overlay."""
    figures: bool = False
    """The originals' pictures: reconstruction, error map, composed demonstration video."""
    pictures: tuple[str, ...] = ()
    """What to show side by side in a video of its own, see `FramePictures`."""


@dataclass
class ScoreResult:
    """What was scored, and where it lies."""

    folder: Path
    table: pd.DataFrame
    events: list[Event]
    faults: list[str] = field(default_factory=list)
    """Inputs that could not be scored, one line each."""


@dataclass
class _Scored:
    """One finished video."""

    video: Video
    table: pd.DataFrame
    tracker: EventTracker
    fps: float
    notes: list[str]
    parts: list[Part]


def score_to_folder(
    detector: Detector,
    inputs: Sequence[str | Path],
    out: str | Path,
    options: ScoreOptions | None = None,
    labels: str | Path | None = None,
    progress: Progress | None = None,
) -> ScoreResult:
    """Score `inputs` into folder `out`; an input that fails is reported and the rest is done.

    Writes `scores.csv`, `scores.parquet`, `events.json`, `report.html`, and for each video a folder with
    `timeline.png`, `overlay.mp4`, the pictures of its highest events under `peaks/` and, where asked for,
    `pictures.mp4` and `figures/`.

    Raises:
        OddLensError: there is nothing to score, every input fails, or `out` cannot be written.
    """
    chosen, folder = options or ScoreOptions(), Path(out)
    FramePictures(detector, chosen.pictures)  # refuses what the method does not draw
    videos, rate = find_videos(inputs, labels)
    if rate is not None and chosen.fps is None:
        chosen = replace(chosen, fps=rate)
    _check_folder(folder)
    made = () if folder.exists() else (folder,)
    done: list[_Scored] = []
    faults: list[str] = []
    for video in videos:
        try:
            done.append(_score_video(detector, video, folder / video.name, chosen, progress))
        except OddLensError as error:  # noqa: PERF203 - one broken file must not stop the rest
            _remove_empty(folder / video.name, *made)
            if len(videos) == 1:
                raise
            faults.append(str(error))
        except KeyboardInterrupt:
            _remove_empty(folder / video.name, *made)
            raise
    if not done:
        raise DataError(str(inputs[0]), f"none of {len(videos)} inputs could be scored ({faults[0]})", "see above")
    table = pd.concat([item.table for item in done], ignore_index=True)
    events = [event for item in done for event in item.tracker.events]
    _write_tables(folder, table, events)
    _write_report(folder, detector, done, faults)
    return ScoreResult(folder, table, events, faults)


def _score_video(
    detector: Detector, video: Video, folder: Path, options: ScoreOptions, progress: Progress | None
) -> _Scored:
    source = open_for(detector, video.path, options.fps, video.name)
    _remove_earlier(folder)
    calibration, fps = detector.calibration, source.info.fps or options.fps or DEFAULT_FPS
    tracker, table = EventTracker(Explainer(detector), _first_scored(detector, options.mode)), ScoreTable()
    details = not isinstance(detector.method, ObjectMethod)  # boxes are shown as they are, not painted into maps
    # heat and boxes are drawn on the footage's own colours, which a grey detector does not decode
    looked_at = options.overlay or options.pictures
    display = open_source(video.path, colour="rgb", fps=options.fps).frames() if looked_at else iter(())
    shown = FilmOptions(options.overlay, options.arrows, options.pictures)
    with films(detector, video, folder, fps, source.info.frames, shown) as wanted:
        for scored in score_source(detector, source, options.mode, details, video.name):
            if options.figures and not len(table):
                _check_pictures(detector, scored)
            table.add(scored)
            tracker.push(scored)
            picture = next(display, scored.frame).image
            for film in wanted:
                film.take(scored, picture)
            if progress and len(table) % _PROGRESS_FRAMES == 0:
                progress(video.name, len(table), source.info.frames)
        check_labels(video, len(table))
    tracker.finish()
    frame, events = table.frame(), [event.to_dict() for event in tracker.events]
    parts = parts_of(detector, frame)
    timeline_png(frame, folder / "timeline.png", calibration.threshold, video.labels, events, parts)
    _write_strips(folder / _PEAKS, [*tracker.explanations.values(), tracker.quiet])
    if options.figures:
        _write_figures(detector, video, folder, frame, options)
    return _Scored(video, frame, tracker, fps, list(source.faults), parts)


def _first_scored(detector: Detector, mode: Mode | None) -> int:
    """The first frame that has a score of its own; those before it repeat it."""
    if isinstance(detector.method, ObjectMethod):
        return 0
    spec = detector.method.sampling
    exact = (mode or detector.scoring.mode) == "exact"
    return (spec.target if exact else spec.fast_targets[0]) * spec.stride


def _write_strips(folder: Path, explanations: Sequence[Explanation | None]) -> None:
    for known in explanations:
        if known and known.strip:
            with atomic_path(folder / f"{known.frame:04d}.jpg") as temporary:
                temporary.write_bytes(known.strip)


def _remove_earlier(folder: Path) -> None:
    """What an earlier session left would pass for this one's."""
    for path in (folder / OVERLAY, folder / PICTURES, *(folder / _PEAKS).glob("*.jpg")):
        with suppress(OSError):
            path.unlink()


def _check_pictures(detector: Detector, scored: ScoredFrame) -> None:
    if not set(_PICTURES) <= set(scored.raw.pictures):
        raise DataError(detector.name, "draws no reconstructions", "leave out --figures")


def _write_figures(detector: Detector, video: Video, folder: Path, table: pd.DataFrame, options: ScoreOptions) -> None:
    """The originals' figures, in a second pass: their curve is min-max normalised over the whole video."""
    score = table["score"].to_numpy(np.float64)
    spread = float(score.max() - score.min())
    scaled = (score - score.min()) / spread if spread > 0 else np.full(len(score), 0.5)
    source = open_for(detector, video.path, options.fps)
    spec, high = detector.method.sampling, detector.calibration.map_high
    others = set(detector.method.shown_pictures) - set(_PICTURES)
    with DemonstrationVideo(folder / "demonstration.mp4", len(score), video.labels, low=0.0, high=high) as film:
        for scored in score_source(detector, source, options.mode, details=True):
            picture, error = (scored.raw.pictures[name] for name in _PICTURES)
            drawn = network_picture(picture, spec.low, spec.high)
            write_pictures(
                folder / "figures",
                scored.frame.index,
                frame=scored.frame.image,
                reconstruction=drawn,
                error_map=error[0],
                low=0.0,
                high=high,
            )
            for name in others & set(scored.raw.pictures):
                shown = network_picture(scored.raw.pictures[name], spec.low, spec.high)
                write_image(folder / "figures" / f"{name}_{scored.frame.index:04d}.png", shown)
            film.write(scored.frame.image, drawn, error[0], float(scaled[scored.frame.index]))


def _write_tables(folder: Path, table: pd.DataFrame, events: Sequence[Event]) -> None:
    with atomic_path(folder / "scores.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    with atomic_path(folder / "scores.parquet") as temporary:
        table.to_parquet(temporary, index=False)
    write_json(folder / "events.json", [event.to_dict() for event in events])


def _write_report(folder: Path, detector: Detector, done: Sequence[_Scored], faults: Sequence[str]) -> None:
    calibration = detector.calibration
    hours = sum(len(item.table) / item.fps for item in done) / 3600
    events = sum(len(item.tracker.events) for item in done)
    summary = {
        "threshold": calibration.threshold,
        "threshold_source": threshold_source(calibration),
        "hours": hours,
        "alarms_per_hour": events / hours if hours else None,
        "warnings": list(calibration.warnings),
        "faults": list(faults),
    }
    reports = [_video_report(item, calibration, folder) for item in done]
    method = {"name": detector.name, **detector.method.base_settings.to_dict()}
    provenance = {"method": method, "scoring": detector.scoring.to_dict(), **detector.provenance}
    write_report(folder / "report.html", title="OddLens report", summary=summary, videos=reports, provenance=provenance)


def _video_report(item: _Scored, calibration: Calibration, folder: Path) -> VideoReport:
    low, high = calibration.map_low, calibration.map_high
    peaks = (item.tracker.peaks.get(number) for number in range(len(item.tracker.events)))
    thumbnails = [  # on a close-up the box is red as in the overlay, on heat white stands out
        event_thumbnail(peak.frame, peak.map, low, high, peak.box, ALARM if peak.map is None else WHITE)
        if peak
        else None
        for peak in peaks
    ]
    overlay = Path(item.video.name) / OVERLAY
    strips = Path(item.video.name) / PICTURES
    return VideoReport(
        name=item.video.name,
        table=item.table,
        events=[event.to_dict() for event in item.tracker.events],
        thumbnails=thumbnails,
        labels=item.video.labels,
        overlay=overlay.as_posix() if (folder / overlay).exists() else None,
        overlay_fps=item.fps,
        pictures=strips.as_posix() if (folder / strips).exists() else None,
        notes=tuple(item.notes),
        parts=item.parts,
        explanations=[item.tracker.explanations.get(number) for number in range(len(item.tracker.events))],
        quiet=item.tracker.quiet,
    )


def threshold_source(calibration: Calibration) -> str:
    """One sentence on where the threshold comes from."""
    if not calibration.quantiles:
        return "none: this detector was not calibrated, so no alarm is raised"
    if calibration.false_reject_rate is not None:
        return reject_source(calibration)
    how = "extrapolated" if calibration.extrapolated else "measured"
    kind = "held-out normal" if calibration.held_out else "training"
    return (
        f"chosen for {per_hour(calibration.false_alarms_per_hour)}, {how} on "
        f"{calibration.frames:,} frames of {kind} footage"
    )


def _check_folder(folder: Path) -> None:
    if folder.is_file():
        raise OddLensError(folder, "is a file", "name a folder with --out")
    known = (folder / "scores.csv").exists() or (folder / "report.html").exists()
    if folder.exists() and not known and not all(_is_ours(item) for item in folder.iterdir()):
        raise OddLensError(folder, "holds something else than scores", "name another folder with --out")


def _is_ours(item: Path) -> bool:
    """Whether an interrupted `score` may have left `item`: a folder of one video's pictures, or a temporary file."""
    if item.is_dir():
        return all(inner.name in _OF_A_VIDEO or _is_temporary(inner) for inner in item.iterdir())
    return _is_temporary(item)


def _is_temporary(item: Path) -> bool:
    return item.name.startswith(".") and ".part" in item.name


def _remove_empty(*folders: Path) -> None:
    """Folders made for a video that then failed do not stay; those that hold something do."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
