"""`oddlens boxes`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from oddlens.commands.options import DeviceName, File, Inputs, Number, Text
from oddlens.motion.settings import FlowMethod

SourceNames = Annotated[
    tuple[Literal["motion", "background", "detector", "file"], ...],
    tyro.conf.arg(metavar="{motion,background,detector,file}..."),
]
Tiles = Annotated[tuple[int, int] | None, tyro.conf.arg(metavar="COLUMNS ROWS")]
Assignments = Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE"), tyro.conf.UseAppendAction]


def boxes(
    inputs: Inputs,
    /,
    out: Path = Path("boxes.parquet"),
    overlay: File = None,
    sources: SourceNames = (),
    detector: Text = None,
    weights: Text = None,
    score: Number = None,
    tiles: Tiles = None,
    ready: Text = None,
    flow: FlowMethod = "dis-medium",
    set: Assignments = (),
    fps: Number = None,
    device: DeviceName = None,
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Find foreground boxes in footage: write them, draw them, count them.

    Args:
        inputs: videos, folders of images, folders of videos, globs, or a data set (its test videos).
        out: table of boxes, .parquet.
        overlay: video to write with the boxes drawn in; with several inputs one each.
        sources: where boxes come from, in order; default: what --detector and --ready ask for, or else the settings'.
        detector: a .onnx file of the YOLO family, or one of torchvision's detectors.
        weights: torchvision's detectors: file of weights, or random; default: torchvision's own.
        score: detections must score more.
        tiles: columns and rows of tiles that the detector looks at besides the whole frame.
        ready: boxes made before: .parquet, .csv or .npy.
        flow: how optical flow is computed.
        set: change one more setting, e.g. --set smallest_area=400 (may be repeated).
        fps: frame rate of folders of images.
        device: where networks compute.
        quiet: no progress, no summary.
    """
    from oddlens.commands.output import say_faults
    from oddlens.config import apply_assignments, build
    from oddlens.errors import SettingsError
    from oddlens.files import check_writable
    from oddlens.motion.settings import FlowSettings
    from oddlens.objects.search import find_boxes
    from oddlens.objects.settings import ObjectSettings
    from oddlens.scoring.jobs import find_videos
    from oddlens.training.progress import Progress

    if out.suffix.lower() != ".parquet":
        raise SettingsError(f"--out {out}", "is no .parquet file", "name it boxes.parquet, for example")
    if ready and Path(ready).resolve() == out.resolve():
        raise SettingsError(f"--out {out}", "is the file of ready boxes itself", "name another one")
    check_writable(out)
    given: dict[str, Any] = {
        "sources": sources or _asked_for(detector, ready),
        "detector": detector,
        "detector_weights": weights,
        "score_threshold": score,
        "tiles": tiles,
        "ready_boxes": ready,
    }
    values = apply_assignments({key: value for key, value in given.items() if value is not None}, set)
    settings = build(ObjectSettings, values, "oddlens boxes")
    options = {"--detector": detector, "--weights": weights, "--score": score, "--tiles": tiles, "--ready": ready}
    _refuse_useless(settings.sources, options)
    videos, rate = find_videos(inputs)
    with Progress(quiet).bar("finding boxes") as update:
        result = find_boxes(
            videos,
            settings,
            FlowSettings(method=flow),
            overlay=overlay,
            fps=rate if fps is None else fps,
            device=device or "auto",
            progress=lambda video, done, total: update(done, total, video),
        )
    result.table.write(out)
    say_faults("fault", result.faults)
    if not quiet:
        _summarise(result, out, inputs)
    return 1 if result.faults else 0


def _asked_for(detector: str | None, ready: str | None) -> tuple[str, ...] | None:
    """The paper's sources for a detector, or ready boxes alone; `None` for neither."""
    named = [source for source, given in (("file", ready), ("detector", detector)) if given]
    return (*named, *(["motion"] if detector else [])) or None


def _refuse_useless(sources: tuple[str, ...], options: dict[str, Any]) -> None:
    """Refuse options about a source of boxes that is not among `sources`."""
    from oddlens.errors import SettingsError

    for option, value in options.items():
        source = "file" if option == "--ready" else "detector"
        if value is not None and source not in sources:
            remedy = f"leave it out, or add {source} to --sources"
            if source == "detector" and options["--detector"] is None:
                remedy = "name a detector with --detector, or leave it out"
            raise SettingsError(option, f"has no use: boxes come from {', '.join(sources)}", remedy)


def _summarise(result: object, out: Path, inputs: tuple[str, ...]) -> None:
    from rich.table import Table

    from oddlens.commands.output import console
    from oddlens.objects.search import BoxSearch

    assert isinstance(result, BoxSearch)
    counts, sources, truth = result.table.counts(), result.table.by_source(), result.truth
    kinds = [kind for kind in ("motion", "background", "detector", "file") if any(kind in s for s in sources.values())]
    marks = ["marked regions with a box"] if truth else []
    table = Table("video", "frames", "boxes", "boxes a frame", "frames with none", *kinds, *marks)
    groups = [[name] for name in counts] + ([list(counts)] if len(counts) > 1 else [])
    for names in groups:
        shown = "all" if len(names) > 1 else names[0]
        of_kinds = (str(sum(sources[name].get(kind, 0) for name in names)) for kind in kinds)
        of_truth = [_share([truth[name] for name in names if name in truth])] if truth else []
        table.add_row(shown, *_figures([counts[name] for name in names]), *of_kinds, *of_truth)
    screen = console()
    screen.print(table)
    for overlay in result.overlays:
        screen.print(f"overlay: {overlay}", markup=False)
    screen.print(f"boxes: {out}", markup=False)
    if len(result.table):
        screen.print(f"next: {_training(out, inputs)}", markup=False)


def _training(out: Path, inputs: tuple[str, ...]) -> str:
    """The command that trains on the footage with its boxes."""
    from shlex import quote

    from oddlens.scoring.jobs import is_data_set

    footage = inputs[0] if len(inputs) == 1 else "FOOTAGE"
    split = " --split test" if is_data_set(footage) else ""  # of a data set, boxes are those of the test videos
    ready = f"--set 'method.objects.sources=[file]' --set {quote(f'method.objects.ready_boxes={out}')}"
    return f"oddlens train lbr-spr --config lbr-spr/cpu --data {quote(footage)}{split} {ready}"


def _figures(counts: Any) -> tuple[str, ...]:
    """Frames, boxes, boxes a frame and frames with none, of the counts of one or more videos."""
    import numpy as np

    every = np.concatenate(counts)
    empty = int((every == 0).sum())
    return str(len(every)), str(int(every.sum())), f"{every.mean():.1f}", f"{empty} ({100 * empty / len(every):.1f} %)"


def _share(pairs: Any) -> str:
    """Found of marked, over one or more videos."""
    marked, found = (sum(values) for values in zip(*pairs)) if pairs else (0, 0)
    return f"{found} of {marked}" + (f" ({100 * found / marked:.1f} %)" if marked else "")
