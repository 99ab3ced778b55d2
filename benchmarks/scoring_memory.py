"""Peak memory of scoring ten minutes of video, against one minute."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.footage import render, write_video
from benchmarks.measure import Result, peak_memory, report
from oddlens.methods.lnra.method import Lnra, LnraSettings
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector
from oddlens.scoring.session import ScoreOptions, score_to_folder

GOAL_MEGABYTES = 20.0
_FPS = 25
_ROOT = Path(__file__).resolve().parents[1]


def run(quick: bool = False) -> list[Result]:
    """`oddlens score` without overlay, at 25 frames a second of 320x240, by a tiny network; each in its own process."""
    images = render(24 if quick else 100, 320, 240)
    short, long = (24, 24) if quick else (60 * _FPS, 600 * _FPS)
    torch.manual_seed(0)
    detector = Detector(Lnra(LnraSettings(height=32, width=32, widths=(2, 2, 4))).eval(), Calibration(frames=0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        detector.save(folder / "detector")
        peaks = {}
        for frames in {short, long}:
            video = write_video(folder / f"{frames}.mp4", images, frames)
            peaks[frames] = _peak_of_process(folder / "detector", video, folder / f"scores-{frames}")
    growth = peaks[long] - peaks[short]
    return [
        Result(
            f"peak memory of scoring {long / _FPS / 60:g} min",
            f"{peaks[long]:.0f} MB",
            f"{peaks[short]:.0f} MB: scoring {short / _FPS / 60:g} min",
            f"{growth:+.0f} MB ({100 * growth / peaks[short]:+.1f} %)",
            f"under {GOAL_MEGABYTES:g} MB more",
            growth < GOAL_MEGABYTES,
        )
    ]


def _peak_of_process(detector: Path, video: Path, out: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.scoring_memory", str(detector), str(video), str(out)]
    ended = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
    return float(ended.stdout.split()[-1])


def _score(detector: str, video: str, out: str) -> None:
    score_to_folder(Detector.load(detector, "cpu"), [video], out, ScoreOptions(overlay=False))
    print(peak_memory())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _score(*sys.argv[1:])
    else:
        report(run())
