"""`oddlens background`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from oddlens.commands.options import Inputs, Whole
from oddlens.errors import DataError, MediaError, SettingsError

if TYPE_CHECKING:
    from oddlens.media.source import Source

Kind = Annotated[Literal["mean", "mode", "median"], tyro.conf.arg(metavar="{mean,mode,median}")]
SizeText = Annotated[str | None, tyro.conf.arg(metavar="WIDTHxHEIGHT")]


def background(
    inputs: Inputs,
    /,
    out: Path = Path("background.png"),
    kind: Kind = "mean",
    frames: Whole = None,
    size: SizeText = None,
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Make a picture of what a fixed camera mostly sees, whoever passes before it left out.

    Args:
        inputs: videos, folders of images, folders of videos, globs, or a data set (its training videos); one camera.
        out: picture to write.
        kind: mean over time, most frequent level, or middle level of each pixel.
        frames: take only so many frames, the first ones; default: all.
        size: of the picture, such as 256x256; default: that of the footage.
        quiet: no progress, no summary.
    """
    from oddlens.commands.output import console, say_faults
    from oddlens.media.template import make_template
    from oddlens.media.writer import write_image
    from oddlens.training.progress import Progress

    wanted = None if size is None else _size(size)
    sources, faults = _sources(inputs)
    _check_target(out, sources)
    with Progress(quiet).bar("looking at frames") as update:
        made = make_template(
            sources,
            kind,
            frames=frames,
            size=wanted,
            progress=lambda name, done, total: update(done, total, name),
        )
    write_image(out, made.image)
    faults += [f"{source.info.name}: {fault}" for source in sources for fault in source.faults]
    say_faults("fault", faults)
    if not quiet:
        height, width, channels = made.levels.shape
        videos = f"{len(sources)} video{'' if len(sources) == 1 else 's'}"
        text = (
            f"{out}: {kind} of {made.frames} frames of {videos}, {width}x{height} {'grey' if channels == 1 else 'RGB'}"
        )
        console().print(text, markup=False)
        if kind == "mean":
            other = f"oddlens background {' '.join(inputs)} --kind median --out {out.with_stem(out.stem + '-median')}"
            console().print(f"next, if somebody who stood still left a trace in it: {other}", markup=False)
    return 1 if faults else 0


def _size(text: str) -> tuple[int, int]:
    """Height and width of `WIDTHxHEIGHT`."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise SettingsError(f"--size {text}", "is no size", "write width and height in pixels, such as 256x256")
    return int(height), int(width)


def _sources(inputs: Sequence[str]) -> tuple[list[Source], list[str]]:
    """What is behind the inputs, opened, and what cannot be."""
    from oddlens.media.open import open_source

    if not inputs:
        raise DataError("input", "nothing was named", "name a video, a folder of images or a data set")
    paths = [path for where in inputs for path in _paths(where)]
    sources: list[Source] = []
    faults: list[str] = []
    for path in paths:
        try:
            sources.append(open_source(path))
        except MediaError as error:  # noqa: PERF203 - one broken file must not stop the rest
            if len(paths) == 1:
                raise
            faults.append(str(error))
    if not sources:
        raise MediaError(inputs[0], f"none of {len(paths)} inputs could be read ({faults[0]})", "check the files")
    return sources, faults


def _paths(where: str) -> list[Path | str]:
    """Training videos of a data set, or the videos and folders of images that are named."""
    from oddlens.datasets.open import read_dataset
    from oddlens.media.open import expand_inputs

    try:
        videos = read_dataset(where, labels="none").train if Path(where).is_dir() else ()
    except DataError:
        videos = ()
    scenes = {video.scene for video in videos}
    if len(scenes) > 1:
        fault = f"holds footage of {len(scenes)} cameras"
        raise DataError(where, fault, "name the videos of one of them, as a glob")
    return [video.path for video in videos] or expand_inputs([where])


def _check_target(out: Path, sources: Sequence[Source]) -> None:
    """Refuse, before the work, a target that is no picture, or that would be taken for footage next time."""
    from oddlens.media.formats import IMAGE_SUFFIXES, is_image
    from oddlens.media.locate import underlying_files

    if not is_image(out):
        raise SettingsError(f"--out {out}", "is no picture by its name", f"use {', '.join(sorted(IMAGE_SUFFIXES))}")
    firsts = [underlying_files(source.info.path)[0] for source in sources]
    if out.resolve().parent in {file.resolve().parent for file in firsts if is_image(file)}:
        raise SettingsError(f"--out {out}", "lies among the frames of the footage", "name another folder")
