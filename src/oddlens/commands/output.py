"""What the commands print with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console


def console() -> Console:
    """Standard output; wide lines are not wrapped where it is no terminal."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=200, soft_wrap=True)


def say_stage(folder: Path) -> None:
    """Say whose detector it is, where `folder` holds those of two stages; on standard error."""
    from oddlens.training.second_stage import DESTROYER, GENERATOR, holds_stages

    if holds_stages(folder):
        say_faults(
            "note", [f"{folder} holds two stages, this is the {DESTROYER}'s; for the other name {folder / GENERATOR}"]
        )


def say_faults(kind: str, lines: Iterable[str]) -> None:
    """Print each line as `kind`, on standard error."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    for line in lines:
        errors.print(f"{kind}: {line}", markup=False)
