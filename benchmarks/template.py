"""Background templates: one pass over Ped2's training set against reading it alone, and memory at two lengths."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from itertools import islice
from pathlib import Path

from benchmarks.footage import frame_folders, render, write_video
from benchmarks.measure import Result, compare, no_slower, peak_memory, report
from oddlens.media.open import open_source
from oddlens.media.resize import fit
from oddlens.media.template import TemplateKind, make_template

GOAL_TIMES = 3.0
GOAL_MEGABYTES = 20.0
_SIZE = (256, 256)
_FPS = 25
_KINDS: tuple[TemplateKind, ...] = ("mean", "mode", "median")
_ROOT = Path(__file__).resolve().parents[1]


def run(quick: bool = False) -> list[Result]:
    """Templates of 256x256, of each kind; the mode's memory for ten minutes of 320x240 and for one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return [*_times(folder, quick), _memory(folder, quick)]


def _times(folder: Path, quick: bool) -> list[Result]:
    footage, folders = frame_folders(folder, 10 if quick else 300)
    sources = [open_source(path, colour="grey") for path in folders]
    frames = 10 if quick else sum(source.info.frames or 0 for source in sources)

    def read() -> None:
        for image in islice((frame.image for source in sources for frame in source.frames()), frames):
            fit(image, *_SIZE, 1)

    results = []
    for kind in _KINDS:
        found = compare(lambda k=kind: make_template(sources, k, frames=frames, size=_SIZE), read, 1 if quick else 3)
        what = f"{kind} template of {frames} frames of {footage}"
        result = no_slower(what, found, GOAL_TIMES, "decoding and resizing them alone")
        results.append(replace(result, measured=f"{result.measured}, {frames / found.ours.wall:.0f} frames a second"))
    return results


def _memory(folder: Path, quick: bool) -> Result:
    images = render(24 if quick else 100, 320, 240)
    short, long = (24, 48) if quick else (60 * _FPS, 600 * _FPS)
    peaks = {
        frames: _peak_of_process(write_video(folder / f"{frames}.mp4", images, frames)) for frames in (short, long)
    }
    growth = peaks[long] - peaks[short]
    return Result(
        f"peak memory of the mode of {long} frames",
        f"{peaks[long]:.0f} MB",
        f"{peaks[short]:.0f} MB: the mode of {short} frames",
        f"{growth:+.0f} MB ({100 * growth / peaks[short]:+.1f} %)",
        f"under {GOAL_MEGABYTES:g} MB more",
        growth < GOAL_MEGABYTES,
    )


def _peak_of_process(video: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.template", str(video)]
    ended = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
    return float(ended.stdout.split()[-1])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        make_template([open_source(sys.argv[1], colour="grey")], "mode", size=_SIZE)
        print(peak_memory())
    else:
        report(run())
