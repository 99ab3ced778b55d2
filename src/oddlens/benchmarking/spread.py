"""Means over seeds, with how far they spread, as numbers and as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Spread(NamedTuple):
    """Mean, lowest and highest over seeds."""

    mean: float
    low: float
    high: float
    seeds: int

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread | None:
        """Of the values that are known; None without any."""
        known = [float(value) for value in values if value is not None]
        return cls(float(np.mean(known)), min(known), max(known), len(known)) if known else None

    def percent(self) -> str:
        """`91.2`, and of several seeds `91.2 (90.1 - 92.0)`.

        Example:
            >>> Spread.of([0.9, 0.91]).percent(), Spread.of([0.9]).percent()
            ('90.5 (90.0 - 91.0)', '90.0')
        """
        mean = f"{100 * self.mean:.1f}"
        return mean if self.seeds == 1 else f"{mean} ({100 * self.low:.1f} - {100 * self.high:.1f})"


def percent(spread: Spread | None) -> str:
    """As `Spread.percent`, `-` for None."""
    return "-" if spread is None else spread.percent()


def mean_interval(intervals: Iterable[Sequence[float | None] | None]) -> str:
    """Mean of the ends of 95 % intervals, in per cent; `-` where one is not known.

    Example:
        >>> mean_interval([[0.8, 0.9], [0.82, 0.92]])
        '81.0 - 91.0'
    """
    ends: list[Any] = [list(pair or (None, None)) for pair in intervals]
    if not ends or any(end is None for pair in ends for end in pair):
        return "-"
    low, high = np.mean(np.array(ends, dtype=np.float64), axis=0)
    return f"{100 * low:.1f} - {100 * high:.1f}"


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """Lines of a Markdown table; all but the first `left` columns are aligned to the right."""
    rule = "|" + "---|" * left + "---:|" * (len(heads) - left)
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(heads)} |", rule, *(f"| {' | '.join(row)} |" for row in cells)]
