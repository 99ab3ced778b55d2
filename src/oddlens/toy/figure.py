"""The figure: three digits, what memory draws of them, how that is deformed, and what remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from oddlens.motion.colour import flow_colours
from oddlens.nn.warp import warp
from oddlens.reports.colour import as_rgb, colourise, to_uint8
from oddlens.reports.lettering import lettering
from oddlens.reports.style import INK, MUTED, WHITE, Rgb
from oddlens.toy.data import ToyData
from oddlens.toy.experiment import Example, Outcome
from oddlens.toy.models import KINDS, SIDE, Redrawn, ToyModel
from oddlens.toy.scoring import diversity_map, error_map
from oddlens.toy.tables import TITLES
from oddlens.toy.training import network_values
from oddlens.types import Image

COLUMNS = ("input", "reference", "deformation", "its colours", "reconstruction", "error", "diversity")
_TILE, _GAP = 5 * SIDE, 8
_SIDE_TEXT, _SCORES, _HEAD, _FOOT = 150, 330, 30, 52
WIDTH = _SIDE_TEXT + len(COLUMNS) * (_TILE + _GAP) + _SCORES
"""Pixels of the figure's width."""
_STEP = 4
"""Pixels of the digit between two arrows."""
_SUBPIXEL = 4
_FAINT = 0.25
_ARROW: Rgb = (196, 30, 58)

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Row:
    """One digit of the figure."""

    title: str
    rule: str
    input: Map
    """Pictures and maps are `float32 (28, 28)`; pictures 0..1."""
    reference: Map
    movement: Map
    """`float32 (28, 28, 2)`: where the ink of each pixel came from, relative to it, in pixels (x, y)."""
    reconstruction: Map
    error: Map
    diversity: Map
    scores: tuple[tuple[str, float, float], ...]
    """Name, score, and the share of the normal test digits that score lower."""

    @property
    def height(self) -> int:
        """Pixels it takes in the figure."""
        return _TILE + _GAP


def figure_rows(data: ToyData, outcome: Outcome, alpha: float, device: torch.device) -> list[Row]:
    """What the figure shows of the experiment's three digits, by the models of the first seed."""
    return [_row(data, outcome, example, alpha, device) for example in outcome.examples]


def draw_figure(rows: Sequence[Row]) -> Image:
    """The figure, `uint8 (H, WIDTH, 3)`; colours are on one scale for all rows."""
    body = [_draw_row(row, _limits(rows)) for row in rows]
    return np.concatenate([_head(), *body, _foot()])


@torch.inference_mode()
def _row(data: ToyData, outcome: Outcome, example: Example, alpha: float, device: torch.device) -> Row:
    index = example.index
    target = network_values(torch.tensor(data.test.pictures[index : index + 1])).to(device)
    redrawn = _redraw(outcome.model, target)
    trial = outcome.trials[0]
    pdm = trial.scores["pdm"]
    named = [(TITLES[kind], trial.scores[kind].error) for kind in KINDS]
    named += [(f"PDM, error + {alpha:g} diversity", pdm.with_diversity(alpha)), ("PDM, diversity", pdm.diversity)]
    normal = data.test.normal
    scores = tuple(
        (name, float(values[index]), float((values[normal] < values[index]).mean())) for name, values in named
    )
    return Row(
        title=f"{example.title}: {data.test.labels[index]}",
        rule=example.rule,
        input=_array(target[0, 0]),
        reference=_array(redrawn.reference[0, 0]),
        movement=_array(composed(redrawn.offsets)[0] * ((SIDE - 1) / 2)),
        reconstruction=_array(redrawn.pictures[-1][0, 0]),
        error=_array(error_map(target, redrawn)[0]),
        diversity=_array(diversity_map(redrawn)[0]),
        scores=scores,
    )


def _redraw(model: ToyModel, target: torch.Tensor) -> Redrawn:
    redrawn: Redrawn = model(target)
    return redrawn


def _array(values: torch.Tensor) -> Map:
    return np.asarray(values.float().cpu().numpy(), dtype=np.float32)


def composed(offsets: Sequence[torch.Tensor]) -> torch.Tensor:
    """The one field `(B, H, W, 2)` that fetches from where `offsets`, applied one after another, fetch from.

    Example:
        >>> shift = torch.full((1, 3, 3, 2), 0.25)
        >>> composed([shift, shift])[0, 1, 1].tolist()
        [0.5, 0.5]
    """
    total = offsets[-1]
    for offset in reversed(offsets[:-1]):
        total = total + warp(offset.permute(0, 3, 1, 2), total).permute(0, 2, 3, 1)
    return total


def _limits(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Highest error, diversity and length of a movement."""
    movement = max(float(np.hypot(*np.moveaxis(row.movement, -1, 0)).max()) for row in rows)
    return max(float(row.error.max()) for row in rows), max(float(row.diversity.max()) for row in rows), movement


def _draw_row(row: Row, limits: tuple[float, float, float]) -> Image:
    band = np.full((row.height, WIDTH, 3), WHITE, np.uint8)
    big, small = lettering(14, bold=True), lettering(12)
    words = row.title.split(": ")
    for number, text in enumerate([*words[0].split(" "), f"({words[-1]})"]):
        big.draw(band, text, _GAP, 20 + number * (big.height + 2), INK)
    for number, text in enumerate(_wrapped(row.rule)):
        small.draw(band, text, _GAP, 86 + number * small.height, MUTED)
    tiles = (
        _picture(row.input),
        _picture(row.reference),
        _arrows(row),
        _enlarged(flow_colours(-row.movement, max(limits[2], 1e-6))),
        _picture(row.reconstruction),
        _enlarged(colourise(row.error, 0, max(limits[0], 1e-6))),
        _enlarged(colourise(row.diversity, 0, max(limits[1], 1e-6))),
    )
    for number, tile in enumerate(tiles):
        left = _SIDE_TEXT + number * (_TILE + _GAP)
        band[:_TILE, left : left + _TILE] = tile
    _write_scores(band, row)
    return band


def _wrapped(text: str) -> list[str]:
    """The rule in lines of two or three words."""
    words = text.split(" ")
    return [" ".join(words[:2]), " ".join(words[2:])]


def _picture(values: Map) -> Image:
    return _enlarged(as_rgb(to_uint8(values, 0.0, 1.0)))


def _enlarged(picture: Image) -> Image:
    return np.asarray(cv2.resize(picture, (_TILE, _TILE), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _arrows(row: Row) -> Image:
    """The reference, faint on white, with arrows from where ink comes from to where it goes."""
    tile = _enlarged(as_rgb(to_uint8(1 - _FAINT * np.clip(row.reference, 0, 1), 0.0, 1.0))).copy()
    scale = _TILE / SIDE
    for y in range(_STEP // 2, SIDE, _STEP):
        for x in range(_STEP // 2, SIDE, _STEP):
            ends = np.array([x, y], np.float64) + 0.5, np.array([x, y]) + 0.5 + row.movement[y, x]
            head, tail = (tuple(np.rint(end * scale * 2**_SUBPIXEL).astype(int).tolist()) for end in ends)
            length = float(np.hypot(*row.movement[y, x])) * scale
            cv2.arrowedLine(tile, tail, head, _ARROW, 1, cv2.LINE_AA, _SUBPIXEL, 4 / max(length, 4))
    return tile


def _write_scores(band: Image, row: Row) -> None:
    letters, bold = lettering(12), lettering(12, bold=True)
    left = WIDTH - _SCORES + 6
    for number, (name, value, below) in enumerate(row.scores):
        y = 14 + number * 24
        letters.draw(band, name, left, y, INK)
        text = f"{value:.1f}"
        bold.draw(band, text, left + 218 - bold.width(text), y, INK)
        share = f"{100 * below:.1f} %"
        letters.draw(band, share, WIDTH - _GAP - letters.width(share), y, MUTED)


def _head() -> Image:
    band = np.full((_HEAD, WIDTH, 3), WHITE, np.uint8)
    letters = lettering(13, bold=True)
    for number, title in enumerate(COLUMNS):
        left = _SIDE_TEXT + number * (_TILE + _GAP)
        letters.draw(band, title, left + (_TILE - letters.width(title)) // 2, 8, INK)
    left = WIDTH - _SCORES + 6
    letters.draw(band, "score", left, 8, INK)
    below = "normal digits below"
    letters.draw(band, below, WIDTH - _GAP - letters.width(below), 8, INK)
    return band


def _foot() -> Image:
    band = np.full((_FOOT, WIDTH, 3), WHITE, np.uint8)
    letters = lettering(12)
    lines = (
        "Reference, deformation, reconstruction, error and diversity are those of memory + PDM. Arrows show where ink "
        "moves; its colours: right red, down yellow, left cyan, up violet.",
        "Digits were chosen by the error of memory only. Scores are sums over the picture; the first three are plain "
        "errors. Colours have one scale for all three digits.",
    )
    for number, line in enumerate(lines):
        letters.draw(band, line, _GAP, 6 + number * (letters.height + 3), MUTED)
    return band
