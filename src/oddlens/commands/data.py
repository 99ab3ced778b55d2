"""`oddlens data check`, `data prepare`, `data walkway` and `data parts`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tyro

from oddlens.commands.options import Number


def check(
    path: tyro.conf.Positional[Path],
    /,
    layout: str = "auto",
    labels: str = "default",
    deep: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Recognise a data set, print its videos or photographs, and every fault found.

    Args:
        path: folder of the data set, one video, or a glob of photographs.
        layout: auto, or a layout's name (see 'oddlens list').
        labels: default, frames, masks or none.
        deep: decode every frame, not only the first and the last of each video (photographs all are in any case).
    """
    from oddlens.datasets.open_photographs import holds_photographs

    if holds_photographs(path, layout):
        return _check_photographs(path, layout)
    from oddlens.commands.output import console
    from oddlens.datasets.check import check_dataset
    from oddlens.datasets.report import render
    from oddlens.training.progress import Progress

    with Progress().message(f"checking {path}"):
        report = check_dataset(path, layout, labels, deep=deep)
    console().print(render(report))
    return 2 if report.faults else 0


def _check_photographs(path: Path, layout: str) -> int:
    from oddlens.commands.output import console
    from oddlens.datasets.check_photographs import check_photographs, render_photographs
    from oddlens.training.progress import Progress

    with Progress().message(f"reading photographs of {path}"):
        report = check_photographs(path, layout)
    console().print(render_photographs(report))
    return 2 if report.faults else 0


def prepare(
    path: tyro.conf.Positional[Path],
    /,
    out: Path,
    to: Literal["frames", "videos"] = "frames",
    layout: str = "auto",
    labels: str = "default",
    images: Literal[".jpg", ".png"] = ".jpg",
    fps: Number = None,
) -> int:
    """Convert a data set to folders of frames, or to videos; labels and masks go along.

    Args:
        path: folder of the data set.
        out: new folder; an unfinished conversion there goes on.
        to: what to write.
        layout: auto, or a layout's name.
        labels: default, frames, masks or none.
        images: kind of frame files.
        fps: frame rate of videos made from images.
    """
    from oddlens.commands.output import console, say_faults
    from oddlens.datasets.prepare import prepare as run
    from oddlens.training.progress import Progress

    bars = Progress()
    done = 0
    with bars.bar("converting videos") as update:

        def advance(name: str) -> None:
            nonlocal done
            update(done, None, name)
            done += 1

        result = run(path, out, to, layout=layout, labels=labels, images=images, fps=fps, progress=advance)
    say_faults("fault", result.faults)
    text = f"{len(result.written)} videos written to {out}, {len(result.skipped)} were there already"
    console().print(text, markup=False)
    console().print(f"next: oddlens data check {out}", markup=False)
    return 1 if result.faults else 0


def walkway(
    out: tyro.conf.Positional[Path],
    /,
    seed: int = 0,
    train_videos: int = 4,
    train_frames: int = 500,
    test_videos: int = 6,
    test_frames: int = 360,
    width: int = 320,
    height: int = 240,
    contamination: float = 0.0,
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Generate the sample scene: a lit walkway with walkers, and anomalies in the test videos.

    Args:
        out: new folder.
        seed: of everything in the scene.
        train_videos: number of normal videos.
        train_frames: frames of each.
        test_videos: number of test videos.
        test_frames: frames of each.
        width: pixels.
        height: pixels.
        contamination: share of the training frames that is abnormal.
        overwrite: replace a generated scene that is there.
    """
    from oddlens.commands.output import console
    from oddlens.datasets.walkway.generate import generate_walkway
    from oddlens.training.progress import Progress

    with Progress().bar("drawing frames") as update:
        folder = generate_walkway(
            out,
            seed=seed,
            train_videos=train_videos,
            train_frames=train_frames,
            test_videos=test_videos,
            test_frames=test_frames,
            width=width,
            height=height,
            contamination=contamination,
            overwrite=overwrite,
            progress=lambda done, total: update(done, total, ""),
        )
    console().print(
        f"scene: {folder}\nnext: oddlens train lnra --config lnra/cpu --data {folder} --out run", markup=False
    )
    return 0


def parts(
    out: tyro.conf.Positional[Path],
    /,
    seed: int = 0,
    train: int = 160,
    test_good: int = 30,
    test_each: int = 8,
    side: int = 256,
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Generate the sample photographs: machined plates, some of them scratched, dented, stained or broken.

    Args:
        out: new folder, in the tree of MVTec AD.
        seed: of everything in the set.
        train: good plates to learn from.
        test_good: good plates to judge.
        test_each: plates of each of the four kinds of defects.
        side: pixels.
        overwrite: replace generated photographs that are there.
    """
    from oddlens.commands.output import console
    from oddlens.datasets.parts.generate import generate_parts
    from oddlens.training.progress import Progress

    with Progress().bar("drawing photographs") as update:
        folder = generate_parts(
            out,
            seed=seed,
            train=train,
            test_good=test_good,
            test_each=test_each,
            side=side,
            overwrite=overwrite,
            progress=lambda done, total: update(done, total, ""),
        )
    console().print(f"photographs: {folder}\nnext: oddlens data check {folder}", markup=False)
    return 0
