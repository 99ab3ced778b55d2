"""How foreground is told from a learned background."""

from __future__ import annotations

from dataclasses import dataclass

from oddlens.config import Settings
from oddlens.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class BackgroundSettings(Settings):
    """Boxes round what differs from the learned still background."""

    threshold: float = 4.0
    """A pixel is foreground if it differs from the background by more than this many times its usual noise..."""
    least_difference: float = 12.0
    """... and by more than this many grey levels."""
    smallest_area: float = 100.0
    """Square pixels a box must have at least."""
    margin: int = 2
    """Pixels by which boxes grow on every side."""
    split: bool = True
    """Cut regions that are larger than one object is at their height in the picture."""
    follow_light: bool = True
    """Brighten or darken each frame to the background's light before they are compared."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        for name in ("threshold", "least_difference", "smallest_area", "margin"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise SettingsError("background", f"{name} is {getattr(self, name)}", "give a number from 0")
