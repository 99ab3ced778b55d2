"""`oddlens evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tyro

from oddlens.commands.options import DetectorFolder, DeviceName, File, ModeName


def evaluate(
    detector: DetectorFolder,
    /,
    data: str,
    out: File = None,
    json: File = None,
    figures: File = None,
    mode: ModeName = None,
    layout: str = "auto",
    labels: str = "default",
    floors: bool = True,
    seed: int = 0,
    resamples: int = 1000,
    device: DeviceName = None,
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Measure a detector on the labelled test videos (or the test photographs) of a data set, under both protocols.

    Args:
        detector: detector folder, or the run folder that made it.
        data: a data set with labels.
        out: markdown file for the table; default: evaluation-DATASET.md in the detector's run folder.
        json: file for all numbers.
        figures: folder for the ROC curves as a picture, roc-DATASET.png, each with its point of equal error rates.
        mode: exact (one scored frame a window) or fast; default: the detector's.
        layout: how the data lies, where it is not recognised.
        labels: which version of the labels, where there are several.
        floors: also score the no-learning floors.
        seed: of the bootstrap.
        resamples: of the bootstrap over videos (or photographs).
        device: where to compute.
        quiet: no progress, no table.
    """
    from oddlens.commands.output import console, say_faults, say_stage
    from oddlens.evaluation.evaluate import evaluate as run
    from oddlens.files import write_json, write_text
    from oddlens.heap import keep_freed_memory
    from oddlens.scoring.detector import Detector
    from oddlens.training.progress import Progress

    model = Detector.load(detector, device or "auto")
    if model.method.subject == "photographs" and not model.tiles:
        keep_freed_memory()
    if not quiet:
        say_stage(detector)
    bars = Progress(quiet)
    with bars.bar(f"scoring test {'videos' if model.method.subject == 'video' else 'photographs'}") as update:
        result = run(
            model,
            data,
            layout=layout,
            labels=labels,
            mode=mode,
            floors=floors,
            seed=seed,
            resamples=resamples,
            curves=figures is not None,
            progress=lambda video, done, total: update(done, total, video),
        )
    if json is not None:
        write_json(json, result)
    folder = detector.parent if (detector.parent / "run.yaml").exists() else detector
    target = out or folder / f"evaluation-{result['dataset']}.md"
    markdown, tables = _shown(result)
    write_text(target, markdown)
    drawn = figures and _draw(figures, result)
    if not quiet:
        screen = console()
        screen.print(*tables, sep="\n")
        say_faults("note", result["provenance"]["notes"])
        files = f"table: {target}" + (f"; numbers: {json}" if json is not None else "; all numbers: add --json FILE")
        screen.print(files + (f"; curves: {drawn}" if drawn else ""), markup=False)
        if figures and not drawn:
            say_faults("note", [f"{figures}: no ROC curve is drawn, for it takes normal and abnormal frames both"])
    return 0


def _draw(folder: Path, result: dict[str, Any]) -> Path | None:
    """The ROC curves as a picture, where both classes are there."""
    from oddlens.reports.roc import roc_png
    from oddlens.reports.tables import column_titles

    titles = column_titles(result["protocols"])
    curves = {titles[name]: curve for name, curve in result["roc"].items() if curve is not None}
    if not curves:
        return None
    path = folder / f"roc-{result['dataset']}.png"
    roc_png(path, f"{result['method']} on {result['dataset']}", curves)
    return path


def _shown(result: dict[str, Any]) -> tuple[str, list[Any]]:
    """The result as Markdown, and as tables for the terminal."""
    if result.get("subject") == "photographs":
        from oddlens.reports.photograph_tables import photograph_evaluation_markdown, photograph_evaluation_tables

        return photograph_evaluation_markdown(result), photograph_evaluation_tables(result)
    from oddlens.reports.tables import evaluation_markdown, evaluation_table

    return evaluation_markdown(result), [evaluation_table(result)]
