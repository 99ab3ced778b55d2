"""Why one frame is odd: its pictures side by side, and a sentence on the part of the score that stood out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from oddlens.reports.parts import stood_out
from oddlens.reports.thumbnails import jpeg_uri

STRIP_WIDTH = 1040
"""Pixels a strip is wide at most in the page."""


@dataclass(frozen=True)
class Explanation:
    """What is known of one frame."""

    frame: int
    strip: bytes | None = None
    """Captioned pictures side by side, as a JPEG file."""
    deviations: Mapping[str, float] = field(default_factory=dict)
    """Of the parts of the score, from their means over training frames."""

    @property
    def sentence(self) -> str:
        """Which part stood out, empty where nobody knows what is usual."""
        highest, ranked = stood_out(self.deviations)
        if not ranked:
            return ""
        told = f"{highest} stood out most" if highest else "no part of the score stood out"
        return f"{told}: {ranked} deviations from the mean of training frames"


def explanation_html(explanation: Explanation, lead: str = "") -> str:
    """Strip and sentence, `lead` before it."""
    picture = ""
    if explanation.strip is not None:
        told = f"pictures of frame {explanation.frame}"
        picture = f'<img class="strip" alt="{told}" src="{jpeg_uri(explanation.strip)}">'
    sentence = lead + explanation.sentence
    return picture + (f"<p>{escape(sentence[:1].upper() + sentence[1:])}.</p>" if sentence else "")
