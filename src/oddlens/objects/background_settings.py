"""How foreground is told from a learned background."""

from __future__ import annotations

from dataclasses import dataclass

from oddlens.config import Settings
from oddlens.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class BackgroundSettings(Settings):
    """Boxes round what differs from the learned still background."""

    threshold: float = 5.0
    """A pixel is foreground if it differs from the background by more than this many times its usual noise, and..."""
    least_difference: float = 10.0
    """... by more than this many grey levels."""
    shadow: float = 0.2
    """Pixels darker than the background by no more than this share of it are shadow, not foreground; 0: none are."""
    smallest_area: float = 60.0
    """Square pixels a box must have at least, before it grows by the margin."""
    smallest_share: float = 0.2
    """Share of a typical object's area at its height in the picture that a box must have at least."""
    margin: int = 1
    """Pixels by which boxes grow on every side."""
    split: bool = True
    """Cut regions larger than one object is at their height in the picture, and join fragments that make up one."""
    follow_light: bool = True
    """Brighten or darken the background to each frame's light before they are compared."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        for name in ("threshold", "least_difference", "smallest_area", "margin"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise SettingsError("background", f"{name} is {getattr(self, name)}", "give a number from 0")
        for name in ("shadow", "smallest_share"):
            if not 0 <= getattr(self, name) < 1:
                raise SettingsError("background", f"{name} is {getattr(self, name)}", "give a number from 0 to below 1")
