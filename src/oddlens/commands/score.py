"""`oddlens score`."""

from __future__ import annotations

from pathlib import Path

import tyro

from oddlens.commands.options import DetectorFolder, DeviceName, File, Inputs, ModeName, Number


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
    figures: bool = False,
    device: DeviceName = None,
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Score footage and write a table, events, timelines, overlay videos and a report.

    Args:
        detector: detector folder, or the run folder that made it.
        inputs: videos, folders of images, folders of videos, globs, or a data set (its test videos).
        out: folder for the results.
        mode: exact (one scored frame a window) or fast; default: the detector's.
        labels: csv of abnormal intervals (video,start,end[,unit]) to shade.
        fps: frame rate of folders of images.
        overlay: write overlay videos.
        arrows: draw into them how a method moved its reference, where it does (dmad-pdm).
        figures: write reconstructions, error maps and the composed demonstration video.
        device: where to compute.
        quiet: no progress, no summary.
    """
    from oddlens.errors import SettingsError
    from oddlens.scoring.detector import Detector
    from oddlens.scoring.session import ScoreOptions, score_to_folder
    from oddlens.training.progress import Progress

    if not inputs:
        raise SettingsError("oddlens score", "no input is named", "give videos, folders or globs after the detector")
    model = Detector.load(detector, device or "auto")
    options = ScoreOptions(mode, fps, overlay, arrows, figures)
    bars = Progress(quiet)
    with bars.bar("scoring frames") as update:
        result = score_to_folder(
            model, inputs, out, options, labels, lambda video, done, total: update(done, total, video)
        )
    if not quiet:
        _summarise(result)
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
