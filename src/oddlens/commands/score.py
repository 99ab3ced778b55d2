"""`oddlens score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from oddlens.commands.options import DetectorFolder, DeviceName, File, Inputs, ModeName, Number, Text

if TYPE_CHECKING:
    from oddlens.scoring.detector import Detector


def score(
    detector: DetectorFolder,
    inputs: Inputs,
    /,
    out: Path = Path("scores"),
    mode: ModeName = None,
    labels: File = None,
    fps: Number = None,
    overlay: bool = True,
    arrows: bool = True,
    pictures: Text = None,
    figures: bool = False,
    device: DeviceName = None,
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Score footage and write a table, events, timelines, overlay videos and a report; or photographs, with verdicts.

    Args:
        detector: detector folder, or the run folder that made it.
        inputs: videos, folders of images, folders of videos, globs, or a data set (its test videos); for a detector of
            photographs these, folders of them, globs, or a category of MVTec AD (its test photographs).
        out: folder for the results.
        mode: exact (one scored frame a window) or fast; default: the detector's.
        labels: csv of abnormal intervals (video,start,end[,unit]) to shade.
        fps: frame rate of folders of images.
        overlay: write overlay videos (of photographs: panels).
        arrows: draw into them how a method moved its reference, where it does (dmad-pdm).
        pictures: what the method drew of each frame, side by side as a video: all, or names with commas between them,
            such as true,predicted,destroyed,error.
        figures: write reconstructions, error maps and the composed demonstration video.
        device: where to compute.
        quiet: no progress, no summary.
    """
    from oddlens.commands.output import say_stage
    from oddlens.errors import SettingsError
    from oddlens.heap import keep_freed_memory
    from oddlens.scoring.detector import Detector
    from oddlens.scoring.session import ScoreOptions, score_to_folder
    from oddlens.training.progress import Progress

    if not inputs:
        raise SettingsError("oddlens score", "no input is named", "give videos, folders or globs after the detector")
    model = Detector.load(detector, device or "auto")
    if model.method.subject == "photographs" and not model.tiles:
        keep_freed_memory()
    if not quiet:
        say_stage(detector)
    if model.method.subject == "photographs":
        asked = {"--mode": mode, "--labels": labels, "--fps": fps, "--pictures": pictures, "--figures": figures or None}
        return _score_photographs(
            model, inputs, out, overlay, quiet, [name for name in asked if asked[name] is not None]
        )
    named = tuple(name.strip() for name in pictures.split(",")) if pictures is not None else ()
    options = ScoreOptions(mode, fps, overlay, arrows, figures, named)
    bars = Progress(quiet)
    with bars.bar("scoring frames") as update:
        result = score_to_folder(
            model, inputs, out, options, labels, lambda video, done, total: update(done, total, video)
        )
    if not quiet:
        _summarise(result)
    return 1 if result.faults else 0


def _score_photographs(
    model: Detector, inputs: tuple[str, ...], out: Path, panels: bool, quiet: bool, unfit: list[str]
) -> int:
    from oddlens.commands.output import console, say_faults
    from oddlens.errors import SettingsError
    from oddlens.reports.photograph_tables import kinds_table
    from oddlens.scoring.photograph_gallery import SessionGallery
    from oddlens.scoring.photograph_session import score_photographs_to_folder
    from oddlens.scoring.reject import reject_source
    from oddlens.training.progress import Progress

    if unfit:
        raise SettingsError(unfit[0], "is about video, and this detector looks at photographs", "leave it out")
    gallery = SessionGallery(model)
    with Progress(quiet).bar("scoring photographs") as update:
        result = score_photographs_to_folder(
            model,
            inputs,
            out,
            panels=panels,
            progress=lambda name, done, total: update(done, total, name),
            on_scored=gallery.take,
        )
    page, *_ = gallery.write(result, inputs[0])
    say_faults("fault", result.faults)
    if not quiet:
        screen = console()
        screen.print(kinds_table(result.table))
        screen.print(f"threshold {model.calibration.threshold:.2f}: {reject_source(model.calibration)}", markup=False)
        screen.print(f"results: {result.folder}  (open {page} in a browser)", markup=False)
    return 1 if result.faults else 0


def _summarise(result: object) -> None:
    from rich.table import Table

    from oddlens.commands.output import console, say_faults
    from oddlens.scoring.session import ScoreResult

    assert isinstance(result, ScoreResult)
    table = Table("video", "frames", "highest surprise", "events", "frames in alarm")
    for name, rows in result.table.groupby("video", sort=False):
        count = sum(event.video == name for event in result.events)
        share = f"{100 * rows['alarm'].mean():.1f} %"
        table.add_row(str(name), str(len(rows)), f"{rows['calibrated'].max():.2f}", str(count), share)
    out = console()
    out.print(table)
    say_faults("could not be scored", result.faults)
    out.print(f"results: {result.folder}  (open {result.folder / 'report.html'} in a browser)", markup=False)
