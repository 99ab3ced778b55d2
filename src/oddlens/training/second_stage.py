"""Trainings in two stages: whose detector a second stage begins with, and how both lie in one folder."""

from __future__ import annotations

from pathlib import Path

FIRST_STAGES: dict[str, tuple[str, str]] = {"destroyer": ("f2lm", "method.generator")}
"""Methods that begin with a trained detector: name -> whose, and the setting that names its run."""
GENERATOR, DESTROYER = "generator", "destroyer"
"""Run folders of the two stages, inside the folder of both."""
_SETTINGS = "run.yaml"


def holds_stages(folder: Path) -> bool:
    """Whether `folder` is one of two stages: no run itself, but the run of a generator in it."""
    return (folder / GENERATOR / _SETTINGS).is_file() and not (folder / _SETTINGS).exists()


def first_stage(path: str | Path) -> Path:
    """Where the detector lies that a second stage begins with: `path`, or the first stage in a folder of both."""
    place = Path(path).expanduser()
    return place / GENERATOR if holds_stages(place) else place
