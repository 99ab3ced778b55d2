"""Crisp text on pictures: glyphs are drawn once and pasted, fast enough for every frame of a video."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from oddlens.reports.style import Rgb
from oddlens.types import Image


class Lettering:
    """One size and weight of DejaVu Sans (it comes with matplotlib, so text looks the same everywhere)."""

    def __init__(self, size: int, bold: bool = False) -> None:
        name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
        self._font = ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)
        ascent, descent = self._font.getmetrics()
        self.height = ascent + descent
        self._glyphs: dict[str, NDArray[np.float32]] = {}

    def width(self, text: str) -> int:
        """Pixels `text` takes from left to right."""
        return sum(self._glyph(letter).shape[1] for letter in text)

    def draw(self, picture: Image, text: str, x: int, y: int, colour: Rgb) -> None:
        """Write `text` into `picture` `(H, W, 3)` with its top left at (x, y); what sticks out is cut."""
        if not text:
            return
        ink = np.concatenate([self._glyph(letter) for letter in text], axis=1)
        top, left = max(-y, 0), max(-x, 0)
        patch = picture[max(y, 0) : max(y + ink.shape[0], 0), max(x, 0) : max(x + ink.shape[1], 0)]
        ink = ink[top : top + patch.shape[0], left : left + patch.shape[1], None]
        patch[:] = np.rint(patch + (np.array(colour, np.float32) - patch) * ink)

    def _glyph(self, letter: str) -> NDArray[np.float32]:
        if letter not in self._glyphs:
            canvas = PilImage.new("L", (max(round(self._font.getlength(letter)), 1), self.height))
            ImageDraw.Draw(canvas).text((0, 0), letter, fill=255, font=self._font)
            self._glyphs[letter] = np.asarray(canvas, np.float32) / 255.0
        return self._glyphs[letter]


@cache
def lettering(size: int, bold: bool = False) -> Lettering:
    """The shared `Lettering` of this size."""
    return Lettering(size, bold)
