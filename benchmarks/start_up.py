"""How long `oddlens --help` takes, against an empty Python program."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import Result, compare, duration, report

GOAL = 0.5
"""Seconds."""


def run(quick: bool = False) -> list[Result]:
    """Median of five starts."""
    found = compare(lambda: _start("-m", "oddlens", "--help"), lambda: _start("-c", "pass"), 1 if quick else 5)
    return [
        Result(
            "oddlens --help",
            duration(found.ours.wall),
            f"{duration(found.baseline.wall)}: an empty Python program",
            f"{duration(found.ours.wall)}, {found.ratio:.1f}x the time",
            f"under {duration(GOAL)}",
            found.ours.wall < GOAL,
        )
    ]


def _start(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


if __name__ == "__main__":
    report(run())
