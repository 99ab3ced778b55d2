"""Colours every picture and page of a report shares, as RGB."""

from __future__ import annotations

from typing import TypeAlias

Rgb: TypeAlias = tuple[int, int, int]

INK: Rgb = (23, 28, 38)
MUTED: Rgb = (107, 114, 128)
RULE: Rgb = (226, 229, 235)
CURVE: Rgb = (36, 99, 235)
ALARM: Rgb = (220, 52, 64)
LABEL: Rgb = (139, 92, 246)
"""Labelled abnormal: violet, so that nobody takes truth (violet) for verdict (red)."""
GROUND: Rgb = (245, 246, 249)
ALARM_WASH: Rgb = (253, 232, 234)
GOOD: Rgb = (21, 128, 61)
WARN: Rgb = (217, 145, 20)
CALM: Rgb = (96, 190, 255)
"""Ordinary objects on footage; they grow towards `WARM` as they come near the threshold."""
WARM: Rgb = (255, 200, 40)

NIGHT: Rgb = (17, 20, 27)
NIGHT_PAPER: Rgb = (25, 29, 38)
NIGHT_RULE: Rgb = (44, 50, 62)
NIGHT_TEXT: Rgb = (214, 219, 228)
NIGHT_MUTED: Rgb = (139, 147, 161)
NIGHT_CURVE: Rgb = (110, 168, 254)
NIGHT_ALARM: Rgb = (255, 92, 99)
NIGHT_ALARM_WASH: Rgb = (66, 30, 36)
NIGHT_LABEL: Rgb = (167, 139, 250)
NIGHT_GOOD: Rgb = (74, 201, 126)
WHITE: Rgb = (255, 255, 255)


def hex_colour(colour: Rgb) -> str:
    """`#rrggbb` of a colour.

    Example:
        >>> hex_colour((220, 52, 64))
        '#dc3440'
    """
    red, green, blue = colour
    return f"#{red:02x}{green:02x}{blue:02x}"
