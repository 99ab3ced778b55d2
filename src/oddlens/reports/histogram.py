"""How scores lie on either side of the threshold, good and defective ones apart, as an inline picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_BINS = 60
_HEIGHT = 100
_COLOURS = (("good", "var(--good)", 0), ("defective", "var(--label)", 1), ("not labelled", "var(--curve)", None))


def histogram_html(scores: Sequence[tuple[float, int | None]], threshold: float) -> str:
    """Card with the numbers of photographs at each score, stacked by truth; nothing for fewer than two.

    Args:
        scores: score and label (1 = defective, 0 = good, None = unknown) of each photograph.
        threshold: drawn as a dashed line.
    """
    known = [(score, label) for score, label in scores if math.isfinite(score)]
    if len(known) < 2:
        return ""
    values = np.array([score for score, _ in known])
    low, high = min(values.min(), threshold), max(values.max(), threshold)
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    counted = [np.histogram([score for score, label in known if label == wanted], edges)[0] for *_, wanted in _COLOURS]
    tallest = int(np.sum(counted, axis=0).max())
    parts = [(name, colour, counts) for (name, colour, _), counts in zip(_COLOURS, counted)]
    bars, floor = [], np.zeros(_BINS, np.int64)
    for _, colour, counts in parts:
        for place in np.flatnonzero(counts).tolist():
            height, top = _HEIGHT * counts[place] / tallest, _HEIGHT * (1 - (floor[place] + counts[place]) / tallest)
            bars.append(f'<rect x="{place + 0.05}" y="{top:.2f}" width=".9" height="{height:.2f}" fill="{colour}"/>')
        floor += counts
    at = (threshold - edges[0]) / (edges[-1] - edges[0])
    legend = "".join(f'<span style="--swatch:{c}">{name}</span>' for name, c, counts in parts if counts.any())
    return (
        '<section class="card histogram"><h3>Scores</h3><div class="bars">'
        f'<svg viewBox="0 0 {_BINS} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="histogram of scores">'
        f'{"".join(bars)}</svg><i style="left:{100 * at:.2f}%"></i></div>'
        f'<div class="ends"><span>{edges[0]:.2f}</span><span>{edges[-1]:.2f}</span></div>'
        f'<div class="legend">{legend}<span class="dashes" style="--swatch:var(--alarm)">threshold</span></div>'
        "</section>\n"
    )
