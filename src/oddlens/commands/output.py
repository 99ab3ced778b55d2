"""What the commands print with."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console


def console() -> Console:
    """Standard output; wide lines are not wrapped where it is no terminal."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=200, soft_wrap=True)


def say_faults(kind: str, lines: Iterable[str]) -> None:
    """Print each line as `kind`, on standard error."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    for line in lines:
        errors.print(f"{kind}: {line}", markup=False)
