"""Card of one photograph in the gallery."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

_LARGE = 1e308
_OUTCOMES = {"missed": "defect missed", "false": "good one rejected"}


@dataclass(frozen=True)
class PhotographCard:
    """What a gallery keeps of one photograph."""

    name: str
    score: float
    rejected: bool
    label: int | None
    kind: str
    thumbnail: str
    """Address with the small picture in it."""
    panel: str | None
    """Address of the large picture."""

    @property
    def outcome(self) -> str:
        """What the verdict is worth: `missed`, `false`, `right`, or `` where nobody knows."""
        if self.label is None:
            return ""
        if bool(self.label) == self.rejected:
            return "right"
        return "missed" if self.label else "false"

    @property
    def rank(self) -> float:
        """The score as a number that sorts and that a browser reads: infinities very large, NaN the lowest."""
        if math.isnan(self.score):
            return -_LARGE
        return min(max(self.score, -_LARGE), _LARGE)


def photograph_html(card: PhotographCard, index: int) -> str:
    """Card of the photograph that came `index`-th."""
    verdict = "rejected" if card.rejected else "passed"
    truth = "" if card.label is None else f"defect {card.kind}" if card.label else "good"
    chips = f'<span class="chip {"alarm" if card.rejected else "pass"}">{verdict}</span>'
    if card.label is not None:
        chips += f'<span class="chip truth">{escape(card.kind or "good")}</span>'
    wrong = f'<span class="wrong">{_OUTCOMES[card.outcome]}</span>' if card.outcome in _OUTCOMES else ""
    large = f' data-panel="{card.panel}"' if card.panel else ""
    return (
        f'<article class="card photograph" tabindex="-1" data-index="{index}" data-name="{escape(card.name)}"'
        f' data-score="{card.rank!r}" data-verdict="{verdict}" data-outcome="{card.outcome}"'
        f' data-truth="{escape(truth)}"{large}>'
        f'<img alt="" decoding="async" src="{card.thumbnail}"><h3>{escape(card.name).replace("/", "/<wbr>")}</h3>'
        f"<p><b>{card.score:.2f}</b>{chips}</p>{wrong}</article>\n"
    )
